//! Primitive capabilities: the catalogue, what a target has, what a skill demands, and the gap.

mod catalogue;
mod failure;
mod gap;
mod primitive;
mod profile;
mod requirements;

pub use failure::{FailureReport, FailureReports};
pub use gap::{Gap, GapKind, GapOutcome, Gaps};
pub use primitive::{Category, Level, ParsePrimitiveError, Primitive, PrimitiveSpec};
pub use profile::{
    AbilityEvidence, CapabilityProfile, LevelChange, LevelInterval, LevelResult, Measurement,
    MergeError, PrimitiveDetail, ProfileCost, ProfileError, RateInterval, SequentialRule,
    TokenTotals, Unmeasured, UnmeasuredCause,
};
pub use requirements::{CapabilityPath, Purpose, Requirement, Requirements};
