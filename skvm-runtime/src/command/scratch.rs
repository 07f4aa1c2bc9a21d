use std::io;

use async_trait::async_trait;
use skvm_core::files::{FileTree, FileTreeLimits};
use skvm_core::program::{Program, ProgramError, ProgramExit, ProgramOutput, ProgramRunner};

use super::{CommandError, CommandOutput, CommandRunner, CommandSpec, Environment, Exit};

/// Runs programs each in a temporary folder of its own, under the guarantees of the
/// [command runner](super).
///
/// ```
/// # #[cfg(unix)]
/// # async fn example() -> Result<(), skvm_core::program::ProgramError> {
/// use skvm_core::program::{Program, ProgramRunner};
/// use skvm_runtime::command::{Environment, ScratchRunner};
///
/// let runner = ScratchRunner::new(Environment::from_host());
/// let program = Program::new("sh", ["sum.sh"]).with_file("sum.sh", "echo $((1 + 2)) > sum.txt");
/// let output = runner.run(program).await?;
/// assert_eq!(output.files.text("sum.txt"), Some("3\n"));
/// # Ok(())
/// # }
/// # #[cfg(unix)]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
/// #     .block_on(example()).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct ScratchRunner {
    environment: Environment,
}

impl ScratchRunner {
    /// A runner whose programs see this environment.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self { environment }
    }

    async fn run_in(&self, program: &Program) -> io::Result<(CommandOutput, FileTree)> {
        let folder = tempfile::tempdir()?;
        program.files.write(folder.path())?;
        let runner =
            CommandRunner::new(self.environment.clone(), [folder.path()]).map_err(into_io)?;
        let mut spec = CommandSpec::new(&program.program, folder.path())
            .with_args(&program.arguments)
            .with_deadline(program.deadline);
        for (name, value) in &program.variables {
            spec = spec.with_variable(name, value);
        }
        let output = runner.run(spec).await.map_err(into_io)?;
        // A program may have removed its own folder.
        let files = FileTree::read(folder.path(), FileTreeLimits::default()).unwrap_or_default();
        Ok((output, files))
    }
}

#[async_trait]
impl ProgramRunner for ScratchRunner {
    async fn run(&self, program: Program) -> Result<ProgramOutput, ProgramError> {
        let (output, files) = self.run_in(&program).await.map_err(|source| {
            let missing = source
                .get_ref()
                .and_then(|cause| cause.downcast_ref())
                .is_some_and(|cause| matches!(cause, CommandError::ProgramNotFound { .. }));
            let program = program.program.clone();
            if missing {
                ProgramError::Missing { program }
            } else {
                ProgramError::Run { program, source }
            }
        })?;
        let exit = match output.exit {
            Exit::Code(code) => ProgramExit::Code(code),
            Exit::Signal(signal) => ProgramExit::Signal(signal),
            Exit::Deadline | Exit::Stopped => ProgramExit::Deadline,
        };
        Ok(ProgramOutput {
            exit,
            stdout: output.stdout.text(),
            stderr: output.stderr.text(),
            files,
        })
    }
}

fn into_io(error: CommandError) -> io::Error {
    io::Error::other(error)
}
