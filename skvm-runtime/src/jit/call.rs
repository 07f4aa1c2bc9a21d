//! Tool calls as code.

use serde_json::Value;
use skvm_core::artifact::TemplateLanguage;
use skvm_passes::concurrency::only_reads;
use skvm_passes::templates::{Argument, Shape};

/// Names of arguments that are shell commands, whichever tool gets them.
const COMMANDS: [&str; 8] =
    ["bash", "cmd", "command", "command_line", "commandline", "script", "shell", "shell_command"];

/// Names of arguments that are code of some language.
const CODES: [&str; 22] = [
    "code",
    "diff",
    "eval",
    "expr",
    "expression",
    "filter",
    "formula",
    "html",
    "insert_text",
    "javascript",
    "js",
    "new_str",
    "new_string",
    "old_str",
    "old_string",
    "patch",
    "program",
    "python",
    "replacement",
    "source",
    "source_code",
    "sql",
];

/// Arguments whose language is told by the name of the file that they are written to.
const CONTENTS: [&str; 3] = ["content", "contents", "file_text"];

/// Whether the language of an argument is told by another one.
pub(super) fn depends_on_path(arguments: &Value) -> bool {
    CONTENTS.iter().any(|key| arguments.get(key).is_some())
}

/// What an argument is to a tool. What may be read again by rules that are not known here is no data.
fn argument(tool: &str, key: &str, value: &Value, written: Argument) -> Argument {
    let key = key.to_ascii_lowercase();
    let is_tool = |words: &[&str]| words.iter().any(|word| tool.contains(word));
    match key.as_str() {
        key if CONTENTS.contains(&key) => written,
        "code" | "source" if is_tool(&["python", "code_interpreter"]) || tool == "execute_code" => {
            Argument::Code(TemplateLanguage::Python)
        }
        "code" | "source" if is_tool(&["javascript", "node"]) => {
            Argument::Code(TemplateLanguage::JavaScript)
        }
        key if COMMANDS.contains(&key) => match value {
            Value::String(_) => Argument::Code(TemplateLanguage::Shell),
            _ => Argument::Unknown,
        },
        key if CODES.contains(&key) => Argument::Unknown,
        _ if is_tool(&["sql", "database", "graphql", "mongo"]) => Argument::Unknown,
        "args" | "argv" | "arguments" | "input"
            if is_tool(&["bash", "command", "exec", "run", "shell", "terminal"]) =>
        {
            Argument::Unknown
        }
        _ => Argument::Data,
    }
}

/// What the content of a file is, by its name.
fn content(path: &str) -> Argument {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "py" => Argument::Code(TemplateLanguage::Python),
        "sh" | "bash" => Argument::Code(TemplateLanguage::Shell),
        "js" | "mjs" | "cjs" | "ts" => Argument::Code(TemplateLanguage::JavaScript),
        "json" => Argument::Code(TemplateLanguage::Json),
        "csv" | "log" | "md" | "tsv" | "txt" => Argument::Data,
        _ => Argument::Unknown,
    }
}

/// How deep arguments may be to be kept.
const MAX_DEPTH: usize = 32;

/// Whether arguments are nested too deeply to be read back.
pub(super) fn is_deep(arguments: &Value) -> bool {
    let mut level = vec![arguments];
    for _ in 0..MAX_DEPTH {
        level = level
            .into_iter()
            .flat_map(|value| match value {
                Value::Array(items) => items.iter().collect(),
                Value::Object(fields) => fields.values().collect(),
                _ => Vec::new(),
            })
            .collect();
    }
    !level.is_empty()
}

/// Tools that only look, by name.
const LOOKING: [&str; 12] = [
    "read",
    "read_file",
    "list_directory",
    "list_files",
    "ls",
    "glob",
    "grep",
    "search",
    "find",
    "view",
    "list",
    "web_search",
];

/// The structure of a call's arguments; `None` when they are too large. It takes time linear in them.
pub(super) fn shape(tool: &str, arguments: &Value) -> Option<Shape> {
    let tool = tool.to_ascii_lowercase();
    let path =
        ["path", "file_path", "filename"].iter().find_map(|key| arguments.get(key)?.as_str());
    let written = content(path.unwrap_or_default());
    Shape::of_json(arguments, &|key, value| argument(&tool, key, value, written))
}

/// The languages of the code in a shape.
pub(super) fn languages(shape: &Shape) -> impl Iterator<Item = TemplateLanguage> {
    shape.embedded().into_iter().skip(1).map(|(language, ..)| language)
}

/// Whether a call leaves everything as it is. When unsure, it does not.
pub(super) fn only_looks(tool: &str, arguments: &Value) -> bool {
    let tool = tool.to_ascii_lowercase();
    if LOOKING.contains(&tool.as_str()) {
        return true;
    }
    let mut commands = COMMANDS.iter().filter_map(|key| arguments.get(key)?.as_str());
    let (command, more) = (commands.next(), commands.next());
    if more.is_some() || arguments.as_object().is_some_and(|it| it.len() > 3) {
        return false;
    }
    // What comes over the network is work and no look.
    command.is_some_and(|command| !command.contains("://") && only_reads(command))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn code_in_arguments_is_told_by_tool_and_file() {
        for (tool, arguments, language) in [
            ("execute_command", json!({"command": "ls -l x"}), Some(TemplateLanguage::Shell)),
            ("Bash", json!({"command": "ls -l x"}), Some(TemplateLanguage::Shell)),
            (
                "write_file",
                json!({"path": "a.py", "content": "x = 1"}),
                Some(TemplateLanguage::Python),
            ),
            ("write_file", json!({"path": "a.txt", "content": "x = 1"}), None),
            ("read_file", json!({"path": "a.py"}), None),
            ("other", json!({"command": "ls -l x"}), Some(TemplateLanguage::Shell)),
            ("other", json!({"text": "ls -l x"}), None),
        ] {
            let shape = shape(tool, &arguments).unwrap();
            let found = shape.embedded().get(1).map(|(language, ..)| *language);
            assert_eq!(found, language, "{tool} {arguments}");
        }
    }

    #[test]
    fn what_is_read_again_is_no_data() {
        for (tool, arguments, data) in [
            ("write_file", json!({"path": "a.txt", "content": "x"}), &[true, true][..]),
            ("write_file", json!({"path": "Makefile", "content": "x"}), &[false, true]),
            ("edit_file", json!({"path": "a.py", "new_string": "x"}), &[false, true]),
            ("run_sql", json!({"query": "x"}), &[false]),
            ("web_search", json!({"query": "x"}), &[true]),
            ("shell", json!({"command": ["bash", "-lc", "x"]}), &[false, false, false]),
            ("mcp__x__terminal", json!({"args": ["x"]}), &[false]),
            ("execute_command", json!({"command": "wc -l x.csv"}), &[true]),
            ("get_weather", json!({"city": "x", "days": 3}), &[true, true]),
        ] {
            let shape = shape(tool, &arguments).unwrap();
            assert_eq!(shape.is_data().collect::<Vec<bool>>(), data, "{tool} {arguments}");
        }
    }

    #[test]
    fn looking_is_told_from_doing() {
        for (tool, arguments, looks) in [
            ("read_file", json!({"path": "a"}), true),
            ("execute_command", json!({"command": "ls -la && cat x"}), true),
            ("execute_command", json!({"command": "python3 x.py"}), false),
            ("execute_command", json!({"command": "curl -s https://x.org/a"}), false),
            ("write_file", json!({"path": "a", "content": ""}), false),
        ] {
            assert_eq!(only_looks(tool, &arguments), looks, "{tool} {arguments}");
        }
    }
}
