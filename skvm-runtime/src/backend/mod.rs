//! Models behind an endpoint: [`LlmBackend`](skvm_core::llm::LlmBackend) over HTTP.
//!
//! | backend | wire format |
//! |---|---|
//! | [`OpenAiCompatible`] | OpenAI's chat completions, which most providers, gateways and local servers understand |
//! | [`OpenAiResponses`] | OpenAI's responses |
//! | [`AnthropicMessages`] | Anthropic's messages |
//!
//! They are one [`HttpBackend`] with another wire format each. [`ProviderRoutes::backend`] chooses by a model's id.
//! Every wait of a backend is bounded, a redirect is never followed, and a key reaches nothing but the endpoint that
//! it was given for: no log, no `Debug` output, no error.
//!
//! [`ProviderRoutes::backend`]: crate::provider::ProviderRoutes::backend

mod anthropic;
mod endpoint;
mod error;
mod http;
mod openai;
mod retry;
mod wire;

pub use anthropic::AnthropicMessages;
pub use error::BackendError;
pub use http::{HttpBackend, HttpBackendBuilder};
pub use openai::{OpenAiCompatible, OpenAiCompatibleBuilder, OpenAiResponses};
pub use retry::RetryPolicy;
