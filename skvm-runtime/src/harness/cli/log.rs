//! What a program tells of its run, put into a record as it comes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;
use skvm_core::harness::{
    HarnessEvent, ProcessReport, ProviderFault, RecordedToolCall, Role, RunNote, RunRecord,
    RunStatus, Step, ToolResult,
};
use skvm_core::llm::{StopReason, ToolCall, Usage};

use super::fault;
use crate::command::{CommandOutput, Exit, capped};
use crate::provider::ApiKey;

/// Longest text of an answer or a result that is kept, in bytes: beginning and end of it.
const MAX_TEXT: usize = 64 << 10;
/// Longest line that is shown where one was not understood.
const MAX_SHOWN: usize = 300;
/// Longest note, in characters.
const MAX_NOTE: usize = 1_000;
/// Longest standard error that is kept, in bytes.
const MAX_STDERR: usize = 16 << 10;
/// Most steps and bytes of a record. A program that tells more loses the rest, and is told of.
const MAX_STEPS: usize = 20_000;
const MAX_BYTES: usize = 64 << 20;
/// Most kinds of lines that are told apart, and letters of their names.
const MAX_KINDS: usize = 32;
const MAX_KIND: usize = 60;
/// Most calls that are executed at once.
const MAX_OPEN: usize = 1024;

/// An answer of the model, as the program tells it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) calls: Vec<ToolCall>,
    pub(super) usage: Usage,
    pub(super) stop: StopReason,
    pub(super) solidified: bool,
}

/// See the [module](self).
pub(super) struct Log<'a> {
    started: Instant,
    on_event: &'a (dyn Fn(&HarnessEvent) + Send + Sync),
    key: Option<ApiKey>,
    record: RunRecord,
    process: ProcessReport,
    /// How the program itself says that it ended.
    ending: Option<RunStatus>,
    /// What went wrong at the provider and did not go well again since.
    trouble: Option<Trouble>,
    /// What the program said in words, where it said something that is no event.
    words: String,
    /// Answers so far, solidified ones included.
    answers: usize,
    /// Whether one of them was the model's own.
    heard: bool,
    /// Whether the last one made no calls, so that it may be the final one.
    last_words: bool,
    /// Where each call stands: the step, and its place there. Of calls with one id the last.
    places: BTreeMap<String, (usize, usize)>,
    /// Whether the program was to end because the turns were used up.
    over: bool,
    /// Lines and events that were not understood, by what they are.
    unread: BTreeMap<String, (usize, String)>,
    /// Whether tokens were told for the run as a whole.
    total_told: bool,
    bytes: usize,
    left_out: usize,
    /// Most turns.
    turns: usize,
    /// Calls that were made and have no result yet, and since when they are executed.
    open: BTreeMap<String, Option<Instant>>,
}

/// What went wrong at the provider.
#[derive(Debug, Clone)]
struct Trouble {
    fault: Option<ProviderFault>,
    told: String,
}

impl<'a> Log<'a> {
    pub(super) fn new(
        record: RunRecord,
        on_event: &'a (dyn Fn(&HarnessEvent) + Send + Sync),
        key: Option<ApiKey>,
        turns: usize,
    ) -> Self {
        Self {
            started: Instant::now(),
            on_event,
            key,
            record,
            process: ProcessReport::default(),
            ending: None,
            trouble: None,
            words: String::new(),
            answers: 0,
            heard: false,
            last_words: false,
            places: BTreeMap::new(),
            over: false,
            unread: BTreeMap::new(),
            total_told: false,
            bytes: 0,
            left_out: 0,
            turns,
            open: BTreeMap::new(),
        }
    }

    pub(super) fn tell(&self, event: &HarnessEvent) {
        (self.on_event)(event);
    }

    /// The turn that comes next, from 0.
    pub(super) fn turn(&self) -> usize {
        self.answers
    }

    /// Whether the model gave an answer of its own.
    pub(super) fn was_heard(&self) -> bool {
        self.heard
    }

    /// The calls that were told so far, each once.
    pub(super) fn calls(&self) -> impl Iterator<Item = &RecordedToolCall> {
        let answers = self.record.steps.iter().filter(|step| step.role == Role::Assistant);
        answers.flat_map(|step| &step.tool_calls)
    }

    /// Takes in an answer of the model. What had gone wrong before it is over.
    pub(super) fn answer(&mut self, answer: Answer) {
        let Answer { text, calls, usage, stop, solidified } = answer;
        if text.trim().is_empty() && calls.is_empty() && !usage.is_known() && !solidified {
            // No provider bills nothing for nothing: what came was no answer.
            let told = "the provider's answer was empty";
            return self.trouble_of(Some(ProviderFault::InvalidAnswer), told);
        }
        self.trouble = None;
        self.last_words = calls.is_empty();
        if !solidified {
            self.heard = true;
            self.record.model_calls += 1;
            if !self.total_told {
                self.record.usage.add(&usage);
            }
        }
        let turn = self.turn();
        let text = self.kept(text);
        if !text.trim().is_empty() {
            self.record.text.clone_from(&text);
        }
        let status = match stop {
            StopReason::Length => Some(RunStatus::Truncated),
            StopReason::Filtered => Some(RunStatus::Filtered),
            StopReason::Done => calls.is_empty().then_some(RunStatus::Ok),
            StopReason::ToolCalls | StopReason::Unknown => None,
        };
        self.ending = status;
        self.open = calls.iter().take(MAX_OPEN).map(|call| (call.id.clone(), None)).collect();
        let calls = calls.into_iter().map(|call| RecordedToolCall {
            id: call.id,
            name: call.name,
            input: self.kept_value(call.arguments),
            output: None,
            is_error: false,
            duration_ms: None,
            exit_code: None,
        });
        let tool_calls = calls.collect();
        self.answers += 1;
        self.step(turn, Step { role: Role::Assistant, text, tool_calls, solidified, timestamp: 0 });
    }

    /// A call is executed from now on.
    pub(super) fn executes(&mut self, id: &str) {
        if self.open.len() < MAX_OPEN || self.open.contains_key(id) {
            self.open.insert(id.to_owned(), Some(Instant::now()));
        }
    }

    /// Takes in what came of a call. One that nobody was heard to make is put into an answer of its own.
    pub(super) fn result(&mut self, call: &ToolCall, mut result: ToolResult) {
        let began = self.open.remove(&call.id).flatten();
        if let (0, Some(began)) = (result.duration_ms, began) {
            result.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        }
        // Some leave the end of the last line, some do not.
        result.content.truncate(result.content.trim_end().len());
        if !self.places.contains_key(&call.id) {
            self.answer(Answer {
                calls: vec![call.clone()],
                stop: StopReason::ToolCalls,
                ..Answer::default()
            });
            // Nobody knows how many answers there were.
            self.record.model_calls = self.record.model_calls.saturating_sub(1);
        }
        let recorded = RecordedToolCall {
            id: call.id.clone(),
            name: call.name.clone(),
            input: self.kept_value(call.arguments.clone()),
            output: Some(self.kept(result.content)),
            is_error: result.is_error,
            duration_ms: (result.duration_ms > 0).then_some(result.duration_ms),
            exit_code: result.exit_code,
        };
        let turn = self.turn().saturating_sub(1);
        let step = Step {
            role: Role::Tool,
            text: String::new(),
            tool_calls: vec![recorded],
            solidified: false,
            timestamp: 0,
        };
        self.step(turn, step);
    }

    /// The call of an id, where it was heard of.
    pub(super) fn call(&self, id: &str) -> Option<ToolCall> {
        // Some begin anew with their ids in each turn.
        let (step, place) = *self.places.get(id)?;
        self.record.steps.get(step)?.tool_calls.get(place).map(as_call)
    }

    /// Takes the tokens of the whole run, in place of the sum of its answers.
    pub(super) fn total_usage(&mut self, usage: Usage) {
        if usage.is_known() {
            self.total_told = true;
            self.record.usage = usage;
        }
    }

    /// Takes the program's count of how often the model was asked.
    pub(super) fn model_calls(&mut self, calls: usize) {
        self.record.model_calls = calls;
    }

    /// Takes the program's own name for the session.
    pub(super) fn session(&mut self, id: impl AsRef<str>) {
        if self.process.session.is_none() {
            self.process.session = Some(self.shown(id.as_ref()));
        }
    }

    /// The program says that it is done. Its last words, where it tells them apart from the answers. Where it told
    /// neither them nor a last answer, something is missing.
    pub(super) fn finished(&mut self, words: Option<String>) {
        let words = words.filter(|words| !words.trim().is_empty());
        let is_whole = self.last_words || words.is_some();
        if let Some(words) = words {
            self.record.text = self.kept(words);
        }
        self.trouble = None;
        self.ending = match self.ending {
            Some(RunStatus::Truncated | RunStatus::Filtered) => self.ending,
            _ => is_whole.then_some(RunStatus::Ok),
        };
    }

    /// Whether it is known how the run ended.
    pub(super) fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// The program said something in words, of which it is not known whose they are.
    pub(super) fn said(&mut self, words: &str) {
        self.words = self.kept(words.trim().to_owned());
    }

    /// The program says that it came to its bound on turns.
    pub(super) fn used_up_turns(&mut self) {
        self.ending = Some(RunStatus::TurnLimit);
        self.trouble = None;
    }

    /// The program tells of something that went wrong while the provider was asked.
    pub(super) fn trouble(&mut self, told: &str) {
        self.trouble_of(fault::read(told), told);
    }

    /// The same where it is known what it was.
    pub(super) fn trouble_of(&mut self, fault: Option<ProviderFault>, told: &str) {
        // The first to say what it was is the one to say it best.
        let known = self.trouble.take().filter(|known| known.fault.is_some() && fault.is_none());
        let told = self.shown(told);
        self.trouble = Some(known.unwrap_or(Trouble { fault, told }));
        self.ending = None;
    }

    pub(super) fn is_in_trouble(&self) -> bool {
        self.trouble.is_some()
    }

    /// Whether the turns are used up: the last one's calls are done, and more would come.
    pub(super) fn is_over(&mut self) -> bool {
        let is_last = self.answers == self.turns;
        let asks_again = self.ending.is_none() && !self.last_words && self.open.is_empty();
        self.over |= self.answers > self.turns || is_last && asks_again;
        self.over
    }

    /// The program wrote something that is not understood. It is counted, with the first of each kind.
    pub(super) fn unread(&mut self, kind: &str, line: &str) {
        let kind: String = self.masked(kind).chars().take(MAX_KIND).collect();
        if let Some((count, _)) = self.unread.get_mut(&kind) {
            *count += 1;
        } else if self.unread.len() < MAX_KINDS {
            let shown = self.shown(line);
            self.unread.insert(kind, (1, shown));
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn note(&mut self, code: &str, message: impl AsRef<str>) {
        let message = self.masked(message.as_ref()).chars().take(MAX_NOTE).collect::<String>();
        self.record.notes.push(RunNote::new(code, message));
    }

    /// The program has ended.
    pub(super) fn ended(&mut self, output: &CommandOutput) {
        self.process.exit_code = match output.exit {
            Exit::Code(code) => Some(code),
            Exit::Signal(_) | Exit::Deadline | Exit::Stopped => None,
        };
        let stderr = self.masked(&output.stderr.text());
        self.process.stderr = capped(&stderr, MAX_STDERR);
    }

    pub(super) fn version(&mut self, version: Option<&str>) {
        self.process.version = version.map(str::to_owned);
    }

    pub(super) fn kept_home(&mut self, home: PathBuf) {
        self.process.home = Some(home);
    }

    /// The record of a run that no program was needed for.
    pub(super) fn into_record(mut self, status: RunStatus) -> RunRecord {
        self.record.status = status;
        self.close();
        self.record
    }

    /// The record of a run that ended so. `exit` is `None` where the program could not be waited for.
    pub(super) fn into_judged_record(mut self, exit: Option<Exit>) -> RunRecord {
        let (status, detail) = self.judge(exit);
        self.record.status = status;
        self.record.status_detail = detail.map(|detail| self.masked(&detail));
        if self.record.text.is_empty() && exit == Some(Exit::Code(0)) {
            self.record.text = std::mem::take(&mut self.words);
        }
        if status == RunStatus::Ok && self.record.text.is_empty() {
            self.note("empty-answer", "the model gave no final text");
        }
        self.record.process = Some(std::mem::take(&mut self.process));
        self.close();
        self.record
    }

    /// How the run ended: by what the program told, and only where it told nothing by how it exited.
    fn judge(&mut self, exit: Option<Exit>) -> (RunStatus, Option<String>) {
        let late = exit == Some(Exit::Deadline);
        // What it told after it was to end was about that.
        if self.over && exit == Some(Exit::Stopped) {
            let told = format!("the model used up its {} turns", self.turns);
            return (RunStatus::TurnLimit, Some(told));
        }
        if let (Some(status), None) = (self.ending, &self.trouble) {
            if late {
                self.note("did-not-exit", "the program was done, and did not end by itself");
            }
            return (status, None);
        }
        if let Some(Trouble { fault, told }) = self.trouble.take() {
            self.record.fault = fault;
            let until = if late { "; it was still trying at the deadline" } else { "" };
            return (RunStatus::ProviderFault, Some(format!("{told}{until}")));
        }
        if late {
            let told = "the deadline came first".to_owned();
            // Where no answer ever came, the program's complaints tell whose fault that is.
            let fault = fault::read(&self.process.stderr).filter(|_| !self.heard);
            self.record.fault = fault;
            let faulty = RunStatus::ProviderFault;
            return (if fault.is_some() { faulty } else { RunStatus::Timeout }, Some(told));
        }
        let told = [&self.words, &self.process.stderr];
        let last = told.map(|told| last_line(told)).into_iter().find(|line| !line.is_empty());
        let last = last.unwrap_or_default();
        // Where it went well, words are the model's, which may speak of anything.
        let of_words = Some(&self.words).filter(|_| exit != Some(Exit::Code(0)));
        let fault = of_words.and_then(|words| fault::read(words));
        let fault = fault.or_else(|| fault::read(&self.process.stderr));
        if fault.is_some() {
            self.record.fault = fault;
            return (RunStatus::ProviderFault, Some(last));
        }
        let how = exit.map_or("no exit".to_owned(), |exit| exit.to_string());
        let with_last = |what: &str| match last.is_empty() {
            true => format!("{what} ({how})"),
            false => format!("{what} ({how}): {last}"),
        };
        match exit {
            Some(Exit::Code(0) | Exit::Stopped)
                if !self.was_heard() && last.is_empty() && self.unread.is_empty() =>
            {
                (RunStatus::ParseFailed, Some(with_last("it ended and told nothing")))
            }
            Some(Exit::Code(0) | Exit::Stopped) => {
                (RunStatus::ParseFailed, Some(with_last("it ended without a final answer")))
            }
            _ => (RunStatus::HarnessCrashed, Some(with_last("it broke off"))),
        }
    }

    fn close(&mut self) {
        self.record.usage_available = self.record.usage.is_known();
        self.record.duration_ms = self.millis();
        for (kind, (count, first)) in std::mem::take(&mut self.unread) {
            let message = format!("{count} times {kind} was not understood; the first: {first}");
            self.note("not-understood", message);
        }
        if self.left_out > 0 {
            let message = format!("{} more things were told than are kept", self.left_out);
            self.note("left-out", message);
        }
    }

    fn step(&mut self, turn: usize, step: Step) {
        let step = Step { timestamp: self.millis(), ..step };
        let bytes = step.text.len() + step.tool_calls.iter().map(size).sum::<usize>() + 256;
        if self.record.steps.len() >= MAX_STEPS || self.bytes + bytes > MAX_BYTES {
            self.left_out += 1;
            return;
        }
        self.bytes += bytes;
        if step.role == Role::Assistant {
            let calls = step.tool_calls.iter().enumerate();
            let at = self.record.steps.len();
            self.places.extend(calls.map(|(place, call)| (call.id.clone(), (at, place))));
        }
        self.tell(&HarnessEvent::Stepped { turn, step: step.clone() });
        self.record.steps.push(step);
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn kept(&self, text: String) -> String {
        // Masked before it is cut: half a key would not be recognised.
        let text = match &self.key {
            Some(key) => key.mask(&text),
            None => text,
        };
        if text.len() > MAX_TEXT { capped(&text, MAX_TEXT) } else { text }
    }

    /// Arguments without the key. They are data of the model's, which may have seen it.
    fn kept_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.kept(text)),
            Value::Array(items) => items.into_iter().map(|item| self.kept_value(item)).collect(),
            Value::Object(fields) => {
                let kept =
                    |(name, value): (String, Value)| (self.masked(&name), self.kept_value(value));
                fields.into_iter().map(kept).collect()
            }
            other => other,
        }
    }

    fn masked(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.mask(text))
    }

    /// A text on one line, cut, without the key.
    fn shown(&self, text: &str) -> String {
        let masked = self.masked(text);
        let words = masked.split(|c: char| c.is_whitespace() || c.is_control());
        let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        line.chars().take(MAX_SHOWN).collect()
    }
}

/// A call as it was recorded.
fn as_call(recorded: &RecordedToolCall) -> ToolCall {
    let RecordedToolCall { id, name, input, .. } = recorded;
    ToolCall { id: id.clone(), name: name.clone(), arguments: input.clone() }
}

/// About how many bytes a call takes.
fn size(call: &RecordedToolCall) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len() + 32,
            Value::Array(items) => items.iter().map(of).sum::<usize>() + 32,
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| name.len() + of(value) + 64).sum::<usize>() + 32
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 32,
        }
    }
    let output = call.output.as_ref().map_or(0, String::len);
    call.id.len() + call.name.len() + of(&call.input) + output
}

/// The last line that says something.
fn last_line(text: &str) -> String {
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or_default().chars().take(MAX_SHOWN).collect()
}
