//! The structure of shell code.

use skvm_core::artifact::{LiteralForm, TemplateLanguage};
use skvm_core::span::Span;
use tree_sitter::Node;

use super::sketch::{MAX_DEPTH, Sketch};
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
    Walk { sketch: &mut sketch, nesting }.node(root, 0)?;
    Some(sketch)
}

/// Makes every variable known that the code sets for itself.
fn bind_names(root: Node<'_>, sketch: &mut Sketch<'_>) {
    let (mut open, mut exported) = (vec![root], Vec::new());
    while let Some(node) = open.pop() {
        let parent = node.parent().map_or("", |parent| parent.kind());
        match node.kind() {
            // `NAME=value program` is for the program.
            "variable_assignment" if parent != "command" => {
                if let Some(name) = node.child_by_field_name("name") {
                    let name = sketch.text(name);
                    sketch.bind(name);
                }
            }
            "for_statement" | "select_statement" => {
                if let Some(name) = node.child_by_field_name("variable") {
                    let name = sketch.text(name);
                    sketch.bind(name);
                }
            }
            "declaration_command"
                if node.child(0).is_some_and(|word| sketch.text(word) == "export") =>
            {
                exported.push(node);
            }
            _ => {}
        }
        let mut cursor = node.walk();
        open.extend(node.named_children(&mut cursor));
    }
    for declaration in exported {
        let mut cursor = declaration.walk();
        for child in declaration.named_children(&mut cursor) {
            let name = child.child_by_field_name("name").unwrap_or(child);
            sketch.unbind(sketch.text(name));
        }
    }
}

/// Programs whose first argument is an operand also when it is a plain lower-case word.
const TAKE_OPERANDS: [&str; 42] = [
    "[", "awk", "basename", "cat", "cd", "chmod", "chown", "cp", "curl", "cut", "diff", "dirname",
    "du", "echo", "export", "find", "grep", "head", "jq", "kill", "ln", "ls", "mkdir", "mv",
    "pdftotext", "printf", "rg", "rm", "rmdir", "sed", "sleep", "sort", "source", "tail", "tee",
    "test", "touch", "tr", "uniq", "wc", "wget", "which",
];

/// Programs whose sub-commands have sub-commands.
const DEEP: [&str; 8] = ["aws", "az", "docker", "gcloud", "gh", "kubectl", "openstack", "uv"];

/// The program that a command runs, and what it takes its code from.
struct Interpreter {
    language: Option<TemplateLanguage>,
    /// The option whose value is code.
    option: &'static str,
}

fn interpreter(program: &str) -> Option<Interpreter> {
    use TemplateLanguage::{JavaScript, Python, Shell};
    let name = program.rsplit('/').next().unwrap_or(program);
    let (language, option) = match name {
        "sh" | "bash" | "dash" | "zsh" => (Some(Shell), "-c"),
        "node" | "bun" => (Some(JavaScript), "-e"),
        "ruby" | "perl" | "deno" | "php" => (None, "-e"),
        _ if name == "python" || name.starts_with("python3") || name == "python2" => {
            (Some(Python), "-c")
        }
        _ => return None,
    };
    Some(Interpreter { language, option })
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

/// A piece of a word.
enum Piece<'t> {
    /// Text that the shell takes as it is.
    Plain { span: Span, value: String, in_quotes: bool, bare: bool },
    /// Something that it works out: a variable, a command, a pattern.
    Computed { node: Node<'t>, in_quotes: bool },
}

struct Walk<'s, 'c> {
    sketch: &'s mut Sketch<'c>,
    nesting: usize,
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
                self.expansion(node);
                return Some(());
            }
            "expansion" if node.named_child_count() == 1 && is_plain_expansion(text) => {
                self.expansion(node);
                return Some(());
            }
            _ => {}
        }
        if node.child_count() == 0 {
            self.sketch.token(text);
            return Some(());
        }
        self.sketch.open(node.kind());
        self.children(node, depth)?;
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

    /// `$X` and `${X}`.
    fn expansion(&mut self, node: Node<'_>) {
        self.sketch.open("expansion");
        if let Some(name) = node.named_child(0) {
            let name = self.sketch.text(name);
            self.sketch.name(name);
        }
        self.sketch.close();
    }

    fn command(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open("command");
        let mut arguments = Arguments::default();
        let mut cursor = node.walk();
        for (index, child) in node.children(&mut cursor).enumerate() {
            let index = u32::try_from(index).ok()?;
            match node.field_name_for_child(index) {
                Some("name") => {
                    let name = child.named_child(0).unwrap_or(child);
                    match self.plain(name) {
                        Some(name) => {
                            self.sketch.token(&name);
                            arguments.program = name;
                        }
                        None => self.word(name, depth)?,
                    }
                }
                Some("argument") => self.argument(child, &mut arguments, depth)?,
                _ => self.node(child, depth + 1)?,
            }
        }
        self.sketch.close();
        Some(())
    }

    /// The value of a word that is plain as a whole.
    fn plain(&self, word: Node<'_>) -> Option<String> {
        let mut value = String::new();
        for piece in self.pieces(word)? {
            match piece {
                Piece::Plain { value: part, .. } => value.push_str(&part),
                Piece::Computed { .. } => return None,
            }
        }
        Some(value)
    }

    fn argument(&mut self, node: Node<'_>, seen: &mut Arguments, depth: usize) -> Option<()> {
        let written = self.sketch.text(node);
        let Some(value) = self.plain(node) else {
            seen.flag = None;
            seen.operands += 1;
            return self.word(node, depth);
        };
        let span = Span::from(node.byte_range());
        if value.len() > 1 && value.starts_with('-') {
            seen.flag = Some(value.clone());
            // `--name=value` as one unquoted text, or with quotes behind the sign.
            if let Some((name, inner)) = value.split_once('=')
                && written.starts_with(&format!("{name}="))
                && name.starts_with("--")
            {
                let start = span.start + name.len() + 1;
                self.sketch.token(&value[..=name.len()]);
                let inner = inner.to_owned();
                seen.flag = None;
                self.sketch.literal(Span::new(start, span.end), LiteralForm::Quoted, inner);
                self.sketch.role(seen.role(Place::Option(name.to_owned())));
            } else {
                self.sketch.token(&value);
            }
            return Some(());
        }
        let runs = interpreter(&seen.program);
        let flag = seen.flag.take();
        let is_code = runs.as_ref().is_some_and(|runs| flag.as_deref() == Some(runs.option));
        if is_code {
            seen.operands += 1;
            seen.script = Some(String::new());
            let language = runs.and_then(|runs| runs.language);
            let shape = language.and_then(|it| Shape::within(it, &value, self.nesting + 1));
            match shape {
                Some(shape) => self.sketch.embedded(span, LiteralForm::Quoted, shape),
                None => self.sketch.token(&value),
            }
            return Some(());
        }
        if runs.is_some() && seen.script.is_none() && flag.is_none() {
            // What an interpreter runs is what is called.
            seen.script = Some(value.clone());
            self.sketch.token(&value);
            return Some(());
        }
        let is_word = written == value
            && value.starts_with(|c: char| c.is_ascii_lowercase())
            && value.bytes().all(|b| {
                b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b':')
            });
        let levels = match seen.program.as_str() {
            program if TAKE_OPERANDS.contains(&program) => 0,
            program if DEEP.contains(&program) => 2,
            _ => 1,
        };
        if is_word && flag.is_none() && seen.operands == 0 && seen.commands < levels {
            seen.commands += 1;
            self.sketch.token(&value);
            return Some(());
        }
        self.sketch.literal(span, LiteralForm::Quoted, value);
        let place = match flag {
            Some(flag) => Place::Option(flag),
            None => Place::Operand(seen.commands + seen.operands),
        };
        if matches!(place, Place::Operand(_)) {
            seen.operands += 1;
        }
        self.sketch.role(seen.role(place));
        Some(())
    }

    /// A word where no command's arguments stand.
    fn word(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        let span = Span::from(node.byte_range());
        if let Some(value) = self.plain(node) {
            if value.starts_with('-') {
                self.sketch.token(&value);
            } else {
                self.sketch.literal(span, LiteralForm::Quoted, value);
            }
            return Some(());
        }
        let Some(pieces) = self.pieces(node) else {
            self.sketch.token(self.sketch.text(node));
            return Some(());
        };
        self.sketch.open("word");
        for piece in pieces {
            match piece {
                Piece::Plain { span, value, in_quotes: true, .. } => {
                    self.sketch.literal_within(span, LiteralForm::Quoted, "\"", value);
                }
                Piece::Plain { span, value, .. } => {
                    self.sketch.literal(span, LiteralForm::Quoted, value);
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

    /// The pieces of a word; `None` when the shell does more with it than put them together.
    fn pieces<'t>(&self, word: Node<'t>) -> Option<Vec<Piece<'t>>> {
        let mut pieces = Vec::new();
        self.collect(word, &mut pieces)?;
        // A pattern or a home directory is only one where it stands without quotes.
        let first_is_home = matches!(pieces.first(),
            Some(Piece::Plain { value, bare: true, .. }) if value.starts_with('~'));
        (!first_is_home).then_some(pieces)
    }

    fn collect<'t>(&self, node: Node<'t>, pieces: &mut Vec<Piece<'t>>) -> Option<()> {
        let text = self.sketch.text(node);
        let span = Span::from(node.byte_range());
        match node.kind() {
            "word" | "number" if node.child_count() == 0 => {
                let value = unescaped_word(text)?;
                pieces.push(Piece::Plain { span, value, in_quotes: false, bare: true });
            }
            "raw_string" => {
                let value = text.get(1..text.len().checked_sub(1)?)?.to_owned();
                pieces.push(Piece::Plain { span, value, in_quotes: false, bare: false });
            }
            "string" => {
                let mut cursor = node.walk();
                let computed: Vec<Node<'t>> = node
                    .named_children(&mut cursor)
                    .filter(|child| child.kind() != "string_content")
                    .collect();
                if computed.is_empty() {
                    let inner = text.get(1..text.len().checked_sub(1)?)?;
                    let value = unescaped_string(inner)?;
                    pieces.push(Piece::Plain { span, value, in_quotes: false, bare: false });
                    return Some(());
                }
                let mut at = span.start + 1;
                for node in computed {
                    self.between(at, node.start_byte(), pieces)?;
                    pieces.push(Piece::Computed { node, in_quotes: true });
                    at = node.end_byte();
                }
                self.between(at, span.end.checked_sub(1)?, pieces)?;
            }
            "concatenation" => {
                let mut cursor = node.walk();
                for child in node.children(&mut cursor) {
                    self.collect(child, pieces)?;
                }
            }
            "simple_expansion" | "expansion" | "command_substitution" | "arithmetic_expansion"
            | "process_substitution" => pieces.push(Piece::Computed { node, in_quotes: false }),
            _ => return None,
        }
        Some(())
    }

    /// Text between expansions within double quotes.
    fn between(&self, start: usize, end: usize, pieces: &mut Vec<Piece<'_>>) -> Option<()> {
        let text = self.sketch.code.get(start..end)?;
        if !text.is_empty() {
            let (span, value) = (Span::new(start, end), unescaped_string(text)?);
            pieces.push(Piece::Plain { span, value, in_quotes: true, bare: false });
        }
        Some(())
    }

    fn redirected(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open("redirected_statement");
        let mut cursor = node.walk();
        let (mut destination, mut program) = (None, String::new());
        for child in node.children(&mut cursor) {
            match child.kind() {
                "command" => {
                    program = self.program(child);
                    self.node(child, depth + 1)?;
                }
                "file_redirect" => {
                    destination = self.redirect(child, depth)?.or(destination);
                }
                "heredoc_redirect" => {
                    let language = match &destination {
                        Some(path) => language_of(path),
                        None => interpreter(&program).and_then(|it| it.language),
                    };
                    self.here_document(child, language, depth)?;
                }
                _ => self.node(child, depth + 1)?,
            }
        }
        self.sketch.close();
        Some(())
    }

    /// The program of a command that reads its code from its input.
    fn program(&self, command: Node<'_>) -> String {
        let name = command.child_by_field_name("name").map_or("", |name| self.sketch.text(name));
        let mut cursor = command.walk();
        let takes_input = command
            .children_by_field_name("argument", &mut cursor)
            .all(|argument| self.sketch.text(argument) == "-");
        if takes_input { name.to_owned() } else { String::new() }
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
                    written = matches!(kind, ">" | ">>").then(String::new);
                }
                _ if duplicates => self.sketch.token(text),
                _ => {
                    written = written.and_then(|_| self.plain(child));
                    self.word(child, depth)?;
                }
            }
        }
        self.sketch.close();
        Some(written)
    }

    fn here_document(
        &mut self,
        node: Node<'_>,
        language: Option<TemplateLanguage>,
        depth: usize,
    ) -> Option<()> {
        self.sketch.open("heredoc_redirect");
        let mut cursor = node.walk();
        let (mut delimiter, mut expands, mut indented) = (String::new(), true, false);
        let mut language = language;
        for child in node.children(&mut cursor) {
            let text = self.sketch.text(child);
            match child.kind() {
                "<<" => {}
                "<<-" => indented = true,
                "heredoc_start" => {
                    delimiter = text.trim_matches(['\'', '"', '\\']).to_owned();
                    expands = delimiter == text;
                }
                // `cat <<EOF > file` has its redirect in here.
                "file_redirect" => {
                    let written = self.redirect(child, depth)?;
                    language = written.as_deref().map_or(language, language_of);
                }
                "heredoc_body" => {
                    let is_computed = child.named_children(&mut child.walk()).any(|piece| {
                        !matches!(piece.kind(), "heredoc_content" | "string_content")
                    });
                    if is_computed || indented {
                        self.sketch.token(text);
                        continue;
                    }
                    self.document(child, language, &delimiter, expands);
                }
                "heredoc_end" => {}
                _ => self.node(child, depth + 1)?,
            }
        }
        self.sketch.close();
        Some(())
    }

    fn document(
        &mut self,
        body: Node<'_>,
        language: Option<TemplateLanguage>,
        delimiter: &str,
        expands: bool,
    ) {
        let written = self.sketch.text(body);
        // The last line end belongs to the document's end.
        let inner = written.strip_suffix('\n').unwrap_or(written);
        if expands && inner.contains(['$', '`', '\\']) {
            return self.sketch.token(written);
        }
        let value = inner.to_owned();
        let span = Span::new(body.start_byte(), body.start_byte() + inner.len());
        let form = LiteralForm::HereDocument { delimiter: delimiter.to_owned(), expands };
        let shape = language.and_then(|it| Shape::within(it, &value, self.nesting + 1));
        match shape {
            Some(shape) => self.sketch.embedded(span, form, shape),
            None if language.is_some() => self.sketch.token(written),
            None => self.sketch.literal(span, form, value),
        }
    }
}

/// What was seen of a command's arguments so far.
#[derive(Default)]
struct Arguments {
    program: String,
    /// The option that stands right before.
    flag: Option<String>,
    /// Words that were taken for sub-commands.
    commands: usize,
    /// The script that an interpreter runs.
    script: Option<String>,
    operands: usize,
}

impl Arguments {
    fn role(&self, place: Place) -> Option<Role> {
        let program = Some(&self.program).filter(|program| program.contains('/'));
        Some(Role { script: self.script.as_ref().or(program)?.clone(), place })
    }
}

/// `${X}` with nothing but the name.
fn is_plain_expansion(text: &str) -> bool {
    text.strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

/// A word without quotes; `None` when the shell would make a pattern or several words of it.
fn unescaped_word(text: &str) -> Option<String> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    let mut braces = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                '\n' => {}
                escaped => value.push(escaped),
            },
            '*' | '?' | '[' => return None,
            '{' => {
                braces = true;
                value.push(c);
            }
            ',' if braces => return None,
            c => value.push(c),
        }
    }
    (!braces || !value.contains("..")).then_some(value)
}

/// The inside of double quotes, without expansions.
fn unescaped_string(text: &str) -> Option<String> {
    if text.contains('`') && !text.contains("\\`") {
        return None;
    }
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('\n')) => {
                chars.next();
            }
            ('\\', Some(&escaped @ ('\\' | '"' | '$' | '`'))) => {
                value.push(escaped);
                chars.next();
            }
            _ => value.push(c),
        }
    }
    Some(value)
}
