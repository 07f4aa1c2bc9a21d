//! The backend for chat completions against a server that behaves well, badly and not at all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod faults;
mod retries;
mod secrets;
mod structured;

use std::time::Duration;

use serde_json::{Value, json};
use skvm_core::llm::{LlmBackend, LlmError, LlmRequest, LlmResponse};
use skvm_runtime::backend::{OpenAiCompatible, OpenAiCompatibleBuilder, RetryPolicy};
use skvm_runtime::provider::ApiKey;

use crate::loopback::{Answer, Loopback};

const KEY: &str = "sk-not-to-be-seen";

/// Longer than a test needs, shorter than a reader's patience.
const PATIENCE: Duration = Duration::from_secs(5);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A backend that asks a server, with a key and without retries.
fn backend(server: &Loopback) -> OpenAiCompatibleBuilder {
    OpenAiCompatible::builder(server.url("/v1"), "vendor/model")
        .api_key(ApiKey::new(KEY))
        .request_timeout(PATIENCE)
        .retry(RetryPolicy::never())
}

/// Three retries that wait no longer than a test can.
fn quick() -> RetryPolicy {
    RetryPolicy::default().with_base(millis(1)).with_total_deadline(PATIENCE)
}

async fn ask(backend: OpenAiCompatibleBuilder) -> Result<LlmResponse, LlmError> {
    backend.build().unwrap().complete(LlmRequest::user("hello")).await
}

/// What a provider says when all is well.
fn said(content: &str) -> Answer {
    completion(&json!({ "content": content }), "stop")
}

fn completion(message: &Value, finish_reason: &str) -> Answer {
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 2 });
    let choices = json!([{ "message": message, "finish_reason": finish_reason }]);
    Answer::json(200, &json!({ "choices": choices, "usage": usage }))
}

/// What a provider says when something is wrong.
fn failed(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": { "message": message } }))
}
