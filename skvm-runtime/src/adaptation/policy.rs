//! When failures lead to a recompilation.

use super::trial::SequentialTest;

/// When failures lead to a recompilation, and how a new variant is tried.
///
/// ```
/// use skvm_runtime::adaptation::AdaptPolicy;
///
/// let policy = AdaptPolicy::default().after(5, 0.5).with_approval();
/// # drop(policy);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct AdaptPolicy {
    pub(crate) sessions: u32,
    pub(crate) rate: f64,
    pub(crate) window: usize,
    pub(crate) recompiles: u32,
    pub(crate) tokens: u64,
    pub(crate) trial_every: u32,
    pub(crate) test: SequentialTest,
    pub(crate) approval: bool,
}

impl Default for AdaptPolicy {
    fn default() -> Self {
        Self {
            sessions: 3,
            rate: 0.25,
            window: 20,
            recompiles: 12,
            tokens: 200_000,
            trial_every: 2,
            test: SequentialTest::default(),
            approval: false,
        }
    }
}

impl AdaptPolicy {
    /// How many sessions must show the same failure, and which share of the latest ones, before it counts as systematic.
    /// Default 3 sessions and a quarter.
    pub fn after(mut self, sessions: u32, rate: f64) -> Self {
        (self.sessions, self.rate) = (sessions.max(1), rate.clamp(0.0, 1.0));
        self
    }

    /// How many of the latest sessions are looked at. Default 20.
    pub fn window(mut self, sessions: usize) -> Self {
        self.window = sessions.clamp(1, MAX_WINDOW);
        self
    }

    /// Bounds the recompilations of one state of a skill for one target. Default 12.
    pub fn recompiles(mut self, most: u32) -> Self {
        self.recompiles = most;
        self
    }

    /// Bounds the tokens that refining one state of a skill for one target may take; a recompilation that comes to the
    /// bound is the last that asks a model. Default 200,000.
    pub fn tokens(mut self, most: u64) -> Self {
        self.tokens = most;
        self
    }

    /// Puts one of so many sessions on trial while there is one. Default 2: every other. 1 is taken for 2, as a trial
    /// needs sessions of both variants.
    pub fn trial_every(mut self, sessions: u32) -> Self {
        self.trial_every = sessions.max(2);
        self
    }

    /// How a trial is decided. `alpha` is taken for a share between 0.0001 and 0.5, the cap for at least 1 and at most
    /// 10,000 pairs.
    pub fn test(mut self, test: SequentialTest) -> Self {
        let SequentialTest { alpha, cap, alike } = test;
        let alpha = if alpha.is_nan() { 0.05 } else { alpha.clamp(0.0001, 0.5) };
        self.test = SequentialTest { alpha, cap: cap.clamp(1, 10_000), alike };
        self
    }

    /// Nothing is tried before the host [approves](crate::engine::SkVm::approve) of it.
    pub fn with_approval(mut self) -> Self {
        self.approval = true;
        self
    }
}

/// Most sessions that are looked at.
const MAX_WINDOW: usize = 1_000;
