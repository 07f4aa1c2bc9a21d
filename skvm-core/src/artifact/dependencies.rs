//! What a skill needs on the machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Artifact, ArtifactKey};
use crate::span::Span;

/// Every dependency of a skill, by kind, then name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dependencies {
    /// At most one entry a kind and name.
    pub entries: Vec<Dependency>,
}

impl Artifact for Dependencies {
    const KEY: ArtifactKey = ArtifactKey::new("dependencies");
}

/// One thing that must be there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dependency {
    /// What kind of thing.
    pub kind: DependencyKind,
    /// Its name where it is installed from: a distribution, not a module.
    pub name: String,
    /// The versions that will do, as declared: `>=2.0,<3`. `None` when nothing is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// Extras, as in `uvicorn[standard]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extras: Vec<String>,
    /// The condition under which it is needed, as declared: `python_version < "3.11"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// Whether the skill works without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// What it provides: the modules or programs by which the skill uses it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provides: Vec<String>,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// How sure this is, 0 to 1.
    pub confidence: f32,
}

/// The kinds of dependencies.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DependencyKind {
    /// A Python distribution.
    Python,
    /// An npm package.
    Npm,
    /// A program on the `PATH`.
    Program,
    /// A language runtime, with a version range.
    Runtime,
    /// An environment variable.
    EnvironmentVariable,
    /// An operating system.
    OperatingSystem,
    /// A file that the skill names and its bundle lacks.
    BundleFile,
}

/// One place that shows a dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What kind of place.
    pub source: DependencySource,
    /// The bundle file; `None` for `SKILL.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The bytes in that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// The text under the span, shortened.
    pub quote: String,
}

/// What kind of place shows a dependency.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DependencySource {
    /// A vendor block of the front matter.
    FrontMatter,
    /// A requirements file.
    RequirementsFile,
    /// A `package.json`.
    PackageJson,
    /// An install command in a shell block.
    InstallCommand,
    /// An import.
    Import,
    /// A command.
    Command,
    /// The first line of a script.
    Shebang,
    /// A reference in the text.
    Reference,
}
