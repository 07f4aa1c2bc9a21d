//! Results of passes, kept so that the same work is not done twice.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use skvm_core::artifact::ArtifactSet;
use skvm_core::digest::Digest;
use skvm_core::host::HostFacts;
use skvm_core::pass::{Pass, PassOutput, Unit};

/// Most results that are kept unless the builder says otherwise; the oldest go first.
pub(super) const DEFAULT_CAPACITY: usize = 1024;

/// The keys of a result by what the pass looked at: most passes never look at the target or the host,
/// and their results serve all of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    shared: Digest,
    of_target: Digest,
    of_host: Digest,
    of_both: Digest,
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
        if pass.heeds_lessons()
            && let Some(lessons) = &unit.lessons
        {
            builder.add(b"lessons");
            builder.add(lessons.digest().as_bytes());
        }
        let target = Digest::builder("target")
            .field(unit.target.model.as_str().as_bytes())
            .field(unit.target.harness.as_str().as_bytes())
            // The type holds nothing that serde_json refuses.
            .field(&serde_json::to_vec(&unit.features).unwrap_or_default())
            .finish();
        let host = unit.host.as_deref().map(HostFacts::digest);
        let shared = builder.finish();
        let with = |facts: &[String]| {
            let builder = Digest::builder("pass-memo-of").field(shared.to_string().as_bytes());
            facts.iter().fold(builder, |builder, fact| builder.field(fact.as_bytes())).finish()
        };
        let target = format!("target {target}");
        let host = format!("host {}", host.map(|digest| digest.to_string()).unwrap_or_default());
        Self {
            shared,
            of_target: with(std::slice::from_ref(&target)),
            of_host: with(std::slice::from_ref(&host)),
            of_both: with(&[target, host]),
        }
    }

    fn of_output(&self, output: &PassOutput) -> Digest {
        match (output.looked_at_target, output.looked_at_host) {
            (false, false) => self.shared,
            (true, false) => self.of_target,
            (false, true) => self.of_host,
            (true, true) => self.of_both,
        }
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
        let mut keys = [keys.shared, keys.of_target, keys.of_host, keys.of_both].into_iter();
        keys.find_map(|key| state.results.get(&key).cloned())
    }

    pub(super) fn put(&self, keys: Keys, output: Arc<PassOutput>) {
        let key = keys.of_output(&output);
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
