//! What tools print when they fail: what it is about, and the part of it that comes again.

use std::sync::LazyLock;

use regex::Regex;

use crate::secret::holds_secret;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Complaint {
    PythonModule,
    NodePackage,
    Program,
    File,
    Permission,
    Key,
    Network,
    Policy,
    Arguments,
    Usage,
    Deadline,
    TooLong,
    WrongLanguage,
}

/// By what a message is known: the first that fits counts. What is captured is what it is about.
const PATTERNS: [(Complaint, &str); 46] = [
    (Complaint::Policy, r"refused by policy: (\S+)"),
    (Complaint::Arguments, r"the arguments of (\S+) do not fit"),
    (Complaint::Arguments, r#"there is no tool called "([^"]+)""#),
    (Complaint::Arguments, r"(?i)invalid (?:tool )?(?:arguments|parameters|input schema)"),
    (Complaint::Deadline, r"ended after \d+ seconds, before it was done"),
    (Complaint::Deadline, r"(?i)command timed out"),
    (Complaint::PythonModule, r#"No module named ['"]?([A-Za-z_][\w.]*)"#),
    (Complaint::NodePackage, r"Cannot find package '([^']+)'"),
    (Complaint::NodePackage, r"Cannot find module '([^'/.][^']*)'"),
    // A script that was given to the wrong program shows in what that makes of its first lines.
    (Complaint::WrongLanguage, r"\b(import|from): (?:command )?not found"),
    (Complaint::WrongLanguage, r"(?i)(exec) format error"),
    (Complaint::WrongLanguage, r"(?i)import-im6|\bimport: unable to (open X server)"),
    // The Z shell names the program behind it.
    (Complaint::Program, r"command not found: ([A-Za-z0-9][\w.+-]*)"),
    (Complaint::Program, r"(?m)(?:^|[\s:])([A-Za-z0-9][\w.+-]*): command not found"),
    (
        Complaint::Program,
        r"(?m)(?:sh|bash|dash|zsh): (?:line )?(?:\d+: )?([A-Za-z0-9][\w.+-]*): not found",
    ),
    (Complaint::Program, r"exec: \x22?([\w.+-]+)\x22?: executable file not found"),
    (Complaint::Program, r"env: [‘'\x22]?([\w.+-]+)[’'\x22]?: No such file or directory"),
    (Complaint::Program, r"spawn ([\w.+-]+) ENOENT"),
    (Complaint::Program, r"'([\w.+-]+)' is not recognized as an internal"),
    (Complaint::Permission, r"(?:sh|bash|dash|zsh): (?:line )?(?:\d+: )?(\S+): Permission denied"),
    (Complaint::Permission, r"[Pp]ermission denied: '([^']+)'"),
    (Complaint::Permission, r"EACCES: permission denied, \w+ '([^']+)'"),
    (Complaint::Permission, r"(?m)([^\s:'\x22]+): Permission denied"),
    (Complaint::Permission, r"(?i)permission denied|operation not permitted|read-only file system"),
    (Complaint::Key, r"KeyError: '([A-Z][A-Z0-9_]{2,})'"),
    (
        Complaint::Key,
        r"\b([A-Z][A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS))\b[^\n]{0,40}(?:not set|missing|required|unset|undefined|not found|must be set)",
    ),
    (
        Complaint::Key,
        r"(?i)(?:set|missing|requires?|export|provide)[^\n]{0,40}\b([A-Z][A-Z0-9_]*_(?:KEY|TOKEN|SECRET|PASSWORD))\b",
    ),
    (
        Complaint::Key,
        r"\b([A-Z][A-Z0-9_]{2,}): (?:unbound variable|parameter (?:null or )?not set)",
    ),
    (
        Complaint::Key,
        r"(?i)\b(?:401|403)\b[^\n]{0,40}(?:unauthorized|forbidden)|invalid api key|authentication (?:failed|required)|(?:unauthorized|forbidden):? (?:401|403)",
    ),
    (
        Complaint::Network,
        r"(?i)\b(?:HTTP(?: Error|/[\d.]+)?|status(?: code)?|error:?)[ :=]*(?:429|500|502|503|504|529)\b",
    ),
    (
        Complaint::Network,
        r"(?i)\b(?:429 too many requests|500 internal server error|502 bad gateway|503 service (?:temporarily )?unavailable|504 gateway time-?out)|rate limit",
    ),
    (
        Complaint::Network,
        r"(?i)\b(?:429|5\d\d)(?: (?:client|server) error\b|, message=)|service (?:temporarily )?unavailable|bad gateway|overloaded_error|(?:server|service|model) is (?:currently )?overloaded|max retries exceeded|\bE(?:429|50[234])\b",
    ),
    (
        Complaint::Network,
        r"(?i)could not resolve host|name or service not known|temporary failure in name resolution|connection (?:refused|reset|timed out|aborted)|network is unreachable|no route to host|read timed out|tls handshake|remote end closed|socket hang up|\bfetch failed\b|operation timed out|failed to connect to|gateway time-?out",
    ),
    (
        Complaint::Network,
        r"\b(?:ECONNRESET|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|EHOSTUNREACH|ENETUNREACH)\b",
    ),
    (Complaint::Usage, r"unrecognized arguments?: (-{0,2}[\w-]+)"),
    (
        Complaint::Usage,
        r"(?i)(?:no such|unknown|unrecognized|invalid|unexpected|illegal|bad) (?:option|flag|argument|switch|subcommand|command|long option)s?:? +(?:-- +)?['\x22`]?(-{0,2}[\w-]+)",
    ),
    (Complaint::Usage, r"invalid choice: '([^']+)'"),
    (Complaint::Usage, r"(?i)flag provided but not defined: (-{1,2}[\w-]+)"),
    (
        Complaint::TooLong,
        r"(?i)maximum context|context (?:length|window)|too many tokens|prompt is too long|argument list too long|payload too large|request entity too large",
    ),
    (Complaint::File, r"can't open file '([^']+)'"),
    (Complaint::File, r"(?:No such file or directory|FileNotFoundError)[^\n']{0,20}'([^']+)'"),
    (Complaint::File, r"ENOENT: no such file or directory, \w+ '([^']+)'"),
    (Complaint::File, r"Cannot find module '([/.][^']*)'"),
    (
        Complaint::File,
        r"(?:sh|bash|dash|zsh): (?:line )?(?:\d+: )?(\S+): (?:not found|No such file or directory)",
    ),
    (Complaint::File, r"cannot (?:access|open|stat|read) ['\x22]?([^\s'\x22:]+)"),
    (Complaint::File, r"(?m)([^\s:'\x22]+): No such file or directory"),
];

static COMPILED: LazyLock<Vec<(Complaint, Regex)>> = LazyLock::new(|| {
    let compiled = PATTERNS
        .iter()
        .map(|(complaint, pattern)| Regex::new(pattern).map(|regex| (*complaint, regex)));
    compiled.filter_map(Result::ok).collect()
});

/// How much of a message is looked at, from its start and from its end.
const LOOKED_AT: usize = 4 << 10;

/// What a message is about, and the word that it names.
pub(super) fn recognise(message: &str) -> Option<(Complaint, Option<String>)> {
    let ends = ends_of(message);
    // A server on the machine itself is the skill's to start, and no fault of the network.
    let is_local = ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| ends.contains(host));
    let mut looked_for = COMPILED.iter().filter(|(it, _)| !is_local || *it != Complaint::Network);
    looked_for.find_map(|(complaint, regex)| {
        let found = regex.captures(&ends)?;
        let subject = found.get(1).map(|word| word.as_str());
        let subject = subject.filter(|word| !holds_secret(word)).map(str::to_owned);
        Some((*complaint, subject))
    })
}

/// Start and end of a long text.
fn ends_of(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= 2 * LOOKED_AT {
        return text.into();
    }
    let head = (0..=LOOKED_AT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let tail = text.len() - LOOKED_AT;
    let tail = (tail..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    format!("{}\n{}", &text[..head], &text[tail..]).into()
}

/// What stands in the place of a message that holds a key or a password.
const WITHHELD: &str = "(a message that holds a secret)";

/// Longest message that is kept, in characters.
const MAX_MESSAGE: usize = 200;

/// The part of a message that comes again: its telling line, with what differs from run to run left out: numbers,
/// addresses in memory, quoted names, folders.
pub(super) fn normalised(message: &str) -> String {
    static VARYING: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"0x[0-9a-fA-F]+|"[^"\n]*"|'[^'\n]*'|(?:[\w.~-]*/)+[\w.-]+|\d+(?:[.:]\d+)*"#)
            .ok()
    });
    let ends = ends_of(message);
    let lines = ends.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines = lines.filter(|line| !line.starts_with("exit status:") && *line != "stderr:");
    let telling = |line: &&str| {
        let lower = line.to_ascii_lowercase();
        ["error", "fail", "cannot", "can't", "not found", "denied", "no such", "refused", "invalid"]
            .iter()
            .any(|word| lower.contains(word))
    };
    let all: Vec<&str> = lines.by_ref().collect();
    let line = all.iter().rev().find(|line| telling(line)).or(all.last()).copied().unwrap_or("");
    // Once it is masked, a key can no longer be told from other words, and half of it would be left.
    if holds_secret(line) {
        return WITHHELD.to_owned();
    }
    let masked = match VARYING.as_ref() {
        Some(varying) => varying.replace_all(line, "…").into_owned(),
        None => line.to_owned(),
    };
    masked.chars().take(MAX_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_a_regular_expression() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
    }

    #[test]
    fn messages_are_known_by_what_real_programs_print() {
        let cases = [
            ("ModuleNotFoundError: No module named 'yaml'", Complaint::PythonModule, "yaml"),
            ("ImportError: No module named requests", Complaint::PythonModule, "requests"),
            (
                "/usr/bin/python3: No module named pip.__main__",
                Complaint::PythonModule,
                "pip.__main__",
            ),
            ("Error: Cannot find module 'sharp'\nRequire stack:", Complaint::NodePackage, "sharp"),
            ("Error: Cannot find module '/w/scripts/x.js'", Complaint::File, "/w/scripts/x.js"),
            ("sh: 1: jq: not found", Complaint::Program, "jq"),
            ("bash: line 1: pdftotext: command not found", Complaint::Program, "pdftotext"),
            ("zsh: command not found: rg", Complaint::Program, "rg"),
            (
                "sh: 1: ./scripts/run.py: Permission denied",
                Complaint::Permission,
                "./scripts/run.py",
            ),
            ("sh: 1: scripts/run.sh: not found", Complaint::File, "scripts/run.sh"),
            (
                "python3: can't open file '/w/scripts/a.py': [Errno 2] No such file or directory",
                Complaint::File,
                "/w/scripts/a.py",
            ),
            ("cat: notes.txt: No such file or directory", Complaint::File, "notes.txt"),
            ("KeyError: 'WEATHER_API_KEY'", Complaint::Key, "WEATHER_API_KEY"),
            ("Error: OPENAI_API_KEY is not set", Complaint::Key, "OPENAI_API_KEY"),
            ("sh: 1: TOKEN_X: parameter not set", Complaint::Key, "TOKEN_X"),
            ("error: unrecognized arguments: --fmt json", Complaint::Usage, "--fmt"),
            ("error: unexpected argument '--fmt' found", Complaint::Usage, "--fmt"),
            ("tool: unknown option -- 'z'", Complaint::Usage, "z"),
            ("refused by policy: sudo is not allowed", Complaint::Policy, "sudo"),
            ("1: import: not found", Complaint::WrongLanguage, "import"),
            ("urllib.error.HTTPError: HTTP Error 503: Service Unavailable", Complaint::Network, ""),
            ("curl: (6) Could not resolve host: api.example.com", Complaint::Network, ""),
            ("curl: (22) The requested URL returned error: 429", Complaint::Network, ""),
            (
                "the arguments of write_file do not fit: missing field `path`",
                Complaint::Arguments,
                "write_file",
            ),
        ];
        for (message, complaint, subject) in cases {
            let found = recognise(message);
            let told = found.as_ref().map(|(it, word)| (*it, word.as_deref().unwrap_or("")));
            assert_eq!(told, Some((complaint, subject)), "{message}");
        }
        assert_eq!(recognise("3 tests failed"), None);
    }

    #[test]
    fn what_varies_is_left_out() {
        assert_eq!(
            normalised(
                "stderr:\nTraceback …\nValueError: cannot read '/tmp/a1.csv' at 0x7f12\nexit status: 1"
            ),
            normalised(
                "stderr:\nTraceback …\nValueError: cannot read '/tmp/b2.csv' at 0x9a00\nexit status: 1"
            ),
        );
    }
}
