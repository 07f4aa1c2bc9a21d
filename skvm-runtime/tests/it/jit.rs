//! Solidification, driven through the hooks as a host's own loop drives them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod host;
mod learning;
