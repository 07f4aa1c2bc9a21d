//! Primitive capabilities: the catalogue, what a target has, what a skill demands, and the gap.

mod catalogue;
mod gap;
mod primitive;
mod profile;
mod requirements;

pub use gap::{Gap, GapKind, GapOutcome, Gaps};
pub use primitive::{Category, Level, ParsePrimitiveError, Primitive, PrimitiveSpec};
pub use profile::{
    CapabilityProfile, LevelResult, PrimitiveDetail, ProfileCost, ProfileError, TokenTotals,
};
pub use requirements::{CapabilityPath, Purpose, Requirement, Requirements};
