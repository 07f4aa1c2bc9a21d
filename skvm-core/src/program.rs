//! Programs that are run to see what they do: what goes in, what comes out, and who runs them.

use std::io;
use std::time::Duration;

use async_trait::async_trait;

use crate::files::FileTree;

/// A program with its arguments and the files that it finds.
///
/// ```
/// use skvm_core::program::Program;
///
/// let program = Program::new("python3", ["script.py"]).with_file("script.py", "print(1)");
/// assert_eq!(program.files.len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The program; without a path separator it is searched in `PATH`.
    pub program: String,
    /// Its arguments, passed as they are.
    pub arguments: Vec<String>,
    /// What lies in its working directory when it starts. Nothing else does.
    pub files: FileTree,
    /// Variables that it sees beside the runner's own.
    pub variables: Vec<(String, String)>,
    /// How long it may run. Default 10 seconds.
    pub deadline: Duration,
}

impl Program {
    /// A program without files.
    #[must_use]
    pub fn new<A: Into<String>>(
        program: impl Into<String>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            files: FileTree::default(),
            variables: Vec::new(),
            deadline: Duration::from_secs(10),
        }
    }

    /// The same program with one more file.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.files = self.files.with(path, content);
        self
    }

    /// The same program with one more variable.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }
}

/// What a program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramOutput {
    /// How it ended.
    pub exit: ProgramExit,
    /// What it wrote to its standard output, possibly shortened.
    pub stdout: String,
    /// What it wrote to its standard error, possibly shortened.
    pub stderr: String,
    /// The files that lay in its working directory when it had ended.
    pub files: FileTree,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProgramExit {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// It was ended at its deadline.
    Deadline,
}

/// A program could not be run. What it did when it ran is never an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// The machine does not have the program.
    #[error("there is no program {program:?} on this machine")]
    Missing {
        /// The program.
        program: String,
    },
    /// It could not be started or followed.
    #[error("running {program:?}")]
    Run {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Runs programs, each in a folder of its own.
///
/// An implementation owes its callers: a fresh folder that holds the program's files alone and is gone
/// afterwards; the deadline kept; bounded output; no variables of the host that the program does not need.
///
/// ```
/// use async_trait::async_trait;
/// use skvm_core::program::{Program, ProgramError, ProgramOutput, ProgramRunner};
///
/// /// Has no program at all.
/// #[derive(Debug)]
/// struct Bare;
///
/// #[async_trait]
/// impl ProgramRunner for Bare {
///     async fn run(&self, program: Program) -> Result<ProgramOutput, ProgramError> {
///         Err(ProgramError::Missing { program: program.program })
///     }
/// }
///
/// let ran = futures::executor::block_on(Bare.run(Program::new("node", ["-v"])));
/// assert!(matches!(ran, Err(ProgramError::Missing { .. })));
/// ```
#[async_trait]
pub trait ProgramRunner: Send + Sync {
    /// Runs a program to its end or its deadline.
    ///
    /// # Errors
    /// [`ProgramError`] when it could not be run.
    async fn run(&self, program: Program) -> Result<ProgramOutput, ProgramError>;
}

const _: fn(&dyn ProgramRunner) = |_| {};
