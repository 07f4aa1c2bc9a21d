//! The life of variants: which one is active for a skill and a target, since when, and why.
//!
//! A *line* is everything about one skill in one place for one target. Its active variant is what
//! [`SkVm::load`](crate::engine::SkVm::load) gives; a variant on trial gets part of the sessions. A session keeps the
//! variant that it began with, whatever is activated meanwhile.

mod history;
mod line;
mod lines;
mod watch;

pub use history::{Activation, ActivationReason, Fared, History};
pub use watch::SkillWatch;

pub(crate) use line::{Active, Fix, Ledger, Line, Trial};
pub(crate) use lines::{LineHandle, Lines, Read};

use std::sync::Arc;

use skvm_passes::variant::Variant;

/// What [`load`](crate::engine::SkVm::load) gives while the active variant is out of date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoadPolicy {
    /// A new one, compiled now.
    #[default]
    Fresh,
    /// The previous one, while the new one is compiled in the background.
    Previous,
}

/// A variant to begin a session with.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The variant.
    pub variant: Arc<Variant>,
    /// What it is.
    pub standing: Standing,
}

/// What a variant is to its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// The active one.
    Active,
    /// The active one, which is pinned.
    Pinned,
    /// The active one, which is out of date; a new one is being compiled.
    Stale,
    /// One on trial.
    Trial,
}
