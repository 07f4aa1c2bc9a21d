//! What a policy allows, small models that find values, and what something learned holds for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::executor::block_on;
use serde_json::json;
use skvm_core::artifact::TemplateLanguage::{self, Json, Python, Shell};
use skvm_core::harness::{Hooks, PreparedEnvironment, TurnView};
use skvm_core::llm::{LlmError, LlmErrorKind, LlmResponse, Message, ToolCall};
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;
use skvm_runtime::jit::{Jit, LearnedFor, SolidifiedState, SolidifyPolicy};
use skvm_runtime::scripted::ScriptedModel;
use skvm_runtime::session::Session;
use skvm_runtime::store::{MemoryStore, Store};

use super::host::{Answer, Host, between, probe};
use super::learning::{TASKS, converts, failing, learned, tasks, world};

fn ok(_: &ToolCall) -> (String, i32) {
    ("ok\n".to_owned(), 0)
}

/// Learns under the policy; whether it acts then. It has to be solidified in any case.
fn acts(
    policy: SolidifyPolicy,
    model: &(dyn Fn(&str, &[String]) -> Answer + Sync),
) -> (bool, Host) {
    let host = Host::new(policy);
    let all = tasks(0, 6);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let asked = host.run_all(&all, model, &ok);
    assert!(host.is_solidified(), "{asked:?}");
    let acts = host.probe("Convert data/f88.csv to JSON.").is_some();
    let report = block_on(host.report());
    assert_eq!(report.allowed, acts);
    assert_eq!(asked[5] == 0, acts);
    (acts, host)
}

#[test]
fn a_dry_run_predicts_and_never_acts() {
    let host = Host::new(SolidifyPolicy::dry_run());
    assert_eq!(host.run_all(&TASKS, &converts, &world), [2; 6]);
    let report = block_on(host.report());
    assert_eq!(report.state, SolidifiedState::Solidified);
    let counters = report.counters;
    assert_eq!((counters.runs, counters.predictions, counters.correct), (6, 5, 5));
    assert_eq!((counters.answered, counters.would_answer, counters.saved_calls), (0, 2, 0));
}

#[test]
fn in_a_dry_run_failures_in_a_row_demote_too() {
    let host = Host::new(SolidifyPolicy::dry_run());
    let _ = host.run_all(&TASKS, &converts, &world);
    for task in tasks(0, 2) {
        let _ = block_on(host.run(&task, &converts, &failing));
    }
    // One that goes well.
    let _ = host.run_all(&["Convert data/q9.csv to JSON."], &converts, &world);
    for task in tasks(10, 2) {
        let _ = block_on(host.run(&task, &converts, &failing));
    }
    assert_eq!(host.state(), SolidifiedState::Solidified, "a success resets the failures");
    let _ = host.run_all(&["Convert data/q10.csv to JSON."], &converts, &failing);
    assert_eq!(host.state(), SolidifiedState::Demoted);
}

#[test]
fn only_languages_of_the_policy_act() {
    let script = |task: &str, results: &[String]| match results.len() {
        0 => {
            let file = super::learning::file(task);
            let content = format!("print(open('{file}').read())\n");
            Answer::call("write_file", json!({"path": "run.py", "content": content}))
        }
        _ => Answer::text("done"),
    };
    let data = |task: &str, results: &[String]| match results.len() {
        0 => Answer::call("convert", json!({"file": super::learning::file(task)})),
        _ => Answer::text("done"),
    };
    let only = |languages: &[TemplateLanguage]| {
        SolidifyPolicy::default().languages(languages.iter().copied())
    };
    for (languages, shell, python) in [
        (&[][..], false, false),
        (&[Shell][..], true, false),
        (&[Python], false, true),
        (&[Json], false, false),
        (&[Shell, Python], true, true),
    ] {
        assert_eq!(acts(only(languages), &converts).0, shell, "{languages:?}");
        assert_eq!(acts(only(languages), &script).0, python, "{languages:?}");
        // Plain arguments are no code.
        assert!(acts(only(languages), &data).0, "{languages:?}");
    }
}

/// What stands in the holes of a template must not keep its code from being seen.
#[test]
fn languages_are_limited_where_a_hole_is_a_url() {
    let host = Host::new(SolidifyPolicy::default().languages([Python]));
    for number in 0..6 {
        let url = format!("https://x{number}.org/a{number}.csv");
        let model = |_: &str, results: &[String]| match results.len() {
            0 => Answer::command(format!("curl -s -o out.json {url}")),
            _ => Answer::text("done"),
        };
        let session = host.session_with("Fetch what was asked for", &[("url", &url)]);
        let outcome = block_on(host.drive(session, &model, &ok));
        assert_eq!(outcome.model_calls, 2, "{:#?}", block_on(host.reports()));
    }
    assert!(!block_on(host.report()).allowed);
}

#[test]
fn languages_are_limited_where_the_path_of_a_script_is_a_hole() {
    let host = Host::new(SolidifyPolicy::default().languages([Shell]));
    for number in 0..6 {
        let path = format!("scripts/s{number}.py");
        let model = |_: &str, results: &[String]| match results.len() {
            0 => Answer::call("write_file", json!({"path": path, "content": "print(1)\n"})),
            _ => Answer::text("done"),
        };
        let session = host.session_with("Write the script that was asked for", &[("path", &path)]);
        let outcome = block_on(host.drive(session, &model, &ok));
        assert_eq!(outcome.model_calls, 2, "{:#?}", block_on(host.reports()));
    }
}

#[test]
fn only_tools_of_the_policy_act() {
    let only = |tools: &[&str]| SolidifyPolicy::default().tools(tools.iter().copied());
    assert!(acts(only(&["execute_command"]), &converts).0);
    assert!(acts(only(&["read_file", "execute_command"]), &converts).0);
    assert!(!acts(only(&["read_file"]), &converts).0);
    assert!(!acts(only(&[]), &converts).0);
    // One call of several that may not be made keeps all of them.
    let two = |task: &str, results: &[String]| match results.len() {
        1 => Answer::call("delete_file", json!({"path": super::learning::file(task)})),
        0 => converts(task, results),
        _ => Answer::text("done"),
    };
    assert!(!acts(only(&["execute_command"]), &two).0);
    assert!(acts(only(&["execute_command", "delete_file"]), &two).0);
}

#[test]
fn a_refused_template_never_acts() {
    let (acted, host) = acts(SolidifyPolicy::default(), &converts);
    assert!(acted);
    let template = block_on(host.report()).template;
    let refusing = SolidifyPolicy::default().refusing([template]);
    assert!(!acts(refusing.clone(), &converts).0);
    // On a store where it is solidified already, too.
    let other = Host::on(Arc::clone(&host.store), refusing);
    assert!(other.is_solidified() && other.probe(TASKS[0]).is_none());
}

/// Where a routine may not act, its predictions go on being counted.
#[test]
fn what_is_not_allowed_is_still_predicted() {
    let policy = SolidifyPolicy::default().tools(["read_file"]);
    let (_, host) = acts(policy, &converts);
    let counters = block_on(host.report()).counters;
    assert_eq!((counters.runs, counters.correct, counters.would_answer), (6, 5, 0));
}

#[test]
fn a_policy_is_shown_without_what_it_asks() {
    let model = Arc::new(ScriptedModel::new("small", []));
    let policy = SolidifyPolicy::default().extract_with(model).tools(["a"]);
    let text =
        format!("{policy:?} {:?}", Jit::new(Arc::new(MemoryStore::default()), policy.clone()));
    assert!(text.contains("small") && text.contains("promote_after: 3"), "{text}");
}

const CITIES: [(&str, &str); 8] = [
    ("Munich", "MUC"),
    ("Oslo", "OSL"),
    ("Lisbon", "LIS"),
    ("Vienna", "VIE"),
    ("Athens", "ATH"),
    ("Warsaw", "WAW"),
    ("Zurich", "ZRH"),
    ("Riga", "RIX"),
];

fn flight(city: &str) -> String {
    format!("Find flights to {city} for the next holidays")
}

fn flies(task: &str, results: &[String]) -> Answer {
    let city = between(task, "flights to ", " for");
    let code = CITIES.iter().find(|(name, _)| *name == city).map_or("???", |(_, code)| code);
    match results.len() {
        0 => Answer::call("find_flights", json!({"to": code, "city": city})),
        _ => Answer::text("Here they are."),
    }
}

/// What a small model says, one answer after the other.
type Answers = Vec<Result<LlmResponse, LlmError>>;

fn found(values: &[&str]) -> Result<LlmResponse, LlmError> {
    Ok(LlmResponse::text(json!({"values": values}).to_string()))
}

/// Runs the flights; how often the model was asked in each.
fn flights(host: &Host, cities: &[(&str, &str)]) -> Vec<usize> {
    let run = |city: &str| block_on(host.run(&flight(city), &flies, &ok)).model_calls;
    cities.iter().map(|(city, _)| run(city)).collect()
}

#[test]
fn a_value_that_no_pattern_gives_is_not_guessed() {
    let host = Host::new(SolidifyPolicy::default());
    assert_eq!(flights(&host, &CITIES), [2; 8]);
    assert!(!host.is_solidified());
}

#[test]
fn a_small_model_finds_values_where_it_may() {
    // Two runs to learn from; of the others each is asked about once.
    let small = ScriptedModel::new("small", CITIES[2..].iter().map(|(_, code)| found(&[code])));
    let host = Host::new(SolidifyPolicy::default().extract_with(Arc::new(small.clone())));
    let asked = flights(&host, &CITIES[..7]);
    assert_eq!(asked, [2, 2, 2, 2, 2, 0, 0], "{:#?}", block_on(host.reports()));
    let requests = small.requests();
    assert_eq!(requests.len(), 5);
    let text = format!("{:?}", requests[4]);
    assert!(text.contains("Find flights to Zurich") && text.contains("MUC"), "{text}");
    let answer = host.probe(&flight("Riga")).unwrap();
    assert_eq!(answer.tool_calls[0].arguments, json!({"to": "RIX", "city": "Riga"}));
    // It costs what it costs.
    assert!(host.probe("Do not find flights to Riga for the next holidays").is_none());
}

/// Nothing in the calls stands in the task, so that the first run alone tells nothing of its wording.
#[test]
fn a_small_model_finds_values_that_share_nothing_with_the_task() {
    let small = ScriptedModel::new("small", CITIES[2..].iter().map(|(_, code)| found(&[code])));
    let host = Host::new(SolidifyPolicy::default().extract_with(Arc::new(small)));
    let model = |task: &str, results: &[String]| match flies(task, results) {
        Answer::Calls(mut calls) => {
            calls[0].1.as_object_mut().unwrap().remove("city");
            Answer::Calls(calls)
        }
        text @ Answer::Text(_) => text,
    };
    let all: Vec<String> = CITIES.iter().map(|(city, _)| flight(city)).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(host.run_all(&all[..7], &model, &ok), [2, 2, 2, 2, 2, 0, 0]);
}

#[test]
fn what_a_small_model_gets_wrong_is_no_evidence() {
    let wrong = || (0..20).map(|_| found(&["XXX"]));
    let small = ScriptedModel::new("small", wrong());
    let host = Host::new(SolidifyPolicy::default().extract_with(Arc::new(small)));
    assert_eq!(flights(&host, &CITIES), [2; 8]);
    assert!(!host.is_solidified());
}

#[test]
fn answers_of_a_small_model_are_checked() {
    let rooms: [(&str, u32); 8] = [
        ("Monday", 1),
        ("Tuesday", 2),
        ("Wednesday", 3),
        ("Thursday", 4),
        ("Friday", 5),
        ("Saturday", 6),
        ("Sunday", 7),
        ("Monday", 1),
    ];
    let task = |day: &str| format!("Book the large room on {day} for me");
    let model = |task: &str, results: &[String]| {
        let day = between(task, "room on ", " for");
        let number = rooms.iter().find(|(name, _)| *name == day).map_or(0, |(_, number)| *number);
        match results.len() {
            0 => Answer::call("book", json!({"room": "large", "day": day, "weekday": number})),
            _ => Answer::text("Booked."),
        }
    };
    let bad: [fn() -> Answers; 7] = [
        || vec![found(&["seven"])],
        || vec![found(&["7; rm -rf ~"])],
        || vec![found(&[])],
        || vec![found(&["7", "7"])],
        || vec![found(&[""])],
        || vec![Err(LlmError::new(LlmErrorKind::Network))],
        || (0..3).map(|_| Ok(LlmResponse::text("I do not know."))).collect(),
    ];
    for (number, bad) in bad.iter().enumerate() {
        let good = rooms[2..6].iter().map(|(_, number)| found(&[&number.to_string()]));
        let small = ScriptedModel::new("small", good.chain(bad()));
        let host = Host::new(SolidifyPolicy::default().extract_with(Arc::new(small)));
        for (day, _) in &rooms[..6] {
            let _ = block_on(host.run(&task(day), &model, &ok));
        }
        assert!(host.is_solidified(), "{:#?}", block_on(host.reports()));
        let before = block_on(host.report());
        let outcome = block_on(host.run(&task("Sunday"), &model, &ok));
        assert_eq!((outcome.model_calls, outcome.text.as_str()), (2, "Booked."), "{number}");
        assert_eq!(outcome.calls[0].arguments["weekday"], json!(7));
        let after = block_on(host.report());
        assert_eq!(after.state, SolidifiedState::Solidified, "{number}");
        assert_eq!(after.counters.answered, before.counters.answered);
    }
}

/// Without the small model nothing that needs it acts.
#[test]
fn without_a_small_model_nothing_that_needs_one_acts() {
    let small = ScriptedModel::new("small", CITIES[2..].iter().map(|(_, code)| found(&[code])));
    let host = Host::new(SolidifyPolicy::default().extract_with(Arc::new(small)));
    let _ = flights(&host, &CITIES[..6]);
    assert!(host.is_solidified());
    let without = Host::on(Arc::clone(&host.store), SolidifyPolicy::default());
    assert!(without.probe(&flight("Riga")).is_none());
    assert!(!block_on(without.report()).allowed);
}

fn skill(text: &str) -> Skill {
    Skill::from_text("/nowhere/x", format!("---\nname: x\n---\n# X\n\n{text}\n"))
}

fn variant(skill: &Skill, target: &Target) -> Variant {
    let unit = Unit::new(skill.clone(), target.clone());
    block_on(PassManager::standard().compile(&unit)).unwrap().variant
}

#[test]
fn what_is_learned_holds_for_one_variant_target_and_environment() {
    let targets = [Target::new("m", "host"), Target::new("n", "host"), Target::new("m", "other")];
    let skills = [skill("Convert files."), skill("Convert files well.")];
    let variants = [variant(&skills[0], &targets[0]), variant(&skills[1], &targets[0])];
    let environments = [
        PreparedEnvironment::default(),
        PreparedEnvironment {
            path: vec![PathBuf::from("/venv/bin")],
            ..PreparedEnvironment::default()
        },
        PreparedEnvironment {
            variables: BTreeMap::from([("A".to_owned(), "b".to_owned())]),
            ..PreparedEnvironment::default()
        },
    ];
    let mut scopes: Vec<LearnedFor<'_>> = targets.iter().map(LearnedFor::target).collect();
    let plain = LearnedFor::target(&targets[0]);
    scopes.push(plain.with_skill(&skills[0], None));
    scopes.push(plain.with_skill(&skills[1], None));
    scopes.push(plain.with_skill(&skills[0], Some(&variants[0])));
    scopes.push(plain.with_skill(&skills[1], Some(&variants[1])));
    for environment in &environments {
        scopes.push(
            plain.with_skill(&skills[0], Some(&variants[0])).with_environment(Some(environment)),
        );
    }
    let host = Host::new(SolidifyPolicy::default());
    let session = |learned: LearnedFor<'_>, task: &str| {
        Session::new(targets[0].clone(), task).with_jit(&host.jit, learned)
    };
    for (number, scope) in scopes.iter().enumerate() {
        assert!(block_on(host.jit.solidified(*scope)).unwrap().is_empty(), "{number}");
        let asked: Vec<usize> = TASKS[..5]
            .iter()
            .map(|task| block_on(host.drive(session(*scope, task), &converts, &world)).model_calls)
            .collect();
        assert_eq!(asked, [2, 2, 2, 2, 0], "{number}");
    }
    // Forgetting one leaves the others.
    block_on(host.jit.forget(scopes[0])).unwrap();
    for (number, scope) in scopes.iter().enumerate() {
        let task = "Convert data/q9.csv to JSON.";
        let answer = probe(session(*scope, task), vec![Message::user(task)]);
        assert_eq!(answer.is_some(), number > 0, "{number}");
    }
}

#[test]
fn forgetting_what_is_not_there_is_no_error() {
    let host = Host::new(SolidifyPolicy::default());
    block_on(host.jit.forget(LearnedFor::target(&host.target))).unwrap();
    block_on(host.jit.forget(LearnedFor::target(&host.target))).unwrap();
}

#[test]
fn a_report_is_for_people_and_programs() {
    let host = learned(SolidifyPolicy::default());
    let report = block_on(host.report());
    assert_eq!(report.calls.len(), 1);
    assert!(report.calls[0].contains("convert.py") && report.calls[0].contains("{gap_0}"));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["state"], "solidified");
    assert_eq!(json["counters"]["sideExits"], 0);
    assert_eq!(report.state.to_string(), "solidified");
    assert_eq!(SolidifiedState::Predicted(2).to_string(), "predicted 2");
}

#[test]
fn a_session_is_shown_without_what_follows_it() {
    let host = learned(SolidifyPolicy::default());
    let task = TASKS[0];
    let mut session = host.session_with(task, &[("password", "hunter2")]);
    let messages = [Message::user(task)];
    let _ = block_on(session.before_llm(&TurnView { index: 0, task, messages: &messages }));
    let text = format!("{session:?} {:?}", host.jit);
    assert!(text.contains("Convert data/q1.csv") && !text.contains("hunter2"), "{text}");
}

#[test]
fn many_scopes_are_no_trouble() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let host = Host::on(store, SolidifyPolicy::default());
    let _ = host.run_all(&TASKS[..5], &converts, &world);
    for number in 0..300 {
        let target = Target::new(format!("m{number}").as_str(), "host");
        assert!(block_on(host.jit.solidified(LearnedFor::target(&target))).unwrap().is_empty());
    }
    assert!(host.probe("Convert data/q9.csv to JSON.").is_some());
}
