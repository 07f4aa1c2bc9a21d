use std::env::JoinPathsError;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use tokio::runtime::TryCurrentError;

/// A command could not be run. A command that ran and failed is an [`super::Exit`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// A folder of the jail cannot be resolved.
    #[error("resolving the jail folder {folder:?}")]
    Jail {
        /// The folder as it was given.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The working directory is missing, unreadable or not a directory.
    #[error("opening the working directory {cwd:?} to run {program:?}")]
    Cwd {
        /// The program.
        program: OsString,
        /// The directory as it was given.
        cwd: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The working directory lies in no folder of the jail.
    #[error(
        "running {program:?} in {cwd:?}, which is {resolved:?} and outside the allowed folders"
    )]
    OutsideJail {
        /// The program.
        program: OsString,
        /// The directory as it was given.
        cwd: PathBuf,
        /// The same with links and `..` resolved.
        resolved: PathBuf,
    },
    /// A variable's name is empty or holds `=` or a zero byte.
    #[error("setting the variable {name:?}, which is not a name")]
    VariableName {
        /// The name.
        name: OsString,
    },
    /// An entry for `PATH` cannot be written there.
    #[error("putting {entries:?} in front of PATH")]
    PathEntries {
        /// The entries.
        entries: Vec<PathBuf>,
        /// Why.
        source: JoinPathsError,
    },
    /// No tokio runtime is running.
    #[error("running {program:?} outside a tokio runtime")]
    NoRuntime {
        /// The program.
        program: OsString,
        /// Why.
        source: TryCurrentError,
    },
    /// There is no such program, or the interpreter that its first line names is missing.
    #[error("finding the program {program:?}")]
    ProgramNotFound {
        /// The program.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },
    /// The system did not start the program.
    #[error("starting the program {program:?}")]
    Spawn {
        /// The program.
        program: OsString,
        /// Why.
        source: io::Error,
    },
    /// The program ended, but the system did not say how.
    #[error("asking how the program {program:?} ended")]
    Wait {
        /// The program.
        program: OsString,
        /// Why.
        source: io::Error,
    },
}
