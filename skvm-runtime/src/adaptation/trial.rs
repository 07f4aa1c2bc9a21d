//! Trials: a new variant beside the old one, until one is shown to be better.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How a session went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionOutcome {
    /// It did not reach its end, or its outcome was wrong.
    Failed,
    /// It reached its end, and something went wrong on the way.
    Mended,
    /// Nothing went wrong.
    Clean,
}

/// The sequential test behind a trial.
///
/// Sessions of both variants are paired in the order in which they end, and a pair counts for the variant whose session
/// went better: clean before mended before failed. Pairs that went alike count for none. Wald's sequential probability
/// ratio test then asks whether pairs that differ favour one side: *no better* means that the new variant wins half of
/// them, *better* that it wins four of five. It ends for *better* as soon as the likelihood ratio reaches
/// 1 / α, and the same test with the sides exchanged ends for *worse*. So a variant that is no better is kept with
/// a probability of at most α.
///
/// What neither test has decided at the cap is undecided, and the old variant stays; so it is when nothing differs in the
/// first pairs at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequentialTest {
    /// The most probable a wrong end in favour of one side may be. Default 0.05.
    pub alpha: f64,
    /// Most pairs. Default 40.
    pub cap: u32,
    /// After how many pairs that all went alike it ends. Default 10.
    pub alike: u32,
}

impl Default for SequentialTest {
    fn default() -> Self {
        Self { alpha: 0.05, cap: 40, alike: 10 }
    }
}

/// The share of differing pairs that a better variant wins.
const BETTER_WINS: f64 = 0.8;

/// What a trial has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The new variant is better.
    Better,
    /// It is worse.
    Worse,
    /// It made no difference that could be shown.
    Undecided,
}

impl SequentialTest {
    /// What the pairs so far say: how many the new variant won, how many it lost, and how many there were.
    #[must_use]
    pub fn decide(&self, won: u32, lost: u32, pairs: u32) -> Option<Verdict> {
        let threshold = (1.0 / self.alpha).ln();
        let ratio = |wins: u32, losses: u32| {
            f64::from(wins) * (BETTER_WINS / 0.5).ln()
                + f64::from(losses) * ((1.0 - BETTER_WINS) / 0.5).ln()
        };
        if ratio(won, lost) >= threshold {
            Some(Verdict::Better)
        } else if ratio(lost, won) >= threshold {
            Some(Verdict::Worse)
        } else if pairs >= self.cap || (pairs >= self.alike && won + lost == 0) {
            Some(Verdict::Undecided)
        } else {
            None
        }
    }
}

/// The sessions of a trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Sessions of the old variant that have no partner yet.
    old: VecDeque<SessionOutcome>,
    /// Of the new.
    new: VecDeque<SessionOutcome>,
    pub(crate) won: u32,
    pub(crate) lost: u32,
    pub(crate) pairs: u32,
    /// Sessions that ended, of the new variant and of the old one, also those that say nothing.
    pub(crate) ended: (u64, u64),
}

/// How many times as many sessions as pairs at the cap a trial may take, those that say nothing among them.
const MAX_SESSIONS: u64 = 8;

/// Most sessions that wait for a partner; of more, the oldest are forgotten.
const MAX_WAITING: usize = 64;

impl Tally {
    /// What the test says; undecided, too, when too many sessions say nothing.
    pub(crate) fn verdict(&self, test: &SequentialTest) -> Option<Verdict> {
        let all = self.ended.0.saturating_add(self.ended.1);
        let most = u64::from(test.cap).saturating_mul(MAX_SESSIONS);
        let undecided = (all >= most).then_some(Verdict::Undecided);
        test.decide(self.won, self.lost, self.pairs).or(undecided)
    }

    /// Takes in a session of one side; `None` for one that says nothing.
    pub(crate) fn take(&mut self, outcome: Option<SessionOutcome>, is_new: bool) {
        let ended = if is_new { &mut self.ended.0 } else { &mut self.ended.1 };
        *ended += 1;
        let Some(outcome) = outcome else { return };
        let side = if is_new { &mut self.new } else { &mut self.old };
        side.push_back(outcome);
        if side.len() > MAX_WAITING {
            side.pop_front();
        }
        if let (Some(new), Some(old)) = (self.new.front().copied(), self.old.front().copied()) {
            self.new.pop_front();
            self.old.pop_front();
            self.pairs += 1;
            match new.cmp(&old) {
                std::cmp::Ordering::Greater => self.won += 1,
                std::cmp::Ordering::Less => self.lost += 1,
                std::cmp::Ordering::Equal => {}
            }
        }
    }
}
