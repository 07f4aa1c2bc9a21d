//! Work that hooks answer before the program is started.

use std::collections::VecDeque;

use async_trait::async_trait;
use serde_json::{Value, json};
use skvm_core::harness::{
    Directive, Hooks, Role, RunRecord, RunStatus, ToolDirective, ToolResult, TurnView,
};
use skvm_core::llm::{LlmResponse, Message, StopReason, ToolCall};
use skvm_runtime::harness::cli::{Cli, CliHarness};

use super::{Asked, Stage, answer, writes};

/// Says what stands in its list, then lets the model be asked, and keeps what it is told.
#[derive(Default)]
struct Script {
    says: VecDeque<Directive>,
    denied: Option<&'static str>,
    heard: Vec<String>,
}

impl Script {
    fn new(says: impl IntoIterator<Item = Directive>) -> Self {
        Self { says: says.into_iter().collect(), ..Self::default() }
    }
}

#[async_trait]
impl Hooks for Script {
    async fn before_llm(&mut self, turn: &TurnView<'_>) -> Directive {
        let last = match turn.messages.last() {
            Some(Message::Tool { content, .. }) => content.clone(),
            Some(Message::User { .. }) => "task".to_owned(),
            _ => "other".to_owned(),
        };
        self.heard.push(format!("before {} {last}", turn.index));
        self.says.pop_front().unwrap_or(Directive::Proceed)
    }

    async fn after_llm(&mut self, turn: &TurnView<'_>, response: &LlmResponse) {
        self.heard.push(format!("after {} {}", turn.index, response.tool_calls.len()));
    }

    async fn before_tool(&mut self, call: &ToolCall) -> ToolDirective {
        self.heard.push(format!("call {}", call.id));
        self.denied.map_or(ToolDirective::Allow, |why| ToolDirective::Deny(why.to_owned()))
    }

    async fn after_tool(&mut self, call: &ToolCall, result: &ToolResult) {
        self.heard.push(format!("result {} {:?}", call.id, result.exit_code));
    }
}

fn call(id: &str, name: &str, argument: &str, value: impl Into<Value>) -> ToolCall {
    let arguments = json!({argument: value.into()});
    ToolCall { id: id.to_owned(), name: name.to_owned(), arguments }
}

fn calls(tool_calls: Vec<ToolCall>) -> Directive {
    let stop = StopReason::ToolCalls;
    Directive::Respond(LlmResponse { tool_calls, stop, ..LlmResponse::default() })
}

fn command(command: &str) -> Directive {
    calls(vec![call("s", "bash", "command", command)])
}

/// Leaves a mark and the prompt.
fn marking() -> String {
    format!("touch started; cat > prompt\n{}", writes(&[&answer("by the model")]))
}

async fn run(stage: &Stage, harness: &CliHarness, hooks: &mut Script) -> RunRecord {
    Asked::new(stage).run_with(harness, hooks, &|_| {}).await.unwrap()
}

#[tokio::test]
async fn work_that_is_foreseen_needs_no_program() {
    for (cli, tool) in [
        (Cli::Pi, "bash"),
        (Cli::Hermes, "terminal"),
        (Cli::Codex, "command_execution"),
        (Cli::ClaudeCode, "Bash"),
        (Cli::OpenCode, "bash"),
    ] {
        let stage = Stage::new();
        let harness = stage.harness(cli, &marking());
        let mut hooks = Script::new([
            calls(vec![
                call("1", tool, "command", "echo made > made; pwd"),
                call("2", tool, "command", "echo oops >&2; exit 3"),
            ]),
            Directive::Respond(LlmResponse::text("It is made.")),
        ]);
        let record = run(&stage, &harness, &mut hooks).await;
        assert!(!stage.has("started"), "{cli} was not started");
        assert_eq!((record.status, record.text.as_str()), (RunStatus::Ok, "It is made."));
        assert_eq!((record.model_calls, record.process.is_none()), (0, true));
        assert!(!record.usage_available);
        assert_eq!(stage.text("made"), "made\n");
        let results: Vec<_> = record.steps.iter().filter(|step| step.role == Role::Tool).collect();
        let [one, other] = results.as_slice() else { panic!("{record:?}") };
        let (one, other) = (&one.tool_calls[0], &other.tool_calls[0]);
        assert_eq!((one.exit_code, one.is_error), (Some(0), false));
        let work = stage.work().canonicalize().unwrap();
        assert_eq!(one.output.as_deref(), work.to_str(), "in the working directory");
        assert_eq!((other.exit_code, other.is_error), (Some(3), true));
        assert_eq!(other.output.as_deref(), Some("oops"));
        assert!(
            record
                .steps
                .iter()
                .filter(|step| step.role == Role::Assistant)
                .all(|step| step.solidified)
        );
        assert_eq!(
            hooks.heard,
            [
                "before 0 task",
                "after 0 2",
                "call 1",
                "result 1 Some(0)",
                "call 2",
                "result 2 Some(3)",
                "before 1 oops",
                "after 1 0",
            ]
        );
        stage.is_clean();
    }
}

#[tokio::test]
async fn a_run_that_hooks_finish_needs_no_program() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Pi, &marking());
    let mut hooks = Script::new([Directive::Finish("enough".to_owned())]);
    let record = run(&stage, &harness, &mut hooks).await;
    assert_eq!((record.status, record.text.as_str()), (RunStatus::Ok, "enough"));
    assert!(record.steps.is_empty() && !stage.has("started"));
    stage.is_clean();
}

#[tokio::test]
async fn a_call_that_is_denied_is_not_executed() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Pi, &marking());
    let mut hooks = Script::new([command("touch made"), Directive::Finish("no".to_owned())]);
    hooks.denied = Some("not here");
    let record = run(&stage, &harness, &mut hooks).await;
    assert!(!stage.has("made") && !stage.has("started"));
    let result = &record.steps[1].tool_calls[0];
    assert_eq!((result.output.as_deref(), result.is_error), (Some("not here"), true));
    assert_eq!(hooks.heard, ["before 0 task", "after 0 1", "call s", "before 1 not here"]);
}

#[tokio::test]
async fn the_program_goes_on_where_hooks_leave_off_and_is_told_what_was_done() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Pi, &marking());
    let mut hooks =
        Script::new([command("echo first; touch made"), command("echo second >&2; exit 4")]);
    let record = run(&stage, &harness, &mut hooks).await;
    assert_eq!((record.status, record.text.as_str()), (RunStatus::Ok, "by the model"));
    assert_eq!(record.model_calls, 1, "only the program asked");
    assert_eq!(record.steps.len(), 5);
    assert!(record.process.is_some() && stage.has("made"));
    let prompt = stage.text("prompt");
    assert!(prompt.starts_with("Do it.\n\n"), "{prompt}");
    for told in
        ["already run", "$ echo first; touch made\nfirst", "$ echo second >&2; exit 4\nsecond"]
    {
        assert!(prompt.contains(told), "{told}: {prompt}");
    }
}

#[tokio::test]
async fn a_response_that_the_program_alone_can_carry_out_is_not_taken() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Pi, &marking());
    for calls in [
        vec![call("1", "edit", "path", "x")],
        // Not even the half of it that could be done.
        vec![call("1", "bash", "command", "touch made"), call("2", "read", "path", "x")],
        vec![call("1", "bash", "command", 7)],
        vec![call("1", "Bash", "command", "touch made")],
    ] {
        let mut hooks = Script::new([self::calls(calls)]);
        let record = run(&stage, &harness, &mut hooks).await;
        assert_eq!(hooks.heard, ["before 0 task"], "the hooks are not told that it was taken");
        assert!(!stage.has("made") && stage.has("started"));
        assert_eq!((record.steps.len(), record.model_calls), (1, 1));
        assert_eq!(stage.text("prompt"), "Do it.", "nothing was done");
    }
}

#[tokio::test]
async fn hooks_that_use_up_the_turns_start_no_program() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Pi, &marking());
    let mut asked = Asked::new(&stage);
    asked.limits.turns = 3;
    let mut hooks = Script::new((0..9).map(|_| command("echo again >> again")));
    let record = asked.run_with(&harness, &mut hooks, &|_| {}).await.unwrap();
    assert_eq!(record.status, RunStatus::TurnLimit);
    assert_eq!(stage.text("again").lines().count(), 3);
    assert!(!stage.has("started"));
    // Turns of the hooks count for the program as well.
    let mut hooks = Script::new([command("true"), command("true")]);
    let record = asked.run_with(&harness, &mut hooks, &|_| {}).await.unwrap();
    assert_eq!((record.status, record.model_calls), (RunStatus::Ok, 1));
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_at_the_deadline() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Pi, &marking());
    let mut hooks = Script::new([command("exec sleep 600"), Directive::Finish("late".to_owned())]);
    let asked = Asked::new(&stage).within(300);
    let record = asked.run_with(&harness, &mut hooks, &|_| {}).await.unwrap();
    let result = &record.steps[1].tool_calls[0];
    assert_eq!((result.exit_code, result.is_error), (None, true));
    assert!(record.duration_ms < 10_000, "{}", record.duration_ms);
}

#[tokio::test]
async fn commands_see_what_was_set_up_and_no_secret() {
    let stage = Stage::new();
    let path = std::env::var("PATH").unwrap();
    let host = [("PATH", path.as_str()), ("OPENAI_API_KEY", "hosts")];
    let environment = skvm_runtime::command::Environment::from_variables(host);
    let harness = stage.harness(Cli::Pi, &marking()).with_environment(environment);
    let mut asked = Asked::new(&stage);
    let mut prepared = skvm_core::harness::PreparedEnvironment::default();
    prepared.variables.insert("SKILL_MODE".to_owned(), "fast".to_owned());
    asked.environment = Some(prepared);
    let mut hooks = Script::new([command("env > seen"), Directive::Finish("x".to_owned())]);
    asked.run_with(&harness, &mut hooks, &|_| {}).await.unwrap();
    let seen = stage.text("seen");
    assert!(seen.contains("SKILL_MODE=fast"), "{seen}");
    assert!(!seen.contains("hosts") && !seen.contains(super::KEY), "{seen}");
}
