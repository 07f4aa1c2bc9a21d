//! A store that lives as long as the process.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use skvm_core::digest::Digest;
use skvm_core::llm::LlmResponse;
use skvm_passes::variant::Variant;

use super::collection::unix_millis;
use super::{Collected, Keep, Lease, Store, StoreError, StoreLimits, StoredRecord, lease};
use crate::trace::Trace;

/// Most traces that are kept of one skill; the oldest go first.
const MAX_TRACES: usize = 1000;

/// A [`Store`] in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    leases: Arc<Mutex<BTreeSet<Digest>>>,
}

/// A name in the set of those that are held.
struct Held {
    name: Digest,
    all: Arc<Mutex<BTreeSet<Digest>>>,
}

impl Held {
    fn take(name: Digest, all: &Arc<Mutex<BTreeSet<Digest>>>) -> Option<Self> {
        let is_free = all.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        is_free.then(|| Self { name, all: Arc::clone(all) })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

#[derive(Debug, Default)]
struct State {
    variants: BTreeMap<Digest, Used<Arc<Variant>>>,
    answers: BTreeMap<Digest, Used<LlmResponse>>,
    traces: BTreeMap<Digest, VecDeque<Used<Trace>>>,
    scopes: BTreeMap<Digest, Scope>,
}

/// Something, and when it was used last, in milliseconds since 1970.
#[derive(Debug)]
struct Used<T> {
    what: T,
    at: u64,
}

impl<T> Used<T> {
    fn now(what: T) -> Self {
        Self { what, at: unix_millis() }
    }
}

/// The records of one scope.
#[derive(Debug, Default)]
struct Scope {
    revision: u64,
    written: u64,
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
        Ok(self.state().variants.get_mut(&key).map(|used| {
            used.at = unix_millis();
            Arc::clone(&used.what)
        }))
    }

    async fn publish(&self, key: Digest, variant: Arc<Variant>) -> Result<(), StoreError> {
        self.state().variants.insert(key, Used::now(variant));
        Ok(())
    }

    async fn answer(&self, request: Digest) -> Result<Option<LlmResponse>, StoreError> {
        Ok(self.state().answers.get_mut(&request).map(|used| {
            used.at = unix_millis();
            used.what.clone()
        }))
    }

    async fn record_answer(&self, request: Digest, answer: &LlmResponse) -> Result<(), StoreError> {
        self.state().answers.insert(request, Used::now(answer.clone()));
        Ok(())
    }

    async fn append_trace(&self, trace: &Trace) -> Result<(), StoreError> {
        let mut state = self.state();
        let Some(skill) = trace.skill else { return Ok(()) };
        let traces = state.traces.entry(skill).or_default();
        traces.push_back(Used::now(trace.clone()));
        if traces.len() > MAX_TRACES {
            traces.pop_front();
        }
        Ok(())
    }

    async fn traces(&self, skill: Digest) -> Result<Vec<Trace>, StoreError> {
        let state = self.state();
        let traces = state.traces.get(&skill);
        Ok(traces
            .map(|traces| traces.iter().map(|used| used.what.clone()).collect())
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
        scope.written = unix_millis();
        let revision = scope.revision;
        scope.records.remove(&current);
        scope.records.insert(revision, StoredRecord { key, revision, value: value.map(Arc::from) });
        scope.revisions.insert(key, revision);
        Ok(Some(revision))
    }

    async fn lease(&self, name: Digest, patience: Duration) -> Result<Option<Lease>, StoreError> {
        let all = Arc::clone(&self.leases);
        lease::wait(patience, move || Ok(Held::take(name, &all).map(Lease::holding))).await
    }

    async fn collect(&self, limits: &StoreLimits, keep: &Keep) -> Result<Collected, StoreError> {
        let mut state = self.state();
        let mut collected = Collected::default();
        if let Some(age) = limits.age {
            let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            let limit = unix_millis().saturating_sub(age);
            state.remove_unused_since(limit, keep, &mut collected);
        }
        collected.bytes_left = state.bytes();
        if let Some(bytes) = limits.bytes {
            state.remove_beyond(bytes, keep, &mut collected);
        }
        Ok(collected)
    }
}

/// Something that can be removed.
#[derive(Clone, Copy)]
enum Item {
    Variant(Digest),
    Answer(Digest),
    /// The oldest of a skill.
    Trace(Digest),
}

impl State {
    fn remove_unused_since(&mut self, limit: u64, keep: &Keep, collected: &mut Collected) {
        let before = self.variants.len();
        self.variants.retain(|key, used| used.at > limit || keep.variants.contains(key));
        collected.variants += (before - self.variants.len()) as u64;
        let before = self.answers.len();
        self.answers.retain(|_, used| used.at > limit);
        collected.answers += (before - self.answers.len()) as u64;
        for traces in self.traces.values_mut() {
            let before = traces.len();
            traces.retain(|used| used.at > limit);
            collected.traces += (before - traces.len()) as u64;
        }
        self.traces.retain(|_, traces| !traces.is_empty());
        // The scope stays, so that its revisions go on growing.
        let old = |(id, scope): &(&Digest, &mut Scope)| {
            scope.written <= limit && !keep.scopes.contains(*id)
        };
        for (_, scope) in self.scopes.iter_mut().filter(old) {
            collected.records += scope.records.len() as u64;
            scope.records.clear();
            scope.revisions.clear();
        }
    }

    fn bytes(&self) -> u64 {
        let variants = self.variants.values().map(|used| size(&*used.what));
        let answers = self.answers.values().map(|used| size(&used.what));
        let traces = self.traces.values().flatten().map(|used| size(&used.what));
        variants.chain(answers).chain(traces).sum()
    }

    fn remove_beyond(&mut self, bytes: u64, keep: &Keep, collected: &mut Collected) {
        let variants = self.variants.iter().filter(|(key, _)| !keep.variants.contains(key));
        let variants =
            variants.map(|(key, used)| (used.at, Item::Variant(*key), size(&*used.what)));
        let answers = self.answers.iter();
        let answers = answers.map(|(key, used)| (used.at, Item::Answer(*key), size(&used.what)));
        let traces = self.traces.iter().flat_map(|(skill, traces)| {
            traces.iter().map(|used| (used.at, Item::Trace(*skill), size(&used.what)))
        });
        let mut items: Vec<(u64, Item, u64)> = variants.chain(answers).chain(traces).collect();
        items.sort_by_key(|(at, ..)| *at);
        for (_, item, size) in items {
            if collected.bytes_left <= bytes {
                break;
            }
            collected.bytes_left = collected.bytes_left.saturating_sub(size);
            match item {
                Item::Variant(key) => {
                    self.variants.remove(&key);
                    collected.variants += 1;
                }
                Item::Answer(key) => {
                    self.answers.remove(&key);
                    collected.answers += 1;
                }
                Item::Trace(skill) => {
                    if let Some(traces) = self.traces.get_mut(&skill) {
                        traces.pop_front();
                    }
                    collected.traces += 1;
                }
            }
        }
    }
}

/// How long something is as JSON.
fn size(what: &impl Serialize) -> u64 {
    serde_json::to_vec(what).map_or(0, |json| json.len() as u64)
}
