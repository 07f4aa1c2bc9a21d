//! Lessons about words of commands: in the commands of their program, as words, and nowhere else.

use super::{FILES, body, compile, fence, placeless, word};
use crate::samples;

fn formatted(code: &str) -> String {
    fence(code, [word("pdf-cli", "--fmt", "--format")])
}

#[test]
fn an_option_is_replaced_in_the_commands_of_its_program() {
    for (before, after) in [
        ("pdf-cli --fmt png", "pdf-cli --format png"),
        ("pdf-cli in.pdf --fmt=png", "pdf-cli in.pdf --format=png"),
        ("pdf-cli \"--fmt\" '--fmt=a b'", "pdf-cli \"--format\" '--format=a b'"),
        ("pdf-cli --fmt=\"a b\" --fmt", "pdf-cli --format=\"a b\" --format"),
        ("/usr/bin/pdf-cli --fmt", "/usr/bin/pdf-cli --format"),
        ("sudo -u me pdf-cli --fmt", "sudo -u me pdf-cli --format"),
        ("timeout 9 pdf-cli --fmt", "timeout 9 pdf-cli --format"),
        ("A=1 pdf-cli --fmt", "A=1 pdf-cli --format"),
        ("pdf-cli \\\n  --fmt png", "pdf-cli \\\n  --format png"),
        ("ls && pdf-cli --fmt | wc", "ls && pdf-cli --format | wc"),
        ("if x; then pdf-cli --fmt; fi", "if x; then pdf-cli --format; fi"),
        ("other \"$(pdf-cli --fmt y)\" --fmt", "other \"$(pdf-cli --format y)\" --fmt"),
        ("pdf-cli $(pdf-cli --fmt) --fmt", "pdf-cli $(pdf-cli --format) --format"),
        ("pdf-cli --fmt <in>", "pdf-cli --format <in>"),
    ] {
        assert_eq!(formatted(before), after);
    }
}

#[test]
fn other_words_stay() {
    for code in [
        "other --fmt png",
        "pdf-cli x | other --fmt",
        "pdf-cli $(other --fmt x)",
        "pdf-cli \"$(other --fmt x)\" `other --fmt`",
        "pdf-cli --fmt-x --fmts -fmt fmt ---fmt --fmt.x --fmt/x x--fmt",
        "pdf-cli note \"the --fmt is old\" 'use --fmt=x'",
        "echo pdf-cli --fmt",
        "echo \"pdf-cli --fmt\"",
        "# pdf-cli --fmt",
        "pdf-cli x # --fmt",
        "pdf-cli a\\ --fmt \"\\\" --fmt\"",
        "my-pdf-cli --fmt",
    ] {
        assert_eq!(formatted(code), code);
    }
}

#[test]
fn words_are_whatever_stands_between_blanks() {
    for (written, instead, before, after) in [
        (
            "in.pdf",
            "out.pdf",
            "pdf-cli in.pdf in.pdf.x a/in.pdf",
            "pdf-cli out.pdf in.pdf.x a/in.pdf",
        ),
        ("in", "to", "pdf-cli in in.pdf --in --x=in", "pdf-cli to in.pdf --in --x=to"),
        ("a b", "ab", "pdf-cli 'a b' a b", "pdf-cli 'ab' a b"),
        ("--fmt=png", "-p", "pdf-cli --fmt=png --fmt=jpg", "pdf-cli -p --fmt=jpg"),
        ("--fmt", "--fmt=png", "pdf-cli --fmt --fmt=jpg", "pdf-cli --fmt=png --fmt=jpg"),
        ("é", "e", "pdf-cli é éé 'é'", "pdf-cli e éé 'e'"),
        ("<in>", "in.pdf", "pdf-cli <in> x", "pdf-cli in.pdf x"),
    ] {
        assert_eq!(fence(before, [word("pdf-cli", written, instead)]), after);
    }
}

#[test]
fn a_program_is_called_by_another_of_its_names() {
    for (before, after) in [
        ("python x.py", "python3 x.py"),
        ("python python", "python3 python"),
        ("\"python\" x.py", "\"python3\" x.py"),
        ("echo x | python -", "echo x | python3 -"),
        ("sudo -u python python -V", "sudo -u python python3 -V"),
        ("timeout 9 python y.py", "timeout 9 python3 y.py"),
        ("X=$(python -V)", "X=$(python3 -V)"),
        // Named by its place, or as a word.
        ("/usr/bin/python x.py", "/usr/bin/python x.py"),
        ("which python", "which python"),
        ("python3 python", "python3 python"),
        ("python3.11 x", "python3.11 x"),
    ] {
        assert_eq!(fence(before, [word("python", "python", "python3")]), after);
    }
    for (program, other) in
        [("pip", "pip3"), ("node", "nodejs"), ("nodejs", "node"), ("bash", "sh")]
    {
        let code = format!("{program} x");
        assert_eq!(fence(&code, [word(program, program, other)]), format!("{other} x"));
    }
}

#[test]
fn no_program_becomes_another_one() {
    for (program, written, instead) in [
        ("ls", "ls", "curl"),
        ("ls", "ls", "rm"),
        ("ls", "ls", "python3"),
        ("sudo", "sudo", "doas"),
        ("sudo", "ls", "curl"),
        ("sudo", "ls", "rm"),
        ("time", "time", "LD_PRELOAD=x.so"),
        ("time", "make", "PATH=."),
        ("python", "python", "ruby"),
    ] {
        // Also where the other one is used elsewhere.
        let code = "ls x\nsudo ls y\ntime make\npython x.py\nrm z";
        assert_eq!(fence(code, [word(program, written, instead)]), code, "{program} {instead}");
    }
}

#[test]
fn code_that_is_no_command_stays() {
    let lesson = || [word("pdf-cli", "--fmt", "--format")];
    for text in [
        "Use pdf-cli --fmt png.",
        "```text\npdf-cli --fmt png\n```",
        "```python\nrun('pdf-cli --fmt png')\n```",
        "```json\n{\"pdf-cli\": \"--fmt\"}\n```",
    ] {
        assert_eq!(body(text, lesson()), text);
    }
    // Inline code keeps its words, by the guard's rule, and the lesson is told.
    let text = "Run `curl --fmt x`.";
    let variant = compile(
        samples::bundled(&format!("# Demo\n\n{text}\n"), &FILES),
        [word("curl", "--fmt", "--format")],
    );
    assert!(variant.text().contains(text));
    assert_eq!(placeless(&variant), 1);
}

#[test]
fn nested_code_keeps_its_form() {
    let text = "- One:\n\n  ```sh\n  pdf-cli --fmt \\\n    --fmt=x\n  ```\n\n> ```sh\n> pdf-cli \\\n>   --fmt\n> ```";
    assert_eq!(
        body(text, [word("pdf-cli", "--fmt", "--format")]),
        text.replace("--fmt", "--format")
    );
}

#[test]
fn a_word_that_installs_something_else_is_taken_back() {
    let text = "# Demo\n\n```sh\npip install good\n```\n";
    let variant = compile(samples::skill(text), [word("pip", "good", "evil")]);
    assert_eq!(variant.text(), samples::skill(text).source());
    assert_eq!(
        super::codes(&variant, "guard/refused"),
        ["edit \"word\" was taken back: external: package \"evil\" is not in the source"]
    );
}

#[test]
fn what_changes_nothing_has_no_place() {
    let skill = || samples::skill("# Demo\n\n```sh\npdf-cli --fmt\n```\n");
    for lesson in [
        word("pdf-cli", "--fmt", "--fmt"),
        word("pdf-cli", "", "--format"),
        word("pdf-cli", "--fmt", ""),
        word("", "--fmt", "--format"),
        word("other", "--fmt", "--format"),
    ] {
        let variant = compile(skill(), [lesson]);
        assert!(variant.edits().is_empty());
        assert_eq!(placeless(&variant), 1);
    }
}
