//! The wire formats as their servers speak them.

use serde_json::{Value, json};

use super::KEY;
use crate::loopback::Answer;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    ChatCompletions,
    Responses,
    Messages,
}

impl Format {
    pub(super) const ALL: [Self; 3] = [Self::ChatCompletions, Self::Responses, Self::Messages];

    /// Where requests go below the base.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
            Self::Messages => "/v1/messages",
        }
    }

    /// The header that carries the key, and what it says.
    pub(super) fn key_header(self) -> (&'static str, String) {
        match self {
            Self::ChatCompletions | Self::Responses => ("authorization", format!("Bearer {KEY}")),
            Self::Messages => ("x-api-key", KEY.to_owned()),
        }
    }

    /// What a provider says when all is well.
    pub(super) fn said(self, content: &str) -> Answer {
        Answer::json(
            200,
            &match self {
                Self::ChatCompletions => completion(&json!({ "content": content }), "stop"),
                Self::Responses => response(&json!({
                    "type": "message", "role": "assistant",
                    "content": [{ "type": "output_text", "text": content, "annotations": [] }]
                })),
                Self::Messages => message(&json!({ "type": "text", "text": content }), "end_turn"),
            },
        )
    }

    /// What a provider says when the model calls a tool, with the id `c1`. Arguments that are no JSON are handed on.
    pub(super) fn called(self, name: &str, arguments: &str) -> Answer {
        Answer::json(
            200,
            &match self {
                Self::ChatCompletions => {
                    let function = json!({ "name": name, "arguments": arguments });
                    let call = json!({ "id": "c1", "type": "function", "function": function });
                    completion(&json!({ "content": null, "tool_calls": [call] }), "tool_calls")
                }
                Self::Responses => response(&json!({
                    "type": "function_call", "id": "fc1", "call_id": "c1", "name": name,
                    "arguments": arguments
                })),
                Self::Messages => {
                    let input =
                        serde_json::from_str(arguments).unwrap_or_else(|_| json!(arguments));
                    let call =
                        json!({ "type": "tool_use", "id": "c1", "name": name, "input": input });
                    message(&call, "tool_use")
                }
            },
        )
    }

    /// What a provider says when something is wrong.
    pub(super) fn failed(self, status: u16, message: &str) -> Answer {
        Answer::json(
            status,
            &match self {
                Self::ChatCompletions => json!({ "error": { "message": message } }),
                Self::Responses => {
                    json!({ "error": { "message": message, "type": "t", "param": null, "code": null } })
                }
                Self::Messages => {
                    json!({ "type": "error", "error": { "type": "api_error", "message": message } })
                }
            },
        )
    }

    /// The whole body of a request of one user message.
    pub(super) fn asked(self, text: &str) -> Value {
        match self {
            Self::ChatCompletions => {
                json!({ "model": "vendor/model", "messages": [{ "role": "user", "content": text }] })
            }
            Self::Responses => {
                let said = json!([{ "type": "input_text", "text": text }]);
                let message = json!({ "type": "message", "role": "user", "content": said });
                json!({ "model": "vendor/model", "input": [message], "store": false })
            }
            Self::Messages => {
                let said = json!([{ "type": "text", "text": text }]);
                let messages = json!([{ "role": "user", "content": said }]);
                json!({ "model": "vendor/model", "messages": messages, "max_tokens": 16_384 })
            }
        }
    }

    /// What makes the model call a tool.
    pub(super) fn forced(self, name: &str) -> Value {
        match self {
            Self::ChatCompletions => json!({ "type": "function", "function": { "name": name } }),
            Self::Responses => json!({ "type": "function", "name": name }),
            Self::Messages => json!({ "type": "tool", "name": name }),
        }
    }

    /// The name and the schema of a request's first tool.
    pub(super) fn first_tool(self, body: &Value) -> (&Value, &Value) {
        let tool = &body["tools"][0];
        match self {
            Self::ChatCompletions => (&tool["function"]["name"], &tool["function"]["parameters"]),
            Self::Responses => (&tool["name"], &tool["parameters"]),
            Self::Messages => (&tool["name"], &tool["input_schema"]),
        }
    }

    /// What a request holds beside the user's first message.
    pub(super) fn later(self, body: &Value) -> &[Value] {
        let conversation = match self {
            Self::ChatCompletions | Self::Messages => &body["messages"],
            Self::Responses => &body["input"],
        };
        conversation.as_array().and_then(|all| all.split_first()).map_or(&[], |(_, later)| later)
    }

    /// What the model said, as it goes back.
    pub(super) fn repeated(self, content: &str) -> Value {
        match self {
            Self::ChatCompletions => json!({ "role": "assistant", "content": content }),
            Self::Responses => {
                let said = json!([{ "type": "output_text", "text": content }]);
                json!({ "type": "message", "role": "assistant", "content": said })
            }
            Self::Messages => {
                let said = json!([{ "type": "text", "text": content }]);
                json!({ "role": "assistant", "content": said })
            }
        }
    }

    /// The call `c1`, as it goes back.
    pub(super) fn called_back(self, name: &str, arguments: &Value) -> Value {
        match self {
            Self::ChatCompletions => {
                let function = json!({ "name": name, "arguments": arguments.to_string() });
                let call = json!({ "id": "c1", "type": "function", "function": function });
                json!({ "role": "assistant", "content": null, "tool_calls": [call] })
            }
            Self::Responses => json!({
                "type": "function_call", "call_id": "c1", "name": name,
                "arguments": arguments.to_string()
            }),
            Self::Messages => {
                let input = match arguments.is_object() {
                    true => arguments.clone(),
                    false => json!({ "arguments": arguments }),
                };
                let call = json!({ "type": "tool_use", "id": "c1", "name": name, "input": input });
                json!({ "role": "assistant", "content": [call] })
            }
        }
    }

    /// What came of the call `c1`, out of the message that follows the call.
    pub(super) fn result(self, message: &Value) -> &str {
        let (id, content) = match self {
            Self::ChatCompletions => (&message["tool_call_id"], &message["content"]),
            Self::Responses => (&message["call_id"], &message["output"]),
            Self::Messages => {
                let block = &message["content"][0];
                (&block["tool_use_id"], &block["content"])
            }
        };
        assert_eq!(id, "c1", "{message}");
        content.as_str().unwrap()
    }
}

fn completion(message: &Value, finish_reason: &str) -> Value {
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 2 });
    let choices = json!([{ "message": message, "finish_reason": finish_reason }]);
    json!({ "choices": choices, "usage": usage })
}

fn response(item: &Value) -> Value {
    let usage = json!({ "input_tokens": 10, "output_tokens": 2 });
    let thought = json!({ "type": "reasoning", "summary": [] });
    json!({
        "status": "completed", "error": null, "incomplete_details": null,
        "output": [thought, item], "usage": usage
    })
}

fn message(block: &Value, stop_reason: &str) -> Value {
    let usage = json!({ "input_tokens": 10, "output_tokens": 2 });
    let thought = json!({ "type": "thinking", "thinking": "hm", "signature": "s" });
    json!({
        "type": "message", "role": "assistant", "content": [thought, block],
        "stop_reason": stop_reason, "usage": usage
    })
}
