//! What the levels of a profile rest on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::measurement::Measurement;
use crate::capability::Level;

/// What one primitive's level rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrimitiveDetail {
    /// Id of the primitive; kept as text, so that details of unknown primitives survive.
    pub primitive_id: String,
    /// The level that was concluded.
    pub highest_level: Level,
    /// One result a level, in no fixed order.
    #[serde(default)]
    pub level_results: Vec<LevelResult>,
    /// The levels that the evidence leaves possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<LevelInterval>,
    /// What is unusual about the evidence, such as a higher level that is reached better than a lower one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration_note: Option<String>,
    /// How it was measured, where that differs from the rest of the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurement: Option<Measurement>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The levels that hold a share of the belief.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LevelInterval {
    /// The lowest of them.
    pub lowest: Level,
    /// The highest of them.
    pub highest: Level,
    /// The share, such as 0.95.
    pub confidence: f64,
}

/// How the instances of one level went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LevelResult {
    /// The level that was tried.
    pub level: Level,
    /// Whether it counts as reached.
    pub passed: bool,
    /// Instances that passed.
    #[serde(default)]
    pub pass_count: u32,
    /// Instances that were tried, skipped ones included.
    #[serde(default)]
    pub total_count: u32,
    /// Instances that could not be judged, for whatever reason.
    #[serde(default)]
    pub skip_count: u32,
    /// How many of those were lost to faults of the infrastructure.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fault_count: u32,
    /// The interval of the rate of success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateInterval>,
    /// Milliseconds of all instances together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// US dollars of all instances together; `None` is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Why instances failed, in the order in which they were tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failure_details: Vec<String>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl LevelResult {
    /// A level at which nothing was tried.
    #[must_use]
    pub fn untried(level: Level) -> Self {
        Self {
            level,
            passed: false,
            pass_count: 0,
            total_count: 0,
            skip_count: 0,
            fault_count: 0,
            rate: None,
            duration_ms: None,
            cost_usd: None,
            failure_details: Vec::new(),
            extra: Map::new(),
        }
    }

    /// Instances that passed or failed.
    #[must_use]
    pub fn judged(&self) -> u32 {
        self.total_count.saturating_sub(self.skip_count)
    }
}

/// An interval for the rate of success.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateInterval {
    /// Its lower end, from 0.
    pub low: f64,
    /// Its upper end, to 1.
    pub high: f64,
    /// How often an interval made this way holds the true rate, such as 0.95.
    pub confidence: f64,
}

impl RateInterval {
    /// Wilson's score interval at 95 %; `None` where nothing was tried. Source: E. B. Wilson, "Probable
    /// inference, the law of succession, and statistical inference", JASA 22 (1927).
    #[must_use]
    pub fn wilson(passed: u32, tried: u32) -> Option<Self> {
        if tried == 0 {
            return None;
        }
        // The normal quantile of 97.5 %.
        const Z: f64 = 1.959_963_985;
        let n = f64::from(tried);
        let p = f64::from(passed.min(tried)) / n;
        let centre = p + Z * Z / (2.0 * n);
        let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        // Four digits say enough, and read back as the same number.
        let end = |value: f64| ((value / scale).clamp(0.0, 1.0) * 1e4).round() / 1e4;
        Some(Self { low: end(centre - half), high: end(centre + half), confidence: 0.95 })
    }
}

/// What measuring cost. `None` is unknown, not zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileCost {
    /// US dollars.
    #[serde(default)]
    pub total_usd: Option<f64>,
    /// Tokens.
    #[serde(default)]
    pub total_tokens: TokenTotals,
    /// Milliseconds.
    #[serde(default)]
    pub duration_ms: Option<f64>,
}

/// Tokens by kind. `None` is unknown, not zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenTotals {
    /// Read by the model, without what came from its cache.
    #[serde(default)]
    pub input: Option<u64>,
    /// Written by the model.
    #[serde(default)]
    pub output: Option<u64>,
    /// Read from the provider's cache.
    #[serde(default)]
    pub cache_read: Option<u64>,
    /// Written to the provider's cache.
    #[serde(default)]
    pub cache_write: Option<u64>,
}
