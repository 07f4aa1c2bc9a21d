//! A value is never code: what programs receive when hostile values fill the holes of real code, by running it.
//!
//! Many values run in one process: shells print what they receive with a NUL behind it, which no value has;
//! Python and Node.js print lists as JSON.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use skvm_core::artifact::TemplateLanguage::{self, JavaScript, Json, Python, Shell};
use skvm_core::artifact::{
    EmbeddedCode, Literal, LiteralContent, LiteralForm, MAX_RENDERED_BYTES, MAX_VALUE_BYTES,
    Parameter, ParameterType, Part, RenderError, Segment, Template, ValueError,
};
use skvm_passes::templates::{Argument, Shape, takes_parts};

/// What stands for the value in the code of a case.
const HOLE: &str = "HOLE";

/// The home directory of the shells that run here.
const HOME: &str = "/home/someone";

/// A place in code: the code, and what the program receives before and behind the value.
type Place = (&'static str, &'static str, &'static str);

/// Places that cost no process. Each prints the value with a NUL behind it.
const SHELL: [Place; 21] = [
    (r"printf '%s\0' HOLE", "", ""),
    (r"printf '%s\0' data/HOLE.csv", "data/", ".csv"),
    (r"printf '%s\0' a\ b\ HOLE", "a b ", ""),
    (r#"printf '%s\0' "HOLE""#, "", ""),
    (r#"printf '%s\0' "a HOLE b ${HOME}""#, "a ", " b /home/someone"),
    (r#"printf '%s\0' "$HOME/HOLE""#, "/home/someone/", ""),
    (r#"printf '%s\0' "\$HOME \"HOLE\" \\""#, "$HOME \"", "\" \\"),
    (r#"printf '%s\0' $HOME/"a b"/HOLE"#, "/home/someone/a b/", ""),
    (r"printf '%s\0' 'a HOLE b'", "a ", " b"),
    (r"printf '%s\0' '${HOME} $(id) HOLE'", "${HOME} $(id) ", ""),
    (r"printf '%s\0' --option=HOLE", "--option=", ""),
    (r#"printf '%s\0' --option="HOLE x""#, "--option=", " x"),
    ("x=HOLE\nprintf '%s\\0' \"$x\"", "", ""),
    ("x=\"a-HOLE\" ; printf '%s\\0' \"$x\"", "a-", ""),
    (r#"for x in HOLE; do printf '%s\0' "$x"; done"#, "", ""),
    ("f() {\n  printf '%s\\0' \"$1\"\n}\nf HOLE", "", ""),
    ("if true; then\n  printf '%s\\0' \\\n    HOLE\nfi", "", ""),
    (r"case x in x) printf '%s\0' HOLE ;; esac", "", ""),
    ("f() { printf '%s\\0' \"$1\"; }\nf <<'EOF' HOLE\nbody\nEOF", "", ""),
    ("f() { printf '%s\\0' \"$1\"; }\nf HOLE <<EOF\nbody\nEOF", "", ""),
    (r#"test -n x && { printf '%s\0' HOLE; } || printf '%s\0' no"#, "", ""),
];

/// Places that cost a process for each value.
const SHELL_WITH_PROCESSES: [Place; 7] = [
    (r#"printf '%s\0' "$(printf '%s.' HOLE)""#, "", "."),
    (r"printf '%s\0' HOLE | cat", "", ""),
    (r"(printf '%s\0' HOLE)", "", ""),
    (r#"sh -c "printf '%s\0' HOLE""#, "", ""),
    (r#"bash -c 'printf "%s\0" "a HOLE"'"#, "a ", ""),
    (r#"sh -c "sh -c 'printf \"%s\\0\" HOLE'""#, "", ""),
    (r#"X=HOLE sh -c 'printf "%s\0" "$X"'"#, "", ""),
];

/// Here documents, which end with a line end of their own.
const DOCUMENTS: [Place; 5] = [
    ("cat <<'EOF'\nHOLE\nEOF\nprintf '\\0'", "", "\n"),
    (
        "cat <<\"END OF\"\na\n$(id) `id` ${HOME} \\ HOLE b\n\nEND OF\nprintf '\\0'",
        "a\n$(id) `id` ${HOME} \\ ",
        " b\n\n",
    ),
    ("cat <<EOF\nHOLE\nEOF\nprintf '\\0'", "", "\n"),
    (
        "cat <<EOF\nDear HOLE,\n'quoted' \"text\"\nEOF\nprintf '\\0'",
        "Dear ",
        ",\n'quoted' \"text\"\n",
    ),
    ("if true; then\ncat <<'EOF'\nx HOLE\nEOF\nfi\nprintf '\\0'", "x ", "\n"),
];

/// Each hands the value to `r`.
const PYTHON: [Place; 16] = [
    (r#"r("HOLE")"#, "", ""),
    (r"r('a HOLE b\n')", "a ", " b\n"),
    (r#"r(u"HOLE")"#, "", ""),
    (r#"r(r"C:\d \HOLE")"#, r"C:\d \", ""),
    (r#"r("""HOLE""")"#, "", ""),
    ("r('''line\n\"HOLE\" ''')", "line\n\"", "\" "),
    (r#"r("a" 'HOLE' "b")"#, "a", "b"),
    (r#"r(f"{1 + 1} HOLE")"#, "2 ", ""),
    (r"r(f'HOLE {x!r:>3} b')", "", "   1 b"),
    (r#"r(f"""{x}"HOLE"{{}} """)"#, "1\"", "\"{} "),
    (r"r(F'{x}\n\x41HOLE\'')", "1\nA", "'"),
    (r#"r(f"HOLE")"#, "", ""),
    (r#"r("%s" % "HOLE")"#, "", ""),
    (r#"r({"k-v": "HOLE"}["k-v"])"#, "", ""),
    ("def f():\n    return 'HOLE'\nr(f())", "", ""),
    ("if x: r(('a'\n   'HOLE'))", "a", ""),
];

/// Each hands the value to `r`.
const JAVASCRIPT: [Place; 12] = [
    (r#"r("HOLE");"#, "", ""),
    (r"r('a HOLE b\n')", "a ", " b\n"),
    ("r(`HOLE`)", "", ""),
    ("r(`a\nHOLE`)", "a\n", ""),
    ("r(`${1 + 1} HOLE`)", "2 ", ""),
    ("r(`HOLE${x}`)", "", "1"),
    ("r(`$HOLE{x}${x} \\` \\${`)", "$", "{x}1 ` ${"),
    ("r(`${`${x}HOLE`}`)", "1", ""),
    ("r({'k-v': 'HOLE'}['k-v'])", "", ""),
    ("const f = () => { return \"HOLE\" }; r(f())", "", ""),
    ("const f = (a = 'HOLE') => a; r(f())", "", ""),
    ("for (const v of ['HOLE']) r(v)", "", ""),
];

/// Values that break what is put together without care.
static HOSTILE: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut values: Vec<String> = FRAGMENTS.iter().map(|&text| text.to_owned()).collect();
    let controls = (1..0x20).chain(0x7f..0xa0).filter_map(char::from_u32);
    values.extend(controls.clone().map(|c| format!("a{c}b")));
    values.push(controls.collect());
    values.push((' '..='~').collect());
    values.push(FRAGMENTS.concat());
    values.extend(["EOF", "a\nEOF", "\nEOF\n", "EOF\nid\n"].map(str::to_owned));
    values.push("'".repeat(15_000));
    values.push("x".repeat(60_000));
    values.push("é\u{1f642}$(id)`\"\\'\n".repeat(3_000));
    assert!(values.len() >= 220, "{}", values.len());
    values
});

const FRAGMENTS: [&str; 165] = [
    "",
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "a\rb",
    "a\r\nb",
    "\ta\t",
    " a b ",
    "a\n",
    "\na",
    "a\n\n\n",
    ";",
    "; id",
    "a; rm -rf ~ #",
    "&",
    "&& id",
    "& id &",
    "|",
    "| sh",
    "|| id",
    "(id)",
    "{ id; }",
    "!",
    "!!",
    "!$",
    "$(id)",
    "`id`",
    "$((1+1))",
    "${HOME}",
    "$HOME",
    "$x",
    "${other}",
    "$1",
    "$@",
    "$$",
    "$&",
    "$`",
    "$'",
    "$'a'",
    "$\"a\"",
    "$",
    "\\$",
    "${",
    "}",
    "${x",
    "#{x}",
    "#",
    "# x",
    "a#b",
    "'",
    "\"",
    "`",
    "''",
    "\"\"",
    "``",
    "'\"'",
    "\"'\"",
    "'\\''",
    "'; id; '",
    "\"; id; \"",
    "' || id || '",
    "'$(id)'",
    "\"$(id)\"",
    "it's",
    "say \"hi\"",
    "'''",
    "\"\"\"",
    "''';import os;'''",
    "\"\"\"+r('x')+\"\"\"",
    "\\",
    "\\\\",
    "\\\\\\",
    "a\\",
    "\\n",
    "\\'",
    "\\\"",
    "\\`",
    "\\\n",
    "a\\\nb",
    "\\x41",
    "\\u0041",
    "\\0",
    "\\N{DASH}",
    "{0}",
    "{x}",
    "{{x}}",
    "{",
    "{{",
    "}}",
    "{x!r}",
    "{r('y')}",
    "{__import__('os')}",
    "${r('y')}",
    "`+r('y')+`",
    "\");r('y');(\"",
    "');r('y');('",
    "\\\");r('y')//",
    "%s",
    "%d%n",
    "%",
    "%%",
    "%(x)s",
    "*",
    "?",
    "[a-z]*",
    "{a,b}",
    "{1..3}",
    "~",
    "~root",
    "~/x",
    "-",
    "--",
    "-rf",
    "-e",
    "-n",
    "--help",
    "=",
    "a=b",
    "PATH=/x",
    "<",
    ">",
    ">x",
    "<(id)",
    "2>&1",
    "<<EOF",
    "EOFX",
    " EOF",
    "EOF ",
    "</script><script>r('y')</script>",
    "<!--",
    "-->",
    "//",
    "/* */",
    "' OR '1'='1' --",
    "Robert'); DROP TABLE x;--",
    "{\"a\": \"b\", \"c\": [1, null]}",
    "\"}, {\"x\": \"",
    "é",
    "ü\u{308}",
    "e\u{301}\u{327}",
    "日本語",
    "\u{1f642}",
    "\u{1f468}\u{200d}\u{1f469}",
    "\u{202e}abc\u{202c}",
    "\u{200f}א\u{200e}",
    "\u{2066}x\u{2069}",
    "\u{2028}",
    "\u{2029}",
    "a\u{2028}b\u{2029}c",
    "\u{feff}",
    "\u{feff}a",
    "\u{ffff}",
    "\u{fffe}",
    "\u{10ffff}",
    "\u{fffd}",
    "\u{a0}",
    "\u{200b}",
    "\u{85}",
    "\u{7f}",
    "\u{1b}[31m",
    "\u{8}\u{8}",
];

/// A template with the one hole where `HOLE` stands in the code, found by the code's own shape.
fn template(language: TemplateLanguage, code: &str) -> Template {
    of_shape(&Shape::of(language, code).unwrap_or_else(|| panic!("not understood: {code}")))
}

fn of_shape(shape: &Shape) -> Template {
    let mut found = 0;
    let segments = shape.segments(&mut |_, value| {
        let (before, behind) = value.split_once(HOLE)?;
        found += 1;
        let text = |text: &str| Part::Text(text.to_owned());
        Some(vec![text(before), Part::Hole(0), text(behind)])
    });
    assert_eq!(found, 1, "the hole is no part of a literal: {shape:?}");
    let parameters = vec![Parameter::new("value", ParameterType::Text)];
    Template { language: shape.language(), segments, parameters }
}

/// The code of each value in each place, and what its program has to receive.
fn filled<'v>(
    language: TemplateLanguage,
    places: &[Place],
    values: impl Iterator<Item = &'v str> + Clone,
) -> (String, Vec<String>) {
    let (mut code, mut expected) = (String::new(), Vec::new());
    for (place, before, behind) in places {
        let template = template(language, place);
        for value in values.clone() {
            let rendered = template.render(&[value]).unwrap();
            // What JavaScript code declares is its block's.
            let (open, close) = if language == JavaScript { ("{", "}") } else { ("", "") };
            code.extend([open, &rendered, close, "\n"]);
            expected.push(format!("{before}{value}{behind}"));
        }
    }
    (code, expected)
}

/// A program as it is found without the wrappers that version managers put before it.
fn program(name: &str) -> PathBuf {
    static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
        let mut command = Command::new("python3");
        let output = command.args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().into()
    });
    if name == "python3" { PYTHON.clone() } else { name.into() }
}

/// Whether the machine has an interpreter. Where `SKVM_TEST_ALL` is set it must have it.
fn has(interpreter: &str) -> bool {
    let found = Command::new(interpreter).args(["-c", "0"]).output().is_ok();
    assert!(found || std::env::var_os("SKVM_TEST_ALL").is_none(), "there is no {interpreter}");
    found
}

fn run(name: &str, code: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("code");
    fs::write(&file, code).unwrap();
    let python = program("python3");
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", python.parent().unwrap().display());
    let mut command = Command::new(program(name));
    command.arg(&file).current_dir(folder.path()).env("HOME", HOME).env("PATH", path);
    let output = command.output().unwrap();
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "something was written by {name}");
    output
}

/// What the arguments of a shell's programs are, by the NUL behind each.
fn received_in_shell(shell: &str, code: &str) -> Vec<String> {
    let output = run(shell, code);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.stderr.is_empty(), "{shell}: {}", told.chars().take(500).collect::<String>());
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed = printed.strip_suffix('\0').unwrap_or(&printed);
    printed.split('\0').map(str::to_owned).collect()
}

/// What `r` was called with.
fn received(language: TemplateLanguage, code: &str) -> Vec<String> {
    let (program, before, behind) = match language {
        Python => {
            ("python3", "import json\nx, out = 1, []\nr = out.append", "print(json.dumps(out))")
        }
        _ => (
            "node",
            "const x = 1, out = [], r = v => out.push(v);",
            "console.log(JSON.stringify(out))",
        ),
    };
    let output = run(program, &format!("{before}\n{code}\n{behind}\n"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {}", told.chars().take(2000).collect::<String>());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn assert_received(received: &[String], expected: &[String], what: &str) {
    for (index, (received, expected)) in received.iter().zip(expected).enumerate() {
        assert_eq!(received, expected, "{what}: number {index}");
    }
    assert_eq!(received.len(), expected.len(), "{what}");
}

/// The shells of this machine. Where `SKVM_TEST_ALL` is set both must be there.
fn shells() -> impl Iterator<Item = &'static str> {
    ["dash", "bash"].into_iter().filter(|shell| has(shell)).chain(["sh"]).take(2)
}

fn hostile() -> impl Iterator<Item = &'static str> + Clone {
    HOSTILE.iter().map(String::as_str)
}

/// Those of the values that have no line by which the here documents here end.
fn bodies<'v>(
    values: impl Iterator<Item = &'v str> + Clone,
) -> impl Iterator<Item = &'v str> + Clone {
    values.filter(|value| {
        value
            .split(['\n', '\r'])
            .all(|line| line != "EOF" && (line.is_ascii() || !line.starts_with('E')))
    })
}

/// Some of the hostile values, where each costs a process.
fn some(every: usize) -> impl Iterator<Item = &'static str> + Clone {
    hostile().filter(|value| value.len() < 10_000).step_by(every)
}

#[test]
fn shells_receive_exactly_the_value() {
    let (code, expected) = filled(Shell, &SHELL, hostile());
    for shell in shells() {
        assert_received(&received_in_shell(shell, &code), &expected, shell);
    }
}

#[test]
fn code_within_shell_code_receives_exactly_the_value() {
    for (number, shell) in shells().enumerate() {
        let values = some(2).skip(number);
        let (code, expected) = filled(Shell, &SHELL_WITH_PROCESSES, values);
        assert_received(&received_in_shell(shell, &code), &expected, shell);
    }
}

#[test]
fn here_documents_hold_exactly_the_value() {
    for shell in shells() {
        let (code, expected) = filled(Shell, &DOCUMENTS, bodies(some(1)));
        assert_received(&received_in_shell(shell, &code), &expected, shell);
    }
}

/// Python code in each place where a shell's user writes it.
const PYTHON_IN_SHELL: [&str; 4] = [
    r#"python3 -c 'import sys; sys.stdout.write("HOLE" + chr(0))'"#,
    r#"python3 -c "import sys; x = 'HOLE'; sys.stdout.write(f'{x}' + chr(0))""#,
    "python3 <<'EOF'\nimport sys\nsys.stdout.write(f\"{''}HOLE\" + chr(0))\nEOF",
    "python3 - <<EOF\nimport sys\nsys.stdout.write('HOLE' + chr(0))\nEOF",
];

#[test]
fn python_in_shell_code_receives_exactly_the_value() {
    if !has("python3") {
        return;
    }
    for (number, code) in PYTHON_IN_SHELL.into_iter().enumerate() {
        let template = template(Shell, code);
        let is_code = |segment: &Segment| {
            matches!(segment, Segment::Literal(Literal { content: LiteralContent::Code(_), .. }))
        };
        assert!(template.segments.iter().any(is_code), "{code}");
        let values = bodies(some(8)).skip(number);
        let printed: Vec<String> = values.clone().map(str::to_owned).collect();
        let utf8 = "PYTHONIOENCODING=utf-8\nexport PYTHONIOENCODING\n".to_owned();
        let code =
            values.fold(utf8, |code, value| code + &template.render(&[value]).unwrap() + "\n");
        let shell = shells().nth(number % 2).unwrap();
        assert_received(&received_in_shell(shell, &code), &printed, shell);
    }
}

#[test]
fn a_redirect_writes_the_file_of_that_name() {
    let template = template(Shell, "printf x > HOLE");
    let mut names: Vec<&str> = hostile()
        .filter(|v| !v.is_empty() && !v.contains('/') && v.len() < 200 && !matches!(*v, "." | ".."))
        .collect();
    names.sort_unstable();
    names.dedup();
    for shell in shells() {
        let folder = tempfile::tempdir().unwrap();
        let code: String = names.iter().map(|n| template.render(&[n]).unwrap() + "\n").collect();
        let output = Command::new(shell).args(["-c", &code]).current_dir(folder.path()).output();
        assert!(output.unwrap().stderr.is_empty());
        assert_eq!(crate::samples::names_in(folder.path()), names, "{shell}");
    }
}

#[test]
fn python_receives_exactly_the_value() {
    if has("python3") {
        let (code, expected) = filled(Python, &PYTHON, hostile());
        assert_received(&received(Python, &code), &expected, "python3");
    }
}

#[test]
fn node_receives_exactly_the_value() {
    if has("node") {
        let (code, expected) = filled(JavaScript, &JAVASCRIPT, hostile());
        assert_received(&received(JavaScript, &code), &expected, "node");
    }
}

/// The arguments of a tool call whose command prints the value.
fn call() -> Shape {
    let call = json!({"command": r#"printf '%s\0' "a HOLE""#, "timeout": 5, "x": ["y", null]});
    of_call(&call)
}

fn of_call(call: &Value) -> Shape {
    let code = |key: &str| if key == "command" { Argument::Code(Shell) } else { Argument::Data };
    Shape::of_json(call, &|key, _| code(key)).unwrap()
}

#[test]
fn json_holds_exactly_the_value() {
    let plain = template(Json, r#"{"a": ["HOLE b", 1, true], "c": {"d": -2.5}}"#);
    for value in hostile() {
        let read: Value = serde_json::from_str(&plain.render(&[value]).unwrap()).unwrap();
        assert_eq!(read, json!({"a": [format!("{value} b"), 1, true], "c": {"d": -2.5}}));
    }
    let documents: Vec<String> = hostile().map(|v| plain.render(&[v]).unwrap()).collect();
    let expected: Vec<String> = hostile().map(|value| format!("{value} b")).collect();
    let documents = serde_json::to_string(&documents).unwrap();
    if has("node") {
        let code = format!("for (const d of {documents}) r(JSON.parse(d).a[0])");
        assert_received(&received(JavaScript, &code), &expected, "node");
    }
    if has("python3") {
        let code = format!("for d in {documents}: r(json.loads(d)['a'][0])");
        assert_received(&received(Python, &code), &expected, "python3");
    }
}

/// JSON in shell code. Each prints it with a NUL behind it; the value is in `/a`.
const JSON_IN_SHELL: [&str; 6] = [
    r#"printf '%s\0' '{"a": "HOLE", "n": 12345678901234567890}'"#,
    r#"printf '%s\0' "{ \"n\": 1.10,\"a\":\"HOLE\" }""#,
    r#"f() { printf '%s\0' "${1#--x=}"; }; f --x='{"z": [null], "a": "x HOLE", "a\u0062": "\u00e9"}'"#,
    r#"sh -c "printf '%s\0' '{\"a\": \"HOLE\"}'""#,
    "cat <<'EOF'\n{\n  \"a\": \"HOLE\"\n}\nEOF\nprintf '\\0'",
    "cat <<EOF\n{\n  \"a\": \"HOLE\", \"b\": \"\\$x\"\n}\nEOF\nprintf '\\0'",
];

#[test]
fn json_in_shell_code_holds_exactly_the_value() {
    for (number, place) in JSON_IN_SHELL.into_iter().enumerate() {
        let template = template(Shell, place);
        let values = some(5).skip(number);
        let code: String = values.clone().map(|v| template.render(&[v]).unwrap() + "\n").collect();
        let shell = shells().nth(number % 2).unwrap();
        let documents = received_in_shell(shell, &code);
        assert_eq!(documents.len(), values.clone().count(), "{place}");
        for (document, value) in documents.iter().zip(values) {
            let read: Value = serde_json::from_str(document).unwrap();
            assert!(read["a"].as_str().unwrap().ends_with(value), "{place}: {document}");
        }
    }
}

#[test]
fn json_in_shell_code_stays_as_it_is_besides_the_values() {
    let template = template(Shell, JSON_IN_SHELL[0]);
    let rendered = template.render(&["it's \"x\""]).unwrap();
    let expected = r#"printf '%s\0' '{"a": "it'\''s \"x\"", "n": 12345678901234567890}'"#;
    assert_eq!(rendered, expected);
    let values = |code: &str| {
        let shape = Shape::of(Shell, code).unwrap();
        shape.values().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(values(r#"x '{"b": 1.10, "a": [true, "c"], "b": 1e40}'"#), ["1.10", "c", "1e40"]);
    for text in ["{}", "[null]", "{a: 1}", "{\"a\": 1} x", "\"a\"", "1", "[1,]"] {
        let code = format!("x '{text}'");
        assert_eq!(values(&code), [text]);
    }
}

#[test]
fn the_command_of_a_tool_call_receives_exactly_the_value() {
    let template = of_shape(&call());
    let (mut code, mut expected) = (String::new(), Vec::new());
    for value in hostile() {
        let read: Value = serde_json::from_str(&template.render(&[value]).unwrap()).unwrap();
        code.extend([read["command"].as_str().unwrap(), "\n"]);
        expected.push(format!("a {value}"));
    }
    for shell in shells() {
        assert_received(&received_in_shell(shell, &code), &expected, shell);
    }
}

/// Every place of every language.
fn places() -> impl Iterator<Item = (TemplateLanguage, &'static str)> {
    let shell = SHELL.iter().chain(&SHELL_WITH_PROCESSES).chain(&DOCUMENTS);
    shell
        .map(|(code, ..)| (Shell, *code))
        .chain(PYTHON_IN_SHELL.map(|code| (Shell, code)))
        .chain(JSON_IN_SHELL.map(|code| (Shell, code)))
        .chain(PYTHON.iter().map(|(code, ..)| (Python, *code)))
        .chain(JAVASCRIPT.iter().map(|(code, ..)| (JavaScript, *code)))
}

/// How what is rendered is read as other code, or as code with other values. The grammar finds the end of some
/// here documents elsewhere than shells do; such code is another one or none, but never the same with other values.
fn misread(code: &str, shape: &Shape, value: &str) -> Option<String> {
    // What a here document begins with is not in the grammar's tree when it is white.
    if code.contains("<<") && value.starts_with(|c: char| c.is_whitespace() || c == '\\') {
        return None;
    }
    let rendered = of_shape(shape).render(&[value]).unwrap();
    let read = match shape.language() {
        Json => Some(of_call(&serde_json::from_str(&rendered).unwrap())),
        language => Shape::of(language, &rendered),
    };
    let same = read.as_ref().is_some_and(|read| read.fingerprint() == shape.fingerprint());
    let expected: Vec<String> = shape.values().map(|it| it.replace(HOLE, value)).collect();
    let values: Vec<&str> = read.iter().flat_map(Shape::values).collect();
    let is_wrong = if same { values != expected } else { !code.contains("<<") };
    is_wrong.then(|| format!("{code} as {rendered}: {same}, {values:?}"))
}

#[test]
fn what_is_rendered_has_the_same_shape_and_the_values() {
    // Options and JSON are structure: with them, it is another call. So is whether an interpolated string has a text.
    let values = || {
        bodies(some(1)).filter(|it| {
            let is_json =
                serde_json::from_str(it).is_ok_and(|it: Value| it.is_object() || it.is_array());
            let is_structure = it.starts_with('-') || is_json;
            !is_structure && !it.is_empty() && it.len() < 500
        })
    };
    let mut wrong = Vec::new();
    for (language, code) in places() {
        let shape = Shape::of(language, code).unwrap();
        wrong.extend(values().filter_map(|value| misread(code, &shape, value)));
    }
    wrong.extend(values().filter_map(|value| misread("a call", &call(), value)));
    assert!(wrong.is_empty(), "{} values\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_value_that_would_be_an_option_changes_the_fingerprint() {
    let shape = Shape::of(Shell, "git show HOLE").unwrap();
    let fingerprint = |value: &str| {
        Shape::of(Shell, &of_shape(&shape).render(&[value]).unwrap()).unwrap().fingerprint()
    };
    assert_eq!(fingerprint("a1b2"), shape.fingerprint());
    assert_ne!(fingerprint("--output=/etc/passwd"), shape.fingerprint());
}

#[test]
fn nul_is_refused_in_every_place() {
    for (language, code) in places() {
        for value in ["\0", "a\0b", "$(id)\0"] {
            let source = ValueError::Nul;
            let error = RenderError::Value { parameter: "value".into(), source };
            assert_eq!(template(language, code).render(&[value]), Err(error));
        }
    }
    assert!(of_shape(&call()).render(&["\0"]).is_err());
}

#[test]
fn a_value_that_ends_its_here_document_is_refused() {
    let ends = [
        "E\u{a1}",
        "EO\u{a1}F",
        "EOF",
        "a\nEOF",
        "EOF\nid\n",
        "a\nEOF\nb",
        "EOF\r",
        "a\r\nEOF\r\nb",
        "\nEOF\n",
    ];
    let stays = ["EOFX", " EOF", "EOF ", "\tEOF", "a EOF", "eof", "\"EOF\"", "EOF\\"];
    for code in ["cat <<'EOF'\nHOLE\nEOF\n", "cat <<EOF\nHOLE\nEOF\n"] {
        let template = template(Shell, code);
        for value in ends {
            let error = RenderError::EndsDocument { delimiter: "EOF".into() };
            assert_eq!(template.render(&[value]), Err(error), "{value:?}");
        }
        for value in stays {
            assert!(template.render(&[value]).is_ok(), "{value:?}");
        }
    }
    // The line is put together of the value and what stands around it.
    let split = template(Shell, "cat <<'EOF'\nEHOLEF\nEOF\n");
    assert!(split.render(&["O"]).is_err() && split.render(&["0"]).is_ok());
    // What is written has no such line.
    let python = template(Shell, "python3 - <<'EOF'\nprint('''HOLE''')\nEOF\n");
    let rendered = python.render(&["\nEOF\n"]).unwrap();
    assert_eq!(rendered, "python3 - <<'EOF'\nprint('\\nEOF\\n')\nEOF\n");
}

#[test]
fn a_document_ends_by_what_is_written_and_not_by_what_is_meant() {
    let document = |delimiter: &str| Template {
        language: Shell,
        segments: vec![Segment::Literal(Literal {
            form: LiteralForm::HereDocument { delimiter: delimiter.into(), expands: true },
            content: LiteralContent::Parts(vec![Part::Hole(0)]),
        })],
        parameters: vec![Parameter::new("value", ParameterType::Text)],
    };
    assert!(document("\\$END").render(&["$END"]).is_err());
    assert!(document("$END").render(&["a"]).is_ok());
}

/// What a number in a place comes to.
type Result = fn(f64) -> f64;

/// Places where a number stands instead of the 7.
const NUMBERS: [(TemplateLanguage, &str, Result); 14] = [
    (Python, "r(7)", |n| n),
    (Python, "r(x - 7)", |n| 1.0 - n),
    (Python, "r(x-7)", |n| 1.0 - n),
    (Python, "r(x -7)", |n| 1.0 - n),
    (Python, "r(-7)", |n| n),
    (Python, "r(- -7)", |n| -n),
    (Python, "r(2 if x>7 else 3)", |n| if 1.0 > n { 2.0 } else { 3.0 }),
    (Python, "r([7,1][0])", |n| n),
    (JavaScript, "r(7)", |n| n),
    (JavaScript, "r(x - 7)", |n| 1.0 - n),
    (JavaScript, "r(x-7)", |n| 1.0 - n),
    (JavaScript, "r(- -7)", |n| -n),
    (JavaScript, "r(x*7)", |n| n),
    (JavaScript, "r({a: 7}.a)", |n| n),
];

/// A template with a hole where the 7 stands.
fn number_template(language: TemplateLanguage, code: &str) -> Template {
    let shape = Shape::of(language, code).unwrap();
    let segments =
        shape.segments(&mut |_, value| matches!(value, "7" | "-7").then(|| vec![Part::Hole(0)]));
    let parameters = vec![Parameter::new("n", ParameterType::Number)];
    Template { language, segments, parameters }
}

#[test]
fn numbers_stand_where_numbers_do_with_their_sign() {
    for (language, interpreter) in [(Python, "python3"), (JavaScript, "node")] {
        if !has(interpreter) {
            continue;
        }
        let (mut code, mut expected) = (String::new(), Vec::new());
        for (_, place, result) in NUMBERS.iter().filter(|(it, ..)| *it == language) {
            let template = number_template(language, place);
            for number in ["0", "-0", "7", "-7", "12", "-1.5", "0.25", "1e3", "-2E-2", "3e+2"] {
                code.extend([&template.render(&[number]).unwrap(), "\n"]);
                expected.push(result(number.parse().unwrap()));
            }
        }
        code.push_str(match language {
            Python => "out = [repr(float(v)) for v in out]",
            _ => "out.forEach((v, i) => { out[i] = String(v) })",
        });
        let received = received(language, &code);
        let received: Vec<f64> = received.iter().map(|number| number.parse().unwrap()).collect();
        assert_eq!(received, expected);
    }
}

#[test]
fn what_is_no_number_stands_in_no_place_of_one() {
    let refused = [
        "",
        " ",
        "1 ",
        " 1",
        "+1",
        "01",
        "-",
        "--1",
        "1.",
        ".5",
        "1e",
        "e1",
        "1e1.5",
        "0x10",
        "0b1",
        "1_000",
        "1,5",
        "Infinity",
        "NaN",
        "1;2",
        "1)",
        "1+1",
        "1\n",
        "1\n2",
        "${x}",
        "$(id)",
        "\u{661}",
        "\u{ff11}",
        "\u{bd}",
        "1n",
        "1j",
        "\u{2212}1",
    ];
    for (language, code, _) in NUMBERS {
        let typed = number_template(language, code);
        let text = vec![Parameter::new("n", ParameterType::Text)];
        let untyped = Template { parameters: text, ..typed.clone() };
        for value in refused.into_iter().chain(some(1).filter(|v| v.parse::<f64>().is_err())) {
            assert!(matches!(typed.render(&[value]), Err(RenderError::Value { .. })), "{value:?}");
            assert_eq!(untyped.render(&[value]), Err(RenderError::NotANumber), "{value:?}");
        }
    }
}

#[test]
fn types_refuse_what_is_none_of_theirs() {
    use ParameterType::{Path, Secret, Text, Url};
    let cases = [
        (Text, "", true),
        (Text, "\n\t\u{1b}", true),
        (Secret, "s3cr3t'\"", true),
        (Path, "a b/\u{fc}.csv", true),
        (Path, "", false),
        (Path, "a\nb", false),
        (Url, "https://example.org/a?b=c&d", true),
        (Url, "git+ssh://x", true),
        (Url, "example.org", false),
        (Url, "https://", false),
        (Url, "://x", false),
        (Url, "1a://x", false),
        (Url, "https://a b", false),
        (Url, "https://a\u{2028}b", false),
        (Url, "-o x://y", false),
    ];
    for (kind, value, fits) in cases {
        assert_eq!(kind.check(value).is_ok(), fits, "{kind:?} {value:?}");
    }
}

#[test]
fn what_is_too_long_is_refused_before_it_is_written() {
    let template = template(Shell, "printf '%s' HOLE");
    assert!(template.render(&["x".repeat(MAX_VALUE_BYTES)]).is_ok());
    let bytes = MAX_VALUE_BYTES + 1;
    let source = ValueError::TooLong { bytes };
    let error = RenderError::Value { parameter: "value".into(), source };
    assert_eq!(template.render(&["x".repeat(bytes)]), Err(error));
    let holes = vec![Part::Hole(0); 2 * MAX_RENDERED_BYTES / MAX_VALUE_BYTES];
    let literal = Literal { form: LiteralForm::Quoted, content: LiteralContent::Parts(holes) };
    let many = Template { segments: vec![Segment::Literal(literal)], ..template };
    assert_eq!(many.render(&["x".repeat(MAX_VALUE_BYTES)]), Err(RenderError::TooLong));
}

#[test]
fn the_number_of_values_is_that_of_the_parameters() {
    let template = template(Shell, "ls HOLE");
    assert_eq!(template.render::<&str>(&[]), Err(RenderError::Count { parameters: 1, values: 0 }));
    assert_eq!(template.render(&["a", "b"]), Err(RenderError::Count { parameters: 1, values: 2 }));
}

#[test]
fn damaged_templates_are_refused() {
    let of = |language, form, content| Template {
        language,
        segments: vec![Segment::Literal(Literal { form, content })],
        parameters: vec![Parameter::new("value", ParameterType::Text)],
    };
    let hole = |index| LiteralContent::Parts(vec![Part::Hole(index)]);
    let document = LiteralForm::HereDocument { delimiter: "EOF".into(), expands: true };
    let nested = (0..20).fold(hole(0), |content, _| {
        let segments = vec![Segment::Literal(Literal { form: LiteralForm::Quoted, content })];
        LiteralContent::Code(EmbeddedCode { language: Shell, segments })
    });
    for damaged in [
        of(Shell, LiteralForm::Quoted, hole(1)),
        of(Shell, LiteralForm::Number, hole(0)),
        of(Shell, LiteralForm::Interpolated, hole(0)),
        of(Json, LiteralForm::Interpolated, hole(0)),
        of(Python, document.clone(), hole(0)),
        of(JavaScript, document, hole(0)),
        of(Shell, LiteralForm::Quoted, nested),
    ] {
        assert_eq!(damaged.render(&["1"]), Err(RenderError::Damaged), "{damaged:?}");
    }
}

/// Places that look like ones for a value and are none: what stands there is read twice, or not as a text.
const TRAPS: &[(TemplateLanguage, &str)] = &[
    (Shell, r#"echo "${x:-HOLE}""#),
    (Shell, "echo ${x:-HOLE}"),
    (Shell, r#"echo "${x#HOLE}""#),
    (Shell, r#"echo "${x/a/HOLE}""#),
    (Shell, r#"eval "cat HOLE""#),
    (Shell, "eval cat HOLE"),
    (Shell, r#"bash -lc "cat HOLE $x""#),
    (Shell, r#"python3 -c "print('$x', 'HOLE')""#),
    (Shell, r#"trap "rm HOLE" EXIT"#),
    (Shell, "HOLE x"),
    // Numbers that the shell works out, and what it puts into them.
    (Shell, "let x=HOLE"),
    (Shell, "x[HOLE]=1"),
    (Shell, "echo $((HOLE + 1))"),
    (Shell, "echo ${x[HOLE]}"),
    (Shell, "echo ${x:HOLE:1}"),
    (Shell, "(( x > HOLE ))"),
    (Shell, "for ((i = 0; i < HOLE; i++)); do :; done"),
    (Shell, "[[ x -eq HOLE ]]"),
    (Shell, r#"[[ "HOLE" -gt 3 && -f y ]]"#),
    (Shell, "[ HOLE -lt 3 ]"),
    (Shell, "test HOLE -ne 3"),
    (Shell, "[[ -v HOLE ]]"),
    (Shell, "declare -i x=HOLE"),
    (Shell, "declare 'HOLE'"),
    (Shell, "unset 'HOLE'"),
    (Shell, "printf -v 'HOLE' x"),
    (Shell, "x=HOLE; [[ $x -eq 1 ]]"),
    (Shell, "x=HOLE; y=\"$x\"; echo $((y + 1))"),
    (Shell, "x=HOLE; echo ${a:x}"),
    (Shell, "x=HOLE; echo ${!x}"),
    (Shell, "for x in 1 HOLE; do (( x > 1 )); done"),
    // Variables and arguments on their way to a shell.
    (Shell, "x=HOLE; eval \"$x\""),
    (Shell, "x=$(echo HOLE); eval \"cat $x\""),
    (Shell, "x=HOLE; bash -c \"cat $x\""),
    (Shell, "x=HOLE; ssh host \"cat $x\""),
    (Shell, "x=HOLE; python3 <<EOF\nprint('$x')\nEOF"),
    (Shell, "X=HOLE bash -c 'eval \"$X\"'"),
    (Shell, "bash -c 'eval \"$1\"' _ HOLE"),
    (Shell, "f() { eval \"$1\"; }; f HOLE"),
    (Shell, "f() { local x=\"$2\"; (( x > 1 )); }; f a HOLE"),
    (Shell, "set -- HOLE; eval \"$@\""),
    (Shell, "echo HOLE | while read -r x; do eval \"$x\"; done"),
    (Shell, "echo HOLE | sh"),
    (Shell, "echo HOLE | (cd x; sh)"),
    (Shell, "echo HOLE | { sudo bash -s; } 2>&1"),
    (Shell, "bash <(echo HOLE)"),
    (Shell, "eval \"$(cat <<'EOF'\nHOLE\nEOF\n)\""),
    (Shell, "{ cat; psql; } <<EOF\nHOLE\nEOF"),
    (Shell, "echo HOLE | tee x | ssh host"),
    (Shell, "echo HOLE | sqlite3 x.db"),
    (Shell, "echo HOLE | xargs -I{} sh -c 'cat {}'"),
    (Shell, "echo HOLE | tee x.sh"),
    (Shell, "echo HOLE > x.py"),
    (Shell, "echo \"export X=HOLE\" >> ~/.bashrc"),
    (Shell, "echo X=HOLE > .env"),
    (Shell, "cat >> ~/.profile <<EOF\nexport X=HOLE\nEOF"),
    (Shell, "cat <<EOF > x.sql\nSELECT HOLE\nEOF"),
    (Shell, "while read -r x; do eval \"$x\"; done <<EOF\nHOLE\nEOF"),
    (Shell, "xargs -I{} bash -c 'cat {}' <<EOF\nHOLE\nEOF"),
    (Shell, "python3 -c 'import sys; exec(sys.argv[1])' HOLE"),
    (Shell, "python3 -c 'import os; os.system(\"cat HOLE\")'"),
    // Commands within texts.
    (Shell, "echo `cat HOLE`"),
    (Shell, r#"echo "`cat HOLE`""#),
    (Shell, "echo `sh -c 'cat HOLE'`"),
    (Shell, "cat <<EOF\n$(cat HOLE)\nEOF"),
    (Shell, "cat <<EOF\na $(cat \"HOLE\")\nEOF"),
    (Shell, r#"xargs -I@ sh -c "cat HOLE""#),
    (Shell, r#"xargs sudo sh -c "cat HOLE""#),
    (Shell, r#"find . -exec sh -c "cat HOLE" \;"#),
    // Programs that run what they are given.
    (Shell, r#"ssh host "cat HOLE""#),
    (Shell, "ssh host cat HOLE"),
    (Shell, "ssh -i HOLE host"),
    (Shell, "sudo ssh HOLE"),
    (Shell, "sudo -n ssh host HOLE"),
    (Shell, "sudo -u \"$X\" ssh host HOLE"),
    (Shell, "S='ssh -4'; $S host HOLE"),
    (Shell, "sshpass -p x ssh host HOLE"),
    (Shell, "busybox sh -c HOLE"),
    (Shell, "strace -f bash -c 'cat HOLE'"),
    (Shell, "\"$BIN/psql\" -c HOLE"),
    (Shell, "PAGER='HOLE' git log"),
    (Shell, "env GIT_SSH_COMMAND='HOLE' git fetch"),
    (Shell, "ssh host <<EOF\ncat HOLE\nEOF"),
    (Shell, r#"su -c "cat HOLE" me"#),
    (Shell, r#"docker exec box sh -c "cat HOLE""#),
    (Shell, "docker exec -it HOLE ls"),
    (Shell, "docker run --name HOLE image"),
    (Shell, "docker compose exec web cat HOLE"),
    (Shell, "kubectl -n x exec pod -- cat HOLE"),
    (Shell, "podman run --rm -v HOLE:/x image"),
    (Shell, "tmux send-keys -t x 'HOLE' Enter"),
    (Shell, "watch -n 5 ls HOLE"),
    (Shell, "ls | parallel cat HOLE"),
    (Shell, "osascript -e 'say \"HOLE\"'"),
    (Shell, "osascript x.scpt HOLE"),
    (Shell, "psql -c HOLE"),
    (Shell, "psql -d HOLE"),
    (Shell, "psql <<EOF\nHOLE\nEOF"),
    (Shell, "mysql -e \"HOLE\""),
    (Shell, "bc <<< HOLE"),
    (Shell, "make 'X=HOLE'"),
    // Programs that read a program first.
    (Shell, r#"sed "s/a/HOLE/" x"#),
    (Shell, "sed -n 'HOLE' x"),
    (Shell, "sed -i '' 'HOLE' x"),
    (Shell, "sed -i .bak 'HOLE' x"),
    (Shell, "sed -e 's/a/b/' -e 'HOLE' x"),
    (Shell, "sed --expression='HOLE' x"),
    (Shell, "sed --unknown a 'HOLE' x"),
    (Shell, "sed \"s/$x/HOLE/\" x"),
    (Shell, "awk '/HOLE/ {print}' x"),
    (Shell, "awk -F , 'HOLE' x"),
    (Shell, "awk -v x=1 'HOLE' x"),
    (Shell, "awk -v HOLE 1 x"),
    (Shell, "/usr/bin/awk 'HOLE' x"),
    (Shell, "jq HOLE x.json"),
    (Shell, "jq --arg x y 'HOLE' x.json"),
    (Shell, "jq --arg x y -r \".[] | HOLE\" x.json"),
    (Shell, "yq eval '.a = \"HOLE\"' x.yml"),
    (Shell, "yq eval HOLE x.yml"),
    (Shell, "yq -i eval HOLE x.yml"),
    (Shell, "yq r x.yml 'HOLE'"),
    (Shell, "sqlite3 x.db 'HOLE'"),
    (Shell, "sqlite3 -header x.db 'HOLE'"),
    (Shell, r#"perl -pe "s/a/HOLE/" x"#),
    (Shell, "perl -pe 1 'HOLE'"),
    (Shell, "perl -e 1 -e 'HOLE'"),
    (Shell, "ruby -e 'puts 1' HOLE"),
    (Shell, "node -e '1' -r ./HOLE"),
    (Shell, "python3 -m timeit 'HOLE'"),
    // Options and sub-commands by which other programs run texts.
    (Shell, "git -c alias.x=HOLE x"),
    (Shell, "git config alias.x HOLE"),
    (Shell, "git rebase --exec 'HOLE' main"),
    (Shell, "env -S 'HOLE x'"),
    (Shell, "env --split-string='HOLE x'"),
    (Shell, "tar cf x.tar --checkpoint-action=HOLE y"),
    (Shell, "rsync -e 'HOLE' a b"),
    (Shell, "adb shell HOLE"),
    // Texts of other languages.
    (Shell, "curl -d '{\"a\": \"HOLE\"' x"),
    (Shell, "curl -d \"{\\\"a\\\": \\\"$X\\\", \\\"b\\\": \\\"HOLE\\\"}\" x"),
    (Shell, "cat <<EOF\n{\"a\": \"$X HOLE\"}\nEOF"),
    (Shell, "run \"SELECT * FROM t WHERE a = 'HOLE'\""),
    (Shell, "run \"<a>HOLE</a>\""),
    (Python, "r(b'HOLE')"),
    (Python, "db.execute(\"SELECT * FROM t WHERE a = 'HOLE'\")"),
    (Python, "db.execute(f\"SELECT {x} FROM HOLE\")"),
    (Python, "r(f'{{\"a\": \"{x} HOLE\"}}')"),
    (Python, "import os\nx = 'HOLE'\nos.system(f'cat {x}')"),
    (Python, "from os import system as s\ns('cat HOLE')"),
    (Python, "subprocess.run('cat HOLE', shell=True)"),
    (Python, "subprocess.run(['bash', '-c', 'cat HOLE'])"),
    (Python, "subprocess.run(['python3', '-c', 'HOLE'])"),
    (Python, "subprocess.run(['HOLE', 'x'])"),
    (Python, "subprocess.run('cat HOLE'.split())"),
    (Python, "subprocess.check_output(shlex.split(f'cat {x} HOLE'))"),
    (Python, "os.popen('cat HOLE')"),
    (Python, "subprocess.getoutput('cat HOLE')"),
    (Python, "exec('HOLE')"),
    (Python, "eval('HOLE')"),
    (Python, "compile('HOLE', 'x', 'exec')"),
    (Python, "importlib.import_module('HOLE')"),
    (Python, "__import__('HOLE')"),
    (Python, "page.evaluate('HOLE')"),
    (Python, "frame.query('HOLE')"),
    (Python, "render_template_string('HOLE')"),
    (Python, "client.exec_command('cat HOLE')"),
    (JavaScript, "r(<a title=\"HOLE\"/>)"),
    (JavaScript, "r(<a>HOLE</a>)"),
    (JavaScript, "const x = 'HOLE'; execSync(`cat ${x}`)"),
    (JavaScript, "const {exec: run} = require('child_process'); run('cat HOLE')"),
    (JavaScript, "spawn('cat HOLE', {shell: true})"),
    (JavaScript, "spawn('sh', ['-c', 'cat HOLE'])"),
    (JavaScript, "spawn('HOLE', ['x'])"),
    (JavaScript, "eval('HOLE')"),
    (JavaScript, "new Function('HOLE')"),
    (JavaScript, "x.innerHTML = 'HOLE'"),
    (JavaScript, "vm.runInNewContext('HOLE')"),
    (JavaScript, "setTimeout('HOLE', 1)"),
    (JavaScript, "const m = 'HOLE'; import(m)"),
    (JavaScript, "db.query(`SELECT ${x} FROM HOLE`)"),
];

/// Places of data, some of them right beside a trap.
const DATA: &[(TemplateLanguage, &str)] = &[
    (Shell, "awk '{print $1}' HOLE"),
    (Shell, "awk -F, '{print $1}' \"a b/HOLE\""),
    (Shell, "sed -n 1p HOLE"),
    (Shell, "sed -i 's/a/b/' HOLE"),
    (Shell, "sed -i '' 's/a/b/' HOLE"),
    (Shell, "sed -e 's/a/b/' -e 1d HOLE"),
    (Shell, "jq -r .a HOLE"),
    (Shell, "jq --arg x y .a HOLE"),
    (Shell, "yq eval .a HOLE"),
    (Shell, "sqlite3 HOLE 'SELECT 1'"),
    (Shell, "grep -- HOLE x"),
    (Shell, "grep -r \"HOLE\" ."),
    (Shell, "curl https://x/HOLE -o HOLE.json"),
    (Shell, "python3 x.py HOLE"),
    (Shell, "perl x.pl HOLE"),
    (Shell, "find . -name HOLE -exec cat {} +"),
    (Shell, "ls | xargs grep HOLE"),
    (Shell, "docker build -t HOLE ."),
    (Shell, "kubectl -n HOLE get pods"),
    (Shell, "git commit -m HOLE"),
    (Shell, "git show HOLE"),
    (Shell, r#"sudo sh -c "cat HOLE""#),
    (Shell, r#"env X=1 bash -c "cat HOLE""#),
    (Shell, r#"timeout 5 bash -lc "cat HOLE""#),
    (Shell, "bash -c 'cat \"$1\"' _ HOLE"),
    (Shell, "f() { cat \"$1\"; }; f HOLE"),
    (Shell, "x=HOLE; cat \"$x\""),
    (Shell, "x=HOLE; echo ${x:0:8}"),
    (Shell, "n=1; n=$((n + 1)); cat HOLE"),
    (Shell, "[[ $n -eq 1 && -f HOLE ]]"),
    (Shell, "[ \"$x\" = HOLE ]"),
    (Shell, "for ((i = 0; i < 3; i++)); do cat HOLE; done"),
    (Shell, "echo HOLE | grep x"),
    (Shell, "sh x.sh | grep HOLE"),
    (Shell, "psql -c 'SELECT 1' > HOLE"),
    (Shell, "x=`id`; cat HOLE"),
    (Shell, "python3 x.py HOLE > y.py"),
    (Shell, "echo HOLE > x.txt"),
    (Shell, "cat > x.txt <<EOF\nHOLE\nEOF"),
    (Shell, "cat > x.py <<'EOF'\nprint('HOLE')\nEOF"),
    (Shell, "sudo bash x.sh HOLE"),
    (Shell, "set -e; cat HOLE"),
    (Shell, "\"$BIN/tool\" HOLE"),
    (Shell, "sudo -u root cat HOLE"),
    (Shell, "X=HOLE tool"),
    (Shell, "cat <<EOF\n$x HOLE\nEOF"),
    (Shell, "cat <<'EOF' > x.txt\nHOLE\nEOF"),
    (Shell, "python3 - <<'EOF'\nprint('HOLE')\nEOF"),
    (Shell, "curl -H \"X: $KEY HOLE\" x"),
    (Shell, r#"curl -d '{"name": "HOLE", "n": [1.10, 12345678901234567890]}' x"#),
    (Shell, r#"curl --data='{"name": "a HOLE"}' x"#),
    (Shell, r#"curl -d "{\"name\": \"HOLE\"}" x"#),
    (Shell, "curl -d @- x <<EOF\n{\"name\": \"HOLE\"}\nEOF"),
    (Shell, "cat > x.json <<'EOF'\n[{\"name\": \"HOLE\"}]\nEOF"),
    (Python, "subprocess.run(['cat', 'HOLE'])"),
    (Python, "subprocess.run(['cat', 'HOLE'], shell=False)"),
    (Python, "re.compile('HOLE')"),
    (Python, "platform.system() == 'HOLE'"),
    (Python, "model.evaluate(x); r('HOLE')"),
    (Python, "db.execute('SELECT * FROM t WHERE a = ?', ['HOLE'])"),
    (JavaScript, "spawn('cat', ['HOLE'])"),
    (JavaScript, "spawn('cat', ['HOLE'], {shell: false})"),
    (JavaScript, "setTimeout(() => r('HOLE'), 1)"),
];

/// Whether a value can be put where the hole is in a piece of code.
fn takes_value(language: TemplateLanguage, code: &str) -> bool {
    let Some(shape) = Shape::of(language, code) else { return false };
    let mut literals = shape.values().zip(shape.is_data());
    literals.any(|(value, is_data)| {
        let hole = value.find(HOLE).map(|start| start..start + HOLE.len());
        is_data && hole.is_some_and(|hole| takes_parts(value, &hole))
    })
}

#[test]
fn no_hole_is_where_a_value_would_be_read_twice() {
    let open = TRAPS.iter().filter(|(language, code)| takes_value(*language, code));
    assert_eq!(open.map(|(_, code)| *code).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn data_can_be_put_where_it_is_read_once() {
    let refused = DATA.iter().filter(|(language, code)| !takes_value(*language, code));
    assert_eq!(refused.map(|(_, code)| *code).collect::<Vec<_>>(), [""; 0]);
}

fn value() -> impl Strategy<Value = String> {
    let glued = prop::collection::vec(prop::sample::select(FRAGMENTS.as_slice()), 0..6);
    prop_oneof![
        glued.prop_map(|pieces| pieces.concat()),
        prop::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter),
        "[ -~\n]{0,20}",
    ]
    .prop_map(|value| value.replace('\0', "\u{1}"))
}

fn batch() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(value(), 30)
}

fn texts(values: &[String]) -> impl Iterator<Item = &str> + Clone {
    values.iter().map(String::as_str)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(30) })]

    #[test]
    fn shells_receive_any_value(values in batch(), which in 0..2_usize) {
        let (mut code, mut expected) = filled(Shell, &SHELL, texts(&values));
        let (documents, held) = filled(Shell, &DOCUMENTS, bodies(texts(&values[..2])));
        code.push_str(&documents);
        expected.extend(held);
        let shell = shells().nth(which).unwrap();
        assert_received(&received_in_shell(shell, &code), &expected, shell);
    }

    #[test]
    fn python_receives_any_value(values in batch()) {
        if has("python3") {
            let (code, expected) = filled(Python, &PYTHON, texts(&values));
            assert_received(&received(Python, &code), &expected, "python3");
        }
    }

    #[test]
    fn node_receives_any_value(values in batch()) {
        if has("node") {
            let (code, expected) = filled(JavaScript, &JAVASCRIPT, texts(&values));
            assert_received(&received(JavaScript, &code), &expected, "node");
        }
    }

    #[test]
    fn json_holds_any_value(values in batch()) {
        let template = template(Json, r#"["HOLE"]"#);
        for value in values {
            let read: Value = serde_json::from_str(&template.render(&[&value]).unwrap()).unwrap();
            assert_eq!(read, json!([value]));
        }
    }
}
