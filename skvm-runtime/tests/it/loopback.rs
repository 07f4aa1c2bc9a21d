//! A server on this machine that does to each connection what a script says, and remembers what it was
//! asked. One connection carries one request.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What happens to one connection.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    /// The request is read and answered.
    Answer(Answer),
    /// The request is read and never answered.
    Hang,
    /// The connection is closed before anything is read.
    CloseAtOnce,
    /// The answer breaks off after half of its body.
    CloseHalfway(Answer),
    /// The answer comes byte by byte, with a pause before each byte of the body.
    Drip(Answer, Duration),
}

/// An answer as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, body.to_string()).with_header("Content-Type", "application/json")
    }

    pub(crate) fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::new(status, "").with_header("Location", location)
    }

    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The status line and the headers. They announce the whole body.
    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head + &format!("Content-Length: {}\r\nConnection: close\r\n\r\n", self.body.len())
    }
}

impl From<Answer> for Behaviour {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Recorded {
    /// A header's value; its name is written in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// The running server. It ends when it is dropped, with all its connections.
#[derive(Debug)]
pub(crate) struct Loopback {
    address: String,
    state: Arc<State>,
    listening: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    script: Mutex<VecDeque<Behaviour>>,
    recorded: Mutex<Vec<Recorded>>,
    connections: AtomicUsize,
    serving: Mutex<Vec<JoinHandle<io::Result<()>>>>,
}

impl Loopback {
    /// Serves a script on a free port. A connection after its end is answered with status 418.
    pub(crate) async fn serve<B: Into<Behaviour>>(script: impl IntoIterator<Item = B>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket").to_string();
        let script = Mutex::new(script.into_iter().map(Into::into).collect());
        let state = Arc::new(State { script, ..State::default() });
        let listening = tokio::spawn(listen(listener, Arc::clone(&state)));
        Self { address, state, listening }
    }

    /// The URL of a path, which begins with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// The requests that were read to their end so far.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        lock(&self.state.recorded).clone()
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.listening.abort();
        lock(&self.state.serving).iter().for_each(JoinHandle::abort);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        state.connections.fetch_add(1, Ordering::SeqCst);
        let next = lock(&state.script).pop_front();
        let behaviour = next.unwrap_or_else(|| Answer::new(418, "the script is over").into());
        // A client that gives up breaks the connection; that is its own matter.
        let serving = tokio::spawn(serve(stream, behaviour, Arc::clone(&state)));
        lock(&state.serving).push(serving);
    }
}

async fn serve(mut stream: TcpStream, behaviour: Behaviour, state: Arc<State>) -> io::Result<()> {
    if matches!(behaviour, Behaviour::CloseAtOnce) {
        return Ok(());
    }
    let request = read_request(&mut stream).await?;
    lock(&state.recorded).push(request);
    match behaviour {
        Behaviour::CloseAtOnce => {}
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Answer(answer) => {
            stream.write_all(answer.head().as_bytes()).await?;
            stream.write_all(&answer.body).await?;
        }
        Behaviour::CloseHalfway(answer) => {
            stream.write_all(answer.head().as_bytes()).await?;
            let (sent, _lost) = answer.body.split_at(answer.body.len() / 2);
            stream.write_all(sent).await?;
        }
        Behaviour::Drip(answer, pause) => {
            stream.write_all(answer.head().as_bytes()).await?;
            for byte in answer.body {
                sleep(pause).await;
                stream.write_all(&[byte]).await?;
            }
        }
    }
    stream.shutdown().await
}

/// Reads one request whose body, if any, has a known length.
async fn read_request(stream: &mut TcpStream) -> io::Result<Recorded> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let mut body = bytes.split_off(head_end + 4);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let mut request = Recorded { method, path, headers, body: Vec::new() };

    let length = request.header("content-length").and_then(|length| length.parse().ok());
    while body.len() < length.unwrap_or(0) {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    request.body = body;
    Ok(request)
}
