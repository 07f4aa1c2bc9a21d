//! Policies for failure.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use skvm_core::artifact::{StepId, WorkflowError};
use skvm_runtime::scheduler::{
    ExecutionError, ExecutionPolicy, OnFailure, SchedulerEvent, StepOutcome, WorkflowExecutor,
};

use super::{Act, Scripted, quick, workflow};

#[tokio::test]
async fn fail_fast_starts_nothing_more_and_drops_what_runs() {
    let workflow = workflow(4, &[(2, 3)]);
    let runner = Scripted::new(|step| if step == 0 { Act::Fails } else { Act::Done })
        .pausing(|step| Duration::from_millis(if step == 0 { 5 } else { 60_000 }));
    let policy = ExecutionPolicy { on_failure: OnFailure::FailFast, ..quick() };
    let execution =
        WorkflowExecutor::new().with_policy(policy).run(&workflow, &runner).await.unwrap();
    assert!(matches!(&execution.steps[0], StepOutcome::Failed { attempts: 1, .. }));
    assert_eq!(execution.steps[1..], [const { StepOutcome::Cancelled }; 3]);
    assert!(!execution.stopped && execution.took < Duration::from_secs(30));
}

#[tokio::test]
async fn a_transient_failure_is_tried_again_and_one_for_good_is_not() {
    let acts = [Act::FailsAtFirst(2), Act::FailsAtFirst(3), Act::Fails];
    let runner = Scripted::new(move |step| acts[step]);
    let execution =
        WorkflowExecutor::new().with_policy(quick()).run(&workflow(3, &[]), &runner).await.unwrap();
    assert!(matches!(&execution.steps[0], StepOutcome::Done { attempts: 3, .. }));
    assert!(matches!(&execution.steps[1], StepOutcome::Failed { attempts: 3, .. }));
    assert!(matches!(&execution.steps[2], StepOutcome::Failed { attempts: 1, .. }));
}

#[tokio::test]
async fn what_failed_beside_others_gets_a_chance_alone() {
    use async_trait::async_trait;
    use serde_json::{Value, json};
    use skvm_runtime::scheduler::{StepError, StepRun, StepRunner};

    /// Fails whenever something else runs.
    #[derive(Default)]
    struct Jealous(Mutex<usize>);

    #[async_trait]
    impl StepRunner for Jealous {
        async fn run(&self, _run: StepRun<'_>) -> Result<Value, StepError> {
            *self.0.lock().unwrap() += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
            let beside = *self.0.lock().unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
            *self.0.lock().unwrap() -= 1;
            if beside > 1 { Err(StepError::new("not alone")) } else { Ok(json!(1)) }
        }
    }

    let policy = ExecutionPolicy { on_failure: OnFailure::Sequential, ..quick() };
    let executor = WorkflowExecutor::new().with_policy(policy);
    let execution =
        executor.run(&workflow(6, &[(0, 5), (1, 5)]), &Jealous::default()).await.unwrap();
    assert!(execution.is_done(), "{execution:?}");
    let execution = WorkflowExecutor::new()
        .with_policy(quick())
        .run(&workflow(2, &[]), &Jealous::default())
        .await
        .unwrap();
    assert!(!execution.is_done());
}

#[tokio::test]
async fn events_tell_every_start_and_end() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&events);
    let runner = Scripted::new(|step| if step == 0 { Act::FailsAtFirst(1) } else { Act::Done });
    let executor = WorkflowExecutor::new()
        .with_policy(quick())
        .with_observer(move |event| noted.lock().unwrap().push(event.clone()));
    executor.run(&workflow(2, &[(0, 1)]), &runner).await.unwrap();
    let (step, steps) = (StepId, 2);
    assert_eq!(
        *events.lock().unwrap(),
        [
            SchedulerEvent::Started { step: step(0), attempt: 1 },
            SchedulerEvent::Started { step: step(0), attempt: 2 },
            SchedulerEvent::Ended { step: step(0), done: true, ended: 1, steps },
            SchedulerEvent::Started { step: step(1), attempt: 1 },
            SchedulerEvent::Ended { step: step(1), done: true, ended: 2, steps },
        ]
    );
}

#[tokio::test]
async fn a_workflow_that_does_not_hold_together_is_refused() {
    let runner = Scripted::new(|_| Act::Done);
    for (workflow, cycle) in
        [(workflow(2, &[(0, 1), (1, 0)]), true), (workflow(2, &[(0, 2)]), false)]
    {
        let error = WorkflowExecutor::new().run(&workflow, &runner).await.unwrap_err();
        let ExecutionError::Workflow(error) = error else { panic!("{error:?}") };
        assert_eq!(matches!(error, WorkflowError::Cycle { .. }), cycle);
    }
    assert!(runner.log().is_empty());
    let nothing = WorkflowExecutor::new().run(&workflow(0, &[]), &runner).await.unwrap();
    assert!(nothing.is_done() && nothing.steps.is_empty());
}
