//! The scripted model server, asked by clients that are not ours and by none at all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conversation;
mod faults;
mod formats;
mod http;

use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::{Value, json};
use skvm_runtime::scripted::{Script, ScriptedServer};

/// Longer than a test needs, shorter than a reader's patience.
const PATIENCE: Duration = Duration::from_secs(10);

/// The paths at which answers are had.
const PATHS: [&str; 3] = ["/chat/completions", "/responses", "/messages"];

async fn serve(script: Script) -> ScriptedServer {
    ScriptedServer::start(script).await.unwrap()
}

fn client() -> Client {
    Client::builder().timeout(PATIENCE).build().unwrap()
}

async fn post(server: &ScriptedServer, path: &str, body: &Value) -> Response {
    let url = server.base_url() + path;
    client().post(url).json(body).send().await.unwrap()
}

/// What a JSON answer holds, with status 200.
async fn said(server: &ScriptedServer, path: &str, body: &Value) -> Value {
    let response = post(server, path, body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    response.json().await.unwrap()
}

/// An event of a stream: its name, and its data where that is JSON.
type Event = (Option<String>, Value);

/// The events of a stream, with `[DONE]` as a string.
async fn streamed(server: &ScriptedServer, path: &str, body: &Value) -> Vec<Event> {
    let response = post(server, path, &streaming(body)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    events(&response.text().await.unwrap())
}

fn streaming(body: &Value) -> Value {
    let mut body = body.clone();
    body["stream"] = json!(true);
    body
}

fn events(text: &str) -> Vec<Event> {
    let blocks = text.strip_suffix("\n\n").unwrap().split("\n\n");
    let event = |block: &str| {
        let mut lines = block.lines();
        let mut data = lines.next().unwrap();
        let name = data.strip_prefix("event: ").map(str::to_owned);
        if name.is_some() {
            data = lines.next().unwrap();
        }
        assert_eq!(lines.next(), None, "{block}");
        let data = data.strip_prefix("data: ").unwrap();
        let value = if data == "[DONE]" { json!(data) } else { data.parse().unwrap() };
        (name, value)
    };
    blocks.map(event).collect()
}

/// A tool as it is offered at a path.
fn tool(path: &str, name: &str, schema: &Value) -> Value {
    match path {
        "/chat/completions" => {
            json!({ "type": "function", "function": { "name": name, "parameters": schema } })
        }
        "/responses" => json!({ "type": "function", "name": name, "parameters": schema }),
        _ => json!({ "name": name, "input_schema": schema }),
    }
}

/// A request of a path, with the shell tool `bash` and the results of so many calls.
fn asking(path: &str, results: usize) -> Value {
    let schema = json!({
        "type": "object", "properties": { "command": { "type": "string" } }, "required": ["command"]
    });
    let question = json!({ "role": "user", "content": "do it" });
    let result = match path {
        "/chat/completions" => json!({ "role": "tool", "tool_call_id": "c", "content": "done" }),
        "/responses" => json!({ "type": "function_call_output", "call_id": "c", "output": "done" }),
        _ => json!({
            "role": "user",
            "content": [{ "type": "tool_result", "tool_use_id": "c", "content": "done" }]
        }),
    };
    let mut items = vec![question];
    items.extend(std::iter::repeat_n(result, results));
    let field = if path == "/responses" { "input" } else { "messages" };
    json!({ "model": "m", "tools": [tool(path, "bash", &schema)], field: items })
}

/// The text of an answer that is one, and the tool call of one that is that: id, name and arguments.
fn read(path: &str, answer: &Value) -> Result<String, (String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let parsed = |value: &Value| text(value).parse::<Value>().unwrap();
    match path {
        "/chat/completions" => {
            let message = &answer["choices"][0]["message"];
            match message.get("tool_calls") {
                None => Ok(text(&message["content"])),
                Some(calls) => {
                    let function = &calls[0]["function"];
                    let arguments = parsed(&function["arguments"]);
                    Err((text(&calls[0]["id"]), text(&function["name"]), arguments))
                }
            }
        }
        "/responses" => {
            let item = &answer["output"][0];
            match item["type"].as_str().unwrap() {
                "message" => Ok(text(&item["content"][0]["text"])),
                _ => {
                    let arguments = parsed(&item["arguments"]);
                    Err((text(&item["call_id"]), text(&item["name"]), arguments))
                }
            }
        }
        _ => {
            let block = &answer["content"][0];
            match block["type"].as_str().unwrap() {
                "text" => Ok(text(&block["text"])),
                _ => Err((text(&block["id"]), text(&block["name"]), block["input"].clone())),
            }
        }
    }
}
