//! What becomes of an endpoint that fails.

use std::time::Instant;

use skvm_core::llm::LlmErrorKind;
use skvm_runtime::backend::{OpenAiCompatible, RetryPolicy};
use tokio::net::TcpListener;

use super::{PATIENCE, ask, backend, failed, millis, said};
use crate::loopback::{Answer, Behaviour, Loopback};

/// What asking a server that does one thing fails with.
async fn failure(behaviour: impl Into<Behaviour>) -> LlmErrorKind {
    let server = Loopback::serve([behaviour]).await;
    let error = ask(backend(&server)).await.unwrap_err();
    assert_eq!(server.connections(), 1);
    error.kind().clone()
}

#[tokio::test]
async fn a_refused_connection_is_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let backend = OpenAiCompatible::builder(url, "model").retry(RetryPolicy::never());
    let error = ask(backend).await.unwrap_err();
    assert_eq!(*error.kind(), LlmErrorKind::Network);
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn a_connection_that_closes_is_the_network() {
    assert_eq!(failure(Behaviour::CloseAtOnce).await, LlmErrorKind::Network);
    assert_eq!(failure(Behaviour::CloseHalfway(said("hi"))).await, LlmErrorKind::Network);
}

/// A server that does not answer a TLS handshake is not yet connected to.
#[tokio::test]
async fn connecting_has_a_time_of_its_own() {
    let server = Loopback::serve([Behaviour::Hang]).await;
    let url = server.url("/v1").replace("http://", "https://");
    let backend = OpenAiCompatible::builder(url, "model").retry(RetryPolicy::never());
    let started = Instant::now();
    let error = ask(backend.connect_timeout(millis(150))).await.unwrap_err();
    assert_eq!(*error.kind(), LlmErrorKind::Network);
    assert!(started.elapsed() >= millis(150) && started.elapsed() < PATIENCE / 2);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_hang_ends_in_time() {
    let server = Loopback::serve([Behaviour::Hang]).await;
    let started = Instant::now();
    let error = ask(backend(&server).request_timeout(millis(150))).await.unwrap_err();
    assert_eq!(*error.kind(), LlmErrorKind::Timeout { after: millis(150) });
    assert!(started.elapsed() >= millis(150) && started.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn the_time_covers_the_body_too() {
    let server = Loopback::serve([Behaviour::Drip(said("hi"), millis(20))]).await;
    let started = Instant::now();
    let error = ask(backend(&server).request_timeout(millis(150))).await.unwrap_err();
    assert_eq!(*error.kind(), LlmErrorKind::Timeout { after: millis(150) });
    assert!(started.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn a_slow_body_within_the_time_is_an_answer() {
    let server = Loopback::serve([Behaviour::Drip(said("hi"), millis(1))]).await;
    assert_eq!(ask(backend(&server)).await.unwrap().text, "hi");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read() {
    let answer = said(&"x".repeat(200_000));
    let server = Loopback::serve([answer.clone(), answer]).await;
    let error = ask(backend(&server).max_response_bytes(100_000)).await.unwrap_err();
    assert_eq!(*error.kind(), LlmErrorKind::InvalidResponse);
    assert_eq!(error.detail(), Some("the answer is longer than 100000 bytes"));
    assert_eq!(ask(backend(&server)).await.unwrap().text.len(), 200_000);
}

#[tokio::test]
async fn a_huge_error_is_still_that_error() {
    let server = Loopback::serve([Answer::new(400, "x".repeat(1_000_000))]).await;
    let error = ask(backend(&server)).await.unwrap_err();
    assert_eq!(*error.kind(), LlmErrorKind::Refused { status: 400 });
    assert_eq!(error.detail().map(str::len), Some(500));
}

#[tokio::test]
async fn an_error_that_breaks_off_is_still_that_error() {
    let behaviour = Behaviour::CloseHalfway(failed(503, "overloaded"));
    assert_eq!(failure(behaviour).await, LlmErrorKind::Server { status: 503, retry_after: None });
}

#[tokio::test]
async fn what_is_no_answer_is_invalid() {
    assert_eq!(failure(Answer::new(200, "{ \"choices\": [")).await, LlmErrorKind::InvalidResponse);
    assert_eq!(failure(Answer::new(200, "")).await, LlmErrorKind::InvalidResponse);
    assert_eq!(failure(Answer::new(204, "")).await, LlmErrorKind::InvalidResponse);
    assert_eq!(failure(failed(200, "no such model")).await, LlmErrorKind::InvalidResponse);
}

#[tokio::test]
async fn the_provider_is_quoted() {
    for (answer, detail) in [
        (failed(404, "no such model"), "no such model"),
        (failed(200, "no such model"), "no such model"),
        (Answer::new(502, "<html>bad gateway</html>"), "<html>bad gateway</html>"),
        (Answer::new(200, "<html>log in</html>"), "no JSON: <html>log in</html>"),
    ] {
        let server = Loopback::serve([answer]).await;
        let error = ask(backend(&server)).await.unwrap_err();
        assert_eq!(error.detail(), Some(detail));
    }
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    for status in [301, 302, 307, 308] {
        let other = Loopback::serve([said("credentials, please")]).await;
        let server = Loopback::serve([Answer::redirect(status, other.url("/v1"))]).await;
        let error = ask(backend(&server)).await.unwrap_err();
        assert_eq!(*error.kind(), LlmErrorKind::Refused { status });
        assert_eq!((server.connections(), other.connections()), (1, 0));
        assert!(other.requests().is_empty());
    }
}
