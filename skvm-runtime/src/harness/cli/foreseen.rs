//! What is done before the program is started: work that the hooks answer in the model's place.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use skvm_core::harness::{Directive, HarnessRun, RunStatus, ToolDirective, ToolResult, TurnView};
use skvm_core::llm::{LlmResponse, Message, ToolCall};

use super::log::{Answer, Log};
use crate::command::{CommandError, CommandOutput, CommandRunner, CommandSpec, Exit};

/// A program's tool for commands: how it is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShellTool {
    pub(super) name: &'static str,
    pub(super) argument: &'static str,
}

/// Longest time of one command.
const COMMAND: Duration = Duration::from_secs(120);
/// Most of a result that the model is shown again, in bytes.
const MAX_SHOWN: usize = 8 << 10;

/// How far the work is.
pub(super) enum Foreseen {
    /// It is done; no program is needed.
    Done(RunStatus),
    /// The program has to do it. The prompt tells what was done already.
    Open(String),
}

/// Asks the hooks, and does what they respond as the program would: commands, in the working directory. What the
/// program's own tools would have to do is left to it.
pub(super) async fn foresee(
    run: &mut HarnessRun<'_>,
    shell: ShellTool,
    runner: &CommandRunner,
    log: &mut Log<'_>,
) -> Foreseen {
    let started = Instant::now();
    let prompt = &run.task.prompt;
    let mut messages = vec![Message::user(prompt.clone())];
    let mut done = String::new();
    for index in 0..run.limits.turns {
        let view = TurnView { index, task: prompt, messages: &messages };
        let response = match run.hooks.before_llm(&view).await {
            Directive::Proceed => break,
            Directive::Finish(text) => {
                log.finished(Some(text));
                return Foreseen::Done(RunStatus::Ok);
            }
            Directive::Respond(response) => response,
        };
        if response.tool_calls.iter().any(|call| shell.command(call).is_none()) {
            break;
        }
        run.hooks.after_llm(&view, &response).await;
        let LlmResponse { text, tool_calls, usage, stop } = response;
        let calls = tool_calls.clone();
        log.answer(Answer { text: text.clone(), calls, usage, stop, solidified: true });
        messages.push(Message::Assistant { content: text, tool_calls: tool_calls.clone() });
        if tool_calls.is_empty() {
            return Foreseen::Done(RunStatus::Ok);
        }
        for call in &tool_calls {
            let command = shell.command(call).unwrap_or_default();
            let result = match run.hooks.before_tool(call).await {
                ToolDirective::Deny(reason) => {
                    ToolResult { content: reason, is_error: true, ..ToolResult::default() }
                }
                ToolDirective::Allow => {
                    let left = run.limits.deadline.saturating_sub(started.elapsed());
                    let result = execute(command, run.workdir, left, runner).await;
                    run.hooks.after_tool(call, &result).await;
                    result
                }
            };
            // Writing to a string cannot fail.
            let shown = crate::command::capped(&result.content, MAX_SHOWN);
            let _ = write!(done, "\n\n$ {command}\n{shown}");
            let (call_id, content) = (call.id.clone(), result.content.clone());
            messages.push(Message::Tool { call_id, content });
            log.result(call, result);
        }
    }
    if log.turn() >= run.limits.turns {
        return Foreseen::Done(RunStatus::TurnLimit);
    }
    Foreseen::Open(match done.is_empty() {
        true => prompt.clone(),
        false => format!(
            "{prompt}\n\nThese commands were already run for this in the working directory; go on from there.{done}"
        ),
    })
}

/// Arguments beside the command that change nothing of what it does.
const HARMLESS: [&str; 6] =
    ["description", "title", "timeout", "timeoutSeconds", "timeout_ms", "reason"];

impl ShellTool {
    /// The command of a call of this tool, if it has nothing else in it that matters.
    fn command<'c>(&self, call: &'c ToolCall) -> Option<&'c str> {
        let arguments = call.arguments.as_object().filter(|_| call.name == self.name)?;
        let is_harmless = |name: &String| name == self.argument || HARMLESS.contains(&&**name);
        let command = arguments.get(self.argument)?.as_str()?;
        arguments.keys().all(is_harmless).then_some(command)
    }
}

async fn execute(
    command: &str,
    workdir: &std::path::Path,
    left: Duration,
    runner: &CommandRunner,
) -> ToolResult {
    let shell = if cfg!(windows) { "cmd" } else { "bash" };
    let spec = |shell: &str| {
        let flag = if cfg!(windows) { "/C" } else { "-c" };
        let spec = CommandSpec::new(shell, workdir).with_args([flag, command]);
        spec.with_deadline(COMMAND.min(left))
    };
    let output = match runner.run(spec(shell)).await {
        Err(CommandError::ProgramNotFound { .. }) if !cfg!(windows) => runner.run(spec("sh")).await,
        output => output,
    };
    match output {
        Ok(output) => as_result(&output),
        Err(error) => {
            ToolResult { content: error.to_string(), is_error: true, ..ToolResult::default() }
        }
    }
}

/// The output as programs tell it: both streams, without the end of the last line.
fn as_result(output: &CommandOutput) -> ToolResult {
    let (stdout, stderr) = (output.stdout.text(), output.stderr.text());
    let content = [stdout.trim_end(), stderr.trim_end()];
    let content: Vec<&str> = content.into_iter().filter(|text| !text.is_empty()).collect();
    let exit_code = match output.exit {
        Exit::Code(code) => Some(code),
        Exit::Signal(_) | Exit::Deadline | Exit::Stopped => None,
    };
    ToolResult {
        content: content.join("\n"),
        is_error: exit_code != Some(0),
        exit_code,
        duration_ms: u64::try_from(output.duration.as_millis()).unwrap_or(u64::MAX),
    }
}
