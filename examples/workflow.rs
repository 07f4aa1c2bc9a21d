//! The workflow of a skill, run step after step and as its edges allow, through the bare agent with a model
//! that takes its time and commands that wait.
//!
//! ```text
//! cargo run --release -q -p skvm-examples --example workflow
//! ```

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use skvm_core::artifact::{StepId, Workflow, WorkflowFacts};
use skvm_core::harness::SkillView;
use skvm_core::llm::{LlmBackend, LlmError, LlmRequest, LlmResponse, Message};
use skvm_core::skill::Skill;
use skvm_core::target::ModelId;
use skvm_examples::usage::{Stop, finish};
use skvm_passes::concurrency;
use skvm_runtime::harness::bare::BareAgent;
use skvm_runtime::scheduler::{
    Execution, ExecutionPolicy, Governor, GovernorBounds, HarnessSteps, HostSignals,
    SchedulerEvent, StepOutcome, WorkflowExecutor,
};

const USAGE: &str = "workflow [--json]";

/// How long the model takes for an answer.
const ANSWER: Duration = Duration::from_millis(60);

/// A model that takes its time: for each step one call, as the skill says, then a word about its result.
struct Unhurried {
    model: ModelId,
    script: PathBuf,
}

impl Unhurried {
    /// The call for a step: the report gets what the steps before it gave, any other file a review.
    fn call(&self, step: &str) -> LlmResponse {
        let (title, findings) = step.split_once("\n\n").unwrap_or((step, ""));
        let file = title.split('`').nth(1).unwrap_or_default();
        if title.contains("Write") {
            let findings: String = findings
                .lines()
                .filter(|line| line.contains(" words, "))
                .flat_map(|l| [l, "\n"])
                .collect();
            return LlmResponse::tool_call(
                "1",
                "write_file",
                json!({"path": file, "content": findings}),
            );
        }
        let command = format!("REVIEW_SECONDS=0.2 sh '{}' {file}", self.script.display());
        LlmResponse::tool_call("1", "execute_command", json!({"command": command}))
    }
}

#[async_trait]
impl LlmBackend for Unhurried {
    fn model(&self) -> &ModelId {
        &self.model
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        tokio::time::sleep(ANSWER).await;
        Ok(match request.messages.last() {
            Some(Message::Tool { content, .. }) => {
                let finding = content.lines().find(|line| line.contains(" words, "));
                LlmResponse::text(finding.unwrap_or(content))
            }
            Some(asked) => {
                let text = asked.text();
                self.call(
                    text.split_once("Do only this step of it: ").map_or(text, |(_, step)| step),
                )
            }
            None => LlmResponse::text(""),
        })
    }
}

fn main() -> ExitCode {
    finish(arguments().and_then(run), USAGE)
}

fn arguments() -> Result<bool, Stop> {
    use lexopt::prelude::Long;

    let mut json = false;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("json") => json = true,
            Long("help") => return Err(Stop::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(json)
}

#[tokio::main]
async fn run(json: bool) -> Result<(), Stop> {
    let skill = Skill::load(Path::new(env!("CARGO_MANIFEST_DIR")).join("release-check"))?;
    let workflow = concurrency::extract(&skill);
    let facts = workflow.verify().map_err(|error| Stop::failed(error.to_string()))?;
    let folder = tempfile::tempdir()?;
    write_project(folder.path())?;
    let script = skill.root().join("scripts/review.sh");
    let model = Unhurried { model: ModelId::from("unhurried"), script };
    let agent = BareAgent::new(Arc::new(model));
    let runner = HarnessSteps::new(Arc::new(agent), "check the release", folder.path())
        .with_skill(SkillView::of(&skill));
    let workers = workflow.steps.len();
    let execute = async |parallel: usize| {
        let steps = workflow.steps.len();
        let bounds = GovernorBounds { model: parallel, ..GovernorBounds::default() };
        let executor = WorkflowExecutor::new()
            .with_policy(ExecutionPolicy { parallel, ..ExecutionPolicy::default() })
            .with_governor(Governor::with(bounds, HostSignals).warmed_up())
            .with_observer(move |event| progress(event, steps));
        executor.run(&workflow, &runner).await.map_err(|error| Stop::failed(error.to_string()))
    };
    let sequential = execute(1).await?;
    let parallel = execute(workers).await?;
    if !sequential.is_done() || !parallel.is_done() {
        return Err(Stop::failed("a step was not done"));
    }
    let report = std::fs::read_to_string(folder.path().join("report.md"))?;
    if report.lines().count() + 1 != workers {
        return Err(Stop::failed("the report does not have a line for each review"));
    }
    let mut out = std::io::stdout().lock();
    let speedup = sequential.took.as_secs_f64() / parallel.took.as_secs_f64();
    let bound = speedup_bound(&workflow, &sequential, workers);
    if json {
        let told = json!({
            "steps": workers,
            "sequential_ms": millis(sequential.took),
            "parallel_ms": millis(parallel.took),
            "speedup": (speedup * 100.0).round() / 100.0,
            "bound": (bound * 100.0).round() / 100.0,
        });
        writeln!(out, "{told}")?;
    } else {
        tell(&mut out, &workflow, &facts, &parallel)?;
        writeln!(
            out,
            "one after the other {} ms, as the edges allow {} ms: {speedup:.2} times faster, at most {bound:.2}",
            millis(sequential.took),
            millis(parallel.took)
        )?;
    }
    Ok(())
}

/// How much faster than one after the other it can be at best, by what each step took then.
fn speedup_bound(workflow: &Workflow, sequential: &Execution, workers: usize) -> f64 {
    let took = |step: usize| match sequential.steps.get(step) {
        Some(StepOutcome::Done { took, .. }) => took.as_secs_f64(),
        _ => 0.0,
    };
    let work: f64 = (0..workflow.steps.len()).map(took).sum();
    // Steps wait only for steps above them, so one pass in their order gives the longest path.
    let mut ends: Vec<f64> = Vec::with_capacity(workflow.steps.len());
    for step in 0..workflow.steps.len() {
        let before = workflow.edges.iter().filter(|edge| edge.to.0 == step);
        let start =
            before.filter_map(|edge| ends.get(edge.from.0)).fold(0.0, |a: f64, b| a.max(*b));
        ends.push(start + took(step));
    }
    let path = ends.iter().fold(0.0, |a: f64, b| a.max(*b));
    work / path.max(work / workers as f64)
}

/// The project that is checked.
fn write_project(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir(folder.join("docs"))?;
    for name in ["api", "guide", "errors", "install", "formats"] {
        let text = format!("# The {name}\n\nWhat there is to say.\n\nTODO: say it.\n");
        std::fs::write(folder.join("docs").join(name).with_extension("md"), text)?;
    }
    for name in ["CHANGELOG", "CONTRIBUTING", "SECURITY"] {
        std::fs::write(folder.join(name).with_extension("md"), format!("# {name}\n\nAs ever.\n"))?;
    }
    Ok(())
}

/// A bar on standard error.
#[expect(clippy::print_stderr, reason = "the examples are programs")]
fn progress(event: &SchedulerEvent, steps: usize) {
    if let SchedulerEvent::Ended { ended, .. } = event {
        let open = steps.saturating_sub(*ended);
        let end = if open == 0 { "\n" } else { "" };
        eprint!("\r[{}{}] {ended}/{steps}{end}", "#".repeat(*ended), " ".repeat(open));
    }
}

/// The schedule: when each step began and how long it took.
fn tell(
    out: &mut impl Write,
    workflow: &Workflow,
    facts: &WorkflowFacts,
    execution: &Execution,
) -> Result<(), Stop> {
    const COLUMNS: f64 = 40.0;
    let scale = COLUMNS / execution.took.as_secs_f64();
    for (at, step) in workflow.steps.iter().enumerate() {
        let Some(StepOutcome::Done { started, took, .. }) = execution.steps.get(at) else {
            continue;
        };
        let column = |time: Duration| (time.as_secs_f64() * scale).round() as usize;
        let bar = "#".repeat(column(*took).max(1));
        let value = execution.value(StepId(at)).and_then(|value| value.as_str()).unwrap_or("");
        writeln!(
            out,
            "{:>2} {:<28} |{:<41}| {value}",
            step.label,
            step.title,
            format!("{}{bar}", " ".repeat(column(*started)))
        )?;
    }
    writeln!(
        out,
        "critical path {} steps, at most {} at once",
        facts.critical_path.len(),
        facts.width
    )?;
    Ok(())
}

fn millis(time: Duration) -> u128 {
    time.as_millis()
}
