//! The suite for stores: ours pass, and no broken one does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use skvm_runtime::store::MemoryStore;
use skvm_runtime::store::conformance::conforms;

use super::broken::{Broken, FAULTS, Fault};

#[test]
fn the_store_in_memory_conforms() {
    block_on(conforms(|| Arc::new(MemoryStore::default()))).unwrap();
}

/// The suite needs no executor of its own and disturbs none.
#[cfg(feature = "tokio")]
#[tokio::test]
async fn the_suite_runs_in_any_executor() {
    conforms(|| Arc::new(MemoryStore::default())).await.unwrap();
}

/// The store that faults are put into has none of its own.
#[test]
fn a_store_without_a_fault_conforms() {
    block_on(conforms(|| Arc::new(Broken::new(Fault::Nothing)))).unwrap();
}

/// A store that is as it should be but for one fault is told by the promise that the fault breaks.
#[test]
fn no_broken_store_conforms() {
    let find = |(fault, promise): &(Fault, &str)| {
        let outcome = block_on(conforms(|| Arc::new(Broken::new(*fault))));
        let Err(found) = outcome else { return Some(format!("{fault:?} passes")) };
        (found.promise() != *promise).then(|| format!("{fault:?}: {found}"))
    };
    let missed: Vec<String> = std::thread::scope(|scope| {
        let checks = FAULTS.iter().map(|fault| scope.spawn(move || find(fault)));
        let checks: Vec<_> = checks.collect();
        checks.into_iter().filter_map(|check| check.join().unwrap()).collect()
    });
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn what_is_not_kept_is_told() {
    let broken = || Arc::new(Broken::new(Fault::RevisionsStand)) as _;
    let found = block_on(conforms(broken)).unwrap_err();
    let told = found.to_string();
    for part in [found.promise(), found.expected(), found.found()] {
        assert!(!part.is_empty() && told.contains(part), "{told}");
    }
    assert!(std::error::Error::source(&found).is_none());
    // Where the store failed, the source says why.
    let found = block_on(conforms(|| Arc::new(Broken::new(Fault::WritesFail)))).unwrap_err();
    let source = std::error::Error::source(&found).unwrap();
    assert_eq!(source.to_string(), "the disk is full");
    // However much there is to tell, it stays readable.
    let found = block_on(conforms(|| Arc::new(Broken::new(Fault::ValuesAreCut)))).unwrap_err();
    assert!(found.to_string().chars().count() < 1000, "{found}");
}

/// A check that never ends would be no answer.
#[test]
fn a_store_that_waits_for_ever_is_told_in_time() {
    let began = Instant::now();
    let found = block_on(conforms(|| Arc::new(Broken::new(Fault::PatienceIsEndless)))).unwrap_err();
    assert_eq!(found.promise(), "who waits for a name waits as long as the patience lasts");
    assert!(began.elapsed() < Duration::from_secs(60));
}
