//! Artifacts by key, each held once as JSON and once as the value.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Artifact, ArtifactKey};
use crate::digest::Digest;

/// Artifacts by key. Cloning is cheap: values are shared.
#[derive(Clone, Default)]
pub struct ArtifactSet {
    entries: BTreeMap<Cow<'static, str>, Entry>,
}

#[derive(Clone)]
struct Entry {
    json: Arc<RawValue>,
    digest: Digest,
    /// The value as it was put; absent after reading the set back from JSON.
    value: Option<Arc<dyn Any + Send + Sync>>,
}

/// An artifact could not be written or read as JSON.
#[derive(Debug, thiserror::Error)]
#[error("artifact {key} as JSON")]
pub struct ArtifactError {
    key: ArtifactKey,
    #[source]
    source: serde_json::Error,
}

impl ArtifactError {
    /// The artifact.
    #[must_use]
    pub fn key(&self) -> ArtifactKey {
        self.key
    }
}

impl ArtifactSet {
    /// Puts an artifact; one of the same key is replaced.
    ///
    /// # Errors
    /// [`ArtifactError`] when the value cannot be written as JSON.
    pub fn put<A: Artifact>(&mut self, artifact: A) -> Result<(), ArtifactError> {
        let json = serde_json::value::to_raw_value(&artifact)
            .map_err(|source| ArtifactError { key: A::KEY, source })?;
        let digest = Digest::of(json.get().as_bytes());
        let entry = Entry { json: json.into(), digest, value: Some(Arc::new(artifact)) };
        self.entries.insert(Cow::Borrowed(A::KEY.as_str()), entry);
        Ok(())
    }

    /// The artifact of that type, if it is there.
    ///
    /// # Errors
    /// [`ArtifactError`] when the JSON under its key is not of that type.
    pub fn get<A: Artifact>(&self) -> Result<Option<Arc<A>>, ArtifactError> {
        let Some(entry) = self.entries.get(A::KEY.as_str()) else { return Ok(None) };
        if let Some(value) = &entry.value
            && let Ok(value) = Arc::clone(value).downcast::<A>()
        {
            return Ok(Some(value));
        }
        serde_json::from_str(entry.json.get())
            .map(|value| Some(Arc::new(value)))
            .map_err(|source| ArtifactError { key: A::KEY, source })
    }

    /// The JSON of an artifact.
    #[must_use]
    pub fn json(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(|entry| entry.json.get())
    }

    /// The digest of an artifact's JSON.
    #[must_use]
    pub fn digest(&self, key: &str) -> Option<Digest> {
        self.entries.get(key).map(|entry| entry.digest)
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(AsRef::as_ref)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds everything of another set; what is there under the same key is replaced.
    pub fn extend(&mut self, other: ArtifactSet) {
        self.entries.extend(other.entries);
    }
}

impl fmt::Debug for ArtifactSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.entries.iter().map(|(k, e)| (k, e.digest))).finish()
    }
}

impl PartialEq for ArtifactSet {
    fn eq(&self, other: &Self) -> bool {
        let digests = |(key, entry): (&Cow<'static, str>, &Entry)| (key.clone(), entry.digest);
        self.entries.iter().map(digests).eq(other.entries.iter().map(digests))
    }
}

impl Serialize for ArtifactSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len()))?;
        for (key, entry) in &self.entries {
            map.serialize_entry(key, &*entry.json)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ArtifactSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)
            .map_err(|error| D::Error::custom(format!("artifacts: {error}")))?;
        let entry = |json: Box<RawValue>| Entry {
            digest: Digest::of(json.get().as_bytes()),
            json: json.into(),
            value: None,
        };
        Ok(Self { entries: raw.into_iter().map(|(key, json)| (key.into(), entry(json))).collect() })
    }
}
