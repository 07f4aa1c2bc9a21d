//! Steps as runs of a harness, as batches of commands, and over items.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use skvm_core::artifact::StepId;
use skvm_core::llm::{LlmError, LlmErrorKind, LlmResponse};
use skvm_runtime::harness::bare::BareAgent;
use skvm_runtime::scheduler::{
    Governor, GovernorBounds, HarnessSteps, Resource, Sample, Signals, StepError, StepOutcome,
    WorkflowExecutor, map_items,
};
use skvm_runtime::scripted::ScriptedModel;

use super::{quick, workflow};

struct Silent;

impl Signals for Silent {
    fn sample(&self) -> Sample {
        Sample::default()
    }
}

fn governor(most: usize) -> Governor {
    let bounds = GovernorBounds { model: most, cpu: most, network: most };
    Governor::with(bounds, Silent).warmed_up()
}

#[tokio::test]
async fn a_step_is_a_task_that_knows_what_the_steps_before_gave() {
    let answers = ["first", "second"].map(|text| Ok(LlmResponse::text(text)));
    let model = ScriptedModel::new("scripted", answers);
    let folder = tempfile::tempdir().unwrap();
    let agent = BareAgent::new(Arc::new(model.clone()));
    let steps = HarnessSteps::new(Arc::new(agent), "the whole task", folder.path());
    let executor = WorkflowExecutor::new().with_policy(quick()).with_governor(governor(2));
    let execution = executor.run(&workflow(2, &[(0, 1)]), &steps).await.unwrap();
    assert_eq!(execution.value(StepId(1)), Some(&json!("second")));
    let asked: Vec<String> =
        model.requests().iter().map(|r| r.messages[0].text().to_owned()).collect();
    assert!(asked[0].contains("the whole task") && !asked[0].contains("gave"), "{asked:?}");
    assert!(asked[1].contains("Step 1 gave:\nfirst"), "{asked:?}");
}

#[tokio::test]
async fn a_fault_of_the_provider_is_transient_and_any_other_end_is_not() {
    let fault = || Err(LlmError::new(LlmErrorKind::Network));
    let model =
        ScriptedModel::new("scripted", [fault(), Ok(LlmResponse::text("at last")), fault()]);
    let folder = tempfile::tempdir().unwrap();
    let agent = BareAgent::new(Arc::new(model));
    let steps = HarnessSteps::new(Arc::new(agent), "task", folder.path());
    let executor = WorkflowExecutor::new().with_policy(quick());
    let execution = executor.run(&workflow(1, &[]), &steps).await.unwrap();
    assert!(matches!(&execution.steps[0], StepOutcome::Done { attempts: 2, .. }), "{execution:?}");
    let gone = HarnessSteps::new(
        Arc::new(BareAgent::new(Arc::new(ScriptedModel::new("scripted", [])))),
        "task",
        folder.path().join("no such folder"),
    );
    let execution = executor.run(&workflow(1, &[]), &gone).await.unwrap();
    assert!(
        matches!(&execution.steps[0], StepOutcome::Failed { attempts: 1, .. }),
        "{execution:?}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_batch_of_commands_runs_at_once_and_keeps_its_order() {
    use skvm_runtime::command::{CommandRunner, CommandSpec, Environment};
    use skvm_runtime::scheduler::{CommandSteps, StepRun};

    let folder = tempfile::tempdir().unwrap();
    let runner = CommandRunner::new(Environment::from_host(), [folder.path()]).unwrap();
    let path = folder.path().to_owned();
    let steps = CommandSteps::new(runner, move |run: &StepRun<'_>| {
        let script = |text: String| CommandSpec::new("sh", &path).with_args(["-c", &text]);
        match run.id.0 {
            0 => ["0.3", "0.2", "0.1"].map(|s| script(format!("sleep {s}; printf {s}"))).into(),
            _ => vec![script("echo broken >&2; exit 3".to_owned())],
        }
    });
    let executor = WorkflowExecutor::new().with_policy(quick()).with_governor(governor(4));
    let execution = executor.run(&workflow(2, &[]), &steps).await.unwrap();
    assert_eq!(execution.value(StepId(0)), Some(&json!(["0.3", "0.2", "0.1"])));
    let StepOutcome::Done { took, .. } = execution.steps[0] else { unreachable!() };
    assert!(took < Duration::from_millis(590), "{took:?}");
    let StepOutcome::Failed { error, .. } = &execution.steps[1] else { unreachable!() };
    assert!(error.to_string().contains("broken"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn items_are_done_within_the_bound_and_their_results_keep_their_order() {
    let under_way = Arc::new(std::sync::Mutex::new((0_usize, 0_usize)));
    let work = |item: u64| {
        let under_way = Arc::clone(&under_way);
        async move {
            {
                let mut counts = under_way.lock().unwrap();
                counts.0 += 1;
                counts.1 = counts.1.max(counts.0);
            }
            tokio::time::sleep(Duration::from_millis(50 - item)).await;
            under_way.lock().unwrap().0 -= 1;
            match item {
                7 => Err(StepError::new("seven")),
                item => Ok(item * 2),
            }
        }
    };
    let results = map_items(&governor(4), Resource::Network, 0..20, 3, work).await;
    for (item, result) in results.iter().enumerate() {
        match item {
            7 => assert!(result.is_err()),
            item => assert_eq!(result.as_ref().ok(), Some(&(item as u64 * 2))),
        }
    }
    assert_eq!(under_way.lock().unwrap().1, 4);
    // A refused item is tried again, and not for ever.
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let refused = async |_: ()| {
        tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Err::<(), _>(StepError::refused("too many"))
    };
    let results = map_items(&governor(4), Resource::Network, [()], 3, refused).await;
    assert!(results[0].is_err());
    assert_eq!(tries.into_inner(), 3);
}
