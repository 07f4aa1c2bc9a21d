//! A store that loses variants, fails and hesitates when it is told to.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::channel::oneshot::Receiver;
use skvm_core::digest::Digest;
use skvm_core::llm::LlmResponse;
use skvm_passes::variant::Variant;
use skvm_runtime::store::{Collected, Keep, Lease, Store, StoreError, StoreLimits, StoredRecord};
use skvm_runtime::trace::Trace;

pub(super) struct Unsteady {
    inner: Arc<dyn Store>,
    lost: Mutex<BTreeSet<Digest>>,
    /// One of so many operations fails; 0 for none.
    failing: AtomicU64,
    random: AtomicU64,
    failed: AtomicU64,
    /// After so many operations all fail.
    left: AtomicU64,
    /// A scope, and what to wait for when it was read.
    held: Mutex<Option<(Digest, Receiver<()>)>>,
}

impl Unsteady {
    pub(super) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            lost: Mutex::default(),
            failing: AtomicU64::new(0),
            random: AtomicU64::new(1),
            failed: AtomicU64::new(0),
            left: AtomicU64::new(u64::MAX),
            held: Mutex::default(),
        })
    }

    /// Loses a variant, until it is published again.
    pub(super) fn lose(&self, variant: Digest) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).insert(variant);
    }

    /// One of so many operations fails from now on; 0 for none.
    pub(super) fn fail(&self, one_of: u64) {
        self.failing.store(one_of, Ordering::SeqCst);
    }

    /// From now on, all operations but so many fail.
    pub(super) fn end_after(&self, operations: u64) {
        self.left.store(operations, Ordering::SeqCst);
    }

    /// Lets whoever reads this scope next wait with what was read.
    pub(super) fn hold(&self, scope: Digest, until: Receiver<()>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some((scope, until));
    }

    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Ordering::SeqCst)
    }

    fn enter(&self, what: &str) -> Result<(), StoreError> {
        let take = |left: u64| left.checked_sub(1);
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_err() {
            return Err(StoreError::new(format!("{what}, after the end")));
        }
        let one_of = self.failing.load(Ordering::SeqCst);
        let mut number = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        if one_of > 0 && (number ^ (number >> 31)).is_multiple_of(one_of) {
            self.failed.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::new(format!("{what}, as the test wants it")));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for Unsteady {
    async fn variant(&self, key: Digest) -> Result<Option<Arc<Variant>>, StoreError> {
        self.enter("variant")?;
        let found = self.inner.variant(key).await?;
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(found.filter(|variant| !lost.contains(&variant.digest())))
    }

    async fn publish(&self, key: Digest, variant: Arc<Variant>) -> Result<(), StoreError> {
        self.enter("publish")?;
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).remove(&variant.digest());
        self.inner.publish(key, variant).await
    }

    async fn answer(&self, request: Digest) -> Result<Option<LlmResponse>, StoreError> {
        self.inner.answer(request).await
    }

    async fn record_answer(&self, request: Digest, answer: &LlmResponse) -> Result<(), StoreError> {
        self.inner.record_answer(request, answer).await
    }

    async fn append_trace(&self, trace: &Trace) -> Result<(), StoreError> {
        self.inner.append_trace(trace).await
    }

    async fn traces(&self, skill: Digest) -> Result<Vec<Trace>, StoreError> {
        self.inner.traces(skill).await
    }

    async fn records(&self, scope: Digest, since: u64) -> Result<Vec<StoredRecord>, StoreError> {
        self.enter("records")?;
        let records = self.inner.records(scope, since).await;
        let held = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.take_if(|(held, _)| *held == scope)
        };
        if let Some((_, until)) = held {
            // Whoever lets go by dropping lets go, too.
            let _ = until.await;
        }
        records
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

    async fn lease(&self, name: Digest, patience: Duration) -> Result<Option<Lease>, StoreError> {
        self.enter("lease")?;
        self.inner.lease(name, patience).await
    }

    async fn collect(&self, limits: &StoreLimits, keep: &Keep) -> Result<Collected, StoreError> {
        self.inner.collect(limits, keep).await
    }
}
