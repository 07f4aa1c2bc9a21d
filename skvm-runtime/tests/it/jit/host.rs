//! A host with an agent loop of its own: five hooks, a scripted world, no harness.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use skvm_core::harness::{Directive, Hooks, RunStatus, ToolDirective, ToolResult, TurnView};
use skvm_core::llm::{LlmResponse, Message, StopReason, ToolCall, Usage};
use skvm_core::target::Target;
use skvm_runtime::jit::{Jit, LearnedFor, SolidifiedReport, SolidifyPolicy};
use skvm_runtime::session::Session;
use skvm_runtime::store::{MemoryStore, Store};
use skvm_runtime::trace::Trace;

/// What a model does in a turn: calls, or a final text.
pub(crate) enum Answer {
    Calls(Vec<(&'static str, Value)>),
    Text(String),
}

/// A model as a function of the task and the results so far.
pub(crate) type Model<'a> = &'a (dyn Fn(&str, &[String]) -> Answer + Sync);

/// What tools do: content, and an exit status.
pub(crate) type World<'a> = &'a (dyn Fn(&ToolCall) -> (String, i32) + Sync);

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
    pub(crate) trace: Trace,
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

    pub(crate) async fn run(&self, task: &str, model: Model<'_>, world: World<'_>) -> Outcome {
        self.drive(self.session(task), model, world).await
    }

    /// The loop.
    pub(crate) async fn drive(
        &self,
        mut session: Session,
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
                let (content, status) = world(call);
                let result = ToolResult {
                    content: content.clone(),
                    is_error: status != 0,
                    exit_code: Some(status),
                    duration_ms: 1,
                };
                session.after_tool(call, &result).await;
                messages.push(Message::Tool { call_id: call.id.clone(), content: content.clone() });
                results.push(content);
                calls.push(call.clone());
            }
        }
        let trace = session.finish(RunStatus::Ok).await;
        Outcome { model_calls, text, calls, trace }
    }

    pub(crate) async fn reports(&self) -> Vec<SolidifiedReport> {
        self.jit.solidified(LearnedFor::target(&self.target)).await.unwrap()
    }

    pub(crate) async fn report(&self) -> SolidifiedReport {
        let mut reports = self.reports().await;
        assert_eq!(reports.len(), 1, "{reports:#?}");
        reports.remove(0)
    }
}

fn response(number: usize, answer: Answer) -> LlmResponse {
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
