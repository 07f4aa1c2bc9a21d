//! One run: what is foreseen, the sandbox, the program, the record.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use skvm_core::harness::{
    HarnessError, HarnessEvent, HarnessRun, RecordedToolCall, RunRecord, RunStatus, SkillMode,
    ToolOffer,
};

use super::CliError;
use super::CliHarness;
use super::adapter::{GRACE, Setup, Staged};
use super::foreseen::{Foreseen, foresee};
use super::leftovers::{self, EndsLeftovers};
use super::log::Log;
use super::sandbox::Sandbox;
use tokio::time::timeout;

use crate::command::{CommandRunner, Environment, Exit};
use crate::provider::Endpoint;

/// How much longer than its deadline a run may take: for processes to end and files to be read and removed.
const MARGIN: Duration = Duration::from_secs(2 * GRACE.as_secs() + 3);
/// Longest deadline; a longer one is cut to it.
const MAX_DEADLINE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

pub(super) async fn run(
    harness: &CliHarness,
    mut run: HarnessRun<'_>,
) -> Result<RunRecord, HarnessError> {
    let started = Instant::now();
    let (program, provider) = ready(harness, &run)?;
    let not_ready = |source: CliError| harness.not_ready(source);
    let deadline = started + run.limits.deadline.min(MAX_DEADLINE);
    let key = provider.as_ref().and_then(|provider| provider.key.clone());
    let record = RunRecord {
        work_dir: run.workdir.to_owned(),
        skill_loaded: run.skill.map(|_| false),
        ..RunRecord::default()
    };
    let on_event = run.on_event;
    let mut log = Log::new(record, on_event, key, run.limits.turns);
    let skill = run.skill.map(|skill| skill.name.clone());
    log.tell(&HarnessEvent::Started { harness: harness.id.to_string(), skill });

    let mut environment = harness.environment.clone();
    if let Some(prepared) = run.environment {
        environment = environment.with_prepared(prepared);
    }
    let sandbox = Sandbox::new(harness.sandboxes.as_deref())
        .map_err(|source| not_ready(CliError::Sandbox { source }))?;
    // Also where this future is dropped.
    let _at_last = EndsLeftovers(sandbox.path().to_owned());
    let environment = at_home(environment, &sandbox);
    let places = [run.workdir, sandbox.path()];
    let runner = CommandRunner::new(environment.clone(), places)
        .map_err(|error| not_ready(CliError::from(error)))?;

    let shell = harness.adapter.facts().shell;
    let foreseen = foresee(&mut run, shell, &runner, &mut log);
    // Its commands end at the deadline by themselves; hooks need not.
    let bound = deadline.saturating_duration_since(started) + MARGIN;
    let prompt = match timeout(bound, foreseen).await {
        Ok(Foreseen::Open(prompt)) => prompt,
        Ok(Foreseen::Done(status)) => {
            close(sandbox, false, &mut log).await;
            return Ok(log.into_record(status));
        }
        Err(_) => {
            close(sandbox, false, &mut log).await;
            return Ok(log.into_record(RunStatus::Timeout));
        }
    };
    let staged = match stage(harness, &sandbox, &run) {
        Ok(staged) => staged,
        Err(error) if log.turn() == 0 => return Err(not_ready(error)),
        Err(error) => return Ok(broken(log, &error)),
    };
    let setup = Setup {
        sandbox: &sandbox,
        workdir: run.workdir,
        program: &program,
        version: harness.known_version(),
        provider: provider.as_ref(),
        model: run.model.map(|model| model.as_str()),
        prompt: &prompt,
        skill: staged.as_ref(),
        limits: &run.limits,
        retries: harness.retries,
        environment: &environment,
        runner: &runner,
        deadline,
    };
    log.tell(&HarnessEvent::Asking { turn: log.turn() });
    let driven = harness.adapter.drive(&setup, &mut log);
    let driven = timeout(setup.left() + MARGIN, driven).await;
    let exit = match driven {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) if log.turn() == 0 => return Err(not_ready(error)),
        // What was done is told all the same.
        Ok(Err(error)) => return Ok(broken(log, &error)),
        Err(_) => Some(Exit::Deadline),
    };
    log.version(harness.version.get().map(String::as_str));
    let loaded = run.skill.map(|skill| was_loaded(skill.mode, staged.as_ref(), &log));
    close(sandbox, harness.keep, &mut log).await;
    let mut record = log.into_judged_record(exit);
    record.skill_loaded = loaded;
    record.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(record)
}

/// The program and the provider, if the run can begin with them.
fn ready(
    harness: &CliHarness,
    run: &HarnessRun<'_>,
) -> Result<(PathBuf, Option<Endpoint>), HarnessError> {
    let unsupported = |what| HarnessError::Unsupported { harness: harness.id.clone(), what };
    match run.tools {
        ToolOffer::Own => {}
        ToolOffer::None => return Err(unsupported("withhold its tools")),
        ToolOffer::Only(_) => return Err(unsupported("take tools of the host's")),
    }
    let features = harness.adapter.facts().features();
    match run.skill.map(|skill| skill.mode) {
        Some(SkillMode::Inject) if !features.inject => {
            return Err(unsupported("put a skill into the prompt"));
        }
        Some(SkillMode::Discover) if !features.discover => {
            return Err(unsupported("let the model discover a skill"));
        }
        _ => {}
    }
    if let Err(source) = run.workdir.read_dir() {
        return Err(HarnessError::Workdir { path: run.workdir.to_owned(), source });
    }
    let program = harness.program().map_err(|error| harness.not_ready(error))?;
    let provider = harness.provider(run.model).map_err(|error| harness.not_ready(error))?;
    Ok((program, provider))
}

/// Puts the skill, and in native mode the user's configuration, into the sandbox.
fn stage<'a>(
    harness: &CliHarness,
    sandbox: &Sandbox,
    run: &HarnessRun<'a>,
) -> Result<Option<Staged<'a>>, CliError> {
    let failed = |source| CliError::Sandbox { source };
    if let Some(home) = harness.native_home() {
        for (from, place) in harness.adapter.facts().native {
            sandbox.take_over(&home.join(from), place).map_err(failed)?;
        }
    }
    let Some(view) = run.skill else { return Ok(None) };
    let folder = sandbox.stage(view).map_err(failed)?;
    Ok(Some(Staged { view, folder }))
}

/// The environment in which the sandbox is home.
pub(super) fn at_home(environment: Environment, sandbox: &Sandbox) -> Environment {
    let home = sandbox.home();
    environment
        .with_variable("HOME", &home)
        .with_variable("USERPROFILE", &home)
        .with_variable("XDG_CONFIG_HOME", home.join(".config"))
        .with_variable("XDG_DATA_HOME", home.join(".local/share"))
        .with_variable("XDG_STATE_HOME", home.join(".local/state"))
        .with_variable("XDG_CACHE_HOME", home.join(".cache"))
        .with_variable("TMPDIR", sandbox.temporary())
        .with_variable(leftovers::MARK, sandbox.path())
        // Whoever asks for a terminal's colours gets none.
        .with_variable("NO_COLOR", "1")
}

/// Whether the skill's text reached a model that answered.
fn was_loaded(mode: SkillMode, staged: Option<&Staged<'_>>, log: &Log<'_>) -> bool {
    let Some(staged) = staged else { return false };
    match mode {
        SkillMode::Inject => log.was_heard(),
        SkillMode::Discover => {
            let name = staged.name();
            let file = format!("{name}/SKILL.md");
            let reads = |call: &RecordedToolCall| {
                let arguments = call.input.to_string();
                arguments.contains(&file)
                    || call.name.to_ascii_lowercase().contains("skill") && arguments.contains(&name)
            };
            log.calls().any(reads)
        }
    }
}

/// The record of a run in which something was done before it turned out that the program cannot do the rest.
fn broken(mut log: Log<'_>, error: &CliError) -> RunRecord {
    log.note("not-driven", error.to_string());
    log.into_judged_record(None)
}

/// Ends what is left, and removes the sandbox or tells where it is kept.
async fn close(sandbox: Sandbox, keep: bool, log: &mut Log<'_>) {
    let place = sandbox.path().to_owned();
    let ended = tokio::task::spawn_blocking(move || leftovers::end(&place)).await.unwrap_or(0);
    if ended > 0 {
        log.note("processes-left", format!("{ended} processes were left, and ended"));
    }
    if keep {
        return log.kept_home(sandbox.keep());
    }
    let place = sandbox.path().to_owned();
    let removed = tokio::task::spawn_blocking(move || sandbox.remove()).await;
    if !matches!(removed, Ok(Ok(()))) {
        log.note("home-left", format!("{} could not be removed", place.display()));
    }
}
