//! What a fenced block is, whatever its label says.

use skvm_core::artifact::CodeLanguage;
use skvm_core::document::Language;
use skvm_core::skill::Bundle;

use super::placeholder::is_placeholder;

/// Programs by which an unlabelled block is known to be shell; the most frequent ones of published
/// skills.
const WELL_KNOWN: [&str; 40] = [
    "apt", "apt-get", "bash", "brew", "bun", "cargo", "cat", "cd", "chmod", "cp", "curl", "docker",
    "echo", "export", "ffmpeg", "find", "gh", "git", "go", "grep", "jq", "ls", "make", "mkdir",
    "mv", "node", "npm", "npx", "pip", "pip3", "pnpm", "python", "python3", "rm", "sed", "sudo",
    "tar", "uv", "uvx", "yarn",
];

/// Whether a word is a program that is known without looking at the machine.
pub(crate) fn is_well_known(program: &str) -> bool {
    WELL_KNOWN.binary_search(&program).is_ok()
}

pub(super) fn fence(label: Language, code: &str, bundle: &Bundle) -> CodeLanguage {
    match label {
        Language::Shell if is_shell(code) => CodeLanguage::Shell,
        Language::Shell if starts_like_data(code) => CodeLanguage::Data,
        Language::Shell | Language::Other => CodeLanguage::Other,
        Language::Python => CodeLanguage::Python,
        Language::JavaScript | Language::TypeScript => CodeLanguage::JavaScript,
        Language::Json | Language::Yaml => CodeLanguage::Data,
        Language::Markup => CodeLanguage::Markup,
        Language::Sql => CodeLanguage::Sql,
        Language::Markdown => CodeLanguage::Markdown,
        Language::Unlabelled if is_plain_commands(code, bundle) => CodeLanguage::Shell,
        Language::Unlabelled => CodeLanguage::Other,
    }
}

/// Whether a text starts with a bracket of JSON, which that of `{baseDir}/x.sh` is not.
fn starts_like_data(code: &str) -> bool {
    let code = code.trim_start();
    code.starts_with(['{', '[']) && !is_placeholder(code)
}

/// Whether a block labelled as shell is shell: not data, an environment file, HTTP, slash commands or
/// the call syntax of some agent.
fn is_shell(code: &str) -> bool {
    let lines: Vec<&str> = code
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let Some(first) = lines.first() else { return false };
    if starts_like_data(code) && !first.starts_with("[ ") && !first.starts_with("[[ ") {
        return false;
    }
    !lines.iter().all(|line| is_slash_command(line))
        && !lines.iter().all(|line| is_assignment(line))
        && !is_http(first)
        && !is_agent_call(first)
}

/// `/model gpt`: a command of a chat program. A path has a second slash.
fn is_slash_command(line: &str) -> bool {
    line.strip_prefix('/').is_some_and(|rest| {
        let word = rest.split_whitespace().next().unwrap_or("");
        !word.is_empty() && !word.contains(['/', '.'])
    })
}

/// `NAME=value` and nothing behind it: a line of an environment file.
fn is_assignment(line: &str) -> bool {
    line.split_once('=').is_some_and(|(name, value)| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && (value.starts_with(['"', '\'']) || !value.contains(' '))
            && !value.contains("$(")
    })
}

fn is_http(line: &str) -> bool {
    let mut words = line.split_whitespace();
    matches!(words.next(), Some("GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD"))
        && words.next().is_some_and(|target| target.starts_with('/') || target.starts_with("http"))
}

/// `bash workdir:~/x command:"…"`, `message action=send`: calls of agent tools.
fn is_agent_call(line: &str) -> bool {
    let Some(second) = line.split_whitespace().nth(1) else { return false };
    ["workdir:", "command:", "action:", "pty:", "background:", "action="]
        .iter()
        .any(|argument| second.starts_with(argument))
}

/// Whether every line of an unlabelled block starts with a program that is well known or a script
/// of the bundle.
fn is_plain_commands(code: &str, bundle: &Bundle) -> bool {
    let mut commands = 0;
    let mut continued = false;
    for line in code.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (was_continued, starts_comment) = (continued, line.starts_with('#'));
        continued = line.ends_with('\\');
        if was_continued || starts_comment {
            continue;
        }
        let word = line.strip_prefix("$ ").unwrap_or(line).split_whitespace().next().unwrap_or("");
        let is_own = word.contains('/') && bundle.resolve(word).is_some();
        if !is_own && !is_well_known(word) {
            return false;
        }
        commands += 1;
    }
    commands > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_the_search() {
        assert!(WELL_KNOWN.is_sorted());
    }

    #[test]
    fn labels_are_not_believed() {
        let cases = [
            ("ls -l\n", CodeLanguage::Shell),
            ("[ -f x ] && ls\n", CodeLanguage::Shell),
            ("KEY=1 ./run.sh\n", CodeLanguage::Shell),
            ("{\"a\": 1}\n", CodeLanguage::Data),
            ("{baseDir}/run.sh\n", CodeLanguage::Shell),
            ("API_KEY=abc\nURL=\"a b\"\n", CodeLanguage::Other),
            ("GET /v1/items\n", CodeLanguage::Other),
            ("/clear\n/model x\n", CodeLanguage::Other),
            ("/usr/bin/env ls\n", CodeLanguage::Shell),
            ("bash workdir:~/p background:true command:\"x\"\n", CodeLanguage::Other),
            ("# only a comment\n", CodeLanguage::Other),
        ];
        for (code, expected) in cases {
            assert_eq!(fence(Language::Shell, code, &Bundle::default()), expected, "{code}");
        }
    }

    #[test]
    fn unlabelled_blocks_are_shell_only_when_every_line_is() {
        let kind = |code| fence(Language::Unlabelled, code, &Bundle::default());
        assert_eq!(kind("$ git status\ncurl x \\\n  -H y\n"), CodeLanguage::Shell);
        assert_eq!(kind("git status\nOn branch main\n"), CodeLanguage::Other);
        assert_eq!(kind("├── src\n"), CodeLanguage::Other);
    }
}
