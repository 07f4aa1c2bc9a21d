//! Anthropic's wire format.

mod messages;

use super::http::HttpBackend;

pub(super) use messages::Messages;

/// A model behind an endpoint that speaks the messages protocol of Anthropic.
///
/// The base URL is the one before `/messages`, so it has the version at its end. The key is sent as `x-api-key`, and
/// only so; a gateway that takes nothing but a bearer token cannot be asked this way. A request that sets no limit on
/// the answer's tokens has one of 16,384, since the protocol wants one. What the model thinks is not part of the
/// answer, and no part of the conversation is marked for the provider's cache.
///
/// ```
/// use skvm_core::llm::LlmBackend;
/// use skvm_runtime::backend::AnthropicMessages;
/// use skvm_runtime::provider::ApiKey;
///
/// let backend = AnthropicMessages::builder("https://api.anthropic.com/v1", "claude-haiku-4-5")
///     .api_key(ApiKey::new("a-secret"))
///     .build()?;
/// assert_eq!(backend.model().as_str(), "claude-haiku-4-5");
/// assert!(!format!("{backend:?}").contains("a-secret"));
/// # Ok::<(), skvm_runtime::backend::BackendError>(())
/// ```
pub type AnthropicMessages = HttpBackend<Messages>;
