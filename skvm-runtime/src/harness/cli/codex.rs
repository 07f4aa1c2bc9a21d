//! Codex: `codex exec --json`, an event a line. It asks providers that speak responses.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use async_trait::async_trait;
use serde_json::{Value, json};
use skvm_core::harness::{ProviderFault, ToolResult};
use skvm_core::llm::{StopReason, ToolCall, Usage};

use super::CliError;
use super::adapter::{
    Adapter, Facts, Heard, KEY_VARIABLE, PROVIDER, Reader, Setup, Staged, json_text,
};
use super::fault;
use super::foreseen::ShellTool;
use super::log::{Answer, Log};
use crate::command::CommandSpec;
use crate::provider::{Endpoint, WireFormat};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Codex;

/// What its events call a command.
const COMMAND: &str = "command_execution";

static FACTS: Facts = Facts {
    id: "codex",
    name: "Codex",
    program: "codex",
    install: "npm install --global @openai/codex@0.169.0",
    version_arguments: &["--version"],
    versions: &["0.169.0"],
    wires: &[WireFormat::Responses],
    shell: ShellTool { name: COMMAND, argument: "command" },
    native: &[(".codex/config.toml", "state/config.toml"), (".codex/auth.json", "state/auth.json")],
    has_sub_agents: false,
};

#[async_trait]
impl Adapter for Codex {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, setup: &Setup<'_>) -> Result<CommandSpec, CliError> {
        let sandbox = setup.sandbox;
        let mut command = setup
            .command()
            .with_args(["exec", "--json", "--skip-git-repo-check", "--color", "never"])
            .with_args(["-s", "danger-full-access", "-c", "approval_policy=\"never\""])
            .with_arg("-C")
            .with_arg(setup.workdir)
            .with_variable("CODEX_HOME", sandbox.state());
        if let Some(provider) = setup.provider {
            sandbox.write("state/config.toml", config(setup, provider))?;
            command = command.with_variable(KEY_VARIABLE, setup.key_or_none());
        } else if let Some(model) = setup.model {
            command = command.with_args(["--model", model]);
        }
        // What the user has told it stays as it is; there, the skill goes beside.
        if let (None, Some(skill)) = (setup.provider, setup.injected()) {
            sandbox.write("state/AGENTS.md", skill.injection())?;
        }
        if let Some(skill) = setup.discovered() {
            sandbox.place(&skill.folder, &format!("state/skills/{}", skill.name()))?;
        }
        Ok(command.with_arg("-").with_stdin(setup.prompt))
    }

    fn reader(&self, _retries: u32) -> Box<dyn Reader> {
        Box::new(CodexReader::default())
    }

    async fn collect(&self, setup: &Setup<'_>, log: &mut Log<'_>) {
        // Its events do not tell which calls were made in one answer; its journal tells how many answers there were.
        let calls = answers_in(&setup.sandbox.state().join("sessions"), 0);
        if calls > 0 {
            log.model_calls(calls);
        }
    }
}

/// What it can do beside what a run needs, and what would ask others than the provider.
const FEATURES_OFF: [&str; 12] = [
    // Without, a provider that cannot be reached is tried for ever.
    "unbounded_connection_retries",
    "plugins",
    "remote_plugin",
    "apps",
    "goals",
    "shell_snapshot",
    "skill_search",
    "skill_mcp_dependency_install",
    "tool_suggest",
    "image_generation",
    "view_image",
    "hooks",
];

fn config(setup: &Setup<'_>, provider: &Endpoint) -> String {
    let text = |text: &str| json_text(&json!(text));
    let injection = setup.injected().map(Staged::injection);
    let injection =
        injection.map(|it| format!("developer_instructions = {}\n", text(&it))).unwrap_or_default();
    let features: String = FEATURES_OFF.iter().map(|name| format!("{name} = false\n")).collect();
    let millis = setup.left().as_millis();
    format!(
        "model = {model}\n\
         model_provider = \"{PROVIDER}\"\n\
         model_context_window = 128000\n\
         {injection}\
         approval_policy = \"never\"\n\
         sandbox_mode = \"danger-full-access\"\n\
         web_search = \"disabled\"\n\
         # A login shell forgets the search path that it was started with.\n\
         allow_login_shell = false\n\
         check_for_update_on_startup = false\n\
         suppress_unstable_features_warning = true\n\
         cli_auth_credentials_store = \"file\"\n\
         [model_providers.{PROVIDER}]\n\
         name = \"{PROVIDER}\"\n\
         base_url = {url}\n\
         env_key = \"{KEY_VARIABLE}\"\n\
         wire_api = \"responses\"\n\
         request_max_retries = {retries}\n\
         # The two would be multiplied.\n\
         stream_max_retries = 0\n\
         stream_idle_timeout_ms = {millis}\n\
         [features]\n\
         {features}\
         [skills]\n\
         bundled = {{ enabled = false }}\n\
         [analytics]\n\
         enabled = false\n\
         [history]\n\
         persistence = \"none\"\n\
         [shell_environment_policy]\n\
         inherit = \"all\"\n\
         exclude = [\"{KEY_VARIABLE}\"]\n\
         [agents]\n\
         enabled = false\n",
        model = text(provider.model.as_str()),
        url = text(&provider.api_url()),
        retries = setup.retries,
    )
}

/// Most of a journal that is read, in bytes.
const MAX_JOURNAL: u64 = 64 << 20;

/// How many answers of the model the journals below a folder tell of.
fn answers_in(folder: &Path, depth: usize) -> usize {
    // The agent may have put a link in its place.
    if !fs::symlink_metadata(folder).is_ok_and(|data| data.is_dir()) {
        return 0;
    }
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let count = |path: &Path| {
        let Ok(file) = File::open(path) else { return 0 };
        let lines = BufReader::new(file.take(MAX_JOURNAL)).lines().map_while(Result::ok);
        lines.filter(|line| line.contains("\"type\":\"token_usage_record\"")).count()
    };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < 4 => answers_in(&entry.path(), depth + 1),
            Ok(kind) if kind.is_file() => count(&entry.path()),
            _ => 0,
        })
        .sum()
}

#[derive(Default)]
struct CodexReader {
    /// Words that were said, until it is known whether calls belong to them.
    words: Option<String>,
}

impl CodexReader {
    /// Words behind which no call came are an answer of their own.
    fn flush(&mut self, log: &mut Log<'_>) {
        if let Some(text) = self.words.take() {
            // Whether more comes is told at the end.
            log.answer(Answer { text, stop: StopReason::Unknown, ..Answer::default() });
        }
    }
}

impl CodexReader {
    /// Something that was done or said.
    fn completed(&mut self, item: &Value, log: &mut Log<'_>) -> Heard {
        match item["type"].as_str().unwrap_or_default() {
            "agent_message" => {
                let Some(text) = item["text"].as_str() else { return Heard::Unknown };
                self.flush(log);
                self.words = Some(text.to_owned());
            }
            COMMAND => {
                if log.call(id(item)).is_none() {
                    self.called(item, log);
                }
                let exit_code =
                    item["exit_code"].as_i64().and_then(|code| i32::try_from(code).ok());
                let output = item["aggregated_output"].as_str();
                result(item, output.unwrap_or_default(), exit_code, log);
                return Heard::known(output.is_some());
            }
            "file_change" | "mcp_tool_call" | "web_search" => {
                self.called(item, log);
                let told = item.get("result").or(item.get("error")).filter(|told| !told.is_null());
                let told = told.map(Value::to_string).unwrap_or_default();
                result(item, &told, None, log);
            }
            // Its own remarks, such as on a model that it does not know, and what it only thinks.
            "error" | "reasoning" | "todo_list" => {}
            _ => return Heard::Unknown,
        }
        Heard::Known
    }

    /// A call that is made.
    fn called(&mut self, item: &Value, log: &mut Log<'_>) {
        let kind = item["type"].as_str().unwrap_or_default();
        let (name, arguments) = match kind {
            COMMAND => {
                let command = item["command"].as_str().unwrap_or_default();
                (COMMAND, json!({"command": unwrapped(command)}))
            }
            "mcp_tool_call" => (item["tool"].as_str().unwrap_or(kind), item["arguments"].clone()),
            "web_search" => (kind, json!({"query": item["query"]})),
            _ => (kind, json!({"changes": item["changes"]})),
        };
        let call = ToolCall { id: id(item).to_owned(), name: name.to_owned(), arguments };
        let (calls, stop) = (vec![call], StopReason::ToolCalls);
        let text = self.words.take().unwrap_or_default();
        log.answer(Answer { text, calls, stop, ..Answer::default() });
        log.executes(id(item));
    }
}

impl Reader for CodexReader {
    fn close(&mut self, log: &mut Log<'_>) {
        self.flush(log);
    }

    fn event(&mut self, event: &Value, log: &mut Log<'_>) -> Heard {
        let item = &event["item"];
        match event["type"].as_str().unwrap_or_default() {
            "thread.started" => {
                if let Some(id) = event["thread_id"].as_str() {
                    log.session(id);
                }
            }
            "item.started" if item["type"] == COMMAND => self.called(item, log),
            "item.completed" => return self.completed(item, log),
            "turn.completed" => {
                self.flush(log);
                log.total_usage(usage(&event["usage"]));
                log.finished(None);
            }
            "error" => {
                self.flush(log);
                let told = event["message"].as_str().unwrap_or_default();
                error(told, log);
                // It would wait for ever.
                if told.contains("waiting for network") {
                    return Heard::End;
                }
            }
            "turn.failed" => {
                self.flush(log);
                error(event["error"]["message"].as_str().unwrap_or_default(), log);
            }
            "turn.started" | "item.started" | "item.updated" => {}
            _ => return Heard::Unknown,
        }
        Heard::Known
    }
}

fn id(item: &Value) -> &str {
    item["id"].as_str().unwrap_or_default()
}

fn result(item: &Value, content: &str, exit_code: Option<i32>, log: &mut Log<'_>) {
    let call = log.call(id(item)).unwrap_or_else(|| ToolCall {
        id: id(item).to_owned(),
        name: item["type"].as_str().unwrap_or_default().to_owned(),
        arguments: Value::Null,
    });
    let is_error = item["status"].as_str().is_some_and(|status| status != "completed");
    log.result(
        &call,
        ToolResult { content: content.to_owned(), is_error, exit_code, duration_ms: 0 },
    );
}

/// The tokens of the run. A server that tells none is told as one that used none.
fn usage(told: &Value) -> Usage {
    let number = |key: &str| told[key].as_u64();
    let (input, cached) = (number("input_tokens"), number("cached_input_tokens"));
    if input.is_none_or(|input| input == 0) {
        return Usage::default();
    }
    Usage {
        input: input.map(|all| all.saturating_sub(cached.unwrap_or(0))),
        output: number("output_tokens"),
        cache_read: cached,
        cache_write: number("cache_write_input_tokens"),
        cost_usd: None,
    }
}

fn error(message: &str, log: &mut Log<'_>) {
    // So it tells a status of 500.
    let busy = message.contains("experiencing high demand").then_some(ProviderFault::Server);
    log.trouble_of(busy.or_else(|| fault::read(message)), message);
}

/// The command in `/bin/bash -lc '…'`; the text as it is where it is none.
fn unwrapped(told: &str) -> String {
    let inner = [" -lc ", " -c "].iter().find_map(|flag| {
        let (shell, rest) = told.split_once(flag)?;
        (!shell.contains(char::is_whitespace)).then(|| word(rest))?
    });
    inner.unwrap_or_else(|| told.to_owned())
}

/// The text of one word that is quoted for a shell; `None` where it is not one word.
fn word(quoted: &str) -> Option<String> {
    let mut text = String::new();
    let mut quote = None;
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => text.push(c),
            (None, '\\') => text.push(chars.next()?),
            (Some(_), '\\') => match chars.next()? {
                escaped @ ('$' | '`' | '"' | '\\' | '!') => text.push(escaped),
                other => text.extend(['\\', other]),
            },
            (None, c) if c.is_whitespace() => return None,
            (_, c) => text.push(c),
        }
    }
    quote.is_none().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_taken_out_of_the_shell_around_them() {
        for (told, command) in [
            ("/bin/bash -lc 'echo a; cat \"b\"'", "echo a; cat \"b\""),
            ("/bin/bash -c ls", "ls"),
            ("/bin/bash -lc 'it'\\''s'", "it's"),
            (r#"/bin/zsh -lc "echo \"\$x\" 'y'""#, r#"echo "$x" 'y'"#),
            ("/bin/bash -lc 'line 1\nline 2'", "line 1\nline 2"),
            ("cargo test -c x", "cargo test -c x"),
            ("/bin/bash -lc 'open", "/bin/bash -lc 'open"),
            ("", ""),
        ] {
            assert_eq!(unwrapped(told), command, "{told}");
        }
    }
}
