//! What happened in a session.

use serde::{Deserialize, Serialize};
use skvm_core::artifact::Fingerprint;
use skvm_core::digest::Digest;
use skvm_core::failure::FailureClass;
use skvm_core::harness::{RunStatus, ToolResult};
use skvm_core::llm::{ToolCall, Usage};
use skvm_core::target::Target;

/// What happened in a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// The target.
    pub target: Target,
    /// The task.
    pub task: String,
    /// The skill's digest; `None` for a session without a skill.
    pub skill: Option<Digest>,
    /// The variant's digest; `None` when the skill ran as its author wrote it.
    pub variant: Option<Digest>,
    /// The turns in order.
    pub turns: Vec<TraceTurn>,
    /// Tokens of all turns together. What no provider told is unknown.
    pub usage: Usage,
    /// What somebody had to say against it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<Correction>,
    /// Whether the outcome was right, where somebody looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded: Option<bool>,
    /// Why the model was given the run back, when a guard behind an answer in its place did not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side_exit: Option<String>,
    /// How it ended.
    pub status: RunStatus,
    /// Milliseconds.
    pub duration_ms: u64,
}

/// What a user, or the host's own check, had to say against an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Correction {
    /// What is wrong with it, where that can be told: its form, the steps that it took, its length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<FailureClass>,
    /// In words. They are counted and kept; no model reads them but one that a host gave for refining.
    pub what: String,
    /// How many answers there were before.
    pub turn: usize,
}

/// One answer and what it led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceTurn {
    /// The number of the turn, from 0.
    pub index: usize,
    /// What was said.
    pub text: String,
    /// The tools that were called, in order.
    pub calls: Vec<TracedCall>,
    /// Tokens of this turn.
    pub usage: Usage,
    /// Milliseconds of waiting for the answer; `None` when nobody was asked.
    pub llm_ms: Option<u64>,
    /// Whether a routine answered in the model's place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub solidified: bool,
}

/// A tool call and its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TracedCall {
    /// The call.
    pub call: ToolCall,
    /// The result; `None` when it was denied or the session ended first.
    pub result: Option<ToolResult>,
    /// The structure of the call, where a [JIT](crate::jit) follows the session and the call has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
}

impl Trace {
    pub(crate) fn new(target: Target, task: String) -> Self {
        Self {
            target,
            task,
            skill: None,
            variant: None,
            turns: Vec::new(),
            usage: Usage::default(),
            corrections: Vec::new(),
            succeeded: None,
            side_exit: None,
            status: RunStatus::Ok,
            duration_ms: 0,
        }
    }
}
