//! What becomes of an endpoint that fails.

use std::time::Instant;

use skvm_core::llm::LlmErrorKind;
use tokio::net::TcpListener;

use super::format::Format;
use super::{PATIENCE, Setup, backend, millis};
use crate::loopback::{Answer, Behaviour, Loopback};

/// What asking a server that does one thing fails with.
async fn failure(format: Format, behaviour: impl Into<Behaviour>) -> LlmErrorKind {
    let server = Loopback::serve([behaviour]).await;
    let error = backend(format, &server).ask().await.unwrap_err();
    assert_eq!(server.connections(), 1);
    error.kind().clone()
}

#[tokio::test]
async fn a_status_decides_what_a_failure_is() {
    let retry_after = Some(millis(7000));
    for format in Format::ALL {
        for (status, kind, is_retryable) in [
            (401, LlmErrorKind::Auth { status: Some(401) }, false),
            (403, LlmErrorKind::Auth { status: Some(403) }, false),
            (429, LlmErrorKind::RateLimited { retry_after }, true),
            (500, LlmErrorKind::Server { status: 500, retry_after }, true),
            (529, LlmErrorKind::Server { status: 529, retry_after }, true),
            (400, LlmErrorKind::Refused { status: 400 }, false),
            (413, LlmErrorKind::Refused { status: 413 }, false),
        ] {
            let answer = format.failed(status, "not now").with_header("Retry-After", "7");
            let server = Loopback::serve([answer]).await;
            let error = backend(format, &server).ask().await.unwrap_err();
            assert_eq!((error.kind(), error.detail()), (&kind, Some("not now")), "{format:?}");
            assert_eq!((error.status(), error.is_retryable()), (Some(status), is_retryable));
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_the_network() {
    for format in Format::ALL {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gone = listener.local_addr().unwrap();
        drop(listener);
        let url = format!("http://{gone}/v1");
        let server = Loopback::serve::<Behaviour>([]).await;
        let error = Setup { url, ..backend(format, &server) }.ask().await.unwrap_err();
        assert_eq!(*error.kind(), LlmErrorKind::Network);
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[tokio::test]
async fn a_connection_that_closes_is_the_network() {
    for format in Format::ALL {
        assert_eq!(failure(format, Behaviour::CloseAtOnce).await, LlmErrorKind::Network);
        assert_eq!(
            failure(format, Behaviour::CloseHalfway(format.said("hi"))).await,
            LlmErrorKind::Network
        );
    }
}

/// A server that does not answer a TLS handshake is not yet connected to.
#[tokio::test]
async fn connecting_has_a_time_of_its_own() {
    for format in Format::ALL {
        let server = Loopback::serve([Behaviour::Hang]).await;
        let url = server.url("/v1").replace("http://", "https://");
        let setup = Setup { url, connect_timeout: millis(150), ..backend(format, &server) };
        let started = Instant::now();
        let error = setup.ask().await.unwrap_err();
        assert_eq!(*error.kind(), LlmErrorKind::Network);
        assert!(started.elapsed() >= millis(150) && started.elapsed() < PATIENCE / 2);
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn a_hang_ends_in_time() {
    for format in Format::ALL {
        let server = Loopback::serve([Behaviour::Hang]).await;
        let started = Instant::now();
        let error = backend(format, &server).request_timeout(millis(150)).ask().await.unwrap_err();
        assert_eq!(*error.kind(), LlmErrorKind::Timeout { after: millis(150) });
        assert!(started.elapsed() >= millis(150) && started.elapsed() < PATIENCE / 2);
    }
}

#[tokio::test]
async fn the_time_covers_the_body_too() {
    for format in Format::ALL {
        let server = Loopback::serve([Behaviour::Drip(format.said("hi"), millis(20))]).await;
        let started = Instant::now();
        let error = backend(format, &server).request_timeout(millis(150)).ask().await.unwrap_err();
        assert_eq!(*error.kind(), LlmErrorKind::Timeout { after: millis(150) });
        assert!(started.elapsed() < PATIENCE / 2);
    }
}

#[tokio::test]
async fn a_slow_body_within_the_time_is_an_answer() {
    for format in Format::ALL {
        let server = Loopback::serve([Behaviour::Drip(format.said("hi"), millis(1))]).await;
        assert_eq!(backend(format, &server).ask().await.unwrap().text, "hi");
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read() {
    for format in Format::ALL {
        let answer = format.said(&"x".repeat(200_000));
        let server = Loopback::serve([answer.clone(), answer]).await;
        let limited = Setup { max_response_bytes: Some(100_000), ..backend(format, &server) };
        let error = limited.ask().await.unwrap_err();
        assert_eq!(*error.kind(), LlmErrorKind::InvalidResponse);
        assert_eq!(error.detail(), Some("the answer is longer than 100000 bytes"));
        assert_eq!(backend(format, &server).ask().await.unwrap().text.len(), 200_000);
    }
}

#[tokio::test]
async fn a_huge_error_is_still_that_error() {
    for format in Format::ALL {
        let server = Loopback::serve([Answer::new(400, "x".repeat(1_000_000))]).await;
        let error = backend(format, &server).ask().await.unwrap_err();
        assert_eq!(*error.kind(), LlmErrorKind::Refused { status: 400 });
        assert_eq!(error.detail().map(str::len), Some(500));
    }
}

#[tokio::test]
async fn an_error_that_breaks_off_is_still_that_error() {
    for format in Format::ALL {
        let behaviour = Behaviour::CloseHalfway(format.failed(503, "overloaded"));
        assert_eq!(
            failure(format, behaviour).await,
            LlmErrorKind::Server { status: 503, retry_after: None }
        );
    }
}

#[tokio::test]
async fn what_is_no_answer_is_invalid() {
    for format in Format::ALL {
        assert_eq!(
            failure(format, Answer::new(200, "{ \"choices\": [")).await,
            LlmErrorKind::InvalidResponse
        );
        assert_eq!(failure(format, Answer::new(200, "")).await, LlmErrorKind::InvalidResponse);
        assert_eq!(failure(format, Answer::new(204, "")).await, LlmErrorKind::InvalidResponse);
        assert_eq!(failure(format, Answer::new(200, "{}")).await, LlmErrorKind::InvalidResponse);
        assert_eq!(
            failure(format, format.failed(200, "no such model")).await,
            LlmErrorKind::InvalidResponse
        );
    }
}

#[tokio::test]
async fn the_provider_is_quoted() {
    for format in Format::ALL {
        for (answer, detail) in [
            (format.failed(404, "no such model"), "no such model"),
            (format.failed(200, "no such model"), "no such model"),
            (Answer::new(502, "<html>bad gateway</html>"), "<html>bad gateway</html>"),
            (Answer::new(200, "<html>log in</html>"), "no JSON: <html>log in</html>"),
        ] {
            let server = Loopback::serve([answer]).await;
            let error = backend(format, &server).ask().await.unwrap_err();
            assert_eq!(error.detail(), Some(detail));
        }
    }
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    for format in Format::ALL {
        for status in [301, 302, 307, 308] {
            let other = Loopback::serve([format.said("credentials, please")]).await;
            let server = Loopback::serve([Answer::redirect(status, other.url("/v1"))]).await;
            let error = backend(format, &server).ask().await.unwrap_err();
            assert_eq!(*error.kind(), LlmErrorKind::Refused { status });
            assert_eq!((server.connections(), other.connections()), (1, 0));
            assert!(other.requests().is_empty());
        }
    }
}
