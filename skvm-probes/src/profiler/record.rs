//! What is kept of an examined instance, and taken over from an earlier run.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skvm_core::capability::{FailureReport, Level, Primitive};
use skvm_core::llm::Usage;

use super::report;
use crate::examination::Examination;
use crate::probe::{Instance, Outcome};

/// What came of one instance, with all attempts at it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Noted {
    pub(super) primitive: Primitive,
    pub(super) level: Level,
    /// Counts the instances of a level from 0.
    pub(super) number: u32,
    seed: u64,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
    /// What all attempts together cost.
    #[serde(default)]
    pub(super) usage: Usage,
    #[serde(default)]
    pub(super) duration_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) report: Option<FailureReport>,
}

impl Noted {
    pub(super) fn new(primitive: Primitive, level: Level, number: u32, seed: u64) -> Self {
        Self {
            primitive,
            level,
            number,
            seed,
            outcome: Outcome::Skipped("it was not put".to_owned()),
            usage: Usage::default(),
            duration_ms: 0,
            report: None,
        }
    }

    pub(super) fn skipped(primitive: Primitive, level: Level, number: u32, why: &str) -> Self {
        let outcome = Outcome::Skipped(why.to_owned());
        Self { outcome, ..Self::new(primitive, level, number, 0) }
    }

    /// Takes in one more attempt.
    pub(super) fn add(&mut self, instance: &Instance, examination: Examination) {
        let Examination { outcome, record } = examination;
        self.report = None;
        if let Some(record) = record {
            self.usage.add(&record.usage);
            self.duration_ms += record.duration_ms;
            if let Outcome::Failed(reason) = &outcome {
                self.report = Some(FailureReport {
                    primitive_id: self.primitive,
                    level: self.level,
                    instance: self.number,
                    seed: self.seed,
                    prompt: report::shortened(instance.prompt(), report::PROMPT),
                    eval_details: reason.clone(),
                    agent_text: report::shortened(&record.text, report::ANSWER),
                    steps: report::shortened_steps(&record.steps),
                    duration_ms: record.duration_ms,
                    extra: serde_json::Map::new(),
                });
            }
        }
        self.outcome = outcome;
    }

    pub(super) fn is_judged(&self) -> bool {
        self.outcome.is_judged()
    }

    pub(super) fn to_value(&self) -> Value {
        // Nothing of it is refused by serde_json.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// The judged instances of an earlier run.
#[derive(Debug, Default)]
pub(super) struct Recorded(HashMap<(Primitive, Level, u32), Noted>);

impl Recorded {
    /// Reads a journal; entries that are none of ours are passed over.
    pub(super) fn read(entries: Vec<Value>) -> Self {
        let notes = entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok());
        let judged = notes.filter(Noted::is_judged);
        Self(judged.map(|noted| ((noted.primitive, noted.level, noted.number), noted)).collect())
    }

    pub(super) fn get(&self, primitive: Primitive, level: Level, number: u32) -> Option<&Noted> {
        self.0.get(&(primitive, level, number))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
