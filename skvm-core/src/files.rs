//! Files in memory: what is put into a working directory, and what is found in one.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Files by their path below a folder, with `/` between its parts, in the order of their paths.
///
/// ```
/// use skvm_core::files::FileTree;
///
/// let files = FileTree::default().with("notes/a.txt", "hello");
/// assert_eq!(files.text("notes/a.txt"), Some("hello"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileTree(BTreeMap<String, Vec<u8>>);

/// Bounds of [`FileTree::read`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileTreeLimits {
    /// Most files; ten times as many entries of folders are looked at. Default 1,000.
    pub files: usize,
    /// Most bytes of all files together. Default 16 MiB.
    pub bytes: u64,
    /// Most folders inside each other. Default 16.
    pub depth: usize,
}

impl Default for FileTreeLimits {
    fn default() -> Self {
        Self { files: 1_000, bytes: 16 << 20, depth: 16 }
    }
}

impl FileTree {
    /// The same files with one more, which takes the place of any at that path.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.into(), content.into());
        self
    }

    /// The bytes of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// The text of a file; `None` when there is no such file or it is not UTF-8.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        str::from_utf8(self.get(path)?).ok()
    }

    /// The files in the order of their paths.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the regular files below a folder, without following links. What is beyond the limits, and
    /// what cannot be read, is left out.
    ///
    /// # Errors
    /// When the folder itself cannot be read.
    pub fn read(root: &Path, limits: FileTreeLimits) -> io::Result<Self> {
        let mut files = Self::default();
        let mut left = limits.bytes;
        let mut visited = 0;
        // Those at the top come first.
        let mut folders = VecDeque::from([(PathBuf::new(), 0)]);
        let mut failed = None;
        while let Some((folder, depth)) = folders.pop_front() {
            let entries = match fs::read_dir(root.join(&folder)) {
                Ok(entries) => entries,
                Err(error) if depth == 0 => {
                    failed = Some(error);
                    break;
                }
                Err(_) => continue,
            };
            let most = limits.files.saturating_mul(10).saturating_sub(visited);
            let mut entries: Vec<_> = entries.filter_map(Result::ok).take(most).collect();
            visited += entries.len();
            // With a limit it matters which come first.
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let path = folder.join(entry.file_name());
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() && depth < limits.depth {
                    folders.push_back((path, depth + 1));
                } else if kind.is_file() && files.len() < limits.files {
                    let Some(name) = slashed(&path) else { continue };
                    let Some(content) = read_file(&entry.path(), left) else { continue };
                    left -= content.len() as u64;
                    files.0.insert(name, content);
                }
            }
        }
        failed.map_or(Ok(files), Err)
    }

    /// Writes the files below a folder that exists, and makes the folders they need.
    ///
    /// # Errors
    /// When a path leads out of the folder, or a file cannot be written.
    pub fn write(&self, root: &Path) -> io::Result<()> {
        for (path, content) in self.iter() {
            let relative = Path::new(path);
            if slashed(relative).is_none() {
                let told = format!("{path:?} is not a path below a folder");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
            }
            let place = root.join(relative);
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(place, content)?;
        }
        Ok(())
    }
}

/// The path with `/` between its parts; `None` unless it leads to a place below where it starts.
fn slashed(path: &Path) -> Option<String> {
    let parts = path.components().map(|part| match part {
        Component::Normal(name) => name.to_str(),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            None
        }
    });
    let parts = parts.collect::<Option<Vec<_>>>()?;
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The content of a file of at most `most` bytes.
fn read_file(path: &Path, most: u64) -> Option<Vec<u8>> {
    if fs::symlink_metadata(path).ok()?.len() > most {
        return None;
    }
    let mut content = Vec::new();
    fs::File::open(path).ok()?.take(most + 1).read_to_end(&mut content).ok()?;
    (content.len() as u64 <= most).then_some(content)
}
