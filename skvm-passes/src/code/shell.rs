//! Commands in shell code.

use std::collections::BTreeSet;

use skvm_core::artifact::{CodeBlock, Command, ScriptUse, VariableAccess, VariableUse};
use skvm_core::skill::Bundle;
use skvm_core::span::Span;
use tree_sitter::{Node, TreeCursor};

use super::surroundings::is_variable;
use super::{placeholder, syntax};

/// Fills in what a shell text holds, and leaves out calls of functions that it defines. `to_source`
/// maps a span of the code to the source.
pub(super) fn analyze(
    code: &str,
    bundle: &Bundle,
    to_source: &dyn Fn(Span) -> Span,
    block: &mut CodeBlock,
) {
    let parsed = blank_prompts(mask_versions(placeholder::mask(code)));
    let functions = analyze_all(code, &parsed, bundle, to_source, block);
    block.commands.retain(|command| !functions.contains(&command.program));
    block.functions = functions.into_iter().collect();
}

/// Fills in what a shell text holds; gives the names of the functions that it defines. `parsed` is the
/// text for the parser, with every byte in its place.
pub(super) fn analyze_all(
    code: &str,
    parsed: &str,
    bundle: &Bundle,
    to_source: &dyn Fn(Span) -> Span,
    block: &mut CodeBlock,
) -> BTreeSet<String> {
    let Some(tree) = syntax::parse_shell(parsed) else {
        block.facts.has_errors = true;
        return BTreeSet::new();
    };
    let mut reader = Reader { code, bundle, to_source, block, functions: BTreeSet::new() };
    reader.block.facts.has_errors = tree.root_node().has_error();
    walk(tree.root_node(), &mut |node, nesting| reader.node(node, nesting));
    reader.functions
}

/// How deep a substitution may lie in others for the words of its commands to be kept. Each level keeps
/// the words of all levels below it once more.
const MAX_NESTING: usize = 32;

/// Most uses of variables that are kept of one piece of code.
const MAX_VARIABLES: usize = 1024;

/// Longest name of a program.
const MAX_NAME: usize = 256;

/// Visits every node in pre-order, with the number of substitutions around it. Without recursion:
/// hostile code nests deeply.
fn walk(root: Node<'_>, visit: &mut dyn FnMut(Node<'_>, usize)) {
    let nests = |node: Node<'_>| {
        usize::from(matches!(node.kind(), "command_substitution" | "process_substitution"))
    };
    let mut nesting = 0;
    let mut cursor: TreeCursor<'_> = root.walk();
    loop {
        let node = cursor.node();
        visit(node, nesting);
        if cursor.goto_first_child() {
            nesting += nests(node);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
            nesting -= nests(cursor.node());
        }
    }
}

/// Overwrites `$ ` prompts by spaces when a text has them.
fn blank_prompts(code: String) -> String {
    if !code.lines().any(|line| line.starts_with("$ ")) {
        return code;
    }
    code.split_inclusive('\n')
        .map(|line| line.strip_prefix("$ ").map_or(line.to_owned(), |rest| format!("  {rest}")))
        .collect()
}

/// Overwrites the sign of `name>=1` and `name<=1` by a letter: who leaves out the quotes means a version
/// and no file named `=1`.
fn mask_versions(code: String) -> String {
    let mut masked = code.into_bytes();
    for at in 1..masked.len().saturating_sub(2) {
        let is_version = matches!(masked[at], b'<' | b'>')
            && (masked[at - 1].is_ascii_alphanumeric() || masked[at - 1] == b']')
            && masked[at + 1] == b'='
            && masked[at + 2].is_ascii_digit();
        if is_version {
            masked[at] = b'X';
        }
    }
    // One ASCII letter for another leaves the text well-formed.
    String::from_utf8(masked).unwrap_or_default()
}

struct Reader<'a> {
    code: &'a str,
    bundle: &'a Bundle,
    to_source: &'a dyn Fn(Span) -> Span,
    block: &'a mut CodeBlock,
    functions: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    /// The place of a node, widened to whole characters: the parser saw a letter for each byte of
    /// those beyond ASCII.
    fn span(&self, node: Node<'_>) -> Span {
        let (mut start, mut end) = (node.start_byte(), node.end_byte());
        while !self.code.is_char_boundary(start) {
            start -= 1;
        }
        while end < self.code.len() && !self.code.is_char_boundary(end) {
            end += 1;
        }
        Span::new(start, end)
    }

    fn node(&mut self, node: Node<'_>, nesting: usize) {
        match node.kind() {
            "command" => self.command(node, nesting),
            "|" | "|&" => self.block.facts.pipes += 1,
            "&&" if node.parent().is_some_and(|parent| parent.kind() == "list") => {
                self.block.facts.chains += 1;
            }
            "file_redirect" if nesting <= MAX_NESTING => self.redirect(node),
            "heredoc_redirect" => self.block.facts.heredocs += 1,
            "for_statement" => {
                self.block.facts.loops += 1;
                if let Some(name) = node.child_by_field_name("variable") {
                    self.variable(name, VariableAccess::Sets);
                }
            }
            "while_statement" | "if_statement" | "case_statement" | "c_style_for_statement" => {
                self.block.facts.loops += 1
            }
            "function_definition" => {
                if let Some(name) = node.child_by_field_name("name") {
                    self.functions.insert(self.span(name).text(self.code).to_owned());
                }
            }
            "variable_assignment" => self.assignment(node),
            "simple_expansion" | "expansion" => self.expansion(node),
            _ => {}
        }
    }

    fn assignment(&mut self, node: Node<'_>) {
        let exported = node.parent().is_some_and(|parent| {
            parent.kind() == "declaration_command"
                && self.span(parent).text(self.code).starts_with("export")
        });
        let access = if exported { VariableAccess::Exports } else { VariableAccess::Sets };
        if let Some(name) = node.child_by_field_name("name") {
            self.variable(name, access);
        }
    }

    fn expansion(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        let name = node.children(&mut cursor).find(|child| child.kind() == "variable_name");
        let Some(name) = name else { return };
        let behind = Span::new(name.end_byte(), node.end_byte()).text(self.code);
        let access = if [":-", "-", ":=", ":+", "+"].iter().any(|sign| behind.starts_with(sign)) {
            VariableAccess::ReadsOrDefault
        } else if behind.starts_with(":?") || behind.starts_with('?') {
            VariableAccess::Reads
        } else {
            VariableAccess::Expands
        };
        self.variable(name, access);
    }

    fn variable(&mut self, name: Node<'_>, access: VariableAccess) {
        let span = self.span(name);
        let name = span.text(self.code);
        if is_variable(name) && self.block.variables.len() < MAX_VARIABLES {
            let span = (self.to_source)(span);
            self.block.variables.push(VariableUse { name: name.to_owned(), access, span });
        }
    }

    /// Counts redirects to files; `2>&1` and `>/dev/null` write no file.
    fn redirect(&mut self, node: Node<'_>) {
        let text = self.span(node).text(self.code);
        if text.contains('>') && !text.contains(">&") && !text.contains("/dev/null") {
            self.block.facts.redirects += 1;
        }
    }

    fn command(&mut self, node: Node<'_>, nesting: usize) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let mut cursor = node.walk();
        let mut arguments: Vec<Node<'_>> =
            node.children_by_field_name("argument", &mut cursor).collect();
        let word = self.span(name);
        let mut written = word.text(self.code);
        // A word that the parser made up to go on behind an error.
        if written.is_empty() {
            return;
        }
        if nesting > MAX_NESTING {
            self.block.facts.has_errors = true;
            arguments.clear();
            written = if written.len() > MAX_NAME { "" } else { written };
        }
        let program = unquote(written).rsplit('/').next().unwrap_or("");
        let program = if program.contains(['$', '`', '*']) { "" } else { program };
        let values: Vec<&str> =
            arguments.iter().map(|node| self.span(*node).text(self.code)).collect();
        self.own_files(word, written, &arguments, program);
        if program == "read" {
            arguments.iter().for_each(|name| self.variable(*name, VariableAccess::Sets));
        }
        let start = word.start.min(self.span(node).start);
        let end = arguments.last().map_or(word.end, |last| self.span(*last).end.max(word.end));
        self.block.commands.push(Command {
            program: program.to_owned(),
            arguments: values.into_iter().map(|value| unquote(value).to_owned()).collect(),
            span: (self.to_source)(Span::new(start, end)),
            word: (self.to_source)(word),
        });
    }

    /// Notes which words of a command are files of the bundle, and whether the command runs them.
    fn own_files(&mut self, word: Span, written: &'a str, arguments: &[Node<'_>], program: &str) {
        if self.bundle.is_empty() {
            return;
        }
        self.own_file(word, written, true, true);
        let mut next = Next::behind(program);
        let mut is_value = false;
        for argument in arguments {
            let span = self.span(*argument);
            let written = span.text(self.code);
            let skipped = std::mem::take(&mut is_value);
            let is_option = written.starts_with('-');
            let launcher = if let Next::Program(launcher) = next { Some(launcher) } else { None };
            let is_setting = launcher.is_some() && written.contains('=');
            if skipped || is_option || is_setting {
                is_value = !skipped && launcher.is_some_and(|name| takes_value(name, written));
                self.own_file(span, written, false, false);
                continue;
            }
            self.own_file(span, written, launcher.is_some(), next != Next::Data);
            next = match next {
                Next::Data => Next::Data,
                Next::File if written == "run" => Next::File,
                // Behind the time that it gives.
                Next::Program("timeout") => Next::Program("nohup"),
                Next::File | Next::Program(_) => Next::behind(written),
            };
        }
    }

    fn own_file(&mut self, span: Span, written: &str, as_program: bool, run: bool) {
        let path = unquote(written);
        let quotes = (written.len() - path.len()) / 2;
        if !looks_like_path(path) {
            return;
        }
        // `"$SKILL_DIR"/x.py` is one word that is quoted in part.
        let Some(found) = self.bundle.resolve(&path.replace(['"', '\''], "")) else { return };
        let span = Span::new(span.start + quotes, span.end.saturating_sub(quotes));
        self.block.scripts.push(ScriptUse {
            path: found.file.path().to_owned(),
            span: (self.to_source)(span),
            as_program,
            run,
            absolute: path.starts_with('/'),
        });
    }
}

/// Whether a word can be a reference to a file: it has a slash or an extension, and holds nothing
/// besides, as `--config=x.py`, `@x.json`, `host:x.py` and URLs do.
pub(crate) fn looks_like_path(word: &str) -> bool {
    // `${SKILL_DIR:-.}/x.py` has its own colon.
    let bare = word.strip_prefix("${").and_then(|rest| rest.split_once('}'));
    !word.starts_with(['-', '@'])
        && !bare.map_or(word, |(_, path)| path).contains(['=', ':'])
        && !word.contains(char::is_whitespace)
        && (word.contains('/')
            || word.rsplit_once('.').is_some_and(|(stem, extension)| {
                !stem.is_empty()
                    && (1..=5).contains(&extension.len())
                    && extension.bytes().all(|b| b.is_ascii_alphanumeric())
            }))
}

/// What the next word of a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next<'w> {
    /// A program, behind a launcher such as `sudo`.
    Program(&'w str),
    /// A file to run, behind an interpreter.
    File,
    /// Anything else.
    Data,
}

impl<'w> Next<'w> {
    fn behind(word: &'w str) -> Self {
        let name = word.rsplit('/').next().unwrap_or(word);
        if is_launcher(name) {
            Self::Program(name)
        } else if is_interpreter(name) {
            Self::File
        } else {
            Self::Data
        }
    }
}

/// The words of a command behind launchers such as `sudo -u x env A=1`: the program that is meant and
/// its arguments.
pub(crate) fn launched<'c>(program: &'c str, arguments: &'c [String]) -> (&'c str, &'c [String]) {
    let (mut program, mut arguments) = (program, arguments);
    while is_launcher(program) {
        let mut is_value = false;
        // How long it may take stands in front of the program.
        let mut is_duration = program == "timeout";
        let next = arguments.iter().position(|word| {
            let skipped = std::mem::take(&mut is_value);
            let is_option = word.starts_with('-');
            is_value = !skipped && is_option && takes_value(program, word);
            let is_word = !skipped && !is_option && !word.contains('=');
            is_word && !std::mem::take(&mut is_duration)
        });
        let Some((word, rest)) = next.and_then(|at| arguments.get(at..)?.split_first()) else {
            return (program, arguments);
        };
        (program, arguments) = (word.rsplit('/').next().unwrap_or(word), rest);
    }
    (program, arguments)
}

/// Whether a program executes the program that its arguments name.
fn is_launcher(program: &str) -> bool {
    matches!(
        program,
        "sudo"
            | "doas"
            | "env"
            | "time"
            | "timeout"
            | "exec"
            | "nohup"
            | "nice"
            | "setsid"
            | "xargs"
    )
}

/// Whether the word behind an option of a launcher belongs to the option.
fn takes_value(launcher: &str, option: &str) -> bool {
    let options: &[&str] = match launcher {
        "sudo" | "doas" => {
            &["-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-U", "-r", "-t", "--user", "--group"]
        }
        "env" => &["-u", "-C", "--unset", "--chdir"],
        "time" => &["-f", "-o", "--format", "--output"],
        "timeout" => &["-k", "-s", "--kill-after", "--signal"],
        "exec" => &["-a"],
        "nice" => &["-n", "--adjustment"],
        "xargs" => &["-n", "-I", "-L", "-P", "-d", "-s", "-a", "-E", "-J", "-R"],
        _ => &[],
    };
    options.contains(&option)
}

/// Whether a program runs the file that its first argument names.
fn is_interpreter(program: &str) -> bool {
    matches!(
        program,
        "python"
            | "python3"
            | "py"
            | "bash"
            | "sh"
            | "zsh"
            | "node"
            | "nodejs"
            | "deno"
            | "bun"
            | "tsx"
            | "ts-node"
            | "npx"
            | "uv"
            | "uvx"
            | "ruby"
            | "perl"
            | "source"
            | "."
    )
}

/// The word without the quotes around it.
fn unquote(word: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| word.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(word)
}
