//! Traces of several calls, and values of every make.

use futures::executor::block_on;
use serde_json::json;
use skvm_core::llm::{Message, ToolCall};
use skvm_runtime::jit::SolidifyPolicy;

use super::host::{Answer, Host, between, quoted, words};
use super::learning::tasks;

pub(super) const TICKETS: [&str; 6] = [
    "Close the newest ticket of Ada Lovelace",
    "Close the newest ticket of Alan Turing",
    "Close the newest ticket of Edsger Dijkstra",
    "Close the newest ticket of Barbara Liskov",
    "Close the newest ticket of Donald Knuth",
    "Close the newest ticket of Tony Hoare",
];

/// A model that looks a customer up, gets the ticket of that id, and moves the file whose path was printed.
pub(super) fn closes_ticket(task: &str, results: &[String]) -> Answer {
    match results {
        [] => Answer::call("find_customer", json!({"name": between(task, "ticket of ", "")})),
        [found] => {
            let found: serde_json::Value = serde_json::from_str(found).unwrap();
            let id = found["customer"]["id"].as_str().unwrap();
            Answer::command(format!("python3 tickets.py --newest --customer {id}"))
        }
        [_, told] => {
            let path = between(told, "saved in ", "\n");
            Answer::command(format!("python3 close.py \"{path}\" --reason done"))
        }
        [.., told] => Answer::text(format!("Closed: {}", told.trim())),
    }
}

pub(super) fn ticket_world(call: &ToolCall) -> (String, i32) {
    if let Some(name) = call.arguments["name"].as_str() {
        let id = format!("c-{}", name.bytes().map(u32::from).sum::<u32>());
        let found = json!({"customer": {"name": name, "id": id}, "tickets": name.len()});
        return (found.to_string(), 0);
    }
    let words = words(call.arguments["command"].as_str().unwrap());
    if words.len() == 1 {
        return (format!("found 1 ticket\nsaved in /tmp/t/{}/newest.txt\n", words[0]), 0);
    }
    (format!("{} is closed\n", words[0]), 0)
}

fn done(_: &ToolCall) -> (String, i32) {
    ("done\n".to_owned(), 0)
}

/// Every call has its result behind it, and each id occurs once.
pub(super) fn is_complete(messages: &[Message]) -> bool {
    let mut open: Vec<&str> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for message in messages {
        match message {
            Message::Assistant { tool_calls, .. } => {
                if !open.is_empty() {
                    return false;
                }
                open = tool_calls.iter().map(|call| call.id.as_str()).collect();
                if open.iter().any(|id| seen.contains(id)) {
                    return false;
                }
                seen.extend(&open);
            }
            Message::Tool { call_id, .. } => {
                let Some(at) = open.iter().position(|id| id == call_id) else { return false };
                open.remove(at);
            }
            Message::User { .. } => {}
        }
    }
    open.is_empty()
}

#[test]
fn values_come_from_the_outputs_of_earlier_calls() {
    let host = Host::new(SolidifyPolicy::default());
    let asked = host.run_all(&TICKETS[..4], &closes_ticket, &ticket_world);
    assert_eq!(asked, [4; 4]);
    for task in [TICKETS[4], "Close the newest ticket of Grace Hopper", TICKETS[0]] {
        let outcome = block_on(host.run(task, &closes_ticket, &ticket_world));
        assert_eq!((outcome.model_calls, outcome.calls.len()), (0, 3), "{task}");
        assert!(is_complete(&outcome.messages));
        // The same as the model would have done.
        let mut results = Vec::new();
        for call in &outcome.calls {
            let Answer::Calls(expected) = closes_ticket(task, &results) else { panic!() };
            let (tool, arguments) = &expected[0];
            assert!(super::host::same_call((&call.name, &call.arguments), (tool, arguments)));
            results.push(ticket_world(call).0);
        }
        let Answer::Text(text) = closes_ticket(task, &results) else { panic!() };
        assert_eq!(outcome.text, text);
        assert_eq!(outcome.trace.turns.len(), 4);
        assert!(outcome.trace.turns.iter().all(|turn| turn.solidified));
    }
}

#[test]
fn calls_of_one_turn_stay_in_one_turn() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| {
        let city = between(task, "weather and time in ", ".");
        match results.len() {
            0 => Answer::Calls(vec![
                ("get_weather", json!({"city": city})),
                ("get_time", json!({"city": city, "format": "24h"})),
            ]),
            2 => Answer::command(format!("notify-send {}", quoted(&results.join(" ")))),
            _ => Answer::text("done"),
        }
    };
    let world = |call: &ToolCall| match call.arguments["city"].as_str() {
        Some(city) => {
            let sum: u32 = city.bytes().map(u32::from).sum();
            (format!("{}:{sum}", call.name), 0)
        }
        None => ("sent".to_owned(), 0),
    };
    let all: Vec<String> = ["Berlin", "Oslo", "Rome", "Paris", "Athens"]
        .iter()
        .map(|city| format!("Tell me weather and time in {city}."))
        .collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(host.run_all(&all[..4], &model, &world), [3; 4]);
    let outcome = block_on(host.run(all[4], &model, &world));
    assert_eq!(outcome.model_calls, 0, "{:#?}", block_on(host.reports()));
    let in_turns: Vec<usize> = outcome.trace.turns.iter().map(|turn| turn.calls.len()).collect();
    assert_eq!(in_turns, [2, 1, 0]);
    assert!(is_complete(&outcome.messages));
    assert_eq!(words(outcome.commands()[0]), ["get_weather:611 get_time:611"]);
}

#[test]
fn a_script_is_written_and_run() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| {
        let name = between(task, "data/", ".csv");
        let script = format!(
            "import csv, json\n\nwith open('data/{name}.csv', newline='') as file:\n    \
             rows = list(csv.DictReader(file))\nwith open('out/{name}.json', 'w') as file:\n    \
             json.dump(rows, file, indent=2)\nprint(len(rows))\n"
        );
        match results.len() {
            0 => Answer::call("write_file", json!({"path": "scripts/run.py", "content": script})),
            1 => Answer::command("python3 scripts/run.py"),
            _ => Answer::text(format!("Converted {} rows.", results[1].trim())),
        }
    };
    let world = |call: &ToolCall| match call.arguments["command"].as_str() {
        Some(_) => ("21\n".to_owned(), 0),
        None => (format!("written {}", call.arguments["path"].as_str().unwrap()), 0),
    };
    let all = tasks(0, 5);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let asked = host.run_all(&all[..4], &model, &world);
    assert_eq!(asked, [3; 4]);
    let outcome = block_on(host.run(all[4], &model, &world));
    assert_eq!(outcome.model_calls, 0, "{:#?}", block_on(host.reports()));
    let Answer::Calls(expected) = model(all[4], &[]) else { panic!() };
    let call = &outcome.calls[0];
    let expected = (expected[0].0, &expected[0].1);
    assert!(super::host::same_call((&call.name, &call.arguments), expected), "{call:?}");
    assert_eq!(outcome.text, "Converted 21 rows.");
}

#[test]
fn a_script_in_a_here_document_is_understood() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| match results.len() {
        0 => Answer::command(format!(
            "python3 - <<'EOF'\nimport json\nprint(json.dumps(open('{}').read()))\nEOF",
            super::learning::file(task)
        )),
        _ => Answer::text("done"),
    };
    let all = tasks(0, 5);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(host.run_all(&all[..4], &model, &done), [2; 4]);
    let outcome = block_on(host.run(all[4], &model, &done));
    assert_eq!(outcome.model_calls, 0);
    assert!(words(outcome.commands()[0]).contains(&"data/f4.csv".to_owned()));
}

#[test]
fn typed_inputs_are_values_where_the_words_stay_the_same() {
    let host = Host::new(SolidifyPolicy::default());
    let task = "Convert the file that was dropped";
    let values = ["a.csv", "b c.csv", "d'e.csv", "data/f.csv", "g\"h $x.csv", "ü \u{65e5}.csv"];
    for (number, value) in values.iter().enumerate() {
        let model = |_: &str, results: &[String]| match results.len() {
            0 => Answer::command(format!("python3 convert.py {}", quoted(value))),
            _ => Answer::text(format!("Converted {value}")),
        };
        let session = host.session_with(task, &[("file", value)]);
        let outcome = block_on(host.drive(session, &model, &done));
        assert_eq!(outcome.model_calls, if number < 4 { 2 } else { 0 }, "{value}");
        assert_eq!(words(outcome.commands()[0]), [*value]);
        assert_eq!(outcome.text, format!("Converted {value}"));
    }
    // The same words without the value.
    assert!(host.probe(task).is_none());
    assert!(host.probe_with(task, &[("other", "a.csv")]).is_none());
    assert!(host.probe_with(task, &[("file", "")]).is_none());
    // What would be an option is none of what was seen.
    assert!(host.probe_with(task, &[("file", "--help")]).is_none());
    assert!(host.probe_with(task, &[("file", "a\0b")]).is_none());
}

/// A model sees the words only, so that hosts write the inputs into them.
#[test]
fn typed_inputs_may_stand_in_the_words_too() {
    let host = Host::new(SolidifyPolicy::default());
    let mut asked = Vec::new();
    for number in 0..6 {
        let file = format!("data/f{number}.csv");
        let model = |_: &str, results: &[String]| match results.len() {
            0 => Answer::command(format!("python3 convert.py {file}")),
            _ => Answer::text("done"),
        };
        let task = format!("Convert the file {file} to JSON");
        let session = host.session_with(&task, &[("file", &file)]);
        asked.push(block_on(host.drive(session, &model, &done)).model_calls);
    }
    assert_eq!(asked, [2, 2, 2, 2, 0, 0]);
    // Words and inputs that contradict each other are no task that is known.
    let answer =
        host.probe_with("Convert the file data/f1.csv to JSON", &[("file", "data/f2.csv")]);
    assert!(answer.is_none(), "{answer:?}");
}

/// What a program gets is the value, whatever is in it: the commands are really run.
#[test]
#[cfg(unix)]
fn programs_get_exactly_the_value() {
    let host = Host::new(SolidifyPolicy::default());
    let learn = ["plain", "two words", "it's", "\"quoted\""];
    let hostile = [
        "$(echo no)",
        "`echo no`",
        "a; echo no",
        "a && echo no",
        "a | cat",
        "$HOME",
        "a\\nb",
        "~",
        "*",
        "{a,b}",
        "a # b",
        "'; echo no; '",
        "\\",
        "\u{65e5}\u{672c}",
        "e\u{301}",
        "\u{1f980} crab",
        "a\nb",
        "!!",
        "%s%n",
        "a\tb",
        " lead and trail ",
        "'''",
        "\"\"\"",
        "EOF",
        "<<EOF",
        ">x",
        "\u{7f}",
    ];
    for value in learn {
        let model = |_: &str, results: &[String]| match results.len() {
            0 => Answer::command(format!("printf '%s' {}", quoted(value))),
            _ => Answer::text("done"),
        };
        let session = host.session_with("Print the value", &[("value", value)]);
        let _ = block_on(host.drive(session, &model, &|_: &ToolCall| ("x".to_owned(), 0)));
    }
    assert!(host.is_solidified());
    for value in hostile {
        let answer = host.probe_with("Print the value", &[("value", value)]);
        let Some(answer) = answer else { panic!("not answered: {value:?}") };
        let command = answer.tool_calls[0].arguments["command"].as_str().unwrap();
        let output = std::process::Command::new("sh").arg("-c").arg(command).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), value, "{command}");
    }
}

/// The same in generated Python, if there is a Python.
#[test]
#[cfg(unix)]
fn scripts_read_exactly_the_value() {
    let host = Host::new(SolidifyPolicy::default());
    for value in ["plain", "two words", "it's", "\"quoted\""] {
        let model = |_: &str, results: &[String]| match results.len() {
            0 => {
                let literal = serde_json::to_string(value).unwrap();
                let content = format!("import sys\nsys.stdout.write({literal})\n");
                Answer::call("write_file", json!({"path": "p.py", "content": content}))
            }
            _ => Answer::text("done"),
        };
        let session = host.session_with("Print the value", &[("value", value)]);
        let _ = block_on(host.drive(session, &model, &done));
    }
    assert!(host.is_solidified());
    for value in
        ["a\nb", "\\", "'''", "\"\"\"", "{x}", "%s", "\\N{BULLET}", "\\x41", "# no", "\u{1f980}"]
    {
        let answer = host.probe_with("Print the value", &[("value", value)]).unwrap();
        let content = answer.tool_calls[0].arguments["content"].as_str().unwrap();
        let python = std::process::Command::new("python3").arg("-c").arg(content).output();
        let Ok(output) = python else { return };
        assert_eq!(String::from_utf8(output.stdout).unwrap(), value, "{content}");
    }
}

/// A value that a later call needs is not there: the model takes over, with all that was done so far.
#[test]
fn a_value_that_is_missing_in_an_output_is_a_side_exit() {
    let host = Host::new(SolidifyPolicy::default());
    let _ = host.run_all(&TICKETS[..4], &closes_ticket, &ticket_world);
    let world = |call: &ToolCall| match call.name.as_str() {
        "find_customer" => (r#"{"customer": {"name": "x"}, "tickets": 1}"#.to_owned(), 0),
        _ => ticket_world(call),
    };
    let model = |_: &str, results: &[String]| match results.len() {
        1 => Answer::text("There is no such customer."),
        _ => Answer::text("?"),
    };
    let outcome = block_on(host.run(TICKETS[5], &model, &world));
    assert_eq!((outcome.model_calls, outcome.calls.len()), (1, 1));
    assert_eq!(outcome.text, "There is no such customer.");
    assert!(is_complete(&outcome.messages));
}

/// The name in the outcome of a search is another one: an index into a list is all that can be known of it.
#[test]
fn a_value_that_no_rule_gives_keeps_the_model_at_work() {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| match results.len() {
        0 => {
            let code = super::learning::file(task)
                .bytes()
                .fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
            Answer::command(format!("python3 job.py --key k{code}"))
        }
        _ => Answer::text("done"),
    };
    let all = tasks(0, 10);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(host.run_all(&all, &model, &done), [2; 10]);
    assert!(!host.is_solidified());
}

/// A value that the program would take for one of its commands is another call, however it is quoted.
#[test]
fn a_value_does_not_become_a_command_of_the_program() {
    let host = Host::new(SolidifyPolicy::default());
    for value in ["Web1", "Api2", "Db3", "Mail4", "Web5"] {
        let model = |_: &str, results: &[String]| match results.len() {
            0 => Answer::command(format!("service {value}")),
            _ => Answer::text("done"),
        };
        let session = host.session_with("Look after the service", &[("name", value)]);
        let _ = block_on(host.drive(session, &model, &done));
    }
    assert!(host.is_solidified());
    let answer = |value| host.probe_with("Look after the service", &[("name", value)]);
    assert!(answer("Db6").is_some());
    for value in ["delete", "stop", "--help", "-rf"] {
        assert_eq!(answer(value), None, "{value}");
    }
}
