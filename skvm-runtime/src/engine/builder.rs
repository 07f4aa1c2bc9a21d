//! Putting an engine together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use skvm_core::capability::CapabilityProfile;
use skvm_core::harness::Harness;
use skvm_core::host::HostFacts;
use skvm_core::llm::LlmBackend;
use skvm_core::skill::LoadLimits;
use skvm_core::target::{HarnessId, Target};
use skvm_passes::capability::Refinement;
use skvm_passes::manager::PassManager;
use skvm_passes::recorded::Recorded;

use super::event::Subscribers;
use super::flight::Flights;
use super::profiles::Profiles;
use super::{Inner, SkVm};
use crate::adaptation::AdaptPolicy;
#[cfg(feature = "tokio")]
use crate::environment::Binder;
use crate::jit::{Jit, SolidifyPolicy};
use crate::life::{Lines, LoadPolicy};
use crate::store::{MemoryStore, Store, StoreAnswers};

/// Collects what an engine works with; see [`SkVm::builder`].
#[derive(Default)]
#[must_use]
pub struct SkVmBuilder {
    passes: Option<PassManager>,
    store: Option<Arc<dyn Store>>,
    targets: BTreeMap<Target, Option<Arc<CapabilityProfile>>>,
    harnesses: BTreeMap<HarnessId, Arc<dyn Harness>>,
    limits: LoadLimits,
    refiner: Option<Arc<dyn LlmBackend>>,
    host: Option<Arc<HostFacts>>,
    solidify: Option<SolidifyPolicy>,
    adapt: Option<AdaptPolicy>,
    loading: LoadPolicy,
    #[cfg(feature = "tokio")]
    binder: Option<Binder>,
}

impl std::fmt::Debug for SkVmBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SkVmBuilder")
            .field("targets", &self.targets.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl SkVmBuilder {
    /// Makes a target known, without a profile.
    pub fn target(mut self, target: Target) -> Self {
        self.targets.entry(target).or_default();
        self
    }

    /// Makes the target of a profile known, and what it can do.
    pub fn profile(mut self, profile: impl Into<Arc<CapabilityProfile>>) -> Self {
        let profile = profile.into();
        self.targets.insert(profile.target(), Some(profile));
        self
    }

    /// Replaces the standard passes.
    pub fn passes(mut self, passes: PassManager) -> Self {
        self.passes = Some(passes);
        self
    }

    /// Replaces the store in memory.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Keeps what is compiled and learned in a database at that path, for this process and others; see
    /// [`SqliteStore`](crate::store::SqliteStore).
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError) when the file cannot be used.
    #[cfg(feature = "sqlite")]
    pub fn store_at(
        self,
        path: impl AsRef<std::path::Path>,
    ) -> Result<Self, crate::store::StoreError> {
        Ok(self.store(Arc::new(crate::store::SqliteStore::open(path)?)))
    }

    /// Adds a harness under its id; one of the same id is replaced.
    pub fn harness(mut self, harness: Arc<dyn Harness>) -> Self {
        self.harnesses.insert(harness.id().clone(), harness);
        self
    }

    /// Gives the passes a model to refine with; the standard passes make use of it, those that
    /// [`passes`](SkVmBuilder::passes) puts in their place if they ask for it. Its answers are recorded
    /// in the store.
    pub fn refine_with(mut self, model: Arc<dyn LlmBackend>) -> Self {
        self.refiner = Some(model);
        self
    }

    /// Replaces the limits for loading.
    pub fn load_limits(mut self, limits: LoadLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Compiles for this machine: variants then bring the plan of their environment.
    pub fn host(mut self, host: impl Into<Arc<HostFacts>>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Learns from runs and answers repeated work in the model's place, as far as a policy allows; see
    /// [`jit`](crate::jit). Without one, nothing is learned.
    pub fn solidify(mut self, policy: SolidifyPolicy) -> Self {
        self.solidify = Some(policy);
        self
    }

    /// Turns failures at run time into better compilations, as far as a policy allows; see
    /// [`adaptation`](crate::adaptation). Without one, failures are only kept in the traces. The end of a session waits
    /// while a fix is compiled; with a model to refine with, for that too.
    pub fn adapt(mut self, policy: AdaptPolicy) -> Self {
        self.adapt = Some(policy);
        self
    }

    /// What [`SkVm::load`] gives while the active variant is out of date. Default: a new one, compiled at once.
    pub fn loading(mut self, policy: LoadPolicy) -> Self {
        self.loading = policy;
        self
    }

    /// Sets up what skills need; without one, [`SkVm::prepare`] is refused.
    #[cfg(feature = "tokio")]
    pub fn binder(mut self, binder: Binder) -> Self {
        self.binder = Some(binder);
        self
    }

    /// The engine.
    #[must_use]
    pub fn build(self) -> SkVm {
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let refined = self.refiner.is_some();
        let mut passes = self.passes.unwrap_or_else(|| match refined {
            true => PassManager::standard_refined(Refinement::default()),
            false => PassManager::standard(),
        });
        if let Some(model) = self.refiner {
            let answers = Arc::new(StoreAnswers::new(Arc::clone(&store)));
            passes = passes.with_llm(Arc::new(Recorded::new(model, answers)));
        }
        let jit = self.solidify.map(|policy| Jit::new(Arc::clone(&store), policy));
        SkVm(Arc::new(Inner {
            passes,
            store,
            jit,
            adapt: self.adapt,
            loading: self.loading,
            refines: refined,
            lines: Lines::default(),
            profiles: Profiles::default(),
            targets: self.targets,
            harnesses: self.harnesses,
            limits: self.limits,
            host: self.host,
            #[cfg(feature = "tokio")]
            binder: self.binder,
            flights: Flights::default(),
            subscribers: Subscribers::default(),
            runs: AtomicU64::new(0),
        }))
    }
}
