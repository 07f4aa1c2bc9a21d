//! Where something learned holds: one variant for one target in one environment.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skvm_core::artifact::TemplateLanguage;
use skvm_core::digest::Digest;
use tracing::{info, warn};

use super::index::{Index, RoutineId};
use super::observation::TemplateIndex;
use super::policy::SolidifyPolicy;
use super::record::{Evidence, Record};
use super::routine::Routine;
use crate::store::{Store, StoreError, StoredRecord};

/// What is known in one scope: a copy of the store's records, ready for use.
pub(super) struct Scope {
    pub(super) id: Digest,
    pub(super) templates: TemplateIndex,
    state: Mutex<State>,
    /// Held while a record is changed, so that sessions of this process do not get in each other's way. Those of
    /// other processes are seen by the store.
    writing: futures::lock::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// The store's revision up to which records are here.
    revision: u64,
    /// By key, with the revision; `None` for a record that was removed or cannot be read.
    records: HashMap<Digest, (u64, Option<Arc<Record>>)>,
    /// The records that the store holds, readable or not.
    present: BTreeSet<Digest>,
    index: Index,
    ready: BTreeMap<RoutineId, Ready>,
}

/// A routine as a session uses it.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) routine: Arc<Routine>,
    /// Whether it is proven and may act.
    pub(super) acts: bool,
    /// How much speaks for it: correct predictions in a row, runs, and how new it is.
    rank: (u32, u64, u64),
    /// What the runs that it was learned from were about.
    pub(super) about: Arc<BTreeSet<Digest>>,
    /// Whether the final text is answered too.
    pub(super) answers: bool,
}

/// Most records of a scope. What was seen once and never again makes room for others.
const MAX_RECORDS: usize = 16 * 1024;

/// Most routines that one task is held against.
const MAX_FOUND: usize = 8;

/// How often a change is tried again when another process was first.
const MAX_TRIES: usize = 1024;

impl Scope {
    pub(super) fn new(id: Digest, templates: TemplateIndex) -> Self {
        Self { id, templates, state: Mutex::default(), writing: futures::lock::Mutex::new(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what is new in the store.
    pub(super) async fn refresh(
        &self,
        store: &dyn Store,
        policy: &SolidifyPolicy,
    ) -> Result<(), StoreError> {
        let since = self.state().revision;
        let changed = store.records(self.id, since).await?;
        let changed: Vec<ReadRecord> = changed.into_iter().map(ReadRecord::of).collect();
        if !changed.is_empty() {
            let mut state = self.state();
            for record in changed {
                state.take(record, policy);
            }
        }
        Ok(())
    }

    /// The routines that a task may be for.
    pub(super) fn find(&self, task: &str) -> Vec<(RoutineId, Ready)> {
        let state = self.state();
        let found = state.index.find(task).into_iter();
        let mut found: Vec<(RoutineId, &Ready)> =
            found.filter_map(|id| Some((id, state.ready.get(&id)?))).collect();
        // The most proven first: a model that writes its code in many ways fills the rest.
        found.sort_by_key(|(id, ready)| (!ready.acts, Reverse(ready.rank), *id));
        found.truncate(MAX_FOUND);
        found.into_iter().map(|(id, ready)| (id, ready.clone())).collect()
    }

    /// The records as they are.
    pub(super) fn records(&self) -> Vec<(Digest, Arc<Record>)> {
        let state = self.state();
        let mut records: Vec<(Digest, Arc<Record>)> =
            state.records.iter().filter_map(|(key, (_, it))| Some((*key, it.clone()?))).collect();
        records.sort_by_key(|(key, _)| *key);
        records
    }

    /// Takes evidence into a record and writes it.
    pub(super) async fn take(
        &self,
        key: Digest,
        evidence: &[Evidence],
        store: &dyn Store,
        policy: &SolidifyPolicy,
    ) -> Result<(), StoreError> {
        if let Some(least) = self.least_for(key) {
            // What was proven meanwhile stays.
            let proven = |record: Option<&Record>| record.filter(|it| it.is_proven()).cloned();
            self.change(least, store, policy, proven).await?;
        }
        self.change(key, store, policy, |record| {
            let mut record = record.cloned().unwrap_or_default();
            record.take(evidence, policy.thresholds, policy.extractor.is_some());
            Some(record)
        })
        .await
    }

    /// The record that has to go before a new one is written: the oldest that proved nothing.
    fn least_for(&self, key: Digest) -> Option<Digest> {
        let state = self.state();
        if state.present.len() < MAX_RECORDS || state.present.contains(&key) {
            return None;
        }
        let unproven = state
            .records
            .iter()
            .filter(|(_, (_, record))| record.as_ref().is_some_and(|it| !it.is_proven()));
        unproven.min_by_key(|(_, (revision, _))| *revision).map(|(key, _)| *key)
    }

    /// Removes everything that is known here.
    pub(super) async fn forget(
        &self,
        store: &dyn Store,
        policy: &SolidifyPolicy,
    ) -> Result<(), StoreError> {
        self.refresh(store, policy).await?;
        // Those that are damaged too.
        let keys: Vec<Digest> = self.state().present.iter().copied().collect();
        for key in keys {
            self.change(key, store, policy, |_| None).await?;
        }
        Ok(())
    }

    async fn change(
        &self,
        key: Digest,
        store: &dyn Store,
        policy: &SolidifyPolicy,
        change: impl Fn(Option<&Record>) -> Option<Record>,
    ) -> Result<(), StoreError> {
        let _only_one = self.writing.lock().await;
        for _ in 0..MAX_TRIES {
            let known = self.state().records.get(&key).cloned();
            let (revision, current) = known.unwrap_or((0, None));
            let record = change(current.as_deref());
            let value = match &record {
                Some(record) => {
                    let text = serde_json::to_string(record);
                    let failed =
                        |error| StoreError::new("writing down what was learned").with_source(error);
                    Some(text.map_err(failed)?)
                }
                None => None,
            };
            let swapped = store.swap_record(self.id, key, revision, value.as_deref()).await?;
            if let Some(revision) = swapped {
                tell(key, current.as_deref(), record.as_ref());
                let mut state = self.state();
                state.put(key, revision, record.map(Arc::new), policy);
                return Ok(());
            }
            self.refresh(store, policy).await?;
        }
        let what = format!("other processes changed the record {} {MAX_TRIES} times", key.short());
        Err(StoreError::new(what))
    }
}

/// Tells which routines began or ceased to act.
fn tell(key: Digest, before: Option<&Record>, after: Option<&Record>) {
    let acts = |record: Option<&Record>, id: u32| {
        let mut routines = record.into_iter().flat_map(|record| &record.routines);
        routines.any(|known| known.id == id && known.solidified)
    };
    for known in after.into_iter().flat_map(|record| &record.routines) {
        match (acts(before, known.id), known.solidified) {
            (false, true) => info!(template = %key.short(), "a routine is solidified"),
            (true, false) => info!(template = %key.short(), "a routine is demoted"),
            (true, true) | (false, false) => {}
        }
    }
}

/// A record as it was read from the store.
struct ReadRecord {
    key: Digest,
    revision: u64,
    is_present: bool,
    record: Option<Arc<Record>>,
}

impl ReadRecord {
    fn of(StoredRecord { key, revision, value }: StoredRecord) -> Self {
        let is_present = value.is_some();
        let record = value.and_then(|text| match serde_json::from_str::<Record>(&text) {
            Ok(record) => Some(Arc::new(record)),
            Err(error) => {
                warn!(%key, %error, "a record of what was learned is damaged and is not used");
                None
            }
        });
        Self { key, revision, is_present, record }
    }
}

impl State {
    /// Takes in a record of the store's.
    fn take(&mut self, read: ReadRecord, policy: &SolidifyPolicy) {
        self.revision = self.revision.max(read.revision);
        self.put(read.key, read.revision, read.record, policy);
        if read.is_present {
            self.present.insert(read.key);
        }
    }

    fn put(
        &mut self,
        key: Digest,
        revision: u64,
        record: Option<Arc<Record>>,
        policy: &SolidifyPolicy,
    ) {
        if self.records.get(&key).is_some_and(|(known, _)| *known >= revision) {
            return;
        }
        if revision == self.revision.saturating_add(1) {
            self.revision = revision;
        }
        let before: Vec<RoutineId> =
            self.ready.range((key, 0)..=(key, u32::MAX)).map(|(id, _)| *id).collect();
        for id in before {
            self.ready.remove(&id);
            self.index.remove(&id);
        }
        match &record {
            Some(_) => self.present.insert(key),
            None => self.present.remove(&key),
        };
        for known in record.iter().flat_map(|record| &record.routines) {
            let Some(routine) = &known.routine else { continue };
            let id = (key, known.id);
            let ready = Ready {
                acts: known.solidified && allows(policy, &key, routine),
                answers: known.answers(policy.thresholds),
                rank: (known.streak, known.counters.runs, revision),
                about: Arc::new(known.learned_from()),
                routine: Arc::new(routine.clone()),
            };
            self.index.insert(id, &ready.routine.wording);
            self.ready.insert(id, ready);
        }
        self.records.insert(key, (revision, record));
        if self.index.is_wasteful() {
            self.index = Index::default();
            for (id, ready) in &self.ready {
                self.index.insert(*id, &ready.routine.wording);
            }
        }
    }
}

/// Whether a routine may act.
pub(super) fn allows(policy: &SolidifyPolicy, key: &Digest, routine: &Routine) -> bool {
    let languages: BTreeSet<TemplateLanguage> =
        routine.steps.iter().flat_map(|step| &step.languages).copied().collect();
    let is_askable = routine.questions.is_empty() || policy.extractor.is_some();
    is_askable && policy.allows(key, routine.steps.iter().map(|step| &step.tool), &languages)
}
