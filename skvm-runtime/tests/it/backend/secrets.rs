//! The key and the prompt stay where they belong.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};

use skvm_core::llm::LlmError;
use skvm_runtime::backend::{AnthropicMessages, OpenAiCompatible, OpenAiResponses};
use skvm_runtime::provider::ApiKey;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::set_default;
use tracing::{Event, Metadata, Subscriber};

use super::format::Format;
use super::{KEY, backend, quick};
use crate::loopback::{Answer, Loopback};

/// Everything that an error shows, with its causes.
fn shown(error: &LlmError) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(" {cause} {cause:?}");
        source = cause.source();
    }
    text
}

#[test]
fn the_key_is_in_no_debug_output() {
    macro_rules! check {
        ($backend:ident) => {
            let builder = $backend::builder("http://localhost/v1", "vendor/model");
            let builder = builder.api_key(ApiKey::new(KEY));
            assert!(!format!("{builder:?} {builder:#?}").contains(KEY));
            let backend = builder.build().unwrap();
            assert!(!format!("{backend:?} {backend:#?}").contains(KEY));
            let shown = format!("{backend:?}");
            assert!(shown.starts_with(stringify!($backend)) && shown.contains("vendor/model"));
        };
    }
    check!(OpenAiCompatible);
    check!(OpenAiResponses);
    check!(AnthropicMessages);
}

#[tokio::test]
async fn the_key_is_masked_where_the_provider_repeats_it() {
    for format in Format::ALL {
        let repeated = format!("the key {KEY} is wrong");
        for (answer, detail) in [
            (format.failed(401, &repeated), "the key *** is wrong"),
            (format.failed(200, &repeated), "the key *** is wrong"),
            (Answer::new(500, repeated.as_str()), "the key *** is wrong"),
            (Answer::new(200, repeated.as_str()), "no JSON: the key *** is wrong"),
            (
                Answer::redirect(302, format!("/login?key={KEY}")),
                "it redirects to /login?key=***, which is not followed",
            ),
        ] {
            let server = Loopback::serve([answer]).await;
            let error = backend(format, &server).ask().await.unwrap_err();
            assert_eq!(error.detail(), Some(detail));
            assert!(!shown(&error).contains(KEY));
        }
    }
}

#[tokio::test]
async fn events_tell_of_every_try_without_key_or_prompt() {
    for format in Format::ALL {
        let server =
            Loopback::serve([format.failed(500, "oops"), format.said("a private answer")]).await;
        let events = Events::default();
        let guard = set_default(events.clone());
        backend(format, &server).retry(quick()).ask().await.unwrap();
        drop(guard);

        let events = events.0.lock().unwrap().clone();
        let ours: Vec<&String> =
            events.iter().filter(|event| event.contains("asked the model")).collect();
        let [first, second] = &ours[..] else { panic!("two tries: {events:#?}") };
        assert!(first.contains("attempt=1") && first.contains("status=500"), "{first}");
        assert!(first.contains("error=the provider failed with status 500"), "{first}");
        assert!(second.contains("attempt=2") && second.contains("status=200"), "{second}");
        assert!(second.contains("millis=") && !second.contains("error="), "{second}");
        for event in &events {
            for secret in [KEY, "hello", "private", "oops"] {
                assert!(!event.contains(secret), "{event}");
            }
        }
    }
}

/// Keeps the events of this thread as text.
#[derive(Debug, Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Subscriber for Events {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// One event as text.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!("{field}={value:?} ");
    }
}
