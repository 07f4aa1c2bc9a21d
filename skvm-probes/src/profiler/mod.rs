//! Measuring a target: which instances are put, until when, and what is concluded.
//!
//! # The rule
//!
//! A primitive's level is a question with four answers, L0 to L3, believed equally at the start. Each judged
//! instance moves the belief by Bayes' rule, for a target of level *k* passes instances up to *k* with the
//! chance [`reached`](SequentialRule::reached) and those above with the chance
//! [`unreached`](SequentialRule::unreached). The next instance is of the level whose outcome is expected to
//! leave the least doubt (the first is always L2). It is over when one level holds all but
//! [`error`](SequentialRule::error) of the belief, or at the [`cap`](SequentialRule::cap). So a target that
//! behaves as the rule takes it to is given a wrong level with a chance of at most `error`, and less where
//! levels are further apart than the rule assumes.
//!
//! Every level is looked at at least once, but for L3 where the target is at L0 and failed L2. When a higher
//! level turns out to be reached while a lower one is not, both get further instances until one of the two
//! findings is gone or both are certain; then the level below the one that is not reached counts, and the
//! profile says so.
//!
//! Only passed and failed instances count. A skipped one closes its level; a fault of the infrastructure is
//! tried again, and then the next instance; a primitive that meets two such instances stays *unmeasured*. After
//! [`Profiler::FAULTS_IN_A_ROW`] faults without a judged instance in between the run ends, and what is left
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

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use skvm_core::capability::{
    CapabilityProfile, FailureReports, Level, Measurement, Primitive, SequentialRule, Unmeasured,
    UnmeasuredCause,
};
use skvm_core::digest::Digest;
use skvm_core::harness::{Harness, RunLimits};
use skvm_core::journal::{Journal, JournalError};
use skvm_core::pass::Cancellation;
use skvm_core::program::ProgramRunner;
use skvm_core::target::{ModelId, Target};

use belief::{Belief, Next};
use conclusion::{Measured, Tally};
pub use event::ProfileEvent;
use record::{Noted, Recorded};

use crate::draw::instance_seed;
use crate::examination::Examiner;
use crate::probe::{Outcome, Probe};
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
    /// Faults of the infrastructure without a judged instance in between that end a run.
    pub const FAULTS_IN_A_ROW: u32 = 9;
    /// Instances of one primitive that may be lost to faults before it stays unmeasured.
    const LOST: u32 = 2;

    /// Measures a model behind a harness with the [standard probes](Probes::standard).
    pub fn new(harness: Arc<dyn Harness>, model: impl Into<ModelId>) -> Self {
        let target = Target::new(model, harness.id().clone());
        Self {
            examiner: Examiner::new(harness),
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
    /// follow each other, so this changes no result. Default 4.
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
        let harness = self.examiner.harness();
        Measurement {
            seed: self.seed,
            probe_set: self.probes.digest().to_string(),
            harness_version: harness.version().map(str::to_owned),
            temperature: harness.temperature(),
            answer_tokens: self.examiner.limits().answer_tokens,
            rule: self.rule,
        }
    }

    /// Names the work: the same for runs whose judged instances can be taken over from each other. Which
    /// primitives are measured, and by which rule, makes no difference to that.
    #[must_use]
    pub fn work(&self) -> Digest {
        let Measurement { seed, probe_set, harness_version, temperature, answer_tokens, rule: _ } =
            self.measurement();
        Digest::builder("profile-work")
            .field(self.target.model.as_str().as_bytes())
            .field(self.target.harness.as_str().as_bytes())
            .field(&seed.to_le_bytes())
            .field(probe_set.as_bytes())
            .field(harness_version.unwrap_or_default().as_bytes())
            .field(format!("{temperature:?}").as_bytes())
            .field(&answer_tokens.to_le_bytes())
            .finish()
    }

    /// Measures the target. Dropping the future ends the measurement; what the journal has stays.
    ///
    /// # Errors
    /// [`ProfileRunError`] when the harness asks another model, or the journal fails. What the target, its
    /// provider or this machine do is told in the profile and is no error.
    pub async fn run(&self) -> Result<ProfileRun, ProfileRunError> {
        if let Some(found) = self.examiner.harness().model()
            && *found != self.target.model
        {
            let (wanted, found) = (self.target.model.clone(), found.clone());
            return Err(ProfileRunError::OtherModel { wanted, found });
        }
        let began = Instant::now();
        let recorded = match &self.journal {
            Some(journal) => Recorded::read(journal.entries()?),
            None => Recorded::default(),
        };
        let asked: Vec<&dyn Probe> = self
            .probes
            .iter()
            .filter(|probe| {
                self.primitives.as_ref().is_none_or(|only| only.contains(&probe.primitive()))
            })
            .collect();
        self.tell(&ProfileEvent::Started { primitives: asked.len(), resumed: recorded.len() });
        let state = RunState { recorded, faults: AtomicU32::new(0), stopped: Mutex::default() };
        // Boxed, so that the whole can be spawned.
        let work: Vec<BoxFuture<'_, _>> =
            asked.iter().map(|probe| self.measure(*probe, &state).boxed()).collect();
        let mut measured: Vec<Measured> =
            futures::stream::iter(work).buffer_unordered(self.concurrency).try_collect().await?;
        // They end in any order.
        measured.sort_by_key(|measured| measured.primitive);
        let stopped = state.stopped.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(self.conclude(measured, stopped, began.elapsed()))
    }

    fn conclude(
        &self,
        measured: Vec<Measured>,
        stopped: Option<String>,
        took: Duration,
    ) -> ProfileRun {
        let now = clock::now();
        let mut profile = CapabilityProfile::new(&self.target, &now);
        let mut failures = FailureReports::new(&now);
        profile.measurement = Some(self.measurement());
        profile.cost.duration_ms = Some(took.as_secs_f64() * 1e3);
        for primitive in Primitive::ALL {
            let cause = UnmeasuredCause::NotAsked;
            let detail = match self.probes.get(primitive) {
                Some(_) => "it was not asked for",
                None => "there is no probe for it",
            };
            profile.unmeasured.insert(primitive, Unmeasured::new(cause, detail));
        }
        let mut judged = 0;
        for one in measured {
            judged += one.judged;
            profile = one.add_to(profile, &mut failures);
        }
        profile.is_partial = profile.lacks_measurements();
        ProfileRun { profile, failures, judged, stopped }
    }

    fn tell(&self, event: &ProfileEvent) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }

    /// Measures one primitive.
    async fn measure(
        &self,
        probe: &dyn Probe,
        state: &RunState,
    ) -> Result<Measured, ProfileRunError> {
        let primitive = probe.primitive();
        let mut belief = Belief::new(self.rule);
        let mut tally = Tally::new(primitive);
        let mut lost = 0;
        let level = loop {
            let level = match belief.next() {
                Next::Decided(level) => break Ok(level),
                Next::Ask(level) => level,
            };
            if self.cancellation.is_cancelled() {
                break Err(Unmeasured::new(
                    UnmeasuredCause::Cancelled,
                    "the measurement was cancelled",
                ));
            }
            if let Some(fault) = state.stopped() {
                break Err(Unmeasured::new(UnmeasuredCause::Fault, fault));
            }
            let number = tally.tried(level);
            let seed = instance_seed(self.seed, primitive, level, number);
            let noted = match state.recorded.get(primitive, level, number) {
                Some(noted) => noted.clone(),
                None => match probe.generate(level, seed) {
                    Some(instance) => {
                        let noted =
                            self.put(primitive, level, number, seed, &instance, state).await;
                        if let Some(journal) = self.journal.as_ref().filter(|_| noted.is_judged()) {
                            journal.append(&noted.to_value())?;
                        }
                        noted
                    }
                    None => Noted::skipped(primitive, level, number, "the probe has no such level"),
                },
            };
            tally.add(&noted);
            match &noted.outcome {
                Outcome::Passed => belief.tell(level, true),
                Outcome::Failed(_) => belief.tell(level, false),
                Outcome::Skipped(_) => belief.close(level),
                Outcome::Fault(fault) => {
                    lost += 1;
                    if lost >= Self::LOST {
                        break Err(Unmeasured::new(UnmeasuredCause::Fault, fault.clone()));
                    }
                }
            }
        };
        let measured = tally.conclude(&belief, level);
        self.tell(&measured.event());
        Ok(measured)
    }

    /// Puts one instance, again and again while the infrastructure fails.
    async fn put(
        &self,
        primitive: Primitive,
        level: Level,
        number: u32,
        seed: u64,
        instance: &crate::probe::Instance,
        state: &RunState,
    ) -> Noted {
        let mut noted = Noted::new(primitive, level, number, seed);
        for attempt in 1..=Self::ATTEMPTS {
            self.tell(&ProfileEvent::Asking { primitive, level, instance: number });
            let examination = self.examiner.examine(instance).await;
            noted.add(instance, examination);
            let faulty = matches!(noted.outcome, Outcome::Fault(_));
            let stopped = state.note(&noted.outcome, |fault| {
                self.tell(&ProfileEvent::Stopped { fault: fault.to_owned() });
            });
            let again =
                faulty && attempt < Self::ATTEMPTS && !stopped && !self.cancellation.is_cancelled();
            self.tell(&ProfileEvent::Examined {
                primitive,
                level,
                instance: number,
                outcome: noted.outcome.clone(),
                again,
            });
            if !again {
                break;
            }
        }
        noted
    }
}

/// What the primitives of one run share.
struct RunState {
    recorded: Recorded,
    faults: AtomicU32,
    stopped: Mutex<Option<String>>,
}

impl RunState {
    fn stopped(&self) -> Option<String> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts faults in a row. Gives whether the run is over; tells when it becomes so.
    fn note(&self, outcome: &Outcome, tell: impl FnOnce(&str)) -> bool {
        let Outcome::Fault(fault) = outcome else {
            if outcome.is_judged() {
                self.faults.store(0, Ordering::Release);
            }
            return false;
        };
        let faults = self.faults.fetch_add(1, Ordering::AcqRel) + 1;
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if faults >= Profiler::FAULTS_IN_A_ROW && stopped.is_none() {
            tell(fault);
            *stopped = Some(fault.clone());
        }
        stopped.is_some()
    }
}
