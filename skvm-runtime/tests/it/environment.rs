//! Setting up what a skill needs: with made-up actions, from a folder of wheels, from the registries.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and tells when it is skipped"
)]

mod binder;
mod endings;
mod offline;
mod processes;
mod registries;
mod sight;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use skvm_core::artifact::{Action, ActionKind, Check, EnvironmentPlan, Scope, Word};
use skvm_core::harness::{PreparedEnvironment, RunStatus, Task};
use skvm_core::host::{HostFacts, Interpreter, OsFamily};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_runtime::command::Environment;
use skvm_runtime::engine::{RunRequest, SkVm};
use skvm_runtime::environment::{Binder, ConsentRequest, Decision};

/// A folder for environments and one for the traces of actions.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn root(&self) -> PathBuf {
        self.path("environments")
    }

    fn binder(&self) -> Binder {
        Binder::new(self.root()).with_environment(Environment::from_host()).with_host(host())
    }

    /// An action that notes its name in a log and makes a file in the environment, by which it is
    /// checked and verified.
    fn notes(&self, id: &str) -> Action {
        let script = "echo \"$1\" >>\"$2\" && : >\"$3\"";
        self.runs(id, script)
    }

    /// An action that runs a script; it gets the action's name, the log and a file to make.
    fn runs(&self, id: &str, script: &str) -> Action {
        let log = self.path("log").to_string_lossy().into_owned();
        let mut argv: Vec<Word> = ["sh", "-c", script, "sh", id, &log].map(Word::text).into();
        argv.push(Word::in_environment(id));
        let made = Check::File { path: Word::in_environment(id) };
        Action {
            id: id.to_owned(),
            kind: ActionKind::Tool,
            dependencies: vec![format!("program:{id}")],
            argv,
            variables: BTreeMap::new(),
            scope: Scope::Skill,
            optional: false,
            after: Vec::new(),
            check: vec![made.clone()],
            verify: vec![made],
        }
    }

    /// What the actions noted, a line each.
    fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// What lies in the root, without locks.
    fn environments(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.root()) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_none_or(|end| end != "lock")).collect()
    }
}

fn host() -> HostFacts {
    HostFacts::new(OsFamily::Linux, "x86_64").with_node(Interpreter::new("node", "20.20.2"))
}

fn plan(actions: impl Into<Vec<Action>>) -> EnvironmentPlan {
    EnvironmentPlan { host: host(), actions: actions.into(), manual: Vec::new() }
}

/// The ids of the actions that a consent was asked about, a list for each question.
type Questions = Arc<Mutex<Vec<Vec<String>>>>;

/// A consent that allows what `allows` says and notes what it was asked.
fn asked(
    allows: impl Fn(&str) -> bool + Send + Sync,
) -> (impl Fn(&ConsentRequest<'_>) -> Vec<Decision> + Send + Sync, Questions) {
    let questions = Questions::default();
    let noted = Arc::clone(&questions);
    let consent = move |request: &ConsentRequest<'_>| {
        let ids = request.actions.iter().map(|action| action.id.clone()).collect();
        noted.lock().unwrap().push(ids);
        let decide = |id: &str| match allows(id) {
            true => Decision::Allow,
            false => Decision::Deny("not today".to_owned()),
        };
        request.actions.iter().map(|action| decide(&action.id)).collect()
    };
    (consent, questions)
}

fn questions(asked: &Questions) -> Vec<Vec<String>> {
    asked.lock().unwrap().clone()
}

/// A skill of these files.
fn skill(folder: &Path, files: &[(&str, &str)]) -> Arc<Skill> {
    for (path, content) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    Arc::new(Skill::load(folder).unwrap())
}

fn target() -> Target {
    Target::new("scripted", "bare-agent")
}

/// Runs Python and gives what it prints.
fn python(code: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new("python3")
        .args(["-I", "-c", code])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether the machine has an interpreter that a test needs. Where `SKVM_TEST_ALL` is set it must have it.
fn has(interpreter: &str) -> bool {
    let found = std::process::Command::new(interpreter).arg("--version").output().is_ok();
    assert!(found || std::env::var_os("SKVM_TEST_ALL").is_none(), "there is no {interpreter}");
    if !found {
        eprintln!("skipped: there is no {interpreter}");
    }
    found
}

/// Every distribution of the host's own Python, with its version.
fn host_distributions() -> String {
    let code = "import importlib.metadata as m\n\
                print(sorted((d.metadata['Name'], d.version) for d in m.distributions()))";
    python(code, &[])
}

/// What a run of the skill shows that sees what was set up.
async fn shown_by_run(
    vm: &SkVm,
    place: &Place,
    skill: Arc<Skill>,
    environment: PreparedEnvironment,
) -> String {
    let work = place.path("work");
    fs::create_dir(&work).unwrap();
    let request = RunRequest::new(Task::new("report"), target(), &work)
        .with_skill(skill)
        .with_environment(environment);
    let outcome = vm.run(request).await.unwrap();
    assert_eq!(outcome.record.status, RunStatus::Ok);
    serde_json::to_string(&outcome.record).unwrap()
}
