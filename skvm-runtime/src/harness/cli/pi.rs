//! PI, the coding agent: `pi --mode json`, an event a line.

use async_trait::async_trait;
use serde_json::{Value, json};
use skvm_core::harness::{ProviderFault, ToolResult};
use skvm_core::llm::{StopReason, ToolCall};

use super::CliError;
use super::adapter::{
    Adapter, Facts, Heard, PROVIDER, Reader, Setup, Staged, drive_one, quoted, usage_of,
};
use super::foreseen::ShellTool;
use super::log::{Answer, Log};
use crate::command::{CommandSpec, Exit};
use crate::provider::{Endpoint, WireFormat};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Pi;

static FACTS: Facts = Facts {
    id: "pi",
    name: "PI",
    program: "pi",
    install: "npm install --global @mariozechner/pi-coding-agent@0.73.1",
    version_arguments: &["--version"],
    versions: &["0.73.1"],
    wires: &[WireFormat::ChatCompletions, WireFormat::Responses, WireFormat::Messages],
    shell: ShellTool { name: "bash", argument: "command" },
    native: &[
        (".pi/agent/models.json", "state/models.json"),
        (".pi/agent/settings.json", "state/settings.json"),
        (".pi/agent/auth.json", "state/auth.json"),
    ],
    has_sub_agents: false,
};

#[async_trait]
impl Adapter for Pi {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, setup: &Setup<'_>) -> Result<CommandSpec, CliError> {
        let state = setup.sandbox.state();
        let mut command = setup
            .command()
            .with_args(["-p", "--mode", "json", "--no-session", "--offline"])
            .with_args(["--tools", "read,bash,edit,write"])
            .with_args(["--no-extensions", "--no-context-files", "--no-prompt-templates"])
            .with_args(["--no-skills", "--no-themes"])
            .with_stdin(setup.prompt)
            .with_variable("PI_CODING_AGENT_DIR", &state)
            .with_variable("PI_OFFLINE", "1")
            .with_variable("PI_TELEMETRY", "0")
            .with_variable("PI_SKIP_VERSION_CHECK", "1");
        if let Some(provider) = setup.provider {
            setup.sandbox.write("state/models.json", models(setup, provider)?.to_string())?;
            setup.sandbox.write("state/settings.json", settings(setup).to_string())?;
            command = command.with_args(["--model", &format!("{PROVIDER}/{}", provider.model)]);
        } else if let Some(model) = setup.model {
            command = command.with_args(["--model", model]);
        }
        // Always given: without, a file in the working directory would be taken.
        let injection = setup.injected().map(Staged::injection).unwrap_or_default();
        let file = setup.sandbox.write("state/append.md", injection)?;
        command = command.with_arg("--append-system-prompt").with_arg(file);
        if let Some(skill) = setup.discovered() {
            command = command.with_arg("--skill").with_arg(&skill.folder);
        }
        Ok(command)
    }

    fn reader(&self, _retries: u32) -> Box<dyn Reader> {
        Box::new(PiReader)
    }

    async fn drive(&self, setup: &Setup<'_>, log: &mut Log<'_>) -> Result<Option<Exit>, CliError> {
        // No argument keeps it from that.
        if setup.workdir.join(".pi").exists() {
            let told =
                "PI takes its prompt or settings from the folder .pi in the working directory";
            log.note("configured-by-workdir", told);
        }
        drive_one(self, setup, log).await
    }
}

/// The provider and its model.
fn models(setup: &Setup<'_>, provider: &Endpoint) -> Result<Value, CliError> {
    let (api, url) = match provider.wire {
        WireFormat::ChatCompletions => ("openai-completions", provider.api_url()),
        WireFormat::Responses => ("openai-responses", provider.api_url()),
        // Its client adds the version itself.
        WireFormat::Messages => ("anthropic-messages", provider.origin().to_owned()),
    };
    // A key in a variable would be seen by every command of the agent's. One has to be there also where none is wanted.
    let key = match setup.key() {
        "" => "none".to_owned(),
        key => format!("!cat {}", quoted(&setup.sandbox.write("state/key", key)?)),
    };
    let mut provider_of = json!({
        "baseUrl": url,
        "api": api,
        "apiKey": key,
        "models": [{
            "id": provider.model.as_str(),
            "contextWindow": 128_000,
            "maxTokens": setup.limits.answer_tokens,
            "reasoning": false,
            "input": ["text"],
        }],
    });
    if provider.wire == WireFormat::ChatCompletions {
        // What every server understands.
        provider_of["compat"] = json!({
            "supportsDeveloperRole": false,
            "supportsReasoningEffort": false,
            "supportsStore": false,
            "maxTokensField": "max_tokens",
        });
    }
    Ok(json!({"providers": {PROVIDER: provider_of}}))
}

fn settings(setup: &Setup<'_>) -> Value {
    let millis = u64::try_from(setup.left().as_millis()).unwrap_or(u64::MAX);
    json!({
        "retry": {
            "enabled": setup.retries > 0,
            "maxRetries": setup.retries,
            "baseDelayMs": 1000,
            // Those of its client would come on top.
            "provider": {"maxRetries": 0, "timeoutMs": millis},
        },
        // It would ask the model once more, after the last answer, and not tell of it.
        "compaction": {"enabled": false},
        "enableInstallTelemetry": false,
        "quietStartup": true,
    })
}

struct PiReader;

impl Reader for PiReader {
    /// It repeats all of an answer with each piece of it.
    fn passes_over(&self, line: &str) -> bool {
        line.starts_with("{\"type\":\"message_update\"")
    }

    fn event(&mut self, event: &Value, log: &mut Log<'_>) -> Heard {
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        match text("type").unwrap_or_default() {
            "session" => {
                if let Some(id) = text("id") {
                    log.session(id);
                }
            }
            "message_end" if event["message"]["role"] == "assistant" => {
                return message(&event["message"], log);
            }
            "tool_execution_start" => log.executes(text("toolCallId").unwrap_or_default()),
            "tool_execution_end" => return result(event, log),
            "auto_retry_start" => log.trouble(text("errorMessage").unwrap_or("it is tried again")),
            "auto_retry_end" if event["success"] == false => {
                log.trouble(text("finalError").unwrap_or("it was tried again in vain"));
            }
            // What came before is repeated, or is to come.
            "agent_start"
            | "agent_end"
            | "turn_start"
            | "turn_end"
            | "message_start"
            | "message_update"
            | "message_end"
            | "tool_execution_update"
            | "auto_retry_end"
            | "queue_update"
            | "compaction_start"
            | "compaction_end" => {}
            _ => return Heard::Unknown,
        }
        Heard::Known
    }
}

/// An answer of the model, or why there is none.
fn message(message: &Value, log: &mut Log<'_>) -> Heard {
    let Some(parts) = message["content"].as_array() else { return Heard::Unknown };
    let reason = message["stopReason"].as_str().unwrap_or_default();
    let failed = message["errorMessage"].as_str();
    let has = |kind: &str| parts.iter().any(|part| part["type"] == kind);
    if reason == "error" && !has("toolCall") {
        log.trouble(failed.unwrap_or(reason));
        return Heard::Known;
    }
    if reason == "aborted" && !has("toolCall") {
        // It was asked to end.
        return Heard::Known;
    }
    let texts = parts.iter().filter(|part| part["type"] == "text");
    let calls = parts.iter().filter(|part| part["type"] == "toolCall").map(|part| ToolCall {
        id: part["id"].as_str().unwrap_or_default().to_owned(),
        name: part["name"].as_str().unwrap_or_default().to_owned(),
        arguments: part["arguments"].clone(),
    });
    // An answer that could not be read is told as one that says nothing.
    if parts.is_empty() && message.get("responseId").is_none() {
        log.trouble_of(Some(ProviderFault::InvalidAnswer), "the provider's answer was empty");
        return Heard::Known;
    }
    log.answer(Answer {
        text: texts.filter_map(|part| part["text"].as_str()).collect(),
        calls: calls.collect(),
        usage: usage_of(&message["usage"], TOKENS),
        stop: match reason {
            "stop" => StopReason::Done,
            "toolUse" => StopReason::ToolCalls,
            "length" => StopReason::Length,
            _ => StopReason::Unknown,
        },
        solidified: false,
    });
    let is_known = |part: &Value| match part["type"].as_str() {
        Some("text") => part["text"].is_string(),
        Some("toolCall") => part["id"].is_string() && part["name"].is_string(),
        Some(kind) => kind == "thinking",
        None => false,
    };
    Heard::known(parts.iter().all(is_known))
}

/// Where tokens stand.
const TOKENS: [&str; 4] = ["/input", "/output", "/cacheRead", "/cacheWrite"];

fn result(event: &Value, log: &mut Log<'_>) -> Heard {
    let id = event["toolCallId"].as_str().unwrap_or_default();
    let call = log.call(id).unwrap_or_else(|| ToolCall {
        id: id.to_owned(),
        name: event["toolName"].as_str().unwrap_or_default().to_owned(),
        arguments: Value::Null,
    });
    let told = event["result"]["content"].as_array();
    let parts = told.map(Vec::as_slice).unwrap_or_default();
    let content: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
    let content = if content == "(no output)" { String::new() } else { content };
    let is_error = event["isError"].as_bool().unwrap_or(false);
    let exit_code = match call.name.as_str() {
        "bash" if is_error => exit_code(&content),
        "bash" => Some(0),
        _ => None,
    };
    log.result(&call, ToolResult { content, is_error, exit_code, duration_ms: 0 });
    Heard::known(told.is_some())
}

/// The code that stands in the last line of what a command gave.
fn exit_code(content: &str) -> Option<i32> {
    content.trim_end().lines().last()?.strip_prefix("Command exited with code ")?.parse().ok()
}
