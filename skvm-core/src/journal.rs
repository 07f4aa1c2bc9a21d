//! Journals: what was done is noted at once, so that whoever is broken off goes on from there.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;

/// Remembers entries in their order.
///
/// ```
/// use std::sync::Mutex;
///
/// use serde_json::{Value, json};
/// use skvm_core::journal::{Journal, JournalError};
///
/// #[derive(Default)]
/// struct InMemory(Mutex<Vec<Value>>);
///
/// impl Journal for InMemory {
///     fn entries(&self) -> Result<Vec<Value>, JournalError> {
///         Ok(self.0.lock().unwrap().clone())
///     }
///
///     fn append(&self, entry: &Value) -> Result<(), JournalError> {
///         self.0.lock().unwrap().push(entry.clone());
///         Ok(())
///     }
/// }
///
/// let journal: Box<dyn Journal> = Box::new(InMemory::default());
/// journal.append(&json!("done"))?;
/// assert_eq!(journal.entries()?, [json!("done")]);
/// # Ok::<(), JournalError>(())
/// ```
pub trait Journal: Send + Sync {
    /// What was noted, oldest first.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read.
    fn entries(&self) -> Result<Vec<Value>, JournalError>;

    /// Notes an entry. What it returned from is remembered, also by a process that is killed right behind.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be noted; the work that is noted ends then, as it could not be resumed.
    fn append(&self, entry: &Value) -> Result<(), JournalError>;
}

const _: fn(&dyn Journal) = |_| {};

/// A journal could not be used.
#[derive(Debug, thiserror::Error)]
#[error("using the journal {path}", path = .path.display())]
pub struct JournalError {
    path: PathBuf,
    source: io::Error,
}

impl JournalError {
    /// An error about the journal at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { path: path.into(), source }
    }
}

/// A journal in a file: one JSON object a line, with the digest of the work that it belongs to. A line that a
/// crash cut short, and lines of other work, are passed over.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    work: Digest,
    file: Mutex<File>,
}

#[derive(Serialize, Deserialize)]
struct Line<E> {
    work: Digest,
    entry: E,
}

impl FileJournal {
    /// Opens the journal of some work, or begins one.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be read or written.
    pub fn open(path: impl AsRef<Path>, work: Digest) -> Result<Self, JournalError> {
        let path = path.as_ref().to_owned();
        let failed = |source| JournalError::new(&path, source);
        let mut file =
            OpenOptions::new().create(true).read(true).append(true).open(&path).map_err(failed)?;
        let mut ends_well = true;
        for_each_line(&file, |line| ends_well = line.ends_with(b"\n")).map_err(failed)?;
        if !ends_well {
            file.write_all(b"\n").map_err(failed)?;
        }
        Ok(Self { path, work, file: Mutex::new(file) })
    }

    fn failed(&self, source: io::Error) -> JournalError {
        JournalError::new(&self.path, source)
    }
}

impl Journal for FileJournal {
    fn entries(&self) -> Result<Vec<Value>, JournalError> {
        let _held = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Vec::new();
        let file = File::open(&self.path).map_err(|source| self.failed(source))?;
        let read = for_each_line(&file, |line| {
            if let Ok(Line { work, entry }) = serde_json::from_slice(line)
                && work == self.work
            {
                entries.push(entry);
            }
        });
        read.map_err(|source| self.failed(source))?;
        Ok(entries)
    }

    fn append(&self, entry: &Value) -> Result<(), JournalError> {
        let line = Line { work: self.work, entry };
        let mut text = serde_json::to_vec(&line).map_err(|error| self.failed(error.into()))?;
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text).and_then(|()| file.flush()).map_err(|source| self.failed(source))
    }
}

fn for_each_line(file: &File, mut tell: impl FnMut(&[u8])) -> io::Result<()> {
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        tell(&line);
        line.clear();
    }
    Ok(())
}
