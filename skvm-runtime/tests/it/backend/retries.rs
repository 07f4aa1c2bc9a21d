//! When the endpoint is asked again, and when not.

use std::time::{Duration, Instant};

use skvm_core::llm::LlmErrorKind;

use super::format::Format;
use super::{PATIENCE, backend, millis, quick};
use crate::loopback::{Answer, Behaviour, Loopback};

#[tokio::test]
async fn a_busy_provider_is_asked_again_when_it_says() {
    for format in Format::ALL {
        for (wait, seconds) in [("0", 0), ("1", 1)] {
            let busy = format.failed(429, "slow down").with_header("Retry-After", wait);
            let server = Loopback::serve([busy, format.said("hi")]).await;
            let started = Instant::now();
            assert_eq!(backend(format, &server).retry(quick()).ask().await.unwrap().text, "hi");
            assert!(started.elapsed() >= Duration::from_secs(seconds));
            assert_eq!((server.connections(), server.requests().len()), (2, 2));
        }
    }
}

#[tokio::test]
async fn the_same_request_is_sent_again() {
    for format in Format::ALL {
        let server = Loopback::serve([format.failed(500, "oops"), format.said("hi")]).await;
        backend(format, &server).retry(quick()).ask().await.unwrap();
        let [first, second] = &server.requests()[..] else { panic!("two requests") };
        assert_eq!(first, second);
    }
}

#[tokio::test]
async fn a_wait_is_capped() {
    for format in Format::ALL {
        let busy = format.failed(429, "slow down").with_header("Retry-After", "86400");
        let server = Loopback::serve([busy, format.said("hi")]).await;
        let policy = quick().with_retry_after_cap(millis(20));
        assert_eq!(backend(format, &server).retry(policy).ask().await.unwrap().text, "hi");
    }
}

#[tokio::test]
async fn a_wait_beyond_the_total_deadline_is_not_begun() {
    for format in Format::ALL {
        let busy = format.failed(429, "slow down").with_header("Retry-After", "86400");
        let server = Loopback::serve([busy, format.said("hi")]).await;
        let started = Instant::now();
        let error = backend(format, &server).retry(quick()).ask().await.unwrap_err();
        let day = Duration::from_secs(86_400);
        assert_eq!(*error.kind(), LlmErrorKind::RateLimited { retry_after: Some(day) });
        assert_eq!(error.detail(), Some("slow down"));
        assert_eq!(server.connections(), 1);
        assert!(started.elapsed() < PATIENCE / 2);
    }
}

#[tokio::test]
async fn a_passing_failure_is_survived() {
    for format in Format::ALL {
        let server = Loopback::serve([
            Behaviour::CloseAtOnce,
            Behaviour::CloseHalfway(format.said("lost")),
            format.failed(503, "unavailable").into(),
            format.failed(529, "overloaded").into(),
            format.said("hi").into(),
        ])
        .await;
        let backend = backend(format, &server).retry(quick().with_retries(4));
        assert_eq!(backend.ask().await.unwrap().text, "hi");
        assert_eq!(server.connections(), 5);
    }
}

#[tokio::test]
async fn retries_end_and_the_last_error_is_told() {
    for format in Format::ALL {
        let errors = (0..5).map(|n| format.failed(500, &format!("failure {n}")));
        let server = Loopback::serve(errors).await;
        let error =
            backend(format, &server).retry(quick().with_retries(2)).ask().await.unwrap_err();
        assert_eq!((error.status(), error.detail()), (Some(500), Some("failure 2")));
        assert_eq!(server.connections(), 3);
    }
}

#[tokio::test]
async fn what_will_not_pass_is_not_asked_again() {
    for format in Format::ALL {
        for answer in [
            format.failed(401, "no such key"),
            format.failed(400, "no such field"),
            format.failed(501, "not implemented"),
            Answer::new(200, "{ not json"),
            Answer::redirect(302, "/elsewhere"),
        ] {
            let server = Loopback::serve([answer, format.said("hi")]).await;
            let error = backend(format, &server).retry(quick()).ask().await.unwrap_err();
            assert!(!error.is_retryable());
            assert_eq!(server.connections(), 1, "{error}");
        }
    }
}

#[tokio::test]
async fn a_hang_is_not_asked_again() {
    for format in Format::ALL {
        let server = Loopback::serve([Behaviour::Hang, format.said("hi").into()]).await;
        let backend = backend(format, &server).retry(quick()).request_timeout(millis(100));
        let error = backend.ask().await.unwrap_err();
        assert_eq!(*error.kind(), LlmErrorKind::Timeout { after: millis(100) });
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn a_try_ends_with_the_total_deadline() {
    for format in Format::ALL {
        let server = Loopback::serve([format.failed(500, "oops").into(), Behaviour::Hang]).await;
        let policy = quick().with_total_deadline(millis(200));
        let started = Instant::now();
        let error = backend(format, &server).retry(policy).ask().await.unwrap_err();
        assert!(matches!(*error.kind(), LlmErrorKind::Timeout { after } if after <= millis(200)));
        assert!(started.elapsed() >= millis(199) && started.elapsed() < PATIENCE / 2);
        assert_eq!(server.connections(), 2);
    }
}
