//! A model in the process, without an address.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use skvm_core::llm::{LlmBackend, LlmError, LlmErrorKind, LlmRequest, LlmResponse};
use skvm_core::target::ModelId;

/// Gives its answers one after the other and keeps the requests. Asked once more than it has answers,
/// it fails with [`LlmErrorKind::NotRecorded`].
///
/// ```
/// use skvm_core::llm::{LlmBackend, LlmRequest, LlmResponse};
/// use skvm_runtime::scripted::ScriptedModel;
///
/// let model = ScriptedModel::new("scripted", [Ok(LlmResponse::text("one"))]);
/// let ask = || futures::executor::block_on(model.complete(LlmRequest::user("?")));
/// assert_eq!(ask()?.text, "one");
/// assert!(ask().is_err());
/// assert_eq!(model.requests().len(), 2);
/// # Ok::<(), skvm_core::llm::LlmError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ScriptedModel {
    model: ModelId,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<Result<LlmResponse, LlmError>>,
    requests: Vec<LlmRequest>,
}

impl ScriptedModel {
    /// A model with these answers.
    #[must_use]
    pub fn new(
        model: impl Into<ModelId>,
        answers: impl IntoIterator<Item = Result<LlmResponse, LlmError>>,
    ) -> Self {
        let answers = answers.into_iter().collect();
        let state = State { answers, requests: Vec::new() };
        Self { model: model.into(), state: Arc::new(Mutex::new(state)) }
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<LlmRequest> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LlmBackend for ScriptedModel {
    fn model(&self) -> &ModelId {
        &self.model
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        let mut state = self.state();
        state.requests.push(request);
        state.answers.pop_front().unwrap_or_else(|| Err(LlmError::new(LlmErrorKind::NotRecorded)))
    }
}
