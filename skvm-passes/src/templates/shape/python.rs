//! The structure of Python code.

use skvm_core::artifact::LiteralForm;
use skvm_core::span::Span;
use tree_sitter::{Node, TreeCursor};

use super::again::{self, Runs};
use super::sketch::{Backslash, MAX_DEPTH, Sketch, decimal, each_node, unescaped};
use crate::code::syntax;

pub(super) fn sketch(code: &str) -> Option<Sketch<'_>> {
    let tree = syntax::parse_python_now(code)?;
    let root = tree.root_node();
    if root.has_error() {
        return None;
    }
    let mut sketch = Sketch::new(code);
    let runs = look_around(root, &mut sketch);
    if runs.texts {
        sketch.runs_texts();
    }
    Walk { sketch: &mut sketch }.node(&mut root.walk(), "", 0)?;
    sketch.are_read_again_at(&runs.programs);
    Some(sketch)
}

/// Makes every name known that the code binds itself. Gives what it runs.
fn look_around(root: Node<'_>, sketch: &mut Sketch<'_>) -> Runs {
    let mut runs = Runs::default();
    let mut members = Vec::new();
    each_node(root, &mut |node, around| {
        runs.look_at_python(node, around, sketch.code);
        let target = match node.kind() {
            "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause" => {
                node.child_by_field_name("left")
            }
            "class_definition" => {
                members.extend(node.child_by_field_name("body"));
                node.child_by_field_name("name")
            }
            "function_definition" | "named_expression" => node.child_by_field_name("name"),
            "aliased_import" => node.child_by_field_name("alias"),
            "as_pattern_target" | "splat_pattern" => Some(node),
            "dotted_name" if is_capture(node, around.kind()) => Some(node),
            "identifier" if is_case_name(node, around) => Some(node),
            "parameters" | "lambda_parameters" => {
                bind_parameters(node, sketch);
                None
            }
            _ => None,
        };
        if let Some(target) = target {
            names(target, &mut |name| sketch.bind(sketch.text(name)));
        }
    });
    // What a class binds is reached by its name from outside.
    for body in members {
        let mut cursor = body.walk();
        for member in body.named_children(&mut cursor) {
            let inner = match member.kind() {
                "decorated_definition" => member.child_by_field_name("definition"),
                "expression_statement" => member.named_child(0),
                _ => Some(member),
            };
            let target = inner.and_then(|inner| match inner.kind() {
                "assignment" => inner.child_by_field_name("left"),
                "function_definition" | "class_definition" => inner.child_by_field_name("name"),
                _ => None,
            });
            if let Some(target) = target {
                names(target, &mut |name| sketch.unbind(sketch.text(name)));
            }
        }
    }
    runs
}

fn bind_parameters(parameters: Node<'_>, sketch: &mut Sketch<'_>) {
    let mut children = parameters.walk();
    for parameter in parameters.named_children(&mut children) {
        let name = parameter.child_by_field_name("name").unwrap_or(parameter);
        let typed = name.kind() == "typed_parameter";
        let name = if typed { name.named_child(0).unwrap_or(name) } else { name };
        names(name, &mut |name| sketch.bind(sketch.text(name)));
    }
}

/// Whether a name in a pattern of `case` takes what is there.
fn is_capture(dotted_name: Node<'_>, around: &str) -> bool {
    matches!(around, "case_pattern" | "keyword_pattern") && dotted_name.named_child_count() == 1
}

/// Whether a name is that of `case pattern as name`.
fn is_case_name(identifier: Node<'_>, around: Node<'_>) -> bool {
    around.kind() == "as_pattern"
        && around.named_child(0).is_some_and(|first| first.kind() == "case_pattern")
        && identifier.prev_sibling().is_some_and(|sign| sign.kind() == "as")
}

/// The names in the target of an assignment.
fn names<'t>(target: Node<'t>, found: &mut dyn FnMut(Node<'t>)) {
    if target.kind() == "identifier" {
        return found(target);
    }
    let mut open = vec![target];
    while let Some(node) = open.pop() {
        match node.kind() {
            "identifier" => found(node),
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
    fn node(&mut self, cursor: &mut TreeCursor<'_>, around: &str, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let node = cursor.node();
        let text = self.sketch.text(node);
        let kind = match node.kind() {
            // In `x[a,]` it makes a tuple.
            "," if around == "subscript" => {
                self.sketch.token(text);
                return Some(());
            }
            "comment" | "line_continuation" | "," | ";" | "(" | ")" => return Some(()),
            "identifier" => {
                self.identifier(text, cursor.field_name(), around);
                return Some(());
            }
            "dotted_name" if is_capture(node, around) => {
                self.sketch.name(text);
                return Some(());
            }
            "integer" | "float" => {
                // `1.hex()` would be none.
                self.sketch.number(node, around == "attribute");
                return Some(());
            }
            "unary_operator" if self.negative_number(node) => return Some(()),
            "string" => return self.string(cursor, depth),
            "format_specifier" => return self.format_specifier(cursor, depth),
            "concatenated_string" => {
                if let Some(value) = self.plain_strings(node) {
                    self.sketch.literal(span(node), LiteralForm::Quoted, value);
                    return Some(());
                }
                "concatenated_string"
            }
            "expression_statement" if self.is_documentation(node) => return Some(()),
            // Tuples are the same without parentheses.
            "expression_list" => "tuple",
            "pattern_list" => "tuple_pattern",
            kind => kind,
        };
        let transparent = kind == "parenthesized_expression";
        if !transparent {
            if node.child_count() == 0 {
                self.sketch.token(text);
                return Some(());
            }
            self.sketch.open(kind);
        }
        if cursor.goto_first_child() {
            loop {
                self.node(cursor, kind, depth + 1)?;
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

    fn identifier(&mut self, text: &'c str, field: Option<&str>, around: &str) {
        let is_outside = match around {
            "attribute" => field == Some("attribute"),
            "keyword_argument" => field == Some("name"),
            "dotted_name" | "keyword_pattern" => true,
            _ => false,
        };
        if is_outside {
            self.sketch.token(text);
        } else {
            self.sketch.name(text);
        }
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
        let strings = node.named_children(&mut cursor).filter(|n| n.kind() == "string");
        strings.map(|string| self.plain_string(string)).collect()
    }

    /// A string that stands as a statement, and does nothing.
    fn is_documentation(&self, statement: Node<'_>) -> bool {
        let only = statement.named_child(0).filter(|_| statement.named_child_count() == 1);
        only.is_some_and(|node| match node.kind() {
            "string" => self.plain_string(node).is_some(),
            "concatenated_string" => self.plain_strings(node).is_some(),
            _ => false,
        })
    }

    /// The value of a string without interpolation.
    fn plain_string(&self, string: Node<'_>) -> Option<String> {
        let start = string.child(0)?;
        let prefix = self.sketch.text(start).trim_end_matches(['"', '\'']);
        let raw = prefix.eq_ignore_ascii_case("r");
        if !(raw || prefix.is_empty() || prefix.eq_ignore_ascii_case("u")) {
            return None;
        }
        let end = string.child(string.child_count().checked_sub(1)?)?;
        let content = self.sketch.code.get(start.end_byte()..end.start_byte())?;
        if raw && !content.contains('\r') {
            Some(content.to_owned())
        } else {
            unescaped(content, Backslash::Kept).filter(|_| !raw)
        }
    }

    /// The string that the cursor is at.
    fn string(&mut self, cursor: &mut TreeCursor<'_>, depth: usize) -> Option<()> {
        let node = cursor.node();
        if let Some(value) = self.plain_string(node) {
            self.sketch.literal(span(node), LiteralForm::Quoted, value);
            return Some(());
        }
        let start = node.child(0).map_or("", |start| self.sketch.text(start));
        let prefix = start.trim_end_matches(['"', '\'']).to_ascii_lowercase();
        if !prefix.contains('f') {
            self.sketch.token(self.sketch.text(node));
            return Some(());
        }
        // What is raw has no spelling for some values, so it stays.
        let is_raw = prefix.contains('r');
        self.sketch.open("interpolated");
        let mut in_code = self.texts_in_code(node).into_iter();
        if cursor.goto_first_child() {
            loop {
                let child = cursor.node();
                let again = in_code.next().unwrap_or_default();
                match child.kind() {
                    "string_start" | "string_end" => {}
                    "interpolation" => self.node(cursor, "string", depth + 1)?,
                    _ => {
                        let outer = self.sketch.reading_again(again);
                        self.interpolated_text(child, is_raw);
                        self.sketch.read_again = outer;
                    }
                }
                if !cursor.goto_next_sibling() {
                    break;
                }
            }
            cursor.goto_parent();
        }
        self.sketch.close();
        Some(())
    }

    /// For each child of an interpolated string whether it is in a text of another language.
    fn texts_in_code(&self, string: Node<'_>) -> Vec<bool> {
        let mut cursor = string.walk();
        let children = string.children(&mut cursor);
        let pieces: Vec<Option<&str>> = children
            .map(|child| match child.kind() {
                "string_start" | "string_end" => Some(""),
                "interpolation" => None,
                _ => Some(self.sketch.text(child)),
            })
            .collect();
        again::are_in_code(&pieces)
    }

    fn interpolated_text(&mut self, node: Node<'_>, is_raw: bool) {
        let text = self.sketch.text(node);
        let plain = text.replace("{{", "{").replace("}}", "}");
        match unescaped(&plain, Backslash::Kept).filter(|_| !is_raw) {
            Some(value) => self.sketch.literal(span(node), LiteralForm::Interpolated, value),
            None if is_raw => self.sketch.fixed(text),
            None => self.sketch.token(text),
        }
    }

    /// `:>{width}.2f`: the tree has no nodes for what is not in braces.
    fn format_specifier(&mut self, cursor: &mut TreeCursor<'_>, depth: usize) -> Option<()> {
        let node = cursor.node();
        self.sketch.open("format_specifier");
        let mut at = node.start_byte();
        if cursor.goto_first_child() {
            loop {
                let child = cursor.node();
                if child.is_named() {
                    self.sketch.token(self.sketch.code.get(at..child.start_byte())?);
                    self.node(cursor, "format_specifier", depth + 1)?;
                    at = child.end_byte();
                }
                if !cursor.goto_next_sibling() {
                    break;
                }
            }
            cursor.goto_parent();
        }
        self.sketch.token(self.sketch.code.get(at..node.end_byte())?);
        self.sketch.close();
        Some(())
    }
}

fn span(node: Node<'_>) -> Span {
    Span::from(node.byte_range())
}
