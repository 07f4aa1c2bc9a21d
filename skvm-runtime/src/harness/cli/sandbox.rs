//! The folder that a program takes for its home during one run.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use skvm_core::harness::SkillView;

/// Most files and bytes of a skill that are put into a sandbox, and how deep its folders may be.
const MAX_FILES: usize = 10_000;
const MAX_BYTES: u64 = 256 << 20;
const MAX_DEPTH: usize = 64;
/// Longest file of a user's configuration that is taken over.
const MAX_CONFIGURATION: u64 = 1 << 20;

/// A home of one run: readable by its owner only, gone when it is dropped.
///
/// ```text
/// home/     HOME, with the XDG folders below
/// state/    the program's own folder for configuration and state
/// skills/   the staged skill, in a folder named after it
/// tmp/      TMPDIR
/// ```
#[derive(Debug)]
pub(super) struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    /// A new one below a folder, or below the system's for temporary files.
    pub(super) fn new(parent: Option<&Path>) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("skvm-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let folder = match parent {
            Some(parent) => builder.tempdir_in(parent)?,
            None => builder.tempdir()?,
        };
        let sandbox = Self { folder };
        for place in [sandbox.home(), sandbox.state(), sandbox.skills(), sandbox.temporary()] {
            fs::create_dir(place)?;
        }
        Ok(sandbox)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    pub(super) fn skills(&self) -> PathBuf {
        self.path().join("skills")
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }

    /// Writes a file that only its owner can read, at a path below the sandbox.
    pub(super) fn write(
        &self,
        place: impl AsRef<Path>,
        content: impl AsRef<[u8]>,
    ) -> io::Result<PathBuf> {
        let place = self.path().join(place);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        write_private(&place, content.as_ref())?;
        Ok(place)
    }

    /// Writes a program that only its owner can start.
    pub(super) fn write_program(&self, place: &str, content: &str) -> io::Result<PathBuf> {
        let place = self.write(place, content)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&place, fs::Permissions::from_mode(0o700))?;
        }
        Ok(place)
    }

    /// Adds to a file, which need not be there.
    pub(super) fn append(&self, place: &str, content: &str) -> io::Result<()> {
        let known = match fs::read_to_string(self.path().join(place)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            known => known?,
        };
        self.write(place, known + content).map(drop)
    }

    /// Takes over a file of the user's, if it is there.
    pub(super) fn take_over(&self, from: &Path, place: &str) -> io::Result<()> {
        let file = match fs::File::open(from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        if !file.metadata()?.is_file() {
            return Ok(());
        }
        let mut content = Vec::new();
        file.take(MAX_CONFIGURATION + 1).read_to_end(&mut content)?;
        if content.len() as u64 > MAX_CONFIGURATION {
            return Err(too_much(from));
        }
        self.write(place, content).map(drop)
    }

    /// Puts a skill into a folder of its own: its text as it was compiled, and the files that belong to it.
    pub(super) fn stage(&self, skill: &SkillView) -> io::Result<PathBuf> {
        let folder = self.skills().join(folder_name(&skill.name));
        fs::create_dir(&folder)?;
        if let Some(root) = &skill.root {
            let mut left = (MAX_FILES, MAX_BYTES);
            copy(root, &folder, &mut left, 0)?;
        }
        let entry = folder.join("SKILL.md");
        for other in ["skill.md", "Skill.md", "SKILL.md"] {
            // Where case matters, two entries would be two skills. One that is read-only could not be written.
            let _ = fs::remove_file(folder.join(other));
        }
        fs::write(entry, &skill.text)?;
        Ok(folder)
    }

    /// Moves a folder of the sandbox to another place in it.
    pub(super) fn place(&self, folder: &Path, place: &str) -> io::Result<()> {
        let place = self.path().join(place);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::rename(folder, place)
    }

    /// Leaves it where it is.
    pub(super) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// Removes it, also what a program has protected from being removed.
    pub(super) fn remove(self) -> io::Result<()> {
        let path = self.folder.path().to_owned();
        if self.folder.close().is_ok() {
            return Ok(());
        }
        permit(&path);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The name of a skill as a folder's: as it is where it may be one, and none that would be taken for an option.
pub(super) fn folder_name(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name.chars().filter(|c| legal(*c)).take(64).collect();
    let name = name.trim_matches('.').trim_start_matches(['.', '-']);
    if name.is_empty() { "skill".to_owned() } else { name.to_owned() }
}

#[cfg(unix)]
fn write_private(place: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(place)?.write_all(content)
}

#[cfg(not(unix))]
fn write_private(place: &Path, content: &[u8]) -> io::Result<()> {
    fs::write(place, content)
}

/// Copies files and folders. Links are followed to files inside the folder that is copied, and to nothing else.
fn copy(from: &Path, to: &Path, left: &mut (usize, u64), depth: usize) -> io::Result<()> {
    let root = from.canonicalize()?;
    copy_below(&root, &root, to, left, depth)
}

fn copy_below(
    root: &Path,
    from: &Path,
    to: &Path,
    left: &mut (usize, u64),
    depth: usize,
) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        // Neither belongs to a skill, and both may be large.
        if kind.is_dir() && [".git", "node_modules"].iter().any(|it| name == *it) {
            continue;
        }
        let place = to.join(&name);
        if kind.is_dir() {
            if depth >= MAX_DEPTH {
                return Err(too_much(&entry.path()));
            }
            fs::create_dir(&place)?;
            copy_below(root, &entry.path(), &place, left, depth + 1)?;
            continue;
        }
        let Ok(real) = entry.path().canonicalize() else { continue };
        let size = real.metadata().map_or(0, |data| data.len());
        if !real.is_file() || !real.starts_with(root) {
            continue;
        }
        let (files, bytes) = *left;
        if files == 0 || size > bytes {
            return Err(too_much(&entry.path()));
        }
        *left = (files - 1, bytes - size);
        fs::copy(&real, &place)?;
    }
    Ok(())
}

fn too_much(path: &Path) -> io::Error {
    let told = format!("{} is more than is put into a sandbox", path.display());
    io::Error::new(io::ErrorKind::FileTooLarge, told)
}

/// Lets folders be emptied again.
#[cfg(unix)]
fn permit(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            permit(&entry.path());
        }
    }
}

#[cfg(not(unix))]
fn permit(_: &Path) {}
