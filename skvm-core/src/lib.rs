//! The language of SkVM: skills, capabilities, targets, and the contracts of passes, models and
//! harnesses.
//!
//! SkVM treats an agent *skill* (a folder with a `SKILL.md`) as source code and a *target* (a model
//! behind an agent harness) as the machine. It compiles the skill for the target and speeds it up
//! while it runs. This crate holds the words for that, and nothing that runs: no async runtime, no
//! processes, no network.
//!
//! # Who should depend on it
//!
//! Authors of passes, models, harnesses and stores: this crate is all they need. A host that wants
//! skills compiled and run depends on `skvm-runtime` instead.
//!
//! ```
//! use skvm_core::capability::{CapabilityProfile, Level, Primitive};
//! use skvm_core::skill::Skill;
//! use skvm_core::target::Target;
//!
//! let skill = Skill::from_text(
//!     "notes",
//!     "---\nname: notes\ndescription: Takes notes. Use when asked to note something.\n---\n\
//!      # Notes\n\n1. Open `notes.md`.\n2. Append the note.\n",
//! );
//! assert!(skill.diagnostics().is_empty());
//! assert_eq!(skill.document().step_lists()[0].steps().len(), 2);
//!
//! let target = Target::new("small-model", "bare-agent");
//! let profile = CapabilityProfile::new(&target, "2026-01-01T00:00:00Z")
//!     .with_level(Primitive::ToolFileWrite, Level::L1);
//! assert_eq!(profile.level(Primitive::ToolExec), None); // not measured, which is not L0
//! ```
//!
//! # Words
//!
//! | word | meaning | made by | may change it |
//! |---|---|---|---|
//! | [`skill::Skill`] | a loaded folder | its author | nobody |
//! | [`document::Document`] | the Markdown body as a tree of spans | loading | nobody |
//! | [`capability::Primitive`] | one of 26 primitive capabilities, at a [`capability::Level`] | the catalogue | nobody |
//! | [`capability::CapabilityProfile`] | what a [`target::Target`] was measured to do | probes | whoever measures |
//! | [`artifact::Artifact`] | a typed value that passes write and read | a pass | its pass |
//! | [`edit::Edit`] | a justified replacement of one span | a pass | nobody; it can be reverted |
//! | [`pass::Pass`] | a unit of compilation | its author | – |
//! | [`llm::LlmBackend`] | a model | the host | – |
//! | [`harness::Harness`] | what runs a task with a skill | the host | – |
//! | [`failure::Lessons`] | what failures taught, for compiling again | whoever watches sessions | nobody |
//! | [`host::HostFacts`] | the machine that skills run on | the host | – |
//! | [`program::ProgramRunner`] | what runs a program to see what it does | the host | – |
//! | [`journal::Journal`] | what was done so far, for whoever goes on | the host | – |
//!
//! # Rules
//!
//! 1. The source is never changed. A variant is the source plus sorted, non-overlapping edits.
//! 2. Spans are bytes of `SKILL.md`, lie on character boundaries and inside the text.
//! 3. A pass acts only through its [`pass::PassContext`]; the same input gives the same bytes.
//! 4. *Unmeasured* is not [`capability::Level::L0`], and unknown usage is not zero.
//! 5. A diagnostic tells about the skill; an error tells that the work could not be done.
//!
//! # Untrusted skills
//!
//! Loading executes nothing and follows no link out of the folder. [`skill::LoadLimits`] bounds the
//! bytes of `SKILL.md`, the bytes and number of bundle files and the depth of folders; YAML is read
//! under a budget that stops alias bombs; Markdown is parsed in one pass. Bundle files are read once,
//! at load time, so that what is compiled is what was digested.

#![doc(test(attr(deny(warnings))))]

pub mod artifact;
pub mod capability;
pub mod diagnostic;
pub mod digest;
pub mod document;
pub mod edit;
pub mod failure;
pub mod files;
pub mod harness;
pub mod host;
pub mod journal;
pub mod llm;
pub mod pass;
pub mod program;
pub mod skill;
pub mod span;
pub mod target;
pub mod tokens;
