//! Evidence: what the latest sessions of a skill on a target showed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Map;
use skvm_core::digest::Digest;
use skvm_core::failure::{
    FailureClass, FailureClassification, FailureContext, FailurePattern, Lesson, Lessons,
    PatternCategory, RecoveryTrace,
};

use super::diagnosis::Diagnosis;
use super::policy::AdaptPolicy;
use super::symptom::SymptomKind;
use super::trial::{SessionOutcome, Tally};
use crate::secret::holds_secret;

/// What sessions showed, as it is kept in the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Evidence {
    /// The state of the skill that it is about.
    source: Option<Digest>,
    /// The variant whose sessions are in the window.
    variant: Option<Digest>,
    /// The signatures of what failed, session by session, the latest last.
    window: VecDeque<BTreeSet<Digest>>,
    /// What is known of each of them.
    known: BTreeMap<Digest, Known>,
    /// Fixes that were tried for a failure and not kept.
    refused: BTreeSet<Digest>,
    /// Failures of which a person was told.
    told: BTreeSet<Digest>,
    budget_told: bool,
    recompiles: u32,
    tokens: u64,
    tally: Tally,
    /// The revision at which this was read.
    #[serde(skip)]
    pub(crate) revision: u64,
}

/// What is known of a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Known {
    pub(crate) diagnosis: Diagnosis,
    /// How many sessions with it there were at all.
    count: u64,
    /// What was told, each once.
    errors: Vec<String>,
    recoveries: Vec<RecoveryTrace>,
}

/// Most failures that are known at a time.
const MAX_KNOWN: usize = 64;
/// Most samples of one failure.
const MAX_SAMPLES: usize = 3;
/// Longest sample, in characters.
const MAX_SAMPLE: usize = 300;

/// A failure that comes again and again.
pub(crate) struct Systematic {
    pub(crate) signature: Digest,
    pub(crate) known: Known,
    pub(crate) sessions: u32,
    pub(crate) of: u32,
}

impl Evidence {
    /// Begins anew when the skill is another one, and with an empty window when its variant is.
    pub(crate) fn turn_to(&mut self, source: Digest, variant: Digest) {
        if self.source != Some(source) {
            let revision = self.revision;
            *self = Self { source: Some(source), revision, ..Self::default() };
        }
        if self.variant != Some(variant) {
            (self.variant, self.tally) = (Some(variant), Tally::default());
            self.window.clear();
        }
    }

    /// Takes in a session of the variant that the window is about.
    pub(crate) fn take(&mut self, diagnoses: &[Diagnosis], policy: &AdaptPolicy) {
        let mut signatures = BTreeSet::new();
        for diagnosis in diagnoses {
            let signature = diagnosis.signature();
            if signatures.insert(signature) {
                self.know(signature, diagnosis);
            }
        }
        self.window.push_back(signatures);
        while self.window.len() > policy.window {
            self.window.pop_front();
        }
    }

    fn know(&mut self, signature: Digest, diagnosis: &Diagnosis) {
        if self.known.len() >= MAX_KNOWN && !self.known.contains_key(&signature) {
            let is_seen = |one: &Digest| self.window.iter().any(|session| session.contains(one));
            let Some(gone) = self.known.keys().copied().find(|one| !is_seen(one)) else { return };
            self.known.remove(&gone);
        }
        let known = self.known.entry(signature).or_insert_with(|| Known {
            diagnosis: without_secrets(diagnosis),
            count: 0,
            errors: Vec::new(),
            recoveries: Vec::new(),
        });
        known.take(diagnosis);
    }

    /// The session of a trial.
    pub(crate) fn tally(&mut self, outcome: SessionOutcome, is_new: bool) -> &Tally {
        self.tally.take(outcome, is_new);
        &self.tally
    }

    /// Forgets the sessions of the last trial.
    pub(crate) fn begin_trial(&mut self) {
        self.tally = Tally::default();
    }

    /// The failures that come often enough, the most frequent first.
    pub(crate) fn systematic(&self, policy: &AdaptPolicy) -> Vec<Systematic> {
        let of = self.window.len();
        let mut counts: BTreeMap<Digest, u32> = BTreeMap::new();
        for signature in self.window.iter().flatten() {
            *counts.entry(*signature).or_default() += 1;
        }
        let share = |sessions: u32| f64::from(sessions) / (of.max(1) as f64);
        let mut found: Vec<Systematic> = counts
            .into_iter()
            .filter(|(_, sessions)| *sessions >= policy.sessions && share(*sessions) >= policy.rate)
            .filter_map(|(signature, sessions)| {
                let known = self.known.get(&signature)?.clone();
                let of = u32::try_from(of).unwrap_or(u32::MAX);
                Some(Systematic { signature, known, sessions, of })
            })
            .collect();
        found.sort_by_key(|one| (std::cmp::Reverse(one.sessions), one.known.diagnosis.class));
        found
    }

    /// Whether a fix was tried for a failure, whatever counts it came with.
    pub(crate) fn was_refused(&self, signature: Digest, lessons: &Lessons) -> bool {
        self.refused.contains(&fix(signature, lessons))
    }

    pub(crate) fn refuse(&mut self, signature: Digest, lessons: &Lessons) {
        self.refused.insert(fix(signature, lessons));
    }

    /// Whether a person is told of it for the first time.
    pub(crate) fn tell(&mut self, signature: Digest) -> bool {
        self.told.insert(signature)
    }

    /// Whether another recompilation is within the budget.
    pub(crate) fn has_budget(&self, policy: &AdaptPolicy) -> bool {
        self.recompiles < policy.recompiles
    }

    /// Whether a model may still be asked.
    pub(crate) fn has_tokens(&self, policy: &AdaptPolicy) -> bool {
        self.tokens < policy.tokens
    }

    pub(crate) fn spend(&mut self, tokens: u64) {
        self.recompiles += 1;
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// What was spent, when it has not been told yet that the budget is.
    pub(crate) fn tell_budget(&mut self) -> Option<(u32, u64)> {
        let is_new = !std::mem::replace(&mut self.budget_told, true);
        is_new.then_some((self.recompiles, self.tokens))
    }

    /// The counts of an ability, as lessons have them: sessions with and without a failure.
    pub(crate) fn counted(&self, lessons: &Lessons, sessions: u32, of: u32) -> Lessons {
        let counted = lessons.lessons.iter().map(|lesson| match lesson {
            Lesson::Ability { primitive, level, .. } => Lesson::Ability {
                primitive: *primitive,
                level: *level,
                successes: of.saturating_sub(sessions),
                failures: sessions,
            },
            other => other.clone(),
        });
        Lessons { context: lessons.context.clone(), ..Lessons::new(counted) }
    }

    /// The failures in the words of the original SkVM.
    pub(crate) fn context(&self, systematic: bool) -> FailureContext {
        let seen: BTreeSet<Digest> = self.window.iter().flatten().copied().collect();
        let mut known: Vec<&Known> = self
            .known
            .iter()
            .filter(|(one, _)| seen.contains(one))
            .map(|(_, known)| known)
            .collect();
        known.sort_by_key(|known| std::cmp::Reverse(known.count));
        let patterns = known.iter().map(|known| FailurePattern {
            tool_name: known.diagnosis.symptom.tool.clone(),
            frequency: known.count,
            category: category(known.diagnosis.symptom.kind),
            sample_errors: known.errors.clone(),
            extra: Map::new(),
        });
        let failed = self.window.iter().filter(|session| !session.is_empty()).count();
        FailureContext {
            classification: match systematic {
                true => FailureClassification::Systematic,
                false => FailureClassification::TaskSpecific,
            },
            patterns: patterns.collect(),
            recovery_traces: known.iter().flat_map(|known| known.recoveries.clone()).collect(),
            source_variant_id: self.variant.map(|digest| digest.to_string()).unwrap_or_default(),
            run_count: self.window.len() as u64,
            failure_rate: failed as f64 / (self.window.len().max(1) as f64),
            extra: Map::new(),
        }
    }
}

/// Names a fix for a failure. The counts of an ability grow, and the fix is the same.
fn fix(signature: Digest, lessons: &Lessons) -> Digest {
    let uncounted = lessons.lessons.iter().map(|lesson| match lesson {
        Lesson::Ability { primitive, level, .. } => {
            Lesson::Ability { primitive: *primitive, level: *level, successes: 0, failures: 0 }
        }
        other => other.clone(),
    });
    Digest::builder("fix")
        .field(signature.as_bytes())
        .field(Lessons::new(uncounted).digest().as_bytes())
        // The failures change with every session; that a model was asked is what counts.
        .field(&[u8::from(lessons.context.is_some())])
        .finish()
}

fn category(kind: SymptomKind) -> PatternCategory {
    match kind {
        SymptomKind::CallTimeout | SymptomKind::RunTimeout | SymptomKind::TurnLimit => {
            PatternCategory::Timeout
        }
        SymptomKind::NetworkRefused | SymptomKind::Infrastructure | SymptomKind::Filtered => {
            PatternCategory::ApiError
        }
        SymptomKind::Loop
        | SymptomKind::Retry
        | SymptomKind::Correction
        | SymptomKind::Truncated
        | SymptomKind::TooLong => PatternCategory::LogicError,
        _ => PatternCategory::ToolError,
    }
}

impl Known {
    fn take(&mut self, diagnosis: &Diagnosis) {
        self.count += 1;
        let symptom = &diagnosis.symptom;
        let sample = |text: &str| text.chars().take(MAX_SAMPLE).collect::<String>();
        let error = sample(&symptom.message);
        if self.errors.len() < MAX_SAMPLES && !self.errors.contains(&error) && !holds_secret(&error)
        {
            self.errors.push(error.clone());
        }
        if let Some(recovery) = &symptom.recovery
            && self.recoveries.len() < MAX_SAMPLES
            && !holds_secret(&recovery.call)
        {
            self.recoveries.push(RecoveryTrace {
                failed_step: symptom.turn as u64,
                failed_tool_name: symptom.tool.clone(),
                failed_error: error,
                recovered_at_step: recovery.turn as u64,
                recovery_action: sample(&recovery.call),
                extra: Map::new(),
            });
        }
        // What a later session adds to the ways out: a recovery that the first did not have.
        if self.diagnosis.remedies.len() < diagnosis.remedies.len() {
            self.diagnosis = without_secrets(diagnosis);
        }
    }
}

/// The diagnosis without calls that hold a secret.
fn without_secrets(diagnosis: &Diagnosis) -> Diagnosis {
    let mut diagnosis = diagnosis.clone();
    let symptom = &mut diagnosis.symptom;
    symptom.call = symptom.call.take().filter(|call| !holds_secret(call));
    symptom.recovery = symptom.recovery.take().filter(|recovery| !holds_secret(&recovery.call));
    diagnosis
}

/// How a session went, as far as it says something about skill and target; `None` for one that the infrastructure
/// spoiled.
pub(crate) fn outcome_of(
    ended_well: bool,
    succeeded: Option<bool>,
    diagnoses: &[Diagnosis],
) -> Option<SessionOutcome> {
    if diagnoses.iter().any(|one| one.class == FailureClass::FlakyNetwork) {
        return None;
    }
    Some(match (ended_well && succeeded != Some(false), diagnoses.is_empty()) {
        (true, true) => SessionOutcome::Clean,
        (true, false) => SessionOutcome::Mended,
        (false, _) => SessionOutcome::Failed,
    })
}
