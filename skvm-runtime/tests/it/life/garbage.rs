//! Collecting garbage: what is active, was active, or is on trial stays.

use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_core::digest::Digest;
use skvm_core::failure::{Advice, Lesson, Lessons};
use skvm_core::skill::Skill;
use skvm_runtime::adaptation::AdaptPolicy;
use skvm_runtime::engine::SkVm;
use skvm_runtime::life::Standing;
use skvm_runtime::store::{Collected, StoreLimits};

use super::{compiled, engine, everywhere, history, load, pinned, sessions, skill, target, told};

/// Everything that may go, goes.
fn collect(vm: &SkVm) -> Collected {
    let limits = StoreLimits { bytes: Some(0), age: Some(Duration::ZERO) };
    // What is being used in this very millisecond is not old yet.
    std::thread::sleep(Duration::from_millis(5));
    block_on(vm.collect_garbage(&limits)).unwrap()
}

/// How many versions one can go back to.
const KEPT: usize = 8;

fn versions(vm: &SkVm, count: usize) -> Vec<(Arc<Skill>, Digest)> {
    let skills = (0..count).map(|number| skill(&format!("version {number}")));
    skills.map(|it| (Arc::clone(&it), load(vm, &it).variant.digest())).collect()
}

#[test]
fn of_many_versions_the_active_one_and_those_to_go_back_to_stay() {
    everywhere(|home| {
        let vm = engine(home.store());
        let profile = CapabilityProfile::new(&target(), "2026-01-01T00:00:00Z")
            .with_level(Primitive::ToolExec, Level::L1);
        block_on(vm.record_profile(&profile)).unwrap();
        let versions = versions(&vm, 14);
        let (current, digest) = versions.last().unwrap();
        let before = history(&vm, current);
        let collected = collect(&vm);
        assert_eq!(collected.variants, (14 - 1 - KEPT) as u64);
        assert_eq!(collected.records, 0);
        // Whoever comes now finds it all.
        let vm = engine(home.store());
        let mut events = vm.events();
        let loaded = load(&vm, current);
        assert_eq!((loaded.variant.digest(), loaded.standing), (*digest, Standing::Active));
        assert_eq!(history(&vm, current), before);
        let known = block_on(vm.profile(&target())).unwrap().unwrap();
        assert_eq!(known.digest(), profile.digest());
        // To go back needs nothing compiled, however far one can go.
        for (skill, digest) in versions[14 - 1 - KEPT..].iter().rev() {
            assert_eq!(load(&vm, skill).variant.digest(), *digest);
        }
        assert_eq!(compiled(&told(&mut events)), 0);
        // What went is compiled again, and the same.
        assert_eq!(load(&vm, &versions[0].0).variant.digest(), versions[0].1);
        assert_eq!(compiled(&told(&mut events)), 1);
    });
}

#[test]
fn what_is_on_trial_or_pinned_stays() {
    everywhere(|home| {
        let vm = || SkVm::builder().store(home.store()).adapt(AdaptPolicy::default()).build();
        let (first, one) = (vm(), skill("one"));
        let active = load(&first, &one).variant.digest();
        let lessons = Lessons::from([Lesson::Advice { advice: Advice::InParts }]);
        let trial = block_on(first.propose(&one, &target(), lessons)).unwrap().unwrap();
        assert_eq!(collect(&first).variants, 0);
        let second = vm();
        let mut events = second.events();
        let standings = sessions(&second, &one, 4);
        assert!(standings.contains(&(active, Standing::Active)), "{standings:?}");
        assert!(standings.contains(&(trial, Standing::Trial)), "{standings:?}");
        assert!(told(&mut events).is_empty());
        // A trial that ended leaves nothing that is kept.
        block_on(second.pin(&one, &target(), "stay")).unwrap();
        assert_eq!(collect(&second).variants, 1);
        let third = vm();
        let loaded = load(&third, &skill("two"));
        assert_eq!((loaded.variant.digest(), loaded.standing), (active, Standing::Pinned));
        assert_eq!(history(&third, &one).last().unwrap().1, pinned("stay"));
    });
}

#[test]
fn lines_of_other_engines_and_other_skills_stay() {
    everywhere(|home| {
        let elsewhere = Arc::new(Skill::from_text("/elsewhere/x", super::text("x", "there")));
        let digest = load(&engine(home.store()), &elsewhere).variant.digest();
        let vm = engine(home.store());
        load(&vm, &skill("here"));
        assert_eq!(collect(&vm), {
            let mut nothing = Collected::default();
            nothing.bytes_left = collect(&vm).bytes_left;
            nothing
        });
        let vm = engine(home.store());
        let mut events = vm.events();
        assert_eq!(load(&vm, &elsewhere).variant.digest(), digest);
        assert!(told(&mut events).is_empty());
    });
}

#[test]
fn scopes_that_nobody_needs_go() {
    everywhere(|home| {
        let vm = engine(home.store());
        let skill = skill("one");
        load(&vm, &skill);
        let (scope, key) = (Digest::of(b"what a JIT learned"), Digest::of(b"a routine"));
        block_on(vm.store().swap_record(scope, key, 0, Some("{}"))).unwrap();
        let gentle = StoreLimits::default();
        assert_eq!(block_on(vm.collect_garbage(&gentle)).unwrap().records, 0);
        assert_eq!(block_on(vm.store().records(scope, 0)).unwrap().len(), 1);
        assert_eq!(collect(&vm).records, 1);
        assert!(block_on(vm.store().records(scope, 0)).unwrap().is_empty());
        // The engine goes on as before, also with what it had read by then.
        let mut events = vm.events();
        load(&vm, &skill);
        assert!(told(&mut events).is_empty());
        load(&vm, &super::skill("two"));
        assert_eq!(history(&vm, &skill).len(), 2);
    });
}
