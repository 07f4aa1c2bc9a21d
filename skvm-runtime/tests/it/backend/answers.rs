//! What is sent, and what a good answer becomes.

use serde_json::{Value, json};
use skvm_core::llm::{LlmRequest, LlmResponse, Message, StopReason, ToolCall, ToolSpec, Usage};

use super::backend;
use super::format::Format;
use crate::loopback::{Answer, Loopback};

#[tokio::test]
async fn a_request_reaches_the_endpoint_with_its_key() {
    for format in Format::ALL {
        let server = Loopback::serve([format.said("hi")]).await;
        let backend = backend(format, &server);
        assert_eq!(backend.clone().build().model().as_str(), "vendor/model");

        let answer = backend.ask().await.unwrap();

        assert_eq!((answer.text.as_str(), answer.stop), ("hi", StopReason::Done));
        let [request] = &server.requests()[..] else { panic!("one request") };
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", format.path()));
        let (name, value) = format.key_header();
        assert_eq!(request.header(name), Some(value.as_str()));
        assert_eq!(request.header("content-type"), Some("application/json"));
        let version = (format == Format::Messages).then_some("2023-06-01");
        assert_eq!(request.header("anthropic-version"), version);
        assert_eq!(request.json(), format.asked("hello"));
    }
}

#[tokio::test]
async fn a_key_is_in_the_header_of_its_format_only_and_none_is_in_none() {
    for format in Format::ALL {
        let server = Loopback::serve([format.said("hi"), format.said("hi")]).await;
        backend(format, &server).ask().await.unwrap();
        backend(format, &server).key(None).ask().await.unwrap();
        let [with, without] = &server.requests()[..] else { panic!("two requests") };
        let headers = ["authorization", "x-api-key"];
        assert_eq!(headers.iter().filter(|name| with.header(name).is_some()).count(), 1);
        assert!(headers.iter().all(|name| without.header(name).is_none()));
    }
}

#[tokio::test]
async fn a_tool_is_called_and_told_what_came_of_it() {
    for format in Format::ALL {
        let server =
            Loopback::serve([format.called("read", "{\"path\":\"a\"}"), format.said("it is b")])
                .await;
        let backend = backend(format, &server).build();
        let tool = ToolSpec {
            name: "read".into(),
            description: "Reads.".into(),
            parameters: json!({ "type": "object" }),
        };
        let mut request = LlmRequest { tools: vec![tool], ..LlmRequest::user("what is in a?") };

        let called = backend.complete(request.clone()).await.unwrap();

        let call =
            ToolCall { id: "c1".into(), name: "read".into(), arguments: json!({ "path": "a" }) };
        let usage = Usage { input: Some(10), output: Some(2), ..Usage::default() };
        let expected = LlmResponse {
            text: String::new(),
            tool_calls: vec![call],
            stop: StopReason::ToolCalls,
            usage,
        };
        assert_eq!(called, expected, "{format:?}");

        let LlmResponse { text, tool_calls, .. } = called;
        request.messages.push(Message::Assistant { content: text, tool_calls });
        request.messages.push(Message::Tool { call_id: "c1".into(), content: "b".into() });
        assert_eq!(backend.complete(request).await.unwrap().text, "it is b");

        let bodies: Vec<Value> = server.requests().iter().map(|request| request.json()).collect();
        assert_eq!(bodies[0].get("tool_choice"), None);
        assert_eq!(format.first_tool(&bodies[1]), (&json!("read"), &json!({ "type": "object" })));
        let [call, result] = format.later(&bodies[1]) else { panic!("a call and its result") };
        assert_eq!(*call, format.called_back("read", &json!({ "path": "a" })));
        assert_eq!(format.result(result), "b");
    }
}

#[tokio::test]
async fn cached_tokens_and_cost_are_told_apart() {
    let chat = json!({
        "choices": [{ "message": { "content": "hi" }, "finish_reason": "stop" }],
        "usage": {
            "prompt_tokens": 100, "completion_tokens": 5, "cost": 0.5,
            "prompt_tokens_details": { "cached_tokens": 80 }
        }
    });
    let responses = json!({
        "status": "completed", "output": [],
        "usage": {
            "input_tokens": 100, "output_tokens": 5, "cost": 0.5,
            "input_tokens_details": { "cached_tokens": 80 }
        }
    });
    let messages = json!({
        "content": [], "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 20, "output_tokens": 5, "cost": 0.5, "cache_read_input_tokens": 80,
            "cache_creation_input_tokens": 30
        }
    });
    for (format, answer, cache_write) in [
        (Format::ChatCompletions, chat, None),
        (Format::Responses, responses, None),
        (Format::Messages, messages, Some(30)),
    ] {
        let server = Loopback::serve([Answer::json(200, &answer)]).await;
        let usage = backend(format, &server).ask().await.unwrap().usage;
        let expected = Usage {
            input: Some(20),
            output: Some(5),
            cache_read: Some(80),
            cache_write,
            cost_usd: Some(0.5),
        };
        assert_eq!(usage, expected, "{format:?}");
    }
}

#[tokio::test]
async fn usage_that_is_not_told_is_unknown() {
    for (format, answer) in [
        (Format::ChatCompletions, json!({ "choices": [{ "message": { "content": "hi" } }] })),
        (Format::Responses, json!({ "status": "completed", "output": [] })),
        (Format::Messages, json!({ "content": [] })),
    ] {
        let server = Loopback::serve([Answer::json(200, &answer)]).await;
        assert_eq!(backend(format, &server).ask().await.unwrap().usage, Usage::default());
    }
}

#[tokio::test]
async fn tool_calls_beside_the_reason_stop_are_kept() {
    let call =
        json!({ "id": "c1", "function": { "name": "read", "arguments": "{\"path\":\"a\"}" } });
    let message = json!({ "content": null, "tool_calls": [call] });
    let chat = json!({ "choices": [{ "message": message, "finish_reason": "stop" }] });
    let block = json!({ "type": "tool_use", "id": "c1", "name": "read", "input": { "path": "a" } });
    let messages = json!({ "content": [block], "stop_reason": "end_turn" });
    for (format, answer) in [(Format::ChatCompletions, chat), (Format::Messages, messages)] {
        let server = Loopback::serve([Answer::json(200, &answer)]).await;
        let answer = backend(format, &server).ask().await.unwrap();
        let call =
            ToolCall { id: "c1".into(), name: "read".into(), arguments: json!({ "path": "a" }) };
        assert_eq!((answer.tool_calls, answer.stop), (vec![call], StopReason::Done));
    }
}
