//! The forms that a turn takes: one file a wire format, each a pure conversion.

mod chat;
mod messages;
mod responses;

use serde_json::Value;

use super::turn::Turn;
use crate::provider::WireFormat;

/// When every answer was made, in seconds since 1970. Programs that ask do not care when that was.
pub(super) const CREATED: u64 = 1_700_000_000;

/// The content of an answer.
#[derive(Debug)]
pub(super) enum Answer {
    Json(String),
    Events(Vec<String>),
}

impl Answer {
    pub(super) fn new(wire: WireFormat, turn: &Turn<'_>) -> Self {
        match (wire, turn.request.streams()) {
            (WireFormat::ChatCompletions, false) => Self::json(&chat::whole(turn)),
            (WireFormat::ChatCompletions, true) => {
                let chunks = chat::chunks(turn);
                let mut events: Vec<_> =
                    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
                events.push("data: [DONE]\n\n".to_owned());
                Self::Events(events)
            }
            (WireFormat::Responses, false) => Self::json(&responses::whole(turn)),
            (WireFormat::Responses, true) => Self::named(&responses::events(turn)),
            (WireFormat::Messages, false) => Self::json(&messages::whole(turn)),
            (WireFormat::Messages, true) => Self::named(&messages::events(turn)),
        }
    }

    pub(super) fn json(body: &Value) -> Self {
        Self::Json(body.to_string())
    }

    /// Events that say their type twice, also as the event's name.
    fn named(events: &[Value]) -> Self {
        let name = |event: &Value| {
            event.get("type").and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let events = events.iter();
        Self::Events(
            events.map(|event| format!("event: {}\ndata: {event}\n\n", name(event))).collect(),
        )
    }

    /// The answer with JSON that is none: the body's, or that of each event.
    pub(super) fn with_invalid_json(self) -> Self {
        match self {
            Self::Json(body) => Self::Json(broken(&body)),
            Self::Events(events) => {
                let is_json = |event: &str| event.trim_end().ends_with('}');
                let events = events.into_iter().map(|event| match is_json(&event) {
                    true => broken(event.trim_end()) + "\n\n",
                    false => event,
                });
                Self::Events(events.collect())
            }
        }
    }

    pub(super) fn into_text(self) -> String {
        match self {
            Self::Json(body) => body,
            Self::Events(events) => events.concat(),
        }
    }

    pub(super) fn content_type(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json",
            Self::Events(_) => "text/event-stream; charset=utf-8",
        }
    }
}

/// JSON without its end.
fn broken(json: &str) -> String {
    let mut json = json.to_owned();
    json.pop();
    json + " {{{ not json"
}
