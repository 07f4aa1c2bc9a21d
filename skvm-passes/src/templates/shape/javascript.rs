//! The structure of JavaScript and TypeScript code.

use skvm_core::artifact::LiteralForm;
use skvm_core::span::Span;
use tree_sitter::{Node, TreeCursor};

use super::sketch::{MAX_DEPTH, Sketch, decimal, unescaped};
use crate::code::syntax::{self, Dialect};

pub(super) fn sketch(code: &str) -> Option<Sketch<'_>> {
    let tree = [Dialect::Jsx, Dialect::TypeScript]
        .into_iter()
        .filter_map(|dialect| syntax::parse_javascript_now(dialect, code))
        .find(|tree| !tree.root_node().has_error())?;
    let root = tree.root_node();
    let mut sketch = Sketch::new(code);
    bind_names(root, &mut sketch);
    Walk { sketch: &mut sketch }.node(&mut root.walk(), 0)?;
    Some(sketch)
}

/// Makes every name known that the code binds itself.
fn bind_names(root: Node<'_>, sketch: &mut Sketch<'_>) {
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        let target = match node.kind() {
            "variable_declarator" | "function_declaration" | "function_expression"
            | "generator_function_declaration" | "class_declaration" | "enum_declaration" => {
                node.child_by_field_name("name")
            }
            "required_parameter" | "optional_parameter" => node.child_by_field_name("pattern"),
            "catch_clause" | "arrow_function" => node.child_by_field_name("parameter"),
            "for_in_statement" => node.child_by_field_name("left"),
            "import_specifier" => node.child_by_field_name("alias"),
            "namespace_import" => Some(node),
            "import_clause" => node.named_child(0).filter(|n| n.kind() == "identifier"),
            _ => None,
        };
        if let Some(target) = target {
            bind(target, sketch);
        }
        let mut cursor = node.walk();
        open.extend(node.named_children(&mut cursor));
    }
}

/// The names in a pattern.
fn bind(target: Node<'_>, sketch: &mut Sketch<'_>) {
    let mut open = vec![target];
    while let Some(node) = open.pop() {
        match node.kind() {
            "identifier" | "shorthand_property_identifier_pattern" | "type_identifier" => {
                let name = sketch.text(node);
                sketch.bind(name);
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
}

impl Walk<'_, '_> {
    fn node(&mut self, cursor: &mut TreeCursor<'_>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let node = cursor.node();
        let text = self.sketch.text(node);
        match node.kind() {
            "comment" | "," | ";" | "(" | ")" | "empty_statement" => return Some(()),
            "identifier" | "type_identifier" => {
                if node.parent().is_some_and(|p| p.kind() == "import_specifier")
                    && cursor.field_name() == Some("name")
                {
                    self.sketch.token(text);
                } else {
                    self.arrow_parameter(cursor.field_name(), node);
                }
                return Some(());
            }
            // `{a}` is `{a: a}`.
            kind @ ("shorthand_property_identifier" | "shorthand_property_identifier_pattern") => {
                let pattern = kind.ends_with("_pattern");
                self.sketch.open(if pattern { "pair_pattern" } else { "pair" });
                self.sketch.token(text);
                self.sketch.token(":");
                self.sketch.name(text);
                self.sketch.close();
                return Some(());
            }
            "number" => {
                match decimal(text) {
                    Some(value) => self.sketch.literal(span(node), LiteralForm::Number, value),
                    None => self.sketch.token(text),
                }
                return Some(());
            }
            "unary_expression" if self.negative_number(node) => return Some(()),
            "string" => {
                self.string(node, cursor.field_name());
                return Some(());
            }
            "template_string" => return self.template_string(node, depth),
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
        let transparent = node.kind() == "parenthesized_expression";
        if !transparent {
            self.sketch.open(node.kind());
        }
        if cursor.goto_first_child() {
            loop {
                self.node(cursor, depth + 1)?;
                if !cursor.goto_next_sibling() {
                    break;
                }
            }
            cursor.goto_parent();
        }
        if !transparent {
            self.sketch.close();
        }
        Some(())
    }

    /// A name; the only parameter of an arrow function as if it stood in parentheses.
    fn arrow_parameter(&mut self, field: Option<&str>, node: Node<'_>) {
        let name = self.sketch.text(node);
        let is_bare = field == Some("parameter")
            && node.parent().is_some_and(|parent| parent.kind() == "arrow_function");
        if is_bare {
            self.sketch.open("formal_parameters");
            self.sketch.open("required_parameter");
        }
        self.sketch.name(name);
        if is_bare {
            self.sketch.close();
            self.sketch.close();
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

    fn string(&mut self, node: Node<'_>, field: Option<&str>) {
        let text = self.sketch.text(node);
        let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
        // `{'a': 1}` is `{a: 1}`; a module's name is part of the import.
        let is_key = field == Some("key") && is_identifier(inner);
        let is_module = field == Some("source") || is_loaded(node, self.sketch.code);
        match unescaped(inner) {
            _ if is_key => self.sketch.token(inner),
            _ if is_module => self.sketch.token(inner),
            Some(value) => self.sketch.literal(span(node), LiteralForm::Quoted, value),
            None => self.sketch.token(text),
        }
    }

    fn template_string(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node
            .named_children(&mut cursor)
            .filter(|child| child.kind() == "template_substitution")
            .collect();
        let text = self.sketch.text(node);
        let is_tagged = node.parent().is_some_and(|parent| parent.kind() == "call_expression");
        if is_tagged {
            self.sketch.token(text);
            return Some(());
        }
        if children.is_empty() {
            let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
            match unescaped(inner).filter(|value| !value.contains('\r')) {
                Some(value) => self.sketch.literal(span(node), LiteralForm::Quoted, value),
                None => self.sketch.token(text),
            }
            return Some(());
        }
        self.sketch.open("interpolated");
        let mut at = node.start_byte() + 1;
        for child in children {
            self.piece(Span::new(at, child.start_byte()));
            self.node(&mut child.walk(), depth + 1)?;
            at = child.end_byte();
        }
        self.piece(Span::new(at, node.end_byte().saturating_sub(1)));
        self.sketch.close();
        Some(())
    }

    /// The text between two substitutions.
    fn piece(&mut self, span: Span) {
        let text = self.sketch.code.get(span.start..span.end).unwrap_or_default();
        match unescaped(text) {
            _ if text.is_empty() => {}
            Some(value) => self.sketch.literal(span, LiteralForm::Interpolated, value),
            None => self.sketch.token(text),
        }
    }
}

fn span(node: Node<'_>) -> Span {
    Span::from(node.byte_range())
}

/// Whether a string is what `require` or `import()` loads.
fn is_loaded(string: Node<'_>, code: &str) -> bool {
    string
        .parent()
        .filter(|arguments| arguments.kind() == "arguments")
        .and_then(|arguments| arguments.parent()?.child_by_field_name("function"))
        .and_then(|function| code.get(function.byte_range()))
        .is_some_and(|function| matches!(function, "require" | "import"))
}

fn is_identifier(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$'))
}
