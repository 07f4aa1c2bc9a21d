//! Probes: what asks for a primitive at a level, and how answers are graded.

mod answer;
mod evidence;
mod grade;
mod instance;

use std::fmt;

use skvm_core::capability::{Level, Primitive};

pub use answer::{Answer, Call, NearMiss};
pub use evidence::{Evidence, TracedCall};
pub use grade::{Grader, Mismatch, Outcome, by_answer, by_evidence};
pub use instance::{GivenTool, Instance, ToolNeed};

/// Makes questions that only a target which reaches a level of a primitive answers reliably.
///
/// An implementation owes its callers: the same instance, byte for byte, for the same version, level
/// and seed (a [`Draw`](crate::draw::Draw) is all the randomness it needs); a prompt that states
/// every rule that the grader enforces; one right answer, so no ties and no ambiguous words; near
/// misses that break one rule each.
///
/// ```
/// use skvm_core::capability::{Level, Primitive};
/// use skvm_probes::draw::Draw;
/// use skvm_probes::probe::{Evidence, Instance, Mismatch, Outcome, Probe, by_answer};
///
/// /// Asks for a sentence without a certain letter. Only its first level is made here.
/// #[derive(Debug)]
/// struct LipogramProbe;
///
/// impl Probe for LipogramProbe {
///     fn primitive(&self) -> Primitive {
///         Primitive::FollowConstraint
///     }
///
///     fn version(&self) -> u32 {
///         1
///     }
///
///     fn generate(&self, level: Level, seed: u64) -> Option<Instance> {
///         if level != Level::L1 {
///             return None;
///         }
///         let letter = Draw::new(self, level, seed).pick(&['q', 'x', 'z']);
///         let prompt = format!("Write a sentence in which the letter {letter} does not occur.");
///         let grader = by_answer(move |answer| {
///             if answer.trim().is_empty() {
///                 Err(Mismatch::new("the answer is empty"))
///             } else if answer.to_lowercase().contains(letter) {
///                 Err(Mismatch::new(format!("the letter {letter} occurs")))
///             } else {
///                 Ok(())
///             }
///         });
///         let instance = Instance::new(prompt, "Rain fell on the roof.", grader);
///         Some(instance.with_near_miss("the letter occurs", format!("I wrote {letter}.")))
///     }
/// }
///
/// let instance = LipogramProbe.generate(Level::L1, 1).ok_or("no such level")?;
/// let grade = |answer| futures::executor::block_on(instance.grade(&Evidence::of(answer)));
/// assert_eq!(grade(instance.reference().text()), Outcome::Passed);
/// assert!(instance.near_misses().iter().all(|m| grade(m.answer().text()) != Outcome::Passed));
/// # Ok::<(), &str>(())
/// ```
pub trait Probe: fmt::Debug + Send + Sync {
    /// The primitive that is measured.
    fn primitive(&self) -> Primitive;

    /// Raised whenever an instance or a grade changes; results of two versions do not compare.
    fn version(&self) -> u32;

    /// The instance for a level and a seed; `None` for [`Level::L0`], which nothing can be asked for,
    /// and for a level that this probe does not ask for.
    fn generate(&self, level: Level, seed: u64) -> Option<Instance>;
}

const _: fn(&dyn Probe) = |_| {};
