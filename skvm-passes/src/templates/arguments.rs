//! What the argument parsers of bundled Python scripts tell about their arguments, and the calls that scripts
//! document themselves.

use skvm_core::artifact::ParameterType;
use skvm_core::skill::BundleFile;
use skvm_core::span::Span;
use tree_sitter::Node;

use super::shape::Place;
use super::spelling;
use crate::code::syntax;

/// One argument of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argument {
    /// Its options, such as `-o` and `--out`; none for a positional argument.
    options: Vec<String>,
    pub(super) name: String,
    pub(super) kind: ParameterType,
    /// Whether it is no switch.
    takes_value: bool,
    /// Whether it takes all operands from its place on.
    is_list: bool,
}

/// The arguments of one script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    arguments: Vec<Argument>,
    /// Whether it has sub-commands, so that the place of an operand does not tell which it is.
    has_commands: bool,
}

/// Longest script that is looked into.
const MAX_BYTES: usize = 256 * 1024;

impl Arguments {
    /// The arguments that a script's `argparse` or `click` declarations tell; `None` when it has none.
    pub(super) fn of(file: &BundleFile) -> Option<Self> {
        let code = file.text().filter(|code| code.len() <= MAX_BYTES)?;
        if file.interpreter() != Some("python3")
            || !["add_argument", "click.", "@option", "@argument"].iter().any(|w| code.contains(w))
        {
            return None;
        }
        let tree = syntax::parse_python(code)?;
        let (mut found, mut open) = (Vec::new(), vec![tree.root_node()]);
        while let Some(node) = open.pop() {
            if node.kind() == "call" {
                found.extend(declared(node, code).map(|argument| (node.start_byte(), argument)));
            }
            let mut cursor = node.walk();
            open.extend(node.named_children(&mut cursor));
        }
        found.sort_by_key(|(at, _)| *at);
        let arguments: Vec<Argument> = found.into_iter().map(|(_, argument)| argument).collect();
        let commands = code.matches(".command(").count();
        let has_commands =
            code.contains("add_subparsers") || code.contains(".group(") || commands > 1;
        (!arguments.is_empty()).then_some(Self { arguments, has_commands })
    }

    /// Whether what stands at a place is behind a switch, and so no value of it.
    pub(super) fn is_behind_switch(&self, place: &Place) -> bool {
        matches!(place, Place::Option(option) if self.arguments.iter().any(|it| {
            !it.takes_value && it.options.contains(option)
        }))
    }

    /// The argument whose value stands at a place.
    pub(super) fn at(&self, place: &Place) -> Option<&Argument> {
        let mut all = self.arguments.iter().filter(|it| it.takes_value);
        match place {
            Place::Option(option) => all.find(|it| it.options.contains(option)),
            Place::Operand(_) if self.has_commands => None,
            Place::Operand(number) => {
                let mut operands = all.filter(|it| it.options.is_empty()).enumerate();
                let found = operands.find(|(at, it)| at == number || it.is_list);
                found.map(|(_, it)| it)
            }
        }
    }
}

/// The argument that a call declares.
fn declared(call: Node<'_>, code: &str) -> Option<Argument> {
    let text = |node: Node<'_>| code.get(node.byte_range()).unwrap_or_default();
    let function = text(call.child_by_field_name("function")?);
    let last = function.rsplit('.').next().unwrap_or(function);
    let from_click = function.starts_with("click.") || function == last;
    if last != "add_argument" && !(from_click && matches!(last, "option" | "argument")) {
        return None;
    }
    let arguments = call.child_by_field_name("arguments")?;
    let (mut names, mut kind) = (Vec::new(), None);
    let (mut takes_value, mut is_list) = (true, false);
    let mut cursor = arguments.walk();
    for argument in arguments.named_children(&mut cursor) {
        match argument.kind() {
            "string" => names.push(text(argument).trim_matches(['"', '\'']).to_owned()),
            "keyword_argument" => {
                let name = text(argument.child_by_field_name("name")?);
                let value = text(argument.child_by_field_name("value")?);
                match (name, value.trim_matches(['"', '\''])) {
                    ("type", kind_of_value) => kind = told(kind_of_value).or(kind),
                    ("action", action) => {
                        takes_value = matches!(action, "store" | "append" | "extend");
                    }
                    ("is_flag" | "count", "True") | ("flag_value", _) | ("nargs", "0") => {
                        takes_value = false;
                    }
                    ("nargs", "+" | "*" | "-1" | "argparse.REMAINDER") => is_list = true,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    let (options, positional): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| name.starts_with('-'));
    // click writes a switch as `--on/--off`.
    takes_value &= !options.iter().any(|option| option.contains('/'));
    let longest = options.iter().max_by_key(|option| option.len());
    let name = spelling::normalise(match longest {
        Some(option) => option.trim_start_matches('-'),
        None => positional.first()?,
    });
    let kind = kind.unwrap_or_else(|| spelling::kind_of(&name));
    (!name.is_empty()).then_some(Argument { options, name, kind, takes_value, is_list })
}

/// The type that the `type` of a declaration tells.
fn told(kind: &str) -> Option<ParameterType> {
    let name = kind.split('(').next().unwrap_or(kind);
    match name.rsplit('.').next().unwrap_or(name) {
        "int" | "float" | "INT" | "FLOAT" | "IntRange" | "FloatRange" => {
            Some(ParameterType::Number)
        }
        "Path" | "FileType" | "File" => Some(ParameterType::Path),
        "str" | "STRING" | "Choice" | "DateTime" | "UUID" => Some(ParameterType::Text),
        _ => None,
    }
}

/// How far from its start a script is searched for calls that it documents.
const USAGE_LINES: usize = 60;

/// The calls of itself that a script documents in its first lines: `python convert.py INPUT OUTPUT`.
pub(super) fn documented_calls(file: &BundleFile) -> Vec<(Span, String)> {
    let Some(code) = file.text().filter(|_| file.interpreter().is_some()) else {
        return Vec::new();
    };
    let name = file.path().rsplit('/').next().unwrap_or(file.path());
    let (mut calls, mut at) = (Vec::new(), 0);
    for line in code.split_inclusive('\n').take(USAGE_LINES) {
        let start = at;
        at += line.len();
        let Some(found) = line.find(name) else { continue };
        let head = line.get(..found).unwrap_or_default();
        // The call begins with the interpreter, or with the script itself.
        let begins = ["python3 ", "python ", "bash ", "sh ", "node ", "uv run ", "./"]
            .iter()
            .filter_map(|program| head.find(program))
            .min()
            .or_else(|| head.trim_end().ends_with(':').then_some(found));
        let Some(begins) = begins else { continue };
        let before = head.get(..begins).unwrap_or_default().trim();
        let is_told = before.is_empty()
            || before.ends_with([':', '#', '$', '*', '-', '>'])
            || before.to_lowercase().contains("usage");
        let call = line.get(begins..).unwrap_or_default().trim_end();
        if is_told && !call.contains(['[', '"', '`', '(']) {
            let span = Span::new(start + begins, start + begins + call.len());
            calls.push((span, call.to_owned()));
        }
    }
    calls
}
