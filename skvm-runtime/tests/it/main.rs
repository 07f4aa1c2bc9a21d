//! Tests.

mod adaptation;
#[cfg(feature = "tokio")]
mod agent;
#[cfg(all(feature = "harness-cli", unix))]
mod agent_programs;
#[cfg(feature = "http")]
mod backend;
#[cfg(all(feature = "tokio", unix))]
mod command;
mod engine;
#[cfg(all(feature = "tokio", unix))]
mod environment;
#[cfg(all(feature = "harness-cli", unix))]
mod harness_cli;
mod jit;
mod life;
#[cfg(feature = "http")]
mod loopback;
#[cfg(feature = "tokio")]
mod scheduler;
#[cfg(all(feature = "tokio", unix))]
mod scratch;
#[cfg(feature = "http")]
mod scripted_server;
mod session;
mod store;
mod watched;
