//! Answers and traces that nobody would expect.

use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::json;
use skvm_core::capability::Level;
use skvm_core::files::FileTree;
use skvm_core::harness::{RecordedToolCall, Role, Step};
use skvm_probes::probe::{Evidence, Instance, Outcome};
use skvm_probes::registry::Probes;

fn instances(seed: u64) -> Vec<Instance> {
    let probes = Probes::standard();
    let of = |level| probes.iter().filter_map(move |probe| probe.generate(level, seed));
    Level::DEMANDS.into_iter().flat_map(of).collect()
}

fn grade(instance: &Instance, answer: &str) -> Outcome {
    block_on(instance.grade(&Evidence::of(answer)))
}

#[test]
fn hostile_answers_are_refused() {
    let deep = "[".repeat(100_000);
    let answers = [
        String::new(),
        " \n\r\n\t ".to_owned(),
        "\u{0}\u{FFFD}\u{FEFF}\u{202E}".to_owned(),
        String::from_utf8_lossy(b"\xff\xfe{\"a\": \xc3\x28}").into_owned(),
        "9".repeat(1_000_000),
        format!("Answer: {}", "9".repeat(1_000_000)),
        "Answer:".to_owned(),
        "Answer: NaN".to_owned(),
        "Answer: ١٢".to_owned(),
        "\n".repeat(1_000_000),
        format!("{{\"a\":{deep}"),
        "1e99999999".to_owned(),
        ",".repeat(1_000_000),
        "```".repeat(100_000),
        "<svg><title>".repeat(50_000),
        "(a+)+$".to_owned(),
        format!("^{}$", "(a|a?)".repeat(2_000)),
        "^(?:a{1000}){1000}$".to_owned(),
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
            .to_owned(),
        "SELECT randomblob(1000000000)".to_owned(),
        "ATTACH DATABASE '/tmp/skvm-probe-attached' AS other".to_owned(),
    ];
    for instance in instances(0) {
        for answer in &answers {
            let start: String = answer.chars().take(40).collect();
            let outcome = grade(&instance, answer);
            // Without a runner, what asks for programs is skipped.
            let reason = outcome.reason().unwrap_or_else(|| panic!("{start:?} passes"));
            assert!(!matches!(outcome, Outcome::Fault(_)), "{start:?}: {outcome:?}");
            assert!(!reason.is_empty() && reason.len() < 2_000, "{start:?}");
        }
    }
    assert!(!std::path::Path::new("/tmp/skvm-probe-attached").exists());
}

fn call(id: &str, name: &str, input: serde_json::Value, output: Option<&str>) -> RecordedToolCall {
    RecordedToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        input,
        output: output.map(str::to_owned),
        is_error: false,
        duration_ms: None,
        exit_code: None,
    }
}

fn step(role: Role, calls: Vec<RecordedToolCall>) -> Step {
    Step { role, text: String::new(), tool_calls: calls, solidified: false, timestamp: 0 }
}

#[test]
fn traces_without_order_are_read_as_far_as_they_go() {
    let steps = [
        step(Role::Tool, vec![call("9", "ghost", json!(null), Some("from nowhere"))]),
        step(
            Role::Assistant,
            vec![
                call("1", "read", json!({"path": "a"}), None),
                call("1", "read", json!({"path": ["b", {"c": "deep"}]}), None),
            ],
        ),
        step(Role::Tool, vec![call("1", "read", json!({"path": "a"}), Some("first"))]),
        step(Role::Tool, vec![call("1", "read", json!({}), Some("second"))]),
        step(Role::Tool, vec![call("1", "read", json!({}), Some("third"))]),
        step(Role::Assistant, vec![call("2", "read", json!("text"), None)]),
    ];
    let files = FileTree::default();
    let evidence =
        Evidence { answer: "", steps: &steps, files: &files, requests: &[], programs: None };
    let calls = evidence.calls();
    let outputs: Vec<&str> = calls.iter().map(|call| call.output()).collect();
    assert_eq!(outputs, ["from nowhere", "first", "second", "third", ""]);
    let turns: Vec<usize> = calls.iter().map(|call| call.turn).collect();
    assert_eq!(turns, [0, 1, 1, 1, 2]);
    assert!(calls[2].mentions("deep") && !calls[1].mentions("deep") && calls[4].mentions("ex"));
    assert!(!calls[4].succeeded());
    for instance in instances(2) {
        assert_ne!(block_on(instance.grade(&evidence)), Outcome::Passed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_text_gets_an_outcome(seed: u64, text in "(?s).{0,200}", bytes: Vec<u8>) {
        for instance in instances(seed) {
            prop_assert_ne!(grade(&instance, &text), Outcome::Passed);
            let _ = grade(&instance, &String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn half_a_reference_is_refused(seed: u64) {
        for instance in instances(seed) {
            let text = instance.reference().text();
            let half: String = text.chars().take(text.chars().count() / 2).collect();
            prop_assert_ne!(grade(&instance, &half), Outcome::Passed, "{}", half);
            let _ = grade(&instance, &format!("{half}{text}"));
        }
    }
}
