//! The wire formats, field by field.

use serde_json::{Value, json};
use skvm_runtime::provider::WireFormat;
use skvm_runtime::scripted::{Script, ScriptedServer};

use super::{Event, PATHS, asking, client, said, serve, streamed};

/// Long enough for several pieces, with letters of several bytes.
const ANSWER: &str = "all done: grüße, 你好, and a few words more";

fn script() -> Script {
    Script::new().with_command("echo 'grüße' > proof.txt").with_answer(ANSWER)
}

fn arguments() -> Value {
    json!({ "command": "echo 'grüße' > proof.txt" })
}

/// A text at a place of each event that has it, put together.
fn joined(events: &[Event], place: &str) -> String {
    events.iter().filter_map(|(_, event)| event.pointer(place)?.as_str()).collect()
}

fn types(events: &[Event]) -> Vec<&str> {
    let mut types: Vec<_> = events
        .iter()
        .map(|(name, event)| {
            assert_eq!(name.as_deref(), event["type"].as_str());
            event["type"].as_str().unwrap()
        })
        .collect();
    types.dedup();
    types
}

#[tokio::test]
async fn a_chat_completion_is_whole() {
    let server = serve(script()).await;
    let call = said(&server, "/chat/completions", &asking("/chat/completions", 0)).await;
    assert_eq!(call["object"], "chat.completion");
    assert_eq!(call["model"], "m");
    assert_eq!(call["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(call["choices"][0]["message"]["content"], Value::Null);
    assert_eq!(call["choices"][0]["message"]["tool_calls"][0]["type"], "function");
    assert_eq!(call["usage"]["prompt_tokens"], 100);
    assert_eq!(call["usage"]["prompt_tokens_details"]["cached_tokens"], 20);
    assert_eq!(
        (&call["usage"]["completion_tokens"], &call["usage"]["total_tokens"]),
        (&json!(7), &json!(107))
    );

    let text = said(&server, "/chat/completions", &asking("/chat/completions", 1)).await;
    assert_eq!(text["choices"][0]["finish_reason"], "stop");
    assert_eq!(text["choices"][0]["message"]["content"], ANSWER);
    assert_ne!(text["id"], call["id"]);
}

#[tokio::test]
async fn a_chat_completion_comes_in_chunks() {
    let server = serve(script()).await;
    let mut asked = asking("/chat/completions", 0);
    asked["stream_options"] = json!({ "include_usage": true });
    let mut events = streamed(&server, "/chat/completions", &asked).await;

    assert!(events.iter().all(|(name, _)| name.is_none()));
    assert_eq!(events.pop().unwrap().1, "[DONE]");
    let last = events.pop().unwrap().1;
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["total_tokens"], 107);
    assert!(events.iter().all(|(_, chunk)| chunk.get("usage") == Some(&Value::Null)));
    assert!(events.iter().all(|(_, chunk)| chunk["object"] == "chat.completion.chunk"));
    assert!(events.iter().all(|(_, chunk)| chunk["id"] == last["id"]));
    let first = &events[0].1["choices"][0]["delta"];
    assert_eq!(first["role"], "assistant");
    assert_eq!(first["tool_calls"][0]["id"], "call_1");
    assert_eq!(first["tool_calls"][0]["function"]["name"], "bash");
    let given = joined(&events, "/choices/0/delta/tool_calls/0/function/arguments");
    assert_eq!(given.parse::<Value>().unwrap(), arguments());
    assert!(events.len() > 3, "the arguments come in pieces");
    assert_eq!(joined(&events, "/choices/0/finish_reason"), "tool_calls");

    let events = streamed(&server, "/chat/completions", &asking("/chat/completions", 1)).await;
    assert_eq!(joined(&events, "/choices/0/delta/content"), ANSWER);
    assert_eq!(joined(&events, "/choices/0/finish_reason"), "stop");
    let told = events.iter().any(|(_, chunk)| chunk.get("usage").is_some());
    assert!(!told, "nobody asked");
}

#[tokio::test]
async fn a_response_is_whole() {
    let server = serve(script()).await;
    let call = said(&server, "/responses", &asking("/responses", 0)).await;
    assert_eq!((&call["object"], &call["status"]), (&json!("response"), &json!("completed")));
    let item = &call["output"][0];
    assert_eq!((&item["type"], &item["name"]), (&json!("function_call"), &json!("bash")));
    assert_eq!(item["arguments"].as_str().unwrap().parse::<Value>().unwrap(), arguments());
    assert_eq!(call["usage"]["input_tokens"], 100);
    assert_eq!(call["usage"]["input_tokens_details"]["cached_tokens"], 20);

    let text = said(&server, "/responses", &asking("/responses", 1)).await;
    assert_eq!(text["output"][0]["type"], "message");
    assert_eq!(text["output"][0]["content"][0]["text"], ANSWER);
}

#[tokio::test]
async fn a_response_comes_in_named_events() {
    let server = serve(script()).await;
    let events = streamed(&server, "/responses", &asking("/responses", 0)).await;
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(types(&events), expected);
    let numbers = events.iter().map(|(_, event)| event["sequence_number"].as_u64().unwrap());
    assert!(numbers.eq(0..events.len() as u64));
    assert_eq!(joined(&events, "/delta").parse::<Value>().unwrap(), arguments());
    let (begun, end) = (&events[0].1["response"], &events[events.len() - 1].1["response"]);
    assert_eq!((&begun["status"], &begun["output"]), (&json!("in_progress"), &json!([])));
    assert_eq!(begun["usage"], Value::Null);
    assert_eq!((&end["status"], &end["id"]), (&json!("completed"), &begun["id"]));
    assert_eq!(end["usage"]["total_tokens"], 107);
    let done = &events[events.len() - 2].1["item"];
    assert_eq!(*done, end["output"][0]);
    assert_eq!(done["call_id"], "call_1");

    let events = streamed(&server, "/responses", &asking("/responses", 1)).await;
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(types(&events), expected);
    assert_eq!(joined(&events, "/delta"), ANSWER);
    assert_eq!(events[events.len() - 1].1["response"]["output"][0]["content"][0]["text"], ANSWER);
}

#[tokio::test]
async fn a_message_is_whole() {
    let server = serve(script()).await;
    let call = said(&server, "/messages", &asking("/messages", 0)).await;
    assert_eq!((&call["type"], &call["role"]), (&json!("message"), &json!("assistant")));
    assert_eq!(call["stop_reason"], "tool_use");
    let block =
        json!({ "type": "tool_use", "id": "toolu_1", "name": "bash", "input": arguments() });
    assert_eq!(call["content"], json!([block]));
    let usage = json!({
        "input_tokens": 80, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 0,
        "output_tokens": 7
    });
    assert_eq!(call["usage"], usage);

    let text = said(&server, "/messages", &asking("/messages", 1)).await;
    assert_eq!(text["stop_reason"], "end_turn");
    assert_eq!(text["content"], json!([{ "type": "text", "text": ANSWER }]));
}

#[tokio::test]
async fn a_message_comes_in_named_events() {
    let server = serve(script()).await;
    let expected = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    let events = streamed(&server, "/messages", &asking("/messages", 0)).await;
    assert_eq!(types(&events), expected);
    assert_eq!(events[0].1["message"]["content"], json!([]));
    assert_eq!(events[0].1["message"]["stop_reason"], Value::Null);
    assert_eq!(events[0].1["message"]["usage"]["input_tokens"], 80);
    let block = json!({ "type": "tool_use", "id": "toolu_1", "name": "bash", "input": {} });
    assert_eq!(events[1].1["content_block"], block);
    assert_eq!(joined(&events, "/delta/partial_json").parse::<Value>().unwrap(), arguments());
    assert_eq!(joined(&events, "/delta/stop_reason"), "tool_use");
    assert_eq!(events[events.len() - 2].1["usage"]["output_tokens"], 7);

    let events = streamed(&server, "/messages", &asking("/messages", 1)).await;
    assert_eq!(types(&events), expected);
    assert_eq!(events[1].1["content_block"], json!({ "type": "text", "text": "" }));
    assert_eq!(joined(&events, "/delta/text"), ANSWER);
    assert_eq!(joined(&events, "/delta/stop_reason"), "end_turn");
}

#[tokio::test]
async fn tokens_are_not_told_where_the_script_does_not() {
    let server = serve(script().with_usage(false)).await;
    let mut asked = asking("/chat/completions", 0);
    assert_eq!(said(&server, "/chat/completions", &asked).await.get("usage"), None);
    asked["stream_options"] = json!({ "include_usage": true });
    let chunks = streamed(&server, "/chat/completions", &asked).await;
    assert!(chunks.iter().all(|(_, chunk)| chunk.get("usage").is_none()));
    let response = said(&server, "/responses", &asking("/responses", 0)).await;
    assert_eq!(response["usage"], Value::Null);
    let message = said(&server, "/messages", &asking("/messages", 0)).await;
    assert_eq!(message["usage"]["output_tokens"], 0);
    assert_eq!(message["usage"]["input_tokens"], 0);
}

#[tokio::test]
async fn models_and_counts_are_told() {
    let server = serve(Script::new().with_model("vendor/model")).await;
    for url in [server.base_url() + "/models", server.origin() + "/models?limit=3"] {
        let models: Value = client().get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(models["object"], "list");
        assert_eq!(models["data"][0]["id"], "vendor/model");
        assert_eq!(models["data"][0]["object"], "model");
    }
    let count = said(&server, "/messages/count_tokens?beta=true", &asking("/messages", 0)).await;
    assert_eq!(count, json!({ "input_tokens": 100 }));
    assert!(server.requests().iter().all(|request| request.wire.is_none()));
}

#[tokio::test]
async fn paths_are_known_with_and_without_their_beginning() {
    let server = serve(Script::new()).await;
    for path in PATHS {
        for url in [server.base_url() + path, server.origin() + path + "?beta=true"] {
            let response = client().post(url).json(&asking(path, 1)).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
        }
    }
    let wires: Vec<_> = server.requests().iter().filter_map(|request| request.wire).collect();
    let (chat, responses, messages) =
        (WireFormat::ChatCompletions, WireFormat::Responses, WireFormat::Messages);
    assert_eq!(wires, [chat, chat, responses, responses, messages, messages]);
}

#[tokio::test]
async fn other_pages_are_not_there() {
    let server = serve(Script::new()).await;
    let ask = |method: &str, path: &str| {
        let method = method.parse().unwrap();
        client().request(method, server.origin() + path).json(&json!({})).send()
    };
    let pages = [
        ("POST", "/"),
        ("HEAD", "/"),
        ("POST", "/v1"),
        ("POST", "/v1/completions"),
        ("POST", "/v1/v1/messages"),
        ("GET", "/v1/chat/completions"),
        ("DELETE", "/v1/responses"),
        ("POST", "/v1/models"),
    ];
    for (method, path) in pages {
        let response = ask(method, path).await.unwrap();
        assert_eq!(response.status(), 404, "{method} {path}");
        if method != "HEAD" {
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["error"]["type"], "not_found_error");
            assert!(body["error"]["message"].is_string());
        }
    }
}

#[tokio::test]
async fn our_own_backends_read_it() {
    use skvm_core::llm::{LlmRequest, LlmResponse, Message, StopReason, ToolSpec, Usage};
    use skvm_runtime::provider::Endpoint;

    let tool = ToolSpec {
        name: "bash".into(),
        description: "Runs a command.".into(),
        parameters: json!({
            "type": "object", "properties": { "command": { "type": "string" } }
        }),
    };
    for wire in [WireFormat::ChatCompletions, WireFormat::Responses, WireFormat::Messages] {
        let server = serve(script()).await;
        let model = Endpoint::new(wire, server.base_url(), "m").backend().unwrap();
        let mut request = LlmRequest { tools: vec![tool.clone()], ..LlmRequest::user("hello") };

        let called = model.complete(request.clone()).await.unwrap();
        assert_eq!((called.stop, called.text.as_str()), (StopReason::ToolCalls, ""), "{wire}");
        let [call] = &called.tool_calls[..] else { panic!("one call: {called:?}") };
        assert_eq!((call.name.as_str(), &call.arguments), ("bash", &arguments()));

        let call_id = call.id.clone();
        let LlmResponse { text: content, tool_calls, .. } = called;
        request.messages.push(Message::Assistant { content, tool_calls });
        request.messages.push(Message::Tool { call_id, content: "done".into() });
        let answer = model.complete(request).await.unwrap();
        assert_eq!((answer.text.as_str(), answer.stop), (ANSWER, StopReason::Done), "{wire}");
        // Messages tell of a cache that nothing was written to, the others of none.
        let written = (wire == WireFormat::Messages).then_some(0);
        assert_eq!(answer.usage, Usage { cache_write: written, ..ScriptedServer::USAGE });
    }
}
