//! Repeated work that needs fewer and fewer model calls, and in the end none; then its environment breaks.
//!
//! ```text
//! cargo run --release -q -p skvm-examples --example solidify
//! ```
//!
//! Two tasks come again and again with other values: a table that is converted by a Python program that the
//! model writes anew each time, in other words, and an invoice that takes three calls, each with values out of the
//! one before. The model is scripted and takes a second for an answer, or as long as a real one behind `--base-url`
//! takes for the same request; its calls are executed for real by the bare agent.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use skvm_core::harness::{RunStatus, Task};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_examples::clerk::{Clerk, TOOLS};
use skvm_examples::shipped_skill;
use skvm_examples::usage::{Stop, finish};
use skvm_runtime::backend::OpenAiCompatible;
use skvm_runtime::engine::{RunOutcome, RunRequest, SkVm};
use skvm_runtime::harness::bare::BareAgent;
use skvm_runtime::jit::{LearnedFor, SolidifiedReport, SolidifyPolicy};

const USAGE: &str = "solidify [--base-url URL --model ID] [--latency MILLISECONDS] [--json]";

/// The model of the target: what is learned holds for it.
const MODEL: &str = "clerk";

struct Arguments {
    endpoint: Option<(String, String)>,
    latency: Duration,
    json: bool,
}

/// One of the two tasks.
#[derive(Clone, Copy, PartialEq)]
enum Work {
    Convert,
    Invoice,
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Self::Convert => "convert",
            Self::Invoice => "invoice",
        }
    }

    /// How many calls it takes.
    fn calls(self) -> usize {
        match self {
            Self::Convert => 1,
            Self::Invoice => 3,
        }
    }

    /// The task of one run: each has values of its own.
    fn task(self, run: usize) -> String {
        const REGIONS: [&str; 8] =
            ["north1", "south2", "east3", "west4", "coast5", "hills6", "lakes7", "plains8"];
        const CUSTOMERS: [&str; 8] =
            ["Acme", "Birch", "Cobalt", "Dover", "Ember", "Fjord", "Grove", "Helix"];
        let region = REGIONS.get(run).copied().unwrap_or("north1");
        let customer = CUSTOMERS.get(run).copied().unwrap_or("Acme");
        match self {
            Self::Convert => format!("Convert data/{region}.csv to JSON lines."),
            Self::Invoice => {
                format!("Write the invoice of {customer} for 2026-{:02} and check it.", run + 1)
            }
        }
    }

    /// Breaks what the task stands on before one of the runs, and mends it before the next, where the model has
    /// not done it.
    fn prepare(self, run: usize, folder: &Path) -> std::io::Result<()> {
        match (self, run) {
            // The file of one run has another delimiter than all others.
            (Self::Convert, BROKEN) => {
                let file = folder.join("data/lakes7.csv");
                fs::write(&file, fs::read_to_string(&file)?.replace(',', ";"))
            }
            // The program of the first call is gone.
            (Self::Invoice, BROKEN) => fs::remove_file(folder.join("tools/lookup.py")),
            _ => Ok(()),
        }
    }
}

/// How often each task is done, and the run in which its environment is broken.
const RUNS: usize = 8;
const BROKEN: usize = 6;

fn main() -> ExitCode {
    finish(arguments().and_then(run), USAGE)
}

fn arguments() -> Result<Arguments, Stop> {
    use lexopt::prelude::{Long, ValueExt};

    let (mut base_url, mut model) = (None, None);
    let mut parsed = Arguments { endpoint: None, latency: Duration::from_secs(1), json: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("base-url") => base_url = Some(parser.value()?.string()?),
            Long("model") => model = Some(parser.value()?.string()?),
            Long("latency") => parsed.latency = Duration::from_millis(parser.value()?.parse()?),
            Long("json") => parsed.json = true,
            Long("help") => return Err(Stop::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    parsed.endpoint = match (base_url, model) {
        (Some(base_url), Some(model)) => Some((base_url, model)),
        (None, None) => None,
        _ => return Err(Stop::usage("--base-url and --model belong together")),
    };
    Ok(parsed)
}

#[tokio::main]
async fn run(arguments: Arguments) -> Result<(), Stop> {
    let clerk = match &arguments.endpoint {
        Some((base_url, model)) => {
            let endpoint = OpenAiCompatible::builder(base_url.as_str(), model.as_str()).build()?;
            Clerk::behind(MODEL, Arc::new(endpoint))
        }
        None => Clerk::new(MODEL, arguments.latency),
    };
    let target = Target::new(MODEL, "bare-agent");
    let vm = SkVm::builder()
        .harness(Arc::new(BareAgent::new(Arc::new(clerk))))
        .solidify(SolidifyPolicy::default())
        .build();
    let skill = Arc::new(Skill::load(shipped_skill("csv-analysis"))?);
    let variant = vm.compile(&skill, &target).await?;
    let learned = LearnedFor::target(&target).with_skill(&skill, Some(&variant));
    let folder = tempfile::tempdir()?;
    write_office(folder.path())?;
    let mut out = std::io::stdout().lock();
    for work in [Work::Convert, Work::Invoice] {
        for number in 0..RUNS {
            work.prepare(number, folder.path())?;
            let task = work.task(number);
            let request = RunRequest::new(Task::new(&task), target.clone(), folder.path())
                .with_skill(Arc::clone(&skill));
            let started = Instant::now();
            let outcome = vm.run(request).await?;
            let micros = started.elapsed().as_micros();
            check(work, &task, &outcome)?;
            let report = report_of(work, vm.solidified(learned).await?);
            let state = report.as_ref().map_or("unseen".to_owned(), |it| it.state.to_string());
            let (calls, tokens) = (outcome.record.model_calls, tokens(&outcome));
            if arguments.json {
                let told = json!({
                    "task": work.name(),
                    "run": number + 1,
                    "model_calls": calls,
                    "tokens": tokens,
                    "micros": u64::try_from(micros).unwrap_or(u64::MAX),
                    "state": state,
                });
                writeln!(out, "{told}")?;
            } else {
                let broken = if number == BROKEN { "  (its environment is broken)" } else { "" };
                writeln!(
                    out,
                    "{:<8} {}  {calls} model calls  {tokens:>6} tokens  {:>7.1} ms  {state}{broken}",
                    work.name(),
                    number + 1,
                    micros as f64 / 1000.0
                )?;
            }
            out.flush()?;
        }
        if !arguments.json {
            tell(&mut out, report_of(work, vm.solidified(learned).await?).as_ref())?;
        }
    }
    Ok(())
}

/// What was learned of a task.
fn report_of(work: Work, reports: Vec<SolidifiedReport>) -> Option<SolidifiedReport> {
    reports.into_iter().find(|report| report.calls.len() == work.calls())
}

/// Tokens of the model's own answers.
fn tokens(outcome: &RunOutcome) -> u64 {
    outcome.record.usage.total().unwrap_or(0)
}

/// Whether a run did what it was asked for, whoever did it.
fn check(work: Work, task: &str, outcome: &RunOutcome) -> Result<(), Stop> {
    let expected = match work {
        Work::Convert => "4 rows",
        Work::Invoice => "and it adds up",
    };
    if outcome.record.status == RunStatus::Ok && outcome.record.text.contains(expected) {
        return Ok(());
    }
    let record = &outcome.record;
    let told = record.status_detail.as_ref().unwrap_or(&record.text);
    Err(Stop::failed(format!("{task:?} ended with {:?}: {told}", record.status)))
}

fn tell(out: &mut impl Write, report: Option<&SolidifiedReport>) -> Result<(), Stop> {
    let Some(report) = report else { return Ok(()) };
    let counters = report.counters;
    writeln!(out, "\n  {}", report.wording.as_deref().unwrap_or("(nothing is understood yet)"))?;
    for call in &report.calls {
        writeln!(out, "  → {}", call.replace('\n', "\n    "))?;
    }
    writeln!(
        out,
        "  {} of {} predictions were right; {} runs answered, {} of them given back to the model;\n  \
         {} model calls, {} tokens and {} ms of waiting saved\n",
        counters.correct,
        counters.predictions,
        counters.answered,
        counters.side_exits,
        counters.saved_calls,
        counters.saved_tokens.unwrap_or(0),
        counters.saved_ms
    )?;
    Ok(())
}

/// Tables to convert, and the programs for invoices.
fn write_office(folder: &Path) -> std::io::Result<()> {
    fs::create_dir(folder.join("data"))?;
    for run in 0..RUNS {
        let task = Work::Convert.task(run);
        let file = task.split_whitespace().nth(1).unwrap_or_default();
        let rows: String =
            (1..=4).map(|row| format!("2026-0{row}-01,{},{}\n", run * 10 + row, row * 7)).collect();
        fs::write(folder.join(file), format!("date,amount,weight\n{rows}"))?;
    }
    fs::create_dir_all(folder.join("tools/spare"))?;
    for (name, text) in TOOLS {
        fs::write(folder.join("tools").join(name), text)?;
        fs::write(folder.join("tools/spare").join(name), text)?;
    }
    Ok(())
}
