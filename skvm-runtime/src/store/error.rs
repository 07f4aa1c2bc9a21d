//! What goes wrong in a store.

use std::error::Error;

use serde::{Deserialize, Serialize};

/// A store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct StoreError {
    what: String,
    damaged: bool,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error: what was attempted, on what.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), damaged: false, source: None }
    }

    /// What was asked for is not what was written; it is no longer there.
    #[must_use]
    pub fn damaged(what: impl Into<String>) -> Self {
        Self { damaged: true, ..Self::new(what) }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether what was asked for is damaged, so that it has to be made anew.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }
}

/// Something that a store held and that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// What: `variant 3f…`, `trace 17`, `the database /path`.
    pub what: String,
    /// How that shows.
    pub reason: String,
    /// Where it was set aside; `None` when nothing was left to set aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is damaged: {}", self.what, self.reason)?;
        match &self.kept {
            Some(place) => write!(f, "; set aside as {place}"),
            None => Ok(()),
        }
    }
}
