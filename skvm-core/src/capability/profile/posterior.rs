//! What sessions say about levels, beside what was measured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CapabilityProfile, Level, Primitive};

/// How work that demands a primitive at a level went in sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AbilityEvidence {
    /// The primitive.
    pub primitive: Primitive,
    /// The level that was demanded.
    pub level: Level,
    /// Sessions in which it went well.
    pub successes: u32,
    /// Sessions in which it did not.
    pub failures: u32,
}

/// How many sessions a measurement weighs: a probe shows the ability by itself, a session what becomes of it with the
/// skill at hand.
const MEASURED_WEIGHS: f64 = 2.0;

/// The expected rate of success from which on a level counts as reached.
const REACHED: f64 = 0.75;

impl CapabilityProfile {
    /// The levels that a compilation should count on: those of the profile, lowered where sessions speak against them.
    /// The profile itself stays as it was measured.
    ///
    /// The rate of success at each level has a beta distribution: a uniform prior, the measurement with the weight of
    /// two sessions, then the sessions, of which a success at a level is one at each lower level and a failure one at
    /// each higher. The effective level is the highest up to which all levels have an expected rate of at least 0.75. A
    /// level that was not measured is taken for reached until sessions say otherwise; no level is raised.
    ///
    /// ```
    /// use skvm_core::capability::{AbilityEvidence, CapabilityProfile, Level, Primitive};
    /// use skvm_core::target::Target;
    ///
    /// let target = Target::new("m", "h");
    /// let profile = CapabilityProfile::new(&target, "2026-01-01T00:00:00Z")
    ///     .with_level(Primitive::FollowFormat, Level::L3);
    /// let seen = AbilityEvidence {
    ///     primitive: Primitive::FollowFormat,
    ///     level: Level::L2,
    ///     successes: 1,
    ///     failures: 3,
    /// };
    /// let effective = profile.effective(&[seen]);
    /// assert_eq!(effective.level(Primitive::FollowFormat), Some(Level::L1));
    /// ```
    #[must_use]
    pub fn effective(&self, evidence: &[AbilityEvidence]) -> Self {
        let mut effective = self.clone();
        let mut primitives: Vec<Primitive> = evidence.iter().map(|seen| seen.primitive).collect();
        primitives.sort_unstable();
        primitives.dedup();
        for primitive in primitives {
            let seen: Vec<&AbilityEvidence> =
                evidence.iter().filter(|seen| seen.primitive == primitive).collect();
            let measured = self.level(primitive);
            let levels = [Level::L1, Level::L2, Level::L3];
            let reached = levels
                .into_iter()
                .take_while(|level| self.expected_rate(primitive, *level, &seen) >= REACHED)
                .last()
                .unwrap_or(Level::L0);
            match measured {
                Some(measured) if reached >= measured => {}
                // Nothing speaks against it, and nothing was measured.
                None if reached == Level::L3 => {}
                _ => effective = effective.with_level(primitive, reached),
            }
        }
        effective
    }

    /// The expected rate of success at a level.
    fn expected_rate(&self, primitive: Primitive, level: Level, seen: &[&AbilityEvidence]) -> f64 {
        let passed = self.measured_rate(primitive, level);
        let (mut good, mut bad) =
            (1.0 + MEASURED_WEIGHS * passed, 1.0 + MEASURED_WEIGHS * (1.0 - passed));
        for seen in seen {
            if seen.level >= level {
                good += f64::from(seen.successes);
            }
            if seen.level <= level {
                bad += f64::from(seen.failures);
            }
        }
        good / (good + bad)
    }

    /// What the profile concludes about a level: 1 when it counts as reached, or was never measured; else 0. How close
    /// that was is not asked again.
    fn measured_rate(&self, primitive: Primitive, level: Level) -> f64 {
        let reached = self.level(primitive).is_none_or(|measured| level <= measured);
        if reached { 1.0 } else { 0.0 }
    }
}
