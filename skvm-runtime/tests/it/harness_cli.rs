//! Agents that are programs of their own, with programs that only play them: no model, no network.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ending;
mod foreseen;
mod key;
mod many;
mod sandbox;
mod skill;
mod start;
mod transcripts;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use skvm_core::harness::{
    Harness as _, HarnessError, HarnessEvent, HarnessRun, Hooks, NoHooks, PreparedEnvironment,
    RunLimits, RunRecord, SkillMode, SkillView, Task, ToolOffer,
};
use skvm_core::target::ModelId;
use skvm_runtime::harness::cli::{Cli, CliHarness};
use skvm_runtime::provider::{ApiKey, Endpoint};
use tempfile::TempDir;

/// The key that must not be seen.
const KEY: &str = "sk-very-secret-4711";

/// Far more than any of these runs needs.
const SOON: Duration = Duration::from_secs(20);

/// Folders of one test: where agents work, where sandboxes are, and where fake programs lie.
struct Stage(TempDir);

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for place in ["work", "sandboxes", "programs"] {
            fs::create_dir(folder.path().join(place)).unwrap();
        }
        Self(folder)
    }

    fn path(&self, place: &str) -> PathBuf {
        self.0.path().join(place)
    }

    fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// A program that is a script of a POSIX shell. Another process writes it: this one starts programs in other
    /// threads, and a file that is open for writing in any of them cannot be started.
    fn program(&self, name: &str, script: &str) -> PathBuf {
        let place = self.path("programs").join(name);
        let mut shell = Command::new("sh")
            .args(["-c", "cat > \"$1\" && chmod 700 \"$1\"", "sh"])
            .arg(&place)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = shell.stdin.take().unwrap();
        write!(stdin, "#!/bin/sh\n{script}\n").unwrap();
        drop(stdin);
        assert!(shell.wait().unwrap().success());
        place
    }

    /// A harness whose program is a script.
    fn harness(&self, cli: Cli, script: &str) -> CliHarness {
        let program = self.program(cli.id(), script);
        CliHarness::for_endpoint(cli, endpoint(cli))
            .with_program(program)
            .with_sandboxes_in(self.path("sandboxes"))
    }

    /// Nothing is left of any run.
    fn is_clean(&self) {
        let left: Vec<_> = self.path("sandboxes").read_dir().unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// What a script has written into the working directory.
    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.work().join(file)).unwrap()
    }

    fn has(&self, file: &str) -> bool {
        self.work().join(file).exists()
    }
}

/// A provider that nobody asks.
fn endpoint(cli: Cli) -> Endpoint {
    let wire = *cli.wires().first().unwrap();
    Endpoint::new(wire, "http://127.0.0.1:9/v1", "a-model").with_key(ApiKey::new(KEY))
}

/// What a run is given.
struct Asked {
    task: Task,
    model: Option<ModelId>,
    skill: Option<SkillView>,
    environment: Option<PreparedEnvironment>,
    tools: ToolOffer,
    work: PathBuf,
    limits: RunLimits,
}

impl Asked {
    fn new(stage: &Stage) -> Self {
        Self {
            task: Task::new("Do it."),
            model: None,
            skill: None,
            environment: None,
            tools: ToolOffer::Own,
            work: stage.work(),
            limits: RunLimits { deadline: SOON, ..RunLimits::default() },
        }
    }

    fn with_skill(mut self, skill: SkillView) -> Self {
        self.skill = Some(skill);
        self
    }

    fn within(mut self, millis: u64) -> Self {
        self.limits.deadline = Duration::from_millis(millis);
        self
    }

    async fn run(&self, harness: &CliHarness) -> Result<RunRecord, HarnessError> {
        self.run_with(harness, &mut NoHooks, &|_| {}).await
    }

    async fn of(&self, harness: &CliHarness) -> RunRecord {
        self.run(harness).await.unwrap()
    }

    async fn run_with(
        &self,
        harness: &CliHarness,
        hooks: &mut dyn Hooks,
        on_event: &(dyn Fn(&HarnessEvent) + Send + Sync),
    ) -> Result<RunRecord, HarnessError> {
        let run = HarnessRun {
            task: &self.task,
            model: self.model.as_ref(),
            skill: self.skill.as_ref(),
            environment: self.environment.as_ref(),
            tools: self.tools.clone(),
            workdir: &self.work,
            limits: self.limits.clone(),
            hooks,
            on_event,
        };
        harness.run(run).await
    }
}

/// Keeps what is told while a run goes on.
#[derive(Default)]
struct Told(Mutex<Vec<HarnessEvent>>);

impl Told {
    fn add(&self, event: &HarnessEvent) {
        self.0.lock().unwrap().push(event.clone());
    }

    fn all(&self) -> Vec<HarnessEvent> {
        self.0.lock().unwrap().clone()
    }
}

/// A skill that is only a text.
fn skill(mode: SkillMode) -> SkillView {
    SkillView {
        name: "log-summary".to_owned(),
        description: "Counts levels.".to_owned(),
        text: "---\nname: log-summary\ndescription: Counts levels.\n---\nCount them.\n".to_owned(),
        root: None,
        mode,
    }
}

/// A word of a shell.
fn word(path: &Path) -> String {
    format!("'{}'", path.display())
}

/// The reasons of an error, one below the other.
fn reasons(error: &dyn std::error::Error) -> String {
    let next = error.source().map(|source| format!("\n{}", reasons(source)));
    format!("{error}{}", next.unwrap_or_default())
}

/// An answer of the model in PI's words.
fn answer(text: &str) -> String {
    message(&json!([{"type": "text", "text": text}]), "stop")
}

/// A call of its shell in PI's words, and what came of it.
fn called(id: &str, command: &str, output: &str) -> String {
    let call =
        json!([{"type": "toolCall", "id": id, "name": "bash", "arguments": {"command": command}}]);
    let result = json!({
        "type": "tool_execution_end",
        "toolCallId": id,
        "toolName": "bash",
        "result": {"content": [{"type": "text", "text": output}]},
        "isError": false,
    });
    format!("{}\n{result}", message(&call, "toolUse"))
}

fn message(content: &Value, stop: &str) -> String {
    json!({"type": "message_end", "message": {
        "role": "assistant",
        "responseId": "r",
        "content": content,
        "stopReason": stop,
        "usage": {"input": 10, "output": 2, "cacheRead": 0, "cacheWrite": 0},
    }})
    .to_string()
}

/// The command of a shell that writes lines.
fn writes(lines: &[&str]) -> String {
    format!("cat <<'LINES'\n{}\nLINES\n", lines.join("\n"))
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// What others than the owner may do with it.
fn others(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o077
}

/// Waits for something that must come.
async fn until(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < SOON, "waited in vain");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether a process runs. One that ended and that nobody has asked about yet does not.
fn runs(pid: &str) -> bool {
    let pid: i32 = pid.trim().parse().unwrap();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    let is_zombie = stat.is_ok_and(|stat| {
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    });
    !is_zombie && test_kill_process(Pid::from_raw(pid).unwrap()).is_ok()
}
