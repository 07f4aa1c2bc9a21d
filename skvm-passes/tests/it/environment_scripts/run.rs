//! What the scripts do on good skills: the plan's words arrive as they are, once, and failures stay where
//! they belong.

use skvm_core::artifact::EnvironmentPlan;
use skvm_core::skill::Skill;

use super::jail::{Call, Jail, Run, checked_scripts};
use crate::plan::{everything, linux, plain_root, planned};
use crate::samples;

/// The scripts of a plan in a jail.
struct Scripts {
    jail: Jail,
    plan: EnvironmentPlan,
    check: String,
    setup: String,
    verify: String,
}

impl Scripts {
    fn of(plan: EnvironmentPlan) -> Self {
        let [check, setup, verify] = checked_scripts(&plan).map(|(_, text)| text);
        Self { jail: Jail::new(), plan, check, setup, verify }
    }

    fn check(&self) -> Run {
        self.jail.run(&self.check, &[])
    }

    fn setup(&self) -> Run {
        self.jail.run(&self.setup, &[])
    }

    fn verify(&self) -> Run {
        self.jail.run(&self.verify, &[])
    }

    /// The calls of a run that are actions of the plan, in their order.
    fn done(&self, run: &Run) -> Vec<Vec<String>> {
        let actions = self.actions();
        run.argvs().into_iter().filter(|argv| actions.contains(argv)).collect()
    }

    fn actions(&self) -> Vec<Vec<String>> {
        self.plan.actions.iter().map(|action| self.jail.argv(&action.argv)).collect()
    }
}

/// A skill that needs something of every kind that can be installed.
fn rich() -> Skill {
    let code = "cargo install ripgrep-all --version 1.0.0\ngo install github.com/o/tool@v1.2\n\
                gem install asciidoctor\napt-get install jq libmagic-dev\nagent-browser open x";
    let files = [
        ("requirements.txt", "pandas>=2.0,<3\nuvicorn[standard]~=0.20\n"),
        ("run.py", "import pandas\ntry:\n    import requests\nexcept ImportError:\n    pass\n"),
        ("package.json", r#"{"dependencies":{"@a/b":"^1.2","left-pad":"1 || 2"}}"#),
    ];
    samples::bundled(&format!("# Demo\n\n```bash\n{code}\n```\n"), &files)
}

#[test]
fn the_words_of_a_plan_arrive_as_they_are_once_and_in_order() {
    for host in [everything(), plain_root()] {
        let scripts = Scripts::of(planned(&rich(), &host));
        let before = scripts.check();
        assert_eq!(before.status, Some(1), "{before:?}");
        assert_eq!(scripts.done(&before), [[""; 0]; 0]);
        let setup = scripts.setup();
        assert_eq!(setup.status, Some(0), "{setup:?}");
        assert_eq!(scripts.done(&setup), scripts.actions());
        let allowed = scripts.jail.allowed(&scripts.plan);
        for call in &setup.calls {
            assert!(allowed.contains(&call.argv), "{call:?}");
            if call.argv[1..] == ["install", "github.com/o/tool@v1.2"] {
                assert_eq!(call.variables[0], format!("{}/bin", scripts.jail.environment()));
            }
            if call.argv.starts_with(&["apt-get", "install", "-y"].map(str::to_owned)) {
                assert_eq!(call.variables[2], "noninteractive");
            }
        }
        for run in [scripts.check(), scripts.verify()] {
            assert_eq!(run.status, Some(0), "{run:?}");
            assert_eq!(scripts.done(&run), [[""; 0]; 0]);
            // Of this one no package is known for dnf.
            let is_good = |line: &str| {
                line.starts_with("ok: ") || line.starts_with("open: system-package:libmagic-dev: ")
            };
            assert!(run.said.lines().all(is_good), "{run:?}");
        }
        let files = scripts.jail.files();
        let again = scripts.setup();
        assert_eq!((again.status, scripts.done(&again)), (Some(0), vec![]), "{again:?}");
        assert_eq!(scripts.jail.files(), files);
    }
}

#[test]
fn checking_changes_nothing() {
    let scripts = Scripts::of(planned(&rich(), &everything()));
    let files = scripts.jail.files();
    scripts.check();
    scripts.verify();
    assert_eq!(scripts.jail.files(), files);
}

#[test]
fn an_optional_part_that_fails_fails_nothing_else() {
    let scripts = Scripts::of(planned(&rich(), &plain_root()));
    scripts.jail.fails_on(&["requests"]);
    let setup = scripts.setup();
    assert_eq!(setup.status, Some(0), "{setup:?}");
    assert_eq!(scripts.done(&setup), scripts.actions());
    assert!(setup.said.contains("could not be set up (optional): python:requests"), "{setup:?}");
    let verify = scripts.verify();
    assert_eq!(verify.status, Some(0), "{verify:?}");
    assert!(verify.said.contains("does not work (optional): python:requests"), "{verify:?}");
}

#[test]
fn a_required_part_that_fails_is_told_by_the_status_and_the_rest_is_done() {
    let scripts = Scripts::of(planned(&rich(), &plain_root()));
    scripts.jail.fails_on(&["left-pad@1 || 2"]);
    let setup = scripts.setup();
    assert_eq!(setup.status, Some(1), "{setup:?}");
    assert_eq!(scripts.done(&setup), scripts.actions());
    assert!(setup.said.contains("could not be set up: npm:@a/b, npm:left-pad"), "{setup:?}");
    for run in [scripts.check(), scripts.verify()] {
        assert_eq!(run.status, Some(1), "{run:?}");
    }
    scripts.jail.fails_on(&[]);
    let again = scripts.setup();
    assert_eq!(again.status, Some(0), "{again:?}");
    assert_eq!(scripts.done(&again).len(), 1);
}

#[test]
fn what_waits_for_something_that_failed_is_not_done() {
    let scripts = Scripts::of(planned(&rich(), &plain_root()));
    scripts.jail.fails_on(&["venv"]);
    let setup = scripts.setup();
    assert_eq!(setup.status, Some(1), "{setup:?}");
    let pip = scripts.done(&setup).iter().any(|argv| argv.contains(&"pip".to_owned()));
    assert!(!pip, "{setup:?}");
    assert!(setup.said.contains("could not be set up: python:pandas"), "{setup:?}");
}

#[test]
fn a_program_that_is_there_already_is_not_installed() {
    let skill = samples::skill("# Demo\n\n```bash\napt-get install jq\n```\n");
    let scripts = Scripts::of(planned(&skill, &everything()));
    std::os::unix::fs::symlink(scripts.jail.path("stub"), scripts.jail.path("installed/jq"))
        .unwrap();
    let setup = scripts.setup();
    assert_eq!(setup.status, Some(0));
    // No lists of packages are fetched either.
    assert_eq!(setup.argvs(), [["jq", "--version"]]);
}

#[test]
fn a_program_with_the_name_of_a_function_of_the_scripts_is_missing_all_the_same() {
    let names = ["say", "check_0", "do_0", "verify_0", "status", "env_dir"];
    let bins = names.join(", ");
    let front = format!(
        "---\nname: d\ndescription: d\nmetadata: {{openclaw: {{requires: {{bins: [{bins}]}}}}}}\n---\n# D\n"
    );
    let skill = samples::loaded(&front, &[("requirements.txt", "rich\n")]);
    let scripts = Scripts::of(planned(&skill, &linux()));
    for run in [scripts.check(), scripts.setup(), scripts.verify()] {
        for name in names {
            assert!(run.said.contains(&format!("open: program:{name}: ")), "{name}: {run:?}");
        }
    }
}

#[test]
fn missing_variables_are_told_by_name_and_values_never() {
    let script =
        "import os\na = os.environ['DEMO_API_KEY']\nb = os.environ.get('DEMO_TOKEN', '')\n";
    let skill = samples::bundled("# Demo\n", &[("run.py", script)]);
    let scripts = Scripts::of(planned(&skill, &linux()));
    let missing = scripts.check();
    assert_eq!(missing.status, Some(1), "{missing:?}");
    assert!(missing.said.contains("open: environment-variable:DEMO_API_KEY: "), "{missing:?}");
    assert!(missing.said.contains("open (optional): environment-variable:DEMO_TOKEN: "));
    let value = "s3cr3t-$(touch PWNED)-'\"`touch PWNED`";
    for script in [&scripts.check, &scripts.setup, &scripts.verify] {
        let run = scripts.jail.run(script, &[("DEMO_API_KEY", value), ("DEMO_TOKEN", value)]);
        assert_eq!(run.status, Some(0), "{run:?}");
        assert!(run.said.contains("ok: environment-variable:DEMO_API_KEY\n"), "{run:?}");
        assert!(!run.said.contains("s3cr3t"), "{run:?}");
    }
    let empty = scripts.jail.run(&scripts.check, &[("DEMO_API_KEY", "")]);
    assert_eq!(empty.status, Some(1), "a variable without a value is missing");
    assert!(!scripts.jail.files().keys().any(|path| path.contains("PWNED")));
}

#[test]
fn an_environment_with_spaces_and_quotes_in_its_path_works() {
    let scripts = Scripts::of(planned(&rich(), &plain_root()));
    let folder = scripts.jail.path("home/it's \"a\" $(touch PWNED) *");
    let variables = [("SKVM_ENVIRONMENT", folder.to_str().unwrap())];
    for script in [&scripts.setup, &scripts.check, &scripts.verify] {
        let run = scripts.jail.run(script, &variables);
        assert_eq!(run.status, Some(0), "{run:?}");
    }
    assert!(folder.join("python/bin/python").exists());
    assert!(!scripts.jail.files().keys().any(|path| path.ends_with("PWNED")));
    let default = scripts.jail.run(&scripts.setup, &[("SKVM_ENVIRONMENT", "")]);
    assert_eq!(default.status, Some(0), "{default:?}");
    assert!(scripts.jail.path("home/.local/share/skvm/environments").is_dir());
}

#[test]
fn a_manager_that_is_gone_since_is_a_failure_and_no_more() {
    let scripts = Scripts::of(planned(&rich(), &everything()));
    scripts.jail.remove("cargo");
    let setup = scripts.setup();
    assert_eq!(setup.status, Some(1), "{setup:?}");
    assert!(setup.said.contains("could not be set up: cargo:ripgrep-all"), "{setup:?}");
    assert_eq!(scripts.done(&setup).len(), scripts.plan.actions.len() - 1);
}

#[test]
fn nothing_is_run_in_the_folder_in_which_a_script_is_called() {
    let scripts = Scripts::of(planned(&rich(), &plain_root()));
    let environment = scripts.jail.environment();
    for run in [scripts.check(), scripts.setup(), scripts.check(), scripts.verify()] {
        let is_away = |call: &&Call| call.folder == "/" || call.folder.starts_with(&environment);
        assert_eq!(run.calls.iter().find(|call| !is_away(call)), None);
    }
}

#[test]
fn an_environment_by_a_relative_path_lies_where_the_script_is_called() {
    let scripts = Scripts::of(planned(&rich(), &plain_root()));
    for folder in ["-x/y", "z"] {
        for script in [&scripts.setup, &scripts.check, &scripts.verify] {
            let run = scripts.jail.run(script, &[("SKVM_ENVIRONMENT", folder)]);
            assert_eq!(run.status, Some(0), "{run:?}");
        }
        assert!(scripts.jail.path("work").join(folder).join("python/bin/python").exists());
    }
}

#[test]
fn an_empty_plan_has_scripts_that_do_nothing() {
    let scripts = Scripts::of(planned(&samples::skill("# Demo\n"), &linux()));
    let files = scripts.jail.files();
    for run in [scripts.check(), scripts.setup(), scripts.verify()] {
        assert_eq!((run.status, run.said.as_str(), run.calls.len()), (Some(0), "", 0));
    }
    assert_eq!(scripts.jail.files(), files);
}
