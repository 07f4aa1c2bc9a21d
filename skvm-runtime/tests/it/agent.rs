//! The bare agent with a scripted model.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(unix)]
mod commands;
mod endings;
#[cfg(unix)]
mod files;
mod hooks;
#[cfg(unix)]
mod jail;
mod offered;
mod record;
mod skill;
mod together;
mod tool_calls;
#[cfg(feature = "http")]
mod web;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use skvm_core::harness::{
    Harness, HarnessEvent, HarnessRun, Hooks, NoHooks, RecordedToolCall, Role, RunLimits,
    RunRecord, RunStatus, SkillView, Task, ToolOffer,
};
use skvm_core::llm::{LlmBackend, LlmError, LlmRequest, LlmResponse, Message, ToolCall};
use skvm_runtime::command::Environment;
use skvm_runtime::harness::bare::{AgentPolicy, BareAgent};
use skvm_runtime::scripted::ScriptedModel;
use tempfile::TempDir;

const TASK: &str = "do the task";

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A working directory and what else goes into a run.
struct Place {
    folder: TempDir,
    /// The working directory: a folder in the folder, so that there is an outside.
    workdir: PathBuf,
    skill: Option<SkillView>,
    limits: RunLimits,
    policy: AgentPolicy,
    environment: Environment,
}

/// What came of a run.
struct Seen {
    record: RunRecord,
    requests: Vec<LlmRequest>,
    events: Vec<HarnessEvent>,
}

type Answer = Result<LlmResponse, LlmError>;

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workdir = folder.path().join("work");
        std::fs::create_dir(&workdir).unwrap();
        Self {
            folder,
            workdir,
            skill: None,
            limits: RunLimits { deadline: Duration::from_secs(20), ..RunLimits::default() },
            policy: AgentPolicy::default(),
            environment: Environment::from_host(),
        }
    }

    fn with_skill(skill: SkillView) -> Self {
        Self { skill: Some(skill), ..Self::new() }
    }

    /// A path in the working directory.
    fn path(&self, name: &str) -> PathBuf {
        self.workdir.join(name)
    }

    /// Writes a file of the working directory.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    fn content(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs the task with a model that gives these answers.
    async fn run(&self, answers: impl IntoIterator<Item = Answer>) -> Seen {
        self.run_hooked(answers, &mut NoHooks).await
    }

    async fn run_hooked(
        &self,
        answers: impl IntoIterator<Item = Answer>,
        hooks: &mut dyn Hooks,
    ) -> Seen {
        let model = ScriptedModel::new("scripted", answers);
        let (record, events) = self.run_on(Arc::new(model.clone()), hooks).await;
        Seen { record, requests: model.requests(), events }
    }

    async fn run_on(
        &self,
        model: Arc<dyn LlmBackend>,
        hooks: &mut dyn Hooks,
    ) -> (RunRecord, Vec<HarnessEvent>) {
        let agent = BareAgent::new(model)
            .with_policy(self.policy.clone())
            .with_environment(self.environment.clone());
        let events = Mutex::new(Vec::new());
        let run = HarnessRun {
            task: &Task::new(TASK),
            model: None,
            skill: self.skill.as_ref(),
            environment: None,
            tools: ToolOffer::Own,
            workdir: &self.workdir,
            limits: self.limits.clone(),
            hooks,
            on_event: &|event| events.lock().unwrap().push(event.clone()),
        };
        let record = agent.run(run).await.unwrap();
        (record, events.into_inner().unwrap())
    }

    /// Makes one tool call; the model is told what the record says.
    async fn call(&self, tool: &str, arguments: Value) -> RecordedToolCall {
        let seen = self.run([calls(tool, arguments), said("done")]).await;
        assert_eq!(seen.record.status, RunStatus::Ok, "{:?}", seen.record);
        let mut results = seen.results();
        let result = results.pop().unwrap();
        assert!(results.is_empty(), "{results:?}");
        assert_eq!(seen.told(1), [result.output.clone().unwrap()]);
        result
    }

    /// Makes one tool call that succeeds; what the model is told.
    async fn succeeds(&self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments).await;
        assert!(!result.is_error, "{result:?}");
        result.output.unwrap()
    }

    /// Makes one tool call that fails; what the model is told.
    async fn fails(&self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments).await;
        assert!(result.is_error, "{result:?}");
        result.output.unwrap()
    }
}

impl Seen {
    /// The results of tool calls in order.
    fn results(&self) -> Vec<RecordedToolCall> {
        let steps = self.record.steps.iter().filter(|step| step.role == Role::Tool);
        steps.flat_map(|step| step.tool_calls.clone()).collect()
    }

    /// What tools told the model before the request of that number.
    fn told(&self, request: usize) -> Vec<String> {
        let messages = self.requests[request].messages.iter();
        let results = messages.filter(|message| matches!(message, Message::Tool { .. }));
        results.map(|message| message.text().to_owned()).collect()
    }

    fn system(&self, request: usize) -> &str {
        self.requests[request].system.as_deref().unwrap()
    }
}

fn notes(record: &RunRecord) -> Vec<&str> {
    record.notes.iter().map(|note| note.code.as_str()).collect()
}

fn said(text: &str) -> Answer {
    Ok(LlmResponse::text(text))
}

/// An answer that calls one tool.
fn calls(tool: &str, arguments: Value) -> Answer {
    Ok(LlmResponse::tool_call("call", tool, arguments))
}

fn call(id: &str, tool: &str, arguments: Value) -> ToolCall {
    ToolCall { id: id.to_owned(), name: tool.to_owned(), arguments }
}
