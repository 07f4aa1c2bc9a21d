//! A folder in which scripts run: a home, a working directory, and stub programs in place of all others.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use skvm_core::artifact::{Check, EnvironmentPlan, Word};
use skvm_passes::environment::scripts;
use tempfile::TempDir;

/// The programs that are stubs.
const STUBS: [&str; 13] = [
    "python3", "node", "uv", "npm", "cargo", "go", "gem", "apt-get", "dnf", "apk", "brew", "dpkg",
    "rpm",
];

/// The programs of the machine that a script can reach. Not all of `/usr/bin`: what a skill needs must
/// not be there already. What an injected command would use is among them.
const CORE: [&str; 16] = [
    "sh", "mkdir", "ln", "cp", "mv", "rm", "cat", "grep", "touch", "ls", "id", "env", "printf",
    "head", "chmod", "false",
];

pub(crate) struct Jail {
    folder: TempDir,
}

/// What came of running a script.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    /// What it said, on both streams.
    pub(crate) said: String,
    /// What the stubs were called with.
    pub(crate) calls: Vec<Call>,
}

/// A call of a stub: its words, the variables that plans set, and where it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) argv: Vec<String>,
    pub(crate) variables: [String; 3],
    pub(crate) folder: String,
}

impl Run {
    pub(crate) fn argvs(&self) -> Vec<Vec<String>> {
        self.calls.iter().map(|call| call.argv.clone()).collect()
    }
}

impl Jail {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in ["home/.config", "work", "bin", "core", "installed", "state"] {
            fs::create_dir_all(at(path)).unwrap();
        }
        for path in ["home/canary", "home/.config/canary", "work/canary", "work/a b"] {
            fs::write(at(path), "untouched").unwrap();
        }
        // By another process, so that no other test's child holds it open for writing while it runs.
        fs::write(at("stub.sh"), include_str!("stub.sh")).unwrap();
        let made = Command::new("/bin/sh")
            .args(["-c", "cp -- \"$1\" \"$2\" && chmod 755 \"$2\"", "sh"])
            .args([at("stub.sh"), at("stub")])
            .status();
        assert!(made.unwrap().success());
        for name in STUBS {
            symlink(at("stub"), at("bin").join(name)).unwrap();
        }
        for name in CORE {
            let found = ["/bin", "/usr/bin"].iter().map(|folder| Path::new(folder).join(name));
            let found = found.into_iter().find(|path| path.exists()).unwrap();
            symlink(found, at("core").join(name)).unwrap();
        }
        Self { folder }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Words that make a stub fail.
    pub(crate) fn fails_on(&self, words: &[&str]) {
        fs::write(self.path("fail"), words.join("\n")).unwrap();
    }

    /// Takes a stub away.
    pub(crate) fn remove(&self, program: &str) {
        fs::remove_file(self.path("bin").join(program)).unwrap();
    }

    /// The folder that the environment goes to.
    pub(crate) fn environment(&self) -> String {
        self.path("environment").to_str().unwrap().to_owned()
    }

    /// Runs a script by `sh` with nothing but the jail's variables and these.
    pub(crate) fn run(&self, script: &str, variables: &[(&str, &str)]) -> Run {
        let file = self.path("script.sh");
        fs::write(&file, script).unwrap();
        let _ = fs::remove_file(self.path("log"));
        let path =
            ["bin", "core", "installed"].map(|folder| self.path(folder).display().to_string());
        let Output { status, stdout, stderr } = Command::new("/bin/sh")
            .arg(&file)
            .current_dir(self.path("work"))
            .env_clear()
            .env("HOME", self.path("home"))
            .env("JAIL", self.folder.path())
            .env("SKVM_ENVIRONMENT", self.environment())
            .env("PATH", path.join(":"))
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let said = String::from_utf8([stderr, stdout].concat()).unwrap();
        Run { status: status.code(), said, calls: self.calls() }
    }

    /// What the stubs wrote down.
    fn calls(&self) -> Vec<Call> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let mut words = log.split('\0').map(str::to_owned);
        let mut calls = Vec::new();
        while let Some(count) = words.next().filter(|count| !count.is_empty()) {
            let argv = words.by_ref().take(count.parse().unwrap()).collect();
            let variables = [(); 3].map(|()| words.next().unwrap());
            let folder = words.next().unwrap();
            calls.push(Call { argv, variables, folder });
        }
        calls
    }

    /// A word as a stub gets it.
    fn word(&self, word: &Word) -> String {
        match word {
            Word::Text(text) => text.clone(),
            Word::InEnvironment(path) => format!("{}/{path}", self.environment()),
        }
    }

    /// A command as a stub writes it down: its program by its bare name, the folder of the environment
    /// itself without a slash.
    pub(crate) fn argv(&self, argv: &[Word]) -> Vec<String> {
        let mut words: Vec<String> =
            argv.iter().map(|word| self.word(word).trim_end_matches('/').to_owned()).collect();
        words[0] = words[0].rsplit('/').next().unwrap().to_owned();
        words
    }

    /// Every command that a plan allows to be run.
    pub(crate) fn allowed(&self, plan: &EnvironmentPlan) -> Vec<Vec<String>> {
        let of_actions = plan.actions.iter().map(|action| self.argv(&action.argv));
        let checks =
            plan.actions.iter().flat_map(|action| action.check.iter().chain(&action.verify));
        let checks = checks.chain(plan.manual.iter().filter_map(|step| step.check.as_ref()));
        let of_checks = checks.filter_map(|check| match check {
            Check::Run { argv, .. } => Some(self.argv(argv)),
            Check::Program { name, version } => {
                Some([std::slice::from_ref(name), version].concat())
            }
            Check::Variable { .. } | Check::File { .. } => None,
        });
        of_actions.chain(of_checks).collect()
    }

    /// Everything in the jail but what the script runs with: paths with their contents.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.folder.path()).unwrap();
                let name = name.to_str().unwrap().to_owned();
                let kind = fs::symlink_metadata(&path).unwrap().file_type();
                if kind.is_dir() {
                    files.insert(name, "folder".to_owned());
                    open.push(path);
                } else if kind.is_symlink() {
                    let target = fs::read_link(&path).unwrap();
                    files.insert(name, format!("link to {}", target.display()));
                } else if !["log", "script.sh"].contains(&name.as_str()) {
                    files.insert(name, fs::read_to_string(&path).unwrap());
                }
            }
        }
        files
    }
}

/// The three scripts; each must be one for every shell that is there.
pub(crate) fn checked_scripts(plan: &EnvironmentPlan) -> [(&'static str, String); 3] {
    let scripts = scripts(plan);
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in scripts.files() {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        for shell in ["/bin/sh", "/bin/dash", "/usr/bin/dash", "/bin/bash"] {
            if Path::new(shell).exists() {
                let output = Command::new(shell).arg("-n").arg(&file).output().unwrap();
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(output.status.success() && said.is_empty(), "{shell} {name}: {said}");
            }
        }
    }
    scripts.files().map(|(name, text)| (name, text.to_owned()))
}
