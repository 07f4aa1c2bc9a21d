//! The executor: the same results whatever the interleaving, dependencies first, failures and bounds.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod failures;
mod governed;
mod governor;
mod journal;
mod laws;
mod steps;

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use skvm_core::artifact::{EdgeCause, StepId, Workflow, WorkflowEdge, WorkflowStep};
use skvm_runtime::scheduler::{ExecutionPolicy, StepError, StepRun, StepRunner};

/// A workflow of that many steps with these edges.
fn workflow(steps: usize, edges: &[(usize, usize)]) -> Workflow {
    let edge = |(from, to): &(usize, usize)| {
        WorkflowEdge::new(StepId(*from), StepId(*to), EdgeCause::Output)
    };
    Workflow {
        steps: (0..steps).map(|step| WorkflowStep::named(step.to_string())).collect(),
        edges: edges.iter().map(edge).collect(),
        ..Workflow::default()
    }
}

/// What a step of a test does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Done,
    /// Fails for good.
    Fails,
    /// Fails so often, then is done.
    FailsAtFirst(u32),
}

/// Runs steps as told, and notes when each began and ended.
struct Scripted {
    act: Box<dyn Fn(usize) -> Act + Send + Sync>,
    pause: Box<dyn Fn(usize) -> Duration + Send + Sync>,
    /// `(step, began)` in the order in which it happened.
    log: Mutex<Vec<(usize, bool)>>,
}

impl Scripted {
    fn new(act: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        let pause = |_| Duration::ZERO;
        Self { act: Box::new(act), pause: Box::new(pause), log: Mutex::default() }
    }

    fn pausing(mut self, pause: impl Fn(usize) -> Duration + Send + Sync + 'static) -> Self {
        self.pause = Box::new(pause);
        self
    }

    fn log(&self) -> Vec<(usize, bool)> {
        self.log.lock().unwrap().clone()
    }

    /// The most steps that ran at once.
    fn most_at_once(&self) -> usize {
        let mut running = 0_usize;
        let counts = self.log().into_iter().map(|(_, began)| {
            running = if began { running + 1 } else { running - 1 };
            running
        });
        counts.max().unwrap_or(0)
    }
}

/// The result of a step is made of its number and its inputs, so that a wrong input shows in every result
/// behind it.
fn result(step: usize, inputs: impl Iterator<Item = (usize, u64)>) -> u64 {
    inputs.fold(step as u64 + 1, |sum, (from, value)| {
        sum.wrapping_mul(31).wrapping_add(value ^ (from as u64))
    }) & 0xffff_ffff
}

/// The results of running the steps one after the other.
fn in_sequence(workflow: &Workflow) -> Vec<u64> {
    let mut results: Vec<u64> = Vec::new();
    for step in 0..workflow.steps.len() {
        let mut before: Vec<usize> =
            workflow.edges.iter().filter(|e| e.to.0 == step).map(|e| e.from.0).collect();
        before.sort_unstable();
        before.dedup();
        results.push(result(step, before.into_iter().map(|from| (from, results[from]))));
    }
    results
}

#[async_trait]
impl StepRunner for Scripted {
    async fn run(&self, run: StepRun<'_>) -> Result<Value, StepError> {
        let step = run.id.0;
        self.log.lock().unwrap().push((step, true));
        let pause = (self.pause)(step);
        if pause > Duration::ZERO {
            tokio::time::sleep(pause).await;
        } else {
            tokio::task::yield_now().await;
        }
        self.log.lock().unwrap().push((step, false));
        match (self.act)(step) {
            Act::Fails => Err(StepError::new("told to fail")),
            Act::FailsAtFirst(times) if run.attempt <= times => {
                Err(StepError::transient("not yet"))
            }
            Act::Done | Act::FailsAtFirst(_) => {
                let inputs =
                    run.inputs.iter().map(|(from, value)| (from.0, value.as_u64().unwrap()));
                Ok(json!(result(step, inputs)))
            }
        }
    }
}

fn quick() -> ExecutionPolicy {
    ExecutionPolicy { back_off: Duration::from_millis(1), ..ExecutionPolicy::default() }
}
