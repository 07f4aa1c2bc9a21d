//! Guards behind solidified calls, and what happens when one does not hold.

use futures::executor::block_on;
use serde_json::json;
use skvm_core::harness::{Directive, Hooks, RunStatus, TurnView};
use skvm_core::llm::{LlmResponse, Message, ToolCall};
use skvm_runtime::jit::{SolidifiedState, SolidifyPolicy};

use super::host::{Answer, DENIED, Host, NO_STATUS, Outcome, between, probe, response, result};
use super::learning::{converts, failing, learned, tasks, world};
use super::traces::{TICKETS, closes_ticket, is_complete, ticket_world};

fn next(
    host: &Host,
    number: usize,
    world: &(dyn Fn(&ToolCall) -> (String, i32) + Sync),
) -> Outcome {
    let model = |task: &str, results: &[String]| match results {
        [] => converts(task, results),
        [.., last] => Answer::text(format!("I see: {last}")),
    };
    block_on(host.run(&tasks(500 + number, 1)[0], &model, world))
}

/// A host whose tool answers in this way, by the number of the run.
fn with_outputs(output: impl Fn(usize) -> String + Sync, status: i32) -> Host {
    let host = Host::new(SolidifyPolicy::default());
    for number in 0..6 {
        let world = |_: &ToolCall| (output(number), status);
        let model = |task: &str, results: &[String]| match results {
            [] => converts(task, results),
            _ => Answer::text("Converted."),
        };
        let _ = block_on(host.run(&tasks(number, 1)[0], &model, &world));
    }
    assert!(host.is_solidified());
    host
}

/// Whether each output is taken for one of the usual. The first has to be.
fn check(host: &Host, outputs: &[(&str, i32, bool)]) {
    let mut faults = Vec::new();
    for (number, (output, status, holds)) in outputs.iter().enumerate() {
        let outcome = next(host, number, &|_: &ToolCall| ((*output).to_owned(), *status));
        assert_eq!(outcome.calls.len(), 1, "nothing is repeated");
        assert!(is_complete(&outcome.messages));
        if (outcome.model_calls == 0) != *holds {
            faults.push(format!("{output:?} with {status} was accepted: {}", !holds));
        }
        if outcome.model_calls > 0 {
            assert_eq!(outcome.text, format!("I see: {output}"), "nothing is lost");
            // Forget the failure, so that the next is looked at as well.
            let usual = |_: &ToolCall| (outputs[0].0.to_owned(), outputs[0].1);
            assert_eq!(next(host, 100 + number, &usual).model_calls, 0);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_exit_status_that_was_not_seen_is_a_side_exit() {
    let host = with_outputs(|_| "ok\n".to_owned(), 0);
    check(
        &host,
        &[
            ("ok\n", 0, true),
            ("ok\n", 1, false),
            ("ok\n", 127, false),
            ("ok\n", -1, false),
            ("ok\n", NO_STATUS, false),
        ],
    );
}

#[test]
fn tools_without_a_status_are_guarded_by_their_output() {
    let host = with_outputs(|number| format!("saved row {number}"), NO_STATUS);
    check(
        &host,
        &[
            ("saved row 77", NO_STATUS, true),
            ("error: no row", NO_STATUS, false),
            ("", NO_STATUS, false),
            ("saved row 1", 0, false),
        ],
    );
}

#[test]
fn json_of_another_shape_is_a_side_exit() {
    let host = with_outputs(
        |number| {
            let files: Vec<String> = (0..=number % 2).map(|it| format!("part{it}")).collect();
            json!({"rows": number, "files": files, "status": "ok", "ok": true}).to_string()
        },
        0,
    );
    check(
        &host,
        &[
            (r#"{"rows": 7, "files": ["part0", "y"], "status": "ok", "ok": true}"#, 0, true),
            (r#"{"rows": 7, "files": ["x", "part0"], "status": "ok", "ok": true}"#, 0, false),
            (r#"{"rows": "7", "files": ["x"], "status": "ok", "ok": true}"#, 0, false),
            (r#"{"rows": 7, "files": "x", "status": "ok", "ok": true}"#, 0, false),
            (r#"{"rows": 7, "files": [1], "status": "ok", "ok": true}"#, 0, false),
            (r#"{"rows": null, "files": ["x"], "status": "ok", "ok": true}"#, 0, false),
            (r#"{"files": ["x"], "status": "ok", "ok": true}"#, 0, false),
            (r#"[{"rows": 7}]"#, 0, false),
            ("null", 0, false),
            ("rows: 7", 0, false),
            ("", 0, false),
            (r#"{"rows": 7, "files": ["x"], "sta"#, 0, false),
        ],
    );
}

/// What every run told alike is part of the shape of its output, in JSON as in text.
#[test]
fn json_that_tells_of_a_failure_is_a_side_exit() {
    let host =
        with_outputs(|number| json!({"rows": number, "status": "ok", "ok": true}).to_string(), 0);
    check(
        &host,
        &[
            (r#"{"rows": 7, "status": "ok", "ok": true}"#, 0, true),
            (r#"{"rows": 7, "status": "failed", "ok": true}"#, 0, false),
            (r#"{"rows": 7, "status": "ok", "ok": false}"#, 0, false),
            (r#"{"rows": 0, "status": "ok", "ok": true, "error": "disk full"}"#, 0, false),
        ],
    );
}

#[test]
fn text_of_another_shape_is_a_side_exit() {
    let host =
        with_outputs(|number| format!("wrote {number} rows to out/x{}.json\n", number * 7), 0);
    check(
        &host,
        &[
            ("wrote 9 rows to out/x9.json\n", 0, true),
            ("wrote 9 rows to out/f9.json\nwarning: 3 rows were left out\n", 0, false),
            ("wrote no rows to out/f9.json\n", 0, false),
            ("Traceback (most recent call last):\n", 0, false),
            ("", 0, false),
            ("wrote 9 rows to out/f9.json, f10.json\n", 0, false),
            ("WROTE 9 ROWS TO OUT/F9.JSON\n", 0, false),
        ],
    );
}

#[test]
fn an_output_that_names_a_failure_in_a_gap_is_a_side_exit() {
    let host = with_outputs(|number| format!("saved to out/x{}.json", number * 7), 0);
    check(
        &host,
        &[
            ("saved to out/x7.json", 0, true),
            ("saved to out/nothing: permission denied.json", 0, false),
            ("saved to out/ f7 failed.json", 0, false),
        ],
    );
}

#[test]
fn nothing_where_there_was_nothing() {
    let host = with_outputs(|_| String::new(), 0);
    check(&host, &[("", 0, true), ("warning: deprecated\n", 0, false)]);
}

/// What is done next would be done to something that nobody asked for.
#[test]
fn an_output_about_something_else_is_a_side_exit() {
    for list in [false, true] {
        let host = Host::new(SolidifyPolicy::default());
        let name = |task: &str| between(task, "account of ", "").to_owned();
        let model = |task: &str, results: &[String]| match results {
            [] => Answer::call("find_customer", json!({"name": name(task)})),
            [found] => {
                let found: serde_json::Value = serde_json::from_str(found).unwrap();
                let first = if list { &found["found"][0] } else { &found["found"] };
                if first["name"] != json!(name(task)) || found["found"].get(1).is_some() {
                    return Answer::text("I am not sure whom you mean.");
                }
                Answer::call("close_account", json!({"id": first["id"]}))
            }
            _ => Answer::text("Closed."),
        };
        let find = |names: &'static [&'static str]| {
            move |call: &ToolCall| {
                let Some(asked) = call.arguments["name"].as_str() else {
                    return ("closed".to_owned(), 0);
                };
                let sum: u32 = asked.bytes().map(u32::from).sum();
                let names = if names.is_empty() { vec![asked] } else { names.to_vec() };
                let found = names.iter().enumerate();
                let found =
                    found.map(|(at, name)| json!({"name": name, "id": format!("c{sum}-{at}")}));
                let mut found: Vec<serde_json::Value> = found.collect();
                let found = if list { json!(found) } else { found.remove(0) };
                (json!({"found": found}).to_string(), 0)
            }
        };
        let all: Vec<String> = ["Ada Lovelace", "Alan Turing", "Tony Hoare", "Donald Knuth"]
            .iter()
            .map(|name| format!("Close the account of {name}"))
            .collect();
        for task in &all {
            let _ = block_on(host.run(task, &model, &find(&[])));
        }
        assert!(host.is_solidified());
        let task = "Close the account of Grace Hopper";
        assert_eq!(block_on(host.run(task, &model, &find(&[]))).model_calls, 0);
        let outcome = block_on(host.run(task, &model, &find(&["Grace Jones"])));
        assert_eq!(outcome.text, "I am not sure whom you mean.", "list: {list}");
        if list {
            let both = find(&["Grace Hopper", "Grace Hopper"]);
            assert_eq!(block_on(host.run(task, &model, &both)).text, outcome.text);
        }
    }
}

#[test]
fn a_call_that_was_denied_is_a_side_exit() {
    let host = learned(SolidifyPolicy::default());
    let outcome = next(&host, 0, &|_: &ToolCall| (String::new(), DENIED));
    assert_eq!((outcome.model_calls, outcome.calls.len()), (1, 1));
    assert_eq!(outcome.text, "I see: the host denied this call");
    assert_eq!(block_on(host.report()).counters.side_exits, 1);
}

#[test]
fn a_guard_in_the_middle_leaves_a_complete_conversation() {
    let host = Host::new(SolidifyPolicy::default());
    let _ = host.run_all(&TICKETS[..5], &closes_ticket, &ticket_world);
    for broken in ["find_customer", "tickets.py", "close.py"] {
        let world = |call: &ToolCall| {
            let text = format!("{} {}", call.name, call.arguments);
            if text.contains(broken) { failing(call) } else { ticket_world(call) }
        };
        let model = |_: &str, results: &[String]| {
            assert!(results.last().unwrap().contains("disk full"));
            Answer::text(format!("It broke after {} calls", results.len()))
        };
        let outcome = block_on(host.run(TICKETS[5], &model, &world));
        assert_eq!(outcome.model_calls, 1, "{broken}");
        assert!(is_complete(&outcome.messages));
        let solidified: Vec<bool> = outcome.trace.turns.iter().map(|it| it.solidified).collect();
        assert!(!solidified[solidified.len() - 1]);
        assert!(solidified[..solidified.len() - 1].iter().all(|it| *it));
        // Between two failures, one that goes well.
        let again = block_on(host.run(TICKETS[0], &closes_ticket, &ticket_world));
        assert_eq!(again.model_calls, 0);
    }
    assert_eq!(host.state(), SolidifiedState::Solidified);
}

#[test]
fn the_model_repairs_what_broke_and_nothing_is_repeated() {
    let host = learned(SolidifyPolicy::default());
    let first = std::sync::atomic::AtomicBool::new(true);
    let world = |call: &ToolCall| {
        let broken = first.swap(false, std::sync::atomic::Ordering::SeqCst);
        if broken { failing(call) } else { world(call) }
    };
    let model = |task: &str, results: &[String]| match results {
        [broken] if broken.contains("disk full") => converts(task, &[]),
        _ => converts(task, results),
    };
    let outcome = block_on(host.run(&tasks(700, 1)[0], &model, &world));
    assert_eq!((outcome.model_calls, outcome.calls.len()), (2, 2));
    assert!(is_complete(&outcome.messages));
    let report = block_on(host.report());
    assert_eq!((report.counters.side_exits, report.counters.runs), (1, 4));
}

/// The routine did all its steps, and the model still had to do something: it was not the whole of the work.
#[test]
fn work_that_is_left_to_the_model_is_no_success() {
    let host = Host::new(SolidifyPolicy::default());
    let runs = std::sync::atomic::AtomicUsize::new(0);
    let usual = |task: &str, results: &[String]| match results.len() {
        0 => converts(task, &[]),
        _ => {
            let run = runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Answer::text(["One done", "Here it is", "Two, for you", "Ready!"][run % 4])
        }
    };
    let all = tasks(0, 5);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(host.run_all(&all, &usual, &world), [2, 2, 2, 2, 1]);
    let more = |task: &str, results: &[String]| match results.len() {
        0 => converts(task, &[]),
        1 => Answer::command("python3 scripts/repair.py --all"),
        _ => Answer::text("I had to repair it."),
    };
    for task in tasks(100, 3) {
        let outcome = block_on(host.run(&task, &more, &world));
        assert_eq!((outcome.model_calls, outcome.calls.len()), (2, 2));
    }
    assert!(!host.is_solidified(), "{:#?}", block_on(host.report()));
}

fn follows(messages: &[Message]) -> Option<LlmResponse> {
    let host = learned(SolidifyPolicy::default());
    probe(host.session("Convert data/f77.csv to JSON."), messages.to_vec())
}

#[test]
fn a_conversation_that_goes_on_is_left_alone() {
    let task = Message::user("Convert data/f77.csv to JSON.");
    let said = Message::Assistant { content: "Which one?".into(), tool_calls: Vec::new() };
    let told = Message::Tool { call_id: "x".into(), content: "y".into() };
    assert!(follows(std::slice::from_ref(&task)).is_some());
    assert!(follows(&[task.clone(), said.clone()]).is_none());
    assert!(follows(&[said, task.clone()]).is_none());
    assert!(follows(&[task.clone(), told]).is_none());
}

/// What else a user said is part of what is asked for.
#[test]
fn a_second_word_of_the_user_is_not_overheard() {
    let task = Message::user("Convert data/f77.csv to JSON.");
    let wait = Message::user("Wait, do not run anything yet.");
    assert!(follows(&[task.clone(), wait.clone()]).is_none());
    assert!(follows(&[wait, task]).is_none());
}

#[test]
fn hooks_out_of_order_do_no_harm() {
    let host = learned(SolidifyPolicy::default());
    let task = "Convert data/f77.csv to JSON.";
    let messages = [Message::user(task)];
    let turn = TurnView { index: 0, task, messages: &messages };
    block_on(async {
        let mut session = host.session(task);
        let Directive::Respond(first) = session.before_llm(&turn).await else { panic!() };
        // Asked again without a result: the model takes over, and stays.
        assert_eq!(session.before_llm(&turn).await, Directive::Proceed);
        assert_eq!(session.before_llm(&turn).await, Directive::Proceed);
        session.after_tool(&first.tool_calls[0], &result("late", 0)).await;
        session.after_llm(&turn, &response(1, Answer::text("?"))).await;
        session.finish(RunStatus::Ok).await;
        // Never asked at all.
        let mut session = host.session(task);
        session.after_tool(&first.tool_calls[0], &result("x", 0)).await;
        session.before_tool(&first.tool_calls[0]).await;
        session.after_llm(&turn, &response(1, Answer::text("?"))).await;
        session.finish(RunStatus::Ok).await;
        host.session(task).finish(RunStatus::Ok).await;
    });
    assert_eq!(block_on(host.report()).counters.side_exits, 1);
    assert_eq!(next(&host, 1, &world).model_calls, 0);
}

#[test]
fn ids_of_answers_are_apart() {
    let host = Host::new(SolidifyPolicy::default());
    let _ = host.run_all(&TICKETS[..4], &closes_ticket, &ticket_world);
    let outcome = block_on(host.run(TICKETS[4], &closes_ticket, &ticket_world));
    let mut ids: Vec<&str> = outcome.calls.iter().map(|call| call.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert!(between(TICKETS[4], "of ", "") == "Donald Knuth");
}
