//! Reports of failed instances: the evidence behind a level that was not reached.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Level, Primitive};
use crate::harness::Step;

/// What a target was asked, what it did, and why that was not right. The field names that the original SkVM
/// has are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureReport {
    /// The primitive.
    pub primitive_id: Primitive,
    /// The level of the instance.
    pub level: Level,
    /// The number of the instance at this level, from 0.
    pub instance: u32,
    /// The seed of the instance.
    #[serde(default)]
    pub seed: u64,
    /// What was asked.
    #[serde(default)]
    pub prompt: String,
    /// Why it was not right.
    pub eval_details: String,
    /// The last words of the target.
    pub agent_text: String,
    /// What it did, shortened where it is long.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The failure reports of a profile, by primitive and level: the original SkVM's `failure-reports.json`.
///
/// ```
/// use skvm_core::capability::{FailureReports, Level, Primitive};
///
/// let json = r#"{"profiledAt":"2026-01-01T00:00:00Z","reports":{"tool.exec/L2":[{"primitiveId":"tool.exec",
///     "level":"L2","instance":0,"evalDetails":"no command was run","agentText":"42"}]}}"#;
/// let reports: FailureReports = serde_json::from_str(json)?;
/// assert_eq!(reports.of(Primitive::ToolExec, Level::L2)[0].eval_details, "no command was run");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureReports {
    /// When, as an ISO 8601 text.
    pub profiled_at: String,
    /// Reports by `primitive/level`.
    #[serde(default)]
    reports: BTreeMap<String, Vec<FailureReport>>,
}

impl FailureReports {
    /// No report yet.
    #[must_use]
    pub fn new(profiled_at: impl Into<String>) -> Self {
        Self { profiled_at: profiled_at.into(), reports: BTreeMap::new() }
    }

    /// Adds a report.
    pub fn add(&mut self, report: FailureReport) {
        let key = format!("{}/{}", report.primitive_id, report.level);
        self.reports.entry(key).or_default().push(report);
    }

    /// The reports of a primitive at a level, in the order of the instances.
    #[must_use]
    pub fn of(&self, primitive: Primitive, level: Level) -> &[FailureReport] {
        self.reports.get(&format!("{primitive}/{level}")).map_or(&[], Vec::as_slice)
    }

    /// All reports, by the name of their primitive and level.
    pub fn iter(&self) -> impl Iterator<Item = &FailureReport> {
        self.reports.values().flatten()
    }
}
