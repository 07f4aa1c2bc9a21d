//! Values in code that stand for others: what published skills write where the reader is to fill something in.

use std::ops::Range;

use skvm_core::artifact::{ParameterType, Spelling};

/// A stand-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StandIn {
    /// The bytes of the value that it takes.
    pub(super) range: Range<usize>,
    pub(super) name: String,
    pub(super) kind: ParameterType,
    pub(super) spelling: Spelling,
}

impl StandIn {
    fn whole(value: &str, name: &str, kind: ParameterType, spelling: Spelling) -> Vec<Self> {
        vec![Self { range: 0..value.len(), name: name.to_owned(), kind, spelling }]
    }
}

/// Names of files that are examples wherever they occur.
const SAMPLE_STEMS: [&str; 22] = [
    "audio", "converted", "data", "doc", "document", "example", "file", "file1", "file2", "filled",
    "form", "image", "in", "input", "merged", "my", "out", "output", "photo", "result", "sample",
    "video",
];

/// Values that are examples wherever they occur.
const DUMMIES: [&str; 8] =
    ["123", "1234", "12345", "123456", "abc", "abc123", "abcd1234", "123e4567"];

/// The stand-ins in the value of a literal, in order.
pub(super) fn stand_ins(value: &str) -> Vec<StandIn> {
    use ParameterType::{Path, Secret, Text, Url};
    if value.len() > 300 {
        return Vec::new();
    }
    let whole = |name: &str, kind, spelling| StandIn::whole(value, name, kind, spelling);
    if matches!(value, "..." | "…") {
        return whole("value", Text, Spelling::Ellipsis);
    }
    if DUMMIES.contains(&value) {
        return whole("id", Text, Spelling::DummyId);
    }
    if value.len() >= 3 && value.bytes().all(|b| b.eq_ignore_ascii_case(&b'x')) {
        return whole("value", Text, Spelling::CrossedOut);
    }
    let is_cut = value.contains("...") || value.contains('…') || value.to_lowercase().contains("xxx");
    if value.starts_with("sk-") && is_cut {
        return whole("key", Secret, Spelling::KeyStub);
    }
    if value.starts_with("0x") && is_cut {
        return whole("address", Text, Spelling::HexStub);
    }
    let inner = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(name) = inner.filter(|name| is_name(name)) {
        let name = normalise(name);
        let kind = kind_of(&name);
        return whole(&name, kind, Spelling::Bracket);
    }
    if value.contains('_') && is_upper(value) {
        let name = value.to_lowercase();
        let kind = kind_of(&name);
        return whole(&name, kind, Spelling::BareUpper);
    }
    if value.contains("example.com") || value.contains("example.org") {
        return match (value.contains("://"), value.contains('@')) {
            (true, _) if !value.contains("/:") => whole("url", Url, Spelling::ExampleDomain),
            (false, true) => whole("address", Text, Spelling::ExampleDomain),
            _ => pieces(value),
        };
    }
    let stem = value.rsplit_once('.').map_or("", |(stem, _)| stem);
    if SAMPLE_STEMS.contains(&stem) && !value.contains(char::is_whitespace) {
        return whole(stem, Path, Spelling::SampleFile);
    }
    pieces(value)
}

/// Stand-ins that are parts of a value.
fn pieces(value: &str) -> Vec<StandIn> {
    let mut found = Vec::new();
    for (start, _) in value.match_indices("YYYY-MM-DD") {
        found.push(StandIn {
            range: start..start + 10,
            name: "date".to_owned(),
            kind: ParameterType::Text,
            spelling: Spelling::DatePattern,
        });
    }
    if value.contains("://") {
        for (start, _) in value.match_indices("/:") {
            let rest = value.get(start + 2..).unwrap_or_default();
            let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
            if length > 0 && rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let name = normalise(rest.get(..length).unwrap_or_default());
                let range = start + 1..start + 2 + length;
                let kind = ParameterType::Text;
                found.push(StandIn { range, name, kind, spelling: Spelling::ColonSegment });
            }
        }
        for (start, _) in value.match_indices("%s") {
            let name = "value".to_owned();
            let (kind, spelling) = (ParameterType::Text, Spelling::Percent);
            found.push(StandIn { range: start..start + 2, name, kind, spelling });
        }
    }
    found.sort_by_key(|it| it.range.start);
    found
}

/// Variables that a shell has from its surroundings. They stay what they are.
const SURROUNDINGS: [&str; 22] = [
    "BASH_SOURCE", "CI", "DISPLAY", "EDITOR", "HOME", "HOSTNAME", "IFS", "LANG", "LC_ALL", "LOGNAME",
    "OLDPWD", "OSTYPE", "PATH", "PWD", "RANDOM", "SECONDS", "SHELL", "TERM", "TMPDIR", "UID", "USER",
    "XDG_CONFIG_HOME",
];

/// The variables of a shell text that its reader is to fill in: `$CITY`, `${CITY}`, `$1`, `$ARGUMENTS`. Those that
/// the code sets, that shells have, and that hold secrets stay variables. Within single quotes nothing is one.
pub(super) fn variables(code: &str) -> Vec<(Range<usize>, String, Spelling)> {
    let mut found = Vec::new();
    let (mut at, mut single, mut double) = (0, false, false);
    let bytes = code.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if !single => at += 1,
            b'\'' if !double => single = !single,
            b'"' if !single => double = !double,
            b'$' if !single => {
                if let Some((length, name, spelling)) = variable(code, at) {
                    found.push((at..at + length, name, spelling));
                    at += length;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn variable(code: &str, at: usize) -> Option<(usize, String, Spelling)> {
    let rest = code.get(at + 1..)?;
    if rest.starts_with(|c: char| c.is_ascii_digit() && c != '0') {
        return Some((2, format!("argument_{}", &rest[..1]), Spelling::Argument));
    }
    let (name, length, spelling) = match rest.strip_prefix('{') {
        Some(inner) => {
            let end = inner.find('}')?;
            (inner.get(..end)?, end + 3, Spelling::BracedVariable)
        }
        None => {
            let end = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
            (rest.get(..end)?, end + 1, Spelling::Variable)
        }
    };
    if name == "ARGUMENTS" {
        return Some((length, "arguments".to_owned(), Spelling::Argument));
    }
    let is_set = [format!("{name}="), format!("for {name} "), format!("read {name}")]
        .iter()
        .any(|sets| code.contains(sets.as_str()));
    let lower = name.to_lowercase();
    let stays = !crate::code::is_variable(name)
        || is_set
        || SURROUNDINGS.contains(&name)
        || kind_of(&lower) == ParameterType::Secret
        || lower.split('_').any(|part| matches!(part, "auth" | "credential" | "credentials"));
    (!stays).then_some((length, lower, spelling))
}

/// The type that a name tells.
pub(super) fn kind_of(name: &str) -> ParameterType {
    let has = |words: &[&str]| name.split(['_', '-']).any(|part| words.contains(&part));
    if has(&["key", "token", "secret", "password"]) {
        ParameterType::Secret
    } else if has(&["url", "uri", "endpoint"]) {
        ParameterType::Url
    } else if has(&[
        "file", "path", "dir", "directory", "folder", "pdf", "csv", "json", "txt", "input", "output",
    ]) {
        ParameterType::Path
    } else if has(&["number", "count", "limit", "port", "page", "pages", "amount", "size"]) {
        ParameterType::Number
    } else {
        ParameterType::Text
    }
}

fn is_name(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-'))
}

fn is_upper(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Lower case, with `_` between words.
pub(super) fn normalise(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            normal.push(c.to_ascii_lowercase());
        } else if !normal.is_empty() && !normal.ends_with('_') {
            normal.push('_');
        }
    }
    normal.trim_end_matches('_').to_owned()
}
