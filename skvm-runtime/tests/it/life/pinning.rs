//! Pinning, and going back.

use std::sync::Arc;

use futures::executor::block_on;
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_core::failure::{Advice, Lesson, Lessons};
use skvm_core::skill::Skill;
use skvm_runtime::adaptation::AdaptPolicy;
use skvm_runtime::engine::{Event, SkVm};
use skvm_runtime::life::{ActivationReason, Standing};

use super::unsteady::Unsteady;
use super::{
    Signing, activated, compiled, engine, everywhere, history, is_no_variant, load, pinned,
    pipeline, reasons, rolled_back, sessions, skill, target, told,
};

fn pin(vm: &SkVm, skill: &Arc<Skill>, reason: &str) {
    block_on(vm.pin(skill, &target(), reason)).unwrap();
}

fn unpin(vm: &SkVm, skill: &Arc<Skill>) {
    block_on(vm.unpin(skill, &target())).unwrap();
}

fn rollback(vm: &SkVm, skill: &Arc<Skill>, reason: &str) {
    block_on(vm.rollback(skill, &target(), reason)).unwrap();
}

#[test]
fn a_pin_holds_whatever_changes_and_whoever_looks() {
    everywhere(|home| {
        let (vm, one, two) = (engine(home.store()), skill("one"), skill("two"));
        let first = load(&vm, &one).variant;
        pin(&vm, &one, "it is good");
        let profile = CapabilityProfile::new(&target(), "2026-01-01T00:00:00Z")
            .with_level(Primitive::ToolExec, Level::L1);
        block_on(vm.record_profile(&profile)).unwrap();
        let mut events = vm.events();
        let pass = Signing { version: 7, ..Signing::default() };
        let newer = SkVm::builder().store(home.store()).passes(pipeline(pass)).build();
        let mut newer_events = newer.events();
        for vm in [&vm, &engine(home.store()), &newer] {
            for skill in [&one, &two] {
                let loaded = load(vm, skill);
                assert_eq!((&loaded.variant, loaded.standing), (&first, Standing::Pinned));
            }
        }
        assert!(told(&mut events).is_empty() && told(&mut newer_events).is_empty());
        // Taken out elsewhere, what is current is compiled here.
        let other = engine(home.store());
        unpin(&other, &one);
        let loaded = load(&vm, &two);
        assert_eq!(loaded.standing, Standing::Active);
        assert!(loaded.variant.text().contains("two"));
        assert_eq!(loaded.variant.manifest().profile, Some(profile.digest()));
        assert_eq!(
            history(&vm, &one),
            [
                (first.digest(), ActivationReason::First),
                (first.digest(), pinned("it is good")),
                (first.digest(), ActivationReason::Unpinned),
                (loaded.variant.digest(), ActivationReason::SkillChanged),
            ]
        );
    });
}

#[test]
fn pinning_is_told() {
    everywhere(|home| {
        let (vm, skill) = (engine(home.store()), skill("one"));
        let variant = load(&vm, &skill).variant.digest();
        let mut events = vm.events();
        pin(&vm, &skill, "a");
        pin(&vm, &skill, "b");
        unpin(&vm, &skill);
        let expected = [pinned("a"), pinned("b"), ActivationReason::Unpinned];
        assert_eq!(activated(&told(&mut events)), expected.map(|reason| (variant, reason)));
        // What is pinned was not before itself.
        assert!(is_no_variant(&block_on(vm.rollback(&skill, &target(), "back"))));
        assert_eq!(load(&vm, &skill).standing, Standing::Active);
    });
}

#[test]
fn where_there_is_nothing_nothing_is_done() {
    everywhere(|home| {
        let (vm, skill) = (engine(home.store()), skill("one"));
        let mut events = vm.events();
        let no_variant = || {
            let rollback = block_on(vm.rollback(&skill, &target(), "c"));
            let error = rollback.as_ref().unwrap_err().to_string();
            assert!(error.contains("\"x\"") && error.contains("no variant"), "{error}");
            is_no_variant(&rollback)
        };
        assert!(is_no_variant(&block_on(vm.pin(&skill, &target(), "a"))));
        assert!(is_no_variant(&block_on(vm.unpin(&skill, &target()))));
        assert!(no_variant());
        // What is compiled and not active is nothing to pin.
        block_on(vm.compile(&skill, &target())).unwrap();
        assert!(is_no_variant(&block_on(vm.pin(&skill, &target(), "a"))));
        assert!(activated(&told(&mut events)).is_empty() && history(&vm, &skill).is_empty());
        load(&vm, &skill);
        assert!(no_variant());
        assert_eq!(history(&vm, &skill).len(), 1);
        assert_eq!(load(&vm, &skill).standing, Standing::Active);
    });
}

/// Going back is an activation like others: going back from it leads to where one was.
#[test]
fn going_back_twice_leads_further_back() {
    everywhere(|home| {
        let vm = engine(home.store());
        let skills = ["one", "two", "three"].map(skill);
        let variants = skills.each_ref().map(|skill| load(&vm, skill).variant.digest());
        let current = &skills[2];
        let mut events = vm.events();
        rollback(&vm, current, "worse");
        for vm in [&vm, &engine(home.store())] {
            let loaded = load(vm, current);
            assert_eq!((loaded.variant.digest(), loaded.standing), (variants[1], Standing::Pinned));
        }
        rollback(&vm, current, "worse still");
        let loaded = load(&vm, current);
        assert_eq!((loaded.variant.digest(), loaded.standing), (variants[0], Standing::Pinned));
        // There is nothing before the first.
        assert!(is_no_variant(&block_on(vm.rollback(current, &target(), "no"))));
        unpin(&vm, current);
        // Out of date, so what is current comes back; nothing of this was compiled.
        assert_eq!(load(&vm, current).variant.digest(), variants[2]);
        let told = told(&mut events);
        assert_eq!(compiled(&told), 0);
        let expected = [
            (variants[1], rolled_back("worse")),
            (variants[0], rolled_back("worse still")),
            (variants[0], ActivationReason::Unpinned),
            (variants[2], ActivationReason::SkillChanged),
        ];
        assert_eq!(activated(&told), expected);
        assert_eq!(history(&vm, current)[3..], expected);
    });
}

fn advice(advice: Advice) -> Lessons {
    Lessons::from([Lesson::Advice { advice }])
}

#[test]
fn what_is_pinned_is_not_tried_against() {
    everywhere(|home| {
        let vm = SkVm::builder().store(home.store()).adapt(AdaptPolicy::default()).build();
        let skill = skill("one");
        let first = load(&vm, &skill).variant.digest();
        let propose = |about| block_on(vm.propose(&skill, &target(), advice(about)));
        let trial = propose(Advice::InParts).unwrap().unwrap();
        let standings = || sessions(&vm, &skill, 4);
        let both = standings();
        assert!(both.contains(&(first, Standing::Active)));
        assert!(both.contains(&(trial, Standing::Trial)));
        pin(&vm, &skill, "stay");
        assert_eq!(standings(), [(first, Standing::Pinned); 4]);
        let refused = propose(Advice::InParts);
        assert!(
            matches!(refused, Err(skvm_runtime::engine::EngineError::Busy { .. })),
            "{refused:?}"
        );
        // The trial ended with the pin.
        unpin(&vm, &skill);
        assert_eq!(standings(), [(first, Standing::Active); 4]);
        assert!(propose(Advice::EveryStep).unwrap().is_some());
        assert_eq!(history(&vm, &skill).len(), 3);
    });
}

/// Nor do failures lead to anything.
#[test]
fn nothing_is_adapted_while_pinned() {
    use skvm_core::failure::FailureClass;
    use skvm_core::harness::RunStatus;

    everywhere(|home| {
        let policy = AdaptPolicy::default().after(1, 0.0);
        let vm = SkVm::builder().store(home.store()).adapt(policy).build();
        let skill = skill("one");
        let variant = load(&vm, &skill).variant;
        let fail = || {
            let mut events = vm.events();
            let mut session = vm.session(&target(), "go", Some(&skill), Some(&variant));
            session.correct(Some(FailureClass::ProcedureAboveAbility), "a step is missing");
            session.judge(false);
            block_on(session.finish(RunStatus::Ok));
            let adapted = |event: &Event| matches!(event, Event::Adapted { .. });
            told(&mut events).iter().filter(|event| adapted(event)).count()
        };
        pin(&vm, &skill, "stay");
        assert_eq!((fail(), fail()), (0, 0));
        unpin(&vm, &skill);
        assert!(fail() > 0);
        let fared = block_on(vm.history(&skill, &target())).unwrap().fared;
        assert_eq!(fared[&variant.digest()].failed, 3);
    });
}

#[test]
fn a_pinned_variant_that_is_lost_is_made_again_from_the_same_source() {
    everywhere(|home| {
        let store = Unsteady::new(home.store());
        let vm = engine(store.clone());
        let one = skill("one");
        let first = load(&vm, &one).variant;
        pin(&vm, &one, "good");
        store.lose(first.digest());
        let vm = engine(store.clone());
        let mut events = vm.events();
        let loaded = load(&vm, &one);
        assert_eq!((&loaded.variant, loaded.standing), (&first, Standing::Pinned));
        assert_eq!(compiled(&told(&mut events)), 1);
        // From another source it cannot be: what is current serves, and that is told.
        store.lose(first.digest());
        let vm = engine(store);
        let mut events = vm.events();
        let loaded = load(&vm, &skill("two"));
        assert_eq!(loaded.standing, Standing::Active);
        let second = loaded.variant.digest();
        assert_eq!(activated(&told(&mut events)), [(second, ActivationReason::SkillChanged)]);
        let why = [ActivationReason::First, pinned("good"), ActivationReason::SkillChanged];
        assert_eq!(reasons(&history(&vm, &one)), why);
        assert_eq!(load(&vm, &skill("two")).standing, Standing::Active);
    });
}
