//! The structure of shell code.

use skvm_core::artifact::{LiteralForm, TemplateLanguage};
use skvm_core::span::Span;
use tree_sitter::Node;

use super::sketch::{MAX_DEPTH, Sketch, each_node};
use super::{Place, Role, Shape};
use crate::code::syntax;

pub(super) fn sketch(code: &str, nesting: usize) -> Option<Sketch<'_>> {
    let tree = syntax::parse_shell_now(code)?;
    let root = tree.root_node();
    if root.has_error() {
        return None;
    }
    let mut sketch = Sketch::new(code);
    bind_names(root, &mut sketch);
    Walk { sketch: &mut sketch, nesting, mode: Mode::Values }.node(root, 0)?;
    Some(sketch)
}

/// Variables that programs and the shell itself look at, also where the code sets them.
const SURROUNDINGS: [&str; 24] = [
    "CDPATH",
    "DISPLAY",
    "EDITOR",
    "HOME",
    "IFS",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "MANPATH",
    "NODE_OPTIONS",
    "NODE_PATH",
    "OLDPWD",
    "OPTIND",
    "PATH",
    "PS1",
    "PS4",
    "PWD",
    "PYTHONPATH",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
];

/// Commands whose arguments are names of variables that they set.
const READERS: [&str; 4] = ["read", "mapfile", "readarray", "getopts"];

/// Options of [`READERS`] that have a value.
const READER_OPTIONS: [&str; 9] = ["-p", "-d", "-n", "-N", "-t", "-u", "-i", "-s", "-c"];

/// Makes every variable and every function known that the code sets for itself.
fn bind_names(root: Node<'_>, sketch: &mut Sketch<'_>) {
    let mut exported = Vec::new();
    each_node(root, &mut |node, around| {
        let name = match node.kind() {
            // `NAME=value program` is for the program.
            "variable_assignment" if around.kind() != "command" => {
                node.child_by_field_name("name").map(|it| it.named_child(0).unwrap_or(it))
            }
            "for_statement" => node.child_by_field_name("variable"),
            "function_definition" => {
                if let Some(name) = node.child_by_field_name("name") {
                    sketch.bind_function(sketch.text(name));
                }
                None
            }
            "variable_name" if around.kind() == "declaration_command" => Some(node),
            "command" => return bind_read(node, sketch),
            "declaration_command" if exports(node, sketch) => {
                exported.push(node);
                None
            }
            _ => None,
        };
        let name = name.map(|name| sketch.text(name));
        if let Some(name) = name.filter(|name| !SURROUNDINGS.contains(name)) {
            sketch.bind(name);
        }
    });
    for declaration in exported {
        let mut cursor = declaration.walk();
        for child in declaration.named_children(&mut cursor) {
            let name = child.child_by_field_name("name").unwrap_or(child);
            sketch.unbind(sketch.text(name));
        }
    }
}

/// The variables that `read` and its like set.
fn bind_read(command: Node<'_>, sketch: &mut Sketch<'_>) {
    let name = command.child_by_field_name("name").map_or("", |name| sketch.text(name));
    if !READERS.contains(&name) {
        return;
    }
    let mut cursor = command.walk();
    let mut before = "";
    for argument in command.children_by_field_name("argument", &mut cursor) {
        let text = sketch.text(argument);
        if is_name(text) && !READER_OPTIONS.contains(&before) {
            sketch.bind(text);
        }
        before = text;
    }
}

/// Whether a declaration hands its variables on to programs.
fn exports(declaration: Node<'_>, sketch: &Sketch<'_>) -> bool {
    let mut cursor = declaration.walk();
    let mut words = declaration.children(&mut cursor).map(|word| sketch.text(word));
    words.next() == Some("export")
        || words.any(|word| word.starts_with('-') && word.contains('x') && !word.starts_with("--"))
}

/// Programs whose first argument is an operand also when it is a plain lower-case word.
const TAKE_OPERANDS: [&str; 41] = [
    "[",
    "awk",
    "basename",
    "cat",
    "cd",
    "chmod",
    "chown",
    "cp",
    "curl",
    "cut",
    "diff",
    "dirname",
    "du",
    "echo",
    "export",
    "find",
    "grep",
    "head",
    "jq",
    "kill",
    "ln",
    "ls",
    "mkdir",
    "mv",
    "pdftotext",
    "printf",
    "rg",
    "rm",
    "rmdir",
    "sed",
    "sleep",
    "sort",
    "tail",
    "tee",
    "test",
    "touch",
    "tr",
    "uniq",
    "wc",
    "wget",
    "which",
];

/// Programs whose sub-commands have sub-commands.
const DEEP: [&str; 8] = ["aws", "az", "docker", "gcloud", "gh", "kubectl", "openstack", "uv"];

/// Sub-commands of others that have sub-commands.
const DEEP_COMMANDS: [(&str, &[&str]); 9] = [
    ("conda", &["env"]),
    ("git", &["bisect", "lfs", "notes", "reflog", "remote", "stash", "submodule", "worktree"]),
    ("go", &["mod", "tool", "work"]),
    ("helm", &["repo"]),
    ("npm", &["config", "exec", "run", "run-script", "x"]),
    ("pip", &["cache", "config"]),
    ("pnpm", &["dlx", "exec", "run"]),
    ("terraform", &["state", "workspace"]),
    ("yarn", &["dlx", "run", "workspace"]),
];

/// Programs with sub-commands that are known to have options before them.
const HAVE_COMMANDS: [&str; 24] = [
    "apt",
    "apt-get",
    "aws",
    "az",
    "brew",
    "cargo",
    "conda",
    "docker",
    "gcloud",
    "gh",
    "git",
    "go",
    "helm",
    "kubectl",
    "npm",
    "pip",
    "pip3",
    "pnpm",
    "poetry",
    "systemctl",
    "terraform",
    "uv",
    "yarn",
    "openstack",
];

/// Programs that run the program in their arguments.
const WRAPPERS: [&str; 20] = [
    "builtin", "bunx", "command", "doas", "env", "exec", "ionice", "nice", "nohup", "npx",
    "parallel", "pkexec", "setsid", "stdbuf", "sudo", "time", "timeout", "uvx", "watch", "xargs",
];

/// Programs whose sub-command `run` runs the program in its arguments.
const RUNNERS: [&str; 7] = ["conda", "hatch", "pdm", "pipenv", "pipx", "poetry", "uv"];

/// Options of [`WRAPPERS`] that have no value.
const SWITCHES: [&str; 16] = [
    "-0",
    "-E",
    "-H",
    "-S",
    "-p",
    "-q",
    "-r",
    "-t",
    "-v",
    "-y",
    "--foreground",
    "--no-sync",
    "--null",
    "--quiet",
    "--yes",
    "--no-run-if-empty",
];

/// Commands whose arguments the shell reads as code.
const READ_AS_CODE: [&str; 4] = ["alias", "eval", "let", "trap"];

/// What runs a script.
struct Interpreter {
    /// `None` for one that has no shapes.
    language: Option<TemplateLanguage>,
    /// The letter of the option whose value is code.
    letter: char,
    /// Its long name.
    long: &'static str,
    /// Words that are no scripts.
    commands: &'static [&'static str],
}

fn interpreter(program: &str) -> Option<Interpreter> {
    use TemplateLanguage::{JavaScript, Python, Shell};
    let name = program.rsplit('/').next().unwrap_or(program);
    let (language, letter, long) = match name {
        "sh" | "bash" | "dash" | "zsh" | "ksh" => (Some(Shell), 'c', ""),
        "node" | "bun" => (Some(JavaScript), 'e', "--eval"),
        "ruby" | "perl" | "deno" | "Rscript" => (None, 'e', ""),
        "php" => (None, 'r', "--run"),
        "source" | "." => (None, '\0', ""),
        _ if name == "python" || name.starts_with("python3") || name == "python2" => {
            (Some(Python), 'c', "")
        }
        _ => return None,
    };
    let commands: &[&str] = match name {
        "bun" | "deno" => &["eval", "exec", "run", "test", "x"],
        _ => &[],
    };
    Some(Interpreter { language, letter, long, commands })
}

impl Interpreter {
    /// Whether the value of an option is code: `-c`, also with others as in `-lc`.
    fn takes_code(&self, flag: &str) -> bool {
        flag == self.long
            || flag.strip_prefix('-').is_some_and(|letters| {
                letters.ends_with(self.letter) && letters.bytes().all(|b| b.is_ascii_alphabetic())
            })
    }
}

/// The language of a file by its name.
fn language_of(path: &str) -> Option<TemplateLanguage> {
    match path.rsplit_once('.')?.1 {
        "py" => Some(TemplateLanguage::Python),
        "sh" | "bash" => Some(TemplateLanguage::Shell),
        "js" | "mjs" | "cjs" | "ts" => Some(TemplateLanguage::JavaScript),
        _ => None,
    }
}

/// What a here document holds.
#[derive(Clone, Copy)]
enum Holds {
    Text,
    /// Code; `None` in a language that has no shapes.
    Code(Option<TemplateLanguage>),
}

/// What becomes of plain text in words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It is a value.
    Values,
    /// It is part of the structure: code, patterns.
    Fixed,
    /// It is arithmetic, where words are variables, and where a literal in quotes is none.
    Arithmetic,
}

/// A piece of a word.
enum Piece<'t> {
    /// Text that the shell takes as it is.
    Plain { span: Span, value: String, starts_quoted: bool, ends_quoted: bool },
    /// Something that it works out: a variable, a command.
    Computed { node: Node<'t>, in_quotes: bool },
}

/// What a word is.
enum Word<'t> {
    /// Text as a whole.
    Plain(String),
    /// Text and what the shell works out; no two texts behind one another.
    Pieces(Vec<Piece<'t>>),
    /// What it does more with than put it together: patterns, several words.
    Other,
}

struct Walk<'s, 'c> {
    sketch: &'s mut Sketch<'c>,
    nesting: usize,
    mode: Mode,
}

impl<'c> Walk<'_, 'c> {
    fn node(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let text = self.sketch.text(node);
        match node.kind() {
            "comment" | ";" | "\n" | "(" | ")" | "`" | "$(" => return Some(()),
            "command" => return self.command(node, depth),
            "redirected_statement" => return self.redirected(node, depth),
            "file_redirect" => return self.redirect(node, depth).map(|_| ()),
            "word" | "number" | "variable_name" if self.mode == Mode::Arithmetic => {
                self.sketch.name(text);
                return Some(());
            }
            "word" | "string" | "raw_string" | "concatenation" | "number" => {
                return self.word(node, depth);
            }
            "variable_name" => {
                self.sketch.name(text);
                return Some(());
            }
            // Patterns and what the shell itself decodes stay as they are written.
            "regex" | "extglob_pattern" | "ansi_c_string" | "translated_string"
            | "brace_expression" => {
                self.sketch.token(text);
                return Some(());
            }
            "simple_expansion" => {
                self.plain_expansion(node);
                return Some(());
            }
            "expansion" => return self.expansion(node, depth),
            // In a here document the grammar takes arithmetic for a command.
            "command_substitution" if text.starts_with("$((") => {
                self.sketch.token(text);
                return Some(());
            }
            "function_definition" => return self.function(node, depth),
            "case_item" => return self.case_item(node, depth),
            _ => {}
        }
        if node.child_count() == 0 {
            self.sketch.token(if node.is_named() { text } else { node.kind() });
            return Some(());
        }
        self.sketch.open(node.kind());
        let mode = match node.kind() {
            "arithmetic_expansion" | "subscript" => Mode::Arithmetic,
            "compound_statement" if text.starts_with("((") => Mode::Arithmetic,
            "command_substitution" | "process_substitution" | "do_group" => Mode::Values,
            "c_style_for_statement" => Mode::Arithmetic,
            _ => self.mode,
        };
        let outer = std::mem::replace(&mut self.mode, mode);
        self.children(node, depth)?;
        self.mode = outer;
        self.sketch.close();
        Some(())
    }

    fn children(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            self.node(child, depth + 1)?;
        }
        Some(())
    }

    /// A word whose text is part of the structure.
    fn fixed(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        let outer = std::mem::replace(&mut self.mode, Mode::Fixed);
        self.node(node, depth)?;
        self.mode = outer;
        Some(())
    }

    /// `$X` and `${X}`.
    fn plain_expansion(&mut self, node: Node<'_>) {
        self.sketch.open("expansion");
        if let Some(name) = node.named_child(0) {
            let name = self.sketch.text(name);
            self.sketch.name(name);
        }
        self.sketch.close();
    }

    /// `${X:-default}` and the like. Quotes in it mean other things within quotes, so its texts stay.
    fn expansion(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        if node.named_child_count() == 1 && is_plain_expansion(self.sketch.text(node).trim_start())
        {
            self.plain_expansion(node);
            return Some(());
        }
        self.sketch.open("expansion");
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            match child.kind() {
                "${" | "}" => {}
                "variable_name"
                | "simple_expansion"
                | "expansion"
                | "command_substitution"
                | "subscript" => self.node(child, depth + 1)?,
                _ => self.sketch.token(self.sketch.text(child)),
            }
        }
        self.sketch.close();
        Some(())
    }

    fn function(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open("function_definition");
        let mut cursor = node.walk();
        for (index, child) in node.children(&mut cursor).enumerate() {
            let field = node.field_name_for_child(u32::try_from(index).ok()?);
            match (field, child.kind()) {
                (Some("name"), _) => {
                    self.sketch.function(self.sketch.text(child));
                }
                // `function f { … }` is `f() { … }`.
                (_, "function" | "(" | ")") => {}
                _ => self.node(child, depth + 1)?,
            }
        }
        self.sketch.close();
        Some(())
    }

    fn case_item(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open("case_item");
        let mut cursor = node.walk();
        for (index, child) in node.children(&mut cursor).enumerate() {
            match node.field_name_for_child(u32::try_from(index).ok()?) {
                Some("value") if child.kind() == "extglob_pattern" => {
                    let text = self.sketch.text(child);
                    match unescaped_word(text) {
                        Some(value) => self.sketch.fixed(&value),
                        None => self.sketch.token(text),
                    }
                }
                Some("value") => self.fixed(child, depth + 1)?,
                _ if child.kind() == ";;" => {}
                _ => self.node(child, depth + 1)?,
            }
        }
        self.sketch.close();
        Some(())
    }

    fn command(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open("command");
        let mut arguments = Arguments::default();
        let mut cursor = node.walk();
        if !cursor.goto_first_child() {
            return None;
        }
        let mut end = None;
        loop {
            let child = cursor.node();
            // The grammar takes some words for two.
            let is_word = matches!(cursor.field_name(), Some("name" | "argument"));
            if is_word && end == Some(child.start_byte()) {
                return None;
            }
            end = (child.kind() != "$").then(|| child.end_byte());
            match cursor.field_name() {
                Some("name") => {
                    let name = child.named_child(0).unwrap_or(child);
                    match self.read(name) {
                        Word::Plain(name) => {
                            if !self.sketch.function(&name) {
                                self.sketch.token(&name);
                            }
                            arguments = Arguments::of(name);
                        }
                        Word::Pieces(_) | Word::Other => self.fixed(name, depth)?,
                    }
                }
                Some("argument") => self.argument(child, &mut arguments, depth)?,
                _ if child.kind() == "herestring_redirect"
                    && interpreter(&arguments.program).is_some() =>
                {
                    self.fixed(child, depth + 1)?;
                }
                _ => self.node(child, depth + 1)?,
            }
            if !cursor.goto_next_sibling() {
                break;
            }
        }
        self.sketch.close();
        Some(())
    }

    fn argument(&mut self, node: Node<'_>, seen: &mut Arguments, depth: usize) -> Option<()> {
        let written = self.sketch.text(node);
        if READ_AS_CODE.contains(&seen.program.as_str()) {
            let is_call = self.sketch.function(written);
            return if is_call { Some(()) } else { self.fixed(node, depth + 1) };
        }
        let word = self.read(node);
        let is_flag = matches!(&word, Word::Plain(v) if v.len() > 1 && v.starts_with('-'));
        if is_flag && let Word::Plain(value) = word {
            self.flag(node, seen, value);
            return Some(());
        }
        let flag = seen.flag.take();
        if let Some(runs) = interpreter(&seen.program)
            && seen.script.is_none()
        {
            return self.script(node, &runs, flag.as_deref(), word, seen, depth);
        }
        if seen.wraps || is_execution(flag.as_deref(), seen) {
            return self.wrapped(node, flag.as_deref(), word, seen, depth);
        }
        let Word::Plain(value) = word else {
            seen.operands += usize::from(flag.is_none());
            return self.written_word(node, word, depth);
        };
        let reads = READERS.contains(&seen.program.as_str()) && is_name(&value);
        if reads && flag.as_deref().is_none_or(|flag| !READER_OPTIONS.contains(&flag)) {
            self.sketch.name(written);
            return Some(());
        }
        if seen.executes && matches!(value.as_str(), "{}" | ";" | "+") {
            self.sketch.token(&value);
            if value != "{}" {
                *seen = Arguments::of("find".to_owned());
            }
            return Some(());
        }
        self.operand(node, flag, value, seen);
        Some(())
    }

    /// An option.
    fn flag(&mut self, node: Node<'_>, seen: &mut Arguments, value: String) {
        let (written, span) = (self.sketch.text(node), Span::from(node.byte_range()));
        let is_open = seen.script.is_none() && interpreter(&seen.program).is_some();
        // `--name=value` as one unquoted text, or with quotes behind the sign.
        if let Some((name, inner)) = value.split_once('=')
            && written.get(..=name.len()) == value.get(..=name.len())
            && name.starts_with("--")
            && !is_open
        {
            let start = span.start + name.len() + 1;
            self.sketch.token(value.get(..=name.len()).unwrap_or_default());
            let inner = inner.to_owned();
            self.sketch.literal(Span::new(start, span.end), LiteralForm::Quoted, inner);
            self.sketch.role(seen.role(Place::Option(name.to_owned())));
            seen.flag = None;
        } else {
            self.sketch.token(&value);
            seen.flag = Some(value);
        }
    }

    /// What an interpreter runs, which is what is called. Values of the options before it stay as well, since it
    /// is not known which have one.
    fn script(
        &mut self,
        node: Node<'_>,
        runs: &Interpreter,
        flag: Option<&str>,
        word: Word<'_>,
        seen: &mut Arguments,
        depth: usize,
    ) -> Option<()> {
        let is_code = flag.is_some_and(|flag| runs.takes_code(flag));
        let Word::Plain(value) = word else {
            seen.script = Some(self.sketch.text(node).to_owned());
            return self.fixed(node, depth + 1);
        };
        if is_code {
            seen.operands += 1;
            seen.script = Some(String::new());
            let span = Span::from(node.byte_range());
            let shape = runs.language.and_then(|it| Shape::within(it, &value, self.nesting + 1));
            match shape {
                Some(shape) => self.sketch.embedded(span, LiteralForm::Quoted, shape),
                None => self.sketch.fixed(&value),
            }
            return Some(());
        }
        self.sketch.token(&value);
        let is_script = flag.is_none_or(|flag| flag == "-m")
            || language_of(&value).is_some()
            || value.contains('/')
            || value == "-";
        if is_script && !runs.commands.contains(&value.as_str()) {
            seen.script = Some(value);
        }
        Some(())
    }

    /// An argument of a program that runs another one.
    fn wrapped(
        &mut self,
        node: Node<'_>,
        flag: Option<&str>,
        word: Word<'_>,
        seen: &mut Arguments,
        depth: usize,
    ) -> Option<()> {
        let Word::Plain(value) = word else {
            // `env NAME="$value" program`
            let is_assignment =
                self.sketch.text(node).split_once('=').is_some_and(|(name, _)| is_name(name));
            if !is_assignment {
                seen.wraps = false;
            }
            return self.fixed(node, depth + 1);
        };
        let span = Span::from(node.byte_range());
        if let Some((name, inner)) = value.split_once('=')
            && is_name(name)
            && self.sketch.text(node).starts_with(name)
        {
            let start = span.start + name.len() + 1;
            self.sketch.token(value.get(..=name.len()).unwrap_or_default());
            let inner = inner.to_owned();
            self.sketch.literal(Span::new(start, span.end), LiteralForm::Quoted, inner);
        } else if value.starts_with(|c: char| c.is_ascii_digit()) {
            self.sketch.literal(span, LiteralForm::Quoted, value);
        } else {
            if !self.sketch.function(&value) {
                self.sketch.token(&value);
            }
            // Whatever stands behind another option may be its value.
            if flag.is_none_or(|flag| SWITCHES.contains(&flag) || !seen.wraps) {
                let executes = !seen.wraps || seen.executes;
                *seen = Arguments { executes, ..Arguments::of(value) };
            }
        }
        Some(())
    }

    /// A plain argument that is no option.
    fn operand(
        &mut self,
        node: Node<'_>,
        flag: Option<String>,
        value: String,
        seen: &mut Arguments,
    ) {
        let written = self.sketch.text(node);
        if seen.is_command(flag.as_deref(), written, &value) {
            self.sketch.token(&value);
            seen.commands += 1;
            if seen.commands == 1 {
                seen.wraps = value == "run" && RUNNERS.contains(&seen.program.as_str());
                seen.command = value;
            }
            return;
        }
        if flag.is_some() && seen.may_be_command(written, &value) {
            return self.sketch.token(&value);
        }
        self.sketch.literal(node.byte_range().into(), LiteralForm::Quoted, value);
        let place = match flag {
            Some(flag) => Place::Option(flag),
            None => Place::Operand(seen.commands + seen.operands),
        };
        if matches!(place, Place::Operand(_)) {
            seen.operands += 1;
        }
        self.sketch.role(seen.role(place));
    }

    /// A word where no command's arguments stand.
    fn word(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        match self.read(node) {
            Word::Plain(value) if self.mode != Mode::Values => self.sketch.fixed(&value),
            Word::Plain(value) if value.starts_with('-') => self.sketch.token(&value),
            Word::Plain(value) => {
                self.sketch.literal(node.byte_range().into(), LiteralForm::Quoted, value);
            }
            word => return self.written_word(node, word, depth),
        }
        Some(())
    }

    /// A word that is not plain as a whole.
    fn written_word(&mut self, node: Node<'_>, word: Word<'_>, depth: usize) -> Option<()> {
        let Word::Pieces(pieces) = word else {
            self.sketch.token(self.sketch.text(node));
            return Some(());
        };
        self.sketch.open("word");
        for (index, piece) in pieces.into_iter().enumerate() {
            match piece {
                Piece::Plain { value, .. } if self.mode != Mode::Values || value.is_empty() => {
                    self.sketch.fixed(&value);
                }
                Piece::Plain { mut span, mut value, starts_quoted, ends_quoted } => {
                    if index == 0 && value.starts_with('-') {
                        let end = self.option(span, &value);
                        value.drain(..end);
                        span.start += end;
                    }
                    if !value.is_empty() {
                        let quote = |is_quoted| if is_quoted { "\"" } else { "" };
                        let around = (quote(starts_quoted), quote(ends_quoted));
                        self.sketch.literal_within(span, LiteralForm::Quoted, around, value);
                    }
                }
                Piece::Computed { node, in_quotes } => {
                    self.sketch.open(if in_quotes { "quoted" } else { "unquoted" });
                    self.node(node, depth + 1)?;
                    self.sketch.close();
                }
            }
        }
        self.sketch.close();
        Some(())
    }

    /// The option that a word begins with, as in `--name="$X"`; gives its length.
    fn option(&mut self, span: Span, value: &str) -> usize {
        let written = self.sketch.code.get(span.start..span.end).unwrap_or_default();
        let end = value
            .find('=')
            .map(|sign| sign + 1)
            .filter(|end| written.get(..*end) == value.get(..*end))
            .unwrap_or(value.len());
        self.sketch.token(value.get(..end).unwrap_or_default());
        end
    }

    fn read<'t>(&self, word: Node<'t>) -> Word<'t> {
        let text = self.sketch.text(word);
        // The grammar goes on after the end of some lines.
        if text.starts_with(char::is_whitespace) {
            return Word::Other;
        }
        if matches!(word.kind(), "word" | "number") && word.child_count() == 0 {
            // A pattern or a home directory is only one where it stands without quotes.
            let value = unescaped_word(text).filter(|_| !text.starts_with('~'));
            return value.map_or(Word::Other, Word::Plain);
        }
        let mut pieces = Vec::new();
        if text.starts_with('~') || self.collect(word, &mut pieces).is_none() {
            return Word::Other;
        }
        let is_plain = pieces.iter().all(|piece| matches!(piece, Piece::Plain { .. }));
        if is_plain {
            let values = pieces.into_iter().map(|piece| match piece {
                Piece::Plain { value, .. } => value,
                Piece::Computed { .. } => String::new(),
            });
            return Word::Plain(values.collect());
        }
        Word::Pieces(joined(pieces))
    }

    fn collect<'t>(&self, node: Node<'t>, pieces: &mut Vec<Piece<'t>>) -> Option<()> {
        let text = self.sketch.text(node);
        let span = Span::from(node.byte_range());
        let plain = |value| Piece::Plain { span, value, starts_quoted: false, ends_quoted: false };
        match node.kind() {
            "word" | "number" if node.child_count() == 0 => {
                pieces.push(plain(unescaped_word(text)?))
            }
            "raw_string" => {
                pieces.push(plain(text.get(1..text.len().checked_sub(1)?)?.to_owned()));
            }
            // `$"text"` is translated.
            "string" if self.sketch.code.get(..span.start)?.ends_with('$') => return None,
            "string" => {
                let mut cursor = node.walk();
                let mut at = span.start + 1;
                let end = span.end.checked_sub(1)?;
                let inner = self.sketch.code.get(at..end)?;
                if !inner.contains(['$', '`']) {
                    pieces.push(plain(unescaped_string(inner, Some('"'))));
                    return Some(());
                }
                // Empty quotes keep a word with nothing else in it.
                pieces.push(plain(String::new()));
                for child in node.named_children(&mut cursor) {
                    if child.kind() == "string_content" {
                        continue;
                    }
                    let start = child.start_byte() + self.blanks(child);
                    self.between(at, start, Some('"'), pieces)?;
                    pieces.push(Piece::Computed { node: child, in_quotes: true });
                    at = child.end_byte();
                }
                self.between(at, end, Some('"'), pieces)?;
            }
            "concatenation" => {
                let mut cursor = node.walk();
                let mut braces = String::new();
                for child in node.children(&mut cursor) {
                    let is_bare = child.kind() == "word";
                    braces.push_str(if is_bare { self.sketch.text(child) } else { "_" });
                    self.collect(child, pieces)?;
                }
                if has_brace_expansion(&braces) {
                    return None;
                }
            }
            "simple_expansion"
            | "expansion"
            | "command_substitution"
            | "arithmetic_expansion"
            | "process_substitution" => pieces.push(Piece::Computed { node, in_quotes: false }),
            _ => return None,
        }
        Some(())
    }

    /// How many bytes of white space a node begins with: the grammar counts what stands before some expansions
    /// within quotes to them.
    fn blanks(&self, node: Node<'_>) -> usize {
        let text = self.sketch.text(node);
        text.len() - text.trim_start().len()
    }

    /// Text between expansions within double quotes or a here document.
    fn between(
        &self,
        start: usize,
        end: usize,
        quote: Option<char>,
        pieces: &mut Vec<Piece<'_>>,
    ) -> Option<()> {
        let text = self.sketch.code.get(start..end)?;
        if !text.is_empty() {
            let (span, value) = (Span::new(start, end), unescaped_string(text, quote));
            pieces.push(Piece::Plain { span, value, starts_quoted: true, ends_quoted: true });
        }
        Some(())
    }

    fn redirected(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open("redirected_statement");
        let mut cursor = node.walk();
        let (mut destination, mut holds) = (None, Holds::Text);
        for child in node.children(&mut cursor) {
            match child.kind() {
                "command" => {
                    holds = self.reads(child);
                    self.node(child, depth + 1)?;
                }
                "file_redirect" => {
                    destination = self.redirect(child, depth)?.or(destination);
                }
                "heredoc_redirect" => {
                    let holds = match destination.as_deref().map(language_of) {
                        Some(Some(language)) => Holds::Code(Some(language)),
                        Some(None) => Holds::Text,
                        None => holds,
                    };
                    self.here_document(child, holds, depth)?;
                }
                _ => self.node(child, depth + 1)?,
            }
        }
        self.sketch.close();
        Some(())
    }

    /// What the input of a command holds: code when it runs an interpreter that is given no script.
    fn reads(&self, command: Node<'_>) -> Holds {
        let name = command.child_by_field_name("name").map_or("", |name| self.sketch.text(name));
        let mut cursor = command.walk();
        let arguments = command.children_by_field_name("argument", &mut cursor);
        let mut words = arguments.map(|argument| self.sketch.text(argument));
        let remote = matches!(name, "docker" | "kubectl" | "podman" | "ssh");
        let mut found = interpreter(name);
        if found.is_none() && (remote || WRAPPERS.contains(&name) || RUNNERS.contains(&name)) {
            found = words.by_ref().find_map(interpreter);
        }
        let Some(runs) = found else {
            let shell = Holds::Code(Some(TemplateLanguage::Shell));
            return if name == "ssh" { shell } else { Holds::Text };
        };
        for word in words {
            match word.strip_prefix('-') {
                Some("" | "s") => break,
                Some(_) if word != "-m" && !runs.takes_code(word) => {}
                _ => return Holds::Text,
            }
        }
        Holds::Code(runs.language)
    }

    /// A redirect; gives the file that it writes, where that is plain.
    fn redirect(&mut self, node: Node<'_>, depth: usize) -> Option<Option<String>> {
        self.sketch.open("file_redirect");
        let mut written = None;
        let mut duplicates = false;
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            let text = self.sketch.text(child);
            match child.kind() {
                "file_descriptor" => self.sketch.token(text),
                kind if !child.is_named() => {
                    duplicates = kind.ends_with('&');
                    self.sketch.token(kind);
                    written = matches!(kind, ">" | ">>" | ">|").then(String::new);
                }
                "number" if duplicates => self.sketch.token(text),
                _ => {
                    let word = self.read(child);
                    written = match word {
                        Word::Plain(value) if written.is_some() => Some(value),
                        _ => None,
                    };
                    self.node(child, depth + 1)?;
                }
            }
        }
        self.sketch.close();
        Some(written)
    }

    fn here_document(&mut self, node: Node<'_>, holds: Holds, depth: usize) -> Option<()> {
        self.sketch.open("heredoc_redirect");
        let mut cursor = node.walk();
        let (mut delimiter, mut expands, mut indented) = (String::new(), true, false);
        let mut holds = holds;
        for child in node.children(&mut cursor) {
            let text = self.sketch.text(child);
            match child.kind() {
                "<<" => {}
                "<<-" => indented = true,
                "heredoc_start" => {
                    delimiter = text.replace(['\'', '"', '\\'], "");
                    expands = delimiter == text;
                }
                // `cat <<EOF > file` has its redirect in here.
                "file_redirect" => {
                    let written = self.redirect(child, depth)?;
                    holds = match written.as_deref().map(language_of) {
                        Some(Some(language)) => Holds::Code(Some(language)),
                        Some(None) => Holds::Text,
                        None => holds,
                    };
                }
                "heredoc_body" => {
                    let is_computed = expands && has_expansion(text);
                    match holds {
                        _ if indented => self.sketch.token(text),
                        Holds::Text if expands => self.expanding(child, &delimiter, depth)?,
                        Holds::Code(_) if is_computed => self.sketch.token(text),
                        _ => self.document(child, holds, &delimiter, expands),
                    }
                }
                // The grammar takes some lines for the end that are not.
                "heredoc_end" if text.trim_matches(['\t', '\n']) != delimiter => return None,
                "heredoc_end" => {}
                _ => self.node(child, depth + 1)?,
            }
        }
        self.sketch.close();
        Some(())
    }

    /// A text in which the shell expands variables.
    fn expanding(&mut self, body: Node<'_>, delimiter: &str, depth: usize) -> Option<()> {
        let mut pieces = Vec::new();
        let mut cursor = body.walk();
        // White space before the first expansion is not in the tree.
        let before = self.sketch.code.get(..body.start_byte())?;
        let start = before.rfind('\n')? + 1;
        let (mut at, mut is_whole) = (start, true);
        for child in body.named_children(&mut cursor) {
            if matches!(child.kind(), "heredoc_content" | "string_content") {
                continue;
            }
            is_whole &= !has_expansion(self.sketch.code.get(at..child.start_byte())?);
            self.between(at, child.start_byte() + self.blanks(child), None, &mut pieces)?;
            pieces.push(Piece::Computed { node: child, in_quotes: true });
            at = child.end_byte();
        }
        // The last line end belongs to the document's end.
        let end = body.end_byte() - usize::from(self.sketch.text(body).ends_with('\n'));
        // Nor are some expansions.
        if !is_whole || has_expansion(self.sketch.code.get(at..end.max(at))?) {
            self.sketch.token(self.sketch.code.get(start..end.max(at))?);
            return Some(());
        }
        self.between(at, end.max(at), None, &mut pieces)?;
        for piece in pieces {
            match piece {
                Piece::Plain { span, value, .. } => {
                    let delimiter = delimiter.to_owned();
                    let form = LiteralForm::HereDocument { delimiter, expands: true };
                    self.sketch.literal(span, form, value);
                }
                Piece::Computed { node, .. } => self.node(node, depth + 1)?,
            }
        }
        Some(())
    }

    /// A text without expansions.
    fn document(&mut self, body: Node<'_>, holds: Holds, delimiter: &str, expands: bool) {
        let written = self.sketch.text(body);
        // The last line end belongs to the document's end.
        let inner = written.strip_suffix('\n').unwrap_or(written);
        let value = if expands { unescaped_string(inner, None) } else { inner.to_owned() };
        let span = Span::new(body.start_byte(), body.start_byte() + inner.len());
        let before = self.sketch.code.get(..span.start).unwrap_or_default();
        if !before.ends_with('\n') {
            // White space before an expansion is not in the tree, nor is the expansion.
            let start = before.rfind('\n').map_or(0, |at| at + 1);
            return self.sketch.token(self.sketch.code.get(start..span.end).unwrap_or_default());
        }
        let form = LiteralForm::HereDocument { delimiter: delimiter.to_owned(), expands };
        let Holds::Code(language) = holds else {
            return self.sketch.literal(span, form, value);
        };
        match language.and_then(|it| Shape::within(it, &value, self.nesting + 1)) {
            Some(shape) => self.sketch.embedded(span, form, shape),
            None => self.sketch.fixed(&value),
        }
    }
}

/// Whether the next argument of `find` is a program.
fn is_execution(flag: Option<&str>, seen: &Arguments) -> bool {
    seen.program == "find" && matches!(flag, Some("-exec" | "-execdir" | "-ok" | "-okdir"))
}

/// Texts behind one another as one, and without those that are empty beside something that stays a word.
fn joined(pieces: Vec<Piece<'_>>) -> Vec<Piece<'_>> {
    let mut whole: Vec<Piece<'_>> = Vec::with_capacity(pieces.len());
    let stays = pieces.iter().any(|piece| match piece {
        Piece::Plain { value, .. } => !value.is_empty(),
        Piece::Computed { in_quotes, .. } => *in_quotes,
    });
    for piece in pieces {
        match (whole.last_mut(), piece) {
            (_, Piece::Plain { value, .. }) if value.is_empty() && stays => {}
            (
                Some(Piece::Plain { span, value, ends_quoted, .. }),
                Piece::Plain { span: next, value: more, ends_quoted: ends, .. },
            ) => {
                span.end = next.end;
                value.push_str(&more);
                *ends_quoted = ends;
            }
            (_, piece) => whole.push(piece),
        }
    }
    whole
}

/// What was seen of a command's arguments so far.
#[derive(Default)]
struct Arguments {
    program: String,
    /// The option that stands right before.
    flag: Option<String>,
    /// Words that were taken for sub-commands.
    commands: usize,
    /// The first of them.
    command: String,
    /// The script that an interpreter runs.
    script: Option<String>,
    operands: usize,
    /// The program that is run is still to come.
    wraps: bool,
    /// Within `find -exec`.
    executes: bool,
}

impl Arguments {
    fn of(program: String) -> Self {
        let wraps = WRAPPERS.contains(&program.as_str());
        Self { program, wraps, ..Self::default() }
    }

    /// How many sub-commands stand behind one another.
    fn levels(&self) -> usize {
        let (program, command) = (self.program.as_str(), self.command.as_str());
        let is_deep =
            |(name, commands): &(&str, &[&str])| *name == program && commands.contains(&command);
        match program {
            _ if TAKE_OPERANDS.contains(&program) => 0,
            _ if DEEP.contains(&program) || DEEP_COMMANDS.iter().any(is_deep) => 2,
            _ => 1,
        }
    }

    /// Whether a plain word is a sub-command.
    fn is_command(&self, flag: Option<&str>, written: &str, value: &str) -> bool {
        let is_word = written == value
            && value.starts_with(|c: char| c.is_ascii_lowercase())
            && value.bytes().all(|b| {
                b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b':')
            });
        is_word && flag.is_none() && self.operands == 0 && self.commands < self.levels()
    }

    /// Whether a plain word behind an option may be a sub-command.
    fn may_be_command(&self, written: &str, value: &str) -> bool {
        self.commands == 0
            && HAVE_COMMANDS.contains(&self.program.as_str())
            && self.is_command(None, written, value)
    }

    fn role(&self, place: Place) -> Option<Role> {
        let program = Some(&self.program).filter(|program| program.contains('/'));
        Some(Role { script: self.script.as_ref().or(program)?.clone(), place })
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `${X}` with nothing but the name.
fn is_plain_expansion(text: &str) -> bool {
    text.strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

/// Whether the braces in a word without quotes make several words of it, as `a{b,c}` does.
fn has_brace_expansion(text: &str) -> bool {
    let has_several = |inner: &str| inner.contains(',') || inner.contains("..");
    text.contains('{')
        && text
            .replace("\\{", "")
            .split('{')
            .skip(1)
            .any(|rest| rest.split('}').next().is_some_and(has_several))
}

/// Whether the shell expands something in a text within a here document.
fn has_expansion(text: &str) -> bool {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', _) => drop(chars.next()),
            ('`', _) => return true,
            ('$', Some(next)) if next.is_ascii_alphanumeric() || "_{(@*#?$!-".contains(*next) => {
                return true;
            }
            _ => {}
        }
    }
    false
}

/// A word without quotes; `None` when the shell would make a pattern or several words of it.
fn unescaped_word(text: &str) -> Option<String> {
    if has_brace_expansion(text) {
        return None;
    }
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                '\n' => {}
                escaped => value.push(escaped),
            },
            '*' | '?' | '[' => return None,
            c => value.push(c),
        }
    }
    Some(value)
}

/// The inside of double quotes, or of a here document, without expansions; `quote` is what else than `\\`, `$` and
/// a back quote can stand behind a backslash.
fn unescaped_string(text: &str, quote: Option<char>) -> String {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('\n')) => {
                chars.next();
            }
            ('\\', Some(&escaped)) if "\\$`".contains(escaped) || Some(escaped) == quote => {
                value.push(escaped);
                chars.next();
            }
            _ => value.push(c),
        }
    }
    value
}
