//! Behaviour of skvm-probes through its public API.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ask;
mod hostile;
mod instances;
mod registry;
