//! Lessons and what is kept: a skill with lessons is another work than the same without.

use futures::executor::block_on;
use skvm_core::capability::{CapabilityProfile, Gaps, Level, Primitive};
use skvm_core::failure::{Advice, FailureClassification, FailureContext, Lesson, Lessons};
use skvm_core::pass::Unit;
use skvm_passes::manager::{PassManager, PassStatus};
use skvm_passes::variant::Variant;

use super::{advice, path, word};
use crate::samples;

fn unit() -> Unit {
    samples::unit(samples::shipped("pdf-tools"))
}

fn strong() -> CapabilityProfile {
    samples::profile_of(Level::L3)
}

fn above(primitive: Primitive, level: Level, failures: u32) -> Lesson {
    Lesson::Ability { primitive, level, successes: 0, failures }
}

fn with(unit: &Unit, lessons: impl IntoIterator<Item = Lesson>) -> Unit {
    unit.clone().with_lessons(Lessons::new(lessons))
}

/// What ran, of all passes.
fn ran(manager: &PassManager, unit: &Unit) -> (Variant, Vec<String>) {
    let compilation = block_on(manager.compile(unit)).unwrap();
    let ran = compilation.passes.iter().filter(|record| record.status == PassStatus::Ran);
    (compilation.variant.clone(), ran.map(|record| record.pass.to_string()).collect())
}

fn gaps(variant: &Variant) -> Vec<(Primitive, Option<Level>)> {
    let gaps = variant.artifacts().get::<Gaps>().unwrap().unwrap();
    let mut found: Vec<_> = gaps.gaps.iter().map(|gap| (gap.primitive, gap.model_level)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn results_with_and_without_lessons_do_not_mix() {
    let plain = unit().with_profile(samples::profile_of(Level::L1));
    let units = [
        plain.clone(),
        with(&plain, [advice(Advice::InParts)]),
        with(&plain, [advice(Advice::MoreTime)]),
        with(&plain, [path("scripts/merge.py", plain.skill.bundle().files()[0].path())]),
        with(&plain, [above(Primitive::ToolExec, Level::L1, 9)]),
        with(&plain, [above(Primitive::ToolExec, Level::L1, 9), advice(Advice::InParts)]),
    ];
    let fresh: Vec<Variant> = units.iter().map(samples::compile).collect();
    for order in [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [3, 0, 5, 1, 4, 2]] {
        let manager = PassManager::standard();
        for round in 0..2 {
            for at in order {
                let (variant, ran) = ran(&manager, &units[at]);
                assert_eq!(variant, fresh[at], "{order:?} {at}");
                assert!(round == 0 || ran.is_empty(), "{order:?} {at}: {ran:?}");
            }
        }
    }
    for (at, one) in fresh.iter().enumerate() {
        assert!(fresh.iter().skip(at + 1).all(|other| other.digest() != one.digest()), "{at}");
    }
}

#[test]
fn only_passes_that_heed_lessons_run_again() {
    let manager = PassManager::standard();
    let plain = unit().with_profile(strong());
    assert_eq!(ran(&manager, &plain).1.len(), 7);
    let lessons = |lesson| with(&plain, [lesson]);
    assert_eq!(ran(&manager, &lessons(advice(Advice::InParts))).1, ["lessons", "environment"]);
    let lowered = lessons(above(Primitive::ToolExec, Level::L2, 3));
    assert_eq!(ran(&manager, &lowered).1, ["lessons", "capability", "environment"]);
    // The same levels for another reason: nothing is new to the pass that looks at levels.
    let more = lessons(above(Primitive::ToolExec, Level::L2, 4));
    assert_eq!(ran(&manager, &more).1, ["lessons", "environment"]);
    assert_eq!(ran(&manager, &plain).1, [""; 0]);
}

#[test]
fn an_ability_that_sessions_deny_opens_a_gap() {
    let plain = unit().with_profile(strong());
    let without = samples::compile(&plain);
    assert!(without.edits().is_empty() && gaps(&without).is_empty());
    let learned = with(&plain, [above(Primitive::ToolExec, Level::L2, 3)]);
    let variant = samples::compile(&learned);
    assert_eq!(gaps(&variant), [(Primitive::ToolExec, Some(Level::L1))]);
    assert!(!variant.edits().is_empty());
    assert!(variant.edits().iter().all(|edit| edit.reason.primitive == Some(Primitive::ToolExec)));
    let (one, other) = (without.manifest(), variant.manifest());
    assert_ne!(one.profile, other.profile);
    assert_eq!((one.lessons, other.lessons.is_some()), (None, true));
    assert_ne!(one.key(), other.key());
    // The same as if it had been measured so, but for the lessons.
    let measured =
        samples::compile(&unit().with_profile(strong().with_level(Primitive::ToolExec, Level::L1)));
    assert_eq!(measured.manifest().profile, other.profile);
    assert_eq!(measured.text(), variant.text());
    assert_ne!(measured.manifest().key(), other.key());
    // Too little evidence changes no level.
    let weighed = Lesson::Ability {
        primitive: Primitive::ToolExec,
        level: Level::L2,
        successes: 9,
        failures: 1,
    };
    assert_eq!(samples::compile(&with(&plain, [weighed])).text(), without.text());
    // The profile of the unit is as it was.
    assert_eq!(learned.profile.unwrap().level(Primitive::ToolExec), Some(Level::L3));
}

#[test]
fn lessons_are_a_profile_where_there_is_none() {
    let manager = PassManager::standard();
    let (without, _) = ran(&manager, &unit());
    assert_eq!(without.manifest().profile, None);
    let (variant, ran) = ran(&manager, &with(&unit(), [above(Primitive::ToolExec, Level::L2, 3)]));
    assert!(ran.contains(&"capability".to_owned()));
    let measured = gaps(&variant).into_iter().filter(|(_, level)| level.is_some());
    assert_eq!(measured.collect::<Vec<_>>(), [(Primitive::ToolExec, Some(Level::L1))]);
    assert!(variant.manifest().profile.is_some());
    // Lessons about anything else leave what was not measured unmeasured.
    let advised = samples::compile(&with(&unit(), [advice(Advice::InParts)]));
    assert_eq!(advised.manifest().profile, None);
}

fn context() -> FailureContext {
    FailureContext {
        classification: FailureClassification::Systematic,
        patterns: Vec::new(),
        recovery_traces: Vec::new(),
        source_variant_id: "v".to_owned(),
        run_count: 11,
        failure_rate: 1.0 / 11.0,
        extra: serde_json::Map::new(),
    }
}

#[test]
fn a_key_names_the_lessons() {
    let manager = PassManager::standard();
    let lessons = |lessons: Lessons| unit().with_lessons(lessons);
    let units = [
        unit(),
        lessons(Lessons::from([advice(Advice::InParts)])),
        lessons(Lessons::from([advice(Advice::MoreTime)])),
        lessons(Lessons::from([word("a", "b", "c")])),
        lessons(Lessons::from([above(Primitive::ToolExec, Level::L2, 3)])),
        lessons(Lessons::from([above(Primitive::ToolExec, Level::L2, 4)])),
        lessons(Lessons { context: Some(context()), ..Lessons::default() }),
    ];
    for (at, one) in units.iter().enumerate() {
        assert_eq!(manager.key(one), samples::compile(one).manifest().key());
        let mut others = units.iter().skip(at + 1);
        assert!(others.all(|other| manager.key(other) != manager.key(one)), "{at}");
    }
    // No lessons are none, and those that are read back are the same.
    assert_eq!(manager.key(&lessons(Lessons::default())), manager.key(&unit()));
    assert_eq!(samples::compile(&lessons(Lessons::default())), samples::compile(&unit()));
    for one in units {
        let Some(known) = &one.lessons else { continue };
        let json = serde_json::to_string(&**known).unwrap();
        let back = lessons(serde_json::from_str::<Lessons>(&json).unwrap());
        assert_eq!(manager.key(&back), manager.key(&one), "{json}");
    }
}

/// The key of a variant that was made before there were lessons, and of one that is made without.
#[test]
fn a_variant_without_lessons_says_nothing_of_them() {
    let variant = samples::compile(&unit());
    let json = serde_json::to_value(variant.manifest()).unwrap();
    assert!(json.get("lessons").is_none());
    let learned = samples::compile(&with(&unit(), [advice(Advice::InParts)]));
    let json = serde_json::to_string(&learned).unwrap();
    assert_eq!(serde_json::from_str::<Variant>(&json).unwrap(), learned);
    let other = json.replacen(&learned.manifest().lessons.unwrap().to_string(), &"0".repeat(64), 1);
    assert!(serde_json::from_str::<Variant>(&other).is_err(), "the digest covers the lessons");
}
