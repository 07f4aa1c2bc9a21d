//! Adaptive recompilation: failures at run time become better compilations.
//!
//! ```text
//! trace ─► symptoms ─► diagnoses ─► evidence ─► lessons ─► variant on trial ─► kept, or the old one stays
//! ```
//!
//! - **Collect.** [`symptoms`] reads a trace: errors and exit codes, calls that were repeated, what is missing, what was
//!   refused, how the run ended, what was corrected.
//! - **Diagnose.** [`diagnose`] gives each a class, a cause and what could be done about it. What the agent did that then
//!   worked is evidence for the fix.
//! - **Decide.** A failure that comes again in enough of the latest sessions is systematic; one accident is not. Sessions
//!   in which the network or the provider failed count for nothing. One fix at a time is compiled, within a budget.
//! - **Try.** The new variant gets part of the sessions. A [`SequentialTest`] keeps it when it is better. A fix that was
//!   not kept is not tried again for the same failure in the same state of the skill.
//!
//! An engine does all this when it is built with [`adapt`](crate::engine::SkVmBuilder::adapt). What only a person can
//! put right is told once, as [`Decision::NeedsPerson`].
//!
//! # Untrusted traces
//!
//! What a tool prints may come from anybody, and no lesson carries a sentence of it into a variant. Modules and programs
//! are believed only where the skill's own code, or what is generally known, has them; files only where the bundle does.
//! The one thing that is new is the name of an option or of a command of a program, out of calls that worked in two
//! sessions in its place: a plain word without a value. The sentences of advice are fixed. The guard passes no program,
//! address, package or outside path that the skill lacks. A model that refines is told of failures in the words of the
//! skill and a fixed vocabulary; anything else is left out.
//!
//! Messages are read by regular expressions of ours, which run in linear time, from their first and last 4 KiB. What
//! seems to hold a secret is not kept.

mod change;
mod decision;
mod diagnosis;
mod evidence;
mod message;
mod policy;
mod symptom;
mod trial;

pub use decision::Decision;
pub use diagnosis::{Diagnosis, diagnose};
pub use policy::AdaptPolicy;
pub use symptom::{Recovery, Symptom, SymptomKind, symptoms};
pub use trial::{SequentialTest, SessionOutcome, Verdict};

pub(crate) use evidence::{Evidence, Systematic, outcome_of};
pub(crate) use trial::Tally;
