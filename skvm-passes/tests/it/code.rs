//! The `code` pass: what is in fences, inline code and bundled scripts, and where.

use skvm_core::artifact::{CodeBlock, CodeFacts, CodeLanguage, CodeOrigin, PlaceholderKind};
use skvm_core::skill::Skill;
use skvm_passes::code::{self, MAX_BYTES};

use crate::samples;

fn analyze(skill: &Skill) -> Vec<CodeBlock> {
    code::analyze(skill).blocks
}

/// The one block of a skill that is a single fence.
fn fenced(label: &str, code: &str) -> (Skill, CodeBlock) {
    let skill = samples::skill(&format!("# Demo\n\n```{label}\n{code}```\n"));
    let block = only(&skill);
    (skill, block)
}

fn only(skill: &Skill) -> CodeBlock {
    match <[CodeBlock; 1]>::try_from(analyze(skill)) {
        Ok([block]) => block,
        Err(blocks) => panic!("{blocks:?}"),
    }
}

/// Each command as its words.
fn commands(block: &CodeBlock) -> Vec<String> {
    let words = |command: &skvm_core::artifact::Command| {
        std::iter::once(&command.program).chain(&command.arguments).cloned().collect::<Vec<_>>()
    };
    block.commands.iter().map(|command| words(command).join(" ")).collect()
}

fn programs(block: &CodeBlock) -> Vec<&str> {
    block.commands.iter().map(|command| command.program.as_str()).collect()
}

#[test]
fn commands_are_found_wherever_a_shell_would_run_them() {
    let cases: [(&str, &[&str]); 14] = [
        ("ls -l\n", &["ls -l"]),
        ("ls | sort -u\n", &["ls", "sort -u"]),
        ("cd x && make; make test || true\n", &["cd x", "make", "make test", "true"]),
        ("A=1 B=\"2 3\" run x\n", &["run x"]),
        ("X=$(date +%s)\n", &["date +%s"]),
        ("echo \"now: $(date)\" `id`\n", &["echo now: $(date) `id`", "date", "id"]),
        ("for f in *.txt; do wc \"$f\"; done\n", &["wc $f"]),
        ("if test -f x; then\n  rm x\nfi\n", &["test -f x", "rm x"]),
        ("diff <(sort a) <(sort b)\n", &["diff <(sort a) <(sort b)", "sort a", "sort b"]),
        ("curl -s \\\n  -H 'A: b' \\\n  example.com\n", &["curl -s -H A: b example.com"]),
        ("/usr/local/bin/jq . x\n", &["jq . x"]),
        ("# rm -rf x\nls # rm y\n", &["ls"]),
        ("$ git status\n$ git diff\n", &["git status", "git diff"]),
        ("$TOOL x\n\"$TOOL\" y\n./*.sh z\n", &[" x", " y", " z"]),
    ];
    for (code, expected) in cases {
        let (_, block) = fenced("bash", code);
        assert_eq!(block.facts.language, CodeLanguage::Shell, "{code}");
        assert_eq!(commands(&block), expected, "{code}");
    }
}

#[test]
fn functions_that_a_block_defines_are_no_commands_of_it() {
    let (_, block) =
        fenced("bash", "greet() {\n  echo hi\n}\nfunction bye { printf x; }\ngreet\nbye\nls\n");
    assert_eq!(programs(&block), ["echo", "printf", "ls"]);
}

#[test]
fn facts_count_what_makes_shell_hard() {
    let of = |lines, pipes, redirects, loops, heredocs| CodeFacts {
        chains: 0,
        language: CodeLanguage::Shell,
        lines,
        pipes,
        redirects,
        loops,
        heredocs,
        has_errors: false,
    };
    let cases = [
        ("ls\n\n  \npwd\n", of(2, 0, 0, 0, 0)),
        ("a | b | c\n", of(1, 2, 0, 0, 0)),
        ("a |& b\n", of(1, 1, 0, 0, 0)),
        ("a || b\n", of(1, 0, 0, 0, 0)),
        ("a > x 2>> y\n", of(1, 0, 2, 0, 0)),
        ("a 2>&1 >/dev/null < in\n", of(1, 0, 0, 0, 0)),
        ("a &> all\n", of(1, 0, 1, 0, 0)),
        ("cat > x <<EOF\na | b > c\nEOF\n", of(3, 0, 1, 0, 1)),
        ("cat <<-'END'\n\tx\n\tEND\n", of(3, 0, 0, 0, 1)),
        ("for i in 1 2; do ls; done\nwhile true; do ls; done\n", of(2, 0, 0, 2, 0)),
        ("if a; then b; fi\ncase $x in *) c;; esac\n", of(2, 0, 0, 2, 0)),
        ("echo 'a | b > c'\n", of(1, 0, 0, 0, 0)),
    ];
    for (code, expected) in cases {
        assert_eq!(fenced("sh", code).1.facts, expected, "{code}");
    }
}

#[test]
fn the_text_of_a_here_document_is_no_command() {
    let (_, block) = fenced("bash", "cat <<EOF\nrm -rf x\n$(date)\nEOF\nls\n");
    assert_eq!(programs(&block), ["cat", "date", "ls"]);
}

#[test]
fn what_cannot_be_parsed_is_said() {
    for code in ["if then fi fi (\n", "echo 'open\n", "a ) b\n"] {
        assert!(fenced("sh", code).1.facts.has_errors, "{code}");
    }
    assert!(fenced("python", "def f(:\n").1.facts.has_errors);
}

#[test]
fn placeholders_are_no_redirects() {
    let (skill, block) = fenced(
        "bash",
        "convert <input file> --to <OUT>\nget {city} {{ id }} ${HOME} your-key/path/to/x.txt YOUR_KEY\n",
    );
    assert_eq!(block.facts.redirects, 0);
    assert_eq!(
        commands(&block),
        [
            "convert <input file> --to <OUT>",
            "get {city} {{ id }} ${HOME} your-key/path/to/x.txt YOUR_KEY"
        ]
    );
    let found: Vec<(&str, PlaceholderKind, &str)> = block
        .placeholders
        .iter()
        .map(|p| (p.name.as_str(), p.kind, p.span.text(skill.source())))
        .collect();
    assert_eq!(
        found,
        [
            ("input_file", PlaceholderKind::Angle, "<input file>"),
            ("out", PlaceholderKind::Angle, "<OUT>"),
            ("city", PlaceholderKind::Brace, "{city}"),
            ("id", PlaceholderKind::DoubleBrace, "{{ id }}"),
            ("key", PlaceholderKind::YourLower, "your-key"),
            ("x_txt", PlaceholderKind::PathTo, "path/to/x.txt"),
            ("key", PlaceholderKind::YourUpper, "YOUR_KEY"),
        ]
    );
}

#[test]
fn a_label_is_not_believed() {
    let cases = [
        ("bash", "ls\n", CodeLanguage::Shell),
        ("Shell", "ls\n", CodeLanguage::Shell),
        ("bash", "{\"a\": 1}\n", CodeLanguage::Data),
        ("bash", "/compact\n", CodeLanguage::Other),
        ("bash", "KEY=value\nOTHER=\"a b\"\n", CodeLanguage::Other),
        ("bash", "POST /v1/items\nHost: x\n", CodeLanguage::Other),
        ("", "git status\n", CodeLanguage::Shell),
        ("", "src/\n  main.rs\n", CodeLanguage::Other),
        ("", "Hello there\n", CodeLanguage::Other),
        ("python", "x = 1\n", CodeLanguage::Python),
        ("ts", "let x = 1;\n", CodeLanguage::JavaScript),
        ("yaml", "a: 1\n", CodeLanguage::Data),
        ("sql", "select 1;\n", CodeLanguage::Sql),
        ("html", "<p>\n", CodeLanguage::Markup),
        ("md", "# x\n", CodeLanguage::Markdown),
        ("rust", "fn main() {}\n", CodeLanguage::Other),
    ];
    for (label, code, expected) in cases {
        let (_, block) = fenced(label, code);
        assert_eq!(block.facts.language, expected, "{label}: {code}");
        let is_shell = expected == CodeLanguage::Shell;
        assert_eq!(block.commands.is_empty(), !is_shell, "{label}: {code}");
    }
}

#[test]
fn spans_point_at_the_words_in_lists_and_with_crlf() {
    let plain = "# Demo\n\n1. Run:\n\n   ```bash\n   cd é && \\\n     ./run.sh \"<in>\" x\n   ```\n\n> ```sh\n> ls | sort\n> ```\n";
    for body in [plain.to_owned(), plain.replace('\n', "\r\n")] {
        let skill = samples::bundled(&body, &[("run.sh", "echo\n")]);
        let blocks: Vec<CodeBlock> =
            analyze(&skill).into_iter().filter(|b| b.origin.span().is_some()).collect();
        let text = |span: skvm_core::span::Span| span.get(skill.source()).unwrap();
        let words: Vec<(&str, &str)> = blocks
            .iter()
            .flat_map(|block| &block.commands)
            .map(|command| (text(command.word), text(command.span)))
            .collect();
        assert_eq!(
            words,
            [("cd", "cd é"), ("./run.sh", "./run.sh \"<in>\" x"), ("ls", "ls"), ("sort", "sort")]
        );
        assert_eq!(text(blocks[0].scripts[0].span), "./run.sh");
        assert_eq!(text(blocks[0].placeholders[0].span), "<in>");
        let CodeOrigin::Fence { index: 0, span } = blocks[0].origin else { panic!() };
        assert!(text(span).starts_with("```bash") && text(span).ends_with("```"));
    }
}

#[test]
fn a_command_over_several_lines_of_a_list_item_covers_their_indentation() {
    let skill = samples::skill("- x\n\n  ```sh\n  curl -s \\\n    example.com\n  ```\n");
    let block = only(&skill);
    assert_eq!(block.commands[0].span.text(skill.source()), "curl -s \\\n    example.com");
}

const FILES: [(&str, &str); 4] = [
    ("scripts/run.py", "import csv\nimport helper\n"),
    ("scripts/go.sh", "jq . x | head\n"),
    ("bin/tool", "#!/usr/bin/env node\nrequire('fs')\n"),
    ("notes.md", "x\n"),
];

/// The uses of own files in the text: path, words in the source, as program, run, absolute.
fn uses(body: &str) -> Vec<(String, String, bool, bool, bool)> {
    let skill = samples::bundled(body, &FILES);
    let blocks = analyze(&skill);
    let in_text = blocks.iter().filter(|block| block.origin.span().is_some());
    in_text
        .flat_map(|block| &block.scripts)
        .map(|s| {
            let written = s.span.get(skill.source()).unwrap().to_owned();
            (s.path.clone(), written, s.as_program, s.run, s.absolute)
        })
        .collect()
}

#[test]
fn own_scripts_are_found_in_every_spelling() {
    let (program, run, absolute) = (true, true, true);
    let cases: [(&str, &str, &str, [bool; 3]); 21] = [
        ("./scripts/run.py a", "scripts/run.py", "./scripts/run.py", [program, run, !absolute]),
        ("scripts/run.py", "scripts/run.py", "scripts/run.py", [program, run, !absolute]),
        ("run.py a", "scripts/run.py", "run.py", [program, run, !absolute]),
        (
            "/opt/x/scripts/run.py",
            "scripts/run.py",
            "/opt/x/scripts/run.py",
            [program, run, absolute],
        ),
        ("\"./scripts/run.py\" a", "scripts/run.py", "./scripts/run.py", [program, run, !absolute]),
        ("bin/tool a", "bin/tool", "bin/tool", [program, run, !absolute]),
        ("python scripts/run.py", "scripts/run.py", "scripts/run.py", [!program, run, !absolute]),
        ("python3 -u run.py", "scripts/run.py", "run.py", [!program, run, !absolute]),
        (
            "uv run python scripts/run.py",
            "scripts/run.py",
            "scripts/run.py",
            [!program, run, !absolute],
        ),
        (
            "python {baseDir}/scripts/run.py",
            "scripts/run.py",
            "{baseDir}/scripts/run.py",
            [!program, run, !absolute],
        ),
        (
            "python $SKILL_DIR/scripts/run.py",
            "scripts/run.py",
            "$SKILL_DIR/scripts/run.py",
            [!program, run, !absolute],
        ),
        (
            "python \"$SKILL_DIR/scripts/run.py\"",
            "scripts/run.py",
            "$SKILL_DIR/scripts/run.py",
            [!program, run, !absolute],
        ),
        (
            "python ${SKILL_DIR}/scripts/run.py",
            "scripts/run.py",
            "${SKILL_DIR}/scripts/run.py",
            [!program, run, !absolute],
        ),
        (
            "python ${SKILL_DIR:-.}/scripts/run.py",
            "scripts/run.py",
            "${SKILL_DIR:-.}/scripts/run.py",
            [!program, run, !absolute],
        ),
        (
            "python <skill_dir>/scripts/run.py",
            "scripts/run.py",
            "<skill_dir>/scripts/run.py",
            [!program, run, !absolute],
        ),
        (
            "python ~/.x/skills/demo/scripts/run.py",
            "scripts/run.py",
            "~/.x/skills/demo/scripts/run.py",
            [!program, run, !absolute],
        ),
        (
            "python \"$SKILL_DIR\"/scripts/run.py",
            "scripts/run.py",
            "\"$SKILL_DIR\"/scripts/run.py",
            [!program, run, !absolute],
        ),
        ("python '/a b'/scripts/run.py", "scripts/run.py", "", [false; 3]),
        ("bash 'scripts/go.sh'", "scripts/go.sh", "scripts/go.sh", [!program, run, !absolute]),
        ("cat scripts/run.py", "scripts/run.py", "scripts/run.py", [!program, !run, !absolute]),
        ("source ./scripts/go.sh", "scripts/go.sh", "./scripts/go.sh", [!program, run, !absolute]),
    ];
    for (command, path, written, [program, run, absolute]) in cases {
        let found = uses(&format!("# Demo\n\n```bash\n{command}\n```\n"));
        if written.is_empty() {
            assert_eq!(found, [], "{command}");
        } else {
            let expected = (path.to_owned(), written.to_owned(), program, run, absolute);
            assert_eq!(found, [expected], "{command}");
        }
    }
}

#[test]
fn words_that_only_hold_a_path_are_no_uses_of_a_file() {
    for command in [
        "lint --config=scripts/run.py",
        "docker cp box:/app/scripts/run.py .",
        "curl -d @scripts/run.py https://example.com/run.py",
        "curl https://example.com/scripts/run.py",
        "echo 'see scripts/run.py'",
        "git show main:scripts/run.py",
    ] {
        let found: Vec<String> = uses(&format!("# Demo\n\n```bash\n{command}\n```\n"))
            .into_iter()
            .map(|(_, written, ..)| written)
            .collect();
        assert_eq!(found, [""; 0], "{command}");
    }
}

#[test]
fn inline_code_is_a_command_or_the_name_of_a_file_or_nothing() {
    let cases: [(&str, &[&str], &[&str]); 7] = [
        ("`git log -1`", &["git log -1"], &[]),
        ("`./scripts/run.py --all`", &["run.py --all"], &["./scripts/run.py"]),
        ("`scripts/run.py`", &[], &["scripts/run.py"]),
        ("`run.py`", &[], &["run.py"]),
        ("`missing.py`", &[], &[]),
        ("`name`", &[], &[]),
        ("`some words here`", &[], &[]),
    ];
    for (inline, expected, scripts) in cases {
        let body = format!("# Demo\n\nUse {inline} now.\n");
        let skill = samples::bundled(&body, &FILES);
        let blocks = analyze(&skill);
        let found: Vec<String> = blocks
            .iter()
            .filter(|block| block.origin.span().is_some())
            .flat_map(commands)
            .collect();
        assert_eq!(found, expected, "{inline}");
        let named: Vec<String> = uses(&body).into_iter().map(|(_, written, ..)| written).collect();
        assert_eq!(named, scripts, "{inline}");
    }
}

#[test]
fn bundled_scripts_are_read_in_their_own_language() {
    let blocks = analyze(&samples::bundled("# Demo\n", &FILES));
    let found: Vec<(&str, CodeLanguage)> = blocks
        .iter()
        .map(|block| match &block.origin {
            CodeOrigin::File { path } => (path.as_str(), block.facts.language),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        found,
        [
            ("bin/tool", CodeLanguage::JavaScript),
            ("scripts/go.sh", CodeLanguage::Shell),
            ("scripts/run.py", CodeLanguage::Python),
        ]
    );
    assert_eq!(programs(&blocks[1]), ["jq", "head"]);
    let import = &blocks[2].imports[1];
    assert_eq!(import.span.text("import csv\nimport helper\n"), "import helper");
}

#[test]
fn imports_are_found_in_every_form() {
    let cases: [(&str, &[(&str, bool)]); 14] = [
        ("import a\n", &[("a", false)]),
        ("import a.b as c, d\n", &[("a.b", false), ("d", false)]),
        ("from a.b import c as d\n", &[("a.b", false)]),
        ("from a import (\n    b,\n    c,\n)\n", &[("a", false)]),
        ("from . import a\nfrom .b import c\nfrom .. import d\n", &[]),
        ("from a import *\n", &[("a", false)]),
        ("from __future__ import annotations\n", &[]),
        ("try:\n    import a\nexcept ImportError:\n    import b\n", &[("a", true), ("b", true)]),
        ("if TYPE_CHECKING:\n    import a\nimport b\n", &[("a", true), ("b", false)]),
        ("if typing.TYPE_CHECKING:\n    from a import b\n", &[("a", true)]),
        ("def f():\n    import a\n\nclass C:\n    import b\n", &[("a", false), ("b", false)]),
        ("@x\ndef f():\n    with y:\n        import a\n", &[("a", false)]),
        ("x = 'import a'\n# import b\n\"\"\"\nimport c\n\"\"\"\n", &[]),
        ("import  a . b\n", &[("a.b", false)]),
    ];
    for (code, expected) in cases {
        let (_, block) = fenced("python", code);
        let found: Vec<(&str, bool)> =
            block.imports.iter().map(|import| (import.module.as_str(), import.optional)).collect();
        assert_eq!(found, expected, "{code}");
    }
}

#[test]
fn the_span_of_an_import_is_its_statement() {
    let skill =
        samples::skill("- x\n\n  ```py\n  from a import (\n    b,\n  )\n  import c\n  ```\n");
    let block = only(&skill);
    let spans: Vec<&str> =
        block.imports.iter().map(|import| import.span.text(skill.source())).collect();
    assert_eq!(spans, ["from a import (\n    b,\n  )", "import c"]);
}

#[test]
fn a_block_that_is_too_long_is_named_and_not_parsed() {
    let long = "ls\n".repeat(MAX_BYTES / 3 + 1);
    let (skill, block) = fenced("sh", &long);
    assert!(block.commands.is_empty());
    let variant = samples::compile(&samples::unit(skill));
    assert_eq!(
        variant.diagnostics()[0].summary(),
        "warning[code/too-long]: a code block has more than 262144 bytes and was not looked into"
    );
    let (_, short) = fenced("sh", &"ls\n".repeat(100));
    assert_eq!(short.commands.len(), 100);
}

#[test]
fn a_text_that_is_run_is_read_as_a_shell_reads_it() {
    let cases: [(&str, &[&str], bool); 8] = [
        ("ls | sort", &["ls", "sort"], true),
        ("f() { rm x; }; f", &["rm", "f"], true),
        ("cat <a|rm b>c", &["cat", "rm"], true),
        ("cat <in | rm {x}", &["cat", "rm"], true),
        ("echo $(id; whoami)", &["echo", "id", "whoami"], true),
        ("$TOOL x", &[""], false),
        ("`which ls`", &["", "which"], false),
        ("ls 'open", &["ls"], false),
    ];
    for (text, expected, understood) in cases {
        let shell = code::shell_commands(text);
        let programs: Vec<&str> = shell.commands.iter().map(|c| c.program.as_str()).collect();
        assert_eq!((programs.as_slice(), shell.understood), (expected, understood), "{text}");
    }
    assert!(!code::shell_commands(&"ls\n".repeat(MAX_BYTES)).understood);
}

#[test]
fn characters_beyond_ascii_neither_crash_the_parser_nor_move_a_span() {
    for c in ['é', '\u{3000}', '\u{31860}', '\u{e3ebb}', '\u{10ffff}'] {
        let (skill, block) =
            fenced("bash", &format!("echo {{{c} | tr \"{c}\" '{c}' >{c}\n{{{c}\n"));
        assert_eq!(programs(&block)[..2], ["echo", "tr"], "{c:?}");
        assert_eq!(block.commands[1].arguments, [c.to_string(), c.to_string()]);
        let shown = block.commands[1].span.text(skill.source());
        assert_eq!(shown, format!("tr \"{c}\" '{c}'"), "{c:?}");
    }
    // The parser takes this apart inside of the character.
    assert_eq!(code::shell_commands("\\\r¡").commands[0].program, "¡");
    let (_, block) = fenced("bash", "größe --klein\n");
    assert_eq!(commands(&block), ["größe --klein"]);
}

#[test]
fn a_text_that_would_hold_up_the_parser_is_not_understood() {
    for code in ["<<<<".repeat(50_000), "a | ".repeat(50_000)] {
        let (_, block) = fenced("bash", &format!("ls\n{code}\n"));
        assert!(block.facts.has_errors && block.commands.is_empty());
        assert!(!code::shell_commands(&code).understood);
    }
    let (_, after) = fenced("bash", "ls\n");
    assert_eq!(programs(&after), ["ls"], "the parser is as good as new");
}

#[test]
fn words_are_kept_to_a_depth_and_programs_to_any() {
    let code = format!("{}rm -r x{}", "echo a $(".repeat(2_000), ")".repeat(2_000));
    let shell = code::shell_commands(&code);
    assert!(!shell.understood);
    assert_eq!(shell.commands.len(), 2_001);
    assert_eq!(shell.commands[2_000].program, "rm");
    assert_eq!(shell.commands[10].arguments.len(), 2);
    let kept: usize = shell.commands.iter().flat_map(|c| &c.arguments).map(String::len).sum();
    assert!(kept < 40 * code.len(), "{kept} bytes of words from {}", code.len());
}
