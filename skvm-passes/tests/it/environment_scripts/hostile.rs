//! Hostile skills: nothing of their names and values is read by a shell or stands where options do, and
//! nothing outside the environment is touched.

use std::collections::BTreeMap;
use std::path::Path;

use skvm_core::artifact::{
    Action, ActionKind, Check, EnvironmentPlan, ManualReason, ManualStep, Scope, Word,
};
use skvm_core::host::HostFacts;
use skvm_core::skill::Skill;

use super::cases::{self, CASES};
use super::jail::{Jail, Run, checked_scripts};
use crate::plan::{everything, linux, plain_root, planned};

/// Where the setup, and the stubs that stand in for package managers, may leave something.
const OWN: [&str; 3] = ["environment", "state", "installed"];

fn assert_contained(name: &str, skill: &Skill, host: &HostFacts) {
    // Checks every word of the plan by the grammar of its kind.
    let plan = planned(skill, host);
    let jail = Jail::new();
    let allowed = jail.allowed(&plan);
    for (script, text) in checked_scripts(&plan) {
        let before = jail.files();
        let run = jail.run(&text, &[]);
        let at = format!("{name}: {script}");
        assert!(matches!(run.status, Some(0 | 1)), "{at}: {run:?}");
        for argv in run.argvs() {
            assert!(allowed.contains(&argv), "{at}: {argv:?} is not in the plan");
        }
        assert_said(&at, &run);
        let after = jail.files();
        assert_eq!(outside(&before), outside(&after), "{at}");
        let is_setup = script == "env-setup.sh";
        assert!(is_setup || before == after, "{at}: something changed");
        assert!(!after.keys().any(|path| path.contains("PWNED")), "{at}");
    }
    assert!(!Path::new("PWNED").exists() && !Path::new("/tmp/PWNED").exists(), "{name}");
}

fn outside(files: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    let outside =
        files.iter().filter(|(path, _)| !OWN.iter().any(|own| path.split('/').next() == Some(own)));
    outside.map(|(path, content)| (path.as_str(), content.as_str())).collect()
}

/// What a script says is lines of its own form, without anything that a terminal would read as more than
/// text. A word of a skill that was run would be told by the shell that did not find it.
fn assert_said(at: &str, run: &Run) {
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || matches!(c, '\u{61c}' | '\u{2028}' | '\u{2029}')
    };
    assert!(!run.said.contains(hidden), "{at}: {run:?}");
    let starts = [
        "ok: ",
        "open: ",
        "open (optional): ",
        "doing: ",
        "to be set up: ",
        "to be set up (optional): ",
        "could not be set up: ",
        "could not be set up (optional): ",
        "does not work: ",
        "does not work (optional): ",
    ];
    for line in run.said.lines() {
        assert!(starts.iter().any(|start| line.starts_with(start)), "{at} says {line:?}");
    }
}

fn assert_all_contained(host: &HostFacts) {
    for (name, parts) in CASES {
        assert_contained(name, &cases::skill(parts), host);
    }
}

#[test]
fn hostile_skills_reach_no_shell_no_option_and_no_file() {
    assert_all_contained(&everything());
}

#[test]
fn hostile_skills_reach_nothing_without_uv_and_apt_either() {
    assert_all_contained(&plain_root());
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let mut names: Vec<&str> = CASES.iter().map(|(name, _)| *name).collect();
    assert!(names.len() >= 40);
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}

/// Texts that no plan holds, as nothing of the kind is a name.
const TEXTS: [&str; 34] = [
    "; touch PWNED",
    "$(touch PWNED)",
    "`touch PWNED`",
    "${IFS}`touch PWNED`",
    "'; touch PWNED; '",
    "\"; touch PWNED; \"",
    "'$(touch PWNED)'",
    "\"$(touch PWNED)\"",
    "\\'; touch PWNED; \\'",
    "'\\''; touch PWNED; '\\''",
    "\n touch PWNED\n",
    "\\\n touch PWNED",
    "x\r\ntouch PWNED",
    "| touch PWNED",
    "&& touch PWNED",
    "& touch PWNED &",
    "> PWNED",
    "<(touch PWNED)",
    "$((0)) $x ${x:?} $0 $$ $! $env_dir",
    "<<EOF",
    "}; touch PWNED; {",
    "); touch PWNED; (",
    "# touch PWNED",
    "!touch PWNED!",
    "~ ~root",
    "* ? [a-z] {a,b}",
    "%s %n %d \\n \\0 \\c",
    "--help",
    "-e",
    "--",
    "",
    " ",
    "tab\tand \u{fc}\u{e9}\u{4e2d}",
    "\u{1b}[2J\u{7}\u{9b}x\u{202e}y\u{2028}z\u{85}",
];

/// A plan in which a text stands in every place.
fn plan_of(text: &str) -> EnvironmentPlan {
    let run = |first: &str| Check::Run {
        argv: vec![Word::text("node"), Word::text(first), Word::text(text)],
        folder: None,
    };
    let action = Action {
        id: text.to_owned(),
        kind: ActionKind::Tool,
        dependencies: vec![text.to_owned()],
        argv: vec![Word::text("node"), Word::text(text), Word::in_environment(format!("x{text}"))],
        variables: [("GOBIN".to_owned(), Word::text(text))].into(),
        scope: Scope::Skill,
        optional: false,
        after: Vec::new(),
        check: vec![Check::File { path: Word::in_environment(format!("not there{text}")) }],
        verify: vec![run("verify")],
    };
    let step = |check| ManualStep {
        dependency: text.to_owned(),
        reason: ManualReason::Value,
        advice: text.to_owned(),
        optional: true,
        check,
        evidence: Vec::new(),
    };
    let program = Check::Program { name: format!("no{text}"), version: vec![text.to_owned()] };
    let manual = [
        None,
        Some(run("step")),
        Some(program),
        Some(Check::Variable { name: text.to_owned() }),
        Some(Check::Variable { name: format!("A{text}") }),
        Some(Check::File { path: Word::text(format!("x{text}")) }),
    ];
    let manual = manual.into_iter().map(step).collect();
    EnvironmentPlan { host: linux(), actions: vec![action], manual }
}

/// As the scripts hold a text: what a terminal would read as more than text is left out.
fn held(text: &str) -> String {
    let is_hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202e}' | '\u{2028}')
    };
    text.chars().map(|c| if is_hidden(c) { '?' } else { c }).collect()
}

#[test]
fn whatever_a_plan_holds_arrives_as_a_word_and_is_never_run() {
    for text in TEXTS {
        let plan = plan_of(text);
        let jail = Jail::new();
        let text = held(text);
        let call = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let done: Vec<String> = call(&["node", &text, &format!("{}/x{text}", jail.environment())]);
        let (verified, step) = (call(&["node", "verify", &text]), call(&["node", "step", &text]));
        for (script, source) in checked_scripts(&plan) {
            let before = jail.files();
            let run = jail.run(&source, &[]);
            let expected: Vec<Vec<String>> = match script {
                "env-check.sh" => vec![step.clone()],
                "env-setup.sh" => vec![done.clone(), verified.clone(), step.clone()],
                _ => vec![verified.clone(), step.clone()],
            };
            assert_eq!(run.argvs(), expected, "{text:?} {script}: {run:?}");
            if script == "env-setup.sh" {
                assert_eq!(run.calls[0].variables[0], text);
            }
            let status = if script == "env-check.sh" { 1 } else { 0 };
            assert_eq!(run.status, Some(status), "{text:?} {script}: {run:?}");
            assert!(run.said.contains(&format!("open (optional): {text}: {text}\n")), "{run:?}");
            assert!(!run.said.contains(['\u{1b}', '\u{202e}', '\r']), "{run:?}");
            assert!(!run.said.contains("not found"), "{run:?}");
            assert_eq!(outside(&before), outside(&jail.files()), "{text:?} {script}");
        }
    }
}
