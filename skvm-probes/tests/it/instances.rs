//! The laws of instances, over 200 seeds of every probe and level.

use std::collections::HashSet;

use serde_json::Value;
use skvm_core::capability::{Level, Primitive};
use skvm_core::digest::Digest;
use skvm_probes::probe::{Grade, Instance, Probe};
use skvm_probes::registry::Probes;

const SEEDS: std::ops::Range<u64> = 0..200;

/// Calls `check` with every instance; fails when there is none.
fn for_each(mut check: impl FnMut(&dyn Probe, Level, &Instance)) {
    let mut count = 0;
    for probe in Probes::standard().iter() {
        for level in Level::DEMANDS {
            for seed in SEEDS {
                check(probe, level, &probe.generate(level, seed).unwrap());
                count += 1;
            }
        }
    }
    assert_eq!(count, 3 * 3 * 200);
}

fn of(primitive: Primitive, level: Level) -> Vec<Instance> {
    let probes = Probes::standard();
    let probe = probes.get(primitive).unwrap();
    SEEDS.map(|seed| probe.generate(level, seed).unwrap()).collect()
}

#[test]
fn the_reference_is_accepted_and_every_near_miss_refused() {
    for_each(|probe, level, instance| {
        let name = format!("{} {level}\n{}", probe.primitive(), instance.prompt());
        assert_eq!(instance.grade(instance.reference()), Grade::Passed, "{name}");
        let around = format!("\n {} \r\n", instance.reference().replace('\n', "\r\n"));
        assert_eq!(instance.grade(&around), Grade::Passed, "{name}");
        assert!(instance.near_misses().len() >= 5, "{name}");
        for miss in instance.near_misses() {
            let grade = instance.grade(miss.answer());
            assert!(
                matches!(&grade, Grade::Failed(reason) if !reason.is_empty()),
                "{}: {}\n{name}",
                miss.fault(),
                miss.answer()
            );
        }
    });
}

#[test]
fn every_near_miss_names_a_fault_of_its_own() {
    for_each(|_, _, instance| {
        let faults: HashSet<&str> = instance.near_misses().iter().map(|m| m.fault()).collect();
        assert_eq!(faults.len(), instance.near_misses().len(), "{}", instance.prompt());
    });
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_seed_another_question() {
    let mut prompts = HashSet::new();
    for_each(|_, _, instance| assert!(prompts.insert(instance.prompt().to_owned())));
    for probe in Probes::standard().iter() {
        for seed in [0, 1, u64::MAX] {
            let instances: Vec<String> = [1, 2]
                .map(|_| Level::DEMANDS.map(|level| probe.generate(level, seed)))
                .map(|instances| format!("{instances:?}"))
                .into();
            assert_eq!(instances[0], instances[1]);
        }
        assert!(probe.generate(Level::L0, 0).is_none());
    }
}

/// Results are compared by version, so a change of any instance needs a new one. When this fails,
/// raise the version of the probe and put its new digest here.
#[test]
fn instances_change_with_the_version_only() {
    let digests: Vec<String> = Probes::standard()
        .iter()
        .map(|probe| {
            let mut digest = Digest::builder("instances");
            for level in Level::DEMANDS {
                for seed in SEEDS {
                    let instance = probe.generate(level, seed).unwrap();
                    digest.add(instance.prompt().as_bytes());
                    digest.add(instance.reference().as_bytes());
                    for miss in instance.near_misses() {
                        digest.add(miss.answer().as_bytes());
                    }
                }
            }
            format!("{} {} {}", probe.primitive(), probe.version(), digest.finish().short())
        })
        .collect();
    let expected = [
        "gen.text.structured 1 5117f093ff2185f3",
        "reason.arithmetic 1 e2cfc3831d12bf78",
        "follow.format 1 2d13c66f113a8517",
    ];
    assert_eq!(digests, expected);
}

#[test]
fn structured_prompts_state_every_key_and_value_and_the_size() {
    for (level, size, bytes, depth) in [
        (Level::L1, "fewer than 500 bytes", 100..500, 1),
        (Level::L2, "fewer than 5000 bytes", 400..2_000, 4),
        (Level::L3, "more than 5000 bytes", 5_001..9_000, 8),
    ] {
        for instance in of(Primitive::GenTextStructured, level) {
            let reference: Value = serde_json::from_str(instance.reference()).unwrap();
            assert!(instance.prompt().contains(size));
            assert_eq!(assert_stated(&reference, instance.prompt()), depth);
            assert!(bytes.contains(&instance.reference().len()), "{}", instance.reference());
            // The layout is free, also where it costs bytes.
            let pretty = serde_json::to_string_pretty(&reference).unwrap();
            assert_eq!(instance.grade(&pretty), Grade::Passed);
        }
    }
}

/// Asserts that keys and scalars occur in the prompt; returns the depth of the value.
fn assert_stated(value: &Value, prompt: &str) -> usize {
    match value {
        Value::Object(members) => {
            let below = members.iter().map(|(key, member)| {
                let ends = ["` = ", ".", "["].map(|end| format!("{key}{end}"));
                assert!(ends.iter().any(|end| prompt.contains(end)), "{key}");
                assert_stated(member, prompt)
            });
            1 + below.max().unwrap_or(0)
        }
        Value::Array(items) => {
            1 + items.iter().map(|item| assert_stated(item, prompt)).max().unwrap_or(0)
        }
        scalar => {
            assert!(prompt.contains(&format!("` = {scalar}")), "{scalar}");
            0
        }
    }
}

#[test]
fn arithmetic_prompts_state_the_form_and_the_rounding() {
    for (level, rounding) in [
        (Level::L1, "Give the exact result."),
        (Level::L2, "two digits after the decimal point, half up"),
        (Level::L3, "two digits after the decimal point, half up"),
    ] {
        for instance in of(Primitive::ReasonArithmetic, level) {
            assert!(instance.prompt().contains(rounding));
            assert!(instance.prompt().contains("`Answer: `"));
            let working = format!("First 2 * 3 = 6.\n\n{}", instance.reference());
            assert_eq!(instance.grade(&working), Grade::Passed);
        }
    }
}

/// The numbers of a question, as integers; those with two decimals as hundredths.
fn numbers(prompt: &str) -> Vec<u128> {
    let question = prompt.split("\n\n").next().unwrap();
    let words = question.split(|c: char| !c.is_ascii_digit() && c != '.');
    let words = words.map(|word| word.trim_matches('.')).filter(|word| !word.is_empty());
    words.map(|word| word.replace('.', "").parse().unwrap()).collect()
}

#[test]
fn arithmetic_answers_follow_from_the_words_of_the_question() {
    for level in Level::DEMANDS {
        for instance in of(Primitive::ReasonArithmetic, level) {
            let prompt = instance.prompt();
            let n = numbers(prompt);
            // Numerator and denominator of the answer in its last digit, worked out anew.
            let (top, bottom) = if prompt.contains("depot") {
                (n[0] * n[1], 1)
            } else if prompt.contains("drum") {
                (n[0] - n[1], 1)
            } else if prompt.contains("average") {
                assert_eq!(n.len() as u128, n[0] + 1);
                (n[1..].iter().sum::<u128>() * 100, n[0])
            } else if prompt.contains("tax") {
                let net = n[0] * n[1] + n[2] * n[3] + n[4] * n[5] + n[6];
                (net * (100 + n[7]), 100)
            } else if prompt.contains("interest") {
                let years = n[2] as u32;
                (n[0] * 100 * (1000 + n[1]).pow(years), 1000_u128.pow(years))
            } else {
                (n[0] * (100 + n[1]) * (100 - n[2]) * (100 + n[3]), 1_000_000)
            };
            assert_ne!(top % bottom * 2, bottom, "a tie: {prompt}");
            let nearest = top / bottom + u128::from(top % bottom * 2 > bottom);
            let reference = instance.reference().strip_prefix("Answer: ").unwrap();
            assert_eq!(reference.replace('.', "").parse::<u128>().unwrap(), nearest, "{prompt}");
        }
    }
}

#[test]
fn format_prompts_state_the_columns_the_schema_and_the_rules() {
    for instance in of(Primitive::FollowFormat, Level::L1) {
        let header = instance.reference().lines().next().unwrap();
        assert!(instance.prompt().contains(&format!("`{}`", header.replace(',', "`, `"))));
    }
    for instance in of(Primitive::FollowFormat, Level::L2) {
        let prompt = instance.prompt();
        for field in ["<name>", "<points>", "<date>", "<city>"] {
            assert_eq!(prompt.matches(field).count(), 2, "once in the schema and once in a rule");
        }
        assert!(!prompt.contains("BEGIN"));
    }
    for instance in of(Primitive::FollowFormat, Level::L3) {
        let (first, last) = instance.reference().split_once('\n').unwrap();
        let last = last.lines().last().unwrap();
        for rule in [first, last, "`01) `", "one empty line", "digits, zeros in front"] {
            assert!(instance.prompt().contains(rule), "{rule}");
        }
    }
}
