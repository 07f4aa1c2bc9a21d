//! What is no systematic failure leads to nothing, and what was decided stays decided.

use std::collections::BTreeSet;

use futures::executor::block_on;
use skvm_core::failure::FailureClass;
use skvm_core::harness::RunStatus;
use skvm_passes::variant::Variant;
use skvm_runtime::adaptation::{AdaptPolicy, Decision};
use skvm_runtime::engine::{EngineError, SkVm};
use skvm_runtime::life::{ActivationReason, Standing};

use super::host::{Host, Play, skill};

const BODY: &str = "# Report\n\n1. Run the command.\n2. Tell the total.\n\n\
    ```sh\nfigtool report figures.csv --fmt json\n```\n";
const GOOD: &str = "figtool report figures.csv --format json";
const BAD: &str = "figtool report figures.csv --fmt json";

/// The option is wrong, and the agent finds the right one.
fn mended(variant: &Variant) -> Play {
    match variant.text().contains("--fmt") {
        true => Play::new()
            .command(BAD, "error: unexpected argument '--fmt' found", 2)
            .command(GOOD, "total 3", 0),
        false => clean(variant),
    }
}

fn clean(_: &Variant) -> Play {
    Play::new().command(GOOD, "total 3", 0)
}

/// No fix ever helps it.
fn endless(_: &Variant) -> Play {
    Play::new().ends(RunStatus::TurnLimit)
}

fn host(policy: AdaptPolicy) -> Host {
    Host::new(skill(BODY), policy)
}

#[test]
fn one_or_two_failures_lead_to_nothing() {
    for failures in [1, 2] {
        let mut host = host(AdaptPolicy::default());
        host.sessions(failures, mended);
        host.sessions(40, clean);
        assert_eq!(host.told(), Vec::<&str>::new());
        assert_eq!(host.reasons(), [ActivationReason::First]);
    }
    let mut host = host(AdaptPolicy::default());
    host.sessions(3, mended);
    assert_eq!(host.told(), ["diagnosed", "trial-started"]);
}

/// One in five is less than a quarter, however long it goes on.
#[test]
fn a_failure_below_the_rate_leads_to_nothing() {
    let mut host = host(AdaptPolicy::default());
    for number in 0..200 {
        host.session(if number % 5 == 4 { mended } else { clean });
    }
    assert_eq!(host.told(), Vec::<&str>::new());
    assert_eq!((host.fared().mended, host.fared().clean), (40, 160));
}

/// Three different accidents are no failure that comes again.
#[test]
fn different_accidents_do_not_add_up() {
    let mut host = host(AdaptPolicy::default());
    for number in 0..60 {
        let command = format!("figtool report part-{number}.csv");
        let told = format!("sh: 1: tool{}: not found", (b'a' + number % 20) as char);
        host.session(|_| Play::new().command(&command, &told, 127));
    }
    assert_eq!(host.told(), Vec::<&str>::new());
}

#[test]
fn what_the_policy_tells_is_kept_to() {
    let mut host = host(AdaptPolicy::default().after(6, 0.5));
    host.sessions(5, mended);
    assert_eq!(host.told(), Vec::<&str>::new());
    host.sessions(1, mended);
    assert_eq!(host.told(), ["diagnosed", "trial-started"]);
}

#[test]
fn the_budget_is_spent_once_and_told_once() {
    let mut host = host(AdaptPolicy::default().recompiles(1));
    host.sessions(200, endless);
    let told = host.told();
    let of = |name: &str| told.iter().filter(|told| **told == name).count();
    assert_eq!((of("trial-started"), of("budget-spent")), (1, 1), "{told:?}");
    let spent = host.decisions().iter().find_map(|decision| match decision {
        Decision::BudgetSpent { recompiles, tokens } => Some((*recompiles, *tokens)),
        _ => None,
    });
    assert_eq!(spent, Some((1, 0)));
}

#[test]
fn without_a_budget_nothing_is_compiled() {
    let mut host = host(AdaptPolicy::default().recompiles(0));
    host.sessions(50, mended);
    assert_eq!(host.told(), ["budget-spent"]);
}

#[test]
fn nothing_is_on_trial_before_it_is_approved() {
    let mut host = host(AdaptPolicy::default().with_approval());
    for _ in 0..40 {
        let played = host.session(mended);
        assert_eq!(played.standing, Standing::Active);
        assert!(played.variant.text().contains("--fmt"));
    }
    assert_eq!(host.told(), ["diagnosed", "proposed"]);
    block_on(host.vm.approve(&host.skill, &host.target)).unwrap();
    // There is nothing to answer any more.
    let again = block_on(host.vm.approve(&host.skill, &host.target)).unwrap_err();
    assert!(matches!(again, EngineError::NoVariant { .. }), "{again}");
    host.sessions(40, mended);
    assert_eq!(host.told(), ["diagnosed", "proposed", "trial-started", "trial-ended"]);
    let kept = ActivationReason::TrialKept { won: 7, lost: 0 };
    assert_eq!(host.reasons(), [ActivationReason::First, kept]);
}

#[test]
fn what_is_refused_is_not_proposed_again() {
    let mut host = host(AdaptPolicy::default().with_approval());
    host.sessions(10, mended);
    block_on(host.vm.refuse(&host.skill, &host.target)).unwrap();
    host.sessions(200, mended);
    let told = host.told();
    assert_eq!(told.iter().filter(|told| **told == "proposed").count(), 1, "{told:?}");
    assert!(!told.contains(&"trial-started"), "{told:?}");
    assert_eq!(host.reasons(), [ActivationReason::First]);
    // A person has said no, and is asked to correct the skill, once.
    assert!(told.iter().filter(|told| **told == "needs-person").count() <= 1, "{told:?}");
}

/// Each remedy is tried once; then a person is told, once.
#[test]
fn a_fix_that_does_not_help_is_not_tried_again() {
    let mut host = host(AdaptPolicy::default());
    let played = host.session(endless);
    let remedies = host.diagnosed(&played)[0].remedies.len();
    assert!(remedies >= 2);
    host.sessions(499, endless);
    let mut tried = BTreeSet::new();
    let mut is_running = false;
    for decision in host.decisions() {
        match decision {
            Decision::TrialStarted { lessons, variant } => {
                assert!(!is_running, "two at a time");
                is_running = true;
                assert!(tried.insert(lessons.digest()), "{lessons:?} was tried twice");
                assert!(!variant.to_string().is_empty());
            }
            Decision::TrialEnded { .. } => is_running = false,
            _ => {}
        }
    }
    assert!(!is_running);
    assert!(!tried.is_empty() && tried.len() <= remedies, "{tried:?}");
    assert_eq!(host.count("needs-person"), 1);
    assert_eq!(host.reasons(), [ActivationReason::First]);
}

/// Two failures at once, of which no fix helps either: still no remedy twice, and one trial at a time.
#[test]
fn two_failures_do_not_take_turns_for_ever() {
    let mut host = host(AdaptPolicy::default());
    let play = |_: &Variant| {
        Play::new()
            .ends(RunStatus::Truncated)
            .corrected(Some(FailureClass::FormatAboveAbility), "this is not JSON")
    };
    let played = host.session(play);
    let remedies: usize = host.diagnosed(&played).iter().map(|one| one.remedies.len()).sum();
    host.sessions(499, play);
    let started: Vec<_> = host
        .decisions()
        .iter()
        .filter_map(|decision| match decision {
            Decision::TrialStarted { lessons, .. } => Some(lessons.digest()),
            _ => None,
        })
        .collect();
    assert!(started.len() >= 2 && started.len() <= remedies, "{} of {remedies}", started.len());
    assert_eq!(started.iter().collect::<BTreeSet<_>>().len(), started.len());
    assert_eq!(host.count("needs-person"), 2);
}

/// A change of the skill is another state of it: what did not help then may help now.
#[test]
fn another_state_of_the_skill_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let policy = || AdaptPolicy::default().recompiles(1);
    let first = super::host::skill_in(folder.path(), BODY, &[]);
    let builder = SkVm::builder().adapt(policy());
    let mut host = Host::with(first, builder);
    host.sessions(100, endless);
    assert_eq!((host.count("trial-started"), host.count("budget-spent")), (1, 1));
    host.skill = super::host::skill_in(folder.path(), &format!("{BODY}\nBe quick.\n"), &[]);
    host.sessions(100, endless);
    assert_eq!((host.count("trial-started"), host.count("budget-spent")), (2, 2));
    assert_eq!(host.reasons(), [ActivationReason::First, ActivationReason::SkillChanged]);
}

/// The host's check says that the outcome is wrong, and what happened before says why.
#[test]
fn one_failure_is_told_once_whoever_notices_it() {
    let mut host = host(AdaptPolicy::default());
    let play = |_: &Variant| {
        Play::new()
            .command("figtool report", "KeyError: 'FIGURES_API_KEY'", 1)
            .corrected(None, "there is no total")
            .judged(false)
    };
    host.sessions(60, play);
    assert_eq!(host.told(), ["needs-person"]);
    // With words of its own, a correction is a failure of its own.
    let mut host = self::host(AdaptPolicy::default());
    let about = Some(FailureClass::FormatAboveAbility);
    let played = host.session(|variant| play(variant).corrected(about, "this is not JSON"));
    assert_eq!(host.diagnosed(&played).len(), 2);
}

#[test]
fn a_failure_that_is_pinned_down_is_left_alone() {
    let mut host = host(AdaptPolicy::default());
    host.session(mended);
    block_on(host.vm.pin(&host.skill, &host.target, "as it is")).unwrap();
    host.sessions(60, mended);
    assert_eq!(host.told(), Vec::<&str>::new());
    block_on(host.vm.unpin(&host.skill, &host.target)).unwrap();
    host.sessions(3, mended);
    assert_eq!(host.told(), ["diagnosed", "trial-started"]);
}
