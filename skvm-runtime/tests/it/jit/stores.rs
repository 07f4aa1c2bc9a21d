//! Stores that are slow, that fail now and then, and that tell what was written.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use skvm_core::digest::Digest;
use skvm_core::llm::LlmResponse;
use skvm_passes::variant::Variant;
use skvm_runtime::store::{MemoryStore, Store, StoreError, StoredRecord};
use skvm_runtime::trace::Trace;

/// A store in memory that lets others go first before and after each operation on records.
#[derive(Default)]
pub(super) struct Slow {
    inner: MemoryStore,
    /// Of a thousand operations on records, so many fail.
    pub(super) failing: AtomicU64,
    seed: AtomicU64,
    /// The records that were ever written.
    pub(super) written: Mutex<BTreeMap<(Digest, Digest), String>>,
}

/// Lets others go first, once.
async fn give_way() {
    let mut gave_way = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut gave_way, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The next of a series of random numbers.
pub(super) fn random(seed: u64) -> u64 {
    let mut next = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    next = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    next = (next ^ (next >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    next ^ (next >> 31)
}

impl Slow {
    pub(super) fn failing(share: u64) -> Arc<Self> {
        let store = Self::default();
        store.failing.store(share, Ordering::SeqCst);
        Arc::new(store)
    }

    fn fails(&self) -> Result<(), StoreError> {
        let number = self.seed.fetch_add(1, Ordering::SeqCst);
        if random(number) % 1000 < self.failing.load(Ordering::SeqCst) {
            return Err(StoreError::new("the disk is gone"));
        }
        Ok(())
    }

    /// What is there now, as it was written.
    pub(super) fn texts(&self) -> Vec<String> {
        self.written.lock().unwrap().values().cloned().collect()
    }
}

#[async_trait]
impl Store for Slow {
    async fn variant(&self, key: Digest) -> Result<Option<Arc<Variant>>, StoreError> {
        self.inner.variant(key).await
    }

    async fn publish(&self, key: Digest, variant: Arc<Variant>) -> Result<(), StoreError> {
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
        give_way().await;
        self.fails()?;
        let records = self.inner.records(scope, since).await;
        give_way().await;
        records
    }

    async fn swap_record(
        &self,
        scope: Digest,
        key: Digest,
        expected: u64,
        value: Option<&str>,
    ) -> Result<Option<u64>, StoreError> {
        give_way().await;
        self.fails()?;
        let swapped = self.inner.swap_record(scope, key, expected, value).await?;
        if swapped.is_some() {
            let text = value.unwrap_or_default().to_owned();
            self.written.lock().unwrap().insert((scope, key), text);
        }
        give_way().await;
        Ok(swapped)
    }
}
