//! Chat completions.

use serde_json::{Value, json};

use super::super::turn::{CACHED, INPUT, OUTPUT, Said, Turn, pieces};
use super::CREATED;

pub(super) fn whole(turn: &Turn<'_>) -> Value {
    let (message, reason) = match &turn.said {
        Said::Text(text) => {
            (json!({ "role": "assistant", "content": text, "refusal": null }), "stop")
        }
        Said::Call { tool, arguments } => {
            let function = json!({ "name": tool, "arguments": arguments.to_string() });
            let call =
                json!({ "id": turn.call_id("call"), "type": "function", "function": function });
            let message = json!({
                "role": "assistant", "content": null, "refusal": null, "tool_calls": [call]
            });
            (message, "tool_calls")
        }
    };
    let mut whole = head(turn, "chat.completion");
    let choice = json!({
        "index": 0, "message": message, "logprobs": null, "finish_reason": reason
    });
    set(&mut whole, "choices", json!([choice]));
    if turn.tells_usage {
        set(&mut whole, "usage", usage());
    }
    whole
}

/// The chunks of a stream, without the word that ends it.
pub(super) fn chunks(turn: &Turn<'_>) -> Vec<Value> {
    let options = turn.request.body.get("stream_options");
    let asked = options.and_then(|options| options.get("include_usage")).and_then(Value::as_bool);
    let tells_usage = turn.tells_usage && asked == Some(true);
    let with_choices = |choices| {
        let mut chunk = head(turn, "chat.completion.chunk");
        set(&mut chunk, "choices", choices);
        chunk
    };
    let (deltas, reason) = deltas(turn);
    let of_choice = |delta, reason| {
        let choice = json!({
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason
        });
        let mut chunk = with_choices(json!([choice]));
        if tells_usage {
            set(&mut chunk, "usage", Value::Null);
        }
        chunk
    };
    let mut chunks: Vec<_> =
        deltas.into_iter().map(|delta| of_choice(delta, Value::Null)).collect();
    chunks.push(of_choice(json!({}), json!(reason)));
    if tells_usage {
        let mut last = with_choices(json!([]));
        set(&mut last, "usage", usage());
        chunks.push(last);
    }
    chunks
}

fn deltas(turn: &Turn<'_>) -> (Vec<Value>, &'static str) {
    match &turn.said {
        Said::Text(text) => {
            let first = json!({ "role": "assistant", "content": "", "refusal": null });
            let rest = pieces(text).into_iter().map(|piece| json!({ "content": piece }));
            ([first].into_iter().chain(rest).collect(), "stop")
        }
        Said::Call { tool, arguments } => {
            let function = json!({ "name": tool, "arguments": "" });
            let call = json!({
                "index": 0, "id": turn.call_id("call"), "type": "function", "function": function
            });
            let first = json!({
                "role": "assistant", "content": null, "refusal": null, "tool_calls": [call]
            });
            let rest = pieces(&arguments.to_string()).into_iter().map(|piece| {
                json!({ "tool_calls": [{ "index": 0, "function": { "arguments": piece } }] })
            });
            ([first].into_iter().chain(rest).collect(), "tool_calls")
        }
    }
}

fn head(turn: &Turn<'_>, object: &str) -> Value {
    json!({
        "id": format!("chatcmpl-{}", turn.number), "object": object, "created": CREATED,
        "model": turn.model(), "system_fingerprint": null
    })
}

fn usage() -> Value {
    json!({
        "prompt_tokens": INPUT + CACHED, "completion_tokens": OUTPUT,
        "total_tokens": INPUT + CACHED + OUTPUT,
        "prompt_tokens_details": { "cached_tokens": CACHED },
        "completion_tokens_details": { "reasoning_tokens": 0 }
    })
}

fn set(object: &mut Value, field: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(field.to_owned(), value);
    }
}
