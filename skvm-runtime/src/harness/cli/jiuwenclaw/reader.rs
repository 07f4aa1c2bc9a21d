//! What JiuwenClaw tells: replies on its channel, and events of the rail.

use serde_json::Value;
use skvm_core::harness::ToolResult;
use skvm_core::llm::{StopReason, ToolCall, Usage};

use super::super::adapter::{Heard, Reader, arguments_of};
use super::super::fault;
use super::super::log::{Answer, Log};

/// Its tool for commands.
pub(super) const BASH: &str = "bash";

/// See the [module](self).
#[derive(Default)]
pub(super) struct JiuwenReader {
    /// What is said once the session is there.
    task: Option<String>,
    model_calls: usize,
    /// Why a tool failed, until its result comes.
    failure: Option<String>,
}

impl JiuwenReader {
    pub(super) fn new(task: String) -> Self {
        Self { task: Some(task), ..Self::default() }
    }
}

impl Reader for JiuwenReader {
    fn event(&mut self, event: &Value, log: &mut Log<'_>) -> Heard {
        if event.get("jsonrpc").is_some() {
            return self.reply(event, log);
        }
        match event["type"].as_str().unwrap_or_default() {
            "before_model_call" => self.model_calls += 1,
            // It comes also after a request that failed.
            "after_model_call" if event["response"].is_null() => {}
            "after_model_call" => answer(&event["response"], log),
            "on_model_exception" => error(event, log),
            "before_tool_call" => {}
            "on_tool_exception" => self.failure = event["error"].as_str().map(str::to_owned),
            "after_tool_call" => result(event, self.failure.take(), log),
            _ => return Heard::Unknown,
        }
        Heard::Known
    }

    fn close(&mut self, log: &mut Log<'_>) {
        if self.model_calls > 0 {
            log.model_calls(self.model_calls);
        }
    }
}

impl JiuwenReader {
    /// A message on the channel.
    fn reply(&mut self, event: &Value, log: &mut Log<'_>) -> Heard {
        let failed = event["error"]["message"].as_str();
        match (event["id"].as_u64(), failed) {
            (Some(2), Some(told)) => {
                log.note("no-session", told);
                Heard::End
            }
            (Some(2), None) => self.task.take().map_or(Heard::Known, Heard::Answer),
            (Some(3), Some(told)) if told.contains("Max iterations reached") => {
                log.used_up_turns();
                Heard::End
            }
            (Some(3), Some(told)) => {
                log.trouble(told);
                Heard::End
            }
            (Some(3), None) => {
                // What went wrong before is not said here.
                if !log.is_in_trouble() && log.was_heard() {
                    log.finished(None);
                }
                Heard::End
            }
            // The rail tells more of what is told here.
            _ if event["method"] == "session/update" => Heard::Known,
            _ => Heard::Unknown,
        }
    }
}

fn answer(response: &Value, log: &mut Log<'_>) {
    let calls = response["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let calls = calls.iter().map(|call| ToolCall {
        id: call["id"].as_str().unwrap_or_default().to_owned(),
        name: call["function"]["name"].as_str().unwrap_or_default().to_owned(),
        arguments: arguments_of(&call["function"]["arguments"]),
    });
    let calls: Vec<ToolCall> = calls.collect();
    let ids: Vec<String> = calls.iter().map(|call| call.id.clone()).collect();
    let told = &response["usage_metadata"];
    let number = |key: &str| told[key].as_u64().filter(|number| *number > 0);
    log.answer(Answer {
        text: response["content"].as_str().unwrap_or_default().to_owned(),
        stop: if calls.is_empty() { StopReason::Done } else { StopReason::ToolCalls },
        calls,
        // What came from a cache is among the input, and not told.
        usage: Usage {
            input: number("input_tokens"),
            output: number("output_tokens"),
            ..Usage::default()
        },
        solidified: false,
    });
    ids.iter().for_each(|id| log.executes(id));
}

/// A request that failed, with what caused it.
fn error(event: &Value, log: &mut Log<'_>) {
    let chain = event["chain"].as_array().map(Vec::as_slice).unwrap_or_default();
    let status = chain.iter().find_map(|error| fault::of_code(error["status"].as_u64()?));
    let told = chain.iter().find_map(|error| {
        let (kind, message) = (error["kind"].as_str()?, error["message"].as_str()?);
        fault::read(&format!("{kind}: {message}"))
    });
    let message = chain.first().and_then(|error| error["message"].as_str());
    log.trouble_of(status.or(told), message.unwrap_or("the provider failed"));
}

fn result(event: &Value, failure: Option<String>, log: &mut Log<'_>) {
    let (message, result) = (&event["message"], &event["result"]);
    let id = message["tool_call_id"].as_str().unwrap_or_default();
    let call = log.call(id).unwrap_or_else(|| ToolCall {
        id: id.to_owned(),
        name: event["name"].as_str().unwrap_or_default().to_owned(),
        arguments: arguments_of(&event["arguments"]),
    });
    let data = &result["data"];
    let exit_code = data["exit_code"].as_i64().and_then(|code| i32::try_from(code).ok());
    let streams =
        ["stdout", "stderr"].map(|name| data[name].as_str().unwrap_or_default().trim_end());
    let streams: Vec<&str> = streams.into_iter().filter(|text| !text.is_empty()).collect();
    let content = match (exit_code, failure, result["error"].as_str()) {
        (Some(_), ..) => streams.join("\n"),
        (None, Some(failure), _) => failure,
        (None, None, Some(error)) => error.to_owned(),
        (None, None, None) => message["content"].as_str().unwrap_or_default().to_owned(),
    };
    let is_error = result["success"] != true;
    log.result(&call, ToolResult { content, is_error, exit_code, duration_ms: 0 });
}
