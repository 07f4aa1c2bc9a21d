//! OpenCode: `opencode run --format json`, an event a line.

use std::path::PathBuf;

use serde_json::{Value, json};
use skvm_core::harness::{ProviderFault, ToolResult};
use skvm_core::llm::{StopReason, ToolCall, Usage};

use super::CliError;
use super::adapter::{Adapter, Facts, Heard, PROVIDER, Reader, Setup, Staged, json_text, usage_of};
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
    has_sub_agents: true,
};

impl Adapter for OpenCode {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, setup: &Setup<'_>) -> Result<CommandSpec, CliError> {
        let mut config = json!({
            "autoupdate": false,
            "share": "disabled",
            "permission": {
                "*": "allow",
                "external_directory": "allow",
                "doom_loop": "allow",
                // Nobody answers.
                "question": "deny",
                "skill": {"*": "allow", "customize-opencode": "deny"},
            },
        });
        let mut command = setup
            .command()
            .with_args(["run", "--format", "json", "--agent", "build", "--title", "task"])
            .with_args(["--print-logs", "--log-level", "ERROR"])
            .with_arg("--dir")
            .with_arg(setup.workdir)
            .with_variable("OPENCODE_EXPERIMENTAL_BASH_DEFAULT_TIMEOUT_MS", "120000")
            .with_stdin(setup.prompt);
        for name in OFF {
            command = command.with_variable(name, "true");
        }
        if let Some(Endpoint { model, .. }) = setup.provider {
            let id = format!("{PROVIDER}/{model}");
            add_provider(&mut config, setup, &id)?;
            command = command.with_args(["--model", &id]);
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
        needs_no_package(setup)?;
        let config = setup.sandbox.write("opencode.json", config.to_string())?;
        Ok(command.with_variable("OPENCODE_CONFIG", config))
    }

    fn reader(&self, retries: u32) -> Box<dyn Reader> {
        Box::new(OpenCodeReader { retries, ..OpenCodeReader::default() })
    }

    fn events(&self, setup: &Setup<'_>) -> Option<PathBuf> {
        Some(events_of(setup))
    }
}

/// What it would load or start beside the task, and whose configuration is not ours.
const OFF: [&str; 9] = [
    "OPENCODE_DISABLE_AUTOUPDATE",
    "OPENCODE_DISABLE_MODELS_FETCH",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS",
    "OPENCODE_DISABLE_LSP_DOWNLOAD",
    "OPENCODE_DISABLE_SHARE",
    "OPENCODE_DISABLE_CLAUDE_CODE",
    "OPENCODE_DISABLE_EMBEDDED_WEB_UI",
    "OPENCODE_DISABLE_EXTERNAL_SKILLS",
    "OPENCODE_DISABLE_PROJECT_CONFIG",
];

/// Tells of failed requests with their status, which its log does not. It changes nothing.
const PLUGIN: &str = r#"import { appendFileSync } from "node:fs";
const ask = globalThis.fetch;
const tell = (answer) => {
  if (answer.ok || !answer.url.startsWith(provider)) return;
  appendFileSync(events, JSON.stringify({ type: "failed", status: answer.status }) + "\n");
};
const told = async (...all) => {
  const answer = await ask(...all);
  try { tell(answer); } catch {}
  return answer;
};
globalThis.fetch = Object.assign(told, ask);
export const Told = async () => ({});
"#;

fn events_of(setup: &Setup<'_>) -> PathBuf {
    setup.sandbox.state().join("events.jsonl")
}

/// Keeps it from loading the package that plugins may need; ours does not.
fn needs_no_package(setup: &Setup<'_>) -> Result<(), CliError> {
    let needs = json!({"@opencode-ai/plugin": setup.version});
    let lock = json!({"lockfileVersion": 3, "packages": {"": {"dependencies": needs}}});
    let place = |name: &str| format!("home/.config/opencode/{name}");
    setup.sandbox.write(place("node_modules/.keep"), "")?;
    setup.sandbox.write(place("package.json"), json!({"dependencies": needs}).to_string())?;
    setup.sandbox.write(place("package-lock.json"), lock.to_string())?;
    Ok(())
}

fn add_provider(config: &mut Value, setup: &Setup<'_>, id: &str) -> Result<(), CliError> {
    let Some(provider) = setup.provider else { return Ok(()) };
    // In a variable, every command of the agent's would see it.
    let key = setup.sandbox.write("state/key", setup.key_or_none())?;
    let millis = u64::try_from(setup.left().as_millis()).unwrap_or(u64::MAX);
    let (url, events) = (json_text(&json!(provider.api_url())), events_of(setup));
    let known = format!(
        "const provider = {url};\nconst events = {};\n",
        json_text(&json!(events.to_string_lossy()))
    );
    setup.sandbox.write("state/told.js", known + PLUGIN)?;
    config["plugin"] = json!(["./state/told.js"]);
    config["model"] = json!(id);
    config["small_model"] = json!(id);
    config["provider"] = json!({PROVIDER: {
        "npm": "@ai-sdk/openai-compatible",
        "name": PROVIDER,
        "options": {
            "baseURL": provider.api_url(),
            "apiKey": format!("{{file:{}}}", key.display()),
            "timeout": millis,
        },
        "models": {provider.model.as_str(): {
            "name": provider.model.as_str(),
            "limit": {"context": 131_072, "output": setup.limits.answer_tokens},
        }},
    }});
    Ok(())
}

#[derive(Default)]
struct OpenCodeReader {
    /// The answer that is being told.
    text: String,
    calls: Vec<(ToolCall, Option<ToolResult>)>,
    open: bool,
    /// Requests that failed in a row, and how many may be tried again: it has no setting for that, and tries some for
    /// ever.
    failed: u32,
    retries: u32,
}

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
                if stop == StopReason::Unknown && self.text.is_empty() && self.calls.is_empty() {
                    return self.fails(log, "the provider's answer could not be read");
                }
                self.failed = 0;
                let usage = usage_of(&part["tokens"], TOKENS);
                self.open = true;
                self.flush(stop, usage, log);
            }
            "error" => {
                self.flush(StopReason::Unknown, Usage::default(), log);
                error(&event["error"], log);
            }
            // The log tells of the same request, without its status, whichever comes first.
            "failed" => {
                let status = event["status"].as_u64().unwrap_or_default();
                let told = format!("the provider answered with status {status}");
                log.trouble_of(fault::of_code(status), &told);
            }
            "reasoning" => {}
            _ => return Heard::Unknown,
        }
        Heard::Known
    }

    /// Each request that fails is told here, and on the standard output only when it gives up.
    fn complaint(&mut self, line: &str, log: &mut Log<'_>) -> Heard {
        // After its last answer nothing is tried any more.
        if log.has_ended() {
            return Heard::Known;
        }
        if line.contains("level=ERROR") && line.contains("stream error") {
            let told = line.split_once("error.error=").map_or(line, |(_, told)| told);
            return self.fails(log, told);
        }
        Heard::Known
    }

    fn close(&mut self, log: &mut Log<'_>) {
        self.flush(StopReason::Unknown, Usage::default(), log);
    }
}

impl OpenCodeReader {
    /// A request failed. Nothing more is wanted when it was tried often enough.
    fn fails(&mut self, log: &mut Log<'_>, told: &str) -> Heard {
        self.failed += 1;
        let unread = told.contains("could not be read").then_some(ProviderFault::InvalidAnswer);
        // What it says on its standard output says it best, whichever comes first.
        if !log.is_in_trouble() {
            log.trouble_of(unread.or_else(|| fault::read(told)), told.trim_matches('"'));
        }
        if self.failed > self.retries { Heard::End } else { Heard::Known }
    }

    /// Gives the answer that was told, and what came of its calls.
    fn flush(&mut self, stop: StopReason, usage: Usage, log: &mut Log<'_>) {
        let (text, calls) = (std::mem::take(&mut self.text), std::mem::take(&mut self.calls));
        let open = std::mem::take(&mut self.open);
        if !open || text.is_empty() && calls.is_empty() && stop == StopReason::Unknown {
            return;
        }
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
    let content = failed.or(state["output"].as_str()).map(|content| match content {
        "(no output)" => "",
        content => content,
    });
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

/// Where tokens stand.
const TOKENS: [&str; 4] = ["/input", "/output", "/cache/read", "/cache/write"];

fn error(error: &Value, log: &mut Log<'_>) {
    let message = error["data"]["message"].as_str().or(error["message"].as_str());
    let told = message.map_or_else(|| error.to_string(), str::to_owned);
    let status = error["data"]["statusCode"].as_u64().and_then(fault::of_code);
    log.trouble_of(status.or_else(|| fault::read(&told)), &told);
}
