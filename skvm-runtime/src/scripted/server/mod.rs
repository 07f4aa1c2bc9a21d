//! A model server on this machine that says what it was told to say.

mod connection;
mod request;
mod script;
mod tools;
mod turn;
mod wire;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use skvm_core::llm::Usage;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use connection::Shared;

pub use request::SeenRequest;
pub use script::{Fault, Reply, Script};

/// A model server on loopback that says what its [`Script`] says and keeps the requests, for tests of
/// programs that bring their own client.
///
/// It answers `POST` to `/v1/chat/completions`, `/v1/responses` and `/v1/messages`, whole or as a stream of
/// events, and to `/v1/messages/count_tokens`, and `GET` of `/v1/models`, all with and without `/v1`. Anything
/// else is status 404, a body that is no JSON object 400, one of more than 16 MiB 413. No credentials are
/// asked for.
///
/// It speaks HTTP/1.1. A connection is kept for as many requests as the client likes, one after the other. A
/// head may have 64 KiB and 128 headers; one of more than 128 KiB is refused. The server ends with all its
/// connections when it is dropped, or with the runtime that it was started in.
#[cfg_attr(
    feature = "http",
    doc = r#"
```
# async fn example() -> Result<(), Box<dyn std::error::Error>> {
use skvm_core::llm::{LlmBackend, LlmRequest};
use skvm_runtime::backend::OpenAiCompatible;
use skvm_runtime::provider::WireFormat;
use skvm_runtime::scripted::{Script, ScriptedServer};

let server = ScriptedServer::start(Script::new().with_answer("noted")).await?;
let model = OpenAiCompatible::builder(server.base_url(), "vendor/model").build()?;

let answer = model.complete(LlmRequest::user("note this")).await?;
assert_eq!(answer.text, "noted");
assert_eq!(answer.usage, ScriptedServer::USAGE);
assert_eq!(server.requests()[0].wire, Some(WireFormat::ChatCompletions));
assert_eq!(server.requests()[0].body["model"], "vendor/model");
# Ok(())
# }
# tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
```
"#
)]
#[derive(Debug)]
pub struct ScriptedServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Serving,
}

/// What keeps the address.
#[derive(Debug)]
enum Serving {
    Listens(JoinHandle<()>),
    /// Bound and not listening: connections are refused, and nobody else gets the port.
    Refuses {
        _socket: TcpSocket,
    },
}

impl ScriptedServer {
    /// The tokens that every answer tells.
    pub const USAGE: Usage = turn::USAGE;

    /// Starts on a free port, in the Tokio runtime that polls this.
    ///
    /// # Errors
    ///
    /// Where no port can be had.
    pub async fn start(script: Script) -> io::Result<Self> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (deaths, dying) = mpsc::channel(1);
        let refuses = script.fault == Fault::Refuses;
        let shared = Arc::new(Shared::new(script, deaths));
        if refuses {
            let socket = TcpSocket::new_v4()?;
            socket.bind(any)?;
            let address = socket.local_addr()?;
            return Ok(Self { address, shared, serving: Serving::Refuses { _socket: socket } });
        }
        let listener = TcpListener::bind(any).await?;
        let address = listener.local_addr()?;
        let listening = connection::listen(listener, Arc::clone(&shared), dying);
        Ok(Self { address, shared, serving: Serving::Listens(tokio::spawn(listening)) })
    }

    /// What clients for chat completions and responses take: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.origin())
    }

    /// What Anthropic's clients take: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that were read to their end so far, in that order. A request stands here before it is
    /// answered.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.requests()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        match &self.serving {
            // The connections are that task's own.
            Serving::Listens(listening) => listening.abort(),
            Serving::Refuses { .. } => {}
        }
    }
}
