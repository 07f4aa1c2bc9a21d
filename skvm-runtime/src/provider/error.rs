//! Why a model cannot be reached by the routes.

use skvm_core::target::ModelId;

use super::ProviderKind;

/// A provider is not set up so that it can be asked. None of the variants holds a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The variable that should hold the key is not set, or is blank.
    #[error("the environment variable {variable} holds no API key")]
    KeyNotSet {
        /// The variable.
        variable: String,
    },
    /// The variable that should hold the key is no Unicode.
    #[error("the environment variable {variable} holds an API key that is no text")]
    KeyNotText {
        /// The variable.
        variable: String,
    },
    /// No route matches the model's id.
    #[error(
        "no route matches the model {model}; an id begins with a route's prefix, such as openrouter/"
    )]
    NoRoute {
        /// The model.
        model: ModelId,
    },
    /// The provider knows no model of such an id.
    #[error("the model {model} is none for {kind}: its id {rule}")]
    ModelId {
        /// The model.
        model: ModelId,
        /// The provider.
        kind: ProviderKind,
        /// What ids are like there.
        rule: &'static str,
    },
    /// A route of that kind needs a base URL.
    #[error("the route {pattern} has no base URL, which {kind} needs")]
    NoBaseUrl {
        /// The route's pattern.
        pattern: String,
        /// Its kind.
        kind: ProviderKind,
    },
    /// A route says nothing of a key.
    #[error(
        "the route {pattern} has neither apiKey nor apiKeyEnv; an empty apiKey says that none is needed"
    )]
    NoKey {
        /// The route's pattern.
        pattern: String,
    },
    /// Routes could not be read.
    #[error("reading provider routes")]
    Json(#[from] serde_json::Error),
}
