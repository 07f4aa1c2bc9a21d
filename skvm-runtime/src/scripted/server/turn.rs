//! One turn of the model, before it takes the form of a wire format.

use serde_json::Value;
use skvm_core::llm::Usage;

use super::request::SeenRequest;

/// The tokens of every answer.
pub(super) const USAGE: Usage = Usage {
    input: Some(INPUT),
    output: Some(OUTPUT),
    cache_read: Some(CACHED),
    cache_write: None,
    cost_usd: None,
};

pub(super) const INPUT: u64 = 80;
pub(super) const CACHED: u64 = 20;
pub(super) const OUTPUT: u64 = 7;

/// What the model says in one turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    Text(String),
    Call { tool: String, arguments: Value },
}

/// A turn, and what its form depends on.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) said: Said,
    pub(super) request: &'a SeenRequest,
    /// Its number among all turns of this server, from one.
    pub(super) number: u64,
    pub(super) tells_usage: bool,
}

impl Turn<'_> {
    /// The model that was asked for.
    pub(super) fn model(&self) -> &Value {
        self.request.body.get("model").unwrap_or(&Value::Null)
    }

    /// Of the tool call: no other of its conversation has it.
    pub(super) fn call_id(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.request.tool_results().saturating_add(1))
    }
}

/// A text in the pieces in which a stream brings it. An empty text has none.
pub(super) fn pieces(text: &str) -> Vec<String> {
    const PIECE: usize = 16;
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(PIECE).map(|piece| piece.iter().collect()).collect()
}
