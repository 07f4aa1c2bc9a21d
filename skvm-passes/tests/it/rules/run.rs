//! Blocks that the rule `placeholders` has rewritten, run by a real shell.

use std::fs;
use std::path::Path;
use std::process::Command;

use skvm_core::capability::{Level, Primitive};

use crate::samples;

/// Values that a careless block would fall apart at.
const HOSTILE: [&str; 9] = [
    "plain",
    "two words",
    "it's \"so\"",
    "$(id) `id` $HOME ${X}",
    "a; touch broken & b | c > d",
    "*?[a]~",
    "back\\slash\\n",
    "--flag",
    "",
];

/// A block with holes, and its arguments with `@` in the place of the value.
const BLOCKS: [(&str, &[&str]); 14] = [
    ("show <x>", &["@"]),
    ("show a <x> b", &["a", "@", "b"]),
    ("show \"<x>\"", &["@"]),
    ("show \"pre <x> post\"", &["pre @ post"]),
    ("show '<x>'", &["@"]),
    ("show '{\"id\": \"<x>\"}'", &["{\"id\": \"@\"}"]),
    ("show --to=<x>", &["--to=@"]),
    ("show https://e.example/v1/<x>/items?q=<x>", &["https://e.example/v1/@/items?q=@"]),
    ("show \"https://e.example/<x>_a\"", &["https://e.example/@_a"]),
    ("show <x>tail", &["@tail"]),
    ("show {x} YOUR_X", &["@", "@"]),
    ("show \\\n  --one '<x>' \\\n  \"it's <x>\"", &["--one", "@", "it's @"]),
    ("show 'a'<x>\"b\" \"\\\"<x>\\\"\"", &["a@b", "\"@\""]),
    ("show \"'<x>'\" '\"<x>\"'", &["'@'", "\"@\""]),
];

/// The block after compilation for a target that cannot write shell.
fn compiled(block: &str, line_end: &str) -> String {
    let body = format!("# Demo\n\n- Run:\n\n  ```sh\n  {}\n  ```\n", block.replace('\n', "\n  "));
    let weak = samples::profile_of(Level::L3).with_level(Primitive::GenCodeShell, Level::L0);
    let skill = samples::skill(&body.replace('\n', line_end));
    let variant = samples::compile(&samples::unit(skill.clone()).with_profile(weak));
    let after = skill.with_text(variant.text());
    let code = after.document().fences()[0].code(after.source()).replace("\r\n", "\n");
    assert!(code.starts_with("X=''  # fill in: x\n"), "{block}: {code}");
    code
}

/// What the fake program is given when the block runs, one argument a line.
fn arguments(folder: &Path, code: &str) -> String {
    let ran = Command::new("/bin/sh")
        .arg("-c")
        .arg(code)
        .current_dir(folder)
        .env("PATH", folder)
        .output()
        .unwrap();
    assert!(ran.status.success() && ran.stderr.is_empty(), "{code}\n{ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

#[cfg(unix)]
#[test]
fn a_program_receives_exactly_the_value_that_was_filled_in() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("show");
    fs::write(&program, "#!/bin/sh\nprintf '[%s]\\n' \"$@\"\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    for (block, expected) in BLOCKS {
        for line_end in ["\n", "\r\n"] {
            let code = compiled(block, line_end);
            for value in HOSTILE {
                let quoted = format!("X='{}'", value.replace('\'', r"'\''"));
                let filled = code.replacen("X=''", &quoted, 1);
                let got = arguments(folder.path(), &filled);
                let expected: String =
                    expected.iter().map(|a| format!("[{}]\n", a.replace('@', value))).collect();
                assert_eq!(got, expected, "{filled}");
            }
        }
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "a block wrote a file: {left:?}");
}

#[cfg(unix)]
#[test]
fn a_split_chain_runs_the_same_commands() {
    let body =
        "# Demo\n\n```sh\necho a && echo \"b && c\" && echo d\nls | sort | uniq | wc -l\n```\n";
    let weak = samples::profile_of(Level::L3).with_level(Primitive::ToolExec, Level::L2);
    let skill = samples::skill(body);
    let variant = samples::compile(&samples::unit(skill.clone()).with_profile(weak));
    let after = skill.with_text(variant.text());
    let code = after.document().fences()[0].code(after.source());
    let ran = Command::new("/bin/sh").arg("-c").arg(code.as_ref()).output().unwrap();
    assert!(String::from_utf8(ran.stdout).unwrap().starts_with("a\nb && c\nd\n"), "{code}");
}
