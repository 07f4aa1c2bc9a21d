//! One skill in one place for one target.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use skvm_core::digest::Digest;
use skvm_core::failure::Lessons;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::variant::Variant;

use super::history::Activation;

/// What is active, as it is kept in the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    /// For people, and for finding lines again.
    pub(crate) skill: String,
    pub(crate) root: PathBuf,
    pub(crate) target: Target,
    pub(crate) active: Option<Active>,
    /// What was active before, for going back.
    pub(crate) previous: Vec<Active>,
    pub(crate) pinned: bool,
    pub(crate) trial: Option<Fix>,
    /// A fix that waits for approval.
    pub(crate) proposed: Option<Fix>,
    /// How many activations there were.
    pub(crate) activations: u64,
    /// The latest of them, also when nobody came to noting it in the history.
    #[serde(default)]
    pub(crate) latest: Option<Activation>,
    /// The revision at which this was read; 0 for a new one.
    #[serde(skip)]
    pub(crate) revision: u64,
}

/// A variant and what it was compiled with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Active {
    /// The key under which it is published.
    pub(crate) key: Digest,
    pub(crate) variant: Digest,
    /// The skill's digest.
    pub(crate) source: Digest,
    #[serde(default)]
    pub(crate) lessons: Arc<Lessons>,
}

/// A variant that was compiled for a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fix {
    pub(crate) variant: Active,
    /// The failure; `None` for one that the host proposed.
    pub(crate) failure: Option<Digest>,
    /// The lessons that are new in it.
    pub(crate) learned: Arc<Lessons>,
}

/// Most variants to which one can go back.
const MAX_PREVIOUS: usize = 8;

impl Line {
    pub(crate) fn new(skill: &Skill, target: &Target) -> Self {
        Self {
            skill: skill.name().to_owned(),
            root: skill.root().to_owned(),
            target: target.clone(),
            active: None,
            previous: Vec::new(),
            pinned: false,
            trial: None,
            proposed: None,
            activations: 0,
            latest: None,
            revision: 0,
        }
    }

    /// Names the line.
    pub(crate) fn id(skill: &Skill, target: &Target) -> Digest {
        Digest::builder("skvm/line/1")
            .field(skill.name().as_bytes())
            .field(skill.root().as_os_str().as_encoded_bytes())
            .field(target.model.as_str().as_bytes())
            .field(target.harness.as_str().as_bytes())
            .finish()
    }

    /// What its variants are compiled with.
    pub(crate) fn lessons(&self) -> Arc<Lessons> {
        self.active.as_ref().map(|active| Arc::clone(&active.lessons)).unwrap_or_default()
    }

    /// Puts a variant in the place of the active one. A trial of what is no longer active ends.
    pub(crate) fn activate(&mut self, active: Active) {
        if let Some(before) = self.active.replace(active) {
            self.previous.push(before);
            if self.previous.len() > MAX_PREVIOUS {
                self.previous.remove(0);
            }
        }
        (self.trial, self.proposed) = (None, None);
    }

    /// The keys of all variants that the line may still need.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Digest> + '_ {
        let fixes = self.trial.iter().chain(&self.proposed).map(|fix| fix.variant.key);
        self.active.iter().chain(&self.previous).map(|active| active.key).chain(fixes)
    }
}

impl Active {
    pub(crate) fn of(key: Digest, variant: &Variant, lessons: Arc<Lessons>) -> Self {
        Self { key, variant: variant.digest(), source: variant.manifest().source, lessons }
    }
}
