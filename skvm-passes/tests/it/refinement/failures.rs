//! Providers that fail, and answers without a form: the deterministic result stands.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use skvm_core::capability::Gaps;
use skvm_core::diagnostic::Severity;
use skvm_core::llm::{LlmError, LlmErrorKind, LlmResponse, StopReason};
use skvm_core::skill::Skill;
use skvm_core::target::ModelId;
use skvm_passes::recorded::{MemoryAnswers, Recorded};
use skvm_passes::variant::Variant;

use super::{BODY, Scripted, compile, compile_with, cost, deterministic, report};
use crate::samples;

/// The deterministic result, and one warning more.
fn only_told(variant: &Variant, words: &str) {
    let without = deterministic();
    assert_eq!(variant.text(), without.text());
    assert_eq!(variant.edits(), without.edits());
    let gaps = |variant: &Variant| variant.artifacts().get::<Gaps>().unwrap();
    assert_eq!(gaps(variant), gaps(&without));
    let (told, rest): (Vec<_>, Vec<_>) = variant
        .diagnostics()
        .iter()
        .partition(|found| found.code.as_str() == "capability/refinement-failed");
    assert_eq!(rest, without.diagnostics().iter().collect::<Vec<_>>());
    let [told] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(told.severity, Severity::Warning);
    assert!(told.message.contains(words), "{}", told.message);
    let report = report(variant);
    assert!(report.failure.is_some() && report.requirements.is_empty() && report.additions == 0);
}

#[test]
fn a_provider_that_fails_leaves_the_deterministic_result() {
    let kinds = [
        (LlmErrorKind::Auth { status: Some(401) }, "refused the credentials"),
        (LlmErrorKind::RateLimited { retry_after: Some(Duration::from_secs(9)) }, "slow down"),
        (LlmErrorKind::Refused { status: 400 }, "status 400"),
        (LlmErrorKind::Server { status: 503, retry_after: None }, "status 503"),
        (LlmErrorKind::Network, "could not be reached"),
        (LlmErrorKind::Timeout { after: Duration::from_secs(30) }, "30s"),
        (LlmErrorKind::InvalidResponse, "could not be understood"),
    ];
    for (kind, words) in kinds {
        let model = Scripted::new([Err(LlmError::new(kind))]);
        only_told(&compile(model.clone()), words);
        assert_eq!(model.asked().len(), 1);
    }
    let replay = Recorded::replay(ModelId::from("scripted"), Arc::new(MemoryAnswers::default()));
    only_told(&compile(Arc::new(replay)), "no answer is recorded");
}

#[test]
fn a_failure_after_a_first_answer_counts_what_that_cost() {
    let wrong = LlmResponse { usage: cost(7, 3), ..LlmResponse::text("no JSON") };
    let model = Scripted::new([Ok(wrong), Err(LlmError::new(LlmErrorKind::Network))]);
    let variant = compile(model);
    only_told(&variant, "could not be reached");
    assert_eq!(report(&variant).usage, cost(7, 3));
}

#[test]
fn answers_without_the_wanted_form_are_given_up_after_three() {
    let megabytes = "{\"additions\": [".to_owned() + &"x".repeat(10 << 20);
    let deep = "[".repeat(100_000);
    let forms = [
        "I would rather not.".to_owned(),
        "{\"requirements\": [}".to_owned(),
        "{\"additions\": {\"after\": 1}}".to_owned(),
        "{\"document\": \"# A better skill\"}".to_owned(),
        "{\"requirements\": [{\"purpose\": \"steps\", \"primitive\": \"follow.style\", \"level\": \"L9\", \"quote\": \"in a friendly voice\"}]}".to_owned(),
        "[\"additions\"]".to_owned(),
        "null".to_owned(),
        String::new(),
        "```json\n{\"additions\": 3}\n```".to_owned(),
        "\0\u{202e}{".to_owned(),
        megabytes,
        deep,
    ];
    for form in forms {
        let answer = || Ok(LlmResponse { usage: cost(1, 1), ..LlmResponse::text(form.as_str()) });
        let model = Scripted::new([answer(), answer(), answer()]);
        let variant = compile(model.clone());
        only_told(&variant, "after 3 attempts");
        assert_eq!(report(&variant).usage, cost(3, 3));
        let shown: String = form.chars().take(60).collect();
        assert_eq!(model.asked().len(), 3, "{shown}");
        let sent: usize = model.asked()[2].messages.iter().map(|m| m.text().len()).sum();
        assert!(sent < 200 << 10, "{shown}: {sent} bytes are sent");
    }
}

#[test]
fn an_answer_that_was_cut_off_is_none() {
    let cut = || {
        let text = "{\"requirements\": [], \"additions\": [{\"after\": \"Keep the";
        Ok(LlmResponse { stop: StopReason::Length, ..LlmResponse::text(text) })
    };
    only_told(&compile(Scripted::new([cut(), cut(), cut()])), "after 3 attempts");
}

#[test]
fn a_call_of_another_tool_is_no_answer() {
    let call = || Ok(LlmResponse::tool_call("1", "shell", json!({ "command": "id" })));
    only_told(&compile(Scripted::new([call(), call(), call()])), "after 3 attempts");
}

#[test]
fn a_skill_over_the_limit_is_not_sent() {
    let long =
        |body: &str| -> Skill { samples::skill(&format!("{body}\n{}", "Line.\n".repeat(20_000))) };
    let model = Scripted::new([]);
    let variant = compile_with(long(BODY), Some(model.clone()));
    assert!(report(&variant).failure.unwrap().contains("65536 bytes"));
    assert!(model.asked().is_empty());
}
