//! The workflow of a skill, run step after step and as its edges allow, through the bare agent with a model
//! that takes its time and commands that wait.
//!
//! ```text
//! cargo run --release -q -p skvm-examples --example workflow
//! ```

use std::io::Write;
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

const SKILL: &str = "---\nname: release-check\ndescription: Checks a release. Use before a release.\n---\n\
# Release check\n\n## Workflow\n\nDo these reviews in parallel, they are independent:\n\n\
1. Review `docs/api.md`\n2. Review `docs/guide.md`\n3. Review `src/parser.txt`\n4. Review `src/printer.txt`\n\
5. Review `tests/cases.txt`\n6. Review `CHANGELOG.md`\n7. Review `benches/table.md`\n8. Review `LICENSE.txt`\n\
9. Write `report.md` from all findings\n";

/// How long the model takes for an answer, and a command for its work.
const ANSWER: Duration = Duration::from_millis(60);
const COMMAND_SECONDS: &str = "0.2";

/// A model that takes its time: one command for each step, then a word about what it printed.
struct Unhurried(ModelId);

#[async_trait]
impl LlmBackend for Unhurried {
    fn model(&self) -> &ModelId {
        &self.0
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        tokio::time::sleep(ANSWER).await;
        Ok(match request.messages.last() {
            Some(Message::Tool { content, .. }) => {
                LlmResponse::text(content.lines().nth(1).unwrap_or("nothing"))
            }
            _ => {
                let command = format!("sleep {COMMAND_SECONDS} && echo looked at it");
                LlmResponse::tool_call("1", "execute_command", json!({"command": command}))
            }
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
    let skill = Skill::from_text("release-check", SKILL);
    let workflow = concurrency::extract(&skill);
    let facts = workflow.verify().map_err(|error| Stop::failed(error.to_string()))?;
    let folder = tempfile::tempdir()?;
    let agent = BareAgent::new(Arc::new(Unhurried(ModelId::from("unhurried"))));
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
    let mut out = std::io::stdout().lock();
    let speedup = sequential.took.as_secs_f64() / parallel.took.as_secs_f64();
    let bound = facts.speed_up_bound(workers);
    if json {
        let told = json!({
            "steps": workers,
            "sequential_ms": millis(sequential.took),
            "parallel_ms": millis(parallel.took),
            "speedup": (speedup * 100.0).round() / 100.0,
            "bound": bound,
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
