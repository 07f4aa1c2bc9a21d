//! Which commands are programs that have to be installed.

/// Words that a shell understands by itself.
const BUILTINS: [&str; 38] = [
    ".", ":", "[", "[[", "alias", "bg", "break", "case", "cd", "command", "continue", "declare",
    "echo", "eval", "exec", "exit", "export", "false", "fg", "function", "getopts", "hash", "jobs",
    "let", "local", "printf", "pwd", "read", "readonly", "return", "set", "shift", "source",
    "test", "trap", "true", "unset", "wait",
];

/// Programs of a POSIX system and of GNU coreutils, findutils, grep, sed and tar.
const CORE: [&str; 75] = [
    "awk",
    "base64",
    "basename",
    "bash",
    "cat",
    "chmod",
    "chown",
    "cmp",
    "comm",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "diff",
    "dirname",
    "du",
    "egrep",
    "env",
    "expr",
    "fgrep",
    "file",
    "find",
    "fold",
    "grep",
    "gunzip",
    "gzip",
    "head",
    "hostname",
    "id",
    "install",
    "join",
    "kill",
    "less",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mktemp",
    "more",
    "mv",
    "nl",
    "nohup",
    "od",
    "paste",
    "pkill",
    "printenv",
    "ps",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "sh",
    "sha256sum",
    "sleep",
    "sort",
    "split",
    "stat",
    "sudo",
    "tac",
    "tail",
    "tar",
    "tee",
    "time",
    "timeout",
    "touch",
    "tr",
    "uname",
    "uniq",
    "wc",
    "which",
    "whoami",
    "xargs",
];

/// Whether a command is a program that a skill needs on the machine.
pub(super) fn is_dependency(program: &str) -> bool {
    is_name(program)
        && BUILTINS.binary_search(&program).is_err()
        && CORE.binary_search(&program).is_err()
}

/// Whether a word has the form of a program's or a package's name: no capitals, which are
/// placeholders, and a dot only in front of a digit, which tells `python3.11` from `console.log`.
pub(super) fn is_name(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.first().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.iter().any(u8::is_ascii_lowercase)
        && bytes.iter().enumerate().all(|(at, b)| match b {
            b'.' => bytes.get(at + 1).is_some_and(u8::is_ascii_digit),
            b'-' | b'_' | b'+' => true,
            other => other.is_ascii_lowercase() || other.is_ascii_digit(),
        })
}

/// The runtime that a program belongs to, when it is one.
pub(super) fn runtime(program: &str) -> Option<&'static str> {
    match program {
        "python" | "python3" | "pip" | "pip3" => Some("python"),
        "node" | "npm" | "npx" => Some("node"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_for_the_search() {
        assert!(BUILTINS.is_sorted());
        assert!(CORE.is_sorted());
    }

    #[test]
    fn placeholders_and_builtins_are_no_dependencies() {
        for program in ["cd", "ls", "XXXX", "", "$X", "YOUR_TOOL", "-x"] {
            assert!(!is_dependency(program), "{program}");
        }
        assert!(is_dependency("jq"));
    }
}
