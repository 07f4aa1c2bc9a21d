//! Which files are opened, which are refused, and which are set aside.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use rusqlite::Connection;
use skvm_runtime::store::{SqliteStore, Store};

use super::{fill, is_filled, open, place};
use crate::store::process::{Process, tell};
use crate::store::{key, records, swap, variant};

/// Set for processes that open: the path.
const PATH: &str = "SKVM_TEST_STORE";

/// It is refused however often it is tried, and not changed; gives what was told.
fn is_refused(path: &Path) -> String {
    let before = fs::read(path).unwrap();
    let mut told = String::new();
    for _ in 0..3 {
        let error = SqliteStore::open(path).map(drop).unwrap_err();
        told = error.to_string();
        assert!(told.contains(path.to_str().unwrap()), "{told}");
        assert_eq!(fs::read(path).unwrap(), before, "{told}");
    }
    told
}

#[test]
fn one_of_a_newer_version_is_refused() {
    let (_folder, path) = place();
    fill(&open(&path));
    let raw = Connection::open(&path).unwrap();
    let version: i64 = raw.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    raw.pragma_update(None, "user_version", version + 1).unwrap();
    drop(raw);
    let told = is_refused(&path);
    assert!(told.contains(&format!("version {}", version + 1)), "{told}");
    assert!(told.contains("newer"), "{told}");
    // What is in it is kept for the newer one.
    Connection::open(&path).unwrap().pragma_update(None, "user_version", version).unwrap();
    is_filled(&open(&path));
}

#[test]
fn a_database_of_something_else_is_refused() {
    for setup in [
        "CREATE TABLE mine (x); INSERT INTO mine VALUES (1)",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 7; PRAGMA journal_mode = WAL; CREATE TABLE entry (key)",
    ] {
        let (_folder, path) = place();
        Connection::open(&path).unwrap().execute_batch(setup).unwrap();
        let told = is_refused(&path);
        assert!(told.contains("something else"), "{setup}: {told}");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    for content in ["My notes.\n", &"Not a database. ".repeat(1000)] {
        let (folder, path) = place();
        fs::write(&path, content).unwrap();
        is_refused(&path);
        // Nothing was set aside or begun beside it, and what others do does not make it ours.
        for other in ["other", "third"] {
            fill(&open(&folder.path().join(other)));
        }
        is_refused(&path);
        let of_it = fs::read_dir(folder.path()).unwrap().filter_map(Result::ok);
        let of_it = of_it.filter(|entry| entry.path().is_file());
        let mut names: Vec<_> = of_it.map(|entry| entry.file_name()).collect();
        names.sort();
        assert_eq!(names, ["other", "skvm.sqlite", "third"]);
    }
}

/// Several at once must not take each other's traces for their own.
#[test]
fn a_file_that_is_no_database_is_refused_to_many() {
    let (_folder, path) = place();
    fs::write(&path, "My notes.\n").unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| is_refused(&path));
        }
    });
}

#[test]
fn a_folder_is_refused() {
    let (folder, _) = place();
    let error = SqliteStore::open(folder.path()).map(drop).unwrap_err();
    assert!(error.to_string().contains(folder.path().to_str().unwrap()));
}

#[test]
fn the_folders_that_lead_to_it_are_made() {
    let (folder, _) = place();
    let path = folder.path().join("a/b c/é/skvm.sqlite");
    fill(&open(&path));
    is_filled(&open(&path));
}

/// A database that is destroyed so that it cannot be opened.
fn destroyed(path: &Path) -> Vec<u8> {
    fill(&open(path));
    let mut bytes = fs::read(path).unwrap();
    bytes[..100].fill(b'x');
    fs::write(path, &bytes).unwrap();
    bytes
}

#[test]
fn a_destroyed_one_is_set_aside_and_a_new_one_begun() {
    let (_folder, path) = place();
    let bytes = destroyed(&path);
    let store = SqliteStore::open(&path).unwrap();
    let damage = store.take_damage();
    assert_eq!(damage.len(), 1);
    assert_eq!(damage[0].what, format!("the database {}", path.display()));
    assert!(!damage[0].reason.is_empty());
    let kept = damage[0].kept.as_deref().unwrap();
    assert!(damage[0].to_string().contains(kept));
    assert_eq!(fs::read(kept).unwrap(), bytes, "it may be wanted for rescue");
    assert_eq!(store.take_damage(), [], "told once");
    // The new one is empty and whole.
    assert!(block_on(store.variant(key("v"))).unwrap().is_none());
    fill(&store);
    drop(store);
    let store = open(&path);
    is_filled(&store);
    assert_eq!(block_on(store.verify()).unwrap(), []);
}

/// What the tables say is destroyed, not the beginning of the file.
#[test]
fn one_whose_schema_is_destroyed_is_set_aside() {
    let (_folder, path) = place();
    fill(&open(&path));
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..4096].fill(0xff);
    fs::write(&path, &bytes).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.take_damage().len(), 1);
    fill(&store);
    is_filled(&store);
}

/// One of them sets it aside; the others find the new one.
#[test]
fn many_who_find_it_destroyed_begin_one_new() {
    const THREADS: usize = 8;
    let (folder, path) = place();
    destroyed(&path);
    let barrier = Barrier::new(THREADS);
    let stores: Vec<SqliteStore> = thread::scope(|scope| {
        let open = || {
            barrier.wait();
            SqliteStore::open(&path).unwrap()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let told: usize = stores.iter().map(|store| store.take_damage().len()).sum();
    assert_eq!(told, 1);
    fill(&stores[0]);
    for store in &stores {
        is_filled(store);
    }
    let entries = fs::read_dir(folder.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.ends_with(char::is_numeric)).count(), 1);
}

/// Whoever has it open would go on writing into what was set aside.
#[test]
fn one_that_is_in_use_is_not_replaced() {
    let (_folder, path) = place();
    fill(&open(&path));
    let user = open(&path);
    is_filled(&user);
    // A page of an index is destroyed, and somebody notices.
    let mut bytes = fs::read(&path).unwrap();
    let pages = bytes.len() / 4096;
    bytes[(pages - 1) * 4096] = 0xff;
    fs::write(&path, &bytes).unwrap();
    assert!(!block_on(open(&path).verify()).is_ok_and(|found| found.is_empty()));
    for _ in 0..2 {
        let other = open(&path);
        swap(&user, ("t", "a"), 0, Some("one"));
        assert_eq!(records(&other, "t", 0), [(key("a"), 1, Some("one".to_owned()))]);
    }
    drop(user);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.take_damage().len(), 1);
    assert_eq!(records(&store, "t", 0), [(key("a"), 1, Some("one".to_owned()))]);
    assert_eq!(block_on(store.verify()).unwrap(), []);
    drop(store);
    open(&path);
}

/// Somebody else is in the middle of a long transaction.
#[test]
fn who_opens_it_does_not_wait_for_who_writes() {
    let (_folder, path) = place();
    fill(&open(&path));
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE; DELETE FROM entry").unwrap();
    let began = Instant::now();
    is_filled(&open(&path));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn many_threads_open_it_at_once() {
    const THREADS: usize = 8;
    for _ in 0..10 {
        let (_folder, path) = place();
        let barrier = Arc::new(Barrier::new(THREADS));
        let open = |number: usize| {
            let (path, barrier) = (path.clone(), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                let store = open(&path);
                swap(&store, ("s", &number.to_string()), 0, Some("x")).unwrap();
                store
            })
        };
        let threads: Vec<_> = (0..THREADS).map(open).collect();
        let stores: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        for store in stores {
            assert_eq!(records(&store, "s", 0).len(), THREADS);
        }
    }
}

#[test]
fn many_processes_open_it_at_once() {
    const PROCESSES: usize = 8;
    const ROUNDS: usize = 3;
    for _ in 0..ROUNDS {
        let (_folder, path) = place();
        let test = "store::sqlite::opening::a_process_that_opens";
        let start = |_| Process::start(test, [(PATH, path.as_os_str())]);
        let processes: Vec<_> = (0..PROCESSES).map(start).collect();
        for process in processes {
            assert_eq!(process.passes(), ["opened"]);
        }
        let store = open(&path);
        assert_eq!(records(&store, "s", 0).len(), PROCESSES);
        assert_eq!(block_on(store.variant(key("v"))).unwrap(), Some(variant(1)));
        assert_eq!(block_on(store.verify()).unwrap(), []);
    }
}

#[test]
#[ignore = "is started by the test above"]
fn a_process_that_opens() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let store = open(Path::new(&path));
    swap(&store, ("s", &std::process::id().to_string()), 0, Some("x")).unwrap();
    block_on(store.publish(key("v"), variant(1))).unwrap();
    tell("opened");
}
