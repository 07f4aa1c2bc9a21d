//! The loop.

use std::time::Instant;

use futures::future::join_all;
use skvm_core::harness::{
    Directive, HarnessError, HarnessEvent, HarnessRun, ProviderFault, RecordedToolCall, Role,
    RunNote, RunRecord, RunStatus, SkillMode, Step, ToolDirective, ToolResult, TurnView,
};
use skvm_core::llm::{
    LlmError, LlmRequest, LlmResponse, Message, StopReason, ToolCall, ToolChoice,
};
use tracing::debug;

use super::batch::batches;
use super::tools::Toolbox;
use super::{BareAgent, prompt};

pub(super) async fn run(agent: &BareAgent, run: HarnessRun<'_>) -> Result<RunRecord, HarnessError> {
    let toolbox = Toolbox::new(agent, &run)?;
    let deadline = run.limits.deadline;
    let mut state = State::new(agent, &run);
    // The state lives out here, so that a deadline loses nothing of what was done.
    let loop_ended = tokio::time::timeout(deadline, state.drive(agent, run, &toolbox)).await;
    if loop_ended.is_err() {
        state.end(RunStatus::Timeout, Some(format!("the deadline of {deadline:?} came first")));
    }
    state.record.skill_loaded = state.skill_mode.map(|mode| match mode {
        SkillMode::Inject => state.was_heard(),
        SkillMode::Discover => toolbox.skill_was_read(),
    });
    Ok(state.into_record())
}

/// One run as far as it got.
struct State {
    started: Instant,
    /// Since when an answer is awaited.
    asked: Option<Instant>,
    messages: Vec<Message>,
    record: RunRecord,
    skill_mode: Option<SkillMode>,
    notes: Notes,
}

/// What is noticed on the way.
#[derive(Default)]
struct Notes {
    calls: usize,
    unknown_tools: usize,
    malformed: usize,
    call_as_text: bool,
}

impl State {
    fn new(agent: &BareAgent, run: &HarnessRun<'_>) -> Self {
        let skill = run.skill.map(|skill| skill.name.clone());
        (run.on_event)(&HarnessEvent::Started { harness: agent.id.to_string(), skill });
        Self {
            started: Instant::now(),
            asked: None,
            messages: vec![Message::user(run.task.prompt.clone())],
            record: RunRecord { work_dir: run.workdir.to_owned(), ..RunRecord::default() },
            skill_mode: run.skill.map(|skill| skill.mode),
            notes: Notes::default(),
        }
    }

    /// Whether the model gave an answer.
    fn was_heard(&self) -> bool {
        self.record.steps.iter().any(|step| step.role == Role::Assistant && !step.solidified)
    }

    fn end(&mut self, status: RunStatus, detail: Option<String>) {
        self.record.status = status;
        self.record.status_detail = detail;
    }

    async fn drive(&mut self, agent: &BareAgent, run: HarnessRun<'_>, toolbox: &Toolbox) {
        let HarnessRun { task, skill, tools, limits, hooks, on_event, .. } = run;
        let system = prompt::system(skill, &tools, toolbox.workdir());
        for turn in 0..limits.turns {
            let view = TurnView { index: turn, task: &task.prompt, messages: &self.messages };
            let (response, solidified) = match hooks.before_llm(&view).await {
                Directive::Proceed => {
                    on_event(&HarnessEvent::Asking { turn });
                    let request = LlmRequest {
                        max_tokens: Some(limits.answer_tokens),
                        temperature: agent.temperature,
                        ..self.request(&system, toolbox)
                    };
                    match self.ask(agent, request).await {
                        Ok(response) => (response, false),
                        Err(error) => {
                            let told = explain(&error);
                            self.record.fault = ProviderFault::of(&error);
                            return self.end(RunStatus::ProviderFault, Some(told));
                        }
                    }
                }
                Directive::Respond(response) => (response, true),
                Directive::Finish(text) => {
                    self.record.text = text;
                    return self.end(RunStatus::Ok, None);
                }
            };
            let view = TurnView { index: turn, task: &task.prompt, messages: &self.messages };
            hooks.after_llm(&view, &response).await;
            on_event(&HarnessEvent::Stepped { turn, step: self.answer(&response, solidified) });
            if response.tool_calls.is_empty() {
                return self.final_answer(&response);
            }
            for calls in batches(&response.tool_calls) {
                let mut directives = Vec::with_capacity(calls.len());
                for call in calls {
                    directives.push(hooks.before_tool(call).await);
                }
                let results =
                    join_all(calls.iter().zip(&directives).map(async |(call, directive)| {
                        match directive {
                            ToolDirective::Allow => toolbox.call(call).await,
                            ToolDirective::Deny(reason) => denied(reason),
                        }
                    }));
                for ((call, directive), result) in calls.iter().zip(&directives).zip(results.await)
                {
                    if matches!(directive, ToolDirective::Allow) {
                        hooks.after_tool(call, &result).await;
                    }
                    let step = self.result(call, result, toolbox.fits(call));
                    on_event(&HarnessEvent::Stepped { turn, step });
                }
            }
        }
        let detail = format!("the model used up its {} turns", limits.turns);
        self.end(RunStatus::TurnLimit, Some(detail));
    }

    fn request(&self, system: &str, toolbox: &Toolbox) -> LlmRequest {
        LlmRequest {
            system: Some(system.to_owned()),
            messages: self.messages.clone(),
            tools: toolbox.specs().to_vec(),
            tool_choice: ToolChoice::Auto,
            ..LlmRequest::default()
        }
    }

    async fn ask(
        &mut self,
        agent: &BareAgent,
        request: LlmRequest,
    ) -> Result<LlmResponse, LlmError> {
        self.asked = Some(Instant::now());
        self.record.model_calls += 1;
        let answer = agent.backend.complete(request).await;
        let took = self.stop_waiting();
        debug!(millis = took, ok = answer.is_ok(), "the model answered");
        let response = answer?;
        self.record.usage.add(&response.usage);
        Ok(response)
    }

    /// Ends the wait for an answer, if there is one. Gives its milliseconds.
    fn stop_waiting(&mut self) -> u64 {
        let waited = self.asked.take().map_or(0, millis);
        self.record.llm_duration_ms += waited;
        waited
    }

    /// Takes an answer into conversation and record.
    fn answer(&mut self, response: &LlmResponse, solidified: bool) -> Step {
        self.messages.push(Message::Assistant {
            content: response.text.clone(),
            tool_calls: response.tool_calls.clone(),
        });
        if !response.text.trim().is_empty() {
            self.record.text.clone_from(&response.text);
        }
        self.notes.calls += response.tool_calls.len();
        self.notes.call_as_text |=
            response.tool_calls.is_empty() && looks_like_call(&response.text);
        let calls = response.tool_calls.iter().map(|call| RecordedToolCall {
            id: call.id.clone(),
            name: call.name.clone(),
            input: call.arguments.clone(),
            output: None,
            is_error: false,
            duration_ms: None,
            exit_code: None,
        });
        self.step(Step {
            role: Role::Assistant,
            text: response.text.clone(),
            tool_calls: calls.collect(),
            solidified,
            timestamp: 0,
        })
    }

    /// Takes a tool's result into conversation and record; `fits` tells whether there is such a tool and its
    /// arguments are right.
    fn result(&mut self, call: &ToolCall, result: ToolResult, fits: Option<bool>) -> Step {
        self.notes.unknown_tools += usize::from(fits.is_none());
        self.notes.malformed += usize::from(fits == Some(false));
        self.messages
            .push(Message::Tool { call_id: call.id.clone(), content: result.content.clone() });
        let recorded = RecordedToolCall {
            id: call.id.clone(),
            name: call.name.clone(),
            input: call.arguments.clone(),
            output: Some(result.content),
            is_error: result.is_error,
            duration_ms: Some(result.duration_ms),
            exit_code: result.exit_code,
        };
        self.step(Step {
            role: Role::Tool,
            text: String::new(),
            tool_calls: vec![recorded],
            solidified: false,
            timestamp: 0,
        })
    }

    fn step(&mut self, mut step: Step) -> Step {
        step.timestamp = millis(self.started);
        self.record.steps.push(step.clone());
        step
    }

    fn final_answer(&mut self, response: &LlmResponse) {
        match response.stop {
            StopReason::Length => {
                let detail = "the last answer was cut off by the limit on tokens";
                self.end(RunStatus::Truncated, Some(detail.to_owned()));
            }
            StopReason::Filtered => {
                let detail = "the provider filtered the last answer";
                self.end(RunStatus::Filtered, Some(detail.to_owned()));
            }
            StopReason::Done | StopReason::ToolCalls | StopReason::Unknown => {
                self.end(RunStatus::Ok, None);
            }
        }
    }

    fn into_record(mut self) -> RunRecord {
        self.stop_waiting();
        let mut record = self.record;
        record.duration_ms = millis(self.started);
        record.usage_available = record.usage.is_known();
        let Notes { calls, unknown_tools, malformed, call_as_text } = self.notes;
        let answered = record.steps.iter().any(|step| step.role == Role::Assistant);
        let mut note = |when: bool, code: &str, message: String| {
            if when {
                record.notes.push(RunNote::new(code, message));
            }
        };
        note(answered && calls == 0, "no-tool-call", "the model called no tool".to_owned());
        let message = "the model wrote a tool call as text instead of making it";
        note(call_as_text, "tool-call-as-text", message.to_owned());
        let message = format!("{unknown_tools} calls named a tool that does not exist");
        note(unknown_tools > 0, "unknown-tool", message);
        let message = format!("{malformed} calls had arguments that do not fit the tool");
        note(malformed > 0, "malformed-arguments", message);
        let message = "the model gave no final text";
        note(answered && record.text.trim().is_empty(), "empty-answer", message.to_owned());
        let message = "the skill was offered and the model never read it";
        let unread = answered && record.skill_loaded == Some(false);
        note(unread, "skill-not-read", message.to_owned());
        record
    }
}

fn denied(reason: &str) -> ToolResult {
    let content = format!("refused: {reason}");
    ToolResult { content, is_error: true, ..ToolResult::default() }
}

/// The error and its causes in one line.
fn explain(error: &LlmError) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    told
}

/// Whether a text holds what looks like a tool call in one of the usual notations.
fn looks_like_call(text: &str) -> bool {
    text.contains("<tool_call>")
        || text.contains("<function=")
        || (text.contains("\"name\"") && text.contains("\"arguments\""))
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
