//! A set of probes, one a primitive.

use std::collections::BTreeMap;
use std::sync::Arc;

use skvm_core::capability::{Level, Primitive};
use skvm_core::digest::Digest;

use crate::probe::Probe;
use crate::probes::StandardProbe;

/// Probes by the primitive that they measure. A value, not a global: two hosts in one process may
/// measure with different sets.
///
/// ```
/// use skvm_core::capability::Primitive;
/// use skvm_probes::registry::Probes;
///
/// let probes = Probes::standard();
/// assert_eq!(probes.len(), Primitive::COUNT);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Probes(BTreeMap<Primitive, Arc<dyn Probe>>);

/// Seeds whose instances the digest of a set covers.
const DIGESTED: std::ops::Range<u64> = 0..3;

impl Probes {
    /// No probe at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The [standard probes](crate::probes), one for each of the 26 primitives.
    pub fn standard() -> Self {
        StandardProbe::ALL.into_iter().fold(Self::empty(), Self::with_probe)
    }

    /// The same set with one more probe, which takes the place of any for the same primitive.
    pub fn with_probe(mut self, probe: impl Probe + 'static) -> Self {
        self.0.insert(probe.primitive(), Arc::new(probe));
        self
    }

    /// The probe for a primitive.
    #[must_use]
    pub fn get(&self, primitive: Primitive) -> Option<&dyn Probe> {
        self.0.get(&primitive).map(AsRef::as_ref)
    }

    /// The probes in the catalogue's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &dyn Probe> {
        self.0.values().map(AsRef::as_ref)
    }

    /// How many primitives are covered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no primitive is covered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names the set: the versions of its generators, and what they make of a few seeds. Two sets of the same
    /// digest put the same questions.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = Digest::builder("probe-set");
        for probe in self.iter() {
            digest.add(probe.primitive().id().as_bytes());
            digest.add(&probe.version().to_le_bytes());
            for level in Level::DEMANDS {
                for seed in DIGESTED {
                    let Some(instance) = probe.generate(level, seed) else { continue };
                    digest.add(instance.prompt().as_bytes());
                    for (path, content) in instance.files().iter() {
                        digest.add(path.as_bytes());
                        digest.add(content);
                    }
                    digest.add(instance.reference().text().as_bytes());
                }
            }
        }
        digest.finish()
    }
}
