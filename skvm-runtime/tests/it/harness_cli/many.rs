//! Several runs at once, and what is told while they go on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::future::join_all;
use skvm_core::harness::{HarnessEvent, NoHooks, Role, RunStatus, Task};
use skvm_runtime::harness::cli::Cli;

use super::{Asked, Stage, Told, answer, called, runs, writes};

/// Does the task and says so: its words come on the standard input.
fn echoing() -> String {
    let turn = writes(&[&called("c", "ls", "x")]);
    format!(
        "task=$(cat); mkdir seen; env > \"seen/$task\"; echo \"$task\" > \"$HOME/x\"\n{turn}sleep 0.2\n\
         test \"$(cat \"$HOME/x\")\" = \"$task\" || exit 9\n\
         sed \"s/TASK/$task/\" <<'LINES'\n{}\nLINES\n\
         {} sleep 600 > /dev/null 2>&1 < /dev/null & echo $! > \"seen/pid-$task\"",
        answer("did TASK"),
        if cfg!(target_os = "linux") { "setsid" } else { "" }
    )
    .replace("mkdir seen;", "mkdir -p seen;")
}

#[tokio::test]
async fn ten_runs_at_once_leave_nothing_behind() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Pi, &echoing());
    let runs_of = (0..10).map(|number| {
        let (stage, harness) = (&stage, &harness);
        async move {
            let mut asked = Asked::new(stage);
            asked.task = Task::new(format!("task-{number}"));
            let told = Told::default();
            let record = asked.run_with(harness, &mut NoHooks, &|event| told.add(event)).await;
            (number, record.unwrap(), told.all())
        }
    });
    let started = Instant::now();
    let records = join_all(runs_of).await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let mut homes = BTreeSet::new();
    for (number, record, told) in records {
        assert_eq!(record.status, RunStatus::Ok, "{record:?}");
        assert_eq!(record.text, format!("did task-{number}"), "each has its own record");
        assert_eq!((record.steps.len(), record.model_calls), (3, 2));
        assert_eq!(told.len(), 2 + 3, "each has its own events");
        let seen = stage.text(&format!("seen/task-{number}"));
        let home = seen.lines().find_map(|line| line.strip_prefix("SKVM_RUN=")).unwrap();
        assert!(homes.insert(home.to_owned()), "each has its own home");
        assert!(!runs(&stage.text(&format!("seen/pid-task-{number}"))), "no process is left");
    }
    stage.is_clean();
}

#[tokio::test]
async fn two_programs_at_once_do_not_meet() {
    let stage = Stage::new();
    let pi = stage.harness(Cli::Pi, &format!("sleep 0.1\n{}", writes(&[&answer("of pi")])));
    let words = r#"{"type":"item.completed","item":{"type":"agent_message","text":"of codex"}}"#;
    let end = r#"{"type":"turn.completed","usage":{"input_tokens":0,"output_tokens":0}}"#;
    let codex = stage.harness(Cli::Codex, &format!("sleep 0.1\n{}", writes(&[words, end])));
    let asked = Asked::new(&stage);
    let (one, other) = futures::future::join(asked.of(&pi), asked.of(&codex)).await;
    assert_eq!((one.status, one.text.as_str()), (RunStatus::Ok, "of pi"));
    assert_eq!((other.status, other.text.as_str()), (RunStatus::Ok, "of codex"));
    stage.is_clean();
}

#[tokio::test]
async fn steps_are_told_while_the_program_runs() {
    let stage = Stage::new();
    for cli in [Cli::Pi, Cli::Hermes] {
        let (first, rest) = match cli {
            Cli::Pi => (writes(&[&called("c", "ls", "x")]), writes(&[&answer("done")])),
            _ => (
                r#"cat >> "$HERMES_HOME/events.jsonl" <<'LINES'
{"hook_event_name": "post_api_request", "extra": {"finish_reason": "tool_calls", "response": {"assistant_message": {"content": null, "tool_calls": [{"id": "c", "name": "terminal", "arguments": "{\"command\": \"ls\"}"}]}}}}
{"hook_event_name": "post_tool_call", "tool_name": "terminal", "extra": {"tool_call_id": "c", "status": "ok", "result": "{\"output\": \"x\", \"exit_code\": 0}"}}
LINES
"#
                .to_owned(),
                r#"cat >> "$HERMES_HOME/events.jsonl" <<'LINES'
{"hook_event_name": "post_api_request", "extra": {"finish_reason": "stop", "response": {"assistant_message": {"content": "done"}}}}
LINES
"#
                .to_owned(),
            ),
        };
        // It goes on only when the first steps were told here.
        let go = stage.work().join(format!("go-{cli}"));
        let script =
            format!("{first}while ! test -e '{}'; do sleep 0.01; done\n{rest}", go.display());
        let harness = stage.harness(cli, &script);
        let told = Told::default();
        let on_event = |event: &HarnessEvent| {
            if let HarnessEvent::Stepped { step, .. } = event
                && step.role == Role::Tool
            {
                std::fs::write(&go, "").unwrap();
            }
            told.add(event);
        };
        let asked = Asked::new(&stage);
        let record = asked.run_with(&harness, &mut NoHooks, &on_event).await.unwrap();
        assert_eq!((record.status, record.text.as_str()), (RunStatus::Ok, "done"), "{record:?}");
        let events = told.all();
        let steps = events.iter().filter_map(|event| match event {
            HarnessEvent::Stepped { turn, step } => Some((*turn, step.clone())),
            _ => None,
        });
        let (turns, steps): (Vec<usize>, Vec<_>) = steps.unzip();
        assert_eq!(steps, record.steps);
        assert_eq!(turns, [0, 0, 1], "a result belongs to the turn of its call");
        assert!(matches!(events[0], HarnessEvent::Started { .. }));
        assert_eq!(events[1], HarnessEvent::Asking { turn: 0 });
        assert!(steps.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp));
    }
}
