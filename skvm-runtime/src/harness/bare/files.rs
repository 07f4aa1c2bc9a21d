//! Files that the agent may see: its working directory, and the skill's folder to read.

use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};
use skvm_core::harness::SkillView;

/// Longest file that is read, in bytes.
const MAX_READ: u64 = 4 << 20;
/// Longest text that is written, in bytes.
const MAX_WRITE: usize = 16 << 20;
/// Most entries of a folder that are listed.
const MAX_ENTRIES: usize = 1000;

/// Where a skill's text is said to lie. A skill without a folder gets a made-up one.
pub(super) fn skill_location(skill: &SkillView) -> PathBuf {
    match &skill.root {
        Some(root) => root.join("SKILL.md"),
        None => {
            let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
            let name: String = skill.name.chars().map(plain).collect();
            Path::new("/skills").join(name).join("SKILL.md")
        }
    }
}

/// The folders of one run. Cheap to clone.
#[derive(Clone)]
pub(super) struct Files {
    workdir: Root,
    skill: Option<Root>,
    /// The compiled text, which stands in for the file on disk.
    skill_text: Option<(PathBuf, Arc<str>)>,
    skill_read: Arc<AtomicBool>,
}

#[derive(Clone)]
struct Root {
    /// Without links.
    path: PathBuf,
    /// As the host names it.
    given: PathBuf,
    dir: Arc<Dir>,
}

impl Root {
    fn open(given: &Path) -> io::Result<Self> {
        let path = given.canonicalize()?;
        let dir = Arc::new(Dir::open_ambient_dir(&path, ambient_authority())?);
        Ok(Self { path, given: given.to_owned(), dir })
    }

    /// The path below this folder that an absolute or relative path means.
    fn relative(&self, path: &Path) -> Option<PathBuf> {
        let below = if path.is_absolute() {
            path.strip_prefix(&self.path).or_else(|_| path.strip_prefix(&self.given)).ok()?
        } else {
            path
        };
        let plain: PathBuf = below.components().filter(|c| *c != Component::CurDir).collect();
        Some(if plain.as_os_str().is_empty() { PathBuf::from(".") } else { plain })
    }
}

/// A file tool could not do what was asked; the text is for the model.
pub(super) struct Refusal(pub(super) String);

impl Files {
    pub(super) fn open(workdir: &Path, skill: Option<&SkillView>) -> io::Result<Self> {
        let root = skill.and_then(|skill| skill.root.as_deref());
        Ok(Self {
            workdir: Root::open(workdir)?,
            skill: root.map(Root::open).transpose()?,
            skill_text: skill.map(|skill| (skill_location(skill), skill.text.as_str().into())),
            skill_read: Arc::new(AtomicBool::new(false)),
        })
    }

    /// The working directory without links in its path.
    pub(super) fn workdir(&self) -> &Path {
        &self.workdir.path
    }

    /// Whether the skill's text was read through [`Files::read`].
    pub(super) fn skill_was_read(&self) -> bool {
        self.skill_read.load(Ordering::Acquire)
    }

    /// The text of a file. A relative path is looked up in the working directory, then in the skill's
    /// folder.
    pub(super) fn read(&self, path: &str) -> Result<String, Refusal> {
        let asked = Path::new(path);
        if let Some((location, text)) = &self.skill_text
            && self.is_skill_text(asked, location)
        {
            self.skill_read.store(true, Ordering::Release);
            return Ok(text.to_string());
        }
        let (root, relative) = self.find(asked)?;
        let file = open(root, &relative, OpenOptions::new().read(true))
            .map_err(|error| refusal("read", path, &error))?;
        let mut bytes = Vec::new();
        file.take(MAX_READ + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| refusal("read", path, &error))?;
        if bytes.len() as u64 > MAX_READ {
            return Err(Refusal(format!("cannot read {path}: it has more than {MAX_READ} bytes")));
        }
        String::from_utf8(bytes)
            .map_err(|_| Refusal(format!("cannot read {path}: it is not a text in UTF-8")))
    }

    fn is_skill_text(&self, asked: &Path, location: &Path) -> bool {
        if asked == location {
            return true;
        }
        let Some(skill) = &self.skill else { return false };
        let Ok((root, relative)) = self.find(asked) else { return false };
        // Any way to the file counts: a relative one, one through the working directory, one
        // through links.
        let Ok(real) = root.dir.canonicalize(&relative) else { return false };
        let real = root.path.join(real);
        let below = real.strip_prefix(&skill.path);
        below.is_ok_and(|below| below.as_os_str().eq_ignore_ascii_case("SKILL.md"))
    }

    /// Writes a file of the working directory, with its folders.
    pub(super) fn write(&self, path: &str, content: &str) -> Result<(), Refusal> {
        if content.len() > MAX_WRITE {
            return Err(Refusal(format!("cannot write {path}: more than {MAX_WRITE} bytes")));
        }
        let relative = self.workdir.relative(Path::new(path)).ok_or_else(|| {
            Refusal(format!("cannot write {path}: it is outside the working directory"))
        })?;
        if let Some(parent) = relative.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            let made = self.workdir.dir.create_dir_all(parent);
            made.map_err(|error| refusal("write", path, &error))?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        open(&self.workdir, &relative, &mut options)
            .and_then(|mut file| file.write_all(content.as_bytes()))
            .map_err(|error| refusal("write", path, &error))
    }

    /// The entries of a folder, sorted, folders with a `/` behind them.
    pub(super) fn list(&self, path: &str) -> Result<String, Refusal> {
        let (root, relative) = self.find(Path::new(path))?;
        let entries =
            root.dir.read_dir(&relative).map_err(|error| refusal("list", path, &error))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| refusal("list", path, &error))?;
            let mut name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                name.push('/');
            }
            names.push(name);
        }
        names.sort();
        let left_out = names.len().saturating_sub(MAX_ENTRIES);
        names.truncate(MAX_ENTRIES);
        if left_out > 0 {
            names.push(format!("… {left_out} more"));
        }
        Ok(if names.is_empty() { "(empty)".to_owned() } else { names.join("\n") })
    }

    /// The folder that holds a path: the working directory, or the skill's when the path is there and
    /// not in the working directory.
    fn find(&self, path: &Path) -> Result<(&Root, PathBuf), Refusal> {
        let in_workdir = self.workdir.relative(path);
        let in_skill = self.skill.as_ref().and_then(|root| Some((root, root.relative(path)?)));
        match (in_workdir, in_skill) {
            (Some(relative), Some((root, below)))
                if !self.workdir.dir.exists(&relative) && root.dir.exists(&below) =>
            {
                Ok((root, below))
            }
            (Some(relative), _) => Ok((&self.workdir, relative)),
            (None, Some((root, below))) => Ok((root, below)),
            (None, None) => Err(Refusal(format!(
                "{} is outside the working directory and the skill's folder",
                path.display()
            ))),
        }
    }
}

/// Opens a regular file, and nothing else. A pipe whose other end is not there does not make it wait.
fn open(root: &Root, path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    cap_std::fs::OpenOptionsExt::custom_flags(
        options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    let file = root.dir.open_with(path, options)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a file")) }
}

fn refusal(what: &str, path: &str, error: &io::Error) -> Refusal {
    Refusal(format!("cannot {what} {path}: {error}"))
}
