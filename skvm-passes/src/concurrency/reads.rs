//! Commands that leave everything as it is.

use skvm_core::artifact::Command;

use crate::code;

/// Commands that only read, whatever their arguments are, redirects apart.
const READERS: [&str; 27] = [
    "awk", "cat", "column", "cut", "df", "diff", "du", "file", "grep", "head", "jq", "ls", "nl",
    "pdfinfo", "ps", "pwd", "rg", "sort", "stat", "strings", "tail", "tr", "tree", "uname", "uniq",
    "wc", "which",
];

/// Whether a shell text only reads: all of it is understood, every command in it is known to leave files
/// alone, and nothing is redirected into a file. When unsure, it does not.
///
/// ```
/// use skvm_passes::concurrency::only_reads;
///
/// assert!(only_reads("grep -n error app.log | head -5"));
/// assert!(!only_reads("make test") && !only_reads("cat a > b"));
/// ```
#[must_use]
pub fn text_only_reads(script: &str) -> bool {
    let shell = code::shell_commands(script);
    shell.understood
        && !script.contains('>')
        && !shell.commands.is_empty()
        && shell.commands.iter().all(only_reads)
}

/// Whether a command leaves files and the rest of the world as they are, redirects apart.
pub(super) fn only_reads(command: &Command) -> bool {
    let words: Vec<&str> = command.arguments.iter().map(String::as_str).collect();
    let has =
        |refused: &[&str]| words.iter().any(|word| refused.iter().any(|r| word.starts_with(r)));
    match command.program.as_str() {
        "curl" => !words.iter().any(|word| changes_by_curl(word)),
        "git" => {
            let reads = ["log", "status", "diff", "show", "blame"];
            words.first().is_some_and(|word| reads.contains(word)) && !has(&["--output", "-o"])
        }
        "gh" => words.get(1).is_some_and(|w| matches!(*w, "view" | "list" | "status" | "diff")),
        "find" => !has(&["-delete", "-exec", "-ok", "-fprint", "-fls"]),
        // Their programs can write files and start others.
        "awk" => {
            !words.iter().any(|w| w.contains(['>', '|']) || w.contains("system") || *w == "-i")
        }
        "sed" => !has(&["-i", "--in-place"]) && !words.iter().any(|w| w.contains(['w', 'e'])),
        "sort" => !has(&["-o", "--output"]),
        program => READERS.contains(&program),
    }
}

/// Whether an argument makes curl send something or write a file; short ones can stand together: `-sSO`.
fn changes_by_curl(word: &str) -> bool {
    const LONG: [&str; 10] = [
        "data",
        "request",
        "form",
        "upload",
        "json",
        "output",
        "remote-name",
        "cookie-jar",
        "dump-header",
        "config",
    ];
    match word.strip_prefix("--") {
        Some(long) => LONG.iter().any(|known| long.starts_with(known)),
        None => word
            .strip_prefix('-')
            .is_some_and(|short| short.contains(['X', 'd', 'F', 'T', 'O', 'o', 'c', 'D', 'K'])),
    }
}
