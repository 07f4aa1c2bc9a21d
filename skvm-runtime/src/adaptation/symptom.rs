//! Symptoms: what in a trace looks wrong, before anybody says why.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use skvm_core::harness::{RunStatus, ToolResult};
use skvm_core::llm::ToolCall;
use skvm_passes::code::shell_commands;

use super::message::{Complaint, normalised, recognise};
use crate::secret::holds_secret;
use crate::trace::{Trace, TracedCall};

/// Something in a trace that looks wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Symptom {
    /// What kind of thing.
    pub kind: SymptomKind,
    /// The number of the turn, from 0.
    pub turn: usize,
    /// The tool; empty for an answer or the end of a run.
    pub tool: String,
    /// What it is about: a module, a program, a path, an option, a variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What was told, without what differs from run to run.
    pub message: String,
    /// What was called, shortened: a command, or the arguments as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// What the agent did later that worked in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
}

/// A call that worked where one before had failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The number of its turn.
    pub turn: usize,
    /// The call.
    pub call: String,
}

/// Kinds of symptoms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SymptomKind {
    /// A Python module is not there.
    MissingModule,
    /// An npm package is not there.
    MissingPackage,
    /// A program is not there.
    MissingProgram,
    /// A file is not there.
    MissingFile,
    /// The system does not permit it.
    PermissionRefused,
    /// A key is not set, or not accepted.
    MissingKey,
    /// A host, a server or the provider did not answer as it should.
    NetworkRefused,
    /// The harness's policy does not permit it.
    PolicyRefused,
    /// A tool does not take the arguments, or does not exist.
    InvalidArguments,
    /// A program does not know an option or a command of its own.
    WrongUsage,
    /// Code was given to a program for another language.
    WrongLanguage,
    /// A call took longer than it may.
    CallTimeout,
    /// Something was too long for the model or the system.
    TooLong,
    /// A program ended with another code than 0.
    NonZeroExit,
    /// A tool told an error.
    ToolError,
    /// A call that had failed was made again as it was.
    Retry,
    /// The same call was made again and again in a row, with the same result.
    Loop,
    /// The run came to its bound on turns.
    TurnLimit,
    /// The run came to its deadline.
    RunTimeout,
    /// The last answer was cut off.
    Truncated,
    /// The provider filtered the last answer.
    Filtered,
    /// Somebody corrected an answer.
    Correction,
    /// The provider or the harness failed.
    Infrastructure,
}

/// Most symptoms of one trace.
const MAX_SYMPTOMS: usize = 64;
/// Longest call that is kept, in bytes.
const MAX_CALL: usize = 2_000;
/// How many calls after a failure one is looked for that worked.
const RECOVERY_WITHIN: usize = 8;
/// How often the same call in a row with the same result makes a loop.
const LOOP: usize = 3;

/// What in a trace looks wrong, in order. Corrections and the end of the run come last.
#[must_use]
pub fn symptoms(trace: &Trace) -> Vec<Symptom> {
    let calls: Vec<Called<'_>> = trace
        .turns
        .iter()
        .flat_map(|turn| turn.calls.iter().map(move |call| Called::of(turn.index, call)))
        .collect();
    let mut found = Vec::new();
    let mut failed_before: BTreeSet<(&str, &str)> = BTreeSet::new();
    let (mut last, mut same) = (None, 0);
    for (at, called) in calls.iter().enumerate() {
        let Some(result) = called.result else { continue };
        let this = (called.tool, called.call.as_str(), result.content.as_str());
        same = if last == Some(this) { same + 1 } else { 1 };
        last = Some(this);
        let failed = has_failed(result);
        if failed && let Some(mut symptom) = called.failure(result) {
            symptom.recovery = recovery(called, &calls[at + 1..]);
            if !failed_before.insert((called.tool, called.call.as_str())) {
                found.push(Symptom { kind: SymptomKind::Retry, ..symptom.clone() });
            }
            found.push(symptom);
        }
        if same == LOOP {
            found.push(called.symptom(SymptomKind::Loop, told(&result.content)));
        }
    }
    found.truncate(MAX_SYMPTOMS);
    let last_turn = trace.turns.last().map_or(0, |turn| turn.index);
    let end = |kind, message: &str| Symptom {
        kind,
        turn: last_turn,
        tool: String::new(),
        subject: None,
        message: message.to_owned(),
        call: None,
        recovery: None,
    };
    for correction in &trace.corrections {
        let told = end(SymptomKind::Correction, &told(&correction.what));
        let subject = correction.about.map(|class| class.as_str().to_owned());
        found.push(Symptom { subject, turn: correction.turn, ..told });
    }
    let ending = match trace.status {
        RunStatus::Ok => None,
        RunStatus::Timeout => Some((SymptomKind::RunTimeout, "the run came to its deadline")),
        RunStatus::TurnLimit => Some((SymptomKind::TurnLimit, "the run used up its turns")),
        RunStatus::Truncated => Some((SymptomKind::Truncated, "the last answer was cut off")),
        RunStatus::Filtered => Some((SymptomKind::Filtered, "the last answer was filtered")),
        status if status.is_infrastructure() => {
            Some((SymptomKind::Infrastructure, "the provider or the harness failed"))
        }
        _ => Some((SymptomKind::ToolError, "the run ended in a way that is not known")),
    };
    found.extend(ending.map(|(kind, message)| end(kind, message)));
    found
}

fn has_failed(result: &ToolResult) -> bool {
    result.is_error || result.exit_code.is_some_and(|code| code != 0)
}

/// A call as it is looked at.
struct Called<'t> {
    turn: usize,
    tool: &'t str,
    /// The command where it is one, else the arguments as JSON.
    call: String,
    is_command: bool,
    is_secret: bool,
    result: Option<&'t ToolResult>,
}

impl<'t> Called<'t> {
    fn of(turn: usize, traced: &'t TracedCall) -> Self {
        let TracedCall { call, result, .. } = traced;
        let command = command_of(call);
        let text = command.map_or_else(|| call.arguments.to_string(), str::to_owned);
        let is_secret = holds_secret(&text);
        Self {
            turn,
            tool: &call.name,
            is_command: command.is_some(),
            call: shortened(text),
            is_secret,
            result: result.as_ref(),
        }
    }

    /// The call, unless it seems to hold a secret.
    fn shown(&self) -> Option<String> {
        (!self.is_secret).then(|| self.call.clone())
    }

    fn symptom(&self, kind: SymptomKind, message: String) -> Symptom {
        Symptom {
            kind,
            turn: self.turn,
            tool: self.tool.to_owned(),
            subject: None,
            message,
            call: self.shown(),
            recovery: None,
        }
    }

    /// Why the call failed, as far as its result tells. A program that ends with 1 and says nothing has often just not
    /// found what it looked for.
    fn failure(&self, result: &ToolResult) -> Option<Symptom> {
        let message = told(&result.content);
        let recognised = recognise(&result.content);
        if recognised.is_none() && result.exit_code == Some(1) && is_silent(&result.content) {
            return None;
        }
        let (complaint, subject) = match recognised {
            Some((complaint, subject)) => (Some(complaint), subject),
            None => (None, None),
        };
        let kind = match complaint {
            Some(Complaint::PythonModule) => SymptomKind::MissingModule,
            Some(Complaint::NodePackage) => SymptomKind::MissingPackage,
            Some(Complaint::Program) => SymptomKind::MissingProgram,
            Some(Complaint::File) => SymptomKind::MissingFile,
            Some(Complaint::Permission) => SymptomKind::PermissionRefused,
            Some(Complaint::Key) => SymptomKind::MissingKey,
            Some(Complaint::Network) => SymptomKind::NetworkRefused,
            Some(Complaint::Policy) => SymptomKind::PolicyRefused,
            Some(Complaint::Arguments) => SymptomKind::InvalidArguments,
            Some(Complaint::Usage) => SymptomKind::WrongUsage,
            Some(Complaint::Deadline) => SymptomKind::CallTimeout,
            Some(Complaint::TooLong) => SymptomKind::TooLong,
            Some(Complaint::WrongLanguage) => SymptomKind::WrongLanguage,
            None if result.exit_code.is_some_and(|code| code != 0) => SymptomKind::NonZeroExit,
            None => SymptomKind::ToolError,
        };
        Some(Symptom { subject, ..self.symptom(kind, message) })
    }
}

/// What a message says, unless it seems to hold a secret.
fn told(message: &str) -> String {
    let told = normalised(message);
    if holds_secret(&told) || holds_secret(message) {
        return "(a message that seems to hold a secret)".to_owned();
    }
    told
}

/// Whether a result says nothing but how the program ended.
fn is_silent(content: &str) -> bool {
    content.lines().all(|line| line.trim().is_empty() || line.starts_with("exit status:"))
}

/// The command that a call runs, whatever its tool is called.
fn command_of(call: &ToolCall) -> Option<&str> {
    let names = ["command", "cmd", "script"];
    names.iter().find_map(|name| call.arguments.get(name)?.as_str())
}

fn shortened(mut text: String) -> String {
    if text.len() > MAX_CALL {
        let end = (0..=MAX_CALL).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// The first call after a failed one that does the same in another way, and works.
fn recovery(failed: &Called<'_>, later: &[Called<'_>]) -> Option<Recovery> {
    let candidates = later.iter().take(RECOVERY_WITHIN).filter(|call| call.tool == failed.tool);
    let mut working =
        candidates.filter(|call| call.result.is_some_and(|result| !has_failed(result)));
    let found = working.find(|call| call.call != failed.call && does_the_same(failed, call))?;
    Some(Recovery { turn: found.turn, call: found.shown()? })
}

/// Whether two calls do the same, going by their words: of a command that a call makes, half of the words of the
/// failed one come again, in one of its commands.
fn does_the_same(failed: &Called<'_>, other: &Called<'_>) -> bool {
    let words = |call: &Called<'_>| -> Vec<String> {
        let text = &call.call;
        let words = text.split(|c: char| c.is_whitespace() || "\"'{}[]:,;|&()".contains(c));
        words.filter(|word| !word.is_empty()).map(last_part).map(str::to_owned).collect()
    };
    if failed.is_command != other.is_command {
        return false;
    }
    let (before, after) = (words(failed), words(other));
    let shared = before.iter().filter(|word| after.contains(word)).count();
    // Two words of which one changed are the same too: `python x.py` and `python3 x.py`.
    let is_alike = shared * 2 >= before.len() && shared > 0;
    let looks = |call: &Called<'_>| {
        call.is_command && {
            let commands = shell_commands(&call.call).commands;
            !commands.is_empty()
                && commands.iter().all(|command| LOOKS.contains(&command.program.as_str()))
        }
    };
    is_alike && (looks(failed) || !looks(other))
}

/// Programs that only look.
const LOOKS: [&str; 12] =
    ["ls", "cat", "pwd", "cd", "which", "find", "head", "tail", "file", "echo", "type", "stat"];

fn last_part(word: &str) -> &str {
    word.trim_end_matches('/').rsplit('/').next().unwrap_or(word)
}
