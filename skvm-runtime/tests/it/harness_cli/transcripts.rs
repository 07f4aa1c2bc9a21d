//! What is made of the transcripts in `testdata/harness`: the whole record of each, as it ought to be.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use futures::future::join_all;
use skvm_core::harness::{Role, RunRecord, SkillMode};
use skvm_runtime::harness::cli::Cli;

use super::{Asked, SOON, Stage, skill, word};

fn folder(cli: Cli) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/harness").join(cli.id())
}

/// A script that plays a transcript.
fn player(cli: Cli, case: &str) -> String {
    let file = |kind: &str| folder(cli).join(format!("{case}.{kind}"));
    let mut script = String::new();
    let mut play = |kind: &str, command: &str| {
        if file(kind).exists() {
            let _ = writeln!(script, "{}", command.replace("FILE", &word(&file(kind))));
        }
    };
    play("events", "cat FILE >> \"$HERMES_HOME/events.jsonl\"");
    play("journal", "mkdir -p \"$CODEX_HOME/sessions/d\" && cp FILE \"$CODEX_HOME/sessions/d/j\"");
    play("stdout", "cat FILE");
    play("stderr", "cat FILE >&2");
    let code = fs::read_to_string(file("rc")).unwrap();
    script.push_str(&match code.trim() {
        "deadline" => "exec sleep 600".to_owned(),
        code => format!("exit {code}"),
    });
    script
}

/// Plays all transcripts of a program side by side, and compares what is made of them with `records.txt`, where each
/// has its name on a line, its record below, and an empty line behind.
async fn check(cli: Cli) {
    let cases = cases(cli);
    assert!(!cases.is_empty());
    // Those that take until their deadline have the machine for themselves.
    let (endless, others): (Vec<&String>, Vec<&String>) =
        cases.iter().partition(|case| player(cli, case).contains("exec sleep"));
    let mut found = BTreeMap::new();
    for group in [others, endless] {
        let records = join_all(group.iter().map(|case| played(cli, case))).await;
        found.extend(group.into_iter().map(String::as_str).zip(records));
    }
    let place = folder(cli).join("records.txt");
    if std::env::var_os("SKVM_BLESS").is_some() {
        let blocks = found.iter().map(|(case, record)| format!("{case}\n{record}\n"));
        fs::write(&place, blocks.collect::<Vec<_>>().join("\n")).unwrap();
    }
    let known = fs::read_to_string(&place).unwrap();
    let known: BTreeMap<&str, &str> =
        known.trim().split("\n\n").map(|block| block.split_once('\n').unwrap()).collect();
    let named: Vec<&str> = known.keys().copied().collect();
    assert_eq!(named, cases, "each transcript has its record");
    let wrong: String = found
        .iter()
        .filter(|(case, found)| known[*case] != **found)
        .map(|(case, found)| format!("{case} is\n{found}\nand not\n{}\n\n", known[case]))
        .collect();
    assert!(wrong.is_empty(), "{wrong}");
}

/// The cases that lie there.
fn cases(cli: Cli) -> Vec<String> {
    let files = folder(cli).read_dir().unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|kind| kind == "rc"));
    let mut cases: Vec<String> =
        files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    cases.sort_unstable();
    cases
}

async fn played(cli: Cli, case: &str) -> String {
    let stage = Stage::new();
    let script = player(cli, case);
    // What gives up by itself is not to be ended for it.
    let retries = if case == "badjson" { 2 } else { 100 };
    let harness = stage.harness(cli, &script).with_retries(retries);
    let asked = Asked::new(&stage).with_skill(skill(SkillMode::Inject));
    let is_endless = script.contains("exec sleep");
    let asked = asked.within(if is_endless { 1_500 } else { SOON.as_secs() * 1000 });
    let record = asked.of(&harness).await;
    stage.is_clean();
    assert_eq!(record.usage_available, record.usage.is_known());
    told(&record)
}

/// A record as a few lines: how it ended; last words; numbers; steps; notes.
fn told(record: &RunRecord) -> String {
    let mut told = format!("{:?}", record.status);
    let fault = record.fault.map(|fault| format!(" {fault:?}"));
    let detail = record.status_detail.as_ref().map(|detail| format!(": {detail}"));
    told.extend(fault.into_iter().chain(detail));
    let process = record.process.clone().unwrap_or_default();
    let exit = process.exit_code.map_or("no code".to_owned(), |code| format!("code {code}"));
    let session = process.session.unwrap_or("no session".to_owned());
    let usage = &record.usage;
    let tokens = match (usage.input, usage.cache_read, usage.output) {
        (None, None, None) => "no tokens known".to_owned(),
        (input, cached, output) => format!(
            "{}+{} read, {} written",
            input.unwrap_or_default(),
            cached.unwrap_or_default(),
            output.unwrap_or_default()
        ),
    };
    let skill = match record.skill_loaded {
        None => "no skill",
        Some(true) => "skill loaded",
        Some(false) => "skill not loaded",
    };
    let asked = record.model_calls;
    let _ = write!(told, "\n{exit}; {session}; {asked} answers; {tokens}; {skill}");
    if !record.text.is_empty() {
        let _ = write!(told, "\n= {}", quoted(&record.text));
    }
    for step in &record.steps {
        if !step.text.is_empty() {
            let _ = write!(told, "\n- {}", quoted(&step.text));
        }
        for call in &step.tool_calls {
            let _ = match (step.role, &call.output) {
                (Role::Assistant, _) => write!(told, "\n- {} {}", call.name, call.input),
                (Role::Tool, output) => write!(
                    told,
                    "\n> {} {}{}{}",
                    call.name,
                    quoted(output.as_deref().unwrap_or("none")),
                    call.exit_code.map_or(String::new(), |code| format!(", exit {code}")),
                    if call.is_error { ", failed" } else { "" },
                ),
            };
        }
    }
    for note in &record.notes {
        let _ = write!(told, "\n! {}: {}", note.code, note.message);
    }
    told
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[tokio::test]
async fn what_pi_wrote_is_understood() {
    check(Cli::Pi).await;
}

#[tokio::test]
async fn what_hermes_wrote_is_understood() {
    check(Cli::Hermes).await;
}

#[tokio::test]
async fn what_opencode_wrote_is_understood() {
    check(Cli::OpenCode).await;
}

#[tokio::test]
async fn what_codex_wrote_is_understood() {
    check(Cli::Codex).await;
}

#[tokio::test]
async fn what_claude_code_wrote_is_understood() {
    check(Cli::ClaudeCode).await;
}
