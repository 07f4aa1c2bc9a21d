use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::process::ExitStatus;
use std::task::{Context, Poll};

use futures::channel::oneshot;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use tokio::process::{Child, Command};

/// A child that leads its own process group. Dropped before it is reaped, it kills the group.
///
/// The group's number is the child's, and the system gives it to no other process before the child
/// is reaped. Therefore the end of the child is awaited without reaping it, signals are sent only
/// until then, and [`Process::reap`] comes last.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Open until the child has ended.
    end: Option<oneshot::Receiver<()>>,
}

impl Process {
    /// Starts the command.
    ///
    /// # Errors
    /// What the system says when it starts no process, or no thread to wait for it.
    pub(super) fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).spawn()?;
        let mut process = Self { child, end: None };
        let Some(pid) = process.pid() else { return Ok(process) };
        // Waiting takes a thread of our own: the runtime's own way reaps the child, and its pool of
        // threads may be full, so that an end would be noticed too late.
        let (ended, end) = oneshot::channel();
        std::thread::Builder::new().name("skvm-command".into()).spawn(move || {
            wait_without_reaping(pid);
            let _ = ended.send(());
        })?;
        process.end = Some(end);
        Ok(process)
    }

    /// The child, for its pipes.
    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Ready when the child has ended, as often as it is asked.
    pub(super) fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(end) = &mut self.end else { return Poll::Ready(()) };
        // A sender that is gone without a word has ended, too.
        let ended = Pin::new(end).poll(context).map(drop);
        if ended.is_ready() {
            self.end = None;
        }
        ended
    }

    /// Asks the group to end.
    pub(super) fn terminate(&mut self) {
        self.signal_group(Signal::TERM);
    }

    /// Ends the group.
    pub(super) fn kill(&mut self) {
        self.signal_group(Signal::KILL);
        // A child may have changed its group.
        let _ = self.child.start_kill();
    }

    /// Reaps the child, which must have ended or been killed. No signal is sent from here on.
    ///
    /// # Errors
    /// What the system says when it does not tell the status.
    pub(super) async fn reap(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    fn signal_group(&self, signal: Signal) {
        // Fails when nobody is left, which is what was wanted.
        if let Some(pid) = self.pid()
            && kill_process_group(pid, signal).is_err()
        {
            let _ = kill_process(pid, signal);
        }
    }

    /// The child's number and that of its group, until the child is reaped.
    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()?).ok()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.pid().is_some() {
            self.kill();
        }
    }
}

/// Blocks until the child has ended, and leaves it to be reaped.
fn wait_without_reaping(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    // An error says that there is no such child any more.
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
}
