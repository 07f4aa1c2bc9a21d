//! What happens between a process and whoever attends it, from the start to the end of both.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::{join, maybe_done};
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio::process::ChildStdin;
use tokio::time::timeout;

use super::output::{Capture, read_chunks};
use super::{CommandSpec, Process};

/// Attends a command while it runs: reads what it writes, as it comes, and may answer or end it.
///
/// What is read here is not kept for it; the [output](super::CommandOutput) has beginning and end of both streams all
/// the same.
///
/// ```
/// # #[cfg(unix)]
/// # async fn example() -> Result<(), skvm_runtime::command::CommandError> {
/// use skvm_runtime::command::{
///     Attendant, Attention, CommandRunner, CommandSpec, Environment, Exit, Stream,
/// };
///
/// /// Greets whoever asks, and then goes.
/// struct Polite;
///
/// impl Attendant for Polite {
///     fn heard(&mut self, stream: Stream, bytes: &[u8]) -> Attention {
///         match (stream, bytes) {
///             (Stream::Output, b"who is there?\n") => Attention::Write(b"me\n".to_vec()),
///             (Stream::Output, b"hello me\n") => Attention::End,
///             _ => Attention::Go,
///         }
///     }
/// }
///
/// let folder = std::env::temp_dir();
/// let runner = CommandRunner::new(Environment::from_host(), [&folder])?;
/// let script = "echo 'who is there?'; read name; echo hello $name; sleep 60";
/// let spec = CommandSpec::new("sh", &folder).with_args(["-c", script]).with_open_stdin();
/// let output = runner.attend(spec, &mut Polite, std::future::pending()).await?;
/// assert_eq!(output.exit, Exit::Stopped);
/// # Ok(())
/// # }
/// # #[cfg(unix)]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
/// #     .block_on(example()).unwrap();
/// ```
pub trait Attendant: Send {
    /// Some bytes came, cut wherever the pipe cut them. What is returned is done next.
    fn heard(&mut self, stream: Stream, bytes: &[u8]) -> Attention;
}

const _: fn(&dyn Attendant) = |_| {};

/// Which of its streams a command wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The standard output.
    Output,
    /// The standard error.
    Error,
}

/// What an attendant wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attention {
    /// Nothing.
    Go,
    /// These bytes on its standard input, which was left [open](CommandSpec::with_open_stdin); else they are dropped.
    Write(Vec<u8>),
    /// The end of the command.
    End,
}

/// Attends nothing.
pub(super) struct Unattended;

impl Attendant for Unattended {
    fn heard(&mut self, _: Stream, _: &[u8]) -> Attention {
        Attention::Go
    }
}

/// How it came to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The process ended by itself.
    Itself,
    /// It was ended at its deadline.
    Deadline,
    /// It was ended because somebody wanted it.
    Stopped,
}

/// See the [module](self).
pub(super) struct Dialogue<'a> {
    pub(super) stdout: Capture,
    pub(super) stderr: Capture,
    attending: Attending<'a>,
    answers: Option<UnboundedReceiver<Vec<u8>>>,
}

/// Whoever attends, and what was wanted.
struct Attending<'a> {
    attendant: Mutex<&'a mut dyn Attendant>,
    /// Where answers go, while the input is open.
    pen: Option<UnboundedSender<Vec<u8>>>,
    ended: Mutex<bool>,
}

impl Attending<'_> {
    fn heard(&self, stream: Stream, bytes: &[u8]) {
        let wanted = lock(&self.attendant).heard(stream, bytes);
        match (wanted, &self.pen) {
            (Attention::End, _) => *lock(&self.ended) = true,
            // A reader that is gone wants nothing any more.
            (Attention::Write(bytes), Some(pen)) => drop(pen.unbounded_send(bytes)),
            (Attention::Write(_), None) | (Attention::Go, _) => {}
        }
    }
}

impl<'a> Dialogue<'a> {
    pub(super) fn new(spec: &CommandSpec, attendant: &'a mut dyn Attendant) -> Self {
        let (pen, answers) = if spec.open_stdin {
            let (pen, answers) = unbounded();
            (Some(pen), Some(answers))
        } else {
            (None, None)
        };
        let attending =
            Attending { attendant: Mutex::new(attendant), pen, ended: Mutex::new(false) };
        let (stdout, stderr) = (Capture::new(spec.output_cap), Capture::new(spec.output_cap));
        Self { stdout, stderr, attending, answers }
    }

    /// Feeds the process and reads its streams until it and everything it left behind has ended, or has been killed.
    pub(super) async fn hold(
        &mut self,
        process: &mut Process,
        spec: &CommandSpec,
        stop: impl Future<Output = ()> + Send,
    ) -> End {
        let Self { stdout, stderr, attending, answers } = self;
        let child = process.child();
        let (input, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let attending = &*attending;
        let mut drained = pin!(maybe_done(join(
            read(out, stdout, Stream::Output, attending),
            read(err, stderr, Stream::Error, attending),
        )));
        let end = {
            let mut fed = pin!(maybe_done(feed(input, spec.stdin.as_deref(), answers.as_mut())));
            let mut stop = pin!(stop);
            let ended = poll_fn(|context| {
                // The end is asked for first: a flood of output must not hide it.
                if process.poll_ended(context).is_ready() {
                    return Poll::Ready(End::Itself);
                }
                if stop.as_mut().poll(context).is_ready() {
                    return Poll::Ready(End::Stopped);
                }
                let _ = drained.as_mut().poll(context);
                let _ = fed.as_mut().poll(context);
                if *lock(&attending.ended) {
                    return Poll::Ready(End::Stopped);
                }
                Poll::Pending
            });
            timeout(spec.deadline, ended).await.unwrap_or(End::Deadline)
        };
        if end != End::Itself {
            process.terminate();
        }
        settle(process, drained.as_mut(), spec.grace).await;
        process.kill();
        if end != End::Itself {
            settle(process, drained.as_mut(), spec.grace).await;
        }
        end
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until the process has ended and its streams are closed, for the grace at most.
async fn settle(process: &mut Process, drained: Pin<&mut impl Future>, grace: Duration) {
    let ended = poll_fn(|context| process.poll_ended(context));
    // Whether it settled makes no difference: what comes next is done in both cases.
    let _ = timeout(grace, join(ended, drained)).await;
}

/// Reads a stream to its end. May be dropped at any moment; what was read until then is kept.
async fn read(
    pipe: Option<impl AsyncRead + Unpin>,
    kept: &mut Capture,
    stream: Stream,
    attending: &Attending<'_>,
) {
    let Some(pipe) = pipe else { return };
    read_chunks(pipe, |bytes| {
        kept.push(bytes);
        attending.heard(stream, bytes);
    })
    .await;
}

/// Writes the input, then the answers, and closes it. A program that does not read, or ends before, is no error.
async fn feed(
    pipe: Option<ChildStdin>,
    bytes: Option<&[u8]>,
    answers: Option<&mut UnboundedReceiver<Vec<u8>>>,
) {
    let Some(mut pipe) = pipe else { return };
    if let Some(bytes) = bytes
        && pipe.write_all(bytes).await.is_err()
    {
        return;
    }
    let Some(answers) = answers else { return };
    while let Some(answer) = answers.next().await {
        if pipe.write_all(&answer).await.is_err() || pipe.flush().await.is_err() {
            return;
        }
    }
}
