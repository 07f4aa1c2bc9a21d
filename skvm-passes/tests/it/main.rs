//! Behaviour of skvm-passes through its public API.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod code;
mod concurrency;
mod corpus;
mod corpus_imports;
mod environment;
#[cfg(unix)]
mod environment_scripts;
mod fingerprints;
mod guard;
mod hostile;
mod lessons;
mod manager;
mod mutations;
mod passes;
mod plan;
mod refinement;
mod rendering;
mod requirements;
mod rules;
mod samples;
mod script_path;
mod templates;
mod variant;
