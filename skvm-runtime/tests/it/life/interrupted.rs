//! Processes that end in the middle, and reads that come back late.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::executor::block_on;
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_core::digest::Digest;
use skvm_core::skill::Skill;
use skvm_runtime::engine::{EngineError, SkVm};
use skvm_runtime::life::{ActivationReason, Standing};

use super::unsteady::Unsteady;
use super::{
    Home, activated, engine, everywhere, history, load, pinned, reasons, skill, target, told,
};

async fn work(vm: &SkVm, one: &Arc<Skill>, two: &Arc<Skill>) -> Result<(), EngineError> {
    let target = target();
    vm.load(one, &target).await?;
    vm.load(two, &target).await?;
    vm.pin(two, &target, "good").await?;
    vm.unpin(two, &target).await?;
    vm.load(one, &target).await?;
    vm.rollback(one, &target, "worse").await
}

/// What is active is in the history, wherever the process before ended.
#[test]
fn a_process_that_ends_at_any_point_leaves_a_whole_line() {
    let (one, two) = (skill("one"), skill("two"));
    let homes = || Home::all().into_iter();
    for kind in 0..homes().count() {
        let mut seen = 0;
        for operations in 0.. {
            let home = homes().nth(kind).unwrap();
            let store = Unsteady::new(home.store());
            let vm = engine(store.clone());
            let mut events = vm.events();
            store.end_after(operations);
            let ended = block_on(work(&vm, &one, &two)).is_err();
            let told = activated(&told(&mut events));
            drop((vm, store));
            let vm = engine(home.store());
            let before = history(&vm, &one);
            // What was told is there; at most the last may not have come to being told.
            assert_eq!(before[..told.len()], told, "after {operations}");
            assert!(before.len() <= told.len() + 1, "after {operations}: {before:?}");
            assert!(before.len() >= seen, "after {operations}");
            seen = before.len();
            let loaded = load(&vm, &two);
            let is_pinned = matches!(
                before.last(),
                Some((_, ActivationReason::Pinned { .. } | ActivationReason::RolledBack { .. }))
            );
            let after = history(&vm, &one);
            assert_eq!(after[..seen], before);
            if is_pinned {
                assert_eq!(loaded.standing, Standing::Pinned);
                assert_eq!((after.len(), after[seen - 1].0), (seen, loaded.variant.digest()));
            } else {
                assert!(loaded.variant.text().contains("two"));
                assert!(after.len() <= seen + 1);
                assert_eq!(after.last().unwrap().0, loaded.variant.digest());
            }
            if !ended {
                assert_eq!(seen, 6);
                break;
            }
            assert!(operations < 200);
        }
    }
}

/// The activation that was not noted is noted by whoever activates next.
#[test]
fn an_activation_that_nobody_noted_is_not_forgotten() {
    everywhere(|home| {
        let (one, two) = (skill("one"), skill("two"));
        for operations in 0..40 {
            let store = Unsteady::new(home.store());
            let vm = engine(store.clone());
            store.end_after(operations);
            let _ended = block_on(vm.load(&one, &target()));
            let _ended = block_on(vm.load(&two, &target()));
            let before = history(&engine(home.store()), &one);
            let vm = engine(home.store());
            load(&vm, &two);
            for reason in ["a", "b"] {
                block_on(vm.pin(&two, &target(), reason)).unwrap();
            }
            block_on(vm.unpin(&two, &target())).unwrap();
            let after = history(&engine(home.store()), &one);
            assert_eq!(after[..before.len()], before, "after {operations}");
            let last = [pinned("a"), pinned("b"), ActivationReason::Unpinned];
            assert_eq!(reasons(&after)[after.len() - 3..], last);
            assert!(after.len() - before.len() <= 4);
        }
    });
}

/// How the engine names a line; only here is it of interest.
fn line() -> Digest {
    Digest::builder("skvm/line/1")
        .field(b"x")
        .field(b"/nowhere/x")
        .field(b"m")
        .field(b"harness")
        .finish()
}

#[test]
fn what_is_read_late_does_not_take_the_place_of_what_is_later() {
    everywhere(|home| {
        let store = Unsteady::new(home.store());
        let (vm, other) = (engine(store.clone()), engine(home.store()));
        let skills = ["one", "two", "three"].map(skill);
        load(&vm, &skills[0]);
        load(&other, &skills[1]);
        let (go, wait) = oneshot::channel();
        store.hold(line(), wait);
        let target = target();
        let mut late = Box::pin(vm.load(&skills[1], &target));
        assert!(late.as_mut().now_or_never().is_none(), "it is not held");
        load(&other, &skills[2]);
        let current = load(&vm, &skills[2]);
        go.send(()).unwrap();
        // It has read what was then, and gives the state that it was asked for.
        assert!(block_on(late).unwrap().variant.text().contains("two"));
        for _ in 0..2 {
            assert_eq!(load(&vm, &skills[2]).variant, current.variant);
            assert_eq!(load(&other, &skills[2]).variant, current.variant);
        }
    });
}

#[test]
fn a_profile_that_is_read_late_does_not_take_the_place_of_a_later_one() {
    everywhere(|home| {
        let store = Unsteady::new(home.store());
        let (vm, other) = (engine(store.clone()), engine(home.store()));
        let profile = |level| {
            CapabilityProfile::new(&target(), "2026").with_level(Primitive::ToolExec, level)
        };
        block_on(other.record_profile(&profile(Level::L1))).unwrap();
        let (go, wait) = oneshot::channel();
        store.hold(Digest::of(b"skvm/profiles/1"), wait);
        let target = target();
        let mut late = Box::pin(vm.profile(&target));
        assert!(late.as_mut().now_or_never().is_none(), "it is not held");
        block_on(other.record_profile(&profile(Level::L2))).unwrap();
        let known = || block_on(vm.profile(&target)).unwrap().unwrap().digest();
        assert_eq!(known(), profile(Level::L2).digest());
        go.send(()).unwrap();
        block_on(late).unwrap();
        assert_eq!(known(), profile(Level::L2).digest());
        block_on(vm.record_profile(&profile(Level::L3))).unwrap();
        assert_eq!(known(), profile(Level::L3).digest());
    });
}

/// What two sessions of one engine change at the same time is changed once after the other.
#[test]
fn what_was_pinned_while_another_compiled_stays_pinned() {
    everywhere(|home| {
        let store = Unsteady::new(home.store());
        let vm = engine(store.clone());
        let (one, two) = (skill("one"), skill("two"));
        let first = load(&vm, &one).variant.digest();
        let target = target();
        // The load has read the line and asks for the profile.
        let (go, wait) = oneshot::channel();
        store.hold(Digest::of(b"skvm/profiles/1"), wait);
        let mut slow = Box::pin(vm.load(&two, &target));
        assert!(slow.as_mut().now_or_never().is_none(), "it is not held");
        block_on(vm.pin(&one, &target, "mine")).unwrap();
        go.send(()).unwrap();
        let loaded = block_on(slow).unwrap();
        assert_eq!((loaded.variant.digest(), loaded.standing), (first, Standing::Pinned));
        assert_eq!(load(&vm, &two).standing, Standing::Pinned);
        assert_eq!(reasons(&history(&vm, &one)), [ActivationReason::First, pinned("mine")]);
    });
}

#[test]
fn of_a_very_long_history_the_latest_are_kept() {
    let home = Home::all().remove(0);
    let (vm, one) = (engine(home.store()), skill("one"));
    let variant = load(&vm, &one).variant.digest();
    for number in 0..1_204 {
        block_on(vm.pin(&one, &target(), &number.to_string())).unwrap();
    }
    let history = history(&engine(home.store()), &one);
    assert_eq!(history.len(), 1_000);
    let expected: Vec<_> = (204..1_204).map(|it| (variant, pinned(&it.to_string()))).collect();
    assert_eq!(history, expected);
}
