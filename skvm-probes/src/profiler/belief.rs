//! What the evidence about one primitive says.

use skvm_core::capability::{Level, LevelInterval, SequentialRule};

/// The levels that a target may have.
const LEVELS: [Level; 4] = [Level::L0, Level::L1, Level::L2, Level::L3];

/// Share of the belief that the interval of levels holds.
const CONFIDENCE: f64 = 0.95;

/// Most judged instances beyond the rule's cap that an inversion is worth.
const INVERSION_EXTRA: u32 = 12;

/// Judged instances by level, and what follows from them.
#[derive(Debug, Clone)]
pub(super) struct Belief {
    rule: SequentialRule,
    /// Passed and failed by level; the first is not used.
    counts: [(u32, u32); 4],
    /// Levels that cannot be asked for.
    closed: [bool; 4],
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Put an instance of this level.
    Ask(Level),
    /// Nothing more: this is the level.
    Decided(Level),
}

/// A higher level that is reached while a lower one is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inversion {
    pub(super) lower: Level,
    pub(super) higher: Level,
}

impl Belief {
    /// Nothing is known yet.
    pub(super) fn new(rule: SequentialRule) -> Self {
        let within = |chance: f64| if chance.is_nan() { 0.5 } else { chance.clamp(0.01, 0.99) };
        let rule = SequentialRule {
            reached: within(rule.reached),
            unreached: within(rule.unreached),
            error: if rule.error.is_nan() { 0.02 } else { rule.error.clamp(1e-6, 0.5) },
            cap: rule.cap.max(1),
        };
        Self { rule, counts: [(0, 0); 4], closed: [false; 4] }
    }

    pub(super) fn tell(&mut self, level: Level, passed: bool) {
        let (passes, failures) = &mut self.counts[level as usize];
        if passed { *passes += 1 } else { *failures += 1 }
    }

    /// Nothing more is learned at this level: it has no instances, or the machine lacks what they need.
    pub(super) fn close(&mut self, level: Level) {
        self.closed[level as usize] = true;
    }

    /// Instances judged at a level: passed, and all of them.
    pub(super) fn counts(&self, level: Level) -> (u32, u32) {
        let (passes, failures) = self.counts[level as usize];
        (passes, passes + failures)
    }

    pub(super) fn judged(&self) -> u32 {
        self.counts.iter().map(|(passes, failures)| passes + failures).sum()
    }

    /// The belief in each level, from equal beliefs. None is left for a level that cannot be asked for: it
    /// cannot be told from the one below.
    fn posterior(&self) -> [f64; 4] {
        let asked = |level: Level| level == Level::L0 || !self.closed[level as usize];
        normalised(
            LEVELS.map(
                |level| {
                    if asked(level) { self.log_likelihood(level) } else { f64::NEG_INFINITY }
                },
            ),
        )
    }

    /// Whether the level above is one that cannot be asked for, so that it may be reached as well.
    pub(super) fn is_open_above(&self, level: Level) -> bool {
        self.closed.get(level as usize + 1).copied().unwrap_or(false)
    }

    /// The logarithm of the chance of everything seen, for a target of this level.
    fn log_likelihood(&self, truth: Level) -> f64 {
        let SequentialRule { reached, unreached, .. } = self.rule;
        let at = |level: Level| {
            let chance = if level <= truth { reached } else { unreached };
            let (passes, failures) = self.counts[level as usize];
            f64::from(passes) * chance.ln() + f64::from(failures) * (1.0 - chance).ln()
        };
        Level::DEMANDS.into_iter().map(at).sum()
    }

    /// The evidence that a level by itself is reached, as a logarithm; below 0 where it is not.
    fn weight(&self, level: Level) -> f64 {
        let SequentialRule { reached, unreached, .. } = self.rule;
        let (passes, failures) = self.counts[level as usize];
        f64::from(passes) * (reached / unreached).ln()
            + f64::from(failures) * ((1.0 - reached) / (1.0 - unreached)).ln()
    }

    /// Whether the evidence of a level by itself says that it is reached.
    pub(super) fn holds(&self, level: Level) -> bool {
        self.weight(level) > 0.0
    }

    /// The pair of levels that contradict each other most.
    fn inversion(&self) -> Option<Inversion> {
        let pairs = [(Level::L1, Level::L2), (Level::L2, Level::L3), (Level::L1, Level::L3)];
        let contradict = |&(lower, higher): &(Level, Level)| {
            self.weight(lower) < 0.0 && self.weight(higher) > 0.0
        };
        let strength = |(lower, higher): (Level, Level)| {
            self.weight(lower).abs().min(self.weight(higher).abs())
        };
        pairs
            .into_iter()
            .filter(contradict)
            .max_by(|a, b| strength(*a).total_cmp(&strength(*b)))
            .map(|(lower, higher)| Inversion { lower, higher })
    }

    pub(super) fn next(&self) -> Next {
        let posterior = self.posterior();
        let likeliest = likeliest(&posterior);
        let sure = posterior[likeliest as usize] >= 1.0 - self.rule.error;
        let judged = self.judged();
        if !sure && judged < self.rule.cap {
            return self.most_telling().map_or(Next::Decided(likeliest), Next::Ask);
        }
        if let Some(level) = self.unseen(likeliest) {
            return Next::Ask(level);
        }
        match self.inversion().map(|inversion| (inversion, self.doubtful(inversion))) {
            None => Next::Decided(likeliest),
            Some((_, Some(level))) if judged < self.rule.cap.saturating_add(INVERSION_EXTRA) => {
                Next::Ask(level)
            }
            Some((_, Some(_))) => Next::Decided(likeliest),
            // It is there: nothing above a level that is not reached counts.
            Some((inversion, None)) => {
                Next::Decided(inversion.lower.lower().unwrap_or(Level::L0).min(likeliest))
            }
        }
    }

    /// An inversion that is certain.
    pub(super) fn certain_inversion(&self) -> Option<Inversion> {
        self.inversion().filter(|inversion| self.doubtful(*inversion).is_none())
    }

    /// A level that was not looked at at all. L3 is left alone where neither L1 nor L2 is reached.
    fn unseen(&self, likeliest: Level) -> Option<Level> {
        let hopeless = likeliest == Level::L0 && self.counts(Level::L2).1 > 0;
        Level::DEMANDS.into_iter().find(|level| {
            let skipped = self.closed[*level as usize] || (*level == Level::L3 && hopeless);
            !skipped && self.counts(*level).1 == 0
        })
    }

    /// Of two levels that contradict each other, the one with less evidence; `None` when both are certain. As
    /// levels build on each other, chance is the likelier cause: it takes twice the evidence of a decision.
    fn doubtful(&self, Inversion { lower, higher }: Inversion) -> Option<Level> {
        let decided = 2.0 * ((1.0 - self.rule.error) / self.rule.error).ln();
        [lower, higher]
            .into_iter()
            .filter(|level| !self.closed[*level as usize] && self.weight(*level).abs() < decided)
            .min_by(|a, b| self.weight(*a).abs().total_cmp(&self.weight(*b).abs()))
    }

    /// The level whose next outcome is expected to leave the least doubt; the lower of two alike.
    fn most_telling(&self) -> Option<Level> {
        let doubt_after = |level: Level| {
            let now = self.posterior();
            let SequentialRule { reached, unreached, .. } = self.rule;
            let chance = |truth: Level| if level <= truth { reached } else { unreached };
            let pass: f64 = LEVELS.map(|truth| now[truth as usize] * chance(truth)).iter().sum();
            let after = |passed| {
                let mut belief = self.clone();
                belief.tell(level, passed);
                entropy(&belief.posterior())
            };
            pass * after(true) + (1.0 - pass) * after(false)
        };
        let open = Level::DEMANDS.into_iter().filter(|level| !self.closed[*level as usize]);
        let mut best: Option<(f64, Level)> = None;
        for level in open {
            let doubt = doubt_after(level);
            if best.is_none_or(|(least, _)| doubt < least - 1e-9) {
                best = Some((doubt, level));
            }
        }
        best.map(|(_, level)| level)
    }

    /// The smallest run of levels around `concluded` that holds 95 % of the belief.
    pub(super) fn interval(&self, concluded: Level) -> LevelInterval {
        let posterior = self.posterior();
        let (mut low, mut high) = (concluded as usize, concluded as usize);
        let mut held = posterior[low];
        while held < CONFIDENCE {
            let below = low.checked_sub(1).map(|at| posterior[at]);
            let above = posterior.get(high + 1).copied();
            match (below, above) {
                (Some(below), above) if above.is_none_or(|above| below >= above) => {
                    low -= 1;
                    held += below;
                }
                (_, Some(above)) => {
                    high += 1;
                    held += above;
                }
                (_, None) => break,
            }
        }
        LevelInterval { lowest: LEVELS[low], highest: LEVELS[high.min(3)], confidence: CONFIDENCE }
    }

    /// Whether the evidence ran out before it decided.
    pub(super) fn is_doubtful(&self) -> bool {
        let posterior = self.posterior();
        posterior[likeliest(&posterior) as usize] < 1.0 - self.rule.error
    }
}

/// The level of the greatest belief; the lowest of those alike.
fn likeliest(posterior: &[f64; 4]) -> Level {
    let mut best = Level::L0;
    for level in LEVELS {
        if posterior[level as usize] > posterior[best as usize] {
            best = level;
        }
    }
    best
}

fn normalised(logs: [f64; 4]) -> [f64; 4] {
    let most = logs.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let weights = logs.map(|log| (log - most).exp());
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

fn entropy(beliefs: &[f64; 4]) -> f64 {
    beliefs.iter().filter(|belief| **belief > 0.0).map(|belief| -belief * belief.ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks a target that passes by these answers until the level is decided.
    fn measured(mut passes: impl FnMut(Level, u32) -> bool) -> (Level, Belief) {
        let mut belief = Belief::new(SequentialRule::default());
        loop {
            match belief.next() {
                Next::Decided(level) => return (level, belief),
                Next::Ask(level) => {
                    let (_, judged) = belief.counts(level);
                    belief.tell(level, passes(level, judged));
                }
            }
        }
    }

    #[test]
    fn a_target_without_noise_takes_few_instances() {
        for truth in LEVELS {
            let (level, belief) = measured(|level, _| level <= truth);
            assert_eq!(level, truth);
            assert!(belief.judged() <= 7, "{truth}: {:?}", belief.counts);
            assert!(!belief.is_doubtful() && belief.certain_inversion().is_none());
            let interval = belief.interval(level);
            assert_eq!((interval.lowest, interval.highest), (truth, truth));
        }
    }

    #[test]
    fn the_first_instance_is_of_the_middle_level() {
        assert_eq!(Belief::new(SequentialRule::default()).next(), Next::Ask(Level::L2));
    }

    #[test]
    fn one_slip_is_made_good_by_more_instances() {
        for (at, truth) in [(Level::L1, Level::L3), (Level::L2, Level::L2), (Level::L3, Level::L1)]
        {
            let slip = |level, number| (level <= truth) != (level == at && number == 0);
            let (level, belief) = measured(slip);
            assert_eq!(level, truth, "a slip at {at}: {:?}", belief.counts);
            assert!(belief.judged() <= 10, "{:?}", belief.counts);
        }
    }

    #[test]
    fn a_real_inversion_is_seen_and_only_what_lies_below_it_counts() {
        for (broken, left) in [(Level::L1, Level::L0), (Level::L2, Level::L1)] {
            let (level, belief) = measured(|level, _| level != broken);
            assert_eq!(level, left, "{:?}", belief.counts);
            let inversion = belief.certain_inversion();
            assert_eq!(inversion.map(|inversion| inversion.lower), Some(broken));
            let (_, judged) = belief.counts(broken);
            assert!(judged >= 4, "{:?}", belief.counts);
        }
    }

    #[test]
    fn a_coin_ends_at_the_cap_and_is_told_as_doubtful_or_decided() {
        let rule = SequentialRule::default();
        for start in [false, true] {
            let mut coin = start;
            let (_, belief) = measured(|_, _| {
                coin = !coin;
                coin
            });
            assert!(belief.judged() <= rule.cap + INVERSION_EXTRA + 3, "{:?}", belief.counts);
        }
    }

    #[test]
    fn a_level_that_cannot_be_asked_for_is_left_open() {
        let mut belief = Belief::new(SequentialRule::default());
        belief.close(Level::L3);
        let level = loop {
            match belief.next() {
                Next::Decided(level) => break level,
                Next::Ask(Level::L3) => unreachable!("it is closed"),
                Next::Ask(level) => belief.tell(level, true),
            }
        };
        assert_eq!(level, Level::L2);
        assert!(belief.is_open_above(level) && !belief.is_open_above(Level::L1));
        assert!(belief.judged() <= 6);
        for level in Level::DEMANDS {
            belief.close(level);
        }
        assert!(matches!(belief.next(), Next::Decided(_)));
    }

    #[test]
    fn rules_that_make_no_sense_come_to_an_end() {
        for value in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1.0] {
            let rule = SequentialRule { reached: value, unreached: value, error: value, cap: 0 };
            let mut belief = Belief::new(rule);
            for _ in 0..100 {
                match belief.next() {
                    Next::Decided(_) => break,
                    Next::Ask(level) => belief.tell(level, false),
                }
            }
            assert!(matches!(belief.next(), Next::Decided(_)), "{value}");
        }
    }
}
