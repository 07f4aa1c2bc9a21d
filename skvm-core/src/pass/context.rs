//! What a pass sees and what it gives.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Cancellation, Pass, PassError, PassId};
use crate::artifact::{Artifact, ArtifactKey, ArtifactSet};
use crate::capability::CapabilityProfile;
use crate::diagnostic::Diagnostic;
use crate::document::Document;
use crate::edit::{Edit, Edits};
use crate::failure::Lessons;
use crate::harness::HarnessFeatures;
use crate::host::HostFacts;
use crate::llm::LlmBackend;
use crate::skill::{Bundle, Skill};
use crate::target::Target;

/// What is compiled: a skill for a target.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The skill.
    pub skill: Arc<Skill>,
    /// The target.
    pub target: Target,
    /// What the target was measured to do; `None` when it was not measured.
    pub profile: Option<Arc<CapabilityProfile>>,
    /// The folder where the skill's bundle will lie when it runs.
    pub install_dir: PathBuf,
    /// The machine that it will run on, when that is known.
    pub host: Option<Arc<HostFacts>>,
    /// What the target's harness can do, when that is known.
    pub features: Option<HarnessFeatures>,
    /// What failures taught about this skill on this target.
    pub lessons: Option<Arc<Lessons>>,
}

impl Unit {
    /// A skill that stays where it is, for a target without a profile.
    #[must_use]
    pub fn new(skill: impl Into<Arc<Skill>>, target: Target) -> Self {
        let skill = skill.into();
        let install_dir = skill.root().to_owned();
        Self {
            skill,
            target,
            profile: None,
            install_dir,
            host: None,
            features: None,
            lessons: None,
        }
    }

    /// The same unit with a profile.
    #[must_use]
    pub fn with_profile(mut self, profile: impl Into<Arc<CapabilityProfile>>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// The same unit, installed in another folder.
    #[must_use]
    pub fn with_install_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.install_dir = folder.into();
        self
    }

    /// The same unit, for a harness of which it is known what it can do.
    #[must_use]
    pub fn with_features(mut self, features: HarnessFeatures) -> Self {
        self.features = Some(features);
        self
    }

    /// The same unit, to be compiled with what failures taught. None is the same as none given.
    #[must_use]
    pub fn with_lessons(mut self, lessons: impl Into<Arc<Lessons>>) -> Self {
        let lessons = lessons.into();
        self.lessons = (!lessons.is_empty()).then_some(lessons);
        self
    }

    /// The profile that a compilation counts on: the target's, lowered where lessons speak against it; see
    /// [`CapabilityProfile::effective`]. Lessons alone give one that says just that.
    #[must_use]
    pub fn effective_profile(&self) -> Option<Arc<CapabilityProfile>> {
        let abilities = self.lessons.as_deref().map(Lessons::abilities).unwrap_or_default();
        if abilities.is_empty() {
            return self.profile.clone();
        }
        let unmeasured = || Arc::new(CapabilityProfile::new(&self.target, ""));
        let profile = self.profile.clone().unwrap_or_else(unmeasured);
        Some(Arc::new(profile.effective(&abilities)))
    }

    /// The same unit, for a known machine.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<Arc<HostFacts>>) -> Self {
        self.host = Some(host.into());
        self
    }
}

/// What a pass gave.
#[derive(Debug, Clone, Default)]
pub struct PassOutput {
    /// Artifacts that it put.
    pub artifacts: ArtifactSet,
    /// Edits that it made.
    pub edits: Edits,
    /// What it found.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether it asked for the target; if not, the result serves every target.
    pub looked_at_target: bool,
    /// Whether it asked for the host; if not, the result serves every machine.
    pub looked_at_host: bool,
    /// Whether the result owes something to a passing fault, so that it is not to be kept.
    pub is_transient: bool,
}

/// The only way in and out for a pass.
pub struct PassContext<'a> {
    unit: &'a Unit,
    pass: PassId,
    reads: &'static [ArtifactKey],
    writes: &'static [ArtifactKey],
    needs_profile: bool,
    heeds_lessons: bool,
    inputs: &'a ArtifactSet,
    llm: Option<&'a dyn LlmBackend>,
    cancellation: Cancellation,
    output: PassOutput,
    looked_at_target: Cell<bool>,
    looked_at_host: Cell<bool>,
}

impl std::fmt::Debug for PassContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PassContext")
            .field("pass", &self.pass)
            .field("unit", &self.unit)
            .field("output", &self.output)
            .finish_non_exhaustive()
    }
}

impl<'a> PassContext<'a> {
    /// A context for one run of `pass`, which reads from `inputs`.
    #[must_use]
    pub fn new(pass: &dyn Pass, unit: &'a Unit, inputs: &'a ArtifactSet) -> Self {
        Self {
            unit,
            pass: pass.id(),
            reads: pass.reads(),
            writes: pass.writes(),
            needs_profile: pass.needs_profile(),
            heeds_lessons: pass.heeds_lessons(),
            inputs,
            llm: None,
            cancellation: Cancellation::new(),
            output: PassOutput::default(),
            looked_at_target: Cell::new(false),
            looked_at_host: Cell::new(false),
        }
    }

    /// The same context with a model.
    #[must_use]
    pub fn with_llm(mut self, llm: &'a dyn LlmBackend) -> Self {
        self.llm = Some(llm);
        self
    }

    /// The same context, cancelled by that flag.
    #[must_use]
    pub fn with_cancellation(mut self, cancellation: Cancellation) -> Self {
        self.cancellation = cancellation;
        self
    }

    /// The skill.
    #[must_use]
    pub fn skill(&self) -> &'a Skill {
        &self.unit.skill
    }

    /// The text that all spans point into.
    #[must_use]
    pub fn source(&self) -> &'a str {
        self.unit.skill.source()
    }

    /// The Markdown body.
    #[must_use]
    pub fn document(&self) -> &'a Document {
        self.unit.skill.document()
    }

    /// The files beside it.
    #[must_use]
    pub fn bundle(&self) -> &'a Bundle {
        self.unit.skill.bundle()
    }

    /// The target.
    #[must_use]
    pub fn target(&self) -> &'a Target {
        self.looked_at_target.set(true);
        &self.unit.target
    }

    /// What the target's harness can do; `None` when it is not known.
    #[must_use]
    pub fn features(&self) -> Option<HarnessFeatures> {
        self.looked_at_target.set(true);
        self.unit.features
    }

    /// The machine that the skill will run on; `None` when it is not known.
    #[must_use]
    pub fn host(&self) -> Option<&'a HostFacts> {
        self.looked_at_host.set(true);
        self.unit.host.as_deref()
    }

    /// The folder where the bundle will lie when the skill runs.
    #[must_use]
    pub fn install_dir(&self) -> &'a Path {
        &self.unit.install_dir
    }

    /// The target's profile; `None` unless the pass declares [`Pass::needs_profile`].
    #[must_use]
    pub fn profile(&self) -> Option<&'a CapabilityProfile> {
        self.unit.profile.as_deref().filter(|_| self.needs_profile)
    }

    /// What failures taught; `None` when there is nothing, and unless the pass declares [`Pass::heeds_lessons`].
    #[must_use]
    pub fn lessons(&self) -> Option<&'a Lessons> {
        self.unit.lessons.as_deref().filter(|_| self.heeds_lessons)
    }

    /// An artifact of an earlier pass; `None` when that pass was passed over.
    ///
    /// # Errors
    /// [`PassError::UndeclaredRead`] when the pass does not declare it, [`PassError::Artifact`] when
    /// it is not of that type.
    pub fn artifact<A: Artifact>(&self) -> Result<Option<Arc<A>>, PassError> {
        if !self.reads.contains(&A::KEY) {
            return Err(PassError::UndeclaredRead { pass: self.pass.clone(), key: A::KEY });
        }
        Ok(self.inputs.get::<A>()?)
    }

    /// Puts an artifact.
    ///
    /// # Errors
    /// [`PassError::UndeclaredWrite`] when the pass does not declare it, [`PassError::Artifact`] when
    /// it cannot be written as JSON.
    pub fn put<A: Artifact>(&mut self, artifact: A) -> Result<(), PassError> {
        if !self.writes.contains(&A::KEY) {
            return Err(PassError::UndeclaredWrite { pass: self.pass.clone(), key: A::KEY });
        }
        Ok(self.output.artifacts.put(artifact)?)
    }

    /// Makes an edit.
    ///
    /// # Errors
    /// [`PassError::Edit`] when it does not lie in the source or overlaps another edit of this pass.
    pub fn edit(&mut self, edit: Edit) -> Result<(), PassError> {
        Ok(self.output.edits.insert(self.unit.skill.source(), edit)?)
    }

    /// Tells a finding.
    pub fn diagnose(&mut self, diagnostic: Diagnostic) {
        self.output.diagnostics.push(diagnostic);
    }

    /// Says that the result owes something to a passing fault, such as a model that did not answer. It
    /// serves this compilation and is not kept for the next.
    pub fn mark_transient(&mut self) {
        self.output.is_transient = true;
    }

    /// A model to refine with, if the host gave one. Its answers are recorded: the same request gives
    /// the same answer in every later compilation, without asking.
    #[must_use]
    pub fn llm(&self) -> Option<&'a dyn LlmBackend> {
        self.llm
    }

    /// Ends the pass when the compilation was cancelled; to be called between pieces of long work.
    ///
    /// # Errors
    /// [`PassError::Cancelled`].
    pub fn checkpoint(&self) -> Result<(), PassError> {
        if self.cancellation.is_cancelled() { Err(PassError::Cancelled) } else { Ok(()) }
    }

    /// What the pass gave.
    #[must_use]
    pub fn finish(mut self) -> PassOutput {
        self.output.looked_at_target = self.looked_at_target.get();
        self.output.looked_at_host = self.looked_at_host.get();
        self.output
    }
}
