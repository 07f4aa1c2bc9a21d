//! Failures as the original SkVM hands them to its compiler.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// What went wrong over several runs: the original SkVM's `FailureContext`, field by field. Fields that this version
/// does not know are kept and written back.
///
/// ```
/// use skvm_core::failure::{FailureClassification, FailureContext};
///
/// let json = r#"{"classification":"systematic","patterns":[{"toolName":"execute_command","frequency":3,
///     "category":"tool-error","sampleErrors":["No module named 'yaml'"]}],"recoveryTraces":[],
///     "sourceVariantId":"v1","runCount":4,"failureRate":0.75}"#;
/// let context: FailureContext = serde_json::from_str(json)?;
/// assert_eq!(context.classification, FailureClassification::Systematic);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureContext {
    /// Whether it lies in the task or comes again with any.
    pub classification: FailureClassification,
    /// What was seen, the most frequent first.
    pub patterns: Vec<FailurePattern>,
    /// What agents did that then worked.
    pub recovery_traces: Vec<RecoveryTrace>,
    /// The variant that the runs were made with.
    pub source_variant_id: String,
    /// How many runs were looked at.
    pub run_count: u64,
    /// The share of them that failed, 0 to 1.
    #[serde(serialize_with = "as_javascript")]
    #[schemars(with = "f64")]
    pub failure_rate: f64,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Writes a number as the original does: without a point where there is nothing behind it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn as_javascript<S: Serializer>(rate: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match *rate {
        0.0 => serializer.serialize_u64(0),
        1.0 => serializer.serialize_u64(1),
        rate => serializer.serialize_f64(rate),
    }
}

/// Whether failures lie in the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClassification {
    /// In one task or its input.
    TaskSpecific,
    /// In skill, target or machine.
    Systematic,
}

/// Failures of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailurePattern {
    /// The tool that failed; empty for an answer.
    pub tool_name: String,
    /// How often.
    pub frequency: u64,
    /// The kind, in the original's four words.
    pub category: PatternCategory,
    /// What was told, shortened.
    pub sample_errors: Vec<String>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The original's kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PatternCategory {
    /// A tool told an error.
    ToolError,
    /// The agent did the wrong thing.
    LogicError,
    /// Something took too long.
    Timeout,
    /// A provider or server failed.
    ApiError,
}

/// A failure and what worked after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryTrace {
    /// The number of the turn that failed.
    pub failed_step: u64,
    /// The tool.
    pub failed_tool_name: String,
    /// What it told.
    pub failed_error: String,
    /// The number of the turn that worked.
    pub recovered_at_step: u64,
    /// What was done then.
    pub recovery_action: String,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
