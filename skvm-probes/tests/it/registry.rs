//! Sets of probes.

use skvm_core::capability::{Level, Primitive};
use skvm_probes::probe::{Grade, Grader, Instance, Probe};
use skvm_probes::registry::Probes;

/// A probe from outside the crate.
#[derive(Debug)]
struct Own(Primitive);

#[derive(Debug)]
struct Nothing;

impl Grader for Nothing {
    fn grade(&self, _: &str) -> Grade {
        Grade::failed("no".repeat(1000))
    }
}

impl Probe for Own {
    fn primitive(&self) -> Primitive {
        self.0
    }

    fn version(&self) -> u32 {
        77
    }

    fn generate(&self, _: Level, _: u64) -> Option<Instance> {
        Some(Instance::new("prompt", "reference", Nothing))
    }
}

#[test]
fn probes_come_in_the_order_of_the_catalogue() {
    let probes = Probes::standard().with_probe(Own(Primitive::GenCodePython));
    let primitives: Vec<&str> = probes.iter().map(|probe| probe.primitive().id()).collect();
    let expected = ["gen.code.python", "gen.text.structured", "reason.arithmetic", "follow.format"];
    assert_eq!(primitives, expected);
    assert!(Probes::empty().is_empty());
}

#[test]
fn a_probe_takes_the_place_of_another_for_its_primitive() {
    let probes = Probes::standard().with_probe(Own(Primitive::FollowFormat));
    assert_eq!(probes.len(), 3);
    assert_eq!(probes.get(Primitive::FollowFormat).unwrap().version(), 77);
    assert!(probes.get(Primitive::ToolWeb).is_none());
}

#[test]
fn reasons_are_cut() {
    let instance = Own(Primitive::ToolWeb).generate(Level::L1, 0).unwrap();
    let Grade::Failed(reason) = instance.grade("") else { panic!("accepted") };
    assert_eq!(reason.chars().count(), Grade::REASON_LIMIT);
}
