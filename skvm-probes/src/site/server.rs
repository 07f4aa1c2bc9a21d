//! The server: threads of the standard library, for a few requests of one agent.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Site, SiteRequest, SiteResponse, decode_pairs};

/// How long a client may take to send its request or to take its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of the head of a request, and of its body.
const MAX_HEAD: u64 = 16 << 10;
const MAX_BODY: u64 = 64 << 10;
/// Most connections at once.
const MAX_CONNECTIONS: usize = 16;
/// Most requests that are remembered.
const MAX_LOG: usize = 1_000;

/// Serves a site on a free port of `127.0.0.1` until it is dropped.
#[derive(Debug)]
pub struct SiteServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    site: Site,
    log: Mutex<Vec<SiteRequest>>,
    stopped: AtomicBool,
    connections: AtomicUsize,
}

impl SiteServer {
    /// Begins to serve a site.
    ///
    /// # Errors
    /// When no port can be opened, or no thread started.
    pub fn start(site: Site) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            site,
            log: Mutex::default(),
            stopped: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
        });
        let served = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("probe-site".to_owned())
            .spawn(move || serve(&listener, &served))?;
        Ok(Self { address, shared, thread: Some(thread) })
    }

    /// Where it is served, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked for so far, in the order of the answers.
    #[must_use]
    pub fn requests(&self) -> Vec<SiteRequest> {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for SiteServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        // The listener waits for a connection; this is one.
        if TcpStream::connect_timeout(&self.address, PATIENCE).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::Acquire) {
            return;
        }
        let Ok(stream) = stream else { continue };
        if shared.connections.fetch_add(1, Ordering::AcqRel) >= MAX_CONNECTIONS {
            shared.connections.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        // Given back also when a site panics, or no thread can be started.
        let place = Place(Arc::clone(shared));
        let _ = thread::Builder::new().spawn(move || {
            // A client that breaks off breaks off its own request only.
            let _ = answer(&stream, &place.0);
            let _ = stream.shutdown(Shutdown::Both);
        });
    }
}

/// One of the connections at once.
struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A stream that is read until a moment, however slowly its bytes come.
struct Until<'a>(&'a TcpStream, Instant);

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if Instant::now() > self.1 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.0.read(buffer)
    }
}

fn answer(mut stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let Some(mut request) = read(stream)? else {
        let refused = SiteResponse { status: 400, ..SiteResponse::html("") };
        return stream.write_all(&written(&refused));
    };
    let response = shared.site.answer(&request);
    request.status = response.status;
    {
        let mut log = shared.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() < MAX_LOG {
            log.push(request);
        }
    }
    stream.write_all(&written(&response))
}

/// The request; `None` when it is none.
fn read(stream: &TcpStream) -> io::Result<Option<SiteRequest>> {
    let mut reader =
        BufReader::new(Until(stream, Instant::now() + PATIENCE).take(MAX_HEAD + MAX_BODY));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    // A proxy's form of the target names the host, too.
    let target = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => target,
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = SiteRequest {
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        query: decode_pairs(query.split('#').next().unwrap_or_default()),
        ..SiteRequest::default()
    };
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { return Ok(None) };
        request.headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.header("content-length").and_then(|length| length.parse::<u64>().ok());
    if let Some(length) = length.filter(|length| *length <= MAX_BODY) {
        let mut body = String::new();
        reader.take(length).read_to_string(&mut body)?;
        request.form = decode_pairs(&body);
    }
    Ok(Some(request))
}

fn written(response: &SiteResponse) -> Vec<u8> {
    let SiteResponse { status, headers, kind, body } = response;
    let reason = match status {
        200 => "OK",
        303 => "See Other",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        _ => "Status",
    };
    let mut text = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}
