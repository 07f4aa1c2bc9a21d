//! Runs programs for skills, solidified code and tools.
//!
//! Every child process of this crate is started by a [`CommandRunner`]. A [`CommandSpec`] says what
//! to run, an [`Environment`] what the program may see of the host's variables, and the runner's
//! jail in which folders it may start.
//!
//! ```
//! # #[cfg(unix)]
//! # async fn example() -> Result<(), skvm_runtime::command::CommandError> {
//! use skvm_runtime::command::{CommandRunner, CommandSpec, Environment};
//!
//! let folder = std::env::temp_dir();
//! let runner = CommandRunner::new(Environment::from_host(), [&folder])?;
//! let spec = CommandSpec::new("printf", &folder).with_args(["%s", "$(date); ls"]);
//! let output = runner.run(spec).await?;
//! assert!(output.success());
//! assert_eq!(output.stdout.text(), "$(date); ls"); // a value, never code
//! # Ok(())
//! # }
//! # #[cfg(unix)]
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
//! #     .block_on(example()).unwrap();
//! ```
//!
//! # What it guarantees
//!
//! - **No shell.** The program gets its arguments as they are. Whoever wants a shell names one as
//!   the program and passes values as arguments, never inside the script.
//! - **A bound on time.** At the deadline the process group gets `SIGTERM`, after the grace
//!   `SIGKILL`; [`CommandRunner::run`] returns within the deadline and twice the grace, also when a
//!   process that left the group holds the pipes.
//! - **A bound on memory.** Both streams are always read, so that no program blocks on a full pipe,
//!   and only their beginnings and ends are kept.
//! - **No leftovers.** The child leads its own process group. When it ended, what remains of the
//!   group may write for the grace at most and is then killed. Dropping the future kills the group
//!   at once. Signals are sent only while the child is not yet reaped, so its number cannot have
//!   passed to a foreign process.
//! - **Few variables.** The child sees an allow-list of the host's variables and those that were
//!   set for it, nothing else.
//! - **A working directory inside the jail**, with links and `..` resolved before it is compared.
//!
//! # What it does not
//!
//! - It is **no sandbox**. A program may open any file, connect anywhere and use what the user of
//!   the host process may use; neither system calls nor resources are restrained. The jail is about
//!   where a program starts. Programs that are not trusted need a container or the like around the
//!   host.
//! - A process that leaves its group (`setsid`, daemons that fork twice) is not found again and
//!   lives on. It delays nobody: after the grace the pipes are closed on our side.
//! - The working directory is checked before the start; who may replace folders of the jail by
//!   links at the same moment can evade the check.
//! - A program that asks the controlling terminal for input is stopped by the system and ends at
//!   the deadline.
//! - On systems other than Unix there are no process groups: the child alone is killed, without a
//!   request to end before.

mod dialogue;
mod environment;
mod error;
mod output;
#[cfg(not(unix))]
mod portable;
mod runner;
mod scratch;
mod spec;
#[cfg(unix)]
mod unix;

pub use dialogue::{Attendant, Attention, Stream};
pub use environment::Environment;
pub use error::CommandError;
#[cfg(feature = "harness-cli")]
pub(crate) use output::capped;
pub use output::{CappedOutput, CommandOutput, Exit};
pub use runner::CommandRunner;
pub use scratch::ScratchRunner;
pub use spec::CommandSpec;

#[cfg(not(unix))]
use portable::Process;
#[cfg(unix)]
use unix::Process;
