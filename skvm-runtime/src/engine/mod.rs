//! The engine: one handle to load, compile and run skills.

mod builder;
mod event;
mod flight;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use skvm_core::artifact::ArtifactError;
use skvm_core::capability::CapabilityProfile;
use skvm_core::digest::Digest;
use skvm_core::harness::{
    Harness, HarnessError, HarnessEvent, HarnessRun, PreparedEnvironment, RunLimits, RunRecord,
    RunStatus, SkillMode, SkillView, Task, ToolOffer,
};
use skvm_core::host::HostFacts;
use skvm_core::pass::Unit;
use skvm_core::skill::{LoadError, LoadLimits, Skill, discover};
use skvm_core::target::{HarnessId, ModelId, Target};
use skvm_passes::manager::{CompileError, PassManager};
use skvm_passes::variant::Variant;
use tracing::{Instrument, debug_span, warn};

pub use builder::SkVmBuilder;
pub use event::{Event, EventStream};

#[cfg(feature = "tokio")]
use crate::environment::{Binder, Consent, PrepareError, Prepared};
use crate::jit::{Jit, LearnedFor, SolidifiedReport};
use crate::session::Session;
use crate::store::{Damage, Store, StoreError};
use crate::trace::Trace;
use event::Subscribers;
use flight::Flights;

/// How long to wait for another process that compiles the same, before doing it once more.
const COMPILE_PATIENCE: Duration = Duration::from_secs(120);

/// Loads, compiles and runs skills. A cheap handle: clones share everything. There are no globals.
///
/// ```
/// use std::sync::Arc;
///
/// use skvm_core::capability::{CapabilityProfile, Level, Primitive};
/// use skvm_core::skill::Skill;
/// use skvm_core::target::Target;
/// use skvm_runtime::engine::SkVm;
///
/// let target = Target::new("small-model", "bare-agent");
/// let profile = CapabilityProfile::new(&target, "2026-01-01T00:00:00Z")
///     .with_level(Primitive::ToolExec, Level::L1);
/// let vm = SkVm::builder().profile(profile).build();
///
/// let skill = Arc::new(Skill::from_text("x", "---\nname: x\ndescription: d\n---\n# X\n"));
/// let variant = futures::executor::block_on(vm.compile(&skill, &target))?;
/// let again = futures::executor::block_on(vm.compile(&skill, &target))?;
/// assert!(Arc::ptr_eq(&variant, &again)); // compiled once
/// # Ok::<(), skvm_runtime::engine::EngineError>(())
/// ```
#[derive(Clone)]
pub struct SkVm(Arc<Inner>);

struct Inner {
    passes: PassManager,
    store: Arc<dyn Store>,
    targets: BTreeMap<Target, Option<Arc<CapabilityProfile>>>,
    harnesses: BTreeMap<HarnessId, Arc<dyn Harness>>,
    limits: LoadLimits,
    host: Option<Arc<HostFacts>>,
    #[cfg(feature = "tokio")]
    binder: Option<Binder>,
    jit: Option<Jit>,
    flights: Flights,
    subscribers: Subscribers,
    /// How many runs were begun.
    runs: AtomicU64,
}

impl std::fmt::Debug for SkVm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SkVm")
            .field("targets", &self.0.targets.keys().collect::<Vec<_>>())
            .field("harnesses", &self.0.harnesses.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The engine could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A skill could not be loaded.
    #[error("loading a skill")]
    Load(#[from] LoadError),
    /// A skill could not be compiled.
    #[error("compiling a skill")]
    Compile(#[from] CompileError),
    /// The store failed.
    #[error("using the store")]
    Store(#[from] StoreError),
    /// No harness of that id was given to the builder.
    #[error("no harness is called {harness}")]
    NoHarness {
        /// The id.
        harness: HarnessId,
    },
    /// The harness asks another model than the target names.
    #[error("the target names the model {wanted}, and the harness {harness} asks {asks}")]
    WrongModel {
        /// The harness.
        harness: HarnessId,
        /// The model that it asks.
        asks: ModelId,
        /// The model of the target.
        wanted: ModelId,
    },
    /// A run could not begin.
    #[error("starting a run")]
    Harness(#[from] HarnessError),
    /// An artifact of a variant is not what its key says.
    #[error("reading a variant")]
    Artifact(#[from] ArtifactError),
    /// The builder was given no policy for solidifying.
    #[error("the engine was built without solidification")]
    NoJit,
    /// The builder was given no binder.
    #[cfg(feature = "tokio")]
    #[error("no binder was given to the engine, so it can set nothing up")]
    NoBinder,
    /// What a skill needs could not be set up.
    #[cfg(feature = "tokio")]
    #[error("setting up what a skill needs")]
    Prepare(#[from] PrepareError),
}

/// What came of installing.
#[derive(Debug, Default)]
pub struct Installation {
    /// The skills, in path order.
    pub skills: Vec<Installed>,
    /// The folders whose skill could not be loaded or compiled, and why.
    pub failures: Vec<(PathBuf, EngineError)>,
}

/// A skill that was installed.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The skill.
    pub skill: Arc<Skill>,
    /// Its variants, one for each known target.
    pub variants: Vec<Arc<Variant>>,
}

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
        }
    }

    /// The same request with a skill.
    #[must_use]
    pub fn with_skill(mut self, skill: Arc<Skill>) -> Self {
        self.skill = Some(skill);
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

impl SkVm {
    /// Starts an engine: in memory, with the standard passes, without targets and harnesses.
    pub fn builder() -> SkVmBuilder {
        SkVmBuilder::default()
    }

    /// Loads every skill at or below a path and compiles each for every known target. One that cannot be
    /// loaded or compiled does not keep the others from it.
    ///
    /// # Errors
    /// [`EngineError`] when the path cannot be searched.
    pub async fn install(&self, path: impl AsRef<Path>) -> Result<Installation, EngineError> {
        let mut installation = Installation::default();
        for folder in discover(path)? {
            match self.install_one(&folder).await {
                Ok(installed) => installation.skills.push(installed),
                Err(error) => installation.failures.push((folder, error)),
            }
        }
        Ok(installation)
    }

    async fn install_one(&self, folder: &Path) -> Result<Installed, EngineError> {
        let skill = Arc::new(Skill::load_with(folder, &self.0.limits)?);
        self.tell(|| Event::Loaded { skill: skill.name().to_owned(), digest: skill.digest() });
        let mut variants = Vec::with_capacity(self.0.targets.len());
        for target in self.0.targets.keys() {
            variants.push(self.compile(&skill, target).await?);
        }
        Ok(Installed { skill, variants })
    }

    /// The variant of a skill for a target: from the store, or compiled now. However many ask at the
    /// same time, it is compiled once. A target that the engine does not know has no profile.
    ///
    /// # Errors
    /// [`EngineError`] when the skill cannot be compiled or the store fails.
    pub async fn compile(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
    ) -> Result<Arc<Variant>, EngineError> {
        let mut unit = Unit::new(Arc::clone(skill), target.clone());
        unit.profile = self.0.targets.get(target).cloned().flatten();
        unit.host.clone_from(&self.0.host);
        unit.features = self.0.harnesses.get(&target.harness).map(|harness| harness.features());
        let key = self.0.passes.key(&unit);
        if let Some(variant) = self.published(key).await? {
            return Ok(variant);
        }
        let flight = self.0.flights.of(key);
        let _only_one_here = flight.lock().await;
        if let Some(variant) = self.published(key).await? {
            return Ok(variant);
        }
        let name = Digest::builder("skvm/compile/1").field(key.as_bytes()).finish();
        let lease = self.0.store.lease(name, COMPILE_PATIENCE).await?;
        if lease.is_none() {
            warn!(skill = skill.name(), "another process compiles the same for too long");
        }
        if let Some(variant) = self.published(key).await? {
            return Ok(variant);
        }
        let span = debug_span!("compile", skill = skill.name(), %target);
        let variant = self.compile_now(&unit, key).instrument(span).await?;
        Ok(variant)
    }

    /// What was published under a key, if it is what was published. What is not is told, and made anew.
    async fn published(&self, key: Digest) -> Result<Option<Arc<Variant>>, StoreError> {
        let found = match self.0.store.variant(key).await {
            Err(error) if error.is_damaged() => {
                self.tell_damage(&error);
                None
            }
            found => found?,
        };
        Ok(found)
    }

    /// Tells what the store found damaged; where it does not say, the error.
    fn tell_damage(&self, error: &StoreError) {
        let mut found = self.0.store.take_damage();
        if found.is_empty() {
            found.push(Damage { what: error.to_string(), reason: String::new(), kept: None });
        }
        for damage in found {
            self.tell(|| Event::Damaged { damage });
        }
    }

    async fn compile_now(&self, unit: &Unit, key: Digest) -> Result<Arc<Variant>, EngineError> {
        let started = Instant::now();
        let compilation = self.0.passes.compile(unit).await?;
        let variant = Arc::new(compilation.variant);
        // What owes something to a passing fault serves this time, and is made anew the next.
        if !compilation.is_transient {
            match self.0.store.publish(key, Arc::clone(&variant)).await {
                Err(error) if error.is_damaged() => self.tell_damage(&error),
                published => published?,
            }
        }
        self.tell(|| Event::Compiled {
            skill: unit.skill.name().to_owned(),
            target: unit.target.clone(),
            variant: variant.digest(),
            edits: variant.edits().len(),
            micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        });
        Ok(variant)
    }

    /// Sets up what a variant needs on this machine: looks, asks, installs, verifies. Done before, it does
    /// nothing. What it gives goes into a [`RunRequest`].
    ///
    /// # Errors
    /// [`EngineError`] when the engine has no binder, or the setting up fails; nothing is left then.
    #[cfg(feature = "tokio")]
    pub async fn prepare(
        &self,
        variant: &Variant,
        consent: &dyn Consent,
    ) -> Result<Prepared, EngineError> {
        let binder = self.0.binder.as_ref().ok_or(EngineError::NoBinder)?;
        let plan = binder.plan(variant).await?;
        let started = Instant::now();
        let prepared = binder.prepare(&plan, consent).await?;
        self.tell(|| Event::Prepared {
            skill: variant.manifest().skill.clone(),
            performed: prepared.performed.len(),
            complete: prepared.is_complete(),
            micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        });
        Ok(prepared)
    }

    /// Compiles the skill of a request, if it has one, and runs the task in the target's harness.
    ///
    /// # Errors
    /// [`EngineError`] when the run could not begin. A run that began gives an outcome, also when the
    /// model or its provider failed.
    pub async fn run(&self, request: RunRequest) -> Result<RunOutcome, EngineError> {
        let RunRequest { task, target, skill, mode, environment, workdir, limits } = request;
        let harness = self.harness_for(&target, skill.is_some().then_some(mode))?;
        let (variant, view) = match &skill {
            Some(skill) => {
                let variant = self.compile(skill, &target).await?;
                let view = variant.view(skill).with_mode(mode);
                (Some(variant), Some(view))
            }
            None => (None, None::<SkillView>),
        };
        let learned = learned_for(&target, skill.as_deref(), variant.as_deref());
        let mut session = self
            .new_session(learned.with_environment(environment.as_ref()), &task.prompt)
            .with_inputs(task.inputs.clone())
            .with_workdir(&workdir);
        if self.0.jit.is_some() && !harness.features().hooks {
            warn!(harness = %target.harness, "nothing is learned from a harness that calls no hooks");
        }
        if let Some(skill) = &skill {
            session = session.with_skill(skill, variant.as_deref());
        }
        let run_id = self.0.runs.fetch_add(1, Ordering::Relaxed);
        let on_event = |event: &HarnessEvent| {
            self.tell(|| Event::Harness { run: run_id, event: event.clone() });
        };
        let run = HarnessRun {
            task: &task,
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

    /// A session for a loop of the host's own; its trace goes to the engine's store, and the engine's JIT, if it has
    /// one, follows it.
    #[must_use]
    pub fn session(
        &self,
        target: &Target,
        task: &str,
        skill: Option<&Skill>,
        variant: Option<&Variant>,
    ) -> Session {
        let session = self.new_session(learned_for(target, skill, variant), task);
        match skill {
            Some(skill) => session.with_skill(skill, variant),
            None => session,
        }
    }

    fn new_session(&self, learned: LearnedFor<'_>, task: &str) -> Session {
        let session = Session::new(learned.target_of().clone(), task);
        let session = session.with_store(Arc::clone(&self.0.store));
        match &self.0.jit {
            Some(jit) => session.with_jit(jit, learned),
            None => session,
        }
    }

    /// What learns from runs and answers in the model's place, for sessions that a host puts together itself; `None`
    /// when the engine was built without [`solidify`](SkVmBuilder::solidify).
    #[must_use]
    pub fn jit(&self) -> Option<&Jit> {
        self.0.jit.as_ref()
    }

    /// What was learned of repeated work: how far it is, what was counted, and what was saved.
    ///
    /// # Errors
    /// [`EngineError`] when the engine was built without [`solidify`](SkVmBuilder::solidify), or the store fails.
    pub async fn solidified(
        &self,
        learned: LearnedFor<'_>,
    ) -> Result<Vec<SolidifiedReport>, EngineError> {
        let jit = self.0.jit.as_ref().ok_or(EngineError::NoJit)?;
        Ok(jit.solidified(learned).await?)
    }

    /// Forgets what was learned of repeated work.
    ///
    /// # Errors
    /// [`EngineError`] when the engine was built without [`solidify`](SkVmBuilder::solidify), or the store fails.
    pub async fn forget_solidified(&self, learned: LearnedFor<'_>) -> Result<(), EngineError> {
        let jit = self.0.jit.as_ref().ok_or(EngineError::NoJit)?;
        Ok(jit.forget(learned).await?)
    }

    /// What happens from now on. A reader that falls behind by more than 1,024 events loses some and
    /// is told how many; it never holds up the engine.
    #[must_use]
    pub fn events(&self) -> EventStream {
        self.0.subscribers.subscribe()
    }

    /// The engine's store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    fn tell(&self, event: impl FnOnce() -> Event) {
        self.0.subscribers.send(event);
    }
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
