//! One run: which instances are put, and what becomes of them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use skvm_core::capability::{
    CapabilityProfile, FailureReports, Level, Primitive, Unmeasured, UnmeasuredCause,
};

use super::belief::{Belief, Next};
use super::conclusion::{Measured, Tally};
use super::record::{Noted, Recorded};
use super::{ProfileEvent, ProfileRun, ProfileRunError, Profiler, clock};
use crate::draw::instance_seed;
use crate::probe::{Instance, Outcome, Probe};

/// Instances of one primitive that may be lost to faults before it stays unmeasured.
const LOST: u32 = 2;

impl Profiler {
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
        let more = u32::try_from(self.concurrency.min(asked.len())).unwrap_or(u32::MAX);
        let most = more.saturating_sub(1).saturating_mul(3).saturating_add(Self::FAULTS_IN_A_ROW);
        let faults = AtomicU32::new(0);
        let state = RunState { recorded, faults, most, stopped: Mutex::default() };
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
        profile.cost.duration_ms = Some((took.as_secs_f64() * 1e3).round());
        for primitive in Primitive::ALL {
            let cause = UnmeasuredCause::NotAsked;
            let detail = match self.probes.get(primitive) {
                Some(_) => "it was not asked for",
                None => "there is no probe for it",
            };
            profile.unmeasured.insert(primitive.id().to_owned(), Unmeasured::new(cause, detail));
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
                    if lost >= LOST {
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
        instance: &Instance,
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
    /// Faults in a row that end the run.
    most: u32,
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
        if faults >= self.most && stopped.is_none() {
            tell(fault);
            *stopped = Some(fault.clone());
        }
        stopped.is_some()
    }
}
