//! How a run ends when it does not end well.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::json;
use skvm_core::harness::{
    Harness, HarnessError, HarnessRun, NoHooks, Role, RunLimits, RunStatus, Task, ToolOffer,
};
use skvm_core::llm::{LlmBackend, LlmError, LlmErrorKind, LlmRequest, LlmResponse, StopReason};
use skvm_core::target::ModelId;
use skvm_runtime::harness::bare::BareAgent;
use skvm_runtime::scripted::ScriptedModel;
use skvm_runtime::store::StoreError;

use super::{Place, calls, millis, notes, said};

#[tokio::test]
async fn every_error_of_a_provider_is_its_fault_and_told() {
    let wait = Some(Duration::from_secs(9));
    let kinds = [
        (LlmErrorKind::Auth { status: Some(401) }, "the provider refused the credentials"),
        (LlmErrorKind::RateLimited { retry_after: wait }, "the provider asks to slow down"),
        (LlmErrorKind::Refused { status: 400 }, "the provider refused the request with status 400"),
        (
            LlmErrorKind::Server { status: 503, retry_after: None },
            "the provider failed with status 503",
        ),
        (LlmErrorKind::Network, "the provider could not be reached"),
        (LlmErrorKind::Timeout { after: Duration::from_secs(60) }, "no answer within 60s"),
        (LlmErrorKind::InvalidResponse, "the provider's answer could not be understood"),
        (
            LlmErrorKind::NotRecorded,
            "no answer is recorded for this request, and no model is configured",
        ),
    ];
    for (kind, told) in kinds {
        let place = Place::new();
        let error = LlmError::new(kind).with_detail("as it said").with_source(
            StoreError::new("reading the log").with_source(std::io::Error::other("bad disk")),
        );
        let write = json!({"path": "a.txt", "content": "kept"});
        let seen = place.run([calls("write_file", write), Err(error)]).await;
        let record = seen.record;
        assert_eq!(record.status, RunStatus::ProviderFault);
        assert!(record.status.is_infrastructure());
        // The error with all its causes.
        let told = format!("{told}: as it said: reading the log: bad disk");
        assert_eq!(record.status_detail, Some(told));
        // What was done before is there, on disk and in the record.
        assert_eq!(place.content("a.txt"), "kept");
        let roles: Vec<Role> = record.steps.iter().map(|step| step.role).collect();
        assert_eq!(roles, [Role::Assistant, Role::Tool]);
        assert_eq!(record.model_calls, 2);
    }
}

/// A provider that fails at once says nothing about the model.
#[tokio::test]
async fn nothing_is_noted_about_a_model_that_was_never_heard() {
    let seen = Place::new().run([Err(LlmError::new(LlmErrorKind::Network))]).await;
    assert_eq!(seen.record.status, RunStatus::ProviderFault);
    assert!(seen.record.steps.is_empty() && seen.record.notes.is_empty());
    assert!(!seen.record.usage_available);
}

/// Answers what it is told to, then never again.
struct GoesSilent {
    first: ScriptedModel,
    answers: usize,
}

#[async_trait]
impl LlmBackend for GoesSilent {
    fn model(&self) -> &ModelId {
        self.first.model()
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        let answer = self.first.complete(request).await;
        if self.first.requests().len() > self.answers {
            std::future::pending::<()>().await;
        }
        answer
    }
}

/// In the original, a stalled connection hung past the deadline.
#[tokio::test]
async fn a_model_that_never_answers_ends_at_the_deadline() {
    let mut place = Place::new();
    place.limits.deadline = millis(400);
    let write = calls("write_file", json!({"path": "a.txt", "content": "kept"}));
    let model = GoesSilent { first: ScriptedModel::new("silent", [write]), answers: 1 };
    let started = Instant::now();
    let (record, events) = place.run_on(Arc::new(model), &mut NoHooks).await;
    assert!(started.elapsed() >= millis(400) && started.elapsed() < millis(5000));
    assert_eq!(record.status, RunStatus::Timeout);
    assert_eq!(record.status_detail.as_deref(), Some("the deadline of 400ms came first"));
    assert!(!record.status.is_infrastructure());
    assert_eq!((record.steps.len(), record.model_calls), (2, 2));
    assert_eq!(place.content("a.txt"), "kept");
    assert!(record.duration_ms >= 400);
    // The wait for the answer that did not come is a wait for the model.
    assert!(record.llm_duration_ms >= 100, "{} ms", record.llm_duration_ms);
    assert_eq!(events.len(), 5);
}

#[tokio::test]
async fn turns_are_limited() {
    let mut place = Place::new();
    place.limits.turns = 3;
    let list = || calls("list_directory", json!({}));
    let seen = place.run([list(), list(), list(), said("too late")]).await;
    assert_eq!(seen.record.status, RunStatus::TurnLimit);
    assert_eq!(seen.record.status_detail.as_deref(), Some("the model used up its 3 turns"));
    assert_eq!((seen.requests.len(), seen.record.steps.len()), (3, 6));
    assert!(!seen.record.status.is_infrastructure());

    place.limits.turns = 0;
    let seen = place.run([said("never asked")]).await;
    assert_eq!((seen.record.status, seen.requests.len()), (RunStatus::TurnLimit, 0));
}

/// A loop of equal calls may be polling: only the bounds end it.
#[tokio::test]
async fn equal_calls_are_made_as_often_as_the_model_makes_them() {
    let list = || calls("list_directory", json!({}));
    let answers = std::iter::repeat_with(list).take(10).chain([said("done")]);
    let seen = Place::new().run(answers).await;
    assert_eq!((seen.record.status, seen.record.model_calls), (RunStatus::Ok, 11));
}

/// In the original, an answer that was cut off counted as a success.
#[tokio::test]
async fn a_final_answer_that_was_cut_off_is_truncated() {
    let cut = LlmResponse { stop: StopReason::Length, ..LlmResponse::text("The answer is") };
    let seen = Place::new().run([Ok(cut)]).await;
    assert_eq!(seen.record.status, RunStatus::Truncated);
    assert_eq!(
        seen.record.status_detail.as_deref(),
        Some("the last answer was cut off by the limit on tokens")
    );
    assert_eq!(seen.record.text, "The answer is");
    assert_eq!(notes(&seen.record), ["no-tool-call"]);
}

#[tokio::test]
async fn an_answer_of_an_unknown_end_is_an_answer() {
    for stop in [StopReason::Unknown, StopReason::ToolCalls] {
        let answer = LlmResponse { stop, ..LlmResponse::text("done") };
        assert_eq!(Place::new().run([Ok(answer)]).await.record.status, RunStatus::Ok, "{stop:?}");
    }
}

#[tokio::test]
async fn a_working_directory_that_is_none_is_an_error() {
    let place = Place::new();
    let model = ScriptedModel::new("scripted", [said("done")]);
    let agent = BareAgent::new(Arc::new(model.clone()));
    for workdir in [place.path("missing"), place.file("a.txt", "a file")] {
        let run = HarnessRun {
            task: &Task::new("task"),
            model: None,
            skill: None,
            environment: None,
            tools: ToolOffer::Own,
            workdir: &workdir,
            limits: RunLimits::default(),
            hooks: &mut NoHooks,
            on_event: &|event| panic!("nothing began, yet: {event:?}"),
        };
        let error = agent.run(run).await.unwrap_err();
        let HarnessError::Workdir { path, .. } = &error else { panic!("{error:?}") };
        assert_eq!(Path::new(path), workdir);
        assert!(std::error::Error::source(&error).is_some());
    }
    assert!(model.requests().is_empty());
}
