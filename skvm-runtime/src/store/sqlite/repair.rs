//! A database whose structure is damaged is set aside, and what can be read of it goes into a new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Result};

use super::super::collection::unix_millis;
use super::database::beside;
use super::row::{Kind, Row};

/// Where it stands that something was found damaged in the structure.
fn mark(path: &Path) -> PathBuf {
    beside(path, "-leases").join("damaged")
}

/// Notes that something is wrong with the structure, for whoever opens the database next.
pub(super) fn note(path: &Path) {
    // Where that cannot be noted, it will be found again.
    let _not_noted = fs::write(mark(path), "");
}

pub(super) fn is_noted(path: &Path) -> bool {
    mark(path).exists()
}

pub(super) fn forget(path: &Path) {
    // Where that fails, it is looked at once more.
    let _was_not_noted = fs::remove_file(mark(path));
}

/// Renames the database and what belongs to it.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let kept = beside(path, &format!("-damaged-{}", unix_millis()));
    fs::rename(path, &kept)?;
    for suffix in ["-wal", "-shm"] {
        match fs::rename(beside(path, suffix), beside(&kept, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(kept)
}

/// Copies every row that can be read and is what was written.
pub(super) fn rescue(from: &Connection, to: &mut Connection) -> Result<()> {
    let (rescued, now) = (to.transaction()?, unix_millis());
    for kind in Kind::ALL {
        // It ends where nothing can be read any more, and what is not whole stays behind.
        let _end = Row::for_each(from, kind, |row| {
            let _behind = row.restore(&rescued, now);
        });
    }
    rescued.commit()
}
