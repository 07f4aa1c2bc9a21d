//! Work that nobody waits for.

use std::future::Future;

/// Runs something to its end: as a task of the tokio runtime that one is in, else on a thread of its own. A runtime of
/// one thread does nothing while its host does something else, and its host nothing while it compiles; so there it is
/// a thread, too.
pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        if runtime.runtime_flavor() == tokio::runtime::RuntimeFlavor::CurrentThread {
            on_thread(move || runtime.block_on(work));
        } else {
            drop(runtime.spawn(work));
        }
        return;
    }
    on_thread(move || futures::executor::block_on(work));
}

fn on_thread(work: impl FnOnce() + Send + 'static) {
    let spawned = std::thread::Builder::new().name("skvm-background".to_owned()).spawn(work);
    if let Err(error) = spawned {
        tracing::warn!(%error, "work in the background could not be begun");
    }
}
