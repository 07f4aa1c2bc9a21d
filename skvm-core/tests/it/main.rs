//! Behaviour of skvm-core through its public API.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;
mod document;
mod failure;
mod files;
mod profile;
mod skill;
mod workflow;
