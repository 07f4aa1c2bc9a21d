//! What a grader looks at.

use serde_json::Value;
use skvm_core::files::FileTree;
use skvm_core::harness::{RecordedToolCall, Role, Step};
use skvm_core::program::ProgramRunner;

use crate::site::SiteRequest;

/// What a target left: its last words, what it did, the files in its working directory, and what it asked the
/// probe's site for. All of it was taken away from the target before it is looked at.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The last words.
    pub answer: &'a str,
    /// Answers and tool calls in order.
    pub steps: &'a [Step],
    /// The files.
    pub files: &'a FileTree,
    /// What the site was asked for, in order.
    pub requests: &'a [SiteRequest],
    /// Runs programs that the target wrote; `None` where the host gives no runner.
    pub programs: Option<&'a dyn ProgramRunner>,
}

impl std::fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evidence")
            .field("answer", &self.answer)
            .field("steps", &self.steps)
            .field("files", &self.files)
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}

static NO_FILES: std::sync::LazyLock<FileTree> = std::sync::LazyLock::new(FileTree::default);

impl<'a> Evidence<'a> {
    /// An answer in words and nothing else.
    #[must_use]
    pub fn of(answer: &'a str) -> Self {
        Self { answer, steps: &[], files: &NO_FILES, requests: &[], programs: None }
    }

    /// The tool calls with their results, in the order in which they were made.
    #[must_use]
    pub fn calls(&self) -> Vec<TracedCall<'a>> {
        let mut calls: Vec<TracedCall<'a>> = Vec::new();
        let mut turn = 0;
        for step in self.steps {
            match step.role {
                Role::Assistant => {
                    turn += 1;
                    calls.extend(step.tool_calls.iter().map(|call| TracedCall {
                        turn,
                        call,
                        result: None,
                    }));
                }
                Role::Tool => {
                    for result in &step.tool_calls {
                        let waiting = calls.iter_mut().find(|traced| {
                            traced.turn == turn
                                && traced.result.is_none()
                                && traced.call.id == result.id
                        });
                        match waiting {
                            Some(traced) => traced.result = Some(result),
                            None => {
                                calls.push(TracedCall { turn, call: result, result: Some(result) });
                            }
                        }
                    }
                }
            }
        }
        calls
    }
}

/// One tool call with its result. What harnesses call their tools and arguments differs, so it is asked what a
/// call mentions and what its result shows.
#[derive(Debug, Clone, Copy)]
pub struct TracedCall<'a> {
    /// The answer that makes it, from 1.
    pub turn: usize,
    call: &'a RecordedToolCall,
    result: Option<&'a RecordedToolCall>,
}

impl<'a> TracedCall<'a> {
    /// The tool as the harness calls it.
    #[must_use]
    pub fn tool(&self) -> &'a str {
        &self.call.name
    }

    /// The arguments.
    #[must_use]
    pub fn arguments(&self) -> &'a Value {
        &self.call.input
    }

    /// What came back; empty where nothing did.
    #[must_use]
    pub fn output(&self) -> &'a str {
        self.result.and_then(|result| result.output.as_deref()).unwrap_or_default()
    }

    /// Whether it was carried out without failing.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.result.is_some_and(|result| !result.is_error)
    }

    /// Whether a text occurs in one of the arguments' strings.
    #[must_use]
    pub fn mentions(&self, text: &str) -> bool {
        any_string(&self.call.input, &|string| string.contains(text))
    }

    /// Whether one of the arguments' strings runs a script: its name stands behind a shell's or behind `/`.
    #[must_use]
    pub fn runs(&self, script: &str) -> bool {
        any_string(&self.call.input, &|text| {
            text.match_indices(script).any(|(at, _)| {
                let before = text.get(..at).unwrap_or_default();
                before.ends_with('/') || before.trim_end().ends_with("sh")
            })
        })
    }

    /// Whether a text occurs in the result.
    #[must_use]
    pub fn shows(&self, text: &str) -> bool {
        self.output().contains(text)
    }
}

/// Whether a string anywhere in a value passes a test.
fn any_string(value: &Value, test: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(string) => test(string),
        Value::Array(items) => items.iter().any(|item| any_string(item, test)),
        Value::Object(members) => members.values().any(|member| any_string(member, test)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
