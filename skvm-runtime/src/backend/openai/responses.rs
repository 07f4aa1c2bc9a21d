//! Responses as JSON: requests out, answers in. Nothing here touches the network.

use serde_json::{Map, Value, json};
use skvm_core::llm::{
    LlmRequest, LlmResponse, Message, StopReason, ToolCall, ToolChoice, ToolSpec, Usage,
};
use skvm_core::target::ModelId;

use crate::backend::wire::{Wire, WireError, arguments, call_id, decimal};

/// The wire format of [`OpenAiResponses`](super::OpenAiResponses).
#[derive(Debug, Clone, Copy)]
pub struct Responses;

impl Wire for Responses {
    const BACKEND: &'static str = "OpenAiResponses";
    const PATH: &'static str = "/responses";
    const KEY_HEADER: &'static str = "authorization";
    const KEY_PREFIX: &'static str = "Bearer ";

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
    if let Some(system) = system {
        body.insert("instructions".to_owned(), json!(system));
    }
    body.insert("input".to_owned(), messages.iter().flat_map(items).collect());
    body.insert("store".to_owned(), json!(false));
    if !tools.is_empty() {
        body.insert("tools".to_owned(), tools.iter().map(tool).collect());
    }
    if let Some(choice) = choice(tool_choice, !tools.is_empty()) {
        body.insert("tool_choice".to_owned(), choice);
    }
    if let Some(max_tokens) = max_tokens {
        body.insert("max_output_tokens".to_owned(), json!(max_tokens));
    }
    if let Some(temperature) = temperature {
        body.insert("temperature".to_owned(), decimal(*temperature));
    }
    Value::Object(body)
}

/// What a message is in the input: words and calls are items of their own.
fn items(message: &Message) -> Vec<Value> {
    match message {
        Message::User { content } => vec![said("user", "input_text", content)],
        Message::Assistant { content, tool_calls } => {
            let words = (!content.is_empty()).then(|| said("assistant", "output_text", content));
            words.into_iter().chain(tool_calls.iter().map(sent_call)).collect()
        }
        Message::Tool { call_id, content } => {
            vec![json!({ "type": "function_call_output", "call_id": call_id, "output": content })]
        }
    }
}

fn said(role: &str, kind: &str, text: &str) -> Value {
    json!({ "type": "message", "role": role, "content": [{ "type": kind, "text": text }] })
}

/// A call of an earlier turn. It goes without the item's own id, by which the provider would look for the reasoning
/// that belongs to it. Arguments that were no JSON go back as a JSON string.
fn sent_call(call: &ToolCall) -> Value {
    let ToolCall { id, name, arguments } = call;
    json!({
        "type": "function_call", "call_id": id, "name": name, "arguments": arguments.to_string()
    })
}

/// A tool. It is not strict: strict schemas may use a part of JSON schema only.
fn tool(tool: &ToolSpec) -> Value {
    let ToolSpec { name, description, parameters } = tool;
    json!({
        "type": "function", "name": name, "description": description, "parameters": parameters,
        "strict": false
    })
}

/// What to say about tools. Without tools there is nothing to forbid.
fn choice(choice: &ToolChoice, has_tools: bool) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => has_tools.then(|| json!("none")),
        ToolChoice::Tool(name) => Some(json!({ "type": "function", "name": name })),
    }
}

fn response(answer: &Value) -> Result<LlmResponse, WireError> {
    let status = answer.get("status").and_then(Value::as_str);
    if let Some(status @ ("failed" | "cancelled" | "queued" | "in_progress")) = status {
        return Err(WireError::Unfinished { status: status.to_owned() });
    }
    let output = answer.get("output").and_then(Value::as_array);
    let output = output.ok_or(WireError::Missing { what: "output" })?;
    let of_type = |kind| output.iter().filter(move |item| item["type"] == kind);
    let tool_calls: Vec<ToolCall> = of_type("function_call")
        .enumerate()
        .map(|(index, call)| received_call(index, call))
        .collect();
    Ok(LlmResponse {
        text: text(of_type("message")),
        stop: stop(status, answer, !tool_calls.is_empty()),
        tool_calls,
        usage: usage(answer),
    })
}

/// The words of all messages, or else the refusal to answer.
fn text<'a>(messages: impl Iterator<Item = &'a Value>) -> String {
    let (mut texts, mut refusals) = (Vec::new(), Vec::new());
    for message in messages {
        let parts = message.get("content").and_then(Value::as_array).into_iter().flatten();
        let of = |field| parts.clone().filter_map(move |part| part[field].as_str()).collect();
        let (text, refusal): (String, String) = (of("text"), of("refusal"));
        texts.push(text);
        refusals.push(refusal);
    }
    let joined = |mut texts: Vec<String>| {
        texts.retain(|text| !text.is_empty());
        texts.join("\n\n")
    };
    let text = joined(texts);
    if text.is_empty() { joined(refusals) } else { text }
}

fn received_call(index: usize, call: &Value) -> ToolCall {
    ToolCall {
        id: call_id(call.get("call_id").or_else(|| call.get("id")), index),
        name: call["name"].as_str().unwrap_or_default().to_owned(),
        arguments: arguments(call.get("arguments")),
    }
}

/// Why it stopped. A status says nothing of calls; they are in the output.
fn stop(status: Option<&str>, answer: &Value, calls: bool) -> StopReason {
    let reason = answer.pointer("/incomplete_details/reason").and_then(Value::as_str);
    match (status, reason) {
        (Some("completed"), _) if calls => StopReason::ToolCalls,
        (Some("completed"), _) => StopReason::Done,
        (Some("incomplete"), Some("max_output_tokens")) => StopReason::Length,
        (Some("incomplete"), Some("content_filter")) => StopReason::Filtered,
        _ => StopReason::Unknown,
    }
}

/// The tokens and the cost. `input_tokens` counts those from the cache too, `input` does not.
fn usage(answer: &Value) -> Usage {
    let number = |pointer| answer.pointer(pointer).and_then(Value::as_u64);
    let cached = number("/usage/input_tokens_details/cached_tokens");
    Usage {
        input: number("/usage/input_tokens").map(|all| all.saturating_sub(cached.unwrap_or(0))),
        output: number("/usage/output_tokens"),
        cache_read: cached,
        cache_write: None,
        cost_usd: answer.pointer("/usage/cost").and_then(Value::as_f64),
    }
}

#[cfg(test)]
mod tests;
