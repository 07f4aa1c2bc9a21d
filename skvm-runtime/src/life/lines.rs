//! Lines as this process knows them, and as the store has them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
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
    /// The key that was worked out last, and from what.
    key: Option<(Facts, Digest)>,
    /// The variant on trial, and how many sessions began here with the active one and with that.
    begun: Option<(Digest, [u32; 2])>,
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
    fn take(&mut self, record: &StoredRecord) {
        self.revision = record.revision;
        let value = record.value.as_deref().map(serde_json::from_str);
        self.value = match value {
            Some(Ok(value)) => Some(Arc::new(value)),
            Some(Err(error)) => {
                warn!(%error, "a record of a skill's life cannot be read and begins anew");
                None
            }
            None => None,
        };
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
        Self { id, is_renewing: AtomicBool::new(false), state: Mutex::default() }
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
        Ok(self.state().evidence.value.as_deref().cloned().unwrap_or_default())
    }

    async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        let since = self.state().revision;
        let changed = store.records(self.id, since).await?;
        if changed.is_empty() {
            return Ok(());
        }
        let mut state = self.state();
        for record in changed.iter().filter(|record| record.revision > since) {
            state.revision = state.revision.max(record.revision);
            if record.key == key("line") {
                state.line.take(record);
            } else if record.key == key("evidence") {
                state.evidence.take(record);
            } else if record.key == key("fared") {
                state.fared.take(record);
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
        let revision = self.state().line.revision;
        self.write(store, "line", revision, line).await
    }

    /// Writes the evidence, if nobody has written it since it was read.
    pub(crate) async fn write_evidence(
        &self,
        store: &dyn Store,
        evidence: &Evidence,
    ) -> Result<bool, StoreError> {
        let revision = self.state().evidence.revision;
        self.write(store, "evidence", revision, evidence).await
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
        let written = store.swap_record(self.id, key(name), revision, Some(&json)).await?;
        self.refresh(store).await?;
        Ok(written.is_some())
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

    /// Notes an activation. The number is how many there were before.
    pub(crate) async fn note(
        &self,
        store: &dyn Store,
        number: u64,
        activation: &Activation,
    ) -> Result<(), StoreError> {
        let key = |number: u64| {
            Digest::builder("skvm/activation/1").field(&number.to_le_bytes()).finish()
        };
        let json = serde_json::to_string(activation)
            .map_err(|error| StoreError::new("writing an activation").with_source(error))?;
        let scope = self.history_scope();
        store.swap_record(scope, key(number), 0, Some(&json)).await?;
        if let Some(old) = number.checked_sub(MAX_ACTIVATIONS) {
            let old = key(old);
            let known = store.records(scope, 0).await?;
            if let Some(known) = known.iter().find(|record| record.key == old) {
                store.swap_record(scope, old, known.revision, None).await?;
            }
        }
        Ok(())
    }

    /// What was active when, and how it fared.
    pub(crate) async fn history(&self, store: &dyn Store) -> Result<History, StoreError> {
        self.refresh(store).await?;
        let records = store.records(self.history_scope(), 0).await?;
        let read = records.iter().filter_map(|record| record.value.as_deref());
        // They come in the order in which they were written, which the clock need not keep to.
        let activations = read.filter_map(|json| serde_json::from_str(json).ok()).collect();
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

    /// Whether the next session is one of every so many that a trial gets. It goes by the sessions that began here and by
    /// those that ended anywhere: a process may begin one session and no more.
    pub(crate) fn is_turn(&self, trial: Digest, every: u32) -> bool {
        let state = self.state();
        let begun = state.begun.filter(|(of, _)| *of == trial).map_or([0; 2], |(_, begun)| begun);
        let ended = state.evidence.value.as_deref().map_or([0; 2], Evidence::trial_sessions);
        let [old, new] = [0, 1].map(|side| u64::from(begun[side].max(ended[side])));
        (new + 1) * u64::from(every) <= old + new + 1
    }

    /// Notes that a session begins, for whose turn it is next. Only to load a variant takes nobody's turn.
    pub(crate) fn begins(&self, variant: Digest) {
        let mut state = self.state();
        let Some(line) = state.line.value.clone() else { return };
        let Some(trial) = line.trial.as_ref().map(|fix| fix.variant.variant) else { return };
        let is_active = line.active.as_ref().is_some_and(|active| active.variant == variant);
        if variant != trial && !is_active {
            return;
        }
        let begun = state.begun.filter(|(of, _)| *of == trial).map_or([0; 2], |(_, begun)| begun);
        let [old, new] = begun;
        let begun = if variant == trial {
            [old, new.saturating_add(1)]
        } else {
            [old.saturating_add(1), new]
        };
        state.begun = Some((trial, begun));
    }
}

/// How often a change is tried again when another process was first.
pub(crate) const MAX_TRIES: usize = 256;
/// Most variants of a line whose sessions are counted.
const MAX_FARED: usize = 64;
/// Most activations that are kept.
const MAX_ACTIVATIONS: u64 = 1_000;
