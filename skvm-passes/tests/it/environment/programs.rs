//! Programs and interpreters.

use skvm_core::artifact::DependencyKind::{Program, Runtime};
use skvm_core::artifact::DependencySource;

use super::{dependencies, entry, expected, fence, fenced, file, lines, names, shell, shown};
use crate::samples;

#[test]
fn programs_are_found_wherever_commands_stand() {
    let cases: [(&str, &[&str]); 29] = [
        ("aaa x | bbb y", &["aaa", "bbb"]),
        ("aaa x |& bbb", &["aaa", "bbb"]),
        ("aaa && bbb || ccc; ddd & eee", &["aaa", "bbb", "ccc", "ddd", "eee"]),
        ("echo $(aaa x) `bbb y`", &["aaa", "bbb"]),
        ("echo \"$(aaa \"$(bbb)\")\"", &["aaa", "bbb"]),
        ("X=$(aaa)\nexport Y=\"$(bbb)\"", &["aaa", "bbb"]),
        ("diff <(aaa) <(bbb)", &["aaa", "bbb"]),
        (
            "if aaa; then bbb; elif ccc; then ddd; else eee; fi",
            &["aaa", "bbb", "ccc", "ddd", "eee"],
        ),
        ("for x in $(aaa); do bbb; done", &["aaa", "bbb"]),
        ("while aaa; do bbb; done < <(ccc)", &["aaa", "bbb", "ccc"]),
        ("case $x in a) aaa;; *) bbb;; esac", &["aaa", "bbb"]),
        ("(cd x; aaa) && { bbb; }", &["aaa", "bbb"]),
        ("! aaa", &["aaa"]),
        ("A=1 B=2 aaa", &["aaa"]),
        ("aaa \\\n  --x \\\n  y | bbb", &["aaa", "bbb"]),
        ("aaa > x 2>&1 < y", &["aaa"]),
        ("$ aaa x\n$ bbb y", &["aaa", "bbb"]),
        ("# ccc\naaa # bbb", &["aaa"]),
        ("\"aaa\" 'x'", &["aaa"]),
        ("/usr/bin/aaa x", &[]),
        ("sudo aaa", &["aaa"]),
        ("sudo -u x -E aaa y", &["aaa"]),
        ("env A=1 -u B aaa", &["aaa"]),
        ("nohup nice -n 5 aaa &", &["aaa"]),
        ("find . | xargs -n 1 -I {} aaa {}", &["aaa"]),
        ("time aaa", &["aaa"]),
        ("timeout 5 aaa x", &["aaa"]),
        ("timeout -k 5 10s aaa x", &["aaa"]),
        ("exec aaa", &["aaa"]),
    ];
    for (code, found) in cases {
        assert_eq!(fence(Program, "bash", code), found, "{code}");
        assert_eq!(file(Program, "run.sh", &format!("{code}\n")), found, "{code}");
    }
}

#[test]
fn a_program_that_is_asked_for_is_needed() {
    for code in [
        "command -v aaa",
        "command -v aaa >/dev/null 2>&1 || exit 1",
        "which aaa",
        "type aaa",
        "hash aaa",
        "if ! command -v aaa &> /dev/null; then echo no; fi",
    ] {
        assert_eq!(fence(Program, "bash", code), ["aaa"], "{code}");
    }
    assert_eq!(fence(Program, "bash", "which aaa bbb\ncommand ccc x"), ["aaa", "bbb", "ccc"]);
}

#[test]
fn words_of_the_shell_and_of_every_system_are_no_programs() {
    for code in [
        "cd x; pwd; echo y; printf z; export A=1; set -e; trap x EXIT; read y; source z; . z",
        "true; false; test -f x; [ -f x ]; [[ -f x ]]; eval x; shift; return; local y; declare z",
        "let x=1; unset y; alias z=x; wait; jobs; exit 0; break; continue; getopts a b; umask 022",
        "pushd x; popd; shopt -s y; type cd; ulimit -n; mapfile -t a; typeset b; builtin cd; times",
        "ls; cat x; cp x y; mv x y; rm x; mkdir x; rmdir x; touch x; ln -s x y; chmod x y; stat x",
        "grep x; sed x; awk x; sort; uniq; head; tail; cut -f1; tr a b; wc -l; tee x; xargs; find .",
        "date; sleep 1; basename x; dirname x; realpath x; readlink x; env; which ls; seq 1; du; df",
        "tar x; gzip x; ps; kill 1; id; whoami; hostname; uname; diff a b; cmp a b; comm a b; od x",
        "sha256sum x; md5sum x; base64 x; mktemp; yes; nproc; sync; shuf; truncate -s 0 x; tty; test x",
        "A=1\nB=(a b)\nC+=x\necho $((1 + 2))",
    ] {
        assert_eq!(fence(Program, "bash", code), [""; 0], "{code}");
    }
}

#[test]
fn here_documents_are_text() {
    let code = "cat > x <<'EOF'\naaa y\nbbb $(ccc)\nEOF\nddd";
    assert_eq!(fence(Program, "bash", code), ["ddd"]);
    // Without quotes a substitution runs.
    assert_eq!(fence(Program, "bash", "cat <<EOF\naaa $(ccc)\nEOF\nddd"), ["ccc", "ddd"]);
    assert_eq!(fence(Program, "bash", "cat <<-EOF\n\taaa\n\tEOF\nddd"), ["ddd"]);
    assert_eq!(fence(Program, "bash", "aaa <<< 'bbb ccc'"), ["aaa"]);
    assert_eq!(fence(Program, "bash", "psqlx <<SQL\nselect 1;\nSQL"), ["psqlx"]);
}

#[test]
fn functions_of_the_skill_are_no_programs() {
    let body = "# Demo\n\n```bash\nlog() { aaa \"$1\"; }\nfunction run { bbb; }\n```\n\n```bash\nlog x\nrun\n```\n";
    assert_eq!(lines(Program, &samples::skill(body)), ["aaa", "bbb"]);
    let skill = samples::bundled(
        "# Demo\n\n```bash\nsource scripts/lib.sh\nlog x\nsudo log y\ncommand -v log\n```\n",
        &[("scripts/lib.sh", "log() {\n  aaa\n}\n")],
    );
    assert_eq!(lines(Program, &skill), ["aaa"]);
}

#[test]
fn own_scripts_are_no_programs_however_they_are_called() {
    for command in [
        "./scripts/tool x",
        "scripts/tool x",
        "{baseDir}/scripts/tool x",
        "$SKILL_DIR/scripts/tool x",
        "\"$SKILL_DIR\"/scripts/tool x",
        "sudo ./scripts/tool",
        "bash scripts/tool",
        "env A=1 scripts/tool",
        "chmod +x scripts/tool && ./scripts/tool",
        "timeout 5 ./scripts/tool",
        "xargs ./scripts/tool",
    ] {
        let body = format!("# Demo\n\n```bash\n{command}\n```\n");
        let skill = samples::bundled(&body, &[("scripts/tool", "#!/bin/sh\nls\n")]);
        assert_eq!(names(&skill), [], "{command}");
    }
}

#[test]
fn scripts_of_the_own_package_are_no_programs() {
    let toml = "[project]\nname = \"x\"\n[project.scripts]\nmy-tool = \"x:main\"\n";
    let skill =
        samples::bundled("# Demo\n\n```bash\nmy-tool x | jq .\n```\n", &[("pyproject.toml", toml)]);
    assert_eq!(lines(Program, &skill), ["jq"]);
    let toml = "[tool.poetry]\nname = \"x\"\n[tool.poetry.scripts]\nmy-tool = \"x:main\"\n";
    let skill =
        samples::bundled("# Demo\n\n```bash\nmy-tool x | jq .\n```\n", &[("pyproject.toml", toml)]);
    assert_eq!(lines(Program, &skill), ["jq"]);
}

#[test]
fn blocks_that_are_not_shell_name_no_programs() {
    for code in [
        "{\"command\": \"aaa\", \"args\": [\"x\"]}",
        "[{\"aaa\": 1}]",
        "API_KEY=abc\nBASE=x",
        "# settings\nAPI_KEY=abc",
        "GET /v1/items HTTP/1.1\nHost: e.org",
        "POST https://e.org/v1\n\nbbb",
        "/model aaa\n/clear",
        "bash workdir:~/x background:true command:\"aaa\"",
        "message action=send to=bbb",
        "process action:log sessionId:X",
    ] {
        for label in ["bash", "sh", "shell", "console"] {
            assert_eq!(fence(Program, label, code), [""; 0], "{label} {code}");
        }
    }
    for label in ["text", "json", "yaml", "python", "javascript", "http", "dockerfile", "sql"] {
        assert_eq!(fence(Program, label, "aaa x | bbb"), [""; 0], "{label}");
    }
    for code in ["aaa x", "src/\n├── aaa\n└── bbb", "User: do aaa\nAgent: git status"] {
        assert_eq!(fence(Program, "", code), [""; 0], "{code}");
    }
    assert_eq!(fence(Program, "", "git status\njq . x"), ["git", "jq"]);
    for label in ["bash", "sh", "shell", "zsh", "console", "BASH"] {
        assert_eq!(fence(Program, label, "aaa x"), ["aaa"], "{label}");
    }
}

#[test]
fn words_that_are_no_names_are_no_programs() {
    for code in [
        "<tool> x",
        "{tool} x",
        "YOUR_TOOL x",
        "$TOOL x",
        "${TOOL} x",
        "\"$TOOL\" x",
        "$(pick) x",
        "Step one",
        "-x y",
        "123 x",
        "=x",
        "...",
        "→ aaa",
        "数据 x",
        "../tool x",
        "/opt/x/tool y",
        "~/bin/tool y",
    ] {
        let found = fence(Program, "bash", code);
        assert!(found.is_empty() || found == ["pick"], "{code}: {found:?}");
    }
}

#[test]
fn interpreters_are_runtimes() {
    let cases: [(&str, &[&str]); 8] = [
        ("python3 x.py", &["python"]),
        ("python -m venv .venv", &["python"]),
        ("node x.js", &["node"]),
        ("npm run build", &["node"]),
        ("npx aaa", &["node"]),
        ("pip list", &["python"]),
        ("sudo python3 x.py", &["python"]),
        ("cat x | python3 -c 'import os'", &["python"]),
    ];
    for (code, found) in cases {
        assert_eq!(fence(Runtime, "bash", code), found, "{code}");
        assert_eq!(fence(Program, "bash", code), [""; 0], "{code}");
    }
    let skill = fenced("bash", "python3 x.py");
    assert_eq!(entry(&skill, Runtime, "python").provides, ["python3"]);
}

#[test]
fn a_module_that_python_runs_is_a_distribution() {
    use skvm_core::artifact::DependencyKind::Python;

    let cases: [(&str, &[&str]); 6] = [
        ("python -m aaa x", &["aaa"]),
        ("python3 -u -m aaa.cli", &["aaa"]),
        ("python -m http.server", &[]),
        ("python -m json.tool x", &[]),
        ("python -m pip list", &[]),
        ("python -m <module>", &[]),
    ];
    for (code, found) in cases {
        assert_eq!(fence(Python, "bash", code), found, "{code}");
    }
    let skill =
        samples::bundled("# Demo\n\n```bash\npython -m pkg.run\n```\n", &[("pkg/run.py", "")]);
    assert_eq!(lines(Python, &skill), [""; 0]);
}

#[test]
fn the_first_line_of_a_script_names_its_interpreter() {
    let cases: [(&str, &str, &[(_, &str)]); 11] = [
        ("tool", "#!/usr/bin/env python3\n", &[(Runtime, "python")]),
        ("tool", "#!/usr/bin/python\n", &[(Runtime, "python")]),
        ("tool", "#!/usr/bin/env node\n", &[(Runtime, "node")]),
        ("tool", "#!/usr/bin/env ruby\n", &[(Program, "ruby")]),
        ("tool", "#!/bin/bash\n", &[]),
        ("tool", "#!/bin/sh -e\n", &[]),
        ("run.sh", "#!/usr/bin/env bash\n", &[]),
        ("run.py", "#!/usr/bin/env -S uv run --script\n", &[(Program, "uv"), (Runtime, "python")]),
        ("run.ts", "#!/usr/bin/env bun\n", &[(Program, "bun")]),
        ("run.rb", "puts 1\n", &[(Program, "ruby")]),
        ("notes.txt", "no\n", &[]),
    ];
    for (path, content, found) in cases {
        let skill = samples::bundled("# Demo\n", &[(path, content)]);
        assert_eq!(names(&skill), expected(found), "{path} {content}");
        for entry in dependencies(&skill) {
            assert_eq!(entry.evidence[0].source, DependencySource::Shebang);
            assert_eq!(entry.evidence[0].file.as_deref(), Some(path));
        }
    }
    let skill =
        samples::bundled("# Demo\n", &[("x.applescript", "#!/usr/bin/env osascript\nbeep\n")]);
    assert_eq!(lines(Program, &skill), ["osascript"]);
}

#[test]
fn every_place_that_runs_a_program_is_kept() {
    let skill = samples::bundled(
        "# Demo\n\n```bash\naaa one\n```\n\nRun `git status` then:\n\n```sh\ngit log | aaa two\n```\n",
        &[("run.sh", "x=$(aaa three)\n")],
    );
    assert_eq!(shown(&skill, &entry(&skill, Program, "aaa")), ["aaa one", "aaa two", "aaa three"]);
    assert_eq!(shown(&skill, &entry(&skill, Program, "git")), ["git status", "git log"]);
}

#[test]
fn programs_tell_the_packages_that_the_skill_installs() {
    let skill = fenced("bash", "brew install ripgrep\nnpm install -g @a/tool\nrg x\ntool y\njq z");
    let packages = |name| {
        let packages = entry(&skill, Program, name).packages.into_iter();
        packages.map(|package| format!("{} {}", package.manager, package.name)).collect::<Vec<_>>()
    };
    assert_eq!(packages("rg"), ["brew ripgrep"]);
    assert_eq!(packages("tool"), ["npm @a/tool"]);
    assert_eq!(packages("jq"), [""; 0], "what is well known is no word of the skill's");
}

#[test]
fn programs_are_found_and_those_of_every_machine_are_not() {
    let cases: [(&str, &[(_, &str)]); 10] = [
        ("jq . x | head", &[(Program, "jq")]),
        ("cd x && ls -l | grep y > z; echo done", &[]),
        ("for f in *; do ffmpeg -i $f; done", &[(Program, "ffmpeg")]),
        ("X=$(gh api x)", &[(Program, "gh")]),
        ("/usr/local/bin/mytool x", &[]),
        ("$TOOL x", &[]),
        ("<tool> x", &[]),
        ("MYTOOL x", &[]),
        ("python3.11 x.py", &[(Program, "python3.11")]),
        ("helper() { jq .; }\nhelper", &[(Program, "jq")]),
    ];
    for (command, names) in cases {
        assert_eq!(shell(command), expected(names), "{command}");
    }
}

#[test]
fn own_scripts_need_their_interpreters_and_are_no_programs() {
    let skill = samples::bundled(
        "# Demo\n\n```bash\n./scripts/run.py a\nscripts/go.sh\ntool b\n```\n",
        &[
            ("scripts/run.py", "x = 1\n"),
            ("scripts/go.sh", "ls\n"),
            ("bin/tool", "#!/usr/bin/env ruby\n"),
            ("web/a.mjs", "1\n"),
        ],
    );
    let found = names(&skill);
    assert_eq!(
        found,
        expected(&[(Program, "ruby"), (Program, "tool"), (Runtime, "node"), (Runtime, "python")])
    );
}
