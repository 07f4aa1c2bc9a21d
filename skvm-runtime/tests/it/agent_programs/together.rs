//! Many runs at once.

use std::sync::Arc;

use futures::future::join_all;
use skvm_core::capability::Level;
use skvm_core::harness::{RunStatus, Task};
use skvm_core::target::Target;
use skvm_runtime::engine::{RunRequest, SkVm};
use skvm_runtime::harness::cli::Cli;
use skvm_runtime::scripted::{Reply, Script, ScriptedServer, SeenRequest};

use super::leftovers::Surroundings;
use super::{MODEL, Place, chosen, harness, profile, row, skill, texts};

const RUNS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn ten_runs_at_once_have_records_of_their_own() {
    if !chosen().contains(&Cli::Pi) {
        return;
    }
    let wrong = row("pi", "ten at once", async {
        let place = Place::new();
        let server = ScriptedServer::start(Script::new().with_reply(numbered)).await.unwrap();
        let target = Target::new(MODEL, Cli::Pi.id());
        let vm = SkVm::builder()
            .profile(profile(&target, Level::L1))
            .harness(Arc::new(harness(Cli::Pi, &server, &place)))
            .build();
        let skill = Arc::new(skill());
        let before = Surroundings::seen(Cli::Pi);
        let runs = (0..RUNS).map(|number| {
            let task = Task::new(format!("This is task number-{number}-of-ten."));
            let workdir = place.workdir().join(number.to_string());
            std::fs::create_dir(&workdir).unwrap();
            let request = RunRequest::new(task, target.clone(), workdir);
            vm.run(request.with_skill(Arc::clone(&skill)))
        });
        let outcomes = join_all(runs).await;
        place.assert_clean();
        before.assert_unchanged();
        let mut sessions = Vec::new();
        for (number, outcome) in outcomes.into_iter().enumerate() {
            let record = outcome.unwrap().record;
            assert_eq!(record.status, RunStatus::Ok, "{record:#?}");
            assert_eq!(record.text, format!("{number} is done"));
            let workdir = place.workdir().join(number.to_string());
            assert_eq!(record.work_dir, workdir);
            assert_eq!(super::names(&workdir), ["made"]);
            let outputs = record.steps.iter().flat_map(|step| &step.tool_calls);
            let outputs: Vec<&str> = outputs.filter_map(|call| call.output.as_deref()).collect();
            assert_eq!(outputs, [number.to_string()]);
            sessions.push(record.process.unwrap().session.unwrap());
        }
        sessions.sort();
        sessions.dedup();
        assert_eq!(sessions.len(), RUNS);
        "ok".to_owned()
    })
    .await;
    assert_eq!(wrong, None);
}

/// What belongs to the number in the task.
fn numbered(request: &SeenRequest) -> Reply {
    let number = |text: &str| Some(text.split_once("number-")?.1.split_once('-')?.0.to_owned());
    let Some(number) = texts(&request.body).find_map(number) else { return Reply::Scripted };
    match request.tool_results() {
        0 => Reply::Command(format!("echo {number} | tee made")),
        _ => Reply::Text(format!("{number} is done")),
    }
}
