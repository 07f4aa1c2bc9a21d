//! Hermes Agent: `hermes chat -Q`, and a hook of its own that writes down an event a line.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use skvm_core::harness::{ProviderFault, ToolResult};
use skvm_core::llm::{StopReason, ToolCall, Usage};

use super::CliError;
use super::adapter::{
    Adapter, Facts, Heard, PROVIDER, Reader, Setup, arguments_of, json_text, quoted,
};
use super::fault;
use super::foreseen::ShellTool;
use super::log::{Answer, Log};
use crate::command::CommandSpec;
use crate::provider::{Endpoint, WireFormat};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Hermes;

static FACTS: Facts = Facts {
    id: "hermes",
    name: "Hermes Agent",
    program: "hermes",
    install: "pipx install hermes-agent==0.19.0",
    version_arguments: &["--version"],
    versions: &["0.19.0"],
    wires: &[WireFormat::ChatCompletions],
    shell: ShellTool { name: TERMINAL, argument: "command" },
    native: &[
        (".hermes/config.yaml", "state/config.yaml"),
        (".hermes/.env", "state/.env"),
        (".hermes/auth.json", "state/auth.json"),
        (".hermes/SOUL.md", "state/SOUL.md"),
    ],
    has_sub_agents: false,
};

/// Its tool for commands.
const TERMINAL: &str = "terminal";

/// What is written down; other hooks repeat whole conversations.
const HOOKS: [&str; 6] = [
    "on_session_start",
    "post_api_request",
    "api_request_error",
    "pre_tool_call",
    "post_tool_call",
    "on_session_end",
];

/// Adds what comes on its standard input to the events, one after the other also where several tools end at once. It
/// says nothing and exits with 0: anything else could stop a tool.
const HOOK: &str = r#"#!/bin/sh
event=$(mktemp "$HERMES_HOME/.event.XXXXXX") && cat > "$event" || exit 0
tries=0
while ! mkdir "$HERMES_HOME/.events.lock" 2>/dev/null && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.02
done
{ cat "$event"; echo; } >> "$HERMES_HOME/events.jsonl"
rmdir "$HERMES_HOME/.events.lock" 2>/dev/null
rm -f "$event"
exit 0
"#;

/// A login shell forgets the search path that it was started with.
const INIT: &str = "export PATH=\"$SKVM_PATH\"\n";

/// Longest prompt that is given as an argument.
const MAX_ARGUMENT: usize = 100 << 10;

impl Adapter for Hermes {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, setup: &Setup<'_>) -> Result<CommandSpec, CliError> {
        let sandbox = setup.sandbox;
        if setup.prompt.trim().is_empty() {
            return Err(CliError::Unfit { name: FACTS.name, what: "an empty prompt" });
        }
        let tools =
            if setup.discovered().is_some() { "terminal,file,skills" } else { "terminal,file" };
        let turns = setup.limits.turns.to_string();
        let mut command = setup
            .command()
            .with_args(["chat", "-Q", "--yolo", "--ignore-rules", "--source", "tool"])
            .with_args(["-t", tools, "--max-turns", &turns])
            .with_variable("HERMES_HOME", sandbox.state())
            .with_variable("HERMES_STREAM_RETRIES", "0")
            .with_variable(DOLLAR, "$")
            .with_variable("SKVM_PATH", setup.path());
        let hook = sandbox.write_program("state/hook.sh", HOOK)?;
        let init = sandbox.write("state/init.sh", INIT)?;
        sandbox.write("state/.no-bundled-skills", "")?;
        // It would look for a newer version first.
        let looked = json!({"ts": now(), "behind": 0, "rev": null, "ver": setup.version});
        sandbox.write("state/.update_check", looked.to_string())?;
        let mut config = config(setup, &hook, &init);
        if setup.prompt.len() > MAX_ARGUMENT {
            let messages = json!([{"role": "user", "content": setup.prompt}]);
            let file = sandbox.write("state/prompt.json", messages.to_string())?;
            config["prefill_messages_file"] = json!(plain(&file.to_string_lossy()));
            command = command.with_arg("--query=Carry out the task above.");
        } else {
            command = command.with_arg(format!("--query={}", setup.prompt));
        }
        if let Some(provider) = setup.provider {
            sandbox.write("state/config.yaml", json_text(&config))?;
            // Of all names this one is kept from the agent's commands.
            command = command
                .with_variable("OPENAI_API_KEY", setup.key_or_none())
                .with_args(["-m", provider.model.as_str()]);
        } else {
            // A later key takes the place of an earlier one.
            let mut own = json!({"hooks": config["hooks"], "hooks_auto_accept": true});
            if let Some(file) = config.get("prefill_messages_file") {
                own["prefill_messages_file"] = file.clone();
            }
            sandbox.append("state/config.yaml", &format!("\n{}", as_lines(&own)))?;
            // What the user has told it stays as it is; the skill is one of its own.
            if let Some(skill) = setup.skill {
                sandbox.place(&skill.folder, &format!("state/skills/{}", skill.name()))?;
            }
            if let Some(skill) = setup.injected() {
                command = command.with_args(["-s", &skill.name()]);
            }
            if let Some(model) = setup.model {
                command = command.with_args(["-m", model]);
            }
        }
        Ok(command)
    }

    fn reader(&self, _retries: u32) -> Box<dyn Reader> {
        Box::new(HermesReader::default())
    }

    fn events(&self, setup: &Setup<'_>) -> Option<PathBuf> {
        Some(setup.sandbox.state().join("events.jsonl"))
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The variable that stands for a dollar sign where the configuration would take it for its own.
const DOLLAR: &str = "SKVM_DOLLAR";

/// A text as the configuration takes it: it puts variables in place of `${NAME}` everywhere.
fn plain(text: &str) -> String {
    text.replace("${", &format!("${{{DOLLAR}}}{{"))
}

fn config(setup: &Setup<'_>, hook: &Path, init: &Path) -> Value {
    let hook = json!([{"command": plain(&quoted(hook)), "timeout": 20}]);
    let hooks: serde_json::Map<String, Value> =
        HOOKS.iter().map(|name| ((*name).to_owned(), hook.clone())).collect();
    let seconds = setup.left().as_secs().max(1);
    let mut config = json!({
        "agent": {"api_max_retries": setup.retries + 1, "max_turns": setup.limits.turns},
        "security": {"tirith_enabled": false, "redact_secrets": false},
        "terminal": {"shell_init_files": [plain(&init.to_string_lossy())], "auto_source_bashrc": false},
        // It would ask the model for changes of skills and memory, and not tell of it.
        "skills": {"creation_nudge_interval": 0},
        "memory": {"memory_enabled": false, "user_profile_enabled": false, "nudge_interval": 0},
        "hooks_auto_accept": true,
        "hooks": hooks,
    });
    if let Some(skill) = setup.injected() {
        config["agent"]["system_prompt"] = json!(plain(&skill.injection()));
    }
    if setup.discovered().is_some() {
        config["skills"]["external_dirs"] =
            json!([plain(&setup.sandbox.skills().to_string_lossy())]);
    }
    if let Some(Endpoint { model, base_url, .. }) = setup.provider {
        let (model, url) = (plain(model.as_str()), plain(base_url));
        config["model"] = json!({
            "default": model,
            "provider": format!("custom:{PROVIDER}"),
            "base_url": url,
            "api_mode": "chat_completions",
            // It refuses less than 64,000.
            "context_length": 131_072,
            "max_tokens": setup.limits.answer_tokens,
        });
        config["custom_providers"] = json!([{
            "name": PROVIDER,
            "base_url": url,
            "key_env": "OPENAI_API_KEY",
            "api_mode": "chat_completions",
        }]);
        config["providers"] = json!({"custom": {"request_timeout_seconds": seconds}});
    }
    config
}

/// A configuration with each key on a line of its own, to be put behind others.
fn as_lines(config: &Value) -> String {
    let fields = config.as_object().into_iter().flatten();
    fields.map(|(key, value)| format!("{key}: {}\n", json_text(value))).collect()
}

#[derive(Default)]
struct HermesReader {
    /// What stood on the standard output: the last answer, or an error in words.
    words: String,
    /// Whether it says that it is done.
    is_done: bool,
}

impl Reader for HermesReader {
    /// There is the last answer, which may be anything.
    fn tells_on_output(&self) -> bool {
        false
    }

    fn event(&mut self, event: &Value, log: &mut Log<'_>) -> Heard {
        let extra = &event["extra"];
        match event["hook_event_name"].as_str().unwrap_or_default() {
            "on_session_start" => {
                if let Some(id) = event["session_id"].as_str() {
                    log.session(id);
                }
            }
            "post_api_request" => return answer(extra, log),
            "api_request_error" => error(extra, log),
            "pre_tool_call" => log.executes(extra["tool_call_id"].as_str().unwrap_or_default()),
            "post_tool_call" => return result(event, log),
            "on_session_end" if extra["completed"] == true => {
                self.is_done = true;
                log.finished(None);
            }
            "on_session_end" if extra["interrupted"] == false => log.used_up_turns(),
            "on_session_end" => {}
            _ => return Heard::Unknown,
        }
        Heard::Known
    }

    fn words(&mut self, line: &str, _: &mut Log<'_>) -> Heard {
        if self.words.len() < MAX_WORDS {
            self.words.push_str(line);
            self.words.push('\n');
        }
        Heard::Known
    }

    fn close(&mut self, log: &mut Log<'_>) {
        if self.is_done && !log.has_ended() {
            // The event with the last answer did not come.
            log.finished(Some(self.words.trim().to_owned()));
        }
        // What no event tells: an answer that was cut, or why it did not start.
        log.said(&self.words);
    }
}

/// Most of the standard output that is kept, in bytes.
const MAX_WORDS: usize = 64 << 10;

fn answer(extra: &Value, log: &mut Log<'_>) -> Heard {
    let message = &extra["response"]["assistant_message"];
    let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let calls = calls.iter().map(|call| ToolCall {
        id: call["id"].as_str().unwrap_or_default().to_owned(),
        name: call["name"].as_str().unwrap_or_default().to_owned(),
        arguments: arguments_of(&call["arguments"]),
    });
    let usage = &extra["usage"];
    let number = |key: &str| usage[key].as_u64();
    log.answer(Answer {
        text: message["content"].as_str().unwrap_or_default().to_owned(),
        calls: calls.collect(),
        usage: Usage {
            input: number("input_tokens"),
            output: number("output_tokens"),
            cache_read: number("cache_read_tokens"),
            cache_write: number("cache_write_tokens"),
            cost_usd: None,
        },
        stop: match extra["finish_reason"].as_str() {
            Some("stop") => StopReason::Done,
            Some("tool_calls") => StopReason::ToolCalls,
            Some("length") => StopReason::Length,
            Some("content_filter") => StopReason::Filtered,
            _ => StopReason::Unknown,
        },
        solidified: false,
    });
    let content = message.get("content");
    Heard::known(content.is_some_and(|content| content.is_string() || content.is_null()))
}

fn error(extra: &Value, log: &mut Log<'_>) {
    let kind = extra["error"]["type"].as_str().unwrap_or_default();
    let message = extra["error"]["message"].as_str().unwrap_or_default();
    // The reason that stands beside calls a connection that was refused a timeout.
    let fault = match kind {
        "APIConnectionError" => Some(ProviderFault::Unreachable),
        "APITimeoutError" => Some(ProviderFault::Timeout),
        "EmptyStreamError" => Some(ProviderFault::InvalidAnswer),
        _ => fault::read(message).or_else(|| fault::read(kind)),
    };
    let status = extra["status_code"].as_u64().and_then(fault::of_code);
    log.trouble_of(status.or(fault), &format!("{kind}: {message}"));
}

fn result(event: &Value, log: &mut Log<'_>) -> Heard {
    let extra = &event["extra"];
    let id = extra["tool_call_id"].as_str().unwrap_or_default();
    let call = log.call(id).unwrap_or_else(|| ToolCall {
        id: id.to_owned(),
        name: event["tool_name"].as_str().unwrap_or_default().to_owned(),
        arguments: event["tool_input"].clone(),
    });
    let told = extra["result"].as_str().unwrap_or_default();
    let mut result = ToolResult {
        content: told.to_owned(),
        is_error: extra["status"].as_str().is_some_and(|status| status != "ok"),
        exit_code: None,
        duration_ms: extra["duration_ms"].as_u64().unwrap_or(0),
    };
    // What a command gave is told as JSON.
    let parts: Option<Value> = serde_json::from_str(told).ok();
    if let (TERMINAL, Some(parts)) = (call.name.as_str(), parts) {
        let (output, error) = (parts["output"].as_str(), parts["error"].as_str());
        let texts = [output.unwrap_or_default(), error.unwrap_or_default()];
        let texts: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        result.content = texts.join("\n");
        // -1 stands for a command that was not run.
        let code = parts["exit_code"].as_i64().and_then(|code| i32::try_from(code).ok());
        result.exit_code = code.filter(|code| *code >= 0);
        result.is_error |= code != Some(0);
    }
    log.result(&call, result);
    Heard::known(extra["result"].is_string())
}
