//! Watching the files of a skill.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

/// Looks at the files of a skill from time to time; ends when it is dropped. See
/// [`SkVm::watch`](crate::engine::SkVm::watch).
#[derive(Debug)]
pub struct SkillWatch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SkillWatch {
    /// Calls `changed` at first, and whenever names, sizes or times of the files below `root` differ from what they
    /// were; until it gives `false`.
    pub(crate) fn start(
        root: PathBuf,
        interval: Duration,
        mut changed: impl FnMut() -> bool + Send + 'static,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let watching = move || {
            let mut seen = None;
            let mut again = None;
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                let (now, time) = (Look::at(&root), SystemTime::now());
                let is_due = again.is_some_and(|due| time >= due);
                if is_due || seen.as_ref() != Some(&now) {
                    again = now.settles().filter(|due| time < *due);
                    seen = Some(now);
                    if !changed() {
                        break;
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("skvm-watch".to_owned()).spawn(watching)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for SkillWatch {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) =
            self.thread.take().filter(|it| it.thread().id() != std::thread::current().id())
        {
            // A panic there has nothing to say here.
            let _ended = thread.join();
        }
    }
}

/// Most entries that are looked at.
const MAX_ENTRIES: usize = 50_000;
/// Deepest folder that is looked at.
const MAX_DEPTH: usize = 16;

/// What a folder looks like from outside: path, size and time of every file.
#[derive(Debug, PartialEq, Eq)]
struct Look(Vec<(PathBuf, u64, Option<SystemTime>)>);

/// How coarse the times of files may be. What is changed twice within that may look the same.
const COARSE: Duration = Duration::from_secs(2);

impl Look {
    /// When nothing can change any more without another time.
    fn settles(&self) -> Option<SystemTime> {
        self.0.iter().filter_map(|(.., time)| *time).max()?.checked_add(COARSE)
    }

    fn at(root: &Path) -> Self {
        let mut found = Vec::new();
        let mut folders = vec![(root.to_owned(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.filter_map(Result::ok) {
                if found.len() >= MAX_ENTRIES {
                    break;
                }
                let Ok(data) = entry.metadata() else { continue };
                if data.is_dir() && depth < MAX_DEPTH {
                    folders.push((entry.path(), depth + 1));
                } else {
                    found.push((entry.path(), data.len(), data.modified().ok()));
                }
            }
        }
        found.sort();
        Self(found)
    }
}
