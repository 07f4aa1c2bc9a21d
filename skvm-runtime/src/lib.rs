//! x

#[cfg(feature = "http")]
pub mod backend;

#[cfg(feature = "tokio")]
pub mod command;
