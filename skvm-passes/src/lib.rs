//! Compiles agent skills for a target: the pass manager, the standard passes and the guard.
//!
//! # Who should depend on it
//!
//! Hosts that compile skills and run them by their own means. `skvm-runtime` contains it for hosts
//! that want both; authors of passes need only `skvm-core`.
//!
//! ```
//! use skvm_core::artifact::{Dependencies, DependencyKind};
//! use skvm_core::capability::{CapabilityProfile, Gaps, Level, Primitive};
//! use skvm_core::pass::Unit;
//! use skvm_core::skill::Skill;
//! use skvm_core::target::Target;
//! use skvm_passes::manager::PassManager;
//!
//! let skill = Skill::from_text(
//!     "sizes",
//!     "---\nname: sizes\ndescription: Lists sizes.\n---\n# Sizes\n\n```sh\ndu -a . | jq -R . > out\n```\n",
//! );
//! let target = Target::new("small-model", "bare-agent");
//! let profile = CapabilityProfile::new(&target, "2026-01-01T00:00:00Z")
//!     .with_level(Primitive::ToolExec, Level::L1);
//! let unit = Unit::new(skill, target).with_profile(profile);
//!
//! let compiled = futures::executor::block_on(PassManager::standard().compile(&unit))?;
//! let artifacts = compiled.variant.artifacts();
//! let gaps = artifacts.get::<Gaps>()?.unwrap_or_default();
//! let gap = gaps.measured().next().ok_or("no gap")?;
//! assert_eq!(gap.primitive, Primitive::ToolExec); // pipes need L2
//! let needs = artifacts.get::<Dependencies>()?.unwrap_or_default();
//! assert!(needs.entries.iter().any(|d| d.kind == DependencyKind::Program && d.name == "jq"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The standard passes
//!
//! | pass | reads | writes | edits |
//! |---|---|---|---|
//! | [`code`] | – | `code` | – |
//! | [`requirements`] | `code` | `requirements` | – |
//! | [`lessons`] | `code`, lessons | – | corrects what failed |
//! | [`capability`] (PASS-1) | `code`, `requirements`, profile | `gaps` | lowers demands |
//! | [`environment`] (PASS-2) | `code`, host, lessons | `dependencies`, `environment-plan` | – |
//! | [`concurrency`] (PASS-3) | – | `workflow` | – |
//! | [`templates`] | `code` | `templates` | – |
//!
//! # Rules
//!
//! 1. The same skill, target, profile and passes give the same bytes: no time, no randomness, no map
//!    order. The [memo](manager) relies on it.
//! 2. Every standard pass works without a model. A model only refines, through
//!    [`recorded`] answers.
//! 3. A [variant](variant::Variant) exists only after the [guard] verified it. Edits that the guard
//!    blames are taken back and told; the rest is published.
//!
//! # Untrusted skills
//!
//! Code in skills is parsed, never run. Parsers have a bound on bytes and steps; nothing here uses a
//! regular expression from a skill.

#![doc(test(attr(deny(warnings))))]

pub mod capability;
pub mod code;
pub mod concurrency;
pub mod environment;
pub mod guard;
pub mod lessons;
pub mod manager;
mod opening;
pub mod recorded;
pub mod requirements;
pub mod section;
pub mod templates;
pub mod variant;
