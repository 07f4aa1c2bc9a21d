//! Answers of a given type over the wire.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use skvm_core::llm::{LlmBackendExt, LlmRequest, Structured, StructuredError};

use super::{backend, completion, failed, said};
use crate::loopback::{Answer, Loopback};

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Verdict {
    score: u32,
}

async fn verdict(server: &Loopback) -> Result<Structured<Verdict>, StructuredError> {
    backend(server).build().unwrap().complete_as(LlmRequest::user("judge")).await
}

/// An answer that calls the tool `answer`.
fn answered(arguments: &str) -> Answer {
    let call = json!({ "id": "c1", "function": { "name": "answer", "arguments": arguments } });
    completion(&json!({ "content": null, "tool_calls": [call] }), "tool_calls")
}

fn bodies(server: &Loopback) -> Vec<Value> {
    server.requests().iter().map(|request| request.json()).collect()
}

#[tokio::test]
async fn the_model_is_made_to_call_a_tool() {
    let server = Loopback::serve([answered("{\"score\":7}")]).await;
    let verdict = verdict(&server).await.unwrap();
    assert_eq!((verdict.value, verdict.attempts), (Verdict { score: 7 }, 1));
    assert_eq!((verdict.usage.input, verdict.usage.output), (Some(10), Some(2)));

    let body = &bodies(&server)[0];
    let forced = json!({ "type": "function", "function": { "name": "answer" } });
    assert_eq!(body["tool_choice"], forced);
    assert_eq!(body["tools"][0]["function"]["name"], "answer");
    let schema = &body["tools"][0]["function"]["parameters"];
    assert_eq!(schema["properties"]["score"]["type"], "integer");
}

#[tokio::test]
async fn words_are_repaired_and_every_token_is_counted() {
    let server = Loopback::serve([said("I would say seven."), said("{\"score\": 7}")]).await;
    let verdict = verdict(&server).await.unwrap();
    assert_eq!((verdict.value, verdict.attempts), (Verdict { score: 7 }, 2));
    assert_eq!((verdict.usage.input, verdict.usage.output), (Some(20), Some(4)));

    let second = &bodies(&server)[1];
    assert_eq!((second.get("tools"), second.get("tool_choice")), (None, None));
    let repeated = json!({ "role": "assistant", "content": "I would say seven." });
    assert_eq!(second["messages"][1], repeated);
}

#[tokio::test]
async fn a_call_that_does_not_fit_is_answered_with_the_reason() {
    let server =
        Loopback::serve([answered("{\"score\":\"high\"}"), answered("{\"score\":7}")]).await;
    let verdict = verdict(&server).await.unwrap();
    assert_eq!((verdict.value, verdict.attempts), (Verdict { score: 7 }, 2));
    let second = &bodies(&server)[1];
    assert_eq!(second["messages"][1]["tool_calls"][0]["id"], "c1");
    assert_eq!(second["messages"][2]["tool_call_id"], "c1");
    assert!(second["messages"][2]["content"].as_str().unwrap().contains("invalid type"));
}

#[tokio::test]
async fn arguments_that_are_no_json_are_repaired_too() {
    let server = Loopback::serve([answered("{\"score\": "), answered("{\"score\":7}")]).await;
    assert_eq!(verdict(&server).await.unwrap().value, Verdict { score: 7 });
    let arguments = &bodies(&server)[1]["messages"][1]["tool_calls"][0]["function"]["arguments"];
    assert!(serde_json::from_str::<Value>(arguments.as_str().unwrap()).is_ok());
}

#[tokio::test]
async fn a_provider_that_forces_no_tool_is_asked_in_words() {
    let refused = failed(400, "tool_choice is not supported by this model");
    let server = Loopback::serve([refused, said("```json\n{\"score\": 7}\n```")]).await;
    let verdict = verdict(&server).await.unwrap();
    assert_eq!((verdict.value, verdict.attempts), (Verdict { score: 7 }, 1));
    assert_eq!((verdict.usage.input, verdict.usage.output), (Some(10), Some(2)));
    let second = &bodies(&server)[1];
    assert_eq!((second.get("tools"), second.get("tool_choice")), (None, None));
    assert!(second["messages"][1]["content"].as_str().unwrap().contains("JSON schema"));
}

#[tokio::test]
async fn another_failure_ends_it_with_the_tokens_spent() {
    let server = Loopback::serve([said("seven"), failed(401, "the key has expired")]).await;
    let error = verdict(&server).await.unwrap_err();
    assert_eq!(error.provider_error().and_then(|error| error.status()), Some(401));
    assert_eq!((error.usage().input, error.attempts()), (Some(10), 2));
}
