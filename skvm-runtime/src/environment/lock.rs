//! One at a time, also between processes.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::PrepareError;

/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Held until it is dropped; the system lets go of it when the process ends, however that happens.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock of that file, for `patience` at most.
    pub(super) async fn take(path: &Path, patience: Duration) -> Result<Self, PrepareError> {
        let failed = |source| PrepareError::Folder { path: path.to_owned(), source };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(failed)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) if started.elapsed() >= patience => {
                    let waited = started.elapsed();
                    return Err(PrepareError::Busy { path: path.to_owned(), waited });
                }
                Err(TryLockError::WouldBlock) => {
                    sleep(PAUSE.min(patience.saturating_sub(started.elapsed()))).await;
                }
            }
        }
    }
}
