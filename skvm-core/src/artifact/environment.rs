//! How what a skill needs gets onto a machine.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dependencies::Evidence;
use super::{Artifact, ArtifactKey};
use crate::digest::Digest;
use crate::host::{HostFacts, OsFamily};

/// What to do on one machine so that a skill finds what it needs: actions in order, and what is left
/// to a person. Nothing in it is a shell text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentPlan {
    /// The machine that it was made for.
    pub host: HostFacts,
    /// In the order in which they are to be done.
    pub actions: Vec<Action>,
    /// What has no safe automatic way, and what can only be looked at.
    pub manual: Vec<ManualStep>,
}

impl Artifact for EnvironmentPlan {
    const KEY: ArtifactKey = ArtifactKey::new("environment-plan");
}

impl EnvironmentPlan {
    /// Names what is to be done: the actions, and of the machine what their outcome hangs on. What is left to
    /// a person is not in it, so that another sentence in a skill makes no other environment.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let HostFacts { os, distribution, arch, python, node, .. } = &self.host;
        let host = (os, distribution, arch, python, node);
        // The types hold nothing that serde_json refuses.
        Digest::builder("environment-plan")
            .field(&serde_json::to_vec(&host).unwrap_or_default())
            .field(&serde_json::to_vec(&self.actions).unwrap_or_default())
            .finish()
    }

    /// The action of that id.
    #[must_use]
    pub fn action(&self, id: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.id == id)
    }

    /// Whether other actions wait for this one, so that it is not done for its own sake.
    #[must_use]
    pub fn is_preparation(&self, id: &str) -> bool {
        self.actions.iter().any(|action| action.after.iter().any(|before| before == id))
    }

    /// Folders below the environment's that belong in front of `PATH`, in their order.
    #[must_use]
    pub fn path_entries(&self) -> Vec<&'static str> {
        let python = match self.host.os {
            OsFamily::Windows => "python/Scripts",
            OsFamily::Linux | OsFamily::MacOs | OsFamily::Other => "python/bin",
        };
        vec![python, "npm/node_modules/.bin", "bin"]
    }

    /// Whether any action works in the skill's own environment.
    #[must_use]
    pub fn has_own_environment(&self) -> bool {
        self.actions.iter().any(|action| action.scope == Scope::Skill)
    }
}

/// One thing to do: a program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// Names it within the plan.
    pub id: String,
    /// What it does.
    pub kind: ActionKind,
    /// The [ids](super::Dependency::id) of the dependencies that it is for.
    pub dependencies: Vec<String>,
    /// The program and its arguments.
    pub argv: Vec<Word>,
    /// Environment variables that are set for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Word>,
    /// What it changes.
    pub scope: Scope,
    /// Whether its failure does not fail the rest: the skill works without it, or it is a guess.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Actions that must have been done before. What nothing else waits for is done whenever its check
    /// fails; what something waits for only when that is to be done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// When all of these hold there is nothing to do.
    pub check: Vec<Check>,
    /// All of these must hold afterwards.
    pub verify: Vec<Check>,
}

/// What an action does.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// Makes a virtual environment for Python.
    PythonEnvironment,
    /// Installs Python distributions.
    PythonPackages,
    /// Installs npm packages.
    NpmPackages,
    /// Installs a program from a language's registry.
    Tool,
    /// Fetches the package lists of the system's package manager.
    PackageLists,
    /// Installs packages of the operating system.
    SystemPackages,
}

/// What an action changes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The skill's own environment, a folder that can be thrown away.
    Skill,
    /// The machine, for everybody on it.
    Machine,
}

/// A word of a command.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// As it stands.
    Text(String),
    /// A path below the folder of the skill's own environment; empty for that folder itself.
    InEnvironment(String),
}

impl Word {
    /// A word as it stands.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A path below the environment's folder.
    #[must_use]
    pub fn in_environment(path: impl Into<String>) -> Self {
        Self::InEnvironment(path.into())
    }
}

/// Something that can be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// A command ends with status 0.
    Run {
        /// The program and its arguments.
        argv: Vec<Word>,
        /// Where it runs; the environment's folder when there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        folder: Option<Word>,
    },
    /// A program is on the `PATH`, that of the environment included.
    Program {
        /// Its name.
        name: String,
        /// Arguments with which it tells its version and does nothing else; empty when none are known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        version: Vec<String>,
    },
    /// An environment variable is set and not empty.
    Variable {
        /// Its name.
        name: String,
    },
    /// A file or folder is there.
    File {
        /// Its path.
        path: Word,
    },
}

/// What is left to a person, or can only be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManualStep {
    /// The [id](super::Dependency::id) of the dependency.
    pub dependency: String,
    /// Why there is no action.
    pub reason: ManualReason,
    /// What to do, in one line.
    pub advice: String,
    /// Whether the skill works without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// How to see that it is done; `None` when only the person can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
    /// What shows that it is needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// Why something is left to a person.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ManualReason {
    /// Only the person has the value: a key, a setting.
    Value,
    /// No package is known for it, or no package manager that has it was found.
    UnknownSource,
    /// It takes the superuser.
    Privileges,
    /// It is a download, or a script from the network that would run unseen.
    Download,
    /// It comes from a place that is not a registry: a repository, a path, an index of its own.
    Source,
    /// The runtime is missing or has another version.
    Runtime,
    /// It must be running.
    Service,
    /// The skill is for another operating system.
    OperatingSystem,
    /// The bundle lacks a file.
    BundleFile,
}
