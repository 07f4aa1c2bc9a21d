//! Processes that are killed while they write. What they told is there, and nothing is there by half.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use skvm_core::digest::Digest;
use skvm_runtime::store::{Keep, SqliteStore, Store, StoreLimits};

use super::process::{PATIENCE, Process, tell};
use super::sqlite::{open, place};
use super::{key, random, rounds, skill, tasks, trace, variant};

/// Set for processes that write: the path, and the number of the process.
const PATH: &str = "SKVM_TEST_STORE";
const NUMBER: &str = "SKVM_TEST_NUMBER";

const COUNTERS: usize = 4;

fn writer(path: &Path, number: usize) -> Process {
    let own = number.to_string();
    let variables = [(PATH, path.as_os_str()), (NUMBER, own.as_ref())];
    Process::start("store::kill::a_process_that_writes", variables)
}

fn own(number: usize, round: usize) -> Digest {
    key(&format!("{number} {round}"))
}

/// Adds one to a counter; gives what it is then.
fn count(store: &dyn Store, counter: usize) -> u64 {
    let (scope, name) = (key("counters"), key(&counter.to_string()));
    loop {
        let (revision, number) = counted(store, counter);
        let next = number + 1;
        let value = next.to_string();
        let swap = store.swap_record(scope, name, revision, Some(&value));
        if block_on(swap).unwrap().is_some() {
            return next;
        }
    }
}

/// A counter: its revision, and what it is.
fn counted(store: &dyn Store, counter: usize) -> (u64, u64) {
    let name = key(&counter.to_string());
    let records = block_on(store.records(key("counters"), 0)).unwrap();
    let known = records.into_iter().find(|record| record.key == name);
    known.map_or((0, 0), |record| (record.revision, record.value.unwrap().parse().unwrap()))
}

/// Writes until it is killed, and tells each fact once it is committed.
#[test]
#[ignore = "is started by the tests below, which kill it"]
fn a_process_that_writes() {
    let (Some(path), Ok(number)) = (std::env::var_os(PATH), std::env::var(NUMBER)) else { return };
    let number = number.parse().unwrap();
    let store = open(Path::new(&path));
    let skill = skill(number);
    for round in 0.. {
        let variant = variant(number * 1000 + round);
        block_on(store.publish(own(number, round), variant.clone())).unwrap();
        tell(format_args!("variant {round} {}", variant.digest()));

        let counter = round % COUNTERS;
        let turn = round % 8 == 3;
        let lease = turn.then(|| block_on(store.lease(key("turn"), PATIENCE)).unwrap().unwrap());
        tell(format_args!("counter {counter} {}", count(&store, counter)));
        drop(lease);

        // Long enough for several pages.
        let task = format!("{round} {}", "x".repeat(round % 4 * 2500));
        block_on(store.append_trace(&trace(&skill, &task))).unwrap();
        tell(format_args!("trace {round}"));

        if number.is_multiple_of(8) && round == 1 {
            block_on(store.collect(&StoreLimits::default(), &Keep::default())).unwrap();
        }
    }
}

/// What all processes told.
#[derive(Default)]
struct Told {
    /// By the number of the process.
    processes: Vec<OfProcess>,
    counted: BTreeSet<(usize, u64)>,
}

#[derive(Default)]
struct OfProcess {
    variants: Vec<String>,
    traces: usize,
}

impl Told {
    fn note(&mut self, number: usize, facts: &[String]) {
        self.processes.resize_with(self.processes.len().max(number + 1), OfProcess::default);
        let process = &mut self.processes[number];
        for fact in facts {
            let words: Vec<&str> = fact.split(' ').collect();
            match words[..] {
                ["variant", round, digest] => {
                    assert_eq!(round, process.variants.len().to_string());
                    process.variants.push(digest.to_owned());
                }
                ["trace", round] => {
                    assert_eq!(round, process.traces.to_string());
                    process.traces += 1;
                }
                ["counter", counter, number] => {
                    let counted = (counter.parse().unwrap(), number.parse().unwrap());
                    assert!(self.counted.insert(counted), "an update was lost: {counted:?}");
                }
                _ => unreachable!("{fact}"),
            }
        }
    }

    /// Everything that was told is in the store, at most one fact more of each process, and all of it is whole.
    fn is_in(&self, store: &SqliteStore) {
        for (number, told) in self.processes.iter().enumerate() {
            let present = |round| block_on(store.variant(own(number, round))).unwrap();
            for (round, digest) in told.variants.iter().enumerate() {
                assert_eq!(present(round).unwrap().digest().to_string(), *digest);
            }
            // The one that was written and not told any more is whole when it is there.
            if let Some(variant) = present(told.variants.len()) {
                assert_eq!(variant, super::variant(number * 1000 + told.variants.len()));
            }
            assert!(present(told.variants.len() + 1).is_none());

            let tasks = tasks(store, &skill(number));
            assert!((told.traces..=told.traces + 1).contains(&tasks.len()), "{}", tasks.len());
            for (round, task) in tasks.iter().enumerate() {
                assert_eq!(*task, format!("{round} {}", "x".repeat(round % 4 * 2500)));
            }
        }
        let mut untold = 0;
        for counter in 0..COUNTERS {
            let told = self.counted.range((counter, 0)..(counter + 1, 0)).count() as u64;
            let (_, number) = counted(store, counter);
            assert!(number >= told, "{number} of {told}");
            untold += number - told;
        }
        assert!(untold <= self.processes.len() as u64, "{untold} more than were told");
        assert_eq!(block_on(store.verify()).unwrap(), []);
        assert_eq!(store.quarantined().unwrap(), []);
        // What was held is free.
        assert!(block_on(store.lease(key("turn"), Duration::ZERO)).unwrap().is_some());
    }
}

/// Several write at a time. Again and again one of them is killed, and another comes in its place.
fn kill_writers(path: &Path, at_once: usize, kills: usize, seed: u64) -> Told {
    let mut told = Told::default();
    let mut running: Vec<(usize, Process)> =
        (0..at_once).map(|number| (number, writer(path, number))).collect();
    for kill in 0..kills + at_once {
        let chance = random(seed + kill as u64);
        let (number, process) = running.swap_remove(chance as usize % running.len());
        // Some are killed before they have done anything, others in the middle.
        let mut facts: Vec<String> = Vec::new();
        if !chance.is_multiple_of(4) {
            facts.extend((0..(chance >> 8) % 10).map_while(|_| process.next()));
        }
        std::thread::sleep(Duration::from_micros((chance >> 16) % 10_000));
        facts.extend(process.kill());
        told.note(number, &facts);
        if kill < kills {
            running.push((kill + at_once, writer(path, kill + at_once)));
        }
    }
    told
}

#[test]
fn what_killed_processes_told_is_there() {
    let (_folder, path) = place();
    let told = kill_writers(&path, 4, rounds(60, 1000), 1);
    assert!(told.counted.len() > 50, "{} is too little to show anything", told.counted.len());
    told.is_in(&open(&path));
    // And once more, by one who was not there.
    told.is_in(&open(&path));
}

/// Alone, each is the first to open the database and the last to close it, and has to recover what was left.
#[test]
fn what_a_process_alone_told_is_there() {
    let (_folder, path) = place();
    let told = kill_writers(&path, 1, rounds(20, 200), 2);
    told.is_in(&open(&path));
}

/// The database is made by the one that is killed.
#[test]
fn one_that_was_killed_while_it_was_made_is_opened() {
    for round in 0..rounds(20, 200) {
        let (_folder, path) = place();
        let process = writer(&path, 0);
        // Some of the time before there is a file, and some after.
        let began = Instant::now();
        while !path.exists() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_micros(100));
        }
        std::thread::sleep(Duration::from_micros(random(round as u64) % 80_000));
        let mut told = Told::default();
        told.note(0, &process.kill());
        told.is_in(&open(&path));
    }
}
