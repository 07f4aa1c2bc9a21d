//! Probes of primitive capabilities: questions whose answers show which level a target reaches.
//!
//! # Who should depend on it
//!
//! Hosts that measure models, and authors of further probes. Compiling and running skills does not
//! need it: a profile that was measured once is plain data of `skvm-core`.
//!
//! ```
//! use async_trait::async_trait;
//! use skvm_core::capability::{Level, Primitive};
//! use skvm_core::llm::{LlmBackend, LlmError, LlmRequest, LlmResponse};
//! use skvm_core::target::ModelId;
//! use skvm_probes::ask::ask;
//! use skvm_probes::probe::Grade;
//! use skvm_probes::registry::Probes;
//!
//! /// A model that answers everything with the same words.
//! struct Fixed(ModelId, String);
//!
//! #[async_trait]
//! impl LlmBackend for Fixed {
//!     fn model(&self) -> &ModelId {
//!         &self.0
//!     }
//!
//!     async fn complete(&self, _: LlmRequest) -> Result<LlmResponse, LlmError> {
//!         Ok(LlmResponse::text(&self.1))
//!     }
//! }
//!
//! let probes = Probes::standard();
//! let probe = probes.get(Primitive::ReasonArithmetic).ok_or("no such probe")?;
//! let instance = probe.generate(Level::L2, 7).ok_or("no such level")?;
//!
//! let right = Fixed(ModelId::from("right"), instance.reference().to_owned());
//! let grade = futures::executor::block_on(ask(&right, &instance))?;
//! assert_eq!(grade, Grade::Passed);
//!
//! let wrong = Fixed(ModelId::from("wrong"), "Answer: 0".to_owned());
//! let grade = futures::executor::block_on(ask(&wrong, &instance))?;
//! assert!(matches!(grade, Grade::Failed(reason) if reason.contains("0")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is there
//!
//! | module | holds |
//! |---|---|
//! | [`probe`] | the [`Probe`](probe::Probe) trait, instances, grades |
//! | [`draw`] | seeded randomness for probes |
//! | [`probes`] | the standard probes: `gen.text.structured`, `reason.arithmetic`, `follow.format` |
//! | [`registry`] | a set of probes, by primitive |
//! | [`ask`](mod@ask) | one question to a model |
//!
//! # What is not there yet
//!
//! - 23 of the 26 primitives have no probe; among them are all that need tools, files or programs.
//!   For them a target stays *unmeasured*, which is not [`L0`](skvm_core::capability::Level::L0).
//! - There is no profiler: nothing repeats questions, weighs the grades, or writes a
//!   [`CapabilityProfile`](skvm_core::capability::CapabilityProfile) with its cost and evidence.
//! - A probe asks a model alone, not a model behind a harness.
//!
//! # Rules
//!
//! 1. Probe, version, level and seed determine an instance byte for byte, in every build.
//! 2. The prompt states every rule that the grader enforces, and one answer only is right.
//! 3. An instance carries its own controls: a reference answer that its grader accepts and near
//!    misses that it refuses.
//! 4. A fault of the provider is an error and never a failed grade.
//!
//! # Untrusted answers
//!
//! Graders take any text, do not panic, and run nothing of it. Their time grows with the answer's
//! length and no faster; JSON nested deeper than 128 levels is refused; a reason has no more than
//! [`Grade::REASON_LIMIT`](probe::Grade::REASON_LIMIT) characters.

#![doc(test(attr(deny(warnings))))]

pub mod ask;
pub mod draw;
pub mod probe;
pub mod probes;
pub mod registry;
