//! Responses.

use serde_json::{Value, json};

use super::super::turn::{CACHED, INPUT, OUTPUT, Said, Turn, pieces};
use super::CREATED;

pub(super) fn whole(turn: &Turn<'_>) -> Value {
    response(turn, "completed", json!([item(turn, "completed")]))
}

pub(super) fn events(turn: &Turn<'_>) -> Vec<Value> {
    let begun = response(turn, "in_progress", json!([]));
    let mut events = vec![
        json!({ "type": "response.created", "response": begun }),
        json!({ "type": "response.in_progress", "response": begun }),
        json!({
            "type": "response.output_item.added", "output_index": 0,
            "item": item(turn, "in_progress")
        }),
    ];
    events.extend(match &turn.said {
        Said::Text(text) => text_events(&message_id(turn), text),
        Said::Call { arguments, .. } => call_events(turn, arguments),
    });
    events.push(json!({
        "type": "response.output_item.done", "output_index": 0, "item": item(turn, "completed")
    }));
    events.push(json!({ "type": "response.completed", "response": whole(turn) }));
    for (number, event) in events.iter_mut().enumerate() {
        if let Some(event) = event.as_object_mut() {
            event.insert("sequence_number".to_owned(), json!(number));
        }
    }
    events
}

fn text_events(id: &str, text: &str) -> Vec<Value> {
    let of_part = |kind: &str, field: &str, value: Value| json!({ "type": kind, "item_id": id, "output_index": 0, "content_index": 0, field: value });
    let mut events = vec![of_part("response.content_part.added", "part", part(""))];
    let pieces = pieces(text).into_iter();
    events.extend(pieces.map(|piece| of_part("response.output_text.delta", "delta", json!(piece))));
    events.push(of_part("response.output_text.done", "text", json!(text)));
    events.push(of_part("response.content_part.done", "part", part(text)));
    events
}

fn call_events(turn: &Turn<'_>, arguments: &Value) -> Vec<Value> {
    let id = turn.call_id("fc");
    let arguments = arguments.to_string();
    let deltas = pieces(&arguments).into_iter().map(|piece| {
        json!({
            "type": "response.function_call_arguments.delta", "item_id": id, "output_index": 0,
            "delta": piece
        })
    });
    let done = json!({
        "type": "response.function_call_arguments.done", "item_id": id, "output_index": 0,
        "arguments": arguments
    });
    deltas.chain([done]).collect()
}

/// What the response brings; empty as long as it is in progress.
fn item(turn: &Turn<'_>, status: &str) -> Value {
    let is_whole = status == "completed";
    match &turn.said {
        Said::Text(text) => json!({
            "type": "message", "id": message_id(turn), "role": "assistant", "status": status,
            "content": if is_whole { json!([part(text)]) } else { json!([]) }
        }),
        Said::Call { tool, arguments } => json!({
            "type": "function_call", "id": turn.call_id("fc"), "call_id": turn.call_id("call"),
            "name": tool, "status": status,
            "arguments": if is_whole { arguments.to_string() } else { String::new() }
        }),
    }
}

fn part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

fn message_id(turn: &Turn<'_>) -> String {
    format!("msg_{}", turn.number)
}

/// The response itself. Its id tells how many results of tools there were, for one that goes on from it.
fn response(turn: &Turn<'_>, status: &str, output: Value) -> Value {
    let is_whole = status == "completed";
    json!({
        "id": format!("resp_{}_{}", turn.number, turn.request.tool_results()),
        "object": "response", "created_at": CREATED, "status": status, "model": turn.model(),
        "output": output, "error": null, "incomplete_details": null, "instructions": null,
        "metadata": {}, "parallel_tool_calls": true, "temperature": null, "top_p": null,
        "tool_choice": turn.request.body.get("tool_choice").unwrap_or(&json!("auto")),
        "tools": turn.request.tools(),
        "usage": if is_whole && turn.tells_usage { usage() } else { Value::Null }
    })
}

fn usage() -> Value {
    json!({
        "input_tokens": INPUT + CACHED, "input_tokens_details": { "cached_tokens": CACHED },
        "output_tokens": OUTPUT, "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": INPUT + CACHED + OUTPUT
    })
}
