//! Names that one holds at a time.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;

use super::StoreError;

/// A name that is held until this is dropped; see [`Store::lease`](super::Store::lease).
pub struct Lease {
    _held: Option<Box<dyn Send + Sync>>,
}

impl Lease {
    /// A lease that nobody else is kept from.
    #[must_use]
    pub fn unshared() -> Self {
        Self { _held: None }
    }

    /// A lease that ends when `held` is dropped.
    #[must_use]
    pub fn holding(held: impl Send + Sync + 'static) -> Self {
        Self { _held: Some(Box::new(held)) }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}

/// How long to wait between two tries, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// Tries until there is a lease or an error, and for `patience` at most: at once, then from a thread of its own, for
/// which no executor is needed. Whoever stops waiting ends that too.
pub(super) async fn wait(
    patience: Duration,
    mut take: impl FnMut() -> Result<Option<Lease>, StoreError> + Send + 'static,
) -> Result<Option<Lease>, StoreError> {
    let started = Instant::now();
    if let Some(lease) = take()? {
        return Ok(Some(lease));
    }
    if patience.is_zero() {
        return Ok(None);
    }
    let (sender, receiver) = oneshot::channel();
    let waiting = move || {
        let mut pause = PAUSE.0;
        let outcome = loop {
            let left = patience.saturating_sub(started.elapsed());
            if sender.is_canceled() || left.is_zero() {
                break Ok(None);
            }
            thread::sleep(pause.min(left));
            pause = PAUSE.1.min(pause * 2);
            match take() {
                Ok(None) => {}
                done => break done,
            }
        };
        // Nobody waits any more: the lease ends with the message.
        let _ = sender.send(outcome);
    };
    let name = "skvm-lease".to_owned();
    let spawned = thread::Builder::new().name(name).spawn(waiting);
    spawned.map_err(|error| StoreError::new("starting a thread to wait").with_source(error))?;
    receiver.await.unwrap_or(Ok(None))
}
