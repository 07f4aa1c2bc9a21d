//! Garbage collection: what is beyond the limits goes, nothing else.

use std::sync::Arc;
use std::time::Duration;

use skvm_core::digest::Digest;

use super::super::{Collected, Keep, Store, StoreLimits};
use super::promise::{Nonconformity, Promise};
use super::sample::{answer, key, trace, variant};
use super::threads::pause;

type Outcome = Result<(), Nonconformity>;

/// Long enough for what is written before and after to be of different age.
const A_WHILE: Duration = Duration::from_millis(30);

const NO_LIMITS: StoreLimits = StoreLimits { bytes: None, age: None };

/// Writes two variants, an answer, two traces and records in two scopes, the first of each the oldest of all.
async fn fill(promise: Promise, store: &dyn Store) -> Outcome {
    promise.done(store.publish(key("a"), variant("a").await?).await)?;
    pause(A_WHILE).await;
    promise.done(store.record_answer(key("a"), &answer("a")).await)?;
    pause(A_WHILE).await;
    promise.done(store.append_trace(&trace(Some(key("s")), "a")).await)?;
    pause(A_WHILE).await;
    promise.done(store.publish(key("b"), variant("b").await?).await)?;
    pause(A_WHILE).await;
    promise.done(store.append_trace(&trace(Some(key("s")), "b")).await)?;
    for scope in ["s", "t"] {
        for name in ["a", "b"] {
            promise.done(store.swap_record(key(scope), key(name), 0, Some(name)).await)?;
        }
    }
    pause(A_WHILE).await;
    Ok(())
}

/// What there is, each by its name, in the order in which it was written.
async fn present(promise: Promise, store: &dyn Store) -> Result<Vec<String>, Nonconformity> {
    let mut found = Vec::new();
    let mut note = |is_there: bool, name: &str| {
        if is_there {
            found.push(name.to_owned());
        }
    };
    note(promise.done(store.variant(key("a")).await)?.is_some(), "variant a");
    note(promise.done(store.answer(key("a")).await)?.is_some(), "answer a");
    let traces = promise.done(store.traces(key("s")).await)?;
    note(traces.iter().any(|trace| trace.task == "a"), "trace a");
    note(promise.done(store.variant(key("b")).await)?.is_some(), "variant b");
    note(traces.iter().any(|trace| trace.task == "b"), "trace b");
    for scope in ["s", "t"] {
        let records = promise.done(store.records(key(scope), 0).await)?;
        note(!records.is_empty(), &format!("{} records of {scope}", records.len()));
    }
    Ok(found)
}

const ALL: [&str; 7] = [
    "variant a",
    "answer a",
    "trace a",
    "variant b",
    "trace b",
    "2 records of s",
    "2 records of t",
];

/// Collects, and looks at what is left and at what is said to be removed.
async fn collect(
    promise: Promise,
    store: &dyn Store,
    limits: StoreLimits,
    keep: &Keep,
    left: &[&str],
) -> Result<Collected, Nonconformity> {
    let before = present(promise, store).await?;
    // What was just read is old enough too.
    pause(A_WHILE).await;
    let collected = promise.done(store.collect(&limits, keep).await)?;
    let after = present(promise, store).await?;
    promise.equal(&left.iter().map(|name| (*name).to_owned()).collect(), &after)?;
    let gone = |kind: &str| {
        let gone = before.iter().filter(|name| !after.contains(name));
        gone.filter(|name| name.contains(kind)).count() as u64
    };
    let mut told = Collected::default();
    (told.variants, told.answers, told.traces) = (gone("variant"), gone("answer"), gone("trace"));
    (told.records, told.bytes_left) = (2 * gone("records"), collected.bytes_left);
    promise.equal(&told, &collected)?;
    Ok(collected)
}

pub(super) async fn what_fits_stays(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("what is within the limits is not collected");
    let empty = promise.done(store.collect(&NO_LIMITS, &Keep::default()).await)?;
    promise.equal(&Collected::default(), &empty)?;
    fill(promise, &*store).await?;
    let keep = Keep::default();
    let all = collect(promise, &*store, NO_LIMITS, &keep, &ALL).await?.bytes_left;
    promise.holds(all > 0, "bytes that are left", all)?;
    collect(promise, &*store, StoreLimits::default(), &keep, &ALL).await?;
    let fits = StoreLimits { bytes: Some(all), age: Some(Duration::MAX) };
    let left = collect(promise, &*store, fits, &keep, &ALL).await?.bytes_left;
    promise.equal(&all, &left)
}

pub(super) async fn what_is_old_goes(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("what lay unused for longer than the limit is collected");
    fill(promise, &*store).await?;
    let age = StoreLimits { bytes: None, age: Some(Duration::ZERO) };
    let left = collect(promise, &*store, age, &Keep::default(), &[]).await?.bytes_left;
    promise.equal(&0, &left)?;
    // It can be written again.
    fill(promise, &*store).await?;
    promise.equal(&ALL.map(str::to_owned).to_vec(), &present(promise, &*store).await?)?;

    let promise = Promise("revisions go on growing when a scope was collected");
    let highest = |scope: Digest| {
        let store = Arc::clone(&store);
        async move {
            let records = promise.done(store.records(scope, 0).await)?;
            Ok(records.last().map_or(0, |record| record.revision))
        }
    };
    let before = highest(key("s")).await?;
    promise.done(store.collect(&age, &Keep::default()).await)?;
    promise.done(store.swap_record(key("s"), key("c"), 0, Some("c")).await)?;
    let after = highest(key("s")).await?;
    promise.holds(after > before, &format!("a revision above {before}"), after)
}

pub(super) async fn the_longest_unused_goes_first(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("beyond the limit on bytes the longest unused is collected first");
    fill(promise, &*store).await?;
    let keep = Keep::default();
    let mut before = promise.done(store.collect(&NO_LIMITS, &keep).await)?;
    // One byte less each time is one thing less. Nothing is read meanwhile, for that would be a use.
    let one = |variants, answers, traces| {
        let mut gone = Collected::default();
        (gone.variants, gone.answers, gone.traces) = (variants, answers, traces);
        gone
    };
    for mut expected in [one(1, 0, 0), one(0, 1, 0), one(0, 0, 1)] {
        let bytes = before.bytes_left.saturating_sub(1);
        let limits = StoreLimits { bytes: Some(bytes), age: None };
        let collected = promise.done(store.collect(&limits, &keep).await)?;
        let told = format!("at most {bytes} bytes left");
        promise.holds(collected.bytes_left <= bytes, &told, collected)?;
        expected.bytes_left = collected.bytes_left;
        promise.equal(&expected, &collected)?;
        before = collected;
    }
    let left: Vec<String> = ALL[3..].iter().map(|name| (*name).to_owned()).collect();
    promise.equal(&left, &present(promise, &*store).await?)
}

pub(super) async fn what_is_kept_stays(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("what is to be kept is never collected");
    fill(promise, &*store).await?;
    let keep = Keep { variants: [key("a")].into(), scopes: [key("s")].into() };
    let nothing = StoreLimits { bytes: Some(0), age: None };
    let left = ["variant a", "2 records of s", "2 records of t"];
    let bytes = collect(promise, &*store, nothing, &keep, &left).await?.bytes_left;
    promise.holds(bytes > 0, "the bytes of what is kept", bytes)?;
    let nothing = StoreLimits { bytes: Some(0), age: Some(Duration::ZERO) };
    let left = ["variant a", "2 records of s"];
    let collected = collect(promise, &*store, nothing, &keep, &left).await?;
    promise.equal(&bytes, &collected.bytes_left)
}
