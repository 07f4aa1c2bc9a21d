//! Recorded model answers: ask once, compile the same bytes ever after.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use skvm_core::digest::Digest;
use skvm_core::llm::{LlmBackend, LlmError, LlmErrorKind, LlmRequest, LlmResponse};
use skvm_core::target::ModelId;

/// Where answers are kept, under the digest of their request.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
///
/// use async_trait::async_trait;
/// use skvm_core::digest::Digest;
/// use skvm_core::llm::{LlmError, LlmResponse};
/// use skvm_passes::recorded::AnswerLog;
///
/// #[derive(Debug, Default)]
/// struct InMemory(Mutex<HashMap<Digest, LlmResponse>>);
///
/// #[async_trait]
/// impl AnswerLog for InMemory {
///     async fn answer(&self, request: Digest) -> Result<Option<LlmResponse>, LlmError> {
///         Ok(self.0.lock().unwrap().get(&request).cloned())
///     }
///
///     async fn record(&self, request: Digest, answer: &LlmResponse) -> Result<(), LlmError> {
///         self.0.lock().unwrap().insert(request, answer.clone());
///         Ok(())
///     }
/// }
///
/// let log: Box<dyn AnswerLog> = Box::new(InMemory::default());
/// # drop(log);
/// ```
#[async_trait]
pub trait AnswerLog: Send + Sync {
    /// The answer to a request, if it is recorded.
    ///
    /// # Errors
    /// [`LlmError`] when the log cannot be read.
    async fn answer(&self, request: Digest) -> Result<Option<LlmResponse>, LlmError>;

    /// Records an answer.
    ///
    /// # Errors
    /// [`LlmError`] when the log cannot be written.
    async fn record(&self, request: Digest, answer: &LlmResponse) -> Result<(), LlmError>;
}

const _: fn(&dyn AnswerLog) = |_| {};

/// An [`AnswerLog`] that lives as long as the process.
#[derive(Debug, Default)]
pub struct MemoryAnswers(Mutex<BTreeMap<Digest, LlmResponse>>);

#[async_trait]
impl AnswerLog for MemoryAnswers {
    async fn answer(&self, request: Digest) -> Result<Option<LlmResponse>, LlmError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&request).cloned())
    }

    async fn record(&self, request: Digest, answer: &LlmResponse) -> Result<(), LlmError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(request, answer.clone());
        Ok(())
    }
}

/// A model whose answers are recorded, or only their recording.
pub struct Recorded {
    model: ModelId,
    backend: Option<Arc<dyn LlmBackend>>,
    answers: Arc<dyn AnswerLog>,
}

impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorded")
            .field("model", &self.model)
            .field("replay_only", &self.backend.is_none())
            .finish_non_exhaustive()
    }
}

impl Recorded {
    /// Asks `backend` what is not recorded yet, and records it.
    #[must_use]
    pub fn new(backend: Arc<dyn LlmBackend>, answers: Arc<dyn AnswerLog>) -> Self {
        Self { model: backend.model().clone(), backend: Some(backend), answers }
    }

    /// Answers only what is recorded for `model`; anything else is [`LlmErrorKind::NotRecorded`].
    #[must_use]
    pub fn replay(model: ModelId, answers: Arc<dyn AnswerLog>) -> Self {
        Self { model, backend: None, answers }
    }
}

#[async_trait]
impl LlmBackend for Recorded {
    fn model(&self) -> &ModelId {
        &self.model
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        let key = Digest::builder("answer")
            .field(self.model.as_str().as_bytes())
            .field(request.digest().to_string().as_bytes())
            .finish();
        if let Some(answer) = self.answers.answer(key).await? {
            return Ok(answer);
        }
        let Some(backend) = &self.backend else {
            return Err(LlmError::new(LlmErrorKind::NotRecorded));
        };
        let answer = backend.complete(request).await?;
        self.answers.record(key, &answer).await?;
        Ok(answer)
    }
}
