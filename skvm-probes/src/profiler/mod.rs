//! Measuring a target: which instances are put, until when, and what is concluded.
//!
//! # The rule
//!
//! A primitive's level is a question with four answers, L0 to L3, believed equally at the start. Each judged
//! instance moves the belief by Bayes' rule, for a target of level *k* passes instances up to *k* with the
//! chance [`reached`](SequentialRule::reached) and those above with the chance
//! [`unreached`](SequentialRule::unreached). The next instance is of the level whose outcome is expected to
//! leave the least doubt (the first is always L2). It is over when one level holds all but
//! [`error`](SequentialRule::error) of the belief, or at the [`cap`](SequentialRule::cap). So targets
//! that behave as the rule takes them to, as many of each level, are given a wrong level in at most the share
//! `error` of cases, and in fewer where levels are further apart than the rule assumes. Where the cap comes first
//! the likeliest level counts, and the profile says so.
//!
//! Every level is looked at at least once, but for L3 where the target is at L0 and failed L2. When a higher
//! level turns out to be reached while a lower one is not, both get further instances until one of the two
//! findings is gone or both are certain; then the level below the one that is not reached counts, and the
//! profile says so.
//!
//! Only passed and failed instances count. A skipped one closes its level; a fault of the infrastructure is
//! tried again, and then the next instance; a primitive that meets two such instances stays *unmeasured*. After
//! [`Profiler::FAULTS_IN_A_ROW`] faults or some more without a judged instance in between the run ends, and what is left
//! stays unmeasured.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use skvm_core::capability::{CapabilityProfile, Level, Primitive};
//! use skvm_core::target::Target;
//! use skvm_probes::profiler::Profiler;
//! use skvm_probes::simulated::SimulatedModel;
//! use skvm_runtime::harness::bare::BareAgent;
//!
//! let target = Target::new("simulated", "bare-agent");
//! let planted = CapabilityProfile::new(&target, "2026-01-01T00:00:00Z")
//!     .with_level(Primitive::ReasonArithmetic, Level::L2);
//! let seed = 7;
//! let model = SimulatedModel::new("simulated", planted, seed);
//! let agent = Arc::new(BareAgent::new(Arc::new(model)));
//! let profiler = Profiler::new(agent, "simulated")
//!     .with_seed(seed)
//!     .with_primitives([Primitive::ReasonArithmetic]);
//! let measured = profiler.run().await?;
//! assert_eq!(measured.profile.level(Primitive::ReasonArithmetic), Some(Level::L2));
//! assert!(measured.profile.is_partial);
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```

mod belief;
mod clock;
mod conclusion;
mod event;
mod record;
mod report;
mod run;

use std::collections::BTreeSet;
use std::sync::Arc;

use skvm_core::capability::{
    CapabilityProfile, FailureReports, Measurement, Primitive, SequentialRule,
};
use skvm_core::digest::Digest;
use skvm_core::harness::{Harness, RunLimits};
use skvm_core::journal::{Journal, JournalError};
use skvm_core::pass::Cancellation;
use skvm_core::program::ProgramRunner;
use skvm_core::target::{ModelId, Target};

pub use event::ProfileEvent;

use crate::examination::Examiner;
use crate::registry::Probes;

/// Measures targets; see the [module](self).
#[derive(Clone)]
#[must_use]
pub struct Profiler {
    examiner: Examiner,
    target: Target,
    probes: Probes,
    primitives: Option<BTreeSet<Primitive>>,
    seed: u64,
    rule: SequentialRule,
    concurrency: usize,
    journal: Option<Arc<dyn Journal>>,
    cancellation: Cancellation,
    observer: Option<Observer>,
}

type Observer = Arc<dyn Fn(&ProfileEvent) + Send + Sync>;

impl std::fmt::Debug for Profiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profiler")
            .field("target", &self.target)
            .field("primitives", &self.primitives)
            .field("seed", &self.seed)
            .field("rule", &self.rule)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

/// What measuring gave.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ProfileRun {
    /// The levels with their evidence.
    pub profile: CapabilityProfile,
    /// The failed instances, for whoever wants to see why.
    pub failures: FailureReports,
    /// How many instances were judged, those of an earlier run included.
    pub judged: u32,
    /// Why the run ended before everything was measured; `None` when it did not.
    pub stopped: Option<String>,
}

/// A measurement could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileRunError {
    /// The harness asks another model than the one that is to be measured.
    #[error("measuring {wanted}: the harness asks the model {found}")]
    OtherModel {
        /// The model that is to be measured.
        wanted: ModelId,
        /// The model that the harness asks.
        found: ModelId,
    },
    /// The journal could not be read or written.
    #[error("keeping what was measured")]
    Journal(#[from] JournalError),
}

impl Profiler {
    /// How often an instance is tried that the infrastructure fails.
    pub const ATTEMPTS: u32 = 3;
    /// Faults of the infrastructure without a judged instance in between that end a run, and three more for each
    /// further primitive under way.
    pub const FAULTS_IN_A_ROW: u32 = 9;

    /// Measures a model behind a harness with the [standard probes](Probes::standard).
    pub fn new(harness: Arc<dyn Harness>, model: impl Into<ModelId>) -> Self {
        let target = Target::new(model, harness.id().clone());
        Self {
            examiner: Examiner::new(harness).with_model(target.model.clone()),
            target,
            probes: Probes::standard(),
            primitives: None,
            seed: 0,
            rule: SequentialRule::default(),
            concurrency: 4,
            journal: None,
            cancellation: Cancellation::new(),
            observer: None,
        }
    }

    /// The same profiler with a runner for programs that the target writes. Without one the primitives that ask
    /// for programs stay unmeasured.
    pub fn with_programs(mut self, programs: Arc<dyn ProgramRunner>) -> Self {
        self.examiner = self.examiner.with_programs(programs);
        self
    }

    /// The same profiler with other probes.
    pub fn with_probes(mut self, probes: Probes) -> Self {
        self.probes = probes;
        self
    }

    /// The same profiler, which measures these primitives alone.
    pub fn with_primitives(mut self, primitives: impl IntoIterator<Item = Primitive>) -> Self {
        self.primitives = Some(primitives.into_iter().collect());
        self
    }

    /// The same profiler with another seed. Default 0.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The same profiler with another rule.
    pub fn with_rule(mut self, rule: SequentialRule) -> Self {
        self.rule = rule;
        self
    }

    /// The same profiler with other bounds for an instance; see [`Examiner::with_limits`].
    pub fn with_limits(mut self, limits: RunLimits) -> Self {
        self.examiner = self.examiner.with_limits(limits);
        self
    }

    /// The same profiler with another number of primitives under way at once. The instances of one primitive
    /// follow each other, so this changes no result while the infrastructure holds. Default 4.
    pub fn with_concurrency(mut self, primitives: usize) -> Self {
        self.concurrency = primitives.max(1);
        self
    }

    /// The same profiler, which notes each judged instance and leaves out those that are noted. The journal is
    /// that of the work's [digest](Profiler::work), and of nothing else.
    pub fn with_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// The same profiler, which ends soon after this flag is raised. What is measured by then stays.
    pub fn with_cancellation(mut self, cancellation: Cancellation) -> Self {
        self.cancellation = cancellation;
        self
    }

    /// The same profiler, which tells what happens. The observer should return soon.
    pub fn with_observer(
        mut self,
        observer: impl Fn(&ProfileEvent) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// How it measures, as the profile will tell.
    #[must_use]
    pub fn measurement(&self) -> Measurement {
        let (harness, limits) = (self.examiner.harness(), self.examiner.limits());
        Measurement {
            seed: self.seed,
            probe_set: self.probes.digest().to_string(),
            harness_version: harness.version().map(str::to_owned),
            temperature: harness.temperature(),
            answer_tokens: limits.answer_tokens,
            turns: limits.turns,
            deadline_ms: u64::try_from(limits.deadline.as_millis()).unwrap_or(u64::MAX),
            rule: self.rule,
        }
    }

    /// Names the work: the same for runs whose judged instances can be taken over from each other. Which
    /// primitives are measured, and by which rule, makes no difference to that.
    #[must_use]
    pub fn work(&self) -> Digest {
        let Measurement {
            seed,
            probe_set,
            harness_version,
            temperature,
            answer_tokens,
            turns,
            deadline_ms,
            rule: _,
        } = self.measurement();
        Digest::builder("profile-work")
            .field(self.target.model.as_str().as_bytes())
            .field(self.target.harness.as_str().as_bytes())
            .field(&seed.to_le_bytes())
            .field(probe_set.as_bytes())
            .field(harness_version.unwrap_or_default().as_bytes())
            .field(format!("{temperature:?}").as_bytes())
            .field(&answer_tokens.to_le_bytes())
            .field(&turns.to_le_bytes())
            .field(&deadline_ms.to_le_bytes())
            .finish()
    }
}
