//! Deadlines, cancellation, what is left then, and what a report shows.

use std::time::{Duration, Instant};

use skvm_runtime::command::Environment;
use skvm_runtime::environment::{ConsentPolicy, PrepareError};

use super::{Place, plan};

/// Writes its number into the log, then waits for a minute.
const WAITS: &str = "echo $$ >>\"$2\"; sleep 60";

async fn started(place: &Place) -> String {
    for _ in 0..200 {
        if let Some(pid) = place.log().first() {
            return pid.clone();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the action did not start");
}

/// Whether a process lives; one that has ended may not have been reaped yet.
fn lives(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}

async fn is_gone(pid: &str) -> bool {
    for _ in 0..200 {
        if !lives(pid) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn the_deadline_ends_everything_and_leaves_nothing() {
    let place = Place::new();
    let plan = plan([place.runs("waits", WAITS)]);
    let binder = place.binder().with_deadline(Duration::from_millis(400));
    let began = Instant::now();
    let error = binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap_err();
    let PrepareError::Deadline { action, .. } = &error else { panic!("{error:?}") };
    assert_eq!(action, "waits");
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(place.environments().is_empty(), "{:?}", place.environments());
    assert!(is_gone(&place.log()[0]).await);
}

#[tokio::test]
async fn a_dropped_future_leaves_nothing() {
    let place = Place::new();
    let plan = plan([place.runs("waits", WAITS)]);
    let binder = place.binder();
    let task = tokio::spawn({
        let (binder, plan) = (binder.clone(), plan.clone());
        async move { binder.prepare(&plan, &ConsentPolicy::everything()).await.map(|_| ()) }
    });
    let pid = started(&place).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(is_gone(&pid).await);
    assert!(place.environments().is_empty(), "{:?}", place.environments());
    // The lock is free again.
    let quick = super::plan([place.notes("quick")]);
    binder.prepare(&quick, &ConsentPolicy::everything()).await.unwrap();
    binder.remove(&plan).await.unwrap();
}

#[tokio::test]
async fn who_waits_too_long_for_somebody_else_is_told() {
    let place = Place::new();
    let plan = plan([place.runs("waits", WAITS)]);
    let first = tokio::spawn({
        let (binder, plan) = (place.binder(), plan.clone());
        async move { binder.prepare(&plan, &ConsentPolicy::everything()).await.map(|_| ()) }
    });
    started(&place).await;
    let impatient = place.binder().with_deadline(Duration::from_millis(200));
    let error = impatient.prepare(&plan, &ConsentPolicy::everything()).await.unwrap_err();
    assert!(matches!(error, PrepareError::Busy { .. }), "{error:?}");
    assert_eq!(place.log().len(), 1, "the second did not start");
    first.abort();
    let _ = first.await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let place = Place::new();
    let mut action = place.notes("one");
    action.argv = vec![skvm_core::artifact::Word::text("no-such-program-anywhere")];
    let error =
        place.binder().prepare(&plan([action]), &ConsentPolicy::everything()).await.unwrap_err();
    assert!(matches!(&error, PrepareError::Start { action, .. } if action == "one"), "{error:?}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("no-such-program-anywhere"), "{cause}");
    assert!(place.environments().is_empty());
}

#[tokio::test]
async fn a_report_shows_neither_passwords_nor_control_characters_nor_everything() {
    let place = Place::new();
    let script = "printf 'https://user:hunter2@e.org/simple \\033[31mred\\n'; \
                  i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; \
                  echo 'from https://token@e.org/x'; exit 1";
    let plan = plan([place.runs("one", script)]);
    let environment = Environment::from_host().with_variable("API_KEY", "hunter2");
    let binder = place.binder().with_environment(environment).with_host(super::host());
    let error = binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap_err();
    let PrepareError::Failed(failed) = &error else { panic!("{error:?}") };
    let text = format!("{error:?} {error} {failed:?}");
    assert!(!text.contains("hunter2") && !text.contains("token@"), "{text}");
    assert!(!failed.output.contains('\u{1b}'));
    assert!(failed.output.len() < 4000 && failed.output.ends_with("…@e.org/x"), "{failed:?}");
}

#[tokio::test]
async fn a_root_that_cannot_be_used_is_an_error_that_names_it() {
    let place = Place::new();
    std::fs::write(place.root(), "a file").unwrap();
    let plan = plan([place.notes("one")]);
    let error = place.binder().prepare(&plan, &ConsentPolicy::everything()).await.unwrap_err();
    let PrepareError::Folder { path, .. } = &error else { panic!("{error:?}") };
    assert!(path.starts_with(place.root()), "{path:?}");
    assert_eq!(place.log(), [""; 0]);
}

/// Somebody else's folder, or one into which others may write, can hold anything.
#[cfg(unix)]
#[tokio::test]
async fn a_root_that_others_can_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    std::fs::create_dir(place.root()).unwrap();
    std::fs::set_permissions(place.root(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let plan = plan([place.notes("one")]);
    let error = place.binder().prepare(&plan, &ConsentPolicy::everything()).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("others may write"), "{cause}");
    assert_eq!(place.log(), [""; 0]);
}

#[tokio::test]
async fn an_optional_program_that_is_gone_fails_nothing_else() {
    let place = Place::new();
    let mut gone = place.notes("gone");
    gone.argv[0] = skvm_core::artifact::Word::text("no-such-program-anywhere");
    gone.optional = true;
    let plan = plan([place.notes("one"), gone]);
    let prepared = place.binder().prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    assert!(prepared.is_complete() && prepared.open.len() == 1, "{:?}", prepared.open);
    assert_eq!(place.log(), ["one"]);
}

#[tokio::test]
async fn an_optional_failure_that_may_pass_is_tried_again() {
    let place = Place::new();
    let mut flaky = place.runs("flaky", "echo flaky >>\"$2\"; echo 'connection refused'; exit 1");
    flaky.optional = true;
    let plan = plan([place.notes("one"), flaky]);
    for times in 1..=2 {
        let prepared = place.binder().prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
        assert!(prepared.is_complete() && prepared.open.len() == 1);
        assert_eq!(place.log().iter().filter(|line| *line == "flaky").count(), times);
    }
}
