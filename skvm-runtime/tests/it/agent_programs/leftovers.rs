//! What a run must not leave behind: processes, and files in homes and folders for temporary ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Parts of the names under which the programs keep things.
const NAMES: [&str; 8] =
    [".pi", "claw", "hermes", "jiuwen", "opencode", "codex", "claude", ".agents"];

/// Folders below a home that hold things by the programs' names.
const SHELVES: [&str; 5] = ["", ".config", ".local/share", ".local/state", ".cache"];

/// Files outside a run, with the times of their last changes.
pub(super) struct Surroundings(BTreeMap<PathBuf, Option<SystemTime>>);

impl Surroundings {
    /// What is there now, by names in homes and folders for temporary files, and whole folders of the programs.
    pub(super) fn seen() -> Self {
        let mut seen = BTreeMap::new();
        for home in homes() {
            for shelf in SHELVES {
                look(&home.join(shelf), &mut seen);
            }
        }
        look(&std::env::temp_dir(), &mut seen);
        look(Path::new("/tmp"), &mut seen);
        Self(seen)
    }

    pub(super) fn assert_unchanged(&self) {
        let now = Self::seen();
        let is_new =
            |(path, time): &(&PathBuf, &Option<SystemTime>)| self.0.get(*path) != Some(*time);
        let changed: Vec<&PathBuf> = now.0.iter().filter(is_new).map(|(path, _)| path).collect();
        assert!(changed.is_empty(), "files outside were changed: {changed:?}");
    }
}

/// The home that variables tell, and the one that the system knows of.
fn homes() -> Vec<PathBuf> {
    let user = rustix::process::geteuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let known = users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2) == Some(&user.as_str())).then(|| PathBuf::from(fields[5]))
    });
    std::env::home_dir().into_iter().chain(known).collect()
}

fn look(folder: &Path, seen: &mut BTreeMap<PathBuf, Option<SystemTime>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if NAMES.iter().any(|known| name.contains(known)) {
            take_in(&entry.path(), seen);
        }
    }
}

fn take_in(path: &Path, seen: &mut BTreeMap<PathBuf, Option<SystemTime>>) {
    let Ok(data) = fs::symlink_metadata(path) else { return };
    seen.insert(path.to_owned(), data.modified().ok());
    let Ok(entries) = fs::read_dir(path) else { return };
    entries.filter_map(Result::ok).for_each(|entry| take_in(&entry.path(), seen));
}

/// The processes that were started in a folder or for a run that had its home there, by their command lines. Tests of
/// other places may go on meanwhile.
pub(super) fn processes_of(place: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mark = format!("SKVM_RUN={}", place.display()).into_bytes();
    let belongs = |process: &PathBuf| {
        let variables = fs::read(process.join("environ")).unwrap_or_default();
        let is_marked = variables.split(|byte| *byte == 0).any(|text| text.starts_with(&mark));
        is_marked || fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(place))
    };
    let processes = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(belongs);
    processes
        .map(|process| {
            let command = fs::read(process.join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).replace('\0', " ")
        })
        .collect()
}
