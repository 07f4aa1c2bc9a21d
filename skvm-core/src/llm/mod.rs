//! Models: one trait to implement, and what goes in and comes out of it.

mod error;
mod structured;
mod types;

use async_trait::async_trait;

pub use error::{LlmError, LlmErrorKind};
pub use structured::{LlmBackendExt, Structured, StructuredError};
pub use types::{
    LlmRequest, LlmResponse, Message, StopReason, ToolCall, ToolChoice, ToolSpec, Usage,
};

use crate::target::ModelId;

/// A model. One method, so that a host wraps its own client in a few lines.
///
/// An implementation owes its callers: an error instead of an invented answer; tokens only where the
/// provider told them; every tool call of the answer whatever the finish reason says; a bound on its
/// own waiting. It need not retry, but may. Dropping the future ends the call.
///
/// ```
/// use async_trait::async_trait;
/// use skvm_core::llm::{LlmBackend, LlmError, LlmRequest, LlmResponse};
/// use skvm_core::target::ModelId;
///
/// /// Says back what it was told.
/// #[derive(Debug)]
/// struct Echo(ModelId);
///
/// #[async_trait]
/// impl LlmBackend for Echo {
///     fn model(&self) -> &ModelId {
///         &self.0
///     }
///
///     async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
///         let last = request.messages.last().map(|message| message.text().to_owned());
///         Ok(LlmResponse::text(last.unwrap_or_default()))
///     }
/// }
///
/// let echo = Echo(ModelId::from("echo"));
/// let answer = futures::executor::block_on(echo.complete(LlmRequest::user("hello")))?;
/// assert_eq!(answer.text, "hello");
/// # Ok::<(), LlmError>(())
/// ```
#[async_trait]
pub trait LlmBackend: Send + Sync {
    /// The model that answers.
    fn model(&self) -> &ModelId;

    /// Asks the model once.
    ///
    /// # Errors
    /// [`LlmError`] when there is no usable answer; its methods tell whether asking again can help.
    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError>;
}

const _: fn(&dyn LlmBackend) = |_| {};

#[async_trait]
impl<B: LlmBackend + ?Sized> LlmBackend for std::sync::Arc<B> {
    fn model(&self) -> &ModelId {
        (**self).model()
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        (**self).complete(request).await
    }
}
