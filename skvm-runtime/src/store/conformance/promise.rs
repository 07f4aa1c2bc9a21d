//! What a store promises, and what it does instead.

use std::fmt::{Debug, Display};

use super::super::StoreError;

/// A store does not keep a promise.
#[derive(Debug, thiserror::Error)]
#[error("the store does not keep to it that {promise}: expected {expected}, found {found}")]
pub struct Nonconformity {
    promise: &'static str,
    expected: String,
    found: String,
    #[source]
    source: Option<StoreError>,
}

impl Nonconformity {
    /// The promise, as a sentence.
    #[must_use]
    pub fn promise(&self) -> &'static str {
        self.promise
    }

    /// What a store that keeps it does.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What this one did. Where it failed, the source is its error.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }
}

/// A sentence that holds for a store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promise(pub(super) &'static str);

impl Promise {
    pub(super) fn broken(self, expected: impl Display, found: impl Display) -> Nonconformity {
        let (expected, found) = (shortened(expected.to_string()), shortened(found.to_string()));
        Nonconformity { promise: self.0, expected, found, source: None }
    }

    /// What an operation gives, which does not fail.
    pub(super) fn done<T>(self, outcome: Result<T, StoreError>) -> Result<T, Nonconformity> {
        outcome.map_err(|error| {
            let broken = self.broken("success", "an error");
            Nonconformity { source: Some(error), ..broken }
        })
    }

    pub(super) fn equal<T: PartialEq + Debug>(
        self,
        expected: &T,
        found: &T,
    ) -> Result<(), Nonconformity> {
        if expected == found {
            return Ok(());
        }
        Err(self.broken(format_args!("{expected:?}"), format_args!("{found:?}")))
    }

    pub(super) fn holds(
        self,
        holds: bool,
        expected: &str,
        found: impl Debug,
    ) -> Result<(), Nonconformity> {
        if holds { Ok(()) } else { Err(self.broken(expected, format_args!("{found:?}"))) }
    }
}

/// Most characters of what is told of one thing.
const MAX_TOLD: usize = 300;

fn shortened(whole: String) -> String {
    match whole.char_indices().nth(MAX_TOLD) {
        Some((end, _)) => format!("{}…", whole.get(..end).unwrap_or_default()),
        None => whole,
    }
}
