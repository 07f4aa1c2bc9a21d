//! What a wire format says: requests as JSON, answers out of JSON. Nothing here touches the network.

use serde_json::{Value, json};
use skvm_core::llm::{LlmRequest, LlmResponse};
use skvm_core::target::ModelId;

/// A way to speak to a model. Everything else about a backend is the same for each.
pub trait Wire: Clone + Send + Sync + 'static {
    /// What backends that speak it are called.
    const BACKEND: &'static str;
    /// What is added to the base URL.
    const PATH: &'static str;
    /// The header that carries the key.
    const KEY_HEADER: &'static str;
    /// What stands before the key in that header.
    const KEY_PREFIX: &'static str;
    /// Headers that it wants beside those of every request.
    const HEADERS: &'static [(&'static str, &'static str)] = &[];

    /// The body of a request.
    fn request(model: &ModelId, request: &LlmRequest) -> Value;

    /// Reads an answer that has no `error` at its top.
    fn response(answer: &Value) -> Result<LlmResponse, WireError>;
}

/// An answer that is not what the protocol says.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
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
    /// It is not, or not yet, an answer.
    #[error("the answer is {status}")]
    Unfinished {
        /// What the provider says of it.
        status: String,
    },
}

/// Reads the body of an answer.
pub(super) fn read<W: Wire>(body: &[u8]) -> Result<LlmResponse, WireError> {
    let answer: Value =
        serde_json::from_slice(body).map_err(|source| WireError::NotJson { source })?;
    // Gateways report failures with status 200, too.
    match error_message(&answer) {
        Some(message) => Err(WireError::Provider { message }),
        None => W::response(&answer),
    }
}

/// What an `error` says, if there is one: its message, and what names the culprit where the message
/// alone does not. All formats have it in the same place.
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

/// The id of an answer's call; the call's number where it has none.
pub(super) fn call_id(id: Option<&Value>, index: usize) -> String {
    let id = id.and_then(Value::as_str).filter(|id| !id.is_empty());
    id.map_or_else(|| format!("call_{index}"), str::to_owned)
}

/// The arguments of a call. They are JSON in a text; a text that is none is kept, and none at all, which
/// is how some models call a tool without parameters, is an empty object.
pub(super) fn arguments(arguments: Option<&Value>) -> Value {
    match arguments {
        None | Some(Value::Null) => json!({}),
        Some(Value::String(text)) if text.trim().is_empty() => json!({}),
        Some(Value::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        Some(parsed) => parsed.clone(),
    }
}

/// The number as it was written: `0.7`, not the `0.699999988079071` that widening makes of it.
pub(super) fn decimal(number: f32) -> Value {
    json!(number.to_string().parse::<f64>().unwrap_or_else(|_| f64::from(number)))
}

#[cfg(test)]
mod tests;
