//! Finding the skills below a path.

use std::path::{Path, PathBuf};

use super::load::{LoadError, find_entry, is_excluded};

/// Folders deeper than this are not searched.
const MAX_DEPTH: usize = 32;

/// Every skill at or below `path`, in path order: folders that hold a `SKILL.md` in any letter case,
/// nested ones included, and `path` itself when it is a file. Symbolic links to folders are not
/// followed; folders such as `.git` and `node_modules` are passed over.
///
/// # Errors
/// [`LoadError`] when `path` is missing or a folder cannot be read.
pub fn discover(path: impl AsRef<Path>) -> Result<Vec<PathBuf>, LoadError> {
    let path = path.as_ref();
    let metadata = std::fs::metadata(path).map_err(|error| LoadError::io(path, error))?;
    if metadata.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    search(path, 0, &mut found)?;
    found.sort();
    Ok(found)
}

fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    if depth > MAX_DEPTH {
        return Ok(());
    }
    if find_entry(folder)?.is_some() {
        found.push(folder.to_owned());
    }
    let entries = std::fs::read_dir(folder).map_err(|error| LoadError::io(folder, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| LoadError::io(folder, error))?;
        let kind = entry.file_type().map_err(|error| LoadError::io(&entry.path(), error))?;
        if kind.is_dir() && !is_excluded(&entry.file_name()) {
            search(&entry.path(), depth + 1, found)?;
        }
    }
    Ok(())
}
