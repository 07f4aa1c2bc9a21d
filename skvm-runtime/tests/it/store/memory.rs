//! The store in memory, and what stands between stores and their users.

use std::error::Error as _;
use std::sync::{Arc, Barrier};
use std::thread;

use futures::executor::block_on;
use skvm_core::digest::Digest;
use skvm_core::harness::RunStatus;
use skvm_core::llm::{LlmErrorKind, LlmResponse};
use skvm_core::target::Target;
use skvm_passes::recorded::AnswerLog;
use skvm_runtime::session::Session;
use skvm_runtime::store::{MemoryStore, Store, StoreAnswers, StoreError};

use super::{key, records, skill, swap, tasks, trace, variant};
use crate::watched::Watched;

#[test]
fn what_was_not_put_in_is_not_there() {
    let store = MemoryStore::default();
    assert!(block_on(store.variant(key("a"))).unwrap().is_none());
    assert!(block_on(store.answer(key("a"))).unwrap().is_none());
    assert!(block_on(store.traces(key("a"))).unwrap().is_empty());
}

#[test]
fn variants_are_found_under_their_key() {
    let store = MemoryStore::default();
    let (one, two) = (variant(1), variant(2));
    block_on(store.publish(key("a"), one.clone())).unwrap();
    block_on(store.publish(key("b"), two.clone())).unwrap();
    let get = |name| block_on(store.variant(key(name))).unwrap();
    assert!(Arc::ptr_eq(&get("a").unwrap(), &one) && Arc::ptr_eq(&get("b").unwrap(), &two));
    assert!(get("c").is_none());
    // The last publication of a key counts.
    block_on(store.publish(key("a"), two.clone())).unwrap();
    assert!(Arc::ptr_eq(&get("a").unwrap(), &two));
}

#[test]
fn answers_are_found_under_their_request() {
    let store = MemoryStore::default();
    block_on(store.record_answer(key("a"), &LlmResponse::text("one"))).unwrap();
    block_on(store.record_answer(key("b"), &LlmResponse::text("two"))).unwrap();
    let get = |name| block_on(store.answer(key(name))).unwrap().map(|answer| answer.text);
    assert_eq!(
        (get("a").as_deref(), get("b").as_deref(), get("c")),
        (Some("one"), Some("two"), None)
    );
    // A variant's key is no request.
    assert!(block_on(store.variant(key("a"))).unwrap().is_none());
}

#[test]
fn traces_are_those_of_the_skill_and_the_oldest_comes_first() {
    let store = MemoryStore::default();
    let (one, two) = (skill(1), skill(2));
    for task in ["first", "second", "third"] {
        block_on(store.append_trace(&trace(&one, task))).unwrap();
    }
    block_on(store.append_trace(&trace(&two, "other"))).unwrap();
    assert_eq!(tasks(&store, &one), ["first", "second", "third"]);
    assert_eq!(tasks(&store, &two), ["other"]);
    // One without a skill is nobody's.
    let session = Session::new(Target::new("m", "h"), "none");
    block_on(store.append_trace(&block_on(session.finish(RunStatus::Ok)))).unwrap();
    assert_eq!(tasks(&store, &one).len(), 3);
}

#[test]
fn the_oldest_traces_of_a_skill_make_room() {
    let store = MemoryStore::default();
    let (busy, quiet) = (skill(1), skill(2));
    block_on(store.append_trace(&trace(&quiet, "kept"))).unwrap();
    let mut one = trace(&busy, "");
    for number in 0..1005 {
        one.task = number.to_string();
        block_on(store.append_trace(&one)).unwrap();
    }
    let kept: Vec<String> = (5..1005).map(|number| number.to_string()).collect();
    assert_eq!(tasks(&store, &busy), kept);
    assert_eq!(tasks(&store, &quiet), ["kept"]);
}

#[test]
fn many_threads_use_it_at_the_same_time() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 100;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (shared, variants) = (skill(0), [variant(1), variant(2)]);
    let barrier = Arc::new(Barrier::new(THREADS));
    let worker = |worker: usize| {
        let (store, barrier) = (Arc::clone(&store), Arc::clone(&barrier));
        let (shared, variants) = (shared.clone(), variants.clone());
        thread::spawn(move || {
            barrier.wait();
            for round in 0..ROUNDS {
                let name = format!("{worker}-{round}");
                let answer = LlmResponse::text(name.clone());
                block_on(async {
                    store.publish(key("hot"), variants[round % 2].clone()).await.unwrap();
                    let hot = store.variant(key("hot")).await.unwrap().unwrap();
                    assert!(variants.iter().any(|known| Arc::ptr_eq(known, &hot)));
                    store.record_answer(key(&name), &answer).await.unwrap();
                    assert_eq!(store.answer(key(&name)).await.unwrap().as_ref(), Some(&answer));
                });
                block_on(store.append_trace(&trace(&shared, &name))).unwrap();
            }
        })
    };
    let workers: Vec<_> = (0..THREADS).map(worker).collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let tasks = tasks(&*store, &shared);
    assert_eq!(tasks.len(), THREADS * ROUNDS);
    // The traces of each thread are in its order.
    for worker in 0..THREADS {
        let own = tasks.iter().filter(|task| task.starts_with(&format!("{worker}-")));
        let expected = (0..ROUNDS).map(|round| format!("{worker}-{round}"));
        assert!(own.eq(expected.collect::<Vec<_>>().iter()));
    }
}

#[test]
fn a_record_changes_only_from_the_revision_that_was_read() {
    let store = MemoryStore::default();
    assert!(records(&store, "s", 0).is_empty());
    let first = swap(&store, ("s", "a"), 0, Some("one")).unwrap();
    assert!(first > 0);
    // Somebody else who thinks that there is none, or that it is another one.
    for expected in [0, first + 1, u64::MAX] {
        assert_eq!(swap(&store, ("s", "a"), expected, Some("lost")), None);
    }
    assert_eq!(records(&store, "s", 0), [(key("a"), first, Some("one".to_owned()))]);
    let second = swap(&store, ("s", "a"), first, Some("two")).unwrap();
    assert!(second > first);
    assert_eq!(swap(&store, ("s", "a"), first, Some("lost")), None);
    assert_eq!(records(&store, "s", 0), [(key("a"), second, Some("two".to_owned()))]);
    // One that is not there cannot be expected.
    assert_eq!(swap(&store, ("s", "b"), 1, Some("lost")), None);
    assert_eq!(swap(&store, ("s", "b"), second, None), None);
}

#[test]
fn records_are_told_since_a_revision_in_its_order() {
    let store = MemoryStore::default();
    let mut last = 0;
    for name in ["a", "b", "c"] {
        last = swap(&store, ("s", name), 0, Some(name)).unwrap();
    }
    let all = records(&store, "s", 0);
    let keys: Vec<Digest> = all.iter().map(|(key, ..)| *key).collect();
    assert_eq!(keys, ["a", "b", "c"].map(key));
    assert!(all.is_sorted_by_key(|(_, revision, _)| *revision));
    let again = swap(&store, ("s", "a"), all[0].1, Some("again")).unwrap();
    assert_eq!(records(&store, "s", last), [(key("a"), again, Some("again".to_owned()))]);
    assert!(records(&store, "s", again).is_empty());
    assert!(records(&store, "s", u64::MAX).is_empty());
    // Each record once, by its latest revision.
    let keys: Vec<Digest> = records(&store, "s", 0).iter().map(|(key, ..)| *key).collect();
    assert_eq!(keys, ["b", "c", "a"].map(key));
}

#[test]
fn a_removed_record_is_told_and_keeps_its_revision() {
    let store = MemoryStore::default();
    let first = swap(&store, ("s", "a"), 0, Some("one")).unwrap();
    let removed = swap(&store, ("s", "a"), first, None).unwrap();
    assert!(removed > first);
    assert_eq!(records(&store, "s", first), [(key("a"), removed, None)]);
    // It was there, so that it does not begin at 0 again.
    assert_eq!(swap(&store, ("s", "a"), 0, Some("lost")), None);
    let back = swap(&store, ("s", "a"), removed, Some("two")).unwrap();
    assert!(back > removed);
    assert_eq!(records(&store, "s", 0), [(key("a"), back, Some("two".to_owned()))]);
}

#[test]
fn the_records_of_scopes_are_apart() {
    let store = MemoryStore::default();
    let one = swap(&store, ("s", "a"), 0, Some("one")).unwrap();
    let other = swap(&store, ("t", "a"), 0, Some("other")).unwrap();
    assert_eq!(records(&store, "s", 0), [(key("a"), one, Some("one".to_owned()))]);
    assert_eq!(records(&store, "t", 0), [(key("a"), other, Some("other".to_owned()))]);
}

#[test]
fn of_many_threads_that_change_a_record_none_loses_its_change() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 200;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let barrier = Arc::new(Barrier::new(THREADS));
    let workers: Vec<_> = (0..THREADS)
        .map(|_| {
            let (store, barrier) = (Arc::clone(&store), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                for _ in 0..ROUNDS {
                    loop {
                        let known = records(&*store, "s", 0).pop();
                        let (revision, count) = known.map_or((0, 0), |(_, revision, value)| {
                            (revision, value.unwrap().parse::<usize>().unwrap())
                        });
                        let value = (count + 1).to_string();
                        if swap(&*store, ("s", "a"), revision, Some(&value)).is_some() {
                            break;
                        }
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let last = records(&*store, "s", 0).pop().unwrap();
    assert_eq!(last.2, Some((THREADS * ROUNDS).to_string()));
}

#[test]
fn the_answers_of_a_store_are_a_log_for_recorded_models() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let log = StoreAnswers::new(Arc::clone(&store));
    assert!(block_on(log.answer(key("a"))).unwrap().is_none());
    block_on(log.record(key("a"), &LlmResponse::text("one"))).unwrap();
    assert_eq!(block_on(log.answer(key("a"))).unwrap(), Some(LlmResponse::text("one")));
    assert_eq!(block_on(store.answer(key("a"))).unwrap(), Some(LlmResponse::text("one")));
}

#[test]
fn a_log_that_cannot_be_read_says_why() {
    let log = StoreAnswers::new(Watched::failing("answer"));
    let error = block_on(log.answer(key("a"))).unwrap_err();
    assert_eq!(*error.kind(), LlmErrorKind::NotRecorded);
    assert!(!error.is_retryable());
    let cause = error.source().unwrap();
    assert_eq!(cause.to_string(), "store: answer");
    assert_eq!(cause.source().unwrap().to_string(), "the disk is gone");
}

#[test]
fn an_error_says_what_was_attempted_and_keeps_its_cause() {
    let error = StoreError::new("reading variant 12 from the database");
    assert_eq!(error.to_string(), "reading variant 12 from the database");
    assert!(error.source().is_none());
    let error = error.with_source(std::io::Error::other("locked"));
    assert_eq!(error.source().unwrap().to_string(), "locked");
    assert!(!error.to_string().contains("locked"));
}
