//! Sessions: the hooks build the trace.

use std::sync::Arc;

use futures::executor::block_on;
use serde_json::json;
use skvm_core::digest::Digest;
use skvm_core::harness::{Directive, Hooks, RunStatus, ToolDirective, ToolResult, TurnView};
use skvm_core::llm::{LlmBackend, LlmRequest, LlmResponse, Message, StopReason, ToolCall, Usage};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::manager::PassManager;
use skvm_runtime::engine::SkVm;
use skvm_runtime::scripted::ScriptedModel;
use skvm_runtime::store::{MemoryStore, Store};
use skvm_runtime::{session::Session, trace::Trace};

use crate::watched::Watched;

fn session() -> Session {
    Session::new(Target::new("m", "host"), "task")
}

fn turn(index: usize) -> TurnView<'static> {
    TurnView { index, task: "task", messages: &[] }
}

fn call(id: &str, name: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: json!({"path": id}) }
}

fn result(content: &str) -> ToolResult {
    ToolResult { content: content.to_owned(), exit_code: Some(0), ..ToolResult::default() }
}

fn calling(calls: impl IntoIterator<Item = ToolCall>, input: Option<u64>) -> LlmResponse {
    LlmResponse {
        text: "working".into(),
        tool_calls: calls.into_iter().collect(),
        stop: StopReason::ToolCalls,
        usage: Usage { input, ..Usage::default() },
    }
}

/// Two turns: two calls, of which the second has no result, and a final answer.
async fn worked(session: &mut Session) {
    assert_eq!(session.before_llm(&turn(0)).await, Directive::Proceed);
    let (a, b) = (call("a", "read_file"), call("b", "write_file"));
    session.after_llm(&turn(0), &calling([a.clone(), b.clone()], Some(5))).await;
    assert_eq!(session.before_tool(&a).await, ToolDirective::Allow);
    session.after_tool(&a, &result("content")).await;
    assert_eq!(session.before_tool(&b).await, ToolDirective::Allow);
    session.before_llm(&turn(1)).await;
    let last = LlmResponse {
        usage: Usage { input: Some(2), ..Usage::default() },
        ..LlmResponse::text("done")
    };
    session.after_llm(&turn(1), &last).await;
}

#[test]
fn the_hooks_build_the_trace() {
    let mut session = session();
    assert_eq!(session.task(), "task");
    block_on(worked(&mut session));
    assert_eq!(session.trace().turns.len(), 2);
    let trace = block_on(session.finish(RunStatus::Truncated));
    assert_eq!(
        (trace.target.clone(), trace.status),
        (Target::new("m", "host"), RunStatus::Truncated)
    );
    assert_eq!(trace.usage, Usage { input: Some(7), ..Usage::default() });
    let [first, second] = trace.turns.as_slice() else { panic!("{trace:?}") };
    assert_eq!((first.index, first.text.as_str(), first.usage.input), (0, "working", Some(5)));
    assert_eq!((second.index, second.text.as_str(), second.usage.input), (1, "done", Some(2)));
    assert!(first.llm_ms.is_some() && second.calls.is_empty());
    let [a, b] = first.calls.as_slice() else { panic!("{first:?}") };
    assert_eq!((&a.call, &a.result), (&call("a", "read_file"), &Some(result("content"))));
    // A call that was denied, or that the session did not outlast, has no result.
    assert_eq!((&b.call, &b.result), (&call("b", "write_file"), &None));
}

/// Some hosts make the calls of a turn side by side, and end them in any order.
#[test]
fn results_find_their_calls_in_any_order() {
    let mut session = session();
    let calls = ["a", "b", "c"].map(|id| call(id, "read_file"));
    block_on(async {
        session.after_llm(&turn(0), &calling(calls.clone(), None)).await;
        for call in &calls {
            session.before_tool(call).await;
        }
        for call in [&calls[2], &calls[0], &calls[1]] {
            session.after_tool(call, &result(&call.id)).await;
        }
    });
    for traced in &session.trace().turns[0].calls {
        assert_eq!(traced.result, Some(result(&traced.call.id)));
    }
}

/// Some providers number the calls of each turn anew, or give every call the same id.
#[test]
fn ids_that_come_again_do_not_mix_calls_up() {
    let mut session = session();
    block_on(async {
        for (index, content) in ["first", "second"].into_iter().enumerate() {
            session.after_llm(&turn(index), &calling([call("a", "read_file")], None)).await;
            for content in [content.to_owned(), format!("{content}, too")] {
                session.before_tool(&call("a", "read_file")).await;
                session.after_tool(&call("a", "read_file"), &result(&content)).await;
            }
        }
    });
    let told = session.trace().turns.iter().flat_map(|turn| &turn.calls);
    let told: Vec<_> = told.map(|traced| traced.result.clone().unwrap().content).collect();
    assert_eq!(told, ["first", "first, too", "second", "second, too"]);
}

/// What a host tells out of order is left aside; it does not panic and invents nothing.
#[test]
fn hooks_out_of_order_do_no_harm() {
    let mut session = session();
    block_on(async {
        session.before_tool(&call("a", "read_file")).await;
        session.after_tool(&call("a", "read_file"), &result("early")).await;
        assert!(session.trace().turns.is_empty());
        session.after_llm(&turn(4), &LlmResponse::text("unasked")).await;
        session.after_tool(&call("never", "made"), &result("x")).await;
    });
    let trace = block_on(session.finish(RunStatus::Ok));
    assert_eq!((trace.turns.len(), trace.turns[0].index), (1, 4));
    assert_eq!(trace.turns[0].llm_ms, None);
    assert!(trace.turns[0].calls.is_empty());
}

#[test]
fn unknown_usage_stays_unknown() {
    let mut session = session();
    block_on(session.after_llm(&turn(0), &LlmResponse::text("free?")));
    let trace = block_on(session.finish(RunStatus::Ok));
    assert!(!trace.usage.is_known() && !trace.turns[0].usage.is_known());
}

#[test]
fn a_session_of_nothing_is_a_trace_of_nothing() {
    let trace = block_on(session().finish(RunStatus::HarnessCrashed));
    assert_eq!((trace.turns.len(), trace.status), (0, RunStatus::HarnessCrashed));
    assert_eq!((trace.skill, trace.variant), (None, None));
}

#[test]
fn a_loop_of_the_host_is_traced_and_stored() {
    async fn host_loop(model: &dyn LlmBackend, mut session: Session) -> Trace {
        let task = session.task().to_owned();
        let mut messages = vec![Message::user(task.clone())];
        for index in 0.. {
            let turn = TurnView { index, task: &task, messages: &messages };
            let Directive::Proceed = session.before_llm(&turn).await else { break };
            let request = LlmRequest { messages: messages.clone(), ..LlmRequest::default() };
            let Ok(response) = model.complete(request).await else {
                return session.finish(RunStatus::ProviderFault).await;
            };
            session.after_llm(&turn, &response).await;
            if response.tool_calls.is_empty() {
                break;
            }
            for call in &response.tool_calls {
                if session.before_tool(call).await == ToolDirective::Allow {
                    session.after_tool(call, &result("done")).await;
                }
            }
            messages.push(Message::user("done"));
        }
        session.finish(RunStatus::Ok).await
    }
    let vm = SkVm::builder().passes(PassManager::builder().build().unwrap()).build();
    let skill = Arc::new(Skill::from_text("/nowhere/x", "---\nname: x\n---\n# X\n"));
    let target = Target::new("m", "host");
    let variant = block_on(vm.compile(&skill, &target)).unwrap();
    let answers = [Ok(calling([call("a", "t")], None)), Ok(LlmResponse::text("done"))];
    let model = ScriptedModel::new("m", answers);
    let session = || vm.session(&target, "task", Some(&skill), Some(&variant));
    let trace = block_on(host_loop(&model, session()));
    assert_eq!((trace.skill, trace.variant), (Some(skill.digest()), Some(variant.digest())));
    assert_eq!((trace.status, trace.turns.len()), (RunStatus::Ok, 2));
    let failed = block_on(host_loop(&model, session()));
    assert_eq!((failed.status, failed.turns.len()), (RunStatus::ProviderFault, 0));
    let stored = block_on(vm.store().traces(skill.digest())).unwrap();
    assert_eq!(stored, [trace, failed]);
}

#[test]
fn a_skill_as_its_author_wrote_it_has_no_variant() {
    let skill = Skill::from_text("/nowhere/x", "# X\n");
    let trace = block_on(session().with_skill(&skill, None).finish(RunStatus::Ok));
    assert_eq!((trace.skill, trace.variant), (Some(skill.digest()), None));
}

#[test]
fn a_store_that_fails_does_not_lose_the_trace() {
    let store = Watched::failing("append_trace");
    let mut session = session().with_store(store.clone());
    block_on(worked(&mut session));
    let trace = block_on(session.finish(RunStatus::Ok));
    assert_eq!(trace.turns.len(), 2);
    assert_eq!(store.count("append_trace"), 1);
}

#[test]
fn a_session_that_is_dropped_leaves_no_trace() {
    let store = Arc::new(MemoryStore::default());
    let skill = Skill::from_text("/nowhere/x", "# X\n");
    let mut session = session().with_skill(&skill, None).with_store(store.clone());
    block_on(worked(&mut session));
    drop(session);
    assert!(block_on(store.traces(skill.digest())).unwrap().is_empty());
}

#[test]
fn the_json_of_a_trace_reads_back() {
    let skill = Skill::from_text("/nowhere/x", "# X\n");
    let mut session = session().with_skill(&skill, None);
    block_on(worked(&mut session));
    let trace = block_on(session.finish(RunStatus::TurnLimit));
    let text = serde_json::to_string(&trace).unwrap();
    assert_eq!(serde_json::from_str::<Trace>(&text).unwrap(), trace);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let call = json!({"id": "a", "name": "read_file", "arguments": {"path": "a"}});
    assert_eq!(json["turns"][0]["calls"][0]["call"], call);
    assert_eq!(json["status"], "turn-limit");
    assert_eq!(json["skill"], json!(skill.digest()));
    assert_eq!(json["usage"]["input"], 7);
    assert!(json["durationMs"].is_u64() && json["turns"][0]["llmMs"].is_u64());
    assert_eq!(json["turns"][0]["calls"][1]["result"], json!(null));
    assert_eq!(json["variant"], json!(None::<Digest>));
}
