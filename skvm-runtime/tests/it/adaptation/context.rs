//! What is known of failures, in the words of the original SkVM.

use std::sync::Arc;

use futures::executor::block_on;
use skvm_core::digest::Digest;
use skvm_core::failure::{FailureClassification, FailureContext, PatternCategory};
use skvm_core::harness::RunStatus;
use skvm_core::skill::Skill;
use skvm_runtime::adaptation::AdaptPolicy;
use skvm_runtime::engine::SkVm;
use skvm_runtime::store::{MemoryStore, Store as _};

use super::host::{Host, Play, skill};

const BODY: &str = "# Report\n\n```sh\nfigtool report figures.csv --fmt json\n```\n";
const BAD: &str = "figtool report figures.csv --fmt json";
const GOOD: &str = "figtool report figures.csv --format json";
const TOLD: &str = "error: unexpected argument '--fmt' found";

/// So many failures that nothing is tried of itself.
fn patient() -> AdaptPolicy {
    AdaptPolicy::default().after(1_000, 1.0)
}

fn context(host: &Host) -> FailureContext {
    block_on(host.vm.failure_context(&host.skill, &host.target)).unwrap()
}

#[test]
fn it_has_what_was_planted() {
    let mut host = Host::new(skill(BODY), patient());
    assert_eq!((context(&host).run_count, context(&host).failure_rate), (0, 0.0));
    for number in 0..10 {
        host.session(|_| match number % 5 {
            0 | 1 => Play::new().command(BAD, TOLD, 2).command(GOOD, "total 3", 0),
            2 => Play::new().ends(RunStatus::TurnLimit),
            _ => Play::new().command(GOOD, "total 3", 0),
        });
    }
    let found = context(&host);
    assert_eq!(found.classification, FailureClassification::TaskSpecific);
    assert_eq!((found.run_count, found.failure_rate), (10, 0.6));
    assert_eq!(found.source_variant_id, host.active().digest().to_string());
    let patterns: Vec<_> = found
        .patterns
        .iter()
        .map(|it| (it.tool_name.as_str(), it.frequency, it.category, it.sample_errors.clone()))
        .collect();
    let [first, second] = patterns.as_slice() else { panic!("{patterns:#?}") };
    assert_eq!((first.0, first.1, first.2), ("execute_command", 4, PatternCategory::ToolError));
    assert_eq!(first.3, ["error: unexpected argument … found"]);
    assert_eq!((second.0, second.1, second.2), ("", 2, PatternCategory::Timeout));
    // Samples of recoveries, not all of them.
    assert!((1..=3).contains(&found.recovery_traces.len()));
    for recovery in &found.recovery_traces {
        assert_eq!(recovery.recovery_action, GOOD);
        assert_eq!(recovery.failed_tool_name, "execute_command");
        assert_eq!((recovery.failed_step, recovery.recovered_at_step), (0, 1));
    }
}

#[test]
fn it_says_when_a_failure_is_systematic() {
    let mut host = Host::new(skill(BODY), AdaptPolicy::default().recompiles(0));
    let play = |_: &_| Play::new().command(BAD, TOLD, 2);
    host.sessions(2, play);
    assert_eq!(context(&host).classification, FailureClassification::TaskSpecific);
    host.sessions(1, play);
    assert_eq!(context(&host).classification, FailureClassification::Systematic);
}

#[test]
fn it_goes_through_json_and_comes_back() {
    let mut host = Host::new(skill(BODY), patient());
    for number in 0..7 {
        host.session(|_| match number % 3 {
            0 => Play::new().command(BAD, TOLD, 2).command(GOOD, "total 3", 0),
            1 => Play::new().ends(RunStatus::Truncated),
            _ => Play::new(),
        });
    }
    let found = context(&host);
    let json = serde_json::to_string(&found).unwrap();
    let back: FailureContext = serde_json::from_str(&json).unwrap();
    assert_eq!(back, found);
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
    for name in ["classification", "toolName", "sampleErrors", "recoveryTraces", "failureRate"] {
        assert!(json.contains(&format!("\"{name}\"")), "{name}");
    }
}

/// Everything that knows the key, as it goes by in calls, results, recoveries and corrections.
fn secretly(number: usize) -> Play {
    const KEY: &str = "sk-abcdef0123456789SECRET";
    let with_key = |option: &str| {
        format!(
            "figtool report figures.csv {option} json --token {KEY} -H 'Authorization: Bearer {KEY}'"
        )
    };
    let told = match number % 4 {
        0 => format!("{TOLD}\nAuthorization: Bearer {KEY}"),
        1 => format!("error: the token {KEY} failed"),
        2 => format!("failed: https://bob:{KEY}@figures.example/a is not found"),
        _ => format!("error: invalid API key={KEY}"),
    };
    Play::new()
        .command(&with_key("--fmt"), &told, 2)
        .command(&with_key("--format"), &format!("total 3 {KEY}"), 0)
        .corrected(None, &format!("you used the key {KEY}"))
}

fn assert_no_secret(what: &str) {
    for part in ["sk-abcdef", "SECRET", "0123456789"] {
        assert!(!what.contains(part), "{part} in {what}");
    }
}

#[test]
fn no_secret_is_in_it() {
    for policy in [AdaptPolicy::default(), patient()] {
        let mut host = Host::new(skill(BODY), policy);
        for number in 0..40 {
            let played = host.session(|_| secretly(number));
            assert_no_secret(played.variant.text());
        }
        assert_no_secret(&serde_json::to_string(&context(&host)).unwrap());
        let decisions: Vec<_> = host.decisions().to_vec();
        assert_no_secret(&serde_json::to_string(&decisions).unwrap());
    }
}

/// The records of what is learned. Traces are another matter: they are the host's own log.
#[test]
fn no_secret_is_in_the_records() {
    let store = Arc::new(MemoryStore::default());
    let builder = SkVm::builder().adapt(patient()).store(store.clone());
    let mut host = Host::with(skill(BODY), builder);
    for number in 0..12 {
        host.session(|_| secretly(number));
    }
    // The line's records: the scope is made as the engine makes it.
    let scope = line_of(&host.skill, "m", "host");
    let records = block_on(store.records(scope, 0)).unwrap();
    assert!(records.len() >= 3, "{}", records.len());
    let evidence = records.iter().filter_map(|record| record.value.as_deref());
    let mut seen = 0;
    for value in evidence {
        assert_no_secret(value);
        seen += usize::from(value.contains("\"known\""));
    }
    assert_eq!(seen, 1, "the evidence was not among the records");

    fn line_of(skill: &Skill, model: &str, harness: &str) -> Digest {
        Digest::builder("skvm/line/1")
            .field(skill.name().as_bytes())
            .field(skill.root().as_os_str().as_encoded_bytes())
            .field(model.as_bytes())
            .field(harness.as_bytes())
            .finish()
    }
}
