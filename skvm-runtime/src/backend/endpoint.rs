//! From endpoints and routes to backends.

use std::sync::Arc;

use skvm_core::llm::LlmBackend;
use skvm_core::target::ModelId;

use super::http::HttpBackend;
use super::wire::Wire;
use super::{BackendError, anthropic, openai};
use crate::provider::{Endpoint, ProviderRoutes, WireFormat};

impl Endpoint {
    /// The model, ready to be asked, with the bounds that a backend has by default; the builders of
    /// [`backend`](crate::backend) set others. It is called by the id that the provider knows.
    ///
    /// # Errors
    /// [`BackendError`] when the URL, the model or the key cannot be used.
    ///
    /// ```
    /// use skvm_core::llm::LlmBackend;
    /// use skvm_runtime::provider::{Endpoint, WireFormat};
    ///
    /// let endpoint = Endpoint::new(WireFormat::Messages, "https://api.anthropic.com", "claude-haiku-4-5");
    /// assert_eq!(endpoint.backend()?.model().as_str(), "claude-haiku-4-5");
    /// # Ok::<(), skvm_runtime::backend::BackendError>(())
    /// ```
    pub fn backend(&self) -> Result<Arc<dyn LlmBackend>, BackendError> {
        named(self, &self.model)
    }
}

impl ProviderRoutes {
    /// A model, ready to be asked by the first route that matches its id, with the bounds that a backend has by
    /// default. It is called by the id that is given here; the provider is asked for its own.
    ///
    /// # Errors
    /// [`BackendError::Provider`] when no route matches or the one that does cannot be used; another [`BackendError`]
    /// when the URL, the model or the key cannot be used.
    ///
    /// ```
    /// use skvm_core::llm::LlmBackend;
    /// use skvm_core::target::ModelId;
    /// use skvm_runtime::provider::{ProviderKind, ProviderRoute, ProviderRoutes};
    ///
    /// let local = ProviderRoute::new("local/*", ProviderKind::OpenAiCompatible);
    /// let routes = ProviderRoutes::new([local.with_base_url("http://127.0.0.1:8080/v1")]);
    /// let model = ModelId::from("local/qwen3.5-9b"); // the provider is asked for qwen3.5-9b
    /// assert_eq!(routes.backend(&model)?.model(), &model);
    /// # Ok::<(), skvm_runtime::backend::BackendError>(())
    /// ```
    pub fn backend(&self, model: &ModelId) -> Result<Arc<dyn LlmBackend>, BackendError> {
        named(&self.endpoint(model)?, model)
    }
}

fn named(endpoint: &Endpoint, name: &ModelId) -> Result<Arc<dyn LlmBackend>, BackendError> {
    match endpoint.wire {
        WireFormat::ChatCompletions => build::<openai::ChatCompletions>(endpoint, name),
        WireFormat::Responses => build::<openai::Responses>(endpoint, name),
        WireFormat::Messages => build::<anthropic::Messages>(endpoint, name),
    }
}

fn build<W: Wire>(
    endpoint: &Endpoint,
    name: &ModelId,
) -> Result<Arc<dyn LlmBackend>, BackendError> {
    let builder = HttpBackend::<W>::builder(endpoint.api_url(), endpoint.model.clone());
    Ok(Arc::new(builder.named(name.clone()).api_key(endpoint.key.clone()).build()?))
}
