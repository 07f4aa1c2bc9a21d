//! What is decided.

use serde::Serialize;
use skvm_core::digest::Digest;
use skvm_core::failure::{FailureClass, Lessons};

use super::trial::Verdict;

/// Something that adaptation decided; each is told as an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "decision", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Decision {
    /// A failure came so often that it is taken for systematic.
    Diagnosed {
        /// The class.
        class: FailureClass,
        /// What it is about.
        subject: String,
        /// Why, in one sentence.
        cause: String,
        /// In how many of the latest sessions.
        sessions: u32,
        /// How many these are.
        of: u32,
    },
    /// A fix waits for the host's [approval](crate::engine::SkVm::approve): by policy, or because the skill needs more on
    /// the machine, which has to be [prepared](crate::engine::SkVm::proposed) first.
    Proposed {
        /// What it would be compiled with.
        lessons: Lessons,
        /// The variant.
        variant: Digest,
    },
    /// A new variant runs beside the old one.
    TrialStarted {
        /// What it was compiled with.
        lessons: Lessons,
        /// The variant.
        variant: Digest,
    },
    /// A trial, or a proposal, was given up, as something else became active.
    Abandoned {
        /// The variant.
        variant: Digest,
    },
    /// A trial ended.
    TrialEnded {
        /// The variant that was tried.
        variant: Digest,
        /// How: kept when better; else the old one stays.
        verdict: Verdict,
        /// Pairs of sessions that the new variant won.
        won: u32,
        /// That it lost.
        lost: u32,
        /// All pairs.
        pairs: u32,
    },
    /// Only a person can do something about it. Told once.
    NeedsPerson {
        /// The class.
        class: FailureClass,
        /// What it is about.
        subject: String,
        /// Why, in one sentence.
        cause: String,
        /// What to do.
        help: String,
    },
    /// The bound on recompilations is reached. Told once for each state of the skill.
    BudgetSpent {
        /// How many there were.
        recompiles: u32,
        /// What refining took, in tokens.
        tokens: u64,
    },
}
