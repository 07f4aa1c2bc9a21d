//! From the first run to the solidified one, and back.

use futures::executor::block_on;
use serde_json::json;
use skvm_core::llm::ToolCall;
use skvm_runtime::jit::{SolidifiedState, SolidifyPolicy};

use super::host::{Answer, Host};

/// The file's name in a task like "Convert data/q1.csv to JSON."
pub(super) fn file(task: &str) -> &str {
    task.split_whitespace().find(|word| word.contains(".csv")).unwrap().trim_end_matches('.')
}

/// A model that converts a file by a script and tells what came of it.
pub(super) fn converts(task: &str, results: &[String]) -> Answer {
    let file = file(task);
    let stem = file.rsplit('/').next().unwrap().trim_end_matches(".csv");
    match results.last() {
        None => {
            let command = format!("python3 scripts/convert.py {file} --out out/{stem}.json");
            Answer::Calls(vec![("execute_command", json!({"command": command}))])
        }
        Some(result) => Answer::Text(format!("Done: {}", result.trim())),
    }
}

pub(super) fn world(call: &ToolCall) -> (String, i32) {
    let command = call.arguments["command"].as_str().unwrap();
    let out = command.split_whitespace().last().unwrap().trim_matches('\'');
    (format!("wrote {} rows to {out}\n", command.len()), 0)
}

pub(super) const TASKS: [&str; 6] = [
    "Convert data/q1.csv to JSON.",
    "Convert data/q2.csv to JSON.",
    "Convert data/q3.csv to JSON.",
    "Convert data/q4.csv to JSON.",
    "Convert data/q5.csv to JSON.",
    "Convert data/q6.csv to JSON.",
];

fn run_all(host: &Host, tasks: &[&str]) -> Vec<usize> {
    tasks.iter().map(|task| block_on(host.run(task, &converts, &world)).model_calls).collect()
}

#[test]
fn a_repeated_task_needs_no_model_in_the_end() {
    let host = Host::new(SolidifyPolicy::default());
    assert_eq!(run_all(&host, &TASKS[..4]), [2, 2, 2, 2]);
    let outcome = block_on(host.run(TASKS[4], &converts, &world));
    assert_eq!(outcome.model_calls, 0);
    assert_eq!(outcome.text, "Done: wrote 60 rows to out/q5.json");
    let command = "python3 scripts/convert.py 'data/q5.csv' --out 'out/q5.json'";
    assert_eq!(outcome.calls[0].arguments, json!({"command": command}));
    assert!(outcome.trace.turns.iter().all(|turn| turn.solidified && turn.llm_ms.is_none()));
    assert!(outcome.trace.turns[0].calls[0].fingerprint.is_some());
    let report = block_on(host.report());
    assert_eq!(report.state, SolidifiedState::Solidified);
    assert_eq!(report.wording.as_deref(), Some("Convert data/{0}.csv to JSON."));
    let counters = report.counters;
    assert_eq!((counters.runs, counters.predictions, counters.correct), (4, 3, 3));
    assert_eq!((counters.answered, counters.side_exits, counters.saved_calls), (1, 0, 2));
    assert_eq!(counters.saved_tokens, Some(240));
}
