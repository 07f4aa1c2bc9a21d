//! Measures a target's 26 primitive capabilities.
//!
//! ```text
//! cargo run --release -q -p skvm-examples --example profile -- --simulate examples/profiles/qwen3.5-9b--bare-agent.json
//! cargo run --release -q -p skvm-examples --example profile -- --base-url http://127.0.0.1:8080/v1 \
//!     --model my-model --seed 7 --out my-model.json
//! cargo run --release -q -p skvm-examples --example profile -- --recovery 20 --success 0.95 --failure 0.1 --json
//! ```
//!
//! The first measures a simulated model with the levels of the file: it shows the machinery and says nothing about
//! any real model. The second measures a model behind an OpenAI-compatible endpoint through the bare agent; the key,
//! if the endpoint wants one, is read from the environment variable `SKVM_API_KEY`. What was judged is kept in
//! `OUT.journal` (without `--out` in a file named by the work in the temporary folder), so that a run that was
//! broken off goes on from there; `--fresh` begins anew. With `--primitives` and an `OUT` that exists, the newly
//! measured primitives take the place of the old ones in it. The third plants random profiles in simulated models and
//! tells how many primitives come back exactly.
//!
//! The exit status is 0 when everything that was asked for was measured, 1 when something is left unmeasured by a
//! fault.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use skvm_core::capability::{CapabilityProfile, Level, Primitive, UnmeasuredCause};
use skvm_core::harness::{Harness, RunLimits};
use skvm_core::journal::FileJournal;
use skvm_core::pass::Cancellation;
use skvm_examples::measuring::{self, Recovery};
use skvm_examples::profiles;
use skvm_examples::usage::{Stop, finish};
use skvm_probes::profiler::{ProfileEvent, ProfileRun, Profiler};
use skvm_probes::simulated::{SimulatedBrowser, SimulatedModel};
use skvm_runtime::backend::OpenAiCompatible;
use skvm_runtime::provider::ApiKey;
use skvm_runtime::scheduler::{GovernedModel, Governor};

const USAGE: &str = "profile (--simulate FILE | --base-url URL --model ID) [--seed N] [--primitives a,b] [--out FILE] \
    [--answer-tokens N] [--concurrency N] [--fresh] [--json] | \
    profile --recovery N --success P --failure Q [--seed N] [--json]";
const KEY_VARIABLE: &str = "SKVM_API_KEY";

#[derive(Default)]
struct Arguments {
    simulate: Option<String>,
    base_url: Option<String>,
    model: Option<String>,
    seed: u64,
    primitives: Option<BTreeSet<Primitive>>,
    out: Option<PathBuf>,
    answer_tokens: Option<u32>,
    concurrency: Option<usize>,
    fresh: bool,
    recovery: Option<usize>,
    success: Option<f64>,
    failure: Option<f64>,
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

    let mut given = Arguments::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("simulate") => given.simulate = Some(parser.value()?.string()?),
            Long("base-url") => given.base_url = Some(parser.value()?.string()?),
            Long("model") => given.model = Some(parser.value()?.string()?),
            Long("seed") => given.seed = parser.value()?.parse()?,
            Long("out") => given.out = Some(PathBuf::from(parser.value()?)),
            Long("answer-tokens") => given.answer_tokens = Some(parser.value()?.parse()?),
            Long("concurrency") => given.concurrency = Some(parser.value()?.parse()?),
            Long("fresh") => given.fresh = true,
            Long("recovery") => given.recovery = Some(parser.value()?.parse()?),
            Long("success") => given.success = Some(chance(parser.value()?.parse()?)?),
            Long("failure") => given.failure = Some(chance(parser.value()?.parse()?)?),
            Long("json") => given.json = true,
            Long("help") => return Err(Stop::Help),
            Long("primitives") => {
                let ids = parser.value()?.string()?;
                let parsed = ids.split(',').map(|id| id.trim().parse::<Primitive>());
                let parsed = parsed.collect::<Result<_, _>>();
                given.primitives = Some(parsed.map_err(|error| Stop::usage(error.to_string()))?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let targets = [given.simulate.is_some(), given.base_url.is_some(), given.recovery.is_some()];
    if targets.into_iter().filter(|given| *given).count() != 1 {
        return Err(Stop::usage("one of --simulate, --base-url and --recovery is needed"));
    }
    if given.base_url.is_some() && given.model.is_none() {
        return Err(Stop::usage("--model is missing"));
    }
    if given.recovery.is_some() && (given.success.is_none() || given.failure.is_none()) {
        return Err(Stop::usage("--recovery needs --success and --failure"));
    }
    Ok(given)
}

fn chance(value: f64) -> Result<f64, Stop> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(Stop::usage(format!("{value} is no chance from 0 to 1")))
    }
}

async fn run(given: Arguments) -> Result<(), Stop> {
    if let (Some(profiles), Some(success), Some(failure)) =
        (given.recovery, given.success, given.failure)
    {
        return recover(profiles, success, failure, &given).await;
    }
    let (harness, model): (Arc<dyn Harness>, String) = match (&given.simulate, &given.base_url) {
        (Some(planted), _) => {
            let planted = profiles::find(planted)?;
            let model = planted.model.to_string();
            let simulated = SimulatedModel::new(model.as_str(), planted, given.seed);
            let browser = Arc::new(SimulatedBrowser::new());
            (Arc::new(measuring::agent(simulated).with_tool(browser)), model)
        }
        (None, Some(url)) => {
            let model = given.model.clone().unwrap_or_default();
            let mut backend = OpenAiCompatible::builder(url, model.as_str());
            if std::env::var_os(KEY_VARIABLE).is_some() {
                backend = backend.api_key(ApiKey::from_env(KEY_VARIABLE)?);
            }
            let backend = GovernedModel::new(backend.build()?, Governor::new());
            (Arc::new(measuring::agent(backend)), model)
        }
        (None, None) => return Err(Stop::usage("there is nothing to measure")),
    };
    let cancellation = Cancellation::new();
    let mut profiler = measuring::profiler(harness, model.as_str())
        .with_seed(given.seed)
        .with_cancellation(cancellation.clone())
        .with_observer(progress(given.json));
    if let Some(primitives) = &given.primitives {
        profiler = profiler.with_primitives(primitives.iter().copied());
    }
    if let Some(concurrency) = given.concurrency {
        profiler = profiler.with_concurrency(concurrency);
    }
    if let Some(answer_tokens) = given.answer_tokens {
        profiler = profiler.with_limits(RunLimits { answer_tokens, ..measuring::limits() });
    }
    let journal = (given.simulate.is_none()).then(|| journal_path(&given, &profiler));
    if let Some(path) = &journal {
        if given.fresh && path.exists() {
            fs::remove_file(path)?;
        }
        let journal = FileJournal::open(path, profiler.work())?;
        profiler = profiler.with_journal(Arc::new(journal));
    }
    let measured = {
        let run = profiler.run();
        tokio::pin!(run);
        tokio::select! {
            measured = &mut run => measured?,
            () = interrupted() => {
                eprintln!("\nending after the instances that are under way …");
                cancellation.cancel();
                run.await?
            }
        }
    };
    let measured = refresh(&given, measured)?;
    report(&given, &measured)?;
    if let Some(path) = journal.filter(|path| measured.profile.is_partial && path.exists()) {
        eprintln!("what was judged is kept in {}; run again to go on", path.display());
    }
    let lost = |cause: UnmeasuredCause| {
        matches!(cause, UnmeasuredCause::Fault | UnmeasuredCause::Cancelled)
    };
    match measured.profile.unmeasured.values().filter(|reason| lost(reason.cause)).count() {
        0 => Ok(()),
        count => Err(Stop::failed(format!("{count} primitives are left unmeasured"))),
    }
}

/// Puts newly measured primitives into the profile that is there already, and tells what has changed.
fn refresh(given: &Arguments, mut measured: ProfileRun) -> Result<ProfileRun, Stop> {
    let Some(out) = given.out.as_ref().filter(|out| given.primitives.is_some() && out.exists())
    else {
        return Ok(measured);
    };
    let older = CapabilityProfile::from_json(&fs::read_to_string(out)?)?;
    let merged = older.clone().merged(measured.profile);
    let merged = merged.map_err(|error| Stop::usage(format!("{}: {error}", out.display())))?;
    let told =
        |level: Option<Level>| level.map_or_else(|| "unmeasured".to_owned(), |l| l.to_string());
    for change in older.diff(&merged) {
        eprintln!("{}: {} → {}", change.primitive, told(change.before), told(change.after));
    }
    measured.profile = merged;
    Ok(measured)
}

/// Ends with the first signal to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    // Without signals there is nothing to wait for.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn journal_path(given: &Arguments, profiler: &Profiler) -> PathBuf {
    match &given.out {
        Some(out) => {
            let mut name = out.clone().into_os_string();
            name.push(".journal");
            PathBuf::from(name)
        }
        None => {
            std::env::temp_dir().join(format!("skvm-profile-{}.journal", profiler.work().short()))
        }
    }
}

/// Tells how far it is: on a terminal in one line, elsewhere in a line for each primitive.
fn progress(json: bool) -> impl Fn(&ProfileEvent) + Send + Sync {
    let (all, done, judged) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let terminal = std::io::stderr().is_terminal();
    move |event| {
        let tell = |what: String| {
            let (done, all) = (done.load(Ordering::Relaxed), all.load(Ordering::Relaxed));
            let judged = judged.load(Ordering::Relaxed);
            let line = format!("{done}/{all} primitives, {judged} instances: {what}");
            if terminal {
                let mut stderr = std::io::stderr();
                // A terminal that is gone changes nothing about the measurement.
                let _ = write!(stderr, "\r\x1b[K{}", line.chars().take(100).collect::<String>());
                let _ = stderr.flush();
            } else if !json {
                eprintln!("{line}");
            }
        };
        match event {
            ProfileEvent::Started { primitives, resumed } => {
                all.store(*primitives, Ordering::Relaxed);
                if *resumed > 0 {
                    eprintln!("going on from {resumed} judged instances of an earlier run");
                }
            }
            ProfileEvent::Examined { primitive, level, outcome, .. } => {
                judged.fetch_add(usize::from(outcome.is_judged()), Ordering::Relaxed);
                if terminal {
                    let how = if outcome.reason().is_some() { "not passed" } else { "passed" };
                    tell(format!("{primitive} {level} {how}"));
                }
            }
            ProfileEvent::Measured { primitive, level, judged } => {
                done.fetch_add(1, Ordering::Relaxed);
                tell(format!("{primitive} is at {level} ({judged} instances)"));
            }
            ProfileEvent::Unmeasured { primitive, reason } => {
                done.fetch_add(1, Ordering::Relaxed);
                tell(format!("{primitive} is unmeasured: {}", reason.detail));
            }
            ProfileEvent::Stopped { fault } => {
                eprintln!("\nstopped after too many faults: {fault}")
            }
            _ => {}
        }
    }
}

fn report(given: &Arguments, measured: &ProfileRun) -> Result<(), Stop> {
    if std::io::stderr().is_terminal() {
        eprintln!("\r\x1b[K");
    }
    let text = serde_json::to_string_pretty(&measured.profile)?;
    if let Some(out) = &given.out {
        fs::write(out, format!("{text}\n"))?;
        let mut failures = out.clone().into_os_string();
        failures.push(".failures.json");
        fs::write(failures, serde_json::to_string_pretty(&measured.failures)?)?;
    }
    if given.json {
        println!("{text}");
    } else {
        print!("{}", measuring::table(&measured.profile));
        if let Some(fault) = &measured.stopped {
            println!("\nStopped after too many faults of the infrastructure; the last: {fault}");
        }
    }
    Ok(())
}

async fn recover(
    profiles: usize,
    success: f64,
    failure: f64,
    given: &Arguments,
) -> Result<(), Stop> {
    let terminal = std::io::stderr().is_terminal();
    let recovery = measuring::recover(profiles, success, failure, given.seed, |done| {
        if terminal {
            eprint!("\r{done}/{profiles} profiles");
        }
    });
    let Recovery { exact, instances_per_primitive, original_rule_exact, wrong } = recovery.await?;
    if given.json {
        let told = json!({
            "profiles": profiles,
            "success": success,
            "failure": failure,
            "seed": given.seed,
            "exact": exact,
            "instances_per_primitive": instances_per_primitive,
            "original_rule_exact": original_rule_exact,
            "original_instances_per_primitive": 9,
        });
        println!("{told}");
    } else {
        println!("profiles                     {profiles}");
        println!("exact                        {:.2} %", exact * 100.0);
        println!("instances per primitive      {instances_per_primitive:.2}");
        println!(
            "exact by the original's rule {:.2} % with 9 instances",
            original_rule_exact * 100.0
        );
        for line in wrong.iter().take(20) {
            println!("  {line}");
        }
    }
    Ok(())
}
