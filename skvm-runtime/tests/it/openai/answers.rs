//! What is sent, and what a good answer becomes.

use serde_json::json;
use skvm_core::llm::{LlmBackend, StopReason, ToolCall, Usage};

use super::{KEY, ask, backend, completion, said};
use crate::loopback::{Answer, Loopback};

#[tokio::test]
async fn a_request_reaches_the_endpoint_with_its_key() {
    let server = Loopback::serve([said("hi")]).await;
    let backend = backend(&server);
    assert_eq!(backend.clone().build().unwrap().model().as_str(), "vendor/model");

    let answer = ask(backend).await.unwrap();

    assert_eq!((answer.text.as_str(), answer.stop), ("hi", StopReason::Done));
    let [request] = &server.requests()[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let sent = json!({
        "model": "vendor/model", "messages": [{ "role": "user", "content": "hello" }]
    });
    assert_eq!(request.json(), sent);
}

#[tokio::test]
async fn without_a_key_nothing_is_authorized() {
    let server = Loopback::serve([said("hi")]).await;
    ask(backend(&server).api_key(None)).await.unwrap();
    assert_eq!(server.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn cached_tokens_and_cost_are_told_apart() {
    let answer = json!({
        "choices": [{ "message": { "content": "hi" }, "finish_reason": "stop" }],
        "usage": {
            "prompt_tokens": 100, "completion_tokens": 5, "cost": 0.5,
            "prompt_tokens_details": { "cached_tokens": 80 }
        }
    });
    let server = Loopback::serve([Answer::json(200, &answer)]).await;
    let usage = ask(backend(&server)).await.unwrap().usage;
    let expected = Usage {
        input: Some(20),
        output: Some(5),
        cache_read: Some(80),
        cache_write: None,
        cost_usd: Some(0.5),
    };
    assert_eq!(usage, expected);
}

#[tokio::test]
async fn usage_that_is_not_told_is_unknown() {
    let answer = json!({ "choices": [{ "message": { "content": "hi" } }] });
    let server = Loopback::serve([Answer::json(200, &answer)]).await;
    assert_eq!(ask(backend(&server)).await.unwrap().usage, Usage::default());
}

#[tokio::test]
async fn tool_calls_beside_the_reason_stop_are_kept() {
    let call =
        json!({ "id": "c1", "function": { "name": "read", "arguments": "{\"path\":\"a\"}" } });
    let message = json!({ "content": null, "tool_calls": [call] });
    let server = Loopback::serve([completion(&message, "stop")]).await;
    let answer = ask(backend(&server)).await.unwrap();
    let call = ToolCall { id: "c1".into(), name: "read".into(), arguments: json!({ "path": "a" }) };
    assert_eq!((answer.tool_calls, answer.stop), (vec![call], StopReason::Done));
}
