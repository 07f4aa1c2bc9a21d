//! Why a pass could not do its work.

use std::error::Error;

use super::PassId;
use crate::artifact::{ArtifactError, ArtifactKey};
use crate::edit::EditError;
use crate::llm::LlmError;

/// A pass could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassError {
    /// The pass read an artifact that is not among its `reads`.
    #[error("pass {pass} reads artifact {key} without declaring it")]
    UndeclaredRead {
        /// The pass.
        pass: PassId,
        /// The artifact.
        key: ArtifactKey,
    },
    /// The pass put an artifact that is not among its `writes`.
    #[error("pass {pass} writes artifact {key} without declaring it")]
    UndeclaredWrite {
        /// The pass.
        pass: PassId,
        /// The artifact.
        key: ArtifactKey,
    },
    /// An artifact could not be written or read.
    #[error("an artifact does not fit")]
    Artifact(#[from] ArtifactError),
    /// An edit does not fit the source, or two edits of the pass overlap.
    #[error("an edit does not fit")]
    Edit(#[from] EditError),
    /// The model gave no answer, and the pass cannot do without.
    #[error("the model was needed and failed")]
    Llm(#[from] LlmError),
    /// The compilation was cancelled.
    #[error("the compilation was cancelled")]
    Cancelled,
    /// Something of the pass's own.
    #[error("{what}")]
    Other {
        /// What was attempted, on what.
        what: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl PassError {
    /// An error of the pass's own: what was attempted, on what.
    #[must_use]
    pub fn other(what: impl Into<String>) -> Self {
        Self::Other { what: what.into(), source: None }
    }
}
