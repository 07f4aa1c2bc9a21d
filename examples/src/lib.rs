//! What the examples share: profiles by name, measuring, skills that are shipped, and reports as JSON.

pub mod clerk;
pub mod measuring;
pub mod profiles;
pub mod report;
pub mod simulation;
pub mod usage;

use std::path::{Path, PathBuf};

/// The folder of a skill that is shipped with the examples.
#[must_use]
pub fn shipped_skill(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("skills").join(name)
}

/// The programs on the front page compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
