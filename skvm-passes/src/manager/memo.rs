//! Results of passes, kept so that the same work is not done twice.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use skvm_core::artifact::ArtifactSet;
use skvm_core::digest::Digest;
use skvm_core::pass::{Pass, PassOutput, Unit};

/// Most results that are kept unless the builder says otherwise; the oldest go first.
pub(super) const DEFAULT_CAPACITY: usize = 1024;

/// The key of a result, without the target and with it: most passes never look at the target, and
/// their results serve all targets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    shared: Digest,
    of_target: Digest,
}

impl Keys {
    pub(super) fn of(
        pass: &dyn Pass,
        unit: &Unit,
        artifacts: &ArtifactSet,
        model: Option<&str>,
    ) -> Self {
        let mut builder = Digest::builder("pass-memo")
            .field(pass.id().as_str().as_bytes())
            .field(&pass.version().to_le_bytes())
            .field(pass.configuration().as_bytes())
            .field(unit.skill.digest().to_string().as_bytes())
            .field(unit.skill.root().as_os_str().as_encoded_bytes())
            .field(unit.install_dir.as_os_str().as_encoded_bytes())
            .field(model.unwrap_or("").as_bytes());
        for key in pass.reads() {
            builder.add(key.as_str().as_bytes());
            let digest = artifacts.digest(key.as_str()).map(|digest| digest.to_string());
            builder.add(digest.as_deref().unwrap_or("").as_bytes());
        }
        if pass.needs_profile()
            && let Some(profile) = &unit.profile
        {
            builder.add(profile.digest().to_string().as_bytes());
        }
        let shared = builder.finish();
        let target = [unit.target.model.as_str(), unit.target.harness.as_str()];
        let of_target = builder.field(target[0].as_bytes()).field(target[1].as_bytes()).finish();
        Self { shared, of_target }
    }
}

pub(super) struct Memo {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    results: HashMap<Digest, Arc<PassOutput>>,
    oldest_first: VecDeque<Digest>,
}

impl Memo {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    pub(super) fn get(&self, keys: &Keys) -> Option<Arc<PassOutput>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.results.get(&keys.shared).or_else(|| state.results.get(&keys.of_target)).cloned()
    }

    pub(super) fn put(&self, keys: Keys, output: Arc<PassOutput>) {
        let key = if output.looked_at_target { keys.of_target } else { keys.shared };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.results.insert(key, output).is_none() {
            state.oldest_first.push_back(key);
        }
        while state.oldest_first.len() > self.capacity {
            if let Some(oldest) = state.oldest_first.pop_front() {
                state.results.remove(&oldest);
            }
        }
    }
}
