//! Runs: a task, in the harness of a target.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use skvm_core::digest::Digest;
use skvm_core::failure::FailureClass;
use skvm_core::harness::{
    Harness, HarnessError, HarnessEvent, HarnessRun, PreparedEnvironment, RunLimits, RunRecord,
    RunStatus, SkillMode, SkillView, Task, ToolOffer,
};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::variant::Variant;
use tracing::{Instrument, debug_span, warn};

use super::adapting::Reviewer;
use super::{EngineError, Event, SkVm};
use crate::jit::LearnedFor;
use crate::life::Line;
use crate::session::Session;
use crate::store::{StoreError, StoredRecord};
use crate::trace::Trace;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The task.
    pub task: Task,
    /// The target; its harness must be one of the engine's.
    pub target: Target,
    /// The skill, if any; it is compiled for the target first.
    pub skill: Option<Arc<Skill>>,
    /// How the skill reaches the model.
    pub mode: SkillMode,
    /// What was set up for the skill; see [`SkVm::prepare`].
    pub environment: Option<PreparedEnvironment>,
    /// Where the agent works; it must exist.
    pub workdir: PathBuf,
    /// The bounds.
    pub limits: RunLimits,
    /// Whether the outcome is right, where the host can tell.
    pub check: Option<OutcomeCheck>,
}

/// Whether the outcome of a run is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is.
    Right,
    /// It is not.
    Wrong {
        /// What is wrong, where that can be told: [`FailureClass::FormatAboveAbility`] for an answer in another form than
        /// was asked for, [`FailureClass::ProcedureAboveAbility`] for a step left out.
        about: Option<FailureClass>,
        /// In words.
        what: String,
    },
}

/// Tells whether the outcome of a run is right; any function of the [record](RunRecord) is one.
#[derive(Clone)]
pub struct OutcomeCheck(Arc<dyn Fn(&RunRecord) -> Judgement + Send + Sync>);

impl std::fmt::Debug for OutcomeCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutcomeCheck").finish_non_exhaustive()
    }
}

impl RunRequest {
    /// A task for a target in a working directory, without a skill.
    #[must_use]
    pub fn new(task: Task, target: Target, workdir: impl Into<PathBuf>) -> Self {
        Self {
            task,
            target,
            skill: None,
            mode: SkillMode::Inject,
            environment: None,
            workdir: workdir.into(),
            limits: RunLimits::default(),
            check: None,
        }
    }

    /// The same request with a skill.
    #[must_use]
    pub fn with_skill(mut self, skill: Arc<Skill>) -> Self {
        self.skill = Some(skill);
        self
    }

    /// The same request, whose outcome is looked at. What is wrong counts when the engine
    /// [adapts](super::SkVmBuilder::adapt); without this, a run that ended well is taken for right.
    #[must_use]
    pub fn with_check(
        mut self,
        check: impl Fn(&RunRecord) -> Judgement + Send + Sync + 'static,
    ) -> Self {
        self.check = Some(OutcomeCheck(Arc::new(check)));
        self
    }

    /// The same request, whose commands see what was set up.
    #[must_use]
    pub fn with_environment(mut self, environment: PreparedEnvironment) -> Self {
        self.environment = Some(environment);
        self
    }
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct RunOutcome {
    /// The harness's record.
    pub record: RunRecord,
    /// What the session saw.
    pub trace: Trace,
    /// The variant that ran; `None` without a skill.
    pub variant: Option<Arc<Variant>>,
}

/// How often a change is tried again when another process was first.
#[cfg(feature = "tokio")]
const MAX_TRIES: usize = 64;

impl SkVm {
    /// Runs the task of a request in the target's harness, with the skill, if it has one, as it is [loaded](SkVm::load).
    ///
    /// # Errors
    /// [`EngineError`] when the run could not begin. A run that began gives an outcome, also when the
    /// model or its provider failed.
    pub async fn run(&self, request: RunRequest) -> Result<RunOutcome, EngineError> {
        let RunRequest { task, target, skill, mode, mut environment, workdir, limits, check } =
            request;
        let harness = self.harness_for(&target, skill.is_some().then_some(mode))?;
        let (variant, view) = match &skill {
            Some(skill) => {
                let variant = self.load(skill, &target).await?.variant;
                let view = variant.view(skill).with_mode(mode);
                (Some(variant), Some(view))
            }
            None => (None, None::<SkillView>),
        };
        if let (None, Some(variant)) = (&environment, &variant) {
            environment = self.prepared(variant.digest()).await?;
        }
        let learned = learned_for(&target, skill.as_deref(), variant.as_deref());
        let mut session = self
            .new_session(learned.with_environment(environment.as_ref()), &task.prompt)
            .with_inputs(task.inputs.clone())
            .with_workdir(&workdir);
        let features = harness.features();
        if self.0.jit.is_some() && !features.hooks && !features.asks_before_start {
            warn!(harness = %target.harness, "nothing is answered in the model's place for a harness that calls no hooks");
        }
        if let Some(skill) = &skill {
            session = self.reviewed(session, skill, &target, variant.as_deref());
        }
        let run_id = self.0.runs.fetch_add(1, Ordering::Relaxed);
        let on_event = |event: &HarnessEvent| {
            self.tell(|| Event::Harness { run: run_id, event: event.clone() });
        };
        let run = HarnessRun {
            task: &task,
            model: Some(&target.model),
            skill: view.as_ref(),
            environment: environment.as_ref(),
            tools: ToolOffer::Own,
            workdir: &workdir,
            limits,
            hooks: &mut session,
            on_event: &on_event,
        };
        let span = debug_span!("run", harness = %target.harness, run = run_id);
        let record = harness.run(run).instrument(span).await;
        // A run that could not begin leaves its trace too.
        let status = record.as_ref().map_or(RunStatus::HarnessCrashed, |record| record.status);
        if let Ok(record) = &record {
            session.see(record).await;
        }
        if let (Some(check), Ok(record)) = (&check, &record)
            && !record.status.is_infrastructure()
        {
            match check.0(record) {
                Judgement::Right => session.judge(true),
                Judgement::Wrong { about, what } => {
                    session.judge(false);
                    session.correct(about, what);
                }
            }
        }
        let trace = session.finish(status).await;
        self.tell(|| Event::Finished { run: run_id, status });
        Ok(RunOutcome { record: record?, trace, variant })
    }

    /// The harness of a target, if it can do what the run asks for.
    fn harness_for(
        &self,
        target: &Target,
        mode: Option<SkillMode>,
    ) -> Result<&Arc<dyn Harness>, EngineError> {
        let id = &target.harness;
        let harness = self
            .0
            .harnesses
            .get(id)
            .ok_or_else(|| EngineError::NoHarness { harness: id.clone() })?;
        if let Some(asks) = harness.model().filter(|model| **model != target.model) {
            let (harness, asks, wanted) = (id.clone(), asks.clone(), target.model.clone());
            return Err(EngineError::WrongModel { harness, asks, wanted });
        }
        let features = harness.features();
        let what = match mode {
            Some(SkillMode::Inject) if !features.inject => "put a skill into the prompt",
            Some(SkillMode::Discover) if !features.discover => "let the model discover a skill",
            _ => return Ok(harness),
        };
        Err(HarnessError::Unsupported { harness: id.clone(), what }.into())
    }

    /// A session for a loop of the host's own, with the variant that was [loaded](SkVm::load). Its trace goes to the
    /// engine's store, the engine's JIT, if it has one, follows it, and its end is reviewed when the engine
    /// [adapts](super::SkVmBuilder::adapt); only then does it keep the engine until its end.
    #[must_use]
    pub fn session(
        &self,
        target: &Target,
        task: &str,
        skill: Option<&Arc<Skill>>,
        variant: Option<&Variant>,
    ) -> Session {
        let learned = learned_for(target, skill.map(Arc::as_ref), variant);
        let session = self.new_session(learned, task);
        match skill {
            Some(skill) => self.reviewed(session, skill, target, variant),
            None => session,
        }
    }

    /// The session with its skill, reviewed at its end if the engine adapts.
    fn reviewed(
        &self,
        session: Session,
        skill: &Arc<Skill>,
        target: &Target,
        variant: Option<&Variant>,
    ) -> Session {
        let session = session.with_skill(skill, variant);
        if self.0.adapt.is_none() {
            return session;
        }
        if let Some(variant) = variant {
            self.0.lines.of(Line::id(skill, target)).begins(variant.digest());
        }
        session.with_review(Arc::new(Reviewer { vm: self.clone(), skill: Arc::clone(skill) }))
    }

    /// Keeps what was set up for a variant, for its runs.
    #[cfg(feature = "tokio")]
    pub(super) async fn keep_prepared(
        &self,
        variant: &Variant,
        environment: &PreparedEnvironment,
    ) -> Result<(), EngineError> {
        let json = serde_json::to_string(environment)
            .map_err(|error| StoreError::new("writing an environment").with_source(error))?;
        for _ in 0..MAX_TRIES {
            let known = self.prepared_record(variant.digest()).await?;
            if known.as_ref().is_some_and(|known| known.value.as_deref() == Some(&*json)) {
                return Ok(());
            }
            let (scope, key) = prepared_place(variant.digest());
            let revision = known.map_or(0, |known| known.revision);
            let store = self.store_ref();
            if store.swap_record(scope, key, revision, Some(&json)).await?.is_some() {
                return Ok(());
            }
        }
        Err(StoreError::new("keeping an environment: others are always first").into())
    }

    /// What was set up for a variant, if that is still there.
    async fn prepared(&self, variant: Digest) -> Result<Option<PreparedEnvironment>, EngineError> {
        let record = self.prepared_record(variant).await?;
        let json = record.and_then(|record| record.value);
        let Some(environment) = json.and_then(|json| serde_json::from_str(&json).ok()) else {
            return Ok(None);
        };
        let environment: PreparedEnvironment = environment;
        let is_there = environment.path.iter().all(|folder| folder.is_dir());
        Ok(is_there.then_some(environment))
    }

    async fn prepared_record(&self, variant: Digest) -> Result<Option<StoredRecord>, StoreError> {
        let (scope, key) = prepared_place(variant);
        let records = self.store_ref().records(scope, 0).await?;
        Ok(records.into_iter().find(|record| record.key == key))
    }

    fn new_session(&self, learned: LearnedFor<'_>, task: &str) -> Session {
        let session = Session::new(learned.target_of().clone(), task);
        let session = session.with_store(Arc::clone(&self.0.store));
        match &self.0.jit {
            Some(jit) => session.with_jit(jit, learned),
            None => session,
        }
    }
}

/// Where it is kept what was set up for a variant: scope and key. One that is not written again for long is collected.
fn prepared_place(variant: Digest) -> (Digest, Digest) {
    let scope = Digest::builder("skvm/prepared/1").field(variant.as_bytes()).finish();
    (scope, Digest::of(b"environment"))
}

fn learned_for<'a>(
    target: &'a Target,
    skill: Option<&Skill>,
    variant: Option<&'a Variant>,
) -> LearnedFor<'a> {
    let learned = LearnedFor::target(target);
    match skill {
        Some(skill) => learned.with_skill(skill, variant),
        None => learned,
    }
}
