//! Models behind an endpoint: [`LlmBackend`](skvm_core::llm::LlmBackend) over HTTP.
//!
//! [`OpenAiCompatible`] speaks the chat completions protocol, which most providers, gateways and local
//! servers understand. Every wait of a backend is bounded, a redirect is never followed, and a key
//! reaches nothing but the endpoint that it was given for: no log, no `Debug` output, no error.

mod error;
mod openai;

pub use error::BackendError;
pub use openai::{OpenAiCompatible, OpenAiCompatibleBuilder, RetryPolicy};
