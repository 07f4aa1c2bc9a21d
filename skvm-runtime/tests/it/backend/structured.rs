//! Answers of a given type over the wire.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use skvm_core::llm::{LlmBackendExt, LlmRequest, Structured, StructuredError};

use super::backend;
use super::format::Format;
use crate::loopback::{Answer, Loopback};

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Verdict {
    score: u32,
}

async fn verdict(
    format: Format,
    server: &Loopback,
) -> Result<Structured<Verdict>, StructuredError> {
    backend(format, server).build().complete_as(LlmRequest::user("judge")).await
}

/// An answer that calls the tool `answer`.
fn answered(format: Format, arguments: &str) -> Answer {
    format.called("answer", arguments)
}

fn bodies(server: &Loopback) -> Vec<Value> {
    server.requests().iter().map(|request| request.json()).collect()
}

#[tokio::test]
async fn the_model_is_made_to_call_a_tool() {
    for format in Format::ALL {
        let server = Loopback::serve([answered(format, "{\"score\":7}")]).await;
        let verdict = verdict(format, &server).await.unwrap();
        assert_eq!((verdict.value, verdict.attempts), (Verdict { score: 7 }, 1));
        assert_eq!((verdict.usage.input, verdict.usage.output), (Some(10), Some(2)));

        let body = &bodies(&server)[0];
        assert_eq!(body["tool_choice"], format.forced("answer"));
        let (name, schema) = format.first_tool(body);
        assert_eq!(name, "answer");
        assert_eq!(schema["properties"]["score"]["type"], "integer");
    }
}

#[tokio::test]
async fn words_are_repaired_and_every_token_is_counted() {
    for format in Format::ALL {
        let words = "I would say seven.";
        let server = Loopback::serve([format.said(words), format.said("{\"score\": 7}")]).await;
        let verdict = verdict(format, &server).await.unwrap();
        assert_eq!((verdict.value, verdict.attempts), (Verdict { score: 7 }, 2));
        assert_eq!((verdict.usage.input, verdict.usage.output), (Some(20), Some(4)));

        let second = &bodies(&server)[1];
        assert_eq!((second.get("tools"), second.get("tool_choice")), (None, None));
        assert_eq!(format.later(second)[0], format.repeated(words));
    }
}

#[tokio::test]
async fn a_call_that_does_not_fit_is_answered_with_the_reason() {
    for format in Format::ALL {
        let wrong = answered(format, "{\"score\":\"high\"}");
        let server = Loopback::serve([wrong, answered(format, "{\"score\":7}")]).await;
        let verdict = verdict(format, &server).await.unwrap();
        assert_eq!((verdict.value, verdict.attempts), (Verdict { score: 7 }, 2));
        let second = &bodies(&server)[1];
        let later = format.later(second);
        assert_eq!(later[0], format.called_back("answer", &json!({ "score": "high" })));
        assert!(format.result(&later[1]).contains("invalid type"));
        assert_eq!(second["tool_choice"], format.forced("answer"));
    }
}

#[tokio::test]
async fn arguments_that_are_no_json_are_repaired_too() {
    for format in Format::ALL {
        let broken = answered(format, "{\"score\": ");
        let server = Loopback::serve([broken, answered(format, "{\"score\":7}")]).await;
        assert_eq!(verdict(format, &server).await.unwrap().value, Verdict { score: 7 });
        let second = &bodies(&server)[1];
        let sent = format.called_back("answer", &json!("{\"score\": "));
        assert_eq!(format.later(second)[0], sent, "{format:?}");
    }
}

/// After a call and then words, the schema is shown in words; the call is still part of the conversation.
#[tokio::test]
async fn a_call_and_then_words_are_repaired() {
    for format in Format::ALL {
        let script = [answered(format, "{}"), format.said("seven"), format.said("{\"score\": 7}")];
        let server = Loopback::serve(script).await;
        let verdict = verdict(format, &server).await.unwrap();
        assert_eq!((verdict.value, verdict.attempts), (Verdict { score: 7 }, 3));
        let third = &bodies(&server)[2];
        assert_eq!(format.later(third)[0], format.called_back("answer", &json!({})));
        let forbidden = (format == Format::Messages).then(|| json!({ "type": "none" }));
        assert_eq!(third.get("tool_choice"), forbidden.as_ref());
        assert_eq!(third.get("tools").is_some(), forbidden.is_some());
    }
}

#[tokio::test]
async fn a_provider_that_forces_no_tool_is_asked_in_words() {
    for format in Format::ALL {
        let refused = format.failed(400, "tool_choice is not supported by this model");
        let server = Loopback::serve([refused, format.said("```json\n{\"score\": 7}\n```")]).await;
        let verdict = verdict(format, &server).await.unwrap();
        assert_eq!((verdict.value, verdict.attempts), (Verdict { score: 7 }, 1));
        assert_eq!((verdict.usage.input, verdict.usage.output), (Some(10), Some(2)));
        let second = &bodies(&server)[1];
        assert_eq!((second.get("tools"), second.get("tool_choice")), (None, None));
        assert!(second.to_string().contains("JSON schema"));
    }
}

#[tokio::test]
async fn another_failure_ends_it_with_the_tokens_spent() {
    for format in Format::ALL {
        let expired = format.failed(401, "the key has expired");
        let server = Loopback::serve([format.said("seven"), expired]).await;
        let error = verdict(format, &server).await.unwrap_err();
        assert_eq!(error.provider_error().and_then(|error| error.status()), Some(401));
        assert_eq!((error.usage().input, error.attempts()), (Some(10), 2));
    }
}
