//! Which tools the model is offered: the agent's own, those of a host, or none.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use skvm_core::harness::{
    Harness, HarnessRun, NoHooks, RunLimits, RunRecord, Task, Tool, ToolOffer, ToolResult,
};
use skvm_core::llm::{LlmRequest, LlmResponse, ToolSpec};
use skvm_runtime::harness::bare::BareAgent;
use skvm_runtime::scripted::ScriptedModel;

use super::{Place, calls, notes, said};

/// Says its name and what it was given.
struct Parrot(ToolSpec, bool);

#[async_trait]
impl Tool for Parrot {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn is_browser(&self) -> bool {
        self.1
    }

    async fn call(&self, arguments: &Value) -> ToolResult {
        let content = format!("{} got {arguments}", self.0.name);
        ToolResult { content, ..ToolResult::default() }
    }
}

fn parrot(name: &str, browser: bool) -> Arc<dyn Tool> {
    let parameters = json!({"type": "object"});
    let spec =
        ToolSpec { name: name.to_owned(), description: "Says it back.".to_owned(), parameters };
    Arc::new(Parrot(spec, browser))
}

async fn run(
    with: impl FnOnce(BareAgent) -> BareAgent,
    tools: ToolOffer,
    answers: Vec<LlmResponse>,
) -> (RunRecord, Vec<LlmRequest>) {
    let place = Place::new();
    let model = ScriptedModel::new("scripted", answers.into_iter().map(Ok));
    let agent = with(BareAgent::new(Arc::new(model.clone())));
    let run = HarnessRun {
        task: &Task::new("task"),
        model: None,
        skill: None,
        environment: None,
        tools,
        workdir: &place.workdir,
        limits: RunLimits::default(),
        hooks: &mut NoHooks,
        on_event: &|_| (),
    };
    (agent.run(run).await.unwrap(), model.requests())
}

fn names(request: &LlmRequest) -> Vec<&str> {
    request.tools.iter().map(|tool| tool.name.as_str()).collect()
}

#[tokio::test]
async fn without_tools_none_is_offered_and_none_is_carried_out() {
    let write = calls("write_file", json!({"path": "a", "content": "b"})).unwrap();
    let answers = vec![write, said("done").unwrap()];
    let (record, requests) = run(|agent| agent, ToolOffer::None, answers).await;
    assert!(requests.iter().all(|request| request.tools.is_empty()));
    assert!(requests[0].system.as_ref().unwrap().contains("no tools"));
    let result = &record.steps[1].tool_calls[0];
    assert!(result.is_error && result.output.as_ref().unwrap().contains("no tool"), "{result:?}");
    assert!(notes(&record).contains(&"unknown-tool"));
}

#[tokio::test]
async fn only_the_given_tools_are_offered() {
    let offer = ToolOffer::Only(vec![parrot("say", false), parrot("read_file", false)]);
    let answers = vec![
        calls("say", json!({"word": "hello"})).unwrap(),
        calls("read_file", json!({"path": "x"})).unwrap(),
        calls("execute_command", json!({"command": "true"})).unwrap(),
        said("done").unwrap(),
    ];
    let (record, requests) = run(|agent| agent, offer, answers).await;
    assert_eq!(names(&requests[0]), ["say", "read_file"]);
    let outputs: Vec<&str> = record
        .steps
        .iter()
        .flat_map(|step| &step.tool_calls)
        .filter_map(|call| call.output.as_deref())
        .collect();
    assert_eq!(outputs[0], r#"say got {"word":"hello"}"#);
    assert_eq!(outputs[1], r#"read_file got {"path":"x"}"#);
    assert!(outputs[2].contains("there is no tool called"), "{}", outputs[2]);
}

#[tokio::test]
async fn a_tool_of_the_hosts_stands_beside_the_agents_own_or_in_place_of_one() {
    let with = |agent: BareAgent| {
        agent.with_tool(parrot("web_fetch", false)).with_tool(parrot("browse", true))
    };
    let model = ScriptedModel::new("scripted", []);
    let features = with(BareAgent::new(Arc::new(model))).features();
    assert!(features.browser && features.takes_tools && features.withholds_tools);
    let answers = vec![
        calls("web_fetch", json!({"url": "http://127.0.0.1:1/"})).unwrap(),
        calls("list_directory", json!({})).unwrap(),
        said("done").unwrap(),
    ];
    let (record, requests) = run(with, ToolOffer::Own, answers).await;
    let offered = names(&requests[0]);
    assert_eq!(offered.iter().filter(|name| **name == "web_fetch").count(), 1);
    assert!(offered.contains(&"browse") && offered.contains(&"read_file"), "{offered:?}");
    let output = record.steps[1].tool_calls[0].output.as_deref().unwrap();
    assert!(output.starts_with("web_fetch got"), "{output}");
    assert!(!record.steps[3].tool_calls[0].is_error, "the agent's own are there as well");
}

#[tokio::test]
async fn the_temperature_is_asked_for_or_left_to_the_provider() {
    for temperature in [None, Some(0.0), Some(0.7)] {
        let with = |agent: BareAgent| {
            assert_eq!(agent.temperature(), Some(0.0));
            agent.with_temperature(temperature)
        };
        let (_, requests) = run(with, ToolOffer::Own, vec![said("done").unwrap()]).await;
        assert_eq!(requests[0].temperature, temperature);
    }
}
