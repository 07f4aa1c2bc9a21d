//! Providers that fail.

use std::time::Duration;

use futures::future::join_all;
use skvm_core::harness::{ProviderFault, RunStatus};
use skvm_runtime::harness::cli::Cli;
use skvm_runtime::scripted::{Fault, Script};

use super::{Played, Scenario, chosen, row, with_each};

/// What a run gets for everything. Some programs try on and on.
fn deadline(cli: Cli) -> Duration {
    Duration::from_secs(match cli {
        // It takes long to start.
        Cli::JiuwenClaw | Cli::OpenClaw => 60,
        _ => 25,
    })
}

async fn play(cli: Cli, fault: Fault, retries: Option<u32>) -> Played {
    let script = Script::new().with_command("echo before").with_fault(fault);
    let scenario = Scenario { retries, deadline: deadline(cli), ..Scenario::new(cli, script) };
    scenario.play().await
}

/// What is to be told of a fault.
async fn is_told_as(case: &str, fault: Fault, told: ProviderFault) {
    with_each(case, async |cli| {
        let played = play(cli, fault, Some(0)).await;
        let record = &played.record;
        let outcome = (record.status, record.fault);
        assert_eq!(outcome, (RunStatus::ProviderFault, Some(told)), "{record:#?}");
        assert!(record.status_detail.as_ref().is_some_and(|detail| !detail.is_empty()));
        let results = played.results();
        // The one command before the server dies is in the record all the same.
        let done = usize::from(fault == Fault::DiesAfterFirst);
        assert_eq!(results.len(), done, "{record:#?}");
        assert!(results.iter().all(|call| call.output.as_deref() == Some("before")), "{results:?}");
        assert_eq!(record.skill_loaded, Some(done == 1));
        format!("{told:?}")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn a_provider_that_refuses_connections_is_told() {
    is_told_as("connection refused", Fault::Refuses, ProviderFault::Unreachable).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn a_provider_that_dies_after_the_first_answer_is_told() {
    is_told_as("dies after an answer", Fault::DiesAfterFirst, ProviderFault::Unreachable).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn status_500_is_told() {
    is_told_as("status 500", Fault::Status(500), ProviderFault::Server).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn status_401_is_told() {
    is_told_as("status 401", Fault::Status(401), ProviderFault::Auth).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn status_429_is_told() {
    is_told_as("status 429", Fault::Status(429), ProviderFault::RateLimited).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn json_that_breaks_off_is_told() {
    is_told_as("invalid JSON", Fault::InvalidJson, ProviderFault::InvalidAnswer).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn a_fault_is_tried_again_within_the_deadline() {
    with_each("status 500, default retries", async |cli| {
        let played = play(cli, Fault::Status(500), None).await;
        let record = &played.record;
        let outcome = (record.status, record.fault);
        let expected = (RunStatus::ProviderFault, Some(ProviderFault::Server));
        assert_eq!(outcome, expected, "{record:#?}");
        assert_eq!(played.requests().len(), 3, "it is tried twice again");
        "Server after 3 requests".to_owned()
    })
    .await;
}

/// All at once: they only wait.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn a_provider_that_does_not_answer_ends_at_the_deadline() {
    let hang = async |cli: Cli| {
        let Played { record, took, .. } = play(cli, Fault::Hang, Some(0)).await;
        assert_eq!((record.status, record.fault), (RunStatus::Timeout, None), "{record:#?}");
        let deadline = deadline(cli);
        assert!(took >= deadline, "{took:?}");
        format!("Timeout at {} s", deadline.as_secs())
    };
    let rows = chosen().into_iter().map(|cli| row(cli.id(), "hangs", hang(cli)));
    let wrong: Vec<String> = join_all(rows).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("; "));
}
