//! Claude Code: `claude -p --output-format stream-json`, an event a line. It asks providers that speak messages.

use serde_json::{Value, json};
use skvm_core::harness::ToolResult;
use skvm_core::llm::{StopReason, ToolCall};

use super::CliError;
use super::adapter::{Adapter, Facts, Heard, Reader, Setup, Staged, quoted, usage_of};
use super::fault;
use super::foreseen::ShellTool;
use super::log::{Answer, Log};
use crate::command::CommandSpec;
use crate::provider::WireFormat;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct ClaudeCode;

/// Its tool for commands.
const BASH: &str = "Bash";

static FACTS: Facts = Facts {
    id: "claude-code",
    name: "Claude Code",
    program: "claude",
    install: "npm install --global @anthropic-ai/claude-code@2.1.328",
    version_arguments: &["--version"],
    versions: &["2.1.328"],
    wires: &[WireFormat::Messages],
    shell: ShellTool { name: BASH, argument: "command" },
    native: &[
        (".claude/settings.json", "state/settings.json"),
        (".claude/.credentials.json", "state/.credentials.json"),
        (".claude.json", "state/.claude.json"),
    ],
    has_sub_agents: false,
};

impl Adapter for ClaudeCode {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, setup: &Setup<'_>) -> Result<CommandSpec, CliError> {
        let sandbox = setup.sandbox;
        let millis = setup.left().as_millis();
        // One that begins with a slash would be taken for a command of its own.
        let slash = setup.prompt.starts_with('/');
        let prompt = if slash { format!("\n{}", setup.prompt) } else { setup.prompt.to_owned() };
        let tools = if setup.discovered().is_some() { TOOLS_WITH_SKILLS } else { TOOLS };
        let mut command = setup
            .command()
            .with_args(["-p", "--output-format", "stream-json", "--verbose"])
            .with_args(["--permission-mode", "bypassPermissions", "--no-session-persistence"])
            .with_args(["--strict-mcp-config", "--setting-sources", "user", "--tools", tools])
            .with_args(["--max-turns", &setup.limits.turns.to_string()])
            .with_variable("CLAUDE_CONFIG_DIR", sandbox.state())
            .with_variable("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            // Else it refuses to ask nobody where it runs as root.
            .with_variable("IS_SANDBOX", "1")
            .with_variable("CLAUDE_CODE_MAX_RETRIES", setup.retries.to_string())
            .with_variable("CLAUDE_CODE_MAX_OUTPUT_TOKENS", setup.limits.answer_tokens.to_string())
            .with_variable("API_TIMEOUT_MS", millis.to_string())
            .with_variable("DISABLE_AUTOUPDATER", "1")
            .with_stdin(prompt);
        for name in OFF {
            command = command.with_variable(name, "1");
        }
        if let Some(provider) = setup.provider {
            let model = official_id(provider.model.as_str());
            // In a variable, every command of the agent's would see it.
            let key = sandbox.write("state/key", setup.key_or_none())?;
            let settings = json!({
                "apiKeyHelper": format!("cat {}", quoted(&key)),
                "disableSkillShellExecution": true,
                "enabledPlugins": {
                    "cc-plugin-plugin-authoring@builtin": false,
                    "cc-plugin-agents-md@builtin": false,
                    "cc-plugin-privacy@builtin": false,
                },
            });
            sandbox.write("state/settings.json", settings.to_string())?;
            command = command
                .with_args(["--model", &model])
                .with_variable("ANTHROPIC_BASE_URL", provider.origin())
                // What it asks on the side goes to the same model.
                .with_variable("ANTHROPIC_SMALL_FAST_MODEL", &model)
                .with_variable("ANTHROPIC_DEFAULT_HAIKU_MODEL", &model);
        } else if let Some(model) = setup.model {
            command = command.with_args(["--model", model]);
        }
        if let Some(skill) = setup.injected() {
            let file = sandbox.write("state/append.md", Staged::injection(skill))?;
            command = command.with_arg("--append-system-prompt-file").with_arg(file);
        }
        if let Some(skill) = setup.discovered() {
            sandbox.place(&skill.folder, &format!("state/skills/{}", skill.name()))?;
        }
        Ok(command)
    }

    fn reader(&self, _retries: u32) -> Box<dyn Reader> {
        Box::new(ClaudeReader::default())
    }
}

/// What it would do beside the task, or make of a prompt that it is not.
const OFF: [&str; 8] = [
    "CLAUDE_CODE_DISABLE_FILE_MENTIONS",
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS",
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY",
    "CLAUDE_CODE_DISABLE_BUNDLED_SKILLS",
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK",
    "CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS",
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS",
    "CLAUDE_ENABLE_BYTE_WATCHDOG",
];

/// Anthropic writes versions with dashes, others with points: `claude-sonnet-4.6`. Other names are left as they are.
fn official_id(model: &str) -> String {
    if !model.starts_with("claude-") {
        return model.to_owned();
    }
    let bytes = model.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let dash = |(at, c): (usize, char)| match c {
        '.' if at > 0 && is_digit(at - 1) && is_digit(at + 1) => '-',
        c => c,
    };
    model.char_indices().map(dash).collect()
}

const TOOLS: &str = "Bash,Edit,Glob,Grep,Read,Write";
const TOOLS_WITH_SKILLS: &str = "Bash,Edit,Glob,Grep,Read,Skill,Write";

/// Most bytes and calls of one answer that are put together.
const MAX_TEXT: usize = 1 << 20;
const MAX_CALLS: usize = 1000;

#[derive(Default)]
struct ClaudeReader {
    /// The answer whose parts are told one after the other, with its id.
    open: Option<(String, Answer)>,
}

impl Reader for ClaudeReader {
    fn event(&mut self, event: &Value, log: &mut Log<'_>) -> Heard {
        match event["type"].as_str().unwrap_or_default() {
            "system" => {
                if let Some(id) = event["session_id"].as_str() {
                    log.session(id);
                }
                if event["subtype"] == "api_retry" {
                    let told = event.get("error").map(Value::to_string).unwrap_or_default();
                    let status = event["error_status"].as_u64().and_then(fault::of_code);
                    log.trouble_of(status.or_else(|| fault::read(&told)), &told);
                }
            }
            "assistant" => return self.part(event, log),
            "user" => {
                self.flush(log);
                return results(event, log);
            }
            "result" => {
                self.flush(log);
                ended(event, log);
            }
            "stream_event" | "rate_limit_event" | "tool_progress" | "keep_alive" => {}
            _ => return Heard::Unknown,
        }
        Heard::Known
    }

    fn close(&mut self, log: &mut Log<'_>) {
        self.flush(log);
    }
}

impl ClaudeReader {
    /// A part of an answer: each has an event of its own.
    fn part(&mut self, event: &Value, log: &mut Log<'_>) -> Heard {
        let message = &event["message"];
        let Some(parts) = message["content"].as_array() else { return Heard::Unknown };
        let texts = || parts.iter().filter_map(|part| part["text"].as_str());
        // Errors are told as answers of a model that there is not.
        if message["model"] == "<synthetic>" {
            self.flush(log);
            let told: String = texts().collect();
            let told =
                if told.is_empty() { "it gave an answer of its own".to_owned() } else { told };
            log.trouble(&told);
            return Heard::Known;
        }
        let id = message["id"].as_str().unwrap_or_default();
        let is_full =
            |answer: &Answer| answer.text.len() > MAX_TEXT || answer.calls.len() > MAX_CALLS;
        if self.open.as_ref().is_some_and(|(open, answer)| open != id || is_full(answer)) {
            self.flush(log);
        }
        let (_, answer) = self.open.get_or_insert_with(|| (id.to_owned(), Answer::default()));
        answer.text.extend(texts());
        answer.usage = usage_of(&message["usage"], TOKENS);
        let calls = parts.iter().filter(|part| part["type"] == "tool_use").map(|part| ToolCall {
            id: part["id"].as_str().unwrap_or_default().to_owned(),
            name: part["name"].as_str().unwrap_or_default().to_owned(),
            arguments: part["input"].clone(),
        });
        answer.calls.extend(calls);
        answer.stop = match message["stop_reason"].as_str() {
            Some("max_tokens") => StopReason::Length,
            Some("refusal") => StopReason::Filtered,
            // Whether more comes is told at the end.
            _ => StopReason::Unknown,
        };
        let is_known = |part: &Value| match part["type"].as_str() {
            Some("text") => part["text"].is_string(),
            Some("tool_use") => part["id"].is_string() && part["name"].is_string(),
            Some(kind) => matches!(kind, "thinking" | "redacted_thinking"),
            None => false,
        };
        Heard::known(parts.iter().all(is_known))
    }

    fn flush(&mut self, log: &mut Log<'_>) {
        let Some((_, answer)) = self.open.take() else { return };
        let ids: Vec<String> = answer.calls.iter().map(|call| call.id.clone()).collect();
        log.answer(answer);
        ids.iter().for_each(|id| log.executes(id));
    }
}

/// Where tokens stand.
const TOKENS: [&str; 4] =
    ["/input_tokens", "/output_tokens", "/cache_read_input_tokens", "/cache_creation_input_tokens"];

fn results(event: &Value, log: &mut Log<'_>) -> Heard {
    let told = &event["message"]["content"];
    let parts = told.as_array().map(Vec::as_slice).unwrap_or_default();
    for part in parts.iter().filter(|part| part["type"] == "tool_result") {
        let id = part["tool_use_id"].as_str().unwrap_or_default();
        let call = log.call(id).unwrap_or_else(|| ToolCall {
            id: id.to_owned(),
            name: String::new(),
            arguments: Value::Null,
        });
        let content = match &part["content"] {
            Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
            told => told.as_str().unwrap_or_default().to_owned(),
        };
        let is_error = part["is_error"].as_bool().unwrap_or(false);
        // A search that found nothing ends with 1, and is no error to it.
        let found_nothing = event["tool_use_result"]["returnCodeInterpretation"].is_string();
        let code = content.lines().next().and_then(|line| line.strip_prefix("Exit code "));
        let exit_code = match call.name.as_str() {
            BASH if is_error => code.and_then(|code| code.trim().parse().ok()),
            BASH => Some(i32::from(found_nothing)),
            _ => None,
        };
        let content = match content.as_str() {
            "(Bash completed with no output)" => String::new(),
            _ => content,
        };
        log.result(&call, ToolResult { content, is_error, exit_code, duration_ms: 0 });
    }
    // Words in the user's place are none of the model's.
    Heard::known(told.is_array() || told.is_string())
}

/// The last event. Its subtype says success also where it is none.
fn ended(event: &Value, log: &mut Log<'_>) {
    log.total_usage(usage_of(&event["usage"], TOKENS));
    let told = event["result"].as_str().unwrap_or_default();
    if event["subtype"] == "error_max_turns" {
        return log.used_up_turns();
    }
    if event["is_error"] == true {
        let status = event["api_error_status"].as_u64().and_then(fault::of_code);
        let errors = event["errors"].as_array().filter(|errors| !errors.is_empty());
        let told = match (told, errors) {
            ("", Some(errors)) => Value::from(errors.clone()).to_string(),
            (told, _) => told.to_owned(),
        };
        return log.trouble_of(status.or_else(|| fault::read(&told)), &told);
    }
    log.finished(Some(told.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_anthropic_does() {
        for (given, expected) in [
            ("claude-sonnet-4.6", "claude-sonnet-4-6"),
            ("claude-opus-4-1", "claude-opus-4-1"),
            ("custom-model-1.2.3", "custom-model-1.2.3"),
            ("claude-x.y", "claude-x.y"),
        ] {
            assert_eq!(official_id(given), expected);
        }
    }
}
