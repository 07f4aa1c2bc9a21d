//! The life of variants: what is active, since when, and why; in memory and in a file.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod background;
#[cfg(feature = "sqlite")]
mod damage;
mod engines;
mod flight;
mod folders;
mod garbage;
mod interrupted;
mod laws;
mod loading;
mod pinning;
mod runs;
mod sessions;
mod unsteady;
mod watching;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::executor::block_on;
use futures::{FutureExt as _, StreamExt as _};
use skvm_core::digest::Digest;
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::manager::PassManager;
use skvm_runtime::engine::{EngineError, Event, EventStream, SkVm, SkVmBuilder};
use skvm_runtime::life::{ActivationReason, Loaded, Standing};
use skvm_runtime::store::{MemoryStore, Store};

/// Where a store is kept.
enum Home {
    Memory(Arc<dyn Store>),
    #[cfg(feature = "sqlite")]
    File(tempfile::TempDir),
}

impl Home {
    /// One of each kind.
    fn all() -> Vec<Self> {
        vec![
            Self::Memory(Arc::new(MemoryStore::default())),
            #[cfg(feature = "sqlite")]
            Self::File(tempfile::tempdir().unwrap()),
        ]
    }

    /// The store as a process has it that was started now.
    fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::clone(store),
            #[cfg(feature = "sqlite")]
            Self::File(folder) => open(folder.path()),
        }
    }
}

#[cfg(feature = "sqlite")]
fn open(folder: &Path) -> Arc<dyn Store> {
    Arc::new(skvm_runtime::store::SqliteStore::open(folder.join("skvm.sqlite")).unwrap())
}

/// Does a test with a store of each kind.
fn everywhere(test: impl Fn(&Home)) {
    Home::all().iter().for_each(test);
}

/// Writes the target's model behind the skill's text.
#[derive(Debug, Clone, Default)]
struct Signing {
    version: u32,
    configuration: &'static str,
    runs: Arc<AtomicUsize>,
}

#[async_trait]
impl Pass for Signing {
    fn id(&self) -> PassId {
        PassId::new("signing")
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn configuration(&self) -> String {
        self.configuration.to_owned()
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        sign(cx, &format!("v{}{}", self.version, self.configuration))
    }
}

fn sign(cx: &mut PassContext<'_>, with: &str) -> Result<(), PassError> {
    let line = format!("\nCompiled for {} by {with}.\n", cx.target().model);
    let reason = EditReason::new("sign", EditKind::Compensation, "names the model");
    cx.edit(Edit::insert(cx.source().len(), line, reason))
}

fn pipeline(pass: impl Pass + 'static) -> PassManager {
    PassManager::builder().pass(pass).build().unwrap()
}

fn builder(store: Arc<dyn Store>) -> SkVmBuilder {
    SkVm::builder().store(store).passes(pipeline(Signing::default()))
}

fn engine(store: Arc<dyn Store>) -> SkVm {
    builder(store).build()
}

fn text(name: &str, body: &str) -> String {
    format!("---\nname: {name}\ndescription: Does {name}.\n---\n# Use\n\n{body}\n")
}

/// A skill that lies at the same place whatever it says.
fn skill(body: &str) -> Arc<Skill> {
    Arc::new(Skill::from_text("/nowhere/x", text("x", body)))
}

fn write_skill(folder: &Path, body: &str) {
    std::fs::write(folder.join("SKILL.md"), text("x", body)).unwrap();
}

fn skill_at(folder: &Path) -> Arc<Skill> {
    Arc::new(Skill::load(folder).unwrap())
}

fn target() -> Target {
    Target::new("m", "harness")
}

fn load(vm: &SkVm, skill: &Arc<Skill>) -> Loaded {
    block_on(vm.load(skill, &target())).unwrap()
}

/// What so many sessions begin with, one after the other.
fn sessions(vm: &SkVm, skill: &Arc<Skill>, count: usize) -> Vec<(Digest, Standing)> {
    let begin = |_| {
        let loaded = load(vm, skill);
        drop(vm.session(&target(), "go", Some(skill), Some(&loaded.variant)));
        (loaded.variant.digest(), loaded.standing)
    };
    (0..count).map(begin).collect()
}

/// What waits in the stream.
fn told(stream: &mut EventStream) -> Vec<Event> {
    std::iter::from_fn(|| stream.next().now_or_never().flatten()).collect()
}

fn compiled(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Compiled { .. })).count()
}

/// The variants that became active, and why.
fn activated(events: &[Event]) -> Vec<(Digest, ActivationReason)> {
    let activated = events.iter().filter_map(|event| match event {
        Event::Activated { variant, reason, .. } => Some((*variant, reason.clone())),
        _ => None,
    });
    activated.collect()
}

/// The same as the history has it.
fn history(vm: &SkVm, skill: &Skill) -> Vec<(Digest, ActivationReason)> {
    let history = block_on(vm.history(skill, &target())).unwrap();
    history.activations.into_iter().map(|it| (it.variant, it.reason)).collect()
}

fn reasons(history: &[(Digest, ActivationReason)]) -> Vec<ActivationReason> {
    history.iter().map(|(_, reason)| reason.clone()).collect()
}

fn pinned(reason: &str) -> ActivationReason {
    ActivationReason::Pinned { reason: reason.to_owned() }
}

fn rolled_back(reason: &str) -> ActivationReason {
    ActivationReason::RolledBack { reason: reason.to_owned() }
}

fn is_no_variant<T>(outcome: &Result<T, EngineError>) -> bool {
    matches!(outcome, Err(EngineError::NoVariant { .. }))
}

/// Asks until it is so; no longer than a slow machine may take.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(10), "it does not come: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
