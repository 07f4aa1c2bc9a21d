//! Engines and processes that share a line.

use futures::executor::block_on;
use skvm_core::digest::Digest;
use skvm_runtime::engine::SkVm;
use skvm_runtime::life::ActivationReason;
use skvm_runtime::store::Store;
use std::sync::Arc;
use std::thread;

use super::{Signing, activated, engine, everywhere, history, load, pipeline, skill, target, told};

/// An engine whose passes are of a version of their own.
fn version(store: Arc<dyn Store>, version: u32) -> SkVm {
    let pass = Signing { version, ..Signing::default() };
    SkVm::builder().store(store).passes(pipeline(pass)).build()
}

/// One after the other, each other than the one before.
fn is_one_line(history: &[(Digest, ActivationReason)]) -> bool {
    let first = history.first().is_some_and(|(_, reason)| *reason == ActivationReason::First);
    let changes = |pair: &[(Digest, ActivationReason)]| {
        pair[0].0 != pair[1].0 && pair[1].1 == ActivationReason::PassesChanged
    };
    first && history.windows(2).all(changes)
}

#[test]
fn two_engines_of_different_versions_lose_no_activation() {
    everywhere(|home| {
        const ROUNDS: usize = 50;
        let (vms, skill) = ([1, 2].map(|number| version(home.store(), number)), skill("one"));
        let mut events = vms.each_ref().map(SkVm::events);
        thread::scope(|scope| {
            for (number, vm) in vms.iter().enumerate() {
                let skill = &skill;
                scope.spawn(move || {
                    let signed = format!("Compiled for m by v{}.\n", number + 1);
                    for _ in 0..ROUNDS {
                        assert!(load(vm, skill).variant.text().ends_with(&signed));
                    }
                });
            }
        });
        let told: Vec<_> = events.iter_mut().flat_map(|events| activated(&told(events))).collect();
        let history = history(&engine(home.store()), &skill);
        assert!(is_one_line(&history), "{history:?}");
        let sorted = |mut list: Vec<(Digest, ActivationReason)>| {
            list.sort_by_key(|(variant, reason)| (*variant, format!("{reason:?}")));
            list
        };
        assert_eq!(sorted(told), sorted(history));
    });
}

#[test]
fn engines_that_pin_at_the_same_time_lose_nothing() {
    everywhere(|home| {
        const ROUNDS: usize = 25;
        let skills = [skill("one"), skill("two")];
        let vm = engine(home.store());
        skills.iter().for_each(|skill| drop(load(&vm, skill)));
        let vms = [(); 4].map(|()| engine(home.store()));
        thread::scope(|scope| {
            for (number, vm) in vms.iter().enumerate() {
                let skill = &skills[number % 2];
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let why = format!("{number} {round}");
                        block_on(vm.pin(skill, &target(), &why)).unwrap();
                    }
                });
            }
        });
        let reasons: Vec<String> = history(&vm, &skills[0])
            .into_iter()
            .filter_map(|(_, reason)| match reason {
                ActivationReason::Pinned { reason } => Some(reason),
                _ => None,
            })
            .collect();
        for number in 0..4 {
            let own = reasons.iter().filter(|reason| reason.starts_with(&format!("{number} ")));
            let expected: Vec<String> =
                (0..ROUNDS).map(|round| format!("{number} {round}")).collect();
            assert!(own.eq(expected.iter()), "{reasons:?}");
        }
        assert_eq!(reasons.len(), 4 * ROUNDS);
    });
}

#[cfg(feature = "sqlite")]
const FOLDER: &str = "SKVM_TEST_LIFE_FOLDER";

/// What a process of [`two_processes_of_different_versions_lose_no_activation`] does.
#[cfg(feature = "sqlite")]
#[test]
#[ignore = "run by another test, as a process"]
fn one_of_two_processes() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let number = std::env::var("SKVM_TEST_LIFE_VERSION").unwrap().parse().unwrap();
    let vm = version(super::open(folder.as_ref()), number);
    let (skill, mut events) = (skill("one"), vm.events());
    for _ in 0..50 {
        let signed = format!("Compiled for m by v{number}.\n");
        assert!(load(&vm, &skill).variant.text().ends_with(&signed));
    }
    let count = activated(&told(&mut events)).len();
    let note = std::path::Path::new(&folder).join(format!("{number}.txt"));
    std::fs::write(note, count.to_string()).unwrap();
}

#[cfg(feature = "sqlite")]
#[test]
fn two_processes_of_different_versions_lose_no_activation() {
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().unwrap();
    let start = |number: u32| {
        Command::new(std::env::current_exe().unwrap())
            .args(["life::engines::one_of_two_processes", "--exact", "--ignored"])
            .env(FOLDER, folder.path())
            .env("SKVM_TEST_LIFE_VERSION", number.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let processes = [start(1), start(2)];
    let mut count = 0;
    for (number, mut process) in processes.into_iter().enumerate() {
        assert!(process.wait().unwrap().success());
        let note = folder.path().join(format!("{}.txt", number + 1));
        count += std::fs::read_to_string(note).unwrap().parse::<usize>().unwrap();
    }
    let history = history(&engine(super::open(folder.path())), &skill("one"));
    assert!(is_one_line(&history), "{history:?}");
    assert_eq!(history.len(), count);
}
