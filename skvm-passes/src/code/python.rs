//! Imports in Python code.

use std::collections::BTreeSet;

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
    let mut reader = Reader { code, everywhere: block.facts.has_errors, found: Vec::new() };
    reader.read(tree.root_node());
    reader.found.sort_by_key(|import| import.span.start);
    for import in &mut reader.found {
        import.span = to_source(import.span);
    }
    block.imports = reader.found;
}

/// Longest name of a module, in bytes; a longer one is no module of anybody's.
const MAX_MODULE: usize = 200;

/// What stands around a statement.
#[derive(Clone, Default)]
struct Around {
    optional: bool,
    marker: Option<String>,
}

impl Around {
    fn optional(mut self, optional: bool) -> Self {
        self.optional |= optional;
        self
    }

    fn under(mut self, condition: Option<String>) -> Self {
        self.marker = match (self.marker, condition) {
            (Some(outer), Some(inner)) => Some(format!("{outer} and {inner}")),
            (outer, inner) => outer.or(inner),
        };
        self
    }
}

struct Reader<'c> {
    code: &'c str,
    /// Whether imports are looked for inside expressions too: behind an error, statements can end up
    /// there.
    everywhere: bool,
    found: Vec<Import>,
}

impl<'c> Reader<'c> {
    fn text(&self, node: Node<'_>) -> &'c str {
        Span::from(node.byte_range()).text(self.code)
    }

    /// Goes through all statements. Without recursion: hostile code nests deeply.
    fn read(&mut self, root: Node<'_>) {
        let mut open = vec![(root, Around::default())];
        while let Some((node, around)) = open.pop() {
            match node.kind() {
                "import_statement" => self.import(node, &around),
                "import_from_statement" => self.import_from(node, &around),
                "try_statement" => self.guarded(node, &around, &mut open),
                "if_statement" => self.conditional(node, &around, &mut open),
                "with_statement" => {
                    let around = around.optional(self.suppresses(node));
                    let mut cursor = node.walk();
                    open.extend(node.named_children(&mut cursor).map(|n| (n, around.clone())));
                }
                kind if self.everywhere || is_statement(kind) => {
                    let mut cursor = node.walk();
                    open.extend(node.named_children(&mut cursor).map(|n| (n, around.clone())));
                }
                _ => {}
            }
        }
    }

    fn import(&mut self, node: Node<'_>, around: &Around) {
        let mut cursor = node.walk();
        for name in node.children_by_field_name("name", &mut cursor) {
            let module = match name.kind() {
                "aliased_import" => name.child_by_field_name("name"),
                _ => Some(name),
            };
            if let Some(module) = module {
                self.add(node, module, Vec::new(), around);
            }
        }
    }

    fn import_from(&mut self, node: Node<'_>, around: &Around) {
        let module = node.child_by_field_name("module_name");
        let Some(module) = module.filter(|module| module.kind() == "dotted_name") else { return };
        let mut cursor = node.walk();
        let names = node.children_by_field_name("name", &mut cursor).filter_map(|name| {
            let name = match name.kind() {
                "aliased_import" => name.child_by_field_name("name")?,
                _ => name,
            };
            Some(self.text(name).to_owned())
        });
        let names = names.collect();
        self.add(node, module, names, around);
    }

    fn add(&mut self, statement: Node<'_>, module: Node<'_>, names: Vec<String>, around: &Around) {
        let module: String = self.text(module).chars().filter(|c| !c.is_whitespace()).collect();
        // A name that the parser made up to go on behind an error.
        if module.is_empty() || module.len() > MAX_MODULE {
            return;
        }
        self.found.push(Import {
            module,
            names,
            optional: around.optional,
            marker: around.marker.clone(),
            span: Span::from(statement.byte_range()),
        });
    }

    /// A `try`: what it imports is optional when a handler for failing imports goes on without it.
    fn guarded<'t>(&self, node: Node<'t>, around: &Around, open: &mut Vec<(Node<'t>, Around)>) {
        let mut cursor = node.walk();
        let handlers: Vec<Node<'_>> = node
            .named_children(&mut cursor)
            .filter(|child| child.kind().starts_with("except"))
            .filter(|handler| self.catches_imports(*handler))
            .collect();
        let body = node.child_by_field_name("body");
        let tried = body.map(|body| self.modules_below(body)).unwrap_or_default();
        let goes_on = !handlers.is_empty()
            && handlers.iter().all(|handler| {
                !self.gives_up(*handler) && self.modules_below(*handler).is_disjoint(&tried)
            });
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            let is_body = body == Some(child);
            let is_handler = handlers.contains(&child);
            open.push((child, around.clone().optional(goes_on && (is_body || is_handler))));
        }
    }

    /// `with suppress(ImportError):`
    fn suppresses(&self, node: Node<'_>) -> bool {
        let body =
            node.child_by_field_name("body").map_or(node.end_byte(), |body| body.start_byte());
        let head = Span::new(node.start_byte(), body.max(node.start_byte())).text(self.code);
        head.contains("suppress(") && names_failed_imports(head)
    }

    fn catches_imports(&self, handler: Node<'_>) -> bool {
        let mut cursor = handler.walk();
        let block = handler.named_children(&mut cursor).find(|child| child.kind() == "block");
        let end = block.map_or(handler.end_byte(), |block| block.start_byte());
        let head = Span::new(handler.start_byte(), end.max(handler.start_byte())).text(self.code);
        let head = head.split(':').next().unwrap_or(head);
        let caught = head.trim_start_matches("except").trim_start_matches('*').trim();
        caught.is_empty() || names_failed_imports(caught)
    }

    /// Whether a handler ends the program or raises: then nothing goes on without the import.
    fn gives_up(&self, handler: Node<'_>) -> bool {
        let mut cursor = handler.walk();
        let Some(block) = handler.named_children(&mut cursor).find(|c| c.kind() == "block") else {
            return false;
        };
        let mut cursor = block.walk();
        block.named_children(&mut cursor).any(|statement| {
            let text = self.text(statement);
            statement.kind() == "raise_statement"
                || ["sys.exit(", "exit(", "quit(", "os._exit(", "raise "]
                    .iter()
                    .any(|end| text.starts_with(end))
        })
    }

    /// The top-level modules that are imported anywhere below a node.
    fn modules_below(&self, node: Node<'_>) -> BTreeSet<String> {
        let mut inner = Reader { code: self.code, everywhere: false, found: Vec::new() };
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            match node.kind() {
                "import_statement" => inner.import(node, &Around::default()),
                "import_from_statement" => inner.import_from(node, &Around::default()),
                kind if is_statement(kind) => {
                    let mut cursor = node.walk();
                    open.extend(node.named_children(&mut cursor));
                }
                _ => {}
            }
        }
        let top = |import: Import| import.module.split('.').next().unwrap_or("").to_owned();
        inner.found.into_iter().map(top).collect()
    }

    /// An `if`: a condition on the platform or on Python's version becomes a marker for its branch,
    /// and its opposite one for the branches behind it.
    fn conditional<'t>(&self, node: Node<'t>, around: &Around, open: &mut Vec<(Node<'t>, Around)>) {
        let condition = |node: Node<'_>| {
            node.child_by_field_name("condition").map_or("", |condition| self.text(condition))
        };
        let typing =
            condition(node).ends_with("TYPE_CHECKING") && !condition(node).contains("not ");
        let mut before = Marker::of(condition(node)).map(|marker| marker.negated());
        if let Some(body) = node.child_by_field_name("consequence") {
            let marker = Marker::of(condition(node)).map(|marker| marker.to_string());
            open.push((body, around.clone().optional(typing).under(marker)));
        }
        let mut cursor = node.walk();
        for branch in node.children_by_field_name("alternative", &mut cursor) {
            let own = Marker::of(condition(branch));
            let known = before.as_ref().map(ToString::to_string);
            let here = around.clone().under(known).under(own.as_ref().map(ToString::to_string));
            // Two conditions that do not hold are said by one marker only when the first is known.
            before = before.filter(|_| own.is_none());
            open.push((branch, here));
        }
    }
}

/// Whether a text names an exception that a failed import raises.
fn names_failed_imports(text: &str) -> bool {
    ["ImportError", "ModuleNotFoundError", "Exception"].iter().any(|name| text.contains(name))
}

fn is_statement(kind: &str) -> bool {
    kind.ends_with("_statement")
        || kind.ends_with("_definition")
        || kind.ends_with("_clause")
        || matches!(kind, "module" | "block" | "ERROR")
}

/// One comparison that an environment marker can say.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Marker {
    variable: &'static str,
    operator: &'static str,
    value: String,
}

impl std::fmt::Display for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} \"{}\"", self.variable, self.operator, self.value)
    }
}

impl Marker {
    /// The marker of a condition such as `sys.platform == "win32"` or `sys.version_info < (3, 11)`.
    fn of(condition: &str) -> Option<Self> {
        let condition = condition.trim().trim_start_matches('(');
        let condition = if condition.starts_with("sys.version_info") {
            condition
        } else {
            condition.trim_end_matches(')')
        };
        if condition.contains(" and ") || condition.contains(" or ") {
            return None;
        }
        if let Some(rest) = condition.strip_prefix("sys.platform.startswith") {
            let value = literal(rest.trim_start_matches('('))?;
            let value = if value == "win" { "win32" } else { value };
            return Some(Self {
                variable: "sys_platform",
                operator: "==",
                value: value.to_owned(),
            });
        }
        let at = ["==", "!=", ">=", "<=", "<", ">"]
            .into_iter()
            .filter_map(|operator| Some((condition.find(operator)?, operator)))
            .min_by_key(|(at, operator)| (*at, std::cmp::Reverse(operator.len())));
        let (at, operator) = at?;
        let (left, right) =
            (condition.get(..at)?.trim(), condition.get(at + operator.len()..)?.trim());
        let (variable, value) = match left {
            "sys.platform" => ("sys_platform", literal(right)?.to_owned()),
            "os.name" => ("os_name", literal(right)?.to_owned()),
            "platform.system(" | "platform.system()" => {
                ("platform_system", literal(right)?.to_owned())
            }
            "sys.version_info" | "sys.version_info[:2]" | "sys.version_info[0:2]" => {
                ("python_version", version(right)?)
            }
            "sys.version_info[0]" | "sys.version_info.major" => {
                let major: u8 = right.parse().ok()?;
                let (operator, value) = match operator {
                    "==" | "!=" => (operator, format!("{major}.*")),
                    ">" => (">=", format!("{}.0", major.checked_add(1)?)),
                    "<=" => ("<", format!("{}.0", major.checked_add(1)?)),
                    _ => (operator, format!("{major}.0")),
                };
                return Some(Self { variable: "python_version", operator, value });
            }
            _ => return None,
        };
        // Every 3.11 is more than the pair (3, 11).
        let operator = match operator {
            ">" if left == "sys.version_info" => ">=",
            "<=" if left == "sys.version_info" => "<",
            _ => operator,
        };
        if variable != "python_version" && !matches!(operator, "==" | "!=") {
            return None;
        }
        Some(Self { variable, operator, value })
    }

    fn negated(mut self) -> Self {
        self.operator = match self.operator {
            "==" => "!=",
            "!=" => "==",
            "<" => ">=",
            ">=" => "<",
            ">" => "<=",
            _ => ">",
        };
        self
    }
}

/// The text of a string literal without anything that would need an escape.
fn literal(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = text.get(1..)?.split(quote).next()?;
    let is_plain = !inner.is_empty()
        && inner.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    is_plain.then_some(inner)
}

/// `(3, 11)` as `3.11`.
fn version(tuple: &str) -> Option<String> {
    let inner = tuple.trim_start_matches('(').split(')').next()?;
    let mut parts = inner.split(',').map(str::trim).filter(|part| !part.is_empty());
    let (major, minor) = (parts.next()?, parts.next().unwrap_or("0"));
    let is_number = |part: &str| part.len() < 4 && part.bytes().all(|b| b.is_ascii_digit());
    (is_number(major) && is_number(minor)).then(|| format!("{major}.{minor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_become_markers() {
        let cases = [
            ("sys.platform == \"win32\"", Some("sys_platform == \"win32\"")),
            ("(sys.platform != 'darwin')", Some("sys_platform != \"darwin\"")),
            ("sys.platform.startswith('win')", Some("sys_platform == \"win32\"")),
            ("os.name == 'nt'", Some("os_name == \"nt\"")),
            ("platform.system() == \"Windows\"", Some("platform_system == \"Windows\"")),
            ("sys.version_info < (3, 11)", Some("python_version < \"3.11\"")),
            ("sys.version_info[:2] >= (3, 9)", Some("python_version >= \"3.9\"")),
            ("sys.version_info[0] == 2", Some("python_version == \"2.*\"")),
            ("sys.version_info.major != 3", Some("python_version != \"3.*\"")),
            ("sys.version_info[0] > 2", Some("python_version >= \"3.0\"")),
            ("sys.version_info[0] <= 2", Some("python_version < \"3.0\"")),
            ("sys.version_info > (3, 8)", Some("python_version >= \"3.8\"")),
            ("sys.version_info <= (3, 8)", Some("python_version < \"3.8\"")),
            ("sys.version_info[:2] > (3, 8)", Some("python_version > \"3.8\"")),
            ("sys.platform == x", None),
            ("a == 'b'", None),
            ("os.name == 'nt' and x", None),
            ("sys.platform == 'a; rm -rf ~'", None),
        ];
        for (condition, expected) in cases {
            let marker = Marker::of(condition).map(|marker| marker.to_string());
            assert_eq!(marker.as_deref(), expected, "{condition}");
        }
    }
}
