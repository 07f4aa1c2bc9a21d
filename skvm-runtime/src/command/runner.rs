use std::future::{Future, pending};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::sleep;

use super::dialogue::{Dialogue, End, Unattended};
use super::{Attendant, CommandError, CommandOutput, CommandSpec, Environment, Exit, Process};

/// How long to wait between the tries to start a program whose file is busy.
const BUSY_PAUSES: [Duration; 4] = [
    Duration::from_millis(5),
    Duration::from_millis(15),
    Duration::from_millis(30),
    Duration::from_millis(50),
];

/// Starts child processes, and is sure that they end. See [the module](super) for its guarantees.
///
/// A clone shares the environment and the jail.
#[derive(Debug, Clone)]
pub struct CommandRunner(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    environment: Environment,
    jail: Vec<PathBuf>,
}

impl CommandRunner {
    /// A runner whose children see `environment` and start in one of the folders of `jail` or
    /// below. Without a folder nothing can be run.
    ///
    /// # Errors
    /// [`CommandError::Jail`] when a folder does not exist or cannot be resolved.
    pub fn new<I>(environment: Environment, jail: I) -> Result<Self, CommandError>
    where
        I: IntoIterator,
        I::Item: AsRef<Path>,
    {
        let resolve = |folder: I::Item| {
            let folder = folder.as_ref();
            folder
                .canonicalize()
                .map_err(|source| CommandError::Jail { folder: folder.to_owned(), source })
        };
        let jail = jail.into_iter().map(resolve).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Rules { environment, jail })))
    }

    /// Runs a command to its end or its deadline. Dropping the future kills it.
    ///
    /// It returns within the deadline and twice the grace, both counted from the start of the
    /// program. A program whose file is open for writing is tried again for a tenth of a second
    /// before. The future must be awaited in a tokio runtime whose timer and I/O are enabled.
    ///
    /// # Errors
    /// [`CommandError`] when the command could not be started. One that ran gives an output,
    /// however it ended.
    pub async fn run(&self, spec: CommandSpec) -> Result<CommandOutput, CommandError> {
        self.attend(spec, &mut Unattended, pending()).await
    }

    /// Runs a command as [`run`](CommandRunner::run) does, while somebody reads along, answers on its standard input
    /// and may end it. It is also ended when `stop` is ready: as at the deadline, first asked, then killed.
    ///
    /// # Errors
    /// [`CommandError`] when the command could not be started.
    pub async fn attend(
        &self,
        spec: CommandSpec,
        attendant: &mut dyn Attendant,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<CommandOutput, CommandError> {
        let started = Instant::now();
        let mut process = self.start(&spec).await?;
        let mut dialogue = Dialogue::new(&spec, attendant);
        let end = dialogue.hold(&mut process, &spec, stop).await;
        let exit = match end {
            End::Itself => {
                let status = process.reap().await;
                Exit::from_status(status.map_err(|source| {
                    let program = spec.program.clone();
                    CommandError::Wait { program, source }
                })?)
            }
            // Whoever does not end even when killed is reaped by the runtime some day.
            End::Deadline => Exit::Deadline,
            End::Stopped => Exit::Stopped,
        };
        let Dialogue { stdout, stderr, .. } = dialogue;
        let (stdout, stderr, duration) = (stdout.finish(), stderr.finish(), started.elapsed());
        tracing::debug!(program = ?spec.program, %exit, ?duration, "command ended");
        Ok(CommandOutput { exit, stdout, stderr, duration })
    }

    /// Starts the command inside the jail.
    async fn start(&self, spec: &CommandSpec) -> Result<Process, CommandError> {
        let program = || spec.program.clone();
        tokio::runtime::Handle::try_current()
            .map_err(|source| CommandError::NoRuntime { program: program(), source })?;
        let cwd = self.resolve_cwd(spec)?;
        let mut command = Command::new(&spec.program);
        command
            .args(&spec.args)
            .current_dir(cwd)
            .env_clear()
            .envs(self.0.environment.resolve(&spec.variables)?)
            .stdin(if spec.takes_input() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        spawn(&mut command).await.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => CommandError::ProgramNotFound { program: program(), source },
            _ => CommandError::Spawn { program: program(), source },
        })
    }

    /// The working directory with links and `..` resolved, if the jail holds it.
    fn resolve_cwd(&self, spec: &CommandSpec) -> Result<PathBuf, CommandError> {
        let unusable = |source| CommandError::Cwd {
            program: spec.program.clone(),
            cwd: spec.cwd.clone(),
            source,
        };
        let resolved = spec.cwd.canonicalize().map_err(unusable)?;
        if !self.0.jail.iter().any(|folder| resolved.starts_with(folder)) {
            let (program, cwd) = (spec.program.clone(), spec.cwd.clone());
            return Err(CommandError::OutsideJail { program, cwd, resolved });
        }
        if !resolved.is_dir() {
            return Err(unusable(io::ErrorKind::NotADirectory.into()));
        }
        Ok(resolved)
    }
}

/// Starts the process; tries again for a moment while the program's file is open for writing.
///
/// A script that was just written and closed may still be open in another child, between its fork
/// and its exec. Nothing but a moment's wait helps.
async fn spawn(command: &mut Command) -> io::Result<Process> {
    for pause in BUSY_PAUSES {
        match Process::spawn(command) {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => sleep(pause).await,
            started => return started,
        }
    }
    Process::spawn(command)
}
