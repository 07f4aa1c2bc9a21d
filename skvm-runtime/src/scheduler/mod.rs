//! Runs workflows: each step as soon as those that it waits for are done, as many at once as the bounds
//! allow.
//!
//! A [`WorkflowExecutor`] runs a [`Workflow`](skvm_core::artifact::Workflow) on a [`StepRunner`] that the
//! host supplies. Results are kept by step and never by time: whatever the interleaving, the outcome is that
//! of running the steps one after the other.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use async_trait::async_trait;
//! use serde_json::{Value, json};
//! use skvm_core::artifact::{EdgeCause, StepId, Workflow, WorkflowEdge, WorkflowStep};
//! use skvm_runtime::scheduler::{StepError, StepRun, StepRunner, WorkflowExecutor};
//!
//! /// Gives one more than the sum of what the steps before gave.
//! struct Sums;
//!
//! #[async_trait]
//! impl StepRunner for Sums {
//!     async fn run(&self, run: StepRun<'_>) -> Result<Value, StepError> {
//!         let before = run.inputs.iter().filter_map(|(_, value)| value.as_u64());
//!         Ok(json!(1 + before.sum::<u64>()))
//!     }
//! }
//!
//! let edge = |from, to| WorkflowEdge::new(StepId(from), StepId(to), EdgeCause::Output);
//! let workflow = Workflow {
//!     steps: ["a", "b", "c", "d"].map(WorkflowStep::named).into(),
//!     edges: vec![edge(0, 1), edge(0, 2), edge(1, 3), edge(2, 3)],
//!     ..Workflow::default()
//! };
//! let execution = WorkflowExecutor::new().run(&workflow, &Sums).await?;
//! assert_eq!(execution.value(StepId(3)), Some(&json!(5)));
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
//! #     .block_on(example()).unwrap();
//! ```

mod executor;
mod governed;
mod governor;
mod policy;
mod runner;
mod state;
mod steps;

pub use executor::{Execution, ExecutionError, SchedulerEvent, StepOutcome, WorkflowExecutor};
pub use governed::GovernedModel;
pub use governor::{Governor, GovernorBounds, HostSignals, Permit, Resource, Sample, Signals};
pub use policy::{ExecutionPolicy, OnFailure};
pub use runner::{StepError, StepRun, StepRunner};
pub use steps::{CommandSteps, HarnessSteps, map_items};
