//! Connections, and what goes over them.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::{Body as _, Bytes, Frame, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet, yield_now};
use tokio::time::sleep;

use super::request::{Page, SeenRequest};
use super::script::{Fault, Reply, Script};
use super::turn::{CACHED, INPUT, Said, Turn};
use super::wire::{Answer, CREATED};
use crate::provider::WireFormat;

const MAX_BODY: u64 = 16 * 1024 * 1024;
const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 128;

/// Where no connection can be accepted, as when there are no more file descriptors.
const PAUSE: Duration = Duration::from_millis(20);

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What the server and its connections share.
#[derive(Debug)]
pub(super) struct Shared {
    script: Script,
    requests: Mutex<Vec<SeenRequest>>,
    turns: AtomicU64,
    deaths: mpsc::Sender<Death>,
}

/// A connection asks to be the last one.
#[derive(Debug)]
pub(super) struct Death {
    connection: u64,
    is_last: oneshot::Sender<Infallible>,
}

impl Shared {
    pub(super) fn new(script: Script, deaths: mpsc::Sender<Death>) -> Self {
        Self { script, requests: Mutex::default(), turns: AtomicU64::new(1), deaths }
    }

    pub(super) fn requests(&self) -> Vec<SeenRequest> {
        self.log().clone()
    }

    fn log(&self) -> MutexGuard<'_, Vec<SeenRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the listener and all other connections. When this is back, connections are refused, so no client
    /// that has its answer gets another one.
    async fn die(&self, connection: u64) {
        let (is_last, others_ended) = oneshot::channel();
        if self.deaths.send(Death { connection, is_last }).await.is_ok() {
            // It is never sent, only dropped.
            let _dropped = others_ended.await;
        }
    }
}

/// Accepts connections until one of them asks to be the last. They end when this is dropped.
pub(super) async fn listen(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut deaths: mpsc::Receiver<Death>,
) {
    let mut connections = JoinSet::new();
    let mut open: Vec<(u64, AbortHandle)> = Vec::new();
    let mut number = 0;
    let death = loop {
        tokio::select! {
            Some(death) = deaths.recv() => break death,
            Some(_) = connections.join_next() => open.retain(|(_, task)| !task.is_finished()),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    number += 1;
                    let task = connections.spawn(serve(stream, number, Arc::clone(&shared)));
                    open.push((number, task));
                }
                Err(_) => sleep(PAUSE).await,
            },
        }
    };
    drop(listener);
    let others = open.iter().filter(|(number, _)| *number != death.connection);
    others.for_each(|(_, task)| task.abort());
    while connections.len() > 1 {
        connections.join_next().await;
    }
    drop(death.is_last);
    while connections.join_next().await.is_some() {}
}

/// Serves the requests of one connection, one after the other.
async fn serve(stream: TcpStream, number: u64, shared: Arc<Shared>) {
    // The parts of a stream of events are small.
    let _still_right = stream.set_nodelay(true);
    let service = service_fn(|request| respond(request, number, Arc::clone(&shared)));
    let mut http = http1::Builder::new();
    http.max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    // What a client does to its connection is its own matter; what is no HTTP was answered so.
    let _ended = http.serve_connection(TokioIo::new(stream), service).await;
}

/// An error ends the connection without an answer.
async fn respond(
    request: Request<Incoming>,
    connection: u64,
    shared: Arc<Shared>,
) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let Some(body) = read(body).await? else {
        return Ok(failed(413, "the body is larger than 16 MiB"));
    };
    let request = SeenRequest::new(&parts, &body);
    shared.log().push(request.clone());
    match request.page() {
        Page::Models => Ok(whole(200, &models(&shared.script.model))),
        Page::Unknown => Ok(failed(404, "there is no such page")),
        Page::CountTokens | Page::Answer(_) if !request.body.is_object() => {
            Ok(failed(400, "the body is no JSON object"))
        }
        Page::CountTokens => {
            let count = Answer::json(&json!({ "input_tokens": INPUT + CACHED }));
            under(shared.script.fault, count).await
        }
        Page::Answer(wire) => answer(wire, request, connection, &shared).await,
    }
}

/// The whole body, unless it is too large.
async fn read(body: Incoming) -> io::Result<Option<Bytes>> {
    if body.size_hint().lower() > MAX_BODY {
        return Ok(None);
    }
    let limit = usize::try_from(MAX_BODY).unwrap_or(usize::MAX);
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(Some(body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Ok(None),
        Err(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// One turn of the model.
async fn answer(
    wire: WireFormat,
    request: SeenRequest,
    connection: u64,
    shared: &Shared,
) -> io::Result<Response<Body>> {
    let script = &shared.script;
    let (fault, said) = match script.reply(&request) {
        Reply::Scripted => (Fault::None, script.said(&request)),
        Reply::Fault(fault) => (fault, script.said(&request)),
        Reply::Text(text) => (Fault::None, Said::Text(text)),
        Reply::Command(command) => (Fault::None, script.calls(&request, &command)),
        Reply::Call { tool, arguments } => (Fault::None, Said::Call { tool, arguments }),
        Reply::Json { status, body } => return Ok(whole(status, &body)),
    };
    let number = shared.turns.fetch_add(1, Ordering::Relaxed);
    let turn = Turn { said, request: &request, number, tells_usage: script.tells_usage };
    let answer = Answer::new(wire, &turn);
    let dies = fault == Fault::DiesAfterFirst && request.offers_tools();
    if dies {
        shared.die(connection).await;
    }
    let mut response = under(fault, answer).await?;
    if dies {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// An answer as it is with a fault.
async fn under(fault: Fault, answer: Answer) -> io::Result<Response<Body>> {
    let answer = match fault {
        Fault::None | Fault::Truncated | Fault::DiesAfterFirst => answer,
        Fault::InvalidJson => answer.with_invalid_json(),
        Fault::Hang => std::future::pending().await,
        Fault::Closes | Fault::Refuses => return Err(io::ErrorKind::ConnectionAborted.into()),
        Fault::Status(status) => return Ok(failed(status, "scripted to fail")),
    };
    let content_type = answer.content_type();
    let body = match answer {
        answer if fault == Fault::Truncated => half(answer.into_text()),
        Answer::Json(body) => full(body),
        Answer::Events(events) => {
            let frames = events.into_iter().map(|event| Ok(Frame::data(Bytes::from(event))));
            StreamBody::new(stream::iter(frames)).boxed_unsync()
        }
    };
    Ok(response(200, content_type, body))
}

/// The first half of a body. It is sent before the connection ends.
fn half(text: String) -> Body {
    let bytes = Bytes::from(text);
    let sent = bytes.slice(..bytes.len() / 2);
    let lost = async {
        yield_now().await;
        Err(io::ErrorKind::ConnectionAborted.into())
    };
    let frames = stream::iter([Ok(Frame::data(sent))]).chain(stream::once(lost));
    StreamBody::new(frames).boxed_unsync()
}

fn full(text: String) -> Body {
    Full::from(text).map_err(|never| match never {}).boxed_unsync()
}

fn whole(status: u16, body: &Value) -> Response<Body> {
    response(status, "application/json", full(body.to_string()))
}

fn response(status: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let status = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if status == Some(StatusCode::TOO_MANY_REQUESTS) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// A failure in a form that clients of every wire format read.
fn failed(status: u16, message: &str) -> Response<Body> {
    let kind = match status {
        400 | 413 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        _ => "api_error",
    };
    let error = json!({ "type": kind, "message": message, "param": null, "code": null });
    whole(status, &json!({ "type": "error", "error": error }))
}

fn models(model: &str) -> Value {
    let model = json!({
        "id": model, "object": "model", "created": CREATED, "owned_by": "scripted"
    });
    json!({ "object": "list", "data": [model] })
}
