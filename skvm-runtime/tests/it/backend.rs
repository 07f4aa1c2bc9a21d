//! Backends of each wire format against a server that behaves well, badly and not at all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod faults;
mod format;
mod retries;
mod routes;
mod secrets;
mod structured;

use std::sync::Arc;
use std::time::Duration;

use skvm_core::llm::{LlmBackend, LlmError, LlmRequest, LlmResponse};
use skvm_runtime::backend::{AnthropicMessages, OpenAiCompatible, OpenAiResponses, RetryPolicy};
use skvm_runtime::provider::ApiKey;

use self::format::Format;
use crate::loopback::Loopback;

const KEY: &str = "sk-not-to-be-seen";

/// Longer than a test needs, shorter than a reader's patience.
const PATIENCE: Duration = Duration::from_secs(5);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What a test sets up, whatever the format: a backend that asks a server, with a key and without retries.
#[derive(Debug, Clone)]
struct Setup {
    format: Format,
    url: String,
    key: Option<ApiKey>,
    request_timeout: Duration,
    connect_timeout: Duration,
    retry: RetryPolicy,
    max_response_bytes: Option<usize>,
}

fn backend(format: Format, server: &Loopback) -> Setup {
    Setup {
        format,
        url: server.url("/v1"),
        key: Some(ApiKey::new(KEY)),
        request_timeout: PATIENCE,
        connect_timeout: PATIENCE,
        retry: RetryPolicy::never(),
        max_response_bytes: None,
    }
}

impl Setup {
    fn key(mut self, key: Option<ApiKey>) -> Self {
        self.key = key;
        self
    }

    fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    fn build(self) -> Arc<dyn LlmBackend> {
        macro_rules! built {
            ($backend:ident) => {{
                let mut builder = $backend::builder(self.url, "vendor/model")
                    .api_key(self.key)
                    .request_timeout(self.request_timeout)
                    .connect_timeout(self.connect_timeout)
                    .retry(self.retry);
                if let Some(bytes) = self.max_response_bytes {
                    builder = builder.max_response_bytes(bytes);
                }
                Arc::new(builder.build().unwrap())
            }};
        }
        match self.format {
            Format::ChatCompletions => built!(OpenAiCompatible),
            Format::Responses => built!(OpenAiResponses),
            Format::Messages => built!(AnthropicMessages),
        }
    }

    async fn ask(self) -> Result<LlmResponse, LlmError> {
        self.build().complete(LlmRequest::user("hello")).await
    }
}

/// Three retries that wait no longer than a test can.
fn quick() -> RetryPolicy {
    RetryPolicy::default().with_base(millis(1)).with_total_deadline(PATIENCE)
}
