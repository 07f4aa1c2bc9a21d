//! What goes wrong, as clients see it.

use std::error::Error;
use std::io;
use std::time::Duration;

use serde_json::Value;
use skvm_runtime::scripted::{Fault, Reply, Script, ScriptedServer};
use tokio::net::TcpStream;

use super::{PATHS, asking, client, post, serve, streaming};

fn with(fault: Fault) -> Script {
    Script::new().with_fault(fault)
}

/// What sending fails with.
async fn failure(server: &ScriptedServer, path: &str, body: &Value) -> reqwest::Error {
    client().post(server.base_url() + path).json(body).send().await.unwrap_err()
}

/// The kind of the failure below a failure.
fn cause(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

#[tokio::test]
async fn a_status_is_told_with_a_message() {
    let kinds = [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "api_error"),
    ];
    for (status, kind) in kinds {
        let server = serve(with(Fault::Status(status))).await;
        for path in PATHS.into_iter().chain(["/messages/count_tokens"]) {
            let response = post(&server, path, &streaming(&asking(path, 0))).await;
            assert_eq!(response.status(), status);
            let wait = response.headers().get("retry-after").map(|wait| wait.to_str().unwrap());
            assert_eq!(wait, (status == 429).then_some("1"));
            let body: Value = response.json().await.unwrap();
            assert_eq!((&body["type"], &body["error"]["type"]), (&"error".into(), &kind.into()));
            assert!(body["error"]["message"].is_string());
        }
        let models = client().get(server.base_url() + "/models").send().await.unwrap();
        assert_eq!(models.status(), 200);
    }
}

#[tokio::test]
async fn a_status_that_is_none_is_500() {
    for status in [0, 99, 101, 1000] {
        let server = serve(with(Fault::Status(status))).await;
        assert_eq!(post(&server, "/messages", &asking("/messages", 0)).await.status(), 500);
    }
}

#[tokio::test]
async fn a_server_that_hangs_has_read_the_request() {
    let server = serve(with(Fault::Hang)).await;
    for path in PATHS {
        let url = server.base_url() + path;
        let asked = client().post(url).json(&asking(path, 0)).timeout(Duration::from_millis(200));
        assert!(asked.send().await.unwrap_err().is_timeout());
    }
    assert_eq!(server.requests().len(), PATHS.len());
}

#[tokio::test]
async fn json_that_is_none_says_that_it_is_whole() {
    let server = serve(with(Fault::InvalidJson)).await;
    for path in PATHS {
        let response = post(&server, path, &asking(path, 0)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        let body = response.text().await.unwrap();
        assert!(body.parse::<Value>().is_err(), "{body}");

        let response = post(&server, path, &streaming(&asking(path, 0))).await;
        assert_eq!(response.status(), 200);
        let body = response.text().await.unwrap();
        let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
        let data: Vec<&str> = data.filter(|data| *data != "[DONE]").collect();
        assert!(body.ends_with("\n\n") && data.len() > 1);
        for event in data {
            assert!(event.starts_with('{') && event.parse::<Value>().is_err(), "{event}");
        }
    }
}

#[tokio::test]
async fn half_an_answer_arrives() {
    let server = serve(with(Fault::Truncated)).await;
    for path in PATHS {
        for request in [asking(path, 0), streaming(&asking(path, 0))] {
            let mut response = post(&server, path, &request).await;
            assert_eq!(response.status(), 200);
            let arrived = response.chunk().await.unwrap().unwrap();
            assert!(arrived.len() > 50);
            assert!(response.chunk().await.is_err());
        }
    }
}

#[tokio::test]
async fn a_connection_ends_without_an_answer() {
    let server = serve(with(Fault::Closes)).await;
    for path in PATHS {
        let error = failure(&server, path, &asking(path, 0)).await;
        assert!(!error.is_timeout() && !error.is_connect(), "{error:?}");
    }
    assert_eq!(server.requests().len(), PATHS.len());
}

#[tokio::test]
async fn connections_are_refused() {
    let server = serve(with(Fault::Refuses)).await;
    for path in PATHS {
        let error = failure(&server, path, &asking(path, 0)).await;
        assert!(error.is_connect());
        assert_eq!(cause(&error), Some(io::ErrorKind::ConnectionRefused));
    }
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn a_server_dies_after_its_first_answer_to_tools() {
    for path in PATHS {
        for request in [asking(path, 0), streaming(&asking(path, 0))] {
            let server = serve(with(Fault::DiesAfterFirst)).await;
            let idle =
                TcpStream::connect(server.origin().trim_start_matches("http://")).await.unwrap();
            // What offers no tools is not what it dies of.
            let mut toolless = asking(path, 0);
            toolless["tools"] = Value::Null;
            for _ in 0..2 {
                assert_eq!(post(&server, path, &toolless).await.status(), 200);
            }
            let counted = post(&server, "/messages/count_tokens", &request).await;
            assert_eq!(counted.status(), 200);

            let client = client();
            let send = || client.post(server.base_url() + path).json(&request).send();
            let response = send().await.unwrap();
            assert_eq!(response.status(), 200);
            let error = send().await.unwrap_err();
            assert_eq!(cause(&error), Some(io::ErrorKind::ConnectionRefused), "{error:?}");
            let body = response.text().await.unwrap();
            assert!(body.contains("bash"), "the first answer is whole: {body}");
            assert!(send().await.unwrap_err().is_connect());

            idle.readable().await.unwrap();
            let end = idle.try_read(&mut [0; 8]);
            assert!(
                matches!(end, Ok(0))
                    || end.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
            );
            assert_eq!(server.requests().len(), 4);
        }
    }
}

#[tokio::test]
async fn nobody_connects_while_the_last_answer_is_under_way() {
    // More than what the sockets hold.
    let long = "x".repeat(20_000_000);
    let server = serve(with(Fault::DiesAfterFirst).with_command(&long)).await;
    let last = post(&server, "/messages", &asking("/messages", 0)).await;
    let error = failure(&server, "/messages", &asking("/messages", 0)).await;
    assert_eq!(cause(&error), Some(io::ErrorKind::ConnectionRefused));
    assert!(last.text().await.unwrap().contains(&long));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_is_the_last() {
    let server = serve(with(Fault::DiesAfterFirst)).await;
    let asked = (0..20).map(|_| {
        let request = client().post(server.base_url() + "/messages").json(&asking("/messages", 0));
        async { request.send().await?.text().await }
    });
    let answers = futures::future::join_all(asked).await;
    let answered: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(answered.len(), 1, "{answers:?}");
    assert!(
        answers.iter().all(|answer| answer.as_ref().err().is_none_or(|error| !error.is_timeout()))
    );
}

/// A retry is answered by a server whose host counts.
#[tokio::test]
async fn a_fault_can_pass() {
    let script = Script::new().with_reply({
        let asked = std::sync::atomic::AtomicUsize::new(0);
        move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Reply::Fault(Fault::Status(429)),
            1 => Reply::Fault(Fault::Refuses),
            _ => Reply::Fault(Fault::None),
        }
    });
    let server = serve(script).await;
    let request = asking("/messages", 1);
    assert_eq!(post(&server, "/messages", &request).await.status(), 429);
    assert!(!failure(&server, "/messages", &request).await.is_timeout());
    assert_eq!(post(&server, "/messages", &request).await.status(), 200);
}

#[tokio::test]
async fn a_fault_of_the_script_goes_before_a_reply() {
    let script = with(Fault::Status(500)).with_reply(|_| Reply::Text("hi".into()));
    let server = serve(script).await;
    assert_eq!(post(&server, "/messages", &asking("/messages", 0)).await.status(), 500);
}
