//! Variants as folders, for harnesses that read skills from disk.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use skvm_core::digest::Digest;
use skvm_core::skill::Skill;
use skvm_passes::variant::Variant;

use super::lock::NameLock;

/// Most bytes of one file of a bundle, so that a hostile one does not fill the disk. What the loader takes by default
/// is far below.
const MAX_FILE: u64 = 256 << 20;

/// A variant as a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Materialized {
    /// The folder, with the compiled `SKILL.md` and the files of the bundle.
    pub folder: PathBuf,
    /// What was found wrong with the folder that stood there before, and was built anew; empty when it was as it has
    /// to be, or when there was none.
    pub damage: Vec<String>,
}

/// A variant could not be put into a folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The variant was compiled from another skill, or from another state of it.
    #[error("the variant was not compiled from this state of skill {skill:?}; compile it again")]
    OtherSkill {
        /// The skill's name.
        skill: String,
    },
    /// A file of the skill is not what it was when the skill was loaded.
    #[error("{path} has changed since the skill was loaded; load it again", path = .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A file or folder cannot be used.
    #[error("using {path}", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Puts a variant into a folder below `parent`, named after the skill and the variant's digest. It is built aside and
/// renamed, so that nobody sees half of it; several processes may do so at once. One that stands there already is
/// verified byte by byte, and replaced when anything differs: a changed file, a lost one, one too many.
///
/// # Errors
/// [`FolderError`] when `skill` is not what the variant was compiled from, has changed on disk, or a file cannot be
/// read or written; the folder is then as it was.
pub fn materialize(
    variant: &Variant,
    skill: &Skill,
    parent: &Path,
) -> Result<Materialized, FolderError> {
    if variant.manifest().source != skill.digest() {
        return Err(FolderError::OtherSkill { skill: skill.name().to_owned() });
    }
    let content = Content::of(variant, skill);
    let folder = parent.join(folder_name(variant));
    let failed = |source| FolderError::Io { path: folder.clone(), source };
    let damage = match fs::symlink_metadata(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(failed(error)),
        Ok(_) => {
            let damage = content.differences(&folder);
            if damage.is_empty() {
                return Ok(Materialized { folder, damage });
            }
            damage
        }
    };
    fs::create_dir_all(parent).map_err(failed)?;
    let aside = Aside::new(parent, &folder)?;
    content.write(&aside.built)?;
    if fs::rename(&aside.built, &folder).is_ok() {
        return Ok(Materialized { folder, damage });
    }
    // One at a time replaces what is there, so that nobody takes away what another has just built.
    let _alone = aside.lock().map_err(failed)?;
    for _ in 0..MAX_TRIES {
        if content.differences(&folder).is_empty() {
            return Ok(Materialized { folder, damage });
        }
        // Only an empty folder is replaced by a rename, so what is damaged goes aside first.
        remove(&aside.old);
        match fs::rename(&folder, &aside.old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        if fs::rename(&aside.built, &folder).is_ok() {
            return Ok(Materialized { folder, damage });
        }
    }
    let told = "it is replaced again and again by somebody else";
    Err(failed(io::Error::new(io::ErrorKind::ResourceBusy, told)))
}

/// How often a folder that somebody else replaces is tried.
const MAX_TRIES: usize = 16;

/// How long to wait for another who replaces the same folder.
const PATIENCE: Duration = Duration::from_secs(30);

/// The name of the folder: letters, digits, `-`, `_` and `.` of the skill's name, and the digest.
fn folder_name(variant: &Variant) -> String {
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let name: String = variant.manifest().skill.chars().filter(legal).take(64).collect();
    let name = if name.is_empty() { "skill".to_owned() } else { name };
    format!("{name}-{}", variant.digest().short())
}

/// The folders beside the one that is built, gone at the end.
struct Aside {
    built: PathBuf,
    old: PathBuf,
    lock: PathBuf,
}

impl Aside {
    fn new(parent: &Path, folder: &Path) -> Result<Self, FolderError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        for _ in 0..1_000 {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let aside = format!(".{name}.{}.{number}", std::process::id());
            let built = parent.join(format!("{aside}.new"));
            match fs::create_dir(&built) {
                Ok(()) => {
                    let old = parent.join(format!("{aside}.old"));
                    return Ok(Self { built, old, lock: parent.join(format!(".{name}.lock")) });
                }
                // Left by a process of the same number that was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(FolderError::Io { path: built, source }),
            }
        }
        let source = io::Error::new(io::ErrorKind::AlreadyExists, "no name is free");
        Err(FolderError::Io { path: parent.to_owned(), source })
    }

    /// Waits until nobody else replaces the folder.
    fn lock(&self) -> io::Result<NameLock> {
        let began = Instant::now();
        loop {
            if let Some(lock) = NameLock::take(&self.lock)? {
                return Ok(lock);
            }
            if began.elapsed() >= PATIENCE {
                let told = "another process has replaced it for too long";
                return Err(io::Error::new(io::ErrorKind::TimedOut, told));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        remove(&self.built);
        remove(&self.old);
    }
}

/// Removes whatever lies at a path; what cannot be removed is left under its name aside.
fn remove(path: &Path) {
    let _gone = match fs::symlink_metadata(path) {
        Ok(data) if data.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
}

/// What a folder has to hold.
struct Content<'a> {
    entry: &'a str,
    text: &'a str,
    /// Where the bundle is read from.
    root: &'a Path,
    /// By path: digest, size, whether it is executable.
    files: BTreeMap<&'a str, (Digest, u64, bool)>,
}

impl<'a> Content<'a> {
    fn of(variant: &'a Variant, skill: &'a Skill) -> Self {
        let files = skill.bundle().files().iter();
        let files = files.filter(|file| file.path() != skill.entry());
        Self {
            entry: skill.entry(),
            text: variant.text(),
            root: skill.root(),
            files: files
                .map(|file| (file.path(), (file.digest(), file.size(), file.is_executable())))
                .collect(),
        }
    }

    fn write(&self, folder: &Path) -> Result<(), FolderError> {
        let write = |path: &Path, content: &[u8]| {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(path, content)
        };
        let failed = |path: &Path, source| FolderError::Io { path: path.to_owned(), source };
        let entry = folder.join(self.entry);
        write(&entry, self.text.as_bytes()).map_err(|source| failed(&entry, source))?;
        for (path, (digest, size, executable)) in &self.files {
            let from = self.root.join(path);
            // It may be a link within the skill; the digest tells whether it is still what was loaded.
            let content = fs::canonicalize(&from)
                .and_then(|real| read(&real, *size))
                .map_err(|source| failed(&from, source))?;
            if Digest::of(&content) != *digest {
                return Err(FolderError::Changed { path: from });
            }
            let to = folder.join(path);
            write(&to, &content)
                .and_then(|()| set_executable(&to, *executable))
                .map_err(|source| failed(&to, source))?;
        }
        Ok(())
    }

    /// What is wrong with a folder.
    fn differences(&self, folder: &Path) -> Vec<String> {
        // A link could lead to another one tomorrow.
        if !fs::symlink_metadata(folder).is_ok_and(|data| data.is_dir()) {
            return Vec::from([format!("{} is no folder", folder.display())]);
        }
        let mut found = Vec::new();
        let mut present = Vec::new();
        list(folder, String::new(), 0, &mut present, &mut found);
        for path in &present {
            if path != self.entry && !self.files.contains_key(path.as_str()) {
                found.push(format!("{path} does not belong there"));
            }
        }
        let entry = read(&folder.join(self.entry), self.text.len() as u64);
        if !entry.is_ok_and(|content| content == self.text.as_bytes()) {
            found.push(format!("{} is not as it was compiled", self.entry));
        }
        for (path, (digest, size, executable)) in &self.files {
            let place = folder.join(path);
            let content = read(&place, *size);
            if !content.is_ok_and(|content| Digest::of(&content) == *digest) {
                found.push(format!("{path} is not as the skill has it"));
            } else if is_executable(&place) != *executable {
                found.push(format!("{path} may be executed, or may not, other than in the skill"));
            }
        }
        found.sort();
        found
    }
}

/// Folders that interpreters make beside the scripts that they run.
const CACHES: [&str; 2] = ["__pycache__", ".pytest_cache"];

/// Most folders inside each other; the loader takes fewer.
const MAX_DEPTH: usize = 64;

/// The files below a folder, and what is there that is neither file nor folder.
fn list(
    folder: &Path,
    prefix: String,
    depth: usize,
    present: &mut Vec<String>,
    found: &mut Vec<String>,
) {
    let Ok(entries) = fs::read_dir(folder) else {
        found.push(format!("{} cannot be read", folder.display()));
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        match entry.file_type() {
            // What running a script leaves behind. It goes, so that nobody plants anything in it.
            Ok(kind)
                if kind.is_dir()
                    && CACHES.contains(&entry.file_name().to_string_lossy().as_ref()) =>
            {
                remove(&entry.path());
            }
            Ok(kind) if kind.is_dir() && depth < MAX_DEPTH => {
                list(&entry.path(), path, depth + 1, present, found);
            }
            Ok(kind) if kind.is_file() => present.push(path),
            _ => found.push(format!("{path} is no plain file")),
        }
    }
}

/// The content of a plain file of exactly that size.
fn read(path: &Path, size: u64) -> io::Result<Vec<u8>> {
    let data = fs::symlink_metadata(path)?;
    if !data.is_file() || data.len() != size || size > MAX_FILE {
        let told = "it is no plain file of the size that it has to have";
        return Err(io::Error::new(io::ErrorKind::InvalidData, told));
    }
    fs::read(path)
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::symlink_metadata(path).is_ok_and(|data| data.permissions().mode() & 0o100 != 0)
}

#[cfg(unix)]
fn set_executable(path: &Path, executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if executable { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// The system has no such bit.
#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn set_executable(_: &Path, _: bool) -> io::Result<()> {
    Ok(())
}
