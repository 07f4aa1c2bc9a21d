//! Lessons about paths: a file of the skill's own is named by its full path, and nobody else's is.

use super::{FILES, body, compile, fence, fence_in, path, placeless, script};
use crate::samples;

fn of_run(code: &str) -> String {
    fence(code, [path("scripts/run.py", "scripts/run.py")])
}

#[test]
fn a_file_is_named_by_its_full_path() {
    for (before, after) in [
        ("python scripts/run.py a", "python /opt/skills/demo/scripts/run.py a"),
        ("python ./scripts/run.py a", "python /opt/skills/demo/scripts/run.py a"),
        ("python {baseDir}/scripts/run.py", "python /opt/skills/demo/scripts/run.py"),
        ("python $SKILL_DIR/scripts/run.py", "python /opt/skills/demo/scripts/run.py"),
        ("python \"$SKILL_DIR\"/scripts/run.py", "python /opt/skills/demo/scripts/run.py"),
        ("python \"scripts/run.py\" 'x'", "python \"/opt/skills/demo/scripts/run.py\" 'x'"),
        ("python 'scripts/run.py'", "python '/opt/skills/demo/scripts/run.py'"),
        ("./scripts/run.py a", "/opt/skills/demo/scripts/run.py a"),
        ("cd scripts && python run.py", "cd scripts && python /opt/skills/demo/scripts/run.py"),
        ("python ~/.x/skills/demo/scripts/run.py", "python /opt/skills/demo/scripts/run.py"),
        ("cat < scripts/run.py", "cat < /opt/skills/demo/scripts/run.py"),
        ("cat --in=scripts/run.py", "cat --in=/opt/skills/demo/scripts/run.py"),
        ("ls # see scripts/run.py.", "ls # see /opt/skills/demo/scripts/run.py."),
        ("sh -c \"python scripts/run.py\"", "sh -c \"python /opt/skills/demo/scripts/run.py\""),
        ("X=$(python scripts/run.py)", "X=$(python /opt/skills/demo/scripts/run.py)"),
        ("python \\\n  scripts/run.py", "python \\\n  /opt/skills/demo/scripts/run.py"),
    ] {
        assert_eq!(of_run(before), after);
    }
}

#[test]
fn other_files_stay() {
    for code in [
        "python scripts/run.pyc",
        "python scripts/run.py.bak",
        "python my-scripts/run.py",
        "python other/scripts/run.pyx",
        "cat scripts/run.py/x",
        "rm ~/project/run.py",
        "rm $HOME/run.py",
        "python $HOME/scripts/run.py",
        "cp run.py /tmp",
        "python /usr/lib/run.py",
        "cat project/run.py",
        "python scripts/go.sh",
        "curl https://example.com/scripts/run.py",
    ] {
        assert_eq!(of_run(code), code);
    }
}

#[test]
fn a_path_that_no_file_has_is_another_files() {
    for (before, after) in [
        ("python bin/tool.py a", "python /opt/skills/demo/scripts/run.py a"),
        ("python \"bin/tool.py\"", "python \"/opt/skills/demo/scripts/run.py\""),
        ("python bin/tool.pyx bin/tools.py", "python bin/tool.pyx bin/tools.py"),
        ("python ./bin/tool.py", "python ./bin/tool.py"),
        ("python x.bin/tool.py", "python x.bin/tool.py"),
    ] {
        assert_eq!(fence(before, [path("bin/tool.py", "scripts/run.py")]), after);
    }
    let prefixed = fence("cat {baseDir}/b.json", [path("{baseDir}/b.json", "data/a.json")]);
    assert_eq!(prefixed, "cat /opt/skills/demo/data/a.json");
    let absolute = [path("/old/scripts/run.py", "scripts/run.py")];
    let after = fence("python /old/scripts/run.py /older/scripts/run.py", absolute);
    assert_eq!(after, "python /opt/skills/demo/scripts/run.py /older/scripts/run.py");
}

/// A word that is no path stands in too many places to mean one file.
#[test]
fn words_and_prose_are_no_paths() {
    for written in ["for", "hello", "in", ".", "x.", "-x.py", "a b.py", "@x.py", "x=y.py", ""] {
        let code = "for x in hello . x. -x.py 'a b.py' @x.py x=y.py; do echo; done";
        assert_eq!(fence(code, [path(written, "scripts/run.py")]), code, "{written}");
    }
    let text = "Look at bin/tool.py and scripts/run.py.\n\n```text\nbin/tool.py\n```";
    assert_eq!(body(text, [path("bin/tool.py", "scripts/run.py")]), text);
}

/// What is not run may mean a file of the user's, unless it is written as what failed.
#[test]
fn data_is_named_as_it_is_written() {
    let lesson = || [path("data/a.json", "data/a.json")];
    for (before, after) in [
        ("jq . data/a.json", "jq . /opt/skills/demo/data/a.json"),
        ("jq . ./data/a.json", "jq . /opt/skills/demo/data/a.json"),
        ("jq . a.json", "jq . a.json"),
        ("jq . other/a.json", "jq . other/a.json"),
        ("jq . @data/a.json", "jq . @/opt/skills/demo/data/a.json"),
    ] {
        assert_eq!(fence(before, lesson()), after);
    }
    let after = fence("jq . a.json", [path("a.json", "data/a.json")]);
    assert_eq!(after, "jq . /opt/skills/demo/data/a.json");
}

#[test]
fn inline_code_names_files_by_their_full_path() {
    let lesson = || [path("scripts/run.py", "scripts/run.py")];
    for (before, after) in [
        ("Look at `scripts/run.py`.", "Look at `/opt/skills/demo/scripts/run.py`."),
        ("Run `./scripts/run.py x`.", "Run `/opt/skills/demo/scripts/run.py x`."),
        ("Run `python scripts/run.py x`.", "Run `python /opt/skills/demo/scripts/run.py x`."),
        ("Use `run.py` or `notes.py`.", "Use `run.py` or `notes.py`."),
    ] {
        assert_eq!(body(before, lesson()), after);
    }
    // As it was written where it failed, wherever that leads.
    for written in ["/old/scripts/run.py", "~/old/run.py", "run.py"] {
        let after = body(&format!("See `{written}`."), [path(written, "scripts/run.py")]);
        assert_eq!(after, "See `/opt/skills/demo/scripts/run.py`.", "{written}");
    }
    // Only paths of files that are there may change in it.
    let text = "Run `python bin/tool.py x`.";
    assert_eq!(body(text, [path("bin/tool.py", "scripts/run.py")]), text);
}

#[test]
fn a_folder_that_needs_quotes_gets_them() {
    let lesson = || [path("scripts/run.py", "scripts/run.py")];
    let folder = "/opt/my $HOME's";
    for (before, after) in [
        ("python scripts/run.py a", r"python '/opt/my $HOME'\''s/scripts/run.py' a"),
        ("cat --in=scripts/run.py", r"cat --in='/opt/my $HOME'\''s/scripts/run.py'"),
        ("X=\"$(python scripts/run.py)\"", r#"X="$(python '/opt/my $HOME'\''s/scripts/run.py')""#),
        // Between quotes it cannot be told by itself.
        ("python \"scripts/run.py\"", "python \"scripts/run.py\""),
        ("python 'scripts/run.py'", "python 'scripts/run.py'"),
        ("sh -c \"python scripts/run.py\"", "sh -c \"python scripts/run.py\""),
        ("sh -c 'python scripts/run.py'", "sh -c 'python scripts/run.py'"),
    ] {
        assert_eq!(fence_in(folder, before, lesson()), after);
    }
    let spaces = fence_in("/opt/a b", "cat \"scripts/run.py\" 'scripts/run.py'", lesson());
    assert_eq!(spaces, "cat \"/opt/a b/scripts/run.py\" '/opt/a b/scripts/run.py'");
    // In code of Markdown nothing can be quoted that ends it.
    assert_eq!(fence_in("/opt/a`b", "cat scripts/run.py", lesson()), "cat scripts/run.py");
    assert_eq!(fence_in("/opt/a\nb", "cat scripts/run.py", lesson()), "cat scripts/run.py");
}

#[test]
fn a_lesson_without_a_place_is_told() {
    let skill = || samples::bundled("# Demo\n\n```sh\nls\n```\n", &FILES);
    let variant = compile(skill(), [path("scripts/run.py", "scripts/run.py")]);
    assert_eq!(
        super::codes(&variant, "lessons/no-place"),
        [
            "a lesson finds no place in the skill: Path { written: \"scripts/run.py\", file: \"scripts/run.py\" }"
        ]
    );
    assert_eq!(variant.text(), skill().source());
    // A file that the bundle does not have finds none either.
    assert_eq!(placeless(&compile(skill(), [path("ls", "bin/ls"), script("bin/ls")])), 2);
}

#[test]
fn line_ends_stay_what_they_are() {
    let text = "# Demo\r\n\r\n```sh\r\npython scripts/run.py a\r\ncat scripts/run.py\r\n```\r\n";
    let skill = samples::bundled(&text.replace("\r\n", "\n"), &FILES);
    let skill = skill.with_text(skill.source().replace('\n', "\r\n"));
    let variant = compile(skill.clone(), [path("scripts/run.py", "scripts/run.py")]);
    let full = "/opt/skills/demo/scripts/run.py";
    let folder = samples::unit(skill.clone()).install_dir.join("scripts/run.py");
    assert_eq!(
        variant.text().replace(folder.to_str().unwrap(), full),
        skill.source().replace("scripts/run.py", full)
    );
}
