//! Variants, answers and traces.

use std::sync::Arc;

use skvm_core::digest::Digest;
use skvm_passes::variant::Variant;

use super::super::Store;
use super::promise::{Nonconformity, Promise};
use super::sample::{DIFFICULT, answer, key, trace, variant};
use super::threads::at_once;

type Outcome = Result<(), Nonconformity>;

/// What a variant is told as.
fn name(variant: Option<&Arc<Variant>>) -> String {
    match variant {
        Some(variant) => format!("variant {} of {}", variant.digest(), variant.manifest().skill),
        None => "none".to_owned(),
    }
}

/// The variant under a key is the one that is expected.
async fn holds_variant(
    promise: Promise,
    store: &dyn Store,
    key: Digest,
    expected: Option<&Arc<Variant>>,
) -> Outcome {
    let found = promise.done(store.variant(key).await)?;
    if found.as_ref() == expected {
        return Ok(());
    }
    Err(promise.broken(name(expected), name(found.as_ref())))
}

pub(super) async fn nothing_is_there_at_first(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("what was never written is not there");
    let key = key("a");
    holds_variant(promise, &*store, key, None).await?;
    promise.equal(&None, &promise.done(store.answer(key).await)?)?;
    promise.equal(&Vec::new(), &promise.done(store.traces(key).await)?)?;
    for since in [0, 1, u64::MAX] {
        promise.equal(&Vec::new(), &promise.done(store.records(key, since).await)?)?;
    }
    promise.equal(&Vec::new(), &store.take_damage())
}

pub(super) async fn variants_are_read_back(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a variant is read back under its key as it was published");
    let (one, two) = (variant("one").await?, variant("two").await?);
    promise.done(store.publish(key("a"), Arc::clone(&one)).await)?;
    promise.done(store.publish(key("b"), Arc::clone(&two)).await)?;
    for (name, expected) in [("a", Some(&one)), ("b", Some(&two)), ("c", None)] {
        holds_variant(promise, &*store, key(name), expected).await?;
    }
    // The same variant under another key, and the same again.
    for _ in 0..2 {
        promise.done(store.publish(key("c"), Arc::clone(&one)).await)?;
        holds_variant(promise, &*store, key("c"), Some(&one)).await?;
    }
    let promise = Promise("the variant that was published last under a key is the one that counts");
    promise.done(store.publish(key("a"), Arc::clone(&two)).await)?;
    holds_variant(promise, &*store, key("a"), Some(&two)).await?;
    holds_variant(promise, &*store, key("c"), Some(&one)).await?;
    promise.equal(&Vec::new(), &store.take_damage())
}

pub(super) async fn answers_are_read_back(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("an answer is read back under its request as it was recorded");
    let (one, two) = (answer("one"), answer(DIFFICULT));
    promise.done(store.record_answer(key("a"), &one).await)?;
    promise.done(store.record_answer(key("b"), &two).await)?;
    for (name, expected) in [("a", Some(one)), ("b", Some(two)), ("c", None)] {
        promise.equal(&expected, &promise.done(store.answer(key(name)).await)?)?;
    }
    promise.equal(&Vec::new(), &store.take_damage())
}

pub(super) async fn keys_are_apart(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("what is of another kind under the same digest is something else");
    let (key, variant, answer) = (key("a"), variant("one").await?, answer("one"));
    promise.done(store.publish(key, Arc::clone(&variant)).await)?;
    promise.equal(&None, &promise.done(store.answer(key).await)?)?;
    promise.equal(&Vec::new(), &promise.done(store.traces(key).await)?)?;
    promise.equal(&Vec::new(), &promise.done(store.records(key, 0).await)?)?;
    promise.done(store.record_answer(key, &answer).await)?;
    promise.done(store.append_trace(&trace(Some(key), "task")).await)?;
    promise.done(store.swap_record(key, key, 0, Some("value")).await)?;
    holds_variant(promise, &*store, key, Some(&variant)).await?;
    promise.equal(&Some(answer), &promise.done(store.answer(key).await)?)?;
    promise.equal(&1, &promise.done(store.traces(key).await)?.len())?;
    promise.equal(&1, &promise.done(store.records(key, 0).await)?.len())
}

/// Some publish two variants in turns under the same key, the others read it.
pub(super) async fn publications_are_whole(store: Arc<dyn Store>) -> Outcome {
    const ROUNDS: usize = 30;
    let promise = Promise("a publication is visible as a whole or not at all");
    let known = [variant("one").await?, variant("two").await?];
    promise.done(store.publish(key("a"), Arc::clone(&known[0])).await)?;
    let work = move |number: usize| {
        let (store, known) = (Arc::clone(&store), known.clone());
        let work = async move {
            for round in 0..ROUNDS {
                if number.is_multiple_of(2) {
                    let variant = if round.is_multiple_of(2) { &known[1] } else { &known[0] };
                    promise.done(store.publish(key("a"), Arc::clone(variant)).await)?;
                }
                let found = promise.done(store.variant(key("a")).await)?;
                if !known.iter().any(|known| Some(known) == found.as_ref()) {
                    return Err(promise.broken("one of the two", name(found.as_ref())));
                }
            }
            Ok(())
        };
        Box::pin(work) as _
    };
    at_once(promise, 4, Arc::new(work)).await?;
    Ok(())
}

pub(super) async fn traces_are_read_back(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("the traces of a skill are those of its sessions, the oldest first");
    let (one, two) = (key("one"), key("two"));
    let mut expected = Vec::new();
    for number in 0..20 {
        let trace = trace(Some(one), &format!("task {number} {DIFFICULT}"));
        promise.done(store.append_trace(&trace).await)?;
        expected.push(trace);
        if number == 10 {
            promise.done(store.append_trace(&self::trace(Some(two), "other")).await)?;
        }
    }
    // The same again is one more.
    promise.done(store.append_trace(&expected[0]).await)?;
    expected.push(expected[0].clone());
    promise.equal(&expected, &promise.done(store.traces(one).await)?)?;
    let other = Vec::from([trace(Some(two), "other")]);
    promise.equal(&other, &promise.done(store.traces(two).await)?)?;

    let promise = Promise("the trace of a session without a skill is nobody's");
    promise.done(store.append_trace(&trace(None, "none")).await)?;
    promise.equal(&expected, &promise.done(store.traces(one).await)?)?;
    promise.equal(&other, &promise.done(store.traces(two).await)?)?;
    promise.equal(&Vec::new(), &store.take_damage())
}

pub(super) async fn traces_of_threads_are_in_order(store: Arc<dyn Store>) -> Outcome {
    const THREADS: usize = 4;
    const ROUNDS: usize = 20;
    let promise =
        Promise("traces that are added at the same time are all there, each one's in order");
    let skill = key("one");
    let work = {
        let store = Arc::clone(&store);
        move |number: usize| {
            let store = Arc::clone(&store);
            let work = async move {
                for round in 0..ROUNDS {
                    let trace = trace(Some(skill), &format!("{number}-{round}"));
                    promise.done(store.append_trace(&trace).await)?;
                }
                Ok(())
            };
            Box::pin(work) as _
        }
    };
    at_once(promise, THREADS, Arc::new(work)).await?;
    let traces = promise.done(store.traces(skill).await)?;
    promise.equal(&(THREADS * ROUNDS), &traces.len())?;
    for number in 0..THREADS {
        let own = format!("{number}-");
        let found = traces.iter().map(|trace| trace.task.clone());
        let found: Vec<String> = found.filter(|task| task.starts_with(&own)).collect();
        let expected: Vec<String> = (0..ROUNDS).map(|round| format!("{number}-{round}")).collect();
        promise.equal(&expected, &found)?;
    }
    Ok(())
}
