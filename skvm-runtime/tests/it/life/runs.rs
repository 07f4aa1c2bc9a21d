//! What a run is given: the variant that is loaded, and the environment that was prepared for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::executor::block_on;
use skvm_core::digest::Digest;
use skvm_core::failure::{Advice, Lesson, Lessons};
use skvm_core::harness::{
    Harness, HarnessError, HarnessFeatures, HarnessRun, PreparedEnvironment, RunRecord, Task,
};
use skvm_core::skill::Skill;
use skvm_core::target::HarnessId;
use skvm_passes::variant::Variant;
use skvm_runtime::adaptation::AdaptPolicy;
use skvm_runtime::engine::{RunOutcome, RunRequest, SkVm, SkVmBuilder};
use skvm_runtime::life::Standing;

use super::{Home, builder, everywhere, history, load, skill, target};

/// What one run was given: the skill's text, the environment.
type Given = (String, Option<PreparedEnvironment>);

/// Notes what it is given.
struct Noting(HarnessId, Arc<Mutex<Vec<Given>>>);

#[async_trait]
impl Harness for Noting {
    fn id(&self) -> &HarnessId {
        &self.0
    }

    fn features(&self) -> HarnessFeatures {
        let mut features = HarnessFeatures::default();
        features.inject = true;
        features
    }

    async fn run(&self, run: HarnessRun<'_>) -> Result<RunRecord, HarnessError> {
        let given = (run.skill.unwrap().text.clone(), run.environment.cloned());
        self.1.lock().unwrap().push(given);
        Ok(RunRecord::default())
    }
}

struct Bench {
    vm: SkVm,
    given: Arc<Mutex<Vec<Given>>>,
}

impl Bench {
    fn new(builder: SkVmBuilder) -> Self {
        let given = Arc::default();
        let harness = Noting("harness".into(), Arc::clone(&given));
        Self { vm: builder.harness(Arc::new(harness)).build(), given }
    }

    fn of(home: &Home) -> Self {
        Self::new(builder(home.store()))
    }

    fn run(&self, request: RunRequest) -> RunOutcome {
        block_on(self.vm.run(request)).unwrap()
    }

    fn given(&self) -> Given {
        self.given.lock().unwrap().pop().unwrap()
    }
}

fn request(skill: &Arc<Skill>) -> RunRequest {
    RunRequest::new(Task::new("go"), target(), ".").with_skill(Arc::clone(skill))
}

#[test]
fn a_run_gets_what_is_active() {
    everywhere(|home| {
        let bench = Bench::of(home);
        for body in ["one", "two"] {
            let skill = skill(body);
            let outcome = bench.run(request(&skill));
            let variant = outcome.variant.unwrap();
            assert!(variant.text().contains(body));
            assert_eq!(bench.given().0, variant.text());
            assert_eq!(outcome.trace.variant, Some(variant.digest()));
            assert!(Arc::ptr_eq(&load(&bench.vm, &skill).variant, &variant));
        }
        assert_eq!(history(&bench.vm, &skill("one")).len(), 2);
    });
}

#[test]
fn a_run_gets_what_is_pinned() {
    everywhere(|home| {
        let bench = Bench::of(home);
        let first = bench.run(request(&skill("one"))).variant.unwrap();
        block_on(bench.vm.pin(&skill("one"), &target(), "good")).unwrap();
        let outcome = bench.run(request(&skill("two")));
        assert_eq!(outcome.variant.unwrap().digest(), first.digest());
        assert_eq!(bench.given().0, first.text());
        // The trace is about the variant that ran.
        assert_eq!(outcome.trace.variant, Some(first.digest()));
    });
}

#[test]
fn part_of_the_runs_get_what_is_on_trial() {
    everywhere(|home| {
        let policy = AdaptPolicy::default().trial_every(3);
        let bench = Bench::new(SkVm::builder().store(home.store()).adapt(policy));
        let skill = skill("one");
        let active = load(&bench.vm, &skill).variant;
        let lessons = Lessons::from([Lesson::Advice { advice: Advice::InParts }]);
        let trial = block_on(bench.vm.propose(&skill, &target(), lessons)).unwrap().unwrap();
        let mut on_trial = 0;
        for _ in 0..9 {
            let outcome = bench.run(request(&skill));
            let variant = outcome.variant.unwrap();
            assert_eq!(bench.given().0, variant.text());
            assert_eq!(outcome.trace.variant, Some(variant.digest()));
            match variant.digest() == trial {
                true => on_trial += 1,
                false => assert_eq!(variant.digest(), active.digest()),
            }
        }
        assert_eq!(on_trial, 3);
        // Both are counted.
        let fared = block_on(bench.vm.history(&skill, &target())).unwrap().fared;
        assert_eq!((fared[&active.digest()].clean, fared[&trial].clean), (6, 3));
    });
}

/// Where the engine keeps what was set up for a variant; only here is it of interest.
fn place_of(variant: &Variant) -> (Digest, Digest) {
    let scope = Digest::builder("skvm/prepared/1").field(variant.digest().as_bytes()).finish();
    (scope, Digest::of(b"environment"))
}

/// Keeps an environment for a variant like `prepare` does.
fn keep(vm: &SkVm, variant: &Variant, environment: &PreparedEnvironment) {
    let (scope, key) = place_of(variant);
    let records = block_on(vm.store().records(scope, 0)).unwrap();
    let known = records.iter().find(|record| record.key == key);
    let revision = known.map_or(0, |record| record.revision);
    let json = serde_json::to_string(environment).unwrap();
    let kept = block_on(vm.store().swap_record(scope, key, revision, Some(&json))).unwrap();
    assert!(kept.is_some());
}

#[test]
fn a_run_gets_what_was_prepared_for_its_variant_while_that_is_there() {
    everywhere(|home| {
        let place = tempfile::tempdir().unwrap();
        let bin = place.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let bench = Bench::of(home);
        let skill = skill("one");
        let variant = load(&bench.vm, &skill).variant;
        let variables = BTreeMap::from([("SEEN".to_owned(), "yes".to_owned())]);
        let prepared = PreparedEnvironment { path: vec![bin.clone()], variables };
        keep(&bench.vm, &variant, &prepared);
        // In another process, too.
        for bench in [&bench, &Bench::of(home)] {
            bench.run(request(&skill));
            assert_eq!(bench.given().1.as_ref(), Some(&prepared));
            // What the host gives has its way.
            let own = PreparedEnvironment::default();
            bench.run(request(&skill).with_environment(own.clone()));
            assert_eq!(bench.given().1, Some(own));
            // Another variant needs something else.
            bench.run(request(&super::skill("two")));
            assert_eq!(bench.given().1, None);
        }
        std::fs::remove_dir(&bin).unwrap();
        bench.run(request(&skill));
        assert_eq!(bench.given().1, None);
        std::fs::create_dir(&bin).unwrap();
        bench.run(request(&skill));
        assert_eq!(bench.given().1, Some(prepared));
        // What cannot be read is as good as none.
        let (scope, key) = place_of(&variant);
        let revision = block_on(bench.vm.store().records(scope, 0)).unwrap()[0].revision;
        block_on(bench.vm.store().swap_record(scope, key, revision, Some("{"))).unwrap();
        bench.run(request(&skill));
        assert_eq!(bench.given().1, None);
        assert_eq!(load(&bench.vm, &skill).standing, Standing::Active);
    });
}

#[cfg(all(feature = "tokio", unix))]
#[tokio::test]
async fn what_the_engine_prepares_is_kept_for_later_runs() {
    use skvm_core::host::{HostFacts, OsFamily};
    use skvm_runtime::command::Environment;
    use skvm_runtime::environment::{Binder, ConsentPolicy};

    for home in Home::all() {
        let place = tempfile::tempdir().unwrap();
        let host = HostFacts::new(OsFamily::Linux, "x86_64");
        let binder = Binder::new(place.path().join("environments"))
            .with_environment(Environment::from_host())
            .with_host(host.clone());
        let builder = SkVm::builder().store(home.store()).host(host.clone());
        let bench = Bench::new(builder.binder(binder));
        let skill = skill("one");
        bench.vm.run(request(&skill)).await.unwrap();
        assert_eq!(bench.given().1, None);
        let variant = bench.vm.load(&skill, &target()).await.unwrap().variant;
        let prepared = bench.vm.prepare(&variant, &ConsentPolicy::nothing()).await.unwrap();
        assert!(prepared.is_complete());
        // Twice is once.
        bench.vm.prepare(&variant, &ConsentPolicy::nothing()).await.unwrap();
        let later = Bench::new(SkVm::builder().store(home.store()).host(host));
        later.vm.run(request(&skill)).await.unwrap();
        assert_eq!(later.given().1, Some(prepared.environment));
    }
}
