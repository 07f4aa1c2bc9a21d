//! Capability profiles: reading, comparing, putting together.

use std::path::Path;

use serde_json::{Value, json};
use skvm_core::capability::{
    CapabilityProfile, FailureReports, Level, LevelResult, Primitive, PrimitiveDetail,
    RateInterval, SequentialRule, Unmeasured, UnmeasuredCause,
};
use skvm_core::target::Target;

fn target() -> Target {
    Target::new("m", "h")
}

fn profile(levels: &[(Primitive, Level)]) -> CapabilityProfile {
    let blank = CapabilityProfile::new(&target(), "2026-01-01T00:00:00Z");
    levels.iter().fold(blank, |profile, (primitive, level)| {
        let mut profile = profile.with_level(*primitive, *level);
        profile.details.push(PrimitiveDetail {
            primitive_id: primitive.id().to_owned(),
            highest_level: *level,
            level_results: vec![LevelResult::untried(Level::L1)],
            interval: None,
            calibration_note: None,
            measurement: None,
            extra: serde_json::Map::new(),
        });
        profile
    })
}

#[test]
fn every_shipped_profile_is_read_and_written_back_with_all_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/profiles");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        count += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let read = CapabilityProfile::from_json(&text).unwrap();
        assert!(read.levels().count() >= 20, "{}", path.display());
        assert!(read.measurement.is_none() && read.unmeasured.is_empty());
        let before: Value = serde_json::from_str(&text).unwrap();
        let after = serde_json::to_value(&read).unwrap();
        for (key, value) in before.as_object().unwrap() {
            if key != "cost" {
                assert_eq!(after.get(key), Some(value), "{} {key}", path.display());
            }
        }
    }
    assert_eq!(count, 7);
}

#[test]
fn details_of_the_original_are_kept() {
    let json = json!({
        "version": "1.0", "model": "m", "harness": "h", "profiledAt": "2026-01-01T00:00:00Z",
        "capabilities": {"tool.exec": "L2", "gen.poem": "L9"},
        "details": [{
            "primitiveId": "tool.exec", "highestLevel": "L2", "calibrationNote": "inverted",
            "convLogDir": "/tmp/x",
            "levelResults": [{
                "level": "L3", "passed": false, "passCount": 1, "totalCount": 3, "skipCount": 1,
                "durationMs": 12.5, "costUsd": 0.25, "testDescription": "chained",
                "failureDetails": ["no run"],
                "failureArtifacts": [{"convLog": "a", "evalScript": "b"}],
            }],
        }],
        "cost": {"totalUsd": 1.5, "totalTokens": {"input": 1, "output": 2, "cacheRead": 0, "cacheWrite": 0}, "durationMs": 3.0},
        "isPartial": false,
    });
    let read = CapabilityProfile::from_json(&json.to_string()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), json);
    let result = &read.detail(Primitive::ToolExec).unwrap().level_results[0];
    assert_eq!((result.judged(), result.cost_usd), (2, Some(0.25)));
}

#[test]
fn a_diff_names_each_change_in_catalogue_order() {
    let older = profile(&[(Primitive::ToolExec, Level::L1), (Primitive::ToolWeb, Level::L2)]);
    let newer = profile(&[(Primitive::ToolExec, Level::L3), (Primitive::GenRegex, Level::L0)]);
    let told: Vec<_> =
        older.diff(&newer).into_iter().map(|c| (c.primitive.id(), c.before, c.after)).collect();
    assert_eq!(
        told,
        [
            ("gen.regex", None, Some(Level::L0)),
            ("tool.exec", Some(Level::L1), Some(Level::L3)),
            ("tool.web", Some(Level::L2), None),
        ]
    );
    assert!(older.diff(&older).is_empty());
}

#[test]
fn merging_takes_what_is_newer_and_keeps_the_rest_with_its_origin() {
    let rule = SequentialRule::default();
    let measured = |seed| {
        let json = json!({"seed": seed, "probeSet": "p", "answerTokens": 1, "rule": rule});
        serde_json::from_value(json).unwrap()
    };
    let mut older = profile(&[(Primitive::ToolExec, Level::L1), (Primitive::GenRegex, Level::L2)]);
    older.measurement = Some(measured(1));
    older.cost.total_tokens.input = Some(10);
    let fault = Unmeasured::new(UnmeasuredCause::Fault, "503");
    older.unmeasured.insert(Primitive::ToolWeb.id().to_owned(), fault.clone());
    older
        .unmeasured
        .insert("tool.browser".to_owned(), Unmeasured::new(UnmeasuredCause::Skipped, "none"));
    let mut newer = profile(&[(Primitive::ToolExec, Level::L3), (Primitive::ToolWeb, Level::L2)]);
    newer.measurement = Some(measured(2));
    newer.cost.total_tokens.input = Some(5);
    newer.profiled_at = "2026-02-01T00:00:00Z".to_owned();
    newer.unmeasured.insert(
        Primitive::GenRegex.id().to_owned(),
        Unmeasured::new(UnmeasuredCause::NotAsked, "no"),
    );
    let merged = older.clone().merged(newer.clone()).unwrap();
    assert_eq!(merged.level(Primitive::ToolExec), Some(Level::L3));
    assert_eq!(merged.level(Primitive::GenRegex), Some(Level::L2));
    assert_eq!(merged.level(Primitive::ToolWeb), Some(Level::L2));
    assert_eq!(merged.unmeasured.keys().collect::<Vec<_>>(), ["tool.browser"]);
    assert_eq!(merged.profiled_at, newer.profiled_at);
    assert_eq!(merged.cost.total_tokens.input, Some(15));
    let origin = |primitive| merged.detail(primitive).unwrap().measurement.as_ref().map(|m| m.seed);
    assert_eq!(origin(Primitive::GenRegex), Some(1), "it was measured otherwise than the rest");
    assert_eq!(origin(Primitive::ToolExec), None);
    assert!(merged.is_partial, "most primitives are missing");
    let stranger = CapabilityProfile::new(&Target::new("other", "h"), "2026-01-01T00:00:00Z");
    let error = older.merged(stranger).unwrap_err().to_string();
    assert!(error.contains("other"), "{error}");
}

#[test]
fn what_is_only_skipped_leaves_a_profile_whole() {
    let all: Vec<_> = Primitive::ALL
        .into_iter()
        .filter(|primitive| *primitive != Primitive::ToolBrowser)
        .map(|primitive| (primitive, Level::L1))
        .collect();
    let mut whole = profile(&all);
    assert!(whole.lacks_measurements());
    let reason = |cause| Unmeasured::new(cause, "why");
    whole
        .unmeasured
        .insert(Primitive::ToolBrowser.id().to_owned(), reason(UnmeasuredCause::Skipped));
    assert!(!whole.lacks_measurements());
    for cause in [UnmeasuredCause::Fault, UnmeasuredCause::Cancelled, UnmeasuredCause::NotAsked] {
        whole.unmeasured.insert(Primitive::ToolBrowser.id().to_owned(), reason(cause));
        assert!(whole.lacks_measurements(), "{cause:?}");
    }
}

#[test]
fn the_interval_of_a_rate_is_wilsons() {
    // Values of the formula, worked out apart from this code.
    for (passed, tried, low, high) in
        [(0, 1, 0.0, 0.7935), (1, 1, 0.2065, 1.0), (3, 3, 0.4385, 1.0), (5, 10, 0.2366, 0.7634)]
    {
        let interval = RateInterval::wilson(passed, tried).unwrap();
        assert!((interval.low - low).abs() < 2e-4, "{passed} of {tried}: {interval:?}");
        assert!((interval.high - high).abs() < 2e-4, "{passed} of {tried}: {interval:?}");
    }
    assert!(RateInterval::wilson(0, 0).is_none());
    assert!(RateInterval::wilson(u32::MAX, 3).is_some());
}

#[test]
fn failure_reports_of_the_original_are_read() {
    let json = json!({
        "profiledAt": "2026-01-01T00:00:00Z",
        "reports": {"gen.regex/L1": [{
            "primitiveId": "gen.regex", "level": "L1", "instance": 2, "evalDetails": "no match",
            "agentText": "^a$", "steps": [], "toolCallSummary": "none", "fileChanges": [],
            "durationMs": 12,
        }]},
    });
    let reports: FailureReports = serde_json::from_value(json.clone()).unwrap();
    let report = &reports.of(Primitive::GenRegex, Level::L1)[0];
    assert_eq!((report.instance, report.agent_text.as_str()), (2, "^a$"));
    assert_eq!(report.extra["toolCallSummary"], "none");
    assert!(reports.of(Primitive::GenRegex, Level::L2).is_empty());
    let back = serde_json::to_value(&reports).unwrap();
    assert_eq!(back["reports"]["gen.regex/L1"][0]["toolCallSummary"], "none");
}

#[test]
fn primitives_of_a_later_version_are_kept() {
    let json = json!({
        "version": "1.0", "model": "m", "harness": "h", "profiledAt": "2026-01-01T00:00:00Z",
        "capabilities": {"tool.exec": "L2", "tool.telepathy": "L1"},
        "unmeasured": {"gen.code.cobol": {"cause": "skipped", "detail": "no compiler"}},
    });
    let read = CapabilityProfile::from_json(&json.to_string()).unwrap();
    let merged = profile(&[(Primitive::GenRegex, Level::L1)]).merged(read).unwrap();
    let back = serde_json::to_value(&merged).unwrap();
    assert_eq!(back["capabilities"]["tool.telepathy"], "L1");
    assert_eq!(back["unmeasured"]["gen.code.cobol"]["detail"], "no compiler");
    assert_eq!(merged.level(Primitive::GenRegex), Some(Level::L1));
}
