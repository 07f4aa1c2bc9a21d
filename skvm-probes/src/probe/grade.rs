//! Telling right from wrong.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use skvm_core::program::ProgramError;

use super::Evidence;

/// What became of an instance. Only the first two say something about the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "reason", rename_all = "kebab-case")]
pub enum Outcome {
    /// The answer is right.
    Passed,
    /// The answer is wrong, for this reason.
    Failed(String),
    /// Machine or harness lack what the instance needs.
    Skipped(String),
    /// The infrastructure failed.
    Fault(String),
}

impl Outcome {
    /// Most characters of a reason that [`Outcome::failed`] keeps.
    pub const REASON_LIMIT: usize = 300;

    /// A failure, its reason cut to [`Outcome::REASON_LIMIT`] characters.
    #[must_use]
    pub fn failed(reason: impl AsRef<str>) -> Self {
        Self::Failed(reason.as_ref().chars().take(Self::REASON_LIMIT).collect())
    }

    /// Whether it says something about the target.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        matches!(self, Self::Passed | Self::Failed(_))
    }

    /// Why it is not [`Outcome::Passed`].
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(reason) | Self::Skipped(reason) | Self::Fault(reason) => Some(reason),
        }
    }
}

/// Tells right answers to one instance from wrong ones.
///
/// It looks at nothing but the evidence, takes any without panicking, and grades the same evidence the same
/// way each time. Most graders are made by [`by_answer`] or [`by_evidence`]; one that runs programs is an
/// implementation of its own.
///
/// ```
/// use async_trait::async_trait;
/// use skvm_core::program::Program;
/// use skvm_probes::probe::{Evidence, Grader, Outcome};
///
/// /// Wants a shell script that prints 7.
/// #[derive(Debug)]
/// struct PrintsSeven;
///
/// #[async_trait]
/// impl Grader for PrintsSeven {
///     async fn grade(&self, evidence: &Evidence<'_>) -> Outcome {
///         let Some(programs) = evidence.programs else {
///             return Outcome::Skipped("no runner".to_owned());
///         };
///         let program = Program::new("sh", ["script.sh"]).with_file("script.sh", evidence.answer);
///         match programs.run(program).await {
///             Ok(output) if output.stdout.trim() == "7" => Outcome::Passed,
///             Ok(output) => Outcome::failed(format!("it printed {:?}", output.stdout)),
///             Err(error) => error.into(),
///         }
///     }
/// }
///
/// let outcome = futures::executor::block_on(PrintsSeven.grade(&Evidence::of("echo 7")));
/// assert!(!outcome.is_judged());
/// ```
#[async_trait]
pub trait Grader: fmt::Debug + Send + Sync {
    /// Grades what a target left.
    async fn grade(&self, evidence: &Evidence<'_>) -> Outcome;
}

const _: fn(&dyn Grader) = |_| {};

/// Why an answer is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch(String);

impl Mismatch {
    /// An answer is refused for this reason.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl From<&str> for Mismatch {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

impl From<String> for Mismatch {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

impl From<Result<(), Mismatch>> for Outcome {
    fn from(checked: Result<(), Mismatch>) -> Self {
        match checked {
            Ok(()) => Self::Passed,
            Err(Mismatch(reason)) => Self::failed(reason),
        }
    }
}

impl From<ProgramError> for Outcome {
    /// A program that the machine lacks is skipped; anything else is the infrastructure's fault.
    fn from(error: ProgramError) -> Self {
        match &error {
            ProgramError::Missing { .. } => Self::Skipped(error.to_string()),
            _ => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                Self::Fault(format!("{error}: {}", source.unwrap_or_default()))
            }
        }
    }
}

/// A grader that looks at the answer's text alone.
pub fn by_answer<F>(check: F) -> impl Grader + 'static
where
    F: Fn(&str) -> Result<(), Mismatch> + Send + Sync + 'static,
{
    ByEvidence(move |evidence: &Evidence<'_>| check(evidence.answer))
}

/// A grader that looks at all of the evidence and runs nothing.
pub fn by_evidence<F>(check: F) -> impl Grader + 'static
where
    F: Fn(&Evidence<'_>) -> Result<(), Mismatch> + Send + Sync + 'static,
{
    ByEvidence(check)
}

struct ByEvidence<F>(F);

impl<F> fmt::Debug for ByEvidence<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<F>())
    }
}

#[async_trait]
impl<F> Grader for ByEvidence<F>
where
    F: Fn(&Evidence<'_>) -> Result<(), Mismatch> + Send + Sync,
{
    async fn grade(&self, evidence: &Evidence<'_>) -> Outcome {
        (self.0)(evidence).into()
    }
}
