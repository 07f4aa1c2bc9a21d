//! Why a backend could not be set up.

use std::error::Error;

use crate::provider::ProviderError;

/// A backend could not be set up. None of the variants holds a key or a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The base URL cannot be read.
    #[error("the base URL {url:?} cannot be read")]
    InvalidUrl {
        /// The URL, without what may be a user name, a password or a query.
        url: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// The base URL is neither `http` nor `https`.
    #[error("the base URL has the scheme {scheme:?}; http and https are supported")]
    UnsupportedScheme {
        /// The scheme.
        scheme: String,
    },
    /// The base URL holds a user name or a password.
    #[error("the base URL of host {host:?} holds credentials; give them as an API key")]
    CredentialsInUrl {
        /// The host.
        host: String,
    },
    /// The base URL has a query or a fragment, which has no place before the operation's name.
    #[error("the base URL of host {host:?} has a query or a fragment")]
    QueryInUrl {
        /// The host.
        host: String,
    },
    /// No route leads to the model, or the one that does cannot be used.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The model's id is empty.
    #[error("the model has no id")]
    NoModel,
    /// The key holds characters that no HTTP header can carry.
    #[error("the API key holds characters that no header can carry")]
    InvalidKey,
    /// The HTTP client could not be made, for example because the system has no root certificates.
    #[error("the HTTP client for {url} could not be made")]
    Client {
        /// Where it was to send requests.
        url: String,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
}
