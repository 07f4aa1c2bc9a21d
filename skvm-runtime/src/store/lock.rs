//! Locks by name, between threads and processes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A locked file. The system lets go of it when the process ends, however that happens.
pub(super) struct NameLock {
    path: PathBuf,
    file: File,
}

impl NameLock {
    /// The lock, if nobody has it.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        let open = || OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = match open() {
            // Somebody has cleaned up.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                open()?
            }
            opened => opened?,
        };
        match file.try_lock() {
            // Whoever had it before has removed the file, and others may have made a new one.
            Ok(()) if !is_at(&file, path)? => Ok(None),
            Ok(()) => Ok(Some(Self { path: path.to_owned(), file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for NameLock {
    fn drop(&mut self) {
        // Before it is unlocked, so that only a locked file is ever removed. One that stays is used again.
        if cfg!(unix) {
            let _stays = fs::remove_file(&self.path);
        }
        let _closing_does_it = self.file.unlock();
    }
}

/// Whether an open file is still the one that its path leads to.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let here = match fs::metadata(path) {
        Ok(here) => here,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let held = file.metadata()?;
    Ok((held.dev(), held.ino()) == (here.dev(), here.ino()))
}

/// Files are not removed there.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}
