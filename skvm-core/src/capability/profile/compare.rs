//! Comparing profiles and putting them together.

use super::{CapabilityProfile, PrimitiveDetail, ProfileCost, TokenTotals, UnmeasuredCause};
use crate::capability::{Level, Primitive};
use crate::target::Target;

/// A primitive whose level differs between two profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LevelChange {
    /// The primitive.
    pub primitive: Primitive,
    /// The level in the older profile; `None` when it was not measured.
    pub before: Option<Level>,
    /// The level in the newer profile; `None` when it was not measured.
    pub after: Option<Level>,
}

/// Profiles of different targets cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a profile of {newer} cannot be merged into one of {older}")]
pub struct MergeError {
    older: Box<Target>,
    newer: Box<Target>,
}

impl CapabilityProfile {
    /// What differs in a newer profile, in catalogue order.
    ///
    /// ```
    /// use skvm_core::capability::{CapabilityProfile, Level, Primitive};
    /// use skvm_core::target::Target;
    ///
    /// let target = Target::new("m", "h");
    /// let older = CapabilityProfile::new(&target, "2026-01-01T00:00:00Z")
    ///     .with_level(Primitive::ToolExec, Level::L1);
    /// let newer = older.clone().with_level(Primitive::ToolExec, Level::L2);
    /// let changes = older.diff(&newer);
    /// assert_eq!((changes.len(), changes[0].after), (1, Some(Level::L2)));
    /// ```
    #[must_use]
    pub fn diff(&self, newer: &Self) -> Vec<LevelChange> {
        let changes = Primitive::ALL.into_iter().map(|primitive| LevelChange {
            primitive,
            before: self.level(primitive),
            after: newer.level(primitive),
        });
        changes.filter(|change| change.before != change.after).collect()
    }

    /// This profile with everything that a newer one measured. What the newer one did not measure stays, its
    /// provenance with it; costs are added up.
    ///
    /// # Errors
    /// [`MergeError`] when the two are of different targets.
    pub fn merged(mut self, newer: Self) -> Result<Self, MergeError> {
        if self.target() != newer.target() {
            let (older, newer) = (Box::new(self.target()), Box::new(newer.target()));
            return Err(MergeError { older, newer });
        }
        if self.measurement != newer.measurement {
            for detail in &mut self.details {
                detail.measurement = detail.measurement.take().or_else(|| self.measurement.clone());
            }
        }
        let replaces = |detail: &PrimitiveDetail| {
            let id = &detail.primitive_id;
            let measured = id.parse::<Primitive>().is_ok_and(|p| newer.level(p).is_some());
            measured || newer.details.iter().any(|other| other.primitive_id == *id)
        };
        self.details.retain(|detail| !replaces(detail));
        self.details.extend(newer.details.iter().cloned());
        let place = |detail: &PrimitiveDetail| {
            detail.primitive_id.parse::<Primitive>().map_or(usize::MAX, |p| p as usize)
        };
        self.details.sort_by_key(place);
        let mut merged =
            newer.levels().fold(self, |profile, (p, level)| profile.with_level(p, level));
        merged.capabilities.unknown.extend(newer.capabilities.unknown.clone());
        for (primitive, reason) in newer.unmeasured {
            if reason.cause != UnmeasuredCause::NotAsked {
                merged.unmeasured.insert(primitive, reason);
            }
        }
        let measured: Vec<&str> = merged.capabilities.known.keys().map(|p| p.id()).collect();
        merged.unmeasured.retain(|id, _| !measured.contains(&id.as_str()));
        merged.is_partial = merged.lacks_measurements();
        merged.profiled_at = newer.profiled_at;
        merged.measurement = newer.measurement;
        merged.cost = sum(merged.cost, newer.cost);
        merged.extra.extend(newer.extra);
        Ok(merged)
    }

    /// Whether a primitive has no level for another reason than that target or machine lack what measuring
    /// it needs.
    #[must_use]
    pub fn lacks_measurements(&self) -> bool {
        let excused = |primitive: &Primitive| {
            let reason = self.unmeasured(*primitive);
            reason.is_some_and(|reason| reason.cause == UnmeasuredCause::Skipped)
        };
        Primitive::ALL.iter().any(|p| self.level(*p).is_none() && !excused(p))
    }
}

fn sum(older: ProfileCost, newer: ProfileCost) -> ProfileCost {
    fn add<T: std::ops::Add<Output = T>>(older: Option<T>, newer: Option<T>) -> Option<T> {
        match (older, newer) {
            (Some(older), Some(newer)) => Some(older + newer),
            (one, None) | (None, one) => one,
        }
    }
    let (a, b) = (older.total_tokens, newer.total_tokens);
    ProfileCost {
        total_usd: add(older.total_usd, newer.total_usd),
        total_tokens: TokenTotals {
            input: add(a.input, b.input),
            output: add(a.output, b.output),
            cache_read: add(a.cache_read, b.cache_read),
            cache_write: add(a.cache_write, b.cache_write),
        },
        duration_ms: add(older.duration_ms, newer.duration_ms),
    }
}
