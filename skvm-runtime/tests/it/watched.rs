//! A store in memory that counts what it is asked and fails where it is told to.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use skvm_core::digest::Digest;
use skvm_core::llm::LlmResponse;
use skvm_passes::variant::Variant;
use skvm_runtime::store::{MemoryStore, Store, StoreError, StoredRecord};
use skvm_runtime::trace::Trace;

/// Operations are named like the methods of [`Store`].
#[derive(Default)]
pub(crate) struct Watched {
    inner: MemoryStore,
    failing: Mutex<BTreeSet<&'static str>>,
    log: Mutex<Vec<&'static str>>,
}

impl Watched {
    /// A store whose operation of that name fails.
    pub(crate) fn failing(operation: &'static str) -> Arc<Self> {
        let store = Self::default();
        store.failing.lock().unwrap_or_else(PoisonError::into_inner).insert(operation);
        Arc::new(store)
    }

    /// From now on nothing fails.
    pub(crate) fn heal(&self) {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How often the operation was asked for.
    pub(crate) fn count(&self, operation: &str) -> usize {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().filter(|known| **known == operation).count()
    }

    fn enter(&self, operation: &'static str) -> Result<(), StoreError> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
        if self.failing.lock().unwrap_or_else(PoisonError::into_inner).contains(operation) {
            let cause = std::io::Error::other("the disk is gone");
            return Err(StoreError::new(format!("store: {operation}")).with_source(cause));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for Watched {
    async fn variant(&self, key: Digest) -> Result<Option<Arc<Variant>>, StoreError> {
        self.enter("variant")?;
        self.inner.variant(key).await
    }

    async fn publish(&self, key: Digest, variant: Arc<Variant>) -> Result<(), StoreError> {
        self.enter("publish")?;
        self.inner.publish(key, variant).await
    }

    async fn answer(&self, request: Digest) -> Result<Option<LlmResponse>, StoreError> {
        self.enter("answer")?;
        self.inner.answer(request).await
    }

    async fn record_answer(&self, request: Digest, answer: &LlmResponse) -> Result<(), StoreError> {
        self.enter("record_answer")?;
        self.inner.record_answer(request, answer).await
    }

    async fn append_trace(&self, trace: &Trace) -> Result<(), StoreError> {
        self.enter("append_trace")?;
        self.inner.append_trace(trace).await
    }

    async fn traces(&self, skill: Digest) -> Result<Vec<Trace>, StoreError> {
        self.enter("traces")?;
        self.inner.traces(skill).await
    }

    async fn records(&self, scope: Digest, since: u64) -> Result<Vec<StoredRecord>, StoreError> {
        self.enter("records")?;
        self.inner.records(scope, since).await
    }

    async fn swap_record(
        &self,
        scope: Digest,
        key: Digest,
        expected: u64,
        value: Option<&str>,
    ) -> Result<Option<u64>, StoreError> {
        self.enter("swap_record")?;
        self.inner.swap_record(scope, key, expected, value).await
    }
}
