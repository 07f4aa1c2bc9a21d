//! Blocks that the rule `placeholders` has rewritten, run by a real shell.

use std::fs;
use std::path::Path;
use std::process::Command;

use skvm_core::capability::{Level, Primitive};

use crate::samples;

/// Values that a careless block would fall apart at.
const HOSTILE: [&str; 8] = [
    "plain",
    "two words",
    "it's \"so\"",
    "$(id) `id` $HOME ${X}",
    "a; touch broken & b | c > d",
    "*?[a]~",
    "back\\slash\\n",
    "--flag",
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

#[test]
fn a_block_that_is_not_filled_in_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let more = ["rm -rf <x>/", "rm -rf \"<x>/\"*", "rm -rf '<x>'/ && echo done"];
    for block in BLOCKS.iter().map(|(block, _)| *block).chain(more) {
        let code = compiled(block, "\n").replace("show", "echo").replace("rm -rf", "echo");
        let ran = Command::new("/bin/sh").arg("-c").arg(&code).current_dir(&folder).output();
        let ran = ran.unwrap();
        assert!(!ran.status.success() && ran.stdout.is_empty(), "{code}\n{ran:?}");
        assert!(String::from_utf8_lossy(&ran.stderr).contains('X'), "{code}\n{ran:?}");
    }
}

/// The lines of a block after compilation for a target that cannot write shell.
fn plainly(block: &str) -> String {
    let weak = samples::profile_of(Level::L3).with_level(Primitive::GenCodeShell, Level::L0);
    let skill = samples::skill(&format!("# Demo\n\n```bash\n{block}\n```\n"));
    let variant = samples::compile_by(
        skvm_passes::capability::Placeholders,
        &samples::unit(skill.clone()).with_profile(weak),
    );
    let after = skill.with_text(variant.text());
    after.document().fences()[0].code(after.source()).trim_end().to_owned()
}

#[test]
fn working_code_is_no_placeholder() {
    for block in [
        "awk '{print}' f",
        "cat f | sort -u | awk -F: '{print}'",
        "sudo /usr/bin/gawk '{print}' f",
        "jq '.[] | {name}'",
        "sed '/a/{d}' f",
        "git rev-parse @{upstream}",
        "python3 -c 'print(f\"{x}\")'",
        "python3 -c '\nfor x in y:\n  print(f\"{x}\")'",
        "bash -lc 'echo {x}'",
        "perl -ne 'print {out}' f",
        "curl -d '<title>Hi</title>' e.example",
        "grep -o '<title>[^<]*' f",
        "rg \"<main>\" src",
        "gh api repos/{owner}/{repo}",
        "gh api \\\n  repos/{owner}/{repo}/pulls",
        "gh pr list --json number --jq '.[] | {number}'",
        "ls | xargs -I{name} cp {name} dst",
        "export MY_KEY=abc",
        "export MY_KEY=abc\nrun --key MY_KEY",
        "MY_KEY=abc run",
        "read MY_NAME",
        "for MY_FILE in a b; do ls; done",
        "unset YOUR_KEY",
        "local MY_DIR",
        "echo ${MY_KEY}",
        "declare -r MY_KEY",
        "<name>=x run",
        "npm i tool@<version>",
    ] {
        assert_eq!(plainly(block), block);
    }
}

#[test]
fn a_hole_beside_working_code_is_taken() {
    for (block, expected) in [
        ("awk '{print}' <file>", "FILE=''  # fill in: file\nawk '{print}' \"${FILE:?}\""),
        (
            "git diff @{upstream} {path_name}",
            "PATH_NAME=''  # fill in: path name\ngit diff @{upstream} \"${PATH_NAME:?}\"",
        ),
        (
            "export MY_KEY=abc\nrun --id \"YOUR_ID\"",
            "ID=''  # fill in: id\nexport MY_KEY=abc\nrun --id \"${ID:?}\"",
        ),
        (
            "awk '{print}' f\nrun \"{name}\"",
            "NAME=''  # fill in: name\nawk '{print}' f\nrun \"${NAME:?}\"",
        ),
        ("rm -rf <dir>/", "DIR=''  # fill in: dir\nrm -rf \"${DIR:?}\"/"),
        ("ping -c <count> h", "COUNT=''  # fill in: count\nping -c \"${COUNT:?}\" h"),
        ("curl https://<host>/x", "HOST=''  # fill in: host\ncurl https://\"${HOST:?}\"/x"),
    ] {
        assert_eq!(plainly(block), expected);
    }
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
