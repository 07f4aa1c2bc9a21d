//! Sessions: one run of one skill, seen through the hooks.
//!
//! A harness that calls [`Hooks`] is given a session; a host with an agent loop of its own makes the same five
//! calls itself: [`before_llm`](Hooks::before_llm), [`after_llm`](Hooks::after_llm),
//! [`before_tool`](Hooks::before_tool), [`after_tool`](Hooks::after_tool) and [`finish`](Session::finish). Followed
//! by a [`Jit`], the same loop needs the model less and less for work that comes again:
//!
//! ```
//! use std::sync::Arc;
//!
//! use serde_json::json;
//! use skvm_core::harness::{Directive, Hooks, RunStatus, ToolDirective, ToolResult, TurnView};
//! use skvm_core::llm::{LlmBackend, LlmError, LlmRequest, LlmResponse, Message};
//! use skvm_core::target::Target;
//! use skvm_runtime::jit::{Jit, LearnedFor, SolidifyPolicy};
//! use skvm_runtime::session::Session;
//! use skvm_runtime::store::MemoryStore;
//!
//! /// A loop of the host's own. Gives how often the model was asked.
//! async fn host_loop(model: &dyn LlmBackend, mut session: Session) -> Result<usize, LlmError> {
//!     let task = session.task().to_owned();
//!     let mut messages = vec![Message::user(task.clone())];
//!     let mut asked = 0;
//!     for index in 0..10 {
//!         let turn = TurnView { index, task: &task, messages: &messages };
//!         let response = match session.before_llm(&turn).await {
//!             Directive::Proceed => {
//!                 asked += 1;
//!                 let request = LlmRequest { messages: messages.clone(), ..LlmRequest::default() };
//!                 model.complete(request).await?
//!             }
//!             Directive::Respond(response) => response,
//!             Directive::Finish(_) => break,
//!         };
//!         session.after_llm(&turn, &response).await;
//!         let (content, tool_calls) = (response.text.clone(), response.tool_calls.clone());
//!         messages.push(Message::Assistant { content, tool_calls });
//!         for call in &response.tool_calls {
//!             if session.before_tool(call).await == ToolDirective::Allow {
//!                 let result = run_tool(&call.name, &call.arguments);
//!                 session.after_tool(call, &result).await;
//!                 messages.push(Message::Tool { call_id: call.id.clone(), content: result.content });
//!             }
//!         }
//!         if response.tool_calls.is_empty() {
//!             break;
//!         }
//!     }
//!     session.finish(RunStatus::Ok).await;
//!     Ok(asked)
//! }
//!
//! /// The host's only tool.
//! fn run_tool(_name: &str, arguments: &serde_json::Value) -> ToolResult {
//!     let content = format!("booked for {}", arguments["guest"].as_str().unwrap_or("nobody"));
//!     ToolResult { content, exit_code: Some(0), ..ToolResult::default() }
//! }
//!
//! # struct Model(skvm_core::target::ModelId);
//! # #[async_trait::async_trait]
//! # impl LlmBackend for Model {
//! #     fn model(&self) -> &skvm_core::target::ModelId { &self.0 }
//! #     async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
//! #         let task = request.messages[0].text();
//! #         let guest = task.trim_start_matches("Book a table for ").trim_end_matches(", please.");
//! #         Ok(match request.messages.len() {
//! #             1 => LlmResponse::tool_call("1", "book", json!({"guest": guest, "seats": 2})),
//! #             _ => LlmResponse::text(format!("{guest} has a table.")),
//! #         })
//! #     }
//! # }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # let model = Model("m".into());
//! let jit = Jit::new(Arc::new(MemoryStore::default()), SolidifyPolicy::default());
//! let target = Target::new("m", "my-host");
//! let mut asked = Vec::new();
//! for guest in ["Ada", "Grace", "Alan", "Edsger", "Barbara"] {
//!     let task = format!("Book a table for {guest}, please.");
//!     let session =
//!         Session::new(target.clone(), task).with_jit(&jit, LearnedFor::target(&target));
//!     asked.push(host_loop(&model, session).await?);
//! }
//! assert_eq!(asked, [2, 2, 2, 2, 0]);
//! # Ok(())
//! # }
//! # futures::executor::block_on(example()).unwrap();
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use skvm_core::failure::FailureClass;
use skvm_core::harness::{
    Directive, Hooks, RecordedToolCall, Role, RunRecord, RunStatus, Step, ToolDirective,
    ToolResult, TurnView,
};
use skvm_core::llm::{LlmResponse, StopReason, ToolCall, Usage};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::variant::Variant;
use tracing::warn;

use crate::jit::{Following, Jit, LearnedFor};
use crate::store::Store;
use crate::trace::{Correction, Trace, TraceTurn, TracedCall};

/// Looks at the trace of a session when it has ended.
#[async_trait]
pub(crate) trait Review: Send + Sync {
    /// Looks at it. What goes wrong is logged; the session has its trace all the same.
    async fn review(&self, trace: &Trace);
}

/// One run of at most one skill, seen through the hooks. It records a [`Trace`], and lets a [`Jit`] follow.
pub struct Session {
    trace: Trace,
    inputs: BTreeMap<String, String>,
    store: Option<Arc<dyn Store>>,
    following: Option<Following>,
    review: Option<Arc<dyn Review>>,
    started: Instant,
    asked: Option<Instant>,
    /// Whether the answer that comes next was given in the model's place.
    responded: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("trace", &self.trace).finish_non_exhaustive()
    }
}

impl Session {
    /// A session of a target on a task, without a skill.
    #[must_use]
    pub fn new(target: Target, task: impl Into<String>) -> Self {
        Self {
            trace: Trace::new(target, task.into()),
            inputs: BTreeMap::new(),
            store: None,
            following: None,
            review: None,
            started: Instant::now(),
            asked: None,
            responded: false,
        }
    }

    /// The same session, with a skill and, when it was compiled, its variant.
    #[must_use]
    pub fn with_skill(mut self, skill: &Skill, variant: Option<&Variant>) -> Self {
        self.trace.skill = Some(skill.digest());
        self.trace.variant = variant.map(Variant::digest);
        self
    }

    /// The same session, whose task comes with typed inputs; see
    /// [`Task::inputs`](skvm_core::harness::Task::inputs).
    #[must_use]
    pub fn with_inputs(mut self, inputs: BTreeMap<String, String>) -> Self {
        self.inputs = inputs;
        self
    }

    /// The same session, whose trace is kept in a store.
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// The same session, followed by a JIT that learns from it and answers where it knows the way.
    #[must_use]
    pub fn with_jit(mut self, jit: &Jit, learned: LearnedFor<'_>) -> Self {
        self.following = Some(jit.follow(learned));
        self
    }

    /// The same session, reviewed at its end.
    pub(crate) fn with_review(mut self, review: Arc<dyn Review>) -> Self {
        self.review = Some(review);
        self
    }

    /// The same session, whose agent works in a folder; given before the first hook, and after
    /// [`with_jit`](Session::with_jit), which it is for.
    #[must_use]
    pub fn with_workdir(mut self, workdir: &Path) -> Self {
        if let Some(following) = &mut self.following {
            following.works_in(workdir);
        }
        self
    }

    /// The task.
    #[must_use]
    pub fn task(&self) -> &str {
        &self.trace.task
    }

    /// Tells that an answer had to be corrected: by the user, or by the host's own check of its form. `about` is what
    /// is wrong with it, where that can be told.
    pub fn correct(&mut self, about: Option<FailureClass>, what: impl Into<String>) {
        let turn = self.trace.turns.len();
        let mut what: String = what.into();
        let end = (0..=MAX_CORRECTION.min(what.len())).rev().find(|at| what.is_char_boundary(*at));
        what.truncate(end.unwrap_or(0));
        self.trace.corrections.push(Correction { about, what, turn });
    }

    /// Tells whether the outcome is right. Without this, a session that ended well is taken for right.
    pub fn judge(&mut self, succeeded: bool) {
        self.trace.succeeded = Some(succeeded);
    }

    /// What was seen so far.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Takes in what a harness's record tells beyond what the hooks were told: the whole run of a harness that calls
    /// none, or what came after its start.
    pub(crate) async fn see(&mut self, record: &RunRecord) {
        let known = self.trace.turns.len();
        if let (true, Some(following)) = (self.responded, &mut self.following) {
            following.declined();
        }
        self.responded = false;
        let turns = turns_of(record);
        for (index, (answer, results)) in turns.iter().enumerate().skip(known) {
            self.see_turn(index, answer, results).await;
        }
        if turns.len() > known {
            self.trace.usage = record.usage;
        }
    }

    /// Takes in one turn of a record: an answer of the model, and what came of its calls.
    async fn see_turn(&mut self, index: usize, answer: &Step, results: &[&RecordedToolCall]) {
        let stop = match answer.tool_calls.is_empty() {
            true => StopReason::Done,
            false => StopReason::ToolCalls,
        };
        let tool_calls: Vec<ToolCall> = answer.tool_calls.iter().map(as_call).collect();
        let usage = Usage::default();
        let response = LlmResponse { text: answer.text.clone(), tool_calls, stop, usage };
        if let Some(following) = &mut self.following {
            following.saw(index, &self.trace.task, &self.inputs, &response).await;
        }
        let mut calls = Vec::with_capacity(answer.tool_calls.len());
        for (recorded, call) in answer.tool_calls.iter().zip(response.tool_calls) {
            let beside = results.iter().find(|result| result.id == recorded.id).copied();
            let result = as_result(beside.unwrap_or(recorded));
            let fingerprint = self.following.as_ref().and_then(|it| it.fingerprint(&call));
            if let (Some(following), Some(result)) = (&mut self.following, &result) {
                following.after_tool(&call, result);
            }
            calls.push(TracedCall { call, result, fingerprint });
        }
        let (text, solidified) = (response.text, answer.solidified);
        self.trace.turns.push(TraceTurn { index, text, calls, usage, llm_ms: None, solidified });
    }

    /// Ends the session. A store that cannot keep the trace is logged and does not lose it: the
    /// caller has it.
    pub async fn finish(mut self, status: RunStatus) -> Trace {
        self.trace.status = status;
        self.trace.duration_ms = millis(self.started);
        let side_exit = self.following.as_ref().and_then(Following::side_exit);
        self.trace.side_exit = side_exit.map(str::to_owned);
        if let Some(store) = &self.store
            && let Err(error) = store.append_trace(&self.trace).await
        {
            warn!(%error, "the trace was not stored");
        }
        if let Some(following) = self.following {
            following.finish(&self.trace).await;
        }
        if let Some(review) = self.review {
            review.review(&self.trace).await;
        }
        self.trace
    }

    fn turn(&mut self) -> Option<&mut TraceTurn> {
        self.trace.turns.last_mut()
    }
}

/// The answers of a record, each with what came of its calls.
fn turns_of(record: &RunRecord) -> Vec<(&Step, Vec<&RecordedToolCall>)> {
    let mut turns: Vec<(&Step, Vec<&RecordedToolCall>)> = Vec::new();
    for step in &record.steps {
        if step.role == Role::Assistant {
            turns.push((step, Vec::new()));
            continue;
        }
        for result in &step.tool_calls {
            let is_open = |(answer, results): &&mut (&Step, Vec<&RecordedToolCall>)| {
                answer.tool_calls.iter().any(|call| call.id == result.id)
                    && !results.iter().any(|known| known.id == result.id)
            };
            if let Some((_, results)) = turns.iter_mut().rev().find(is_open) {
                results.push(result);
            }
        }
    }
    turns
}

/// A call as a record has it.
fn as_call(recorded: &RecordedToolCall) -> ToolCall {
    let RecordedToolCall { id, name, input, .. } = recorded;
    ToolCall { id: id.clone(), name: name.clone(), arguments: input.clone() }
}

/// What came of a call, as a record has it.
fn as_result(recorded: &RecordedToolCall) -> Option<ToolResult> {
    let RecordedToolCall { output, is_error, duration_ms, exit_code, .. } = recorded;
    Some(ToolResult {
        content: output.clone()?,
        is_error: *is_error,
        exit_code: *exit_code,
        duration_ms: duration_ms.unwrap_or(0),
    })
}

/// Longest correction that is kept, in bytes.
const MAX_CORRECTION: usize = 2_000;

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
impl Hooks for Session {
    async fn before_llm(&mut self, turn: &TurnView<'_>) -> Directive {
        let directive = match &mut self.following {
            Some(following) => following.before_llm(turn, &self.inputs).await,
            None => Directive::Proceed,
        };
        self.responded = matches!(directive, Directive::Respond(_));
        self.asked = (!self.responded).then(Instant::now);
        directive
    }

    async fn after_llm(&mut self, turn: &TurnView<'_>, response: &LlmResponse) {
        let solidified = std::mem::take(&mut self.responded);
        if let Some(following) = self.following.as_mut().filter(|_| !solidified) {
            following.after_llm(turn.index, response);
        }
        self.trace.usage.add(&response.usage);
        self.trace.turns.push(TraceTurn {
            index: turn.index,
            text: response.text.clone(),
            calls: Vec::new(),
            usage: response.usage,
            llm_ms: self.asked.take().map(millis),
            solidified,
        });
    }

    async fn before_tool(&mut self, call: &ToolCall) -> ToolDirective {
        let fingerprint = self.following.as_ref().and_then(|it| it.fingerprint(call));
        if let Some(turn) = self.turn() {
            turn.calls.push(TracedCall { call: call.clone(), result: None, fingerprint });
        }
        ToolDirective::Allow
    }

    async fn after_tool(&mut self, call: &ToolCall, result: &ToolResult) {
        if let Some(following) = &mut self.following {
            following.after_tool(call, result);
        }
        let traced = self
            .turn()
            .and_then(|turn| turn.calls.iter_mut().rev().find(|traced| traced.call.id == call.id));
        if let Some(traced) = traced {
            traced.result = Some(result.clone());
        }
    }
}
