//! JIT code solidification: repeated work is answered in the model's place.
//!
//! Agents write the same program again and again with other values. A [`Jit`] follows sessions and goes four
//! steps, each on evidence:
//!
//! 1. **Observe.** Every tool call of a model gets a [fingerprint](skvm_core::artifact::Fingerprint). Runs whose
//!    calls have the same fingerprints are compared: what is the same becomes text, what differs becomes a hole.
//! 2. **Explain.** A hole is understood if its value comes about in the same way in every run: from a typed input
//!    of the host's, from a gap in the task's wording, from the output of an earlier call, or it is constant.
//!    A value that is not explained keeps everything as it is, unless the policy lets a small model find it.
//! 3. **Predict.** From the second run on, the calls are predicted before the model makes them, and compared.
//!    Only correct predictions in consecutive runs with different inputs (three by default) lead on; one that
//!    fails begins anew.
//! 4. **Solidify.** [`Directive::Respond`](skvm_core::harness::Directive::Respond) with the calls, one after the
//!    other; the harness executes them under its own policy. Behind each stands a guard: exit status and shape of
//!    the output as in earlier runs. A guard that does not hold is a side exit: the model goes on from a complete
//!    conversation. The final text is answered too where it was predicted as well, else the model writes it.
//!
//! Failures in a row demote, and proving a routine again takes twice as many predictions each time. A task is
//! answered only if it fits the wording of earlier ones as a whole, the values in its gaps are of the same make,
//! and a gap that no value comes from holds what was seen before.
//!
//! What is learned holds for one variant, target and environment; a change of any begins anew. It lies in the
//! [store](crate::store::Store), so sessions of one or several processes share it, and no update is lost.
//!
//! Values are data: rendering quotes them by each language's own rules, see [`Template`](skvm_core::artifact::Template).

mod call;
mod derivation;
mod following;
mod index;
mod observation;
mod output;
mod policy;
mod record;
mod report;
mod routine;
mod scope;

mod wording;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skvm_core::artifact::Templates;
use skvm_core::digest::Digest;
use skvm_core::harness::PreparedEnvironment;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::variant::Variant;

pub(crate) use following::Following;
pub use observation::{Observation, ObservedValue, TemplateIndex};
pub use policy::SolidifyPolicy;
pub use record::Counters;
pub use report::{SolidifiedReport, SolidifiedState};

use crate::store::{Store, StoreError};
use scope::Scope;

/// Follows sessions, learns from them, and answers in the model's place; see the [module](self). A cheap handle:
/// clones share everything.
#[derive(Clone)]
pub struct Jit(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    policy: SolidifyPolicy,
    scopes: Mutex<HashMap<Digest, Arc<Scope>>>,
}

/// Most scopes that are kept ready; others are read from the store again.
const MAX_SCOPES: usize = 256;

impl std::fmt::Debug for Jit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jit").field("policy", &self.0.policy).finish_non_exhaustive()
    }
}

/// What something learned holds for: a target, with a skill, its variant, and what was set up for it.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct LearnedFor<'a> {
    target: &'a Target,
    skill: Option<Digest>,
    variant: Option<&'a Variant>,
    environment: Option<&'a PreparedEnvironment>,
}

impl<'a> LearnedFor<'a> {
    /// A target's work without a skill.
    pub fn target(target: &'a Target) -> Self {
        Self { target, skill: None, variant: None, environment: None }
    }

    /// The same with a skill and, when it was compiled, its variant.
    pub fn with_skill(mut self, skill: &Skill, variant: Option<&'a Variant>) -> Self {
        (self.skill, self.variant) = (Some(skill.digest()), variant);
        self
    }

    /// The same with what was set up for the skill, if anything.
    pub fn with_environment(mut self, environment: Option<&'a PreparedEnvironment>) -> Self {
        self.environment = environment;
        self
    }

    pub(crate) fn target_of(&self) -> &'a Target {
        self.target
    }

    fn digest(&self) -> Digest {
        let mut digest = Digest::builder("skvm/jit/1")
            .field(self.target.model.as_str().as_bytes())
            .field(self.target.harness.as_str().as_bytes());
        for part in [self.skill, self.variant.map(Variant::digest)] {
            digest.add(part.map(|part| part.to_string()).unwrap_or_default().as_bytes());
        }
        // Of ordered maps and lists, so the same environment gives the same text.
        let environment = self.environment.map(serde_json::to_vec).and_then(Result::ok);
        digest.add(&environment.unwrap_or_default());
        digest.finish()
    }
}

impl Jit {
    /// A JIT that keeps what it learns in a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, policy: SolidifyPolicy) -> Self {
        Self(Arc::new(Inner { store, policy, scopes: Mutex::default() }))
    }

    fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    fn policy(&self) -> &SolidifyPolicy {
        &self.0.policy
    }

    /// Everything that was learned for something, the same calls side by side.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn solidified(
        &self,
        learned: LearnedFor<'_>,
    ) -> Result<Vec<SolidifiedReport>, StoreError> {
        let scope = self.scope(learned);
        scope.refresh(self.store(), self.policy()).await?;
        let records = scope.records();
        let reports = records.iter().flat_map(|(key, record)| {
            record.routines.iter().map(|known| SolidifiedReport::of(*key, known, self.policy()))
        });
        Ok(reports.collect())
    }

    /// Forgets everything that was learned for something.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written; what it holds then is as it was, or forgotten in part.
    pub async fn forget(&self, learned: LearnedFor<'_>) -> Result<(), StoreError> {
        self.scope(learned).forget(self.store(), self.policy()).await
    }

    /// Follows a session from its start.
    pub(crate) fn follow(&self, learned: LearnedFor<'_>) -> Following {
        Following::new(self.clone(), self.scope(learned))
    }

    fn scopes(&self) -> MutexGuard<'_, HashMap<Digest, Arc<Scope>>> {
        self.0.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn scope(&self, learned: LearnedFor<'_>) -> Arc<Scope> {
        let id = learned.digest();
        if let Some(scope) = self.scopes().get(&id) {
            return Arc::clone(scope);
        }
        let templates = learned.variant.and_then(|it| it.artifacts().get::<Templates>().ok()?);
        let templates = templates.map(|it| TemplateIndex::new(&it)).unwrap_or_default();
        let mut scopes = self.scopes();
        if scopes.len() >= MAX_SCOPES {
            // One that is in use stays with its sessions.
            let one = scopes.keys().next().copied();
            one.and_then(|one| scopes.remove(&one));
        }
        let scope = scopes.entry(id).or_insert_with(|| Arc::new(Scope::new(id, templates)));
        Arc::clone(scope)
    }
}
