//! OpenClaw: `openclaw agent --local`, and a plugin of its own that writes down an event a line.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde_json::{Value, json};
use skvm_core::harness::ToolResult;
use skvm_core::llm::{StopReason, ToolCall};

use super::CliError;
use super::adapter::{
    Adapter, Facts, Heard, KEY_VARIABLE, PROVIDER, Reader, Setup, Staged, usage_of,
};
use super::fault;
use super::foreseen::ShellTool;
use super::log::{Answer, Log};
use crate::command::{CommandSpec, capped};
use crate::provider::{Endpoint, WireFormat};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct OpenClaw;

/// Its tool for commands.
const EXEC: &str = "exec";

static FACTS: Facts = Facts {
    id: "openclaw",
    name: "OpenClaw",
    program: "openclaw",
    install: "npm install --global openclaw@2026.9.6",
    version_arguments: &["--version"],
    versions: &["2026.9.6"],
    wires: &[WireFormat::ChatCompletions],
    shell: ShellTool { name: EXEC, argument: "command" },
    native: &[
        (".openclaw/openclaw.json", "state/openclaw.json"),
        (".openclaw/.env", "state/.env"),
        (
            ".openclaw/agents/main/agent/auth-profiles.json",
            "state/agents/main/agent/auth-profiles.json",
        ),
    ],
    has_sub_agents: false,
};

/// Writes down what happens, and first what the files are called with which it locks its state. It changes nothing.
const PLUGIN: &str = r#"import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
const file = process.env.SKVM_EVENTS;
const state = fs.realpathSync(process.env.OPENCLAW_STATE_DIR);
const database = path.join(state, "state", "openclaw.sqlite");
const locks = createHash("sha256").update(database).digest("hex").slice(0, 8);
fs.appendFileSync(file, JSON.stringify({ type: "locks", event: { name: locks } }) + "\n");
const kinds = ["model_call_started", "model_call_ended", "before_message_write", "after_tool_call"];
export default {
  id: "skvm-events",
  name: "skvm-events",
  description: "Writes down what happens.",
  register(api) {
    for (const kind of kinds) {
      api.on(kind, (event) => {
        fs.appendFileSync(file, JSON.stringify({ type: kind, event }) + "\n");
      });
    }
  },
};
"#;

impl Adapter for OpenClaw {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, setup: &Setup<'_>) -> Result<CommandSpec, CliError> {
        let sandbox = setup.sandbox;
        if setup.prompt.trim().is_empty() {
            return Err(CliError::Unfit { name: FACTS.name, what: "an empty prompt" });
        }
        let manifest = json!({
            "name": "skvm-events", "version": "1.0.0", "type": "module",
            "openclaw": {"extensions": ["./index.mjs"]},
        });
        let plugin = json!({
            "id": "skvm-events", "name": "skvm-events", "description": "Writes down what happens.",
            "activation": {"onStartup": true},
            "configSchema": {"type": "object", "additionalProperties": false, "properties": {}},
        });
        sandbox.write("plugin/package.json", manifest.to_string())?;
        sandbox.write("plugin/openclaw.plugin.json", plugin.to_string())?;
        sandbox.write("plugin/index.mjs", PLUGIN)?;
        sandbox.write("workspace/.keep", "")?;
        if let Some(skill) = setup.injected() {
            sandbox.write("workspace/AGENTS.md", Staged::injection(skill))?;
        }
        // Of the settings for that it takes this one.
        let retry = json!({"retry": {"provider": {"maxRetries": setup.retries}}});
        sandbox.write("state/agents/main/agent/settings.json", retry.to_string())?;
        let config = match setup.provider {
            Some(provider) => with_provider(config(setup), setup, provider),
            None => native(config(setup), setup)?,
        };
        let config = sandbox.write("openclaw.json", config.to_string())?;
        let prompt = sandbox.write("prompt.txt", setup.prompt)?;
        // Not in the working directory: it would read a file of variables there.
        let mut command = setup
            .command_in(sandbox.path())
            .with_args(["agent", "--local", "--agent", "main", "--session-key", "task", "--json"])
            .with_args(["--timeout", &setup.left().as_secs().max(1).to_string()])
            .with_arg("--message-file")
            .with_arg(prompt)
            .with_variable("OPENCLAW_STATE_DIR", sandbox.state())
            .with_variable("OPENCLAW_CONFIG_PATH", config)
            // Else it would start itself anew, in a session of its own.
            .with_variable("OPENCLAW_NO_RESPAWN", "1")
            .with_variable("SHELL", "/bin/bash")
            .with_variable("NODE_DISABLE_COMPILE_CACHE", "1")
            .with_variable("OPENCLAW_BASH_YIELD_MS", "120000")
            .with_variable("OPENCLAW_EXEC_SHELL_SNAPSHOT", "0")
            .with_variable("SKVM_EVENTS", events_of(setup))
            .with_variable(KEY_VARIABLE, setup.key_or_none());
        if let Some(provider) = setup.provider {
            command = command.with_args(["--model", &format!("{PROVIDER}/{}", provider.model)]);
        } else if let Some(model) = setup.model {
            command = command.with_args(["--model", model]);
        }
        Ok(command)
    }

    fn reader(&self, _retries: u32) -> Box<dyn Reader> {
        Box::new(OpenClawReader::default())
    }

    fn events(&self, setup: &Setup<'_>) -> Option<PathBuf> {
        Some(events_of(setup))
    }
}

fn events_of(setup: &Setup<'_>) -> PathBuf {
    setup.sandbox.path().join("events.jsonl")
}

fn config(setup: &Setup<'_>) -> Value {
    let path: Vec<PathBuf> = std::env::split_paths(&setup.path()).collect();
    let mut config = json!({
        "agents": {
            "defaults": {
                "workspace": setup.sandbox.path().join("workspace"),
                "cwd": setup.workdir,
                "skipBootstrap": true,
                "contextInjection": if setup.injected().is_some() { "always" } else { "never" },
                "bootstrapMaxChars": 100_000_000,
                "bootstrapTotalMaxChars": 100_000_000,
                "sandbox": {"mode": "off"},
                "userTimezone": "UTC",
            },
            "entries": {"main": {"skills": []}},
        },
        "env": {"shellEnv": {"enabled": false}},
        "skills": {"allowBundled": [], "load": {"extraDirs": [], "watch": false}},
        "tools": {
            "allow": ["read", "write", "edit", EXEC, "process", "ls"],
            "deny": ["apply_patch"],
            "toolSearch": false,
            "fs": {"workspaceOnly": false},
            // It would put the system's folders in front.
            "exec": {"mode": "full", "pathPrepend": path},
        },
        "plugins": {
            "load": {"paths": [setup.sandbox.path().join("plugin")]},
            "allow": ["skvm-events"],
            "slots": {"memory": "none"},
            "entries": {"skvm-events": {
                "enabled": true,
                "hooks": {"allowConversationAccess": true},
            }},
        },
        "update": {"checkOnStart": false},
        "logging": {"level": "error", "file": setup.sandbox.path().join("openclaw.log")},
    });
    if let Some(skill) = setup.discovered() {
        config["agents"]["entries"]["main"]["skills"] = json!([skill.view.name]);
        config["skills"]["load"]["extraDirs"] = json!([setup.sandbox.skills()]);
    }
    config
}

fn with_provider(mut config: Value, setup: &Setup<'_>, provider: &Endpoint) -> Value {
    let model = provider.model.as_str();
    config["agents"]["entries"]["main"]["model"] =
        json!({"primary": format!("{PROVIDER}/{model}"), "fallbacks": []});
    config["models"] = json!({
        "mode": "replace",
        "providers": {PROVIDER: {
            "api": "openai-completions",
            "baseUrl": provider.api_url(),
            "apiKey": format!("${{{KEY_VARIABLE}}}"),
            "timeoutSeconds": setup.left().as_secs().max(1),
            "models": [{
                "id": model,
                "name": model,
                "reasoning": false,
                "input": ["text"],
                "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
                "contextWindow": 131_072,
                "maxTokens": setup.limits.answer_tokens,
                "compat": {"maxTokensField": "max_tokens"},
            }],
        }},
    });
    config
}

/// The user's own configuration under ours, which says where and how, and not whom to ask.
fn native(own: Value, setup: &Setup<'_>) -> Result<Value, CliError> {
    let theirs = match fs::read_to_string(setup.sandbox.state().join("openclaw.json")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(own),
        theirs => theirs?,
    };
    let mut config = serde_json::from_str(&theirs).map_err(|error| {
        let told = format!("the user's openclaw.json is no plain JSON: {error}");
        io::Error::new(io::ErrorKind::InvalidData, told)
    })?;
    merge(&mut config, own);
    Ok(config)
}

fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

#[derive(Default)]
struct OpenClawReader {
    /// What stood on the standard output: one value, over many lines.
    output: String,
    model_calls: usize,
    /// What its locks are called, which it leaves in the system's folder for temporary files.
    locks: Option<String>,
}

/// Most of the standard output that is kept, in bytes.
const MAX_OUTPUT: usize = 4 << 20;

impl Reader for OpenClawReader {
    fn event(&mut self, line: &Value, log: &mut Log<'_>) -> Heard {
        let event = &line["event"];
        let message = &event["message"];
        match line["type"].as_str() {
            Some("locks") => self.locks = event["name"].as_str().map(str::to_owned),
            Some("model_call_started") => self.model_calls += 1,
            Some("model_call_ended") => {}
            Some("before_message_write") if message["role"] == "assistant" => {
                return answer(message, log);
            }
            Some("before_message_write") => {}
            Some("after_tool_call") => result(event, log),
            Some(_) => return Heard::Unknown,
            // An output that is short stands on one line.
            None if line.get("ok").is_some() || line.get("payloads").is_some() => {
                return self.words(&line.to_string(), log);
            }
            None => return Heard::Unknown,
        }
        Heard::Known
    }

    fn words(&mut self, line: &str, _: &mut Log<'_>) -> Heard {
        if self.output.len() < MAX_OUTPUT {
            self.output.push_str(&capped(line, MAX_OUTPUT));
            self.output.push('\n');
        }
        Heard::Known
    }

    fn close(&mut self, log: &mut Log<'_>) {
        remove_locks(self.locks.as_deref().unwrap_or_default());
        if self.model_calls > 0 {
            log.model_calls(self.model_calls);
        }
        let output = std::mem::take(&mut self.output);
        let told: Option<Value> = serde_json::from_str(&output).ok();
        let Some(told) = told else {
            if !output.trim().is_empty() {
                log.unread("the output", &output);
            }
            return;
        };
        let agent = &told["meta"]["agentMeta"];
        if let Some(id) = agent["sessionId"].as_str() {
            log.session(id);
        }
        log.total_usage(usage_of(&agent["usage"], TOKENS));
        let error = told["error"]["message"].as_str();
        if let Some(error) = error.filter(|_| told["ok"] == false && !log.is_in_trouble()) {
            log.trouble(error);
        }
    }
}

/// Removes the locks of a state that nobody has any more.
#[cfg(unix)]
fn remove_locks(name: &str) {
    if name.len() != 8 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return;
    }
    let user = rustix::process::getuid().as_raw();
    for kind in ["gateway-lifecycle", "state-handles", "state-lifecycle"] {
        // One that is not there was not needed.
        let _ =
            fs::remove_file(format!("/tmp/openclaw-state-locks-{user}/{kind}.{name}.lock.sqlite"));
    }
}

/// They lie in its home there.
#[cfg(not(unix))]
fn remove_locks(_: &str) {}

fn answer(message: &Value, log: &mut Log<'_>) -> Heard {
    let parts = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let reason = message["stopReason"].as_str().unwrap_or_default();
    if matches!(reason, "error" | "aborted") {
        let told = message["errorMessage"].as_str().unwrap_or(reason);
        let code = message["errorCode"].as_str().unwrap_or_default();
        let status = code.parse().ok().and_then(fault::of_code);
        let fault = status.or_else(|| fault::read(code)).or_else(|| fault::read(told));
        log.trouble_of(fault, told);
        return Heard::Known;
    }
    let mut texts = parts.iter().filter(|part| part["type"] == "text");
    if texts.any(|part| !part["text"].is_string()) {
        return Heard::Unknown;
    }
    let calls = parts.iter().filter(|part| part["type"] == "toolCall").map(|part| ToolCall {
        id: part["id"].as_str().unwrap_or_default().to_owned(),
        name: part["name"].as_str().unwrap_or_default().to_owned(),
        arguments: part["arguments"].clone(),
    });
    let calls: Vec<ToolCall> = calls.collect();
    let texts = parts.iter().filter(|part| part["type"] == "text");
    let ids: Vec<String> = calls.iter().map(|call| call.id.clone()).collect();
    log.answer(Answer {
        text: texts.filter_map(|part| part["text"].as_str()).collect(),
        calls,
        usage: usage_of(&message["usage"], TOKENS),
        stop: match reason {
            "stop" => StopReason::Done,
            "toolUse" => StopReason::ToolCalls,
            "length" => StopReason::Length,
            _ => StopReason::Unknown,
        },
        solidified: false,
    });
    ids.iter().for_each(|id| log.executes(id));
    Heard::Known
}

/// Where tokens stand.
const TOKENS: [&str; 4] = ["/input", "/output", "/cacheRead", "/cacheWrite"];

fn result(event: &Value, log: &mut Log<'_>) {
    let id = event["toolCallId"].as_str().unwrap_or_default();
    let call = log.call(id).unwrap_or_else(|| ToolCall {
        id: id.to_owned(),
        name: event["toolName"].as_str().unwrap_or_default().to_owned(),
        arguments: event["params"].clone(),
    });
    let parts = event["result"]["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
    let texts = if texts == "(no output)" { String::new() } else { texts };
    let error = event["error"].as_str();
    let details = &event["result"]["details"];
    let exit_code = details["exitCode"].as_i64().and_then(|code| i32::try_from(code).ok());
    let failed = error.is_some() || details["status"] == "failed";
    let result = ToolResult {
        content: if texts.is_empty() { error.unwrap_or_default().to_owned() } else { texts },
        is_error: failed || exit_code.is_some_and(|code| code != 0),
        exit_code,
        duration_ms: details["durationMs"].as_u64().or(event["durationMs"].as_u64()).unwrap_or(0),
    };
    log.result(&call, result);
}
