//! Probes of primitive capabilities: what a target is asked so that its level shows.
//!
//! # Who should depend on it
//!
//! Hosts that measure models behind harnesses, and authors of further probes. Compiling and running skills does
//! not need it: a profile that was measured once is plain data of `skvm-core`.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use skvm_core::capability::{CapabilityProfile, Level, Primitive};
//! use skvm_core::target::Target;
//! use skvm_probes::profiler::Profiler;
//! use skvm_probes::simulated::SimulatedModel;
//! use skvm_runtime::command::{Environment, ScratchRunner};
//! use skvm_runtime::harness::bare::BareAgent;
//!
//! // A model that reaches L1 of the one primitive and L3 of the other.
//! let planted = CapabilityProfile::new(&Target::new("small", "bare-agent"), "2026-01-01T00:00:00Z")
//!     .with_level(Primitive::ReasonLogic, Level::L1)
//!     .with_level(Primitive::ToolFileRead, Level::L3);
//! let model = SimulatedModel::new("small", planted, 7);
//!
//! let agent = Arc::new(BareAgent::new(Arc::new(model)));
//! let programs = Arc::new(ScratchRunner::new(Environment::from_host()));
//! let run = Profiler::new(agent, "small")
//!     .with_programs(programs)
//!     .with_seed(7)
//!     .with_primitives([Primitive::ReasonLogic, Primitive::ToolFileRead])
//!     .run()
//!     .await?;
//! assert_eq!(run.profile.level(Primitive::ReasonLogic), Some(Level::L1));
//! assert_eq!(run.profile.level(Primitive::ToolFileRead), Some(Level::L3));
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```
//!
//! # What is there
//!
//! | module | holds |
//! |---|---|
//! | [`probe`] | the [`Probe`](probe::Probe) trait, instances, graders and their evidence |
//! | [`probes`] | the 26 standard probes |
//! | [`registry`] | a set of probes, by primitive |
//! | [`draw`] | seeded randomness for probes |
//! | [`site`] | small web sites that are served while an instance is worked on |
//! | [`examination`] | one instance, put to one target |
//! | [`profiler`] | which instances are put, until when, and what follows |
//! | [`simulated`] | a model with planted levels, and a browser: for tests and demonstrations |
//!
//! # Rules
//!
//! 1. Probe, version, level and seed determine an instance byte for byte, in every build.
//! 2. The prompt states every rule that the grader enforces, and one answer only is right, or the rules say what
//!    all right answers have in common.
//! 3. An instance carries its own controls: a reference answer that its grader accepts and near misses that it
//!    refuses.
//! 4. Passed, failed, skipped and faulty are four outcomes. Only the first two say something about a target.
//! 5. Graders lie where no target can reach them, and look at what was taken away from it.
//!
//! # Untrusted answers
//!
//! Graders take any text, trace and files, and do not panic. Programs that a target wrote run through the host's
//! [`ProgramRunner`](skvm_core::program::ProgramRunner), each in a folder of its own; queries run in a database
//! in memory that they may only read, for two seconds; expressions have a limit on backtracking; pages and JSON
//! are bounded in size and depth. A reason has no more than
//! [`Outcome::REASON_LIMIT`](probe::Outcome::REASON_LIMIT) characters.

#![doc(test(attr(deny(warnings))))]

pub mod draw;
pub mod examination;
mod html;
pub mod probe;
pub mod probes;
pub mod profiler;
pub mod registry;
pub mod simulated;
pub mod site;
