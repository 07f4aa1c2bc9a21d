//! The store: what it takes to load what is active, to publish, and to add a trace.

#![expect(clippy::unwrap_used, reason = "a bench without its input must not run")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use futures::executor::block_on;
use serde_json::json;
use skvm_core::digest::Digest;
use skvm_core::harness::{Hooks, RunStatus, ToolResult, TurnView};
use skvm_core::llm::{LlmResponse, Message};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::variant::Variant;
use skvm_runtime::engine::SkVm;
use skvm_runtime::life::Standing;
use skvm_runtime::session::Session;
use skvm_runtime::store::{MemoryStore, SqliteStore, Store};
use skvm_runtime::trace::Trace;
use tempfile::TempDir;

fn target() -> Target {
    Target::new("m", "host")
}

/// A shipped skill of the usual size.
fn skill() -> Arc<Skill> {
    let inputs = skvm_benches::shipped().unwrap();
    let input = inputs.iter().find(|input| input.name == "log-summary").unwrap();
    Arc::new(Skill::load(&input.root).unwrap())
}

/// The stores, each with what it lives in.
fn stores() -> Vec<(&'static str, Arc<dyn Store>, Option<TempDir>)> {
    let folder = TempDir::new().unwrap();
    let sqlite = SqliteStore::open(folder.path().join("skvm.sqlite")).unwrap();
    vec![
        ("memory", Arc::new(MemoryStore::default()), None),
        ("sqlite", Arc::new(sqlite), Some(folder)),
    ]
}

fn compiled(skill: &Arc<Skill>) -> Arc<Variant> {
    block_on(SkVm::builder().build().compile(skill, &target())).unwrap()
}

/// `SkVm::load` of the active variant, by an engine that has used it before.
fn load(c: &mut Criterion) {
    let mut group = c.benchmark_group("store/load");
    let (skill, target) = (skill(), target());
    for (name, store, _folder) in stores() {
        let vm = SkVm::builder().store(store).build();
        block_on(vm.load(&skill, &target)).unwrap();
        let loaded = block_on(vm.load(&skill, &target)).unwrap();
        assert_eq!(loaded.standing, Standing::Active);
        group.bench_function(name, |b| {
            b.iter(|| block_on(vm.load(black_box(&skill), &target)).unwrap());
        });
    }
    group.finish();
}

/// A variant read out of the store: its row verified, parsed, and verified again.
fn read(c: &mut Criterion) {
    let mut group = c.benchmark_group("store/read-variant");
    let skill = skill();
    for (name, store, _folder) in stores() {
        let key = Digest::of(b"key");
        block_on(store.publish(key, compiled(&skill))).unwrap();
        group.bench_function(name, |b| {
            b.iter(|| block_on(store.variant(black_box(key))).unwrap().unwrap());
        });
    }
    group.finish();
}

/// A variant published under a key of its own.
fn publish(c: &mut Criterion) {
    let mut group = c.benchmark_group("store/publish");
    let variant = compiled(&skill());
    for (name, store, _folder) in stores() {
        let mut number = 0_u64;
        group.bench_function(name, |b| {
            b.iter(|| {
                number += 1;
                let key = Digest::of(&number.to_le_bytes());
                block_on(store.publish(key, Arc::clone(&variant))).unwrap();
            });
        });
    }
    group.finish();
}

/// The trace of a session with ten calls, each with 200 bytes of output.
fn trace(skill: &Skill) -> Trace {
    let mut session = Session::new(target(), "Summarise app.log.").with_skill(skill, None);
    let messages = [Message::user("Summarise app.log.")];
    for index in 0..10 {
        let view = TurnView { index, task: "Summarise app.log.", messages: &messages };
        let arguments = json!({"command": format!("sh scripts/summary.sh app-{index}.log")});
        let response = LlmResponse::tool_call(index.to_string(), "execute_command", arguments);
        let call = response.tool_calls.first().unwrap();
        let result = ToolResult { content: "x".repeat(200), ..ToolResult::default() };
        block_on(async {
            session.before_llm(&view).await;
            session.after_llm(&view, &response).await;
            session.before_tool(call).await;
            session.after_tool(call, &result).await;
        });
    }
    block_on(session.finish(RunStatus::Ok))
}

/// A trace appended, of a session with ten calls.
fn append(c: &mut Criterion) {
    let mut group = c.benchmark_group("store/append-trace");
    let trace = trace(&skill());
    for (name, store, _folder) in stores() {
        group.bench_function(name, |b| {
            b.iter(|| block_on(store.append_trace(black_box(&trace))).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, load, read, publish, append);
criterion_main!(benches);
