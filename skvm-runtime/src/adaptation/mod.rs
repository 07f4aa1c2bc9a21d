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
//! What a tool prints may come from anybody. It never reaches the text of a variant: lessons name modules, programs,
//! options and files, and take them only where the skill itself, or what is generally known, has them, or out of a call
//! that worked; the sentences are fixed; and the guard passes no program, address, package or outside path that the skill
//! lacks. Messages are read by regular expressions of ours, which run in linear time, from their first and last 4 KiB.

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
