//! Answers of a given type.

use async_trait::async_trait;
use schemars::{JsonSchema, schema_for};
use serde::de::DeserializeOwned;

use super::{
    LlmBackend, LlmError, LlmRequest, LlmResponse, Message, ToolCall, ToolChoice, ToolSpec, Usage,
};

/// The tool that a model is made to call.
const ANSWER_TOOL: &str = "answer";

/// An answer of type `T`, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Structured<T> {
    /// The answer.
    pub value: T,
    /// Tokens of every attempt together.
    pub usage: Usage,
    /// How often the model was asked.
    pub attempts: u32,
}

/// A model gave no answer of the wanted type.
#[derive(Debug, thiserror::Error)]
#[error("asking for {wanted} failed after {attempts} attempts{}", .last.as_deref().map(|l| format!(": {l}")).unwrap_or_default())]
pub struct StructuredError {
    wanted: String,
    attempts: u32,
    usage: Usage,
    last: Option<String>,
    #[source]
    source: Option<LlmError>,
}

impl StructuredError {
    /// How often the model was asked.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Tokens of every attempt together.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The provider's error, when that ended it; `None` when the model's answers did not fit.
    #[must_use]
    pub fn provider_error(&self) -> Option<&LlmError> {
        self.source.as_ref()
    }

    /// Why the last answer did not fit.
    #[must_use]
    pub fn last_mismatch(&self) -> Option<&str> {
        self.last.as_deref()
    }
}

/// What every model can do on top of [`LlmBackend::complete`].
#[async_trait]
pub trait LlmBackendExt: LlmBackend {
    /// Asks for an answer of type `T`: first by making the model call a tool with `T`'s schema; when
    /// it answers in words instead, or the provider cannot do that, by showing the schema and reading
    /// JSON out of the text. An answer that does not fit is sent back with the reason, at most twice.
    ///
    /// # Errors
    /// [`StructuredError`] when the provider fails or no answer fits; it tells the tokens spent.
    async fn complete_as<T>(&self, request: LlmRequest) -> Result<Structured<T>, StructuredError>
    where
        T: DeserializeOwned + JsonSchema + Send,
    {
        let mut exchange = Exchange::new::<T>(request);
        loop {
            exchange.attempts += 1;
            match self.complete(exchange.request()).await {
                Ok(response) => {
                    exchange.usage.add(&response.usage);
                    match exchange.read::<T>(&response) {
                        Ok(value) => {
                            let Exchange { usage, attempts, .. } = exchange;
                            return Ok(Structured { value, usage, attempts });
                        }
                        Err(mismatch) => exchange.repair(response, mismatch),
                    }
                }
                Err(error) if exchange.by_tool && error.is_tool_choice_unsupported() => {
                    exchange.by_tool = false;
                    exchange.attempts -= 1;
                }
                Err(error) => return Err(exchange.failed(Some(error))),
            }
            if exchange.attempts >= MAX_ATTEMPTS {
                return Err(exchange.failed(None));
            }
        }
    }
}

impl<B: LlmBackend + ?Sized> LlmBackendExt for B {}

/// Longest answer, in bytes, that is sent back for repair.
const MAX_ECHO: usize = 32 << 10;
/// The first try and two repairs.
const MAX_ATTEMPTS: u32 = 3;

/// The state of one exchange.
struct Exchange {
    base: LlmRequest,
    schema: serde_json::Value,
    wanted: String,
    by_tool: bool,
    attempts: u32,
    usage: Usage,
    last: Option<String>,
}

impl Exchange {
    fn new<T: JsonSchema>(base: LlmRequest) -> Self {
        Self {
            base,
            schema: schema_for!(T).into(),
            wanted: T::schema_name().into_owned(),
            by_tool: true,
            attempts: 0,
            usage: Usage::default(),
            last: None,
        }
    }

    fn request(&self) -> LlmRequest {
        let mut request = self.base.clone();
        if self.by_tool {
            request.tools = vec![ToolSpec {
                name: ANSWER_TOOL.to_owned(),
                description: format!("Gives the answer: {}.", self.wanted),
                parameters: self.schema.clone(),
            }];
            request.tool_choice = ToolChoice::Tool(ANSWER_TOOL.to_owned());
        } else {
            request.tools.clear();
            request.tool_choice = ToolChoice::None;
            request.messages.push(Message::user(format!(
                "Answer with one JSON value and nothing else. It must fit this JSON schema:\n{}",
                self.schema
            )));
        }
        request
    }

    fn read<T: DeserializeOwned>(&self, response: &LlmResponse) -> Result<T, String> {
        if let Some(call) = response.tool_calls.iter().find(|call| call.name == ANSWER_TOOL) {
            return T::deserialize(&call.arguments).map_err(|error| error.to_string());
        }
        let json = json_in(&response.text).ok_or("the answer holds no JSON value")?;
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// Adds the answer and what is wrong with it, so that the next request is not the same again.
    fn repair(&mut self, response: LlmResponse, mismatch: String) {
        let LlmResponse { mut text, mut tool_calls, .. } = response;
        // An answer that is far too long is not sent back; that it was is enough.
        let size = |call: &ToolCall| call.arguments.to_string().len();
        if text.len() + tool_calls.iter().map(size).sum::<usize>() > MAX_ECHO {
            text = "(an answer that was too long)".to_owned();
            tool_calls.clear();
        }
        let complaint = format!("This does not fit: {mismatch}. Give the whole answer again.");
        if tool_calls.is_empty() {
            self.by_tool = false;
            self.base.messages.push(Message::Assistant { content: text, tool_calls });
        } else {
            let ids: Vec<String> = tool_calls.iter().map(|call| call.id.clone()).collect();
            self.base.messages.push(Message::Assistant { content: text, tool_calls });
            self.base.messages.extend(
                ids.into_iter()
                    .map(|call_id| Message::Tool { call_id, content: complaint.clone() }),
            );
        }
        self.base.messages.push(Message::user(complaint));
        self.last = Some(mismatch);
    }

    fn failed(self, source: Option<LlmError>) -> StructuredError {
        let Self { wanted, attempts, usage, last, .. } = self;
        StructuredError { wanted, attempts, usage, last, source }
    }
}

/// The JSON value in a text: the text itself, or what lies inside a code fence, or what lies between
/// the first bracket and the last.
fn json_in(text: &str) -> Option<&str> {
    let trimmed = text.trim();
    let inner = match trimmed.find("```") {
        Some(at) => {
            let after = trimmed.get(at + 3..)?;
            let body = after.split_once('\n').map_or(after, |(_label, body)| body);
            body.split("```").next().unwrap_or(body).trim()
        }
        None => trimmed,
    };
    if inner.starts_with(['{', '[', '"']) || inner.parse::<f64>().is_ok() {
        return Some(inner);
    }
    let start = inner.find(['{', '['])?;
    let end = inner.rfind(['}', ']'])?;
    inner.get(start..=end)
}
