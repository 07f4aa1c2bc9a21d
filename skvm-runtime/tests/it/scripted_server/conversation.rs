//! Who says what, and when.

use serde_json::{Value, json};
use skvm_runtime::scripted::{Fault, Reply, Script};

use super::{PATHS, asking, client, post, read, said, serve, tool};

#[tokio::test]
async fn a_command_is_called_for_and_then_the_text_is_said() {
    let server = serve(Script::new().with_command("make").with_answer("made")).await;
    for path in PATHS {
        let (_, name, arguments) =
            read(path, &said(&server, path, &asking(path, 0)).await).unwrap_err();
        assert_eq!((name.as_str(), arguments), ("bash", json!({ "command": "make" })), "{path}");
        assert_eq!(read(path, &said(&server, path, &asking(path, 1)).await).unwrap(), "made");
        assert_eq!(read(path, &said(&server, path, &asking(path, 2)).await).unwrap(), "made");
    }
}

#[tokio::test]
async fn each_command_has_its_turn_and_its_id() {
    let server = serve(Script::new().with_commands(["one", "two", "three"])).await;
    for path in PATHS {
        let mut ids = Vec::new();
        for (results, command) in ["one", "two", "three"].into_iter().enumerate() {
            let answer = said(&server, path, &asking(path, results)).await;
            let (id, _, arguments) = read(path, &answer).unwrap_err();
            assert_eq!(arguments, json!({ "command": command }), "{path}");
            assert!(!ids.contains(&id), "{path}: {id}");
            ids.push(id);
        }
        assert!(read(path, &said(&server, path, &asking(path, 3)).await).is_ok());
    }
}

#[tokio::test]
async fn a_response_goes_on_from_an_earlier_one() {
    let server = serve(Script::new().with_commands(["one", "two"])).await;
    let mut request = asking("/responses", 0);
    for command in ["one", "two"] {
        let answer = said(&server, "/responses", &request).await;
        let (_, _, arguments) = read("/responses", &answer).unwrap_err();
        assert_eq!(arguments, json!({ "command": command }));
        let output = json!({ "type": "function_call_output", "call_id": "c", "output": "" });
        request["input"] = json!([output]);
        request["previous_response_id"] = answer["id"].clone();
    }
    assert!(read("/responses", &said(&server, "/responses", &request).await).is_ok());
    request["previous_response_id"] = json!("of-another-server");
    assert!(read("/responses", &said(&server, "/responses", &request).await).is_err());
}

#[tokio::test]
async fn without_a_shell_tool_or_a_command_the_text_is_said() {
    let server = serve(Script::new().with_answer("text")).await;
    let silent = serve(Script::new().with_answer("text").with_commands([""; 0])).await;
    for path in PATHS {
        let mut request = asking(path, 0);
        assert_eq!(read(path, &said(&silent, path, &request).await).unwrap(), "text");
        request["tools"] = json!([tool(path, "read_file", &json!({ "type": "object" }))]);
        assert_eq!(read(path, &said(&server, path, &request).await).unwrap(), "text");
        request["tools"] = json!([]);
        assert_eq!(read(path, &said(&server, path, &request).await).unwrap(), "text");
        request.as_object_mut().unwrap().remove("tools");
        assert_eq!(read(path, &said(&server, path, &request).await).unwrap(), "text");
    }
}

/// The call that is made of one tool.
async fn call_of(script: Script, name: &str, schema: &Value) -> (String, Value) {
    let server = serve(script.with_command("ls")).await;
    let mut calls = Vec::new();
    for path in PATHS {
        let mut request = asking(path, 0);
        let other = tool(path, "write_file", &json!({ "type": "object" }));
        request["tools"] = json!([other, tool(path, name, schema)]);
        let (_, name, arguments) = read(path, &said(&server, path, &request).await).unwrap_err();
        calls.push((name, arguments));
    }
    calls.dedup();
    assert_eq!(calls.len(), 1, "{calls:?}");
    calls.remove(0)
}

#[tokio::test]
async fn arguments_are_those_that_the_tool_requires() {
    let schema = |properties: Value, required: &[&str]| json!({ "type": "object", "properties": properties, "required": required });
    let text = json!({ "type": "string" });

    let words = json!({ "command": { "type": "array", "items": text } });
    let call = call_of(Script::new(), "shell", &schema(words, &["command"])).await;
    assert_eq!(call, ("shell".into(), json!({ "command": ["bash", "-lc", "ls"] })));

    let cmd = schema(json!({ "cmd": text, "workdir": text }), &["cmd"]);
    let call = call_of(Script::new(), "exec_command", &cmd).await;
    assert_eq!(call, ("exec_command".into(), json!({ "cmd": "ls" })));

    let many = json!({
        "command": text,
        "description": text,
        "timeout": { "type": ["integer", "null"] },
        "seconds": { "type": "number", "maximum": 600, "minimum": 1 },
        "background": { "type": "boolean" },
        "paths": { "type": "array", "items": text },
        "mode": { "type": "string", "enum": ["fast", "slow"] },
        "shell": { "type": "string", "default": "sh" },
        "either": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
        "options": {
            "type": "object", "properties": { "depth": { "type": "integer" }, "name": text },
            "required": ["depth"]
        },
        "optional": text
    });
    let required = [
        "command",
        "description",
        "timeout",
        "seconds",
        "background",
        "paths",
        "mode",
        "shell",
        "either",
        "options",
        "undescribed",
    ];
    let (_, arguments) = call_of(Script::new(), "Bash", &schema(many, &required)).await;
    let expected = json!({
        "command": "ls", "description": "run it", "timeout": 1000, "seconds": 600,
        "background": false, "paths": [], "mode": "fast", "shell": "sh", "either": 1000,
        "options": { "depth": 1000 }, "undescribed": "run it"
    });
    assert_eq!(arguments, expected);

    let (_, arguments) = call_of(Script::new(), "bash", &Value::Null).await;
    assert_eq!(arguments, json!({ "command": "ls" }));

    let own = Script::new().with_shell_tool("in_the_box");
    assert_eq!(call_of(own, "in_the_box", &Value::Null).await.0, "in_the_box");
}

#[tokio::test]
async fn a_tool_of_another_kind_is_no_shell() {
    let server = serve(Script::new()).await;
    let mut request = asking("/responses", 0);
    request["tools"] = json!([{ "type": "custom", "name": "bash" }, { "type": "local_shell" }]);
    assert!(read("/responses", &said(&server, "/responses", &request).await).is_ok());
    // Anthropic's own tools have a type and no schema.
    let mut request = asking("/messages", 0);
    request["tools"] = json!([{ "type": "bash_20250124", "name": "bash" }]);
    assert!(read("/messages", &said(&server, "/messages", &request).await).is_err());
}

#[tokio::test]
async fn a_host_says_what_is_replied() {
    let script = Script::new().with_answer("scripted").with_reply(|request| {
        match request.body["model"].as_str().unwrap_or_default() {
            "text" => Reply::Text(format!("{} tools", request.tool_names().join(" "))),
            "command" => Reply::Command("pwd".into()),
            "call" => Reply::Call { tool: "fetch".into(), arguments: json!({ "url": "x" }) },
            "json" => Reply::Json { status: 418, body: json!({ "tea": true }) },
            "fault" => Reply::Fault(Fault::Status(503)),
            _ => Reply::Scripted,
        }
    });
    let server = serve(script).await;
    for path in PATHS {
        let asked = |model: &str, results| {
            let mut request = asking(path, results);
            request["model"] = json!(model);
            request
        };
        let text = said(&server, path, &asked("text", 0)).await;
        assert_eq!(read(path, &text).unwrap(), "bash tools");
        let (_, name, arguments) =
            read(path, &said(&server, path, &asked("command", 3)).await).unwrap_err();
        assert_eq!((name.as_str(), arguments), ("bash", json!({ "command": "pwd" })));
        let (_, name, arguments) =
            read(path, &said(&server, path, &asked("call", 0)).await).unwrap_err();
        assert_eq!((name.as_str(), arguments), ("fetch", json!({ "url": "x" })));
        assert_eq!(read(path, &said(&server, path, &asked("other", 1)).await).unwrap(), "scripted");
        assert!(read(path, &said(&server, path, &asked("other", 0)).await).is_err());
        assert_eq!(post(&server, path, &asked("fault", 0)).await.status(), 503);
        let tea = post(&server, path, &asked("json", 0)).await;
        assert_eq!(tea.status(), 418);
        assert_eq!(tea.json::<Value>().await.unwrap(), json!({ "tea": true }));
    }
}

#[tokio::test]
async fn requests_are_kept_in_order() {
    let server = serve(Script::new()).await;
    let client = client();
    client.get(server.base_url() + "/models").send().await.unwrap();
    let url = server.base_url() + "/messages?beta=true";
    let request = asking("/messages", 1);
    client.post(url).header("X-Api-Key", "key").json(&request).send().await.unwrap();
    client.post(server.origin() + "/elsewhere").body("no JSON").send().await.unwrap();

    let [models, message, elsewhere] = &server.requests()[..] else { panic!("three requests") };
    assert_eq!((models.method.as_str(), models.path.as_str()), ("GET", "/v1/models"));
    assert_eq!((&models.body, models.wire), (&Value::Null, None));
    assert_eq!(
        (message.method.as_str(), message.path.as_str()),
        ("POST", "/v1/messages?beta=true")
    );
    assert_eq!(message.body, request);
    assert_eq!((message.header("X-API-KEY"), message.header("cookie")), (Some("key"), None));
    assert!(message.headers.contains(&("x-api-key".into(), "key".into())));
    assert_eq!((message.tool_names(), message.tool_results()), (vec!["bash"], 1));
    assert!(message.offers_tools() && !message.streams());
    assert_eq!(elsewhere.body, "no JSON");
}
