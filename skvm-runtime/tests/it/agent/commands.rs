//! `execute_command`, against a real shell.

use std::collections::BTreeSet;
use std::time::Instant;

use rustix::process::{Pid, test_kill_process};
use serde_json::json;
use skvm_core::harness::RunStatus;
use skvm_runtime::command::Environment;
use skvm_runtime::harness::bare::CommandPolicy;

use super::{Place, calls, millis, said};

impl Place {
    async fn shell(&self, command: &str) -> (String, Option<i32>, bool) {
        let result = self.call("execute_command", json!({ "command": command })).await;
        (result.output.unwrap(), result.exit_code, result.is_error)
    }
}

#[tokio::test]
async fn output_and_exit_status_are_told_and_recorded() {
    let place = Place::new();
    let told = |text: &str, code, failed| (text.to_owned(), Some(code), failed);
    assert_eq!(
        place.shell("echo out; echo err >&2; exit 3").await,
        told("stdout:\nout\nstderr:\nerr\nexit status: 3", 3, true)
    );
    assert_eq!(place.shell("true").await, told("exit status: 0", 0, false));
    assert_eq!(
        place.shell("printf 'a\\n\\n b \\n'").await,
        told("stdout:\na\n\n b\nexit status: 0", 0, false)
    );
    let (text, code, failed) = place.shell("no-such-program-anywhere").await;
    assert_eq!((code, failed), (Some(127), true));
    assert!(text.starts_with("stderr:\n") && text.contains("no-such-program-anywhere"), "{text}");
    assert_eq!(place.shell("kill -9 $$").await, ("ended by signal 9".into(), None, true));
}

#[tokio::test]
async fn commands_start_in_the_working_directory() {
    let place = Place::new();
    let (text, _, _) = place.shell("pwd -P; echo made > here.txt").await;
    let workdir = place.workdir.canonicalize().unwrap();
    assert_eq!(text, format!("stdout:\n{}\nexit status: 0", workdir.display()));
    assert_eq!(place.content("here.txt"), "made\n");
}

#[tokio::test]
async fn a_command_has_no_input_to_wait_for() {
    assert_eq!(Place::new().shell("cat").await.0, "exit status: 0");
}

/// In the original, commands saw every key of the host.
#[tokio::test]
async fn commands_do_not_see_the_secrets_of_the_host() {
    let mut place = Place::new();
    let path = std::env::var("PATH").unwrap();
    place.environment = Environment::from_variables([
        ("PATH", path.as_str()),
        ("HOME", "/home/agent"),
        ("OPENAI_API_KEY", "hunter2"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("UNNAMED", "hunter2"),
    ]);
    let (text, _, _) = place.shell("env; cat /proc/self/environ 2>/dev/null; true").await;
    assert!(text.contains("HOME=/home/agent") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn long_output_is_cut_in_the_middle() {
    let (text, code, _) = Place::new().shell("seq 1 100000; echo no >&2").await;
    assert_eq!(code, Some(0));
    assert!(text.len() < 40_000, "{} bytes", text.len());
    assert!(text.starts_with("stdout:\n1\n2\n") && text.contains("bytes left out"), "{text}");
    assert!(text.ends_with("99999\n100000\nstderr:\nno\nexit status: 0"), "{text}");
}

/// The seconds that a model may name are whole, so this takes one.
#[tokio::test]
async fn a_command_ends_at_its_own_deadline_and_the_run_goes_on() {
    let place = Place::new();
    let started = Instant::now();
    let command = json!({"command": "echo begun; sleep 60; echo over", "timeout_seconds": 1});
    let result = place.call("execute_command", command).await;
    assert_eq!(
        result.output.as_deref(),
        Some("stdout:\nbegun\nended after 1 seconds, before it was done")
    );
    assert_eq!((result.exit_code, result.is_error), (None, true));
    assert!(started.elapsed() < millis(5000));
}

/// In the original, only the shell was killed, and its children lived on.
#[tokio::test]
async fn nothing_of_a_command_outlives_the_deadline_of_the_run() {
    let mut place = Place::new();
    place.limits.deadline = millis(700);
    let command = "sleep 60 & echo $$ $! > pids; trap '' TERM; wait; sleep 60";
    let started = Instant::now();
    let seen = place.run([calls("execute_command", json!({ "command": command }))]).await;
    assert_eq!(seen.record.status, RunStatus::Timeout);
    assert!(started.elapsed() < millis(4000));
    // The call stays in the record, without a result.
    assert_eq!(seen.record.steps.len(), 1);
    assert_eq!(seen.record.steps[0].tool_calls[0].output, None);
    let pids: Vec<Pid> = place
        .content("pids")
        .split_whitespace()
        .map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap())
        .collect();
    assert_eq!(pids.len(), 2);
    for pid in pids {
        while runs(pid) {
            assert!(started.elapsed() < millis(9000), "{pid:?} lives on");
            tokio::time::sleep(millis(5)).await;
        }
    }
}

/// Whether the process runs. One that ended and that nobody has asked about yet does not.
fn runs(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let is_zombie = stat.is_ok_and(|stat| {
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    });
    !is_zombie && test_kill_process(pid).is_ok()
}

#[tokio::test]
async fn a_command_that_the_policy_refuses_is_not_started() {
    let place = Place::new();
    let (text, code, failed) = place.shell("touch a.txt; sudo id").await;
    assert_eq!(text, "refused by policy: sudo is not allowed");
    assert_eq!((code, failed), (None, true));
    assert!(!place.path("a.txt").exists());

    let mut place = Place::new();
    place.policy.commands = CommandPolicy::Only(BTreeSet::from(["echo".to_owned()]));
    assert_eq!(place.shell("echo hi").await.0, "stdout:\nhi\nexit status: 0");
    let (text, _, failed) = place.shell("echo hi; touch a.txt").await;
    assert_eq!(text, "refused by policy: touch is not among the allowed programs");
    assert!(failed && !place.path("a.txt").exists());
    let (text, _, _) = place.shell("echo $(").await;
    assert!(text.starts_with("refused by policy: "), "{text}");

    place.policy.commands = CommandPolicy::Without(BTreeSet::from(["touch".to_owned()]));
    assert_eq!(place.shell("touch a.txt").await.0, "refused by policy: touch is not allowed");
    place.policy.commands = CommandPolicy::Any;
    assert_eq!(place.shell("touch a.txt").await.0, "exit status: 0");
}

/// The text is one argument of the shell: nothing is taken out of it and nothing put into it.
#[tokio::test]
async fn a_script_reaches_the_shell_as_it_is() {
    let place = Place::new();
    let script = "cat <<'EOF'\n$HOME `id` \"quoted\" 'it''s' \\n\n東京\nEOF\n";
    let (text, _, _) = place.shell(script).await;
    assert_eq!(text, "stdout:\n$HOME `id` \"quoted\" 'it''s' \\n\n東京\nexit status: 0");
    let seen =
        place.run([calls("execute_command", json!({"command": "a\0b"})), said("done")]).await;
    assert!(seen.results()[0].is_error);
}
