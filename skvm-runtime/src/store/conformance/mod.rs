//! Whether a store keeps what [`Store`] promises.
//!
//! A host that brings its own store runs [`conforms`] in its tests:
//!
//! ```
//! use std::sync::Arc;
//!
//! use skvm_runtime::store::MemoryStore;
//! use skvm_runtime::store::conformance::{Nonconformity, conforms};
//!
//! # futures::executor::block_on(async {
//! conforms(|| Arc::new(MemoryStore::default())).await?;
//! # Ok::<(), Nonconformity>(())
//! # }).unwrap();
//! ```
//!
//! What cannot be seen from outside is left to the tests of the store: that it outlives the process, that its leases
//! end with the process, and that damage is found.

mod collection;
mod content;
mod leases;
mod promise;
mod records;
mod sample;
mod threads;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::Store;
use promise::Promise;
use threads::within;

pub use promise::Nonconformity;

/// How long one check may take, so that a store that never answers is told too.
const PATIENCE: Duration = Duration::from_secs(60);

/// A check of a promise or several, which begins with an empty store.
type Check = fn(Arc<dyn Store>) -> BoxFuture<'static, Result<(), Nonconformity>>;

const CHECKS: [Check; 22] = [
    |store| Box::pin(content::nothing_is_there_at_first(store)),
    |store| Box::pin(content::variants_are_read_back(store)),
    |store| Box::pin(content::answers_are_read_back(store)),
    |store| Box::pin(content::keys_are_apart(store)),
    |store| Box::pin(content::publications_are_whole(store)),
    |store| Box::pin(content::traces_are_read_back(store)),
    |store| Box::pin(content::traces_of_threads_are_in_order(store)),
    |store| Box::pin(records::swaps_expect_a_revision(store)),
    |store| Box::pin(records::revisions_grow(store)),
    |store| Box::pin(records::removals_are_told(store)),
    |store| Box::pin(records::changes_are_told_in_order(store)),
    |store| Box::pin(records::scopes_are_apart(store)),
    |store| Box::pin(records::values_are_read_back(store)),
    |store| Box::pin(records::no_update_is_lost(store)),
    |store| Box::pin(records::who_follows_misses_nothing(store)),
    |store| Box::pin(leases::who_waits_is_served(store)),
    |store| Box::pin(leases::one_holds_a_name(store)),
    |store| Box::pin(leases::patience_ends(store)),
    |store| Box::pin(collection::what_fits_stays(store)),
    |store| Box::pin(collection::what_is_old_goes(store)),
    |store| Box::pin(collection::the_longest_unused_goes_first(store)),
    |store| Box::pin(collection::what_is_kept_stays(store)),
];

/// Holds the stores that `make` gives, each fresh and empty, against every promise of [`Store`], in a few seconds.
///
/// The suite awaits the store where it is called, and uses it from threads of its own: a store that needs an executor
/// has to bring it along. [`Store::lease`] and [`Store::collect`] as the trait gives them keep nobody from anything
/// and remove nothing, which is right for some stores and does not pass here.
///
/// # Errors
/// [`Nonconformity`] at the first promise that is not kept.
pub async fn conforms(make: impl Fn() -> Arc<dyn Store>) -> Result<(), Nonconformity> {
    for check in CHECKS {
        match within(PATIENCE, check(make())).await {
            Some(outcome) => outcome?,
            None => {
                let promise = Promise("whoever asks is answered");
                return Err(promise.broken("an answer", format_args!("none in {PATIENCE:?}")));
            }
        }
    }
    Ok(())
}
