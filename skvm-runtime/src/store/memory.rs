//! A store that lives as long as the process.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use skvm_core::digest::Digest;
use skvm_core::llm::LlmResponse;
use skvm_passes::variant::Variant;

use super::{Store, StoreError};
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
}
