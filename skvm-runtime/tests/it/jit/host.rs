//! A host with an agent loop of its own: five hooks, a scripted world, no harness.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use serde_json::Value;
use skvm_core::artifact::TemplateLanguage;
use skvm_core::harness::{Directive, Hooks, RunStatus, ToolDirective, ToolResult, TurnView};
use skvm_core::llm::{LlmResponse, Message, StopReason, ToolCall, Usage};
use skvm_core::target::Target;
use skvm_passes::templates::{Argument, Shape};
use skvm_runtime::jit::{Jit, LearnedFor, SolidifiedReport, SolidifiedState, SolidifyPolicy};
use skvm_runtime::session::Session;
use skvm_runtime::store::{MemoryStore, Store};
use skvm_runtime::trace::Trace;

/// What a model does in a turn: calls, or a final text.
pub(crate) enum Answer {
    Calls(Vec<(&'static str, Value)>),
    Text(String),
}

impl Answer {
    pub(crate) fn call(tool: &'static str, arguments: Value) -> Self {
        Self::Calls(vec![(tool, arguments)])
    }

    pub(crate) fn command(command: impl Into<String>) -> Self {
        Self::call("execute_command", serde_json::json!({"command": command.into()}))
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// A model as a function of the task and the results so far.
pub(crate) type Model<'a> = &'a (dyn Fn(&str, &[String]) -> Answer + Sync);

/// What tools do: content, and an exit status.
pub(crate) type World<'a> = &'a (dyn Fn(&ToolCall) -> (String, i32) + Sync);

/// An exit status for a call that the host does not make at all.
pub(crate) const DENIED: i32 = i32::MIN;

/// An exit status for a tool that has none.
pub(crate) const NO_STATUS: i32 = i32::MAX;

/// A host, its store and its JIT.
pub(crate) struct Host {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) jit: Jit,
    pub(crate) target: Target,
    asked: AtomicUsize,
}

/// What came of one run.
pub(crate) struct Outcome {
    pub(crate) model_calls: usize,
    pub(crate) text: String,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) messages: Vec<Message>,
    pub(crate) trace: Trace,
}

impl Outcome {
    /// The calls of a shell, as they were written.
    pub(crate) fn commands(&self) -> Vec<&str> {
        self.calls.iter().filter_map(|call| call.arguments.get("command")?.as_str()).collect()
    }
}

impl Host {
    pub(crate) fn new(policy: SolidifyPolicy) -> Self {
        Self::on(Arc::new(MemoryStore::default()), policy)
    }

    pub(crate) fn on(store: Arc<dyn Store>, policy: SolidifyPolicy) -> Self {
        let jit = Jit::new(Arc::clone(&store), policy);
        Self { store, jit, target: Target::new("m", "host"), asked: AtomicUsize::new(0) }
    }

    pub(crate) fn session(&self, task: &str) -> Session {
        Session::new(self.target.clone(), task)
            .with_jit(&self.jit, LearnedFor::target(&self.target))
    }

    /// A session whose task comes with typed inputs.
    pub(crate) fn session_with(&self, task: &str, inputs: &[(&str, &str)]) -> Session {
        let inputs = inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.session(task).with_inputs(inputs.collect::<BTreeMap<_, _>>())
    }

    pub(crate) async fn run(&self, task: &str, model: Model<'_>, world: World<'_>) -> Outcome {
        self.drive(self.session(task), model, world).await
    }

    /// Runs tasks one after the other; how often the model was asked in each.
    pub(crate) fn run_all(&self, tasks: &[&str], model: Model<'_>, world: World<'_>) -> Vec<usize> {
        tasks.iter().map(|task| block_on(self.run(task, model, world)).model_calls).collect()
    }

    /// The loop.
    pub(crate) async fn drive(
        &self,
        session: Session,
        model: Model<'_>,
        world: World<'_>,
    ) -> Outcome {
        self.drive_to(session, RunStatus::Ok, model, world).await
    }

    /// The loop, for a run that ends in some way.
    pub(crate) async fn drive_to(
        &self,
        mut session: Session,
        status: RunStatus,
        model: Model<'_>,
        world: World<'_>,
    ) -> Outcome {
        let task = session.task().to_owned();
        let mut messages = vec![Message::user(task.clone())];
        let (mut results, mut calls, mut model_calls) = (Vec::new(), Vec::new(), 0);
        let mut text = String::new();
        for index in 0..12 {
            let turn = TurnView { index, task: &task, messages: &messages };
            let response = match session.before_llm(&turn).await {
                Directive::Respond(response) => response,
                Directive::Finish(_) => break,
                Directive::Proceed => {
                    model_calls += 1;
                    let asked = self.asked.fetch_add(1, Ordering::Relaxed);
                    response(asked, model(&task, &results))
                }
            };
            session.after_llm(&turn, &response).await;
            messages.push(Message::Assistant {
                content: response.text.clone(),
                tool_calls: response.tool_calls.clone(),
            });
            if response.tool_calls.is_empty() {
                text = response.text;
                break;
            }
            for call in &response.tool_calls {
                assert_eq!(session.before_tool(call).await, ToolDirective::Allow);
                let (mut content, status) = world(call);
                if status == DENIED {
                    content = "the host denied this call".to_owned();
                } else {
                    session.after_tool(call, &result(&content, status)).await;
                }
                messages.push(Message::Tool { call_id: call.id.clone(), content: content.clone() });
                results.push(content);
                calls.push(call.clone());
            }
        }
        let trace = session.finish(status).await;
        Outcome { model_calls, text, calls, messages, trace }
    }

    /// What would be answered to a task at once, without leaving anything behind.
    pub(crate) fn probe(&self, task: &str) -> Option<LlmResponse> {
        probe(self.session(task), vec![Message::user(task)])
    }

    /// The same for a task with typed inputs.
    pub(crate) fn probe_with(&self, task: &str, inputs: &[(&str, &str)]) -> Option<LlmResponse> {
        probe(self.session_with(task, inputs), vec![Message::user(task)])
    }

    pub(crate) async fn reports(&self) -> Vec<SolidifiedReport> {
        self.jit.solidified(LearnedFor::target(&self.target)).await.unwrap()
    }

    pub(crate) async fn report(&self) -> SolidifiedReport {
        let mut reports = self.reports().await;
        assert_eq!(reports.len(), 1, "{reports:#?}");
        reports.remove(0)
    }

    /// How far the only routine is.
    pub(crate) fn state(&self) -> SolidifiedState {
        block_on(self.report()).state
    }

    /// Whether something is solidified.
    pub(crate) fn is_solidified(&self) -> bool {
        let reports = block_on(self.reports());
        reports.iter().any(|report| report.state == SolidifiedState::Solidified)
    }
}

/// What a session answers first in a conversation.
pub(crate) fn probe(mut session: Session, messages: Vec<Message>) -> Option<LlmResponse> {
    let task = session.task().to_owned();
    let turn = TurnView { index: 0, task: &task, messages: &messages };
    match block_on(session.before_llm(&turn)) {
        Directive::Respond(response) => Some(response),
        Directive::Proceed | Directive::Finish(_) => None,
    }
}

/// A tool's result.
pub(crate) fn result(content: &str, status: i32) -> ToolResult {
    ToolResult {
        content: content.to_owned(),
        is_error: status != 0 && status != NO_STATUS,
        exit_code: (status != NO_STATUS).then_some(status),
        duration_ms: 1,
    }
}

/// A model's answer with what it cost.
pub(crate) fn response(number: usize, answer: Answer) -> LlmResponse {
    let usage = Usage { input: Some(100), output: Some(20), ..Usage::default() };
    match answer {
        Answer::Text(text) => LlmResponse { usage, ..LlmResponse::text(text) },
        Answer::Calls(calls) => {
            let calls = calls.into_iter().enumerate().map(|(index, (name, arguments))| ToolCall {
                id: format!("call-{number}-{index}"),
                name: name.to_owned(),
                arguments,
            });
            let (tool_calls, stop) = (calls.collect(), StopReason::ToolCalls);
            LlmResponse { tool_calls, stop, usage, ..LlmResponse::default() }
        }
    }
}

/// What is between two pieces of a text.
pub(crate) fn between<'t>(text: &'t str, before: &str, behind: &str) -> &'t str {
    let start = text.find(before).map_or(0, |at| at + before.len());
    let rest = &text[start..];
    if behind.is_empty() { rest } else { rest.split(behind).next().unwrap() }
}

/// What a shell would read as the arguments of a command: all literals, quotes and all taken off.
pub(crate) fn words(command: &str) -> Vec<String> {
    let shape = Shape::of(TemplateLanguage::Shell, command).unwrap();
    shape.values().map(str::to_owned).collect()
}

/// Whether two calls are the same but for how they are written.
pub(crate) fn same_call(one: (&str, &Value), other: (&str, &Value)) -> bool {
    let shape = |(tool, arguments): (&str, &Value)| {
        let written = arguments.get("path").and_then(Value::as_str).unwrap_or_default();
        let python = written.ends_with(".py");
        let shape = Shape::of_json(arguments, &|key, _| match key {
            "command" if tool == "execute_command" => Argument::Code(TemplateLanguage::Shell),
            "content" if python => Argument::Code(TemplateLanguage::Python),
            _ => Argument::Data,
        });
        let shape = shape.unwrap();
        (shape.fingerprint(), shape.values().map(str::to_owned).collect::<Vec<_>>())
    };
    one.0 == other.0 && shape(one) == shape(other)
}

/// Quotes a value for a shell, as a model that knows how to would.
pub(crate) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}
