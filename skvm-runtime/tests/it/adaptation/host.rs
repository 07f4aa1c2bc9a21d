//! A loop of the host's own: sessions of a skill whose calls and results a test makes up.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::executor::block_on;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::json;
use skvm_core::failure::FailureClass;
use skvm_core::harness::{Hooks as _, RunStatus, ToolResult, TurnView};
use skvm_core::llm::{LlmResponse, ToolCall};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::variant::Variant;
use skvm_runtime::adaptation::{AdaptPolicy, Decision, Diagnosis, diagnose, symptoms};
use skvm_runtime::engine::{Event, EventStream, SkVm, SkVmBuilder};
use skvm_runtime::life::{ActivationReason, Fared, Standing};
use skvm_runtime::session::Session;
use skvm_runtime::trace::Trace;

/// A skill without files.
pub(super) fn skill(body: &str) -> Arc<Skill> {
    let head = "---\nname: figures\ndescription: Reports on figures. Use for reports.\n---\n";
    Arc::new(Skill::from_text("figures", format!("{head}{body}")))
}

/// Writes a skill with these files below a folder and loads it.
pub(super) fn skill_in(folder: &Path, body: &str, files: &[(&str, &str)]) -> Arc<Skill> {
    let folder = folder.join("figures");
    let head = "---\nname: figures\ndescription: Reports on figures. Use for reports.\n---\n";
    for (path, content) in files.iter().copied().chain([("SKILL.md", &*format!("{head}{body}"))]) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    Arc::new(Skill::load(&folder).unwrap())
}

/// What a test wants to happen in a session.
#[derive(Debug, Clone)]
pub(super) struct Play {
    /// Calls and their results.
    calls: Vec<(ToolCall, ToolResult)>,
    status: RunStatus,
    corrections: Vec<(Option<FailureClass>, String)>,
    succeeded: Option<bool>,
}

impl Play {
    pub(super) fn new() -> Self {
        Self { calls: Vec::new(), status: RunStatus::Ok, corrections: Vec::new(), succeeded: None }
    }

    /// A command and what came of it.
    pub(super) fn command(mut self, command: &str, output: &str, code: i32) -> Self {
        let id = format!("call_{}", self.calls.len());
        let arguments = json!({ "command": command });
        let call = ToolCall { id, name: "execute_command".to_owned(), arguments };
        let content = format!("{output}\nexit status: {code}");
        let is_error = code != 0;
        let result = ToolResult { content, is_error, exit_code: Some(code), duration_ms: 1 };
        self.calls.push((call, result));
        self
    }

    pub(super) fn ends(self, status: RunStatus) -> Self {
        Self { status, ..self }
    }

    pub(super) fn corrected(mut self, about: Option<FailureClass>, what: &str) -> Self {
        self.corrections.push((about, what.to_owned()));
        self
    }

    pub(super) fn judged(self, succeeded: bool) -> Self {
        Self { succeeded: Some(succeeded), ..self }
    }

    /// Plays it by the hooks of a session.
    pub(super) async fn play(self, mut session: Session) -> Trace {
        let turn = |index| TurnView { index, task: "report", messages: &[] };
        let mut index = 0;
        for (call, result) in &self.calls {
            session.before_llm(&turn(index)).await;
            let arguments = call.arguments.clone();
            let response = LlmResponse::tool_call(call.id.clone(), call.name.clone(), arguments);
            session.after_llm(&turn(index), &response).await;
            session.before_tool(call).await;
            session.after_tool(call, result).await;
            index += 1;
        }
        session.before_llm(&turn(index)).await;
        session.after_llm(&turn(index), &LlmResponse::text("done")).await;
        for (about, what) in self.corrections {
            session.correct(about, what);
        }
        if let Some(succeeded) = self.succeeded {
            session.judge(succeeded);
        }
        session.finish(self.status).await
    }
}

/// A session that was played.
pub(super) struct Played {
    pub(super) variant: Arc<Variant>,
    pub(super) standing: Standing,
    pub(super) trace: Trace,
}

/// A host with an engine and one skill on one target.
pub(super) struct Host {
    pub(super) vm: SkVm,
    pub(super) skill: Arc<Skill>,
    pub(super) target: Target,
    events: EventStream,
    decisions: Vec<Decision>,
}

impl Host {
    pub(super) fn new(skill: Arc<Skill>, policy: AdaptPolicy) -> Self {
        Self::with(skill, SkVm::builder().adapt(policy))
    }

    pub(super) fn with(skill: Arc<Skill>, builder: SkVmBuilder) -> Self {
        let target = Target::new("m", "host");
        let vm = builder.target(target.clone()).build();
        let events = vm.events();
        Self { vm, skill, target, events, decisions: Vec::new() }
    }

    /// One session; what happens in it may depend on the variant that it was given.
    pub(super) fn session(&mut self, play: impl FnOnce(&Variant) -> Play) -> Played {
        let loaded = block_on(self.vm.load(&self.skill, &self.target)).unwrap();
        let variant = loaded.variant;
        let session = self.vm.session(&self.target, "report", Some(&self.skill), Some(&variant));
        let trace = block_on(play(&variant).play(session));
        self.drain();
        Played { variant, standing: loaded.standing, trace }
    }

    /// So many sessions that all go like this.
    pub(super) fn sessions(&mut self, count: usize, play: impl Fn(&Variant) -> Play) {
        for _ in 0..count {
            self.session(&play);
        }
    }

    pub(super) fn drain(&mut self) {
        while let Some(Some(event)) = self.events.next().now_or_never() {
            match event {
                Event::Adapted { decision, .. } => self.decisions.push(decision),
                Event::Lost { count } => panic!("{count} events were lost"),
                _ => {}
            }
        }
    }

    /// What was decided so far.
    pub(super) fn decisions(&mut self) -> &[Decision] {
        self.drain();
        &self.decisions
    }

    /// The names of what was decided so far.
    pub(super) fn told(&mut self) -> Vec<&'static str> {
        self.decisions().iter().map(name_of).collect()
    }

    /// How often something was decided.
    pub(super) fn count(&mut self, name: &str) -> usize {
        self.told().into_iter().filter(|told| *told == name).count()
    }

    pub(super) fn active(&self) -> Arc<Variant> {
        // Another engine on the same line would do; what is active is in the history.
        let history = block_on(self.vm.history(&self.skill, &self.target)).unwrap();
        let digest = history.activations.last().unwrap().variant;
        for _ in 0..2 {
            let loaded = block_on(self.vm.load(&self.skill, &self.target)).unwrap();
            if loaded.variant.digest() == digest {
                return loaded.variant;
            }
        }
        panic!("what is active is not loaded");
    }

    pub(super) fn reasons(&self) -> Vec<ActivationReason> {
        let history = block_on(self.vm.history(&self.skill, &self.target)).unwrap();
        history.activations.into_iter().map(|activation| activation.reason).collect()
    }

    /// How the sessions of all variants went, together.
    pub(super) fn fared(&self) -> Fared {
        let history = block_on(self.vm.history(&self.skill, &self.target)).unwrap();
        sum(&history.fared)
    }

    pub(super) fn diagnosed(&self, played: &Played) -> Vec<Diagnosis> {
        diagnose(&symptoms(&played.trace), &self.skill, Some(&played.variant))
    }
}

pub(super) fn sum(fared: &BTreeMap<skvm_core::digest::Digest, Fared>) -> Fared {
    fared.values().fold(Fared::default(), |sum, one| Fared {
        clean: sum.clean + one.clean,
        mended: sum.mended + one.mended,
        failed: sum.failed + one.failed,
        spoiled: sum.spoiled + one.spoiled,
    })
}

pub(super) fn name_of(decision: &Decision) -> &'static str {
    match decision {
        Decision::Diagnosed { .. } => "diagnosed",
        Decision::Proposed { .. } => "proposed",
        Decision::TrialStarted { .. } => "trial-started",
        Decision::TrialEnded { .. } => "trial-ended",
        Decision::NeedsPerson { .. } => "needs-person",
        Decision::BudgetSpent { .. } => "budget-spent",
        _ => "another",
    }
}

/// A generator of numbers, seeded: Knuth's MMIX.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    pub(super) fn unit(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
