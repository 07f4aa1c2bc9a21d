//! What is known of the routines that do the same, and how evidence moves them.
//!
//! One record holds the routines of one [signature](super::routine::Run::signature): the same calls for tasks of
//! different wordings. A record changes by [`Evidence`] only, and the same evidence in the same order gives the
//! same record.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use skvm_core::digest::Digest;
use skvm_core::llm::Usage;

use super::policy::Thresholds;
use super::routine::{Routine, Run, is_stable, worded_alike};

/// Most runs that are kept to learn from, and most routines of a record.
const MAX_RUNS: usize = 6;
const MAX_ROUTINES: usize = 32;

/// From this many runs on, a routine that foresees well is left as it is.
const ENOUGH_RUNS: usize = 3;

/// The routines of one signature.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) routines: Vec<Known>,
    next: u32,
}

/// A routine and what speaks for and against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) id: u32,
    /// The latest runs of a model's own.
    runs: VecDeque<Run>,
    /// What they have in common; `None` while a value is not explained.
    pub(super) routine: Option<Routine>,
    pub(super) solidified: bool,
    /// Correct predictions in a row, each about something else.
    pub(super) streak: u32,
    /// What those were about.
    about: Vec<Digest>,
    /// Correct predictions of the final text in a row.
    answers: u32,
    /// Correct predictions in a row that it takes to solidify.
    pub(super) needed: u32,
    /// Failures in a row.
    pub(super) failures: u32,
    pub(super) demotions: u32,
    pub(super) counters: Counters,
    /// What the runs of the model cost, for telling what was saved.
    baseline: Cost,
}

/// What was counted of a routine. A number of tokens is unknown as long as no provider told any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Counters {
    /// Runs of the model's own that went this way.
    pub runs: u64,
    /// Runs that were predicted.
    pub predictions: u64,
    /// Of these, the ones that went as predicted, call by call.
    pub correct: u64,
    /// Runs in which the model's place was taken.
    pub answered: u64,
    /// Runs in which it would have been, in dry-run mode.
    pub would_answer: u64,
    /// Of the answered ones, those in which a guard gave the run back to the model.
    pub side_exits: u64,
    /// Model calls that were not made.
    pub saved_calls: u64,
    /// Tokens that were not used, by what runs of the model's own used on average.
    pub saved_tokens: Option<u64>,
    /// Milliseconds of waiting for the model that were not spent, reckoned in the same way.
    pub saved_ms: u64,
}

impl Counters {
    /// How often work went this way, by whomever.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.runs.saturating_add(self.answered)
    }
}

/// What a run cost in model calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cost {
    pub(super) runs: u64,
    calls: u64,
    /// Of the runs whose tokens are known.
    tokens: u64,
    known: u64,
    millis: u64,
}

impl Cost {
    pub(super) fn of_run(calls: u64, usage: &Usage, millis: u64) -> Self {
        let tokens = usage.total();
        let known = u64::from(tokens.is_some());
        Self { runs: 1, calls, tokens: tokens.unwrap_or(0), known, millis }
    }

    fn add(&mut self, other: Self) {
        count(&mut self.runs, other.runs);
        count(&mut self.calls, other.calls);
        count(&mut self.tokens, other.tokens);
        count(&mut self.known, other.known);
        count(&mut self.millis, other.millis);
    }

    /// Milliseconds of waiting for the model in a run, on average.
    fn usual_millis(&self) -> u64 {
        self.millis / self.runs.max(1)
    }

    /// Tokens of a run on average, if any are known.
    fn usual_tokens(&self) -> Option<u64> {
        self.tokens.checked_div(self.known)
    }
}

/// Adds to a number that comes from a store and may be anything.
fn count(number: &mut u64, more: u64) {
    *number = number.saturating_add(more);
}

/// Something that speaks for or against routines.
#[derive(Debug, Clone)]
pub(super) enum Evidence {
    /// A run of the model's own was predicted.
    Predicted {
        id: u32,
        /// Whether every call and result was as predicted.
        correct: bool,
        /// Whether the final text was.
        answer: bool,
        /// Whether the task was of the make of those seen before.
        sure: bool,
        about: Digest,
        /// Whether the routine would have answered, were it allowed to act.
        would_answer: bool,
    },
    /// A run of the model's own ended well.
    Observed { run: Box<Run>, cost: Cost },
    /// The routine took the model's place.
    Answered {
        id: u32,
        /// Whether all of its guards held.
        held: bool,
        /// How many answers were given in the model's place.
        answers: u64,
        /// Whether the final text, which the model wrote, was as predicted; `None` when the model wrote none.
        text: Option<bool>,
        /// What the model cost in the same run.
        cost: Cost,
    },
}

impl Record {
    /// Takes in the evidence of one session.
    pub(super) fn take(&mut self, evidence: &[Evidence], thresholds: Thresholds, ask: bool) {
        for piece in evidence {
            self.take_one(piece, thresholds, ask);
        }
        for known in &mut self.routines {
            known.promote();
        }
    }

    fn take_one(&mut self, evidence: &Evidence, thresholds: Thresholds, ask: bool) {
        match evidence {
            Evidence::Predicted { id, correct, answer, sure, about, would_answer } => {
                let Some(known) = self.known(*id) else { return };
                count(&mut known.counters.would_answer, u64::from(*would_answer));
                known.predicted(*correct, *answer, *sure, *about, thresholds);
            }
            Evidence::Observed { run, cost } => self.observed(run, *cost, thresholds, ask),
            Evidence::Answered { id, held, answers, text, cost } => {
                if let Some(known) = self.known(*id) {
                    match text {
                        Some(true) => known.answers = known.answers.saturating_add(1),
                        Some(false) => known.answers = 0,
                        None => {}
                    }
                    known.answered(*held, *answers, *cost, thresholds);
                }
            }
        }
    }

    /// Whether one of the routines is solidified.
    pub(super) fn is_proven(&self) -> bool {
        self.routines.iter().any(|known| known.solidified)
    }

    fn known(&mut self, id: u32) -> Option<&mut Known> {
        self.routines.iter_mut().find(|known| known.id == id)
    }

    fn observed(&mut self, run: &Run, cost: Cost, thresholds: Thresholds, ask: bool) {
        let fits = |known: &Known| {
            known.routine.as_ref().is_some_and(|it| it.start(&run.task, &run.inputs).is_some())
        };
        let joined = self.routines.iter().position(fits).or_else(|| {
            self.routines.iter().position(|known| {
                let runs: Vec<&Run> = known.runs.iter().chain([run]).collect();
                worded_alike(&runs) && Routine::learn(&runs, ask).is_some()
            })
        });
        let known = match joined.and_then(|at| self.routines.get_mut(at)) {
            Some(known) => known,
            None => {
                self.make_room();
                // Named by the run too, so that what is forgotten does not come back under the same name.
                let about = run.about().to_string();
                let id = about.get(..8).and_then(|it| u32::from_str_radix(it, 16).ok());
                let id = id.unwrap_or_default().wrapping_add(self.next);
                self.next = self.next.wrapping_add(1);
                self.routines.retain(|known| known.id != id);
                self.routines.push(Known::new(id, thresholds.promote_after));
                let Some(known) = self.routines.last_mut() else { return };
                known
            }
        };
        count(&mut known.counters.runs, 1);
        known.baseline.add(cost);
        known.learn(run, ask);
    }

    /// Lets the least proven routine go when there are too many.
    fn make_room(&mut self) {
        if self.routines.len() < MAX_ROUTINES {
            return;
        }
        let least = self
            .routines
            .iter()
            .enumerate()
            .min_by_key(|(_, known)| (known.solidified, known.counters.correct, known.id));
        if let Some((at, _)) = least {
            self.routines.remove(at);
        }
    }
}

impl Known {
    fn new(id: u32, needed: u32) -> Self {
        Self {
            id,
            runs: VecDeque::new(),
            routine: None,
            solidified: false,
            streak: 0,
            about: Vec::new(),
            answers: 0,
            needed,
            failures: 0,
            demotions: 0,
            counters: Counters::default(),
            baseline: Cost::default(),
        }
    }

    /// What the runs that are kept were about.
    pub(super) fn learned_from(&self) -> BTreeSet<Digest> {
        self.runs.iter().map(Run::about).collect()
    }

    /// Whether the final text may be answered too.
    pub(super) fn answers(&self, thresholds: Thresholds) -> bool {
        self.answers >= thresholds.promote_after
            && self.routine.as_ref().is_some_and(|routine| routine.answer.is_some())
    }

    fn predicted(
        &mut self,
        correct: bool,
        answer: bool,
        sure: bool,
        about: Digest,
        thresholds: Thresholds,
    ) {
        count(&mut self.counters.predictions, 1);
        if !correct {
            // A task that only looks alike says nothing against what is known of the others.
            if self.solidified && sure {
                self.fail(thresholds);
            } else if !self.solidified {
                self.begin_anew();
            }
            return;
        }
        count(&mut self.counters.correct, 1);
        self.answers = if answer { self.answers.saturating_add(1) } else { 0 };
        if self.solidified && sure {
            self.failures = 0;
        }
        // What was learned from proves nothing.
        let is_new = !self.about.contains(&about) && self.runs.iter().all(|it| it.about() != about);
        if !self.solidified && is_new {
            self.streak = self.streak.saturating_add(1);
            self.about.push(about);
        }
    }

    fn begin_anew(&mut self) {
        self.streak = 0;
        self.answers = 0;
        self.about.clear();
    }

    fn learn(&mut self, run: &Run, ask: bool) {
        let is_known = self.routine.as_ref().is_some_and(|routine| {
            let sure =
                routine.start(&run.task, &run.inputs).is_some_and(|known| routine.is_sure(&known));
            self.solidified && sure && self.runs.len() >= ENOUGH_RUNS && routine.agrees(run)
        });
        if is_known {
            return;
        }
        let about = run.about();
        // One run that goes another way says nothing against what is proven.
        if self.solidified {
            let runs: Vec<&Run> =
                self.runs.iter().filter(|it| it.about() != about).chain([run]).collect();
            if Routine::learn(&runs, ask).is_none() {
                return;
            }
        }
        self.runs.retain(|known| known.about() != about);
        self.runs.push_back(run.clone());
        while self.runs.len() > MAX_RUNS {
            self.runs.pop_front();
        }
        // What is no longer true of the latest runs is given up, the oldest first.
        loop {
            let runs: Vec<&Run> = self.runs.iter().collect();
            let learned = Routine::learn(&runs, ask);
            if learned.is_some() || self.runs.len() <= 1 {
                let changed = match (&self.routine, &learned) {
                    (Some(old), Some(new)) => !old.does_the_same(new),
                    (old, new) => old.is_some() != new.is_some(),
                };
                if changed && self.solidified {
                    self.solidified = false;
                    self.begin_anew();
                }
                self.routine = learned;
                return;
            }
            self.runs.pop_front();
        }
    }

    /// Solidifies what is proven.
    fn promote(&mut self) {
        if self.solidified || self.streak < self.needed || self.routine.is_none() {
            return;
        }
        let asks = self.routine.as_ref().is_some_and(|routine| !routine.questions.is_empty());
        let runs: Vec<&Run> = self.runs.iter().collect();
        if asks || runs.len() < ENOUGH_RUNS || is_stable(&runs) {
            self.solidified = true;
            self.failures = 0;
            self.about.clear();
        }
    }

    fn answered(&mut self, held: bool, answers: u64, cost: Cost, thresholds: Thresholds) {
        count(&mut self.counters.answered, 1);
        if !held {
            count(&mut self.counters.side_exits, 1);
            self.fail(thresholds);
            return;
        }
        self.failures = 0;
        count(&mut self.counters.saved_calls, answers);
        let saved = self.baseline.usual_millis().saturating_sub(cost.millis);
        count(&mut self.counters.saved_ms, saved);
        // What is not known of either is not told.
        let is_known = cost.known > 0 || cost.calls == 0;
        if let Some(usual) = self.baseline.usual_tokens().filter(|_| is_known) {
            let saved = usual.saturating_sub(cost.tokens);
            count(self.counters.saved_tokens.get_or_insert(0), saved);
        }
    }

    /// One more failure. After enough of them in a row it takes fresh evidence, and more of it than before, to
    /// solidify again.
    fn fail(&mut self, thresholds: Thresholds) {
        self.failures = self.failures.saturating_add(1);
        if self.solidified && self.failures >= thresholds.demote_after {
            self.solidified = false;
            self.demotions = self.demotions.saturating_add(1);
            self.failures = 0;
            self.needed = self.needed.saturating_mul(2).min(thresholds.most_needed);
            self.begin_anew();
        }
    }
}
