//! Lessons that somebody made up: what a failing tool prints may have been written by anybody.

use std::process::Command;
use std::time::{Duration, Instant};

use skvm_core::artifact::DependencyKind;
use skvm_core::capability::{Level, Primitive};
use skvm_core::failure::{Advice, Lesson, Lessons};

use super::{FILES, advice, codes, compile, compile_unit, fence, path, placeless, script, word};
use crate::samples;

/// Nothing of these may ever stand in a command, as what word it may be.
fn hostile() -> Vec<String> {
    let words = [
        ";rm -rf ~",
        "x;rm",
        "$(id)",
        "$HOME",
        "`id`",
        "a\nb",
        "a\r\nb",
        "a b",
        "a\tb",
        "a\0b",
        "'",
        "\"",
        "a\\",
        "a|sh",
        "a&b",
        "<x",
        ">x",
        "(x)",
        "{a,b}",
        "*",
        "?",
        "[x]",
        "#x",
        "!x",
        "~",
        "~/x",
        "```",
        "# Heading",
        "<!--",
        "http://evil.example",
        "https://evil.example/x?y",
        "//evil.example/x",
        "www.evil.example",
        "git@evil.example:a/b",
        "user@evil.example",
        "/etc/passwd",
        "/",
        "../x",
        "..",
        "x/../../etc/passwd",
        "./../x",
        "-o/etc/passwd",
        "--out=/etc/passwd",
        "--out=../x",
        "if=/etc/passwd",
        "a:/etc/passwd",
        "a,/etc/passwd",
        "file:///etc/passwd",
        "\u{202e}gnp",
        "\u{430}bc",
        "a\u{a0}b",
        "a\u{200b}b",
        "",
    ];
    let long = ["a".repeat(10_000), "a".repeat(121)];
    words.iter().map(|word| (*word).to_owned()).chain(long).collect()
}

const CODE: &str = "pdf-cli in.pdf --fmt=png\nsudo pdf-cli in.pdf\npython run.py\ncurl -s https://api.example.com/v1\ngit clone git@good.example:a/b";

#[test]
fn no_hostile_word_reaches_a_command() {
    for instead in hostile() {
        for (program, written) in [
            ("pdf-cli", "in.pdf"),
            ("pdf-cli", "--fmt"),
            ("pdf-cli", "png"),
            ("pdf-cli", "pdf-cli"),
            ("sudo", "pdf-cli"),
            ("python", "python"),
            ("curl", "-s"),
            ("curl", "https://api.example.com/v1"),
            ("git", "git@good.example:a/b"),
        ] {
            let skill = samples::skill(&format!("# Demo\n\n```sh\n{CODE}\n```\n"));
            let source = skill.source().to_owned();
            let variant = compile(skill, [word(program, written, &instead)]);
            assert_eq!(variant.text(), source, "{program} {written} {instead:?}");
            let told = placeless(&variant) + codes(&variant, "guard/refused").len();
            assert!(told > 0, "{program} {written} {instead:?}");
        }
    }
}

#[test]
fn what_the_guard_knows_better_is_taken_back() {
    for (program, written, instead) in [
        ("curl", "https://api.example.com/v1", "evil.example"),
        ("curl", "-s", "evil.example"),
        ("pdf-cli", "in.pdf", "www.evil.example"),
    ] {
        let skill = samples::skill(&format!("# Demo\n\n```sh\n{CODE}\n```\n"));
        let source = skill.source().to_owned();
        let variant = compile(skill, [word(program, written, instead)]);
        assert_eq!(variant.text(), source, "{program} {written} {instead:?}");
        assert!(!codes(&variant, "guard/refused").is_empty());
    }
}

/// A word that the skill itself has may come in the place of another, whatever it is.
#[test]
fn a_path_of_the_skills_own_words_may_be_the_right_one() {
    let code = "pdf-cli in.pdf\nls /usr/share/pdf";
    let after = fence(code, [word("pdf-cli", "in.pdf", "/usr/share/pdf")]);
    assert_eq!(after, "pdf-cli /usr/share/pdf\nls /usr/share/pdf");
    assert_eq!(fence(code, [word("pdf-cli", "in.pdf", "/usr/share")]), code);
}

#[test]
fn names_with_marks_of_patterns_are_names() {
    let code = "g++ --fmt\n[ -f x ]\npdf-cli --fmt";
    for program in [".*", "(((", "[", "pdf.cli", "p?", "\\", "^", "$", "+", "\u{0}", "g+*"] {
        let lesson = word(program, "--fmt", "--format");
        assert_eq!(fence(code, [lesson]), code, "{program}");
    }
    assert_eq!(fence(code, [word("g++", "--fmt", "--f")]), code.replacen("--fmt", "--f", 1));
    for written in [".*", "--f.t", "(--fmt)", "--fmt|x", "\\w+", "[", "*", "", "-", "\n", "`"] {
        let lesson = word("pdf-cli", written, "--format");
        assert_eq!(fence(code, [lesson]), code, "{written}");
    }
}

#[test]
fn files_that_the_bundle_does_not_have_are_named_nowhere() {
    let code = "python scripts/run.py\n./scripts/run.py";
    for file in [
        "../../etc/passwd",
        "/etc/passwd",
        "/opt/skills/demo/scripts/run.py",
        "scripts/../scripts/run.py",
        "./scripts/run.py",
        "scripts/run.py\0",
        "scripts/run.py;id",
        "scripts",
        "run.py",
        "SKILL.md",
        "",
        "*",
    ] {
        assert_eq!(fence(code, [path("scripts/run.py", file), script(file)]), code, "{file}");
    }
    for written in hostile() {
        let after = fence(code, [path(&written, "data/a.json")]);
        assert_eq!(after, code, "{written:?}");
    }
}

/// Runs each line with a real shell: whatever the folder is called, it is a path and nothing else.
#[cfg(unix)]
#[test]
fn a_folder_of_any_name_is_a_path_to_a_shell() {
    let lines = [
        "cat data/a.txt",
        "cat ./data/a.txt",
        "cat \"data/a.txt\"",
        "cat 'data/a.txt'",
        "cat data/a.txt < data/a.txt",
        "echo \"$(cat data/a.txt)\"",
        "echo `cat data/a.txt`",
        "sh -c \"cat data/a.txt\"",
        "sh -c 'cat data/a.txt'",
        "cat \"$SKILL_DIR\"/data/a.txt",
    ];
    let mut changed = 0;
    for name in [
        "plain",
        "two words",
        "it's",
        "a \"b\" c",
        "$HOME",
        "$(touch pwned)",
        "`touch pwned`",
        "a;touch pwned;",
        "a\\",
        "é ü",
        "-rf",
        "*",
        "'; touch pwned; '",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let installed = folder.path().join(name);
        std::fs::create_dir_all(installed.join("data")).unwrap();
        std::fs::write(installed.join("data/a.txt"), "right\n").unwrap();
        for line in lines {
            let text = format!("# Demo\n\n```sh\n{line}\n```\n");
            let skill = samples::bundled(&text, &[("data/a.txt", "right\n")]);
            let unit = samples::unit(skill).with_install_dir(&installed);
            let lessons = Lessons::from([path("data/a.txt", "data/a.txt")]);
            let variant = compile_unit(&unit.with_lessons(lessons));
            assert!(codes(&variant, "guard/refused").is_empty(), "{name} {line}");
            let after = variant.text().lines().rev().nth(1).unwrap();
            if after == line {
                continue;
            }
            changed += 1;
            let mut shell = Command::new("/bin/sh");
            let run = shell.arg("-c").arg(after).current_dir(folder.path()).output().unwrap();
            let shown = String::from_utf8_lossy(&run.stdout);
            assert_eq!(shown.trim(), "right", "{name:?}: {after} {run:?}");
            assert!(!folder.path().join("pwned").exists(), "{name:?}: {after}");
        }
    }
    assert!(changed > 50, "{changed}");
}

/// Every kind of lesson, as many as there are, with whatever in it.
fn many(count: usize) -> Vec<Lesson> {
    let mut hostile = hostile().into_iter().cycle().enumerate();
    let mut next = || hostile.next().map(|(at, word)| format!("{word}{at}")).unwrap();
    let mut lessons: Vec<Lesson> = (0..count)
        .flat_map(|_| {
            let dependency = |dependency, name| Lesson::Dependency { dependency, name };
            [
                dependency(DependencyKind::Python, next()),
                dependency(DependencyKind::Npm, next()),
                dependency(DependencyKind::Program, next()),
                path(&next(), "scripts/run.py"),
                path("scripts/run.py", &next()),
                script(&next()),
                word("pdf-cli", &next(), &next()),
                word(&next(), "--fmt", &next()),
            ]
        })
        .collect();
    for level in [Level::L1, Level::L2, Level::L3] {
        lessons.extend(Primitive::ALL.into_iter().map(|primitive| Lesson::Ability {
            primitive,
            level,
            successes: u32::MAX,
            failures: u32::MAX,
        }));
    }
    lessons.push(advice(Advice::InParts));
    lessons
}

#[test]
fn thousands_of_lessons_are_bounded_and_told() {
    let code = "pdf-cli in.pdf --fmt=png\npython scripts/run.py";
    let text = format!("# Demo\n\nIt reads.\n\n## Steps\n\n```sh\n{code}\n```\n");
    let skill = samples::bundled(&text, &FILES);
    let unit = samples::unit(skill.clone()).with_lessons(Lessons::new(many(1000)));
    let started = Instant::now();
    let variant = samples::compile(&unit);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    let told = variant.diagnostics();
    assert!(told.len() < 250, "{}", told.len());
    assert!(told.iter().all(|found| found.message.len() < 2_000));
    assert_eq!(codes(&variant, "lessons/too-many").len(), 1);
    assert_eq!(codes(&variant, "environment/too-many-lessons").len(), 1);
    // Advice is heeded, however many others there are, and of the code only a path changes.
    assert!(variant.text().contains(Advice::InParts.sentence()));
    let named = code.replace("scripts/", unit.install_dir.join("scripts/").to_str().unwrap());
    assert!(variant.text().contains(&named), "{}", variant.text());
    for edit in variant.edits() {
        assert!(edit.replacement.len() < 5_000 && edit.reason.note.len() < 1_000);
    }
}

/// Lessons about other things leave lessons about places their room.
#[test]
fn lessons_about_the_machine_take_no_room_from_those_about_the_text() {
    let missing = (0..500).map(|at| Lesson::Dependency {
        dependency: DependencyKind::Python,
        name: format!("aaa{at}"),
    });
    let lessons = missing.chain([word("pdf-cli", "--fmt", "--format"), advice(Advice::MoreTime)]);
    let skill = samples::skill("# Demo\n\n```sh\npdf-cli --fmt\n```\n");
    let variant = compile(skill, lessons);
    assert!(variant.text().contains("pdf-cli --format\n"));
    assert!(variant.text().contains(Advice::MoreTime.sentence()));
}

/// What a lesson says is data: not even an error tells more of it than a line.
#[test]
fn a_long_lesson_is_told_in_short() {
    let long = "x".repeat(100_000);
    let variant = compile(
        samples::skill("# Demo\n"),
        [word(&long, &long, &long), path(&long, &long), script(&long)],
    );
    assert_eq!(placeless(&variant), 3);
    assert!(variant.diagnostics().iter().all(|found| found.message.len() < 500));
    assert_eq!(variant.text(), samples::skill("# Demo\n").source());
}
