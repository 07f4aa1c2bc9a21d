//! Imports in JavaScript and TypeScript code.

use skvm_core::artifact::{CodeBlock, Import};
use skvm_core::span::Span;
use tree_sitter::Node;

use super::syntax::{self, Dialect};

/// Fills in what a text imports or requires. `to_source` maps a span of the code to the source.
pub(super) fn analyze(
    code: &str,
    dialect: Dialect,
    to_source: &dyn Fn(Span) -> Span,
    block: &mut CodeBlock,
) {
    if !["import", "require", "export"].iter().any(|word| code.contains(word)) {
        return;
    }
    let Some(tree) = syntax::parse_javascript(dialect, code) else {
        block.facts.has_errors = true;
        return;
    };
    block.facts.has_errors = tree.root_node().has_error();
    let text = |node: Node<'_>| Span::from(node.byte_range()).text(code);
    let mut open = vec![(tree.root_node(), false)];
    while let Some((node, optional)) = open.pop() {
        let found = match node.kind() {
            "import_statement" | "export_statement" | "import_require_clause" => {
                node.child_by_field_name("source").map(|source| (source, is_type_only(node)))
            }
            "call_expression" => required(node, &text).map(|source| (source, false)),
            _ => None,
        };
        if let Some((source, of_types)) = found
            && let Some(module) = plain_string(text(source))
        {
            block.imports.push(Import {
                module: module.to_owned(),
                names: Vec::new(),
                optional: optional || of_types,
                marker: None,
                span: to_source(Span::from(node.byte_range())),
            });
        }
        let guarded = node.kind() == "try_statement" && goes_on(node, &text);
        let body = node.child_by_field_name("body").filter(|_| guarded);
        let mut cursor = node.walk();
        open.extend(node.named_children(&mut cursor).map(|n| (n, optional || Some(n) == body)));
    }
    block.imports.sort_by_key(|import| import.span.start);
    block.imports.dedup();
}

/// The argument of `require("x")`, `require.resolve("x")` or `import("x")`.
fn required<'t>(call: Node<'t>, text: &dyn Fn(Node<'_>) -> &'t str) -> Option<Node<'t>> {
    let function = call.child_by_field_name("function")?;
    if !matches!(text(function), "require" | "require.resolve" | "import") {
        return None;
    }
    call.child_by_field_name("arguments")?.named_child(0)
}

/// `import type …` and `export type …`
fn is_type_only(statement: Node<'_>) -> bool {
    statement.child(1).is_some_and(|word| word.kind() == "type")
}

/// Whether a `try` has a handler that neither throws nor ends the program.
fn goes_on<'t>(node: Node<'t>, text: &dyn Fn(Node<'_>) -> &'t str) -> bool {
    node.child_by_field_name("handler").is_some_and(|handler| {
        let handler = text(handler);
        !handler.contains("throw ") && !handler.contains("process.exit(")
    })
}

/// The content of a string literal without escapes and substitutions.
fn plain_string(literal: &str) -> Option<&str> {
    let quote = literal.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let inner = literal.get(1..literal.len().checked_sub(1)?)?;
    (literal.ends_with(quote) && !inner.contains(['\\', '$', '\n'])).then_some(inner)
}
