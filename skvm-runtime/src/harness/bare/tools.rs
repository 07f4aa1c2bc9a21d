//! The tools that the model sees.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use skvm_core::harness::{HarnessError, HarnessRun, Tool, ToolOffer, ToolResult};
use skvm_core::llm::{ToolCall, ToolSpec};

use super::BareAgent;
use super::files::{Files, Refusal};
use super::policy::AgentPolicy;
#[cfg(feature = "http")]
use super::web::Web;
use crate::command::{CommandError, CommandOutput, CommandRunner, CommandSpec, Exit};
use crate::scheduler::{Governor, Resource};

/// Longest result that goes into the conversation, in bytes; the rest can be asked for.
const MAX_RESULT: usize = 32 << 10;
/// Time for a command when the model names none, and the most that it can name.
const COMMAND_SECONDS: (u64, u64) = (30, 600);

#[derive(Deserialize, JsonSchema)]
struct ReadFile {
    /// Path of the file.
    path: String,
    /// First line to read, from 1.
    #[serde(default)]
    offset: Option<usize>,
    /// Most lines to read.
    #[serde(default)]
    limit: Option<usize>,
}

#[derive(Deserialize, JsonSchema)]
struct WriteFile {
    /// Path of the file.
    path: String,
    /// The whole new content.
    content: String,
}

#[derive(Deserialize, JsonSchema)]
struct ListDirectory {
    /// Path of the folder; the working directory when left out.
    #[serde(default)]
    path: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct ExecuteCommand {
    /// A POSIX shell command.
    command: String,
    /// Seconds after which it is ended.
    #[serde(default)]
    timeout_seconds: Option<u64>,
}

#[cfg(feature = "http")]
#[derive(Deserialize, JsonSchema)]
struct WebFetch {
    /// An http or https address.
    url: String,
}

/// The tools of one run.
pub(super) struct Toolbox {
    specs: Vec<ToolSpec>,
    /// Whether the agent's own tools are offered.
    own: bool,
    /// Tools of the host's.
    given: Vec<Arc<dyn Tool>>,
    files: Files,
    runner: CommandRunner,
    policy: AgentPolicy,
    governor: Option<Governor>,
    #[cfg(feature = "http")]
    web: Web,
}

impl Toolbox {
    pub(super) fn new(agent: &BareAgent, run: &HarnessRun<'_>) -> Result<Self, HarnessError> {
        let workdir = |source| HarnessError::Workdir { path: run.workdir.to_owned(), source };
        let files = Files::open(run.workdir, run.skill).map_err(workdir)?;
        let mut environment = agent.environment.clone();
        if let Some(prepared) = run.environment {
            environment = environment.with_prepared(prepared);
        }
        let runner = CommandRunner::new(environment, [files.workdir()])
            .map_err(|error| workdir(std::io::Error::other(error)))?;
        let (own, given) = match &run.tools {
            ToolOffer::Own => (true, agent.tools.clone()),
            ToolOffer::None => (false, Vec::new()),
            ToolOffer::Only(tools) => (false, tools.clone()),
        };
        let mut offered = if own { specs() } else { Vec::new() };
        offered.retain(|spec| given.iter().all(|tool| tool.spec().name != spec.name));
        offered.extend(given.iter().map(|tool| tool.spec().clone()));
        Ok(Self {
            specs: offered,
            own,
            given,
            files,
            runner,
            policy: agent.policy.clone(),
            governor: agent.governor.clone(),
            #[cfg(feature = "http")]
            web: Web::new(agent.policy.addresses.clone()),
        })
    }

    pub(super) fn specs(&self) -> &[ToolSpec] {
        &self.specs
    }

    /// The working directory without links in its path.
    pub(super) fn workdir(&self) -> &Path {
        self.files.workdir()
    }

    /// Whether a tool takes the arguments of a call; `None` when there is no such tool.
    pub(super) fn fits(&self, call: &ToolCall) -> Option<bool> {
        if self.given(call).is_some() {
            return Some(call.arguments.is_object());
        }
        match call.name.as_str() {
            _ if !self.own => None,
            "read_file" => Some(parse::<ReadFile>(call).is_ok()),
            "write_file" => Some(parse::<WriteFile>(call).is_ok()),
            "list_directory" => Some(parse::<ListDirectory>(call).is_ok()),
            "execute_command" => Some(parse::<ExecuteCommand>(call).is_ok()),
            #[cfg(feature = "http")]
            "web_fetch" => Some(parse::<WebFetch>(call).is_ok()),
            _ => None,
        }
    }

    /// The host's tool that a call names.
    fn given(&self, call: &ToolCall) -> Option<&dyn Tool> {
        self.given.iter().find(|tool| tool.spec().name == call.name).map(AsRef::as_ref)
    }

    pub(super) fn skill_was_read(&self) -> bool {
        self.files.skill_was_read()
    }

    /// Executes a call. Whatever goes wrong is told to the model in the result.
    pub(super) async fn call(&self, call: &ToolCall) -> ToolResult {
        let given = self.given(call);
        let resource = match call.name.as_str() {
            _ if given.is_some() || !self.own => None,
            "execute_command" => Some(Resource::Cpu),
            "web_fetch" => Some(Resource::Network),
            _ => None,
        };
        let permit = match self.governor.as_ref().zip(resource) {
            Some((governor, resource)) => Some(governor.acquire(resource).await),
            None => None,
        };
        let started = Instant::now();
        let mut result = match (call.name.as_str(), given) {
            (_, Some(tool)) => tool.call(&call.arguments).await,
            (other, None) if !self.own => no_such_tool(other),
            ("read_file", None) => self.with(call, |files, input| read(&files, &input)).await,
            ("write_file", None) => {
                let write = |files: Files, WriteFile { path, content }| {
                    files.write(&path, &content)?;
                    Ok(format!("wrote {} bytes to {path}", content.len()))
                };
                self.with(call, write).await
            }
            ("list_directory", None) => {
                let list = |files: Files, ListDirectory { path }| {
                    files.list(path.as_deref().unwrap_or("."))
                };
                self.with(call, list).await
            }
            ("execute_command", None) => self.execute(call).await,
            #[cfg(feature = "http")]
            ("web_fetch", None) => match parse::<WebFetch>(call) {
                Ok(WebFetch { url }) => text_result(self.web.fetch(&url).await),
                Err(refusal) => text_result(Err(refusal)),
            },
            (other, None) => no_such_tool(other),
        };
        if let Some(permit) = permit {
            permit.succeeded();
        }
        result.content = capped(result.content);
        result.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        result
    }

    /// Does file work away from the async threads.
    async fn with<I, F>(&self, call: &ToolCall, work: F) -> ToolResult
    where
        I: DeserializeOwned + Send + 'static,
        F: FnOnce(Files, I) -> Result<String, Refusal> + Send + 'static,
    {
        let input = match parse::<I>(call) {
            Ok(input) => input,
            Err(refusal) => return text_result(Err(refusal)),
        };
        let files = self.files.clone();
        let done = tokio::task::spawn_blocking(move || work(files, input)).await;
        text_result(done.unwrap_or_else(|_| Err(Refusal("the tool failed".to_owned()))))
    }

    async fn execute(&self, call: &ToolCall) -> ToolResult {
        let ExecuteCommand { command, timeout_seconds } = match parse(call) {
            Ok(input) => input,
            Err(refusal) => return text_result(Err(refusal)),
        };
        if let Err(reason) = self.policy.commands.check(&command) {
            return text_result(Err(Refusal(format!("refused by policy: {reason}"))));
        }
        let (default, most) = COMMAND_SECONDS;
        let seconds = timeout_seconds.unwrap_or(default).clamp(1, most);
        // The model's text is the script itself, one argument of the shell; nothing is added to it.
        let spec = CommandSpec::new("sh", self.files.workdir())
            .with_arg("-c")
            .with_arg(command)
            .with_deadline(Duration::from_secs(seconds))
            .with_output_cap(MAX_RESULT / 2);
        command_result(self.runner.run(spec).await, seconds)
    }
}

fn no_such_tool(name: &str) -> ToolResult {
    text_result(Err(Refusal(format!("there is no tool called {name:?}"))))
}

/// The agent's own tools.
fn specs() -> Vec<ToolSpec> {
    Vec::from([
        ToolSpec::new("read_file", "Reads a text file.", schema_for!(ReadFile)),
        ToolSpec::new(
            "write_file",
            "Writes a text file in the working directory; creates its folders and replaces what \
             is there.",
            schema_for!(WriteFile),
        ),
        ToolSpec::new("list_directory", "Lists a folder.", schema_for!(ListDirectory)),
        ToolSpec::new(
            "execute_command",
            "Runs a shell command in the working directory and gives its output and exit status.",
            schema_for!(ExecuteCommand),
        ),
        #[cfg(feature = "http")]
        ToolSpec::new(
            "web_fetch",
            "Fetches a web address and gives its text.",
            schema_for!(WebFetch),
        ),
    ])
}

fn parse<I: DeserializeOwned>(call: &ToolCall) -> Result<I, Refusal> {
    let unfit =
        |why: &dyn Display| Refusal(format!("the arguments of {} do not fit: {why}", call.name));
    // Serde would take a list for the fields in their order.
    if !call.arguments.is_object() {
        return Err(unfit(&"they are no JSON object"));
    }
    I::deserialize(&call.arguments).map_err(|error| unfit(&error))
}

fn text_result(outcome: Result<String, Refusal>) -> ToolResult {
    let (content, is_error) = match outcome {
        Ok(content) => (content, false),
        Err(Refusal(reason)) => (reason, true),
    };
    ToolResult { content, is_error, ..ToolResult::default() }
}

fn read(files: &Files, input: &ReadFile) -> Result<String, Refusal> {
    let text = files.read(&input.path)?;
    let skipped = input.offset.unwrap_or(1).saturating_sub(1);
    if skipped == 0 && input.limit.is_none() && text.len() <= MAX_RESULT {
        return Ok(text);
    }
    let total = text.lines().count();
    let mut part = String::new();
    let mut shown = 0;
    for line in text.split_inclusive('\n').skip(skipped).take(input.limit.unwrap_or(usize::MAX)) {
        if part.len() + line.len() > MAX_RESULT - 200 && shown > 0 {
            break;
        }
        part.push_str(line);
        shown += 1;
    }
    if skipped + shown < total {
        let next = skipped + shown + 1;
        part.push_str(&format!(
            "\n[lines {}–{} of {total}; go on with offset {next}]",
            skipped + 1,
            next - 1
        ));
    }
    Ok(part)
}

fn command_result(outcome: Result<CommandOutput, CommandError>, seconds: u64) -> ToolResult {
    let output = match outcome {
        Ok(output) => output,
        Err(error) => {
            return text_result(Err(Refusal(format!("the command did not start: {error}"))));
        }
    };
    let mut content = String::new();
    for (name, stream) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let text = stream.text();
        if !text.trim().is_empty() {
            content.push_str(&format!("{name}:\n{}\n", text.trim_end()));
        }
    }
    let exit_code = match output.exit {
        Exit::Code(code) => {
            content.push_str(&format!("exit status: {code}"));
            Some(code)
        }
        Exit::Signal(signal) => {
            content.push_str(&format!("ended by signal {signal}"));
            None
        }
        Exit::Deadline | Exit::Stopped => {
            content.push_str(&format!("ended after {seconds} seconds, before it was done"));
            None
        }
    };
    ToolResult { content, is_error: !output.success(), exit_code, duration_ms: 0 }
}

/// The text, cut in the middle when it is too long.
fn capped(text: String) -> String {
    if text.len() <= MAX_RESULT + 200 {
        return text;
    }
    let head = (0..=MAX_RESULT / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let tail = (text.len() - MAX_RESULT / 2..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len());
    format!("{}\n[{} bytes left out]\n{}", &text[..head], tail - head, &text[tail..])
}
