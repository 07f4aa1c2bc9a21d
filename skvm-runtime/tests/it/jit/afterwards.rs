//! Agents that are programs of their own: what they do is learned from their records, and answered before they start.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skvm_core::harness::{Harness, RunStatus, Task};
use skvm_core::target::Target;
use skvm_runtime::engine::{RunOutcome, RunRequest, SkVm};
use skvm_runtime::harness::cli::{Cli, CliHarness};
use skvm_runtime::jit::{LearnedFor, SolidifiedState, SolidifyPolicy};
use skvm_runtime::provider::{Endpoint, WireFormat};

/// Stands for PI and its model: runs one command with the number of the task in it, and tells of it as PI does. Each
/// start leaves a line in a file, and its prompt behind that.
const PROGRAM: &str = r#"#!/bin/sh
prompt=$(cat)
echo started >> "$STARTS"
printf '%s\n' "$prompt" >> "$STARTS.prompts"
number=$(printf '%s' "$prompt" | head -n 1 | tr -cd 0-9)
command="echo total $number > sum-$number.txt; cat sum-$number.txt"
output=$(eval "$command")
call='{"type":"toolCall","id":"call_1","name":"bash","arguments":{"command":"'"$command"'"}}'
usage='"usage":{"input":10,"output":2,"cacheRead":0,"cacheWrite":0}'
echo '{"type":"session","id":"s"}'
echo '{"type":"message_end","message":{"role":"assistant","content":['"$call"'],'"$usage"',"stopReason":"toolUse","responseId":"1"}}'
printf '%s\n' '{"type":"tool_execution_end","toolCallId":"call_1","toolName":"bash","result":{"content":[{"type":"text","text":"'"$output"'\n"}]},"isError":false}'
echo '{"type":"message_end","message":{"role":"assistant","content":[{"type":"text","text":"It is done."}],'"$usage"',"stopReason":"stop","responseId":"2"}}'
"#;

struct Stage {
    folder: tempfile::TempDir,
    vm: SkVm,
    target: Target,
}

impl Stage {
    fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("pi");
        fs::write(&program, PROGRAM).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let endpoint = Endpoint::new(WireFormat::ChatCompletions, "http://127.0.0.1:9/v1", "m");
        let environment = skvm_runtime::command::Environment::from_host()
            .with_variable("STARTS", folder.path().join("starts"));
        let pi = CliHarness::for_endpoint(Cli::Pi, endpoint)
            .with_program(program)
            .with_environment(environment);
        assert!(pi.features().asks_before_start && !pi.features().hooks);
        let vm = SkVm::builder().harness(Arc::new(pi)).solidify(SolidifyPolicy::default()).build();
        Self { folder, vm, target: Target::new("m", "pi") }
    }

    fn starts(&self) -> usize {
        fs::read_to_string(self.folder.path().join("starts")).map_or(0, |told| told.lines().count())
    }

    fn workdir(&self, name: &str) -> PathBuf {
        let workdir = self.folder.path().join(name);
        fs::create_dir(&workdir).unwrap();
        workdir
    }

    async fn sum(&self, number: u32, workdir: &Path) -> RunOutcome {
        let task = Task::new(format!("Sum up what is in box {number}, please."));
        self.vm.run(RunRequest::new(task, self.target.clone(), workdir)).await.unwrap()
    }
}

#[tokio::test]
async fn what_a_program_does_again_and_again_is_done_without_it() {
    let stage = Stage::new();
    let mut started = Vec::new();
    for number in [17, 4, 230, 9, 51, 66] {
        let workdir = stage.workdir(&format!("w{number}"));
        let outcome = stage.sum(number, &workdir).await;
        assert_eq!(outcome.record.status, RunStatus::Ok, "{:?}", outcome.record);
        assert_eq!(outcome.record.text, "It is done.");
        let written = fs::read_to_string(workdir.join(format!("sum-{number}.txt"))).unwrap();
        assert_eq!(written, format!("total {number}\n"));
        // Whoever did it, the trace tells of it.
        assert_eq!(outcome.trace.turns.len(), 2);
        let call = &outcome.trace.turns[0].calls[0];
        assert_eq!(call.result.as_ref().unwrap().exit_code, Some(0));
        assert!(call.fingerprint.is_some());
        started.push(stage.starts());
        let solidified = outcome.trace.turns.iter().all(|turn| turn.solidified);
        assert_eq!(solidified, outcome.record.model_calls == 0);
        assert_eq!(solidified, outcome.record.process.is_none());
    }
    assert_eq!(started, [1, 2, 3, 4, 4, 4]);
    let learned = stage.vm.solidified(LearnedFor::target(&stage.target)).await.unwrap();
    assert_eq!(learned.len(), 1);
    assert_eq!(learned[0].state, SolidifiedState::Solidified);
}

#[tokio::test]
async fn a_guard_that_does_not_hold_starts_the_program_which_is_told_what_was_done() {
    let stage = Stage::new();
    for number in [17, 4, 230, 9, 51] {
        stage.sum(number, &stage.workdir(&format!("w{number}"))).await;
    }
    assert_eq!(stage.starts(), 4);
    // The file cannot be written: a folder stands in its place.
    let workdir = stage.workdir("hindered");
    fs::create_dir(workdir.join("sum-66.txt")).unwrap();
    let outcome = stage.sum(66, &workdir).await;
    assert_eq!(stage.starts(), 5);
    assert!(outcome.trace.side_exit.is_some());
    assert!(outcome.trace.turns[0].solidified && !outcome.trace.turns[1].solidified);
    assert_eq!(outcome.trace.turns.len(), 3);
    let prompts = fs::read_to_string(stage.folder.path().join("starts.prompts")).unwrap();
    let told = prompts.rsplit("Sum up what is in box").next().unwrap();
    assert!(told.contains("$ echo total '66' > 'sum-66.txt'"), "{told}");
}
