//! The store in a file.

mod agreement;
mod flips;
mod flips_in_file;
mod leases;
mod opening;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use rusqlite::Connection;
use skvm_core::llm::LlmResponse;
use skvm_runtime::store::conformance::conforms;
use skvm_runtime::store::{Keep, SqliteStore, Store, StoreLimits};
use tempfile::TempDir;

use super::{key, records, skill, swap, tasks, trace, variant};

/// A folder, and the path of a database in it that is not there yet.
pub(super) fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    // Through no link, so that it is told as it is.
    let path = folder.path().canonicalize().unwrap().join("skvm.sqlite");
    (folder, path)
}

pub(super) fn open(path: &Path) -> SqliteStore {
    let store = SqliteStore::open(path).unwrap();
    assert_eq!(store.take_damage(), []);
    store
}

#[test]
fn it_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let count = Cell::new(0);
    let make = || {
        let number = count.replace(count.get() + 1);
        Arc::new(open(&folder.path().join(format!("{number}.sqlite")))) as _
    };
    block_on(conforms(make)).unwrap();
    assert!(count.get() > 20, "each check has a store of its own");
}

/// One of each.
fn fill(store: &dyn Store) {
    block_on(store.publish(key("v"), variant(1))).unwrap();
    block_on(store.record_answer(key("a"), &LlmResponse::text("one"))).unwrap();
    for task in ["first", "second"] {
        block_on(store.append_trace(&trace(&skill(1), task))).unwrap();
    }
    let first = swap(store, ("s", "a"), 0, Some("one")).unwrap();
    swap(store, ("s", "a"), first, Some("two")).unwrap();
    let gone = swap(store, ("s", "b"), 0, Some("gone")).unwrap();
    swap(store, ("s", "b"), gone, None).unwrap();
}

fn is_filled(store: &dyn Store) {
    assert_eq!(block_on(store.variant(key("v"))).unwrap(), Some(variant(1)));
    assert_eq!(block_on(store.answer(key("a"))).unwrap(), Some(LlmResponse::text("one")));
    assert_eq!(tasks(store, &skill(1)), ["first", "second"]);
    let expected = [(key("a"), 2, Some("two".to_owned())), (key("b"), 4, None)];
    assert_eq!(records(store, "s", 0), expected);
    assert_eq!(store.take_damage(), []);
}

#[test]
fn everything_is_there_when_it_is_opened_again() {
    let (_folder, path) = place();
    fill(&open(&path));
    for _ in 0..3 {
        let store = open(&path);
        is_filled(&store);
        assert_eq!(block_on(store.verify()).unwrap(), []);
        assert_eq!(store.quarantined().unwrap(), []);
    }
    // The revisions go on where they were, also after what was collected.
    let store = open(&path);
    assert_eq!(swap(&store, ("s", "c"), 0, Some("x")), Some(5));
    let age = StoreLimits { bytes: None, age: Some(Duration::ZERO) };
    assert_eq!(block_on(store.collect(&age, &Keep::default())).unwrap().records, 3);
    drop(store);
    assert_eq!(swap(&open(&path), ("s", "a"), 0, Some("y")), Some(6));
}

#[test]
fn several_handles_see_what_the_others_write() {
    let (_folder, path) = place();
    let (one, other) = (open(&path), open(&path));
    fill(&one);
    is_filled(&other);
    swap(&other, ("s", "a"), 2, Some("three")).unwrap();
    assert_eq!(swap(&one, ("s", "a"), 2, Some("lost")), None);
    assert_eq!(records(&one, "s", 4), [(key("a"), 5, Some("three".to_owned()))]);
}

/// Somebody else is in the middle of a long transaction.
#[test]
fn who_reads_does_not_wait_for_who_writes() {
    let (_folder, path) = place();
    let store = open(&path);
    fill(&store);
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE; DELETE FROM entry; DELETE FROM record").unwrap();
    let began = Instant::now();
    is_filled(&store);
    // One that has no connection yet does not wait either.
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| is_filled(&store));
        }
    });
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    writer.execute_batch("ROLLBACK").unwrap();
    is_filled(&store);
}

/// That something was used is noted once a day. Whoever reads waits for nobody because of it.
#[test]
fn the_note_of_a_use_holds_nobody_up() {
    let (_folder, path) = place();
    let store = open(&path);
    fill(&store);
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("UPDATE entry SET used = 1").unwrap();
    raw.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let began = Instant::now();
    is_filled(&store);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    raw.execute_batch("ROLLBACK").unwrap();
    drop(store);
    let used: i64 = raw.query_row("SELECT min(used) FROM entry", [], |row| row.get(0)).unwrap();
    assert!(used > 1, "the use is noted when there is time");
}

#[test]
fn a_write_that_nobody_waits_for_is_done() {
    let (_folder, path) = place();
    let store = open(&path);
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut write = Box::pin(store.publish(key("v"), variant(1)));
    assert!(futures::FutureExt::now_or_never(&mut write).is_none());
    drop(write);
    raw.execute_batch("ROLLBACK").unwrap();
    drop(store);
    assert_eq!(block_on(open(&path).variant(key("v"))).unwrap(), Some(variant(1)));
}

/// A write waits for those of other processes as long as it was told to, and then nothing is changed.
#[test]
fn a_write_waits_for_so_long() {
    let (_folder, path) = place();
    let options = skvm_runtime::store::SqliteOptions::default().busy(Duration::from_millis(200));
    let store = SqliteStore::open_with(&path, options).unwrap();
    fill(&store);
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let began = Instant::now();
    let error = block_on(store.publish(key("w"), variant(2))).unwrap_err();
    assert!(!error.is_damaged());
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!((Duration::from_millis(200)..Duration::from_secs(20)).contains(&began.elapsed()));
    raw.execute_batch("ROLLBACK").unwrap();
    assert!(block_on(store.variant(key("w"))).unwrap().is_none());
    is_filled(&store);
}

#[test]
fn what_is_collected_gives_its_room_back() {
    let (_folder, path) = place();
    let store = open(&path);
    let big = "x".repeat(1 << 20);
    for number in 0..8 {
        let answer = LlmResponse::text(format!("{number}{big}"));
        block_on(store.record_answer(key(&number.to_string()), &answer)).unwrap();
    }
    let limits = StoreLimits { bytes: Some(3 << 20), age: None };
    let collected = block_on(store.collect(&limits, &Keep::default())).unwrap();
    assert_eq!(collected.answers, 6);
    assert!(collected.bytes_left > 2 << 20 && collected.bytes_left <= 3 << 20);
    assert!(std::fs::metadata(&path).unwrap().len() < 4 << 20);
    assert_eq!(block_on(store.verify()).unwrap(), []);
}

#[test]
fn the_oldest_traces_of_a_skill_make_room() {
    let (_folder, path) = place();
    let store = open(&path);
    let (busy, quiet) = (skill(1), skill(2));
    block_on(store.append_trace(&trace(&quiet, "kept"))).unwrap();
    let mut one = trace(&busy, "");
    for number in 0..1200 {
        one.task = number.to_string();
        block_on(store.append_trace(&one)).unwrap();
    }
    let kept = tasks(&store, &busy);
    assert!((1000..1064).contains(&kept.len()), "{}", kept.len());
    let last: Vec<String> = (1200 - kept.len()..1200).map(|number| number.to_string()).collect();
    assert_eq!(kept, last);
    assert_eq!(tasks(&store, &quiet), ["kept"]);
}
