//! Requests and answers as OpenAI's responses have them.

use super::*;
use crate::backend::wire;

fn body(of: &LlmRequest) -> Value {
    request(&ModelId::from("vendor/model"), of)
}

fn read(answer: &Value) -> Result<LlmResponse, WireError> {
    wire::read::<Responses>(answer.to_string().as_bytes())
}

/// A finished answer of these items.
fn answered(output: &Value) -> LlmResponse {
    read(&json!({ "status": "completed", "output": output })).unwrap()
}

fn words(content: &Value) -> Value {
    json!({ "type": "message", "role": "assistant", "content": content })
}

#[test]
fn a_request_says_only_what_was_said_and_that_nothing_is_stored() {
    let hello = json!({
        "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "hello" }]
    });
    assert_eq!(
        body(&LlmRequest::user("hello")),
        json!({ "model": "vendor/model", "input": [hello], "store": false })
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
        "type": "function_call", "call_id": "c1", "name": "read", "arguments": "{\"path\":\"a\"}"
    });
    let said = |role: &str, kind: &str, text: &str| json!({ "type": "message", "role": role, "content": [{ "type": kind, "text": text }] });
    assert_eq!(
        body(&conversation),
        json!({
            "model": "vendor/model",
            "instructions": "be brief",
            "input": [
                said("user", "input_text", "read a"),
                call,
                { "type": "function_call_output", "call_id": "c1", "output": "text of a" },
                said("assistant", "output_text", "one more"),
                call,
                said("assistant", "output_text", "done"),
            ],
            "store": false,
            "tools": [{
                "type": "function", "name": "read", "description": "Reads.",
                "parameters": { "type": "object" }, "strict": false
            }],
            "tool_choice": { "type": "function", "name": "read" },
            "max_output_tokens": 64,
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
    let arguments = sent_call(&call)["arguments"].as_str().unwrap().to_owned();
    assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap(), json!("{\"path\": "));
}

#[test]
fn words_are_those_of_the_messages() {
    let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [] });
    let refusal = json!([{ "type": "refusal", "refusal": "I will not" }]);
    for (output, text) in [
        (json!([]), ""),
        (json!([words(&json!([part("a"), part("b")]))]), "ab"),
        (json!([words(&json!([part("a")])), words(&json!([part("b")]))]), "a\n\nb"),
        (json!([words(&json!([part("")])), words(&json!([part("b")]))]), "b"),
        (json!([words(&refusal)]), "I will not"),
        (json!([words(&refusal), words(&json!([part("but")]))]), "but"),
        (json!([{ "type": "reasoning", "summary": [part("hm")], "content": [part("hm")] }]), ""),
        (json!([words(&json!(null)), words(&json!("text")), { "type": "message" }, 7]), ""),
    ] {
        assert_eq!(answered(&output).text, text, "{output}");
    }
}

#[test]
fn a_status_tells_why_it_stopped() {
    let call = json!([{ "type": "function_call", "call_id": "c", "name": "t", "arguments": "{}" }]);
    let of = |status: &str, reason: Option<&str>, output: &Value| {
        let details = reason.map(|reason| json!({ "reason": reason }));
        let answer = json!({ "status": status, "incomplete_details": details, "output": output });
        read(&answer).unwrap().stop
    };
    for (status, reason, output, stop) in [
        ("completed", None, json!([]), StopReason::Done),
        ("completed", None, call.clone(), StopReason::ToolCalls),
        ("incomplete", Some("max_output_tokens"), json!([]), StopReason::Length),
        ("incomplete", Some("max_output_tokens"), call, StopReason::Length),
        ("incomplete", Some("content_filter"), json!([]), StopReason::Filtered),
        ("incomplete", Some("boredom"), json!([]), StopReason::Unknown),
        ("incomplete", None, json!([]), StopReason::Unknown),
        ("over", None, json!([]), StopReason::Unknown),
    ] {
        assert_eq!(of(status, reason, &output), stop, "{status} {reason:?}");
    }
    assert_eq!(read(&json!({ "output": [] })).unwrap().stop, StopReason::Unknown);
}

#[test]
fn what_is_not_finished_is_no_answer() {
    for status in ["failed", "cancelled", "queued", "in_progress"] {
        let answer = json!({ "status": status, "error": null, "output": [] });
        let error = read(&answer).unwrap_err();
        assert!(matches!(error, WireError::Unfinished { .. }));
        assert_eq!(error.to_string(), format!("the answer is {status}"));
    }
    let error = read(&json!({ "status": "completed" })).unwrap_err();
    assert_eq!(error.to_string(), "the answer has no output");
}

#[test]
fn calls_are_kept_with_whatever_arguments() {
    for (sent, kept) in [
        (json!("{\"a\": 1}"), json!({ "a": 1 })),
        (json!("{\"a\": 1"), json!("{\"a\": 1")),
        (json!("ls -l"), json!("ls -l")),
        (json!({ "a": 1 }), json!({ "a": 1 })),
        (json!(""), json!({})),
        (json!(null), json!({})),
    ] {
        let call = json!({
            "type": "function_call", "id": "fc", "call_id": "c", "name": "t", "arguments": sent
        });
        let calls = answered(&json!([call])).tool_calls;
        assert_eq!(calls, [ToolCall { id: "c".into(), name: "t".into(), arguments: kept }]);
    }
}

#[test]
fn missing_ids_are_numbered_by_calls() {
    let call = |ids: Value| {
        let mut call = json!({ "type": "function_call", "name": "t", "arguments": "{}" });
        call["call_id"] = ids;
        call
    };
    let with_item_id = json!({ "type": "function_call", "id": "fc", "name": "t" });
    let output = json!([{ "type": "reasoning" }, call(json!(null)), call(json!("x")), call(json!("")), with_item_id]);
    let ids: Vec<String> = answered(&output).tool_calls.into_iter().map(|call| call.id).collect();
    assert_eq!(ids, ["call_0", "x", "call_2", "fc"]);
}

#[test]
fn tokens_from_the_cache_are_counted_once_and_unknown_ones_not_at_all() {
    let of = |usage: Value| read(&json!({ "output": [], "usage": usage })).unwrap().usage;
    let usage = of(json!({
        "input_tokens": 100, "input_tokens_details": { "cached_tokens": 60 },
        "output_tokens": 7, "output_tokens_details": { "reasoning_tokens": 3 }
    }));
    let known = Usage {
        input: Some(40),
        output: Some(7),
        cache_read: Some(60),
        cache_write: None,
        cost_usd: None,
    };
    assert_eq!(usage, known);
    let more_cached_than_read =
        of(json!({ "input_tokens": 10, "input_tokens_details": { "cached_tokens": 60 } }));
    assert_eq!(more_cached_than_read.input, Some(0));
    for usage in [json!(null), json!({}), json!("many"), json!({ "input_tokens": -1 })] {
        assert!(!of(usage).is_known());
    }
}
