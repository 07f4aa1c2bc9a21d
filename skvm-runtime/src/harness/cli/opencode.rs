//! OpenCode: `opencode run --format json`, an event a line.

use serde_json::{Value, json};
use skvm_core::harness::{HarnessFeatures, ProviderFault, ToolResult};
use skvm_core::llm::{StopReason, ToolCall, Usage};

use super::CliError;
use super::adapter::{Adapter, Facts, Heard, KEY_VARIABLE, PROVIDER, Reader, Setup, Staged};
use super::fault;
use super::foreseen::ShellTool;
use super::log::{Answer, Log};
use crate::command::CommandSpec;
use crate::provider::{Endpoint, WireFormat};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct OpenCode;

static FACTS: Facts = Facts {
    id: "opencode",
    name: "OpenCode",
    program: "opencode",
    install: "npm install --global opencode-ai@1.18.33",
    version_arguments: &["--version"],
    versions: &["1.18.33"],
    wires: &[WireFormat::ChatCompletions],
    shell: ShellTool { name: "bash", argument: "command" },
    native: &[
        (".config/opencode/opencode.json", "home/.config/opencode/opencode.json"),
        (".config/opencode/opencode.jsonc", "home/.config/opencode/opencode.jsonc"),
        (".local/share/opencode/auth.json", "home/.local/share/opencode/auth.json"),
    ],
    features: || {
        let mut features = HarnessFeatures::default();
        features.inject = true;
        features.discover = true;
        features.usage = true;
        features.batched_tool_calls = true;
        features.sub_agents = true;
        features.reaches_loopback = true;
        features.asks_before_start = true;
        features
    },
};

impl Adapter for OpenCode {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, setup: &Setup<'_>) -> Result<CommandSpec, CliError> {
        let mut config = json!({
            "autoupdate": false,
            "share": "disabled",
            "permission": "allow",
        });
        let mut command = setup
            .command()
            .with_args(["run", "--format", "json", "--agent", "build", "--title", "task"])
            .with_arg("--dir")
            .with_arg(setup.workdir)
            .with_variable("OPENCODE_DISABLE_AUTOUPDATE", "true")
            .with_variable("OPENCODE_DISABLE_MODELS_FETCH", "true")
            .with_variable("OPENCODE_DISABLE_LSP_DOWNLOAD", "true")
            .with_variable("OPENCODE_DISABLE_CLAUDE_CODE", "true")
            .with_variable("OPENCODE_DISABLE_PROJECT_CONFIG", "true")
            .with_stdin(setup.prompt);
        if let Some(Endpoint { model, .. }) = setup.provider {
            let id = format!("{PROVIDER}/{model}");
            add_provider(&mut config, setup, &id);
            command = command
                .with_args(["--model", &id])
                .with_variable(KEY_VARIABLE, setup.key_or_none());
        } else if let Some(model) = setup.model {
            command = command.with_args(["--model", model]);
        }
        if let Some(skill) = setup.injected() {
            let file = setup.sandbox.write("state/skill.md", Staged::injection(skill))?;
            config["instructions"] = json!([file]);
        }
        if setup.discovered().is_some() {
            config["skills"] = json!({"paths": [setup.sandbox.skills()]});
        }
        Ok(command.with_variable("OPENCODE_CONFIG_CONTENT", config.to_string()))
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(OpenCodeReader::default())
    }
}

fn add_provider(config: &mut Value, setup: &Setup<'_>, id: &str) {
    let Some(provider) = setup.provider else { return };
    config["model"] = json!(id);
    config["small_model"] = json!(id);
    config["provider"] = json!({PROVIDER: {
        "npm": "@ai-sdk/openai-compatible",
        "name": PROVIDER,
        "options": {"baseURL": provider.api_url(), "apiKey": format!("{{env:{KEY_VARIABLE}}}")},
        "models": {provider.model.as_str(): {
            "name": provider.model.as_str(),
            "limit": {"context": 131_072, "output": setup.limits.answer_tokens},
        }},
    }});
}

#[derive(Default)]
struct OpenCodeReader {
    /// The answer that is being told.
    text: String,
    calls: Vec<(ToolCall, Option<ToolResult>)>,
    open: bool,
    /// How many answers that say nothing came one after the other.
    empty: usize,
}

/// How many answers that say nothing it may take. It would ask again for ever.
const MAX_EMPTY: usize = 3;
/// Most bytes and calls of one answer that are put together.
const MAX_TEXT: usize = 1 << 20;
const MAX_CALLS: usize = 1000;

impl Reader for OpenCodeReader {
    fn event(&mut self, event: &Value, log: &mut Log<'_>) -> Heard {
        let part = &event["part"];
        if let Some(id) = event["sessionID"].as_str() {
            log.session(id);
        }
        if self.text.len() > MAX_TEXT || self.calls.len() >= MAX_CALLS {
            self.flush(StopReason::Unknown, Usage::default(), log);
        }
        match event["type"].as_str().unwrap_or_default() {
            "step_start" => {
                self.flush(StopReason::Unknown, Usage::default(), log);
                self.open = true;
            }
            "text" => {
                self.open = true;
                let Some(text) = part["text"].as_str() else { return Heard::Unknown };
                self.text.push_str(text);
            }
            "tool_use" => {
                self.open = true;
                self.calls.push(called(part));
                return Heard::known(part["tool"].is_string() && part["callID"].is_string());
            }
            "step_finish" => {
                let stop = match part["reason"].as_str() {
                    Some("stop") => StopReason::Done,
                    Some("tool-calls") => StopReason::ToolCalls,
                    Some("length") => StopReason::Length,
                    Some("content-filter") => StopReason::Filtered,
                    _ => StopReason::Unknown,
                };
                let is_empty = self.text.trim().is_empty() && self.calls.is_empty();
                let usage = usage(&part["tokens"]);
                if is_empty && !usage.is_known() && stop == StopReason::Unknown {
                    self.empty += 1;
                    log.trouble_of(
                        Some(ProviderFault::InvalidAnswer),
                        "the provider's answers are empty",
                    );
                    return if self.empty < MAX_EMPTY { Heard::Known } else { Heard::End };
                }
                self.open = true;
                self.flush(stop, usage, log);
            }
            "error" => {
                self.flush(StopReason::Unknown, Usage::default(), log);
                error(&event["error"], log);
            }
            "reasoning" => {}
            _ => return Heard::Unknown,
        }
        Heard::Known
    }

    /// It logs what it tries again.
    fn complaint(&mut self, line: &str, log: &mut Log<'_>) -> Heard {
        let told = line.split_once(" error.error=").filter(|_| line.contains("\"stream error\""));
        if let Some((_, told)) = told {
            log.complaint(told);
        }
        Heard::Known
    }

    fn close(&mut self, log: &mut Log<'_>) {
        self.flush(StopReason::Unknown, Usage::default(), log);
    }
}

impl OpenCodeReader {
    /// Gives the answer that was told, and what came of its calls.
    fn flush(&mut self, stop: StopReason, usage: Usage, log: &mut Log<'_>) {
        let Self { text, calls, open, empty } = std::mem::take(self);
        self.empty = empty;
        if !open || text.is_empty() && calls.is_empty() && stop == StopReason::Unknown {
            return;
        }
        self.empty = 0;
        let (calls, results): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        log.answer(Answer { text, calls: calls.clone(), usage, stop, solidified: false });
        for (call, result) in calls.iter().zip(results) {
            if let Some(result) = result {
                log.result(call, result);
            }
        }
    }
}

/// A call, and what came of it.
fn called(part: &Value) -> (ToolCall, Option<ToolResult>) {
    let state = &part["state"];
    let call = ToolCall {
        id: part["callID"].as_str().unwrap_or_default().to_owned(),
        name: part["tool"].as_str().unwrap_or_default().to_owned(),
        arguments: state["input"].clone(),
    };
    let time = |key: &str| state["time"][key].as_u64();
    let exit_code = state["metadata"]["exit"].as_i64().and_then(|code| i32::try_from(code).ok());
    let failed = state["error"].as_str();
    let content = failed.or(state["output"].as_str());
    let result = content.map(|content| ToolResult {
        content: content.to_owned(),
        is_error: failed.is_some() || exit_code.is_some_and(|code| code != 0),
        exit_code,
        duration_ms: time("end")
            .zip(time("start"))
            .map_or(0, |(end, start)| end.saturating_sub(start)),
    });
    (call, result)
}

/// The tokens of an answer. A server that tells none is told as one that used none.
fn usage(told: &Value) -> Usage {
    let number = |pointer: &str| told.pointer(pointer).and_then(Value::as_u64);
    let all = ["/input", "/output", "/cache/read", "/cache/write"].map(number);
    if all.iter().all(|number| number.is_none_or(|number| number == 0)) {
        return Usage::default();
    }
    let [input, output, cache_read, cache_write] = all;
    Usage { input, output, cache_read, cache_write, cost_usd: None }
}

fn error(error: &Value, log: &mut Log<'_>) {
    let message = error["data"]["message"].as_str().or(error["message"].as_str());
    let told = message.map_or_else(|| error.to_string(), str::to_owned);
    let status = error["data"]["statusCode"].as_u64().and_then(fault::of_code);
    log.trouble_of(status.or_else(|| fault::read(&told)), &told);
}
