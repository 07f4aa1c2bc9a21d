use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::command::CommandError;

/// An environment could not be set up. Nothing of what was begun is left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// A folder or file of the environment cannot be used.
    #[error("using {path} for environments", path = path.display())]
    Folder {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else prepared the same environment for too long.
    #[error("waiting {waited:?} for another process to prepare {path}", path = path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
        /// How long.
        waited: Duration,
    },
    /// An action could not be started.
    #[error("starting the action {action}")]
    Start {
        /// The action.
        action: String,
        /// Why.
        source: CommandError,
    },
    /// An action failed, or what it installed does not work.
    #[error("{0}")]
    Failed(Box<FailedAction>),
    /// The deadline for everything came first.
    #[error("the deadline of {deadline:?} came before the action {action} was done")]
    Deadline {
        /// The deadline.
        deadline: Duration,
        /// The action that was being done.
        action: String,
    },
    /// The runner for commands could not be made.
    #[error("preparing to run commands")]
    Runner(#[source] CommandError),
}

/// An action that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedAction {
    /// The action.
    pub action: String,
    /// The program and its arguments, or those of the verification that failed.
    pub command: String,
    /// Whether the action was done and its verification failed.
    pub in_verification: bool,
    /// How it ended: `exit status 1`, `a deadline`.
    pub exit: String,
    /// The end of its output, with passwords of addresses left out.
    pub output: String,
    /// What to do about it.
    pub advice: String,
}

impl fmt::Display for FailedAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what =
            if self.in_verification { "the verification of the action" } else { "the action" };
        write!(f, "{what} {} ended with {}; {}", self.action, self.exit, self.advice)
    }
}
