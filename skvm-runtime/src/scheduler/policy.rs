//! What happens when steps fail, and the bounds of an execution.

use std::time::Duration;

/// What happens when steps fail, and the bounds of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionPolicy {
    /// What a failure does to the rest. Default: [`OnFailure::Continue`].
    pub on_failure: OnFailure,
    /// How often a transient failure is tried again. Default 2.
    pub retries: u32,
    /// The wait before the first new attempt; it doubles with each. Default 200 milliseconds.
    pub back_off: Duration,
    /// The longest wait before a new attempt, also when somebody asks for more. Default 30 seconds.
    pub longest_back_off: Duration,
    /// Time for one attempt at one step. Default 10 minutes.
    pub step_deadline: Duration,
    /// Time for everything. Default 1 hour.
    pub deadline: Duration,
    /// Most steps at once. Default 16.
    pub parallel: usize,
}

/// What a failure does to the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Nothing more is started, and what runs is dropped.
    FailFast,
    /// Everything is done that does not wait for the failed step.
    #[default]
    Continue,
    /// From the first failure on one step runs at a time, and the failed steps get one more attempt alone;
    /// for runners whose steps get in each other's way.
    Sequential,
}

impl Default for ExecutionPolicy {
    fn default() -> Self {
        Self {
            on_failure: OnFailure::default(),
            retries: 2,
            back_off: Duration::from_millis(200),
            longest_back_off: Duration::from_secs(30),
            step_deadline: Duration::from_secs(600),
            deadline: Duration::from_secs(3600),
            parallel: 16,
        }
    }
}

impl ExecutionPolicy {
    /// The wait before the attempt of that number, when the one before gave `asked`.
    pub(super) fn wait(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.back_off.saturating_mul(1 << attempt.saturating_sub(2).min(16));
        asked.unwrap_or(doubled).max(doubled.min(self.longest_back_off)).min(self.longest_back_off)
    }
}
