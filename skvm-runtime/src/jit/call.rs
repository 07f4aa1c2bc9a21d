//! Tool calls as code.

use serde_json::Value;
use skvm_core::artifact::TemplateLanguage;
use skvm_passes::concurrency::only_reads;
use skvm_passes::templates::Shape;

/// Which argument of which tool is code: the tool's name as a word, and the argument.
const CODE: [(&str, &str, TemplateLanguage); 17] = [
    ("execute_command", "command", TemplateLanguage::Shell),
    ("bash", "command", TemplateLanguage::Shell),
    ("shell", "command", TemplateLanguage::Shell),
    ("exec", "command", TemplateLanguage::Shell),
    ("terminal", "command", TemplateLanguage::Shell),
    ("run_command", "command", TemplateLanguage::Shell),
    ("run_shell", "command", TemplateLanguage::Shell),
    ("run_terminal_cmd", "command", TemplateLanguage::Shell),
    ("bash", "cmd", TemplateLanguage::Shell),
    ("shell", "cmd", TemplateLanguage::Shell),
    ("python", "code", TemplateLanguage::Python),
    ("run_python", "code", TemplateLanguage::Python),
    ("execute_python", "code", TemplateLanguage::Python),
    ("execute_code", "code", TemplateLanguage::Python),
    ("code_interpreter", "code", TemplateLanguage::Python),
    ("javascript", "code", TemplateLanguage::JavaScript),
    ("run_javascript", "code", TemplateLanguage::JavaScript),
];

/// Arguments whose language is told by the name of the file that they are written to.
const CONTENTS: [&str; 3] = ["content", "contents", "file_text"];

/// Whether the language of an argument is told by another one.
pub(super) fn depends_on_path(arguments: &Value) -> bool {
    CONTENTS.iter().any(|key| arguments.get(key).is_some())
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

/// Words before a value that nobody should keep.
const SECRETS: [&str; 9] = [
    "authorization", "bearer", "credential", "key", "passwd", "password", "secret", "token", "pat",
];

/// Whether a text seems to hold a key, a token or a password: a word for one, a sign, and a value that is no
/// variable and no placeholder.
pub(super) fn holds_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let known = ["sk-", "ghp_", "gho_", "github_pat_", "xoxb-", "xoxp-", "akia", "glpat-"];
    let is_known = known.iter().any(|start| {
        lower.match_indices(start).any(|(at, _)| {
            let before = lower.get(..at).and_then(|head| head.chars().next_back());
            let rest = lower.get(at + start.len()..).unwrap_or_default();
            let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            length >= 8 && before.is_none_or(|c| !c.is_alphanumeric())
        })
    });
    is_known
        || SECRETS.iter().any(|word| {
            lower.match_indices(word).any(|(at, _)| {
                let rest = lower.get(at + word.len()..).unwrap_or_default();
                let sign = rest.find(|c: char| !matches!(c, ' ' | ':' | '=' | '"' | '\'' | '\\'));
                let (signs, value) = rest.split_at(sign.unwrap_or(rest.len()));
                let value = value.trim_start_matches("bearer ").trim_start_matches("basic ");
                let length = value
                    .bytes()
                    .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
                    .count();
                let has_digit = value.bytes().take(length).any(|b| b.is_ascii_digit());
                !signs.is_empty() && length >= 6 && has_digit
            })
        })
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
    let written = ["path", "file_path", "filename"]
        .iter()
        .find_map(|key| arguments.get(key)?.as_str())
        .and_then(language_of_file);
    Shape::of_json(arguments, &|key, _| match key {
        key if CONTENTS.contains(&key) => written,
        _ => {
            CODE.iter().find(|(name, argument, _)| *name == tool && *argument == key).map(|it| it.2)
        }
    })
}

/// The languages of the code in a shape.
pub(super) fn languages(shape: &Shape) -> impl Iterator<Item = TemplateLanguage> {
    shape.embedded().into_iter().skip(1).map(|(language, ..)| language)
}

fn language_of_file(path: &str) -> Option<TemplateLanguage> {
    match path.rsplit_once('.')?.1 {
        "py" => Some(TemplateLanguage::Python),
        "sh" | "bash" => Some(TemplateLanguage::Shell),
        "js" | "mjs" | "cjs" | "ts" => Some(TemplateLanguage::JavaScript),
        _ => None,
    }
}

/// Whether a call leaves everything as it is. When unsure, it does not.
pub(super) fn only_looks(tool: &str, arguments: &Value) -> bool {
    let tool = tool.to_ascii_lowercase();
    if LOOKING.contains(&tool.as_str()) {
        return true;
    }
    let is_shell = |key: &&str| {
        CODE.iter().any(|(name, argument, language)| {
            *name == tool && argument == key && *language == TemplateLanguage::Shell
        })
    };
    let command = ["command", "cmd"]
        .iter()
        .filter(|key| is_shell(key))
        .find_map(|key| arguments.get(key)?.as_str());
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
            ("other", json!({"command": "ls"}), None),
        ] {
            let shape = shape(tool, &arguments).unwrap();
            let found = shape.embedded().get(1).map(|(language, ..)| *language);
            assert_eq!(found, language, "{tool} {arguments}");
        }
    }

    #[test]
    fn secrets_are_seen() {
        for (text, secret) in [
            ("curl -H 'X-Key: s3cr3t-0815' https://x.org", true),
            ("curl -H \"Authorization: Bearer abc123def456\" x", true),
            ("run --token=abcd1234 x", true),
            ("run --api-key sk-abcdefgh12345678", true),
            ("curl -H \"X-Key: $API_KEY\" https://x.org", false),
            ("curl -H 'X-Key: <key>' https://x.org", false),
            ("python3 tokenize.py data/q1.csv", false),
            ("sort --key 2 data/q1.csv", false),
        ] {
            assert_eq!(holds_secret(text), secret, "{text}");
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
