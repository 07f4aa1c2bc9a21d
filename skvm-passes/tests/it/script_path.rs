//! The rule `script-path`: which references it rewrites, how it quotes, and when it stays away.

use skvm_core::capability::{CapabilityProfile, Gap, GapOutcome, Gaps, Level, Primitive};
use skvm_core::diagnostic::Diagnostic;
use skvm_core::edit::EditKind;
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_passes::capability::ScriptPath;
use skvm_passes::code::shell_commands;
use skvm_passes::variant::Variant;

use crate::samples;

const FILES: [(&str, &str); 6] = [
    ("scripts/run.py", "print(1)\n"),
    ("scripts/go.sh", "echo\n"),
    ("bin/tool", "#!/usr/bin/env node\n"),
    ("scripts/data.json", "{}"),
    ("scripts/app.ts", "let x = 1;\n"),
    ("guide.md", "x\n"),
];

fn weak() -> CapabilityProfile {
    samples::profile_of(Level::L3).with_level(Primitive::ToolExec, Level::L1)
}

fn installed(skill: Skill, folder: &str) -> Variant {
    samples::compile_by(
        ScriptPath,
        &samples::unit(skill).with_profile(weak()).with_install_dir(folder),
    )
}

/// The body of a skill after compilation for a weak target, and the number of edits.
fn rewritten_in(body: &str, folder: &str) -> (String, usize) {
    let variant = installed(samples::bundled(body, &FILES), folder);
    let lost = |found: &&Diagnostic| !found.code.as_str().starts_with("capability/");
    assert_eq!(variant.diagnostics().iter().filter(lost).count(), 0, "{body}");
    let text = variant.text().strip_prefix(samples::HEAD).unwrap().to_owned();
    (text, variant.edits().len())
}

/// The lines of a shell block after compilation, in a skill whose demand has to be lowered anyway.
fn command_in(command: &str, folder: &str) -> String {
    let body = format!("# Demo\n\n```bash\n{command}\n```\n\n```bash\n./scripts/run.py\n```\n");
    let (text, _) = rewritten_in(&body, folder);
    let (inner, _) =
        text.strip_prefix("# Demo\n\n```bash\n").unwrap().split_once("\n```\n").unwrap();
    inner.to_owned()
}

fn command(command: &str) -> String {
    command_in(command, "/opt/s")
}

#[test]
fn a_script_is_run_through_its_interpreter_by_its_full_path() {
    let cases = [
        ("./scripts/run.py a b", "python3 /opt/s/scripts/run.py a b"),
        ("scripts/go.sh", "bash /opt/s/scripts/go.sh"),
        ("bin/tool --x", "node /opt/s/bin/tool --x"),
        ("run.py a", "python3 /opt/s/scripts/run.py a"),
        ("{baseDir}/scripts/run.py", "python3 /opt/s/scripts/run.py"),
        ("~/.x/skills/demo/scripts/run.py", "python3 /opt/s/scripts/run.py"),
        ("/old/skills/demo/scripts/run.py a", "python3 /opt/s/scripts/run.py a"),
        ("$HOME/.x/skills/demo/scripts/run.py", "python3 /opt/s/scripts/run.py"),
        ("/opt/s/scripts/run.py a", "python3 /opt/s/scripts/run.py a"),
        ("python scripts/run.py a", "python /opt/s/scripts/run.py a"),
        ("python3 -u run.py", "python3 -u /opt/s/scripts/run.py"),
        ("uv run scripts/run.py", "uv run /opt/s/scripts/run.py"),
        ("source ./scripts/go.sh", "source /opt/s/scripts/go.sh"),
        ("python $SKILL_DIR/scripts/run.py", "python /opt/s/scripts/run.py"),
        ("python \"$SKILL_DIR\"/scripts/run.py", "python /opt/s/scripts/run.py"),
        ("python <skill_dir>/scripts/run.py <in>", "python /opt/s/scripts/run.py <in>"),
        ("cat x | ./scripts/run.py > y", "cat x | python3 /opt/s/scripts/run.py > y"),
        ("A=1 ./scripts/run.py", "A=1 python3 /opt/s/scripts/run.py"),
        ("X=$(./scripts/run.py)", "X=$(python3 /opt/s/scripts/run.py)"),
        (
            "./scripts/run.py && scripts/go.sh",
            "python3 /opt/s/scripts/run.py && bash /opt/s/scripts/go.sh",
        ),
        ("$ ./scripts/run.py", "$ python3 /opt/s/scripts/run.py"),
    ];
    for (before, after) in cases {
        assert_eq!(command(before), after, "{before}");
    }
}

#[test]
fn behind_a_launcher_stands_a_program() {
    for (before, after) in [
        ("sudo ./scripts/go.sh a", "sudo bash /opt/s/scripts/go.sh a"),
        ("sudo -u root -E ./scripts/go.sh", "sudo -u root -E bash /opt/s/scripts/go.sh"),
        ("nohup ./scripts/go.sh &", "nohup bash /opt/s/scripts/go.sh &"),
        ("env A=1 B=2 scripts/run.py", "env A=1 B=2 python3 /opt/s/scripts/run.py"),
        ("time ./scripts/run.py", "time python3 /opt/s/scripts/run.py"),
        ("exec ./scripts/go.sh", "exec bash /opt/s/scripts/go.sh"),
        ("ls | xargs -n 1 ./scripts/run.py", "ls | xargs -n 1 python3 /opt/s/scripts/run.py"),
        ("sudo env A=1 nohup bin/tool", "sudo env A=1 nohup node /opt/s/bin/tool"),
        ("sudo python3 scripts/run.py", "sudo python3 /opt/s/scripts/run.py"),
        ("/usr/bin/env python3 scripts/run.py", "/usr/bin/env python3 /opt/s/scripts/run.py"),
        ("sudo cp scripts/go.sh x", "sudo cp scripts/go.sh x"),
        ("ls | xargs rm scripts/go.sh", "ls | xargs rm scripts/go.sh"),
    ] {
        assert_eq!(command(before), after, "{before}");
    }
}

#[test]
fn quotes_around_a_path_stay_quotes() {
    let cases = [
        ("\"./scripts/run.py\" a", "python3 \"/opt/s/scripts/run.py\" a"),
        ("'./scripts/run.py' a", "python3 '/opt/s/scripts/run.py' a"),
        ("python \"{baseDir}/scripts/run.py\"", "python \"/opt/s/scripts/run.py\""),
        ("python '{baseDir}/scripts/run.py'", "python '/opt/s/scripts/run.py'"),
    ];
    for (before, after) in cases {
        assert_eq!(command(before), after, "{before}");
    }
}

#[test]
fn what_is_no_script_of_the_skill_is_left_alone() {
    for line in [
        "python /opt/s/scripts/run.py a",
        "python other.py",
        "cat scripts/data.json",
        "tsx scripts/app.ts",
        "cat guide.md",
        "cat run.py",
        "cat scripts/run.py",
        "cp ~/tpl/go.sh scripts/go.sh",
        "python src/run.py",
        "python ./run.py",
        "./src/run.py",
        "python $HOME/scripts/run.py",
        "~/bin/run.py a",
        "rm scripts/go.sh",
        "chmod +x scripts/go.sh",
        "git add scripts/go.sh",
        "/usr/local/bin/go.sh",
        "sudo /usr/local/bin/go.sh",
        "/old/place/scripts/run.py a",
        "echo './scripts/run.py is here'",
        "lint --config=scripts/run.py",
        "docker cp box:scripts/run.py .",
        "git show main:scripts/go.sh",
    ] {
        assert_eq!(command(line), line);
    }
}

#[test]
fn names_in_prose_stay_and_paths_in_prose_are_completed() {
    let run = "Run `./scripts/run.py --all` first.\n\n";
    let run_after = "Run `python3 /opt/s/scripts/run.py --all` first.\n\n";
    for (before, after) in [
        ("The script `run.py` does it.", "The script `run.py` does it."),
        ("Look at `scripts/run.py`.", "Look at `/opt/s/scripts/run.py`."),
        ("Look at `src/run.py`.", "Look at `src/run.py`."),
        ("Type `rm scripts/run.py`.", "Type `rm scripts/run.py`."),
        ("Look at scripts/run.py.", "Look at scripts/run.py."),
        ("See [the script](scripts/run.py).", "See [the script](scripts/run.py)."),
        ("| `run.py` | x |", "| `run.py` | x |"),
    ] {
        let (text, _) = rewritten_in(&format!("# Demo\n\n{run}{before}\n"), "/opt/s");
        assert_eq!(text, format!("# Demo\n\n{run_after}{after}\n"));
    }
}

#[test]
fn scripts_in_list_items_and_crlf_are_rewritten_in_place() {
    let body =
        "# Demo\n\n1. Run:\n\n   ```bash\n   cd x\n   ./scripts/run.py a\n   ```\n\n2. Done.\n";
    for body in [body.to_owned(), body.replace('\n', "\r\n")] {
        let (text, edits) = rewritten_in(&body, "/opt/s");
        assert_eq!(text, body.replace("./scripts/run.py", "python3 /opt/s/scripts/run.py"));
        assert_eq!(edits, 1);
    }
}

/// The words of the only command in a text, as a shell would pass them on.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut escaped) = (Vec::new(), None::<String>, None, false);
    for c in text.chars() {
        let grow = |word: &mut Option<String>| word.get_or_insert_with(String::new).push(c);
        match (quote, c) {
            _ if escaped => {
                grow(&mut word);
                escaped = false;
            }
            (None | Some('"'), '\\') => escaped = true,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_with(String::new);
            }
            (Some(open), close) if open == close => quote = None,
            (None, ' ') => words.extend(word.take()),
            (None, '$' | '`' | ';' | '&' | '|' | '<' | '>' | '(' | ')' | '\n') => {
                panic!("{c:?} is shell in {text}")
            }
            (Some('"'), '$' | '`') => panic!("{c:?} is shell in {text}"),
            _ => grow(&mut word),
        }
    }
    assert_eq!(quote, None, "{text}");
    words.extend(word);
    words
}

const HOSTILE_FOLDERS: [&str; 14] = [
    "/opt/my skills/s",
    "/opt/it's/s",
    "/opt/a'b\"c/s",
    "/opt/\"quoted\"/s",
    "/opt/$HOME/s",
    "/opt/$(id)/s",
    "/opt/`id`/s",
    "/opt/a;id/s",
    "/opt/a&b|c/s",
    "/opt/a\nid\n/s",
    "/opt/back\\slash/s",
    "/opt/<x>{y}*?/s",
    "/opt/é/s",
    "/opt/#x !y/s",
];

#[test]
fn nothing_of_the_folder_is_ever_unquoted_shell() {
    let mut quoted = 0;
    for folder in HOSTILE_FOLDERS {
        let path = format!("{folder}/scripts/run.py");
        for before in [
            "python ./scripts/run.py a",
            "python \"scripts/run.py\" a",
            "python 'scripts/run.py' a",
        ] {
            let after = command_in(before, folder);
            if after == before {
                continue;
            }
            assert_eq!(words(&after), ["python", &path, "a"], "{folder}: {after}");
            let shell = shell_commands(&after);
            assert!(shell.understood && shell.commands.len() == 1, "{folder}: {after}");
            quoted += 1;
        }
    }
    assert!(quoted > 20, "{quoted}");
}

#[test]
fn a_folder_that_cannot_be_quoted_gets_no_edit() {
    let cases: [(&str, [bool; 3]); 7] = [
        // Bare, in double quotes, in single quotes.
        ("/opt/my skills/s", [true, true, true]),
        ("/opt/it's/s", [true, true, false]),
        ("/opt/$HOME/s", [true, false, true]),
        ("/opt/\"x\"/s", [true, false, true]),
        ("/opt/back\\slash/s", [true, false, true]),
        ("/opt/`id`/s", [false, false, false]),
        ("/opt/a\nid/s", [false, false, false]),
    ];
    for (folder, expected) in cases {
        let edited =
            ["./scripts/run.py", "\"./scripts/run.py\"", "'./scripts/run.py'"].map(|word| {
                let before = format!("python {word} a");
                command_in(&before, folder) != before
            });
        assert_eq!(edited, expected, "{folder:?}");
    }
}

#[test]
fn the_guard_agrees_to_an_interpreter_also_where_the_folder_is_quoted() {
    for folder in ["/opt/my skills/s", "/opt/it's/s", "/opt/$HOME/s"] {
        let after = command_in("./scripts/run.py a", folder);
        assert_eq!(words(&after), ["python3", &format!("{folder}/scripts/run.py"), "a"], "{after}");
    }
}

const BODY: &str = "# Demo\n\nOn.\n\n## Use\n\n```bash\n./scripts/run.py a\n```\n";

fn gaps(variant: &Variant) -> Vec<Gap> {
    variant.artifacts().get::<Gaps>().unwrap().unwrap().gaps.clone()
}

fn exec_gap(variant: &Variant) -> Gap {
    let mut gaps = gaps(variant).into_iter().filter(|gap| gap.primitive == Primitive::ToolExec);
    let gap = gaps.next().unwrap();
    assert_eq!(gaps.next(), None);
    gap
}

#[test]
fn the_reason_names_purpose_primitive_and_levels() {
    let variant = installed(samples::bundled(BODY, &FILES), "/opt/s");
    let edits: Vec<_> = variant.edits().iter().collect();
    let [edit] = edits.as_slice() else { panic!("{edits:?}") };
    let reason = &edit.reason;
    assert_eq!(reason.rule, "script-path");
    assert_eq!(reason.kind, EditKind::Substitution);
    assert_eq!(reason.purpose.as_deref(), Some("use"));
    assert_eq!(reason.primitive, Some(Primitive::ToolExec));
    assert_eq!((reason.from, reason.to), (Some(Level::L2), Some(Level::L1)));
    assert_eq!(reason.note, "scripts/run.py is named by its full path");
}

#[test]
fn only_a_measured_gap_calls_for_edits() {
    let unit = || samples::unit(samples::bundled(BODY, &FILES));
    let edits = |unit: &Unit| samples::compile_by(ScriptPath, unit).edits().len();
    let at = |level| samples::profile_of(Level::L3).with_level(Primitive::ToolExec, level);
    assert_eq!(edits(&unit()), 0, "no profile");
    let unmeasured = CapabilityProfile::new(&samples::target(), "2026-01-01T00:00:00Z");
    assert_eq!(edits(&unit().with_profile(unmeasured.clone())), 0, "nothing measured");
    let other = unmeasured.with_level(Primitive::FollowDelegation, Level::L0);
    assert_eq!(edits(&unit().with_profile(other)), 0, "something else measured");
    assert_eq!(edits(&unit().with_profile(at(Level::L3))), 0);
    assert_eq!(edits(&unit().with_profile(at(Level::L2))), 0);
    assert_eq!(edits(&unit().with_profile(at(Level::L1))), 1);
    assert_eq!(edits(&unit().with_profile(at(Level::L0))), 1);
}

#[test]
fn a_gap_is_closed_only_if_the_demand_fell() {
    let compile = |body: &str, level| {
        let profile = samples::profile_of(Level::L3).with_level(Primitive::ToolExec, level);
        samples::compile_by(
            ScriptPath,
            &samples::unit(samples::bundled(body, &FILES)).with_profile(profile),
        )
    };
    let gap = exec_gap(&compile(BODY, Level::L1));
    assert_eq!((gap.required_level, gap.outcome), (Level::L2, GapOutcome::Closed));

    let piped = BODY.replace("run.py a", "run.py a | sort");
    let variant = compile(&piped, Level::L1);
    assert_eq!(variant.edits().len(), 1);
    assert!(exec_gap(&variant).outcome != GapOutcome::Closed, "the pipe is still there");

    let gap = exec_gap(&compile(BODY, Level::L0));
    assert!(gap.outcome != GapOutcome::Closed, "running a command is still too much");

    let without = BODY.replace("./scripts/run.py a", "ls | sort");
    let variant = compile(&without, Level::L1);
    assert!(variant.edits().is_empty() && exec_gap(&variant).outcome != GapOutcome::Closed);
}

#[test]
fn a_gap_of_another_purpose_stays_open() {
    let body = format!("{BODY}\n## Count\n\n```bash\nls | wc -l\n```\n");
    let variant = installed(samples::bundled(&body, &FILES), "/opt/s");
    let found: Vec<(String, bool)> = gaps(&variant)
        .into_iter()
        .map(|gap| (gap.purpose_id, gap.outcome == GapOutcome::Closed))
        .collect();
    assert_eq!(found, [("use".to_owned(), true), ("count".to_owned(), false)]);
}

#[test]
fn a_path_in_a_heading_stays_with_the_heading() {
    let body = "# Demo\n\n## Run `./scripts/run.py`\n\n```bash\n./scripts/run.py a\n```\n";
    let variant = installed(samples::bundled(body, &FILES), "/opt/s");
    let expected = body.replace("./scripts/run.py a", "python3 /opt/s/scripts/run.py a");
    assert_eq!(variant.text(), format!("{}{expected}", samples::HEAD));
}
