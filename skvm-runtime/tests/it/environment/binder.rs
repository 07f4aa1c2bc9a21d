//! Check, ask, install, verify, record; and nothing the second time.

use std::fs;

use skvm_core::artifact::{Check, ManualReason, ManualStep, Scope, Word};
use skvm_runtime::environment::{ConsentPolicy, OpenReason, PrepareError};

use super::{Place, asked, plan, questions};

#[tokio::test]
async fn what_is_missing_is_done_in_order_and_only_once() {
    let place = Place::new();
    let plan = plan([place.notes("one"), place.notes("two")]);
    let (consent, questions_asked) = asked(|_| true);
    let prepared = place.binder().prepare(&plan, &consent).await.unwrap();
    assert!(prepared.is_complete());
    let done: Vec<&str> = prepared.performed.iter().map(|p| p.action.as_str()).collect();
    assert_eq!(done, ["one", "two"]);
    assert_eq!(place.log(), ["one", "two"]);
    assert_eq!(questions(&questions_asked), [["one", "two"]]);

    // Another binder, as another process would have.
    let again = place.binder().prepare(&plan, &consent).await.unwrap();
    assert!(again.is_complete() && again.performed.is_empty());
    assert_eq!(place.log(), ["one", "two"]);
    assert_eq!(questions(&questions_asked).len(), 1, "nothing to ask about");
}

#[tokio::test]
async fn what_is_there_already_is_not_asked_about() {
    let place = Place::new();
    let mut there = place.notes("there");
    there.check = vec![Check::Program { name: "sh".to_owned(), version: Vec::new() }];
    there.verify.clone_from(&there.check);
    let (consent, questions_asked) = asked(|_| true);
    let plan = plan([there, place.notes("missing")]);
    let prepared = place.binder().prepare(&plan, &consent).await.unwrap();
    assert_eq!(prepared.performed.len(), 1);
    assert_eq!(questions(&questions_asked), [["missing"]]);
    assert_eq!(place.log(), ["missing"]);
}

#[tokio::test]
async fn nothing_runs_without_consent() {
    let place = Place::new();
    let plan = plan([place.notes("one")]);
    let binder = place.binder();
    let prepared = binder.prepare(&plan, &ConsentPolicy::nothing()).await.unwrap();
    assert!(!prepared.is_complete() && prepared.performed.is_empty());
    assert!(matches!(prepared.open[0].reason, OpenReason::Denied(_)), "{:?}", prepared.open);
    assert_eq!(prepared.open[0].dependencies, ["program:one"]);
    assert_eq!(place.log(), [""; 0]);
    assert!(place.environments().is_empty(), "no folder is left");
    // A consent that answers for less than it was asked denies the rest.
    let silent = |_: &skvm_runtime::environment::ConsentRequest<'_>| Vec::new();
    let prepared = binder.prepare(&plan, &silent).await.unwrap();
    assert!(!prepared.is_complete());
    assert_eq!(place.log(), [""; 0]);
}

#[tokio::test]
async fn what_changes_the_machine_needs_a_consent_of_its_own() {
    let place = Place::new();
    let mut machine = place.notes("machine");
    machine.scope = Scope::Machine;
    let plan = plan([place.notes("own"), machine]);
    let binder = place.binder();
    let prepared = binder.prepare(&plan, &ConsentPolicy::own_environment()).await.unwrap();
    assert!(!prepared.is_complete());
    assert_eq!(place.log(), ["own"]);
    // Allowed later, only the rest is done.
    let prepared = binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    assert!(prepared.is_complete());
    assert_eq!(place.log(), ["own", "machine"]);
}

#[tokio::test]
async fn preparations_are_done_when_something_waits_for_them() {
    let place = Place::new();
    let (mut first, mut second) = (place.notes("first"), place.notes("second"));
    first.after = vec!["base".to_owned()];
    second.after = vec!["base".to_owned()];
    let plan_of_both = plan([place.notes("base"), first, second]);
    let prepared =
        place.binder().prepare(&plan_of_both, &ConsentPolicy::everything()).await.unwrap();
    assert!(prepared.is_complete());
    assert_eq!(place.log(), ["base", "first", "second"]);

    let place = Place::new();
    let mut there = place.notes("there");
    there.check = vec![Check::Program { name: "sh".to_owned(), version: Vec::new() }];
    there.verify.clone_from(&there.check);
    there.after = vec!["base".to_owned()];
    let plan_of_one = plan([place.notes("base"), there]);
    place.binder().prepare(&plan_of_one, &ConsentPolicy::everything()).await.unwrap();
    assert_eq!(place.log(), [""; 0], "nothing waits for it");

    // Denied, it takes with it what waits for it.
    let place = Place::new();
    let mut waiting = place.notes("waiting");
    waiting.after = vec!["base".to_owned()];
    let plan_of_denied = plan([place.notes("base"), waiting]);
    let (consent, _) = asked(|id| id != "base");
    let prepared = place.binder().prepare(&plan_of_denied, &consent).await.unwrap();
    assert!(!prepared.is_complete());
    assert_eq!(place.log(), [""; 0]);
}

#[tokio::test]
async fn a_failure_that_matters_is_told_and_leaves_nothing() {
    let place = Place::new();
    let script = "echo out; echo 'No matching distribution found for x' >&2; exit 3";
    let plan = plan([place.notes("one"), place.runs("two", script), place.notes("three")]);
    let error = place.binder().prepare(&plan, &ConsentPolicy::everything()).await.unwrap_err();
    let PrepareError::Failed(failed) = error else { panic!("{error:?}") };
    assert_eq!((failed.action.as_str(), failed.exit.as_str()), ("two", "exit status 3"));
    assert!(failed.output.contains("out") && failed.output.contains("No matching"), "{failed:?}");
    assert!(failed.advice.contains("registry") && !failed.in_verification, "{failed:?}");
    assert_eq!(place.log(), ["one"], "nothing is done behind it");
    assert!(place.environments().is_empty(), "{:?}", place.environments());
    // Nothing of it stands in the way of the next attempt.
    let error = place.binder().prepare(&plan, &ConsentPolicy::everything()).await.unwrap_err();
    assert!(matches!(error, PrepareError::Failed(_)), "{error:?}");
    assert_eq!(place.log(), ["one", "one"]);
}

#[tokio::test]
async fn what_is_done_and_does_not_work_is_a_failure() {
    let place = Place::new();
    let plan = plan([place.runs("lies", "exit 0")]);
    let error = place.binder().prepare(&plan, &ConsentPolicy::everything()).await.unwrap_err();
    let text = error.to_string();
    let PrepareError::Failed(failed) = error else { panic!("{error:?}") };
    assert!(failed.in_verification && failed.output.contains("is not there"), "{failed:?}");
    assert!(text.contains("the verification of the action lies"), "{text}");
    assert!(place.environments().is_empty());
}

#[tokio::test]
async fn an_optional_failure_fails_nothing_else_and_is_not_tried_again() {
    let place = Place::new();
    let mut optional = place.runs("optional", "echo optional >>\"$2\"; echo 'e404 gone'; exit 1");
    optional.optional = true;
    let plan = plan([place.notes("one"), optional]);
    let prepared = place.binder().prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    assert!(prepared.is_complete(), "{:?}", prepared.open);
    let open = &prepared.open[0];
    assert!(matches!(&open.reason, OpenReason::Failed(output) if output.contains("gone")));
    assert!(open.optional && open.advice.contains("npm registry"), "{open:?}");
    let again = place.binder().prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    assert_eq!(again.open, prepared.open);
    assert_eq!(place.log(), ["one", "optional"]);
}

#[tokio::test]
async fn what_a_killed_process_left_is_removed() {
    let place = Place::new();
    let plan = plan([place.notes("one")]);
    let binder = place.binder();
    let folder = binder.folder(&plan);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("half"), "x").unwrap();
    binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    assert!(!folder.join("half").exists() && folder.join("one").exists());
    // So is an environment whose record cannot be read, or is another plan's.
    for damage in ["", "{", "{\"plan\":\"00\"}"] {
        fs::write(folder.join("prepared.json"), damage).unwrap();
        fs::write(folder.join("half"), "x").unwrap();
        binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
        assert!(!folder.join("half").exists() && folder.join("one").exists(), "{damage}");
    }
    assert_eq!(place.log(), ["one"; 4]);
}

#[tokio::test]
async fn an_environment_that_lost_a_part_is_completed() {
    let place = Place::new();
    let plan = plan([place.notes("one"), place.notes("two")]);
    let binder = place.binder();
    binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    fs::remove_file(binder.folder(&plan).join("one")).unwrap();
    let prepared = binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    assert_eq!(prepared.performed.len(), 1);
    assert_eq!(place.log(), ["one", "two", "one"]);
    binder.remove(&plan).await.unwrap();
    assert!(place.environments().is_empty());
    binder.remove(&plan).await.unwrap();
}

#[tokio::test]
async fn steps_for_a_person_are_open_until_a_glance_shows_them_done() {
    let place = Place::new();
    let step = |name: &str, check: Option<Check>, optional| ManualStep {
        dependency: name.to_owned(),
        reason: ManualReason::Value,
        advice: format!("see to {name}"),
        optional,
        check,
        evidence: Vec::new(),
    };
    let variable = |name: &str| Some(Check::Variable { name: name.to_owned() });
    let program = |name: &str| {
        Some(Check::Program { name: name.to_owned(), version: vec!["--version".to_owned()] })
    };
    let mut plan = plan([]);
    plan.manual = vec![
        step("set", variable("SET"), false),
        step("unset", variable("UNSET"), false),
        step("empty", variable("EMPTY"), true),
        step("there", program("sh"), false),
        step("not there", program("no-such-program-anywhere"), true),
        step("unknown", None, true),
    ];
    let variables = [("SET", "x"), ("EMPTY", ""), ("PATH", "/usr/bin:/bin")];
    let environment = skvm_runtime::command::Environment::from_variables(variables);
    let binder = place.binder().with_environment(environment).with_host(super::host());
    let prepared = binder.prepare(&plan, &ConsentPolicy::nothing()).await.unwrap();
    let open: Vec<&str> = prepared.open.iter().map(|o| o.dependencies[0].as_str()).collect();
    assert_eq!(open, ["unset", "empty", "not there", "unknown"]);
    assert!(!prepared.is_complete());
    assert!(place.environments().is_empty() && !place.root().exists(), "nothing to keep");
}

#[tokio::test]
async fn variables_and_paths_of_an_action_reach_it_as_they_are() {
    let place = Place::new();
    let hostile = "$(touch PWNED); 'a' \"b\"\n-x";
    let mut action = place.runs("one", "printf '%s' \"$VALUE|$FOLDER|$7\" >\"$3\"");
    action.variables.insert("VALUE".to_owned(), Word::text(hostile));
    action.variables.insert("FOLDER".to_owned(), Word::in_environment("x"));
    action.argv.extend(["4", "5", "6"].map(Word::text));
    action.argv.push(Word::text(hostile));
    let plan = plan([action]);
    let binder = place.binder();
    binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    let folder = binder.folder(&plan);
    let written = fs::read_to_string(folder.join("one")).unwrap();
    assert_eq!(written, format!("{hostile}|{}|{hostile}", folder.join("x").display()));
    assert!(!folder.join("PWNED").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn environments_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    let plan = plan([place.notes("one")]);
    let binder = place.binder();
    binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    for folder in [place.root(), binder.folder(&plan)] {
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

/// What passes its check and does not work is a failure as often as it is asked for.
#[tokio::test]
async fn what_did_not_work_once_is_not_taken_for_done_later() {
    let place = Place::new();
    let mut broken = place.runs("broken", "echo broken >>\"$2\" && : >\"$3\"");
    let works = Check::Run { argv: vec![Word::text("false")], folder: None };
    broken.verify = vec![works];
    let plan = plan([place.notes("one"), broken]);
    let (denies, _) = asked(|id| id != "broken");
    let binder = place.binder();
    // There is an environment and a record before the part that does not work is allowed.
    assert!(!binder.prepare(&plan, &denies).await.unwrap().is_complete());
    for _ in 0..2 {
        let error = binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap_err();
        assert!(matches!(error, PrepareError::Failed(_)), "{error:?}");
    }
    assert_eq!(place.log(), ["one", "broken", "broken"]);
}

/// What installs is the host's; what is checked is what the skill will find. Neither sees the other's
/// variables, and no variable moves an installation elsewhere.
#[tokio::test]
async fn installers_and_checks_see_what_is_meant_for_them() {
    let place = Place::new();
    let script = "mkdir -p bin && env >\"$3\" && printf '#!/bin/sh\\nexit 1\\n' >bin/env && chmod 755 bin/env";
    let mut first = place.runs("first", script);
    first.verify.push(Check::Run {
        argv: ["sh", "-c", "/usr/bin/env >\"$1\"", "sh"]
            .map(Word::text)
            .into_iter()
            .chain([Word::in_environment("checked")])
            .collect(),
        folder: None,
    });
    let second = place.runs("second", "env >\"$3\"");
    let plan = plan([first, second]);
    let variables = [
        ("PATH", "/usr/bin:/bin"),
        ("PIP_INDEX_URL", "https://user:hunter2@e.org/simple"),
        ("PIP_TARGET", "/tmp/elsewhere"),
        ("npm_config_prefix", "/tmp/elsewhere"),
        ("API_KEY", "hunter3"),
    ];
    let environment = skvm_runtime::command::Environment::from_variables(variables);
    let binder = place.binder().with_environment(environment).with_host(super::host());
    binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    let read = |name: &str| fs::read_to_string(binder.folder(&plan).join(name)).unwrap();
    for installed in ["first", "second"] {
        let seen = read(installed);
        assert!(seen.contains("PIP_INDEX_URL="), "{seen}");
        let others = ["PIP_TARGET", "npm_config_prefix", "hunter3"];
        assert!(!others.iter().any(|other| seen.contains(other)), "{seen}");
    }
    let seen = read("checked");
    assert!(!seen.contains("hunter") && seen.contains("/bin:/usr/bin"), "{seen}");
}

#[tokio::test]
async fn a_root_may_be_relative() {
    let place = Place::new();
    let absolute = place.root();
    let above = std::env::current_dir().unwrap();
    let ups: std::path::PathBuf = above.components().skip(1).map(|_| "..").collect();
    let relative = ups.join(absolute.strip_prefix("/").unwrap());
    let binder = skvm_runtime::environment::Binder::new(relative).with_host(super::host());
    let plan = plan([place.notes("one")]);
    binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    assert!(binder.folder(&plan).is_absolute() && binder.folder(&plan).join("one").exists());
}
