//! What a skill needs on the machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Artifact, ArtifactKey};
use crate::host::PackageManager;
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
    /// Packages that install it, as the skill tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<Package>,
    /// Whether its value must not be shown; for environment variables only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// How sure this is, 0 to 1.
    pub confidence: f32,
}

impl Dependency {
    /// Kind and name in one word, by which plans and reports refer to it: `python:PyYAML`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}:{}", self.kind.as_str(), self.name)
    }
}

/// A package of some package manager.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Package {
    /// Who installs it.
    pub manager: PackageManager,
    /// What it is called there, with its version where the skill tells one: `jq`, `@scope/tool@2`.
    pub name: String,
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
    /// A crate that brings a program.
    Cargo,
    /// A Go module that brings a program.
    Go,
    /// A Ruby gem.
    Gem,
    /// A program on the `PATH`.
    Program,
    /// A package of the operating system that is no program: a library, fonts.
    SystemPackage,
    /// A language runtime, with a version range.
    Runtime,
    /// An environment variable.
    EnvironmentVariable,
    /// Something that must be running: a container engine, a database, a local server.
    Service,
    /// A server of the Model Context Protocol.
    McpServer,
    /// An operating system.
    OperatingSystem,
    /// A host in the network that the skill's code talks to.
    NetworkHost,
    /// Something that is fetched from an address and not from a registry: an installer, an archive, a
    /// repository. Its name is the address.
    Download,
    /// A file that the skill names and its bundle lacks.
    BundleFile,
}

impl DependencyKind {
    /// The kind as it is written in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Npm => "npm",
            Self::Cargo => "cargo",
            Self::Go => "go",
            Self::Gem => "gem",
            Self::Program => "program",
            Self::SystemPackage => "system-package",
            Self::Runtime => "runtime",
            Self::EnvironmentVariable => "environment-variable",
            Self::Service => "service",
            Self::McpServer => "mcp-server",
            Self::OperatingSystem => "operating-system",
            Self::NetworkHost => "network-host",
            Self::Download => "download",
            Self::BundleFile => "bundle-file",
        }
    }
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
    /// The front matter.
    FrontMatter,
    /// A requirements file.
    RequirementsFile,
    /// A `pyproject.toml`.
    Pyproject,
    /// The metadata block at the head of a Python script (PEP 723).
    ScriptMetadata,
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
    /// Code that reads a variable or names an address.
    Code,
    /// A configuration file or block: of MCP servers, of containers, of variables.
    Configuration,
    /// A reference in the text.
    Reference,
    /// A sentence or list item that names a prerequisite.
    Prose,
    /// A run that failed for want of it.
    Failure,
}
