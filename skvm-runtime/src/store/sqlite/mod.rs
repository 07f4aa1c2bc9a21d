//! A store in a file: SQLite in WAL mode, shared by processes.

mod collect;
mod database;
mod quarantine;
mod repair;
mod row;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;
use skvm_core::digest::Digest;
use skvm_core::llm::LlmResponse;
use skvm_passes::variant::Variant;

use super::collection::unix_millis;
use super::lock::NameLock;
use super::{Collected, Damage, Keep, Lease, Store, StoreError, StoreLimits, StoredRecord, lease};
use crate::trace::Trace;
use database::failed;
use row::{Kind, Row};
use writer::Writer;

/// How a [`SqliteStore`] works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct SqliteOptions {
    busy: Duration,
    outlives_power: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { busy: Duration::from_secs(30), outlives_power: false }
    }
}

impl SqliteOptions {
    /// How long a write waits for those of other processes. Default 30 s.
    pub fn busy(mut self, patience: Duration) -> Self {
        self.busy = patience;
        self
    }

    /// Whether what was written outlives a failure of the machine too, for a wait for the disk at every write. Default
    /// no: it outlives the process however that ends; with the power, the last writes may go, and nothing is damaged.
    pub fn outlives_power(mut self, outlives: bool) -> Self {
        self.outlives_power = outlives;
        self
    }
}

/// A [`Store`] in an SQLite database, for several processes at once.
///
/// What was written is there after the process was killed at any point. Every row carries the digest of what it
/// holds: one that differs is set aside, [told](Store::take_damage), and not served. Reads are done where they are
/// awaited and take microseconds; writes go through a thread of the store's own. No executor is needed.
///
/// Beside the database lie files of SQLite's own (`-wal`, `-shm`), and a folder `…-leases`. The file system must
/// support locks: no network share.
///
/// ```
/// use skvm_core::digest::Digest;
/// use skvm_runtime::store::{SqliteStore, Store};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("skvm.sqlite");
/// # futures::executor::block_on(async {
/// let (scope, key) = (Digest::of(b"scope"), Digest::of(b"key"));
/// let store = SqliteStore::open(&path)?;
/// assert_eq!(store.swap_record(scope, key, 0, Some("kept")).await?, Some(1));
/// drop(store);
///
/// let again = SqliteStore::open(&path)?;
/// assert_eq!(again.records(scope, 0).await?[0].value.as_deref(), Some("kept"));
/// # Ok::<(), skvm_runtime::store::StoreError>(())
/// # }).unwrap();
/// ```
pub struct SqliteStore {
    path: PathBuf,
    options: SqliteOptions,
    readers: Mutex<Vec<Connection>>,
    writer: Writer,
    damage: Arc<Mutex<Vec<Damage>>>,
    _in_use: File,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Most connections that are kept for reading.
const MAX_READERS: usize = 8;

/// How old the note of the last use of a variant or an answer may get before it is made again.
const TOUCH_AFTER_MILLIS: u64 = 24 * 3600 * 1000;

impl SqliteStore {
    /// Opens a database, or makes one, with the folders that lead to it.
    ///
    /// A database whose structure is damaged is renamed and [told](Store::take_damage); what can be read of it goes
    /// into a new one. That is done when it cannot be opened, and when damage was found in it earlier and nobody else
    /// uses it. A file that is not ours is refused, and one that a newer version of this library made.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be used.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteOptions::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be used.
    pub fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let path = database::absolute(path.as_ref())?;
        let opened = database::open(&path, options)?;
        Ok(Self {
            writer: Writer::start(&path, opened.connection)?,
            path,
            options,
            readers: Mutex::default(),
            damage: Arc::new(Mutex::new(opened.damage)),
            _in_use: opened.in_use,
        })
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at everything: the structure of the database, and every row against its digest. What is damaged is set
    /// aside and given back. Takes as long as reading the file.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read. Its structure is damaged then, as it is when that is among what
    /// is given back: [opening](Self::open) it again puts a new one in its place.
    pub async fn verify(&self) -> Result<Vec<Damage>, StoreError> {
        let found = self.write("verifying the store", quarantine::sweep).await?;
        if found.iter().any(|damage| damage.kept.is_none()) {
            repair::note(&self.path);
        }
        self.report(&found);
        Ok(found)
    }

    /// What was ever set aside, oldest first. It lies in the database until [`collect`](Store::collect) finds it older
    /// than its limit.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn quarantined(&self) -> Result<Vec<Damage>, StoreError> {
        self.read("listing what was set aside", quarantine::list)
    }

    fn damage(&self) -> MutexGuard<'_, Vec<Damage>> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, found: &[Damage]) {
        for damage in found {
            tracing::warn!(store = %self.path.display(), %damage, "damage in the store");
        }
        self.damage().extend_from_slice(found);
    }

    /// Reads on a connection of its own.
    fn read<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let pooled = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match pooled {
            Some(connection) => connection,
            None => database::connect(&self.path, self.options)
                .map_err(|error| failed(what, &self.path, error))?,
        };
        let outcome = work(&connection).map_err(|error| failed(what, &self.path, error))?;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < MAX_READERS {
            readers.push(connection);
        }
        Ok(outcome)
    }

    /// Does something in one transaction, on the writing thread.
    async fn write<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.transact(what, work).await
    }

    /// Sets rows aside that are not what was written.
    async fn set_aside(&self, rows: Vec<(Row, String)>) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let work = move |db: &Connection| quarantine::set_aside(db, rows);
        let found = self.write("setting a damaged row aside", work).await?;
        self.report(&found);
        Ok(())
    }

    /// What lies under a key, read by `parse`; a damaged one is set aside and told.
    async fn found<T>(
        &self,
        kind: Kind,
        key: Digest,
        parse: impl FnOnce(&str) -> Result<T, serde_json::Error>,
    ) -> Result<Option<T>, StoreError> {
        let now = unix_millis();
        let what = "reading the store";
        let Some((row, used)) = self.read(what, |db| Row::by_key(db, kind, key))? else {
            return Ok(None);
        };
        let parsed = match row.checked() {
            Ok(body) => parse(body).map_err(|error| error.to_string()),
            Err(reason) => Err(reason),
        };
        match parsed {
            Ok(value) => {
                if now.saturating_sub(used) > TOUCH_AFTER_MILLIS {
                    // Whoever reads waits for nobody who writes.
                    self.writer.hand_over(move |db| Row::touch(db, kind, key, now));
                }
                Ok(Some(value))
            }
            Err(reason) => {
                let what = format!("{} in {}: {reason}", row.name(), self.path.display());
                self.set_aside(Vec::from([(row, reason)])).await?;
                Err(StoreError::damaged(what))
            }
        }
    }

    /// Writes something under a key.
    async fn put(&self, kind: Kind, key: Digest, body: String) -> Result<(), StoreError> {
        let work = move |db: &Connection| Row::put(db, kind, key, &body, unix_millis());
        self.write("writing to the store", work).await
    }
}

/// JSON of what holds nothing that `serde_json` refuses, or an error all the same.
fn json(what: &impl serde::Serialize, name: &str) -> Result<String, StoreError> {
    serde_json::to_string(what)
        .map_err(|error| StoreError::new(format!("writing {name} as JSON")).with_source(error))
}

#[async_trait]
impl Store for SqliteStore {
    async fn variant(&self, key: Digest) -> Result<Option<Arc<Variant>>, StoreError> {
        let read = |body: &str| serde_json::from_str::<Variant>(body).map(Arc::new);
        self.found(Kind::Variant, key, read).await
    }

    async fn publish(&self, key: Digest, variant: Arc<Variant>) -> Result<(), StoreError> {
        self.put(Kind::Variant, key, json(&*variant, "a variant")?).await
    }

    async fn answer(&self, request: Digest) -> Result<Option<LlmResponse>, StoreError> {
        self.found(Kind::Answer, request, |body| serde_json::from_str(body)).await
    }

    async fn record_answer(&self, request: Digest, answer: &LlmResponse) -> Result<(), StoreError> {
        self.put(Kind::Answer, request, json(answer, "an answer")?).await
    }

    async fn append_trace(&self, trace: &Trace) -> Result<(), StoreError> {
        let Some(skill) = trace.skill else { return Ok(()) };
        let body = json(trace, "a trace")?;
        let work = move |db: &Connection| Row::append_trace(db, skill, &body, unix_millis());
        self.write("adding a trace", work).await
    }

    async fn traces(&self, skill: Digest) -> Result<Vec<Trace>, StoreError> {
        let rows = self.read("reading traces", |db| Row::traces(db, skill))?;
        let (mut traces, mut damaged) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let parsed = row.checked().and_then(|body| {
                serde_json::from_str::<Trace>(body).map_err(|error| error.to_string())
            });
            match parsed {
                Ok(trace) => traces.push(trace),
                Err(reason) => damaged.push((row, reason)),
            }
        }
        self.set_aside(damaged).await?;
        Ok(traces)
    }

    async fn records(&self, scope: Digest, since: u64) -> Result<Vec<StoredRecord>, StoreError> {
        let read = |since| self.read("reading records", move |db| Row::records(db, scope, since));
        let rows = read(since)?;
        let (mut records, mut damaged) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            match row.checked_record() {
                Ok(record) => records.push(record),
                Err(reason) => damaged.push((row, reason)),
            }
        }
        if damaged.is_empty() {
            return Ok(records);
        }
        self.set_aside(damaged).await?;
        // What was set aside now stands there as removed.
        let rows = read(since)?;
        Ok(rows.iter().filter_map(|row| row.checked_record().ok()).collect())
    }

    async fn swap_record(
        &self,
        scope: Digest,
        key: Digest,
        expected: u64,
        value: Option<&str>,
    ) -> Result<Option<u64>, StoreError> {
        let value = value.map(str::to_owned);
        let swap = move |db: &Connection| {
            let now = unix_millis();
            let swapped = row::swap_record(db, scope, key, expected, value.as_deref(), now)?;
            // It may have another revision because it is damaged.
            let found = match swapped {
                Some(_) => Vec::new(),
                None => quarantine::set_record_aside(db, scope, key)?,
            };
            Ok((swapped, found))
        };
        let (swapped, found) = self.write("writing a record", swap).await?;
        self.report(&found);
        Ok(swapped)
    }

    async fn lease(&self, name: Digest, patience: Duration) -> Result<Option<Lease>, StoreError> {
        let folder = database::beside(&self.path, "-leases");
        let path = folder.join(format!("{name}.lock"));
        let take = move || {
            NameLock::take(&path).map(|held| held.map(Lease::holding)).map_err(|error| {
                StoreError::new(format!("locking {}", path.display())).with_source(error)
            })
        };
        lease::wait(patience, take).await
    }

    async fn collect(&self, limits: &StoreLimits, keep: &Keep) -> Result<Collected, StoreError> {
        let (limits, keep) = (*limits, keep.clone());
        let work = move |db: &Connection| collect::collect(db, &limits, &keep, unix_millis());
        let collected = self.write("collecting garbage", work).await?;
        self.writer.shrink().await?;
        Ok(collected)
    }

    fn take_damage(&self) -> Vec<Damage> {
        std::mem::take(&mut self.damage())
    }
}
