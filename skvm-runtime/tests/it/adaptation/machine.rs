//! A machine on which commands are run for real, and a scripted model that behaves like an agent.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::{FutureExt as _, StreamExt as _};
use skvm_core::artifact::{Dependencies, DependencyKind};
use skvm_core::capability::CapabilityProfile;
use skvm_core::failure::{Advice, FailureClass};
use skvm_core::harness::{PreparedEnvironment, RunLimits, RunRecord, Task};
use skvm_core::llm::{
    LlmBackend, LlmError, LlmRequest, LlmResponse, Message, StopReason, ToolCall,
};
use skvm_core::skill::Skill;
use skvm_core::target::{ModelId, Target};
use skvm_passes::variant::Variant;
use skvm_runtime::adaptation::{AdaptPolicy, Decision, Diagnosis, diagnose, symptoms};
use skvm_runtime::command::Environment;
use skvm_runtime::engine::{Event, EventStream, Judgement, RunOutcome, RunRequest, SkVm};
use skvm_runtime::harness::bare::{BARE_AGENT, BareAgent};
use tempfile::TempDir;

/// A skill with something wrong about it or around it, and an agent that comes upon it.
#[derive(Clone, Copy)]
pub(super) struct Fault {
    /// The text below the front matter.
    pub(super) body: &'static str,
    /// The files beside it.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// What the agent does next.
    pub(super) acts: fn(&Sight<'_>) -> LlmResponse,
    /// Whether the outcome is right.
    pub(super) check: fn(&RunRecord) -> Judgement,
    /// Most turns of a run.
    pub(super) turns: usize,
    /// Milliseconds for a run.
    pub(super) deadline: u64,
    /// What the target is taken to be able to do, where it was measured.
    pub(super) profile: Option<fn(CapabilityProfile) -> CapabilityProfile>,
    pub(super) policy: fn() -> AdaptPolicy,
    /// The class of the diagnosis.
    pub(super) class: FailureClass,
    /// Its subject, or the end of it.
    pub(super) subject: &'static str,
}

/// Nothing is wrong yet.
pub(super) const PLAIN: Fault = Fault {
    body: "",
    files: &[],
    acts: |sight| sight.try_or_give_up(&sight.own_command()),
    check: |_| Judgement::Right,
    turns: 12,
    deadline: 20_000,
    profile: None,
    policy: AdaptPolicy::default,
    class: FailureClass::Unknown,
    subject: "",
};

/// What the agent has before it.
pub(super) struct Sight<'a> {
    /// The text of the skill as it was compiled.
    pub(super) skill: &'a str,
    /// Where the skill's files lie.
    pub(super) folder: &'a str,
    /// The calls that were made, and what came of them.
    pub(super) calls: Vec<(ToolCall, &'a str)>,
}

impl<'a> Sight<'a> {
    fn of(request: &'a LlmRequest) -> Self {
        let system = request.system.as_deref().unwrap();
        let between = |text: &'a str, start: &str, end: &str| {
            let at = text.find(start).unwrap() + start.len();
            let behind = &text[at..];
            &behind[..behind.find(end).unwrap()]
        };
        let mut calls: Vec<(ToolCall, &'a str)> = Vec::new();
        for message in &request.messages {
            match message {
                Message::Assistant { tool_calls, .. } => {
                    calls.extend(tool_calls.iter().map(|call| (call.clone(), "")));
                }
                Message::Tool { call_id, content } => {
                    let call = calls.iter_mut().find(|(call, _)| call.id == *call_id);
                    call.unwrap().1 = content;
                }
                Message::User { .. } => {}
            }
        }
        Self {
            skill: between(system, "<skill name=\"figures\">", "</skill>"),
            folder: between(system, "Files that the skill speaks of lie in ", ".\n"),
            calls,
        }
    }

    /// The first command of the skill, as it is written there.
    pub(super) fn command(&self) -> String {
        let block = self.skill.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
        let mut lines = block.lines().filter(|line| !line.contains('=') || line.contains(' '));
        lines.next().unwrap().to_owned()
    }

    /// The command as an agent runs it that knows where the skill's files lie.
    pub(super) fn own_command(&self) -> String {
        self.command().replace(" scripts/", &format!(" {}/scripts/", self.folder))
    }

    /// Whether the skill has a sentence that earlier runs taught.
    pub(super) fn is_told(&self, advice: Advice) -> bool {
        self.skill.contains(advice.sentence())
    }

    /// What came of the last call; `None` before the first.
    pub(super) fn last(&self) -> Option<&'a str> {
        self.calls.last().map(|(_, result)| *result)
    }

    /// Whether the last call went well; `None` before the first.
    pub(super) fn worked(&self) -> Option<bool> {
        self.last().map(|last| last.ends_with("exit status: 0"))
    }

    /// Runs a command.
    pub(super) fn run(&self, command: &str) -> LlmResponse {
        self.call("execute_command", serde_json::json!({ "command": command }))
    }

    pub(super) fn call(&self, tool: &str, arguments: serde_json::Value) -> LlmResponse {
        LlmResponse::tool_call(format!("call_{}", self.calls.len()), tool, arguments)
    }

    pub(super) fn says(&self, text: &str) -> LlmResponse {
        LlmResponse::text(text)
    }

    /// Runs a command once; whether it worked or not, that is all.
    pub(super) fn try_or_give_up(&self, command: &str) -> LlmResponse {
        match self.worked() {
            None => self.run(command),
            Some(true) => self.says("done"),
            Some(false) => self.says("It does not work."),
        }
    }

    /// Runs a command; when it fails, another one in its place.
    pub(super) fn try_or_else(&self, command: &str, other: &str) -> LlmResponse {
        match (self.worked(), self.calls.len()) {
            (None, _) => self.run(command),
            (Some(true), _) => self.says("done"),
            (Some(false), 1) => self.run(other),
            (Some(false), _) => self.says("It does not work."),
        }
    }

    /// An answer that the limit on tokens cut off.
    pub(super) fn cut_off(&self, text: &str) -> LlmResponse {
        LlmResponse { stop: StopReason::Length, ..LlmResponse::text(text) }
    }
}

/// A model that does what a function of what it sees tells.
struct Acting {
    id: ModelId,
    acts: fn(&Sight<'_>) -> LlmResponse,
}

#[async_trait]
impl LlmBackend for Acting {
    fn model(&self) -> &ModelId {
        &self.id
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        Ok((self.acts)(&Sight::of(&request)))
    }
}

/// The interpreter itself: what stands on the `PATH` may be a script that looks for it.
static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
    let told = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    PathBuf::from(String::from_utf8(told.unwrap().stdout).unwrap().trim())
});

/// Programs of the system that the machine has.
const SYSTEM: [&str; 9] = ["sh", "bash", "cat", "cd", "env", "ls", "seq", "sleep", "false"];

/// A CLI that knows one option.
const FIGTOOL: &str = "#!/bin/sh\nif [ \"$2\" != --format ]; then\n  \
    echo \"error: unexpected argument '$2' found\" >&2; exit 2\nfi\necho total 3\n";

/// A CLI with commands of its own, which tells of errors as argparse does.
const FIGMAN: &str = "#!/bin/sh\nif [ \"$1\" != write ]; then\n  echo \"usage: figman [-h] {write,read} ...\" >&2\n  \
    echo \"figman: error: argument command: invalid choice: '$1' (choose from 'write', 'read')\" >&2; exit 2\nfi\n\
    echo total 3\n";

/// A program or module that the host can set up once a variant says that it is needed.
const FIGSTAT: &str = "#!/bin/sh\necho mean 2\n";
const FIGTAB: &str = "def rows():\n    return 3\n";

/// A machine, an engine on it, and a skill.
pub(super) struct Machine {
    folder: TempDir,
    pub(super) skill: Arc<Skill>,
    pub(super) target: Target,
    pub(super) vm: SkVm,
    events: EventStream,
    fault: Fault,
    pub(super) decisions: Vec<Decision>,
}

/// Writes a file that may be executed.
fn program(path: &Path, content: &str) {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

impl Machine {
    pub(super) fn with(fault: &Fault) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["bin", "work", "set-up", "modules"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        for name in SYSTEM {
            let mut places = ["/bin", "/usr/bin"].iter().map(|place| Path::new(place).join(name));
            if let Some(place) = places.find(|place| place.exists()) {
                symlink(place, at("bin").join(name)).unwrap();
            }
        }
        symlink(&*PYTHON, at("bin/python3")).unwrap();
        program(&at("bin/figtool"), FIGTOOL);
        program(&at("bin/figman"), FIGMAN);
        program(&at("set-up/figstat"), FIGSTAT);
        std::fs::write(at("modules/figtab.py"), FIGTAB).unwrap();
        std::fs::write(at("work/figures.csv"), "a,b\n1,2\n").unwrap();
        let skill = super::host::skill_in(folder.path(), fault.body, fault.files);
        let target = Target::new("agent", BARE_AGENT);
        let environment = Environment::from_variables([
            ("PATH", at("bin").into_os_string()),
            ("HOME", at("work").into_os_string()),
            ("LANG", "C.UTF-8".into()),
        ]);
        let model = Acting { id: ModelId::from("agent"), acts: fault.acts };
        let agent = BareAgent::new(Arc::new(model)).with_environment(environment);
        let mut builder = SkVm::builder().harness(Arc::new(agent)).adapt((fault.policy)());
        if let Some(profile) = fault.profile {
            let measured = CapabilityProfile::new(&target, "2026-01-01T00:00:00Z");
            builder = builder.profile(profile(measured));
        }
        let vm = builder.target(target.clone()).build();
        let events = vm.events();
        Self { folder, skill, target, vm, events, fault: *fault, decisions: Vec::new() }
    }

    /// A host that sets up what a variant says it needs, and nothing else.
    fn set_up_for(&self, variant: &Variant) -> PreparedEnvironment {
        let found = variant.artifacts().get::<Dependencies>().unwrap();
        let mut environment = PreparedEnvironment::default();
        for entry in found.iter().flat_map(|found| &found.entries) {
            let at = |name: &str| self.folder.path().join(name);
            match (entry.kind, entry.name.as_str()) {
                (DependencyKind::Program, "figstat") => environment.path.push(at("set-up")),
                (DependencyKind::Python, "figtab") => {
                    let modules = at("modules").display().to_string();
                    environment.variables.insert("PYTHONPATH".to_owned(), modules);
                }
                _ => {}
            }
        }
        environment
    }

    /// One run, with what its variant needs. Loading it twice gives the same.
    pub(super) async fn run(&mut self) -> RunOutcome {
        let loaded = self.vm.load(&self.skill, &self.target).await.unwrap().variant;
        let environment = self.set_up_for(&loaded);
        let work = self.folder.path().join("work");
        let mut request =
            RunRequest::new(Task::new("Report on figures.csv."), self.target.clone(), work)
                .with_skill(Arc::clone(&self.skill))
                .with_check(self.fault.check)
                .with_environment(environment);
        request.limits = RunLimits {
            turns: self.fault.turns,
            deadline: Duration::from_millis(self.fault.deadline),
            ..RunLimits::default()
        };
        let outcome = self.vm.run(request).await.unwrap();
        assert_eq!(outcome.variant.as_ref().unwrap().digest(), loaded.digest());
        while let Some(Some(event)) = self.events.next().now_or_never() {
            match event {
                Event::Adapted { decision, .. } => self.decisions.push(decision),
                Event::Lost { count } => panic!("{count} events were lost"),
                _ => {}
            }
        }
        outcome
    }

    /// What a run showed.
    pub(super) fn diagnosed(&self, outcome: &RunOutcome) -> Vec<Diagnosis> {
        diagnose(&symptoms(&outcome.trace), &self.skill, outcome.variant.as_deref())
    }

    /// Whether one of these is the failure that was planted.
    pub(super) fn planted<'d>(&self, found: &'d [Diagnosis]) -> Option<&'d Diagnosis> {
        let Fault { class, subject, .. } = self.fault;
        found.iter().find(|one| one.class == class && one.subject.ends_with(subject))
    }
}
