//! HTTP as it is written by hand: bodies, connections, limits and what is no HTTP.

use futures::future::join_all;
use serde_json::json;
use skvm_runtime::scripted::{Script, ScriptedServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{PATHS, PATIENCE, asking, client, post, read, said, serve};

/// A connection on which bytes are written as they are.
struct Raw(TcpStream);

impl Raw {
    async fn new(server: &ScriptedServer) -> Self {
        let address = server.origin().trim_start_matches("http://").to_owned();
        Self(TcpStream::connect(address).await.unwrap())
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until what was read holds this.
    async fn until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        let found = async {
            loop {
                let text = String::from_utf8_lossy(&read).into_owned();
                if text.contains(end) {
                    break text;
                }
                assert_ne!(self.0.read_buf(&mut read).await.unwrap(), 0, "ended after {text:?}");
            }
        };
        timeout(PATIENCE, found).await.unwrap()
    }

    /// Reads until the connection ends, in whichever way.
    async fn rest(&mut self) -> String {
        let mut read = Vec::new();
        let _reset = timeout(PATIENCE, self.0.read_to_end(&mut read)).await.unwrap();
        String::from_utf8_lossy(&read).into_owned()
    }
}

#[tokio::test]
async fn a_body_comes_in_chunks() {
    let server = serve(Script::new()).await;
    let body = asking("/messages", 1).to_string();
    let (first, second) = body.split_at(20);
    let mut raw = Raw::new(&server).await;
    raw.send("POST /v1/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    raw.send(format!("{:x}\r\n{first}\r\n", first.len())).await;
    raw.send(format!("{:x};note=1\r\n{second}\r\n0\r\n\r\n", second.len())).await;
    assert!(raw.until("all done").await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(server.requests()[0].body, asking("/messages", 1));
}

#[tokio::test]
async fn a_client_that_waits_is_told_to_go_on() {
    let server = serve(Script::new()).await;
    let body = asking("/messages", 1).to_string();
    let mut raw = Raw::new(&server).await;
    raw.send(format!(
        "POST /messages HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ))
    .await;
    raw.until("HTTP/1.1 100 Continue\r\n\r\n").await;
    raw.send(body).await;
    assert!(raw.until("all done").await.contains("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_connection_is_kept_until_the_client_closes_it() {
    let server = serve(Script::new().with_model("here")).await;
    let mut raw = Raw::new(&server).await;
    for _ in 0..3 {
        raw.send("GET /models HTTP/1.1\r\nHost: x\r\n\r\n").await;
        raw.until("here").await;
    }
    raw.send("GET /models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(raw.rest().await.contains("here"));
    let mut raw = Raw::new(&server).await;
    raw.send("GET /models HTTP/1.0\r\n\r\n").await;
    assert!(raw.rest().await.contains("here"));
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn a_body_has_a_bound() {
    const LIMIT: usize = 16 * 1024 * 1024;
    let server = serve(Script::new()).await;
    let mut raw = Raw::new(&server).await;
    raw.send(format!(
        "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        LIMIT + 1
    ))
    .await;
    let refusal = raw.until("16 MiB").await;
    assert!(refusal.starts_with("HTTP/1.1 413 ") && refusal.contains("invalid_request_error"));

    let mut raw = Raw::new(&server).await;
    raw.send("POST /v1/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(0x0010_0000));
    for _ in 0..16 {
        raw.send(&chunk).await;
    }
    raw.send("1\r\n \r\n").await;
    assert!(raw.until("16 MiB").await.starts_with("HTTP/1.1 413 "));
    assert_eq!(server.requests(), []);

    let mut largest = asking("/messages", 1);
    largest["padding"] = json!("");
    let padding = LIMIT - largest.to_string().len();
    largest["padding"] = json!("x".repeat(padding));
    assert_eq!(post(&server, "/messages", &largest).await.status(), 200);
}

#[tokio::test]
async fn a_head_has_a_bound() {
    let server = serve(Script::new()).await;
    for header in [format!("X: {}\r\n", "x".repeat(1_000_000)), "X: x\r\n".repeat(200)] {
        let mut raw = Raw::new(&server).await;
        let _cut_off =
            raw.0.write_all(format!("GET /models HTTP/1.1\r\n{header}\r\n").as_bytes()).await;
        assert!(!raw.rest().await.starts_with("HTTP/1.1 200"));
    }
    assert_eq!(server.requests(), []);
    for header in [format!("X: {}\r\n", "x".repeat(60_000)), "X: x\r\n".repeat(120)] {
        let mut raw = Raw::new(&server).await;
        raw.send(format!("GET /models HTTP/1.1\r\n{header}\r\n")).await;
        assert!(raw.until("owned_by").await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn garbage_harms_nobody() {
    let server = serve(Script::new()).await;
    let garbage: [&[u8]; 10] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /models HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /messages HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /messages HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST /messages HTTP/1.1\r\nContent-Length: 9\r\n\r\nshort",
    ];
    for bytes in garbage {
        let mut raw = Raw::new(&server).await;
        raw.send(bytes).await;
        raw.0.shutdown().await.unwrap();
        let answer = raw.rest().await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{bytes:?}: {answer}");
    }
    assert_eq!(server.requests(), []);
    let path = "/chat/completions";
    assert!(read(path, &said(&server, path, &asking(path, 1)).await).is_ok());
}

#[tokio::test]
async fn a_body_that_is_no_conversation_harms_nobody() {
    let server = serve(Script::new()).await;
    for path in PATHS {
        for body in ["", "null", "[]", "\"text\"", "{", "\u{0}"] {
            let url = server.base_url() + path;
            let response = client().post(url).body(body).send().await.unwrap();
            assert_eq!(response.status(), 400, "{path} {body}");
        }
        let odd = json!({
            "messages": [1, null, { "content": [[], 2] }], "input": { "type": 3 }, "stream": "yes",
            "tools": [null, 7, { "function": [] }, { "name": {} }], "previous_response_id": "_-1_"
        });
        assert_eq!(post(&server, path, &odd).await.status(), 200, "{path}");
        let texts =
            json!({ "messages": "hi", "input": "hi", "tools": "bash", "stream_options": 1 });
        assert!(read(path, &said(&server, path, &texts).await).is_ok());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_ask_at_once() {
    let server = serve(Script::new()).await;
    let client = client();
    let asked = (0..50).map(|number| {
        let path = PATHS[number % PATHS.len()];
        let mut request = asking(path, number % 2);
        request["model"] = json!(format!("model-{number}"));
        let sent = client.post(server.base_url() + path).json(&request).send();
        async move {
            let answer: serde_json::Value = sent.await.unwrap().json().await.unwrap();
            assert_eq!(answer["model"], format!("model-{number}"));
            assert_eq!(read(path, &answer).is_err(), number % 2 == 0);
            answer["id"].as_str().unwrap().to_owned()
        }
    });
    let mut ids = join_all(asked).await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 50);
    assert_eq!(server.requests().len(), 50);
}

#[tokio::test]
async fn connections_end_with_the_server() {
    let server = serve(Script::new().with_fault(skvm_runtime::scripted::Fault::Hang)).await;
    let mut idle = Raw::new(&server).await;
    let mut asking = Raw::new(&server).await;
    asking.send("POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}").await;
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let origin = server.origin();
    drop(server);
    assert_eq!((idle.rest().await, asking.rest().await), (String::new(), String::new()));
    assert!(client().get(origin + "/models").send().await.unwrap_err().is_connect());
}
