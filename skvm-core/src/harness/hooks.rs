//! The four moments of a turn at which a session looks on and may step in.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::llm::{LlmResponse, Message, ToolCall};

/// What a session sees of the turn that is about to happen or has happened.
#[derive(Debug, Clone, Copy)]
pub struct TurnView<'a> {
    /// The number of the turn, from 0.
    pub index: usize,
    /// The task's text.
    pub task: &'a str,
    /// The whole conversation so far.
    pub messages: &'a [Message],
}

/// What is to happen instead of asking the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Directive {
    /// Ask the model.
    Proceed,
    /// Do not ask; take this as its answer. Tool calls in it are executed like the model's own.
    Respond(LlmResponse),
    /// Do not ask; end the run with this text.
    Finish(String),
}

/// Whether a tool call may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolDirective {
    /// It may.
    Allow,
    /// It may not; the model is told the reason.
    Deny(String),
}

/// What came of a tool call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResult {
    /// What the model is told.
    pub content: String,
    /// Whether the call failed.
    pub is_error: bool,
    /// The exit status of a program, where one ran and ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Milliseconds.
    pub duration_ms: u64,
}

/// Hooks that a harness calls, in the order `before_llm`, `after_llm`, then `before_tool` and
/// `after_tool` for each call of the answer.
///
/// ```
/// use async_trait::async_trait;
/// use skvm_core::harness::{Directive, Hooks, ToolDirective, ToolResult, TurnView};
/// use skvm_core::llm::{LlmResponse, ToolCall};
///
/// /// Lets no command run.
/// #[derive(Debug)]
/// struct ReadOnly;
///
/// #[async_trait]
/// impl Hooks for ReadOnly {
///     async fn before_llm(&mut self, _turn: &TurnView<'_>) -> Directive {
///         Directive::Proceed
///     }
///
///     async fn after_llm(&mut self, _turn: &TurnView<'_>, _response: &LlmResponse) {}
///
///     async fn before_tool(&mut self, call: &ToolCall) -> ToolDirective {
///         match call.name.as_str() {
///             "read_file" | "list_directory" => ToolDirective::Allow,
///             other => ToolDirective::Deny(format!("{other} would change something")),
///         }
///     }
///
///     async fn after_tool(&mut self, _call: &ToolCall, _result: &ToolResult) {}
/// }
///
/// let call = ToolCall { id: "1".into(), name: "write_file".into(), arguments: "{}".into() };
/// let directive = futures::executor::block_on(ReadOnly.before_tool(&call));
/// assert!(matches!(directive, ToolDirective::Deny(_)));
/// ```
#[async_trait]
pub trait Hooks: Send {
    /// Before the model is asked.
    async fn before_llm(&mut self, turn: &TurnView<'_>) -> Directive;

    /// After it answered, or after a [`Directive::Respond`] answered in its place.
    async fn after_llm(&mut self, turn: &TurnView<'_>, response: &LlmResponse);

    /// Before a tool call is executed.
    async fn before_tool(&mut self, call: &ToolCall) -> ToolDirective;

    /// After it was executed; not after a call that was denied.
    async fn after_tool(&mut self, call: &ToolCall, result: &ToolResult);
}

const _: fn(&dyn Hooks) = |_| {};

/// Hooks that look on and do nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

#[async_trait]
impl Hooks for NoHooks {
    async fn before_llm(&mut self, _turn: &TurnView<'_>) -> Directive {
        Directive::Proceed
    }

    async fn after_llm(&mut self, _turn: &TurnView<'_>, _response: &LlmResponse) {}

    async fn before_tool(&mut self, _call: &ToolCall) -> ToolDirective {
        ToolDirective::Allow
    }

    async fn after_tool(&mut self, _call: &ToolCall, _result: &ToolResult) {}
}
