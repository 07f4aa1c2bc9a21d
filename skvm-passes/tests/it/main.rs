//! Behaviour of skvm-passes through its public API.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod manager;
mod refinement;
mod rules;
mod samples;
