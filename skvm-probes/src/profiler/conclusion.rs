//! From judged instances to a profile's entry.

use skvm_core::capability::{
    CapabilityProfile, FailureReport, FailureReports, Level, LevelResult, Primitive,
    PrimitiveDetail, RateInterval, Unmeasured, UnmeasuredCause,
};
use skvm_core::llm::Usage;

use super::belief::Belief;
use super::event::ProfileEvent;
use super::record::Noted;
use crate::probe::Outcome;

/// Failure reports that are kept of one level.
const REPORTS: usize = 3;

/// What was tried for one primitive.
pub(super) struct Tally {
    primitive: Primitive,
    levels: [LevelResult; 3],
    reports: Vec<FailureReport>,
    usage: Usage,
    /// Why a level could not be tried.
    skipped: Option<String>,
}

/// What measuring one primitive gave.
pub(super) struct Measured {
    pub(super) primitive: Primitive,
    pub(super) judged: u32,
    level: Result<Level, Unmeasured>,
    detail: PrimitiveDetail,
    reports: Vec<FailureReport>,
    usage: Usage,
}

impl Tally {
    pub(super) fn new(primitive: Primitive) -> Self {
        Self {
            primitive,
            levels: Level::DEMANDS.map(LevelResult::untried),
            reports: Vec::new(),
            usage: Usage::default(),
            skipped: None,
        }
    }

    /// How many instances of a level were tried.
    pub(super) fn tried(&self, level: Level) -> u32 {
        let result = self.levels.iter().find(|result| result.level == level);
        result.map_or(0, |result| result.total_count)
    }

    pub(super) fn add(&mut self, noted: &Noted) {
        let Some(result) = self.levels.iter_mut().find(|result| result.level == noted.level) else {
            return;
        };
        result.total_count += 1;
        result.duration_ms = Some(result.duration_ms.unwrap_or(0.0) + noted.duration_ms as f64);
        if let Some(cost) = noted.usage.cost_usd {
            result.cost_usd = Some(result.cost_usd.unwrap_or(0.0) + cost);
        }
        self.usage.add(&noted.usage);
        match &noted.outcome {
            Outcome::Passed => result.pass_count += 1,
            Outcome::Failed(reason) => {
                result.failure_details.push(reason.clone());
                if result.failure_details.len() <= REPORTS {
                    self.reports.extend(noted.report.clone());
                }
            }
            Outcome::Skipped(why) => {
                result.skip_count += 1;
                self.skipped = Some(why.clone());
            }
            Outcome::Fault(_) => {
                result.skip_count += 1;
                result.fault_count += 1;
            }
        }
    }

    /// The entry, given the level or why there is none.
    pub(super) fn conclude(
        mut self,
        belief: &Belief,
        level: Result<Level, Unmeasured>,
    ) -> Measured {
        for result in &mut self.levels {
            result.passed = belief.holds(result.level);
            result.rate = RateInterval::wilson(result.pass_count, result.judged());
        }
        let level = level.and_then(|level| {
            let blind = level == Level::L0 && belief.is_open_above(level);
            match &self.skipped {
                Some(why) if blind || belief.judged() == 0 => {
                    Err(Unmeasured::new(UnmeasuredCause::Skipped, why.clone()))
                }
                _ => Ok(level),
            }
        });
        let highest = level.as_ref().copied().unwrap_or(Level::L0);
        let detail = PrimitiveDetail {
            primitive_id: self.primitive.id().to_owned(),
            highest_level: highest,
            calibration_note: level.is_ok().then(|| self.note(belief, highest)).flatten(),
            interval: level.is_ok().then(|| belief.interval(highest)),
            level_results: self.levels.into_iter().filter(|r| r.total_count > 0).collect(),
            measurement: None,
            extra: serde_json::Map::new(),
        };
        Measured {
            primitive: self.primitive,
            judged: belief.judged(),
            level,
            detail,
            reports: self.reports,
            usage: self.usage,
        }
    }

    /// What is unusual about the evidence.
    fn note(&self, belief: &Belief, level: Level) -> Option<String> {
        if let Some(inversion) = belief.certain_inversion() {
            let of = |level| {
                let (passed, judged) = belief.counts(level);
                format!("{passed} of {judged}")
            };
            let (lower, higher) = (inversion.lower, inversion.higher);
            return Some(format!(
                "inverted: {higher} was passed {} times and {lower} {} times; the level below \
                 {lower} counts",
                of(higher),
                of(lower),
            ));
        }
        if let Some(why) = self.skipped.as_ref().filter(|_| belief.is_open_above(level)) {
            return Some(format!("the level above could not be tried: {why}"));
        }
        belief
            .is_doubtful()
            .then(|| "the cap on instances came before the evidence decided".to_owned())
    }
}

impl Measured {
    pub(super) fn event(&self) -> ProfileEvent {
        let primitive = self.primitive;
        match &self.level {
            Ok(level) => ProfileEvent::Measured { primitive, level: *level, judged: self.judged },
            Err(reason) => ProfileEvent::Unmeasured { primitive, reason: reason.clone() },
        }
    }

    /// Puts the entry into a profile and the reports to the others.
    pub(super) fn add_to(
        self,
        mut profile: CapabilityProfile,
        failures: &mut FailureReports,
    ) -> CapabilityProfile {
        let cost = &mut profile.cost;
        let add = |total: &mut Option<u64>, more: Option<u64>| {
            if let Some(more) = more {
                *total = Some(total.unwrap_or(0) + more);
            }
        };
        add(&mut cost.total_tokens.input, self.usage.input);
        add(&mut cost.total_tokens.output, self.usage.output);
        add(&mut cost.total_tokens.cache_read, self.usage.cache_read);
        add(&mut cost.total_tokens.cache_write, self.usage.cache_write);
        if let Some(usd) = self.usage.cost_usd {
            cost.total_usd = Some(cost.total_usd.unwrap_or(0.0) + usd);
        }
        self.reports.into_iter().for_each(|report| failures.add(report));
        match self.level {
            Ok(level) => {
                profile.unmeasured.remove(self.primitive.id());
                profile.details.push(self.detail);
                profile.with_level(self.primitive, level)
            }
            Err(reason) => {
                profile.unmeasured.insert(self.primitive.id().to_owned(), reason);
                profile
            }
        }
    }
}
