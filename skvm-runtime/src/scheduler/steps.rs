//! Runners for the three kinds of parallelism: a step as a run of a harness, as a batch of commands, and
//! over the items of a collection.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use serde_json::{Value, json};
use skvm_core::artifact::WorkflowStep;
use skvm_core::harness::{
    Harness, HarnessRun, NoHooks, PreparedEnvironment, ProviderFault, RunLimits, RunStatus,
    SkillView, Task, ToolOffer,
};
use skvm_core::target::ModelId;

use super::{Governor, Resource, StepError, StepRun, StepRunner};
use crate::command::{CommandRunner, CommandSpec};

/// Runs each step as a task of its own in a harness, as a sub-agent would: with the skill, the overall task,
/// and what the steps before gave.
#[derive(Clone)]
pub struct HarnessSteps {
    harness: Arc<dyn Harness>,
    model: Option<ModelId>,
    skill: Option<SkillView>,
    environment: Option<PreparedEnvironment>,
    task: String,
    workdir: PathBuf,
    limits: RunLimits,
}

impl std::fmt::Debug for HarnessSteps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HarnessSteps")
            .field("harness", self.harness.id())
            .field("task", &self.task)
            .finish_non_exhaustive()
    }
}

impl HarnessSteps {
    /// Steps of a task, run by this harness in a working directory that they share.
    #[must_use]
    pub fn new(
        harness: Arc<dyn Harness>,
        task: impl Into<String>,
        workdir: impl Into<PathBuf>,
    ) -> Self {
        Self {
            harness,
            model: None,
            skill: None,
            environment: None,
            task: task.into(),
            workdir: workdir.into(),
            limits: RunLimits::default(),
        }
    }

    /// The same steps, done by this model, for a harness that asks any.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<ModelId>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// The same steps with a skill.
    #[must_use]
    pub fn with_skill(mut self, skill: SkillView) -> Self {
        self.skill = Some(skill);
        self
    }

    /// The same steps, whose commands see what was set up.
    #[must_use]
    pub fn with_environment(mut self, environment: PreparedEnvironment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// The same steps with other bounds for each.
    #[must_use]
    pub fn with_limits(mut self, limits: RunLimits) -> Self {
        self.limits = limits;
        self
    }

    fn prompt(&self, run: &StepRun<'_>) -> String {
        let WorkflowStep { label, title, .. } = run.step;
        let mut prompt = format!("{}\n\nDo only this step of it: {label}. {title}", self.task);
        for (step, value) in &run.inputs {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            prompt.push_str(&format!("\n\nStep {} gave:\n{text}", step.0 + 1));
        }
        prompt
    }
}

#[async_trait]
impl StepRunner for HarnessSteps {
    async fn run(&self, run: StepRun<'_>) -> Result<Value, StepError> {
        let task = Task::new(self.prompt(&run));
        let mut hooks = NoHooks;
        let record = self.harness.run(HarnessRun {
            task: &task,
            model: self.model.as_ref(),
            skill: self.skill.as_ref(),
            environment: self.environment.as_ref(),
            tools: ToolOffer::Own,
            workdir: &self.workdir,
            limits: self.limits.clone(),
            hooks: &mut hooks,
            on_event: &|_| (),
        });
        let record = record.await.map_err(|error| StepError::new(error.to_string()))?;
        let detail = record.status_detail.unwrap_or_default();
        match record.status {
            RunStatus::Ok => Ok(json!(record.text)),
            // The harness has tried again already.
            RunStatus::ProviderFault if record.fault == Some(ProviderFault::RateLimited) => {
                Err(StepError::refused(detail))
            }
            RunStatus::ProviderFault => Err(StepError::transient(detail)),
            status => Err(StepError::new(format!("{status:?}: {detail}"))),
        }
    }

    fn resource(&self, _step: &WorkflowStep) -> Option<Resource> {
        Some(Resource::Model)
    }
}

/// Runs each step as a batch of commands, all at once, as tool calls of one turn would be.
pub struct CommandSteps<F> {
    runner: CommandRunner,
    commands: F,
}

impl<F> std::fmt::Debug for CommandSteps<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommandSteps").field("runner", &self.runner).finish_non_exhaustive()
    }
}

impl<F: Fn(&StepRun<'_>) -> Vec<CommandSpec> + Send + Sync> CommandSteps<F> {
    /// Steps whose commands `commands` gives.
    #[must_use]
    pub fn new(runner: CommandRunner, commands: F) -> Self {
        Self { runner, commands }
    }
}

#[async_trait]
impl<F: Fn(&StepRun<'_>) -> Vec<CommandSpec> + Send + Sync> StepRunner for CommandSteps<F> {
    async fn run(&self, run: StepRun<'_>) -> Result<Value, StepError> {
        let commands = (self.commands)(&run).into_iter();
        let outputs = join_all(commands.map(|spec| self.runner.run(spec))).await;
        let mut results = Vec::with_capacity(outputs.len());
        for output in outputs {
            let output = output.map_err(|error| StepError::new(error.to_string()))?;
            if !output.success() {
                let what =
                    format!("a command ended with {}: {}", output.exit, output.stderr.text());
                return Err(StepError::new(what));
            }
            results.push(json!(output.stdout.text()));
        }
        Ok(Value::Array(results))
    }

    fn resource(&self, _step: &WorkflowStep) -> Option<Resource> {
        Some(Resource::Cpu)
    }
}

/// Does the same with every item of a collection, as many at once as the governor allows. The results come in
/// the order of the items, whatever the order in which they were done. A refused item is tried again until
/// `attempts` are used up.
pub async fn map_items<I, T, F, Fut>(
    governor: &Governor,
    resource: Resource,
    items: impl IntoIterator<Item = I>,
    attempts: u32,
    work: F,
) -> Vec<Result<T, StepError>>
where
    I: Clone,
    F: Fn(I) -> Fut,
    Fut: Future<Output = Result<T, StepError>>,
{
    let one = async |item: I| {
        let mut attempt = 1;
        loop {
            let permit = governor.acquire(resource).await;
            match work(item.clone()).await {
                Ok(value) => {
                    permit.succeeded();
                    return Ok(value);
                }
                Err(error) if error.is_refused() && attempt < attempts => {
                    permit.refused(error.retry_after());
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    };
    join_all(items.into_iter().map(one)).await
}
