//! Targets that differ only in the harness.

use std::sync::Arc;

use skvm_core::capability::Level;
use skvm_core::harness::{RunStatus, Task};
use skvm_core::target::Target;
use skvm_runtime::engine::{RunRequest, SkVm};
use skvm_runtime::harness::cli::{Cli, CliHarness};
use skvm_runtime::provider::{ProviderKind, ProviderRoute, ProviderRoutes};
use skvm_runtime::scripted::{Script, ScriptedServer};

use super::{Place, chosen, profile, row, skill, texts};

const MODEL: &str = "local/scripted";

/// PI and Hermes Agent at the same model, in one engine.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn targets_that_differ_in_the_harness_load_variants_of_their_own() {
    let both = [Cli::Pi, Cli::Hermes];
    if !both.iter().all(|cli| chosen().contains(cli)) {
        return;
    }
    let wrong = row("pi and hermes", "variants of their own", async {
        let place = Place::new();
        let server = ScriptedServer::start(Script::new()).await.unwrap();
        let route = ProviderRoute::new("local/*", ProviderKind::OpenAiCompatible);
        let routes = ProviderRoutes::new([route.with_base_url(server.base_url())]);
        let targets = both.map(|cli| Target::new(MODEL, cli.id()));
        let levels = [Level::L1, Level::L3];
        let mut vm = SkVm::builder();
        for ((cli, target), level) in both.into_iter().zip(&targets).zip(levels) {
            let harness = CliHarness::managed(cli, routes.clone());
            let harness = harness.with_sandboxes_in(place.sandboxes());
            vm = vm.harness(Arc::new(harness)).profile(profile(target, level));
        }
        let vm = vm.build();
        let skill = Arc::new(skill());
        let mut variants = Vec::new();
        for target in &targets {
            let seen = server.requests().len();
            let task = Task::new("What went wrong in app.log?");
            let request = RunRequest::new(task, target.clone(), place.workdir());
            let outcome = vm.run(request.with_skill(Arc::clone(&skill))).await.unwrap();
            assert_eq!(outcome.record.status, RunStatus::Ok, "{:#?}", outcome.record);
            assert_eq!(outcome.record.skill_loaded, Some(true));
            variants.push((outcome.variant.unwrap(), server.requests().split_off(seen)));
        }
        let [(weak, at_weak), (strong, at_strong)] = variants.as_slice() else { unreachable!() };
        assert_ne!(weak.text(), strong.text());
        for (requests, own, others) in [(at_weak, weak, strong), (at_strong, strong, weak)] {
            let has = |text: &str| {
                let asked = requests.iter().filter(|request| request.offers_tools());
                asked.flat_map(|request| texts(&request.body)).any(|it| it.contains(text))
            };
            assert!(has(own.text().trim()), "its own text is in the prompt");
            assert!(!has(others.text().trim()), "the other's is not");
        }
        place.assert_clean();
        "ok".to_owned()
    })
    .await;
    assert_eq!(wrong, None);
}
