//! What every wire format is sent over: one client, one set of bounds, one reading of failures.

mod answer;
mod builder;

use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use reqwest::header::{
    ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Response};
use skvm_core::llm::{LlmBackend, LlmError, LlmErrorKind, LlmRequest, LlmResponse};
use skvm_core::target::ModelId;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use self::answer::Answer;
use super::retry::{self, RetryPolicy};
use super::wire::Wire;
use crate::provider::ApiKey;

pub use builder::HttpBackendBuilder;

/// How much of an error's body is read.
const ERROR_BYTES: usize = 64 * 1024;

/// A model behind an HTTP endpoint that speaks one wire format:
/// [`OpenAiCompatible`](super::OpenAiCompatible), [`OpenAiResponses`](super::OpenAiResponses) or
/// [`AnthropicMessages`](super::AnthropicMessages).
///
/// Every try is bounded from connecting to the last byte, all tries together by
/// [`RetryPolicy::with_total_deadline`], and the answer by a number of bytes. Redirects are not
/// followed. Proxies are taken from the environment, except towards this machine. What cannot be
/// reached, connecting too slowly included, is [`LlmErrorKind::Network`] and asked again; what was
/// reached and does not answer in time is [`LlmErrorKind::Timeout`] and is not.
///
/// It must be used on a tokio runtime with I/O and time enabled. Cloning is cheap and shares the
/// connections.
#[derive(Clone)]
pub struct HttpBackend<W> {
    client: Client,
    endpoint: Url,
    /// The model as the host knows it.
    model: ModelId,
    /// The model as the endpoint knows it.
    wire_model: ModelId,
    key_header: Option<HeaderValue>,
    api_key: Option<ApiKey>,
    request_timeout: Duration,
    retry: RetryPolicy,
    max_response_bytes: usize,
    wire: PhantomData<W>,
}

impl<W: Wire> HttpBackend<W> {
    /// Starts to set up a model: the URL before the operation's name, such as
    /// `https://openrouter.ai/api/v1`, and the model's id as the endpoint knows it.
    pub fn builder(
        base_url: impl Into<String>,
        model: impl Into<ModelId>,
    ) -> HttpBackendBuilder<W> {
        HttpBackendBuilder::new(base_url.into(), model.into())
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
        let result = answer.and_then(|answer| answer.read::<W>(self.api_key.as_ref()));
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
        for (name, value) in W::HEADERS {
            request = request.header(*name, *value);
        }
        if let Some(key) = &self.key_header {
            request = request.header(W::KEY_HEADER, key.clone());
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
impl<W: Wire> LlmBackend for HttpBackend<W> {
    fn model(&self) -> &ModelId {
        &self.model
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        let body = W::request(&self.wire_model, &request).to_string();
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

impl<W: Wire> fmt::Debug for HttpBackend<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(W::BACKEND)
            .field("endpoint", &self.endpoint.as_str())
            .field("model", &self.model)
            .field("wire_model", &self.wire_model)
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
