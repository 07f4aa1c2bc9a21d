//! One question to a model.

use skvm_core::llm::{
    LlmBackend, LlmError, LlmErrorKind, LlmRequest, LlmResponse, StopReason, ToolChoice,
};

use crate::probe::{Grade, Instance};

/// Tokens granted for thinking, on top of one for each byte of the reference answer.
const THINKING_TOKENS: u32 = 8192;

/// Asks a model one instance's question, without tools and at temperature 0, and grades the answer.
///
/// The limit on tokens is ours and ample: 8,192 and one for each byte of the reference answer. So an
/// answer that used it up and is still not complete is a wrong one, while an answer that was cut off
/// earlier, or that the provider filtered, shows nothing about the model.
///
/// # Errors
/// [`LlmError`] when the provider fails, or kept back the answer that should have been graded. None of
/// it counts against the model.
pub async fn ask(backend: &dyn LlmBackend, instance: &Instance) -> Result<Grade, LlmError> {
    let reference = u32::try_from(instance.reference().len()).unwrap_or(u32::MAX);
    let limit = THINKING_TOKENS.saturating_add(reference);
    let request = LlmRequest {
        tool_choice: ToolChoice::None,
        max_tokens: Some(limit),
        temperature: Some(0.0),
        ..LlmRequest::user(instance.prompt())
    };
    let response = backend.complete(request).await?;
    match instance.grade(&response.text) {
        Grade::Passed => Ok(Grade::Passed),
        failed @ Grade::Failed(_) => match kept_back(&response, limit) {
            Some(detail) => Err(LlmError::new(LlmErrorKind::InvalidResponse).with_detail(detail)),
            None => Ok(failed),
        },
    }
}

/// How the provider, and not the model, ended the answer.
fn kept_back(response: &LlmResponse, limit: u32) -> Option<&'static str> {
    match response.stop {
        StopReason::Filtered => Some("the answer was filtered"),
        StopReason::Length if response.usage.output.is_none_or(|spent| spent < limit.into()) => {
            Some("the answer was cut off before it had used up the tokens that were granted")
        }
        StopReason::Length | StopReason::Done | StopReason::ToolCalls | StopReason::Unknown => None,
    }
}
