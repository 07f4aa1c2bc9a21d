//! What shell code binds: variables and functions of its own.

use tree_sitter::Node;

use super::super::sketch::{Sketch, each_node};
use super::programs::{READER_OPTIONS, READERS, is_name};

/// Variables that programs and the shell itself look at, also where the code sets them.
pub(super) const SURROUNDINGS: [&str; 24] = [
    "CDPATH",
    "DISPLAY",
    "EDITOR",
    "HOME",
    "IFS",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "MANPATH",
    "NODE_OPTIONS",
    "NODE_PATH",
    "OLDPWD",
    "OPTIND",
    "PATH",
    "PS1",
    "PS4",
    "PWD",
    "PYTHONPATH",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
];

/// Makes every variable and every function known that the code sets for itself.
pub(super) fn bind_names(root: Node<'_>, sketch: &mut Sketch<'_>) {
    let mut exported = Vec::new();
    each_node(root, &mut |node, around| {
        let name = match node.kind() {
            // `NAME=value program` is for the program.
            "variable_assignment" if around.kind() != "command" => {
                node.child_by_field_name("name").map(|it| it.named_child(0).unwrap_or(it))
            }
            "for_statement" => node.child_by_field_name("variable"),
            "function_definition" => {
                if let Some(name) = node.child_by_field_name("name") {
                    sketch.bind_function(sketch.text(name));
                }
                None
            }
            "variable_name" if around.kind() == "declaration_command" => Some(node),
            "command" => return bind_read(node, sketch),
            "declaration_command" if exports(node, sketch) => {
                exported.push(node);
                None
            }
            _ => None,
        };
        let name = name.map(|name| sketch.text(name));
        if let Some(name) = name.filter(|name| !SURROUNDINGS.contains(name)) {
            sketch.bind(name);
        }
    });
    for declaration in exported {
        let mut cursor = declaration.walk();
        for child in declaration.named_children(&mut cursor) {
            let name = child.child_by_field_name("name").unwrap_or(child);
            sketch.unbind(sketch.text(name));
        }
    }
}

/// The variables that `read` and its like set.
pub(super) fn bind_read(command: Node<'_>, sketch: &mut Sketch<'_>) {
    let name = command.child_by_field_name("name").map_or("", |name| sketch.text(name));
    if !READERS.contains(&name) {
        return;
    }
    let mut cursor = command.walk();
    let mut before = "";
    for argument in command.children_by_field_name("argument", &mut cursor) {
        let text = sketch.text(argument);
        if is_name(text) && !READER_OPTIONS.contains(&before) {
            sketch.bind(text);
        }
        before = text;
    }
}

/// Whether a declaration hands its variables on to programs.
pub(super) fn exports(declaration: Node<'_>, sketch: &Sketch<'_>) -> bool {
    let mut cursor = declaration.walk();
    let mut words = declaration.children(&mut cursor).map(|word| sketch.text(word));
    words.next() == Some("export")
        || words.any(|word| word.starts_with('-') && word.contains('x') && !word.starts_with("--"))
}
