//! Classes of failures.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of thing went wrong.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// A module, package or program is not there.
    MissingDependency,
    /// A file of the skill's own is not where it was looked for.
    WrongPath,
    /// Code was given to a program that does not run it.
    WrongInterpreter,
    /// What was left to fill in was taken as it stands.
    BadPlaceholder,
    /// An answer or a call did not have the form that was asked for.
    FormatAboveAbility,
    /// Steps were repeated, left out or never ended.
    ProcedureAboveAbility,
    /// An answer, an input or a wait was longer than its bound.
    TooLong,
    /// Something may not be done, or a key is not there.
    MissingPermission,
    /// The network, a server or the provider failed.
    FlakyNetwork,
    /// The skill says something that does not hold.
    WrongFact,
    /// None of these can be told.
    Unknown,
}

impl FailureClass {
    /// Every class.
    pub const ALL: [Self; 11] = [
        Self::MissingDependency,
        Self::WrongPath,
        Self::WrongInterpreter,
        Self::BadPlaceholder,
        Self::FormatAboveAbility,
        Self::ProcedureAboveAbility,
        Self::TooLong,
        Self::MissingPermission,
        Self::FlakyNetwork,
        Self::WrongFact,
        Self::Unknown,
    ];

    /// The class as it is written in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingDependency => "missing-dependency",
            Self::WrongPath => "wrong-path",
            Self::WrongInterpreter => "wrong-interpreter",
            Self::BadPlaceholder => "bad-placeholder",
            Self::FormatAboveAbility => "format-above-ability",
            Self::ProcedureAboveAbility => "procedure-above-ability",
            Self::TooLong => "too-long",
            Self::MissingPermission => "missing-permission",
            Self::FlakyNetwork => "flaky-network",
            Self::WrongFact => "wrong-fact",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is nobody's fault but the infrastructure's, so that nothing is held against the skill or the target.
    #[must_use]
    pub fn is_infrastructure(self) -> bool {
        self == Self::FlakyNetwork
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
