//! Where a skill demands more than a target has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CapabilityProfile, Level, Primitive, Requirements};
use crate::artifact::{Artifact, ArtifactKey};

/// Every gap between a skill's requirements and a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gaps {
    /// By purpose in the order of the requirements, then by primitive.
    pub gaps: Vec<Gap>,
}

impl Artifact for Gaps {
    const KEY: ArtifactKey = ArtifactKey::new("gaps");
}

/// A requirement above the profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// The purpose that demands it.
    pub purpose_id: String,
    /// The primitive.
    #[serde(rename = "primitiveId")]
    pub primitive: Primitive,
    /// What is demanded.
    pub required_level: Level,
    /// What the target has; `None` when it was not measured.
    pub model_level: Option<Level>,
    /// What kind of gap it is.
    #[serde(rename = "gapType")]
    pub kind: GapKind,
    /// What compiling made of it.
    #[serde(default, skip_serializing_if = "GapOutcome::is_open")]
    pub outcome: GapOutcome,
    /// Why it stays open, or what closed it, where that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// What compiling made of a gap.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum GapOutcome {
    /// It is still there.
    #[default]
    Open,
    /// The requirements of the edited text no longer have it.
    Closed,
    /// The edited text shows another way to the same goal, which the target can walk.
    Substituted,
    /// It is still there, and nothing that is known closes it.
    Unclosable,
}

impl GapOutcome {
    /// Whether it is [`GapOutcome::Open`].
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::Open
    }
}

/// Three different things that must not be confused.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum GapKind {
    /// The target was measured at [`Level::L0`].
    Missing,
    /// The target has the primitive, at a lower level.
    Weak,
    /// Nobody knows: the primitive was not measured.
    Unmeasured,
}

impl Gaps {
    /// Compares requirements with a profile. A gap is [substituted](GapOutcome::Substituted) when the
    /// skill itself shows an alternative path that the target can walk.
    #[must_use]
    pub fn between(requirements: &Requirements, profile: &CapabilityProfile) -> Self {
        let mut gaps = Vec::new();
        for purpose in &requirements.purposes {
            for requirement in &purpose.current_path.primitives {
                let model_level = profile.level(requirement.primitive);
                let kind = match model_level {
                    Some(level) if level >= requirement.min_level => continue,
                    Some(Level::L0) => GapKind::Missing,
                    Some(_) => GapKind::Weak,
                    None => GapKind::Unmeasured,
                };
                gaps.push(Gap {
                    purpose_id: purpose.id.clone(),
                    primitive: requirement.primitive,
                    required_level: requirement.min_level,
                    model_level,
                    kind,
                    outcome: match purpose.way_around(requirement.primitive, profile) {
                        Some(_) => GapOutcome::Substituted,
                        None => GapOutcome::Open,
                    },
                    remark: None,
                });
            }
        }
        Self { gaps }
    }

    /// The gaps that were measured: missing or weak.
    pub fn measured(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter().filter(|gap| gap.kind != GapKind::Unmeasured)
    }
}
