//! Anthropic's messages.

use serde_json::{Value, json};

use super::super::turn::{CACHED, INPUT, OUTPUT, Said, Turn, pieces};

pub(super) fn whole(turn: &Turn<'_>) -> Value {
    let block = match &turn.said {
        Said::Text(text) => json!({ "type": "text", "text": text }),
        Said::Call { tool, arguments } => tool_use(turn, tool, arguments),
    };
    message(turn, json!([block]), json!(stop_reason(turn)), OUTPUT)
}

pub(super) fn events(turn: &Turn<'_>) -> Vec<Value> {
    let (block, deltas) = match &turn.said {
        Said::Text(text) => {
            let deltas = pieces(text).into_iter();
            let deltas = deltas.map(|piece| json!({ "type": "text_delta", "text": piece }));
            (json!({ "type": "text", "text": "" }), deltas.collect::<Vec<_>>())
        }
        Said::Call { tool, arguments } => {
            let deltas = pieces(&arguments.to_string()).into_iter();
            let deltas =
                deltas.map(|piece| json!({ "type": "input_json_delta", "partial_json": piece }));
            (tool_use(turn, tool, &json!({})), deltas.collect())
        }
    };
    let begun = message(turn, json!([]), Value::Null, 1);
    let mut events = vec![
        json!({ "type": "message_start", "message": begun }),
        json!({ "type": "content_block_start", "index": 0, "content_block": block }),
        json!({ "type": "ping" }),
    ];
    let deltas = deltas.into_iter();
    events.extend(
        deltas.map(|delta| json!({ "type": "content_block_delta", "index": 0, "delta": delta })),
    );
    events.extend([
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({
            "type": "message_delta",
            "delta": { "stop_reason": stop_reason(turn), "stop_sequence": null },
            "usage": { "output_tokens": if turn.tells_usage { OUTPUT } else { 0 } }
        }),
        json!({ "type": "message_stop" }),
    ]);
    events
}

fn message(turn: &Turn<'_>, content: Value, stop_reason: Value, output: u64) -> Value {
    let told = |tokens| if turn.tells_usage { tokens } else { 0 };
    json!({
        "id": format!("msg_{}", turn.number), "type": "message", "role": "assistant",
        "model": turn.model(), "content": content, "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": {
            "input_tokens": told(INPUT), "cache_read_input_tokens": told(CACHED),
            "cache_creation_input_tokens": 0, "output_tokens": told(output)
        }
    })
}

fn tool_use(turn: &Turn<'_>, tool: &str, input: &Value) -> Value {
    json!({ "type": "tool_use", "id": turn.call_id("toolu"), "name": tool, "input": input })
}

fn stop_reason(turn: &Turn<'_>) -> &'static str {
    match turn.said {
        Said::Text(_) => "end_turn",
        Said::Call { .. } => "tool_use",
    }
}
