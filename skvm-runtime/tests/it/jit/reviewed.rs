//! What a review asked for: looks, numbers, dates, secrets, and code that is not known.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use serde_json::{Value, json};
use skvm_core::digest::Digest;
use skvm_core::harness::{Hooks, RunStatus, TurnView};
use skvm_core::llm::{Message, ToolCall};
use skvm_passes::manager::PassManager;
use skvm_runtime::engine::SkVm;
use skvm_runtime::jit::{SolidifiedState, SolidifyPolicy};

use super::host::{
    Answer, Host, Model, NO_STATUS, World, between, probe, quoted, response, result, words,
};
use super::learning::{converts, failing, file, learned, tasks, world};
use super::stores::Slow;

fn ok(_: &ToolCall) -> (String, i32) {
    ("ok\n".to_owned(), 0)
}

/// The command of a call, if it has one.
fn command(call: &ToolCall) -> &str {
    call.arguments["command"].as_str().unwrap_or_default()
}

/// As many tasks as are needed, worded by a function of a number.
fn worded(from: usize, count: usize, wording: impl Fn(usize) -> String) -> Vec<String> {
    (from..from + count).map(wording).collect()
}

fn run_each(host: &Host, tasks: &[String], model: Model<'_>, world: World<'_>) -> Vec<usize> {
    host.run_all(&tasks.iter().map(String::as_str).collect::<Vec<_>>(), model, world)
}

/// A host that has solidified what these tasks lead to.
fn taught(tasks: &[String], model: Model<'_>, world: World<'_>) -> Host {
    let host = Host::new(SolidifyPolicy::default());
    let asked = run_each(&host, tasks, model, world);
    assert!(host.is_solidified(), "{asked:?} {:#?}", block_on(host.reports()));
    host
}

/// Asserts that six runs, and two more, are all the model's.
fn never_solidifies(tasks: impl Fn(usize) -> String, model: Model<'_>, world: World<'_>) {
    let host = Host::new(SolidifyPolicy::default());
    let asked = run_each(&host, &worded(0, 6, &tasks), model, world);
    assert!(!host.is_solidified(), "{asked:?} {:#?}", block_on(host.reports()));
    assert!(host.probe(&tasks(77)).is_none());
}

// Looks.

fn deletes_if_empty(task: &str, results: &[String]) -> Answer {
    match results {
        [] => Answer::command(format!("wc -c {}", file(task))),
        [count] if count.starts_with("0 ") => Answer::command(format!("rm {}", file(task))),
        [_] => Answer::text("It is not empty."),
        _ => Answer::text("Deleted."),
    }
}

/// Where every file has so many bytes.
fn of_size(bytes: usize) -> impl Fn(&ToolCall) -> (String, i32) + Sync {
    move |call| match command(call).strip_prefix("wc -c ") {
        Some(file) => (format!("{bytes} {}\n", file.trim_matches('\'')), 0),
        None => (String::new(), 0),
    }
}

fn empty_files(from: usize, count: usize) -> Vec<String> {
    worded(from, count, |number| format!("Delete data/f{number}.csv if it is empty."))
}

#[test]
fn a_look_that_decides_is_part_of_the_routine() {
    let host = taught(&empty_files(0, 4), &deletes_if_empty, &of_size(0));
    let outcome = block_on(host.run(&empty_files(8, 1)[0], &deletes_if_empty, &of_size(0)));
    assert_eq!(outcome.model_calls, 0);
    let called: Vec<Vec<String>> = outcome.commands().into_iter().map(words).collect();
    assert_eq!(outcome.commands()[0].split(' ').next(), Some("wc"));
    assert_eq!(outcome.commands()[1].split(' ').next(), Some("rm"));
    assert!(called.iter().all(|words| words.contains(&"data/f8.csv".to_owned())), "{called:?}");
}

#[test]
fn a_look_that_shows_something_else_is_a_side_exit_before_anything_is_done() {
    let host = taught(&empty_files(0, 4), &deletes_if_empty, &of_size(0));
    let outcome = block_on(host.run(&empty_files(9, 1)[0], &deletes_if_empty, &of_size(12)));
    assert_eq!(outcome.text, "It is not empty.");
    assert_eq!((outcome.model_calls, outcome.calls.len()), (1, 1), "{:?}", outcome.commands());
    assert!(outcome.trace.side_exit.is_some());
}

#[test]
fn looks_that_differ_from_run_to_run_are_left_out() {
    let looks: [&[&str]; 6] = [
        &["ls -la data"],
        &["cat README.md"],
        &["head -n 3 README.md", "wc -l README.md"],
        &[],
        &["grep -c x README.md"],
        &["ls", "ls data", "ls out"],
    ];
    let run = AtomicUsize::new(0);
    let model = |task: &str, results: &[String]| {
        let looks = looks[run.load(Ordering::SeqCst) % looks.len()];
        match looks.get(results.len()) {
            Some(look) => Answer::command(*look),
            None if results.len() == looks.len() => converts(task, &[]),
            None => Answer::text("Done."),
        }
    };
    let world = |call: &ToolCall| match command(call) {
        command if command.starts_with("python3") => world(call),
        _ => (format!("{} things\n", command(call).len()), 0),
    };
    let host = Host::new(SolidifyPolicy::default());
    for (number, task) in tasks(0, 4).iter().enumerate() {
        run.store(number, Ordering::SeqCst);
        let asked = block_on(host.run(task, &model, &world)).model_calls;
        assert_eq!(asked, looks[number].len() + 2, "{number}");
    }
    let outcome = block_on(host.run(&tasks(50, 1)[0], &model, &world));
    assert_eq!((outcome.model_calls, outcome.calls.len()), (0, 1), "{:?}", outcome.commands());
    assert!(outcome.commands()[0].starts_with("python3"));
}

/// A model that looks for work that is marked first, if it does so in that run.
fn greps_first(task: &str, results: &[String], greps: bool) -> Answer {
    match results.len() {
        0 if greps => Answer::command(format!("grep -n TODO {}", file(task))),
        0 => converts(task, &[]),
        1 if greps => converts(task, &[]),
        _ => Answer::text("Done."),
    }
}

/// Where `grep` finds nothing.
fn without_hits(call: &ToolCall) -> (String, i32) {
    if command(call).starts_with("grep") { (String::new(), 1) } else { world(call) }
}

#[test]
fn a_look_that_fails_each_time_does_not_keep_from_learning() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| greps_first(task, results, true);
    let asked = run_each(&host, &tasks(0, 5), &model, &without_hits);
    assert_eq!(asked, [3, 3, 3, 3, 0], "{:#?}", block_on(host.reports()));
}

#[test]
fn a_look_that_fails_once_resets_nothing() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| greps_first(task, results, task.contains("f2"));
    let asked = run_each(&host, &tasks(0, 3), &model, &without_hits);
    assert_eq!(asked, [2, 2, 3]);
    assert_eq!(host.state(), SolidifiedState::Predicted(2));
    assert_eq!(run_each(&host, &tasks(3, 2), &model, &without_hits), [2, 0]);
}

/// It found something in the runs before, so that it was taken for a part of the work.
#[test]
fn a_look_that_fails_after_it_found_something_resets_nothing() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| greps_first(task, results, true);
    let world = |call: &ToolCall| match command(call) {
        command if command.starts_with("grep") && !command.contains("f2") => {
            ("7: TODO this\n".to_owned(), 0)
        }
        _ => without_hits(call),
    };
    let _ = run_each(&host, &tasks(0, 3), &model, &world);
    assert_eq!(host.state(), SolidifiedState::Predicted(2));
}

/// The same, with all the runs that it may take.
#[test]
fn looks_that_fail_now_and_then_do_not_keep_from_promoting() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| greps_first(task, results, true);
    let run = AtomicUsize::new(0);
    let world = |call: &ToolCall| {
        let finds = command(call).starts_with("grep")
            && run.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        if finds { ("7: TODO this\n".to_owned(), 0) } else { without_hits(call) }
    };
    let asked = run_each(&host, &tasks(0, 12), &model, &world);
    assert!(host.is_solidified(), "{asked:?} {:#?}", block_on(host.reports()));
}

// Numbers, lists, and what stands around.

/// A model that counts the rows of a file and does, or tells, what follows.
fn counts(then: impl Fn(&str, &str) -> Answer + Sync) -> impl Fn(&str, &[String]) -> Answer + Sync {
    move |task, results| match results {
        [] => Answer::command(format!("python3 count.py {}", file(task))),
        [count] => then(task, count),
        _ => Answer::text("Done."),
    }
}

/// What comes of a task when the tool prints something, once it is solidified with what it usually prints: how often
/// the model was asked, and how many calls were made.
fn printing(usual: &str, then: Model<'_>, other: &str) -> (usize, usize) {
    let prints = |output: String| {
        move |call: &ToolCall| {
            let counts = command(call).contains("count.py");
            (if counts { output.clone() } else { "ok\n".to_owned() }, 0)
        }
    };
    let host = taught(&tasks(0, 5), then, &prints(usual.to_owned()));
    let usual_run = block_on(host.run(&tasks(50, 1)[0], then, &prints(usual.to_owned())));
    assert_eq!(usual_run.model_calls, 0, "{:#?}", block_on(host.reports()));
    let outcome = block_on(host.run(&tasks(60, 1)[0], then, &prints(other.to_owned())));
    (outcome.model_calls, outcome.calls.len())
}

#[test]
fn a_number_of_the_final_text_has_to_stay() {
    let model = counts(|task, count| {
        let rows = count.trim().trim_start_matches("{\"rows\":").trim_end_matches('}');
        let rows = rows.split(' ').next().unwrap();
        Answer::text(format!("{} has {rows} rows", file(task)))
    });
    assert_eq!(printing("{\"rows\":4}", &model, "{\"rows\":7}"), (1, 1));
    assert_eq!(printing("4 rows were read\n", &model, "7 rows were read\n"), (1, 1));
}

#[test]
fn a_number_of_a_later_call_has_to_stay() {
    let model = counts(|task, count| {
        let rows = if count.contains('4') { 4 } else { 7 };
        Answer::command(format!("python3 cut.py {} --rows {rows}", file(task)))
    });
    // The call is the model's then, and the final text.
    assert_eq!(printing("{\"rows\":4}", &model, "{\"rows\":7}"), (2, 2));
    assert_eq!(printing("4 rows were read\n", &model, "7 rows were read\n"), (2, 2));
}

#[test]
fn a_number_that_nothing_hangs_on_may_be_another() {
    let model = counts(|_, _| Answer::text("Counted."));
    assert_eq!(printing("{\"rows\":4}", &model, "{\"rows\":7}"), (0, 1));
    assert_eq!(printing("4 rows were read\n", &model, "7 rows were read\n"), (0, 1));
}

#[test]
fn that_there_was_none_has_to_stay() {
    let model = counts(|_, _| Answer::text("Counted."));
    assert_eq!(printing("0 errors\n", &model, "7 errors\n"), (1, 1));
    assert_eq!(printing("{\"errors\":0}", &model, "{\"errors\":7}"), (1, 1));
    assert_eq!(printing("{\"rows\":4,\"errors\":0}", &model, "{\"rows\":4,\"errors\":7}"), (1, 1));
}

/// Closes what is open of two tickets.
fn closes_open(task: &str, results: &[String]) -> Answer {
    match results {
        [] => Answer::call("list_tickets", json!({"file": file(task)})),
        [list] => {
            let list: Value = serde_json::from_str(list).unwrap();
            let open = list.as_array().unwrap().iter().find(|it| it["status"] == "open").unwrap();
            Answer::call("close_ticket", json!({"id": open["id"]}))
        }
        _ => Answer::text("Closed."),
    }
}

/// Two tickets, the first of which has a status.
fn two_tickets(first: &'static str) -> impl Fn(&ToolCall) -> (String, i32) + Sync {
    let second = if first == "open" { "closed" } else { "open" };
    move |call| {
        let Some(file) = call.arguments["file"].as_str() else { return ("ok".to_owned(), 0) };
        let number: u32 = between(file, "data/f", ".csv").parse().unwrap();
        let (one, two) = (number * 37 + 1000, number * 53 + 5000);
        let list = json!([{"id": one, "status": first}, {"id": two, "status": second}]);
        (list.to_string(), 0)
    }
}

#[test]
fn which_item_of_a_list_is_the_right_one_has_to_stay() {
    let tickets = |from, count| {
        worded(from, count, |number| format!("Close the open ticket of data/f{number}.csv."))
    };
    let host = taught(&tickets(0, 4), &closes_open, &two_tickets("open"));
    let outcome = block_on(host.run(&tickets(50, 1)[0], &closes_open, &two_tickets("open")));
    assert_eq!(outcome.model_calls, 0);
    assert_eq!(outcome.calls[1].arguments, json!({"id": 50 * 37 + 1000}));
    let outcome = block_on(host.run(&tickets(51, 1)[0], &closes_open, &two_tickets("closed")));
    assert_eq!((outcome.model_calls, outcome.calls.len()), (2, 2));
    assert_eq!(outcome.calls[1].arguments, json!({"id": 51 * 53 + 5000}));
    assert!(outcome.trace.side_exit.is_some());
}

#[test]
fn text_beside_json_is_looked_at_too() {
    let model = counts(|_, _| Answer::text("Counted."));
    let failed = "{\"rows\":4}\nerror: upload failed\n";
    assert_eq!(printing("{\"rows\":4}\n", &model, failed), (1, 1));
    assert_eq!(printing("{\"rows\":4}\n", &model, "warning: old\n{\"rows\":4}\n"), (1, 1));
    assert_eq!(printing("{\"rows\":4}\n", &model, "{\"rows\": 4}\n"), (0, 1));
}

#[test]
fn free_text_without_a_status_that_names_an_error_is_a_side_exit() {
    let texts =
        ["Lovely weather", "Nothing", "Sunshine again", "Rows went fine", "Grand", "All of it"];
    let says = |text: &'static str| move |_: &ToolCall| (text.to_owned(), NO_STATUS);
    let model = counts(|_, _| Answer::text("Counted."));
    let host = Host::new(SolidifyPolicy::default());
    for (task, text) in tasks(0, 6).iter().zip(texts) {
        let _ = block_on(host.run(task, &model, &says(text)));
    }
    assert!(host.is_solidified(), "{:#?}", block_on(host.reports()));
    let run = |number: usize, text: &'static str| {
        block_on(host.run(&tasks(number, 1)[0], &model, &says(text))).model_calls
    };
    assert_eq!(run(50, "Splendid afternoon"), 0);
    assert_eq!(run(51, "There was an error somewhere"), 1);
    assert_eq!(run(52, "ERROR"), 1);
    assert_eq!(run(53, "Splendid evening"), 0);
}

// Places and days.

#[test]
fn a_run_that_names_the_working_directory_is_not_learned_from() {
    let folder = Path::new("/srv/agents/work-0815");
    for (script, learns) in [
        ("/srv/agents/work-0815/scripts/convert.py", false),
        ("scripts/convert.py", true),
        ("/opt/scripts/convert.py", true),
    ] {
        let model = |task: &str, results: &[String]| match results.len() {
            0 => Answer::command(format!("python3 {script} {}", file(task))),
            _ => Answer::text("Done."),
        };
        let host = Host::new(SolidifyPolicy::default());
        for task in tasks(0, 6) {
            let session = host.session(&task).with_workdir(folder);
            let _ = block_on(host.drive(session, &model, &ok));
        }
        assert_eq!(host.is_solidified(), learns, "{script}");
        assert_eq!(block_on(host.reports()).is_empty(), !learns, "{script}");
    }
}

#[test]
fn a_date_that_is_not_in_the_task_keeps_from_learning() {
    let model = |task: &str, results: &[String]| match results.len() {
        0 => Answer::command(format!("python3 sales.py {} --day 2026-08-03", file(task))),
        _ => Answer::text("Done."),
    };
    never_solidifies(|number| format!("Show the sales of data/f{number}.csv today."), &model, &ok);
    let told = |number| format!("Show the sales of data/f{number}.csv on 2026-08-03.");
    let host = taught(&worded(0, 5, told), &model, &ok);
    assert!(host.probe(&told(50)).is_some());
    assert!(host.probe(&told(50).replace("08-03", "08-04")).is_none());
}

// What the model does.

/// Calls of another structure for every number.
fn in_form(form: usize, task: &str) -> Answer {
    Answer::command(format!("python3 job.py{} {}", " --more".repeat(form), file(task)))
}

#[test]
fn a_model_that_settles_after_many_forms_is_followed_in_the_end() {
    let mut faults = Vec::new();
    for settled in 12..22 {
        let host = Host::new(SolidifyPolicy::default());
        let run = AtomicUsize::new(0);
        let model = |task: &str, results: &[String]| match results.len() {
            0 => in_form(run.fetch_add(1, Ordering::SeqCst).min(settled), task),
            _ => Answer::text("Done."),
        };
        assert_eq!(run_each(&host, &tasks(0, 12), &model, &ok), [2; 12]);
        run.store(settled, Ordering::SeqCst);
        let asked = run_each(&host, &tasks(12, 20), &model, &ok);
        if asked.last() != Some(&0) {
            faults.push(format!("{settled}: {asked:?}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_task_that_was_done_in_another_way_is_left_to_the_model() {
    let host = Host::new(SolidifyPolicy::default());
    let other = |task: &str, results: &[String]| match results.len() {
        0 => Answer::command(format!("jq . {}", file(task))),
        _ => Answer::text("Done."),
    };
    let _ = run_each(&host, &tasks(9, 1), &other, &world);
    let _ = run_each(&host, &tasks(0, 5), &converts, &world);
    assert!(host.is_solidified());
    assert!(host.probe("Convert data/f9.csv to JSON.").is_none());
    assert!(host.probe("Convert data/f8.csv to JSON.").is_some());
}

/// The text of the second run could not be foreseen from the first alone.
#[test]
fn a_final_text_that_is_proven_later_is_answered_in_the_end() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| match results {
        [] => Answer::command(format!("python3 count.py {}", file(task))),
        [.., told] => Answer::text(format!("There are {} of them.", between(told, "", " rows"))),
    };
    let world = |call: &ToolCall| {
        let sum: usize = command(call).bytes().map(usize::from).sum();
        (format!("{} rows were read\n", sum * 7 % 1000), 0)
    };
    let asked = run_each(&host, &tasks(0, 8), &model, &world);
    assert_eq!(asked, [2, 2, 2, 2, 1, 0, 0, 0], "{:#?}", block_on(host.report()));
    assert!(block_on(host.report()).answers);
}

#[test]
fn only_a_conversation_that_begins_with_the_task_is_answered() {
    let host = learned(SolidifyPolicy::default());
    let task = "Convert data/f77.csv to JSON.";
    let answer = |messages: Vec<Message>| probe(host.session(task), messages);
    assert!(answer(vec![Message::user(task)]).is_some());
    assert!(answer(Vec::new()).is_some());
    assert!(answer(vec![Message::user("Convert data/f77.csv to XML.")]).is_none());
    assert!(answer(vec![Message::user(format!("{task} Then delete it."))]).is_none());
    assert!(answer(vec![Message::user("")]).is_none());
}

/// What was asked for is not what stands in the task.
#[test]
fn a_conversation_that_begins_with_something_else_is_not_learned_from() {
    let run = |host: &Host, task: &str, messages: &[Message]| {
        block_on(async {
            let mut session = host.session(task);
            let turn = TurnView { index: 0, task, messages };
            let _ = session.before_llm(&turn).await;
            let answer = response(0, converts(task, &[]));
            session.after_llm(&turn, &answer).await;
            let call = &answer.tool_calls[0];
            session.before_tool(call).await;
            let (content, status) = world(call);
            session.after_tool(call, &result(&content, status)).await;
            let turn = TurnView { index: 1, ..turn };
            let _ = session.before_llm(&turn).await;
            session.after_llm(&turn, &response(1, converts(task, &[content]))).await;
            session.finish(RunStatus::Ok).await;
        });
    };
    let (host, empty) =
        (Host::new(SolidifyPolicy::default()), Host::new(SolidifyPolicy::default()));
    for task in tasks(0, 4) {
        run(&host, &task, &[Message::user(format!("Earlier: x. {task}"))]);
        run(&empty, &task, &[]);
    }
    assert!(block_on(host.reports()).is_empty());
    assert!(empty.is_solidified());
}

#[test]
fn a_final_answer_of_the_model_that_ended_badly_says_nothing_against_the_routine() {
    for status in [RunStatus::Truncated, RunStatus::Timeout] {
        let runs = AtomicUsize::new(0);
        let model = |task: &str, results: &[String]| match results.len() {
            0 => converts(task, &[]),
            _ => {
                let run = runs.fetch_add(1, Ordering::SeqCst);
                let word = ["Done", "All good here", "Finished it for you", "Ready!"][run % 4];
                Answer::text(format!("{word}, {}", run * 7919))
            }
        };
        let host = taught(&tasks(0, 5), &model, &world);
        for task in tasks(100, 5) {
            let session = host.session(&task);
            let outcome = block_on(host.drive_to(session, status, &model, &world));
            assert_eq!((outcome.model_calls, outcome.trace.side_exit), (1, None), "{status:?}");
        }
        let report = block_on(host.report());
        assert_eq!(report.state, SolidifiedState::Solidified, "{status:?}");
        assert_eq!((report.counters.side_exits, report.demotions), (0, 0), "{status:?}");
    }
}

#[test]
fn a_trace_tells_why_the_model_was_given_the_run_back() {
    let host = Host::new(SolidifyPolicy::default());
    for task in tasks(0, 5) {
        // Four runs of the model's own, and one without it.
        let outcome = block_on(host.run(&task, &converts, &world));
        assert_eq!(outcome.trace.side_exit, None);
    }
    let outcome = block_on(host.run(&tasks(50, 1)[0], &converts, &failing));
    assert_eq!(outcome.model_calls, 1);
    let reason = outcome.trace.side_exit.unwrap();
    assert!(reason.contains("step 0"), "{reason}");
    let outcome = block_on(host.run(&tasks(51, 1)[0], &converts, &world));
    assert_eq!((outcome.model_calls, outcome.trace.side_exit), (0, None));
    // Where no routine was at work, a failure is none of its.
    let outcome = block_on(host.run("Repair data/f1.csv now", &converts, &failing));
    assert_eq!(outcome.trace.side_exit, None);
}

// Secrets.

/// Six runs; asserts that nothing of the secret was written, and nothing learned.
fn keeps_no_secret(
    secret: &str,
    task: impl Fn(usize) -> String,
    inputs: &[(&str, &str)],
    model: Model<'_>,
    world: World<'_>,
) {
    let store = Slow::failing(0);
    let host = Host::on(store.clone(), SolidifyPolicy::default());
    for number in 0..6 {
        let session = host.session_with(&task(number), inputs);
        let outcome = block_on(host.drive(session, model, world));
        assert!(outcome.model_calls > 0 && !outcome.calls.is_empty());
        let written = store.texts().concat();
        assert!(!written.contains(secret), "{number}: {written}");
    }
    assert!(block_on(host.reports()).is_empty(), "{:#?}", block_on(host.reports()));
    assert_eq!(store.texts().concat(), "");
}

fn plain(number: usize) -> String {
    tasks(number, 1).remove(0)
}

/// Without any secret the same runs are learned from.
#[test]
fn runs_without_a_secret_are_learned_from() {
    let host = Host::new(SolidifyPolicy::default());
    for task in tasks(0, 6) {
        let session = host.session_with(&task, &[("api", "public")]);
        let _ = block_on(host.drive(session, &converts, &world));
    }
    assert!(host.is_solidified());
}

#[test]
fn a_secret_in_the_inputs_is_not_kept() {
    let inputs = [("api_key", "sk-live-abcdef123456")];
    keeps_no_secret("abcdef123456", plain, &inputs, &converts, &world);
}

#[test]
fn a_secret_in_the_task_is_not_kept() {
    let task = |number| format!("Convert data/f{number}.csv to JSON, password: hunter2xyz, please");
    keeps_no_secret("hunter2x", task, &[], &converts, &world);
}

#[test]
fn a_secret_in_an_output_is_not_kept() {
    let world = |_: &ToolCall| ("{\"token\":\"ghp_abcdefgh12345678\"}".to_owned(), 0);
    let model = |task: &str, results: &[String]| match results.len() {
        0 => converts(task, &[]),
        _ => Answer::text("Done."),
    };
    keeps_no_secret("abcdefgh12345678", plain, &[], &model, &world);
}

#[test]
fn a_secret_in_the_final_text_is_not_kept() {
    for text in ["Your key is sk-live-abcdef123456", "Done. password: abcdef123456"] {
        let model = |task: &str, results: &[String]| match results.len() {
            0 => converts(task, &[]),
            _ => Answer::text(text),
        };
        keeps_no_secret("abcdef123456", plain, &[], &model, &world);
    }
}

/// The first runs were fit to be learned from, and what comes later is written as well.
#[test]
fn a_secret_that_comes_later_is_not_kept() {
    let store = Slow::failing(0);
    let host = Host::on(store.clone(), SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| match results.len() {
        0 => converts(task, &[]),
        _ => Answer::text("Done."),
    };
    let _ = run_each(&host, &tasks(0, 2), &model, &ok);
    assert!(!store.texts().is_empty());
    let leaking = |_: &ToolCall| ("ok\ntoken: ghp_abcdefgh12345678\n".to_owned(), 0);
    let _ = run_each(&host, &tasks(2, 6), &model, &leaking);
    let written = store.texts().concat();
    assert!(!written.contains("abcdefgh12345678"), "{written}");
}

// Values.

#[test]
fn a_word_from_an_output_does_not_become_a_command_of_the_program() {
    let model = |task: &str, results: &[String]| match results {
        [] => Answer::call("find_service", json!({"of": between(task, "service of ", "")})),
        [found] => {
            let json: Option<Value> = serde_json::from_str(found).ok();
            let name = json.and_then(|it| it["name"].as_str().map(str::to_owned));
            let name = name.unwrap_or_else(|| found.trim().to_owned());
            Answer::command(format!("service {name}"))
        }
        _ => Answer::text("Done."),
    };
    for is_json in [false, true] {
        let found = |name: &'static str| {
            move |call: &ToolCall| match call.name.as_str() {
                "find_service" if is_json => (json!({"name": name}).to_string(), 0),
                "find_service" => (format!("{name}\n"), 0),
                _ => ("ok\n".to_owned(), 0),
            }
        };
        let host = Host::new(SolidifyPolicy::default());
        let names = ["Web1", "Api2", "Db3", "Mail4", "Cache5"];
        let owners = ["Ada", "Grace", "Alan", "Edsger", "Barbara"];
        for (owner, name) in owners.iter().zip(names) {
            let task = format!("Look after the service of {owner}");
            let _ = block_on(host.run(&task, &model, &found(name)));
        }
        assert!(host.is_solidified(), "{:#?}", block_on(host.reports()));
        let task = "Look after the service of Tony";
        assert_eq!(block_on(host.run(task, &model, &found("Db6"))).model_calls, 0);
        for word in ["stop", "delete", "status-all"] {
            let outcome = block_on(host.run(task, &model, &found(word)));
            assert_eq!(outcome.model_calls, 2, "{word}, json: {is_json}");
            assert!(outcome.trace.side_exit.is_some());
            assert_eq!(block_on(host.run(task, &model, &found("Db6"))).model_calls, 0);
        }
    }
}

#[test]
fn of_a_path_whose_stem_is_used_the_rest_has_to_be_known() {
    let task = "Convert the file as asked";
    let as_data = |name: &str| Answer::call("convert", json!({"name": name}));
    let as_code = |name: &str| Answer::command(format!("convert {}", quoted(name)));
    let calls: [&(dyn Fn(&str) -> Answer + Sync); 2] = [&as_data, &as_code];
    for call in calls {
        let host = Host::new(SolidifyPolicy::default());
        for name in ["a1", "b2", "c3", "d4", "e5"] {
            let model = |_: &str, results: &[String]| match results.len() {
                0 => call(name),
                _ => Answer::text("Done."),
            };
            let session = host.session_with(task, &[("file", &format!("in/{name}.csv"))]);
            let _ = block_on(host.drive(session, &model, &ok));
        }
        assert!(host.is_solidified(), "{:#?}", block_on(host.reports()));
        let answered = |file| host.probe_with(task, &[("file", file)]).is_some();
        assert!(answered("in/k9.csv"));
        for file in ["archive/a1.tsv", "archive/a1.csv", "in/a1.tsv", "a1", "in/old/a1.csv"] {
            assert!(!answered(file), "{file}");
        }
    }
}

/// The first word behind a program may be one of its commands, so that each is a program of its own.
#[test]
fn a_stem_in_the_place_of_a_command_of_the_program_is_not_answered_for_another_path() {
    let host = Host::new(SolidifyPolicy::default());
    let task = "Convert the file as asked";
    for name in ["a1", "b2", "c3", "d4", "e5"] {
        let model = |_: &str, results: &[String]| match results.len() {
            0 => Answer::command(format!("convert {name}")),
            _ => Answer::text("Done."),
        };
        let session = host.session_with(task, &[("file", &format!("in/{name}.csv"))]);
        let _ = block_on(host.drive(session, &model, &ok));
    }
    assert!(!block_on(host.reports()).is_empty());
    assert!(host.probe_with(task, &[("file", "archive/a1.tsv")]).is_none());
}

#[test]
fn a_query_of_a_database_with_values_in_it_is_never_solidified() {
    let queries: [fn(&str) -> String; 3] = [
        |file| format!("SELECT * FROM files WHERE name = '{file}'"),
        |file| format!("count {file}"),
        str::to_owned,
    ];
    for query in queries {
        let model = |task: &str, results: &[String]| match results.len() {
            0 => Answer::call("run_sql", json!({"query": query(file(task))})),
            _ => Answer::text("Done."),
        };
        never_solidifies(plain, &model, &ok);
    }
}

#[test]
fn a_command_in_a_list_with_values_in_it_is_never_solidified() {
    for what in ["wc -l", "python3 job.py"] {
        let model = |task: &str, results: &[String]| match results.len() {
            0 => {
                let command = format!("{what} {}", file(task));
                Answer::call("shell", json!({"command": ["bash", "-lc", command]}))
            }
            _ => Answer::text("Done."),
        };
        never_solidifies(plain, &model, &ok);
    }
}

#[test]
fn a_file_of_an_unknown_language_with_values_in_it_is_never_solidified() {
    for path in ["Makefile", "Dockerfile", "query.sql", "main.rb"] {
        let model = |task: &str, results: &[String]| match results.len() {
            0 => {
                let content = format!("all:\n\tpython3 job.py {}\n", file(task));
                Answer::call("write_file", json!({"path": path, "content": content}))
            }
            _ => Answer::text("Done."),
        };
        never_solidifies(plain, &model, &ok);
    }
}

#[test]
fn a_command_of_any_tool_is_a_shells_and_its_values_are_quoted() {
    let host = Host::new(SolidifyPolicy::default());
    let task = "Do with the file what is usual";
    for value in ["a1.csv", "two words.csv", "it's.csv", "b2.csv", "c3.csv"] {
        let model = |_: &str, results: &[String]| match results.len() {
            0 => {
                let command = format!("python3 job.py {} --all", quoted(value));
                Answer::call("mcp__sandbox__do", json!({"command": command}))
            }
            _ => Answer::text("Done."),
        };
        let session = host.session_with(task, &[("file", value)]);
        let _ = block_on(host.drive(session, &model, &ok));
    }
    assert!(host.is_solidified(), "{:#?}", block_on(host.reports()));
    for value in ["k9.csv", "x y.csv; rm -rf ~", "$(id).csv", "a'b.csv"] {
        let answer = host.probe_with(task, &[("file", value)]).unwrap();
        let call = &answer.tool_calls[0];
        assert_eq!(call.name, "mcp__sandbox__do");
        let written = command(call);
        assert_eq!(written, format!("python3 job.py {} --all", quoted(value)));
        assert_eq!(words(written)[0], value);
    }
}

// Policy and engine.

#[test]
fn only_templates_of_the_list_act() {
    let host = learned(SolidifyPolicy::default());
    let template = block_on(host.report()).template;
    for (only, acts) in [
        (vec![template], true),
        (vec![Digest::of(b"x"), template], true),
        (vec![Digest::of(b"x")], false),
        (Vec::new(), false),
    ] {
        let policy = SolidifyPolicy::default().only(only.clone());
        let host = Host::on(Arc::clone(&host.store), policy);
        assert!(host.is_solidified());
        assert_eq!(host.probe("Convert data/f88.csv to JSON.").is_some(), acts, "{only:?}");
        assert_eq!(block_on(host.report()).allowed, acts, "{only:?}");
    }
}

#[test]
fn hits_are_the_runs_of_the_model_and_of_the_routine() {
    let host = Host::new(SolidifyPolicy::default());
    for (number, task) in tasks(0, 7).iter().enumerate() {
        let _ = block_on(host.run(task, &converts, &world));
        assert_eq!(block_on(host.report()).counters.hits(), number as u64 + 1);
    }
    let counters = block_on(host.report()).counters;
    assert_eq!((counters.runs, counters.answered), (4, 3));
}

#[test]
fn an_engine_has_a_jit_if_it_solidifies() {
    let builder = || SkVm::builder().passes(PassManager::standard());
    assert!(builder().build().jit().is_none());
    assert!(builder().solidify(SolidifyPolicy::default()).build().jit().is_some());
}

// Near misses.

/// Asserts that a routine is solidified for some tasks, and answers these and not those.
fn answers(seen: &[&str], model: Model<'_>, same: &[&str], other: &[&str]) {
    let seen: Vec<String> = seen.iter().map(|&task| task.to_owned()).collect();
    let host = taught(&seen, model, &ok);
    for task in same {
        assert!(host.probe(task).is_some(), "{task}");
    }
    let answered: Vec<&&str> = other.iter().filter(|task| host.probe(task).is_some()).collect();
    assert!(answered.is_empty(), "{answered:?}");
}

#[test]
fn whose_something_is() {
    let model = |task: &str, results: &[String]| match results.len() {
        0 => Answer::call("archive_mails", json!({"of": between(task, "", "'s ")})),
        _ => Answer::text("Done."),
    };
    answers(
        &[
            "Ada's mails should be archived.",
            "Grace's mails should be archived.",
            "Alan's mails should be archived.",
            "Edsger's mails should be archived.",
            "Barbara's mails should be archived.",
        ],
        &model,
        &["Grace's mails should be archived."],
        &[
            "Nobody's mails should be archived.",
            "Everybody's mails should be archived.",
            "Today's mails should be archived.",
        ],
    );
}

#[test]
fn what_is_joined_by_a_dash() {
    let model = |task: &str, results: &[String]| match results.len() {
        0 => Answer::call("run_tests", json!({"suite": between(task, "Run the ", "-tests")})),
        _ => Answer::text("Done."),
    };
    answers(
        &[
            "Run the unit-tests now",
            "Run the smoke-tests now",
            "Run the load-tests now",
            "Run the stress-tests now",
            "Run the api-tests now",
        ],
        &model,
        &["Run the smoke-tests now"],
        &["Run the no-tests now", "Run the all-tests now", "Run the non-tests now"],
    );
}

#[test]
fn names_that_are_no_places() {
    let model = |task: &str, results: &[String]| match results.len() {
        0 => Answer::call("get_weather", json!({"city": between(task, "weather in ", "?")})),
        _ => Answer::text("Done."),
    };
    answers(
        &[
            "What is the weather in Oslo?",
            "What is the weather in Rome?",
            "What is the weather in Lima?",
            "What is the weather in Quito?",
            "What is the weather in Paris?",
        ],
        &model,
        &["What is the weather in Berlin?"],
        &[
            "What is the weather in July?",
            "What is the weather in Everybody?",
            "What is the weather in General?",
        ],
    );
}
