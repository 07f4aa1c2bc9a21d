//! Processes that compile into one store: each variant is made once, whoever asks, and whoever dies.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use futures::{FutureExt as _, StreamExt as _};
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::pass::pass_fn;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::manager::PassManager;
use skvm_runtime::engine::{Event, SkVm};

use super::process::{PATIENCE, Process, tell};
use super::sqlite::{open, place};
use super::{random, rounds};

/// Set for processes that compile: the path of the store, the number of the process, and whether it takes for ever.
const PATH: &str = "SKVM_TEST_STORE";
const NUMBER: &str = "SKVM_TEST_NUMBER";
const FOR_EVER: &str = "SKVM_TEST_FOR_EVER";

const PROCESSES: usize = 8;

/// The skills that all want, beside one of each one's own.
const SHARED: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

fn compiler(path: &Path, number: usize, for_ever: bool) -> Process {
    let own = number.to_string();
    let variables = [(PATH, path.as_os_str()), (NUMBER, own.as_ref())];
    let for_ever = for_ever.then_some((FOR_EVER, OsStr::new("1")));
    let test = "store::compiling::a_process_that_compiles";
    Process::start(test, variables.into_iter().chain(for_ever))
}

/// Where each compilation leaves a line.
fn log(path: &Path) -> PathBuf {
    path.with_extension("log")
}

/// How often each skill was compiled.
fn compiled(path: &Path) -> BTreeMap<String, usize> {
    let mut compiled = BTreeMap::new();
    for skill in fs::read_to_string(log(path)).unwrap_or_default().lines() {
        *compiled.entry(skill.to_owned()).or_default() += 1;
    }
    compiled
}

/// An engine with one slow pass that leaves a line for each compilation.
fn engine(path: &Path, for_ever: bool) -> SkVm {
    let log = log(path);
    let pass = pass_fn("slow", move |cx| {
        let line = format!("{}\n", cx.skill().name());
        let mut log = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        log.write_all(line.as_bytes()).unwrap();
        tell("begun");
        std::thread::sleep(if for_ever { PATIENCE } else { Duration::from_millis(20) });
        let reason = EditReason::new("slow", EditKind::Compensation, "signs");
        cx.edit(Edit::insert(cx.source().len(), "\nSigned.\n", reason))
    });
    let passes = PassManager::builder().pass(pass).build().unwrap();
    SkVm::builder().passes(passes).store_at(path).unwrap().build()
}

#[test]
#[ignore = "is started by the tests below"]
fn a_process_that_compiles() {
    let (Some(path), Ok(number)) = (std::env::var_os(PATH), std::env::var(NUMBER)) else { return };
    let number: usize = number.parse().unwrap();
    let vm = engine(Path::new(&path), std::env::var_os(FOR_EVER).is_some());
    let mut events = vm.events();
    let own = format!("own-{number}");
    // Each begins with another one.
    let mut names: Vec<&str> = SHARED.into_iter().chain([own.as_str()]).collect();
    names.rotate_left(number % 5);
    tell("asks");
    for name in names {
        let text = format!("---\nname: {name}\ndescription: d\n---\n# {name}\n");
        let skill = Arc::new(Skill::from_text(format!("/nowhere/{name}"), text));
        let variant = block_on(vm.compile(&skill, &Target::new("m", "h"))).unwrap();
        assert!(variant.text().ends_with("Signed.\n"));
        tell(format_args!("served {name} {}", variant.digest()));
    }
    while let Some(event) = events.next().now_or_never().flatten() {
        match event {
            Event::Compiled { skill, .. } => tell(format_args!("compiled {skill}")),
            event => tell(format_args!("unexpected {event:?}")),
        }
    }
}

/// What processes told: which skills they compiled, and the variants that they were served.
fn told(facts: impl IntoIterator<Item = String>) -> (Vec<String>, BTreeMap<String, Vec<String>>) {
    let (mut compiled, mut served) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
    for fact in facts {
        let words: Vec<&str> = fact.split(' ').collect();
        match words[..] {
            ["asks" | "begun"] => {}
            ["compiled", skill] => compiled.push(skill.to_owned()),
            ["served", skill, variant] => {
                served.entry(skill.to_owned()).or_default().push(variant.to_owned());
            }
            _ => unreachable!("{fact}"),
        }
    }
    compiled.sort();
    (compiled, served)
}

/// Every one was served the same.
fn is_one(variants: &[String]) -> bool {
    variants.iter().all(|variant| *variant == variants[0])
}

#[test]
fn however_many_processes_ask_each_variant_is_made_once() {
    for _ in 0..rounds(2, 10) {
        let (_folder, path) = place();
        // Those who come later find everything.
        for generation in 0..2 {
            let processes: Vec<_> =
                (0..PROCESSES).map(|number| compiler(&path, number, false)).collect();
            let (compiled_now, served) = told(processes.into_iter().flat_map(Process::passes));
            let expected = if generation == 0 { SHARED.len() + PROCESSES } else { 0 };
            assert_eq!(compiled_now.len(), expected, "{compiled_now:?}");
            for name in SHARED {
                assert_eq!(served[name].len(), PROCESSES);
                assert!(is_one(&served[name]));
            }
            assert_eq!(served.len(), SHARED.len() + PROCESSES);
        }
        let compiled = compiled(&path);
        assert_eq!(compiled.len(), SHARED.len() + PROCESSES);
        assert!(compiled.values().all(|times| *times == 1), "{compiled:?}");
        assert_eq!(block_on(open(&path).verify()).unwrap(), []);
    }
}

/// The engine would wait two minutes for one that lives.
#[test]
fn when_the_one_that_compiles_is_killed_another_goes_on() {
    let (_folder, path) = place();
    let first = compiler(&path, 0, true);
    assert_eq!(first.next().as_deref(), Some("asks"));
    assert_eq!(first.next().as_deref(), Some("begun"));
    // They all begin with the skill that the first one compiles.
    let others: Vec<_> = (1..PROCESSES).map(|number| compiler(&path, number * 5, false)).collect();
    for other in &others {
        assert_eq!(other.next().as_deref(), Some("asks"));
    }
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(compiled(&path), BTreeMap::from([("alpha".to_owned(), 1)]), "all wait");
    let killed = Instant::now();
    assert_eq!(first.kill(), Vec::<String>::new());
    let (compiled_now, served) = told(others.into_iter().flat_map(Process::passes));
    assert!(killed.elapsed() < PATIENCE / 2, "{:?}", killed.elapsed());
    assert_eq!(compiled_now.len(), SHARED.len() + PROCESSES - 1);
    assert!(SHARED.iter().all(|name| served[*name].len() == PROCESSES - 1));
    assert!(SHARED.iter().all(|name| is_one(&served[*name])));
    // Once by the one that was killed, and once more.
    assert_eq!(compiled(&path)["alpha"], 2);
    assert!(SHARED[1..].iter().all(|name| compiled(&path)[*name] == 1));
    assert_eq!(block_on(open(&path).verify()).unwrap(), []);
}

/// Half of them are killed at any time; the others are served, and all the same.
#[test]
fn those_that_are_killed_hold_nobody_up() {
    for round in 0..rounds(2, 20) {
        let (_folder, path) = place();
        let mut processes: Vec<_> =
            (0..PROCESSES).map(|number| compiler(&path, number, false)).collect();
        let mut facts = Vec::new();
        for kill in 0..PROCESSES / 2 {
            let chance = random((round * PROCESSES + kill) as u64);
            std::thread::sleep(Duration::from_micros(chance % 60_000));
            let process = processes.swap_remove((chance >> 32) as usize % processes.len());
            facts.extend(process.kill());
        }
        let began = Instant::now();
        for process in processes {
            facts.extend(process.passes());
        }
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
        let (_, served) = told(facts);
        assert!(SHARED.iter().all(|name| served[*name].len() >= PROCESSES / 2));
        assert!(served.values().all(|variants| is_one(variants)));
        assert_eq!(block_on(open(&path).verify()).unwrap(), []);
    }
}
