//! Code of a skill as fixed text with typed holes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Artifact, ArtifactKey, PlaceholderKind};
use crate::span::Span;

/// Every template of a skill, in source order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Templates {
    /// The templates.
    pub templates: Vec<Template>,
}

impl Artifact for Templates {
    const KEY: ArtifactKey = ArtifactKey::new("templates");
}

/// Fixed text with holes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Template {
    /// What the text is.
    pub language: TemplateLanguage,
    /// Text and holes, in order.
    pub segments: Vec<Segment>,
    /// What fills the holes.
    pub parameters: Vec<Parameter>,
    /// Where it stands in `SKILL.md`.
    pub span: Span,
}

/// The languages of templates.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum TemplateLanguage {
    /// Shell.
    Shell,
    /// Python.
    Python,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Segment {
    /// Text as it stands.
    Text(String),
    /// A hole: the position of its parameter in [`Template::parameters`].
    Hole(usize),
}

/// What fills a hole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parameter {
    /// Unique within the template.
    pub name: String,
    /// What values it takes, as far as the name tells.
    #[serde(rename = "type")]
    pub kind: ParameterType,
    /// How the source spells it.
    pub spelling: PlaceholderKind,
}

/// The types of parameters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ParameterType {
    /// Any text.
    Text,
    /// A decimal number.
    Number,
    /// A path.
    Path,
    /// A URL.
    Url,
    /// A key, token or password: never logged.
    Secret,
}
