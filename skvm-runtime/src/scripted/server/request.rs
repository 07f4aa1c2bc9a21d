//! What the server was asked.

use hyper::http::request::Parts;
use serde_json::Value;

use crate::provider::WireFormat;

/// A request as it came, with the credentials that it carries.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SeenRequest {
    /// `POST`, `GET` and so on.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers, with names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body: JSON, a string where it is something else, null where there is none.
    pub body: Value,
    /// The format of the conversation, where the request is one for an answer.
    pub wire: Option<WireFormat>,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Answer(WireFormat),
    CountTokens,
    Models,
    Unknown,
}

impl SeenRequest {
    pub(super) fn new(parts: &Parts, body: &[u8]) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let headers = parts.headers.iter();
        let body = match body {
            [] => Value::Null,
            body => serde_json::from_slice(body).unwrap_or_else(|_| Value::String(text(body))),
        };
        let mut request = Self {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path_and_query().map_or("", |path| path.as_str()).to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body,
            wire: None,
        };
        if let Page::Answer(wire) = request.page() {
            request.wire = Some(wire);
        }
        request
    }

    /// The value of the first header of this name, which is written in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the answer is asked for as a stream of events.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.body.get("stream").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whether any tool is offered.
    #[must_use]
    pub fn offers_tools(&self) -> bool {
        !self.tools().is_empty()
    }

    /// The names of the tools that are offered, in their order.
    #[must_use]
    pub fn tool_names(&self) -> Vec<&str> {
        let name = |tool| function(tool).get("name").and_then(Value::as_str);
        self.tools().iter().filter_map(name).collect()
    }

    /// How many results of tools the conversation holds. Responses whose conversation goes on from an earlier
    /// one of this server (`previous_response_id`) count those before it too.
    #[must_use]
    pub fn tool_results(&self) -> usize {
        match self.wire {
            Some(WireFormat::ChatCompletions) => {
                self.items("messages").iter().filter(|message| is(message, "role", "tool")).count()
            }
            Some(WireFormat::Responses) => {
                let outputs = self.items("input").iter().filter(|item| is_output(item)).count();
                outputs.saturating_add(self.results_before())
            }
            Some(WireFormat::Messages) => {
                let blocks =
                    self.items("messages").iter().flat_map(|message| list(message, "content"));
                blocks.filter(|block| is(block, "type", "tool_result")).count()
            }
            None => 0,
        }
    }

    /// The results before the response that this one goes on from, which its id tells.
    fn results_before(&self) -> usize {
        let id = self.body.get("previous_response_id").and_then(Value::as_str);
        id.and_then(|id| id.rsplit('_').next()?.parse().ok()).unwrap_or(0)
    }

    /// The tools that are offered, as they are written.
    pub(super) fn tools(&self) -> &[Value] {
        self.items("tools")
    }

    fn items(&self, field: &str) -> &[Value] {
        list(&self.body, field)
    }

    /// What the request is for. Paths are known with and without `/v1`.
    pub(super) fn page(&self) -> Page {
        let path = self.path.split('?').next().unwrap_or_default();
        let path = path.strip_prefix("/v1").unwrap_or(path);
        match (self.method.as_str(), path) {
            ("POST", "/chat/completions") => Page::Answer(WireFormat::ChatCompletions),
            ("POST", "/responses") => Page::Answer(WireFormat::Responses),
            ("POST", "/messages") => Page::Answer(WireFormat::Messages),
            ("POST", "/messages/count_tokens") => Page::CountTokens,
            ("GET", "/models") => Page::Models,
            _ => Page::Unknown,
        }
    }
}

/// Where a tool's name and parameters are: chat completions put them one level down.
pub(super) fn function(tool: &Value) -> &Value {
    tool.get("function").unwrap_or(tool)
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is(value: &Value, field: &str, word: &str) -> bool {
    value.get(field).and_then(Value::as_str) == Some(word)
}

/// Whether an item of a responses' input is what a tool gave.
fn is_output(item: &Value) -> bool {
    let kinds = ["function_call_output", "local_shell_call_output", "custom_tool_call_output"];
    kinds.iter().any(|kind| is(item, "type", kind))
}
