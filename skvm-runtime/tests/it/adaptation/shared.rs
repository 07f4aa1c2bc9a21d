//! Several engines on one database: one trial, and no session is lost.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use futures::executor::block_on;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::variant::Variant;
use skvm_runtime::adaptation::AdaptPolicy;
use skvm_runtime::engine::SkVm;
use skvm_runtime::life::{ActivationReason, Standing};
use skvm_runtime::store::SqliteStore;

use super::host::{Host, Play, skill, sum};

const BODY: &str = "# Report\n\n```sh\nfigtool report figures.csv --fmt json\n```\n";
const GOOD: &str = "figtool report figures.csv --format json";
const BAD: &str = "figtool report figures.csv --fmt json";

fn mended(variant: &Variant) -> Play {
    match variant.text().contains("--fmt") {
        true => Play::new()
            .command(BAD, "error: unexpected argument '--fmt' found", 2)
            .command(GOOD, "total 3", 0),
        false => Play::new().command(GOOD, "total 3", 0),
    }
}

fn engine(skill: &Arc<Skill>, database: &Path) -> Host {
    let store = Arc::new(SqliteStore::open(database).unwrap());
    let builder = SkVm::builder().adapt(AdaptPolicy::default()).store(store);
    Host::with(Arc::clone(skill), builder)
}

fn names(told: &[&str], name: &str) -> usize {
    told.iter().filter(|told| **told == name).count()
}

#[test]
fn engines_that_review_at_the_same_time_try_one_thing() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("skvm.db");
    let skill = skill(BODY);
    // Made before the others, so that they begin together.
    engine(&skill, &database).session(|_| Play::new());
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let (skill, database) = (Arc::clone(&skill), database.clone());
            thread::spawn(move || {
                let mut host = engine(&skill, &database);
                host.sessions(40, mended);
                host.told()
            })
        })
        .collect();
    let told: Vec<&str> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
    for name in ["diagnosed", "trial-started", "trial-ended"] {
        assert_eq!(names(&told, name), 1, "{told:?}");
    }
    let host = engine(&skill, &database);
    let [ActivationReason::First, ActivationReason::TrialKept { won, lost: 0 }] = *host.reasons()
    else {
        panic!("{:?}", host.reasons())
    };
    assert_eq!(won, 7);
    let fared = host.fared();
    assert_eq!(fared.clean + fared.mended + fared.failed + fared.spoiled, 81, "{fared:?}");
}

/// As a command line tool does: each session has a process, and so an engine, of its own.
#[test]
fn sessions_of_engines_of_their_own_come_to_an_end_of_a_trial() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("skvm.db");
    let skill = skill(BODY);
    let (mut told, mut on_trial) = (Vec::new(), 0);
    for _ in 0..40 {
        let mut host = engine(&skill, &database);
        let played = host.session(mended);
        on_trial += usize::from(played.standing == Standing::Trial);
        told.extend(host.told());
    }
    assert_eq!(told, ["diagnosed", "trial-started", "trial-ended"]);
    assert_eq!(on_trial, 7);
    let host = engine(&skill, &database);
    let target = Target::new("m", "host");
    let history = block_on(host.vm.history(&skill, &target)).unwrap();
    let fared = sum(&history.fared);
    assert_eq!((fared.mended, fared.clean), (3 + 7, 7 + 23));
}

/// A trial that one engine began goes on in the next.
#[test]
fn a_trial_outlives_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("skvm.db");
    let skill = skill(BODY);
    let mut first = engine(&skill, &database);
    first.sessions(9, mended);
    assert_eq!(first.told(), ["diagnosed", "trial-started"]);
    drop(first);
    let mut second = engine(&skill, &database);
    second.sessions(8, mended);
    assert_eq!(second.told(), ["trial-ended"]);
    assert_eq!(second.reasons().len(), 2);
}

/// What was refused once is refused for every engine.
#[test]
fn what_did_not_help_is_known_to_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("skvm.db");
    let skill = skill(BODY);
    // The way out is not one: with it the agent fails in the same way.
    let endless = |_: &Variant| {
        Play::new()
            .command(BAD, "error: unexpected argument '--fmt' found", 2)
            .command(GOOD, "total 3", 0)
    };
    let mut first = engine(&skill, &database);
    first.sessions(40, endless);
    assert_eq!(names(&first.told(), "trial-started"), 1);
    let mut second = engine(&skill, &database);
    second.sessions(100, endless);
    assert_eq!(names(&second.told(), "trial-started"), 0, "{:?}", second.told());
}
