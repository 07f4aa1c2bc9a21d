use std::future::Future as _;
use std::io;
use std::pin::pin;
use std::process::ExitStatus;
use std::task::{Context, Poll};

use tokio::process::{Child, Command};

/// A child without a process group. Dropped before it ended, it is killed, and it alone.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// Starts the command.
    ///
    /// # Errors
    /// What the system says when it starts no process.
    pub(super) fn spawn(command: &mut Command) -> io::Result<Self> {
        Ok(Self { child: command.kill_on_drop(true).spawn()? })
    }

    /// The child, for its pipes.
    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Ready when the child has ended, as often as it is asked.
    pub(super) fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        pin!(self.child.wait()).poll(context).map(drop)
    }

    /// Ends the child: there is no request to end that every program understands.
    pub(super) fn terminate(&mut self) {
        self.kill();
    }

    /// Ends the child.
    pub(super) fn kill(&mut self) {
        // Fails when it has ended, which is what was wanted.
        let _ = self.child.start_kill();
    }

    /// How the child ended.
    ///
    /// # Errors
    /// What the system says when it does not tell the status.
    pub(super) async fn reap(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }
}
