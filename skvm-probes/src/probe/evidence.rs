//! What a grader looks at.

use serde_json::Value;
use skvm_core::files::FileTree;
use skvm_core::harness::{RecordedToolCall, Role, Step};
use skvm_core::program::ProgramRunner;

use crate::site::SiteRequest;

/// What a target left: its last words, what it did, the files in its working directory, and what it asked the
/// probe's site for. All of it was taken away from the target before it is looked at.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The last words.
    pub answer: &'a str,
    /// Answers and tool calls in order.
    pub steps: &'a [Step],
    /// The files.
    pub files: &'a FileTree,
    /// What the site was asked for, in order.
    pub requests: &'a [SiteRequest],
    /// Runs programs that the target wrote; `None` where the host gives no runner.
    pub programs: Option<&'a dyn ProgramRunner>,
}

impl std::fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evidence")
            .field("answer", &self.answer)
            .field("steps", &self.steps)
            .field("files", &self.files)
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}

static NO_FILES: std::sync::LazyLock<FileTree> = std::sync::LazyLock::new(FileTree::default);

impl<'a> Evidence<'a> {
    /// An answer in words and nothing else.
    #[must_use]
    pub fn of(answer: &'a str) -> Self {
        Self { answer, steps: &[], files: &NO_FILES, requests: &[], programs: None }
    }

    /// The tool calls with their results, in the order in which they were made.
    #[must_use]
    pub fn calls(&self) -> Vec<TracedCall<'a>> {
        let mut calls: Vec<TracedCall<'a>> = Vec::new();
        let mut turn = 0;
        for step in self.steps {
            match step.role {
                Role::Assistant => {
                    turn += 1;
                    calls.extend(step.tool_calls.iter().map(|call| TracedCall {
                        turn,
                        call,
                        result: None,
                    }));
                }
                Role::Tool => {
                    for result in &step.tool_calls {
                        let waiting = calls.iter_mut().find(|traced| {
                            traced.turn == turn
                                && traced.result.is_none()
                                && traced.call.id == result.id
                        });
                        match waiting {
                            Some(traced) => traced.result = Some(result),
                            None => {
                                calls.push(TracedCall { turn, call: result, result: Some(result) });
                            }
                        }
                    }
                }
            }
        }
        calls
    }
}

/// One tool call with its result. What harnesses call their tools and arguments differs, so it is asked what a
/// call mentions and what its result shows.
#[derive(Debug, Clone, Copy)]
pub struct TracedCall<'a> {
    /// The answer that makes it, from 1.
    pub turn: usize,
    call: &'a RecordedToolCall,
    result: Option<&'a RecordedToolCall>,
}

impl<'a> TracedCall<'a> {
    /// The tool as the harness calls it.
    #[must_use]
    pub fn tool(&self) -> &'a str {
        &self.call.name
    }

    /// The arguments.
    #[must_use]
    pub fn arguments(&self) -> &'a Value {
        &self.call.input
    }

    /// What came back; empty where nothing did.
    #[must_use]
    pub fn output(&self) -> &'a str {
        self.result.and_then(|result| result.output.as_deref()).unwrap_or_default()
    }

    /// Whether it was carried out without failing.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.result.is_some_and(|result| !result.is_error)
    }

    /// Whether a text occurs in one of the arguments' strings.
    #[must_use]
    pub fn mentions(&self, text: &str) -> bool {
        any_string(&self.call.input, &|string| string.contains(text))
    }

    /// Whether one of the arguments' strings is a command that runs a script of this name: a shell is given it, or
    /// it stands where a command stands, with its folder.
    #[must_use]
    pub fn runs(&self, script: &str) -> bool {
        any_string(&self.call.input, &|text| runs(text, script))
    }

    /// Whether a text occurs in the result.
    #[must_use]
    pub fn shows(&self, text: &str) -> bool {
        self.output().contains(text)
    }
}

/// Whether a string anywhere in a value passes a test.
fn any_string(value: &Value, test: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(string) => test(string),
        Value::Array(items) => items.iter().any(|item| any_string(item, test)),
        Value::Object(members) => members.values().any(|member| any_string(member, test)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a shell text runs a script of this name. A text that is nothing but a path is taken for one, unless it
/// begins with `./`.
fn runs(text: &str, script: &str) -> bool {
    let is_path =
        !text.trim().contains(char::is_whitespace) && !text.trim_start().starts_with("./");
    if is_path {
        return false;
    }
    let names = |word: &str| {
        word.strip_suffix(script).is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
    };
    let commands = text.split(['\n', ';', '|', '&', '(', ')', '{', '}', '`']);
    commands.into_iter().any(|command| {
        // Whether the next word is a command's name, or what a shell is to run.
        let (mut first, mut shell) = (true, false);
        for word in command.split_whitespace().map(|word| word.trim_matches(['"', '\''])) {
            if (shell && names(word)) || (first && word.contains('/') && names(word)) {
                return true;
            }
            if shell && word.starts_with('-') {
                continue;
            }
            let base = word.rsplit('/').next().unwrap_or(word);
            shell = first && matches!(base, "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh");
            let leads =
                matches!(base, "then" | "do" | "else" | "time" | "env" | "nohup" | "timeout")
                    || word.contains('=')
                    || word.bytes().all(|byte| byte.is_ascii_digit());
            first = first && leads;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_run_by_a_shell_or_by_its_path() {
        for text in [
            "sh x.sh",
            "bash -e tools/x.sh 5",
            "sh \"x.sh\" > out",
            "cd work && ./x.sh",
            "./x.sh",
            "cat > x.sh <<'EOF'\necho 1\nEOF\nsh x.sh > result.txt; cat result.txt",
            "chmod +x x.sh && /tmp/a/x.sh",
            "n=$(sh x.sh 4)",
            "for f in a b; do sh tools/x.sh $f; done",
            "timeout 5 sh x.sh",
            "A=1 sh x.sh",
        ] {
            assert!(runs(text, "x.sh"), "{text}");
        }
        for text in [
            "x.sh",
            "/tmp/a/x.sh",
            "cat x.sh",
            "cat ./x.sh",
            "sh fx.sh 1",
            "sh ./fx.sh 1",
            "python3 -c '# x.sh'",
            "chmod +x ./x.sh",
            "grep -c a list.txt",
            "",
        ] {
            assert!(!runs(text, "x.sh"), "{text}");
        }
    }
}
