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
use super::trial::SessionOutcome;

/// What sessions showed, as it is kept in the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Evidence {
    /// The variant whose sessions are in the window.
    variant: Option<Digest>,
    /// The signatures of what failed, session by session, the latest last.
    window: VecDeque<BTreeSet<Digest>>,
    /// What is known of each of them.
    known: BTreeMap<Digest, Known>,
    /// How many sessions in a row the infrastructure spoiled.
    spoiled: u32,
}

/// What is known of a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Known {
    pub(crate) diagnosis: Diagnosis,
    /// How many sessions of this variant showed it.
    count: u64,
    /// What was told, each once.
    errors: Vec<String>,
    recoveries: Vec<RecoveryTrace>,
    /// Words that calls which worked had in the place of others, and in how many sessions.
    words: Vec<(Lessons, u32)>,
}

/// Most failures that are known at a time.
const MAX_KNOWN: usize = 64;
/// Most samples of one failure.
const MAX_SAMPLES: usize = 3;
/// Longest sample, in characters.
const MAX_SAMPLE: usize = 300;
/// In how many sessions a word must have worked before a skill is told it.
const WORKED_IN: u32 = 2;

/// A failure that comes again and again.
pub(crate) struct Systematic {
    pub(crate) signature: Digest,
    pub(crate) diagnosis: Diagnosis,
    pub(crate) sessions: u32,
    pub(crate) of: u32,
}

impl Evidence {
    /// Begins anew when another variant is active.
    pub(crate) fn turn_to(&mut self, variant: Digest) {
        if self.variant != Some(variant) {
            *self = Self { variant: Some(variant), ..Self::default() };
        }
    }

    /// Takes in a session of the variant that the window is about.
    pub(crate) fn take(&mut self, diagnoses: &[Diagnosis], policy: &AdaptPolicy) {
        self.spoiled = 0;
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

    /// Counts a session that the infrastructure spoiled. Whether as many in a row were as are looked at.
    pub(crate) fn spoil(&mut self) {
        self.spoiled = self.spoiled.saturating_add(1);
    }

    /// Whether the infrastructure spoiled as many sessions in a row as are looked at.
    pub(crate) fn is_spoiled(&self, policy: &AdaptPolicy) -> bool {
        self.spoiled as usize >= policy.window
    }

    fn know(&mut self, signature: Digest, diagnosis: &Diagnosis) {
        if self.known.len() >= MAX_KNOWN && !self.known.contains_key(&signature) {
            let is_seen = |one: &Digest| self.window.iter().any(|session| session.contains(one));
            let Some(gone) = self.known.keys().copied().find(|one| !is_seen(one)) else { return };
            self.known.remove(&gone);
        }
        let known = self.known.entry(signature).or_insert_with(|| Known {
            diagnosis: diagnosis.clone(),
            count: 0,
            errors: Vec::new(),
            recoveries: Vec::new(),
            words: Vec::new(),
        });
        known.take(diagnosis);
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
                let diagnosis = self.known.get(&signature)?.proven();
                let of = u32::try_from(of).unwrap_or(u32::MAX);
                Some(Systematic { signature, diagnosis, sessions, of })
            })
            .collect();
        found.sort_by_key(|one| (std::cmp::Reverse(one.sessions), one.diagnosis.class));
        found
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

impl Systematic {
    /// Lessons with the counts of this failure, where they are about an ability.
    pub(crate) fn counted(&self, lessons: &Lessons) -> Lessons {
        let counted = lessons.lessons.iter().map(|lesson| match lesson {
            Lesson::Ability { primitive, level, .. } => Lesson::Ability {
                primitive: *primitive,
                level: *level,
                successes: self.of.saturating_sub(self.sessions),
                failures: self.sessions,
            },
            other => other.clone(),
        });
        Lessons { context: lessons.context.clone(), ..Lessons::new(counted) }
    }
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
        if self.errors.len() < MAX_SAMPLES && !self.errors.contains(&error) {
            self.errors.push(error.clone());
        }
        if let Some(recovery) = &symptom.recovery
            && self.recoveries.len() < MAX_SAMPLES
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
        for word in diagnosis.remedies.iter().filter(|lessons| is_from_call(lessons)) {
            let has_room = self.words.len() < MAX_SAMPLES;
            match self.words.iter_mut().find(|(known, _)| known == word) {
                Some((_, sessions)) => *sessions = sessions.saturating_add(1),
                None if has_room => self.words.push((word.clone(), 1)),
                None => {}
            }
        }
        // A later session may show a way out that the first did not.
        if self.diagnosis.remedies.len() < diagnosis.remedies.len() {
            self.diagnosis = diagnosis.clone();
        }
    }

    /// The diagnosis, of which words out of calls are left in as they worked in enough sessions.
    fn proven(&self) -> Diagnosis {
        let mut diagnosis = self.diagnosis.clone();
        diagnosis.remedies.retain(|lessons| !is_from_call(lessons));
        let proven = self.words.iter().filter(|(_, sessions)| *sessions >= WORKED_IN);
        let proven = proven.map(|(lessons, _)| lessons.clone());
        diagnosis.remedies.splice(0..0, proven);
        diagnosis
    }
}

/// Whether lessons take a word out of a call that worked. Another name of a program is generally known.
fn is_from_call(lessons: &Lessons) -> bool {
    lessons
        .lessons
        .iter()
        .any(|lesson| matches!(lesson, Lesson::Word { program, written, .. } if program != written))
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
