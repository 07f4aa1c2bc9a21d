//! Where compiled variants, recorded answers, traces and what is learned from them are kept.
//!
//! | what is kept | by what it is found | how |
//! |---|---|---|
//! | [variants](Variant), with source digest, edits, artifacts and manifest | the digest of the work that made it | [`Store::publish`] |
//! | recorded model answers | the digest of the request | [`Store::record_answer`] |
//! | [traces](Trace) | the digest of the skill | [`Store::append_trace`] |
//! | what changes: activations, trials, failures, routines and their counters, profiles, prepared environments | a scope and a key | [`Store::swap_record`] |
//!
//! [`MemoryStore`] lasts as long as the process. With the feature `sqlite`, `SqliteStore` lasts, and is shared by
//! processes. A host's own store is one more implementation of [`Store`]; `conformance` (feature `test-util`) tells
//! whether it keeps what the trait promises.

mod collection;
#[cfg(feature = "test-util")]
pub mod conformance;
mod error;
mod folder;
mod lease;
mod lock;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use skvm_core::digest::Digest;
use skvm_core::llm::{LlmError, LlmErrorKind, LlmResponse};
use skvm_passes::recorded::AnswerLog;
use skvm_passes::variant::Variant;

pub(crate) use collection::unix_millis;
pub use collection::{Collected, Keep, StoreLimits};
pub use error::{Damage, StoreError};
pub use folder::{FolderError, Materialized, materialize};
pub use lease::Lease;
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};

use crate::trace::Trace;

/// A store.
///
/// A publication becomes visible as a whole or not at all. What a store returns is what was published:
/// an implementation that reads from a medium checks digests (reading a [`Variant`] from JSON does).
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Arc, Mutex};
///
/// use async_trait::async_trait;
/// use skvm_core::digest::Digest;
/// use skvm_core::llm::LlmResponse;
/// use skvm_passes::variant::Variant;
/// use skvm_runtime::trace::Trace;
/// use skvm_runtime::store::{Store, StoreError, StoredRecord};
///
/// /// Keeps variants and forgets the rest.
/// #[derive(Default)]
/// struct VariantsOnly(Mutex<HashMap<Digest, Arc<Variant>>>);
///
/// #[async_trait]
/// impl Store for VariantsOnly {
///     async fn variant(&self, key: Digest) -> Result<Option<Arc<Variant>>, StoreError> {
///         Ok(self.0.lock().unwrap().get(&key).cloned())
///     }
///
///     async fn publish(&self, key: Digest, variant: Arc<Variant>) -> Result<(), StoreError> {
///         self.0.lock().unwrap().insert(key, variant);
///         Ok(())
///     }
///
///     async fn answer(&self, _request: Digest) -> Result<Option<LlmResponse>, StoreError> {
///         Ok(None)
///     }
///
///     async fn record_answer(&self, _: Digest, _: &LlmResponse) -> Result<(), StoreError> {
///         Ok(())
///     }
///
///     async fn append_trace(&self, _trace: &Trace) -> Result<(), StoreError> {
///         Ok(())
///     }
///
///     async fn traces(&self, _skill: Digest) -> Result<Vec<Trace>, StoreError> {
///         Ok(Vec::new())
///     }
///
///     async fn records(&self, _scope: Digest, _since: u64) -> Result<Vec<StoredRecord>, StoreError> {
///         Ok(Vec::new())
///     }
///
///     async fn swap_record(
///         &self,
///         _scope: Digest,
///         _key: Digest,
///         expected: u64,
///         _value: Option<&str>,
///     ) -> Result<Option<u64>, StoreError> {
///         Ok(Some(expected + 1))
///     }
/// }
///
/// let store: Box<dyn Store> = Box::new(VariantsOnly::default());
/// # drop(store);
/// ```
#[async_trait]
pub trait Store: Send + Sync {
    /// The variant that was published under a key.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read, and one that [is damaged](StoreError::is_damaged) when what it
    /// holds is not what was published; that is set aside then, and gone when it is asked for again.
    async fn variant(&self, key: Digest) -> Result<Option<Arc<Variant>>, StoreError>;

    /// Publishes a variant under the key of the work that made it.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written; nothing is visible then.
    async fn publish(&self, key: Digest, variant: Arc<Variant>) -> Result<(), StoreError>;

    /// The recorded answer to a request.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn answer(&self, request: Digest) -> Result<Option<LlmResponse>, StoreError>;

    /// Records an answer.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    async fn record_answer(&self, request: Digest, answer: &LlmResponse) -> Result<(), StoreError>;

    /// Adds the trace of a session.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    async fn append_trace(&self, trace: &Trace) -> Result<(), StoreError>;

    /// The traces of a skill, by its digest, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn traces(&self, skill: Digest) -> Result<Vec<Trace>, StoreError>;

    /// The records of a scope that were written or removed after a revision, in the order of their revisions; all
    /// that are there since revision 0. Whoever asks since the last revision that was told misses no change. What a
    /// record holds is its writer's business.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn records(&self, scope: Digest, since: u64) -> Result<Vec<StoredRecord>, StoreError>;

    /// Writes a record, or removes it with `None`, if its revision is still the one that is expected: 0 for one
    /// that was never there. Gives the new revision, which is higher than any before in that scope, and `None`
    /// when somebody else was first; nothing is written then. So no update is ever lost. A record that was removed
    /// keeps the revision of its removal.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written; nothing is visible then.
    async fn swap_record(
        &self,
        scope: Digest,
        key: Digest,
        expected: u64,
        value: Option<&str>,
    ) -> Result<Option<u64>, StoreError>;

    /// Holds a name until what is given is dropped, so that whoever else asks for it waits, in this process and in
    /// any other with the same store. A process that dies lets go. `None` when the patience ended first.
    ///
    /// As it stands, everybody holds every name: right for a store that one process uses.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot tell who holds it.
    async fn lease(&self, name: Digest, patience: Duration) -> Result<Option<Lease>, StoreError> {
        let _ = (name, patience);
        Ok(Some(Lease::unshared()))
    }

    /// Removes what is beyond the limits, the longest unused first, and nothing that is to be kept. A scope whose
    /// records go counts its revisions on.
    ///
    /// As it stands, nothing is removed.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written; what was removed until then stays removed.
    async fn collect(&self, limits: &StoreLimits, keep: &Keep) -> Result<Collected, StoreError> {
        let _ = (limits, keep);
        Ok(Collected::default())
    }

    /// What was found damaged since this was asked last. Each was set aside and is not served again.
    fn take_damage(&self) -> Vec<Damage> {
        Vec::new()
    }
}

/// A record as a store keeps it; see [`Store::records`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its name within the scope.
    pub key: Digest,
    /// The revision at which it was written last, from 1.
    pub revision: u64,
    /// What it holds; `None` for one that was removed.
    pub value: Option<Arc<str>>,
}

const _: fn(&dyn Store) = |_| {};

/// The recorded answers of a store, for [`Recorded`](skvm_passes::recorded::Recorded) models.
#[derive(Clone)]
pub struct StoreAnswers(Arc<dyn Store>);

impl std::fmt::Debug for StoreAnswers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreAnswers").finish_non_exhaustive()
    }
}

impl StoreAnswers {
    /// The answers in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }
}

#[async_trait]
impl AnswerLog for StoreAnswers {
    async fn answer(&self, request: Digest) -> Result<Option<LlmResponse>, LlmError> {
        match self.0.answer(request).await {
            // It is asked for anew.
            Err(error) if error.is_damaged() => Ok(None),
            answer => answer.map_err(as_llm_error),
        }
    }

    async fn record(&self, request: Digest, answer: &LlmResponse) -> Result<(), LlmError> {
        match self.0.record_answer(request, answer).await {
            // It serves this time.
            Err(error) if error.is_damaged() => Ok(()),
            recorded => recorded.map_err(as_llm_error),
        }
    }
}

/// A log that cannot be read is a log without the answer.
fn as_llm_error(error: StoreError) -> LlmError {
    LlmError::new(LlmErrorKind::NotRecorded).with_source(error)
}
