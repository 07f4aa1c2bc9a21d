//! Running a task: the right text to the harness, the trace to the store and the caller.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::executor::block_on;
use skvm_core::harness::{
    Directive, Harness, HarnessError, HarnessFeatures, HarnessRun, RunLimits, RunRecord, RunStatus,
    SkillMode, SkillView, Task, TurnView,
};
use skvm_core::llm::{LlmBackend, LlmError, LlmRequest, LlmResponse, Message};
use skvm_core::target::HarnessId;
use skvm_runtime::engine::{EngineError, RunRequest, SkVm, SkVmBuilder};
use skvm_runtime::scripted::ScriptedModel;

use super::{chain, counted, features, skill, target};
use crate::watched::Watched;

/// What each run was given: skill, working directory, bounds.
type Given = Arc<Mutex<Vec<(Option<SkillView>, PathBuf, RunLimits)>>>;

/// Asks the model once, with the skill's text in the prompt, and keeps what it was given.
struct OneShot {
    id: HarnessId,
    model: ScriptedModel,
    given: Given,
}

#[async_trait]
impl Harness for OneShot {
    fn id(&self) -> &HarnessId {
        &self.id
    }

    fn features(&self) -> HarnessFeatures {
        features()
    }

    async fn run(&self, run: HarnessRun<'_>) -> Result<RunRecord, HarnessError> {
        if !run.workdir.is_dir() {
            let source = std::io::ErrorKind::NotFound.into();
            return Err(HarnessError::Workdir { path: run.workdir.to_owned(), source });
        }
        let given = (run.skill.cloned(), run.workdir.to_owned(), run.limits.clone());
        self.given.lock().unwrap().push(given);
        let messages = [Message::user(run.task.prompt.clone())];
        let turn = TurnView { index: 0, task: &run.task.prompt, messages: &messages };
        assert_eq!(run.hooks.before_llm(&turn).await, Directive::Proceed);
        let request = LlmRequest {
            system: run.skill.map(|skill| skill.text.clone()),
            ..LlmRequest::user(run.task.prompt.clone())
        };
        let record = RunRecord::default();
        match self.model.complete(request).await {
            Ok(response) => {
                run.hooks.after_llm(&turn, &response).await;
                Ok(RunRecord { text: response.text, ..record })
            }
            Err(_) => Ok(RunRecord { status: RunStatus::ProviderFault, ..record }),
        }
    }
}

struct Bench {
    model: ScriptedModel,
    given: Given,
    builder: SkVmBuilder,
}

fn bench(answers: impl IntoIterator<Item = Result<LlmResponse, LlmError>>) -> Bench {
    let model = ScriptedModel::new("m", answers);
    let given = Arc::default();
    let harness = OneShot { id: "harness".into(), model: model.clone(), given: Arc::clone(&given) };
    let builder = SkVm::builder().passes(counted().0).harness(Arc::new(harness));
    Bench { model, given, builder }
}

fn said(text: &str) -> Result<LlmResponse, LlmError> {
    Ok(LlmResponse::text(text))
}

fn request() -> RunRequest {
    RunRequest::new(Task::new("do it"), target("m"), ".")
}

#[test]
fn a_harness_that_nobody_gave_is_named() {
    let (passes, runs) = counted();
    let vm = SkVm::builder().passes(passes).build();
    let error = block_on(vm.run(request().with_skill(skill("x")))).unwrap_err();
    assert!(matches!(&error, EngineError::NoHarness { harness } if harness.as_str() == "harness"));
    assert_eq!(error.to_string(), "no harness is called harness");
    // Nothing was compiled for it.
    assert_eq!(runs.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[test]
fn the_compiled_text_reaches_the_model() {
    let Bench { model, given, builder } = bench([said("done")]);
    let vm = builder.build();
    let skill = skill("x");
    let outcome = block_on(vm.run(request().with_skill(Arc::clone(&skill)))).unwrap();
    let variant = outcome.variant.unwrap();
    assert!(variant.text().ends_with("Compiled for m.\n"));
    assert_eq!(model.requests()[0].system.as_deref(), Some(variant.text()));
    let given = given.lock().unwrap();
    let view = given[0].0.as_ref().unwrap();
    assert_eq!((view.name.as_str(), view.description.as_str()), ("x", "Does x."));
    assert_eq!(outcome.record.text, "done");
    // The variant is the one that compiling gives.
    let compiled = block_on(vm.compile(&skill, &target("m"))).unwrap();
    assert!(Arc::ptr_eq(&compiled, &variant));
}

#[test]
fn mode_limits_and_place_reach_the_harness() {
    let Bench { given, builder, .. } = bench([said("done")]);
    let folder = tempfile::tempdir().unwrap();
    let limits = RunLimits { deadline: Duration::from_secs(7), turns: 3, answer_tokens: 9 };
    let request = RunRequest {
        mode: SkillMode::Discover,
        workdir: folder.path().to_owned(),
        limits: limits.clone(),
        ..request().with_skill(skill("x"))
    };
    block_on(builder.build().run(request)).unwrap();
    let given = given.lock().unwrap();
    assert_eq!(given[0].0.as_ref().unwrap().mode, SkillMode::Discover);
    assert_eq!((&given[0].1, &given[0].2), (&folder.path().to_owned(), &limits));
}

#[test]
fn the_trace_is_returned_and_stored() {
    let Bench { builder, .. } = bench([said("one"), said("two")]);
    let vm = builder.build();
    let skill = skill("x");
    let run = || block_on(vm.run(request().with_skill(Arc::clone(&skill)))).unwrap();
    let (first, second) = (run(), run());
    let traces = block_on(vm.store().traces(skill.digest())).unwrap();
    assert_eq!(traces, [first.trace.clone(), second.trace]);
    let trace = first.trace;
    assert_eq!((trace.target, trace.task.as_str()), (target("m"), "do it"));
    assert_eq!(trace.skill, Some(skill.digest()));
    assert_eq!(trace.variant, first.variant.map(|variant| variant.digest()));
    assert_eq!(trace.status, RunStatus::Ok);
    assert_eq!((trace.turns.len(), trace.turns[0].text.as_str()), (1, "one"));
}

#[test]
fn a_run_without_a_skill_has_no_variant() {
    let Bench { model, given, builder } = bench([said("done")]);
    let outcome = block_on(builder.build().run(request())).unwrap();
    assert!(outcome.variant.is_none() && given.lock().unwrap()[0].0.is_none());
    assert_eq!((outcome.trace.skill, outcome.trace.variant), (None, None));
    assert_eq!(model.requests()[0].system, None);
}

#[test]
fn a_provider_that_fails_gives_an_outcome_and_a_trace() {
    let Bench { builder, .. } = bench([]);
    let vm = builder.build();
    let skill = skill("x");
    let outcome = block_on(vm.run(request().with_skill(Arc::clone(&skill)))).unwrap();
    assert_eq!(outcome.record.status, RunStatus::ProviderFault);
    assert_eq!(outcome.trace.status, RunStatus::ProviderFault);
    let traces = block_on(vm.store().traces(skill.digest())).unwrap();
    assert_eq!(traces, [outcome.trace]);
}

#[test]
fn a_run_that_cannot_begin_is_an_error_and_leaves_a_trace_that_says_so() {
    let Bench { model, builder, .. } = bench([said("done")]);
    let vm = builder.build();
    let skill = skill("x");
    let nowhere = RunRequest { workdir: "/nowhere/at/all".into(), ..request() };
    let error = block_on(vm.run(nowhere.with_skill(Arc::clone(&skill)))).unwrap_err();
    assert!(matches!(error, EngineError::Harness(_)), "{error:?}");
    assert_eq!(
        chain(&error)[..2],
        ["starting a run", "using the working directory /nowhere/at/all"]
    );
    assert!(model.requests().is_empty());
    let traces = block_on(vm.store().traces(skill.digest())).unwrap();
    assert_eq!(traces.len(), 1);
    assert_eq!((traces[0].status, traces[0].turns.len()), (RunStatus::HarnessCrashed, 0));
}

#[test]
fn a_trace_that_cannot_be_stored_is_returned() {
    let Bench { builder, .. } = bench([said("done")]);
    let store = Watched::failing("append_trace");
    let vm = builder.store(store.clone()).build();
    let outcome = block_on(vm.run(request().with_skill(skill("x")))).unwrap();
    assert_eq!((outcome.record.status, outcome.trace.turns.len()), (RunStatus::Ok, 1));
    assert_eq!(store.count("append_trace"), 1);
}

#[test]
fn a_skill_that_cannot_be_compiled_is_not_run() {
    let Bench { model, builder, .. } = bench([said("done")]);
    let vm = builder.store(Watched::failing("publish")).build();
    let error = block_on(vm.run(request().with_skill(skill("x")))).unwrap_err();
    assert!(matches!(error, EngineError::Store(_)), "{error:?}");
    assert!(model.requests().is_empty());
}

#[test]
fn of_two_harnesses_of_one_id_the_last_one_runs() {
    let first = bench([said("first")]);
    let second = bench([said("second")]);
    let harness =
        OneShot { id: "harness".into(), model: second.model.clone(), given: second.given.clone() };
    let vm = first.builder.harness(Arc::new(harness)).build();
    assert_eq!(block_on(vm.run(request())).unwrap().record.text, "second");
    assert!(first.model.requests().is_empty());
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn the_bare_agent_is_given_the_compiled_text() {
    use skvm_core::target::Target;
    use skvm_runtime::harness::bare::{BARE_AGENT, BareAgent};

    let list = LlmResponse::tool_call("1", "list_directory", serde_json::json!({}));
    let model = ScriptedModel::new("m", [Ok(list), said("done")]);
    let agent = BareAgent::new(Arc::new(model.clone()));
    let vm = SkVm::builder().passes(counted().0).harness(Arc::new(agent)).build();
    let folder = tempfile::tempdir().unwrap();
    let request = RunRequest::new(Task::new("go"), Target::new("m", BARE_AGENT), folder.path());
    let outcome = vm.run(request.with_skill(skill("x"))).await.unwrap();
    let system = model.requests()[0].system.clone().unwrap();
    assert!(system.contains(outcome.variant.unwrap().text()) && system.contains("Compiled for m."));
    assert_eq!(outcome.record.skill_loaded, Some(true));
    // The hooks saw what the record holds.
    let call = &outcome.trace.turns[0].calls[0];
    assert_eq!(call.call.name, "list_directory");
    let recorded = outcome.record.steps[1].tool_calls[0].output.as_deref();
    assert_eq!(call.result.as_ref().map(|result| result.content.as_str()), recorded);
    assert_eq!(outcome.trace.turns.len(), 2);
}
