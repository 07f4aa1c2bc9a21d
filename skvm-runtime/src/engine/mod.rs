//! The engine: one handle to load, compile and run skills.

mod adapting;
mod background;
mod builder;
mod event;
mod flight;
mod loading;
mod profiles;
mod running;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use skvm_core::artifact::ArtifactError;
use skvm_core::capability::CapabilityProfile;
use skvm_core::digest::Digest;
use skvm_core::harness::{Harness, HarnessError};
use skvm_core::host::HostFacts;
use skvm_core::pass::Unit;
use skvm_core::skill::{LoadError, LoadLimits, Skill, discover};
use skvm_core::target::{HarnessId, ModelId, Target};
use skvm_passes::manager::{CompileError, PassManager};
use skvm_passes::variant::Variant;
use tracing::{Instrument, debug_span, warn};

pub use builder::SkVmBuilder;
pub use event::{Event, EventStream};
pub use running::{Judgement, OutcomeCheck, RunOutcome, RunRequest};

use crate::adaptation::AdaptPolicy;
#[cfg(feature = "tokio")]
use crate::environment::{Binder, Consent, PrepareError, Prepared};
use crate::jit::{Jit, LearnedFor, SolidifiedReport};
use crate::life::{Line, Lines, LoadPolicy};
use crate::store::{Damage, FolderError, Store, StoreError};
use event::Subscribers;
use flight::Flights;
use profiles::Profiles;

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
    adapt: Option<AdaptPolicy>,
    loading: LoadPolicy,
    /// Whether a model refines.
    refines: bool,
    lines: Lines,
    profiles: Profiles,
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
    /// There is no variant that this could be done with.
    #[error("skill {skill:?} has no variant that this could be done with on that target")]
    NoVariant {
        /// The skill's name.
        skill: String,
    },
    /// Something stands in the way.
    #[error("nothing new can be tried for skill {skill:?} on that target: {why}")]
    Busy {
        /// The skill's name.
        skill: String,
        /// What.
        why: &'static str,
    },
    /// A variant could not be put into a folder.
    #[error("putting a variant into a folder")]
    Folder(#[from] FolderError),
    /// The builder was given no policy for adapting.
    #[error("the engine was built without adaptation")]
    NotAdapting,
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

/// A variant, and whether it is published.
struct Compiled {
    variant: Arc<Variant>,
    is_kept: bool,
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

impl SkVm {
    /// Starts an engine: in memory, with the standard passes, without targets and harnesses.
    pub fn builder() -> SkVmBuilder {
        SkVmBuilder::default()
    }

    /// Loads every skill at or below a path, compiles each for every known target and makes that active. One that cannot be
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
            let handle = self.0.lines.of(Line::id(&skill, target));
            variants.push(self.renew(&skill, target, &handle).await?.variant);
        }
        Ok(Installed { skill, variants })
    }

    /// The variant of a skill for a target, with nothing that failures taught: from the store, or compiled now. However
    /// many ask at the same time, it is compiled once. Nothing becomes active by this; see [`load`](SkVm::load). A target that the engine does not know has no profile.
    ///
    /// # Errors
    /// [`EngineError`] when the skill cannot be compiled or the store fails.
    pub async fn compile(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
    ) -> Result<Arc<Variant>, EngineError> {
        let unit = self.unit(skill, target, &Arc::default()).await?;
        let key = self.0.passes.key(&unit);
        Ok(self.compiled(&unit, key).await?.variant)
    }

    /// What is published under a key, or compiled now.
    async fn compiled(&self, unit: &Unit, key: Digest) -> Result<Compiled, EngineError> {
        let kept = |variant| Compiled { variant, is_kept: true };
        if let Some(variant) = self.published(key).await? {
            return Ok(kept(variant));
        }
        let flight = self.0.flights.of(key);
        let _only_one_here = flight.lock().await;
        if let Some(variant) = self.published(key).await? {
            return Ok(kept(variant));
        }
        let name = Digest::builder("skvm/compile/1").field(key.as_bytes()).finish();
        let lease = self.0.store.lease(name, COMPILE_PATIENCE).await?;
        if lease.is_none() {
            warn!(skill = unit.skill.name(), "another process compiles the same for too long");
        }
        if let Some(variant) = self.published(key).await? {
            return Ok(kept(variant));
        }
        let span = debug_span!("compile", skill = unit.skill.name(), target = %unit.target);
        self.compile_now(unit, key).instrument(span).await
    }

    /// What was published under a key, if it is what was published. What is not is told, and made anew.
    async fn published(&self, key: Digest) -> Result<Option<Arc<Variant>>, StoreError> {
        let found = match self.0.store.variant(key).await {
            Err(error) if error.is_damaged() => {
                self.tell_damage(Some(&error));
                None
            }
            found => found?,
        };
        Ok(found)
    }

    /// Tells what the store found damaged since this was called last; where it does not say, the error.
    fn tell_damage(&self, error: Option<&StoreError>) {
        let mut found = self.0.store.take_damage();
        if let (true, Some(error)) = (found.is_empty(), error) {
            found.push(Damage { what: error.to_string(), reason: String::new(), kept: None });
        }
        for damage in found {
            self.tell(|| Event::Damaged { damage });
        }
    }

    /// Whether it sets up what skills need.
    fn prepares(&self) -> bool {
        #[cfg(feature = "tokio")]
        return self.0.binder.is_some();
        #[cfg(not(feature = "tokio"))]
        false
    }

    async fn compile_now(&self, unit: &Unit, key: Digest) -> Result<Compiled, EngineError> {
        let started = Instant::now();
        let compilation = self.0.passes.compile(unit).await?;
        let variant = Arc::new(compilation.variant);
        // What owes something to a passing fault serves this time, and is made anew the next.
        if !compilation.is_transient {
            match self.0.store.publish(key, Arc::clone(&variant)).await {
                Err(error) if error.is_damaged() => self.tell_damage(Some(&error)),
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
        Ok(Compiled { variant, is_kept: !compilation.is_transient })
    }

    /// Sets up what a variant needs on this machine: looks, asks, installs, verifies. Done before, it does
    /// nothing. What it gives goes into a [`RunRequest`]; where everything is there, it is kept in the store, and runs of
    /// that variant that are given nothing else use it.
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
        if prepared.is_complete() {
            self.keep_prepared(variant, &prepared.environment).await?;
        }
        self.tell(|| Event::Prepared {
            skill: variant.manifest().skill.clone(),
            performed: prepared.performed.len(),
            complete: prepared.is_complete(),
            micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        });
        Ok(prepared)
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
