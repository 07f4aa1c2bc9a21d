//! One task with one skill, through the bare agent, or an agent that is a program of its own, and a model behind an
//! endpoint.
//!
//! ```text
//! cargo run --release -q -p skvm-examples --example agent -- --skill examples/skills/log-summary \
//!     --task "What went wrong in app.log?" --base-url http://127.0.0.1:8080/v1 --model my-model --harness pi
//! ```
//!
//! The harness is `bare` (the default), `pi`, `openclaw`, `hermes`, `jiuwenclaw`, `opencode`, `codex` or `claude-code`;
//! its program must be on `PATH`. The endpoint speaks chat completions, for `codex` responses, and for `claude-code`
//! messages. With `--discover` the model gets the skill's name and reads it when it needs it, instead of having all of it
//! in the prompt.
//!
//! With `--json` each event is a JSON object on a line of its own, and the last line is the record. The
//! key, if the endpoint wants one, is read from the environment variable `SKVM_API_KEY`. The exit status
//! is 0 when the model gave its final answer, and 1 otherwise.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use skvm_core::harness::{
    Harness, HarnessEvent, Role, RunLimits, RunRecord, RunStatus, SkillMode, Task,
};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_examples::profiles;
use skvm_examples::usage::{Stop, finish};
use skvm_runtime::backend::OpenAiCompatible;
use skvm_runtime::engine::{Event, EventStream, RunRequest, SkVm};
use skvm_runtime::harness::bare::{BARE_AGENT, BareAgent};
use skvm_runtime::harness::cli::{Cli, CliHarness, Detection};
use skvm_runtime::provider::{ApiKey, Endpoint, WireFormat};

const USAGE: &str = "agent --skill DIR --task TEXT --base-url URL --model ID [--harness NAME] [--discover] [--deadline SECONDS] [--workdir DIR] [--json]";
const KEY_VARIABLE: &str = "SKVM_API_KEY";

struct Arguments {
    skill: PathBuf,
    task: String,
    base_url: String,
    model: String,
    /// The agent's program; the bare agent without.
    cli: Option<Cli>,
    mode: SkillMode,
    limits: RunLimits,
    workdir: Option<PathBuf>,
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match arguments() {
        Ok(arguments) => run(arguments).await,
        Err(stop) => Err(stop),
    };
    finish(outcome, USAGE)
}

fn arguments() -> Result<Arguments, Stop> {
    use lexopt::ValueExt;
    use lexopt::prelude::Long;

    let (mut skill, mut task, mut base_url, mut model) = (None, None, None, None);
    let (mut workdir, mut json, mut cli) = (None, false, None);
    let (mut mode, mut limits) = (SkillMode::Inject, RunLimits::default());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("skill") => skill = Some(PathBuf::from(parser.value()?)),
            Long("task") => task = Some(parser.value()?.string()?),
            Long("base-url") => base_url = Some(parser.value()?.string()?),
            Long("model") => model = Some(parser.value()?.string()?),
            Long("workdir") => workdir = Some(PathBuf::from(parser.value()?)),
            Long("json") => json = true,
            Long("help") => return Err(Stop::Help),
            Long("harness") => match parser.value()?.string()?.as_str() {
                "bare" | BARE_AGENT => cli = None,
                other => {
                    let known = other
                        .parse()
                        .map_err(|_| Stop::usage(format!("no harness is called {other:?}")));
                    cli = Some(known?);
                }
            },
            Long("discover") => mode = SkillMode::Discover,
            Long("deadline") => limits.deadline = Duration::from_secs(parser.value()?.parse()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let missing = |name: &str| Stop::usage(format!("--{name} is missing"));
    if let Some(path) = skill.iter().chain(&workdir).find(|path| !path.exists()) {
        return Err(Stop::usage(format!("there is no {}", path.display())));
    }
    if let Some(path) = workdir.iter().find(|path| !path.is_dir()) {
        return Err(Stop::usage(format!("{} is no folder", path.display())));
    }
    Ok(Arguments {
        skill: skill.ok_or_else(|| missing("skill"))?,
        task: task.ok_or_else(|| missing("task"))?,
        base_url: base_url.ok_or_else(|| missing("base-url"))?,
        model: model.ok_or_else(|| missing("model"))?,
        cli,
        mode,
        limits,
        workdir,
        json,
    })
}

async fn run(arguments: Arguments) -> Result<(), Stop> {
    let Arguments { skill, task, base_url, model, cli, mode, limits, workdir, json } = arguments;
    let harness = harness(cli, &base_url, &model).await?;
    let target = Target::new(model.as_str(), harness.id().clone());
    let mut vm = SkVm::builder().harness(harness);
    match profiles::of(&target)? {
        Some(profile) => vm = vm.profile(profile),
        None => eprintln!("{target} is not measured, so the skill is compiled without a profile"),
    }
    let vm = vm.build();

    // A folder of its own, removed afterwards, unless one is given.
    let temporary = tempfile::tempdir()?;
    let workdir = workdir.unwrap_or_else(|| temporary.path().to_owned());
    let mut request =
        RunRequest::new(Task::new(task), target, workdir).with_skill(Arc::new(Skill::load(skill)?));
    (request.mode, request.limits) = (mode, limits);

    let printer = tokio::spawn(print_events(vm.events(), json));
    // Dropping the run ends what it has started.
    let outcome = tokio::select! {
        outcome = vm.run(request) => outcome.map_err(Stop::from),
        () = interrupted() => Err(Stop::failed("interrupted")),
    };
    drop(vm);
    // The stream ends with the engine, so the printer does too; its failure would lose only lines.
    let _printed = printer.await;
    let record = outcome?.record;
    if json {
        println!("{}", as_event(&record)?);
    } else {
        tell(&record);
    }
    match record.status {
        RunStatus::Ok => Ok(()),
        status => {
            let detail = record.status_detail.unwrap_or_default();
            Err(Stop::failed(format!("the run ended as {status:?}: {detail}")))
        }
    }
}

/// The bare agent, or an adapter for a program, with the model behind it.
async fn harness(cli: Option<Cli>, base_url: &str, model: &str) -> Result<Arc<dyn Harness>, Stop> {
    let has_key = std::env::var_os(KEY_VARIABLE).is_some();
    let key = if has_key { Some(ApiKey::from_env(KEY_VARIABLE)?) } else { None };
    let Some(cli) = cli else {
        let backend = OpenAiCompatible::builder(base_url, model).api_key(key).build()?;
        return Ok(Arc::new(BareAgent::new(Arc::new(backend))));
    };
    let wire = cli.wires().first().copied().unwrap_or(WireFormat::ChatCompletions);
    let endpoint = Endpoint::new(wire, base_url, model).with_key(key);
    let harness = CliHarness::for_endpoint(cli, endpoint);
    match harness.detect().await {
        Detection::Missing(error) => return Err(Stop::Failed(Box::new(error))),
        found => eprintln!("{found}"),
    }
    Ok(Arc::new(harness))
}

/// Waits for Ctrl-C or a request to end.
async fn interrupted() {
    use tokio::signal::ctrl_c;
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut ended) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = ended.recv() => {}
                _ = ctrl_c() => {}
            }
            return;
        }
    }
    let _ = ctrl_c().await;
}

async fn print_events(mut events: EventStream, json: bool) {
    while let Some(event) = events.next().await {
        if json {
            println!("{}", serde_json::to_value(&event).unwrap_or(Value::Null));
            continue;
        }
        match event {
            Event::Compiled { skill, edits, micros, .. } => {
                println!("compiled {skill}: {edits} edits in {micros} µs");
            }
            Event::Harness { event: HarnessEvent::Stepped { turn, step }, .. } => {
                for call in &step.tool_calls {
                    match &call.output {
                        None => println!("[{turn}] calls {} {}", call.name, call.input),
                        Some(output) => println!("[{turn}] gets {output}"),
                    }
                }
                if step.role == Role::Assistant && !step.text.is_empty() {
                    println!("[{turn}] says {}", step.text);
                }
            }
            _ => {}
        }
    }
}

/// The record's fields, marked as the last event.
fn as_event(record: &RunRecord) -> Result<Value, Stop> {
    let mut value = serde_json::to_value(record)?;
    if let Value::Object(fields) = &mut value {
        fields.insert("kind".to_owned(), json!("record"));
    }
    Ok(value)
}

fn tell(record: &RunRecord) {
    let known = |tokens: Option<u64>| tokens.map_or("unknown".to_owned(), |n| n.to_string());
    println!(
        "\n{:?} after {} model calls and {} ms; tokens read {}, written {}",
        record.status,
        record.model_calls,
        record.duration_ms,
        known(record.usage.input),
        known(record.usage.output)
    );
    for note in &record.notes {
        println!("noticed: {}", note.message);
    }
}
