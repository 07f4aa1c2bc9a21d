//! Probes: what asks for a primitive at a level, and how answers are graded.

use std::fmt;
use std::sync::Arc;

use skvm_core::capability::{Level, Primitive};

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
/// use skvm_probes::probe::{Grade, Grader, Instance, Probe};
///
/// /// Asks for a sentence without a certain letter. Only its first level is made here.
/// #[derive(Debug)]
/// struct LipogramProbe;
///
/// #[derive(Debug)]
/// struct Without(char);
///
/// impl Grader for Without {
///     fn grade(&self, answer: &str) -> Grade {
///         if answer.trim().is_empty() {
///             Grade::failed("the answer is empty")
///         } else if answer.to_lowercase().contains(self.0) {
///             Grade::failed(format!("the letter {} occurs", self.0))
///         } else {
///             Grade::Passed
///         }
///     }
/// }
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
///         match level {
///             Level::L0 | Level::L2 | Level::L3 => None,
///             Level::L1 => {
///                 let letter = Draw::new(self, level, seed).pick(&['q', 'x', 'z']);
///                 let prompt = format!("Write a sentence in which the letter {letter} does not occur.");
///                 let instance = Instance::new(prompt, "Rain fell on the roof.", Without(letter));
///                 Some(instance.with_near_miss("the letter occurs", format!("I wrote {letter}.")))
///             }
///         }
///     }
/// }
///
/// let instance = LipogramProbe.generate(Level::L1, 1).ok_or("no such level")?;
/// assert_eq!(instance.grade(instance.reference()), Grade::Passed);
/// assert!(instance.near_misses().iter().all(|miss| instance.grade(miss.answer()) != Grade::Passed));
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

/// Tells right answers to one instance from wrong ones.
///
/// It looks at nothing but the answer, takes any text without panicking, and grades the same text the
/// same way each time. See [`Probe`] for an implementation.
pub trait Grader: fmt::Debug + Send + Sync {
    /// Grades one answer.
    fn grade(&self, answer: &str) -> Grade;
}

const _: fn(&dyn Grader) = |_| {};

/// What became of an answer. That there was no answer is an error and no grade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grade {
    /// The answer is right.
    Passed,
    /// The answer is wrong, for this reason.
    Failed(String),
}

impl Grade {
    /// Most characters of a reason that [`Grade::failed`] keeps.
    pub const REASON_LIMIT: usize = 300;

    /// A failed grade, its reason cut to [`Grade::REASON_LIMIT`] characters.
    #[must_use]
    pub fn failed(reason: impl AsRef<str>) -> Self {
        Self::Failed(reason.as_ref().chars().take(Self::REASON_LIMIT).collect())
    }
}

/// One question with its grader and the grader's controls.
#[derive(Debug, Clone)]
#[must_use]
pub struct Instance {
    prompt: String,
    reference: String,
    near_misses: Vec<NearMiss>,
    grader: Arc<dyn Grader>,
}

/// An answer that is almost right and has to be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    fault: &'static str,
    answer: String,
}

impl Instance {
    /// An instance without near misses.
    pub fn new(
        prompt: impl Into<String>,
        reference: impl Into<String>,
        grader: impl Grader + 'static,
    ) -> Self {
        Self {
            prompt: prompt.into(),
            reference: reference.into(),
            near_misses: Vec::new(),
            grader: Arc::new(grader),
        }
    }

    /// The same instance with one more near miss; `fault` says what is wrong with the answer.
    pub fn with_near_miss(mut self, fault: &'static str, answer: impl Into<String>) -> Self {
        self.near_misses.push(NearMiss { fault, answer: answer.into() });
        self
    }

    /// What the target is asked.
    #[must_use]
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// An answer that the grader accepts.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Answers that the grader refuses.
    #[must_use]
    pub fn near_misses(&self) -> &[NearMiss] {
        &self.near_misses
    }

    /// Grades an answer. Takes any text.
    #[must_use]
    pub fn grade(&self, answer: &str) -> Grade {
        self.grader.grade(answer)
    }
}

impl NearMiss {
    /// What is wrong with the answer.
    #[must_use]
    pub fn fault(&self) -> &'static str {
        self.fault
    }

    /// The answer.
    #[must_use]
    pub fn answer(&self) -> &str {
        &self.answer
    }
}

/// Why an answer is refused, on its way to a [`Grade`].
#[derive(Debug)]
pub(crate) struct Mismatch(pub(crate) String);

impl From<&str> for Mismatch {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

impl From<Result<(), Mismatch>> for Grade {
    fn from(checked: Result<(), Mismatch>) -> Self {
        match checked {
            Ok(()) => Self::Passed,
            Err(Mismatch(reason)) => Self::failed(reason),
        }
    }
}
