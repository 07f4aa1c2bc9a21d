//! Requests and answers as providers write them.

use super::*;
use crate::backend::wire;

fn body(of: &LlmRequest) -> Value {
    request(&ModelId::from("vendor/model"), of)
}

fn read(answer: &Value) -> Result<LlmResponse, WireError> {
    wire::read::<ChatCompletions>(answer.to_string().as_bytes())
}

/// An answer with one message.
fn answered(message: &Value, finish_reason: &Value) -> LlmResponse {
    read(&json!({ "choices": [{ "message": message, "finish_reason": finish_reason }] })).unwrap()
}

fn calls(tool_calls: &Value) -> Vec<ToolCall> {
    let message = json!({ "content": null, "tool_calls": tool_calls });
    answered(&message, &json!("tool_calls")).tool_calls
}

fn usage_of(usage: &Value) -> Usage {
    read(&json!({ "choices": [{ "message": { "content": "x" } }], "usage": usage })).unwrap().usage
}

#[test]
fn a_request_says_only_what_was_said() {
    assert_eq!(
        body(&LlmRequest::user("hello")),
        json!({ "model": "vendor/model", "messages": [{ "role": "user", "content": "hello" }] })
    );
}

#[test]
fn a_whole_conversation_is_written() {
    let call = ToolCall { id: "c1".into(), name: "read".into(), arguments: json!({ "path": "a" }) };
    let conversation = LlmRequest {
        system: Some("be brief".into()),
        messages: vec![
            Message::user("read a"),
            Message::Assistant { content: String::new(), tool_calls: vec![call.clone()] },
            Message::Tool { call_id: "c1".into(), content: "text of a".into() },
            Message::Assistant { content: "one more".into(), tool_calls: vec![call] },
            Message::Assistant { content: "done".into(), tool_calls: vec![] },
        ],
        tools: vec![ToolSpec {
            name: "read".into(),
            description: "Reads.".into(),
            parameters: json!({ "type": "object" }),
        }],
        tool_choice: ToolChoice::Tool("read".into()),
        max_tokens: Some(64),
        temperature: Some(0.7),
    };
    let call = json!({
        "id": "c1", "type": "function",
        "function": { "name": "read", "arguments": "{\"path\":\"a\"}" }
    });
    assert_eq!(
        body(&conversation),
        json!({
            "model": "vendor/model",
            "messages": [
                { "role": "system", "content": "be brief" },
                { "role": "user", "content": "read a" },
                { "role": "assistant", "content": null, "tool_calls": [call] },
                { "role": "tool", "tool_call_id": "c1", "content": "text of a" },
                { "role": "assistant", "content": "one more", "tool_calls": [call] },
                { "role": "assistant", "content": "done" },
            ],
            "tools": [{
                "type": "function",
                "function": {
                    "name": "read", "description": "Reads.", "parameters": { "type": "object" }
                }
            }],
            "tool_choice": { "type": "function", "function": { "name": "read" } },
            "max_tokens": 64,
            "temperature": 0.7,
        })
    );
}

#[test]
fn tools_are_forbidden_only_where_there_are_some() {
    let mut request = LlmRequest { tool_choice: ToolChoice::None, ..LlmRequest::user("x") };
    assert_eq!(body(&request).get("tool_choice"), None);
    request.tools =
        vec![ToolSpec { name: "t".into(), description: String::new(), parameters: json!({}) }];
    assert_eq!(body(&request)["tool_choice"], json!("none"));
    request.tool_choice = ToolChoice::Auto;
    assert_eq!(body(&request).get("tool_choice"), None);
}

#[test]
fn arguments_that_were_no_json_go_back_as_json() {
    let call = ToolCall { id: "c".into(), name: "t".into(), arguments: json!("{\"path\": ") };
    let arguments = sent_call(&call)["function"]["arguments"].as_str().unwrap().to_owned();
    assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap(), json!("{\"path\": "));
}

#[test]
fn content_is_a_text_nothing_or_parts() {
    let parts = json!([{ "type": "text", "text": "a" }, { "type": "image" }, { "text": "b" }]);
    for (content, text) in [(json!("words"), "words"), (json!(null), ""), (parts, "ab")] {
        assert_eq!(answered(&json!({ "content": content }), &json!("stop")).text, text);
    }
    assert_eq!(answered(&json!({}), &json!("stop")).text, "");
    let refusal = json!({ "content": null, "refusal": "I will not" });
    assert_eq!(answered(&refusal, &json!("stop")).text, "I will not");
}

#[test]
fn finish_reasons_are_translated() {
    for (reason, stop) in [
        (json!("stop"), StopReason::Done),
        (json!("tool_calls"), StopReason::ToolCalls),
        (json!("length"), StopReason::Length),
        (json!("content_filter"), StopReason::Filtered),
        (json!("eos"), StopReason::Unknown),
        (json!(null), StopReason::Unknown),
    ] {
        assert_eq!(answered(&json!({ "content": "x" }), &reason).stop, stop, "{reason}");
    }
}

#[test]
fn tool_calls_are_kept_whatever_the_finish_reason() {
    let message = json!({
        "content": "let me see",
        "tool_calls": [{ "id": "c1", "function": { "name": "read", "arguments": "{\"a\":1}" } }]
    });
    for reason in ["stop", "length", "tool_calls", "anything"] {
        let answer = answered(&message, &json!(reason));
        let call = ToolCall { id: "c1".into(), name: "read".into(), arguments: json!({ "a": 1 }) };
        assert_eq!(
            (answer.text.as_str(), answer.tool_calls),
            ("let me see", vec![call]),
            "{reason}"
        );
    }
}

#[test]
fn arguments_may_be_broken_missing_or_already_parsed() {
    for (sent, kept) in [
        (json!("{\"a\": 1"), json!("{\"a\": 1")),
        (json!("ls -l"), json!("ls -l")),
        (json!({ "a": 1 }), json!({ "a": 1 })),
        (json!(""), json!({})),
        (json!(null), json!({})),
    ] {
        let calls = calls(&json!([{ "id": "c", "function": { "name": "t", "arguments": sent } }]));
        assert_eq!(calls[0].arguments, kept, "{sent}");
    }
    assert_eq!(calls(&json!([{ "id": "c", "name": "t" }]))[0].arguments, json!({}));
}

#[test]
fn missing_ids_are_numbered() {
    let call = json!({ "function": { "name": "t", "arguments": "{}" } });
    let empty = json!({ "id": "", "function": { "name": "t", "arguments": "{}" } });
    let ids: Vec<String> =
        calls(&json!([call, { "id": "x" }, empty])).into_iter().map(|call| call.id).collect();
    assert_eq!(ids, ["call_0", "x", "call_2"]);
    assert_eq!(calls(&json!(null)), []);
}

#[test]
fn tokens_from_the_cache_are_counted_once() {
    let usage = usage_of(&json!({
        "prompt_tokens": 100, "completion_tokens": 7, "cost": 0.25,
        "prompt_tokens_details": { "cached_tokens": 60 }
    }));
    assert_eq!(
        usage,
        Usage {
            input: Some(40),
            output: Some(7),
            cache_read: Some(60),
            cache_write: None,
            cost_usd: Some(0.25),
        }
    );
    let more_cached_than_read = usage_of(&json!({
        "prompt_tokens": 10, "prompt_tokens_details": { "cached_tokens": 60 }
    }));
    assert_eq!(more_cached_than_read.input, Some(0));
}

#[test]
fn unknown_usage_is_not_zero() {
    for usage in [json!(null), json!({}), json!("many"), json!({ "cost": "0.1" })] {
        assert!(!usage_of(&usage).is_known(), "{usage}");
    }
    let partly = usage_of(&json!({ "completion_tokens": 0, "prompt_tokens_details": null }));
    assert_eq!(partly, Usage { output: Some(0), ..Usage::default() });
}

#[test]
fn an_error_with_status_200_is_an_error() {
    let nested = json!({ "choices": [{ "error": { "message": "upstream" }, "message": {} }] });
    for (answer, said) in [
        (json!({ "error": { "message": "no such model", "code": 404 } }), "no such model"),
        (json!({ "error": "no such model" }), "no such model"),
        (json!({ "error": { "code": 7 } }), "{\"code\":7}"),
        (nested, "upstream"),
    ] {
        assert_eq!(read(&answer).unwrap_err().to_string(), said);
    }
    let harmless = json!({ "error": null, "choices": [{ "message": { "content": "fine" } }] });
    assert_eq!(read(&harmless).unwrap().text, "fine");
}

#[test]
fn what_is_no_answer_is_named() {
    assert_eq!(read(&json!([])).unwrap_err().to_string(), "the answer has no choices");
    assert_eq!(
        read(&json!({ "choices": [] })).unwrap_err().to_string(),
        "the answer has no choices"
    );
    let without_message = json!({ "choices": [{ "text": "legacy" }] });
    assert_eq!(read(&without_message).unwrap_err().to_string(), "the answer has no message");
}
