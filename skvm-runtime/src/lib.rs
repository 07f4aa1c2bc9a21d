//! Runs compiled skills: engine, store, sessions, JIT solidification, the command runner, the bare agent, adapters
//! for other agents, and model backends.
//!
//! # Who should depend on it
//!
//! Authors of agent frameworks who want skills compiled for their models and run, by the bare agent
//! here, by a harness of their own, or by their own loop with [sessions](session). A host that only
//! compiles depends on `skvm-passes`; an author of passes on `skvm-core`.
#![cfg_attr(
    all(feature = "tokio", feature = "test-util"),
    doc = r#"
```
# async fn example() -> Result<(), Box<dyn std::error::Error>> {
use std::sync::Arc;

use skvm_core::harness::{RunStatus, Task};
use skvm_core::llm::LlmResponse;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_runtime::engine::{RunRequest, SkVm};
use skvm_runtime::harness::bare::BareAgent;
use skvm_runtime::scripted::ScriptedModel;

let model = ScriptedModel::new("scripted", [Ok(LlmResponse::text("noted"))]);
let vm = SkVm::builder().harness(Arc::new(BareAgent::new(Arc::new(model)))).build();

let skill = Skill::from_text("notes", "---\nname: notes\ndescription: Takes notes.\n---\n# Notes\n");
let target = Target::new("scripted", "bare-agent");
let request = RunRequest::new(Task::new("note this"), target, std::env::temp_dir())
    .with_skill(Arc::new(skill));
let outcome = vm.run(request).await?;
assert_eq!(outcome.record.status, RunStatus::Ok);
assert_eq!(outcome.trace.turns.len(), 1);
# Ok(())
# }
# tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
```
"#
)]
//! # Rooms
//!
//! | room | what it is |
//! |---|---|
//! | [`engine`] | the handle: install, compile, run, sessions, events |
//! | [`store`] | where variants, recorded answers, traces and what is learned are kept |
//! | [`session`] | one run seen through the hooks |
//! | [`trace`] | what a session saw |
//! | [`life`] | which variant is active, since when, and why |
//! | [`adaptation`] | failures that become better compilations |
//! | [`jit`] | repeated work, answered in the model's place |
//! | `command` | child processes that are sure to end (feature `tokio`) |
//! | `environment` | what a skill needs on the machine, set up and proven (feature `tokio`) |
//! | `harness` | the bare agent (feature `tokio`); agents that are programs of their own (feature `harness-cli`) |
//! | `scheduler` | workflows, run as their edges allow (feature `tokio`) |
//! | [`provider`] | which endpoint answers for a model id, with which key |
//! | `backend` | models over HTTP: OpenAI's chat completions and responses, Anthropic's messages (feature `http`) |
//! | `scripted` | a model that says what it was told to say, also as a server (feature `test-util`) |
//!
//! # Features
//!
//! `tokio` and `sqlite` (default), `http`, `harness-cli`, `test-util`. A feature adds things; none changes what the standard
//! pipeline produces.
//!
//! # Untrusted skills, models and servers
//!
//! Compiling runs nothing. A run is bounded by its deadline, its turns, and a cap on every answer,
//! output and file; child processes end with it. See `harness::bare` and
//! `harness::cli` for what an agent can reach.

#![doc(test(attr(deny(warnings))))]

pub mod adaptation;
#[cfg(feature = "http")]
pub mod backend;
#[cfg(feature = "tokio")]
pub mod command;
pub mod engine;
#[cfg(feature = "tokio")]
pub mod environment;
#[cfg(feature = "tokio")]
pub mod harness;
pub mod jit;
pub mod life;
pub mod provider;
#[cfg(feature = "tokio")]
pub mod scheduler;
#[cfg(feature = "test-util")]
pub mod scripted;
mod secret;
pub mod session;
pub mod store;
pub mod trace;
