//! A value is never code: what programs receive when hostile values fill the holes of real code, by running it.
//!
//! Many values run in one process: shells print what they receive with a NUL behind it, which no value has;
//! Python and Node.js print lists as JSON.

mod refused;
mod traps;

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
