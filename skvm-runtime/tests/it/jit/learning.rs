//! From the first run to the solidified one, and back.

use futures::executor::block_on;
use serde_json::json;
use skvm_core::harness::RunStatus;
use skvm_core::llm::ToolCall;
use skvm_runtime::jit::{SolidifiedState, SolidifyPolicy};

use super::host::{Answer, Host, quoted, same_call};

/// The file's name in a task like "Convert data/q1.csv to JSON."
pub(super) fn file(task: &str) -> &str {
    task.split_whitespace().find(|word| word.contains(".csv")).unwrap().trim_end_matches('.')
}

/// A model that converts a file by a script and tells what came of it.
pub(super) fn converts(task: &str, results: &[String]) -> Answer {
    let file = file(task);
    let stem = file.rsplit('/').next().unwrap().trim_end_matches(".csv");
    match results.last() {
        None => Answer::command(format!("python3 scripts/convert.py {file} --out out/{stem}.json")),
        Some(result) => Answer::text(format!("Done: {}", result.trim())),
    }
}

pub(super) fn world(call: &ToolCall) -> (String, i32) {
    let command = call.arguments["command"].as_str().unwrap();
    let out = command.split_whitespace().last().unwrap().trim_matches('\'');
    (format!("wrote {} rows to {out}\n", command.len()), 0)
}

/// Where every program fails.
pub(super) fn failing(_: &ToolCall) -> (String, i32) {
    ("Traceback (most recent call last):\nOSError: disk full\n".to_owned(), 1)
}

/// A world in which only the file of that name fails.
fn failing_for(name: &'static str) -> impl Fn(&ToolCall) -> (String, i32) + Sync {
    move |call| if call.arguments.to_string().contains(name) { failing(call) } else { world(call) }
}

pub(super) const TASKS: [&str; 6] = [
    "Convert data/q1.csv to JSON.",
    "Convert data/q2.csv to JSON.",
    "Convert data/q3.csv to JSON.",
    "Convert data/q4.csv to JSON.",
    "Convert data/q5.csv to JSON.",
    "Convert data/q6.csv to JSON.",
];

/// As many different tasks as are needed.
pub(super) fn tasks(from: usize, count: usize) -> Vec<String> {
    (from..from + count).map(|number| format!("Convert data/f{number}.csv to JSON.")).collect()
}

fn run_all(host: &Host, tasks: &[&str]) -> Vec<usize> {
    host.run_all(tasks, &converts, &world)
}

fn run_each(host: &Host, tasks: &[String]) -> Vec<usize> {
    run_all(host, &tasks.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A host with a solidified routine.
pub(super) fn learned(policy: SolidifyPolicy) -> Host {
    let host = Host::new(policy);
    let _ = run_each(&host, &tasks(0, 10));
    host
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

#[test]
fn the_state_goes_up_step_by_step() {
    let host = Host::new(SolidifyPolicy::default());
    use SolidifiedState::{Observed, Predicted, Solidified};
    for (task, state) in
        TASKS.iter().zip([Observed, Predicted(1), Predicted(2), Solidified, Solidified])
    {
        let _ = run_all(&host, &[*task]);
        assert_eq!(host.state(), state, "{task}");
    }
}

#[test]
fn as_many_predictions_promote_as_the_policy_says() {
    let mut found = Vec::new();
    for needed in [1, 2, 3, 5, 8] {
        let host = Host::new(SolidifyPolicy::default().promote_after(needed));
        let asked = run_each(&host, &tasks(0, 12));
        let report = block_on(host.report());
        assert_eq!(report.needed, needed);
        found.push((needed, asked.iter().position(|calls| *calls == 0), report.counters.correct));
    }
    // One run to learn from, and the predicted ones.
    let expected = [1_u32, 2, 3, 5, 8].map(|it| (it, Some(it as usize + 1), u64::from(it)));
    assert_eq!(found, expected);
}

#[test]
fn a_threshold_of_zero_is_one() {
    let host = Host::new(SolidifyPolicy::default().promote_after(0).demote_after(0));
    assert_eq!(run_all(&host, &TASKS[..1]), [2]);
    assert!(!host.is_solidified());
}

#[test]
fn the_same_task_again_is_no_evidence() {
    for needed in [1, 2, 3] {
        let host = Host::new(SolidifyPolicy::default().promote_after(needed));
        assert_eq!(run_all(&host, &[TASKS[0]; 8]), [2; 8], "{needed}");
        assert!(!host.is_solidified(), "{needed}");
    }
}

#[test]
fn two_tasks_in_turn_are_two_inputs() {
    let host = Host::new(SolidifyPolicy::default());
    let in_turn = [TASKS[0], TASKS[1]].repeat(5);
    assert_eq!(run_all(&host, &in_turn), [2; 10]);
    assert!(!host.is_solidified());
}

/// The run that something was learned from is no evidence for it when it comes again.
#[test]
fn what_was_learned_from_does_not_prove_itself() {
    let host = Host::new(SolidifyPolicy::default());
    let _ = run_all(&host, &[TASKS[0], TASKS[0], TASKS[1], TASKS[2]]);
    assert_eq!(host.state(), SolidifiedState::Predicted(2));
}

#[test]
fn several_calls_in_one_run_count_once() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| match results.len() {
        done @ 0..4 => Answer::command(format!("python3 step.py {} --part {done}", file(task))),
        _ => Answer::text("done"),
    };
    let world = |_: &ToolCall| ("ok\n".to_owned(), 0);
    assert_eq!(host.run_all(&TASKS[..1], &model, &world), [5]);
    assert_eq!(host.state(), SolidifiedState::Observed);
    assert_eq!(host.run_all(&TASKS[1..5], &model, &world), [5, 5, 5, 0]);
    let counters = block_on(host.report()).counters;
    assert_eq!((counters.runs, counters.predictions, counters.saved_calls), (4, 3, 5));
}

#[test]
fn a_prediction_that_fails_begins_anew() {
    let host = Host::new(SolidifyPolicy::default());
    let other = |task: &str, results: &[String]| match results.len() {
        0 => Answer::command(format!("jq -R . {}", quoted(file(task)))),
        _ => Answer::text("done"),
    };
    let state = || {
        let reports = block_on(host.reports());
        reports.iter().max_by_key(|report| report.counters.runs).unwrap().state
    };
    let _ = run_all(&host, &TASKS[..3]);
    assert_eq!(state(), SolidifiedState::Predicted(2));
    let _ = host.run_all(&["Convert data/q7.csv to JSON."], &other, &world);
    assert_eq!(state(), SolidifiedState::Observed);
    assert_eq!(run_each(&host, &tasks(0, 3)), [2, 2, 2]);
    assert_eq!(run_each(&host, &tasks(3, 1)), [0]);
}

#[test]
fn a_run_without_calls_is_a_prediction_that_fails() {
    let host = Host::new(SolidifyPolicy::default());
    let _ = run_all(&host, &TASKS[..3]);
    let refuses = |_: &str, _: &[String]| Answer::text("I would rather not.");
    let _ = host.run_all(&["Convert data/q7.csv to JSON."], &refuses, &world);
    assert_eq!(host.state(), SolidifiedState::Observed);
}

#[test]
fn a_model_that_does_it_in_two_ways_is_not_followed() {
    let host = Host::new(SolidifyPolicy::default());
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let model = |task: &str, results: &[String]| match results.len() {
        0 if turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst).is_multiple_of(2) => {
            Answer::command(format!("python3 a.py {}", file(task)))
        }
        0 => Answer::command(format!("node b.js {}", file(task))),
        _ => Answer::text("done"),
    };
    let all = tasks(0, 12);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(host.run_all(&all, &model, &world), [2; 12]);
    assert!(!host.is_solidified());
}

#[test]
fn a_look_between_does_not_matter() {
    let looks = |calls: &'static [usize]| {
        move |task: &str, results: &[String]| {
            let number: usize =
                file(task).trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
            let looks = calls.contains(&number);
            match results.len() {
                0 if looks => Answer::command("ls -la data"),
                1 if looks => Answer::call("read_file", json!({"path": "README.md"})),
                2 if looks => converts(task, &[]),
                0 => converts(task, &[]),
                _ => Answer::text("done"),
            }
        }
    };
    let world = |call: &ToolCall| match call.arguments["command"].as_str() {
        Some(command) if command.starts_with("python3") => world(call),
        _ => ("a\nb\n".to_owned(), 0),
    };
    let mut faults = Vec::new();
    // Never; in some runs; in the first only; in all but the last.
    for calls in [&[][..], &[1, 3], &[2], &[0], &[0, 1, 2], &[0, 1, 2, 3, 4]] {
        let host = Host::new(SolidifyPolicy::default());
        let all = tasks(0, 5);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let asked = host.run_all(&all, &looks(calls), &world);
        if asked[4] != 0 {
            faults.push(format!("looks in {calls:?}: {asked:?}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn three_failures_in_a_row_demote() {
    let host = learned(SolidifyPolicy::default());
    let all = tasks(100, 4);
    for (number, task) in all.iter().enumerate() {
        assert!(host.is_solidified() == (number < 3), "{number}");
        let outcome = block_on(host.run(task, &converts, &failing));
        assert_eq!(outcome.model_calls, if number < 3 { 1 } else { 2 });
    }
    let report = block_on(host.report());
    assert_eq!((report.state, report.demotions), (SolidifiedState::Demoted, 1));
    assert_eq!((report.needed, report.counters.side_exits), (6, 3));
}

#[test]
fn a_success_resets_the_failures() {
    let host = learned(SolidifyPolicy::default());
    let bad = failing_for("bad");
    for task in ["bad1", "bad2", "f50", "bad3", "bad4", "f51", "bad5", "bad6"] {
        let task = format!("Convert data/{task}.csv to JSON.");
        let _ = block_on(host.run(&task, &converts, &bad));
    }
    assert_eq!(host.state(), SolidifiedState::Solidified);
    let counters = block_on(host.report()).counters;
    assert_eq!(counters.side_exits, 6);
}

#[test]
fn as_many_failures_demote_as_the_policy_says() {
    for limit in [1, 2, 5] {
        let host = learned(SolidifyPolicy::default().demote_after(limit));
        for (number, task) in tasks(100, 6).iter().enumerate() {
            let expected = number < usize::try_from(limit).unwrap();
            assert_eq!(host.is_solidified(), expected, "{limit}: {number}");
            let _ = block_on(host.run(task, &converts, &failing));
        }
    }
}

#[test]
fn it_takes_twice_the_evidence_after_each_demotion() {
    let host = learned(SolidifyPolicy::default());
    let mut next = 1000;
    for (demotions, needed) in [(1, 6), (2, 12), (3, 24), (4, 48), (5, 48)] {
        for task in tasks(next, 3) {
            let _ = block_on(host.run(&task, &converts, &failing));
        }
        next += 3;
        let report = block_on(host.report());
        assert_eq!((report.demotions, report.needed), (demotions, needed));
        assert_eq!(report.state, SolidifiedState::Demoted);
        let count = usize::try_from(needed).unwrap();
        // What was learned is still there, so that each of these is a prediction.
        assert_eq!(run_each(&host, &tasks(next, count)), vec![2; count], "{demotions}");
        assert_eq!(run_each(&host, &tasks(next + count, 1)), [0], "{demotions}");
        next += count + 1;
    }
}

#[test]
fn a_routine_that_was_demoted_is_not_proven_by_old_tasks_alone() {
    let host = learned(SolidifyPolicy::default());
    for task in tasks(100, 3) {
        let _ = block_on(host.run(&task, &converts, &failing));
    }
    let again = TASKS[..3].repeat(4);
    assert_eq!(run_all(&host, &again), vec![2; 12]);
    assert!(!host.is_solidified());
}

#[test]
fn tasks_of_two_wordings_are_learned_apart() {
    let host = Host::new(SolidifyPolicy::default());
    let wordings: [fn(usize) -> String; 2] = [
        |number| format!("Convert data/a{number}.csv to JSON."),
        |number| format!("I need data/b{number}.csv as a JSON file"),
    ];
    for number in 0..4 {
        for wording in wordings {
            let asked = run_each(&host, &[wording(number)]);
            assert_eq!(asked, [2], "{number}");
        }
    }
    for wording in wordings {
        assert_eq!(run_each(&host, &[wording(9)]), [0]);
    }
    let reports = block_on(host.reports());
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[0].template, reports[1].template);
}

/// The code is another text each time; its structure is the same.
#[test]
fn code_that_is_worded_differently_is_the_same_code() {
    let scripts: [fn(&str) -> String; 4] = [
        |file| format!("import json\nrows = open('{file}').read()\nprint(json.dumps(rows))\n"),
        |file| {
            format!(
                "import json\n# reads it\ntext = open(\"{file}\").read()\nprint(json.dumps(text))"
            )
        },
        |file| {
            format!(
                "import json\n\nd = open( '{file}' ).read()   # all of it\n\nprint( json.dumps(d) )\n"
            )
        },
        |file| {
            format!(
                "import json\ncontent = (open('''{file}''').read())\nprint(json.dumps(content))\n"
            )
        },
    ];
    let runs = std::sync::atomic::AtomicUsize::new(0);
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| {
        let file = file(task);
        match results.len() {
            0 => {
                let run = runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let content = scripts[run % 4](file);
                Answer::call("write_file", json!({"path": "run.py", "content": content}))
            }
            1 => Answer::command(
                ["python3 run.py", "python3  'run.py'"]
                    [runs.fetch_add(0, std::sync::atomic::Ordering::SeqCst) % 2],
            ),
            _ => Answer::text("done"),
        }
    };
    let world = |call: &ToolCall| {
        let content = if call.name == "write_file" { "written" } else { "\"rows\"" };
        (content.to_owned(), 0)
    };
    let all = tasks(0, 5);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(host.run_all(&all[..4], &model, &world), [3; 4]);
    let outcome = block_on(host.run(all[4], &model, &world));
    assert_eq!((outcome.model_calls, outcome.text.as_str()), (0, "done"));
    let expected = json!({"path": "run.py", "content": scripts[0]("data/f4.csv")});
    let call = &outcome.calls[0];
    assert!(same_call((&call.name, &call.arguments), ("write_file", &expected)), "{call:?}");
}

#[test]
fn a_final_text_that_varies_is_the_models() {
    let host = Host::new(SolidifyPolicy::default());
    let runs = std::sync::atomic::AtomicUsize::new(0);
    let model = |task: &str, results: &[String]| match results.len() {
        0 => converts(task, &[]),
        _ => {
            let run = runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let word = ["Done", "All good here", "Finished it for you", "Ready!"][run % 4];
            Answer::text(format!("{word}, {}", run * 7919))
        }
    };
    let all = tasks(0, 6);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(host.run_all(&all, &model, &world), [2, 2, 2, 2, 1, 1]);
    let report = block_on(host.report());
    assert!(!report.answers);
    assert_eq!(report.counters.saved_calls, 2);
}

/// A text that was right by chance in some runs is not proven.
#[test]
fn a_final_text_is_answered_only_when_it_was_foreseen_in_a_row() {
    let host = Host::new(SolidifyPolicy::default());
    let runs = std::sync::atomic::AtomicUsize::new(0);
    let model = |task: &str, results: &[String]| match results.len() {
        0 => converts(task, &[]),
        _ => {
            let run = runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Answer::text(if run == 3 { "It took a while." } else { "Done." })
        }
    };
    let all = tasks(0, 6);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(host.run_all(&all, &model, &world), [2, 2, 2, 2, 1, 1]);
}

/// What stands in a gap that no value comes from alternates; the predictions are right all the same.
#[test]
fn correct_predictions_promote_also_when_a_word_alternates() {
    let host = Host::new(SolidifyPolicy::default());
    let mut asked = Vec::new();
    for number in 0..10 {
        let word = ["Please", "Now"][number % 2];
        let task = format!("{word} convert data/f{number}.csv to JSON.");
        asked.extend(run_each(&host, &[task]));
    }
    assert!(host.is_solidified(), "{asked:?} {:#?}", block_on(host.reports()));
}

/// The day of one date is the month of another.
#[test]
fn correct_predictions_promote_also_when_parts_of_values_coincide() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| match results.len() {
        0 => {
            let day = super::host::between(task, "sales of ", " as");
            Answer::command(format!("python3 sales.py --day {day}"))
        }
        _ => Answer::text("done"),
    };
    let days = ["2024-05-01", "2023-11-30", "2022-01-17", "2024-12-24", "2021-07-04", "2024-01-12"];
    let all: Vec<String> =
        days.iter().map(|day| format!("Show the sales of {day} as a table")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let asked = host.run_all(&all, &model, &|_: &ToolCall| ("ok".to_owned(), 0));
    assert!(host.is_solidified(), "{asked:?} {:#?}", block_on(host.reports()));
}

/// Two of the first runs happen to print the same.
#[test]
fn correct_predictions_promote_also_when_outputs_coincide() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| match results {
        [] => Answer::command(format!("python3 count.py {}", file(task))),
        [count] => Answer::call("report", json!({"lines": count.trim()})),
        _ => Answer::text("done"),
    };
    // 3, 5, 5, 5, 3, 5, 5, 5 ...
    let runs = std::sync::atomic::AtomicUsize::new(0);
    let world = |call: &ToolCall| {
        if call.name == "report" {
            return ("ok".to_owned(), 0);
        }
        let run = runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        (format!("{} lines\n", if run.is_multiple_of(4) { 3 } else { 5 }), 0)
    };
    let all = tasks(0, 12);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let asked = host.run_all(&all, &model, &world);
    assert!(host.is_solidified(), "{asked:?} {:#?}", block_on(host.reports()));
}

/// Values of one and of several words come in any order.
#[test]
fn correct_predictions_promote_also_when_values_are_of_several_makes() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| match results.len() {
        0 => {
            let text = super::host::between(task, "Translate \"", "\"");
            Answer::call("translate", json!({"text": text, "to": "fr"}))
        }
        _ => Answer::text("done"),
    };
    let world = |_: &ToolCall| ("ok".to_owned(), 0);
    let words = ["hello", "good morning", "thanks", "see you", "goodbye", "welcome", "nice day"];
    let all: Vec<String> =
        words.iter().map(|words| format!("Translate \"{words}\" to French")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let asked = host.run_all(&all, &model, &world);
    assert!(host.is_solidified(), "{asked:?} {:#?}", block_on(host.reports()));
}

#[test]
fn runs_that_did_not_end_well_are_not_learned_from() {
    for status in [
        RunStatus::Timeout,
        RunStatus::TurnLimit,
        RunStatus::Truncated,
        RunStatus::Filtered,
        RunStatus::ProviderFault,
        RunStatus::HarnessCrashed,
        RunStatus::ParseFailed,
    ] {
        let host = Host::new(SolidifyPolicy::default());
        for task in tasks(0, 6) {
            let outcome = block_on(host.drive_to(host.session(&task), status, &converts, &world));
            assert_eq!(outcome.model_calls, 2);
        }
        assert!(block_on(host.reports()).is_empty(), "{status:?}");
    }
}

#[test]
fn an_infrastructure_fault_says_nothing_and_another_end_resets() {
    for (status, streak) in [
        (RunStatus::ProviderFault, SolidifiedState::Predicted(2)),
        (RunStatus::HarnessCrashed, SolidifiedState::Predicted(2)),
        (RunStatus::ParseFailed, SolidifiedState::Predicted(2)),
        (RunStatus::Timeout, SolidifiedState::Observed),
        (RunStatus::TurnLimit, SolidifiedState::Observed),
    ] {
        let host = Host::new(SolidifyPolicy::default());
        let _ = run_all(&host, &TASKS[..3]);
        let session = host.session(TASKS[3]);
        let _ = block_on(host.drive_to(session, status, &converts, &world));
        assert_eq!(host.state(), streak, "{status:?}");
    }
}

/// The harness broke down while a routine was at work: nobody knows whether it would have gone well.
#[test]
fn a_solidified_run_that_the_infrastructure_ended_counts_neither_way() {
    let host = learned(SolidifyPolicy::default());
    let before = block_on(host.report());
    for task in tasks(100, 5) {
        let session = host.session(&task);
        let _ = block_on(host.drive_to(session, RunStatus::ProviderFault, &converts, &world));
    }
    assert_eq!(block_on(host.report()), before);
    // One that timed out is a failure.
    for task in tasks(200, 3) {
        let session = host.session(&task);
        let _ = block_on(host.drive_to(session, RunStatus::Timeout, &converts, &world));
    }
    assert_eq!(host.state(), SolidifiedState::Demoted);
}

#[test]
fn a_session_that_is_dropped_says_nothing() {
    use skvm_core::harness::{Hooks, TurnView};
    use skvm_core::llm::Message;
    let host = learned(SolidifyPolicy::default());
    let before = block_on(host.report());
    for task in tasks(100, 5) {
        let mut session = host.session(&task);
        let messages = [Message::user(task.clone())];
        let turn = TurnView { index: 0, task: &task, messages: &messages };
        let _ = block_on(session.before_llm(&turn));
        drop(session);
    }
    assert_eq!(block_on(host.report()), before);
    assert_eq!(run_each(&host, &tasks(200, 1)), [0]);
}

#[test]
fn what_is_forgotten_is_learned_anew() {
    use skvm_runtime::jit::LearnedFor;
    let host = learned(SolidifyPolicy::default());
    assert!(host.is_solidified());
    block_on(host.jit.forget(LearnedFor::target(&host.target))).unwrap();
    assert!(block_on(host.reports()).is_empty());
    assert_eq!(run_all(&host, &TASKS[..5]), [2, 2, 2, 2, 0]);
}

/// A session that began before is no evidence for what is learned after.
#[test]
fn a_session_from_before_a_reset_proves_nothing() {
    use skvm_core::harness::{Hooks, TurnView};
    use skvm_core::llm::Message;
    use skvm_runtime::jit::LearnedFor;
    let host = Host::new(SolidifyPolicy::default());
    let _ = run_all(&host, &TASKS[..2]);
    block_on(async {
        let mut session = host.session(TASKS[2]);
        let messages = [Message::user(TASKS[2])];
        let turn = TurnView { index: 0, task: TASKS[2], messages: &messages };
        let _ = session.before_llm(&turn).await;
        let answer = super::host::response(900, converts(TASKS[2], &[]));
        session.after_llm(&turn, &answer).await;
        host.jit.forget(LearnedFor::target(&host.target)).await.unwrap();
        let _ = host.run(TASKS[3], &converts, &world).await;
        let call = &answer.tool_calls[0];
        session.before_tool(call).await;
        let (content, status) = world(call);
        session.after_tool(call, &super::host::result(&content, status)).await;
        let turn = TurnView { index: 1, ..turn };
        let _ = session.before_llm(&turn).await;
        session.after_llm(&turn, &super::host::response(901, converts(TASKS[2], &[content]))).await;
        session.finish(RunStatus::Ok).await;
    });
    assert_eq!(host.state(), SolidifiedState::Observed);
}
