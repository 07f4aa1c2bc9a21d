//! A model whose calls wait for the governor's leave.

use async_trait::async_trait;
use skvm_core::llm::{LlmBackend, LlmError, LlmErrorKind, LlmRequest, LlmResponse};
use skvm_core::target::ModelId;

use super::{Governor, Resource};

/// A model whose calls wait for the governor's leave, and tell it how they went.
///
/// Not for the model of a harness whose runs hold that place themselves, as those of
/// [`HarnessSteps`](super::HarnessSteps) do: a call would wait for its own run.
///
/// ```
/// # async fn example() -> Result<(), skvm_core::llm::LlmError> {
/// use skvm_core::llm::{LlmBackend, LlmRequest, LlmResponse};
/// use skvm_runtime::scheduler::{GovernedModel, Governor};
/// # use async_trait::async_trait;
/// # use skvm_core::{llm::LlmError, target::ModelId};
/// # struct Client(ModelId);
/// # #[async_trait]
/// # impl LlmBackend for Client {
/// #     fn model(&self) -> &ModelId { &self.0 }
/// #     async fn complete(&self, _: LlmRequest) -> Result<LlmResponse, LlmError> {
/// #         Ok(LlmResponse::text("done"))
/// #     }
/// # }
/// # let client = Client("model".into());
///
/// let model = GovernedModel::new(client, Governor::new());
/// assert_eq!(model.complete(LlmRequest::user("task")).await?.text, "done");
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct GovernedModel<B> {
    backend: B,
    governor: Governor,
}

impl<B: LlmBackend> GovernedModel<B> {
    /// The model behind this governor.
    #[must_use]
    pub fn new(backend: B, governor: Governor) -> Self {
        Self { backend, governor }
    }
}

#[async_trait]
impl<B: LlmBackend> LlmBackend for GovernedModel<B> {
    fn model(&self) -> &ModelId {
        self.backend.model()
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        let permit = self.governor.acquire(Resource::Model).await;
        let answer = self.backend.complete(request).await;
        match answer.as_ref().map_err(LlmError::kind) {
            Ok(_) => permit.succeeded(),
            Err(LlmErrorKind::RateLimited { retry_after }) => permit.refused(*retry_after),
            Err(LlmErrorKind::Server { status: 503, retry_after }) => permit.refused(*retry_after),
            // It says nothing about how much the provider bears.
            Err(_) => drop(permit),
        }
        answer
    }
}
