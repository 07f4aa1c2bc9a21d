//! Running workflows: what the executor itself costs, and how near it comes to the bound.

#![expect(clippy::unwrap_used, reason = "a bench without its input must not run")]

use std::hint::black_box;
use std::time::Duration;

use async_trait::async_trait;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use skvm_core::artifact::{EdgeCause, StepId, Workflow, WorkflowEdge, WorkflowStep};
use skvm_runtime::scheduler::{
    Execution, ExecutionPolicy, StepError, StepOutcome, StepRun, StepRunner, WorkflowExecutor,
};
use tokio::runtime::{Builder, Runtime};

/// Waits for a time and gives the step's number.
struct Waits(Duration);

#[async_trait]
impl StepRunner for Waits {
    async fn run(&self, run: StepRun<'_>) -> Result<Value, StepError> {
        if self.0 > Duration::ZERO {
            tokio::time::sleep(self.0).await;
        }
        Ok(json!(run.id.0))
    }
}

fn workflow(steps: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Workflow {
    let edges = edges.into_iter();
    Workflow {
        steps: (0..steps).map(|step| WorkflowStep::named(step.to_string())).collect(),
        edges: edges
            .map(|(a, b)| WorkflowEdge::new(StepId(a), StepId(b), EdgeCause::Output))
            .collect(),
        ..Workflow::default()
    }
}

/// Chain, fan, diamonds, and edges drawn by a fixed rule.
fn shapes(steps: usize) -> [(&'static str, Workflow); 4] {
    let diamonds = (0..steps.saturating_sub(3)).step_by(3);
    let diamonds = diamonds.flat_map(|a| [(a, a + 1), (a, a + 2), (a + 1, a + 3), (a + 2, a + 3)]);
    let drawn = (1..steps).flat_map(|to| [(to * 7919 % to, to), (to * 104_729 % to, to)]);
    [
        ("chain", workflow(steps, (1..steps).map(|to| (to - 1, to)))),
        ("fan", workflow(steps, (1..steps).map(|to| (0, to)))),
        ("diamonds", workflow(steps, diamonds)),
        ("random", workflow(steps, drawn)),
    ]
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Steps that do nothing: what is measured is the executor.
fn overhead(c: &mut Criterion) {
    let runtime = runtime();
    let executor = WorkflowExecutor::new();
    let nothing = Waits(Duration::ZERO);
    let mut group = c.benchmark_group("scheduler/overhead");
    for (name, workflow) in shapes(1000) {
        group.throughput(Throughput::Elements(1000));
        group.bench_function(name, |b| {
            b.iter(|| {
                let run = executor.run(black_box(&workflow), &nothing);
                assert!(runtime.block_on(run).unwrap().is_done());
            });
        });
    }
}

/// The shortest time in which the steps can be done that were done here, by how long each took: the longest
/// chain, or all work over all workers.
fn bound(workflow: &Workflow, execution: &Execution, workers: usize) -> Duration {
    let took: Vec<Duration> = execution
        .steps
        .iter()
        .map(|step| match step {
            StepOutcome::Done { took, .. } => *took,
            _ => Duration::ZERO,
        })
        .collect();
    // Edges lead forward, so that one pass finds the longest chain that ends in each step.
    let mut ends = took.clone();
    for to in 0..took.len() {
        let before = workflow.edges.iter().filter(|edge| edge.to.0 == to);
        let longest = before.map(|edge| ends[edge.from.0]).max().unwrap_or_default();
        ends[to] = longest + took[to];
    }
    let chain = ends.into_iter().max().unwrap_or_default();
    chain.max(took.iter().sum::<Duration>() / u32::try_from(workers).unwrap())
}

/// Steps of five milliseconds on eight workers. Beside the time it is told how far that lies above the bound.
#[expect(clippy::print_stderr, reason = "a bench tells what it found")]
fn makespan(c: &mut Criterion) {
    let runtime = runtime();
    let workers = 8;
    let policy = ExecutionPolicy { parallel: workers, ..ExecutionPolicy::default() };
    let executor = WorkflowExecutor::new().with_policy(policy);
    let step = Duration::from_millis(5);
    let waits = Waits(step);
    let mut group = c.benchmark_group("scheduler/makespan");
    group.sample_size(10);
    // Chains of 64 steps; of the wide ones more, so that what is left over at the end weighs little.
    let [chain, _, diamonds, _] = shapes(64);
    let [_, fan, _, random] = shapes(800);
    for (name, workflow) in [chain, fan, diamonds, random] {
        let execution = runtime.block_on(executor.run(&workflow, &waits)).unwrap();
        let bound = bound(&workflow, &execution, workers);
        let above = execution.took.as_secs_f64() / bound.as_secs_f64() - 1.0;
        eprintln!("{name}: {:.1} % above the bound of {bound:?}", above * 100.0);
        group.bench_function(name, |b| {
            b.iter(|| {
                let run = executor.run(black_box(&workflow), &waits);
                assert!(runtime.block_on(run).unwrap().is_done());
            });
        });
    }
}

criterion_group!(benches, overhead, makespan);
criterion_main!(benches);
