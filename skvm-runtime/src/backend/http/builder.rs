//! Setting up a backend.

use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Client, redirect, retry};
use skvm_core::target::ModelId;
use url::{Host, Url};

use super::{OpenAiCompatible, RetryPolicy};
use crate::backend::BackendError;
use crate::provider::ApiKey;

/// What [`OpenAiCompatible::builder`] returns.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct OpenAiCompatibleBuilder {
    base_url: String,
    model: ModelId,
    api_key: Option<ApiKey>,
    request_timeout: Duration,
    connect_timeout: Duration,
    retry: RetryPolicy,
    max_response_bytes: usize,
}

impl OpenAiCompatibleBuilder {
    pub(super) fn new(base_url: String, model: ModelId) -> Self {
        Self {
            base_url,
            model,
            api_key: None,
            request_timeout: Duration::from_secs(120),
            connect_timeout: Duration::from_secs(10),
            retry: RetryPolicy::default(),
            max_response_bytes: 16 * 1024 * 1024,
        }
    }

    /// The key, sent as a bearer token. Default none, which is what most local servers want.
    pub fn api_key(mut self, key: impl Into<Option<ApiKey>>) -> Self {
        self.api_key = key.into();
        self
    }

    /// The time for one try, from connecting to the last byte of the answer. Default 2 minutes.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// The time for connecting, which is part of the time for the try. Default 10 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// When to ask again, and the time for all tries together.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The longest answer that is read; a longer one is an error. Default 16 MiB.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// The backend. Nothing is sent yet.
    ///
    /// # Errors
    /// [`BackendError`] when the base URL, the model or the key cannot be used, or the HTTP client
    /// cannot be made.
    pub fn build(self) -> Result<OpenAiCompatible, BackendError> {
        if self.model.as_str().trim().is_empty() {
            return Err(BackendError::NoModel);
        }
        let endpoint = endpoint(&self.base_url)?;
        let authorization = self.api_key.as_ref().map(authorization).transpose()?;
        let client = client(&endpoint, self.connect_timeout).map_err(|source| {
            BackendError::Client { url: endpoint.to_string(), source: source.into() }
        })?;
        Ok(OpenAiCompatible {
            client,
            endpoint,
            model: self.model,
            authorization,
            api_key: self.api_key,
            request_timeout: self.request_timeout,
            retry: self.retry,
            max_response_bytes: self.max_response_bytes,
        })
    }
}

/// Where requests go.
fn endpoint(base_url: &str) -> Result<Url, BackendError> {
    let mut url = Url::parse(base_url)
        .map_err(|source| BackendError::InvalidUrl { url: without_secrets(base_url), source })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BackendError::UnsupportedScheme { scheme: url.scheme().to_owned() });
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BackendError::CredentialsInUrl { host });
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BackendError::QueryInUrl { host });
    }
    let path = format!("{}/chat/completions", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// A text that failed to be a URL, without the places where a URL holds secrets.
fn without_secrets(url: &str) -> String {
    let (head, shown) = match url.rsplit_once('@') {
        Some((_credentials, rest)) => ("***@", rest),
        None => ("", url),
    };
    let end = shown.find(['?', '#']).unwrap_or(shown.len());
    format!("{head}{}", shown.get(..end).unwrap_or_default())
}

/// The header that carries the key. Marked as sensitive, it is kept out of `Debug` output and out of the
/// compression tables of HTTP/2.
fn authorization(key: &ApiKey) -> Result<HeaderValue, BackendError> {
    let mut header = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
        .map_err(|_| BackendError::InvalidKey)?;
    header.set_sensitive(true);
    Ok(header)
}

/// A client that goes to the endpoint and nowhere else, and leaves retries to us.
fn client(endpoint: &Url, connect_timeout: Duration) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder()
        .user_agent(concat!("skvm/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .connect_timeout(connect_timeout);
    if is_loopback(endpoint) {
        builder = builder.no_proxy();
    }
    if endpoint.scheme() == "http" {
        // Root certificates are not needed, and a minimal system that has none must not fail here.
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}

/// Whether a URL names this machine, to which no proxy leads.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(base_url: &str) -> Result<OpenAiCompatible, BackendError> {
        OpenAiCompatible::builder(base_url, "model").build()
    }

    #[test]
    fn the_path_is_added_to_the_base() {
        for (base, expected) in [
            ("http://127.0.0.1:8901/v1", "http://127.0.0.1:8901/v1/chat/completions"),
            ("http://127.0.0.1:8901/v1/", "http://127.0.0.1:8901/v1/chat/completions"),
            ("http://localhost", "http://localhost/chat/completions"),
        ] {
            assert_eq!(endpoint(base).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn a_base_that_cannot_be_used_is_refused() {
        assert!(matches!(build("127.0.0.1"), Err(BackendError::InvalidUrl { .. })));
        assert!(matches!(build("http://"), Err(BackendError::InvalidUrl { .. })));
        assert!(matches!(
            build("ftp://host/v1"),
            Err(BackendError::UnsupportedScheme { scheme }) if scheme == "ftp"
        ));
        assert!(matches!(build("http://host/v1?key=1"), Err(BackendError::QueryInUrl { .. })));
        assert!(matches!(build("http://host/v1#a"), Err(BackendError::QueryInUrl { .. })));
        let no_model = OpenAiCompatible::builder("http://localhost", " ").build();
        assert!(matches!(no_model, Err(BackendError::NoModel)));
    }

    #[test]
    fn a_refused_base_does_not_show_its_secrets() {
        for base in [
            "http://me:secret@host/v1",
            "http://secret@host/v1",
            "http://me:se?secret@host:99999/v1",
            "http://host:99999/v1?key=secret",
            "http://host/v1?key=secret",
        ] {
            let error = build(base).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_refused_and_not_shown() {
        let builder = OpenAiCompatible::builder("http://localhost", "model");
        let error = builder.api_key(ApiKey::new("secret\nkey")).build().unwrap_err();
        assert!(matches!(error, BackendError::InvalidKey));
        assert_eq!(error.to_string(), "the API key holds characters that no header can carry");
    }

    #[test]
    fn the_header_with_the_key_is_sensitive() {
        let header = authorization(&ApiKey::new("secret")).unwrap();
        assert!(header.is_sensitive());
        assert_eq!(header, "Bearer secret");
    }

    #[test]
    fn loopback_hosts_are_told_from_others() {
        for (url, expected) in [
            ("http://localhost:1/", true),
            ("http://api.localhost/", true),
            ("http://127.0.0.1/", true),
            ("http://127.1.2.3/", true),
            ("http://[::1]:8080/", true),
            ("http://[::ffff:127.0.0.1]/", true),
            ("http://notlocalhost/", false),
            ("http://localhost.example.com/", false),
            ("http://192.168.0.1/", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
