//! The executor.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::{BoxFuture, Either, select};
use futures::stream::FuturesUnordered;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use skvm_core::artifact::{StepId, Workflow, WorkflowError};
use skvm_core::journal::{Journal, JournalError};
use tokio::time::{sleep, timeout};

use super::state::State;
use super::{ExecutionPolicy, Governor, OnFailure, StepError, StepRun, StepRunner};

/// Runs workflows; see the [module](super).
#[derive(Clone, Default)]
pub struct WorkflowExecutor {
    policy: ExecutionPolicy,
    journal: Option<Arc<dyn Journal>>,
    observer: Option<Observer>,
    governor: Option<Governor>,
}

/// The result of a step, as the journal has it.
#[derive(Serialize, Deserialize)]
struct Noted<V> {
    step: StepId,
    value: V,
}

type Observer = Arc<dyn Fn(&SchedulerEvent) + Send + Sync>;

impl std::fmt::Debug for WorkflowExecutor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkflowExecutor").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// A workflow could not be executed. A step that failed is an outcome and no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutionError {
    /// The workflow does not hold together.
    #[error("checking the workflow")]
    Workflow(#[from] WorkflowError),
    /// The results of steps could not be read or noted.
    #[error("keeping the results of steps")]
    Journal(#[from] JournalError),
}

/// What is told while a workflow runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SchedulerEvent {
    /// An attempt at a step begins.
    #[serde(rename_all = "camelCase")]
    Started {
        /// The step.
        step: StepId,
        /// The attempt, from 1.
        attempt: u32,
    },
    /// A step has an outcome: it is done, failed, was skipped or recorded before.
    #[serde(rename_all = "camelCase")]
    Ended {
        /// The step.
        step: StepId,
        /// Whether it is done.
        done: bool,
        /// How many steps have an outcome.
        ended: usize,
        /// How many there are.
        steps: usize,
    },
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StepOutcome {
    /// It was done.
    Done {
        /// Its result.
        value: Arc<Value>,
        /// How many attempts it took; 0 for one that was recorded before.
        attempts: u32,
        /// From the start of the execution to the start of the last attempt.
        started: Duration,
        /// How long the last attempt took.
        took: Duration,
    },
    /// It failed.
    Failed {
        /// Why, in the last attempt.
        error: StepError,
        /// How many attempts there were.
        attempts: u32,
    },
    /// It waits for a step that failed.
    Skipped {
        /// That step.
        because: StepId,
    },
    /// The execution ended before.
    Cancelled,
}

/// What came of a workflow.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Execution {
    /// One outcome a step, in the order of the workflow.
    pub steps: Vec<StepOutcome>,
    /// How long everything took.
    pub took: Duration,
    /// Whether it ended at its deadline or because it was stopped.
    pub stopped: bool,
}

impl Execution {
    /// Whether every step is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, StepOutcome::Done { .. }))
    }

    /// The result of a step; `None` when it is not done.
    #[must_use]
    pub fn value(&self, step: StepId) -> Option<&Value> {
        match self.steps.get(step.0)? {
            StepOutcome::Done { value, .. } => Some(value),
            StepOutcome::Failed { .. } | StepOutcome::Skipped { .. } | StepOutcome::Cancelled => {
                None
            }
        }
    }
}

/// The end of one attempt.
struct Ended {
    step: usize,
    attempt: u32,
    started: Duration,
    took: Duration,
    result: Result<Value, StepError>,
}

impl WorkflowExecutor {
    /// An executor with the default policy.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same executor with another policy.
    #[must_use]
    pub fn with_policy(mut self, policy: ExecutionPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The same executor, which notes results and leaves out the steps whose results are noted. The journal is
    /// that of the workflow's [digest](Workflow::digest), and of nothing else.
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// The same executor, whose steps wait for the governor's leave where their runner names a resource.
    #[must_use]
    pub fn with_governor(mut self, governor: Governor) -> Self {
        self.governor = Some(governor);
        self
    }

    /// The same executor, which tells what happens. The observer should return soon.
    #[must_use]
    pub fn with_observer(
        mut self,
        observer: impl Fn(&SchedulerEvent) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Runs a workflow to its end or its deadline. Dropping the future drops the steps that run.
    ///
    /// # Errors
    /// [`ExecutionError`] when the workflow does not hold together or the journal fails.
    pub async fn run(
        &self,
        workflow: &Workflow,
        runner: &dyn StepRunner,
    ) -> Result<Execution, ExecutionError> {
        self.run_until(workflow, runner, std::future::pending::<()>()).await
    }

    /// Runs a workflow until `stop` is ready. Steps that run then are dropped; the outcomes of those that
    /// are done stay.
    ///
    /// # Errors
    /// As for [`WorkflowExecutor::run`].
    pub async fn run_until(
        &self,
        workflow: &Workflow,
        runner: &dyn StepRunner,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<Execution, ExecutionError> {
        workflow.verify()?;
        let began = Instant::now();
        let mut state = State::new(workflow);
        self.resume(workflow, &mut state)?;
        let stop = std::pin::pin!(async {
            // Both are bounds; which of them came first makes no difference.
            select(std::pin::pin!(stop), std::pin::pin!(sleep(self.policy.deadline))).await;
        });
        let stopped = {
            let work = std::pin::pin!(self.drive(workflow, runner, began, &mut state));
            match select(work, stop).await {
                Either::Left((ended, _)) => {
                    ended?;
                    false
                }
                Either::Right(_) => true,
            }
        };
        state.cancel_rest();
        let steps = state.outcomes.into_iter().flatten().collect();
        Ok(Execution { steps, took: began.elapsed(), stopped })
    }

    /// Takes over what the journal knows. A step counts only when all that it waits for count.
    fn resume(&self, workflow: &Workflow, state: &mut State) -> Result<(), JournalError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let entries = journal.entries()?.into_iter().map(serde_json::from_value::<Noted<Value>>);
        let mut recorded: BTreeMap<StepId, Value> =
            entries.filter_map(Result::ok).map(|noted| (noted.step, noted.value)).collect();
        let mut later = Vec::new();
        while let Some(step) = state.take_ready() {
            match recorded.remove(&StepId(step)) {
                Some(value) => {
                    let (started, took) = (Duration::ZERO, Duration::ZERO);
                    let value = Arc::new(value);
                    state.done(step, StepOutcome::Done { value, attempts: 0, started, took });
                    self.ended(workflow, state, step, true);
                }
                None => later.push(step),
            }
        }
        later.into_iter().for_each(|step| state.put_back(step));
        Ok(())
    }

    async fn drive(
        &self,
        workflow: &Workflow,
        runner: &dyn StepRunner,
        began: Instant,
        state: &mut State,
    ) -> Result<(), ExecutionError> {
        let mut running: FuturesUnordered<BoxFuture<'_, Ended>> = FuturesUnordered::new();
        let mut alone = false;
        // Failed steps that get one more attempt when nothing else runs.
        let mut second_chance: Vec<usize> = Vec::new();
        let mut had_chance = vec![false; workflow.steps.len()];
        loop {
            let most = if alone { 1 } else { self.policy.parallel.max(1) };
            while running.len() < most
                && let Some(step) = state.take_ready()
            {
                let inputs = state.inputs(step);
                running.push(Box::pin(self.attempts(workflow, runner, began, step, inputs)));
            }
            let Some(ended) = running.next().await else {
                match second_chance.pop() {
                    Some(step) => state.put_back(step),
                    None if state.has_ready() => {}
                    None => return Ok(()),
                }
                continue;
            };
            let Ended { step, attempt, started, took, result } = ended;
            match result {
                Ok(value) => {
                    if let Some(journal) = &self.journal {
                        let noted = Noted { step: StepId(step), value: &value };
                        // Nothing of it is refused by serde_json.
                        journal.append(&serde_json::to_value(noted).unwrap_or_default())?;
                    }
                    let value = Arc::new(value);
                    let attempts = attempt;
                    state.done(step, StepOutcome::Done { value, attempts, started, took });
                    self.ended(workflow, state, step, true);
                }
                Err(_) if self.policy.on_failure == OnFailure::Sequential && !had_chance[step] => {
                    alone = true;
                    had_chance[step] = true;
                    second_chance.push(step);
                }
                Err(error) => {
                    state.failed(step, StepOutcome::Failed { error, attempts: attempt });
                    self.ended(workflow, state, step, false);
                    if self.policy.on_failure == OnFailure::FailFast {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Tries a step until it is done, fails for good, or has used up its attempts.
    async fn attempts(
        &self,
        workflow: &Workflow,
        runner: &dyn StepRunner,
        began: Instant,
        step: usize,
        inputs: Vec<(StepId, Arc<Value>)>,
    ) -> Ended {
        let mut attempt = 1;
        loop {
            let resource = self.governor.as_ref().zip(runner.resource(&workflow.steps[step]));
            let permit = match resource {
                Some((governor, resource)) => Some(governor.acquire(resource).await),
                None => None,
            };
            let started = began.elapsed();
            self.tell(|| SchedulerEvent::Started { step: StepId(step), attempt });
            let run = StepRun::new(StepId(step), &workflow.steps[step], inputs.clone(), attempt);
            let deadline = self.policy.step_deadline;
            let result = match timeout(deadline, runner.run(run)).await {
                Ok(result) => result,
                Err(_) => {
                    let what = format!("the step was not done within {deadline:?}");
                    Err(StepError::transient(what))
                }
            };
            let took = began.elapsed().saturating_sub(started);
            match (permit, &result) {
                (Some(permit), Ok(_)) => permit.succeeded(),
                (Some(permit), Err(error)) if error.is_refused() => {
                    permit.refused(error.retry_after());
                }
                // Any other failure says nothing about how many there may be.
                (Some(_) | None, _) => {}
            }
            match &result {
                Err(error) if error.is_transient() && attempt <= self.policy.retries => {
                    attempt += 1;
                    sleep(self.policy.wait(attempt, error.retry_after())).await;
                }
                Ok(_) | Err(_) => return Ended { step, attempt, started, took, result },
            }
        }
    }

    fn ended(&self, workflow: &Workflow, state: &State, step: usize, done: bool) {
        let (ended, steps) = (state.ended, workflow.steps.len());
        self.tell(|| SchedulerEvent::Ended { step: StepId(step), done, ended, steps });
    }

    fn tell(&self, event: impl FnOnce() -> SchedulerEvent) {
        if let Some(observer) = &self.observer {
            observer(&event());
        }
    }
}
