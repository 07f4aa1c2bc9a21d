//! Profiles in the store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skvm_core::capability::CapabilityProfile;
use skvm_core::digest::Digest;
use skvm_core::target::Target;
use tracing::warn;

use crate::store::{Store, StoreError, StoredRecord};

/// The profiles of a store, as this process knows them.
#[derive(Default)]
pub(super) struct Profiles(Mutex<State>);

#[derive(Default)]
struct State {
    /// The store's revision up to which they are here.
    revision: u64,
    profiles: BTreeMap<Digest, (u64, Option<Arc<CapabilityProfile>>)>,
}

/// How often a change is tried again when another process was first.
const MAX_TRIES: usize = 64;

impl Profiles {
    /// The scope that they are kept in.
    pub(super) fn scope(&self) -> Digest {
        Digest::of(b"skvm/profiles/1")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that changes whenever a profile does.
    pub(super) async fn generation(&self, store: &dyn Store) -> Result<u64, StoreError> {
        let since = self.state().revision;
        let changed = store.records(self.scope(), since).await?;
        let mut state = self.state();
        for StoredRecord { key, revision, value } in changed {
            if state.profiles.get(&key).is_some_and(|(known, _)| *known >= revision) {
                continue;
            }
            let profile = match value.as_deref().map(CapabilityProfile::from_json) {
                Some(Ok(profile)) => Some(Arc::new(profile)),
                Some(Err(error)) => {
                    warn!(%error, "a profile in the store cannot be read");
                    None
                }
                None => None,
            };
            state.revision = state.revision.max(revision);
            state.profiles.insert(key, (revision, profile));
        }
        Ok(state.revision)
    }

    pub(super) async fn of(
        &self,
        store: &dyn Store,
        target: &Target,
    ) -> Result<Option<Arc<CapabilityProfile>>, StoreError> {
        self.generation(store).await?;
        Ok(self.state().profiles.get(&key(target)).and_then(|(_, profile)| profile.clone()))
    }

    pub(super) async fn put(
        &self,
        store: &dyn Store,
        profile: &CapabilityProfile,
    ) -> Result<(), StoreError> {
        let json = serde_json::to_string(profile)
            .map_err(|error| StoreError::new("writing a profile as JSON").with_source(error))?;
        let key = key(&profile.target());
        for _ in 0..MAX_TRIES {
            self.generation(store).await?;
            let known = self.state().profiles.get(&key).map_or(0, |(revision, _)| *revision);
            if store.swap_record(self.scope(), key, known, Some(&json)).await?.is_some() {
                return Ok(());
            }
        }
        Err(StoreError::new("writing a profile: others are always first"))
    }
}

fn key(target: &Target) -> Digest {
    Digest::builder("target")
        .field(target.model.as_str().as_bytes())
        .field(target.harness.as_str().as_bytes())
        .finish()
}
