//! Imports in Python code.

use skvm_core::artifact::{CodeBlock, Import};
use skvm_core::span::Span;
use tree_sitter::Node;

use super::syntax;

/// Fills in what a Python text imports. `to_source` maps a span of the code to the source.
pub(super) fn analyze(code: &str, to_source: &dyn Fn(Span) -> Span, block: &mut CodeBlock) {
    let Some(tree) = syntax::parse_python(code) else {
        block.facts.has_errors = true;
        return;
    };
    block.facts.has_errors = tree.root_node().has_error();
    if !code.contains("import") {
        return;
    }
    // Statements only: an import is never inside an expression.
    let mut open = vec![(tree.root_node(), false)];
    let mut found = Vec::new();
    while let Some((node, optional)) = open.pop() {
        let span = Span::from(node.byte_range());
        let mut import = |name: Node<'_>| {
            let module = Span::from(name.byte_range()).text(code);
            let module: String = module.chars().filter(|c| !c.is_whitespace()).collect();
            found.push(Import { module, optional, span: to_source(span) });
        };
        match node.kind() {
            "import_statement" => {
                let mut cursor = node.walk();
                for name in node.children_by_field_name("name", &mut cursor) {
                    let module = match name.kind() {
                        "aliased_import" => name.child_by_field_name("name"),
                        _ => Some(name),
                    };
                    module.into_iter().for_each(&mut import);
                }
            }
            "import_from_statement" => {
                let module = node.child_by_field_name("module_name");
                module.filter(|module| module.kind() == "dotted_name").into_iter().for_each(import);
            }
            kind if is_statement(kind) => {
                let optional = optional || kind == "try_statement" || is_type_checking(node, code);
                let mut cursor = node.walk();
                open.extend(node.named_children(&mut cursor).map(|child| (child, optional)));
            }
            _ => {}
        }
    }
    found.sort_by_key(|import| import.span.start);
    block.imports = found;
}

fn is_statement(kind: &str) -> bool {
    kind.ends_with("_statement")
        || kind.ends_with("_definition")
        || kind.ends_with("_clause")
        || matches!(kind, "module" | "block" | "ERROR")
}

/// `if TYPE_CHECKING:`
fn is_type_checking(node: Node<'_>, code: &str) -> bool {
    node.kind() == "if_statement"
        && node.child_by_field_name("condition").is_some_and(|condition| {
            Span::from(condition.byte_range()).text(code).ends_with("TYPE_CHECKING")
        })
}
