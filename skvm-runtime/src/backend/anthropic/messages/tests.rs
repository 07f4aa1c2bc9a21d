//! Requests and answers as Anthropic's messages have them.

use super::*;
use crate::backend::wire;

fn body(of: &LlmRequest) -> Value {
    request(&ModelId::from("claude-x"), of)
}

/// How a conversation is written.
fn written(messages: Vec<Message>) -> Value {
    let mut body = body(&LlmRequest { messages, ..LlmRequest::default() });
    body["messages"].take()
}

fn read(answer: &Value) -> Result<LlmResponse, WireError> {
    wire::read::<Messages>(answer.to_string().as_bytes())
}

fn call(id: &str, arguments: Value) -> ToolCall {
    ToolCall { id: id.into(), name: "read".into(), arguments }
}

fn calling(content: &str, tool_calls: Vec<ToolCall>) -> Message {
    Message::Assistant { content: content.into(), tool_calls }
}

fn result(id: &str, content: &str) -> Message {
    Message::Tool { call_id: id.into(), content: content.into() }
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

#[test]
fn a_request_says_only_what_was_said_and_how_long_the_answer_may_be() {
    assert_eq!(
        body(&LlmRequest::user("hello")),
        json!({
            "model": "claude-x",
            "max_tokens": 16_384,
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hello" }] }],
        })
    );
}

#[test]
fn a_whole_conversation_is_written() {
    let arguments = json!({ "path": "a" });
    let conversation = LlmRequest {
        system: Some("be brief".into()),
        messages: vec![
            Message::user("read a and b"),
            calling("", vec![call("c1", arguments.clone()), call("c2", arguments.clone())]),
            result("c1", "text of a"),
            result("c2", ""),
            Message::user("and again"),
            calling("one more", vec![call("c3", arguments.clone())]),
            result("c3", "text of a"),
            calling("done", vec![]),
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
    let used =
        |id: &str| json!({ "type": "tool_use", "id": id, "name": "read", "input": arguments });
    let came = |id: &str, content: &str| json!({ "type": "tool_result", "tool_use_id": id, "content": content });
    assert_eq!(
        body(&conversation),
        json!({
            "model": "claude-x",
            "max_tokens": 64,
            "system": "be brief",
            "messages": [
                { "role": "user", "content": [text("read a and b")] },
                { "role": "assistant", "content": [used("c1"), used("c2")] },
                {
                    "role": "user",
                    "content": [came("c1", "text of a"), came("c2", ""), text("and again")]
                },
                { "role": "assistant", "content": [text("one more"), used("c3")] },
                { "role": "user", "content": [came("c3", "text of a")] },
                { "role": "assistant", "content": [text("done")] },
            ],
            "tools": [{
                "name": "read", "description": "Reads.", "input_schema": { "type": "object" }
            }],
            "tool_choice": { "type": "tool", "name": "read" },
            "temperature": 0.7,
        })
    );
}

#[test]
fn neighbours_of_one_role_are_one_message() {
    for (messages, expected) in [
        (
            vec![Message::user("a"), Message::user("b")],
            json!([{ "role": "user", "content": [text("a"), text("b")] }]),
        ),
        (
            vec![calling("a", vec![]), calling("b", vec![])],
            json!([{ "role": "assistant", "content": [text("a"), text("b")] }]),
        ),
        // The message between them says nothing, so they are neighbours.
        (
            vec![Message::user("a"), calling(" \n", vec![]), Message::user("b")],
            json!([{ "role": "user", "content": [text("a"), text("b")] }]),
        ),
        (vec![Message::user(""), calling("", vec![])], json!([])),
    ] {
        assert_eq!(written(messages), expected);
    }
}

#[test]
fn results_stand_before_what_the_user_said_between_them() {
    let messages = vec![
        calling("", vec![call("c1", json!({})), call("c2", json!({}))]),
        Message::user("wait"),
        result("c1", "1"),
        Message::user("go on"),
        result("c2", "2"),
    ];
    let came = |id: &str, content: &str| json!({ "type": "tool_result", "tool_use_id": id, "content": content });
    assert_eq!(
        written(messages)[1]["content"],
        json!([came("c1", "1"), came("c2", "2"), text("wait"), text("go on")])
    );
}

#[test]
fn arguments_that_were_no_object_are_put_into_one() {
    for (arguments, input) in [
        (json!({ "a": 1 }), json!({ "a": 1 })),
        (json!("{\"path\": "), json!({ "arguments": "{\"path\": " })),
        (json!(["a"]), json!({ "arguments": ["a"] })),
        (json!(null), json!({ "arguments": null })),
    ] {
        assert_eq!(sent_call(&call("c", arguments))["input"], input);
    }
}

#[test]
fn a_system_prompt_without_words_is_left_out() {
    let mut request = LlmRequest::user("x");
    for (system, sent) in [("", None), (" \n", None), ("s", Some(&json!("s")))] {
        request.system = Some(system.to_owned());
        assert_eq!(body(&request).get("system"), sent);
    }
}

#[test]
fn tools_are_forbidden_only_where_there_are_some() {
    let mut request = LlmRequest { tool_choice: ToolChoice::None, ..LlmRequest::user("x") };
    assert_eq!(body(&request).get("tool_choice"), None);
    request.tools =
        vec![ToolSpec { name: "t".into(), description: String::new(), parameters: json!({}) }];
    assert_eq!(body(&request)["tool_choice"], json!({ "type": "none" }));
    request.tool_choice = ToolChoice::Auto;
    assert_eq!(body(&request).get("tool_choice"), None);
}

/// The protocol refuses a conversation with calls that comes without tools.
#[test]
fn tools_that_were_called_are_named_where_none_are_given() {
    let mut other = call("c3", json!({}));
    other.name = "write".into();
    let mut request = LlmRequest::user("x");
    request.messages.push(calling("", vec![call("c1", json!({})), call("c2", json!({})), other]));
    let named = |name: &str| json!({ "name": name, "input_schema": { "type": "object" } });
    for choice in [ToolChoice::None, ToolChoice::Auto] {
        request.tool_choice = choice;
        let body = body(&request);
        assert_eq!(body["tools"], json!([named("read"), named("write")]));
        assert_eq!(body["tool_choice"], json!({ "type": "none" }));
    }
    let given = ToolSpec { name: "t".into(), description: "d".into(), parameters: json!({}) };
    request.tools = vec![given];
    assert_eq!(
        body(&request)["tools"],
        json!([{ "name": "t", "description": "d", "input_schema": {} }])
    );
    assert_eq!(body(&request).get("tool_choice"), None);
}

#[test]
fn an_answer_is_its_texts_and_its_calls() {
    let answer = read(&json!({
        "type": "message", "role": "assistant", "stop_reason": "tool_use",
        "content": [
            { "type": "thinking", "thinking": "hm", "signature": "s", "text": "hm" },
            { "type": "redacted_thinking", "data": "x" },
            { "type": "text", "text": "let me " },
            { "type": "text", "text": "see" },
            { "type": "tool_use", "id": "c1", "name": "read", "input": { "path": "a" } },
            { "type": "tool_use", "name": "read", "input": "{\"path\":" },
            { "type": "tool_use", "id": "", "name": "read" },
            { "type": "server_tool_use", "id": "s", "name": "web_search", "input": {} },
            7, null,
        ],
        "usage": {
            "input_tokens": 10, "output_tokens": 5,
            "cache_read_input_tokens": 80, "cache_creation_input_tokens": 20
        }
    }));
    let calls = vec![
        call("c1", json!({ "path": "a" })),
        call("call_1", json!("{\"path\":")),
        call("call_2", json!({})),
    ];
    let usage = Usage {
        input: Some(10),
        output: Some(5),
        cache_read: Some(80),
        cache_write: Some(20),
        cost_usd: None,
    };
    let expected = LlmResponse {
        text: "let me see".into(),
        tool_calls: calls,
        stop: StopReason::ToolCalls,
        usage,
    };
    assert_eq!(answer.unwrap(), expected);
}

#[test]
fn stop_reasons_are_translated() {
    for (reason, stop) in [
        (json!("end_turn"), StopReason::Done),
        (json!("stop_sequence"), StopReason::Done),
        (json!("tool_use"), StopReason::ToolCalls),
        (json!("max_tokens"), StopReason::Length),
        (json!("model_context_window_exceeded"), StopReason::Length),
        (json!("refusal"), StopReason::Filtered),
        (json!("pause_turn"), StopReason::Unknown),
        (json!(null), StopReason::Unknown),
        (json!(7), StopReason::Unknown),
    ] {
        let answer = json!({ "content": [], "stop_reason": reason });
        assert_eq!(read(&answer).unwrap().stop, stop, "{reason}");
    }
    assert_eq!(read(&json!({ "content": [] })).unwrap(), {
        LlmResponse { stop: StopReason::Unknown, ..LlmResponse::default() }
    });
}

#[test]
fn unknown_usage_is_not_zero() {
    let of = |usage: Value| read(&json!({ "content": [], "usage": usage })).unwrap().usage;
    for usage in [json!(null), json!({}), json!("many"), json!({ "input_tokens": "7" })] {
        assert!(!of(usage).is_known());
    }
    let partly = of(json!({ "output_tokens": 0, "cache_read_input_tokens": null }));
    assert_eq!(partly, Usage { output: Some(0), ..Usage::default() });
}

#[test]
fn what_is_no_answer_is_named() {
    for answer in [json!({}), json!({ "content": "text" }), json!({ "type": "message" })] {
        assert_eq!(read(&answer).unwrap_err().to_string(), "the answer has no content");
    }
}
