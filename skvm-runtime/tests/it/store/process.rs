//! Processes that run one ignored test of this binary and tell what they have done.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Stands before each fact, for the harness of the tests writes to the same place.
const MARK: &str = "\u{1}fact ";

/// Longer than any wait of a test that goes well.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Tells a fact to whoever started this process.
pub(super) fn tell(fact: impl std::fmt::Display) {
    // Not printed, so that the harness does not keep it, and in one piece.
    let line = format!("{MARK}{fact}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).unwrap();
    out.flush().unwrap();
}

/// A process that was started. It is killed when this is dropped.
pub(super) struct Process {
    child: Child,
    facts: Receiver<String>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Runs one ignored test with variables in its environment.
    pub(super) fn start<'a>(
        test: &str,
        variables: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    ) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, facts) = channel();
        let reader = thread::spawn(move || {
            // A line without an end was not told to its end.
            for line in out.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if let Some((_, fact)) = line.split_once(MARK)
                    && sender.send(fact.to_owned()).is_err()
                {
                    return;
                }
            }
        });
        Self { child, facts, reader: Some(reader) }
    }

    /// The next fact; `None` when there will be none.
    pub(super) fn next(&self) -> Option<String> {
        let told = self.facts.recv_timeout(PATIENCE);
        assert_ne!(told, Err(RecvTimeoutError::Timeout), "the process tells nothing");
        told.ok()
    }

    /// Kills it as it stands, in the middle of its work, and gives the facts that it told and nobody read.
    pub(super) fn kill(mut self) -> Vec<String> {
        use std::os::unix::process::ExitStatusExt as _;
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        if status.signal().is_none() {
            let told = std::io::read_to_string(self.child.stderr.take().unwrap()).unwrap();
            assert!(status.success(), "it had failed by itself: {told}");
        }
        self.reader.take().unwrap().join().unwrap();
        self.facts.try_iter().collect()
    }

    /// Waits until its test has passed, and gives the facts that it told and nobody read.
    pub(super) fn passes(mut self) -> Vec<String> {
        let mut stderr = self.child.stderr.take().unwrap();
        let told = thread::spawn(move || std::io::read_to_string(&mut stderr).unwrap());
        let facts: Vec<String> = std::iter::from_fn(|| self.next()).collect();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{}", told.join().unwrap());
        facts
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
