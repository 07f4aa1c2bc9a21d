//! What a run must not leave behind: processes, and files in homes and folders for temporary ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use skvm_runtime::harness::cli::Cli;

/// Parts of the names under which a program keeps things.
fn names_of(cli: Cli) -> &'static [&'static str] {
    match cli {
        Cli::Pi => &[".pi", "pi-"],
        Cli::OpenClaw => &["openclaw", "clawd"],
        Cli::Hermes => &["hermes"],
        Cli::JiuwenClaw => &["jiuwen"],
        Cli::OpenCode => &["opencode"],
        Cli::Codex => &["codex"],
        Cli::ClaudeCode => &["claude"],
        _ => &[],
    }
}

/// Folders below a home that hold things by the programs' names.
const SHELVES: [&str; 5] = ["", ".config", ".local/share", ".local/state", ".cache"];

/// Files, and not folders.
type Files = BTreeMap<PathBuf, Option<SystemTime>>;

/// A program's files outside a run, with the times of their last changes.
pub(super) struct Surroundings {
    cli: Cli,
    files: Files,
}

impl Surroundings {
    /// What is there now in homes and in folders for temporary files.
    pub(super) fn seen(cli: Cli) -> Self {
        let mut files = Files::new();
        let shelves = homes().into_iter().flat_map(|home| SHELVES.map(|shelf| home.join(shelf)));
        for folder in shelves.chain([std::env::temp_dir(), PathBuf::from("/tmp")]) {
            look(&folder, names_of(cli), &mut files);
        }
        Self { cli, files }
    }

    pub(super) fn assert_unchanged(&self) {
        let now = Self::seen(self.cli).files;
        let is_new =
            |(path, time): &(&PathBuf, &Option<SystemTime>)| self.files.get(*path) != Some(*time);
        let changed: Vec<&PathBuf> = now.iter().filter(is_new).map(|(path, _)| path).collect();
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

fn look(folder: &Path, names: &[&str], seen: &mut Files) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if names.iter().any(|known| name.contains(known)) {
            take_in(&entry.path(), seen);
        }
    }
}

fn take_in(path: &Path, seen: &mut Files) {
    let Ok(data) = fs::symlink_metadata(path) else { return };
    if !data.is_dir() {
        seen.insert(path.to_owned(), data.modified().ok());
    }
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
