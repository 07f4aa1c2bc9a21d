//! A set of probes, one a primitive.

use std::collections::BTreeMap;
use std::sync::Arc;

use skvm_core::capability::Primitive;

use crate::probe::Probe;
use crate::probes::{FollowFormatProbe, GenTextStructuredProbe, ReasonArithmeticProbe};

/// Probes by the primitive that they measure. A value, not a global: two hosts in one process may
/// measure with different sets.
///
/// ```
/// use skvm_core::capability::Primitive;
/// use skvm_probes::registry::Probes;
///
/// let probes = Probes::standard();
/// assert_eq!(probes.len(), 3);
/// assert!(probes.get(Primitive::ToolBrowser).is_none()); // so it stays unmeasured
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Probes(BTreeMap<Primitive, Arc<dyn Probe>>);

impl Probes {
    /// No probe at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The [standard probes](crate::probes).
    pub fn standard() -> Self {
        Self::empty()
            .with_probe(GenTextStructuredProbe)
            .with_probe(ReasonArithmeticProbe)
            .with_probe(FollowFormatProbe)
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
}
