//! The structure of JavaScript and TypeScript code.

use skvm_core::artifact::LiteralForm;
use skvm_core::span::Span;
use tree_sitter::{Node, TreeCursor};

use super::again::{self, Runs};
use super::sketch::{Backslash, MAX_DEPTH, Sketch, decimal, each_node, unescaped};
use crate::code::syntax::{self, Dialect};

pub(super) fn sketch(code: &str) -> Option<Sketch<'_>> {
    let tree = [Dialect::Jsx, Dialect::TypeScript]
        .into_iter()
        .filter_map(|dialect| syntax::parse_javascript_now(dialect, code))
        .find(|tree| !tree.root_node().has_error())?;
    let root = tree.root_node();
    let mut sketch = Sketch::new(code);
    let runs = look_around(root, &mut sketch);
    if runs.texts {
        sketch.runs_texts();
    }
    Walk { sketch: &mut sketch, loads: false }.node(&mut root.walk(), "", 0)?;
    sketch.are_read_again_at(&runs.programs);
    Some(sketch)
}

/// Makes every name known that the code binds itself. Gives what it runs.
fn look_around(root: Node<'_>, sketch: &mut Sketch<'_>) -> Runs {
    let mut runs = Runs::default();
    let mut exported = Vec::new();
    each_node(root, &mut |node, around| {
        runs.look_at_javascript(node, around, sketch.code);
        let target = match node.kind() {
            "variable_declarator"
            | "function_declaration"
            | "function_expression"
            | "generator_function_declaration"
            | "class_declaration"
            | "enum_declaration" => node.child_by_field_name("name"),
            "required_parameter" | "optional_parameter" => node.child_by_field_name("pattern"),
            "catch_clause" | "arrow_function" => node.child_by_field_name("parameter"),
            "for_in_statement" => node.child_by_field_name("left"),
            "import_specifier" => node.child_by_field_name("alias"),
            "namespace_import" => Some(node),
            "import_clause" => node.named_child(0).filter(|n| n.kind() == "identifier"),
            _ => None,
        };
        if let Some(target) = target {
            names(target, &mut |name| sketch.bind(sketch.text(name)));
        }
        if around.kind() == "export_statement" {
            exported.push(node);
        }
    });
    // What is exported is reached by its name from outside.
    for declaration in exported {
        let mut cursor = declaration.walk();
        let declarators =
            declaration.named_children(&mut cursor).filter(|n| n.kind() == "variable_declarator");
        for named in declarators.chain([declaration]) {
            if let Some(target) = named.child_by_field_name("name") {
                names(target, &mut |name| sketch.unbind(sketch.text(name)));
            }
        }
    }
    runs
}

/// The names in a pattern.
fn names<'t>(target: Node<'t>, found: &mut dyn FnMut(Node<'t>)) {
    if target.kind() == "identifier" {
        return found(target);
    }
    let mut open = vec![target];
    while let Some(node) = open.pop() {
        match node.kind() {
            "identifier" | "shorthand_property_identifier_pattern" | "type_identifier" => {
                found(node);
            }
            "member_expression" | "subscript_expression" | "call_expression" => {}
            // A default value is no part of the pattern.
            "assignment_pattern" | "object_assignment_pattern" => {
                open.extend(node.child_by_field_name("left"));
            }
            "pair_pattern" => open.extend(node.child_by_field_name("value")),
            _ => {
                let mut cursor = node.walk();
                open.extend(node.named_children(&mut cursor));
            }
        }
    }
}

struct Walk<'s, 'c> {
    sketch: &'s mut Sketch<'c>,
    /// Within the arguments of `require` or `import()`.
    loads: bool,
}

impl<'c> Walk<'_, 'c> {
    /// Writes down the node that the cursor is at.
    fn node(&mut self, cursor: &mut TreeCursor<'_>, around: &str, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let node = cursor.node();
        let text = self.sketch.text(node);
        let kind = node.kind();
        match kind {
            "comment" | "," | ";" | "(" | ")" | "empty_statement" => return Some(()),
            "identifier" | "type_identifier" => {
                self.identifier(node, cursor.field_name(), around);
                return Some(());
            }
            // `{a}` is `{a: a}`.
            "shorthand_property_identifier" | "shorthand_property_identifier_pattern" => {
                let pattern = kind.ends_with("_pattern");
                self.sketch.open(if pattern { "pair_pattern" } else { "pair" });
                self.sketch.token(text);
                self.sketch.token(":");
                self.sketch.name(text);
                self.sketch.close();
                return Some(());
            }
            "number" => {
                // `1.toFixed()` would be none, and `{(-1): x}` neither.
                let is_fixed = matches!(cursor.field_name(), Some("object" | "key" | "name"));
                self.sketch.number(node, is_fixed);
                return Some(());
            }
            "unary_expression" if self.negative_number(node) => return Some(()),
            // The type of that name is no node with a name.
            "string" if node.is_named() => {
                self.string(node, cursor.field_name(), around);
                return Some(());
            }
            "template_string" => {
                let is_tagged =
                    around == "call_expression" && cursor.field_name() == Some("arguments");
                return self.template_string(cursor, around, is_tagged, depth);
            }
            "jsx_text" if text.trim().is_empty() && text.contains('\n') => return Some(()),
            "regex" => {
                self.sketch.token(text);
                return Some(());
            }
            _ => {}
        }
        if node.child_count() == 0 {
            self.sketch.token(text);
            return Some(());
        }
        let loads = self.loads;
        if kind == "call_expression" {
            let function = node.child_by_field_name("function");
            self.loads =
                function.is_some_and(|it| matches!(self.sketch.text(it), "require" | "import"));
        }
        // `(a?.b).c` is not `a?.b.c`.
        let transparent = kind == "parenthesized_expression"
            && !(matches!(cursor.field_name(), Some("object" | "function")) && text.contains("?."));
        if !transparent {
            self.sketch.open(kind);
        }
        self.children(cursor, kind, depth)?;
        if !transparent {
            self.sketch.close();
        }
        self.loads = loads;
        Some(())
    }

    fn children(&mut self, cursor: &mut TreeCursor<'_>, kind: &str, depth: usize) -> Option<()> {
        if !cursor.goto_first_child() {
            return Some(());
        }
        let mut before = "";
        loop {
            let child = cursor.node();
            let child_kind = child.kind();
            match (kind, child_kind) {
                // `[, a]` leaves the first one out.
                ("array" | "array_pattern", ",") if matches!(before, "[" | ",") => {
                    self.sketch.token("hole");
                }
                // `for (a;;)` is not `for (;a;)`.
                ("for_statement", child_kind)
                    if child.is_named() && child_kind != "empty_statement" =>
                {
                    self.sketch.token(cursor.field_name().unwrap_or_default());
                }
                _ => {}
            }
            self.node(cursor, kind, depth + 1)?;
            if child_kind != "comment" {
                before = child_kind;
            }
            if !cursor.goto_next_sibling() {
                break;
            }
        }
        cursor.goto_parent();
        Some(())
    }

    fn identifier(&mut self, node: Node<'_>, field: Option<&str>, around: &str) {
        let name = self.sketch.text(node);
        match (around, field) {
            ("import_specifier", Some("name")) | ("export_specifier", Some("alias")) => {
                self.sketch.token(name);
            }
            // `export {a}` is `export {a as a}`.
            ("export_specifier", _) => {
                self.sketch.name(name);
                self.sketch.token(name);
            }
            // The only parameter of an arrow function is as if it stood in parentheses.
            ("arrow_function", Some("parameter")) => {
                self.sketch.open("formal_parameters");
                self.sketch.open("required_parameter");
                self.sketch.name(name);
                self.sketch.close();
                self.sketch.close();
            }
            _ => self.sketch.name(name),
        }
    }

    fn negative_number(&mut self, node: Node<'_>) -> bool {
        let is_minus = node.child(0).is_some_and(|sign| sign.kind() == "-");
        let number = node
            .child_by_field_name("argument")
            .filter(|n| is_minus && n.kind() == "number")
            .and_then(|number| decimal(self.sketch.text(number)));
        let Some(number) = number else { return false };
        self.sketch.literal(span(node), LiteralForm::Number, format!("-{number}"));
        true
    }

    fn string(&mut self, node: Node<'_>, field: Option<&str>, around: &str) {
        let text = self.sketch.text(node);
        let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
        // `{'a': 1}` is `{a: 1}`; a module's name is part of the import.
        let is_name =
            matches!(field, Some("key" | "source" | "name")) || self.loads && around == "arguments";
        match unescaped(inner, Backslash::Dropped) {
            // Escapes mean nothing in there.
            _ if around == "jsx_attribute" => self.sketch.token(text),
            Some(value) if is_name => self.sketch.token(&value),
            Some(value) => self.sketch.literal(span(node), LiteralForm::Quoted, value),
            None => self.sketch.token(text),
        }
    }

    /// The template string that the cursor is at. What a tag gets stays as it is written.
    fn template_string(
        &mut self,
        cursor: &mut TreeCursor<'_>,
        around: &str,
        is_tagged: bool,
        depth: usize,
    ) -> Option<()> {
        let node = cursor.node();
        let text = self.sketch.text(node);
        let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
        let mut children = node.walk();
        let is_plain =
            node.named_children(&mut children).all(|it| it.kind() != "template_substitution");
        if is_plain && !is_tagged {
            match unescaped(inner, Backslash::Dropped) {
                Some(value) if self.loads && around == "arguments" => self.sketch.token(&value),
                Some(value) => self.sketch.literal(span(node), LiteralForm::Quoted, value),
                None => self.sketch.token(text),
            }
            return Some(());
        }
        self.sketch.open("interpolated");
        let (pieces, mut at) = (self.pieces(node), 0);
        if cursor.goto_first_child() {
            loop {
                if cursor.node().kind() == "template_substitution" {
                    self.piece(&pieces, at, is_tagged);
                    self.node(cursor, "template_string", depth + 1)?;
                    at += 1;
                }
                if !cursor.goto_next_sibling() {
                    break;
                }
            }
            cursor.goto_parent();
        }
        self.piece(&pieces, at, is_tagged);
        self.sketch.close();
        Some(())
    }

    /// The texts between the substitutions of a template string, each with whether it is in a text of another
    /// language.
    fn pieces(&self, node: Node<'_>) -> Vec<(Span, bool)> {
        let (mut spans, mut at) = (Vec::new(), node.start_byte() + 1);
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            if child.kind() == "template_substitution" {
                spans.push(Span::new(at, child.start_byte()));
                at = child.end_byte();
            }
        }
        spans.push(Span::new(at, node.end_byte().saturating_sub(1)));
        let texts = spans.iter().flat_map(|span| [None, Some(span.text(self.sketch.code))]);
        let in_code = again::are_in_code(&texts.skip(1).collect::<Vec<_>>());
        spans.into_iter().zip(in_code.into_iter().step_by(2)).collect()
    }

    /// The text between two substitutions.
    fn piece(&mut self, pieces: &[(Span, bool)], number: usize, is_tagged: bool) {
        let Some(&(span, in_code)) = pieces.get(number) else { return };
        let outer = self.sketch.reading_again(in_code);
        let text = self.sketch.code.get(span.start..span.end).unwrap_or_default();
        match unescaped(text, Backslash::Dropped).filter(|_| !is_tagged) {
            _ if text.is_empty() => {}
            Some(value) => self.sketch.literal(span, LiteralForm::Interpolated, value),
            None => self.sketch.token(text),
        }
        self.sketch.read_again = outer;
    }
}

fn span(node: Node<'_>) -> Span {
    Span::from(node.byte_range())
}
