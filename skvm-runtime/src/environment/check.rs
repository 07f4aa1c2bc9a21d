//! Looking whether something is there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use skvm_core::artifact::{Check, Word};

use super::advice;
use crate::command::{CommandError, CommandRunner, CommandSpec, Environment, Exit};

/// How long a check may take; importing a large library takes a while.
const CHECK_DEADLINE: Duration = Duration::from_secs(120);

/// How an action that came to its deadline ended.
pub(super) const DEADLINE: &str = "its deadline";
/// How long a program may take to tell its version.
const VERSION_DEADLINE: Duration = Duration::from_secs(20);

/// Looks at things as the skill's commands will find them.
#[derive(Debug)]
pub(super) struct Checker<'c> {
    pub(super) environment: &'c Environment,
    pub(super) runner: &'c CommandRunner,
    pub(super) folder: &'c Path,
}

/// A check that does not hold.
#[derive(Debug)]
pub(super) struct Unmet {
    pub(super) command: String,
    pub(super) exit: String,
    pub(super) output: String,
}

impl Checker<'_> {
    /// Whether a check holds, as far as that can be seen without starting a program; `None` when it
    /// cannot.
    pub(super) fn glance(&self, check: &Check) -> Option<bool> {
        glance(check, self.environment, self.folder)
    }

    /// Whether all checks hold. Programs are looked for and not started.
    pub(super) async fn hold(&self, checks: &[Check]) -> bool {
        for check in checks {
            let holds = match (self.glance(check), check) {
                (Some(holds), _) => holds,
                (None, Check::Run { argv, folder }) => self
                    .run(argv, folder.as_ref(), CHECK_DEADLINE)
                    .await
                    .is_ok_and(|unmet| unmet.is_none()),
                (None, _) => false,
            };
            if !holds {
                return false;
            }
        }
        true
    }

    /// The first check that does not hold. Programs that tell their version are asked for it.
    pub(super) async fn first_unmet(&self, checks: &[Check]) -> Option<Unmet> {
        for check in checks {
            let unmet = match check {
                Check::Run { argv, folder } => {
                    self.run(argv, folder.as_ref(), CHECK_DEADLINE).await.unwrap_or_else(unstarted)
                }
                Check::Program { name, version } => self.program(name, version).await,
                Check::Variable { name } => {
                    let what = format!("the environment variable {name} is not set");
                    (self.glance(check) != Some(true)).then(|| missing(what))
                }
                Check::File { path } => {
                    let what = format!("{} is not there", self.path(path).display());
                    (self.glance(check) != Some(true)).then(|| missing(what))
                }
            };
            if unmet.is_some() {
                return unmet;
            }
        }
        None
    }

    async fn program(&self, name: &str, version: &[String]) -> Option<Unmet> {
        if self.environment.find_program(name).is_none() {
            return Some(missing(format!("the program {name} is not on the PATH")));
        }
        if version.is_empty() {
            return None;
        }
        let words = std::iter::once(name.to_owned()).chain(version.iter().cloned());
        let argv: Vec<Word> = words.map(Word::Text).collect();
        let unmet = self.run(&argv, None, VERSION_DEADLINE).await.unwrap_or_else(unstarted)?;
        // What it says of its version is of no account, only that it starts.
        let could_not = ["exit status 126", "exit status 127", "could not be started"];
        could_not.contains(&unmet.exit.as_str()).then_some(unmet)
    }

    /// Runs a command; `None` when it ended with status 0.
    async fn run(
        &self,
        argv: &[Word],
        folder: Option<&Word>,
        deadline: Duration,
    ) -> Result<Option<Unmet>, CommandError> {
        let folder = folder.map_or_else(|| self.folder.to_owned(), |folder| self.path(folder));
        let spec = spec(argv, self.folder, &folder).with_deadline(deadline);
        let output = self.runner.run(spec).await?;
        if output.success() {
            return Ok(None);
        }
        let text = format!("{}\n{}", output.stdout.text(), output.stderr.text());
        Ok(Some(Unmet {
            command: shown(argv),
            exit: exit_text(output.exit),
            output: advice::tail(&text),
        }))
    }

    fn path(&self, word: &Word) -> PathBuf {
        resolved(word, self.folder)
    }
}

/// Whether a check holds, as far as that can be seen without starting a program; `None` when it cannot.
pub(super) fn glance(check: &Check, environment: &Environment, folder: &Path) -> Option<bool> {
    match check {
        Check::Program { name, .. } => Some(environment.find_program(name).is_some()),
        Check::Variable { name } => Some(environment.host_has(name)),
        Check::File { path } => Some(resolved(path, folder).exists()),
        Check::Run { .. } => None,
    }
}

fn resolved(word: &Word, folder: &Path) -> PathBuf {
    match word {
        Word::Text(text) => PathBuf::from(text),
        Word::InEnvironment(path) => below(folder, path),
    }
}

/// Why a command could not be started, with its cause.
pub(super) fn not_started(error: &CommandError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn unstarted(error: CommandError) -> Option<Unmet> {
    let output = not_started(&error);
    Some(Unmet { command: String::new(), exit: "could not be started".to_owned(), output })
}

fn missing(output: String) -> Unmet {
    Unmet { command: String::new(), exit: "nothing found".to_owned(), output }
}

/// The command of an action or a check, for an environment in `environment`.
pub(super) fn spec(argv: &[Word], environment: &Path, folder: &Path) -> CommandSpec {
    let mut words = argv.iter().map(|word| match word {
        Word::Text(text) => text.into(),
        Word::InEnvironment(path) => below(environment, path).into_os_string(),
    });
    let program = words.next().unwrap_or_default();
    CommandSpec::new(program, folder).with_args(words)
}

fn below(folder: &Path, path: &str) -> PathBuf {
    if path.is_empty() { folder.to_owned() } else { folder.join(path) }
}

/// A command for people, with `…` for the environment's folder, long programs and passwords.
pub(super) fn shown(argv: &[Word]) -> String {
    let words = argv.iter().map(|word| match word {
        Word::Text(text) if text.contains('\n') => "'…'".to_owned(),
        Word::Text(text) => text.clone(),
        Word::InEnvironment(path) => format!("…/{path}"),
    });
    advice::masked(&words.collect::<Vec<_>>().join(" "))
}

pub(super) fn exit_text(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit status {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::Deadline | Exit::Stopped => DEADLINE.to_owned(),
    }
}
