//! Many who load at the same time.

use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::Ordering;
use std::thread;

use futures::executor::block_on;
use skvm_core::digest::Digest;
use skvm_core::skill::Skill;
use skvm_runtime::engine::SkVm;
use skvm_runtime::life::{ActivationReason, LoadPolicy};

use super::unsteady::Unsteady;
use super::{
    Signing, activated, builder, compiled, engine, everywhere, history, load, pipeline, skill,
    target, told,
};

/// Everybody does something at the same time.
fn together<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        let start = |number| {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(number)
            })
        };
        let workers: Vec<_> = (0..threads).map(start).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    })
}

#[test]
fn thirty_two_who_load_compile_and_activate_once() {
    everywhere(|home| {
        let pass = Signing::default();
        let vm = SkVm::builder().store(home.store()).passes(pipeline(pass.clone())).build();
        let mut events = vm.events();
        for (round, body) in ["one", "two", "three"].into_iter().enumerate() {
            let skill = skill(body);
            let loaded = together(32, |_| load(&vm, &skill).variant);
            assert!(loaded.iter().all(|variant| *variant == loaded[0]));
            assert!(loaded[0].text().contains(body));
            assert_eq!(pass.runs.load(Ordering::SeqCst), round + 1);
            let told = told(&mut events);
            assert_eq!((compiled(&told), activated(&told).len()), (1, 1));
            assert_eq!(history(&vm, &skill).len(), round + 1);
        }
    });
}

#[test]
fn engines_of_one_store_compile_and_activate_once() {
    everywhere(|home| {
        let vms = [engine(home.store()), engine(home.store()), engine(home.store())];
        let mut events: Vec<_> = vms.iter().map(SkVm::events).collect();
        for round in 0..10 {
            let skill = skill(&format!("round {round}"));
            let loaded = together(12, |number| load(&vms[number % 3], &skill).variant);
            assert!(loaded.iter().all(|variant| *variant == loaded[0]));
            let told: Vec<_> = events.iter_mut().flat_map(told).collect();
            assert_eq!((compiled(&told), activated(&told).len()), (1, 1), "{told:?}");
            for vm in &vms {
                assert_eq!(history(vm, &skill).len(), round + 1);
            }
        }
    });
}

/// Every activation follows from the one before: no change to the same, none lost, none twice.
fn is_one_line(history: &[(Digest, ActivationReason)]) -> bool {
    history.iter().enumerate().all(|(number, (variant, reason))| match reason {
        ActivationReason::First => number == 0,
        _ => number > 0 && history[number - 1].0 != *variant,
    })
}

fn load_until_it_works(vm: &SkVm, skill: &Arc<Skill>) -> Digest {
    for _ in 0..1_000 {
        if let Ok(loaded) = block_on(vm.load(skill, &target())) {
            return loaded.variant.digest();
        }
    }
    panic!("it fails for ever");
}

#[test]
fn a_store_that_fails_now_and_then_leads_to_no_wrong_activation() {
    everywhere(|home| {
        for policy in [LoadPolicy::Fresh, LoadPolicy::Previous] {
            let store = Unsteady::new(home.store());
            let vm = builder(store.clone()).loading(policy).build();
            let (steady, mut events) = (engine(home.store()), vm.events());
            let first = history(&steady, &skill("")).len();
            let mut expected = Vec::new();
            for round in 0..15 {
                let skill = skill(&format!("{policy:?} {round}"));
                store.fail(4);
                let loaded = together(32, |_| load_until_it_works(&vm, &skill));
                store.fail(0);
                super::until("the new one is active", || {
                    load(&vm, &skill).standing == skvm_runtime::life::Standing::Active
                });
                let current = block_on(steady.compile(&skill, &target())).unwrap().digest();
                assert_eq!(load(&vm, &skill).variant.digest(), current);
                if policy == LoadPolicy::Fresh {
                    assert!(loaded.iter().all(|variant| *variant == current));
                }
                expected.push(current);
            }
            assert!(store.failed() > 20, "{}", store.failed());
            // All of them, in their order, each once; and told as it is noted.
            let history = history(&steady, &skill(""))[first..].to_vec();
            let variants: Vec<Digest> = history.iter().map(|(variant, _)| *variant).collect();
            assert_eq!(variants, expected);
            let mut seen = Vec::new();
            super::until("it is told", || {
                seen.extend(activated(&told(&mut events)));
                seen.len() >= history.len()
            });
            assert_eq!(seen, history);
        }
    });
}

/// Sessions with two states of the skill, side by side: each gets its own.
#[test]
fn threads_with_different_states_of_the_skill_get_theirs() {
    everywhere(|home| {
        let vm = engine(home.store());
        let mut events = vm.events();
        let states: Vec<_> = (0..4).map(|number| skill(&format!("state {number}"))).collect();
        together(8, |thread| {
            for round in 0..25 {
                let number = (thread + round) % states.len();
                let variant = load(&vm, &states[number]).variant;
                assert!(variant.text().contains(&format!("state {number}")));
            }
        });
        let told = told(&mut events);
        assert_eq!(compiled(&told), states.len());
        let history = history(&vm, &states[0]);
        assert!(is_one_line(&history), "{history:?}");
        assert_eq!(activated(&told).len(), history.len());
    });
}

/// Whoever pins while others load loses nothing.
#[test]
fn a_pin_among_loads_holds() {
    everywhere(|home| {
        let vm = engine(home.store());
        for round in 0..30 {
            let states = [skill(&format!("{round} a")), skill(&format!("{round} b"))];
            load(&vm, &states[0]);
            let before = history(&vm, &states[0]).len();
            together(6, |thread| match thread {
                0 => block_on(vm.pin(&states[0], &target(), "mine")).unwrap(),
                _ => drop(load(&vm, &states[thread % 2])),
            });
            let history = history(&vm, &states[0]);
            let [.., (variant, reason)] = history.as_slice() else { panic!("{history:?}") };
            assert_eq!(*reason, super::pinned("mine"), "round {round}: {:?}", &history[before..]);
            for state in &states {
                let loaded = load(&vm, state);
                assert_eq!(loaded.variant.digest(), *variant);
                assert_eq!(loaded.standing, skvm_runtime::life::Standing::Pinned);
            }
            block_on(vm.unpin(&states[0], &target())).unwrap();
        }
    });
}
