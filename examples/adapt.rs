//! A simulated host with and without adaptation.
//!
//! ```text
//! cargo run --release -q -p skvm-examples --example adapt
//! ```
//!
//! Ten skills with one planted fault each, on three targets. Everything is simulated: a target is five probabilities, and
//! its machine prints what real programs print. The engine, its store, the diagnoses, the recompilations and the trials are
//! the real ones. Each line is one fault on one target over the same sessions, once without adaptation and once with it.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use futures::StreamExt as _;
use serde_json::json;
use skvm_core::harness::RunStatus;
use skvm_core::skill::Skill;
use skvm_examples::simulation::{Fault, SimulatedSession, SimulatedTarget, TARGETS};
use skvm_examples::usage::{Stop, finish};
use skvm_runtime::adaptation::{AdaptPolicy, Decision, diagnose, symptoms};
use skvm_runtime::engine::{Event, SkVm};

const USAGE: &str = "adapt [--sessions N] [--seed N] [--json]";

struct Arguments {
    sessions: u64,
    seed: u64,
    json: bool,
}

fn main() -> ExitCode {
    finish(arguments().and_then(run), USAGE)
}

fn arguments() -> Result<Arguments, Stop> {
    use lexopt::prelude::{Long, ValueExt};

    let mut parsed = Arguments { sessions: 200, seed: 1, json: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("sessions") => parsed.sessions = parser.value()?.parse()?,
            Long("seed") => parsed.seed = parser.value()?.parse()?,
            Long("json") => parsed.json = true,
            Long("help") => return Err(Stop::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    if !(1..=100_000).contains(&parsed.sessions) {
        return Err(Stop::usage("--sessions takes a number from 1 to 100000"));
    }
    Ok(parsed)
}

/// What came of all sessions of one fault on one target.
#[derive(Default)]
struct Tally {
    succeeded: u64,
    /// Sessions behind the last activation, and those of them that succeeded.
    settled: (u64, u64),
    recompiles: u64,
    /// Sessions behind a kept fix in which the failure that it was for came again.
    recurrences: u64,
    told: Vec<String>,
}

#[tokio::main]
async fn run(arguments: Arguments) -> Result<(), Stop> {
    let folder = tempfile::tempdir()?;
    let mut out = std::io::stdout().lock();
    if !arguments.json {
        writeln!(
            out,
            "A simulation of {} sessions a line, seed {}.\n\n\
             target    fault               without  with     settled  recompiles  recurrences",
            arguments.sessions, arguments.seed
        )?;
    }
    for target in TARGETS {
        for fault in Fault::ALL {
            let skill = fault.plant(folder.path())?;
            let without = sessions(&arguments, target, fault, &skill, None).await?;
            let policy = Some(AdaptPolicy::default());
            let with = sessions(&arguments, target, fault, &skill, policy).await?;
            let share = |succeeded: u64, of: u64| succeeded as f64 / of.max(1) as f64;
            let before = share(without.succeeded, arguments.sessions);
            let after = share(with.succeeded, arguments.sessions);
            let settled = share(with.settled.1, with.settled.0);
            if arguments.json {
                let line = json!({
                    "target": target.name,
                    "fault": fault.name(),
                    "sessions": arguments.sessions,
                    "success_before": before,
                    "success_after": after,
                    "success_settled": settled,
                    "recompiles": with.recompiles,
                    "recurrences": with.recurrences,
                    "needs_person": with.told,
                });
                writeln!(out, "{line}")?;
            } else {
                writeln!(
                    out,
                    "{:<9} {:<19} {:>6.1}%  {:>6.1}%  {:>6.1}%  {:>10}  {:>11}",
                    target.name,
                    fault.name(),
                    before * 100.0,
                    after * 100.0,
                    settled * 100.0,
                    with.recompiles,
                    with.recurrences
                )?;
                for told in with.told {
                    writeln!(out, "          {told}")?;
                }
            }
        }
    }
    Ok(())
}

/// The sessions of one fault on one target.
async fn sessions(
    arguments: &Arguments,
    simulated: SimulatedTarget,
    fault: Fault,
    skill: &Arc<Skill>,
    policy: Option<AdaptPolicy>,
) -> Result<Tally, Stop> {
    let target = simulated.target();
    let mut builder = SkVm::builder().target(target.clone());
    if let Some(policy) = policy {
        builder = builder.adapt(policy);
    }
    let vm = builder.build();
    let mut events = vm.events();
    let mut tally = Tally::default();
    // The failure that is being fixed, by class and subject, and those that are.
    let (mut fixing, mut fixed) = (None, Vec::new());
    for number in 0..arguments.sessions {
        let variant = vm.load(skill, &target).await?.variant;
        let session = vm.session(&target, "Report on figures.csv.", Some(skill), Some(&variant));
        let seed = arguments.seed;
        let simulation =
            SimulatedSession { target: simulated, fault, variant: &variant, seed, number };
        let trace = simulation.run(session).await;
        let succeeded = trace.status == RunStatus::Ok && trace.succeeded == Some(true);
        tally.succeeded += u64::from(succeeded);
        tally.settled.0 += 1;
        tally.settled.1 += u64::from(succeeded);
        let found = diagnose(&symptoms(&trace), skill, Some(&variant));
        let has_recurred =
            found.iter().any(|one| fixed.contains(&(one.class, one.subject.clone())));
        tally.recurrences += u64::from(has_recurred);
        // The events of this session are all there: its end was waited for.
        while let Some(Some(event)) = futures::FutureExt::now_or_never(events.next()) {
            let Event::Adapted { decision, .. } = event else { continue };
            match decision {
                Decision::Diagnosed { class, subject, .. } => fixing = Some((class, subject)),
                Decision::TrialStarted { .. } => tally.recompiles += 1,
                Decision::TrialEnded { verdict, .. } => {
                    tally.settled = (0, 0);
                    if verdict == skvm_runtime::adaptation::Verdict::Better {
                        fixed.extend(fixing.take());
                    }
                }
                Decision::NeedsPerson { class, cause, help, .. } => {
                    tally.told.push(format!("{class}: {cause}; {help}"));
                }
                _ => {}
            }
        }
    }
    Ok(tally)
}
