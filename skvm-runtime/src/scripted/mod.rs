//! A model that says what it was told to say, for tests: [`ScriptedModel`] in the process, and with feature
//! `tokio` `ScriptedServer` behind an address, for programs that bring their own client.

mod model;
#[cfg(feature = "tokio")]
mod server;

pub use model::ScriptedModel;
#[cfg(feature = "tokio")]
pub use server::{Fault, Reply, Script, ScriptedServer, SeenRequest};
