//! Providers of models: which endpoint answers for a model id, in which wire format, with which key.
//!
//! A [`ProviderRoute`] leads from a pattern of model ids to a provider. [`ProviderRoutes`] are asked in their order;
//! the first that matches wins, and an id that none matches is an error, never a silent fallback. The first part of
//! an id, up to the slash, chooses the route and is not sent: `openrouter/qwen/qwen3.5-9b` asks OpenRouter for
//! `qwen/qwen3.5-9b`.
//!
//! ```
//! use skvm_core::target::ModelId;
//! use skvm_runtime::provider::{ApiKey, ProviderKind, ProviderRoute, ProviderRoutes, WireFormat};
//!
//! let local = ProviderRoute::new("local/*", ProviderKind::OpenAiCompatible)
//!     .with_base_url("http://127.0.0.1:8080/v1")
//!     .with_key(ApiKey::new("a-secret"));
//! let routes = ProviderRoutes::new([local]);
//! let endpoint = routes.endpoint(&ModelId::from("local/qwen3.5-9b"))?;
//! assert_eq!(endpoint.model.as_str(), "qwen3.5-9b");
//! assert_eq!(endpoint.wire, WireFormat::ChatCompletions);
//! assert!(routes.endpoint(&ModelId::from("other/model")).is_err());
//! # Ok::<(), skvm_runtime::provider::ProviderError>(())
//! ```

mod endpoint;
mod error;
mod key;
mod route;

pub use endpoint::{Endpoint, WireFormat};
pub use error::ProviderError;
pub use key::ApiKey;
pub use route::{KeySource, ProviderKind, ProviderRoute, ProviderRoutes};
