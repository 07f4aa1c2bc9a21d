//! Adaptation: failures at run time become better compilations, and what is no failure does not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod accidents;
mod context;
#[cfg(all(feature = "tokio", unix))]
mod faults;
mod host;
mod hostile;
mod laws;
#[cfg(all(feature = "tokio", unix))]
mod machine;
#[cfg(feature = "sqlite")]
mod shared;
mod storms;
mod trials;
