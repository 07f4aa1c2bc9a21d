//! Solidification, driven through the hooks as a host's own loop drives them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(all(feature = "harness-cli", unix))]
mod afterwards;
mod concurrency;
mod guards;
mod host;
mod hostile;
mod learning;
mod near_misses;
mod policy;
mod reviewed;
mod stores;
mod traces;
