//! Work that nobody waits for.

use std::future::Future;

/// Runs something to its end: as a task of the tokio runtime that one is in, else on a thread of its own.
pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        drop(runtime.spawn(work));
        return;
    }
    let on_thread = move || futures::executor::block_on(work);
    let spawned = std::thread::Builder::new().name("skvm-background".to_owned()).spawn(on_thread);
    if let Err(error) = spawned {
        tracing::warn!(%error, "work in the background could not be begun");
    }
}
