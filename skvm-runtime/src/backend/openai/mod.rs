//! OpenAI's two wire formats.

mod chat_completions;
mod responses;

use super::http::{HttpBackend, HttpBackendBuilder};

pub(super) use chat_completions::ChatCompletions;
pub(super) use responses::Responses;

/// A model behind an endpoint that speaks the chat completions protocol of OpenAI, which most providers, gateways
/// and local servers understand. The key is sent as a bearer token.
///
/// ```
/// use std::time::Duration;
/// use skvm_core::llm::LlmBackend;
/// use skvm_runtime::backend::{OpenAiCompatible, RetryPolicy};
/// use skvm_runtime::provider::ApiKey;
///
/// let backend = OpenAiCompatible::builder("http://127.0.0.1:8901/v1", "qwen/qwen3.5-9b")
///     .api_key(ApiKey::from_env("SKVM_DOC_KEY").ok())
///     .request_timeout(Duration::from_secs(60))
///     .retry(RetryPolicy::default().with_retries(5))
///     .build()?;
/// assert_eq!(backend.model().as_str(), "qwen/qwen3.5-9b");
/// # Ok::<(), skvm_runtime::backend::BackendError>(())
/// ```
pub type OpenAiCompatible = HttpBackend<ChatCompletions>;

/// What [`OpenAiCompatible`]'s `builder` returns.
pub type OpenAiCompatibleBuilder = HttpBackendBuilder<ChatCompletions>;

/// A model behind an endpoint that speaks the responses protocol of OpenAI. The key is sent as a bearer token.
///
/// The provider is told to store nothing; each request carries the whole conversation, without the model's
/// reasoning.
///
/// ```
/// use skvm_core::llm::LlmBackend;
/// use skvm_runtime::backend::OpenAiResponses;
///
/// let backend = OpenAiResponses::builder("https://api.openai.com/v1", "gpt-5.4")
///     .named("openai/gpt-5.4")
///     .build()?;
/// assert_eq!(backend.model().as_str(), "openai/gpt-5.4");
/// # Ok::<(), skvm_runtime::backend::BackendError>(())
/// ```
pub type OpenAiResponses = HttpBackend<Responses>;
