//! The structure of Python code.

use skvm_core::artifact::LiteralForm;
use skvm_core::span::Span;
use tree_sitter::{Node, TreeCursor};

use super::sketch::{MAX_DEPTH, Sketch, decimal, unescaped};
use crate::code::syntax;

pub(super) fn sketch(code: &str) -> Option<Sketch<'_>> {
    let tree = syntax::parse_python_now(code)?;
    let root = tree.root_node();
    if root.has_error() {
        return None;
    }
    let mut sketch = Sketch::new(code);
    bind_names(root, &mut sketch);
    Walk { sketch: &mut sketch }.node(&mut root.walk(), 0)?;
    Some(sketch)
}

/// Makes every name known that the code binds itself.
fn bind_names<'t>(root: Node<'t>, sketch: &mut Sketch<'_>) {
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        let target = match node.kind() {
            "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause" => {
                node.child_by_field_name("left")
            }
            "function_definition" | "class_definition" | "named_expression" => {
                node.child_by_field_name("name")
            }
            "aliased_import" => node.child_by_field_name("alias"),
            "as_pattern_target" => Some(node),
            "parameters" | "lambda_parameters" => {
                let mut children = node.walk();
                for parameter in node.named_children(&mut children) {
                    let name = parameter.child_by_field_name("name").unwrap_or(parameter);
                    let typed = name.kind() == "typed_parameter";
                    let name = if typed { name.named_child(0).unwrap_or(name) } else { name };
                    bind(name, sketch);
                }
                None
            }
            _ => None,
        };
        if let Some(target) = target {
            bind(target, sketch);
        }
        if !advance(&mut cursor) {
            return;
        }
    }
}

/// To the next node in pre-order.
fn advance(cursor: &mut TreeCursor<'_>) -> bool {
    if cursor.goto_first_child() {
        return true;
    }
    while !cursor.goto_next_sibling() {
        if !cursor.goto_parent() {
            return false;
        }
    }
    true
}

/// The names in the target of an assignment.
fn bind<'t>(target: Node<'t>, sketch: &mut Sketch<'_>) {
    let mut open = vec![target];
    while let Some(node) = open.pop() {
        match node.kind() {
            "identifier" => {
                let name = sketch.text(node);
                sketch.bind(name);
            }
            "attribute" | "subscript" | "call" => {}
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

impl<'c> Walk<'_, 'c> {
    /// Writes down the node that the cursor is at.
    fn node(&mut self, cursor: &mut TreeCursor<'_>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let node = cursor.node();
        let text = self.sketch.text(node);
        match node.kind() {
            "comment" | "line_continuation" | "," | ";" | "(" | ")" => return Some(()),
            "identifier" => {
                let field = cursor.field_name();
                let parent = node.parent().map_or("", |parent| parent.kind());
                let is_outside = matches!(
                    (parent, field),
                    ("attribute", Some("attribute")) | ("keyword_argument", Some("name"))
                ) || parent == "dotted_name";
                if is_outside {
                    self.sketch.token(text);
                } else {
                    self.sketch.name(text);
                }
                return Some(());
            }
            "integer" | "float" => {
                match decimal(text) {
                    Some(value) => self.sketch.literal(span(node), LiteralForm::Number, value),
                    None => self.sketch.token(text),
                }
                return Some(());
            }
            "unary_operator" if self.negative_number(node) => return Some(()),
            "string" => return self.string(node, depth),
            "concatenated_string" => {
                if let Some(value) = self.plain_strings(node) {
                    self.sketch.literal(span(node), LiteralForm::Quoted, value);
                    return Some(());
                }
            }
            "expression_statement" if is_lone_string(node) => return Some(()),
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

    fn negative_number(&mut self, node: Node<'_>) -> bool {
        let is_minus = node.child(0).is_some_and(|sign| sign.kind() == "-");
        let number = node
            .child_by_field_name("argument")
            .filter(|n| is_minus && matches!(n.kind(), "integer" | "float"))
            .and_then(|number| decimal(self.sketch.text(number)));
        let Some(number) = number else { return false };
        self.sketch.literal(span(node), LiteralForm::Number, format!("-{number}"));
        true
    }

    /// The value of several plain strings behind one another.
    fn plain_strings(&self, node: Node<'_>) -> Option<String> {
        let mut cursor = node.walk();
        let strings = node.named_children(&mut cursor).filter(|n| n.kind() != "comment");
        strings.map(|string| self.plain_string(string)).collect()
    }

    fn prefix(&self, string: Node<'_>) -> &'c str {
        let start = string.child(0).map_or("", |start| self.sketch.text(start));
        start.trim_end_matches(['"', '\''])
    }

    /// The value of a string without interpolation.
    fn plain_string(&self, string: Node<'_>) -> Option<String> {
        let prefix = self.prefix(string);
        let raw = prefix.eq_ignore_ascii_case("r");
        if !(raw || prefix.is_empty() || prefix.eq_ignore_ascii_case("u")) {
            return None;
        }
        let start = string.child(0)?.end_byte();
        let end = string.child(u32::try_from(string.child_count().checked_sub(1)?).ok()?)?;
        let content = self.sketch.code.get(start..end.start_byte())?;
        if raw { Some(content.to_owned()) } else { unescaped(content) }
    }

    fn string(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        if let Some(value) = self.plain_string(node) {
            self.sketch.literal(span(node), LiteralForm::Quoted, value);
            return Some(());
        }
        let prefix = self.prefix(node);
        if !prefix.eq_ignore_ascii_case("f") {
            self.sketch.token(self.sketch.text(node));
            return Some(());
        }
        self.sketch.open("interpolated");
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        for child in children {
            match child.kind() {
                "string_start" | "string_end" => {}
                "interpolation" => self.node(&mut child.walk(), depth + 1)?,
                _ => {
                    let text = self.sketch.text(child);
                    match unescaped(&text.replace("{{", "{").replace("}}", "}")) {
                        Some(value) => {
                            self.sketch.literal(span(child), LiteralForm::Interpolated, value);
                        }
                        None => self.sketch.token(text),
                    }
                }
            }
        }
        self.sketch.close();
        Some(())
    }
}

fn span(node: Node<'_>) -> Span {
    Span::from(node.byte_range())
}

/// A string that stands as a statement: documentation.
fn is_lone_string(statement: Node<'_>) -> bool {
    statement.named_child_count() == 1
        && statement
            .named_child(0)
            .is_some_and(|node| matches!(node.kind(), "string" | "concatenated_string"))
}
