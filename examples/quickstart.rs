//! The whole story in one run, offline: a skill is loaded, a small target is measured, the skill is compiled for it
//! and run by an agent, once as its author wrote it and once compiled; then the task comes again and again with other
//! files, until no model is needed for it; and in the end a skill that is wrong gets right by itself.
//!
//! ```text
//! cargo run --release -p skvm-examples --example quickstart
//! ```
//!
//! No real model is asked, so that the story is the same on every machine. What is measured is a simulated model
//! with planted levels; what runs the task is a stand-in that copies the first command of the skill that it is
//! shown, fills in the file's name, and reports what came back. Commands are executed for real.

#![expect(clippy::print_stdout, reason = "an example is a program")]

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::json;
use skvm_core::artifact::{Dependencies, Workflow};
use skvm_core::capability::{CapabilityProfile, GapOutcome, Gaps, Primitive, Requirements};
use skvm_core::diagnostic::render;
use skvm_core::harness::{
    Harness, HarnessRun, NoHooks, Role, RunLimits, RunRecord, SkillView, Task, ToolOffer,
};
use skvm_core::llm::{LlmBackend, LlmError, LlmRequest, LlmResponse, Message};
use skvm_core::skill::Skill;
use skvm_core::target::{ModelId, Target};
use skvm_core::tokens;
use skvm_examples::usage::{Stop, finish};
use skvm_examples::{measuring, profiles, shipped_skill};
use skvm_passes::variant::Variant;
use skvm_probes::simulated::{SimulatedBrowser, SimulatedModel};
use skvm_runtime::adaptation::{AdaptPolicy, Decision};
use skvm_runtime::engine::{Event, RunRequest, SkVm};
use skvm_runtime::harness::bare::BareAgent;
use skvm_runtime::jit::{LearnedFor, SolidifiedReport, SolidifyPolicy};

/// A log in which something went wrong.
const LOG: &str = "\
2026-03-01T10:00:00Z INFO service started
2026-03-01T10:00:04Z WARN disk at 91 %
2026-03-01T10:00:09Z ERROR cannot write /var/spool/job-17: no space left
2026-03-01T10:00:11Z ERROR cannot write /var/spool/job-17: no space left
2026-03-01T10:00:12Z ERROR upload failed: connection reset
";

#[tokio::main]
async fn main() -> ExitCode {
    finish(story().await, "quickstart")
}

async fn story() -> Result<(), Stop> {
    if let Some(argument) = lexopt::Parser::from_env().next()? {
        return Err(argument.unexpected().into());
    }
    chapter(1, "Measure a target");
    let planted = profiles::find("synthetic-all-l1")?;
    let profile = measure(&planted).await?;
    let target = profile.target();
    let agent = Arc::new(BareAgent::new(Arc::new(StandIn(target.model.clone()))));
    let vm = SkVm::builder()
        .profile(profile)
        .harness(Arc::clone(&agent) as Arc<dyn Harness>)
        .solidify(SolidifyPolicy::default())
        .build();

    chapter(2, "Load a skill");
    let installed = vm.install(shipped_skill("log-summary")).await?;
    let Some((skill, variant)) =
        installed.skills.first().and_then(|first| Some((&first.skill, first.variants.first()?)))
    else {
        return Err(Stop::failed("the shipped skill was not found"));
    };
    tell_skill(skill);

    chapter(3, "Compare it with the target");
    println!("The target is {target}, as it was measured.");
    tell_gaps(variant)?;

    chapter(4, "Compile it");
    println!("Each change has a reason: the rule, the primitive capability, and the levels.\n");
    println!("{}", variant.edits().diff(skill.source()));
    println!(
        "The variant is {}, about {} tokens (before: {}). Every change was verified by the guard.",
        variant.digest().short(),
        tokens::estimate(variant.text()),
        tokens::estimate(skill.source())
    );

    chapter(5, "Know what it needs, and in which order it works");
    tell_needs(variant)?;

    chapter(6, "Run it");
    let workdir = tempfile::tempdir()?;
    fs::write(workdir.path().join("app.log"), LOG)?;
    let task = Task::new("What went wrong in app.log?");
    println!(
        "The task: {}\nThe model is a stand-in that copies the skill's first command.\n",
        task.prompt
    );
    println!("With the skill as its author wrote it:");
    tell_run(&run_uncompiled(&agent, skill, &task, workdir.path()).await?);
    println!("\nWith the compiled skill:");
    let request =
        RunRequest::new(task, target.clone(), workdir.path()).with_skill(Arc::clone(skill));
    let outcome = vm.run(request).await?;
    tell_run(&outcome.record);
    println!(
        "\nThe session's trace has {} turns and is kept under the skill's digest {}.",
        outcome.trace.turns.len(),
        skill.digest().short()
    );

    chapter(7, "Run it again and again");
    let learned = LearnedFor::target(&target).with_skill(skill, Some(variant));
    repeat(&vm, &target, skill, workdir.path()).await?;
    tell_learned(&vm.solidified(learned).await?);

    chapter(8, "Let a failure become a fix");
    heal(&target, workdir.path()).await
}

/// A skill that tells an option which its own script does not have.
const WRONG_SKILL: &str = "\
---
name: error-count
description: Counts the errors in a log. Use when asked how many errors a log has.
---
# Count errors

```sh
sh {place}/scripts/count.sh app.log --kind errors
```
";
const WRONG_SCRIPT: &str = "\
if [ \"$2\" != --level ]; then
    echo \"error: unexpected argument '$2' found\" >&2
    exit 2
fi
grep -c ERROR \"$1\"
";

/// The same task with a skill that is wrong, until it is right.
async fn heal(target: &Target, workdir: &Path) -> Result<(), Stop> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("error-count");
    fs::create_dir_all(root.join("scripts"))?;
    let place = root.to_string_lossy().into_owned();
    fs::write(root.join("SKILL.md"), WRONG_SKILL.replace("{place}", &place))?;
    fs::write(root.join("scripts/count.sh"), WRONG_SCRIPT)?;
    let skill = Arc::new(Skill::load(&root).map_err(|error| Stop::failed(error.to_string()))?);
    let agent = BareAgent::new(Arc::new(Copier(target.model.clone())));
    let vm = SkVm::builder()
        .target(target.clone())
        .harness(Arc::new(agent))
        .store_at(folder.path().join("skvm.sqlite"))?
        .adapt(AdaptPolicy::default())
        .build();
    let mut events = vm.events();
    println!(
        "The skill tells the option --kind; its script has only --level. The stand-in reads the message and mends \
         the command, every time anew:\n"
    );
    for run in 1..=24 {
        let task = Task::new("How many errors are in app.log?");
        let request = RunRequest::new(task, target.clone(), workdir).with_skill(Arc::clone(&skill));
        let outcome = vm.run(request).await?;
        let mut told = Vec::new();
        while let Some(Some(event)) = events.next().now_or_never() {
            match event {
                Event::Adapted {
                    decision: Decision::Diagnosed { cause, sessions, of, .. },
                    ..
                } => {
                    told.push(format!("in {sessions} of {of} runs {cause}"));
                }
                Event::Adapted { decision: Decision::TrialStarted { .. }, .. } => {
                    told.push("a new variant gets every other run".to_owned());
                }
                Event::Adapted { decision: Decision::TrialEnded { won, pairs, .. }, .. } => {
                    told.push(format!("it was better in {won} of {pairs} pairs, and is kept"));
                }
                _ => {}
            }
        }
        if !told.is_empty() || run == 1 || run == 24 {
            let calls = outcome.record.model_calls;
            println!("  run {run:>2}: {calls} model calls. {}", told.join("; "));
        }
    }
    let variant = vm.load(&skill, target).await?.variant;
    println!("\n{}", variant.edits().diff(skill.source()));
    let history = vm.history(&skill, target).await?;
    for activation in &history.activations {
        let fared = history.fared.get(&activation.variant).copied().unwrap_or_default();
        println!(
            "  {} became active ({:?}): {} runs went clean, {} were mended on the way.",
            activation.variant.short(),
            activation.reason,
            fared.clean,
            fared.mended
        );
    }
    Ok(())
}

/// The same task about one file after the other.
async fn repeat(
    vm: &SkVm,
    target: &Target,
    skill: &Arc<Skill>,
    workdir: &Path,
) -> Result<(), Stop> {
    println!("The same task, each time about another file:\n");
    for (number, name) in ["web1", "web2", "mail3", "db4", "web5"].into_iter().enumerate() {
        fs::write(
            workdir.join(name).with_extension("log"),
            LOG.replace("job-17", &format!("job-{}", number + 21)),
        )?;
        let task = Task::new(format!("What went wrong in {name}.log?"));
        let request = RunRequest::new(task, target.clone(), workdir).with_skill(Arc::clone(skill));
        let record = vm.run(request).await?.record;
        println!(
            "  {}. {name}.log: {} model calls, {} lines of answer",
            number + 1,
            record.model_calls,
            record.text.lines().count()
        );
    }
    Ok(())
}

fn tell_learned(reports: &[SolidifiedReport]) {
    for report in reports {
        let counters = report.counters;
        println!(
            "\nLearned: {:?}, {}; {} of {} predictions were right, {} model calls saved.",
            report.wording.as_deref().unwrap_or_default(),
            report.state,
            counters.correct,
            counters.predictions,
            counters.saved_calls
        );
    }
}

/// Measures a simulated model of these levels.
async fn measure(planted: &CapabilityProfile) -> Result<CapabilityProfile, Stop> {
    const SEED: u64 = 7;
    println!(
        "The target is a simulated small model that does the simple form (L1) of everything and errs now and \
         then. It is put seeded instances of 26 primitive capabilities, through the bare agent, until the \
         evidence decides.\n"
    );
    let model =
        SimulatedModel::new(planted.model.as_str(), planted.clone(), SEED).with_chances(0.95, 0.05);
    let harness = measuring::agent(model).with_tool(Arc::new(SimulatedBrowser::new()));
    let run = measuring::profiler(Arc::new(harness), planted.model.as_str())
        .with_seed(SEED)
        .run()
        .await?;
    let as_planted =
        run.profile.levels().filter(|(p, level)| planted.level(*p) == Some(*level)).count();
    for primitive in [Primitive::GenCodeShell, Primitive::ReasonPlanning, Primitive::ToolExec] {
        let Some(detail) = run.profile.detail(primitive) else { continue };
        let counts: Vec<String> = detail
            .level_results
            .iter()
            .map(|result| format!("{} {}/{}", result.level, result.pass_count, result.judged()))
            .collect();
        println!("{:<16} {} ({} passed)", primitive.id(), detail.highest_level, counts.join(", "));
    }
    println!("…");
    println!(
        "{} primitives measured with {} instances; {as_planted} are as they were planted.",
        run.profile.levels().count(),
        run.judged
    );
    for (primitive, reason) in &run.profile.unmeasured {
        println!("{primitive} is unmeasured: {}", reason.detail);
    }
    Ok(run.profile)
}

fn chapter(number: usize, title: &str) {
    println!("\n{number}. {title}\n{}", "-".repeat(title.len() + 3));
}

fn tell_skill(skill: &Skill) {
    println!("{}: {}", skill.name(), skill.description().unwrap_or("").trim());
    println!(
        "{} sections, {} code blocks, {} bundle files",
        skill.document().sections().len() - 1,
        skill.document().fences().len(),
        skill.bundle().files().len()
    );
    for found in skill.diagnostics() {
        println!("{}", render(found, skill.entry(), skill.source()));
    }
}

fn tell_gaps(variant: &Variant) -> Result<(), Stop> {
    let requirements = variant.artifacts().get::<Requirements>()?.unwrap_or_default();
    let gaps = variant.artifacts().get::<Gaps>()?.unwrap_or_default();
    let demanded = requirements.by_primitive();
    println!(
        "The skill demands {} primitive capabilities. Where the target falls short:\n",
        demanded.len()
    );
    for gap in &gaps.gaps {
        let has = gap.model_level.map_or("unmeasured".to_owned(), |level| level.to_string());
        let outcome = match gap.outcome {
            GapOutcome::Closed => "closed by compiling",
            GapOutcome::Substituted => "led around by compiling",
            GapOutcome::Open | GapOutcome::Unclosable => "stays open",
        };
        println!(
            "  {:<18} needs {}, has {has}: {outcome}   (for {:?})",
            gap.primitive, gap.required_level, gap.purpose_id
        );
    }
    Ok(())
}

fn tell_needs(variant: &Variant) -> Result<(), Stop> {
    let dependencies = variant.artifacts().get::<Dependencies>()?.unwrap_or_default();
    println!("To be installed or set:");
    for dependency in &dependencies.entries {
        let shown = dependency.evidence.first().map_or("", |evidence| evidence.quote.as_str());
        println!("  {:?} {}   (seen in: {shown})", dependency.kind, dependency.name);
    }
    let workflow = variant.artifacts().get::<Workflow>()?.unwrap_or_default();
    println!("\nThe procedure, step by step:");
    for step in &workflow.steps {
        println!("  {}. {}", step.label, step.title);
    }
    Ok(())
}

/// The same run without compiling, for comparison.
async fn run_uncompiled(
    agent: &BareAgent,
    skill: &Skill,
    task: &Task,
    workdir: &Path,
) -> Result<RunRecord, Stop> {
    let view = SkillView::of(skill);
    let run = HarnessRun {
        task,
        model: None,
        skill: Some(&view),
        environment: None,
        tools: ToolOffer::Own,
        workdir,
        limits: RunLimits::default(),
        hooks: &mut NoHooks,
        on_event: &|_| (),
    };
    Ok(agent.run(run).await?)
}

fn tell_run(record: &RunRecord) {
    for step in &record.steps {
        for call in &step.tool_calls {
            match &call.output {
                None => println!("  the model calls {} {}", call.name, call.input),
                Some(output) => println!("    {}", output.trim().replace('\n', "\n    ")),
            }
        }
        if step.role == Role::Assistant && !step.text.is_empty() {
            println!("  the model says: {}", step.text.replace('\n', "\n    "));
        }
    }
    println!("  => {:?}, {} model calls", record.status, record.model_calls);
}

/// A stand-in for a model that copies a command, and mends it when it is told what is wrong.
#[derive(Debug)]
struct Copier(ModelId);

#[async_trait]
impl LlmBackend for Copier {
    fn model(&self) -> &ModelId {
        &self.0
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        let shown = request.system.unwrap_or_default();
        let line = shown.lines().find(|line| line.contains("scripts/count.sh")).unwrap_or("");
        let id = format!("call_{}", request.messages.len());
        let command = match request.messages.last() {
            Some(Message::Tool { content, .. }) if content.contains("exit status: 0") => {
                return Ok(LlmResponse::text(format!("It has that many: {content}")));
            }
            Some(Message::Tool { .. }) => line.replace("--kind", "--level"),
            _ => line.to_owned(),
        };
        Ok(LlmResponse::tool_call(id, "execute_command", json!({ "command": command })))
    }
}

/// A stand-in for a small model: it does what it is shown, to the letter.
#[derive(Debug)]
struct StandIn(ModelId);

#[async_trait]
impl LlmBackend for StandIn {
    fn model(&self) -> &ModelId {
        &self.0
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        if let Some(Message::Tool { content, .. }) = request.messages.last() {
            let worked = content.contains("exit status: 0");
            return Ok(LlmResponse::text(if worked {
                format!("The log shows:\n{content}")
            } else {
                "I could not run the script.".to_owned()
            }));
        }
        let task = request.messages.first().map_or("", Message::text);
        let file = task.split_whitespace().last().unwrap_or("").trim_end_matches('?');
        // The line with the script, and the variables to fill in above it.
        let shown = request.system.unwrap_or_default();
        let lines: Vec<&str> = shown.lines().map(str::trim).collect();
        let at =
            lines.iter().position(|line| line.contains("summary.sh ") && line.contains(['<', '$']));
        let mut command = Vec::new();
        if let Some(at) = at {
            let set = lines[..at].iter().rev().take_while(|line| line.contains("# fill in:"));
            command.extend(set.map(|line| line.replace("''", &format!("'{file}'"))));
            command.push(lines[at].replace("<log-file>", file));
        }
        let command = command.join("\n");
        Ok(LlmResponse::tool_call("call_1", "execute_command", json!({"command": command})))
    }
}
