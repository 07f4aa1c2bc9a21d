//! Chat completions as JSON: requests out, answers in. Nothing here touches the network.

use serde_json::{Map, Value, json};
use skvm_core::llm::{
    LlmRequest, LlmResponse, Message, StopReason, ToolCall, ToolChoice, ToolSpec, Usage,
};
use skvm_core::target::ModelId;

use crate::backend::wire::{Wire, WireError, arguments, call_id, decimal, error_message};

/// The wire format of [`OpenAiCompatible`](super::OpenAiCompatible).
#[derive(Debug, Clone, Copy)]
pub struct ChatCompletions;

impl Wire for ChatCompletions {
    const BACKEND: &'static str = "OpenAiCompatible";
    const PATH: &'static str = "/chat/completions";
    const KEY_HEADER: &'static str = "authorization";
    const KEY_PREFIX: &'static str = "Bearer ";

    fn request(model: &ModelId, request: &LlmRequest) -> Value {
        self::request(model, request)
    }

    fn response(answer: &Value) -> Result<LlmResponse, WireError> {
        response(answer)
    }
}

/// The body of a request.
fn request(model: &ModelId, request: &LlmRequest) -> Value {
    let LlmRequest { system, messages, tools, tool_choice, max_tokens, temperature } = request;
    let system = system.iter().map(|content| json!({ "role": "system", "content": content }));
    let messages: Vec<Value> = system.chain(messages.iter().map(message)).collect();

    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model.as_str()));
    body.insert("messages".to_owned(), Value::Array(messages));
    if !tools.is_empty() {
        body.insert("tools".to_owned(), tools.iter().map(tool).collect());
    }
    if let Some(choice) = choice(tool_choice, !tools.is_empty()) {
        body.insert("tool_choice".to_owned(), choice);
    }
    if let Some(max_tokens) = max_tokens {
        body.insert("max_tokens".to_owned(), json!(max_tokens));
    }
    if let Some(temperature) = temperature {
        body.insert("temperature".to_owned(), decimal(*temperature));
    }
    Value::Object(body)
}

fn message(message: &Message) -> Value {
    match message {
        Message::User { content } => json!({ "role": "user", "content": content }),
        Message::Assistant { content, tool_calls } if tool_calls.is_empty() => {
            json!({ "role": "assistant", "content": content })
        }
        Message::Assistant { content, tool_calls } => {
            let content = (!content.is_empty()).then_some(content);
            let calls: Vec<Value> = tool_calls.iter().map(sent_call).collect();
            json!({ "role": "assistant", "content": content, "tool_calls": calls })
        }
        Message::Tool { call_id, content } => {
            json!({ "role": "tool", "tool_call_id": call_id, "content": content })
        }
    }
}

/// A call of an earlier turn. Arguments that were no JSON go back as a JSON string: servers that parse
/// the conversation would refuse every later request over the raw text.
fn sent_call(call: &ToolCall) -> Value {
    let ToolCall { id, name, arguments } = call;
    let function = json!({ "name": name, "arguments": arguments.to_string() });
    json!({ "id": id, "type": "function", "function": function })
}

fn tool(tool: &ToolSpec) -> Value {
    let ToolSpec { name, description, parameters } = tool;
    let function = json!({ "name": name, "description": description, "parameters": parameters });
    json!({ "type": "function", "function": function })
}

/// What to say about tools. Without tools there is nothing to forbid, and providers refuse a request
/// that does it all the same.
fn choice(choice: &ToolChoice, has_tools: bool) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => has_tools.then(|| json!("none")),
        ToolChoice::Tool(name) => Some(json!({ "type": "function", "function": { "name": name } })),
    }
}

fn response(answer: &Value) -> Result<LlmResponse, WireError> {
    let choice = answer.pointer("/choices/0");
    // Gateways report an upstream's failure here too, with status 200.
    if let Some(message) = choice.and_then(error_message) {
        return Err(WireError::Provider { message });
    }
    let choice = choice.ok_or(WireError::Missing { what: "choices" })?;
    let message = choice.get("message").filter(|message| message.is_object());
    let message = message.ok_or(WireError::Missing { what: "message" })?;
    Ok(LlmResponse {
        text: text(message),
        tool_calls: tool_calls(message),
        stop: stop(choice),
        usage: usage(answer),
    })
}

/// The words of a message: a text, or the texts of its parts, or else its refusal to answer.
fn text(message: &Value) -> String {
    let text = match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect()
        }
        _ => String::new(),
    };
    match message.get("refusal").and_then(Value::as_str) {
        Some(refusal) if text.is_empty() => refusal.to_owned(),
        _ => text,
    }
}

fn tool_calls(message: &Value) -> Vec<ToolCall> {
    let calls = message.get("tool_calls").and_then(Value::as_array);
    calls
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(index, call)| received_call(index, call))
        .collect()
}

fn received_call(index: usize, call: &Value) -> ToolCall {
    // Some servers leave out the level named `function`.
    let function = call.get("function").unwrap_or(call);
    ToolCall {
        id: call_id(call.get("id"), index),
        name: function.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        arguments: arguments(function.get("arguments")),
    }
}

fn stop(choice: &Value) -> StopReason {
    match choice.get("finish_reason").and_then(Value::as_str) {
        Some("stop") => StopReason::Done,
        Some("tool_calls") => StopReason::ToolCalls,
        Some("length") => StopReason::Length,
        Some("content_filter") => StopReason::Filtered,
        _ => StopReason::Unknown,
    }
}

/// The tokens and the cost. `prompt_tokens` counts those from the cache too, `input` does not.
fn usage(answer: &Value) -> Usage {
    let number = |pointer| answer.pointer(pointer).and_then(Value::as_u64);
    let cached = number("/usage/prompt_tokens_details/cached_tokens");
    Usage {
        input: number("/usage/prompt_tokens").map(|all| all.saturating_sub(cached.unwrap_or(0))),
        output: number("/usage/completion_tokens"),
        cache_read: cached,
        cache_write: None,
        cost_usd: answer.pointer("/usage/cost").and_then(Value::as_f64),
    }
}

#[cfg(test)]
mod tests;
