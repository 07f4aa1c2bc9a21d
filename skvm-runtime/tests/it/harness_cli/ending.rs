//! How runs end, and what is ended with them.

use std::time::{Duration, Instant};

use serde_json::json;
use skvm_core::harness::{NoHooks, ProviderFault, RunStatus};
use skvm_runtime::harness::cli::Cli;

use super::{Asked, Stage, answer, called, runs, until, writes};

#[tokio::test]
async fn the_deadline_ends_what_does_not_want_to_end() {
    let stage = Stage::new();
    // It passes over the request to end, and so does its child; both are killed after the grace.
    let script = "trap '' TERM; echo $$ > first; sh -c 'trap \"\" TERM; echo $$ > second; \
                  while :; do sleep 1; done' & wait; while :; do sleep 1; done";
    let started = Instant::now();
    let record = Asked::new(&stage).within(300).of(&stage.harness(Cli::Pi, script)).await;
    assert!(started.elapsed() < Duration::from_secs(14), "{:?}", started.elapsed());
    assert_eq!(record.status, RunStatus::Timeout);
    assert_eq!(record.process.unwrap().exit_code, None);
    assert!(!runs(&stage.text("first")) && !runs(&stage.text("second")));
    stage.is_clean();
}

#[tokio::test]
async fn a_program_that_ends_when_it_is_asked_costs_no_grace() {
    let stage = Stage::new();
    let script = "trap 'echo tidied > tidied; exit 143' TERM; sleep 600 & wait";
    let started = Instant::now();
    let record = Asked::new(&stage).within(300).of(&stage.harness(Cli::Pi, script)).await;
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert_eq!(record.status, RunStatus::Timeout);
    assert!(stage.has("tidied"));
    assert!(record.duration_ms >= 300);
    stage.is_clean();
}

#[tokio::test]
async fn what_an_agent_tells_when_it_is_asked_to_end_does_not_change_why() {
    let stage = Stage::new();
    let aborted = json!({"type": "message_end", "message": {
        "role": "assistant", "content": [], "stopReason": "aborted", "errorMessage": "Request was aborted",
    }});
    let goodbye = writes(&[&aborted.to_string()]);
    let script = format!("bye() {{\n{goodbye}exit 0\n}}\ntrap bye TERM; sleep 600 & wait");
    let record = Asked::new(&stage).within(300).of(&stage.harness(Cli::Pi, &script)).await;
    assert_eq!((record.status, record.fault), (RunStatus::Timeout, None), "{record:?}");
    // The same at the limit on turns.
    let turn = writes(&[&called("c", "ls", "x")]);
    let failed = json!({"type": "message_end", "message": {
        "role": "assistant", "content": [], "stopReason": "error", "errorMessage": "500 oh",
    }});
    let goodbye = writes(&[&failed.to_string()]);
    let script = format!("bye() {{\n{goodbye}exit 0\n}}\ntrap bye TERM\n{turn}sleep 600 & wait");
    let mut asked = Asked::new(&stage);
    asked.limits.turns = 1;
    let record = asked.of(&stage.harness(Cli::Pi, &script)).await;
    assert_eq!((record.status, record.fault), (RunStatus::TurnLimit, None), "{record:?}");
    stage.is_clean();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_left_the_group_is_found_and_ended() {
    let stage = Stage::new();
    let script = format!(
        "setsid sh -c 'echo $$ > one; exec sleep 600' > /dev/null 2>&1 < /dev/null &\n\
         setsid sh -c 'trap \"\" TERM HUP; echo $$ > two; sleep 600' > /dev/null 2>&1 < /dev/null &\n\
         while ! test -s one || ! test -s two; do sleep 0.01; done\n{}",
        writes(&[&answer("done")])
    );
    let started = Instant::now();
    let record = Asked::new(&stage).of(&stage.harness(Cli::Pi, &script)).await;
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert_eq!((record.status, record.text.as_str()), (RunStatus::Ok, "done"));
    assert!(!runs(&stage.text("one")) && !runs(&stage.text("two")));
    let codes: Vec<&str> = record.notes.iter().map(|note| note.code.as_str()).collect();
    assert_eq!(codes, ["processes-left"], "{:?}", record.notes);
    stage.is_clean();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_left_the_group_is_ended_at_the_deadline_as_well() {
    let stage = Stage::new();
    let script = "setsid sh -c 'echo $$ > one; exec sleep 600' > /dev/null 2>&1 &\n\
                  while ! test -s one; do sleep 0.01; done; exec sleep 600";
    let record = Asked::new(&stage).within(500).of(&stage.harness(Cli::Pi, script)).await;
    assert_eq!(record.status, RunStatus::Timeout);
    assert!(!runs(&stage.text("one")));
    assert!(record.notes.iter().any(|note| note.code == "processes-left"), "{:?}", record.notes);
    stage.is_clean();
}

#[tokio::test]
async fn a_run_that_is_dropped_takes_everything_with_it() {
    let stage = Stage::new();
    let own = if cfg!(target_os = "linux") { "setsid" } else { "" };
    let script = format!(
        "trap '' TERM; {own} sh -c 'trap \"\" TERM; echo $$ > child; sleep 600' & echo $$ > parent; \
         while :; do sleep 1; done"
    );
    let harness = stage.harness(Cli::Pi, &script);
    let asked = Asked::new(&stage);
    {
        let mut hooks = NoHooks;
        let run = std::pin::pin!(asked.run_with(&harness, &mut hooks, &|_| {}));
        let is_started = until(|| stage.has("child") && stage.has("parent"));
        let is_started = std::pin::pin!(is_started);
        let first = futures::future::select(run, is_started).await;
        assert!(matches!(first, futures::future::Either::Right(_)), "the run ended by itself");
    }
    until(|| ["child", "parent"].iter().all(|pid| !runs(&stage.text(pid)))).await;
    stage.is_clean();
}

/// Turns without end.
fn tireless() -> String {
    format!(
        "turn() {{\n{}}}\ni=0; while [ $i -lt 1000 ]; do turn; i=$((i+1)); echo $i >> turns; sleep 0.02; done",
        writes(&[&called("c", "ls", "x")])
    )
}

#[tokio::test]
async fn a_model_that_never_stops_is_stopped_at_its_turns() {
    let stage = Stage::new();
    let mut asked = Asked::new(&stage);
    asked.limits.turns = 5;
    let record = asked.of(&stage.harness(Cli::Pi, &tireless())).await;
    assert_eq!(record.status, RunStatus::TurnLimit);
    assert_eq!(record.status_detail.as_deref(), Some("the model used up its 5 turns"));
    assert!(record.model_calls >= 5, "{}", record.model_calls);
    let turns = stage.text("turns").lines().count();
    assert!(turns < 100, "{turns}");
    stage.is_clean();
}

#[tokio::test]
async fn the_last_turn_may_be_the_final_answer() {
    let stage = Stage::new();
    let mut asked = Asked::new(&stage);
    asked.limits.turns = 2;
    let (turn, last) = (writes(&[&called("c", "ls", "x")]), writes(&[&answer("done")]));
    // Slowly, so that each piece is looked at by itself.
    let script = format!("{turn}sleep 0.2\n{last}sleep 0.2\n");
    let record = asked.of(&stage.harness(Cli::Pi, &script)).await;
    assert_eq!((record.status, record.text.as_str()), (RunStatus::Ok, "done"), "{record:?}");
}

#[tokio::test]
async fn an_answer_whose_end_comes_late_is_not_cut_off_at_the_limit() {
    let stage = Stage::new();
    let mut asked = Asked::new(&stage);
    asked.limits.turns = 2;
    let command = |kind: &str, status: &str| {
        json!({"type": kind, "item": {
            "id": "i", "type": "command_execution", "command": "ls", "exit_code": 0, "status": status,
        }})
        .to_string()
    };
    let words =
        json!({"type": "item.completed", "item": {"type": "agent_message", "text": "done"}});
    let end = json!({"type": "turn.completed", "usage": {"input_tokens": 1, "output_tokens": 1}});
    let script = format!(
        "{}sleep 0.3\n{}",
        writes(&[
            &command("item.started", "in_progress"),
            &command("item.completed", "completed"),
            &words.to_string(),
        ]),
        writes(&[&end.to_string()])
    );
    let record = asked.of(&stage.harness(Cli::Codex, &script)).await;
    assert_eq!((record.status, record.text.as_str()), (RunStatus::Ok, "done"), "{record:?}");
}

#[tokio::test]
async fn a_program_that_is_done_and_does_not_exit_was_done() {
    let stage = Stage::new();
    let script = format!("{}exec sleep 600", writes(&[&answer("done")]));
    let record = Asked::new(&stage).within(500).of(&stage.harness(Cli::Pi, &script)).await;
    assert_eq!((record.status, record.text.as_str()), (RunStatus::Ok, "done"));
    assert!(record.notes.iter().any(|note| note.code == "did-not-exit"), "{:?}", record.notes);
}

#[tokio::test]
async fn exit_codes_tell_only_where_nothing_else_does() {
    let stage = Stage::new();
    let done = writes(&[&answer("done")]);
    let called = writes(&[&called("c", "ls", "x")]);
    for (script, status, detail) in [
        (format!("{done}exit 7"), RunStatus::Ok, None),
        (format!("{done}kill -9 $$"), RunStatus::Ok, None),
        ("exit 7".to_owned(), RunStatus::HarnessCrashed, Some("it broke off (exit code 7)")),
        ("kill -9 $$".to_owned(), RunStatus::HarnessCrashed, Some("it broke off (signal 9)")),
        (
            "echo; echo 'no such option: --mode'>&2; exit 2".to_owned(),
            RunStatus::HarnessCrashed,
            Some("it broke off (exit code 2): no such option: --mode"),
        ),
        (String::new(), RunStatus::ParseFailed, Some("it ended and told nothing (exit code 0)")),
        (
            called.clone(),
            RunStatus::ParseFailed,
            Some("it ended without a final answer (exit code 0)"),
        ),
        (
            "echo 'Hello, I am a program.'".to_owned(),
            RunStatus::ParseFailed,
            Some("it ended without a final answer (exit code 0)"),
        ),
        (
            "echo 'Error: connect ECONNREFUSED 127.0.0.1:9' >&2; exit 1".to_owned(),
            RunStatus::ProviderFault,
            Some("Error: connect ECONNREFUSED 127.0.0.1:9"),
        ),
    ] {
        let record = Asked::new(&stage).of(&stage.harness(Cli::Pi, &script)).await;
        assert_eq!(record.status, status, "{script}");
        assert_eq!(record.status_detail.as_deref(), detail, "{script}");
    }
    stage.is_clean();
}

#[tokio::test]
async fn hermes_words_are_not_taken_for_events_and_not_lost() {
    let stage = Stage::new();
    let event = json!({"hook_event_name": "on_session_end", "extra": {"completed": true}});
    let words = event.to_string();
    for (script, status, text) in [
        // The model may say anything.
        (writes(&[&words]), RunStatus::ParseFailed, words.as_str()),
        ("echo 'Unknown skill: x'; exit 1".to_owned(), RunStatus::HarnessCrashed, ""),
        ("echo 'HTTP 503: later'; exit 1".to_owned(), RunStatus::ProviderFault, ""),
        // The event with the last answer was lost, its words were not.
        (
            format!("echo '{words}' >> \"$HERMES_HOME/events.jsonl\"; echo done; echo well"),
            RunStatus::Ok,
            "done\nwell",
        ),
        (format!("echo '{words}' >> \"$HERMES_HOME/events.jsonl\""), RunStatus::ParseFailed, ""),
    ] {
        let record = Asked::new(&stage).of(&stage.harness(Cli::Hermes, &script)).await;
        assert_eq!((record.status, record.text.trim()), (status, text), "{script}: {record:?}");
    }
}

#[tokio::test]
async fn an_event_of_hermes_that_is_half_written_is_noted() {
    let stage = Stage::new();
    let script = "printf '{\"hook_event_name\": \"post_api_req' >> \"$HERMES_HOME/events.jsonl\"";
    let record = Asked::new(&stage).of(&stage.harness(Cli::Hermes, script)).await;
    assert_eq!(record.status, RunStatus::ParseFailed);
    assert!(record.notes[0].message.contains("post_api_req"), "{:?}", record.notes);
}

#[tokio::test]
async fn what_opencode_tried_again_in_vain_is_known_at_the_deadline() {
    let stage = Stage::new();
    let log = "timestamp=x level=ERROR message=\"stream error\" error.error=\"AI_APICallError: scripted 500\"";
    let script = format!("cat >&2 <<'LINES'\n{log}\n{log}\nLINES\nexec sleep 600");
    let record = Asked::new(&stage).within(500).of(&stage.harness(Cli::OpenCode, &script)).await;
    assert_eq!(record.status, RunStatus::ProviderFault);
    assert_eq!(record.fault, Some(ProviderFault::Server));
    let detail = record.status_detail.unwrap();
    assert!(detail.ends_with("it was still trying at the deadline"), "{detail}");
}
