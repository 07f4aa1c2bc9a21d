//! Calls of one turn that run at the same time, and those that must not.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use skvm_core::llm::LlmResponse;
use skvm_runtime::command::Environment;
use skvm_runtime::harness::bare::BareAgent;
use skvm_runtime::scheduler::{Governor, GovernorBounds, Sample, Signals};
use skvm_runtime::scripted::ScriptedModel;

use super::{NoHooks, Place, call, said};

/// One turn with these calls, then a final word.
fn turn(calls: &[(&str, serde_json::Value)]) -> Vec<super::Answer> {
    let calls = calls.iter().enumerate();
    let calls = calls.map(|(at, (tool, input))| call(&at.to_string(), tool, input.clone()));
    let response = LlmResponse { tool_calls: calls.collect(), ..LlmResponse::text("") };
    vec![Ok(response), said("done")]
}

#[tokio::test]
async fn results_are_told_in_the_order_of_the_calls() {
    let place = Place::new();
    place.file("a.txt", "A");
    place.file("b.txt", "B");
    let read = |path| ("read_file", json!({"path": path}));
    let seen = place
        .run(turn(&[
            read("b.txt"),
            ("write_file", json!({"path": "c.txt", "content": "C"})),
            read("a.txt"),
            ("write_file", json!({"path": "c.txt", "content": "D"})),
            read("c.txt"),
        ]))
        .await;
    let told = seen.told(1);
    assert_eq!(told, ["B", "wrote 1 bytes to c.txt", "A", "wrote 1 bytes to c.txt", "D"]);
    assert_eq!(place.content("c.txt"), "D", "writes to one path keep their order");
}

/// Files that take long to read show whether calls overlap: named pipes, each opened by the other side only
/// when both are.
#[cfg(unix)]
#[tokio::test]
async fn commands_that_only_read_overlap_and_others_do_not() {
    let place = Place::new();
    let paths = ["one", "two"].map(|name| place.path(name));
    for path in &paths {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }
    // Both are opened before either is written to, so that one after the other would wait for ever.
    let writer = std::thread::spawn(move || {
        let mut pipes: Vec<std::fs::File> = paths
            .iter()
            .map(|path| std::fs::OpenOptions::new().write(true).open(path).unwrap())
            .collect();
        for pipe in &mut pipes {
            std::io::Write::write_all(pipe, b"through\n").unwrap();
        }
    });
    let cat = |name| {
        ("execute_command", json!({"command": format!("cat {name}"), "timeout_seconds": 10}))
    };
    let seen = place.run(turn(&[cat("one"), cat("two")])).await;
    writer.join().unwrap();
    assert!(seen.told(1).iter().all(|told| told.contains("through")), "{:?}", seen.told(1));

    let order = "echo begin >>log; sleep 0.05; echo end >>log";
    let run = || ("execute_command", json!({"command": order}));
    let place = Place::new();
    place.run(turn(&[run(), run(), run()])).await;
    assert_eq!(place.content("log"), "begin\nend\n".repeat(3));
}

struct Silent;

impl Signals for Silent {
    fn sample(&self) -> Sample {
        Sample::default()
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_governor_bounds_how_many_run() {
    let place = Place::new();
    let bounds = GovernorBounds { cpu: 1, ..GovernorBounds::default() };
    let model = ScriptedModel::new(
        "scripted",
        turn(&vec![("execute_command", json!({"command": "head -c 3 /dev/zero"})); 6]),
    );
    let agent = BareAgent::new(Arc::new(model.clone()))
        .with_environment(Environment::from_host())
        .with_governor(Governor::with(bounds, Silent));
    let run = skvm_core::harness::HarnessRun {
        task: &skvm_core::harness::Task::new("t"),
        model: None,
        skill: None,
        environment: None,
        tools: skvm_core::harness::ToolOffer::Own,
        workdir: &place.workdir,
        limits: skvm_core::harness::RunLimits {
            deadline: Duration::from_secs(30),
            ..Default::default()
        },
        hooks: &mut NoHooks,
        on_event: &|_| (),
    };
    let record = skvm_core::harness::Harness::run(&agent, run).await.unwrap();
    let calls = record.steps.iter().filter(|s| s.role == skvm_core::harness::Role::Tool).count();
    assert_eq!(calls, 6);
}
