//! Chat completions as JSON: requests out, answers in. Nothing here touches the network.

use serde_json::{Map, Value, json};
use skvm_core::llm::{
    LlmRequest, LlmResponse, Message, StopReason, ToolCall, ToolChoice, ToolSpec, Usage,
};
use skvm_core::target::ModelId;

/// An answer that is not what the protocol says.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// It is no JSON.
    #[error("the answer is no JSON")]
    NotJson {
        /// Where reading it ended. It tells a place and what was expected there, not the text.
        source: serde_json::Error,
    },
    /// It is an error in the clothes of a success.
    #[error("{message}")]
    Provider {
        /// What the provider says.
        message: String,
    },
    /// It lacks a part without which there is no answer.
    #[error("the answer has no {what}")]
    Missing {
        /// The part.
        what: &'static str,
    },
}

/// The body of a request.
pub(super) fn request(model: &ModelId, request: &LlmRequest) -> Value {
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

/// The number as it was written: `0.7`, not the `0.699999988079071` that widening makes of it.
fn decimal(number: f32) -> Value {
    json!(number.to_string().parse::<f64>().unwrap_or_else(|_| f64::from(number)))
}

/// Reads the body of an answer.
pub(super) fn response(body: &[u8]) -> Result<LlmResponse, WireError> {
    let answer: Value =
        serde_json::from_slice(body).map_err(|source| WireError::NotJson { source })?;
    // Gateways report an upstream's failure on either level, with status 200.
    let choice = answer.pointer("/choices/0");
    if let Some(message) = error_message(&answer).or_else(|| choice.and_then(error_message)) {
        return Err(WireError::Provider { message });
    }
    let choice = choice.ok_or(WireError::Missing { what: "choices" })?;
    let message = choice.get("message").filter(|message| message.is_object());
    let message = message.ok_or(WireError::Missing { what: "message" })?;
    Ok(LlmResponse {
        text: text(message),
        tool_calls: tool_calls(message),
        stop: stop(choice),
        usage: usage(&answer),
    })
}

/// What an `error` says, if there is one: its message, and what names the culprit where the message
/// alone does not.
pub(super) fn error_message(answer: &Value) -> Option<String> {
    let error = answer.get("error").filter(|error| !error.is_null())?;
    let text = |pointer| error.pointer(pointer).and_then(Value::as_str);
    let Some(message) = error.as_str().or_else(|| text("/message")) else {
        return Some(error.to_string());
    };
    let mut message = message.to_owned();
    if let Some(param) = text("/param").filter(|param| !message.contains(param)) {
        message = format!("{message} (parameter {param})");
    }
    // A gateway says "the provider returned an error", and here which.
    if let Some(raw) = text("/metadata/raw") {
        message = format!("{message}: {raw}");
    }
    Some(message)
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
    let id = call.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    ToolCall {
        id: id.map_or_else(|| format!("call_{index}"), str::to_owned),
        name: function.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        arguments: arguments(function.get("arguments")),
    }
}

/// The arguments of a call. They are JSON in a text; a text that is none is kept, and none at all, which
/// is how some models call a tool without parameters, is an empty object.
fn arguments(arguments: Option<&Value>) -> Value {
    match arguments {
        None | Some(Value::Null) => json!({}),
        Some(Value::String(text)) if text.trim().is_empty() => json!({}),
        Some(Value::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        Some(parsed) => parsed.clone(),
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
