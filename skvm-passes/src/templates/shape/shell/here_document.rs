//! Redirects and here documents.

use skvm_core::artifact::{LiteralForm, TemplateLanguage};
use skvm_core::span::Span;
use tree_sitter::Node;

use super::super::Shape;
use super::super::again::are_in_code;
use super::Walk;
use super::programs::{RUNNERS, WRAPPERS, interpreter, is_code_file, language_of};
use super::words::{Piece, Word, texts, unescaped_string};

/// What a here document holds.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    Text,
    /// Code; `None` in a language that has no shapes.
    Code(Option<TemplateLanguage>),
}

impl Holds {
    /// The same when it is written into a file.
    fn written_to(self, file: Option<&str>) -> Self {
        match file.map(language_of) {
            Some(Some(language)) => Self::Code(Some(language)),
            Some(None) => Self::Text,
            None => self,
        }
    }
}

/// How a here document is written.
struct Form<'d> {
    delimiter: &'d str,
    expands: bool,
    indented: bool,
}

impl<'c> Walk<'_, 'c> {
    pub(super) fn redirected(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open("redirected_statement");
        let into_code = self.writes_into_code(node);
        let mut cursor = node.walk();
        let (mut destination, mut holds) = (None, Holds::Text);
        for child in node.children(&mut cursor) {
            let is_body = !child.kind().ends_with("_redirect");
            let outer = self.sketch.reading_again(is_body && into_code);
            match child.kind() {
                "command" => {
                    holds = self.reads(child);
                    self.node(child, depth + 1)?;
                }
                "file_redirect" => {
                    destination = self.redirect(child, depth)?.or(destination);
                }
                "heredoc_redirect" => {
                    let holds = holds.written_to(destination.as_deref());
                    let body = node.child_by_field_name("body");
                    let is_text = matches!(holds, Holds::Text);
                    let runs = body.is_some_and(|it| self.runs_document(it, is_text));
                    self.sketch.read_again |= runs || is_text && into_code;
                    self.here_document(child, holds, depth)?;
                }
                _ => self.node(child, depth + 1)?,
            }
            self.sketch.read_again = outer;
        }
        self.sketch.close();
        Some(())
    }

    /// What stands between the lines of a here document.
    fn body(&mut self, node: Node<'_>, holds: Holds, form: &Form<'_>, depth: usize) -> Option<()> {
        let text = self.sketch.text(node);
        let is_computed = form.expands && has_expansion(text);
        match holds {
            _ if form.indented => self.token(text),
            Holds::Text if form.expands => self.expanding(node, form.delimiter, depth)?,
            Holds::Code(_) if is_computed => {
                self.flow.expanded_again(text);
                self.sketch.token(text);
            }
            _ => self.document(node, holds, form),
        }
        Some(())
    }

    /// Whether what a statement writes goes into a file of code, and is what stands in the statement.
    fn writes_into_code(&self, statement: Node<'_>) -> bool {
        let mut cursor = statement.walk();
        let body = statement.child_by_field_name("body").filter(|it| it.kind() == "command");
        let name = body.and_then(|it| it.child_by_field_name("name"));
        let shows = name.is_none_or(|it| matches!(self.sketch.text(it), "cat" | "echo" | "printf"));
        shows
            && statement
                .children(&mut cursor)
                .filter(|child| child.kind() == "file_redirect")
                .filter_map(|redirect| redirect.child_by_field_name("destination"))
                .any(|it| is_code_file(self.sketch.text(it)))
    }

    /// What the input of a command holds: code when it runs an interpreter that is given no script.
    pub(super) fn reads(&self, command: Node<'_>) -> Holds {
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
    pub(super) fn redirect(&mut self, node: Node<'_>, depth: usize) -> Option<Option<String>> {
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

    pub(super) fn here_document(
        &mut self,
        node: Node<'_>,
        holds: Holds,
        depth: usize,
    ) -> Option<()> {
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
                    holds = holds.written_to(written.as_deref());
                    let file = child.child_by_field_name("destination");
                    let into_code = file.is_some_and(|it| is_code_file(self.sketch.text(it)));
                    // The document that this is in ends what it sets.
                    self.sketch.read_again |= into_code && matches!(holds, Holds::Text);
                }
                "heredoc_body" => {
                    let form = Form { delimiter: &delimiter, expands, indented };
                    self.body(child, holds, &form, depth)?;
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
        self.expanding_pieces(pieces, delimiter, depth)
    }

    fn expanding_pieces(
        &mut self,
        pieces: Vec<Piece<'_>>,
        delimiter: &str,
        depth: usize,
    ) -> Option<()> {
        let (is_one, in_code) = (pieces.len() == 1, are_in_code(&texts(&pieces)));
        for (piece, in_code) in pieces.into_iter().zip(in_code) {
            let outer = self.sketch.reading_again(in_code);
            match piece {
                Piece::Plain { span, value, .. } => {
                    let delimiter = delimiter.to_owned();
                    let form = LiteralForm::HereDocument { delimiter, expands: true };
                    if is_one {
                        self.value(span, form, value);
                    } else {
                        self.sketch.literal(span, form, value);
                    }
                }
                Piece::Computed { node, .. } => {
                    // A line of a value could end the document within a command.
                    self.sketch.read_again |= node.kind() == "command_substitution";
                    self.node(node, depth + 1)?;
                }
            }
            self.sketch.read_again = outer;
        }
        Some(())
    }

    /// A text without expansions.
    fn document(&mut self, body: Node<'_>, holds: Holds, form: &Form<'_>) {
        let Form { delimiter, expands, .. } = *form;
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
            return self.value(span, form, value);
        };
        match language.and_then(|it| Shape::within(it, &value, self.nesting + 1)) {
            Some(shape) => self.sketch.embedded(span, form, shape),
            None => self.sketch.fixed(&value),
        }
    }
}

/// Whether the shell expands something in a text within a here document.
pub(super) fn has_expansion(text: &str) -> bool {
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
