//! What a target does and says: reference answers and near misses.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a target does and says: tool calls in turns, then a text. Tools go by the names that the bare agent
/// gives them; graders know no such names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    turns: Vec<Vec<Call>>,
    text: String,
}

/// A tool call of an [`Answer`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
}

impl Call {
    /// A call of a tool.
    #[must_use]
    pub fn new(tool: impl Into<String>, arguments: Value) -> Self {
        Self { tool: tool.into(), arguments }
    }

    /// Reads a file.
    #[must_use]
    pub fn read(path: &str) -> Self {
        Self::new("read_file", json!({ "path": path }))
    }

    /// Reads lines of a file, from `offset` on, which counts from 1.
    #[must_use]
    pub fn read_lines(path: &str, offset: usize, limit: usize) -> Self {
        Self::new("read_file", json!({ "path": path, "offset": offset, "limit": limit }))
    }

    /// Writes a file.
    #[must_use]
    pub fn write(path: &str, content: &str) -> Self {
        Self::new("write_file", json!({ "path": path, "content": content }))
    }

    /// Runs a shell command.
    #[must_use]
    pub fn run(command: &str) -> Self {
        Self::new("execute_command", json!({ "command": command }))
    }

    /// Fetches a web address.
    #[must_use]
    pub fn fetch(url: &str) -> Self {
        Self::new("web_fetch", json!({ "url": url }))
    }
}

impl Answer {
    /// Calls, one a turn, and then a text.
    #[must_use]
    pub fn after(calls: impl IntoIterator<Item = Call>, text: impl Into<String>) -> Self {
        Self { turns: calls.into_iter().map(|call| vec![call]).collect(), text: text.into() }
    }

    /// Turns of several calls each, and then a text.
    #[must_use]
    pub fn after_turns(turns: Vec<Vec<Call>>, text: impl Into<String>) -> Self {
        Self { turns, text: text.into() }
    }

    /// The turns before the text.
    #[must_use]
    pub fn turns(&self) -> &[Vec<Call>] {
        &self.turns
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Bytes of everything that a target writes for it.
    #[must_use]
    pub fn len(&self) -> usize {
        let calls = self.turns.iter().flatten();
        self.text.len() + calls.map(|call| call.arguments.to_string().len()).sum::<usize>()
    }

    /// Whether nothing is done or said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty() && self.text.is_empty()
    }
}

impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        Self { turns: Vec::new(), text: text.to_owned() }
    }
}

impl From<&String> for Answer {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self { turns: Vec::new(), text }
    }
}

/// An answer that is almost right and has to be refused.
#[derive(Debug, Clone, PartialEq)]
pub struct NearMiss {
    pub(super) fault: &'static str,
    pub(super) answer: Answer,
}

impl NearMiss {
    /// What is wrong with the answer.
    #[must_use]
    pub fn fault(&self) -> &'static str {
        self.fault
    }

    /// The answer.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }
}
