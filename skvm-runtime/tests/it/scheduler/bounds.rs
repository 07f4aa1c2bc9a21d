//! Deadlines, how many at once, and that independent steps do run at once.

use std::time::Duration;

use skvm_runtime::scheduler::{ExecutionPolicy, StepOutcome, WorkflowExecutor};

use super::{Act, Scripted, quick, workflow};

#[tokio::test]
async fn the_deadline_of_a_step_ends_it_and_leaves_the_others() {
    let runner = Scripted::new(|_| Act::Done)
        .pausing(|step| Duration::from_millis(if step == 0 { 60_000 } else { 1 }));
    let policy =
        ExecutionPolicy { step_deadline: Duration::from_millis(30), retries: 1, ..quick() };
    let execution = WorkflowExecutor::new()
        .with_policy(policy)
        .run(&workflow(3, &[(0, 2)]), &runner)
        .await
        .unwrap();
    let StepOutcome::Failed { error, attempts } = &execution.steps[0] else {
        panic!("{execution:?}");
    };
    assert!(error.is_transient() && *attempts == 2, "{error:?}");
    assert!(matches!(execution.steps[1], StepOutcome::Done { .. }));
    assert!(matches!(execution.steps[2], StepOutcome::Skipped { .. }));
}

#[tokio::test]
async fn the_deadline_for_everything_keeps_what_was_done() {
    let runner = Scripted::new(|_| Act::Done)
        .pausing(|step| Duration::from_millis(if step == 1 { 60_000 } else { 1 }));
    let policy = ExecutionPolicy { deadline: Duration::from_millis(50), ..quick() };
    let execution = WorkflowExecutor::new()
        .with_policy(policy)
        .run(&workflow(2, &[(0, 1)]), &runner)
        .await
        .unwrap();
    assert!(execution.stopped && execution.took < Duration::from_secs(30));
    assert!(matches!(execution.steps[0], StepOutcome::Done { .. }));
    assert_eq!(execution.steps[1], StepOutcome::Cancelled);
}

#[tokio::test]
async fn independent_steps_run_at_once_up_to_the_bound() {
    for (parallel, expected) in [(1, 1), (3, 3), (100, 8), (0, 1)] {
        let runner = Scripted::new(|_| Act::Done).pausing(|_| Duration::from_millis(20));
        let policy = ExecutionPolicy { parallel, ..quick() };
        let execution = WorkflowExecutor::new()
            .with_policy(policy)
            .run(&workflow(8, &[]), &runner)
            .await
            .unwrap();
        assert!(execution.is_done());
        assert_eq!(runner.most_at_once(), expected, "parallel {parallel}");
    }
}
