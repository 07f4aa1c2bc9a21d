//! Which tool calls of a turn may run at the same time.

use skvm_core::llm::ToolCall;
use skvm_passes::concurrency::only_reads;

/// What a call touches.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Touch {
    /// Nothing that another call could change.
    Nothing,
    /// It reads a file, by the last part of its path.
    Reads(String),
    /// It reads folders, or runs commands that only read.
    ReadsAround,
    /// It writes a file.
    Writes(String),
    /// It may do anything.
    Anything,
}

impl Touch {
    fn of(call: &ToolCall) -> Self {
        let text = |key: &str| call.arguments.get(key).and_then(|value| value.as_str());
        // The same file can go by several paths; by its name it is taken to be the same.
        let name = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or(path).to_lowercase();
        match (call.name.as_str(), text("path")) {
            ("read_file", Some(path)) => Self::Reads(name(path)),
            ("write_file", Some(path)) => Self::Writes(name(path)),
            ("list_directory", _) => Self::ReadsAround,
            ("web_fetch", _) => Self::Nothing,
            ("execute_command", _) if text("command").is_some_and(only_reads) => Self::ReadsAround,
            _ => Self::Anything,
        }
    }

    fn clashes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anything, _) | (_, Self::Anything) => true,
            (Self::Writes(a), Self::Writes(b) | Self::Reads(b))
            | (Self::Reads(a), Self::Writes(b)) => a == b,
            (Self::Writes(_), Self::ReadsAround) | (Self::ReadsAround, Self::Writes(_)) => true,
            (Self::Nothing | Self::Reads(_) | Self::ReadsAround | Self::Writes(_), _) => false,
        }
    }
}

/// The calls of a turn in their order, in batches whose calls do not get in each other's way. Two that touch
/// the same file, one of them to write it, are in batches of their own; so is a command that may do anything.
pub(super) fn batches(calls: &[ToolCall]) -> Vec<&[ToolCall]> {
    let touches: Vec<Touch> = calls.iter().map(Touch::of).collect();
    let mut batches = Vec::new();
    let mut start = 0;
    for at in 0..calls.len() {
        if touches[start..at].iter().any(|touch| touch.clashes(&touches[at])) {
            batches.extend(calls.get(start..at));
            start = at;
        }
    }
    batches.extend(calls.get(start..).filter(|rest| !rest.is_empty()));
    batches
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sizes(calls: &[(&str, Value)]) -> Vec<usize> {
        let calls: Vec<ToolCall> = calls
            .iter()
            .map(|(name, arguments)| ToolCall {
                id: String::new(),
                name: (*name).to_owned(),
                arguments: arguments.clone(),
            })
            .collect();
        batches(&calls).iter().map(|batch| batch.len()).collect()
    }

    #[test]
    fn calls_that_do_not_touch_the_same_are_one_batch() {
        let read = |path| ("read_file", json!({"path": path}));
        let write = |path| ("write_file", json!({"path": path, "content": ""}));
        let run = |command| ("execute_command", json!({"command": command}));
        let list = || ("list_directory", json!({}));
        assert_eq!(sizes(&[read("a"), read("a"), read("b"), list(), run("grep x y")]), [5]);
        assert_eq!(sizes(&[write("a"), write("b"), read("c")]), [3]);
        assert_eq!(sizes(&[write("a"), write("./x/../A")]), [1, 1]);
        assert_eq!(sizes(&[write("d/a"), read("a"), read("b")]), [1, 2]);
        assert_eq!(sizes(&[write("a"), list(), list()]), [1, 2]);
        assert_eq!(sizes(&[run("make"), run("make test"), read("a")]), [1, 1, 1]);
        assert_eq!(sizes(&[run("cat a > b"), run("ls")]), [1, 1]);
        assert_eq!(sizes(&[("unknown", json!({})), read("a")]), [1, 1]);
        assert_eq!(sizes(&[]), [0_usize; 0]);
    }
}
