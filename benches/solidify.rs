//! Solidification: what following a session costs, and what an answer in the model's place takes.

#![expect(clippy::unwrap_used, reason = "a bench without its input must not run")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use serde_json::json;
use skvm_core::artifact::{
    CodeOrigin, Parameter, ParameterType, Part, SkillTemplate, Template, TemplateLanguage,
    Templates,
};
use skvm_core::harness::{Directive, Hooks, RunStatus, ToolResult, TurnView};
use skvm_core::llm::{LlmResponse, Message, ToolCall};
use skvm_core::span::Span;
use skvm_core::target::Target;
use skvm_passes::templates::Shape;
use skvm_runtime::jit::{Jit, LearnedFor, SolidifiedState, SolidifyPolicy, TemplateIndex};
use skvm_runtime::session::Session;
use skvm_runtime::store::MemoryStore;

/// About 2 KB of Python as a model writes it, with a name that makes it another program.
fn program(name: &str, file: &str) -> String {
    let code = include_str!("program.py").replace("summarise", name).replace("orders.csv", file);
    assert!((1900..2400).contains(&code.len()), "{}", code.len());
    code
}

fn template(number: usize) -> SkillTemplate {
    let code = program(&format!("csv.call_{number}"), "orders.csv");
    let shape = Shape::of(TemplateLanguage::Python, &code).unwrap();
    let segments =
        shape.segments(&mut |_, value| (value == "orders.csv").then(|| vec![Part::Hole(0)]));
    let parameters = vec![Parameter::new("file", ParameterType::Path)];
    SkillTemplate {
        template: Template { language: TemplateLanguage::Python, segments, parameters },
        fingerprint: shape.fingerprint(),
        origin: CodeOrigin::File { path: "SKILL.md".to_owned() },
        span: Span::new(0, 0),
    }
}

/// One call with 2 KB of Python: parsed, fingerprinted, looked up among templates, its value taken out.
fn observe(c: &mut Criterion) {
    let mut group = c.benchmark_group("solidify/observe");
    let arguments = json!({"code": program("csv.call_0", "data/q3.csv")});
    let call = ToolCall { id: "1".into(), name: "run_python".into(), arguments };
    group.throughput(Throughput::Bytes(2048));
    for count in [1, 100, 10_000] {
        let templates = Templates { templates: (0..count).map(template).collect() };
        let index = TemplateIndex::new(&templates);
        assert_eq!(index.observe(&call).unwrap().values.first().unwrap().value, "data/q3.csv");
        group.bench_function(count.to_string(), |b| b.iter(|| index.observe(black_box(&call))));
    }
    group.finish();
}

fn target() -> Target {
    Target::new("m", "host")
}

fn session(jit: &Jit, task: &str) -> Session {
    let target = target();
    Session::new(target.clone(), task).with_jit(jit, LearnedFor::target(&target))
}

/// One run of a model's own: a call and a final text.
fn run(jit: &Jit, task: &str, command: &str) {
    let messages = [Message::user(task)];
    let turn = TurnView { index: 0, task, messages: &messages };
    let mut session = session(jit, task);
    block_on(async {
        let _ = session.before_llm(&turn).await;
        let response = LlmResponse::tool_call("1", "execute_command", json!({"command": command}));
        session.after_llm(&turn, &response).await;
        let call = response.tool_calls.first().unwrap();
        let _ = session.before_tool(call).await;
        let result =
            ToolResult { content: "done".into(), exit_code: Some(0), ..ToolResult::default() };
        session.after_tool(call, &result).await;
        let turn = TurnView { index: 1, ..turn };
        let _ = session.before_llm(&turn).await;
        session.after_llm(&turn, &LlmResponse::text("done")).await;
        session.finish(RunStatus::Ok).await;
    });
}

/// A JIT that knows this many routines, each with a wording and a call of its own.
fn learned(count: usize) -> Jit {
    let jit = Jit::new(Arc::new(MemoryStore::default()), SolidifyPolicy::default());
    for number in 0..count {
        let task = format!("Take the records of shop{number} from data/in.csv and sort them.");
        run(&jit, &task, &format!("python3 tools/sort{number}.py data/in.csv"));
    }
    jit
}

/// The first hook of a session whose task is none that is known: one that is worded otherwise from its fifth word on,
/// and one that fits all but the end of many wordings, whose gaps are tried at every place.
fn pass_by(c: &mut Criterion) {
    let mut group = c.benchmark_group("solidify/pass-by");
    let tasks = [
        ("", "Take the records of the new shop from data/in.csv and tell which of them are late."),
        ("-gaps", "Take the records of shop7 from data/in.csv and out.csv and in.csv and sort me."),
    ];
    for count in [1, 100, 10_000] {
        let jit = learned(count);
        let known = block_on(jit.solidified(LearnedFor::target(&target()))).unwrap();
        assert_eq!(known.len(), count);
        for (name, task) in tasks {
            let messages = [Message::user(task)];
            let turn = TurnView { index: 0, task, messages: &messages };
            group.bench_function(format!("{count}{name}"), |b| {
                b.iter_batched(
                    || session(&jit, task),
                    |mut session| {
                        assert_eq!(block_on(session.before_llm(&turn)), Directive::Proceed);
                        session
                    },
                    BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
}

/// The first hook of a session whose task is solidified: from the task's text to the call.
fn answer(c: &mut Criterion) {
    let mut group = c.benchmark_group("solidify/answer");
    let command = |name: &str, file: &str| match name {
        "command" => format!("python3 scripts/convert.py data/{file}.csv out/{file}.jsonl"),
        _ => {
            let code = program("csv.call_0", &format!("data/{file}.csv"));
            format!("python3 - <<'EOF'\n{code}EOF")
        }
    };
    for name in ["command", "python"] {
        let jit = Jit::new(Arc::new(MemoryStore::default()), SolidifyPolicy::default());
        for number in 0..4 {
            let file = format!("q{number}");
            run(&jit, &format!("Convert data/{file}.csv to JSON lines."), &command(name, &file));
        }
        let known = block_on(jit.solidified(LearnedFor::target(&target()))).unwrap();
        assert_eq!(known.first().unwrap().state, SolidifiedState::Solidified);
        let task = "Convert data/q9.csv to JSON lines.";
        let messages = [Message::user(task)];
        let turn = TurnView { index: 0, task, messages: &messages };
        group.bench_function(name, |b| {
            b.iter_batched(
                || session(&jit, task),
                |mut session| {
                    let directive = block_on(session.before_llm(&turn));
                    assert!(matches!(directive, Directive::Respond(_)));
                    (session, directive)
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, observe, pass_by, answer);
criterion_main!(benches);
