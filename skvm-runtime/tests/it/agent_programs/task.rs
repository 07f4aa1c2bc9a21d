//! A task that is carried out.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use skvm_core::harness::{PreparedEnvironment, RunStatus};
use skvm_core::llm::Usage;
use skvm_runtime::harness::cli::Cli;
use skvm_runtime::scripted::{Reply, Script, ScriptedServer, SeenRequest};

use super::{KEY, Played, Scenario, skill, texts, with_each};

/// Makes a file and shows that it ran in the working directory.
const MAKES: &str = "grep -c ERROR app.log > made.txt; echo \"found $(cat made.txt) 'error'\"";
const FOUND: &str = "found 1 'error'";
/// Fails, and says so on the other stream.
const FAILS: &str = "echo it is lost >&2; exit 3";
const ANSWER: &str = "The disk was full.";

fn script() -> Script {
    Script::new().with_commands([MAKES, FAILS]).with_answer(ANSWER)
}

/// What holds of every task that is carried out with [`script`].
fn assert_done(played: &Played) {
    let Played { place, record, server, .. } = played;
    assert_eq!((record.status, record.fault), (RunStatus::Ok, None), "{record:#?}");
    assert_eq!(record.text, ANSWER);
    assert_eq!(place.made(), ["app.log", "made.txt"]);
    assert_eq!(record.work_dir, place.workdir());
    let process = record.process.as_ref().unwrap();
    assert!(process.session.as_ref().is_some_and(|id| !id.is_empty()), "no session is told");
    assert_eq!(process.home, None);
    let notes: Vec<&str> = record.notes.iter().map(|note| note.message.as_str()).collect();
    assert_eq!(notes, [""; 0]);
    let carries_key = |request: &SeenRequest| {
        ["authorization", "x-api-key"]
            .iter()
            .any(|name| request.header(name).is_some_and(|value| value.ends_with(KEY)))
    };
    assert!(played.requests().iter().all(carries_key), "{:#?}", server.requests());
}

/// The two commands of [`script`], as the last calls of the record.
fn assert_commands(played: &Played) {
    let results = played.results();
    assert!(results.len() >= 2, "{:#?}", played.record);
    let (makes, fails) = (&results[results.len() - 2], &results[results.len() - 1]);
    for (call, command, output, code) in [(makes, MAKES, FOUND, 0), (fails, FAILS, "it is lost", 3)]
    {
        assert!(texts(&call.input).any(|text| text == command), "{call:?}");
        assert!(call.output.as_ref().is_some_and(|text| text.contains(output)), "{call:?}");
        assert_eq!((call.exit_code, call.is_error), (Some(code), code != 0), "{call:?}");
    }
}

/// The tokens of so many answers: read, written, and read from the cache.
fn usage_of(answers: u64, cli: Cli) -> [Option<u64>; 3] {
    let Usage { input, output, cache_read, .. } = ScriptedServer::USAGE;
    let told = match cli {
        // It does not tell apart what came from the cache.
        Cli::JiuwenClaw => [input.zip(cache_read).map(|(a, b)| a + b), output, None],
        _ => [input, output, cache_read],
    };
    told.map(|tokens| tokens.map(|tokens| tokens * answers))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn a_skill_is_in_the_prompt_and_the_record_is_whole() {
    with_each("skill in the prompt", async |cli| {
        let played = Scenario::new(cli, script()).play().await;
        assert_done(&played);
        assert_commands(&played);
        let Played { record, variant, .. } = &played;
        assert_ne!(variant.text(), skill().source(), "it is compiled");
        let text = variant.text().trim();
        assert_eq!(played.requests_with(text), 3, "each request has the skill");
        assert_eq!((record.skill_loaded, record.model_calls), (Some(true), 3));
        let Usage { input, output, cache_read, .. } = record.usage;
        assert_eq!([input, output, cache_read], usage_of(3, cli));
        assert!(record.usage_available);
        "ok".to_owned()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn a_skill_is_discovered_and_read() {
    with_each("skill discovered", async |cli| {
        let script = Script::new().with_commands(["", MAKES, FAILS]).with_answer(ANSWER);
        let script = script.with_reply(move |request| match request.tool_results() {
            0 => reads(request),
            _ => Reply::Scripted,
        });
        let played = Scenario::new(cli, script).discovering().play().await;
        assert_done(&played);
        assert_commands(&played);
        let Played { record, variant, .. } = &played;
        let first = &played.requests()[0];
        let has = |text: &str| texts(&first.body).any(|known| known.contains(text));
        let skill = skill();
        assert!(has(skill.name()), "the name is in the first request");
        let description = &skill.description().unwrap()[..DESCRIPTION];
        assert!(has(description), "the description is in the first request");
        // It is read as it was compiled, and only then.
        let body = variant.text().rsplit("\n---\n").next().unwrap();
        // Some give it as JSON in a text.
        let plain = body.lines().filter(|line| !line.contains(['"', '\\']));
        let line = plain.max_by_key(|line| line.len()).unwrap();
        assert_eq!(played.requests_with(line), 3, "{line:?} in {:#?}", played.results());
        assert_eq!((record.skill_loaded, record.model_calls), (Some(true), 4));
        "ok".to_owned()
    })
    .await;
}

/// How much of a description all of them show, in bytes.
const DESCRIPTION: usize = 50;

/// Reads the skill in whichever way the request offers.
fn reads(request: &SeenRequest) -> Reply {
    let name = skill().name().to_owned();
    let entry = format!("{name}/SKILL.md");
    let is_edge = |c: char| c.is_whitespace() || "<>\"'`()".contains(c);
    let words = texts(&request.body).flat_map(|text| text.split(is_edge));
    let paths: Vec<&str> = words.filter(|word| word.contains('/')).collect();
    if let Some(path) = paths.iter().find(|word| word.ends_with(&entry)) {
        // Some write a short name in place of the folder of all skills, which they tell before.
        let root = paths.iter().find(|word| word.starts_with('/') && word.ends_with("/skills"));
        return Reply::Command(match (path.starts_with('/'), root) {
            (false, Some(root)) => format!("cat {root}/{entry}"),
            _ => format!("cat {path}"),
        });
    }
    let tools = request.tool_names();
    let known = ["skill_view", "skill_tool", "skill", "Skill"];
    match known.into_iter().find(|tool| tools.contains(tool)) {
        Some(tool) => {
            let arguments = json!({"name": name, "skill": name, "skill_name": name});
            Reply::Call { tool: tool.to_owned(), arguments }
        }
        // A title or the like is asked for.
        None => Reply::Scripted,
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn tokens_that_are_not_told_stay_unknown_and_a_skill_that_is_not_read_unread() {
    with_each("usage not told", async |cli| {
        let played = Scenario::new(cli, script().with_usage(false)).discovering().play().await;
        assert_done(&played);
        assert_commands(&played);
        let record = &played.record;
        assert_eq!((record.usage, record.usage_available), (Usage::default(), false));
        assert_eq!(record.skill_loaded, Some(false));
        "ok".to_owned()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs agent programs"]
async fn commands_see_what_was_prepared() {
    with_each("prepared environment", async |cli: Cli| {
        let folder = tempfile::tempdir().unwrap();
        let fake = folder.path().join("uname");
        std::fs::write(&fake, "#!/bin/sh\necho \"prepared $FROM_PREPARED\"\n").unwrap();
        std::fs::set_permissions(&fake, PermissionsExt::from_mode(0o755)).unwrap();
        let variables = [("FROM_PREPARED".to_owned(), "and known".to_owned())];
        let prepared = PreparedEnvironment {
            path: vec![folder.path().to_owned()],
            variables: BTreeMap::from(variables),
        };
        let script = Script::new().with_command("uname; env > variables").with_answer(ANSWER);
        let mut scenario = Scenario::new(cli, script);
        scenario.prepared = Some(prepared);
        let played = scenario.play().await;
        assert_eq!(played.record.status, RunStatus::Ok, "{:#?}", played.record);
        let results = played.results();
        assert_eq!(results[0].output.as_deref(), Some("prepared and known"), "{results:?}");
        let variables = std::fs::read_to_string(played.place.workdir().join("variables")).unwrap();
        // These two take it in no other way.
        let is_shown = matches!(cli, Cli::OpenClaw | Cli::JiuwenClaw);
        assert!(is_shown || !variables.contains(KEY), "commands see the key");
        "ok".to_owned()
    })
    .await;
}
