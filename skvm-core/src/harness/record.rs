//! What came of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::llm::{LlmError, LlmErrorKind, Usage};

/// The record of one run. Field names follow the original SkVM's `RunResult`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// The last words of the model that are not empty.
    pub text: String,
    /// Answers and tool calls in order.
    pub steps: Vec<Step>,
    /// Tokens of all answers together. What no provider told is unknown.
    #[serde(rename = "tokens")]
    pub usage: Usage,
    /// Whether any tokens are known.
    pub usage_available: bool,
    /// How often the model was asked.
    pub model_calls: usize,
    /// Milliseconds from start to end.
    pub duration_ms: u64,
    /// Milliseconds of waiting for the model.
    pub llm_duration_ms: u64,
    /// Where the agent worked.
    pub work_dir: PathBuf,
    /// Whether the skill's text reached a model that answered; `None` when there was no skill.
    pub skill_loaded: Option<bool>,
    /// How the run ended.
    #[serde(rename = "runStatus")]
    pub status: RunStatus,
    /// More about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_detail: Option<String>,
    /// What the provider's fault was, where there was one and the harness tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<ProviderFault>,
    /// About the program that ran the agent, where the harness is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessReport>,
    /// What was noticed: what the model did not manage, as far as the run shows it, and what the harness wants to tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<RunNote>,
}

/// What a provider's fault was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProviderFault {
    /// It could not be reached, or the connection broke.
    Unreachable,
    /// It refused the credentials (401, 403).
    Auth,
    /// It asked to slow down (429).
    RateLimited,
    /// It failed (5xx).
    Server,
    /// It refused the request as it was (another 4xx).
    Refused,
    /// It did not answer in time.
    Timeout,
    /// Its answer could not be understood.
    InvalidAnswer,
}

impl ProviderFault {
    /// What an error of a backend is.
    #[must_use]
    pub fn of(error: &LlmError) -> Option<Self> {
        match error.kind() {
            LlmErrorKind::Auth { .. } => Some(Self::Auth),
            LlmErrorKind::RateLimited { .. } => Some(Self::RateLimited),
            LlmErrorKind::Refused { .. } => Some(Self::Refused),
            LlmErrorKind::Server { .. } => Some(Self::Server),
            LlmErrorKind::Network => Some(Self::Unreachable),
            LlmErrorKind::Timeout { .. } => Some(Self::Timeout),
            LlmErrorKind::InvalidResponse => Some(Self::InvalidAnswer),
            LlmErrorKind::NotRecorded => None,
        }
    }
}

/// About a program that ran an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProcessReport {
    /// Its version, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its own name for the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Its exit code; `None` where it was ended or did not start. It tells little: many exit with 0 after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What it wrote to the standard error: beginning and end, keys masked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stderr: String,
    /// Its folder with configuration and state, where that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<PathBuf>,
}

/// How a run ended. Only [`RunStatus::Ok`] is a run whose outcome says something about the model;
/// [`RunStatus::is_infrastructure`] tells what says nothing about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RunStatus {
    /// The model gave its final answer.
    #[default]
    Ok,
    /// The deadline came first.
    Timeout,
    /// The model used up its turns.
    TurnLimit,
    /// The final answer was cut off by the limit on tokens.
    Truncated,
    /// The provider filtered the final answer.
    Filtered,
    /// The provider refused, failed or could not be reached.
    ProviderFault,
    /// The harness failed.
    #[serde(rename = "adapter-crashed")]
    HarnessCrashed,
    /// The harness's output could not be read.
    ParseFailed,
}

impl RunStatus {
    /// Whether the end is nobody's fault but the infrastructure's, so that nothing is learned about
    /// model and skill.
    #[must_use]
    pub fn is_infrastructure(self) -> bool {
        matches!(self, Self::ProviderFault | Self::HarnessCrashed | Self::ParseFailed)
    }
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Who took it.
    pub role: Role,
    /// What was said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Tools that an answer calls, or the call that a result belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<RecordedToolCall>,
    /// Whether the answer came from a [`Directive::Respond`](super::Directive::Respond).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub solidified: bool,
    /// Milliseconds since the run began.
    pub timestamp: u64,
}

/// Who took a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The model.
    Assistant,
    /// A tool.
    Tool,
}

/// A tool call in a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedToolCall {
    /// The call's id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments.
    pub input: Value,
    /// What came of it; `None` in the answer that makes the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Whether it failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The exit status, where a program ran and ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
}

/// Something that was noticed, told plainly: that the model did not manage something, or that the harness could not
/// read, end or remove something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunNote {
    /// A stable name, such as `no-tool-call`.
    pub code: String,
    /// One sentence.
    pub message: String,
}

impl RunNote {
    /// A note.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}
