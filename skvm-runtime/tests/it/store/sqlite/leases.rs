//! Leases between threads, handles and processes.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::executor::block_on;
use skvm_runtime::store::{Lease, SqliteStore, Store};

use super::{open, place};
use crate::store::key;
use crate::store::process::{PATIENCE, Process, tell};

/// Set for processes that take a lease: the path of the store.
const PATH: &str = "SKVM_TEST_STORE";

fn take(store: &SqliteStore, name: &str, patience: Duration) -> Option<Lease> {
    block_on(store.lease(key(name), patience)).unwrap()
}

#[test]
fn handles_of_one_store_share_its_leases() {
    let (_folder, path) = place();
    let (one, other) = (open(&path), open(&path));
    let held = take(&one, "a", Duration::ZERO).unwrap();
    assert!(take(&other, "a", Duration::from_millis(50)).is_none());
    drop(held);
    assert!(take(&other, "a", Duration::ZERO).is_some());
}

/// The same file by another path is the same store.
#[test]
fn a_link_leads_to_the_same_leases() {
    let (folder, path) = place();
    let one = open(&path);
    let held = take(&one, "a", Duration::ZERO).unwrap();
    let to_folder = folder.path().join("folder");
    std::os::unix::fs::symlink(folder.path(), &to_folder).unwrap();
    let to_file = folder.path().join("file");
    std::os::unix::fs::symlink(&path, &to_file).unwrap();
    for other in [to_folder.join("skvm.sqlite"), to_file] {
        assert!(take(&open(&other), "a", Duration::ZERO).is_none(), "{}", other.display());
    }
    drop(held);
}

/// Somebody cleans up, and empty folders go.
#[test]
fn leases_can_be_taken_when_their_folder_is_gone() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut leases = path.clone().into_os_string();
    leases.push("-leases");
    std::fs::remove_dir_all(&leases).unwrap();
    let held = take(&store, "a", Duration::ZERO).unwrap();
    assert!(take(&store, "a", Duration::ZERO).is_none());
    drop(held);
    assert!(take(&open(&path), "a", Duration::ZERO).is_some());
}

#[test]
fn no_file_is_left_of_a_lease() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut leases = path.clone().into_os_string();
    leases.push("-leases");
    let count = || std::fs::read_dir(&leases).unwrap().count();
    let before = count();
    let held = [take(&store, "a", Duration::ZERO), take(&store, "b", Duration::ZERO)];
    assert_eq!(count(), before + 2);
    drop(held);
    assert_eq!(count(), before);
}

/// Who waits in a task that is dropped leaves neither a thread nor a lease behind. Counted in a process of its own.
#[cfg(target_os = "linux")]
#[test]
fn who_goes_away_ends_the_wait() {
    let (_folder, path) = place();
    let test = "store::sqlite::leases::a_process_whose_waits_are_dropped";
    Process::start(test, [(PATH, path.as_os_str())]).passes();
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "is started by the test above"]
fn a_process_whose_waits_are_dropped() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let store = open(Path::new(&path));
    let waits = || {
        let threads = std::fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok);
        let names = threads.map(|it| std::fs::read_to_string(it.path().join("comm")));
        names.filter(|name| name.as_ref().is_ok_and(|it| it.trim() == "skvm-lease")).count()
    };
    let held = take(&store, "a", Duration::ZERO).unwrap();
    let mut waiting: Vec<_> = (0..8).map(|_| store.lease(key("a"), PATIENCE)).collect();
    for wait in &mut waiting {
        assert!(wait.now_or_never().is_none());
    }
    let come_to = |expected| {
        let began = Instant::now();
        while waits() != expected {
            assert!(began.elapsed() < PATIENCE / 2, "{} wait", waits());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    come_to(8);
    drop(waiting);
    come_to(0);
    drop(held);
    assert!(take(&store, "a", Duration::ZERO).is_some());
}

#[test]
fn the_lease_of_a_process_ends_with_it() {
    let (_folder, path) = place();
    let store = open(&path);
    for _ in 0..5 {
        let test = "store::sqlite::leases::a_process_that_holds_a_lease";
        let holder = Process::start(test, [(PATH, path.as_os_str())]);
        assert_eq!(holder.next().as_deref(), Some("held"));
        assert!(take(&store, "a", Duration::from_millis(50)).is_none());
        let waiting = std::thread::scope(|scope| {
            let wait = scope.spawn(|| (take(&store, "a", PATIENCE), Instant::now()));
            std::thread::sleep(Duration::from_millis(50));
            let killed = Instant::now();
            holder.kill();
            let (lease, served) = wait.join().unwrap();
            (lease.is_some(), served.saturating_duration_since(killed))
        });
        assert!(waiting.0 && waiting.1 < PATIENCE / 2, "{waiting:?}");
    }
}

#[test]
#[ignore = "is started by the test above"]
fn a_process_that_holds_a_lease() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let store = open(Path::new(&path));
    let _held = take(&store, "a", PATIENCE).unwrap();
    tell("held");
    std::thread::sleep(PATIENCE);
}
