//! How many at once: one number that follows what comes back.
//!
//! Grows by one for each round without a refusal, halves when it is refused, and steps back by one when it was
//! refused right after it had grown. A number that was refused is tried again only after many answers, so that
//! a provider with a fixed limit is seldom asked for more than it bears.

use std::time::Duration;

/// Answers without a refusal after which a number that was refused is tried again, at least.
const PROBE_AFTER: usize = 120;

/// The first wait after a refusal that names none, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// When answers take so many times longer than the quickest, they wait for each other.
const SLOW: f64 = 2.5;

/// The state of one resource. It knows no clock: what it needs of time it is told.
#[derive(Debug, Clone)]
pub(super) struct Limiter {
    limit: usize,
    most: usize,
    /// Whether it still doubles with each round, as no refusal came yet.
    starting: bool,
    /// A number that was refused.
    refused_at: Option<usize>,
    /// Answers since the number changed, and whether that change was a growth.
    since_change: usize,
    grown: bool,
    /// Rises with each decrease; what was begun before does not decrease again.
    epoch: u64,
    pause: Duration,
    /// The quickest answer and a moving average, in seconds.
    quickest: Option<f64>,
    average: f64,
}

impl Limiter {
    /// Begins with one at once and never has more than `most`.
    pub(super) fn new(most: usize) -> Self {
        Self {
            limit: 1,
            most: most.max(1),
            starting: true,
            refused_at: None,
            since_change: 0,
            grown: false,
            epoch: 0,
            pause: PAUSE.0,
            quickest: None,
            average: 0.0,
        }
    }

    /// Begins with the most at once, for what is not refused but becomes slow.
    pub(super) fn full(most: usize) -> Self {
        Self { limit: most.max(1), starting: false, ..Self::new(most) }
    }

    /// Begins with the most at once.
    pub(super) fn warm_up(&mut self) {
        self.limit = self.most;
        self.starting = false;
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// An answer came. `busy` tells that as many were under way as may be, so that it says something about
    /// that number.
    pub(super) fn succeeded(&mut self, took: Duration, busy: bool) {
        self.pause = PAUSE.0;
        let took = took.as_secs_f64();
        // The quickest is forgotten slowly, as providers change.
        self.quickest = Some(self.quickest.map_or(took, |quickest| took.min(quickest * 1.0005)));
        self.average = if self.average == 0.0 { took } else { self.average * 0.9 + took * 0.1 };
        if !busy {
            return;
        }
        self.since_change += 1;
        if self.since_change >= self.limit
            && self
                .quickest
                .is_some_and(|quickest| self.average > quickest * SLOW && quickest > 0.0)
        {
            let less = (self.limit - self.limit / 8 - usize::from(self.limit > 1)).max(1);
            self.starting = false;
            return self.change(less);
        }
        if self.starting {
            return self.change(self.limit + 1);
        }
        let next = self.limit + 1;
        let rounds = match self.refused_at {
            Some(refused) if next >= refused => PROBE_AFTER.max(4 * self.limit),
            Some(_) | None => self.limit,
        };
        if self.since_change >= rounds {
            // Whether the refused number holds now shows in the next round.
            self.refused_at = self.refused_at.filter(|refused| next <= *refused);
            self.change(next);
        }
    }

    /// A call was refused that began in `epoch`. Gives how long nothing should be sent.
    pub(super) fn refused(&mut self, epoch: u64, asked: Option<Duration>) -> Duration {
        let pause = asked.unwrap_or(self.pause).max(self.pause);
        self.pause = (self.pause * 2).min(PAUSE.1);
        if epoch == self.epoch {
            self.epoch += 1;
            self.refused_at = Some(self.limit);
            let just_grown = self.grown && self.since_change < self.limit && !self.starting;
            let less = if just_grown { self.limit - 1 } else { self.limit / 2 };
            self.starting = false;
            self.change(less);
        }
        pause
    }

    /// The machine is under pressure, or no longer is.
    pub(super) fn pressed(&mut self, pressed: bool) {
        match pressed {
            true => self.change((self.limit * 3 / 4).min(self.limit.saturating_sub(1))),
            false => self.change(self.limit + 1),
        }
    }

    fn change(&mut self, limit: usize) {
        let limit = limit.clamp(1, self.most);
        self.grown = limit > self.limit;
        if limit != self.limit || self.since_change > PROBE_AFTER.max(4 * self.limit) {
            self.since_change = 0;
        }
        self.limit = limit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOK: Duration = Duration::from_millis(10);

    #[test]
    fn it_doubles_until_the_first_refusal_and_then_grows_by_one_a_round() {
        let mut limiter = Limiter::new(100);
        (0..15).for_each(|_| limiter.succeeded(TOOK, true));
        assert_eq!(limiter.limit(), 16);
        limiter.refused(limiter.epoch(), None);
        assert_eq!(limiter.limit(), 8);
        (0..8).for_each(|_| limiter.succeeded(TOOK, true));
        assert_eq!(limiter.limit(), 9);
    }

    #[test]
    fn a_round_is_refused_once_and_never_below_one() {
        let mut limiter = Limiter::new(100);
        (0..31).for_each(|_| limiter.succeeded(TOOK, true));
        let epoch = limiter.epoch();
        (0..20).for_each(|_| {
            limiter.refused(epoch, None);
        });
        assert_eq!(limiter.limit(), 16);
        for _ in 0..20 {
            limiter.refused(limiter.epoch(), None);
        }
        assert_eq!(limiter.limit(), 1);
    }

    #[test]
    fn waits_grow_and_a_named_one_is_kept() {
        let mut limiter = Limiter::new(10);
        let first = limiter.refused(limiter.epoch(), None);
        let second = limiter.refused(limiter.epoch(), None);
        assert!(second > first);
        let asked = Duration::from_secs(30);
        assert_eq!(limiter.refused(limiter.epoch(), Some(asked)), asked);
        limiter.succeeded(TOOK, true);
        assert_eq!(limiter.refused(limiter.epoch(), None), first);
    }

    #[test]
    fn idle_answers_say_nothing_about_the_number() {
        let mut limiter = Limiter::new(10);
        (0..100).for_each(|_| limiter.succeeded(TOOK, false));
        assert_eq!(limiter.limit(), 1);
    }

    #[test]
    fn answers_that_become_slow_lower_it() {
        let mut limiter = Limiter::new(64);
        (0..40).for_each(|_| limiter.succeeded(TOOK, true));
        let before = limiter.limit();
        (0..400).for_each(|_| limiter.succeeded(TOOK * 5, true));
        assert!(limiter.limit() < before, "{before} {}", limiter.limit());
    }
}
