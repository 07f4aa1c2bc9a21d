//! What an execution has done, so that the next one goes on from there.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skvm_core::artifact::{StepId, Workflow};
use skvm_core::digest::Digest;

/// Remembers the results of steps.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::Mutex;
///
/// use serde_json::Value;
/// use skvm_core::artifact::StepId;
/// use skvm_runtime::scheduler::{Journal, JournalError};
///
/// #[derive(Default)]
/// struct InMemory(Mutex<BTreeMap<StepId, Value>>);
///
/// impl Journal for InMemory {
///     fn recorded(&self) -> BTreeMap<StepId, Value> {
///         self.0.lock().unwrap().clone()
///     }
///
///     fn record(&self, step: StepId, value: &Value) -> Result<(), JournalError> {
///         self.0.lock().unwrap().insert(step, value.clone());
///         Ok(())
///     }
/// }
///
/// let journal: Box<dyn Journal> = Box::new(InMemory::default());
/// # drop(journal);
/// ```
pub trait Journal: Send + Sync {
    /// The results of the steps that were done before.
    fn recorded(&self) -> BTreeMap<StepId, Value>;

    /// Notes the result of a step. What it returned from is remembered, also by a process that is killed
    /// right behind.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be noted; the execution ends then, as it could not be resumed.
    fn record(&self, step: StepId, value: &Value) -> Result<(), JournalError>;
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

/// A journal in a file: one JSON object a line. A line that a crash cut short, and lines of another workflow,
/// are passed over.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    workflow: Digest,
    recorded: BTreeMap<StepId, Value>,
    file: Mutex<File>,
}

#[derive(Serialize, Deserialize)]
struct Line<V> {
    workflow: Digest,
    step: StepId,
    value: V,
}

impl FileJournal {
    /// Opens the journal of a workflow, or begins one.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be read or written.
    pub fn open(path: impl AsRef<Path>, workflow: &Workflow) -> Result<Self, JournalError> {
        let path = path.as_ref().to_owned();
        let failed = |source| JournalError { path: path.clone(), source };
        // The type holds nothing that serde_json refuses.
        let json = serde_json::to_vec(workflow).unwrap_or_default();
        let workflow = Digest::builder("workflow-journal").field(&json).finish();
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path);
        let mut file = file.map_err(failed)?;
        let (mut recorded, mut ends_well) = (BTreeMap::new(), true);
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            ends_well = line.ends_with(b"\n");
            if let Ok(read) = serde_json::from_slice::<Line<Value>>(&line)
                && read.workflow == workflow
            {
                recorded.insert(read.step, read.value);
            }
            line.clear();
        }
        if !ends_well {
            file.write_all(b"\n").map_err(failed)?;
        }
        Ok(Self { path, workflow, recorded, file: Mutex::new(file) })
    }
}

impl Journal for FileJournal {
    fn recorded(&self) -> BTreeMap<StepId, Value> {
        self.recorded.clone()
    }

    fn record(&self, step: StepId, value: &Value) -> Result<(), JournalError> {
        let failed = |source| JournalError { path: self.path.clone(), source };
        let line = Line { workflow: self.workflow, step, value };
        let mut text = serde_json::to_vec(&line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text).and_then(|()| file.flush()).map_err(failed)
    }
}
