//! The laws of generated instances.

use std::collections::HashMap;

use skvm_core::capability::{Level, Primitive};
use skvm_core::digest::Digest;
use skvm_probes::probe::Instance;
use skvm_probes::registry::Probes;

/// Everything of an instance that a target can see, and its controls.
fn bytes(instance: &Instance) -> Vec<u8> {
    let mut bytes = instance.prompt().as_bytes().to_vec();
    for (path, content) in instance.files().iter() {
        bytes.extend(path.as_bytes());
        bytes.extend(content);
    }
    bytes.extend(format!("{:?}", instance.tools()).as_bytes());
    bytes.extend(serde_json::to_vec(instance.reference()).unwrap());
    for miss in instance.near_misses() {
        bytes.extend(miss.fault().as_bytes());
        bytes.extend(serde_json::to_vec(miss.answer()).unwrap());
    }
    bytes
}

#[test]
fn a_seed_gives_the_same_bytes() {
    for probe in Probes::standard().iter() {
        for level in Level::DEMANDS {
            for seed in [0, 1, 77, u64::MAX] {
                let [one, other] = [0, 1].map(|_| bytes(&probe.generate(level, seed).unwrap()));
                assert!(one == other, "{} {level} {seed}", probe.primitive());
            }
        }
        assert!(probe.generate(Level::L0, 0).is_none());
    }
}

/// The prompts differ, not only the files: a target that answers the same to the same words is asked something else.
#[test]
fn another_seed_gives_another_question() {
    for probe in Probes::standard().iter() {
        for level in Level::DEMANDS {
            let mut seeds = HashMap::new();
            for seed in 0..200 {
                let prompt = probe.generate(level, seed).unwrap().prompt().to_owned();
                let before = seeds.insert(prompt, seed);
                assert!(before.is_none(), "{} {level}: {before:?} and {seed}", probe.primitive());
            }
        }
    }
}

/// Results are compared by version, so a change of any instance needs a new one. When this fails,
/// raise the version of the probe and put its new digest here.
#[test]
fn instances_change_with_the_version_only() {
    let mut found = String::new();
    for probe in Probes::standard().iter() {
        let mut digest = Digest::builder("instances");
        for level in Level::DEMANDS {
            for seed in 0..20 {
                digest.add(&bytes(&probe.generate(level, seed).unwrap()));
            }
        }
        let digest = digest.finish();
        found += &format!("{} {} {}\n", probe.primitive(), probe.version(), digest.short());
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/instances.txt");
    if std::env::var_os("SKVM_BLESS").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), found);
    assert_eq!(found.lines().count(), Primitive::COUNT);
}

/// What a target is asked without tools has to fit into small contexts.
#[test]
fn questions_are_of_a_size_that_a_small_context_holds() {
    for probe in Probes::standard().iter() {
        for level in Level::DEMANDS {
            let most = if level == Level::L3 { 12_000 } else { 4_000 };
            for seed in 0..50 {
                let instance = probe.generate(level, seed).unwrap();
                let size = instance.prompt().len();
                assert!(size < most, "{} {level}: {size} bytes", probe.primitive());
            }
        }
    }
}
