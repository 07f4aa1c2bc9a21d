//! How a profile was measured, so that it can be measured again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How levels were measured. Two measurements with the same values put the same questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    /// What the instances were drawn from.
    pub seed: u64,
    /// Digest of the probes' generators.
    pub probe_set: String,
    /// The harness's own version, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harness_version: Option<String>,
    /// The sampling temperature; `None` where the harness left it to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Tokens that every answer was granted, beside those that the reference answer would take.
    pub answer_tokens: u32,
    /// Turns that the target was granted for an instance.
    #[serde(default)]
    pub turns: usize,
    /// Milliseconds that it was granted for an instance.
    #[serde(default)]
    pub deadline_ms: u64,
    /// When the evidence counted as decided.
    pub rule: SequentialRule,
}

/// When the evidence about a primitive decides.
///
/// The belief starts out equal over the levels L0 to L3. A target of level *k* is taken to pass instances up to
/// *k* with the chance `reached` and instances above with the chance `unreached`. The evidence decides when one
/// level holds `1 - error` of the belief, or when `cap` instances were judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SequentialRule {
    /// Chance of success up to the level that a target has.
    pub reached: f64,
    /// Chance of success above it.
    pub unreached: f64,
    /// Belief that may be left to the other levels.
    pub error: f64,
    /// Most judged instances of a primitive.
    pub cap: u32,
}

impl Default for SequentialRule {
    /// 0.9, 0.15, 0.02 and 15.
    fn default() -> Self {
        Self { reached: 0.9, unreached: 0.15, error: 0.02, cap: 15 }
    }
}

/// Why a primitive has no level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unmeasured {
    /// What kind of reason.
    pub cause: UnmeasuredCause,
    /// The reason in words.
    pub detail: String,
}

impl Unmeasured {
    /// A reason.
    #[must_use]
    pub fn new(cause: UnmeasuredCause, detail: impl Into<String>) -> Self {
        Self { cause, detail: detail.into() }
    }
}

/// The kinds of reasons for which a primitive has no level.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum UnmeasuredCause {
    /// The machine or the harness lacks what measuring needs.
    Skipped,
    /// The infrastructure failed.
    Fault,
    /// The measurement was cancelled before.
    Cancelled,
    /// It was not asked for.
    NotAsked,
}
