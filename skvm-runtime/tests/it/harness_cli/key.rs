//! The provider's key: the program gets it, and nobody sees it.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use skvm_core::harness::{NoHooks, RunStatus};
use skvm_runtime::harness::cli::Cli;

use super::{Asked, KEY, Stage, Told, answer, called, files, message, others, writes};

#[tokio::test]
async fn the_key_stands_in_no_argument() {
    let stage = Stage::new();
    let script = "printf '%s\\n' \"$0\" \"$@\" > arguments; env > variables";
    for cli in [Cli::Pi, Cli::Hermes, Cli::OpenCode, Cli::Codex, Cli::ClaudeCode] {
        let harness = stage.harness(cli, script).with_kept_homes();
        let home = Asked::new(&stage).of(&harness).await.process.unwrap().home.unwrap();
        assert!(!stage.text("arguments").contains(KEY), "{cli}");
        let has_key = |file: &PathBuf| fs::read_to_string(file).unwrap().contains(KEY);
        let holders: Vec<PathBuf> = files(&home).into_iter().filter(has_key).collect();
        // In a variable or in a file, and there only the owner can read it.
        let is_in_variable = stage.text("variables").contains(KEY);
        let has_file = [Cli::Pi, Cli::OpenCode, Cli::ClaudeCode].contains(&cli);
        assert_eq!(is_in_variable, !has_file, "{cli}");
        assert_eq!(holders.len(), usize::from(has_file), "{cli}: {holders:?}");
        assert!(holders.iter().all(|file| others(file) == 0), "{cli}");
    }
}

#[tokio::test]
async fn the_key_is_masked_wherever_it_comes_back() {
    let stage = Stage::new();
    let call = json!([
        {"type": "text", "text": format!("I take {KEY}")},
        {"type": "toolCall", "id": "c", "name": "bash", "arguments": {
            "command": format!("curl -H 'Bearer {KEY}'"),
            "more": [{KEY: format!("x{KEY}y")}],
        }},
    ]);
    let result = json!({
        "type": "tool_execution_end", "toolCallId": "c", "toolName": "bash", "isError": true,
        "result": {"content": [{"type": "text", "text": format!("denied {KEY}")}]},
    });
    let strange = json!({"type": format!("strange {KEY}"), "x": KEY});
    let script = [
        writes(&[
            &message(&call, "toolUse"),
            &result.to_string(),
            &strange.to_string(),
            &answer(&format!("the key is {KEY}")),
        ]),
        format!("echo 'the key {KEY} is wrong' >&2"),
    ];
    let harness = stage.harness(Cli::Pi, &script.join("\n"));
    let told = Told::default();
    let asked = Asked::new(&stage);
    let record = asked.run_with(&harness, &mut NoHooks, &|event| told.add(event)).await;
    let record = record.unwrap();
    assert_eq!((record.status, record.text.as_str()), (RunStatus::Ok, "the key is ***"));
    assert_eq!(record.process.as_ref().unwrap().stderr, "the key *** is wrong\n");
    let seen = serde_json::to_string(&record).unwrap();
    assert!(!seen.contains(KEY), "{seen}");
    for masked in ["I take ***", "Bearer ***", "x***y", "denied ***", "strange ***"] {
        assert!(seen.contains(masked), "{masked}: {seen}");
    }
    let events = serde_json::to_string(&told.all()).unwrap();
    assert!(!events.contains(KEY) && events.contains("denied ***"), "{events}");
}

#[tokio::test]
async fn the_key_is_masked_in_what_went_wrong() {
    let stage = Stage::new();
    let failed = json!({"type": "message_end", "message": {
        "role": "assistant", "content": [], "stopReason": "error",
        "errorMessage": format!("401 Incorrect API key provided: {KEY}"),
    }});
    let crashed = format!("echo 'panic with {KEY}' >&2; exit 2");
    for script in [writes(&[&failed.to_string()]), crashed] {
        let record = Asked::new(&stage).of(&stage.harness(Cli::Pi, &script)).await;
        assert!(record.status.is_infrastructure());
        assert!(record.status_detail.as_deref().unwrap().contains("***"), "{record:?}");
        assert!(!serde_json::to_string(&record).unwrap().contains(KEY), "{record:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_cut_by_the_limit_on_texts_is_masked_first() {
    let stage = Stage::new();
    // The record keeps beginning and end of long texts; the key lies on the edge of both.
    let long = format!("{}{KEY}{}", "a".repeat((32 << 10) - 5), "b".repeat(64 << 10));
    let script = writes(&[&called("c", "cat", &long), &answer("done")]);
    let record = Asked::new(&stage).of(&stage.harness(Cli::Pi, &script)).await;
    let output = record.steps[1].tool_calls[0].output.as_deref().unwrap();
    assert!(output.len() < 70_000 && output.contains("bytes left out"));
    assert!(!output.contains(&KEY[..5]), "not even its beginning");
}
