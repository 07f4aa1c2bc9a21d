//! A fix beside what was there: better is kept, worse and equal are not.

use futures::executor::block_on;
use skvm_core::failure::{Lesson, Lessons};
use skvm_passes::variant::Variant;
use skvm_runtime::adaptation::{AdaptPolicy, Decision, SequentialTest, Verdict};
use skvm_runtime::engine::EngineError;
use skvm_runtime::life::{ActivationReason, Standing};

use super::host::{Host, Play, skill};

const BODY: &str = "# Report\n\n```sh\nfigtool report figures.csv --format json\n```\n";

fn word(written: &str, instead: &str) -> Lessons {
    let [program, written, instead] = ["figtool", written, instead].map(str::to_owned);
    Lessons::from([Lesson::Word { program, written, instead }])
}

/// A program that knows these options.
fn figtool(variant: &Variant, options: &[&str]) -> Play {
    let line = variant.text().lines().find(|line| line.starts_with("figtool")).unwrap();
    let option = line.split(' ').find(|word| word.starts_with("--")).unwrap();
    match options.contains(&option) {
        true => Play::new().command(line, "total 3", 0),
        false => {
            let told = format!("error: unexpected argument '{option}' found");
            Play::new().command(line, &told, 2).judged(false)
        }
    }
}

fn host() -> Host {
    let mut host = Host::new(skill(BODY), AdaptPolicy::default());
    host.session(|_| Play::new());
    host
}

fn propose(host: &Host, lessons: Lessons) -> Result<bool, EngineError> {
    block_on(host.vm.propose(&host.skill, &host.target, lessons)).map(|found| found.is_some())
}

/// How the last trial ended.
fn ended(host: &mut Host) -> Option<(Verdict, u32, u32, u32)> {
    host.decisions().iter().rev().find_map(|decision| match decision {
        Decision::TrialEnded { verdict, won, lost, pairs, .. } => {
            Some((*verdict, *won, *lost, *pairs))
        }
        _ => None,
    })
}

/// Plays until the trial ends; gives how many sessions that took, and how many of them were on trial.
fn until_ended(host: &mut Host, options: &[&str]) -> (usize, usize) {
    let (mut sessions, mut on_trial) = (0, 0);
    while host.count("trial-ended") == 0 {
        let played = host.session(|variant| figtool(variant, options));
        sessions += 1;
        on_trial += usize::from(played.standing == Standing::Trial);
        assert!(sessions < 200);
    }
    (sessions, on_trial)
}

#[test]
fn a_worse_variant_is_rolled_back() {
    let mut host = host();
    let before = host.active().digest();
    assert!(propose(&host, word("--format", "--fmt")).unwrap());
    let (sessions, on_trial) = until_ended(&mut host, &["--format"]);
    // Seven pairs: the worse variant is gone after seven sessions.
    assert_eq!(ended(&mut host), Some((Verdict::Worse, 0, 7, 7)));
    assert_eq!((sessions, on_trial), (14, 7));
    assert_eq!(host.active().digest(), before);
    assert_eq!(host.reasons(), [ActivationReason::First]);
    // It does not come again, and its failures are none of the active variant's.
    host.sessions(60, |variant| figtool(variant, &["--format"]));
    assert_eq!(host.told(), ["trial-started", "trial-ended"]);
    assert_eq!(host.active().digest(), before);
}

/// Both options work.
#[test]
fn an_equal_variant_is_not_kept() {
    let mut host = host();
    let before = host.active().digest();
    assert!(propose(&host, word("--format", "--fmt")).unwrap());
    let (sessions, on_trial) = until_ended(&mut host, &["--format", "--fmt"]);
    assert_eq!(ended(&mut host), Some((Verdict::Undecided, 0, 0, 10)));
    assert_eq!((sessions, on_trial), (20, 10));
    assert_eq!(host.active().digest(), before);
    assert_eq!(host.reasons(), [ActivationReason::First]);
}

#[test]
fn a_better_variant_is_kept() {
    let mut host = host();
    let before = host.active().digest();
    assert!(propose(&host, word("--format", "--fmt")).unwrap());
    let (sessions, on_trial) = until_ended(&mut host, &["--fmt"]);
    assert_eq!(ended(&mut host), Some((Verdict::Better, 7, 0, 7)));
    assert_eq!((sessions, on_trial), (14, 7));
    let after = host.active();
    assert_ne!(after.digest(), before);
    assert!(after.text().contains("--fmt json"));
    let kept = ActivationReason::TrialKept { won: 7, lost: 0 };
    assert_eq!(host.reasons(), [ActivationReason::First, kept]);
    // Every session has it from now on.
    for _ in 0..20 {
        let played = host.session(|variant| figtool(variant, &["--fmt"]));
        assert_eq!((played.standing, played.variant.digest()), (Standing::Active, after.digest()));
    }
    let history = block_on(host.vm.history(&host.skill, &host.target)).unwrap();
    assert_eq!(history.fared[&after.digest()].clean, 27);
    assert_eq!(history.fared[&before].failed, 7);
}

#[test]
fn a_trial_gets_the_share_of_the_sessions_that_the_policy_tells() {
    let policy = AdaptPolicy::default().trial_every(5);
    let mut host = Host::new(skill(BODY), policy);
    host.session(|_| Play::new());
    assert!(propose(&host, word("--format", "--fmt")).unwrap());
    let (sessions, on_trial) = until_ended(&mut host, &["--fmt"]);
    assert_eq!((sessions, on_trial), (35, 7));
}

/// A host looks at a variant to set up what it needs before it runs it.
#[test]
fn loading_takes_nobodys_turn() {
    let mut host = host();
    assert!(propose(&host, word("--format", "--fmt")).unwrap());
    for number in 0..10 {
        let load = || block_on(host.vm.load(&host.skill, &host.target)).unwrap();
        let (first, second) = (load(), load());
        assert_eq!(first.standing, second.standing);
        let played = host.session(|variant| figtool(variant, &["--fmt"]));
        assert_eq!(played.standing, first.standing);
        let expected = if number % 2 == 0 { Standing::Active } else { Standing::Trial };
        assert_eq!(played.standing, expected);
    }
}

/// Sessions that begin together are all of one side; the next ones make up for it.
#[test]
fn sessions_that_overlap_are_balanced() {
    let mut host = host();
    assert!(propose(&host, word("--format", "--fmt")).unwrap());
    let mut on_trial = 0;
    for _ in 0..4 {
        let load = || block_on(host.vm.load(&host.skill, &host.target)).unwrap();
        let loaded: Vec<_> = (0..8).map(|_| load()).collect();
        let sessions: Vec<_> = loaded
            .iter()
            .map(|it| host.vm.session(&host.target, "t", Some(&host.skill), Some(&it.variant)))
            .collect();
        drop(sessions);
        on_trial += loaded.iter().filter(|it| it.standing == Standing::Trial).count();
    }
    assert_eq!(on_trial, 16);
    assert_eq!(host.count("trial-ended"), 0);
}

#[test]
fn one_thing_is_tried_at_a_time() {
    let mut host = host();
    assert!(propose(&host, word("--format", "--fmt")).unwrap());
    let error = propose(&host, word("--format", "--form")).unwrap_err();
    assert!(matches!(error, EngineError::Busy { .. }), "{error}");
    until_ended(&mut host, &["--format"]);
    assert!(propose(&host, word("--format", "--form")).unwrap());
}

#[test]
fn a_proposal_that_changes_nothing_is_not_tried() {
    let mut host = host();
    assert!(!propose(&host, word("--colour", "--color")).unwrap());
    assert!(!propose(&host, Lessons::default()).unwrap());
    assert_eq!(host.told(), Vec::<&str>::new());
    let pin = host.vm.pin(&host.skill, &host.target, "a demonstration");
    block_on(pin).unwrap();
    let error = propose(&host, word("--format", "--fmt")).unwrap_err();
    assert!(matches!(error, EngineError::Busy { .. }), "{error}");
}

/// Chance decides single sessions: a fix that helps in most of them is kept all the same.
#[test]
fn a_session_that_goes_wrong_by_chance_does_not_decide() {
    let test = SequentialTest::default();
    let mut host = Host::new(skill(BODY), AdaptPolicy::default().test(test));
    host.session(|_| Play::new());
    assert!(propose(&host, word("--format", "--fmt")).unwrap());
    let mut number = 0;
    while host.count("trial-ended") == 0 {
        number += 1;
        let played = host.session(|variant| match number % 20 {
            // One with the new variant.
            4 => figtool(variant, &[]),
            _ => figtool(variant, &["--fmt"]),
        });
        assert!(number < 200, "{:?}", played.standing);
    }
    let ended = ended(&mut host).unwrap();
    assert_eq!(ended.0, Verdict::Better, "{ended:?}");
}
