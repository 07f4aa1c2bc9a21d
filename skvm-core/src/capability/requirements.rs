//! Skill capability requirements (SCR): what a skill demands, and what shows it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CapabilityProfile, Level, Primitive};
use crate::artifact::{Artifact, ArtifactKey};
use crate::span::Span;

/// What a skill demands of a target. Its JSON is the original SkVM's SCR, with spans and confidence
/// as extra fields.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requirements {
    /// The skill's name.
    pub skill_name: String,
    /// What the skill is for, one entry a functional goal.
    pub purposes: Vec<Purpose>,
}

impl Artifact for Requirements {
    const KEY: ArtifactKey = ArtifactKey::new("requirements");
}

/// One functional goal of a skill, and what reaching it takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Purpose {
    /// Unique within the skill.
    pub id: String,
    /// What it is, usually a heading of the skill.
    pub description: String,
    /// The part of the source that describes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// What the skill, as written, takes.
    pub current_path: CapabilityPath,
    /// Other ways to the same goal.
    #[serde(default)]
    pub alternative_paths: Vec<CapabilityPath>,
}

/// One way to a goal: primitives that must all be there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapabilityPath {
    /// What is demanded, at most one entry a primitive.
    pub primitives: Vec<Requirement>,
    /// In an alternative path, the primitives of the current one that it does without; empty when it
    /// stands for the whole of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<Primitive>,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Purpose {
    /// The first alternative path that does without `primitive` and that a target can walk: it has
    /// every primitive that the path adds to the current one or raises.
    #[must_use]
    pub fn way_around(
        &self,
        primitive: Primitive,
        profile: &CapabilityProfile,
    ) -> Option<&CapabilityPath> {
        let as_now = |requirement: &Requirement| {
            self.current_path.primitives.iter().any(|now| {
                now.primitive == requirement.primitive && now.min_level >= requirement.min_level
            })
        };
        let has = |requirement: &Requirement| {
            profile.level(requirement.primitive) >= Some(requirement.min_level)
        };
        self.alternative_paths.iter().find(|path| {
            let does_without = if path.replaces.is_empty() {
                path.primitives.iter().all(|requirement| requirement.primitive != primitive)
            } else {
                path.replaces.contains(&primitive)
            };
            does_without && path.primitives.iter().all(|r| as_now(r) || has(r))
        })
    }
}

/// A demand: a primitive at a level, and the text that shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requirement {
    /// The primitive.
    #[serde(rename = "id")]
    pub primitive: Primitive,
    /// The lowest level that will do, [`Level::L1`] or higher.
    pub min_level: Level,
    /// What shows it, in words.
    pub evidence: String,
    /// Where it shows, in source order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// How sure this is, 0 to 1; structural evidence is surer than words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
}

impl Requirements {
    /// The highest level demanded of each primitive over all purposes, in catalogue order.
    #[must_use]
    pub fn by_primitive(&self) -> BTreeMap<Primitive, Level> {
        let mut levels = BTreeMap::new();
        for requirement in self.purposes.iter().flat_map(|p| &p.current_path.primitives) {
            let level = levels.entry(requirement.primitive).or_insert(requirement.min_level);
            *level = (*level).max(requirement.min_level);
        }
        levels
    }
}
