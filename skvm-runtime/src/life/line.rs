//! One skill in one place for one target.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use skvm_core::digest::Digest;
use skvm_core::failure::Lessons;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::variant::Variant;

use super::history::{Activation, ActivationReason};
use crate::adaptation::{AdaptPolicy, Tally};
use crate::store::unix_millis;

/// What is active, and what was decided; one record in the store, so that all of it changes at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    /// For people.
    pub(crate) skill: String,
    pub(crate) root: String,
    pub(crate) target: Target,
    pub(crate) active: Option<Active>,
    /// What was active before, for going back.
    pub(crate) previous: Vec<Active>,
    pub(crate) pinned: bool,
    pub(crate) trial: Option<Trial>,
    /// A fix that waits for approval.
    pub(crate) proposed: Option<Fix>,
    pub(crate) ledger: Ledger,
    /// The latest activations, oldest first.
    pub(crate) activations: Vec<Activation>,
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
    /// The failure that it was compiled for, and what is new in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) heals: Option<(Digest, Arc<Lessons>)>,
}

/// A variant that was compiled for a failure, or proposed by the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fix {
    pub(crate) variant: Active,
    /// The lessons that are new in it.
    pub(crate) learned: Arc<Lessons>,
}

/// A fix that is being tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trial {
    pub(crate) fix: Fix,
    pub(crate) tally: Tally,
}

/// What was decided about failures of one state of the skill.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ledger {
    /// The state of the skill.
    source: Option<Digest>,
    /// Fixes that were tried for a failure and not kept.
    refused: BTreeSet<Digest>,
    /// Failures of which a person was told.
    told: BTreeSet<Digest>,
    budget_told: bool,
    pub(crate) recompiles: u32,
    pub(crate) tokens: u64,
}

impl Ledger {
    /// Begins anew when the skill is in another state.
    pub(crate) fn turn_to(&mut self, source: Digest) {
        if self.source != Some(source) {
            *self = Self { source: Some(source), ..Self::default() };
        }
    }

    /// Whether a fix was tried for a failure, whatever counts it came with.
    pub(crate) fn was_refused(&self, failure: Digest, lessons: &Lessons) -> bool {
        self.refused.contains(&fix_id(failure, lessons))
    }

    pub(crate) fn refuse(&mut self, failure: Digest, lessons: &Lessons) {
        self.refused.insert(fix_id(failure, lessons));
    }

    /// Whether a person is told of it for the first time.
    pub(crate) fn tell(&mut self, failure: Digest) -> bool {
        self.told.insert(failure)
    }

    /// Whether another recompilation is within the budget.
    pub(crate) fn has_budget(&self, policy: &AdaptPolicy) -> bool {
        self.recompiles < policy.recompiles
    }

    /// Whether a model may still be asked.
    pub(crate) fn has_tokens(&self, policy: &AdaptPolicy) -> bool {
        self.tokens < policy.tokens
    }

    /// Counts a recompilation that is tried.
    pub(crate) fn spend(&mut self, tokens: u64) {
        self.recompiles = self.recompiles.saturating_add(1);
        self.spend_tokens(tokens);
    }

    pub(crate) fn spend_tokens(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// Whether the end of the budget is told for the first time.
    pub(crate) fn tell_budget(&mut self) -> bool {
        !std::mem::replace(&mut self.budget_told, true)
    }
}

/// Names a fix for a failure. The counts of an ability grow, and the fix is the same; so it is with the failures that a
/// model is told of.
fn fix_id(failure: Digest, lessons: &Lessons) -> Digest {
    Digest::builder("fix")
        .field(failure.as_bytes())
        .field(lessons.uncounted().digest().as_bytes())
        .field(&[u8::from(lessons.context.is_some())])
        .finish()
}

/// Most variants to which one can go back.
const MAX_PREVIOUS: usize = 8;
/// Most activations that are remembered.
const MAX_ACTIVATIONS: usize = 1_000;

impl Line {
    pub(crate) fn new(skill: &Skill, target: &Target) -> Self {
        Self {
            skill: skill.name().to_owned(),
            root: skill.root().to_string_lossy().into_owned(),
            target: target.clone(),
            active: None,
            previous: Vec::new(),
            pinned: false,
            trial: None,
            proposed: None,
            ledger: Ledger::default(),
            activations: Vec::new(),
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

    /// Makes a variant active, and remembers the one before it. A trial of what is no longer active ends.
    pub(crate) fn activate(&mut self, active: Active, reason: ActivationReason) {
        if let Some(before) = self.active.take().filter(|before| before.key != active.key) {
            self.previous.push(before);
            if self.previous.len() > MAX_PREVIOUS {
                self.previous.remove(0);
            }
        }
        self.note(active.variant, reason);
        self.active = Some(active);
        (self.trial, self.proposed) = (None, None);
    }

    /// Goes back to the variant before the active one, which is forgotten: with it a fix that it was, for good.
    pub(crate) fn roll_back(&mut self, reason: ActivationReason) -> Option<()> {
        let active = self.previous.pop()?;
        if let Some((failure, learned)) = self.active.take().and_then(|active| active.heals) {
            self.ledger.refuse(failure, &learned);
        }
        self.note(active.variant, reason);
        self.active = Some(active);
        (self.trial, self.proposed, self.pinned) = (None, None, true);
        Some(())
    }

    /// Notes a change of what is active, or of why it is.
    pub(crate) fn note(&mut self, variant: Digest, reason: ActivationReason) {
        self.activations.push(Activation { at: unix_millis(), variant, reason });
        if self.activations.len() > MAX_ACTIVATIONS {
            self.activations.remove(0);
        }
    }

    /// The keys of all variants that the line may still need.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Digest> + '_ {
        let tried = self.trial.iter().map(|trial| &trial.fix);
        let fixes = tried.chain(&self.proposed).map(|fix| fix.variant.key);
        self.active.iter().chain(&self.previous).map(|active| active.key).chain(fixes)
    }

    /// The variant of the line that has this digest.
    pub(crate) fn named(&self, variant: Digest) -> Option<&Active> {
        let tried = self.trial.iter().map(|trial| &trial.fix.variant);
        let mut all = self.active.iter().chain(tried).chain(&self.previous);
        all.find(|active| active.variant == variant)
    }
}

impl Active {
    pub(crate) fn of(key: Digest, variant: &Variant, lessons: Arc<Lessons>) -> Self {
        let (source, variant) = (variant.manifest().source, variant.digest());
        Self { key, variant, source, lessons, heals: None }
    }
}
