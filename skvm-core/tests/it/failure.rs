//! What failures teach: the original's context, lessons and their laws, and levels that sessions speak against.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use skvm_core::artifact::DependencyKind;
use skvm_core::capability::{AbilityEvidence, CapabilityProfile, Level, Primitive};
use skvm_core::failure::{Advice, FailureClass, FailureContext, Lesson, Lessons, RecoveryTrace};
use skvm_core::target::Target;

const LEVELS: [Level; 4] = [Level::L0, Level::L1, Level::L2, Level::L3];

/// As the original writes it, with fields that it may have one day at every level.
fn original() -> Value {
    json!({
        "classification": "systematic",
        "patterns": [
            {
                "toolName": "execute_command", "frequency": 3, "category": "tool-error",
                "sampleErrors": ["ModuleNotFoundError: No module named 'yaml'", ""],
                "firstSeen": "2026-01-01",
            },
            {"toolName": "", "frequency": 1, "category": "logic-error", "sampleErrors": []},
            {"toolName": "web_fetch", "frequency": 0, "category": "timeout", "sampleErrors": ["60 s"]},
            {"toolName": "llm", "frequency": 9, "category": "api-error", "sampleErrors": ["503"]},
        ],
        "recoveryTraces": [{
            "failedStep": 2, "failedToolName": "execute_command", "failedError": "exit 1\nüber",
            "recoveredAtStep": 5, "recoveryAction": "pip install pyyaml", "seed": null,
        }],
        "sourceVariantId": "v1",
        "runCount": 4,
        "failureRate": 0.75,
        "note": {"by": ["a host"]},
    })
}

fn read(value: &Value) -> Result<FailureContext, serde_json::Error> {
    serde_json::from_str(&value.to_string())
}

#[test]
fn a_context_of_the_original_is_written_back_with_all_it_says() {
    let json = original();
    let context = read(&json).unwrap();
    assert_eq!(serde_json::to_value(&context).unwrap(), json);
    assert_eq!(context.extra["note"]["by"][0], "a host");
    assert_eq!(context.patterns[0].extra["firstSeen"], "2026-01-01");
    assert_eq!(context.recovery_traces[0].extra["seed"], Value::Null);
    assert_eq!((context.run_count, context.patterns[3].frequency), (4, 9));
}

/// JavaScript writes one as `1`.
#[test]
fn a_rate_is_written_as_the_original_writes_it() {
    for rate in ["0", "1", "0.5", "0.3333333333333333"] {
        let json = original().to_string().replace("0.75", rate);
        let context: FailureContext = serde_json::from_str(&json).unwrap();
        let written = serde_json::to_string(&context).unwrap();
        assert!(written.contains(&format!("\"failureRate\":{rate},")), "{written}");
        assert_eq!(
            serde_json::to_value(&context).unwrap(),
            serde_json::from_str::<Value>(&json).unwrap()
        );
    }
}

#[test]
fn a_context_with_a_wrong_word_or_without_a_field_is_refused() {
    for (pointer, wrong) in [
        ("/classification", json!("Systematic")),
        ("/classification", json!("task_specific")),
        ("/patterns/0/category", json!("tool_error")),
        ("/patterns/0/category", json!("unknown")),
        ("/patterns/0/category", Value::Null),
        ("/patterns/0/frequency", json!("3")),
        ("/patterns/0/frequency", json!(-1)),
        ("/patterns/0/sampleErrors", json!("one")),
        ("/recoveryTraces/0/failedStep", json!(1.5)),
        ("/runCount", json!(-4)),
        ("/failureRate", json!("0.75")),
    ] {
        let mut json = original();
        *json.pointer_mut(pointer).unwrap() = wrong.clone();
        assert!(read(&json).is_err(), "{pointer} as {wrong}");
    }
    for (parent, key) in [("", "patterns"), ("", "failureRate"), ("/patterns/0", "category")] {
        let mut json = original();
        json.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
        assert!(read(&json).is_err(), "without {key}");
    }
    assert!(
        read(&json!({"classification": "task-specific", "patterns": [], "recoveryTraces": [],
        "sourceVariantId": "", "runCount": 0, "failureRate": 0}))
        .is_ok()
    );
}

#[test]
fn classes_are_written_as_they_are_called() {
    for class in FailureClass::ALL {
        assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        assert_eq!(class.to_string(), class.as_str());
        assert_eq!(class.is_infrastructure(), class == FailureClass::FlakyNetwork);
    }
}

/// One line each, so that an edit can put it anywhere.
#[test]
fn advice_is_one_sentence_each() {
    for advice in Advice::ALL {
        let sentence = advice.sentence();
        assert!(sentence.ends_with('.') && !sentence.contains(['\n', '`', '<', '|', '#']));
        let same = Advice::ALL.iter().filter(|other| other.sentence().contains(sentence));
        assert_eq!(same.count(), 1, "{sentence}");
    }
}

fn context(runs: u64) -> FailureContext {
    let mut context = read(&original()).unwrap();
    context.run_count = runs;
    context
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["", "python", "--fmt", "scripts/run.py", "yaml", "../x", "a b", "\n", "é"])
            .prop_map(str::to_owned),
        any::<String>(),
    ]
}

const KINDS: [DependencyKind; 4] = [
    DependencyKind::Python,
    DependencyKind::Npm,
    DependencyKind::Program,
    DependencyKind::SystemPackage,
];

fn lesson() -> impl Strategy<Value = Lesson> {
    prop_oneof![
        (select(&KINDS[..]), word())
            .prop_map(|(dependency, name)| Lesson::Dependency { dependency, name }),
        (word(), word()).prop_map(|(written, file)| Lesson::Path { written, file }),
        word().prop_map(|file| Lesson::Script { file }),
        (word(), word(), word()).prop_map(|(program, written, instead)| Lesson::Word {
            program,
            written,
            instead
        }),
        select(&Advice::ALL[..]).prop_map(|advice| Lesson::Advice { advice }),
        ability().prop_map(as_lesson),
    ]
}

fn ability() -> impl Strategy<Value = AbilityEvidence> {
    let count = || prop_oneof![4 => 0..8u32, 1 => any::<u32>()];
    let primitives = [Primitive::FollowFormat, Primitive::ToolExec, Primitive::GenTextLong];
    (select(primitives.to_vec()), select(&LEVELS[..]), count(), count()).prop_map(
        |(primitive, level, successes, failures)| AbilityEvidence {
            primitive,
            level,
            successes,
            failures,
        },
    )
}

fn as_lesson(seen: AbilityEvidence) -> Lesson {
    let AbilityEvidence { primitive, level, successes, failures } = seen;
    Lesson::Ability { primitive, level, successes, failures }
}

fn lessons_of(lesson: impl Strategy<Value = Lesson>) -> impl Strategy<Value = Lessons> {
    (vec(lesson, 0..8), proptest::option::of(0..3u64))
        .prop_map(|(lessons, runs)| Lessons { context: runs.map(context), ..Lessons::new(lessons) })
}

#[test]
fn nothing_learned_is_empty() {
    assert!(Lessons::default().is_empty());
    assert!(Lessons::new([]).is_empty());
    assert!(!Lessons::from([Lesson::Script { file: String::new() }]).is_empty());
    assert!(!Lessons { context: Some(context(1)), ..Lessons::default() }.is_empty());
}

/// The digest is a part of the key of variants: written down, so that a change of it is seen.
#[test]
fn a_digest_stays_what_it_is() {
    let lessons = Lessons {
        context: Some(context(4)),
        ..Lessons::from([
            Lesson::Word {
                program: "pdf-cli".into(),
                written: "--fmt".into(),
                instead: "--format".into(),
            },
            Lesson::Advice { advice: Advice::InParts },
        ])
    };
    assert_eq!(lessons.digest().short(), "ee3191f4171b2040");
    assert_ne!(Lessons { context: None, ..lessons.clone() }.digest(), lessons.digest());
    assert_ne!(Lessons::default().digest(), lessons.digest());
}

/// A digest that changes on the way through a store would name another variant.
#[test]
fn shares_of_runs_are_read_back() {
    let mut lost = Vec::new();
    for runs in 1..=60u32 {
        for failed in 0..=runs {
            let mut context = context(u64::from(runs));
            context.failure_rate = f64::from(failed) / f64::from(runs);
            let lessons = Lessons { context: Some(context), ..Lessons::default() };
            let json = serde_json::to_string(&lessons).unwrap();
            let back: Lessons = serde_json::from_str(&json).unwrap();
            if back.digest() != lessons.digest() {
                lost.push(format!("{failed} of {runs}"));
            }
        }
    }
    assert!(lost.is_empty(), "{} shares: {:?}", lost.len(), lost.get(..9));
}

#[test]
fn lessons_are_read_in_any_order() {
    let one = r#"{"kind":"script","file":"a.py"}"#;
    let other = r#"{"kind":"advice","advice":"in-parts"}"#;
    let read = |list: [&str; 3]| -> Lessons {
        serde_json::from_str(&format!("{{\"lessons\":[{}]}}", list.join(","))).unwrap()
    };
    let (first, second) = (read([one, other, other]), read([other, one, one]));
    assert_eq!(first.lessons.len(), 2);
    assert_eq!(first, second);
    assert_eq!(first.digest(), second.digest());
    for wrong in [r#"{"kind":"sentence","text":"x"}"#, r#"{"kind":"advice","advice":"Do it."}"#] {
        assert!(serde_json::from_str::<Lessons>(&format!("{{\"lessons\":[{wrong}]}}")).is_err());
    }
}

#[test]
fn a_later_count_of_an_ability_takes_the_place_of_the_earlier() {
    let seen = |level, successes, failures| AbilityEvidence {
        primitive: Primitive::ToolExec,
        level,
        successes,
        failures,
    };
    let earlier =
        Lessons::new([seen(Level::L2, 1, 3), seen(Level::L3, 0, 1)].into_iter().map(as_lesson));
    let later = Lessons::new([as_lesson(seen(Level::L2, 2, 4))]);
    let both = earlier.and(&later);
    assert_eq!(both.abilities(), [seen(Level::L2, 2, 4), seen(Level::L3, 0, 1)]);
    assert_eq!(later.and(&earlier).abilities(), [seen(Level::L2, 1, 3), seen(Level::L3, 0, 1)]);
    // In one set, counts of one ability add up and have no end.
    let twice = Lessons::new([seen(Level::L1, u32::MAX, 1), seen(Level::L1, 1, 1)].map(as_lesson));
    assert_eq!(twice.abilities(), [seen(Level::L1, u32::MAX, 2)]);
}

proptest! {
    #[test]
    fn order_and_repetition_mean_nothing(
        (lessons, shuffled) in vec(lesson(), 0..10)
            .prop_flat_map(|lessons| (Just(lessons.clone()), Just(lessons).prop_shuffle())),
        again in any::<prop::sample::Index>(),
    ) {
        let one = Lessons::new(lessons.clone());
        let mut repeated = shuffled;
        if !lessons.is_empty() {
            repeated.push(again.get(&lessons).clone());
        }
        let other = Lessons::new(repeated);
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(one.digest(), other.digest());
        prop_assert!(one.lessons.is_sorted());
        prop_assert_eq!(one.abilities(), other.abilities());
    }

    #[test]
    fn lessons_are_read_back_as_they_were_written(lessons in lessons_of(lesson())) {
        let json = serde_json::to_string(&lessons).unwrap();
        let back: Lessons = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(back.digest(), lessons.digest());
        prop_assert_eq!(&back, &lessons);
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), json);
    }

    #[test]
    fn lessons_that_differ_have_other_digests(
        one in lessons_of(lesson()),
        other in lessons_of(lesson()),
    ) {
        prop_assert_eq!(one == other, one.digest() == other.digest());
    }

    #[test]
    fn joining_is_associative(
        a in lessons_of(lesson()),
        b in lessons_of(lesson()),
        c in lessons_of(lesson()),
    ) {
        prop_assert_eq!(a.and(&b).and(&c), a.and(&b.and(&c)));
    }

    #[test]
    fn joining_with_oneself_or_nothing_changes_nothing(
        a in lessons_of(lesson()),
        b in lessons_of(lesson()),
    ) {
        prop_assert_eq!(&a.and(&a), &a);
        prop_assert_eq!(&a.and(&Lessons::default()), &a);
        prop_assert_eq!(&Lessons::default().and(&a), &a);
        let both = a.and(&b);
        prop_assert_eq!(&both.and(&b), &both);
        prop_assert!(b.lessons.iter().all(|lesson| both.lessons.contains(lesson)));
        prop_assert!(both.lessons.is_sorted());
        prop_assert_eq!(both.context.as_ref(), b.context.as_ref().or(a.context.as_ref()));
        for seen in b.abilities() {
            prop_assert!(both.abilities().contains(&seen), "{seen:?} in {:?}", both.abilities());
        }
    }

    #[test]
    fn any_context_is_read_back(errors in vec(any::<String>(), 0..4), rate in 0.0..=1.0f64) {
        let mut context = context(2);
        context.failure_rate = rate;
        context.patterns[0].sample_errors.clone_from(&errors);
        context.recovery_traces.extend(errors.into_iter().map(|error| RecoveryTrace {
            failed_step: u64::MAX,
            failed_tool_name: error.clone(),
            failed_error: error.clone(),
            recovered_at_step: 0,
            recovery_action: error,
            extra: Map::new(),
        }));
        let json = serde_json::to_string(&context).unwrap();
        prop_assert_eq!(serde_json::from_str::<FailureContext>(&json).unwrap(), context);
    }
}

fn blank() -> CapabilityProfile {
    CapabilityProfile::new(&Target::new("m", "h"), "2026-01-01T00:00:00Z")
}

fn profile() -> impl Strategy<Value = CapabilityProfile> {
    vec((select(&Primitive::ALL[..]), select(&LEVELS[..])), 0..30).prop_map(|levels| {
        levels
            .into_iter()
            .fold(blank(), |profile, (primitive, level)| profile.with_level(primitive, level))
    })
}

/// Levels in the order in which they promise more: what was not measured stands in nobody's way.
fn promise(level: Option<Level>) -> usize {
    level.map_or(Level::L3 as usize, |level| level as usize)
}

const ONE: Primitive = Primitive::FollowFormat;

fn seen(level: Level, successes: u32, failures: u32) -> AbilityEvidence {
    AbilityEvidence { primitive: ONE, level, successes, failures }
}

#[test]
fn levels_follow_the_expected_rates() {
    use Level::{L0, L1, L2, L3};
    let at = |level| blank().with_level(ONE, level);
    let cases: [(CapabilityProfile, &[AbilityEvidence], Option<Level>); 14] = [
        // Rate (1 + 2) / (2 + 2) is just enough; one failure makes it 3/5.
        (at(L3), &[seen(L3, 0, 0)], Some(L3)),
        (at(L3), &[seen(L3, 0, 1)], Some(L2)),
        (at(L3), &[seen(L3, 2, 1)], Some(L2)),
        (at(L3), &[seen(L3, 3, 1)], Some(L3)),
        // What goes wrong at a level goes wrong at each higher one, and not at lower ones.
        (at(L3), &[seen(L2, 0, 1)], Some(L1)),
        (at(L3), &[seen(L1, 0, 1)], Some(L0)),
        (at(L3), &[seen(L0, 0, 1)], Some(L0)),
        // What goes well at a level goes well at each lower one, and not at higher ones.
        (at(L3), &[seen(L2, 0, 1), seen(L3, 3, 0)], Some(L3)),
        (at(L3), &[seen(L3, 0, 1), seen(L2, 9, 0)], Some(L2)),
        // No level is raised, and failures above the level say nothing new.
        (at(L1), &[seen(L3, 1000, 0)], Some(L1)),
        (at(L1), &[seen(L2, 0, 1000)], Some(L1)),
        (at(L0), &[seen(L1, 1000, 0)], Some(L0)),
        // What was not measured is taken for reached until something speaks against it.
        (blank(), &[seen(L3, 5, 0)], None),
        (blank(), &[seen(L2, 0, 1)], Some(L1)),
    ];
    for (number, (profile, evidence, expected)) in cases.into_iter().enumerate() {
        assert_eq!(profile.effective(evidence).level(ONE), expected, "case {number}: {evidence:?}");
    }
}

#[test]
fn only_levels_change() {
    let json = json!({
        "version": "1.0", "model": "m", "harness": "h", "profiledAt": "2026-01-01T00:00:00Z",
        "capabilities": {"tool.exec": "L3", "follow.format": "L3", "tool.telepathy": "L1"},
        "details": [{
            "primitiveId": "tool.exec", "highestLevel": "L3", "levelResults": [],
            "convLogDir": "/tmp/x",
        }],
        "cost": {"totalUsd": 1.5, "totalTokens": {"input": 1, "output": 2, "cacheRead": 0, "cacheWrite": 0}, "durationMs": 3.0},
        "isPartial": true,
        "unmeasured": {"tool.web": {"cause": "skipped", "detail": "no network"}},
        "provenance": {"by": "hand"},
    });
    let profile = CapabilityProfile::from_json(&json.to_string()).unwrap();
    let evidence = [seen(Level::L2, 0, 9)];
    let mut expected = json;
    expected["capabilities"]["follow.format"] = json!("L1");
    assert_eq!(serde_json::to_value(profile.effective(&evidence)).unwrap(), expected);
    assert_ne!(profile.effective(&evidence).digest(), profile.digest());
}

fn counts() -> impl Strategy<Value = AbilityEvidence> {
    prop_oneof![
        3 => ability().prop_map(|seen| AbilityEvidence { primitive: ONE, ..seen }),
        1 => ability(),
    ]
}

proptest! {
    #[test]
    fn evidence_never_raises_a_level_and_touches_only_its_primitive(
        profile in profile(),
        evidence in vec(counts(), 0..6),
    ) {
        let effective = profile.effective(&evidence);
        for primitive in Primitive::ALL {
            let (before, after) = (profile.level(primitive), effective.level(primitive));
            prop_assert!(promise(after) <= promise(before), "{primitive}: {before:?} to {after:?}");
            if evidence.iter().all(|seen| seen.primitive != primitive) {
                prop_assert_eq!(before, after);
            }
            if before.is_some() {
                prop_assert!(after.is_some());
            }
        }
    }

    #[test]
    fn no_evidence_changes_nothing(profile in profile(), levels in vec(select(&LEVELS[..]), 0..4)) {
        prop_assert_eq!(&profile.effective(&[]), &profile);
        let empty: Vec<_> = levels.into_iter().map(|level| seen(level, 0, 0)).collect();
        prop_assert_eq!(&profile.effective(&empty), &profile);
        let good: Vec<_> = LEVELS.iter().map(|level| seen(*level, 7, 0)).collect();
        prop_assert_eq!(&profile.effective(&good), &profile);
    }

    #[test]
    fn failures_never_help_and_successes_never_hurt(
        profile in profile(),
        evidence in vec(counts(), 1..5),
        which in any::<prop::sample::Index>(),
        more in 1..9u32,
    ) {
        let at = which.index(evidence.len());
        let primitive = evidence[at].primitive;
        let level = |evidence: &[AbilityEvidence]| {
            promise(profile.effective(evidence).level(primitive))
        };
        let now = level(&evidence);
        let mut worse = evidence.clone();
        worse[at].failures = worse[at].failures.saturating_add(more);
        prop_assert!(level(&worse) <= now);
        let mut better = evidence.clone();
        better[at].successes = better[at].successes.saturating_add(more);
        prop_assert!(level(&better) >= now);
    }

    #[test]
    fn the_order_of_evidence_means_nothing(
        profile in profile(),
        (one, other) in vec(counts(), 0..6)
            .prop_flat_map(|seen| (Just(seen.clone()), Just(seen).prop_shuffle())),
    ) {
        prop_assert_eq!(profile.effective(&one), profile.effective(&other));
    }
}
