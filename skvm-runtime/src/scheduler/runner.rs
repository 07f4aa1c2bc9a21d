//! What runs a step.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use skvm_core::artifact::{StepId, WorkflowStep};

use super::Resource;

/// One attempt at one step.
#[derive(Debug)]
#[non_exhaustive]
pub struct StepRun<'a> {
    /// The step's position.
    pub id: StepId,
    /// The step.
    pub step: &'a WorkflowStep,
    /// What the steps gave that this one waits for, in their order.
    pub inputs: Vec<(StepId, Arc<Value>)>,
    /// The attempt, from 1.
    pub attempt: u32,
}

impl<'a> StepRun<'a> {
    pub(super) fn new(
        id: StepId,
        step: &'a WorkflowStep,
        inputs: Vec<(StepId, Arc<Value>)>,
        attempt: u32,
    ) -> Self {
        Self { id, step, inputs, attempt }
    }
}

/// Runs the steps of a workflow; see the [module](super) for a whole implementation.
///
/// A runner is asked for several steps at the same time. Its future is dropped when the step's deadline
/// passes or the execution is cancelled; whatever it started must end then, as commands of a
/// [`CommandRunner`](crate::command::CommandRunner) do.
#[async_trait]
pub trait StepRunner: Send + Sync {
    /// Does the step and gives its result.
    ///
    /// # Errors
    /// [`StepError`]; a transient one is tried again as the policy says.
    async fn run(&self, run: StepRun<'_>) -> Result<Value, StepError>;

    /// What a step is bounded by, for an executor with a governor; `None` for a step that costs nothing.
    fn resource(&self, step: &WorkflowStep) -> Option<Resource> {
        let _ = step;
        None
    }
}

const _: fn(&dyn StepRunner) = |_| {};

/// A step failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct StepError {
    what: String,
    transient: bool,
    refused: bool,
    retry_after: Option<Duration>,
}

impl StepError {
    /// A failure that trying again does not change.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), transient: false, refused: false, retry_after: None }
    }

    /// A failure that may pass: a refused call, a timeout.
    #[must_use]
    pub fn transient(what: impl Into<String>) -> Self {
        Self { what: what.into(), transient: true, refused: false, retry_after: None }
    }

    /// Somebody refused a call because there were too many at once. It is transient, and a governor takes
    /// back how many there are.
    #[must_use]
    pub fn refused(what: impl Into<String>) -> Self {
        Self { what: what.into(), transient: true, refused: true, retry_after: None }
    }

    /// The same failure, with the time that somebody asked to wait before the next attempt.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Whether it may pass.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.transient
    }

    /// Whether a call was refused because there were too many at once.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// How long somebody asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}
