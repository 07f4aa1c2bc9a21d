//! What all formats have in common, and what none of them may do: panic.

use proptest::prelude::*;
use skvm_core::llm::{Message, StopReason, ToolCall, ToolChoice, ToolSpec};

use super::*;
use crate::backend::anthropic::Messages;
use crate::backend::openai::{ChatCompletions, Responses};

/// What each format makes of a body.
fn read_by_each(body: &[u8]) -> [Result<LlmResponse, WireError>; 3] {
    [read::<ChatCompletions>(body), read::<Responses>(body), read::<Messages>(body)]
}

#[test]
fn an_error_names_its_parameter_and_its_upstream() {
    let of = |error: Value| error_message(&json!({ "error": error })).unwrap();
    assert_eq!(
        of(json!({ "message": "invalid value", "param": "tool_choice" })),
        "invalid value (parameter tool_choice)"
    );
    assert_eq!(
        of(json!({ "message": "bad tool_choice", "param": "tool_choice" })),
        "bad tool_choice"
    );
    assert_eq!(
        of(json!({ "message": "upstream failed", "metadata": { "raw": "out of memory" } })),
        "upstream failed: out of memory"
    );
}

#[test]
fn an_error_with_status_200_is_an_error_in_each_format() {
    for (answer, said) in [
        (json!({ "error": { "message": "no such model", "code": 404 } }), "no such model"),
        (json!({ "error": "no such model" }), "no such model"),
        (json!({ "error": { "code": 7 } }), "{\"code\":7}"),
        (
            json!({
                "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" }
            }),
            "Overloaded",
        ),
        (
            json!({
                "status": "failed", "output": [],
                "error": { "code": "server_error", "message": "it broke" }
            }),
            "it broke",
        ),
    ] {
        for read in read_by_each(answer.to_string().as_bytes()) {
            let error = read.unwrap_err();
            assert!(matches!(error, WireError::Provider { .. }));
            assert_eq!(error.to_string(), said);
        }
    }
}

#[test]
fn what_is_no_json_is_told_from_what_is_no_answer() {
    for body in [&b""[..], b"<html>", b"\xff", b"{\"content\": [", &[b'['; 10_000]] {
        for read in read_by_each(body) {
            assert!(matches!(read, Err(WireError::NotJson { .. })));
        }
    }
    for body in ["null", "[]", "7", "\"text\"", "{}", "{\"error\": null}"] {
        for read in read_by_each(body.as_bytes()) {
            assert!(matches!(read, Err(WireError::Missing { .. })), "{body}");
        }
    }
}

#[test]
fn numbers_are_written_as_they_were() {
    for (number, text) in [(0.7, "0.7"), (0.0, "0.0"), (1.0, "1.0"), (f32::NAN, "null")] {
        assert_eq!(decimal(number).to_string(), text);
    }
}

/// JSON of words that the formats look for, so that some of it gets far.
fn json_value() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "arguments",
        "cache_read_input_tokens",
        "call_id",
        "choices",
        "completed",
        "content",
        "error",
        "finish_reason",
        "function",
        "function_call",
        "id",
        "incomplete",
        "incomplete_details",
        "input",
        "input_tokens",
        "input_tokens_details",
        "message",
        "name",
        "output",
        "output_text",
        "reason",
        "refusal",
        "status",
        "stop_reason",
        "text",
        "tool_calls",
        "tool_use",
        "type",
        "usage",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((words.clone(), inner), 0..6).prop_map(|fields| {
                fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
        ]
    })
}

/// Good answers of the three formats. A test puts anything into any place of them.
fn answers() -> [Value; 3] {
    [
        json!({
            "choices": [{
                "message": {
                    "content": "hi",
                    "tool_calls": [{ "id": "c", "function": { "name": "t", "arguments": "{}" } }]
                },
                "finish_reason": "tool_calls"
            }],
            "usage": { "prompt_tokens": 1, "prompt_tokens_details": { "cached_tokens": 1 } }
        }),
        json!({
            "status": "incomplete",
            "incomplete_details": { "reason": "content_filter" },
            "output": [
                { "type": "message", "content": [{ "type": "output_text", "text": "hi" }] },
                { "type": "function_call", "call_id": "c", "name": "t", "arguments": "{}" }
            ],
            "usage": { "input_tokens": 1, "input_tokens_details": { "cached_tokens": 1 } }
        }),
        json!({
            "content": [
                { "type": "text", "text": "hi" },
                { "type": "tool_use", "id": "c", "name": "t", "input": {} }
            ],
            "stop_reason": "tool_use",
            "usage": { "input_tokens": 1, "cache_read_input_tokens": 1 }
        }),
    ]
}

/// Every place of a value, the value itself first.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                places(field, &format!("{at}/{name}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn message() -> impl Strategy<Value = Message> {
    let call = ("\\PC{0,6}", "[a-c]{0,2}", json_value())
        .prop_map(|(id, name, arguments)| ToolCall { id, name, arguments });
    prop_oneof![
        "\\PC{0,6}".prop_map(Message::user),
        ("\\PC{0,6}", prop::collection::vec(call, 0..3))
            .prop_map(|(content, tool_calls)| Message::Assistant { content, tool_calls }),
        ("\\PC{0,6}", "\\PC{0,6}")
            .prop_map(|(call_id, content)| Message::Tool { call_id, content }),
    ]
}

fn request() -> impl Strategy<Value = LlmRequest> {
    let tool = ("[a-c]{0,2}", "\\PC{0,6}", json_value())
        .prop_map(|(name, description, parameters)| ToolSpec { name, description, parameters });
    let choice = prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        "[a-c]{1,2}".prop_map(ToolChoice::Tool),
    ];
    (
        prop::option::of("\\PC{0,6}"),
        prop::collection::vec(message(), 0..8),
        prop::collection::vec(tool, 0..3),
        choice,
        any::<Option<u32>>(),
        any::<Option<f32>>(),
    )
        .prop_map(|(system, messages, tools, tool_choice, max_tokens, temperature)| {
            LlmRequest { system, messages, tools, tool_choice, max_tokens, temperature }
        })
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = read_by_each(&body);
    }

    #[test]
    fn no_json_makes_it_panic(answer in json_value()) {
        let _ = read_by_each(answer.to_string().as_bytes());
    }

    #[test]
    fn nothing_in_the_place_of_anything_makes_it_panic(
        which in 0..3_usize, place in any::<prop::sample::Index>(), put in json_value()
    ) {
        let mut answer = answers()[which].clone();
        let mut found = Vec::new();
        places(&answer, "", &mut found);
        *answer.pointer_mut(place.get(&found).as_str()).unwrap() = put;
        let _ = read_by_each(answer.to_string().as_bytes());
    }

    /// Whatever the conversation, user and model take turns in messages, results come first in theirs, and no text is
    /// blank.
    #[test]
    fn messages_are_such_as_the_protocol_takes(request in request()) {
        let model = ModelId::from("m");
        ChatCompletions::request(&model, &request);
        Responses::request(&model, &request);
        let body = Messages::request(&model, &request);
        let mut last = None;
        for message in body["messages"].as_array().unwrap() {
            prop_assert_ne!(last, Some(&message["role"]));
            last = Some(&message["role"]);
            let blocks = message["content"].as_array().unwrap();
            prop_assert!(!blocks.is_empty());
            prop_assert!(blocks.is_sorted_by_key(|block| block["type"] != "tool_result") || message["role"] == "assistant");
            for block in blocks {
                prop_assert!(block["text"].as_str().is_none_or(|text| !text.trim().is_empty()));
                prop_assert!(block["type"] != "tool_use" || block["input"].is_object());
            }
            let has_calls = blocks.iter().any(|block| block["type"] == "tool_use");
            prop_assert!(!has_calls || !body["tools"].as_array().unwrap().is_empty());
        }
    }
}

#[test]
fn good_answers_are_good() {
    let [chat, responses, messages] = answers().map(|answer| answer.to_string());
    let call = ToolCall { id: "c".into(), name: "t".into(), arguments: json!({}) };
    for (answer, stop) in [
        (read::<ChatCompletions>(chat.as_bytes()), StopReason::ToolCalls),
        (read::<Responses>(responses.as_bytes()), StopReason::Filtered),
        (read::<Messages>(messages.as_bytes()), StopReason::ToolCalls),
    ] {
        let answer = answer.unwrap();
        assert_eq!((answer.text.as_str(), answer.stop), ("hi", stop));
        assert_eq!(answer.tool_calls, std::slice::from_ref(&call));
        assert_eq!(answer.usage.cache_read, Some(1));
    }
}
