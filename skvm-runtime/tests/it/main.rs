//! Tests.

#[cfg(all(feature = "tokio", unix))]
mod command;
#[cfg(feature = "http")]
mod loopback;
#[cfg(feature = "http")]
mod openai;
