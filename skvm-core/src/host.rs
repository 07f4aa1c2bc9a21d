//! The machine that skills run on, as far as compiling and setting up need to know it.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// What is known of a machine. The host supplies it, so that compilation stays a function of its
/// input; `skvm-runtime` can find it out.
///
/// ```
/// use skvm_core::host::{HostFacts, OsFamily, PackageManager, Interpreter};
///
/// let facts = HostFacts::new(OsFamily::Linux, "x86_64")
///     .with_python(Interpreter::new("/usr/bin/python3", "3.11.2"))
///     .with_manager(PackageManager::Apt);
/// assert!(facts.managers.contains(&PackageManager::Apt));
/// assert_eq!(facts.digest(), facts.clone().digest());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostFacts {
    /// The operating system.
    pub os: OsFamily,
    /// The distribution as `/etc/os-release` names it: `debian`. `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<String>,
    /// The architecture, as Rust names it: `x86_64`.
    pub arch: String,
    /// The package managers that were found.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub managers: BTreeSet<PackageManager>,
    /// The Python that new environments are made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<Interpreter>,
    /// Node.js.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Interpreter>,
    /// Whether `python` belongs to a virtual environment.
    #[serde(default)]
    pub in_virtual_environment: bool,
    /// Whether programs run as the superuser.
    #[serde(default)]
    pub is_root: bool,
}

/// An interpreter of a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Interpreter {
    /// The program, best with its whole path.
    pub program: String,
    /// The version: `3.11.2`.
    pub version: String,
}

impl Interpreter {
    /// An interpreter by program and version.
    #[must_use]
    pub fn new(program: impl Into<String>, version: impl Into<String>) -> Self {
        Self { program: program.into(), version: version.into() }
    }
}

/// The families of operating systems.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum OsFamily {
    /// Linux.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
    /// Any other.
    Other,
}

impl OsFamily {
    /// The family that a skill means by a word such as `darwin` or `win32`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "linux" => Some(Self::Linux),
            "darwin" | "macos" | "mac" | "osx" => Some(Self::MacOs),
            "win32" | "windows" | "win" => Some(Self::Windows),
            _ => None,
        }
    }
}

/// Programs that install packages.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum PackageManager {
    /// Debian's `apt-get`.
    Apt,
    /// Fedora's `dnf`.
    Dnf,
    /// Alpine's `apk`.
    Apk,
    /// Homebrew.
    Brew,
    /// Python's `uv`.
    Uv,
    /// Python's `pip`, as a module of the interpreter.
    Pip,
    /// `npm`.
    Npm,
    /// `cargo`.
    Cargo,
    /// `go install`.
    Go,
    /// `gem`.
    Gem,
}

impl PackageManager {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Apt,
        Self::Dnf,
        Self::Apk,
        Self::Brew,
        Self::Uv,
        Self::Pip,
        Self::Npm,
        Self::Cargo,
        Self::Go,
        Self::Gem,
    ];

    /// The program's name.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Apk => "apk",
            Self::Brew => "brew",
            Self::Uv => "uv",
            Self::Pip => "pip",
            Self::Npm => "npm",
            Self::Cargo => "cargo",
            Self::Go => "go",
            Self::Gem => "gem",
        }
    }
}

impl fmt::Display for PackageManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

impl HostFacts {
    /// A machine of which nothing more is known.
    #[must_use]
    pub fn new(os: OsFamily, arch: impl Into<String>) -> Self {
        Self {
            os,
            distribution: None,
            arch: arch.into(),
            managers: BTreeSet::new(),
            python: None,
            node: None,
            in_virtual_environment: false,
            is_root: false,
        }
    }

    /// The same machine with a Python.
    #[must_use]
    pub fn with_python(mut self, python: Interpreter) -> Self {
        self.python = Some(python);
        self
    }

    /// The same machine with a Node.js.
    #[must_use]
    pub fn with_node(mut self, node: Interpreter) -> Self {
        self.node = Some(node);
        self
    }

    /// The same machine with a package manager.
    #[must_use]
    pub fn with_manager(mut self, manager: PackageManager) -> Self {
        self.managers.insert(manager);
        self
    }

    /// The same machine, where programs run as the superuser.
    #[must_use]
    pub fn as_root(mut self) -> Self {
        self.is_root = true;
        self
    }

    /// Names the facts.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // The type holds nothing that serde_json refuses.
        Digest::builder("host-facts").field(&serde_json::to_vec(self).unwrap_or_default()).finish()
    }
}

/// Parts of names that tell of a secret.
const SECRET_PARTS: [&str; 7] =
    ["KEY", "TOKEN", "SECRET", "PASSW", "PASSPHRASE", "CREDENTIAL", "PRIVATE"];

/// Whether an environment variable's name tells that its value is a secret.
///
/// ```
/// use skvm_core::host::is_secret_name;
///
/// assert!(is_secret_name("OPENAI_API_KEY") && is_secret_name("db_password"));
/// assert!(!is_secret_name("LANG"));
/// ```
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_PARTS.iter().any(|part| name.contains(part))
}
