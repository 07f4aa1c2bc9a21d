//! Any endpoint that speaks chat completions.

mod answer;
mod builder;
mod retry;
mod wire;

use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Response};
use skvm_core::llm::{LlmBackend, LlmError, LlmErrorKind, LlmRequest, LlmResponse};
use skvm_core::target::ModelId;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use self::answer::Answer;
use crate::provider::ApiKey;

pub use builder::OpenAiCompatibleBuilder;
pub use retry::RetryPolicy;

/// How much of an error's body is read.
const ERROR_BYTES: usize = 64 * 1024;

/// A model behind an endpoint that speaks the chat completions protocol of OpenAI.
///
/// Every try is bounded from connecting to the last byte, all tries together by
/// [`RetryPolicy::with_total_deadline`], and the answer by a number of bytes. Redirects are not
/// followed. Proxies are taken from the environment, except towards this machine. What cannot be
/// reached, connecting too slowly included, is [`LlmErrorKind::Network`] and asked again; what was
/// reached and does not answer in time is [`LlmErrorKind::Timeout`] and is not.
///
/// It must be used on a tokio runtime with I/O and time enabled. Cloning is cheap and shares the
/// connections.
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
#[derive(Clone)]
pub struct OpenAiCompatible {
    client: Client,
    endpoint: Url,
    model: ModelId,
    authorization: Option<HeaderValue>,
    api_key: Option<ApiKey>,
    request_timeout: Duration,
    retry: RetryPolicy,
    max_response_bytes: usize,
}

impl OpenAiCompatible {
    /// Starts to set up a model: the URL before `/chat/completions`, such as
    /// `https://openrouter.ai/api/v1`, and the model's id as the endpoint knows it.
    pub fn builder(
        base_url: impl Into<String>,
        model: impl Into<ModelId>,
    ) -> OpenAiCompatibleBuilder {
        OpenAiCompatibleBuilder::new(base_url.into(), model.into())
    }

    /// One try within the time allowed.
    async fn attempt(
        &self,
        number: u32,
        body: &str,
        allowed: Duration,
    ) -> Result<LlmResponse, LlmError> {
        let started = Instant::now();
        let answer = timeout(allowed, self.exchange(body))
            .await
            .unwrap_or_else(|_| Err(LlmError::new(LlmErrorKind::Timeout { after: allowed })));
        let status = answer.as_ref().ok().map(|answer| answer.status);
        let result = answer.and_then(|answer| answer.read(self.api_key.as_ref()));
        tracing::debug!(
            model = %self.model,
            attempt = number,
            status,
            millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            error = result.as_ref().err().map(|error| tracing::field::display(error.kind())),
            "asked the model"
        );
        result
    }

    /// Sends a body and reads what comes back.
    async fn exchange(&self, body: &str) -> Result<Answer, LlmError> {
        let mut request = self
            .client
            .post(self.endpoint.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(body.to_owned());
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let mut response = request.send().await.map_err(network)?;
        let status = response.status();
        let body = if status.is_success() {
            read_whole(&mut response, self.max_response_bytes).await?
        } else {
            read_some(&mut response, ERROR_BYTES).await
        };
        let headers = response.headers();
        let retry_after = header(headers, RETRY_AFTER)
            .and_then(|value| retry::retry_after(value, SystemTime::now()));
        let location = header(headers, LOCATION).map(str::to_owned);
        Ok(Answer { status: status.as_u16(), retry_after, location, body })
    }
}

#[async_trait]
impl LlmBackend for OpenAiCompatible {
    fn model(&self) -> &ModelId {
        &self.model
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        let body = wire::request(&self.model, &request).to_string();
        let started = Instant::now();
        let mut retries = 0;
        loop {
            let allowed = self.request_timeout.min(self.retry.left(started.elapsed()));
            let error = match self.attempt(retries + 1, &body, allowed).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let Some(delay) = self.retry.next_delay(retries, &error, started.elapsed()) else {
                return Err(error);
            };
            sleep(delay).await;
            retries += 1;
        }
    }
}

impl fmt::Debug for OpenAiCompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiCompatible")
            .field("endpoint", &self.endpoint.as_str())
            .field("model", &self.model)
            .field("api_key", &self.api_key)
            .field("request_timeout", &self.request_timeout)
            .field("retry", &self.retry)
            .field("max_response_bytes", &self.max_response_bytes)
            .finish_non_exhaustive()
    }
}

/// Reads a body to its end, which must come within a number of bytes.
async fn read_whole(response: &mut Response, most: usize) -> Result<Vec<u8>, LlmError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(network)? {
        if chunk.len() > most - body.len() {
            let error = LlmError::new(LlmErrorKind::InvalidResponse);
            return Err(error.with_detail(format!("the answer is longer than {most} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads the beginning of an error's body. It only explains the error, so that one that breaks off is
/// as good as none.
async fn read_some(response: &mut Response, most: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < most {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        let room = chunk.len().min(most - body.len());
        body.extend(chunk.into_iter().take(room));
    }
    body
}

/// A connection that was not made or that broke.
fn network(error: reqwest::Error) -> LlmError {
    LlmError::new(LlmErrorKind::Network).with_source(error.without_url())
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
