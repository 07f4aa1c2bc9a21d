//! One question to a model.

use std::sync::Mutex;

use async_trait::async_trait;
use skvm_core::capability::{Level, Primitive};
use skvm_core::llm::{
    LlmBackend, LlmError, LlmErrorKind, LlmRequest, LlmResponse, StopReason, Usage,
};
use skvm_core::target::ModelId;
use skvm_probes::ask::ask;
use skvm_probes::probe::{Grade, Instance};
use skvm_probes::registry::Probes;

/// Gives one answer and remembers what it was asked.
struct Scripted {
    model: ModelId,
    answer: Mutex<Option<Result<LlmResponse, LlmError>>>,
    asked: Mutex<Vec<LlmRequest>>,
}

#[async_trait]
impl LlmBackend for Scripted {
    fn model(&self) -> &ModelId {
        &self.model
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        self.asked.lock().unwrap().push(request);
        self.answer.lock().unwrap().take().unwrap()
    }
}

fn instance() -> Instance {
    let probes = Probes::standard();
    probes.get(Primitive::FollowFormat).unwrap().generate(Level::L2, 3).unwrap()
}

fn asked(answer: Result<LlmResponse, LlmError>) -> (Result<Grade, LlmError>, Vec<LlmRequest>) {
    let model = ModelId::from("scripted");
    let backend = Scripted { model, answer: Mutex::new(Some(answer)), asked: Mutex::default() };
    let grade = futures::executor::block_on(ask(&backend, &instance()));
    (grade, backend.asked.into_inner().unwrap())
}

fn ended(text: &str, stop: StopReason, output: Option<u64>) -> Result<Grade, LlmError> {
    let usage = Usage { output, ..Usage::default() };
    asked(Ok(LlmResponse { stop, usage, ..LlmResponse::text(text) })).0
}

#[test]
fn the_question_is_put_once_without_tools_at_temperature_zero() {
    let (grade, requests) = asked(Ok(LlmResponse::text(instance().reference())));
    assert_eq!(grade.unwrap(), Grade::Passed);
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(request.messages.len(), 1);
    assert_eq!(request.messages[0].text(), instance().prompt());
    assert!(request.tools.is_empty());
    assert_eq!((request.system.as_ref(), request.temperature), (None, Some(0.0)));
}

#[test]
fn a_wrong_answer_is_a_failed_grade() {
    assert!(matches!(ended("no", StopReason::Done, None), Ok(Grade::Failed(_))));
    let call = LlmResponse::tool_call("1", "execute_command", serde_json::json!({}));
    assert!(matches!(asked(Ok(call)).0, Ok(Grade::Failed(_))));
}

#[test]
fn a_fault_of_the_provider_is_never_a_failed_grade() {
    for kind in [
        LlmErrorKind::RateLimited { retry_after: None },
        LlmErrorKind::Server { status: 503, retry_after: None },
        LlmErrorKind::Auth { status: Some(401) },
        LlmErrorKind::Network,
    ] {
        let (grade, requests) = asked(Err(LlmError::new(kind.clone())));
        assert_eq!(grade.unwrap_err().kind(), &kind);
        assert_eq!(requests.len(), 1);
    }
    let filtered = ended("I", StopReason::Filtered, None).unwrap_err();
    assert_eq!(filtered.to_string().matches("filtered").count(), 1);
}

#[test]
fn an_answer_cut_off_counts_only_when_it_had_room() {
    assert!(ended("cut", StopReason::Length, Some(100)).is_err());
    assert!(ended("cut", StopReason::Length, None).is_err());
    assert!(matches!(ended("cut", StopReason::Length, Some(20_000)), Ok(Grade::Failed(_))));
    let complete = ended(instance().reference(), StopReason::Length, Some(100));
    assert_eq!(complete.unwrap(), Grade::Passed);
}
