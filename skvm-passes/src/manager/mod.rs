//! The pass manager: order, memo, events, cancellation, and the way from passes to a variant.

mod builder;
mod event;
mod memo;
mod order;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use skvm_core::artifact::ArtifactSet;
use skvm_core::diagnostic::{Code, Diagnostic};
use skvm_core::edit::Edits;
use skvm_core::llm::{LlmBackend, LlmError};
use skvm_core::pass::{Cancellation, Pass, PassContext, PassError, PassId, PassOutput, Unit};
use tracing::debug;

pub use builder::{BuildError, PassManagerBuilder};
pub use event::{PassEvent, PassRecord, PassStatus, PipelineObserver};

use crate::capability::{CapabilityPass, Refinement};
use crate::concurrency::ConcurrencyPass;
use crate::guard::{Guard, GuardError, without_blamed};
use crate::variant::{Manifest, PassVersion, Variant};
use memo::Memo;

/// A fixed sequence of passes that compiles skills.
///
/// Cheap to clone; clones share the memo.
///
/// # Order
///
/// Passes run in the order in which they were registered, except that a pass runs behind those that
/// write what it reads.
///
/// ```
/// use skvm_core::pass::Unit;
/// use skvm_core::skill::Skill;
/// use skvm_core::target::Target;
/// use skvm_passes::manager::PassManager;
///
/// let manager = PassManager::standard();
/// let skill = Skill::from_text("x", "---\nname: x\ndescription: d\n---\n# Use\n\n```sh\ncurl -s e.org\n```\n");
/// let unit = Unit::new(skill, Target::new("model", "harness"));
/// let compiled = futures::executor::block_on(manager.compile(&unit))?;
/// assert_eq!(compiled.variant.text(), unit.skill.source()); // no profile, so nothing to lower
/// # Ok::<(), skvm_passes::manager::CompileError>(())
/// ```
#[derive(Clone)]
pub struct PassManager {
    /// In the order in which they run.
    passes: Arc<[Arc<dyn Pass>]>,
    guard: Arc<Guard>,
    memo: Arc<Memo>,
    observer: Option<Arc<dyn PipelineObserver>>,
    llm: Option<Arc<dyn LlmBackend>>,
}

impl std::fmt::Debug for PassManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<PassId> = self.passes.iter().map(|pass| pass.id()).collect();
        f.debug_struct("PassManager").field("passes", &ids).finish_non_exhaustive()
    }
}

/// What a compilation gave.
#[derive(Debug, Clone)]
pub struct Compilation {
    /// The variant, verified by the guard.
    pub variant: Variant,
    /// One record a pass, in the order in which they ran.
    pub passes: Vec<PassRecord>,
    /// Whether a pass met a passing fault: the variant is sound, and compiling again may give a better
    /// one.
    pub is_transient: bool,
}

/// A skill could not be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// A pass could not do its work.
    #[error("pass {pass} on skill {skill:?}")]
    Pass {
        /// The pass.
        pass: PassId,
        /// The skill's name.
        skill: String,
        /// Why.
        #[source]
        source: PassError,
    },
    /// The guard refuses the skill even without any edit: a fault of the guard.
    #[error("the guard on skill {skill:?}")]
    Guard {
        /// The skill's name.
        skill: String,
        /// What it found.
        #[source]
        source: GuardError,
    },
}

impl CompileError {
    /// Whether the compilation was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Pass { source: PassError::Cancelled, .. })
    }

    /// The model's error, when one ended the compilation.
    #[must_use]
    pub fn llm_error(&self) -> Option<&LlmError> {
        match self {
            Self::Pass { source: PassError::Llm(error), .. } => Some(error),
            Self::Pass { .. } | Self::Guard { .. } => None,
        }
    }
}

impl PassManager {
    /// Starts a pipeline of your own.
    pub fn builder() -> PassManagerBuilder {
        PassManagerBuilder::default()
    }

    /// The standard passes.
    #[must_use]
    pub fn standard() -> Self {
        Self::builder().standard().assemble()
    }

    /// The standard passes, of which `capability` and `concurrency` let a model refine their work once the
    /// pipeline has one.
    #[must_use]
    pub fn standard_refined(refinement: Refinement) -> Self {
        let capability = CapabilityPass::standard().with_refinement(refinement);
        let concurrency = ConcurrencyPass::default().with_refinement();
        Self::builder().standard().replace(capability).replace(concurrency).assemble()
    }

    /// The same pipeline with a model to refine with; best a [`Recorded`](crate::recorded::Recorded)
    /// one, so that compiling again gives the same bytes.
    #[must_use]
    pub fn with_llm(mut self, llm: Arc<dyn LlmBackend>) -> Self {
        self.llm = Some(llm);
        self
    }

    /// The passes in the order in which they run.
    pub fn passes(&self) -> impl Iterator<Item = &dyn Pass> {
        self.passes.iter().map(|pass| &**pass)
    }

    /// Compiles a skill.
    ///
    /// # Errors
    /// [`CompileError`] when a pass fails.
    pub async fn compile(&self, unit: &Unit) -> Result<Compilation, CompileError> {
        self.compile_until(unit, &Cancellation::new()).await
    }

    /// Compiles a skill until the flag is raised.
    ///
    /// # Errors
    /// [`CompileError`] when a pass fails or the flag is raised.
    pub async fn compile_until(
        &self,
        unit: &Unit,
        cancellation: &Cancellation,
    ) -> Result<Compilation, CompileError> {
        let unit = &effective(unit);
        let mut merged = Merged::default();
        let mut records = Vec::with_capacity(self.passes.len());
        for pass in self.passes.iter() {
            let record = self.run_pass(&**pass, unit, cancellation, &mut merged).await;
            records.push(record.map_err(|source| CompileError::Pass {
                pass: pass.id(),
                skill: unit.skill.name().to_owned(),
                source,
            })?);
        }
        let is_transient = merged.is_transient;
        let variant = self.verify(unit, merged).map_err(|source| CompileError::Guard {
            skill: unit.skill.name().to_owned(),
            source,
        })?;
        Ok(Compilation { variant, passes: records, is_transient })
    }

    /// Runs one pass, or takes what it gave before, and adds that to what is there.
    async fn run_pass(
        &self,
        pass: &dyn Pass,
        unit: &Unit,
        cancellation: &Cancellation,
        merged: &mut Merged,
    ) -> Result<PassRecord, PassError> {
        if cancellation.is_cancelled() {
            return Err(PassError::Cancelled);
        }
        let id = pass.id();
        if pass.needs_profile() && unit.profile.is_none() {
            let record = PassRecord::skipped(id);
            self.tell(&PassEvent::Finished(record.clone()));
            return Ok(record);
        }
        self.tell(&PassEvent::Started { pass: id.clone() });
        let started = Instant::now();
        let model = self.llm.as_deref().map(|llm| llm.model().as_str());
        let keys = memo::Keys::of(pass, unit, &merged.artifacts, model);
        let (status, output) = match self.memo.get(&keys) {
            Some(output) => (PassStatus::Memoised, output),
            None => {
                let mut cx = PassContext::new(pass, unit, &merged.artifacts)
                    .with_cancellation(cancellation.clone());
                if let Some(llm) = self.llm.as_deref() {
                    cx = cx.with_llm(llm);
                }
                pass.run(&mut cx).await?;
                let output = Arc::new(cx.finish());
                if !output.is_transient {
                    self.memo.put(keys, Arc::clone(&output));
                }
                (PassStatus::Ran, output)
            }
        };
        let record = PassRecord::finished(id, status, &output, started.elapsed());
        debug!(pass = %record.pass, micros = record.micros, status = ?status, "pass finished");
        merged.add(pass, unit, &output);
        self.tell(&PassEvent::Finished(record.clone()));
        Ok(record)
    }

    fn tell(&self, event: &PassEvent) {
        if let Some(observer) = &self.observer {
            observer.on_event(event);
        }
    }

    /// Verifies the edits. Edits that the guard blames are taken back and told, until it agrees.
    fn verify(&self, unit: &Unit, merged: Merged) -> Result<Variant, GuardError> {
        let Merged { artifacts, mut edits, mut diagnostics, .. } = merged;
        let verified = loop {
            let error = match self.guard.verify(&unit.skill, &unit.install_dir, edits) {
                Ok(verified) => break verified,
                Err((error, refused)) if refused.is_empty() => return Err(error),
                Err((error, refused)) => {
                    edits = refused;
                    error
                }
            };
            edits = without_blamed(&unit.skill, &edits, &error, &mut diagnostics);
        };
        Ok(Variant::publish(verified, self.manifest(unit), artifacts, diagnostics))
    }

    fn manifest(&self, unit: &Unit) -> Manifest {
        let pass_version = |pass: &Arc<dyn Pass>| PassVersion {
            pass: pass.id(),
            version: pass.version(),
            configuration: pass.configuration(),
        };
        Manifest {
            skill: unit.skill.name().to_owned(),
            source: unit.skill.digest(),
            target: unit.target.clone(),
            profile: unit.profile.as_ref().map(|profile| profile.digest()),
            install_dir: unit.install_dir.clone(),
            host: unit.host.as_ref().map(|host| host.digest()),
            features: unit.features,
            lessons: unit.lessons.as_ref().map(|lessons| lessons.digest()),
            pipeline: self.passes.iter().map(pass_version).collect(),
            refiner: self.llm.as_ref().map(|llm| llm.model().clone()),
        }
    }

    /// Names what this pipeline makes of a unit, before making it.
    #[must_use]
    pub fn key(&self, unit: &Unit) -> skvm_core::digest::Digest {
        self.manifest(&effective(unit)).key()
    }
}

/// The unit with the profile that its lessons leave.
fn effective(unit: &Unit) -> Cow<'_, Unit> {
    if unit.lessons.is_none() {
        return Cow::Borrowed(unit);
    }
    Cow::Owned(Unit { profile: unit.effective_profile(), ..unit.clone() })
}

/// What the passes gave so far.
#[derive(Default)]
struct Merged {
    artifacts: ArtifactSet,
    edits: Edits,
    diagnostics: Vec<Diagnostic>,
    is_transient: bool,
}

impl Merged {
    /// Adds what a pass gave. An edit that overlaps one of an earlier pass is left out and told.
    fn add(&mut self, pass: &dyn Pass, unit: &Unit, output: &PassOutput) {
        self.is_transient |= output.is_transient;
        self.artifacts.extend(output.artifacts.clone());
        self.diagnostics.extend(output.diagnostics.iter().cloned());
        for edit in &output.edits {
            let span = edit.span;
            if let Err(error) = self.edits.insert(unit.skill.source(), edit.clone()) {
                let message = format!("pass {}: {error}; it was left out", pass.id());
                let code = Code::new("edit/overlap");
                self.diagnostics.push(Diagnostic::warning(code, message).at(span));
            }
        }
    }
}
