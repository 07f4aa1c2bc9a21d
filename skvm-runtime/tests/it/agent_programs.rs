//! The real agent programs, each asked for the same, by a model that follows a script. What they must do stands in the
//! folder beside this; `bash .ci/agent-programs` installs them and runs this. By hand, with programs on `PATH`:
//!
//! ```sh
//! SKVM_AGENT_PROGRAMS="pi hermes" cargo test -p skvm-runtime --all-features --test it -- \
//!     --ignored agent_programs --nocapture --test-threads=1
//! ```

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod leftovers;
mod targets;
mod task;
mod together;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use serde_json::Value;
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_core::harness::{
    PreparedEnvironment, RecordedToolCall, Role, RunLimits, RunRecord, SkillMode, Task,
};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::variant::Variant;
use skvm_runtime::command::Environment;
use skvm_runtime::engine::{RunRequest, SkVm};
use skvm_runtime::harness::cli::{Cli, CliHarness, Detection};
use skvm_runtime::provider::{ApiKey, Endpoint};
use skvm_runtime::scripted::{Script, ScriptedServer, SeenRequest};

use leftovers::Surroundings;

const MODEL: &str = "scripted";
const KEY: &str = "sk-of-the-test-5b1f08e2";
/// What a run gets for everything, and how much longer it may take.
const DEADLINE: Duration = Duration::from_secs(120);
const MARGIN: Duration = Duration::from_secs(15);

/// The programs that are to be tested.
fn chosen() -> Vec<Cli> {
    let names = std::env::var("SKVM_AGENT_PROGRAMS").unwrap_or_default();
    let chosen: Vec<Cli> = names.split_whitespace().map(|name| name.parse().unwrap()).collect();
    assert!(!chosen.is_empty(), "SKVM_AGENT_PROGRAMS names no program");
    chosen
}

/// Puts each program to a case, one after the other, with a row of a table for each.
async fn with_each(case: &str, play: impl AsyncFn(Cli) -> String) {
    let mut wrong = Vec::new();
    for cli in chosen() {
        wrong.extend(row(cli.id(), case, play(cli)).await);
    }
    assert!(wrong.is_empty(), "{case}: {}", wrong.join("; "));
}

/// Prints a row: who, what, what came of it, and how long it took. Gives what is wrong.
#[expect(clippy::print_stdout, reason = "the table is what the tests are for")]
async fn row(who: &str, case: &str, play: impl Future<Output = String>) -> Option<String> {
    let began = Instant::now();
    let outcome = AssertUnwindSafe(play).catch_unwind().await;
    let seconds = began.elapsed().as_secs_f64();
    let (told, wrong) = match outcome {
        Ok(told) => (told, None),
        Err(panic) => ("WRONG".to_owned(), Some(format!("{who}: {}", words(&*panic)))),
    };
    println!("| {who} | {case} | {told} | {seconds:.1} s |");
    wrong
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// One run that is to be.
struct Scenario {
    cli: Cli,
    mode: SkillMode,
    script: Script,
    /// The harness's own number without.
    retries: Option<u32>,
    deadline: Duration,
    prepared: Option<PreparedEnvironment>,
}

/// One run that was.
struct Played {
    place: Place,
    server: ScriptedServer,
    record: RunRecord,
    variant: Arc<Variant>,
    took: Duration,
}

impl Scenario {
    fn new(cli: Cli, script: Script) -> Self {
        let (retries, prepared) = (Some(0), None);
        Self { cli, mode: SkillMode::Inject, script, retries, deadline: DEADLINE, prepared }
    }

    fn discovering(mut self) -> Self {
        self.mode = SkillMode::Discover;
        self
    }

    /// Runs it. However it ends, nothing is left of it but its record and what its commands made.
    async fn play(self) -> Played {
        let Self { cli, mode, script, retries, deadline, prepared } = self;
        let place = Place::new();
        let server = ScriptedServer::start(script).await.unwrap();
        let mut harness = harness(cli, &server, &place);
        if let Some(retries) = retries {
            harness = harness.with_retries(retries);
        }
        let target = Target::new(MODEL, cli.id());
        let vm =
            SkVm::builder().profile(profile(&target, Level::L1)).harness(Arc::new(harness)).build();
        let task = Task::new("What went wrong in app.log?");
        let mut request =
            RunRequest::new(task, target, place.workdir()).with_skill(Arc::new(skill()));
        request.mode = mode;
        request.limits = RunLimits { deadline, ..RunLimits::default() };
        request.environment = prepared;

        let before = Surroundings::seen(cli);
        let began = Instant::now();
        let outcome = vm.run(request).await.unwrap();
        let took = began.elapsed();
        place.assert_clean();
        before.assert_unchanged();
        let (record, variant) = (outcome.record, outcome.variant.unwrap());
        let told = serde_json::to_string(&record).unwrap();
        assert!(!told.contains(KEY), "the key stands in the record: {told}");
        assert!(took < deadline + MARGIN, "it took {took:?}");
        Played { place, server, record, variant, took }
    }
}

impl Played {
    /// The requests of the agent itself; some programs also ask for a title and the like.
    fn requests(&self) -> Vec<SeenRequest> {
        let asked = self.server.requests().into_iter().filter(|request| request.wire.is_some());
        asked.filter(SeenRequest::offers_tools).collect()
    }

    /// The requests that have a text in them, in one piece.
    fn requests_with(&self, text: &str) -> usize {
        let has = |request: &SeenRequest| texts(&request.body).any(|known| known.contains(text));
        self.requests().iter().filter(|request| has(request)).count()
    }

    /// What came of the calls.
    fn results(&self) -> Vec<&RecordedToolCall> {
        let steps = self.record.steps.iter().filter(|step| step.role == Role::Tool);
        steps.flat_map(|step| &step.tool_calls).collect()
    }
}

/// All texts in a value.
fn texts(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(items) => Box::new(items.iter().flat_map(texts)),
        Value::Object(fields) => Box::new(fields.values().flat_map(texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Box::new(std::iter::empty()),
    }
}

fn harness(cli: Cli, server: &ScriptedServer, place: &Place) -> CliHarness {
    let wire = cli.wires()[0];
    let endpoint = Endpoint::new(wire, server.base_url(), MODEL).with_key(ApiKey::new(KEY));
    CliHarness::for_endpoint(cli, endpoint)
        .with_environment(Environment::from_host())
        .with_sandboxes_in(place.sandboxes())
}

/// A shipped skill.
fn skill() -> Skill {
    let skills = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/skills");
    Skill::load(skills.join("log-summary")).unwrap()
}

/// Everything at one level, so that the skill is changed for it.
fn profile(target: &Target, level: Level) -> CapabilityProfile {
    let nothing = CapabilityProfile::new(target, "2026-01-01T00:00:00Z");
    Primitive::ALL
        .into_iter()
        .fold(nothing, |profile, primitive| profile.with_level(primitive, level))
}

/// Folders of one run.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(place.sandboxes()).unwrap();
        std::fs::create_dir(place.workdir()).unwrap();
        std::fs::write(place.workdir().join("app.log"), "10:00 ERROR disk full\n").unwrap();
        place
    }

    /// Where the agent works; `app.log` lies there.
    fn workdir(&self) -> PathBuf {
        self.0.path().join("work")
    }

    /// Where runs have their homes.
    fn sandboxes(&self) -> PathBuf {
        self.0.path().join("sandboxes")
    }

    /// The names in the working directory.
    fn made(&self) -> Vec<String> {
        names(&self.workdir())
    }

    /// No process and no home is left.
    fn assert_clean(&self) {
        assert_eq!(names(&self.sandboxes()), [""; 0], "homes are left");
        assert_eq!(leftovers::processes_of(self.0.path()), [""; 0], "processes are left");
    }
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
#[ignore = "tells the script what to install"]
fn agent_programs_are_installed_by() {
    for cli in Cli::ALL {
        println!("install {} {} {}", cli.id(), cli.program(), cli.install());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn a_program_is_there_in_a_version_that_was_tested() {
    with_each("version", async |cli| {
        let found = CliHarness::native(cli).detect().await;
        assert!(found.is_tested(), "{found}");
        let Detection::Found { version: Some(version), .. } = found else { unreachable!() };
        version
    })
    .await;
}
