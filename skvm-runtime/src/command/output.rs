use std::collections::VecDeque;
use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How many bytes are read at once.
const CHUNK: usize = 16 * 1024;

/// What a command that ran has left.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandOutput {
    /// How it ended.
    pub exit: Exit,
    /// Its standard output.
    pub stdout: CappedOutput,
    /// Its standard error.
    pub stderr: CappedOutput,
    /// From the start to the end of everything, processes left behind included.
    pub duration: Duration,
}

impl CommandOutput {
    /// Whether the program ended by itself with code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.exit.success()
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Exit {
    /// By itself, with that code.
    Code(i32),
    /// By a signal that somebody else sent.
    Signal(i32),
    /// It was ended at the deadline, whatever code it gave then.
    Deadline,
    /// It was ended because whoever [attended](super::CommandRunner::attend) it wanted that.
    Stopped,
}

impl Exit {
    /// Whether it is code 0.
    #[must_use]
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }

    pub(super) fn from_status(status: ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Self::Signal(signal);
        }
        // Without a signal there is a code on every system; -1 stands for what cannot be.
        Self::Code(status.code().unwrap_or(-1))
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Deadline => f.write_str("deadline"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

/// The beginning and the end of a stream.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CappedOutput {
    /// The first bytes.
    pub head: Vec<u8>,
    /// The last bytes that are not in the head.
    pub tail: Vec<u8>,
    /// How many bytes between them were left out.
    pub omitted: u64,
}

impl CappedOutput {
    /// The stream as text, with a line in place of what was left out.
    ///
    /// Bytes that are not UTF-8 become U+FFFD. A character that was cut in two counts as left out.
    #[must_use]
    pub fn text(&self) -> String {
        if self.omitted == 0 {
            let whole = [self.head.as_slice(), self.tail.as_slice()].concat();
            return String::from_utf8_lossy(&whole).into_owned();
        }
        let (head, tail) = (without_cut_end(&self.head), without_cut_start(&self.tail));
        let cut = (self.head.len() - head.len()) + (self.tail.len() - tail.len());
        let omitted = self.omitted + cut as u64;
        let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
        format!("{head}\n... {omitted} bytes left out ...\n{tail}")
    }

    /// Whether nothing was left out.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.omitted == 0
    }
}

impl fmt::Debug for CappedOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CappedOutput").field(&self.text()).finish()
    }
}

/// The bytes without the first part of a character at their end.
fn without_cut_end(bytes: &[u8]) -> &[u8] {
    let invalid = bytes.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
    let is_cut = str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
    if is_cut { &bytes[..bytes.len() - invalid.len()] } else { bytes }
}

/// The bytes without the last part of a character at their start.
fn without_cut_start(bytes: &[u8]) -> &[u8] {
    let is_continuation = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
    &bytes[bytes.iter().take(3).take_while(is_continuation).count()..]
}

/// Takes a stream in and keeps its beginning and its end.
#[derive(Debug)]
pub(super) struct Capture {
    head: Vec<u8>,
    head_cap: usize,
    tail: VecDeque<u8>,
    tail_cap: usize,
    omitted: u64,
}

impl Capture {
    pub(super) fn new(cap: usize) -> Self {
        let tail_cap = cap / 2;
        Self {
            head: Vec::new(),
            head_cap: cap - tail_cap,
            tail: VecDeque::new(),
            tail_cap,
            omitted: 0,
        }
    }

    /// Takes in what came.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(self.head_cap - self.head.len()));
        self.head.extend_from_slice(head);
        let (passed, last) = rest.split_at(rest.len().saturating_sub(self.tail_cap));
        let crowded_out = (self.tail.len() + last.len()).saturating_sub(self.tail_cap);
        self.tail.drain(..crowded_out);
        self.tail.extend(last);
        self.omitted += (passed.len() + crowded_out) as u64;
    }

    pub(super) fn finish(self) -> CappedOutput {
        CappedOutput { head: self.head, tail: self.tail.into(), omitted: self.omitted }
    }
}

/// The beginning and the end of a text, `cap` bytes together, with a line in place of what was left out.
#[cfg(feature = "harness-cli")]
pub(crate) fn capped(text: &str, cap: usize) -> String {
    let mut capture = Capture::new(cap);
    capture.push(text.as_bytes());
    capture.finish().text()
}

/// Reads a pipe to its end, piece by piece.
pub(super) async fn read_chunks(mut pipe: impl AsyncRead + Unpin, mut take: impl FnMut(&[u8])) {
    let mut chunk = vec![0; CHUNK];
    loop {
        match pipe.read(&mut chunk).await {
            Ok(0) => return,
            Ok(read) => take(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            // A pipe that cannot be read gives no more than one that is closed.
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(cap: usize, pieces: &[&str]) -> CappedOutput {
        let mut capture = Capture::new(cap);
        for piece in pieces {
            capture.push(piece.as_bytes());
        }
        capture.finish()
    }

    #[test]
    fn what_fits_is_kept_whole() {
        for pieces in [&["abcdef"][..], &["a", "b", "cdef"], &["abcde", "", "f"]] {
            let output = captured(6, pieces);
            assert_eq!((output.text().as_str(), output.omitted), ("abcdef", 0));
        }
        assert_eq!(captured(0, &[]).text(), "");
    }

    #[test]
    fn head_and_tail_stay_however_the_stream_is_cut() {
        let digits: String = (0..10).map(|digit| digit.to_string()).collect();
        for cap in 0..12 {
            for size in 1..=10 {
                let pieces: Vec<&str> = digits
                    .as_bytes()
                    .chunks(size)
                    .map(|piece| str::from_utf8(piece).unwrap())
                    .collect();
                let output = captured(cap, &pieces);
                let kept = cap.min(10);
                assert_eq!(output.omitted, (10 - kept) as u64, "{cap} {size}");
                let (head, tail) = (kept.min(cap - cap / 2), kept - kept.min(cap - cap / 2));
                assert_eq!(output.head, digits.as_bytes()[..head], "{cap} {size}");
                assert_eq!(output.tail, digits.as_bytes()[10 - tail..], "{cap} {size}");
            }
        }
    }

    #[test]
    fn the_gap_is_told_and_cut_characters_belong_to_it() {
        assert_eq!(captured(4, &["abcdef"]).text(), "ab\n... 2 bytes left out ...\nef");
        let output = captured(4, &["aéxyzéa"]); // a é(2) x y z é(2) a, two bytes kept on each side
        assert_eq!((output.omitted, output.text()), (5, "a\n... 7 bytes left out ...\na".into()));
        // A character that lies half in the head and half in the tail is whole when nothing is
        // missing.
        assert_eq!(captured(4, &["aéb"]).text(), "aéb");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let mut capture = Capture::new(8);
        capture.push(b"a\xff\xfeb");
        assert_eq!(capture.finish().text(), "a\u{fffd}\u{fffd}b");
        assert_eq!(without_cut_end(b"a\xff"), b"a\xff");
        assert_eq!(without_cut_end(b"a\xe2\x82"), b"a");
        assert_eq!(without_cut_end("é".as_bytes()), "é".as_bytes());
    }
}
