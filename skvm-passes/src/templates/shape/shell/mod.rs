//! The structure of shell code.

mod command;
mod flow;
mod here_document;
mod names;
mod programs;
mod readers;
mod text_first;
mod words;

use tree_sitter::Node;

use super::sketch::{MAX_DEPTH, Sketch};
use crate::code::syntax;
use flow::Flow;
use names::bind_names;
use readers::{is_run, is_worked_out};
use words::{is_plain_expansion, is_read_by_expansion, unescaped_word};

pub(super) fn sketch(code: &str, nesting: usize) -> Option<Sketch<'_>> {
    let tree = syntax::parse_shell_now(code)?;
    let root = tree.root_node();
    if root.has_error() {
        return None;
    }
    let mut sketch = Sketch::new(code);
    bind_names(root, &mut sketch);
    let mut walk = Walk { sketch: &mut sketch, nesting, mode: Mode::Values, flow: Flow::default() };
    walk.node(root, 0)?;
    let flow = walk.flow;
    flow.close(&mut sketch);
    Some(sketch)
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

struct Walk<'s, 'c> {
    sketch: &'s mut Sketch<'c>,
    nesting: usize,
    mode: Mode,
    flow: Flow<'c>,
}

impl<'c> Walk<'_, 'c> {
    fn node(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match node.kind() {
            "command" => self.command(node, depth),
            "redirected_statement" => self.redirected(node, depth),
            "file_redirect" => self.redirect(node, depth).map(|_| ()),
            "word" | "number" if self.mode != Mode::Arithmetic => self.word(node, depth),
            "string" | "raw_string" | "concatenation" => self.word(node, depth),
            "expansion" => self.expansion(node, depth),
            "function_definition" => self.function(node, depth),
            "case_item" => self.case_item(node, depth),
            "pipeline" => self.pipeline(node, depth),
            "c_style_for_statement" => self.counted(node, depth),
            "for_statement" | "variable_assignment" => self.assignment(node, depth),
            "declaration_command" | "unset_command" => self.declaration(node, depth),
            _ if self.leaf(node) => Some(()),
            _ => self.inner(node, depth),
        }
    }

    /// A node that is written down without what is in it; `false` when it is none.
    fn leaf(&mut self, node: Node<'_>) -> bool {
        let text = self.sketch.text(node);
        match node.kind() {
            "comment" | ";" | "\n" | "(" | ")" | "`" | "$(" => {}
            "word" | "number" | "variable_name" if self.mode == Mode::Arithmetic => {
                self.sketch.name(text);
                self.flow.again(text);
            }
            "variable_name" | "special_variable_name" => self.variable(text),
            // Patterns and what the shell itself decodes stay as they are written.
            "regex" | "extglob_pattern" | "ansi_c_string" | "translated_string"
            | "brace_expression" => self.token(text),
            "simple_expansion" => self.plain_expansion(node),
            // In a here document the grammar takes arithmetic for a command.
            "command_substitution" if text.starts_with("$((") => {
                self.flow.named_again(text);
                self.sketch.token(text);
            }
            kind if node.child_count() == 0 => {
                self.sketch.token(if node.is_named() { text } else { kind });
            }
            _ => return false,
        }
        true
    }

    fn inner(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open(node.kind());
        let mode = match node.kind() {
            "arithmetic_expansion" | "subscript" => Mode::Arithmetic,
            "compound_statement" if self.sketch.text(node).starts_with("((") => Mode::Arithmetic,
            "command_substitution" | "process_substitution" | "do_group" => Mode::Values,
            _ => self.mode,
        };
        let begins = mode == Mode::Arithmetic && self.mode != mode;
        let outer = std::mem::replace(&mut self.mode, mode);
        let again = self.sketch.reading_again(begins || self.is_read_again(node));
        self.children(node, depth)?;
        self.mode = outer;
        self.sketch.read_again = again;
        self.sketch.close();
        Some(())
    }

    /// Whether what is in a node is read again: within backquotes, and where numbers are compared.
    fn is_read_again(&self, node: Node<'_>) -> bool {
        let operator =
            || node.child_by_field_name("operator").map_or("", |it| self.sketch.text(it));
        match node.kind() {
            "command_substitution" => self.sketch.text(node).trim_start().starts_with('`'),
            "binary_expression" | "unary_expression" => is_worked_out(operator()),
            _ => false,
        }
    }

    /// A name of a variable.
    fn variable(&mut self, name: &'c str) {
        self.sketch.name(name);
        if self.sketch.read_again {
            self.flow.again(name);
        }
    }

    /// Something that stays as it is written.
    fn token(&mut self, text: &'c str) {
        self.sketch.token(text);
        if self.sketch.read_again {
            self.flow.expanded_again(text);
        }
    }

    /// Commands of which each is given what the one before it writes.
    fn pipeline(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open(node.kind());
        let again = self.read_again_before(node);
        let mut cursor = node.walk();
        for (index, child) in node.children(&mut cursor).enumerate() {
            let outer = self.sketch.reading_again(again.contains(&index));
            self.node(child, depth + 1)?;
            self.sketch.read_again = outer;
        }
        self.sketch.close();
        Some(())
    }

    /// `for ((…; …; …))`.
    fn counted(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open(node.kind());
        let mut cursor = node.walk();
        for (index, child) in node.children(&mut cursor).enumerate() {
            let is_body = node.field_name_for_child(u32::try_from(index).ok()?) == Some("body");
            let mode = if is_body { self.mode } else { Mode::Arithmetic };
            let outer = std::mem::replace(&mut self.mode, mode);
            let again = self.sketch.reading_again(!is_body);
            self.node(child, depth + 1)?;
            self.mode = outer;
            self.sketch.read_again = again;
        }
        self.sketch.close();
        Some(())
    }

    /// What puts values into a variable: `x=…` and `for x in …`.
    fn assignment(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open(node.kind());
        let name = ["name", "variable"].into_iter().find_map(|it| node.child_by_field_name(it));
        let name = name.map(|it| it.named_child(0).unwrap_or(it));
        let name = name.map_or("", |it| self.sketch.text(it));
        let mut cursor = node.walk();
        for (index, child) in node.children(&mut cursor).enumerate() {
            let field = node.field_name_for_child(u32::try_from(index).ok()?);
            let first = self.sketch.count();
            let outer = self.sketch.reading_again(is_run(name));
            self.node(child, depth + 1)?;
            self.sketch.read_again = outer;
            if !matches!(field, Some("name" | "variable" | "body")) {
                self.flow.put(name, first..self.sketch.count(), self.sketch.text(child));
            }
        }
        self.sketch.close();
        Some(())
    }

    /// `declare x=…`: words that are no assignments may become some, and numbers are worked out.
    fn declaration(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open(node.kind());
        let mut cursor = node.walk();
        let is_integer = node.children(&mut cursor).any(|child| {
            let text = self.sketch.text(child);
            text.starts_with('-') && text.contains('i') && child.kind() == "word"
        });
        for child in node.children(&mut cursor) {
            let is_word = !matches!(child.kind(), "variable_assignment" | "variable_name");
            let outer = self.sketch.reading_again(is_integer || is_word);
            self.node(child, depth + 1)?;
            self.sketch.read_again = outer;
        }
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
        let again = self.sketch.reading_again(true);
        self.node(node, depth)?;
        self.mode = outer;
        self.sketch.read_again = again;
        Some(())
    }

    /// `$X` and `${X}`.
    fn plain_expansion(&mut self, node: Node<'_>) {
        self.sketch.open("expansion");
        if let Some(name) = node.named_child(0) {
            self.variable(self.sketch.text(name));
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
        let again = self.sketch.reading_again(is_read_by_expansion(self.sketch.text(node)));
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            match child.kind() {
                "${" | "}" => {}
                // What stands behind is a number that the shell works out.
                ":" => {
                    self.sketch.token(":");
                    self.sketch.read_again = true;
                }
                "variable_name"
                | "simple_expansion"
                | "expansion"
                | "command_substitution"
                | "subscript" => self.node(child, depth + 1)?,
                _ => self.token(self.sketch.text(child)),
            }
        }
        self.sketch.read_again = again;
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
}
