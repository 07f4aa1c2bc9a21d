//! What a program finds around it, and what is left of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use skvm_core::harness::{PreparedEnvironment, RunStatus};
use skvm_runtime::command::Environment;
use skvm_runtime::harness::cli::Cli;

use super::{Asked, KEY, Stage, answer, files, others, writes};

/// Writes down what it sees.
const LOOKS: &str = r#"env -0 > variables
for place in "$HOME" "$TMPDIR" "$PI_CODING_AGENT_DIR"; do
    test -d "$place" && echo "$place" >> places
done
"#;

fn variables(stage: &Stage) -> BTreeMap<String, String> {
    let text = stage.text("variables");
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn looking() -> String {
    format!("{LOOKS}{}", writes(&[&answer("seen")]))
}

#[tokio::test]
async fn a_run_has_a_home_of_its_own_that_is_gone_afterwards() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Pi, &looking());
    let record = Asked::new(&stage).of(&harness).await;
    assert_eq!(record.status, RunStatus::Ok, "{record:?}");
    let variables = variables(&stage);
    let home = PathBuf::from(&variables["SKVM_RUN"]);
    assert_eq!(home.parent(), Some(stage.path("sandboxes").as_path()));
    let below =
        |name: &str| PathBuf::from(&variables[name]).strip_prefix(&home).unwrap().to_owned();
    for (name, place) in [
        ("HOME", "home"),
        ("USERPROFILE", "home"),
        ("XDG_CONFIG_HOME", "home/.config"),
        ("XDG_DATA_HOME", "home/.local/share"),
        ("XDG_STATE_HOME", "home/.local/state"),
        ("XDG_CACHE_HOME", "home/.cache"),
        ("TMPDIR", "tmp"),
        ("PI_CODING_AGENT_DIR", "state"),
    ] {
        assert_eq!(below(name), PathBuf::from(place), "{name}");
    }
    assert_eq!(stage.text("places").lines().count(), 3, "the folders were there");
    assert!(!home.exists(), "it is gone");
    stage.is_clean();
    assert_eq!(record.process.unwrap().home, None);
}

#[tokio::test]
async fn a_home_is_kept_on_request_and_only_its_owner_can_read_it() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Pi, &looking()).with_kept_homes();
    let first = Asked::new(&stage).of(&harness).await.process.unwrap().home.unwrap();
    let second = Asked::new(&stage).of(&harness).await.process.unwrap().home.unwrap();
    assert_ne!(first, second);
    for home in [first, second] {
        assert!(home.join("state/models.json").is_file(), "{}", home.display());
        assert_eq!(others(&home), 0);
        for file in files(&home) {
            assert_eq!(others(&file), 0, "{}", file.display());
        }
    }
}

#[tokio::test]
async fn nothing_of_the_hosts_variables_is_seen_but_the_allow_list() {
    let stage = Stage::new();
    let path = std::env::var("PATH").unwrap();
    let host = [
        ("PATH", path.as_str()),
        ("HOME", "/home/of-the-user"),
        ("TMPDIR", "/tmp/of-the-user"),
        ("XDG_CONFIG_HOME", "/home/of-the-user/.config"),
        ("LANG", "C.UTF-8"),
        ("OPENAI_API_KEY", "hosts-1"),
        ("ANTHROPIC_API_KEY", "hosts-2"),
        ("AWS_SECRET_ACCESS_KEY", "hosts-3"),
        ("PI_CODING_AGENT_DIR", "/home/of-the-user/.pi"),
        ("HERMES_HOME", "/home/of-the-user/.hermes"),
        ("CODEX_HOME", "/home/of-the-user/.codex"),
        ("CLAUDE_CONFIG_DIR", "/home/of-the-user/.claude"),
        ("OPENCODE_CONFIG", "/home/of-the-user/opencode.json"),
        ("http_proxy", "http://proxy"),
    ];
    for cli in [Cli::Pi, Cli::Hermes, Cli::OpenCode, Cli::Codex, Cli::ClaudeCode] {
        let environment = Environment::from_variables(host);
        let harness = stage.harness(cli, &looking()).with_environment(environment);
        Asked::new(&stage).of(&harness).await;
        let seen = variables(&stage);
        for (name, value) in &seen {
            assert!(!value.contains("of-the-user") && !value.contains("hosts-"), "{cli}: {name}");
        }
        assert!(!seen.contains_key("AWS_SECRET_ACCESS_KEY") && !seen.contains_key("http_proxy"));
        assert_eq!(seen["LANG"], "C.UTF-8");
        if cli == Cli::Pi {
            let mut names: Vec<&str> = seen.keys().map(String::as_str).collect();
            // The shell's own.
            names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
            let expected = [
                "HOME",
                "LANG",
                "NO_COLOR",
                "PATH",
                "PI_CODING_AGENT_DIR",
                "PI_OFFLINE",
                "PI_SKIP_VERSION_CHECK",
                "PI_TELEMETRY",
                "SKVM_RUN",
                "TMPDIR",
                "USERPROFILE",
                "XDG_CACHE_HOME",
                "XDG_CONFIG_HOME",
                "XDG_DATA_HOME",
                "XDG_STATE_HOME",
            ];
            assert_eq!(names, expected);
            assert!(!seen.values().any(|value| value.contains(KEY)), "the key is in no variable");
        }
    }
}

#[tokio::test]
async fn what_was_set_up_for_a_skill_comes_first() {
    let stage = Stage::new();
    let folder = stage.path("prepared");
    fs::create_dir(&folder).unwrap();
    let mut asked = Asked::new(&stage);
    asked.environment = Some(PreparedEnvironment {
        path: vec![folder.clone()],
        variables: [("SKILL_MODE", "fast"), ("HOME", "/elsewhere")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    });
    asked.of(&stage.harness(Cli::Pi, &looking())).await;
    let seen = variables(&stage);
    let first = std::env::split_paths(&seen["PATH"]).next();
    assert_eq!(first, Some(folder.clone()));
    assert_eq!(seen["SKILL_MODE"], "fast");
    assert!(seen["HOME"].starts_with(&seen["SKVM_RUN"]), "home is always the run's own");
    // A login shell would forget the path, so it is told again.
    asked.of(&stage.harness(Cli::Hermes, &looking())).await;
    let seen = variables(&stage);
    assert_eq!(std::env::split_paths(&seen["SKVM_PATH"]).next(), Some(folder));
}

#[tokio::test]
async fn folders_that_a_program_protects_are_removed_as_well() {
    let stage = Stage::new();
    let script = format!(
        "mkdir -p \"$HOME/a/b\"; touch \"$HOME/a/b/c\"; ln -s / \"$HOME/a/root\"; chmod 0 \"$HOME/a/b\" \"$HOME/a\"\n{}",
        writes(&[&answer("locked")])
    );
    let record = Asked::new(&stage).of(&stage.harness(Cli::Pi, &script)).await;
    assert_eq!((record.status, record.notes.len()), (RunStatus::Ok, 0), "{record:?}");
    stage.is_clean();
}
