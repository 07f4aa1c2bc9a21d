//! Putting a pipeline together.

use std::sync::Arc;

use skvm_core::artifact::ArtifactKey;
use skvm_core::pass::{Pass, PassId};

use super::memo::{self, Memo};
use super::order;
use super::{PassManager, PipelineObserver};
use crate::capability::CapabilityPass;
use crate::code::CodePass;
use crate::concurrency::ConcurrencyPass;
use crate::environment::EnvironmentPass;
use crate::guard::Guard;
use crate::lessons::LessonsPass;
use crate::requirements::RequirementsPass;
use crate::templates::TemplatesPass;

/// Collects passes; see [`PassManager::builder`].
#[derive(Default)]
#[must_use]
pub struct PassManagerBuilder {
    passes: Vec<Arc<dyn Pass>>,
    guard: Guard,
    observer: Option<Arc<dyn PipelineObserver>>,
    memo_capacity: Option<usize>,
}

impl std::fmt::Debug for PassManagerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PassManagerBuilder").field("passes", &self.passes).finish_non_exhaustive()
    }
}

/// The passes do not make a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two passes have the same id.
    #[error("two passes are called {pass}")]
    DuplicateId {
        /// The id.
        pass: PassId,
    },
    /// Two passes write the same artifact.
    #[error("passes {first} and {second} both write artifact {key}")]
    DuplicateWriter {
        /// The artifact.
        key: ArtifactKey,
        /// One pass.
        first: PassId,
        /// The other.
        second: PassId,
    },
    /// A pass reads an artifact that no pass writes.
    #[error("pass {pass} reads artifact {key}, which no pass writes")]
    NoWriter {
        /// The pass.
        pass: PassId,
        /// The artifact.
        key: ArtifactKey,
    },
    /// Passes wait for each other.
    #[error("passes wait for each other in a circle: {}", .passes.iter().map(PassId::as_str).collect::<Vec<_>>().join(", "))]
    Cycle {
        /// The passes of the circle.
        passes: Vec<PassId>,
    },
}

impl PassManagerBuilder {
    /// Adds a pass.
    pub fn pass(self, pass: impl Pass + 'static) -> Self {
        self.shared_pass(Arc::new(pass))
    }

    /// Adds a pass that is shared with somebody.
    pub fn shared_pass(mut self, pass: Arc<dyn Pass>) -> Self {
        self.passes.push(pass);
        self
    }

    /// Puts a pass in the place of the one with its id, or adds it when there is none.
    pub fn replace(mut self, pass: impl Pass + 'static) -> Self {
        let pass: Arc<dyn Pass> = Arc::new(pass);
        match self.passes.iter_mut().find(|known| known.id() == pass.id()) {
            Some(known) => *known = pass,
            None => self.passes.push(pass),
        }
        self
    }

    /// Adds the standard passes.
    pub fn standard(self) -> Self {
        self.pass(CodePass)
            .pass(RequirementsPass)
            // What failed is corrected first: of two edits of one place, the earlier pass has its way.
            .pass(LessonsPass)
            // Reads the requirements and, to lower them, the places of own scripts in the code.
            .pass(CapabilityPass::standard())
            .pass(EnvironmentPass::default())
            .pass(ConcurrencyPass::default())
            .pass(TemplatesPass)
    }

    /// Replaces the guard.
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    /// Tells `observer` what happens.
    pub fn observer(mut self, observer: impl PipelineObserver + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Bounds how many results of passes are kept in memory. Default 1,024; with 0 every compilation
    /// does all of its work.
    pub fn memo_capacity(mut self, results: usize) -> Self {
        self.memo_capacity = Some(results);
        self
    }

    /// Puts the passes in order.
    ///
    /// # Errors
    /// [`BuildError`] when ids or written artifacts are not unique, an artifact that is read has no
    /// writer, or passes wait for each other.
    pub fn build(mut self) -> Result<PassManager, BuildError> {
        self.passes = order::sort(&self.passes)?;
        Ok(self.assemble())
    }

    /// The pipeline in the order of registration, for passes that are known to stand in order.
    pub(super) fn assemble(self) -> PassManager {
        let Self { passes, guard, observer, memo_capacity } = self;
        let capacity = memo_capacity.unwrap_or(memo::DEFAULT_CAPACITY);
        PassManager {
            passes: passes.into(),
            guard: Arc::new(guard),
            memo: Arc::new(Memo::new(capacity)),
            observer,
            llm: None,
        }
    }
}
