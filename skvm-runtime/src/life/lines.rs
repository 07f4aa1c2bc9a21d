//! Lines as this process knows them, and as the store has them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use skvm_core::digest::Digest;
use skvm_passes::variant::Variant;
use tracing::warn;

use super::history::{Activation, Fared, History};
use super::line::Line;
use crate::adaptation::Evidence;
use crate::store::{Store, StoreError, StoredRecord};

/// The lines that were used, by their ids.
#[derive(Default)]
pub(crate) struct Lines(Mutex<HashMap<Digest, Arc<LineHandle>>>);

/// Most lines that are kept ready; others are read from the store again.
const MAX_LINES: usize = 4096;

impl Lines {
    pub(crate) fn of(&self, id: Digest) -> Arc<LineHandle> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&id) {
            return Arc::clone(line);
        }
        if lines.len() >= MAX_LINES {
            let idle = lines.iter().find(|(_, line)| Arc::strong_count(line) == 1);
            let idle = idle.map(|(id, _)| *id);
            idle.and_then(|id| lines.remove(&id));
        }
        let line = Arc::new(LineHandle::new(id));
        lines.insert(id, Arc::clone(&line));
        line
    }
}

/// One line.
pub(crate) struct LineHandle {
    pub(crate) id: Digest,
    /// How many sessions of this process began with it; tells whose turn is on trial.
    pub(crate) sessions: AtomicU64,
    /// Whether a new variant is being compiled in the background.
    pub(crate) is_renewing: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The store's revision up to which records are here.
    revision: u64,
    line: Kept<Line>,
    evidence: Kept<Evidence>,
    fared: Kept<BTreeMap<Digest, Fared>>,
    /// The variants that were used last, by their keys.
    variants: Vec<(Digest, Arc<Variant>)>,
    /// The activation that was noted last in the history by this process.
    noted: Option<Noted>,
    /// The key that was worked out last, and from what.
    key: Option<(Facts, Digest)>,
}

/// What a key was worked out from: the skill, the lessons, and the engine's profiles.
pub(crate) type Facts = (Digest, Digest, u64);

/// A record and its revision.
struct Kept<T> {
    revision: u64,
    value: Option<Arc<T>>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { revision: 0, value: None }
    }
}

impl<T: DeserializeOwned> Kept<T> {
    /// Takes in a record, unless a later one is here: reads may come back in another order than they were begun.
    fn take(&mut self, record: &StoredRecord, at: impl FnOnce(&mut T, u64)) {
        if record.revision <= self.revision {
            return;
        }
        self.revision = record.revision;
        let value = record.value.as_deref().map(serde_json::from_str);
        self.value = match value {
            Some(Ok(mut value)) => {
                at(&mut value, record.revision);
                Some(Arc::new(value))
            }
            Some(Err(error)) => {
                warn!(%error, "a record of a skill's life cannot be read and begins anew");
                None
            }
            None => None,
        };
    }
}

/// An activation as it is kept in the store.
#[derive(PartialEq, Serialize, Deserialize)]
struct Noted {
    number: u64,
    #[serde(flatten)]
    activation: Activation,
}

impl Noted {
    fn of(record: &StoredRecord) -> Option<Self> {
        serde_json::from_str(record.value.as_deref()?).ok()
    }
}

/// Most variants that are kept ready for one line.
const MAX_VARIANTS: usize = 4;

/// The records of a line.
fn key(name: &str) -> Digest {
    Digest::builder("skvm/line/record/1").field(name.as_bytes()).finish()
}

impl LineHandle {
    fn new(id: Digest) -> Self {
        Self {
            id,
            sessions: AtomicU64::new(0),
            is_renewing: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scope of the activations.
    pub(crate) fn history_scope(&self) -> Digest {
        Digest::builder("skvm/history/1").field(self.id.as_bytes()).finish()
    }

    /// The line as the store has it now.
    pub(crate) async fn line(&self, store: &dyn Store) -> Result<Option<Arc<Line>>, StoreError> {
        self.refresh(store).await?;
        Ok(self.state().line.value.clone())
    }

    /// What sessions showed, as the store has it now.
    pub(crate) async fn evidence(&self, store: &dyn Store) -> Result<Evidence, StoreError> {
        self.refresh(store).await?;
        let state = self.state();
        let mut evidence = state.evidence.value.as_deref().cloned().unwrap_or_default();
        evidence.revision = state.evidence.revision;
        Ok(evidence)
    }

    async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        let since = self.state().revision;
        let changed = store.records(self.id, since).await?;
        if changed.is_empty() {
            return Ok(());
        }
        let mut state = self.state();
        for record in &changed {
            state.revision = state.revision.max(record.revision);
            if record.key == key("line") {
                state.line.take(record, |line, revision| line.revision = revision);
            } else if record.key == key("evidence") {
                state.evidence.take(record, |_, _| {});
            } else if record.key == key("fared") {
                state.fared.take(record, |_, _| {});
            }
        }
        Ok(())
    }

    /// Writes the line, if nobody has written it since it was read.
    pub(crate) async fn write_line(
        &self,
        store: &dyn Store,
        line: &Line,
    ) -> Result<bool, StoreError> {
        let revision = {
            let state = self.state();
            // A new line takes the place of one that was lost.
            if state.line.value.is_none() { state.line.revision } else { line.revision }
        };
        self.write(store, "line", revision, line).await
    }

    /// Writes the evidence, if nobody has written it since it was read.
    pub(crate) async fn write_evidence(
        &self,
        store: &dyn Store,
        evidence: &Evidence,
    ) -> Result<bool, StoreError> {
        self.write(store, "evidence", evidence.revision, evidence).await
    }

    async fn write(
        &self,
        store: &dyn Store,
        name: &str,
        revision: u64,
        value: &impl Serialize,
    ) -> Result<bool, StoreError> {
        let json = serde_json::to_string(value)
            .map_err(|error| StoreError::new(format!("writing {name}")).with_source(error))?;
        Ok(store.swap_record(self.id, key(name), revision, Some(&json)).await?.is_some())
    }

    /// Counts a session of a variant.
    pub(crate) async fn count(
        &self,
        store: &dyn Store,
        variant: Digest,
        count: impl Fn(&mut Fared),
    ) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            self.refresh(store).await?;
            let (revision, mut fared) = {
                let state = self.state();
                let fared = state.fared.value.as_deref().cloned().unwrap_or_default();
                (state.fared.revision, fared)
            };
            if fared.len() >= MAX_FARED && !fared.contains_key(&variant) {
                // The one with the fewest sessions says least.
                let sessions = |it: &Fared| it.clean + it.mended + it.failed + it.spoiled;
                let least = fared.iter().min_by_key(|(id, it)| (sessions(it), **id));
                let least = least.map(|(id, _)| *id);
                least.and_then(|id| fared.remove(&id));
            }
            count(fared.entry(variant).or_default());
            if self.write(store, "fared", revision, &fared).await? {
                return Ok(());
            }
        }
        Err(StoreError::new("counting a session: others are always first"))
    }

    /// Notes an activation in the history, unless it is there. The number is how many there were before.
    pub(crate) async fn note(
        &self,
        store: &dyn Store,
        number: u64,
        activation: &Activation,
    ) -> Result<(), StoreError> {
        let noted = Noted { number, activation: activation.clone() };
        if self.state().noted.as_ref() == Some(&noted) {
            return Ok(());
        }
        let json = serde_json::to_string(&noted)
            .map_err(|error| StoreError::new("writing an activation").with_source(error))?;
        let scope = self.history_scope();
        let place = (number % MAX_ACTIVATIONS).to_le_bytes();
        let key = Digest::builder("skvm/activation/1").field(&place).finish();
        let mut expected = 0;
        for _ in 0..MAX_TRIES {
            if store.swap_record(scope, key, expected, Some(&json)).await?.is_some() {
                break;
            }
            // It is there, or one that is older, or one that was damaged.
            let known = store.records(scope, 0).await?;
            let known = known.into_iter().find(|record| record.key == key);
            if known.as_ref().and_then(Noted::of).is_some_and(|known| known.number >= number) {
                break;
            }
            expected = known.map_or(0, |record| record.revision);
        }
        self.state().noted = Some(noted);
        Ok(())
    }

    /// The number of the next activation, by the history.
    pub(crate) async fn next_number(&self, store: &dyn Store) -> Result<u64, StoreError> {
        let records = store.records(self.history_scope(), 0).await?;
        let numbers = records.iter().filter_map(Noted::of).map(|noted| noted.number + 1);
        Ok(numbers.max().unwrap_or(0))
    }

    /// What was active when, and how it fared.
    pub(crate) async fn history(&self, store: &dyn Store) -> Result<History, StoreError> {
        let line = self.line(store).await?;
        let records = store.records(self.history_scope(), 0).await?;
        let noted = records.iter().filter_map(Noted::of);
        let mut noted: BTreeMap<u64, Activation> =
            noted.map(|noted| (noted.number, noted.activation)).collect();
        if let Some(line) = line
            && let (Some(latest), Some(number)) = (&line.latest, line.activations.checked_sub(1))
        {
            noted.entry(number).or_insert_with(|| latest.clone());
        }
        // By their numbers, to which neither the clock nor the order of the writes need keep.
        let activations = noted.into_values().collect();
        let fared = self.state().fared.value.as_deref().cloned().unwrap_or_default();
        Ok(History { activations, fared })
    }

    /// A variant that was used before.
    pub(crate) fn variant(&self, key: Digest) -> Option<Arc<Variant>> {
        let state = self.state();
        state.variants.iter().find(|(known, _)| *known == key).map(|(_, it)| Arc::clone(it))
    }

    /// A variant that was used before, by its own digest.
    pub(crate) fn variant_named(&self, digest: Digest) -> Option<Arc<Variant>> {
        let state = self.state();
        let found = state.variants.iter().find(|(_, variant)| variant.digest() == digest);
        found.map(|(_, variant)| Arc::clone(variant))
    }

    pub(crate) fn keep(&self, key: Digest, variant: &Arc<Variant>) {
        let mut state = self.state();
        state.variants.retain(|(known, _)| *known != key);
        state.variants.push((key, Arc::clone(variant)));
        if state.variants.len() > MAX_VARIANTS {
            state.variants.remove(0);
        }
    }

    /// The key that was worked out from these facts before.
    pub(crate) fn key(&self, facts: Facts) -> Option<Digest> {
        self.state().key.filter(|(known, _)| *known == facts).map(|(_, key)| key)
    }

    pub(crate) fn keep_key(&self, facts: Facts, key: Digest) {
        self.state().key = Some((facts, key));
    }

    /// Whether the next session is one of every so many.
    pub(crate) fn is_turn(&self, every: u32) -> bool {
        self.sessions.fetch_add(1, Ordering::Relaxed) % u64::from(every) == 1
    }
}

/// How often a change is tried again when another process was first.
pub(crate) const MAX_TRIES: usize = 256;
/// Most variants of a line whose sessions are counted.
const MAX_FARED: usize = 64;
/// Most activations that are kept.
const MAX_ACTIVATIONS: u64 = 1_000;
