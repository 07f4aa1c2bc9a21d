//! Garbage collection: what may go, and what stays.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use skvm_core::digest::Digest;

/// How much a store may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// Most bytes of variants, answers and traces together; `None` for no limit. Default 1 GiB. Records are small
    /// and not counted.
    pub bytes: Option<u64>,
    /// How long something may lie unused; `None` for ever. Default 90 days. Of records, whole scopes go, by when
    /// they were written last.
    pub age: Option<Duration>,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self { bytes: Some(1 << 30), age: Some(Duration::from_secs(90 * 24 * 3600)) }
    }
}

/// What is not to be collected, however old it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keep {
    /// Keys of variants.
    pub variants: BTreeSet<Digest>,
    /// Scopes of records.
    pub scopes: BTreeSet<Digest>,
}

/// What a collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collected {
    /// Variants.
    pub variants: u64,
    /// Recorded answers.
    pub answers: u64,
    /// Traces.
    pub traces: u64,
    /// Records.
    pub records: u64,
    /// Bytes of variants, answers and traces that are left.
    pub bytes_left: u64,
}

/// Milliseconds since 1970; 0 on a machine whose clock stands before that.
pub(crate) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
