//! What is told while a target is measured.

use serde::Serialize;
use skvm_core::capability::{Level, Primitive, Unmeasured};

use crate::probe::Outcome;

/// What is told while a target is measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProfileEvent {
    /// The measurement begins.
    #[serde(rename_all = "camelCase")]
    Started {
        /// How many primitives are to be measured.
        primitives: usize,
        /// How many judged instances an earlier run has left.
        resumed: usize,
    },
    /// An instance is put to the target.
    Asking {
        /// The primitive.
        primitive: Primitive,
        /// The level of the instance.
        level: Level,
        /// The number of the instance at this level, from 0.
        instance: u32,
    },
    /// An instance came to an end.
    Examined {
        /// The primitive.
        primitive: Primitive,
        /// The level of the instance.
        level: Level,
        /// The number of the instance at this level, from 0.
        instance: u32,
        /// What became of it.
        #[serde(flatten)]
        outcome: Outcome,
        /// Whether it will be put once more.
        again: bool,
    },
    /// The level of a primitive is known.
    Measured {
        /// The primitive.
        primitive: Primitive,
        /// The level.
        level: Level,
        /// How many instances were judged for it.
        judged: u32,
    },
    /// A primitive stays without a level.
    Unmeasured {
        /// The primitive.
        primitive: Primitive,
        /// Why.
        reason: Unmeasured,
    },
    /// Too many faults in a row: the rest stays unmeasured.
    Stopped {
        /// The last of the faults.
        fault: String,
    },
}
