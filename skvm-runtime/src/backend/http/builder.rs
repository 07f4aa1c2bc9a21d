//! Setting up a backend.

use std::marker::PhantomData;
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Client, redirect, retry};
use skvm_core::target::ModelId;
use url::{Host, Url};

use super::HttpBackend;
use crate::backend::wire::Wire;
use crate::backend::{BackendError, RetryPolicy};
use crate::provider::ApiKey;

/// What [`HttpBackend::builder`] returns.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct HttpBackendBuilder<W> {
    base_url: String,
    model: ModelId,
    name: Option<ModelId>,
    api_key: Option<ApiKey>,
    request_timeout: Duration,
    connect_timeout: Duration,
    retry: RetryPolicy,
    max_response_bytes: usize,
    wire: PhantomData<W>,
}

impl<W: Wire> HttpBackendBuilder<W> {
    pub(super) fn new(base_url: String, model: ModelId) -> Self {
        Self {
            base_url,
            model,
            name: None,
            api_key: None,
            request_timeout: Duration::from_secs(120),
            connect_timeout: Duration::from_secs(10),
            retry: RetryPolicy::default(),
            max_response_bytes: 16 * 1024 * 1024,
            wire: PhantomData,
        }
    }

    /// What the host calls the model: the id that [`LlmBackend::model`] tells, and by which targets, profiles and
    /// recordings know it, such as `openrouter/qwen/qwen3.5-9b`. The endpoint is still asked for its own id. Default:
    /// the same id.
    ///
    /// [`LlmBackend::model`]: skvm_core::llm::LlmBackend::model
    pub fn named(mut self, name: impl Into<ModelId>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The key, sent as the wire format wants it. Default none, which is what most local servers want.
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
    pub fn build(self) -> Result<HttpBackend<W>, BackendError> {
        let name = self.name.unwrap_or_else(|| self.model.clone());
        if [&self.model, &name].iter().any(|id| id.as_str().trim().is_empty()) {
            return Err(BackendError::NoModel);
        }
        let endpoint = endpoint(&self.base_url, W::PATH)?;
        let key_header = self.api_key.as_ref().map(key_header::<W>).transpose()?;
        let client = client(&endpoint, self.connect_timeout).map_err(|source| {
            BackendError::Client { url: endpoint.to_string(), source: source.into() }
        })?;
        Ok(HttpBackend {
            client,
            endpoint,
            model: name,
            wire_model: self.model,
            key_header,
            api_key: self.api_key,
            request_timeout: self.request_timeout,
            retry: self.retry,
            max_response_bytes: self.max_response_bytes,
            wire: PhantomData,
        })
    }
}

/// Where requests go.
fn endpoint(base_url: &str, operation: &str) -> Result<Url, BackendError> {
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
    let path = format!("{}{operation}", url.path().trim_end_matches('/'));
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
fn key_header<W: Wire>(key: &ApiKey) -> Result<HeaderValue, BackendError> {
    let mut header = HeaderValue::from_str(&format!("{}{}", W::KEY_PREFIX, key.expose()))
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
    use skvm_core::llm::LlmBackend;

    use super::*;
    use crate::backend::anthropic::Messages;
    use crate::backend::openai::{ChatCompletions, Responses};
    use crate::backend::{AnthropicMessages, OpenAiCompatible};

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
            assert_eq!(endpoint(base, ChatCompletions::PATH).unwrap().as_str(), expected);
        }
        let of = |path| endpoint("https://h/v1/", path).unwrap().to_string();
        assert_eq!(of(Responses::PATH), "https://h/v1/responses");
        assert_eq!(of(Messages::PATH), "https://h/v1/messages");
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
        let no_name = OpenAiCompatible::builder("http://localhost", "m").named("").build();
        assert!(matches!(no_name, Err(BackendError::NoModel)));
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
        for (header, expected) in [
            (key_header::<ChatCompletions>(&ApiKey::new("secret")), "Bearer secret"),
            (key_header::<Responses>(&ApiKey::new("secret")), "Bearer secret"),
            (key_header::<Messages>(&ApiKey::new("secret")), "secret"),
        ] {
            let header = header.unwrap();
            assert!(header.is_sensitive());
            assert_eq!(header, expected);
        }
    }

    #[test]
    fn a_host_may_call_the_model_by_another_name() {
        let builder = AnthropicMessages::builder("http://localhost", "claude-x");
        assert_eq!(builder.clone().build().unwrap().model().as_str(), "claude-x");
        let named = builder.named("mine/claude-x").build().unwrap();
        assert_eq!(named.model().as_str(), "mine/claude-x");
        let shown = format!("{named:?}");
        assert!(shown.starts_with("AnthropicMessages {"), "{shown}");
        assert!(
            shown.contains(r#"model: ModelId("mine/claude-x"), wire_model: ModelId("claude-x")"#)
        );
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
