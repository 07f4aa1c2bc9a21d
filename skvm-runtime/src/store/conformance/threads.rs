//! Waiting, and doing things in several threads at once, without an executor.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use futures::channel::oneshot;
use futures::executor::block_on;
use futures::future::{BoxFuture, Either, select};

use super::promise::{Nonconformity, Promise};

/// What comes of something within a time; `None` when it takes longer.
pub(super) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let (ring, rings) = oneshot::channel::<()>();
    let (still_wanted, wanted) = mpsc::channel::<()>();
    let alarm = move || {
        if wanted.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _nobody_waits = ring.send(());
        }
    };
    let clock = thread::Builder::new().name("skvm-conformance-clock".to_owned()).spawn(alarm);
    let outcome = match (clock, select(pin!(work), rings).await) {
        (_, Either::Left((outcome, _))) => Some(outcome),
        (Ok(_), Either::Right(_)) => None,
        // There is no clock: waiting without one is better than a verdict without a reason.
        (Err(_), Either::Right((_, work))) => Some(work.await),
    };
    drop(still_wanted);
    outcome
}

/// Lets time pass.
pub(super) async fn pause(time: Duration) {
    let _passed: Option<()> = within(time, pending()).await;
}

/// A piece of work for one of several threads, which gets its number.
pub(super) type Work<T> =
    Arc<dyn Fn(usize) -> BoxFuture<'static, Result<T, Nonconformity>> + Send + Sync>;

/// Does work in so many threads at once, and gives what came of it in each.
pub(super) async fn at_once<T: Send + 'static>(
    promise: Promise,
    threads: usize,
    work: Work<T>,
) -> Result<Vec<T>, Nonconformity> {
    let mut waiting = Vec::with_capacity(threads);
    for number in 0..threads {
        let (sender, receiver) = oneshot::channel();
        let work = Arc::clone(&work);
        let one = move || {
            let _nobody_waits = sender.send(block_on(work(number)));
        };
        let started = thread::Builder::new().name("skvm-conformance".to_owned()).spawn(one);
        started.map_err(|error| promise.broken("a thread", error))?;
        waiting.push(receiver);
    }
    let mut outcomes = Vec::with_capacity(threads);
    for receiver in waiting {
        let outcome = receiver.await.map_err(|_| promise.broken("an outcome", "a panic"))?;
        outcomes.push(outcome?);
    }
    Ok(outcomes)
}
