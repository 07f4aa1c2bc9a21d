//! Agent harnesses: what runs a task with a skill, and the hooks that see it happen.

mod hooks;
mod record;
mod run;
mod tool;

use async_trait::async_trait;

pub use hooks::{Directive, Hooks, NoHooks, ToolDirective, ToolResult, TurnView};
pub use record::{
    ProcessReport, ProviderFault, RecordedToolCall, Role, RunNote, RunRecord, RunStatus, Step,
};
pub use run::{
    HarnessEvent, HarnessFeatures, HarnessRun, PreparedEnvironment, RunLimits, SkillMode,
    SkillView, Task,
};
pub use tool::{Tool, ToolOffer};

use crate::target::{HarnessId, ModelId};

/// An agent harness: runs one task with at most one skill.
///
/// An implementation owes its callers: the skill delivered in the mode that was asked for, or an
/// error; the deadline kept; every tool call and every answer in the record; a status that tells a
/// model's failure from a provider's and from its own; unknown usage left unknown.
///
/// ```
/// use async_trait::async_trait;
/// use skvm_core::harness::{Harness, HarnessError, HarnessFeatures, HarnessRun, RunRecord};
/// use skvm_core::target::HarnessId;
///
/// /// Answers every task with its own words.
/// #[derive(Debug)]
/// struct Parrot(HarnessId);
///
/// #[async_trait]
/// impl Harness for Parrot {
///     fn id(&self) -> &HarnessId {
///         &self.0
///     }
///
///     fn features(&self) -> HarnessFeatures {
///         HarnessFeatures::default()
///     }
///
///     async fn run(&self, run: HarnessRun<'_>) -> Result<RunRecord, HarnessError> {
///         Ok(RunRecord { text: run.task.prompt.clone(), ..RunRecord::default() })
///     }
/// }
///
/// let parrot: Box<dyn Harness> = Box::new(Parrot("parrot".into()));
/// assert!(!parrot.features().hooks);
/// ```
#[async_trait]
pub trait Harness: Send + Sync {
    /// Names the harness in targets and profiles.
    fn id(&self) -> &HarnessId;

    /// What it can do. What is not said is not assumed.
    fn features(&self) -> HarnessFeatures;

    /// Its own version, where it is known.
    fn version(&self) -> Option<&str> {
        None
    }

    /// The sampling temperature that it asks for; `None` where it leaves that to the provider or does not say.
    fn temperature(&self) -> Option<f32> {
        None
    }

    /// The model that it asks, when it is always the same; `None` when the [run](HarnessRun::model) decides.
    fn model(&self) -> Option<&ModelId> {
        None
    }

    /// Runs one task to its end or its deadline.
    ///
    /// A run that began gives a record, also when the model or its provider failed: the status tells.
    ///
    /// # Errors
    /// [`HarnessError`] when the run could not begin.
    async fn run(&self, run: HarnessRun<'_>) -> Result<RunRecord, HarnessError>;
}

const _: fn(&dyn Harness) = |_| {};

/// A run could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HarnessError {
    /// The working directory cannot be used.
    #[error("using the working directory {path}", path = path.display())]
    Workdir {
        /// The directory.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The harness is not installed, or not set up so that it could run.
    #[error("the harness {harness} is not ready to run")]
    NotReady {
        /// The harness.
        harness: HarnessId,
        /// Why, and what to do.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The harness cannot do what the run asks for.
    #[error("the harness {harness} cannot {what}")]
    Unsupported {
        /// The harness.
        harness: HarnessId,
        /// What was asked.
        what: &'static str,
    },
}
