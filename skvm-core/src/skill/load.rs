//! Reading a skill's folder.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Skill;
use super::bundle::{Bundle, BundleFile};
use super::codes;
use super::front_matter::FrontMatter;
use super::lint::lint;
use super::metadata::Metadata;
use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::document::Document;
use crate::span::Span;

/// How much of a skill is read. What is over a limit is named in a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadLimits {
    /// Longest `SKILL.md`, in bytes; a longer one is refused. Default 2 MiB (the longest of 2,451
    /// published skills has 128 kB).
    pub skill_bytes: u64,
    /// Longest bundle file whose text is kept for the passes, in bytes. Default 1 MiB.
    pub text_bytes: u64,
    /// Longest bundle file that is read for the digest, in bytes; a longer one is left out of the
    /// bundle. Default 64 MiB.
    pub file_bytes: u64,
    /// Most bundle files; the rest, in path order, is left out. Default 4,096.
    pub files: usize,
    /// Deepest folder below the skill's own. Default 16.
    pub depth: usize,
}

impl Default for LoadLimits {
    fn default() -> Self {
        Self {
            skill_bytes: 2 << 20,
            text_bytes: 1 << 20,
            file_bytes: 64 << 20,
            files: 4096,
            depth: 16,
        }
    }
}

/// A skill could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file or folder could not be read.
    #[error("reading {path}", path = path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The folder has no `SKILL.md`, in any letter case.
    #[error("no SKILL.md in {path}", path = path.display())]
    NoSkillFile {
        /// The folder.
        path: PathBuf,
    },
    /// The `SKILL.md` is longer than [`LoadLimits::skill_bytes`].
    #[error("{path} has {size} bytes, more than the limit of {limit}", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The `SKILL.md` is a symbolic link that leaves the skill's folder.
    #[error("{path} is a link to {leads_to}, outside the skill's folder", path = path.display(), leads_to = leads_to.display())]
    LeavesFolder {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        leads_to: PathBuf,
    },
}

impl LoadError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

/// Folders and files that are never part of a skill.
pub(super) fn is_excluded(name: &OsStr) -> bool {
    const EXCLUDED: [&str; 8] = [
        ".git",
        ".hg",
        ".svn",
        ".DS_Store",
        "__pycache__",
        "node_modules",
        ".venv",
        ".pytest_cache",
    ];
    EXCLUDED.iter().any(|excluded| name == *excluded)
}

/// The name of the folder's `SKILL.md`: that spelling if it is there, else the first other one.
pub(super) fn find_entry(folder: &Path) -> Result<Option<String>, LoadError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| LoadError::io(folder, error))? {
        let entry = entry.map_err(|error| LoadError::io(folder, error))?;
        if let Ok(name) = entry.file_name().into_string()
            && name.eq_ignore_ascii_case("SKILL.md")
            && !entry.path().is_dir()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names.into_iter().next())
}

/// What was read, before it is understood.
pub(super) struct Loaded {
    pub(super) root: PathBuf,
    pub(super) entry: String,
    pub(super) source: Arc<str>,
    pub(super) bundle: Bundle,
    pub(super) nested: Vec<String>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// Understands what was read, and checks it against the specification.
    pub(super) fn into_skill(mut self) -> Skill {
        let (front_matter, body) = FrontMatter::parse(&self.source, &mut self.diagnostics);
        let metadata = Metadata::from_front_matter(&front_matter);
        let mut skill = self.with_front_matter(front_matter, metadata, body);
        lint(&mut skill);
        skill.diagnostics.sort_by_key(|found| found.span.map_or(0, |span| span.start));
        skill
    }

    /// Understands the body, whose front matter is known.
    pub(super) fn with_front_matter(
        self,
        front_matter: FrontMatter,
        metadata: Metadata,
        body: usize,
    ) -> Skill {
        let Self { root, entry, source, bundle, nested, diagnostics } = self;
        let document = Document::parse(&source, Span::new(body, source.len()));
        let mut digest = Digest::builder("skill").field(entry.as_bytes());
        digest.add(source.as_bytes());
        for file in bundle.files() {
            digest.add(file.path().as_bytes());
            digest.add(&[u8::from(file.is_executable())]);
            digest.add(file.digest().to_string().as_bytes());
        }
        let digest = digest.finish();
        Skill {
            root,
            entry,
            source,
            front_matter,
            metadata,
            document,
            bundle,
            nested,
            digest,
            diagnostics,
        }
    }
}

pub(super) fn load(path: &Path, limits: &LoadLimits) -> Result<Skill, LoadError> {
    let metadata = fs::metadata(path).map_err(|error| LoadError::io(path, error))?;
    let (root, entry, whole_folder) = if metadata.is_dir() {
        let entry =
            find_entry(path)?.ok_or_else(|| LoadError::NoSkillFile { path: path.to_owned() })?;
        (path.to_owned(), entry, true)
    } else {
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let entry = name.ok_or_else(|| LoadError::NoSkillFile { path: path.to_owned() })?;
        let whole_folder = entry.eq_ignore_ascii_case("SKILL.md");
        (parent, entry, whole_folder)
    };
    let root = root.canonicalize().map_err(|error| LoadError::io(&root, error))?;
    let mut diagnostics = Vec::new();
    let text = read_entry(&root, &entry, limits, &mut diagnostics)?;
    let mut reader = FolderReader {
        root: &root,
        entry: &entry,
        limits,
        files: Vec::new(),
        nested: Vec::new(),
        diagnostics,
    };
    if whole_folder {
        reader.read_folder(&root, "", 0)?;
    }
    let FolderReader { files, mut nested, diagnostics, .. } = reader;
    nested.sort();
    let bundle = Bundle::new(files);
    Ok(Loaded { root, entry, source: text.into(), bundle, nested, diagnostics }.into_skill())
}

fn read_entry(
    root: &Path,
    entry: &str,
    limits: &LoadLimits,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<String, LoadError> {
    let path = root.join(entry);
    let real = path.canonicalize().map_err(|error| LoadError::io(&path, error))?;
    if !real.starts_with(root) {
        return Err(LoadError::LeavesFolder { path, leads_to: real });
    }
    let bytes = read_limited(&path, limits.skill_bytes)
        .map_err(|error| LoadError::io(&path, error))?
        .map_err(|size| LoadError::TooLarge { path, size, limit: limits.skill_bytes })?;
    Ok(decode(bytes, diagnostics))
}

/// The bytes of a file, or its size when it has more than `limit`. Only regular files are opened,
/// so that a pipe or a device cannot block.
fn read_limited(path: &Path, limit: u64) -> io::Result<Result<Vec<u8>, u64>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    let mut file = fs::File::open(path)?.take(limit.saturating_add(1));
    file.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Ok(Err(fs::metadata(path)?.len()));
    }
    Ok(Ok(bytes))
}

/// UTF-8, or UTF-16 with a byte order mark; anything else with its invalid bytes replaced.
fn decode(bytes: Vec<u8>, diagnostics: &mut Vec<Diagnostic>) -> String {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return text,
        Err(error) => error.into_bytes(),
    };
    let utf16: Option<fn([u8; 2]) -> u16> = match bytes.get(..2) {
        Some([0xFF, 0xFE]) => Some(u16::from_le_bytes),
        Some([0xFE, 0xFF]) => Some(u16::from_be_bytes),
        _ => None,
    };
    let (text, read_as) = match utf16 {
        Some(unit) => {
            let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).skip(1);
            let text: String = char::decode_utf16(units)
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect();
            (text, "it was read as UTF-16")
        }
        None => (
            String::from_utf8_lossy(&bytes).into_owned(),
            "each invalid byte was replaced by U+FFFD",
        ),
    };
    diagnostics.push(
        Diagnostic::error(codes::NOT_UTF8, format!("SKILL.md is not UTF-8; {read_as}"))
            .with_help("save the file as UTF-8"),
    );
    text
}

struct FolderReader<'a> {
    root: &'a Path,
    entry: &'a str,
    limits: &'a LoadLimits,
    files: Vec<BundleFile>,
    nested: Vec<String>,
    diagnostics: Vec<Diagnostic>,
}

impl FolderReader<'_> {
    fn read_folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), LoadError> {
        if depth > self.limits.depth {
            self.leave_out(prefix, format!("it lies more than {} folders deep", self.limits.depth));
            return Ok(());
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| LoadError::io(folder, error))? {
            entries.push(entry.map_err(|error| LoadError::io(folder, error))?);
        }
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            if is_excluded(&name) {
                continue;
            }
            let Some(name) = name.to_str() else {
                let shown = format!("{prefix}{}", name.to_string_lossy());
                self.leave_out(&shown, "its name is not UTF-8".to_owned());
                continue;
            };
            let relative = format!("{prefix}{name}");
            if relative != self.entry {
                self.read_one(&entry.path(), relative, depth)?;
            }
        }
        Ok(())
    }

    fn read_one(&mut self, path: &Path, relative: String, depth: usize) -> Result<(), LoadError> {
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) => {
                self.leave_out(&relative, format!("it cannot be read: {error}"));
                return Ok(());
            }
        };
        let is_link = path.is_symlink();
        if !real.starts_with(self.root) {
            let help = format!("it is a link to {}, outside the skill's folder", real.display());
            self.diagnostics.push(
                Diagnostic::error(codes::LEAVES_FOLDER, format!("{relative} is refused: {help}"))
                    .in_file(relative)
                    .with_help("replace the link by a copy of the file"),
            );
        } else if real.is_dir() {
            if is_link {
                self.leave_out(&relative, "it is a link to a folder".to_owned());
            } else if find_entry(path)?.is_some() {
                self.nested.push(relative);
            } else {
                self.read_folder(path, &format!("{relative}/"), depth + 1)?;
            }
        } else if self.files.len() >= self.limits.files {
            self.leave_out(&relative, format!("the limit is {} files", self.limits.files));
        } else {
            self.read_file(path, relative);
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path, relative: String) {
        let bytes = match read_limited(path, self.limits.file_bytes) {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(size)) => {
                let limit = self.limits.file_bytes;
                self.leave_out(&relative, format!("it has {size} bytes, the limit is {limit}"));
                return;
            }
            Err(error) => {
                self.leave_out(&relative, format!("it cannot be read: {error}"));
                return;
            }
        };
        let digest = Digest::of(&bytes);
        let size = bytes.len() as u64;
        let text = (size <= self.limits.text_bytes)
            .then(|| String::from_utf8(bytes).ok().map(Arc::from))
            .flatten();
        let executable = is_executable(path);
        self.files.push(BundleFile { path: relative, size, digest, executable, text });
    }

    fn leave_out(&mut self, relative: &str, why: String) {
        self.diagnostics.push(
            Diagnostic::warning(codes::LEFT_OUT, format!("{relative} is left out: {why}"))
                .in_file(relative),
        );
    }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn is_executable(_path: &Path) -> bool {
    false
}
