//! What is put into the stores.

use std::sync::Arc;

use serde_json::json;
use skvm_core::digest::Digest;
use skvm_core::harness::{RunStatus, ToolResult};
use skvm_core::llm::{LlmResponse, ToolCall, Usage};
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;

use super::promise::{Nonconformity, Promise};
use crate::trace::{Trace, TraceTurn, TracedCall};

/// Text that is easily spoilt: several scripts, quotes, a line end of another system, a byte order mark, a NUL.
pub(super) const DIFFICULT: &str = "naïve 漢字 🦀 \u{feff}\0 \"quoted\" 'and' \\ \r\n\t{}[]%s";

pub(super) fn key(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

/// A variant of the skill of that name.
pub(super) async fn variant(name: &str) -> Result<Arc<Variant>, Nonconformity> {
    let promise = Promise("a variant can be compiled");
    let text = format!("---\nname: {name}\ndescription: d\n---\n# {name}\n\nnaïve 漢字 🦀 \"'\\\n");
    let unit = Unit::new(Skill::from_text(format!("/{name}"), text), Target::new("m", "h"));
    let passes = PassManager::builder().build();
    let passes = passes.map_err(|error| promise.broken("a pipeline", error))?;
    let compiled = passes.compile(&unit).await;
    compiled
        .map(|compiled| Arc::new(compiled.variant))
        .map_err(|error| promise.broken("a variant", error))
}

/// An answer that says a text and calls a tool.
pub(super) fn answer(text: &str) -> LlmResponse {
    let usage = Usage { input: Some(0), output: Some(u64::MAX), ..Usage::default() };
    LlmResponse { tool_calls: vec![call()], usage, ..LlmResponse::text(text) }
}

fn call() -> ToolCall {
    let arguments = json!({"path": DIFFICULT, "deep": [1, null, {"x": false}]});
    ToolCall { id: "c1".to_owned(), name: "read_file".to_owned(), arguments }
}

/// A trace of a session with the skill of that digest, in which one tool was called.
pub(super) fn trace(skill: Option<Digest>, task: &str) -> Trace {
    let result = ToolResult { content: DIFFICULT.to_owned(), ..ToolResult::default() };
    let turn = TraceTurn {
        index: 0,
        text: DIFFICULT.to_owned(),
        calls: vec![TracedCall { call: call(), result: Some(result), fingerprint: None }],
        usage: Usage { input: Some(7), ..Usage::default() },
        llm_ms: None,
        solidified: true,
    };
    let mut trace = Trace::new(Target::new("m", "h"), task.to_owned());
    trace.skill = skill;
    trace.side_exit = Some(DIFFICULT.to_owned());
    trace.turns.push(turn);
    trace.status = RunStatus::Ok;
    trace
}
