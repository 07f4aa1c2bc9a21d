//! A store that lives as long as the process.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use skvm_core::digest::Digest;
use skvm_core::llm::LlmResponse;
use skvm_passes::variant::Variant;

use super::{Store, StoreError, StoredRecord};
use crate::trace::Trace;

/// Most traces that are kept of one skill; the oldest go first.
const MAX_TRACES: usize = 1000;

/// A [`Store`] in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    variants: BTreeMap<Digest, Arc<Variant>>,
    answers: BTreeMap<Digest, LlmResponse>,
    traces: BTreeMap<Digest, VecDeque<Trace>>,
    scopes: BTreeMap<Digest, Scope>,
}

/// The records of one scope.
#[derive(Debug, Default)]
struct Scope {
    revision: u64,
    /// By the revision at which each was written last.
    records: BTreeMap<u64, StoredRecord>,
    /// That revision, by key.
    revisions: BTreeMap<Digest, u64>,
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn variant(&self, key: Digest) -> Result<Option<Arc<Variant>>, StoreError> {
        Ok(self.state().variants.get(&key).cloned())
    }

    async fn publish(&self, key: Digest, variant: Arc<Variant>) -> Result<(), StoreError> {
        self.state().variants.insert(key, variant);
        Ok(())
    }

    async fn answer(&self, request: Digest) -> Result<Option<LlmResponse>, StoreError> {
        Ok(self.state().answers.get(&request).cloned())
    }

    async fn record_answer(&self, request: Digest, answer: &LlmResponse) -> Result<(), StoreError> {
        self.state().answers.insert(request, answer.clone());
        Ok(())
    }

    async fn append_trace(&self, trace: &Trace) -> Result<(), StoreError> {
        let mut state = self.state();
        let Some(skill) = trace.skill else { return Ok(()) };
        let traces = state.traces.entry(skill).or_default();
        traces.push_back(trace.clone());
        if traces.len() > MAX_TRACES {
            traces.pop_front();
        }
        Ok(())
    }

    async fn traces(&self, skill: Digest) -> Result<Vec<Trace>, StoreError> {
        let state = self.state();
        Ok(state
            .traces
            .get(&skill)
            .map(|traces| traces.iter().cloned().collect())
            .unwrap_or_default())
    }

    async fn records(&self, scope: Digest, since: u64) -> Result<Vec<StoredRecord>, StoreError> {
        let state = self.state();
        let Some(scope) = state.scopes.get(&scope) else { return Ok(Vec::new()) };
        Ok(scope
            .records
            .range(since.saturating_add(1)..)
            .map(|(_, record)| record.clone())
            .collect())
    }

    async fn swap_record(
        &self,
        scope: Digest,
        key: Digest,
        expected: u64,
        value: Option<&str>,
    ) -> Result<Option<u64>, StoreError> {
        let mut state = self.state();
        let scope = state.scopes.entry(scope).or_default();
        let current = scope.revisions.get(&key).copied().unwrap_or(0);
        if current != expected {
            return Ok(None);
        }
        scope.revision += 1;
        let revision = scope.revision;
        scope.records.remove(&current);
        scope.records.insert(revision, StoredRecord { key, revision, value: value.map(Arc::from) });
        scope.revisions.insert(key, revision);
        Ok(Some(revision))
    }
}
