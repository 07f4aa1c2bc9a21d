//! Calls are made as the model makes them, and the conversation is kept whole.

use serde_json::{Value, json};
use skvm_core::harness::RunStatus;
use skvm_core::llm::{LlmResponse, Message, StopReason, ToolChoice};

use super::{Place, TASK, call, calls, notes, said};

#[tokio::test]
async fn calls_are_obeyed_whatever_the_stop_reason_says() {
    for stop in [
        StopReason::Done,
        StopReason::ToolCalls,
        StopReason::Length,
        StopReason::Filtered,
        StopReason::Unknown,
    ] {
        let place = Place::new();
        let write = call("1", "write_file", json!({"path": "a.txt", "content": "here"}));
        let answer = LlmResponse { tool_calls: vec![write], stop, ..LlmResponse::default() };
        let seen = place.run([Ok(answer), said("done")]).await;
        assert_eq!(place.content("a.txt"), "here", "{stop:?}");
        assert_eq!((seen.record.status, seen.requests.len()), (RunStatus::Ok, 2), "{stop:?}");
    }
}

#[tokio::test]
async fn several_calls_of_a_turn_are_made_one_after_the_other() {
    let place = Place::new();
    let write = |text: &str| json!({"path": "a.txt", "content": text});
    let read = || json!({"path": "a.txt"});
    let answer = LlmResponse {
        tool_calls: vec![
            call("1", "write_file", write("first")),
            call("2", "read_file", read()),
            call("3", "write_file", write("second")),
            call("4", "read_file", read()),
        ],
        ..LlmResponse::default()
    };
    let seen = place.run([Ok(answer.clone()), said("done")]).await;
    let told = ["wrote 5 bytes to a.txt", "first", "wrote 6 bytes to a.txt", "second"];
    assert_eq!(seen.told(1), told);
    let ids: Vec<String> = seen.results().into_iter().map(|result| result.id).collect();
    assert_eq!(ids, ["1", "2", "3", "4"]);

    let tool = |id: usize| Message::Tool { call_id: id.to_string(), content: told[id - 1].into() };
    let asked = Message::Assistant { content: String::new(), tool_calls: answer.tool_calls };
    assert_eq!(
        seen.requests[1].messages,
        [Message::user(TASK), asked, tool(1), tool(2), tool(3), tool(4)]
    );
}

/// In the original, earlier turns lost their arguments and most of their output.
#[tokio::test]
async fn every_request_holds_the_whole_conversation() {
    let place = Place::new();
    let long: String = (0..3000).map(|n| format!("{n:07}\n")).collect();
    let write = json!({"path": "long.txt", "content": long});
    let with_words = LlmResponse {
        text: "I read it.".into(),
        tool_calls: vec![call("r", "read_file", json!({"path": "long.txt"}))],
        ..LlmResponse::default()
    };
    let seen = place
        .run([
            calls("write_file", write.clone()),
            Ok(with_words),
            calls("list_directory", json!({})),
            said("done"),
        ])
        .await;
    for pair in seen.requests.windows(2) {
        assert!(pair[1].messages.starts_with(&pair[0].messages));
        assert_eq!(pair[0].system, pair[1].system);
        assert_eq!(pair[0].tools, pair[1].tools);
    }
    let last = &seen.requests[3].messages;
    assert_eq!(last.len(), 7);
    let Message::Assistant { tool_calls, .. } = &last[1] else { panic!("{:?}", last[1]) };
    assert_eq!(tool_calls[0].arguments, write);
    assert_eq!(last[3].text(), "I read it.");
    assert_eq!(last[4].text(), long);
    // The record holds the same.
    assert_eq!(seen.record.steps[0].tool_calls[0].input, write);
    assert_eq!(seen.results()[1].output.as_deref(), Some(long.as_str()));
}

#[tokio::test]
async fn a_request_names_tools_bounds_and_place() {
    let mut place = Place::new();
    place.limits.answer_tokens = 77;
    let seen = place.run([said("done")]).await;
    let request = &seen.requests[0];
    let mut expected = vec!["read_file", "write_file", "list_directory", "execute_command"];
    if cfg!(feature = "http") {
        expected.push("web_fetch");
    }
    let names: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, expected);
    for tool in &request.tools {
        assert_eq!(tool.parameters["type"], "object", "{}", tool.name);
    }
    assert_eq!((request.max_tokens, &request.tool_choice), (Some(77), &ToolChoice::Auto));
    assert_eq!(request.messages, [Message::user(TASK)]);
    assert!(seen.system(0).contains(place.workdir.canonicalize().unwrap().to_str().unwrap()));
}

#[tokio::test]
async fn a_tool_that_does_not_exist_is_told() {
    let place = Place::new();
    let seen = place.run([calls("browse", json!({})), said("done")]).await;
    assert_eq!(seen.told(1), ["there is no tool called \"browse\""]);
    assert!(seen.results()[0].is_error);
    assert_eq!(seen.record.status, RunStatus::Ok);
    assert_eq!(notes(&seen.record), ["unknown-tool"]);
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_told_and_noted() {
    for (tool, arguments) in [
        ("read_file", Value::String("{\"path\": \"a".into())),
        ("execute_command", Value::String("touch a.txt".into())),
        ("write_file", json!(["a.txt", "taken for the fields in their order"])),
        ("list_directory", Value::Null),
        ("write_file", json!({"path": "a.txt"})),
        ("write_file", json!({"content": "x"})),
        ("write_file", json!({"path": "a.txt", "content": {"not": "text"}})),
        ("execute_command", json!({"cmd": "touch a.txt"})),
        ("execute_command", json!({"command": "touch a.txt", "timeout_seconds": -1})),
        ("read_file", json!({"path": 7})),
        ("read_file", json!({"path": "a.txt", "offset": "first"})),
    ] {
        let place = Place::new();
        let seen = place.run([calls(tool, arguments.clone()), said("done")]).await;
        let result = &seen.results()[0];
        assert!(result.is_error, "{tool} {arguments}");
        let told = result.output.as_deref().unwrap();
        assert!(told.starts_with(&format!("the arguments of {tool} do not fit")), "{told}");
        assert_eq!(seen.told(1), [told]);
        // The record and the next request keep what the model sent.
        assert_eq!(result.input, arguments);
        assert_eq!(notes(&seen.record), ["malformed-arguments"], "{tool} {arguments}");
        assert_eq!(std::fs::read_dir(&place.workdir).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_missing_field_is_named() {
    let told = Place::new().fails("write_file", json!({"path": "a.txt"})).await;
    assert!(told.contains("`content`"), "{told}");
}

#[tokio::test]
async fn fields_that_no_tool_knows_are_left_aside() {
    let place = Place::new();
    place.file("a.txt", "here");
    let told = place.succeeds("read_file", json!({"path": "a.txt", "why": "curiosity"})).await;
    assert_eq!(told, "here");
}

#[tokio::test]
async fn a_model_that_recovers_from_errors_ends_well() {
    let place = Place::new();
    let seen = place
        .run([
            calls("write_file", json!("{broken")),
            calls("writefile", json!({})),
            calls("write_file", json!({"path": "a.txt", "content": "x"})),
            said("done"),
        ])
        .await;
    assert_eq!(seen.record.status, RunStatus::Ok);
    assert_eq!(notes(&seen.record), ["unknown-tool", "malformed-arguments"]);
    assert_eq!(place.content("a.txt"), "x");
}

#[tokio::test]
async fn notes_tell_what_the_model_did_not_manage() {
    let note = async |text: &str| {
        let seen = Place::new().run([said(text)]).await;
        assert_eq!(seen.record.status, RunStatus::Ok);
        seen.record.notes.into_iter().map(|note| note.code).collect::<Vec<_>>()
    };
    assert_eq!(note("All done.").await, ["no-tool-call"]);
    assert_eq!(note(" \n").await, ["no-tool-call", "empty-answer"]);
    let as_text = ["no-tool-call", "tool-call-as-text"];
    assert_eq!(note("<tool_call>{}</tool_call>").await, as_text);
    assert_eq!(note("<function=read_file>").await, as_text);
    assert_eq!(note("{\"name\": \"read_file\", \"arguments\": {}}").await, as_text);
}

#[tokio::test]
async fn the_text_of_a_record_is_the_last_that_is_not_empty() {
    let place = Place::new();
    let with_words = LlmResponse {
        text: "Looking.".into(),
        tool_calls: vec![call("1", "list_directory", json!({}))],
        ..LlmResponse::default()
    };
    let seen = place.run([Ok(with_words), said("")]).await;
    assert_eq!(seen.record.text, "Looking.");
    assert_eq!(seen.record.steps.len(), 3);
    assert_eq!(seen.record.steps[2].text, "");
}
