//! Messages as JSON: requests out, answers in. Nothing here touches the network.

use serde_json::{Map, Value, json};
use skvm_core::llm::{
    LlmRequest, LlmResponse, Message, StopReason, ToolCall, ToolChoice, ToolSpec, Usage,
};
use skvm_core::target::ModelId;

use crate::backend::wire::{Wire, WireError, arguments, call_id, decimal};

/// Most tokens of an answer to a request that does not say. The protocol wants a number.
const MAX_TOKENS: u32 = 16_384;

/// The wire format of [`AnthropicMessages`](super::AnthropicMessages).
#[derive(Debug, Clone, Copy)]
pub struct Messages;

impl Wire for Messages {
    const BACKEND: &'static str = "AnthropicMessages";
    const PATH: &'static str = "/messages";
    const KEY_HEADER: &'static str = "x-api-key";
    const KEY_PREFIX: &'static str = "";
    const HEADERS: &'static [(&'static str, &'static str)] = &[("anthropic-version", "2023-06-01")];

    fn request(model: &ModelId, request: &LlmRequest) -> Value {
        self::request(model, request)
    }

    fn response(answer: &Value) -> Result<LlmResponse, WireError> {
        response(answer)
    }
}

fn request(model: &ModelId, request: &LlmRequest) -> Value {
    let LlmRequest { system, messages, tools, tool_choice, max_tokens, temperature } = request;
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model.as_str()));
    body.insert("max_tokens".to_owned(), json!(max_tokens.unwrap_or(MAX_TOKENS)));
    if let Some(system) = system.as_ref().filter(|system| !is_blank(system)) {
        body.insert("system".to_owned(), json!(system));
    }
    body.insert("messages".to_owned(), turns(messages));
    let called = if tools.is_empty() { called(messages) } else { Vec::new() };
    let is_offered = !tools.is_empty() || !called.is_empty();
    if is_offered {
        body.insert("tools".to_owned(), tools.iter().map(tool).chain(called).collect());
    }
    if let Some(choice) = choice(tool_choice, !tools.is_empty(), is_offered) {
        body.insert("tool_choice".to_owned(), choice);
    }
    if let Some(temperature) = temperature {
        body.insert("temperature".to_owned(), decimal(*temperature));
    }
    Value::Object(body)
}

/// Whether the protocol refuses a text for being empty.
fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// The conversation. User and model take turns, so that neighbours of one role are one message; results of tools are
/// the user's, and stand before what is said beside them.
fn turns(messages: &[Message]) -> Value {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let (role, blocks) = blocks(message);
        match turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some((last, before)) if *last == role => before.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    let turn = |(role, mut blocks): (&str, Vec<Value>)| {
        if role == "user" {
            blocks.sort_by_key(|block| block["type"] != "tool_result");
        }
        json!({ "role": role, "content": blocks })
    };
    turns.into_iter().map(turn).collect()
}

/// Who says a message, and what is in it. A text without words is left out: the protocol refuses it.
fn blocks(message: &Message) -> (&'static str, Vec<Value>) {
    let words = |text: &String| (!is_blank(text)).then(|| json!({ "type": "text", "text": text }));
    match message {
        Message::User { content } => ("user", words(content).into_iter().collect()),
        Message::Assistant { content, tool_calls } => (
            "assistant",
            words(content).into_iter().chain(tool_calls.iter().map(sent_call)).collect(),
        ),
        Message::Tool { call_id, content } => {
            let result =
                json!({ "type": "tool_result", "tool_use_id": call_id, "content": content });
            ("user", vec![result])
        }
    }
}

/// A call of an earlier turn. The protocol takes objects only, so that arguments that were none are put into one.
fn sent_call(call: &ToolCall) -> Value {
    let ToolCall { id, name, arguments } = call;
    let input =
        if arguments.is_object() { arguments.clone() } else { json!({ "arguments": arguments }) };
    json!({ "type": "tool_use", "id": id, "name": name, "input": input })
}

fn tool(tool: &ToolSpec) -> Value {
    let ToolSpec { name, description, parameters } = tool;
    json!({ "name": name, "description": description, "input_schema": parameters })
}

/// The tools that were called, as far as the conversation knows them: one in which tools were called is refused
/// without tools.
fn called(messages: &[Message]) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for message in messages {
        let Message::Assistant { tool_calls, .. } = message else { continue };
        for ToolCall { name, .. } in tool_calls {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    let tool = |name| json!({ "name": name, "input_schema": { "type": "object" } });
    names.into_iter().map(tool).collect()
}

/// What to say about tools: that one must be called, or that none may be of those that are named.
fn choice(choice: &ToolChoice, may_call: bool, is_offered: bool) -> Option<Value> {
    match choice {
        ToolChoice::Tool(name) => Some(json!({ "type": "tool", "name": name })),
        ToolChoice::Auto if may_call => None,
        ToolChoice::Auto | ToolChoice::None => is_offered.then(|| json!({ "type": "none" })),
    }
}

fn response(answer: &Value) -> Result<LlmResponse, WireError> {
    let content = answer.get("content").and_then(Value::as_array);
    let content = content.ok_or(WireError::Missing { what: "content" })?;
    let of_type = |kind| content.iter().filter(move |block| block["type"] == kind);
    let calls = of_type("tool_use").enumerate();
    Ok(LlmResponse {
        text: of_type("text").filter_map(|block| block["text"].as_str()).collect(),
        tool_calls: calls.map(|(index, call)| received_call(index, call)).collect(),
        stop: stop(answer),
        usage: usage(answer),
    })
}

fn received_call(index: usize, call: &Value) -> ToolCall {
    ToolCall {
        id: call_id(call.get("id"), index),
        name: call["name"].as_str().unwrap_or_default().to_owned(),
        arguments: arguments(call.get("input")),
    }
}

fn stop(answer: &Value) -> StopReason {
    match answer["stop_reason"].as_str() {
        Some("end_turn" | "stop_sequence") => StopReason::Done,
        Some("tool_use") => StopReason::ToolCalls,
        Some("max_tokens" | "model_context_window_exceeded") => StopReason::Length,
        Some("refusal") => StopReason::Filtered,
        _ => StopReason::Unknown,
    }
}

/// The tokens and the cost. `input_tokens` is without those that were read from the cache or written to it.
fn usage(answer: &Value) -> Usage {
    let number = |pointer| answer.pointer(pointer).and_then(Value::as_u64);
    Usage {
        input: number("/usage/input_tokens"),
        output: number("/usage/output_tokens"),
        cache_read: number("/usage/cache_read_input_tokens"),
        cache_write: number("/usage/cache_creation_input_tokens"),
        cost_usd: answer.pointer("/usage/cost").and_then(Value::as_f64),
    }
}

#[cfg(test)]
mod tests;
