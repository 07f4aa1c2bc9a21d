//! What was active when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use skvm_core::digest::Digest;

/// A variant became active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Activation {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The variant.
    pub variant: Digest,
    /// Why.
    pub reason: ActivationReason,
}

/// Why a variant became active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum ActivationReason {
    /// It is the first.
    First,
    /// A file of the skill changed.
    SkillChanged,
    /// The target's profile changed.
    ProfileChanged,
    /// The passes, their versions or their configuration changed.
    PassesChanged,
    /// The machine, the harness's features or the place of installation changed.
    HostChanged,
    /// It had to be made anew, and came out differently.
    Rebuilt,
    /// A trial showed that it is better.
    TrialKept {
        /// Pairs of sessions that it won.
        won: u32,
        /// That it lost.
        lost: u32,
    },
    /// The host went back to it.
    RolledBack {
        /// In the host's words.
        reason: String,
    },
    /// The host pinned it.
    Pinned {
        /// In the host's words.
        reason: String,
    },
    /// The host took the pin out.
    Unpinned,
}

/// How sessions went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fared {
    /// Sessions in which nothing went wrong.
    pub clean: u64,
    /// Sessions in which something went wrong and was mended.
    pub mended: u64,
    /// Sessions that failed.
    pub failed: u64,
    /// Sessions that the infrastructure spoiled; they say nothing.
    pub spoiled: u64,
}

/// The history of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The latest 1,000 activations, oldest first.
    pub activations: Vec<Activation>,
    /// How the sessions of each variant went, also of those that were only on trial.
    pub fared: BTreeMap<Digest, Fared>,
}
