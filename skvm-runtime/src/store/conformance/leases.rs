//! Leases: a name has one holder.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::super::Store;
use super::promise::{Nonconformity, Promise};
use super::sample::key;
use super::threads::{Work, at_once, pause, within};

type Outcome = Result<(), Nonconformity>;

/// Longer than any check lasts.
const LONG: Duration = Duration::from_secs(600);

const SHORT: Duration = Duration::from_millis(150);

/// What a store may need beyond the patience to say so.
const SLACK: Duration = Duration::from_secs(5);

pub(super) async fn one_holds_a_name(store: Arc<dyn Store>) -> Outcome {
    const THREADS: usize = 4;
    const ROUNDS: usize = 5;
    let promise = Promise("a name has one holder at a time");
    let holders = Arc::new(AtomicUsize::new(0));
    let work = move |_| {
        let (store, holders) = (Arc::clone(&store), Arc::clone(&holders));
        let work = async move {
            for _ in 0..ROUNDS {
                let lease = promise.done(store.lease(key("a"), 6 * SLACK).await)?;
                let Some(lease) = lease else {
                    return Err(promise.broken("a lease for who waits long enough", "none"));
                };
                let others = holders.fetch_add(1, Ordering::SeqCst);
                pause(Duration::from_millis(1)).await;
                holders.fetch_sub(1, Ordering::SeqCst);
                drop(lease);
                promise.holds(others == 0, "no other holder", others)?;
            }
            Ok(())
        };
        Box::pin(work) as _
    };
    let work: Work<()> = Arc::new(work);
    at_once(promise, THREADS, work).await?;
    Ok(())
}

/// Somebody waits; then the name becomes free.
pub(super) async fn who_waits_is_served(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a name is held until the lease is dropped, and then it is free");
    let held = promise.done(store.lease(key("a"), Duration::ZERO).await)?;
    promise.holds(held.is_some(), "a lease on a name that nobody holds", &held)?;
    // Who wants another does not wait.
    let other = promise.done(store.lease(key("b"), Duration::ZERO).await)?;
    promise.holds(other.is_some(), "a lease on another name", &other)?;
    let mut waiting = Box::pin(store.lease(key("a"), LONG));
    let early = within(SHORT, &mut waiting).await;
    promise.holds(early.is_none(), "a wait for the one who holds it", early)?;
    drop(held);
    let Some(lease) = within(SLACK, waiting).await else {
        return Err(promise.broken("a lease once the name is free", format!("none in {SLACK:?}")));
    };
    let lease = promise.done(lease)?;
    promise.holds(lease.is_some(), "a lease once the name is free", &lease)?;
    // Who gave up waiting holds nothing.
    let mut waiting = Box::pin(store.lease(key("a"), LONG));
    let early = within(SHORT, &mut waiting).await;
    promise.holds(early.is_none(), "a wait for the one who holds it", early)?;
    drop((waiting, lease));
    pause(SHORT).await;
    let last = promise.done(store.lease(key("a"), SLACK).await)?;
    promise.holds(last.is_some(), "a lease after one who waited went away", &last)
}

pub(super) async fn patience_ends(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("who waits for a name waits as long as the patience lasts");
    let held = promise.done(store.lease(key("a"), SHORT).await)?;
    promise.holds(held.is_some(), "a lease on a name that nobody holds", &held)?;
    for patience in [Duration::ZERO, SHORT] {
        let began = Instant::now();
        let Some(lease) = within(patience + SLACK, store.lease(key("a"), patience)).await else {
            return Err(promise.broken(
                format_args!("an end after {patience:?}"),
                format_args!("none after {:?}", began.elapsed()),
            ));
        };
        let lease = promise.done(lease)?;
        promise.holds(lease.is_none(), "no lease on a name that somebody holds", &lease)?;
        // Clocks are not all as exact.
        let told = format!("a wait of {patience:?}");
        promise.holds(began.elapsed() >= patience / 2, &told, began.elapsed())?;
    }
    Ok(())
}
