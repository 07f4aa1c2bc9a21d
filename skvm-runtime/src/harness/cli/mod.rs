//! Agents that are programs of their own: PI, OpenClaw, Hermes Agent, openJiuwen's JiuwenClaw, OpenCode, Codex and
//! Claude Code (feature `harness-cli`).
//!
//! A [`CliHarness`] runs one of them headless, once a task. Each run has a folder of its own, readable by its owner
//! only, which the program takes for its home: its configuration is rendered there from a
//! [provider](crate::provider), the skill is staged there, and everything that it keeps goes there. The folder is
//! removed afterwards, so runs share nothing and may go on side by side.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use skvm_core::{harness::Task, target::Target};
//! use skvm_runtime::engine::{RunRequest, SkVm};
//! use skvm_runtime::harness::cli::{Cli, CliHarness};
//! use skvm_runtime::provider::ProviderRoutes;
//!
//! let pi = CliHarness::managed(Cli::Pi, ProviderRoutes::default());
//! println!("{}", pi.detect().await);
//! let vm = SkVm::builder().harness(Arc::new(pi)).build();
//! let target = Target::new("openrouter/qwen/qwen3.5-9b", "pi");
//! let outcome = vm.run(RunRequest::new(Task::new("What is here?"), target, "work/")).await?;
//! println!("{:?}: {}", outcome.record.status, outcome.record.text);
//! # Ok(())
//! # }
//! # drop(example());
//! ```
//!
//! # What it guarantees
//!
//! - The deadline holds: the program is asked to end then, and killed six seconds later. Nothing of the program's
//!   process group outlives the run; on Linux nothing that it started does, also not what left the group. It is found by
//!   a variable, so what takes that away is not.
//! - The status is judged by what the program told of its work, and by its exit code only where it told nothing.
//! - What is not understood of its output is counted and shown in the record's notes.
//! - Tokens that are not told stay unknown.
//! - The provider's key stands in no argument and is masked in the record. The agent's commands do not get it as a
//!   variable, but for JiuwenClaw's and OpenClaw's. Files of the run's folder hold it, which only their owner can read; the
//!   agent is one.
//!
//! # What it does not
//!
//! - A prompt stands in an argument of Hermes Agent, so other users of the machine can see it; of the others it is fed
//!   or lies in a file.
//! - Codex tells no turns: each of its commands counts as one. JiuwenClaw takes no bound on the tokens of an answer.
//! - JiuwenClaw's server asks nobody who they are, so while a run goes on every user of the machine may give it work.
//! - These programs execute what their model wants with the rights of this process; they are told to ask nobody. Who
//!   does not trust model or skill needs a container around the host.
//! - They give no hooks while they run. The hooks are asked once before the start, so that work which a
//!   [JIT](crate::jit) has solidified needs no program at all; commands that it responds are executed as the program
//!   would. The rest is told afterwards, by the record: sessions take their trace from it, and learn from it.
//! - They are driven on Unix. On other systems programs that npm installed are not found, and Hermes Agent's events are
//!   not written.
//! - They read a user's own configuration only in [native](CliHarness::native) mode, from a copy; what they change
//!   there, such as a token that was renewed, is lost.

mod adapter;
mod detect;
mod error;
mod fault;
mod foreseen;
mod harness;
mod leftovers;
mod lines;
mod log;
mod run;
mod sandbox;
#[cfg(test)]
mod tests;

mod claude_code;
mod codex;
mod hermes;
mod jiuwenclaw;
mod openclaw;
mod opencode;
mod pi;

pub use detect::Detection;
pub use error::CliError;
pub use harness::{Cli, CliHarness, UnknownCli};
