//! How a program is started, and why a run does not begin.

use std::fs;
use std::sync::Arc;

use serde_json::json;
use skvm_core::harness::{Harness as _, HarnessError, RunStatus, Task, ToolOffer};
use skvm_core::target::ModelId;
use skvm_runtime::command::Environment;
use skvm_runtime::harness::cli::{Cli, CliError, CliHarness, Detection};
use skvm_runtime::provider::{
    ApiKey, Endpoint, ProviderKind, ProviderRoute, ProviderRoutes, WireFormat,
};

use super::{Asked, Stage, answer, endpoint, reasons, writes};

/// Writes down what it was given.
const NOTES: &str = "printf '%s\\n' \"$@\" > arguments\ncat > input\ntouch started\n";

fn noting() -> String {
    format!("{NOTES}{}", writes(&[&answer("noted")]))
}

async fn error(asked: &Asked, harness: &CliHarness) -> HarnessError {
    asked.run(harness).await.unwrap_err()
}

#[tokio::test]
async fn the_prompt_comes_on_the_standard_input_which_is_closed_then() {
    let stage = Stage::new();
    let prompt = "Line one\nlast -p \"line\" $HOME `id`";
    for cli in [Cli::Pi, Cli::Codex, Cli::ClaudeCode, Cli::OpenCode] {
        let harness = stage.harness(cli, &noting());
        let mut asked = Asked::new(&stage);
        asked.task = Task::new(prompt);
        asked.of(&harness).await;
        assert_eq!(stage.text("input"), prompt, "{cli}");
        assert!(!stage.text("arguments").contains("Line one"), "{cli}");
    }
}

#[tokio::test]
async fn hermes_has_the_prompt_as_an_argument_and_nothing_on_its_input() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Hermes, &format!("{NOTES}cp -r \"$HERMES_HOME\" state"));
    let mut asked = Asked::new(&stage);
    asked.task = Task::new("-x; \"look\" $HOME");
    asked.of(&harness).await;
    assert_eq!(stage.text("input"), "");
    assert!(stage.text("arguments").lines().any(|line| line == "--query=-x; \"look\" $HOME"));
    // One that is too long for an argument lies in a file.
    asked.task = Task::new("much ${HOME} ".repeat(20_000));
    fs::remove_dir_all(stage.work().join("state")).unwrap();
    asked.of(&harness).await;
    assert!(!stage.text("arguments").contains("much"));
    let messages: serde_json::Value =
        serde_json::from_str(&stage.text("state/prompt.json")).unwrap();
    assert_eq!(messages, json!([{"role": "user", "content": asked.task.prompt}]));
    asked.task = Task::new(" \n");
    let told = reasons(&error(&asked, &harness).await);
    assert!(told.contains("Hermes Agent cannot take an empty prompt"), "{told}");
    stage.is_clean();
}

#[tokio::test]
async fn a_program_that_is_missing_is_told_with_what_installs_it() {
    let stage = Stage::new();
    for cli in Cli::ALL {
        let nowhere = Environment::from_variables([("PATH", stage.path("programs"))]);
        let harness = CliHarness::for_endpoint(cli, endpoint(cli)).with_environment(nowhere);
        let found = harness.detect().await;
        assert!(matches!(found, Detection::Missing(_)) && !found.is_tested(), "{found}");
        let error = error(&Asked::new(&stage), &harness).await;
        assert!(
            matches!(&error, HarnessError::NotReady { harness, .. } if harness.as_str() == cli.id())
        );
        let told = reasons(&error);
        assert!(told.contains(cli.install()) && told.contains("is not installed"), "{told}");
        assert_eq!(found.to_string(), told.lines().last().unwrap());
    }
    let given = stage.path("programs").join("no-such-program");
    let harness = CliHarness::for_endpoint(Cli::Pi, endpoint(Cli::Pi)).with_program(&given);
    let told = reasons(&error(&Asked::new(&stage), &harness).await);
    assert!(told.contains(given.to_str().unwrap()), "{told}");
    // A file that nobody may execute is no program.
    fs::write(&given, "#!/bin/sh\n").unwrap();
    let told = reasons(&error(&Asked::new(&stage), &harness).await);
    assert!(told.contains("is not installed"), "{told}");
}

#[tokio::test]
async fn a_program_that_the_system_cannot_start_is_an_error() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Pi, "");
    // Another process writes it, see `Stage::program`.
    let program = stage.program("pi", "");
    let broken = std::process::Command::new("sh")
        .args(["-c", "printf '#!/no/such/interpreter\\n' > \"$1\"", "sh"])
        .arg(&program)
        .status();
    assert!(broken.unwrap().success());
    let error = error(&Asked::new(&stage), &harness).await;
    let HarnessError::NotReady { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(source.downcast_ref(), Some(CliError::Command(_))), "{error:?}");
    stage.is_clean();
}

#[tokio::test]
async fn versions_are_asked_for_in_a_home_of_their_own() {
    let stage = Stage::new();
    let script = "test \"$1\" = --version && touch \"$HOME/x\" && echo 'pi v0.73.1 (abc)'";
    let harness = stage.harness(Cli::Pi, &format!("{script}\n{}", writes(&[&answer("x")])));
    assert_eq!(harness.version(), None);
    let found = harness.detect().await;
    assert!(found.is_tested(), "{found}");
    assert_eq!(harness.version(), Some("0.73.1"));
    let record = Asked::new(&stage).of(&harness).await;
    assert_eq!(record.process.unwrap().version.as_deref(), Some("0.73.1"));
    let other = stage.harness(Cli::Pi, "echo 9.9.9").detect().await;
    assert!(!other.is_tested());
    let told = other.to_string();
    assert!(told.contains("9.9.9") && told.contains("not tested; 0.73.1 is"), "{told}");
    let mute = stage.harness(Cli::Pi, "echo hello").detect().await;
    assert!(mute.to_string().contains("of an unknown version"), "{mute}");
    // Numbers in what it says of its failure are no version.
    let broken = stage.harness(Cli::Pi, "echo 'error in 1.2.3'; exit 1").detect().await;
    assert!(broken.to_string().contains("does not work"), "{broken}");
    assert!(matches!(broken, Detection::Missing(_)), "{broken}");
    stage.is_clean();
}

#[tokio::test]
async fn a_provider_that_the_program_does_not_speak_to_is_an_error() {
    let stage = Stage::new();
    for (cli, wire) in [
        (Cli::Hermes, WireFormat::Messages),
        (Cli::Codex, WireFormat::ChatCompletions),
        (Cli::ClaudeCode, WireFormat::Responses),
        (Cli::OpenCode, WireFormat::Responses),
    ] {
        let program = stage.program(cli.id(), &noting());
        let harness = CliHarness::for_endpoint(cli, Endpoint::new(wire, "http://127.0.0.1:9", "m"))
            .with_program(program);
        let told = reasons(&error(&Asked::new(&stage), &harness).await);
        assert!(told.contains(&format!("does not speak {wire}")), "{told}");
        assert!(!stage.has("started"));
    }
    // PI speaks all of them.
    for wire in [WireFormat::ChatCompletions, WireFormat::Responses, WireFormat::Messages] {
        let program = stage.program("pi", &noting());
        let endpoint = Endpoint::new(wire, "http://127.0.0.1:9", "m");
        let harness = CliHarness::for_endpoint(Cli::Pi, endpoint).with_program(program);
        assert_eq!(Asked::new(&stage).of(&harness).await.status, RunStatus::Ok, "{wire}");
    }
}

fn routes() -> ProviderRoutes {
    let route = |pattern: &str| {
        ProviderRoute::new(pattern, ProviderKind::OpenAiCompatible)
            .with_base_url("http://127.0.0.1:9/v1")
    };
    ProviderRoutes::new([
        route("local/*").with_key(ApiKey::new("k")),
        route("keyed/*").with_key_from("SKVM_THIS_VARIABLE_IS_NOT_SET"),
    ])
}

#[tokio::test]
async fn routes_lead_to_the_provider_of_the_runs_model() {
    let stage = Stage::new();
    let program = stage.program("pi", &format!("{}cp -r \"$PI_CODING_AGENT_DIR\" state", noting()));
    let harness = CliHarness::managed(Cli::Pi, routes()).with_program(program);
    assert_eq!(harness.model(), None);
    let mut asked = Asked::new(&stage);
    let told = reasons(&error(&asked, &harness).await);
    assert!(told.contains("no model is named for PI"), "{told}");
    asked.model = Some(ModelId::from("keyed/m"));
    let told = reasons(&error(&asked, &harness).await);
    assert!(told.contains("SKVM_THIS_VARIABLE_IS_NOT_SET"), "{told}");
    asked.model = Some(ModelId::from("elsewhere/m"));
    let told = reasons(&error(&asked, &harness).await);
    assert!(told.contains("choosing the provider") && told.contains("elsewhere/m"), "{told}");
    assert!(!stage.has("started"), "nothing was started");
    asked.model = Some(ModelId::from("local/qwen/q-9b"));
    assert_eq!(asked.of(&harness).await.status, RunStatus::Ok);
    assert!(stage.text("arguments").lines().any(|line| line == "skvm/qwen/q-9b"));
    let models: serde_json::Value = serde_json::from_str(&stage.text("state/models.json")).unwrap();
    let provider = &models["providers"]["skvm"];
    assert_eq!(provider["baseUrl"], "http://127.0.0.1:9/v1");
    assert_eq!(provider["models"][0]["id"], "qwen/q-9b");
}

#[tokio::test]
async fn one_endpoint_names_its_model() {
    let harness = CliHarness::for_endpoint(Cli::Codex, endpoint(Cli::Codex)).with_id("codex-2");
    assert_eq!(harness.model().map(ModelId::as_str), Some("a-model"));
    assert_eq!(harness.id().as_str(), "codex-2");
    assert!(!format!("{harness:?}").contains(super::KEY));
}

#[tokio::test]
async fn what_no_program_can_is_refused_before_the_start() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Pi, &noting());
    let mut asked = Asked::new(&stage);
    for tools in [ToolOffer::None, ToolOffer::Only(vec![Arc::new(Tool)])] {
        asked.tools = tools;
        let error = error(&asked, &harness).await;
        assert!(matches!(error, HarnessError::Unsupported { .. }), "{error:?}");
    }
    let features = harness.features();
    assert!(!features.withholds_tools && !features.takes_tools && !features.hooks);
    asked.tools = ToolOffer::Own;
    asked.work = stage.path("no-such-folder");
    let error = error(&asked, &harness).await;
    assert!(matches!(error, HarnessError::Workdir { .. }), "{error:?}");
    assert!(!stage.has("started"));
    stage.is_clean();
}

struct Tool;

#[async_trait::async_trait]
impl skvm_core::harness::Tool for Tool {
    fn spec(&self) -> &skvm_core::llm::ToolSpec {
        unreachable!("nobody asks")
    }

    async fn call(&self, _: &serde_json::Value) -> skvm_core::harness::ToolResult {
        skvm_core::harness::ToolResult::default()
    }
}

#[tokio::test]
async fn native_mode_works_on_a_copy_of_the_users_own() {
    let stage = Stage::new();
    let home = stage.path("user");
    for (cli, files, variable) in [
        (
            Cli::Pi,
            &[(".pi/agent/models.json", "models.json"), (".pi/agent/auth.json", "auth.json")][..],
            "PI_CODING_AGENT_DIR",
        ),
        (
            Cli::Hermes,
            &[(".hermes/config.yaml", "config.yaml"), (".hermes/.env", ".env")],
            "HERMES_HOME",
        ),
        (
            Cli::Codex,
            &[(".codex/config.toml", "config.toml"), (".codex/auth.json", "auth.json")],
            "CODEX_HOME",
        ),
        (
            Cli::ClaudeCode,
            &[(".claude/settings.json", "settings.json"), (".claude.json", ".claude.json")],
            "CLAUDE_CONFIG_DIR",
        ),
        (
            Cli::OpenCode,
            &[(".config/opencode/opencode.json", "opencode/opencode.json")],
            "XDG_CONFIG_HOME",
        ),
    ] {
        let state = format!("\"${variable}\"");
        let script = format!(
            "{NOTES}rm -rf copy; cp -r {state} copy; find {state} -type f | while read f; do echo changed > \"$f\"; done"
        );
        let program = stage.program(cli.id(), &script);
        let harness = CliHarness::native(cli)
            .with_program(program)
            .with_native_home(&home)
            .with_sandboxes_in(stage.path("sandboxes"));
        assert_eq!(harness.model(), None);
        let mut asked = Asked::new(&stage);
        // Nothing is there.
        asked.of(&harness).await;
        assert!(stage.has("started"), "{cli} starts without them");
        assert!(!home.exists());
        for (file, _) in files {
            let place = home.join(file);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, format!("{{\"own\": \"{file}\"}}\n")).unwrap();
        }
        asked.model = Some(ModelId::from("own/model"));
        asked.of(&harness).await;
        assert!(stage.text("arguments").lines().any(|line| line == "own/model"), "{cli}");
        for (file, copy) in files {
            let own = format!("{{\"own\": \"{file}\"}}\n");
            let copy = stage.text(&format!("copy/{copy}"));
            assert!(copy.starts_with(&own), "{cli}: {copy}");
            assert_eq!(
                fs::read_to_string(home.join(file)).unwrap(),
                own,
                "the user's is as it was"
            );
        }
        fs::remove_dir_all(&home).unwrap();
        stage.is_clean();
    }
}

#[tokio::test]
async fn a_users_file_that_is_too_large_is_an_error() {
    let stage = Stage::new();
    let home = stage.path("user");
    fs::create_dir_all(home.join(".pi/agent")).unwrap();
    fs::write(home.join(".pi/agent/models.json"), vec![b' '; 2 << 20]).unwrap();
    let harness = CliHarness::native(Cli::Pi)
        .with_program(stage.program("pi", &noting()))
        .with_native_home(&home)
        .with_sandboxes_in(stage.path("sandboxes"));
    let told = reasons(&error(&Asked::new(&stage), &harness).await);
    assert!(told.contains("more than is put into a sandbox"), "{told}");
    assert!(!stage.has("started"));
    stage.is_clean();
}
