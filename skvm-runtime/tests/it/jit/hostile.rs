//! Damaged records, failing stores, secrets, and texts of any kind.

use std::sync::Arc;

use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::{Value, json};
use skvm_core::digest::Digest;
use skvm_core::harness::RunStatus;
use skvm_core::llm::ToolCall;
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_passes::manager::PassManager;
use skvm_runtime::jit::{LearnedFor, SolidifiedState, SolidifyPolicy};
use skvm_runtime::session::Session;
use skvm_runtime::store::{MemoryStore, Store};

use super::host::{Answer, Host, between, quoted, words};
use super::learning::{TASKS, converts, learned, tasks, world};
use super::stores::Slow;
use crate::watched::Watched;

#[test]
fn a_store_that_fails_breaks_no_session() {
    for operation in ["records", "swap_record", "append_trace"] {
        let store = Watched::failing(operation);
        let shared: Arc<dyn Store> = store.clone();
        let host = Host::on(shared, SolidifyPolicy::default());
        let asked = host.run_all(&TASKS, &converts, &world);
        if operation != "append_trace" {
            assert_eq!(asked, [2; 6], "{operation}");
        }
        assert_eq!(
            block_on(host.jit.solidified(LearnedFor::target(&host.target))).is_err(),
            operation == "records"
        );
        store.heal();
        let asked = host.run_all(
            &tasks(0, 6).iter().map(String::as_str).collect::<Vec<_>>(),
            &converts,
            &world,
        );
        assert_eq!(asked[5], 0, "{operation}");
    }
}

/// The store fails after something was solidified: the model does the work.
#[test]
fn a_store_that_cannot_be_read_leaves_the_work_to_the_model() {
    let watched = Arc::new(Watched::default());
    let host = Host::on(watched.clone(), SolidifyPolicy::default());
    let _ = host.run_all(&TASKS, &converts, &world);
    let failing: Arc<dyn Store> = Watched::failing("records");
    let other = Host::on(failing, SolidifyPolicy::default());
    assert!(other.probe(TASKS[0]).is_none());
    let error = block_on(other.jit.forget(LearnedFor::target(&other.target))).unwrap_err();
    assert_eq!(error.to_string(), "store: records");
}

/// The scope and the key of the only record that a host wrote.
fn only_record(store: &Slow) -> (Digest, Digest) {
    let written = store.written.lock().unwrap();
    assert_eq!(written.len(), 1);
    *written.keys().next().unwrap()
}

#[test]
fn damaged_records_are_left_aside_and_written_anew() {
    let store = Slow::failing(0);
    let shared: Arc<dyn Store> = store.clone();
    let host = Host::on(Arc::clone(&shared), SolidifyPolicy::default());
    let _ = host.run_all(&TASKS, &converts, &world);
    let whole = store.texts().remove(0);
    let parsed: Value = serde_json::from_str(&whole).unwrap();
    let mut damaged = vec![
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "{\"routines\": 7}".to_owned(),
        "\u{0}".to_owned(),
        "[".repeat(100_000),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("\"streak\"", "\"strike\""),
        whole.replacen("\"gap\":0", "\"gap\":99999999", 3),
        whole.replace("\"needed\":3", "\"needed\":-3"),
        whole.replace("\"needed\":3", "\"needed\":0"),
    ];
    let mut steps = parsed.clone();
    steps["routines"][0]["routine"]["steps"] = json!([]);
    damaged.push(steps.to_string());
    let mut twice = parsed.clone();
    let first = parsed["routines"][0].clone();
    twice["routines"].as_array_mut().unwrap().push(first);
    damaged.push(twice.to_string());
    check_damaged(&store, &damaged);
}

/// Numbers that are too large are no reason to break down.
#[test]
fn numbers_at_their_ends_are_no_trouble() {
    let store = Slow::failing(0);
    let host = Host::on(store.clone(), SolidifyPolicy::default());
    let _ = host.run_all(&TASKS, &converts, &world);
    let whole = store.texts().remove(0);
    let parsed: Value = serde_json::from_str(&whole).unwrap();
    let mut damaged = vec![whole.replace("\"failures\":0", "\"failures\":4294967295")];
    for name in ["runs", "predictions", "correct", "answered", "sideExits", "savedCalls", "savedMs"]
    {
        let mut more = parsed.clone();
        more["routines"][0]["counters"][name] = json!(u64::MAX);
        damaged.push(more.to_string());
    }
    let mut more = parsed.clone();
    more["routines"][0]["baseline"] = json!({"runs": u64::MAX, "calls": u64::MAX, "tokens": u64::MAX, "known": 1, "millis": u64::MAX});
    more["routines"][0]["counters"]["savedTokens"] = json!(u64::MAX);
    damaged.push(more.to_string());
    let mut more = parsed;
    more["next"] = json!(u32::MAX);
    more["routines"][0]["solidified"] = json!(false);
    more["routines"][0]["streak"] = json!(u32::MAX);
    damaged.push(more.to_string());
    check_damaged(&store, &damaged);
}

/// Puts each text in the place of the only record. Sessions go on all the same, and learn anew.
fn check_damaged(store: &Arc<Slow>, damaged: &[String]) {
    let (scope, key) = only_record(store);
    let shared: Arc<dyn Store> = store.clone();
    let host = Host::on(Arc::clone(&shared), SolidifyPolicy::default());
    let mut faults = Vec::new();
    for (number, text) in damaged.iter().enumerate() {
        let run = || check_one_damaged(store, &host, (scope, key), number, text);
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
            faults.push(number);
        }
    }
    assert!(faults.is_empty(), "{faults:?}");
}

fn check_one_damaged(
    store: &Arc<Slow>,
    host: &Host,
    (scope, key): (Digest, Digest),
    number: usize,
    text: &str,
) {
    let shared: Arc<dyn Store> = store.clone();
    let records = block_on(store.records(scope, 0)).unwrap();
    let revision = records[0].revision;
    block_on(store.swap_record(scope, key, revision, Some(text))).unwrap().unwrap();
    for host in [host, &Host::on(Arc::clone(&shared), SolidifyPolicy::default())] {
        let _ = block_on(host.reports());
        let outcome = block_on(host.run("Convert data/q77.csv to JSON.", &converts, &world));
        assert_eq!(outcome.text.split(' ').next(), Some("Done:"), "{number}");
        assert_eq!(words(outcome.commands()[0])[0], "data/q77.csv", "{number}");
    }
    // It is learned again, under the same key.
    block_on(host.jit.forget(LearnedFor::target(&host.target))).unwrap();
    let all = tasks(number * 100, 6);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(host.run_all(&all, &converts, &world)[5], 0, "{number}");
    assert_eq!(block_on(store.records(scope, 0)).unwrap().len(), 1);
}

/// A record that cannot be read is forgotten with the others.
#[test]
fn damaged_records_are_forgotten_too() {
    let store = Slow::failing(0);
    let host = Host::on(store.clone(), SolidifyPolicy::default());
    let _ = host.run_all(&TASKS, &converts, &world);
    let (scope, key) = only_record(&store);
    let revision = block_on(store.records(scope, 0)).unwrap()[0].revision;
    block_on(store.swap_record(scope, key, revision, Some("{"))).unwrap().unwrap();
    block_on(host.jit.forget(LearnedFor::target(&host.target))).unwrap();
    assert_eq!(block_on(store.records(scope, 0)).unwrap()[0].value, None);
}

/// What is written can be read by another process, whatever was seen.
#[test]
fn deep_outputs_and_arguments_are_read_back() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let deep_object = |depth: usize| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
    for depth in [10, 40, 60, 100, 120, 127, 200] {
        for output in [deep(depth), deep_object(depth)] {
            let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
            let host = Host::on(Arc::clone(&store), SolidifyPolicy::default());
            let all = tasks(0, 5);
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let model = |task: &str, results: &[String]| match results.len() {
                0 => converts(task, &[]),
                _ => Answer::text("done"),
            };
            let _ = host.run_all(&all, &model, &|_: &ToolCall| (output.clone(), 0));
            let other = Host::on(store, SolidifyPolicy::default());
            assert_eq!(block_on(other.reports()), block_on(host.reports()), "{depth}");
        }
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let host = Host::on(Arc::clone(&store), SolidifyPolicy::default());
        let nested = (0..depth).fold(json!(1), |value, _| json!([value]));
        let model = |task: &str, results: &[String]| match results.len() {
            0 => {
                let file = super::learning::file(task);
                Answer::call("convert", json!({"file": file, "options": nested}))
            }
            _ => Answer::text("done"),
        };
        for task in tasks(0, 5) {
            let _ = block_on(host.run(&task, &model, &|_: &ToolCall| ("ok".to_owned(), 0)));
        }
        let other = Host::on(store, SolidifyPolicy::default());
        assert_eq!(block_on(other.reports()), block_on(host.reports()), "arguments {depth}");
    }
}

#[test]
fn what_is_too_large_is_not_learned_from() {
    let text = "x ".repeat(200_000);
    let large_arguments = |_: &str, results: &[String]| match results.len() {
        0 => Answer::command(format!("echo {}", quoted(&text))),
        _ => Answer::text("done"),
    };
    let many_calls = |task: &str, results: &[String]| match results.len() {
        0..6 => Answer::Calls(
            (0..10).map(|n| ("f", json!({"file": super::learning::file(task), "n": n}))).collect(),
        ),
        _ if results.len() < 60 => Answer::Calls(
            (0..10).map(|n| ("f", json!({"file": super::learning::file(task), "n": n}))).collect(),
        ),
        _ => Answer::text("done"),
    };
    let ok = |_: &ToolCall| ("ok".to_owned(), 0);
    let host = Host::new(SolidifyPolicy::default());
    for task in tasks(0, 5) {
        let _ = block_on(host.run(&task, &large_arguments, &ok));
        let _ = block_on(host.run(&task, &many_calls, &ok));
        let _ = block_on(host.run(&format!("{task} {text}"), &converts, &world));
    }
    assert!(block_on(host.reports()).is_empty());
}

/// An output that is too long to be learned from as a whole is guarded by its beginning.
#[test]
fn long_outputs_are_no_trouble() {
    let host = Host::new(SolidifyPolicy::default());
    let long = |call: &ToolCall| ("\u{fc}".repeat(30_000 + call.arguments.to_string().len()), 0);
    let model = |task: &str, results: &[String]| match results.len() {
        0 => converts(task, &[]),
        _ => Answer::text("done"),
    };
    let all = tasks(0, 6);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let asked = host.run_all(&all, &model, &long);
    assert_eq!(asked[5], 0, "{asked:?}");
}

fn with_key(key: &str, extra: &str, city: &str) -> String {
    format!("curl {extra}-H 'X-Key: {key}' https://api.example.org/v1/{city}")
}

/// Runs with a secret in the place that the skill names; everything that was written meanwhile.
fn secret_runs(extra: &str) -> String {
    let text = "---\nname: w\ndescription: Weather.\n---\n# Weather\n\n```bash\n\
                curl -H 'X-Key: YOUR_API_KEY' https://api.example.org/v1/<city>\n```\n";
    let store = Slow::failing(0);
    let shared: Arc<dyn Store> = store.clone();
    let host = Host::on(shared, SolidifyPolicy::default());
    let skill = Skill::from_text("/nowhere/w", text);
    let unit = Unit::new(skill.clone(), host.target.clone());
    let variant = block_on(PassManager::standard().compile(&unit)).unwrap().variant;
    let learned = LearnedFor::target(&host.target).with_skill(&skill, Some(&variant));
    for (number, city) in ["Berlin", "Oslo", "Rome", "Paris", "Lima", "Quito"].iter().enumerate() {
        let model = |_: &str, results: &[String]| match results.len() {
            0 => Answer::command(with_key("s3cr3t-0815", extra, city)),
            _ => Answer::text("Sunny."),
        };
        let session = Session::new(host.target.clone(), format!("What is the weather in {city}?"))
            .with_skill(&skill, Some(&variant))
            .with_jit(&host.jit, learned);
        let outcome = block_on(host.drive(session, &model, &|_: &ToolCall| ("21".to_owned(), 0)));
        assert_eq!(outcome.model_calls, 2, "{number}");
        assert!(block_on(host.jit.solidified(learned)).unwrap().is_empty());
    }
    store.texts().concat()
}

#[test]
fn a_run_with_a_secret_is_not_kept() {
    assert_eq!(secret_runs(""), "");
}

/// The model writes the command with an option more than the skill; its key is as secret.
#[test]
fn a_run_with_a_secret_in_a_similar_call_is_not_kept() {
    let written = secret_runs("-s ");
    assert!(!written.contains("s3cr3t"), "{written}");
}

#[test]
fn a_wording_without_words_is_no_task() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| match results.len() {
        0 => Answer::call("say", json!({"text": task})),
        _ => Answer::text("done"),
    };
    let ok = |_: &ToolCall| ("ok".to_owned(), 0);
    for number in 0..8 {
        for task in [
            format!("{number}"),
            format!("do {number}"),
            format!("a{number} b{number} c"),
            String::new(),
        ] {
            assert_eq!(block_on(host.run(&task, &model, &ok)).model_calls, 2, "{task}");
        }
    }
    assert!(!host.is_solidified(), "{:#?}", block_on(host.reports()));
}

#[test]
fn routines_that_are_seen_once_make_room() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| match results.len() {
        0 => Answer::command(format!("python3 job.py {}", quoted(task))),
        _ => Answer::text("done"),
    };
    let ok = |_: &ToolCall| ("ok".to_owned(), 0);
    for number in 0..80 {
        let task: String =
            format!("{number:08b}").replace('0', "alpha beta ").replace('1', "gamma ");
        let _ = block_on(host.run(&task, &model, &ok));
    }
    assert!(block_on(host.reports()).len() <= 64);
    let _ = host.run_all(&TASKS[..5], &converts, &world);
    assert!(host.is_solidified());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever tasks, arguments and outputs are: nothing breaks, and what is answered is what the model says.
    #[test]
    fn texts_of_any_kind_do_no_harm(
        values in prop::collection::vec(any::<String>(), 6),
        outputs in prop::collection::vec(any::<String>(), 6),
        status in prop::sample::select(vec![0, 0, 0, 1]),
    ) {
        let host = Host::new(SolidifyPolicy::default().promote_after(1));
        for (value, output) in values.iter().zip(&outputs) {
            let task = format!("Tell everybody {value} in due time");
            let model = |_: &str, results: &[String]| match results.len() {
                0 => Answer::Calls(vec![
                    ("tell", json!({"text": value, "n": [value, output, 1.5e300]})),
                    ("execute_command", json!({"command": format!("printf '%s' {}", quoted(value))})),
                    ("write_file", json!({"path": "a.py", "content": format!("print({value:?})")})),
                ]),
                _ => Answer::text(output.clone()),
            };
            let outcome = block_on(host.run(&task, &model, &|_: &ToolCall| (output.clone(), status)));
            if outcome.model_calls == 0 || outcome.calls.len() == 3 && outcome.trace.turns[0].solidified {
                prop_assert_eq!(&outcome.calls[0].arguments["text"], &json!(value));
            }
            // A task and inputs that are nothing but noise.
            let session = host.session_with(value, &[(output, value), ("x", output)]);
            let _ = block_on(host.drive(session, &model, &|_: &ToolCall| (output.clone(), status)));
            let _ = host.probe(value);
        }
        let other = Host::on(Arc::clone(&host.store), SolidifyPolicy::default());
        prop_assert_eq!(block_on(other.reports()).len(), block_on(host.reports()).len());
    }

    /// A solidified answer is the call that the model would have made.
    #[test]
    fn an_answer_is_the_call_of_the_model(
        values in prop::collection::vec("[a-zA-Z0-9./_'\"$;\\\\][a-zA-Z0-9 ./_'\"$;\\\\-]{0,12}", 8),
    ) {
        let host = Host::new(SolidifyPolicy::default());
        let model = |task: &str, results: &[String]| {
            let value = between(task, "<<", ">>");
            match results.len() {
                0 => Answer::command(format!("python3 run.py --text {} --end", quoted(value))),
                _ => Answer::text(format!("Said {value}")),
            }
        };
        for value in &values {
            let task = format!("Say <<{value}>> to everybody");
            let expected = value.clone();
            let outcome = block_on(host.run(&task, &model, &|_: &ToolCall| ("ok".to_owned(), 0)));
            prop_assert_eq!(words(outcome.commands()[0]), [expected]);
            prop_assert_eq!(outcome.text, format!("Said {value}"));
        }
    }

    /// Nothing is solidified without as many correct predictions in a row, each about something else.
    #[test]
    fn nothing_is_solidified_without_its_evidence(
        needed in 1_u32..5,
        runs in prop::collection::vec((0_usize..6, 0_u8..10), 1..24),
    ) {
        let host = Host::new(SolidifyPolicy::default().promote_after(needed));
        // By the way that was gone: the task of the first run, and those of the runs since that went the same way
        // in a row.
        let mut ways: [(Option<usize>, std::collections::BTreeSet<usize>); 2] = Default::default();
        for (number, kind) in runs {
            let task = TASKS[number];
            let other = |task: &str, results: &[String]| match results.len() {
                0 => Answer::command(format!("jq . {}", super::learning::file(task))),
                _ => Answer::text("done"),
            };
            let model: super::host::Model<'_> = if kind < 3 { &other } else { &converts };
            let failing = super::learning::failing;
            let place: super::host::World<'_> = if kind == 3 { &failing } else { &world };
            let status = match kind {
                4 => RunStatus::TurnLimit,
                5 => RunStatus::ProviderFault,
                _ => RunStatus::Ok,
            };
            let outcome = block_on(host.drive_to(host.session(task), status, model, place));
            prop_assert_eq!(outcome.model_calls, 2);
            let went = match kind {
                0..=2 => Some(0),
                3 | 4 => None,
                5 => continue,
                _ => Some(1),
            };
            for (way, (first, row)) in ways.iter_mut().enumerate() {
                if went != Some(way) {
                    row.clear();
                    // What was learned from before may be evidence now.
                    *first = first.map(|_| usize::MAX);
                } else if first.is_none() {
                    *first = Some(number);
                } else if *first != Some(number) {
                    row.insert(number);
                }
            }
            for report in block_on(host.reports()) {
                if report.state == SolidifiedState::Solidified {
                    let way = usize::from(report.calls[0].contains("convert.py"));
                    prop_assert!(ways[way].1.len() >= needed as usize, "{ways:?} {report:#?}");
                    return Ok(());
                }
            }
        }
    }
}

#[test]
fn a_host_that_was_learned_answers_at_once() {
    let host = learned(SolidifyPolicy::default());
    assert!(host.probe("Convert data/f99.csv to JSON.").is_some());
}
