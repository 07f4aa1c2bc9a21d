//! Sets of probes.

use futures::executor::block_on;
use skvm_core::capability::{Level, Primitive};
use skvm_probes::probe::{Evidence, Instance, Mismatch, Outcome, Probe, by_answer};
use skvm_probes::registry::Probes;

/// A probe from outside the crate.
#[derive(Debug)]
struct Own(Primitive, u32);

impl Probe for Own {
    fn primitive(&self) -> Primitive {
        self.0
    }

    fn version(&self) -> u32 {
        self.1
    }

    fn generate(&self, level: Level, seed: u64) -> Option<Instance> {
        let refuses = by_answer(|_| Err(Mismatch::new("no".repeat(1000))));
        (level != Level::L0).then(|| Instance::new(format!("{seed}"), "reference", refuses))
    }
}

#[test]
fn the_standard_set_has_a_probe_for_each_primitive_in_the_catalogues_order() {
    let probes = Probes::standard();
    let primitives: Vec<Primitive> = probes.iter().map(|probe| probe.primitive()).collect();
    assert_eq!(primitives, Primitive::ALL);
    assert!(Probes::empty().is_empty());
}

#[test]
fn a_probe_takes_the_place_of_another_for_its_primitive() {
    let probes = Probes::standard().with_probe(Own(Primitive::FollowFormat, 77));
    assert_eq!(probes.len(), Primitive::COUNT);
    assert_eq!(probes.get(Primitive::FollowFormat).unwrap().version(), 77);
}

#[test]
fn the_digest_tells_sets_of_other_generators_apart() {
    let digest = |probes: Probes| probes.digest();
    let own = |version| Probes::empty().with_probe(Own(Primitive::ToolWeb, version));
    assert_eq!(digest(Probes::standard()), digest(Probes::standard()));
    assert_eq!(digest(own(1)), digest(own(1)));
    assert_ne!(digest(own(1)), digest(own(2)));
    assert_ne!(digest(own(1)), digest(Probes::empty()));
}

#[test]
fn reasons_are_cut() {
    let instance = Own(Primitive::ToolWeb, 1).generate(Level::L1, 0).unwrap();
    let outcome = block_on(instance.grade(&Evidence::of("")));
    let Outcome::Failed(reason) = outcome else { panic!("accepted") };
    assert_eq!(reason.chars().count(), Outcome::REASON_LIMIT);
}
