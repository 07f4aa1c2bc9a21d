//! Capability profiles (TCP v1.0): what a target was measured to do.

mod compare;
mod detail;
mod measurement;
mod posterior;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use compare::{LevelChange, MergeError};
pub use detail::{
    LevelInterval, LevelResult, PrimitiveDetail, ProfileCost, RateInterval, TokenTotals,
};
pub use measurement::{Measurement, SequentialRule, Unmeasured, UnmeasuredCause};
pub use posterior::AbilityEvidence;

use super::{Level, Primitive};
use crate::digest::Digest;
use crate::target::{HarnessId, ModelId, Target};

/// The levels that a target reaches, in the original SkVM's TCP v1.0 JSON.
///
/// A primitive that is absent was *not measured*, which is not [`Level::L0`]. Fields and primitive
/// ids that this version does not know are kept and written back.
///
/// ```
/// use skvm_core::capability::{CapabilityProfile, Level, Primitive};
///
/// let profile = CapabilityProfile::from_json(
///     r#"{"version":"1.0","model":"m","harness":"h","profiledAt":"2026-01-01T00:00:00Z",
///         "capabilities":{"tool.exec":"L0"},"details":[],"isPartial":true}"#,
/// )?;
/// assert_eq!(profile.level(Primitive::ToolExec), Some(Level::L0));
/// assert_eq!(profile.level(Primitive::ToolWeb), None);
/// # Ok::<(), skvm_core::capability::ProfileError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapabilityProfile {
    /// Always `"1.0"`.
    pub version: String,
    /// The model that was measured.
    pub model: ModelId,
    /// The harness that it ran in.
    pub harness: HarnessId,
    /// When, as an ISO 8601 text; this library only carries it.
    pub profiled_at: String,
    /// Level by primitive id.
    #[serde(with = "levels")]
    #[schemars(with = "BTreeMap<String, Level>")]
    capabilities: Levels,
    /// What the levels rest on; empty when only the levels were carried over.
    #[serde(default)]
    pub details: Vec<PrimitiveDetail>,
    /// What measuring cost.
    #[serde(default)]
    pub cost: ProfileCost,
    /// Whether the measurement was broken off or left primitives out on purpose. Primitives that target or
    /// machine lack the means for do not make it so.
    #[serde(default)]
    pub is_partial: bool,
    /// How it was measured; `None` when only the levels were carried over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurement: Option<Measurement>,
    /// Why primitives have no level, by their id, as far as that is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unmeasured: BTreeMap<String, Unmeasured>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Known levels by primitive, and the ids that the catalogue does not have.
#[derive(Debug, Clone, Default, PartialEq)]
struct Levels {
    known: BTreeMap<Primitive, Level>,
    unknown: BTreeMap<String, Value>,
}

mod levels {
    use super::{BTreeMap, Level, Levels, Primitive, Value};
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(levels: &Levels, s: S) -> Result<S::Ok, S::Error> {
        let known = levels.known.iter().map(|(primitive, level)| {
            (primitive.id(), serde_json::to_value(level).unwrap_or(Value::Null))
        });
        let unknown = levels.unknown.iter().map(|(id, value)| (id.as_str(), value.clone()));
        known.chain(unknown).collect::<BTreeMap<_, _>>().serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Levels, D::Error> {
        let mut levels = Levels::default();
        for (id, value) in BTreeMap::<String, Value>::deserialize(d)? {
            match id.parse::<Primitive>() {
                Ok(primitive) => {
                    let level = Level::deserialize(&value).map_err(|_| {
                        D::Error::custom(format!("level of {id} is {value}, not L0 to L3"))
                    })?;
                    levels.known.insert(primitive, level);
                }
                Err(_) => {
                    levels.unknown.insert(id, value);
                }
            }
        }
        Ok(levels)
    }
}

/// A profile could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The text is not the JSON of a profile.
    #[error("reading a capability profile (TCP v1.0)")]
    Json(#[from] serde_json::Error),
    /// The profile has a version that this library does not read.
    #[error("capability profile has version {found:?}; only \"1.0\" is read")]
    Version {
        /// The version found.
        found: String,
    },
}

impl CapabilityProfile {
    /// A profile with nothing measured yet.
    #[must_use]
    pub fn new(target: &Target, profiled_at: impl Into<String>) -> Self {
        Self {
            version: "1.0".into(),
            model: target.model.clone(),
            harness: target.harness.clone(),
            profiled_at: profiled_at.into(),
            capabilities: Levels::default(),
            details: Vec::new(),
            cost: ProfileCost::default(),
            is_partial: true,
            measurement: None,
            unmeasured: BTreeMap::new(),
            extra: Map::new(),
        }
    }

    /// Reads TCP v1.0 JSON.
    ///
    /// # Errors
    /// [`ProfileError`] when the text is not such JSON, a level is not L0 to L3, or the version is
    /// another one.
    pub fn from_json(json: &str) -> Result<Self, ProfileError> {
        let profile: Self = serde_json::from_str(json)?;
        if profile.version != "1.0" {
            return Err(ProfileError::Version { found: profile.version });
        }
        Ok(profile)
    }

    /// The level of a primitive; `None` when it was not measured.
    #[must_use]
    pub fn level(&self, primitive: Primitive) -> Option<Level> {
        self.capabilities.known.get(&primitive).copied()
    }

    /// The same profile with one level set.
    #[must_use]
    pub fn with_level(mut self, primitive: Primitive, level: Level) -> Self {
        self.capabilities.known.insert(primitive, level);
        self
    }

    /// The measured levels in catalogue order.
    pub fn levels(&self) -> impl Iterator<Item = (Primitive, Level)> + '_ {
        self.capabilities.known.iter().map(|(primitive, level)| (*primitive, *level))
    }

    /// Why a primitive has no level, where the profile tells.
    #[must_use]
    pub fn unmeasured(&self, primitive: Primitive) -> Option<&Unmeasured> {
        self.unmeasured.get(primitive.id())
    }

    /// What the level of a primitive rests on, where the profile tells.
    #[must_use]
    pub fn detail(&self, primitive: Primitive) -> Option<&PrimitiveDetail> {
        self.details.iter().find(|detail| detail.primitive_id == primitive.id())
    }

    /// The target that was measured.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::new(self.model.clone(), self.harness.clone())
    }

    /// Names what a compilation depends on: the levels, not when or how they were measured.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut builder = Digest::builder("profile-levels");
        for (primitive, level) in self.levels() {
            builder.add(primitive.id().as_bytes());
            builder.add(&[level as u8]);
        }
        builder.finish()
    }
}
