//! Readers on transcripts that are not as they should be.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseResult, TestRunner};
use serde_json::{Value, json};
use skvm_core::harness::{RunRecord, RunStatus};

use super::Cli;
use super::adapter::{Interpreter, Source};
use super::log::Log;
use crate::command::{Attention, CappedOutput, CommandOutput, Exit};

/// Programs whose transcripts are there.
const CLIS: [Cli; 5] = [Cli::Pi, Cli::Hermes, Cli::OpenCode, Cli::Codex, Cli::ClaudeCode];

/// What a program wrote to one stream after the other.
#[derive(Clone)]
struct Transcript {
    name: String,
    cli: Cli,
    /// Where its events are, and the lines.
    source: Source,
    lines: Vec<Vec<u8>>,
    /// What comes on the standard output, where events come elsewhere.
    words: Vec<u8>,
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Transcript {
    fn bytes(&self) -> Vec<u8> {
        self.lines.concat()
    }

    fn with_lines(&self, lines: Vec<Vec<u8>>) -> Self {
        Self { lines, ..self.clone() }
    }

    /// The record of a run that wrote this and ended by itself, with code 0.
    fn record(&self) -> RunRecord {
        let bytes = self.bytes();
        record_of(self.cli, &[(self.source, &bytes), (Source::Output, &self.words)])
    }
}

fn record_of(cli: Cli, pieces: &[(Source, &[u8])]) -> RunRecord {
    let mut reader = cli.adapter().reader(0);
    let mut log = Log::new(RunRecord::default(), &|_| {}, None, 1 << 40);
    let mut interpreter = Interpreter::new(&mut *reader, &mut log);
    let mut exit = Exit::Code(0);
    for (source, bytes) in pieces {
        if interpreter.take(*source, bytes) == Attention::End {
            exit = Exit::Stopped;
        }
    }
    interpreter.close();
    let (stdout, stderr) = (CappedOutput::default(), CappedOutput::default());
    log.ended(&CommandOutput { exit, stdout, stderr, duration: Duration::ZERO });
    let mut record = log.into_judged_record(Some(exit));
    // Times are never the same twice.
    record.duration_ms = 0;
    for step in &mut record.steps {
        step.timestamp = 0;
        step.tool_calls.iter_mut().for_each(|call| call.duration_ms = None);
    }
    record
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// All transcripts of a program.
fn transcripts_of(cli: Cli) -> Vec<Transcript> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/harness").join(cli.id());
    let read = |case: &str, kind: &str| fs::read(folder.join(format!("{case}.{kind}"))).ok();
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|kind| kind == "rc"));
    let mut found: Vec<Transcript> = files
        .map(|path| {
            let case = path.file_stem().unwrap().to_str().unwrap();
            let output = read(case, "stdout").unwrap_or_default();
            let (source, events, words) = match read(case, "events") {
                Some(events) => (Source::Events, events, output),
                None => (Source::Output, output, Vec::new()),
            };
            let name = format!("{cli}/{case}");
            Transcript { name, cli, source, lines: lines(&events), words }
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn transcripts() -> Vec<Transcript> {
    let found: Vec<Transcript> = CLIS.into_iter().flat_map(transcripts_of).collect();
    assert!(found.len() > 50, "{}", found.len());
    found
}

fn named(cli: Cli, case: &str) -> Transcript {
    let name = format!("{cli}/{case}");
    transcripts_of(cli).into_iter().find(|transcript| transcript.name == name).unwrap()
}

/// How many lines the notes say were not understood, and how many were left out.
fn noted(record: &RunRecord) -> usize {
    let notes = record
        .notes
        .iter()
        .filter(|note| ["not-understood", "left-out"].contains(&note.code.as_str()));
    notes.map(|note| note.message.split(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

fn contains(line: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(line).contains(text)
}

/// The record without its notes.
fn without_notes(record: &RunRecord) -> RunRecord {
    RunRecord { notes: Vec::new(), ..record.clone() }
}

/// A law that is checked with the same random values each time.
fn check<S: Strategy>(cases: u32, strategy: S, law: impl Fn(S::Value) -> TestCaseResult) {
    let config = ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(4711),
        ..ProptestConfig::with_cases(cases)
    };
    if let Err(error) = TestRunner::new(config).run(&strategy, law) {
        panic!("{error}");
    }
}

fn any_transcript() -> impl Strategy<Value = Transcript> {
    prop::sample::select(transcripts())
}

/// A run counts as done only with the words that its transcript ends with, or where they are told to be missing.
fn is_honest(found: &RunRecord, whole: &RunRecord) -> TestCaseResult {
    if found.status == RunStatus::Ok {
        prop_assert_eq!(whole.status, RunStatus::Ok);
        // Where words stand for a lost event, they may have more in front.
        prop_assert!(found.text.ends_with(&whole.text) || is_told_empty(found), "{:?}", found);
    }
    Ok(())
}

fn is_told_empty(record: &RunRecord) -> bool {
    record.text.is_empty() && record.notes.iter().any(|note| note.code == "empty-answer")
}

#[test]
fn transcripts_that_are_whole_are_understood_to_the_last_line() {
    for transcript in transcripts() {
        assert_eq!(noted(&transcript.record()), 0, "{}", transcript.name);
    }
}

#[test]
fn how_output_is_cut_into_pieces_makes_no_difference() {
    let cuts = prop::collection::vec(1_usize..400, 1..20);
    check(60, (any_transcript(), cuts), |(transcript, cuts)| {
        let (bytes, mut pieces) = (transcript.bytes(), Vec::new());
        let mut sizes = cuts.iter().cycle();
        for (source, mut rest) in
            [(transcript.source, bytes.as_slice()), (Source::Output, transcript.words.as_slice())]
        {
            while let (false, Some(size)) = (rest.is_empty(), sizes.next()) {
                let (piece, more) = rest.split_at(rest.len().min(*size));
                pieces.push((source, piece));
                rest = more;
            }
        }
        prop_assert_eq!(record_of(transcript.cli, &pieces), transcript.record());
        Ok(())
    });
}

#[test]
fn a_transcript_that_breaks_off_is_not_taken_for_a_whole_one() {
    for transcript in transcripts() {
        let (whole, bytes) = (transcript.record(), transcript.bytes());
        let mut ends: Vec<usize> = transcript
            .lines
            .iter()
            .scan(0, |at, line| {
                *at += line.len();
                Some(*at)
            })
            .collect();
        // In front of each end of a line, behind it, and here and there in between.
        ends.extend(ends.clone().iter().flat_map(|end| [end - 2, end - 1]));
        ends.extend((0..bytes.len()).step_by(1 + bytes.len() / 24));
        for end in ends {
            let cut = transcript.with_lines(lines(&bytes[..end]));
            let found = cut.record();
            is_honest(&found, &whole).unwrap_or_else(|error| panic!("{} {end}: {error}", cut.name));
            let last = cut.lines.last().cloned().unwrap_or_default();
            let is_half = serde_json::from_slice::<Value>(&last).is_err() && !last.is_empty();
            let is_passed_over =
                cut.cli.adapter().reader(0).passes_over(&String::from_utf8_lossy(&last));
            assert_eq!(
                noted(&found),
                usize::from(is_half && !is_passed_over),
                "{} {end}",
                cut.name
            );
        }
    }
}

#[test]
fn without_the_line_of_its_final_answer_no_run_is_done() {
    for cli in CLIS {
        let transcript = named(cli, "ok");
        let whole = transcript.record();
        assert_eq!((whole.status, whole.text.as_str()), (RunStatus::Ok, "all done: tool-ran"));
        // Nothing but what repeats it or starts it.
        let is_silent = |line: &&Vec<u8>| !contains(line, "all done: tool-ran");
        let kept = transcript.lines.iter().filter(is_silent).cloned().collect();
        let cut = Transcript { words: Vec::new(), ..transcript.with_lines(kept) };
        let found = cut.record();
        // Its text has a line of its own there; what is left tells an answer without any.
        let expected = if cli == Cli::OpenCode { RunStatus::Ok } else { RunStatus::ParseFailed };
        assert_eq!((found.status, found.text.as_str()), (expected, ""), "{cli}");
        assert_eq!(is_told_empty(&found), cli == Cli::OpenCode, "{cli}: {:?}", found.notes);
    }
}

#[test]
fn lines_that_are_missing_twice_there_or_out_of_order_harm_nothing() {
    let changes = prop::collection::vec(
        (0_u8..3, any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        1..12,
    );
    check(250, (any_transcript(), changes), |(transcript, changes)| {
        let mut lines = transcript.lines.clone();
        for (change, at, to) in changes {
            if lines.is_empty() {
                break;
            }
            let (at, to) = (at.index(lines.len()), to.index(lines.len()));
            match change {
                0 => drop(lines.remove(at)),
                1 => lines.insert(to, lines[at].clone()),
                _ => lines.swap(at, to),
            }
        }
        let found = transcript.with_lines(lines).record();
        // Each line is still one that is known.
        prop_assert_eq!(noted(&found), 0);
        is_honest(&found, &transcript.record())
    });
}

#[test]
fn what_is_not_known_is_counted_and_changes_nothing_else() {
    let strange = prop_oneof![
        "[a-z]{1,9}".prop_map(
            |kind| json!({"type": format!("x.{kind}"), "hook_event_name": kind}).to_string()
        ),
        "[a-z]{61,99}".prop_map(|kind| json!({"type": kind, "hook_event_name": kind}).to_string()),
        "[a-z]{1,30}",
        Just("[1, 2]".to_owned()),
        Just("{\"type\": 7, \"hook_event_name\": []}".to_owned()),
        Just("{\"no\": \"type\"".to_owned()),
    ];
    let inserted = prop::collection::vec((strange, any::<prop::sample::Index>()), 0..60);
    check(120, (any_transcript(), inserted), |(transcript, inserted)| {
        let mut lines = transcript.lines.clone();
        let count = inserted.len();
        for (line, at) in inserted {
            lines.insert(at.index(lines.len() + 1), format!("{line}\n").into_bytes());
        }
        let (found, whole) = (transcript.with_lines(lines).record(), transcript.record());
        prop_assert_eq!(noted(&found), count);
        let (mut found, whole) = (without_notes(&found), without_notes(&whole));
        if whole.status == RunStatus::ParseFailed {
            // Something that is not known is more than nothing.
            found.status_detail.clone_from(&whole.status_detail);
        }
        prop_assert_eq!(found, whole);
        Ok(())
    });
}

/// A value in the place of another.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!(-1)),
        Just(json!(u64::MAX)),
        Just(json!(1e300)),
        Just(json!("")),
        Just(json!("all done: \u{0}")),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[[[{"type": "text", "text": []}]]]])),
    ]
}

/// Puts a value in the place of one that is found by turning to a child now and then; `None` removes it.
fn change(value: &mut Value, way: &[prop::sample::Index], with: Option<Value>) {
    let Some((next, way)) = way.split_first() else {
        *value = with.unwrap_or_default();
        return;
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            let at = next.index(items.len());
            match (way, with) {
                ([], None) => drop(items.remove(at)),
                (way, with) => change(&mut items[at], way, with),
            }
        }
        Value::Object(fields) if !fields.is_empty() => {
            let at = next.index(fields.len());
            let name = fields.keys().nth(at).unwrap().clone();
            match (way, with) {
                ([], None) => drop(fields.remove(&name)),
                (way, with) => change(&mut fields[&name], way, with),
            }
        }
        leaf => *leaf = with.unwrap_or_default(),
    }
}

#[test]
fn fields_that_are_missing_or_of_another_type_harm_nothing() {
    let way = prop::collection::vec(any::<prop::sample::Index>(), 1..7);
    let changes = prop::collection::vec(
        (any::<prop::sample::Index>(), way, prop::option::of(any_value())),
        1..5,
    );
    check(600, (any_transcript(), changes), |(transcript, changes)| {
        let mut lines = transcript.lines.clone();
        for (at, way, with) in changes.into_iter().filter(|_| !transcript.lines.is_empty()) {
            let line = &mut lines[at.index(transcript.lines.len())];
            let Ok(mut event) = serde_json::from_slice(line) else { continue };
            change(&mut event, &way, with);
            *line = format!("{event}\n").into_bytes();
        }
        let found = transcript.with_lines(lines).record();
        if found.status == RunStatus::Ok {
            let is_empty = found.text.is_empty();
            prop_assert_eq!(is_empty, found.notes.iter().any(|note| note.code == "empty-answer"));
        }
        prop_assert_eq!(found.usage_available, found.usage.is_known());
        Ok(())
    });
}

#[test]
fn an_answer_whose_text_is_none_is_noted() {
    for cli in CLIS {
        let transcript = named(cli, "ok");
        // Whatever else repeats it is not read.
        let (text, other) = ("\"all done: tool-ran\"", "7");
        let line = |line: &Vec<u8>| {
            let is_result = line.ends_with(b"}\n") && contains(line, "\"type\":\"result\"");
            let line = String::from_utf8_lossy(line);
            if is_result { Vec::new() } else { line.replace(text, other).into_bytes() }
        };
        let lines = transcript.lines.iter().map(line).collect();
        let found = transcript.with_lines(lines).record();
        assert_eq!(noted(&found), 1, "{cli}: {found:?}");
        // Hermes Agent says it on its standard output as well.
        let is_known = cli == Cli::Hermes && found.text == "all done: tool-ran";
        let is_done = found.status == RunStatus::Ok;
        assert!(!is_done || is_known || is_told_empty(&found), "{cli}: {found:?}");
    }
}

#[test]
fn bytes_that_are_no_text_harm_nothing() {
    let bytes = prop::collection::vec(
        prop_oneof![Just(0_u8), Just(0xff), Just(0xc3), Just(b'\r'), any::<u8>()],
        1..9,
    );
    let inserted = prop::collection::vec((any::<prop::sample::Index>(), bytes), 1..6);
    check(200, (any_transcript(), inserted), |(transcript, inserted)| {
        let mut bytes = transcript.bytes();
        for (at, more) in inserted {
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..at, more);
        }
        let found = transcript.with_lines(lines(&bytes)).record();
        let is_done = found.status == RunStatus::Ok;
        prop_assert!(!is_done || !found.text.is_empty() || is_told_empty(&found), "{:?}", found);
        Ok(())
    });
}

#[test]
fn lines_that_are_too_long_are_told_and_the_rest_is_understood() {
    let long = [b"{\"type\":\"".as_slice(), &vec![b'x'; 20 << 20], b"\"}\n"].concat();
    for cli in CLIS {
        let transcript = named(cli, "ok");
        let (bytes, half) = (transcript.bytes(), transcript.lines[0].len());
        let (before, behind) = bytes.split_at(half);
        let source = transcript.source;
        let pieces = [
            (source, before),
            (source, long.as_slice()),
            (source, behind),
            (Source::Output, &transcript.words),
        ];
        let found = record_of(cli, &pieces);
        assert_eq!((found.status, noted(&found)), (RunStatus::Ok, 1), "{cli}");
        assert!(found.notes[0].message.contains("too long"), "{:?}", found.notes);
        assert_eq!(without_notes(&found), transcript.record(), "{cli}");
    }
}

#[test]
fn texts_that_are_too_long_keep_beginning_and_end() {
    let text = format!("begin {} end", "é".repeat(1 << 20));
    let line = json!({"type": "message_end", "message": {
        "role": "assistant", "responseId": "r", "stopReason": "stop", "content": [{"type": "text", "text": text}],
    }});
    let found = record_of(Cli::Pi, &[(Source::Output, line.to_string().as_bytes())]);
    assert_eq!(found.status, RunStatus::Ok);
    assert!(
        found.text.len() < 70 << 10
            && found.text.starts_with("begin")
            && found.text.ends_with("end")
    );
}

#[test]
fn values_that_are_nested_deeply_are_noted() {
    for cli in CLIS {
        let transcript = named(cli, "ok");
        for nested in ["[", "{\"a\":", "{\"type\":["] {
            let mut lines = transcript.lines.clone();
            lines.insert(1, format!("{}\n", nested.repeat(100_000)).into_bytes());
            let found = transcript.with_lines(lines).record();
            assert_eq!((found.status, noted(&found)), (RunStatus::Ok, 1), "{cli}");
        }
    }
    // The call's arguments are as deep as JSON may be.
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let line = format!(
        r#"{{"type":"message_end","message":{{"role":"assistant","stopReason":"toolUse","content":[{{"type":"toolCall","id":"c","name":"n","arguments":{deep}}}]}}}}"#
    );
    let found = record_of(Cli::Pi, &[(Source::Output, line.as_bytes())]);
    assert_eq!(found.steps.len(), 1);
}

#[test]
fn numbers_that_are_too_large_harm_nothing() {
    for cli in CLIS {
        for transcript in ["ok", "exit3"].map(|case| named(cli, case)) {
            for number in
                ["18446744073709551615", "-1", "1e308", "99999999999999999999999999", "0.5"]
            {
                let big = |line: &Vec<u8>| {
                    let mut event: Value = serde_json::from_slice(line).unwrap();
                    replace_numbers(&mut event, &serde_json::from_str(number).unwrap());
                    format!("{event}\n").into_bytes()
                };
                let found =
                    transcript.with_lines(transcript.lines.iter().map(big).collect()).record();
                assert_eq!(found.status, RunStatus::Ok, "{} {number}", transcript.name);
            }
        }
    }
}

fn replace_numbers(value: &mut Value, with: &Value) {
    match value {
        Value::Number(_) => *value = with.clone(),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_numbers(item, with)),
        Value::Object(fields) => fields.values_mut().for_each(|value| replace_numbers(value, with)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[test]
fn a_hundred_thousand_events_take_bounded_room_and_time() {
    for (cli, times) in CLIS.map(|cli| (cli, if cli == Cli::Pi { 25_000 } else { 5_000 })) {
        // What each turn repeats: the lines of one that calls a tool, as short as they are.
        let transcript = named(cli, "die");
        let is_turn = |line: &&Vec<u8>| {
            let kinds = [
                "\"message_end\",\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":\"toolCall\"",
                "\"tool_execution_start\"",
                "\"tool_execution_end\"",
                "\"post_api_request\"",
                "\"post_tool_call\"",
                "\"command_execution\"",
                "\"type\":\"assistant\",\"message\":{\"id\":\"msg_1\"",
                "\"type\":\"user\"",
                "\"step_start\"",
                "\"tool_use\"",
                "\"step_finish\"",
                "\"tool_result\"",
            ];
            kinds.iter().any(|kind| contains(line, kind))
        };
        let turn: Vec<Vec<u8>> = transcript.lines.iter().filter(is_turn).cloned().collect();
        assert!((2..=4).contains(&turn.len()), "{cli}: {}", turn.len());
        let strange = b"{\"type\":\"strange\",\"hook_event_name\":\"strange\"}\n".to_vec();
        let turn = [turn.concat(), strange].concat();
        let bytes = turn.repeat(times);
        let started = Instant::now();
        let found = record_of(cli, &[(transcript.source, &bytes)]);
        assert!(started.elapsed() < Duration::from_secs(20), "{cli}: {:?}", started.elapsed());
        assert!(found.steps.len() <= 20_000, "{cli}");
        assert_eq!(found.model_calls, times, "{cli}");
        assert_eq!(found.steps.len() + noted(&found), times * 3, "{cli}: nothing is lost unseen");
    }
}

#[test]
fn results_of_calls_that_nobody_made_are_kept() {
    for (cli, case) in [(Cli::Pi, "exit3"), (Cli::Hermes, "exit3"), (Cli::ClaudeCode, "exit3")] {
        let transcript = named(cli, case);
        let is_call = |line: &Vec<u8>| {
            let kinds = ["toolCall\",", "\"tool_calls\": [{", "\"tool_use\""];
            kinds.iter().any(|kind| contains(line, kind))
        };
        let kept = transcript.lines.iter().filter(|line| !is_call(line)).cloned().collect();
        let (found, whole) = (transcript.with_lines(kept).record(), transcript.record());
        assert_eq!(found.status, RunStatus::Ok, "{cli}");
        assert_eq!((found.model_calls, found.steps.len()), (1, 3), "{cli}: {found:?}");
        assert_eq!(
            found.steps[1].tool_calls[0].output, whole.steps[1].tool_calls[0].output,
            "{cli}"
        );
    }
}
