//! Requests to a model and its answers.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;

/// One request. Two requests with the same JSON are the same request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LlmRequest {
    /// What the model is told before the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The conversation.
    pub messages: Vec<Message>,
    /// Tools that the model may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolSpec>,
    /// Whether it may, must not or must call one.
    #[serde(default)]
    pub tool_choice: ToolChoice,
    /// Most tokens of the answer; `None` leaves it to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Sampling temperature; `None` leaves it to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum Message {
    /// From the user.
    User {
        /// What is said.
        content: String,
    },
    /// From the model.
    Assistant {
        /// What is said; may be empty beside tool calls.
        content: String,
        /// Tools that it calls.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
    },
    /// The result of one tool call.
    Tool {
        /// The call's id.
        call_id: String,
        /// What came of it.
        content: String,
    },
}

impl Message {
    /// A user's message.
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self::User { content: content.into() }
    }

    /// The text of the message.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::User { content }
            | Self::Assistant { content, .. }
            | Self::Tool { content, .. } => content,
        }
    }
}

/// A tool as the model sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// The name by which it is called.
    pub name: String,
    /// What it does.
    pub description: String,
    /// JSON schema of its arguments.
    pub parameters: Value,
}

impl ToolSpec {
    /// A tool whose arguments are described by a schema.
    #[must_use]
    pub fn new(name: impl Into<String>, description: impl Into<String>, schema: Schema) -> Self {
        Self { name: name.into(), description: description.into(), parameters: schema.into() }
    }
}

/// Whether the model may call tools.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolChoice {
    /// It may.
    #[default]
    Auto,
    /// It must not.
    None,
    /// It must call this one.
    Tool(String),
}

/// A call that the model makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCall {
    /// Ties the result to the call.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments. Arguments that are no JSON are kept as a JSON text; no tool takes such
    /// arguments, so the model is told.
    pub arguments: Value,
}

/// The answer of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LlmResponse {
    /// What it says.
    pub text: String,
    /// Tools that it calls, whatever `stop` says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Why it stopped.
    pub stop: StopReason,
    /// What it cost.
    #[serde(default)]
    pub usage: Usage,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// It was done.
    #[default]
    Done,
    /// It calls tools.
    ToolCalls,
    /// It ran into the limit on tokens: the answer is cut off.
    Length,
    /// The provider filtered the answer.
    Filtered,
    /// The provider did not say.
    Unknown,
}

/// Tokens and cost of one or several calls. `None` is unknown, which is not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens read, without those that came from the provider's cache.
    pub input: Option<u64>,
    /// Tokens written.
    pub output: Option<u64>,
    /// Tokens read from the provider's cache.
    pub cache_read: Option<u64>,
    /// Tokens written to the provider's cache.
    pub cache_write: Option<u64>,
    /// US dollars, where the provider tells them.
    pub cost_usd: Option<f64>,
}

impl Usage {
    /// Adds another call's usage. What is known of either stays known.
    pub fn add(&mut self, other: &Usage) {
        fn sum<T>(a: Option<T>, b: Option<T>, sum: impl FnOnce(T, T) -> T) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(sum(a, b)),
                (one, None) | (None, one) => one,
            }
        }
        // Whoever tells these numbers may tell any.
        let tokens = |a, b| sum(a, b, u64::saturating_add);
        self.input = tokens(self.input, other.input);
        self.output = tokens(self.output, other.output);
        self.cache_read = tokens(self.cache_read, other.cache_read);
        self.cache_write = tokens(self.cache_write, other.cache_write);
        self.cost_usd = sum(self.cost_usd, other.cost_usd, |a, b| a + b);
    }

    /// Tokens read and written, where both are known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        let read = self.input?.saturating_add(self.cache_read.unwrap_or(0));
        Some(read.saturating_add(self.output?))
    }

    /// Whether anything is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        *self != Self::default()
    }
}

impl LlmRequest {
    /// A conversation of one user message.
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self { messages: vec![Message::user(content)], ..Self::default() }
    }

    /// Names the request: the key under which its answer is recorded.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Writing to a vector cannot fail, and no field of a request is refused by serde_json.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

impl LlmResponse {
    /// A finished answer in words, of unknown cost.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// An answer that calls one tool, of unknown cost.
    #[must_use]
    pub fn tool_call(id: impl Into<String>, name: impl Into<String>, arguments: Value) -> Self {
        let call = ToolCall { id: id.into(), name: name.into(), arguments };
        Self { tool_calls: vec![call], stop: StopReason::ToolCalls, ..Self::default() }
    }
}
