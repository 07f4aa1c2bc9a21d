//! Hostile skills: nothing of their names and values is read by a shell or stands where options do, and
//! nothing outside the environment is touched.

use std::collections::BTreeMap;
use std::path::Path;

use skvm_core::skill::Skill;

use super::cases::CASES;
use super::jail::{Jail, Run, checked_scripts};
use crate::plan::{everything, plain_root, planned};

/// Where the setup, and the stubs that stand in for package managers, may leave something.
const OWN: [&str; 3] = ["environment", "state", "installed"];

fn assert_contained(name: &str, skill: &Skill) {
    for host in [everything(), plain_root()] {
        // Checks every word of the plan by the grammar of its kind.
        let plan = planned(skill, &host);
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

#[test]
fn hostile_skills_reach_no_shell_no_option_and_no_file() {
    assert!(CASES.len() >= 40);
    let mut names: Vec<&str> = CASES.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CASES.len(), "every case has a name of its own");
    for (name, parts) in CASES {
        let skill = super::cases::skill(parts);
        let before = std::time::Instant::now();
        assert_contained(name, &skill);
        assert!(before.elapsed().as_secs() < 60, "{name}");
    }
}
