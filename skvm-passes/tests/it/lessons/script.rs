//! Lessons about scripts: each runs through its interpreter, by its full path.

use super::{body, codes, compile, fence, path, placeless, script};
use crate::samples;

#[test]
fn a_script_runs_through_its_interpreter() {
    for (before, after) in [
        // Another language's interpreter, whose options mean nothing to this one.
        ("bash scripts/run.py a", "python3 /opt/skills/demo/scripts/run.py a"),
        ("bash -e scripts/run.py a", "python3 /opt/skills/demo/scripts/run.py a"),
        ("/bin/bash \\\n  -e scripts/run.py", "python3 /opt/skills/demo/scripts/run.py"),
        ("bash \"scripts/run.py\"", "python3 \"/opt/skills/demo/scripts/run.py\""),
        ("sudo bash scripts/run.py", "sudo python3 /opt/skills/demo/scripts/run.py"),
        ("timeout 5 sh scripts/run.py", "timeout 5 python3 /opt/skills/demo/scripts/run.py"),
        ("A=1 node scripts/run.py", "A=1 python3 /opt/skills/demo/scripts/run.py"),
        ("x \"$(sh scripts/run.py)\"", "x \"$(python3 /opt/skills/demo/scripts/run.py)\""),
        // By itself.
        ("./scripts/run.py a", "python3 /opt/skills/demo/scripts/run.py a"),
        ("scripts/run.py a", "python3 /opt/skills/demo/scripts/run.py a"),
        ("{baseDir}/scripts/run.py", "python3 /opt/skills/demo/scripts/run.py"),
        ("sudo ./scripts/run.py", "sudo python3 /opt/skills/demo/scripts/run.py"),
        ("ls | ./scripts/run.py", "ls | python3 /opt/skills/demo/scripts/run.py"),
        // Its own interpreter stays, under whatever name and with its options.
        ("python -u scripts/run.py", "python -u /opt/skills/demo/scripts/run.py"),
        ("python3 scripts/run.py", "python3 /opt/skills/demo/scripts/run.py"),
        ("/usr/bin/python3 scripts/run.py", "/usr/bin/python3 /opt/skills/demo/scripts/run.py"),
        ("uv run scripts/run.py", "uv run /opt/skills/demo/scripts/run.py"),
    ] {
        assert_eq!(fence(before, [script("scripts/run.py")]), after);
    }
}

#[test]
fn each_language_has_its_interpreter() {
    for (file, before, after) in [
        ("scripts/go.sh", "python scripts/go.sh", "bash /opt/skills/demo/scripts/go.sh"),
        ("scripts/go.sh", "sh scripts/go.sh", "sh /opt/skills/demo/scripts/go.sh"),
        ("scripts/go.sh", "zsh scripts/go.sh", "zsh /opt/skills/demo/scripts/go.sh"),
        ("tools/cli.js", "python tools/cli.js", "node /opt/skills/demo/tools/cli.js"),
        ("tools/cli.js", "./tools/cli.js", "node /opt/skills/demo/tools/cli.js"),
        ("tools/cli.js", "nodejs tools/cli.js", "nodejs /opt/skills/demo/tools/cli.js"),
    ] {
        assert_eq!(fence(before, [script(file)]), after);
    }
}

#[test]
fn what_runs_something_else_stays() {
    for code in [
        "bash scripts/go.sh",
        "bash /usr/lib/run.py",
        "/usr/lib/run.py",
        "bash ~/project/run.py",
        "cat scripts/run.py",
        "cp scripts/run.py x",
        "git add scripts/run.py",
        "python3 /opt/skills/demo/scripts/run.py a",
    ] {
        assert_eq!(fence(code, [script("scripts/run.py")]), code);
    }
    assert_eq!(fence("cat data/a.json", [script("data/a.json")]), "cat data/a.json");
}

#[test]
fn inline_code_runs_it_too() {
    for (before, after) in [
        ("Run `./scripts/run.py a`.", "Run `python3 /opt/skills/demo/scripts/run.py a`."),
        ("Run `python scripts/run.py a`.", "Run `python /opt/skills/demo/scripts/run.py a`."),
        // The program of inline code may not change: the file is named, and that is all.
        ("Run `bash scripts/run.py a`.", "Run `bash /opt/skills/demo/scripts/run.py a`."),
        ("Look at `scripts/run.py`.", "Look at `scripts/run.py`."),
    ] {
        assert_eq!(body(before, [script("scripts/run.py")]), after);
    }
}

/// Who is told to run a script is told its path as well, in whatever order the lessons came.
#[test]
fn of_two_lessons_about_one_place_the_one_that_says_more_is_heeded() {
    let both = [path("scripts/run.py", "scripts/run.py"), script("scripts/run.py")];
    let after = fence("./scripts/run.py a\ncat scripts/run.py", both);
    assert_eq!(
        after,
        "python3 /opt/skills/demo/scripts/run.py a\ncat /opt/skills/demo/scripts/run.py"
    );
}

#[test]
fn what_is_right_already_has_no_place() {
    let skill = samples::bundled(
        "# Demo\n\n```sh\npython3 /opt/skills/demo/run.py\n```\n",
        &[("run.py", "")],
    );
    let unit = samples::unit(skill).with_install_dir("/opt/skills/demo");
    let lessons = skvm_core::failure::Lessons::from([script("run.py")]);
    let variant = super::compile_unit(&unit.with_lessons(lessons));
    assert!(variant.edits().is_empty());
    assert_eq!(placeless(&variant), 1);
}

#[test]
fn an_edit_says_why_it_was_made() {
    let skill = samples::bundled("# Demo\n\n```sh\nbash run.py\n```\n", &[("run.py", "")]);
    let variant = compile(skill, [script("run.py")]);
    let [edit] = variant.edits().iter().as_slice() else { panic!("{:?}", variant.edits()) };
    assert_eq!(edit.reason.rule, "own-file");
    assert_eq!(edit.reason.note, "python3 runs run.py");
    assert!(codes(&variant, "lessons/no-place").is_empty());
}
