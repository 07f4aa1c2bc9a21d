//! Agent harnesses: one of our own, and adapters for programs that are agents.

pub mod bare;
#[cfg(feature = "harness-cli")]
pub mod cli;
