//! Laws: the sequential test by simulation, and diagnoses of any trace at all.

use proptest::prelude::*;
use serde_json::json;
use skvm_core::failure::FailureClass;
use skvm_core::harness::{RunStatus, ToolResult};
use skvm_core::llm::{ToolCall, Usage};
use skvm_core::target::Target;
use skvm_runtime::adaptation::{SequentialTest, SymptomKind, Verdict, diagnose, symptoms};
use skvm_runtime::trace::{Correction, Trace, TraceTurn, TracedCall};

use super::host::{Random, skill};

/// One trial: pairs differ with one probability, and of those that do the new variant wins with another.
fn trial(test: &SequentialTest, random: &mut Random, differs: f64, wins: f64) -> (Verdict, u32) {
    let (mut won, mut lost) = (0, 0);
    for pairs in 1.. {
        if random.happens(differs) {
            if random.happens(wins) { won += 1 } else { lost += 1 }
        }
        if let Some(verdict) = test.decide(won, lost, pairs) {
            return (verdict, pairs);
        }
        assert!(pairs <= test.cap, "it goes on after the cap");
    }
    unreachable!("a trial ends")
}

/// The shares of trials that end for better, for worse, and undecided.
fn shares(differs: f64, wins: f64) -> (f64, f64, f64) {
    const TRIALS: u32 = 2_000;
    let (test, mut random) = (SequentialTest::default(), Random::new(42));
    let (mut better, mut worse) = (0, 0);
    for _ in 0..TRIALS {
        match trial(&test, &mut random, differs, wins).0 {
            Verdict::Better => better += 1,
            Verdict::Worse => worse += 1,
            Verdict::Undecided => {}
        }
    }
    let share = |count: u32| f64::from(count) / f64::from(TRIALS);
    (share(better), share(worse), 1.0 - share(better) - share(worse))
}

#[test]
fn a_variant_that_is_no_better_is_hardly_ever_kept() {
    for differs in [0.05, 0.2, 0.5, 1.0] {
        let (better, worse, _) = shares(differs, 0.5);
        assert!(better <= 0.07, "differs {differs}: {better}");
        assert!(worse <= 0.07, "differs {differs}: {worse}");
        let (better, _, _) = shares(differs, 0.3);
        assert!(better <= 0.01, "differs {differs}: {better}");
    }
}

#[test]
fn a_true_advantage_is_kept() {
    for differs in [0.5, 0.75, 1.0] {
        let (better, worse, _) = shares(differs, 0.9);
        assert!(better >= 0.8, "differs {differs}: {better}");
        assert!(worse <= 0.01, "differs {differs}: {worse}");
        // And the other way round.
        let (better, worse, _) = shares(differs, 0.1);
        assert!(worse >= 0.8 && better <= 0.01, "differs {differs}: {worse}");
    }
}

#[test]
fn a_difference_that_is_never_seen_ends_soon() {
    let (test, mut random) = (SequentialTest::default(), Random::new(1));
    assert_eq!(trial(&test, &mut random, 0.0, 0.5), (Verdict::Undecided, test.alike));
    assert_eq!(trial(&test, &mut random, 1.0, 1.0), (Verdict::Better, 7));
    assert_eq!(trial(&test, &mut random, 1.0, 0.0), (Verdict::Worse, 7));
}

const BODY: &str = "# Report\n\n```sh\nfigtool report <figures-file> --format json\npython3 scripts/report.py\n```\n";

fn result(content: String, exit_code: Option<i32>, is_error: bool) -> ToolResult {
    ToolResult { content, is_error, exit_code, duration_ms: 1 }
}

fn trace(calls: Vec<(ToolCall, Option<ToolResult>)>, status: RunStatus) -> Trace {
    let turn = |(index, (call, result))| TraceTurn {
        index,
        text: String::new(),
        calls: vec![TracedCall { call, result, fingerprint: None }],
        usage: Usage::default(),
        llm_ms: None,
        solidified: false,
    };
    Trace {
        target: Target::new("m", "host"),
        task: "report".to_owned(),
        skill: None,
        variant: None,
        turns: calls.into_iter().enumerate().map(turn).collect(),
        usage: Usage::default(),
        corrections: Vec::new(),
        succeeded: None,
        side_exit: None,
        status,
        duration_ms: 0,
    }
}

/// What holds of the symptoms and diagnoses of every trace.
fn hold(trace: &Trace) {
    let skill = skill(BODY);
    let found = symptoms(trace);
    assert_eq!(found, symptoms(trace));
    assert!(found.len() <= 64 + trace.corrections.len() + 1);
    for symptom in &found {
        assert!(symptom.message.chars().count() <= 200);
        assert!(symptom.call.as_ref().is_none_or(|call| call.len() <= 2_000));
        assert!(symptom.recovery.as_ref().is_none_or(|it| it.call.len() <= 2_000));
    }
    let diagnoses = diagnose(&found, &skill, None);
    assert_eq!(diagnoses, diagnose(&found, &skill, None));
    assert!(diagnoses.len() <= found.len());
    for diagnosis in &diagnoses {
        assert!(diagnosis.subject.chars().count() <= 200);
        assert!(!diagnosis.cause.is_empty());
    }
    // Each failure once.
    let mut signatures: Vec<_> = diagnoses.iter().map(|one| one.signature()).collect();
    signatures.sort();
    signatures.dedup();
    assert_eq!(signatures.len(), diagnoses.len());
    // What was read from a store says the same.
    let json = serde_json::to_string(trace).unwrap();
    assert_eq!(symptoms(&serde_json::from_str(&json).unwrap()), found);
    let json = serde_json::to_string(&diagnoses).unwrap();
    assert_eq!(serde_json::from_str::<Vec<_>>(&json).ok().as_ref(), Some(&diagnoses));
}

/// Anything, and what real programs print with anything in it.
fn content() -> impl Strategy<Value = String> {
    let any = prop_oneof![
        any::<String>(),
        "\\PC{0,80}",
        "[\\x00-\\x7f]{0,80}",
        "(--|-)?[a-zA-Z<>{}$'\"/. -]{0,20}",
    ];
    let frames = prop::sample::select(vec![
        ("", ""),
        ("No module named '", "'"),
        ("sh: 1: ", ": not found"),
        ("error: unexpected argument '", "' found"),
        ("invalid choice: '", "' (choose from)"),
        ("can't open file '", "': [Errno 2] No such file or directory"),
        ("sh: 1: ", ": Permission denied"),
        ("KeyError: '", "'"),
        ("the arguments of ", " do not fit"),
        ("ended after 1 seconds, before it was done", ""),
        ("HTTP Error 503", ""),
        ("stderr:\n", "\nexit status: 1"),
    ]);
    let times = prop_oneof![20 => Just(1_usize), 1 => Just(3_000)];
    (any, frames, times)
        .prop_map(|(any, (front, behind), times)| format!("{front}{}{behind}", any.repeat(times)))
}

fn call() -> impl Strategy<Value = ToolCall> {
    let commands = prop_oneof![
        Just("figtool report figures.csv --fmt json".to_owned()),
        Just("figtool report <figures-file> --format json".to_owned()),
        Just("python3 scripts/report.py".to_owned()),
        Just("bash scripts/report.py".to_owned()),
        any::<String>(),
        "[a-z<>'\"$`|;&(){}\n -]{0,60}",
    ];
    let arguments = prop_oneof![
        commands.prop_map(|command| json!({ "command": command })),
        any::<String>().prop_map(|text| json!(text)),
        any::<i64>().prop_map(|number| json!({ "command": number })),
        Just(json!(null)),
        Just(json!([{"command": []}])),
    ];
    let tool = prop_oneof![4 => Just("execute_command".to_owned()), 1 => any::<String>()];
    (tool, arguments).prop_map(|(name, arguments)| ToolCall { id: String::new(), name, arguments })
}

fn any_trace() -> impl Strategy<Value = Trace> {
    let code = prop_oneof![Just(None), Just(Some(0)), any::<i32>().prop_map(Some)];
    let result = (content(), code, any::<bool>())
        .prop_map(|(content, code, is_error)| result(content, code, is_error));
    let calls = prop::collection::vec((call(), prop::option::of(result)), 0..12);
    let statuses = vec![
        RunStatus::Ok,
        RunStatus::Timeout,
        RunStatus::TurnLimit,
        RunStatus::Truncated,
        RunStatus::Filtered,
        RunStatus::ProviderFault,
        RunStatus::HarnessCrashed,
        RunStatus::ParseFailed,
    ];
    let about = prop::option::of(prop::sample::select(FailureClass::ALL.to_vec()));
    let corrections = prop::collection::vec((about, any::<String>()), 0..3);
    (calls, prop::sample::select(statuses), corrections).prop_map(|(calls, status, corrections)| {
        let corrections = corrections
            .into_iter()
            .map(|(about, what)| Correction { about, what, turn: 0 })
            .collect();
        Trace { corrections, ..trace(calls, status) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn any_trace_is_diagnosed(trace in any_trace()) {
        hold(&trace);
    }
}

#[test]
fn long_outputs_are_looked_at_from_both_ends() {
    let fill = "lorem ipsum dolor sit amet 'x' 0x12 /a/b/c 12:30 ".repeat(1 << 15);
    assert!(fill.len() > 1 << 20);
    let command = |output: String| {
        let arguments = json!({ "command": "python3 scripts/report.py" });
        let call = ToolCall { id: "1".into(), name: "execute_command".into(), arguments };
        trace(vec![(call, Some(result(output, Some(1), true)))], RunStatus::Ok)
    };
    let told = "ModuleNotFoundError: No module named 'figlib'";
    for output in [format!("{told}\n{fill}"), format!("{fill}\n{told}")] {
        let trace = command(output);
        hold(&trace);
        let found = symptoms(&trace);
        assert_eq!(found[0].kind, SymptomKind::MissingModule);
        assert_eq!(found[0].subject.as_deref(), Some("figlib"));
    }
    // One line, one character, and what a regular expression with backtracking would despair of.
    for output in [
        fill.clone(),
        "a".repeat(1 << 20),
        "é".repeat(1 << 19),
        "'".repeat(1 << 20),
        "/".repeat(1 << 20),
        "\n".repeat(1 << 20),
        "\u{0}".repeat(1 << 20),
        "error: ".repeat(1 << 18),
        format!("sh: 1: {}: not found", "a".repeat(1 << 20)),
        format!("No module named '{}'", "a.".repeat(1 << 19)),
    ] {
        hold(&command(output));
    }
}

/// Many calls, each of which fails, are no quadratic work either.
#[test]
fn long_sessions_are_looked_at() {
    let calls = (0..2_000).map(|number| {
        let arguments = json!({ "command": format!("figtool report {}", number % 50) });
        let call = ToolCall { id: number.to_string(), name: "execute_command".into(), arguments };
        (call, Some(result(format!("bad weather {number}"), Some(number % 3), number % 3 != 0)))
    });
    hold(&trace(calls.collect(), RunStatus::TurnLimit));
}
