//! What is read again: texts that something takes for code whose quoting is not known here.
//!
//! A value is never code. Where a literal is read again a value could break out of the place that it was put in,
//! so a literal of that kind has no holes, neither as a whole nor in part.

use std::collections::HashSet;
use std::ops::Range;

use tree_sitter::Node;

use super::sketch::each_node;

/// Whether a hole can be in a literal of this value, besides what stands around the hole: not within JSON, a
/// query, quotes or a program in the text, by whose rules nothing here quotes. A hole that takes the whole value
/// is always fine.
///
/// ```
/// use skvm_passes::templates::takes_parts;
///
/// assert!(takes_parts("data/a.csv", &(5..6)));
/// assert!(takes_parts("SELECT 1", &(0..8)));
/// assert!(!takes_parts("SELECT * FROM t WHERE a = 'x'", &(27..28)));
/// ```
#[must_use]
pub fn takes_parts(value: &str, hole: &Range<usize>) -> bool {
    *hole == (0..value.len()) || !is_in_code(value, hole.start)
}

/// Whether a place in a text is in a text of another language.
fn is_in_code(text: &str, place: usize) -> bool {
    is_code(text) || are_quoted(text, &[place]).contains(&true)
}

fn is_code(text: &str) -> bool {
    let text = text.trim();
    let is_json = text.starts_with(['{', '[']) || text.ends_with(['}', ']']);
    let first = text.split(char::is_whitespace).next().unwrap_or_default();
    let is_query =
        first.len() < text.len() && QUERIES.iter().any(|word| first.eq_ignore_ascii_case(word));
    let is_program = [" && ", " | ", "=>", "$("].iter().any(|mark| text.contains(mark));
    is_json || is_query || is_program || text.starts_with('<')
}

/// First words of queries.
const QUERIES: [&str; 12] = [
    "alter", "create", "delete", "drop", "insert", "match", "mutation", "pragma", "query",
    "select", "update", "with",
];

/// For each piece of an interpolated text whether it is in a text of another language. What is put between the
/// pieces is anything.
pub(super) fn are_in_code(pieces: &[Option<&str>]) -> Vec<bool> {
    let (mut whole, mut starts) = (String::new(), Vec::with_capacity(pieces.len()));
    for piece in pieces {
        starts.push(whole.len());
        whole.push_str(piece.unwrap_or("x"));
    }
    // The one text of a word is no part.
    if pieces.len() < 2 {
        return vec![false; pieces.len()];
    }
    let is_code = is_code(&whole);
    let quoted = are_quoted(&whole, &starts);
    quoted.into_iter().map(|is_quoted| is_code || is_quoted).collect()
}

/// Whether places in a text, in ascending order, are within quotes. The apostrophe of a word is none.
fn are_quoted(text: &str, places: &[usize]) -> Vec<bool> {
    if !text.contains(['"', '\'', '`']) {
        return vec![false; places.len()];
    }
    let (mut found, mut open, mut previous) = (Vec::with_capacity(places.len()), None, ' ');
    for (at, c) in text.char_indices() {
        while places.get(found.len()).is_some_and(|place| *place <= at) {
            found.push(open.is_some());
        }
        let in_word = c == '\'' && previous.is_alphanumeric() && open.is_none();
        match open {
            Some(quote) if quote == c && previous != '\\' => open = None,
            None if matches!(c, '"' | '\'' | '`') && !in_word => open = Some(c),
            _ => {}
        }
        previous = c;
    }
    found.resize(places.len(), open.is_some());
    found
}

/// Ends of the names of functions that run a text, in Python and JavaScript.
const RUN: [&str; 6] = ["eval", "exec", "execSync", "getoutput", "getstatusoutput", "popen"];

/// Names of functions that run a text in Python, and of those that load code by its name.
const RUN_IN_PYTHON: [&str; 10] = [
    "__import__",
    "create_subprocess_shell",
    "exec_command",
    "from_string",
    "import_module",
    "render_template_string",
    "run_module",
    "run_path",
    "runcode",
    "send_command",
];

/// Names in JavaScript by which texts are run, or become part of a document.
const RUN_IN_JAVASCRIPT: [&str; 17] = [
    "AsyncFunction",
    "Function",
    "addInitScript",
    "addScriptTag",
    "createContextualFragment",
    "dangerouslySetInnerHTML",
    "evaluate",
    "evaluateHandle",
    "execCommand",
    "innerHTML",
    "insertAdjacentHTML",
    "outerHTML",
    "runInContext",
    "runInNewContext",
    "runInThisContext",
    "srcdoc",
    "vm",
];

/// Programs that run a text in their arguments, where they stand in a list of arguments.
const SHELLS: [&str; 12] = [
    "bash",
    "cmd",
    "cmd.exe",
    "dash",
    "ksh",
    "osascript",
    "powershell",
    "pwsh",
    "sh",
    "ssh",
    "su",
    "zsh",
];

/// Options of interpreters whose value is code, where they stand in a list of arguments.
const CODE_OPTIONS: [&str; 5] = ["-c", "-e", "-lc", "--eval", "/c"];

fn is_any(name: &str, ends: &[&str], names: &[&str]) -> bool {
    names.contains(&name) || ends.iter().any(|end| name.ends_with(end))
}

fn text<'c>(code: &'c str, node: Node<'_>) -> &'c str {
    code.get(node.byte_range()).unwrap_or_default()
}

/// What code runs, as a walk over its nodes finds it.
#[derive(Default)]
pub(super) struct Runs {
    /// Whether it hands texts to a shell, to itself or to a document.
    pub(super) texts: bool,
    /// Where the strings begin that name the program that it runs: what it is may make code of the rest. A command
    /// line that is taken apart is read again as a whole.
    pub(super) programs: HashSet<usize>,
    /// The end of the last call that takes a command line apart.
    seen: usize,
}

impl Runs {
    /// Looks at a node of Python code.
    pub(super) fn look_at_python(&mut self, node: Node<'_>, around: Node<'_>, code: &str) {
        self.texts |= match node.kind() {
            "identifier" => {
                let name = text(code, node);
                is_any(name, &RUN, &RUN_IN_PYTHON) || runs_in_python(name, around, code)
            }
            "call" => {
                self.look_at_call(node, code);
                evaluates(node, code)
            }
            "keyword_argument" => is_shell(node, "name", "False", code),
            "string" => names_shell(node, around, code),
            _ => false,
        };
    }

    /// Looks at a node of JavaScript code.
    pub(super) fn look_at_javascript(&mut self, node: Node<'_>, around: Node<'_>, code: &str) {
        self.texts |= match node.kind() {
            "identifier"
            | "property_identifier"
            | "shorthand_property_identifier"
            | "shorthand_property_identifier_pattern" => {
                is_any(text(code, node), &RUN, &RUN_IN_JAVASCRIPT)
            }
            "pair" => is_shell(node, "key", "false", code),
            "call_expression" => {
                self.look_at_call(node, code);
                is_run_by_call(node, code)
            }
            "string" => names_shell(node, around, code),
            _ => false,
        };
    }

    fn look_at_call(&mut self, call: Node<'_>, code: &str) {
        let whole = call.child_by_field_name("function").map_or("", |it| text(code, it));
        let name = whole.rsplit('.').next().unwrap_or_default();
        if !RUN_PROGRAMS.contains(&name) {
            return;
        }
        let first = call.child_by_field_name("arguments").and_then(|it| it.named_child(0));
        let Some(first) = first else { return };
        match first.kind() {
            "list" | "array" | "tuple" => {
                self.programs.extend(first.named_child(0).map(|program| program.start_byte()));
            }
            // Much is called that is no program.
            "string" | "template_string" | "concatenated_string"
                if !matches!(name, "call" | "run") || whole.starts_with("subprocess") =>
            {
                self.programs.insert(first.start_byte());
            }
            "call" if first.start_byte() >= self.seen => {
                self.seen = first.end_byte();
                each_node(first, &mut |inner, _| {
                    self.programs.insert(inner.start_byte());
                });
            }
            _ => {}
        }
    }
}

/// Whether a name runs a text by the place that it stands in.
fn runs_in_python(name: &str, around: Node<'_>, code: &str) -> bool {
    let object = around.child_by_field_name("object").map_or("", |it| text(code, it));
    let is_member = around.kind() == "attribute" && object != name;
    match name {
        "system" if is_member => object != "platform",
        "compile" if is_member => object == "builtins",
        "system" | "compile" => matches!(around.kind(), "call" | "dotted_name" | "aliased_import"),
        _ => false,
    }
}

/// Whether a call has a page evaluate a text; a model evaluates itself.
fn evaluates(call: Node<'_>, code: &str) -> bool {
    let name = call
        .child_by_field_name("function")
        .and_then(|function| function.child_by_field_name("attribute"))
        .map_or("", |attribute| text(code, attribute));
    let first = call.child_by_field_name("arguments").and_then(|it| it.named_child(0));
    name.starts_with("evaluate") && first.is_some_and(|it| it.kind().contains("string"))
}

/// Whether an argument or a field tells that a shell is to run a text.
fn is_shell(node: Node<'_>, key: &str, none: &str, code: &str) -> bool {
    let of = |field| node.child_by_field_name(field).map_or("", |it| text(code, it));
    of(key).trim_matches(['"', '\'']) == "shell" && of("value") != none
}

/// Whether a string in a list of arguments is the name of a shell, or makes the next one code.
fn names_shell(string: Node<'_>, around: Node<'_>, code: &str) -> bool {
    if !matches!(around.kind(), "list" | "array" | "tuple" | "argument_list" | "arguments") {
        return false;
    }
    let value = text(code, string).trim_matches(['"', '\'', '`']);
    let name = value.rsplit('/').next().unwrap_or_default();
    let in_list = matches!(around.kind(), "list" | "array" | "tuple");
    SHELLS.contains(&name) || in_list && CODE_OPTIONS.contains(&value)
}

/// Whether a call runs the text that it is given, or loads a module of a computed name.
fn is_run_by_call(call: Node<'_>, code: &str) -> bool {
    let function = call.child_by_field_name("function").map_or("", |it| text(code, it));
    let first = call.child_by_field_name("arguments").and_then(|it| it.named_child(0));
    let is_text = first.is_some_and(|it| matches!(it.kind(), "string" | "template_string"));
    match function {
        "document.write" | "document.writeln" => true,
        "setTimeout" | "setInterval" => is_text,
        "require" | "import" => first.is_some() && !is_text,
        _ => false,
    }
}

/// Functions that run a program or a query, in Python and JavaScript.
const RUN_PROGRAMS: [&str; 17] = [
    "Popen",
    "call",
    "check_call",
    "check_output",
    "create_subprocess_exec",
    "execFile",
    "execFileSync",
    "execa",
    "execl",
    "execlp",
    "execv",
    "execvp",
    "fork",
    "query",
    "run",
    "spawn",
    "spawnSync",
];
