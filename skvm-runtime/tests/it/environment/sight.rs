//! What commands see of an environment, and how it gets to them.

use std::fs;
use std::sync::Arc;

use skvm_core::artifact::{ActionKind, EnvironmentPlan, Scope};
use skvm_core::harness::{RunStatus, Task};
use skvm_core::llm::LlmResponse;
use skvm_runtime::engine::{EngineError, Event, RunRequest, SkVm};
use skvm_runtime::environment::{ConsentPolicy, probe_host};
use skvm_runtime::harness::bare::BareAgent;
use skvm_runtime::scripted::ScriptedModel;

use super::{Place, has, host, plan, skill, target};

#[tokio::test]
async fn the_parts_of_an_environment_are_on_the_path_and_in_variables() {
    let place = Place::new();
    let mut action =
        place.runs("one", "mkdir -p python/bin npm/node_modules/.bin bin && : >\"$3\"");
    action.kind = ActionKind::NpmPackages;
    let plan = plan([action]);
    let binder = place.binder();
    let prepared = binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    let folder = binder.folder(&plan);
    let below = |path: &str| folder.join(path);
    assert_eq!(
        prepared.environment.path,
        [below("python/bin"), below("npm/node_modules/.bin"), below("bin")]
    );
    let variable = |name: &str| prepared.environment.variables.get(name).cloned();
    assert_eq!(variable("VIRTUAL_ENV"), Some(below("python").to_string_lossy().into_owned()));
    assert_eq!(
        variable("NODE_PATH"),
        Some(below("npm/node_modules").to_string_lossy().into_owned())
    );
    assert!(variable("NODE_OPTIONS").unwrap().starts_with("--import=file:///"));
    assert_eq!(variable("GEM_PATH"), None);
    // The same again, when nothing is done.
    let again = binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    assert_eq!(again.environment, prepared.environment);
}

#[tokio::test]
async fn a_plan_that_changes_the_machine_only_has_nothing_to_see() {
    let place = Place::new();
    let mut action = place.notes("one");
    action.scope = Scope::Machine;
    let plan = plan([action]);
    let prepared = place.binder().prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    assert_eq!(prepared.environment, Default::default());
}

/// A package as npm would put it there, found by `import` and by `require` of a script elsewhere.
#[tokio::test]
async fn scripts_of_a_skill_find_the_packages_of_the_environment() {
    if !has("node") {
        return;
    }
    let place =
        Place { folder: tempfile::Builder::new().prefix("odd # \"?% é").tempdir().unwrap() };
    let host = probe_host(&skvm_runtime::command::Environment::from_host()).await;
    let node = host.node.clone().unwrap();
    let package = "mkdir -p npm/node_modules/made-up && cd npm/node_modules/made-up && \
                   echo '{\"name\":\"made-up\",\"main\":\"main.cjs\",\"exports\":{\"import\":\"./main.mjs\",\"require\":\"./main.cjs\"}}' >package.json && \
                   echo 'export const word = \"imported\";' >main.mjs && \
                   echo 'exports.word = \"required\";' >main.cjs && : >\"$3\"";
    let mut action = place.runs("one", package);
    action.kind = ActionKind::NpmPackages;
    let plan = EnvironmentPlan { host: host.clone(), ..plan([action]) };
    let binder = place.binder().with_host(host);
    let prepared = binder.prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    let scripts = place.path("a skill");
    fs::create_dir(&scripts).unwrap();
    let cases = [
        ("a.mjs", "import { word } from 'made-up'; console.log(word)", "imported"),
        ("a.cjs", "console.log(require('made-up').word)", "required"),
        ("b.mjs", "import './gone.mjs'", ""),
        ("c.mjs", "import 'not-installed'", ""),
        ("d.mjs", "import fs from 'node:fs'; console.log(typeof fs.readFile)", "function"),
    ];
    for (name, code, expected) in cases {
        fs::write(scripts.join(name), code).unwrap();
        let output = std::process::Command::new(&node.program)
            .arg(scripts.join(name))
            .envs(&prepared.environment.variables)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{name}: {output:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), !expected.is_empty(), "{name}: {told}");
        assert!(expected.is_empty() == told.contains("ERR_MODULE_NOT_FOUND"), "{name}: {told}");
    }
}

#[tokio::test]
async fn the_agents_commands_see_what_was_set_up() {
    let place = Place::new();
    let script = "mkdir -p bin && printf '#!/bin/sh\\necho made here\\n' >bin/made-up-tool && \
                  chmod 755 bin/made-up-tool && : >\"$3\"";
    let plan = plan([place.runs("one", script)]);
    let prepared = place.binder().prepare(&plan, &ConsentPolicy::everything()).await.unwrap();
    let model = ScriptedModel::new(
        "scripted",
        [
            Ok(LlmResponse::tool_call(
                "1",
                "execute_command",
                serde_json::json!({"command": "made-up-tool"}),
            )),
            Ok(LlmResponse::text("done")),
        ],
    );
    let vm = SkVm::builder().harness(Arc::new(BareAgent::new(Arc::new(model)))).build();
    let work = place.path("work");
    fs::create_dir(&work).unwrap();
    let request = RunRequest::new(Task::new("use the tool"), target(), &work)
        .with_environment(prepared.environment);
    let outcome = vm.run(request).await.unwrap();
    assert_eq!(outcome.record.status, RunStatus::Ok);
    let shown = serde_json::to_string(&outcome.record).unwrap();
    assert!(shown.contains("made here"), "{shown}");
}

#[tokio::test]
async fn an_engine_compiles_for_its_host_prepares_and_tells() {
    use futures::StreamExt as _;

    let place = Place::new();
    let folder = place.path("demo");
    let skill = skill(
        &folder,
        &[(
            "SKILL.md",
            "---\nname: demo\ndescription: d\n---\n# Demo\n\nRun `sh x`.\n\n```bash\nexport DEMO_MODE=fast\n```\n",
        )],
    );
    let vm = SkVm::builder().host(host()).binder(place.binder()).build();
    let mut events = vm.events();
    let variant = vm.compile(&skill, &target()).await.unwrap();
    let plan = variant.artifacts().get::<EnvironmentPlan>().unwrap().unwrap();
    assert_eq!(plan.host, host());
    assert_eq!(place.binder().plan(&variant).await.unwrap(), *plan);
    let prepared = vm.prepare(&variant, &ConsentPolicy::nothing()).await.unwrap();
    assert_eq!(prepared.open[0].dependencies, ["environment-variable:DEMO_MODE"]);
    let mut told = false;
    while let Some(Some(event)) = futures::FutureExt::now_or_never(events.next()) {
        told |= matches!(event, Event::Prepared { performed: 0, complete: false, .. });
    }
    assert!(told);

    let without = SkVm::builder().build();
    let variant = without.compile(&skill, &target()).await.unwrap();
    assert!(variant.artifacts().get::<EnvironmentPlan>().unwrap().is_none());
    // A binder makes the plan for a variant that was compiled for no machine in particular.
    assert_eq!(place.binder().plan(&variant).await.unwrap(), *plan);
    let error = without.prepare(&variant, &ConsentPolicy::nothing()).await.unwrap_err();
    assert!(matches!(error, EngineError::NoBinder), "{error:?}");
}
