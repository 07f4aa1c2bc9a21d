//! Lines as this process knows them, and as the store has them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use skvm_core::digest::Digest;
use skvm_passes::variant::Variant;

use super::history::{Fared, History};
use super::line::{Line, Trial};
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
    is_renewing: AtomicBool,
    /// Held by the review that looks for a fix.
    pub(crate) deciding: futures::lock::Mutex<()>,
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
    /// The variant on trial, and how many sessions began here with that and with the active one.
    begun: Option<(Digest, (u64, u64))>,
}

/// What a key was worked out from: the skill, the lessons, and the engine's profiles.
pub(crate) type Facts = (Digest, Digest, u64);

/// A value as it was read, and the revision by which it can be replaced.
pub(crate) struct Read<T> {
    pub(crate) revision: u64,
    pub(crate) value: Option<Arc<T>>,
}

/// A record as it is in the store.
struct Kept<T> {
    revision: u64,
    value: Result<Option<Arc<T>>, String>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { revision: 0, value: Ok(None) }
    }
}

impl<T: DeserializeOwned> Kept<T> {
    /// Takes a record in, unless a later one is here already.
    fn take(&mut self, record: &StoredRecord) {
        if record.revision <= self.revision {
            return;
        }
        self.revision = record.revision;
        let value = record.value.as_deref().map(serde_json::from_str).transpose();
        self.value = value.map(|value| value.map(Arc::new)).map_err(|error| error.to_string());
    }

    fn read(&self, name: &str) -> Result<Read<T>, StoreError> {
        let unreadable = |error: &String| {
            let made = "it was written by another version of SkVM";
            StoreError::new(format!("reading the {name} of a skill ({error}): {made}"))
        };
        let value = self.value.as_ref().map_err(unreadable)?.clone();
        Ok(Read { revision: self.revision, value })
    }
}

/// Most variants that are kept ready for one line.
const MAX_VARIANTS: usize = 4;

/// How often a change is tried again when another process was first.
const MAX_TRIES: usize = 256;

/// Most variants of a line whose sessions are counted.
const MAX_FARED: usize = 64;

/// The records of a line.
fn key(name: &str) -> Digest {
    Digest::builder("skvm/line/record/1").field(name.as_bytes()).finish()
}

/// How a record of each kind is called, in the store and to people.
const LINE: &str = "life";
const EVIDENCE: &str = "evidence";
const FARED: &str = "counts";

impl LineHandle {
    fn new(id: Digest) -> Self {
        Self {
            id,
            is_renewing: AtomicBool::new(false),
            deciding: futures::lock::Mutex::new(()),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The line as the store has it now.
    pub(crate) async fn line(&self, store: &dyn Store) -> Result<Read<Line>, StoreError> {
        self.refresh(store).await?;
        self.state().line.read(LINE)
    }

    /// What sessions showed, as the store has it now.
    pub(crate) async fn evidence(&self, store: &dyn Store) -> Result<Read<Evidence>, StoreError> {
        self.refresh(store).await?;
        self.state().evidence.read(EVIDENCE)
    }

    /// Takes in what is new in the store.
    async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        let since = self.state().revision;
        let changed = store.records(self.id, since).await?;
        if changed.is_empty() {
            return Ok(());
        }
        let mut state = self.state();
        for record in &changed {
            state.revision = state.revision.max(record.revision);
            if record.key == key(LINE) {
                state.line.take(record);
            } else if record.key == key(EVIDENCE) {
                state.evidence.take(record);
            } else if record.key == key(FARED) {
                state.fared.take(record);
            }
        }
        Ok(())
    }

    /// Writes the line, if it still is as it was read.
    pub(crate) async fn write_line(
        &self,
        store: &dyn Store,
        revision: u64,
        line: &Line,
    ) -> Result<bool, StoreError> {
        self.write(store, LINE, revision, line).await
    }

    async fn write(
        &self,
        store: &dyn Store,
        name: &str,
        revision: u64,
        value: &impl Serialize,
    ) -> Result<bool, StoreError> {
        let json = serde_json::to_string(value)
            .map_err(|error| StoreError::new(format!("writing the {name}")).with_source(error))?;
        Ok(store.swap_record(self.id, key(name), revision, Some(&json)).await?.is_some())
    }

    /// Changes what is known of sessions. Gives it as it is then.
    pub(crate) async fn learn(
        &self,
        store: &dyn Store,
        change: impl Fn(&mut Evidence),
    ) -> Result<Evidence, StoreError> {
        for _ in 0..MAX_TRIES {
            let Read { revision, value } = self.evidence(store).await?;
            let mut evidence = value.as_deref().cloned().unwrap_or_default();
            change(&mut evidence);
            if self.write(store, EVIDENCE, revision, &evidence).await? {
                return Ok(evidence);
            }
        }
        Err(StoreError::new("noting a session: others are always first"))
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
            let Read { revision, value } = self.state().fared.read(FARED)?;
            let mut fared = value.as_deref().cloned().unwrap_or_default();
            if fared.len() >= MAX_FARED && !fared.contains_key(&variant) {
                // The one with the fewest sessions says least.
                let sessions = |it: &Fared| it.clean + it.mended + it.failed + it.spoiled;
                let least = fared.iter().min_by_key(|(id, it)| (sessions(it), **id));
                let least = least.map(|(id, _)| *id);
                least.and_then(|id| fared.remove(&id));
            }
            count(fared.entry(variant).or_default());
            if self.write(store, FARED, revision, &fared).await? {
                return Ok(());
            }
        }
        Err(StoreError::new("counting a session: others are always first"))
    }

    /// What was active when, and how it fared.
    pub(crate) async fn history(&self, store: &dyn Store) -> Result<History, StoreError> {
        let line = self.line(store).await?.value;
        let fared = self.state().fared.read(FARED)?.value;
        Ok(History {
            activations: line.map(|line| line.activations.clone()).unwrap_or_default(),
            fared: fared.as_deref().cloned().unwrap_or_default(),
        })
    }

    /// A variant that was used before.
    pub(crate) fn variant(&self, key: Digest) -> Option<Arc<Variant>> {
        let state = self.state();
        state.variants.iter().find(|(known, _)| *known == key).map(|(_, it)| Arc::clone(it))
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
    pub(crate) fn is_turn(&self, trial: &Trial, every: u32) -> bool {
        let begun = self.begun(trial.fix.variant.variant);
        let (new, old) = (begun.0.max(trial.tally.ended.0), begun.1.max(trial.tally.ended.1));
        (new + 1).saturating_mul(u64::from(every)) <= new + old + 1
    }

    /// How many sessions began here while a variant is on trial: with that, and with the active one.
    fn begun(&self, trial: Digest) -> (u64, u64) {
        self.state().begun.filter(|(of, _)| *of == trial).map_or((0, 0), |(_, begun)| begun)
    }

    /// Notes that a session begins, for whose turn it is next. Only to load a variant takes nobody's turn.
    pub(crate) fn begins(&self, variant: Digest) {
        let line = self.state().line.value.clone().ok().flatten();
        let Some(line) = line else { return };
        let Some(trial) = line.trial.as_ref().map(|trial| trial.fix.variant.variant) else {
            return;
        };
        let (new, old) = self.begun(trial);
        let is_active = line.active.as_ref().is_some_and(|active| active.variant == variant);
        let begun = match variant == trial {
            true => (new + 1, old),
            false if is_active => (new, old + 1),
            false => return,
        };
        self.state().begun = Some((trial, begun));
    }

    /// Whether nobody compiles in the background yet; whoever gets `Some` does until it is dropped.
    pub(crate) fn begin_renewing(self: &Arc<Self>) -> Option<Renewing> {
        let is_free = !self.is_renewing.swap(true, Ordering::AcqRel);
        is_free.then(|| Renewing(Arc::clone(self)))
    }
}

/// See [`LineHandle::begin_renewing`].
pub(crate) struct Renewing(Arc<LineHandle>);

impl Drop for Renewing {
    fn drop(&mut self) {
        self.0.is_renewing.store(false, Ordering::Release);
    }
}
