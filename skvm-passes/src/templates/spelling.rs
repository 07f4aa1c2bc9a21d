//! Values in code that stand for others: what published skills write where the reader is to fill something in.

use std::collections::HashSet;
use std::ops::Range;

use skvm_core::artifact::{ParameterType, Spelling, TemplateLanguage};

/// A stand-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StandIn {
    /// The bytes of the value that it takes.
    pub(super) range: Range<usize>,
    pub(super) name: String,
    pub(super) kind: ParameterType,
    pub(super) spelling: Spelling,
}

/// Names of files that are examples wherever they occur, and what they are examples of.
const SAMPLE_STEMS: [(&str, &str); 20] = [
    ("audio", "audio"),
    ("converted", "converted"),
    ("doc", "document"),
    ("document", "document"),
    ("example", "example"),
    ("file", "file"),
    ("file1", "file_1"),
    ("file2", "file_2"),
    ("filled", "filled"),
    ("image", "image"),
    ("in", "input"),
    ("input", "input"),
    ("merged", "merged"),
    ("my", "file"),
    ("out", "output"),
    ("output", "output"),
    ("photo", "photo"),
    ("result", "result"),
    ("sample", "sample"),
    ("video", "video"),
];

/// Extensions of what is code: a file of it is one of the skill's own.
const CODE: [&str; 11] = ["bash", "css", "html", "js", "jsx", "mjs", "py", "rs", "sh", "ts", "tsx"];

/// Values that are examples wherever they occur as texts.
const DUMMIES: [&str; 8] =
    ["123", "1234", "12345", "123456", "abc", "abc123", "abcd1234", "123e4567"];

/// Last words of names in upper case that stand for a value and are no constant of a program's own.
const BARE_ENDS: [&str; 26] = [
    "ADDRESS",
    "BODY",
    "CITY",
    "CONTENT",
    "DATE",
    "DESCRIPTION",
    "DIR",
    "EMAIL",
    "FILE",
    "FOLDER",
    "HANDLE",
    "HASH",
    "ID",
    "MESSAGE",
    "NAME",
    "NUMBER",
    "PATH",
    "QUERY",
    "SLUG",
    "TEXT",
    "TITLE",
    "URI",
    "URL",
    "USER",
    "USERNAME",
    "UUID",
];

/// Longest value that is looked into.
const LONGEST: usize = 300;

/// The stand-ins in the value of a literal, in order.
pub(super) fn stand_ins(language: TemplateLanguage, is_number: bool, value: &str) -> Vec<StandIn> {
    use ParameterType::{Number, Text};
    if value.len() > LONGEST {
        return Vec::new();
    }
    if is_number {
        // A small number is one.
        let is_dummy = matches!(value, "12345" | "123456");
        return if is_dummy { whole(value, "id", Number, Spelling::DummyId) } else { Vec::new() };
    }
    if matches!(value, "..." | "…") {
        return whole(value, "value", Text, Spelling::Ellipsis);
    }
    if DUMMIES.contains(&value) {
        return whole(value, "id", Text, Spelling::DummyId);
    }
    if value.len() >= 3 && value.bytes().all(|b| b.eq_ignore_ascii_case(&b'x')) {
        return whole(value, "value", Text, Spelling::CrossedOut);
    }
    stub(value)
        .or_else(|| bracket(language, value))
        .or_else(|| bare_upper(language, value))
        .or_else(|| example(value))
        .or_else(|| sample_file(value))
        .unwrap_or_else(|| pieces(language, value))
}

fn whole(value: &str, name: &str, kind: ParameterType, spelling: Spelling) -> Vec<StandIn> {
    vec![StandIn { range: 0..value.len(), name: name.to_owned(), kind, spelling }]
}

/// `sk-…`, `0x…`
fn stub(value: &str) -> Option<Vec<StandIn>> {
    let is_cut =
        value.contains("...") || value.contains('…') || value.to_lowercase().contains("xxx");
    let is_word = is_cut && !value.contains(char::is_whitespace);
    if is_word && value.starts_with("sk-") {
        Some(whole(value, "key", ParameterType::Secret, Spelling::KeyStub))
    } else if is_word && value.starts_with("0x") {
        Some(whole(value, "address", ParameterType::Text, Spelling::HexStub))
    } else {
        None
    }
}

/// `[city]`; in Python and JavaScript texts brackets are also selectors, log levels and parts of a prompt.
fn bracket(language: TemplateLanguage, value: &str) -> Option<Vec<StandIn>> {
    let name = value.strip_prefix('[')?.strip_suffix(']')?;
    if language != TemplateLanguage::Shell || !is_name(name) {
        return None;
    }
    let name = normalise(name);
    let kind = kind_of(&name);
    Some(whole(value, &name, kind, Spelling::Bracket))
}

/// `TASK_ID` as an argument. In Python and JavaScript a text like this is the name of a variable or a constant.
fn bare_upper(language: TemplateLanguage, value: &str) -> Option<Vec<StandIn>> {
    let (_, last) = value.rsplit_once('_')?;
    if language != TemplateLanguage::Shell || !is_upper(value) || !BARE_ENDS.contains(&last) {
        return None;
    }
    let name = value.to_lowercase();
    let kind = kind_of(&name);
    (kind != ParameterType::Secret).then(|| whole(value, &name, kind, Spelling::BareUpper))
}

/// `https://example.com/a`, `you@example.com`, `example.com`. Another host below is that of a service.
fn example(value: &str) -> Option<Vec<StandIn>> {
    const HOSTS: [&str; 4] = ["example.com", "example.org", "www.example.com", "www.example.org"];
    if value.contains(char::is_whitespace) {
        return None;
    }
    let spelling = Spelling::ExampleDomain;
    if let Some((scheme, rest)) = value.split_once("://") {
        let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
        let fits = matches!(scheme, "http" | "https")
            && HOSTS.contains(&host)
            && !value.contains("/:")
            && !value.contains("%s");
        return fits.then(|| whole(value, "url", ParameterType::Url, spelling));
    }
    if let Some((name, host)) = value.split_once('@') {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
        let fits = HOSTS.contains(&host) && !name.is_empty() && name.chars().all(is_name);
        return fits.then(|| whole(value, "email", ParameterType::Text, spelling));
    }
    HOSTS.contains(&value).then(|| whole(value, "domain", ParameterType::Text, spelling))
}

/// `input.pdf`, `out.json`
fn sample_file(value: &str) -> Option<Vec<StandIn>> {
    let (stem, extension) = value.rsplit_once('.')?;
    let (_, name) = SAMPLE_STEMS.iter().find(|(sample, _)| *sample == stem)?;
    let is_extension = (2..=5).contains(&extension.len())
        && extension.bytes().all(|b| b.is_ascii_alphanumeric())
        && !CODE.contains(&extension);
    is_extension.then(|| whole(value, name, ParameterType::Path, Spelling::SampleFile))
}

/// Stand-ins that are parts of a value.
fn pieces(language: TemplateLanguage, value: &str) -> Vec<StandIn> {
    let mut found = Vec::new();
    let is_shell = language == TemplateLanguage::Shell;
    let is_url = value.contains("://");
    // Elsewhere this is how a date is to be written, and a text that the code fills in.
    if is_shell {
        found.extend(occurrences(value, "YYYY-MM-DD", "date", Spelling::DatePattern));
    }
    if is_shell && is_url {
        found.extend(occurrences(value, "%s", "value", Spelling::Percent));
    }
    if is_shell && is_url {
        found.extend(bare_uppers(value));
    }
    if is_url {
        found.extend(value.match_indices("/:").filter_map(|(start, _)| {
            let rest = value.get(start + 2..)?;
            let in_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
            let name = rest.get(..rest.bytes().take_while(in_name).count())?;
            name.starts_with(|c: char| c.is_ascii_alphabetic()).then(|| StandIn {
                range: start + 1..start + 2 + name.len(),
                name: normalise(name),
                kind: ParameterType::Text,
                spelling: Spelling::ColonSegment,
            })
        }));
    }
    found.sort_by_key(|it| it.range.start);
    found
}

/// `https://host/tasks/TASK_ID?name=USER_NAME`
fn bare_uppers(url: &str) -> Vec<StandIn> {
    let mut at = 0;
    let mut found = Vec::new();
    for part in url.split_inclusive(['/', '=', '?', '&', '#', ':']) {
        let word = part.trim_end_matches(['/', '=', '?', '&', '#', ':']);
        for StandIn { range, name, kind, spelling } in
            bare_upper(TemplateLanguage::Shell, word).unwrap_or_default()
        {
            let range = at + range.start..at + range.end;
            found.push(StandIn { range, name, kind, spelling });
        }
        at += part.len();
    }
    found
}

fn occurrences<'v>(
    value: &'v str,
    text: &'v str,
    name: &'v str,
    spelling: Spelling,
) -> impl Iterator<Item = StandIn> + use<'v> {
    value.match_indices(text).map(move |(start, _)| StandIn {
        range: start..start + text.len(),
        name: name.to_owned(),
        kind: ParameterType::Text,
        spelling,
    })
}

/// Variables that a shell has from its surroundings. They stay what they are.
const SURROUNDINGS: [&str; 22] = [
    "BASH_SOURCE",
    "CI",
    "DISPLAY",
    "EDITOR",
    "HOME",
    "HOSTNAME",
    "IFS",
    "LANG",
    "LC_ALL",
    "LOGNAME",
    "OLDPWD",
    "OSTYPE",
    "PATH",
    "PWD",
    "RANDOM",
    "SECONDS",
    "SHELL",
    "TERM",
    "TMPDIR",
    "UID",
    "USER",
    "XDG_CONFIG_HOME",
];

/// The names in upper case that a text has without a `$` before them: what sets, exports, reads or documents a
/// variable names it.
pub(super) fn named(text: &str) -> HashSet<&str> {
    let (mut found, mut at) = (HashSet::new(), 0);
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(in_name)).map(|it| it + at) {
        let rest = text.get(start..).unwrap_or_default();
        let name = rest.get(..rest.find(|c| !in_name(c)).unwrap_or(rest.len())).unwrap_or_default();
        let before = text.get(..start).unwrap_or_default();
        if !before.ends_with('$') && !before.ends_with("${") && crate::code::is_variable(name) {
            found.insert(name);
        }
        at = start + name.len();
    }
    found
}

/// The variables of a shell text that its reader is to fill in: `$CITY`, `${CITY}`, `$1`, `$ARGUMENTS`. Those that
/// are `named` anywhere, that shells have, and that hold secrets stay variables. Within single quotes and
/// comments nothing is one.
pub(super) fn variables(
    code: &str,
    named: &HashSet<&str>,
) -> Vec<(Range<usize>, String, Spelling)> {
    let mut found = Vec::new();
    if code.contains("<<'") || code.contains("<<\"") {
        return found;
    }
    let own = self::named(code);
    let has_functions =
        code.contains("()") || code.contains("function ") || code.contains("set --");
    let (mut at, mut single, mut double, mut previous) = (0, false, false, b'\n');
    let bytes = code.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if !single => at += 1,
            b'\'' if !double => single = !single,
            b'"' if !single => double = !double,
            b'#' if !single && !double && previous.is_ascii_whitespace() => {
                at += bytes.iter().skip(at).take_while(|b| **b != b'\n').count();
            }
            b'$' if !single => {
                if let Some((length, name, spelling)) = variable(code, at)
                    && !(spelling == Spelling::Argument && has_functions)
                    && code.get(at..at + length).is_some_and(|text| {
                        let name = text.trim_matches(['$', '{', '}']);
                        !named.contains(name) && !own.contains(name)
                    })
                {
                    found.push((at..at + length, name, spelling));
                    at += length;
                    previous = b'$';
                    continue;
                }
            }
            _ => {}
        }
        previous = byte;
        at += 1;
    }
    found
}

fn variable(code: &str, at: usize) -> Option<(usize, String, Spelling)> {
    let rest = code.get(at + 1..)?;
    let mut following = rest.chars();
    if let Some(digit) = following.next().filter(|c| ('1'..='9').contains(c)) {
        // `$100` and `$1.50` are prices.
        if following.next().is_some_and(|c| c.is_ascii_digit() || matches!(c, '.' | ',')) {
            return None;
        }
        return Some((2, format!("argument_{digit}"), Spelling::Argument));
    }
    let (inner, marks, spelling) = match rest.strip_prefix('{') {
        Some(inner) => (inner, 3, Spelling::BracedVariable),
        None => (rest, 1, Spelling::Variable),
    };
    let length = inner.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    let name = inner.get(..length)?;
    let behind = inner.get(length..)?;
    if marks == 3 && !behind.starts_with('}') {
        return None;
    }
    let length = length + marks;
    if name == "ARGUMENTS" {
        return Some((length, "arguments".to_owned(), Spelling::Argument));
    }
    let lower = name.to_lowercase();
    let stays = !crate::code::is_variable(name)
        || SURROUNDINGS.contains(&name)
        || kind_of(&lower) == ParameterType::Secret
        || lower.split('_').any(|part| matches!(part, "auth" | "credential" | "credentials"));
    (!stays).then_some((length, lower, spelling))
}

/// The name that a placeholder tells, without what only says that it is one.
pub(super) fn bare(name: &str) -> String {
    let bare = ["your_", "my_", "the_", "insert_", "enter_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    let bare = bare.strip_suffix("_here").unwrap_or(bare);
    if bare.is_empty() { name.to_owned() } else { bare.to_owned() }
}

/// The type that a name tells. Its last word says what the value is, those before it of what.
pub(super) fn kind_of(name: &str) -> ParameterType {
    let words: Vec<&str> = name.split(['_', '-']).collect();
    let last = words.last().copied().unwrap_or_default();
    let first = words.first().copied().unwrap_or_default();
    if matches!(
        last,
        "address"
            | "format"
            | "id"
            | "ids"
            | "name"
            | "params"
            | "symbol"
            | "text"
            | "title"
            | "type"
    ) && !matches!(name, "file_name" | "path_name")
    {
        return ParameterType::Text;
    }
    if words.iter().any(|word| SECRETS.contains(word)) && !COUNTS.contains(&last) {
        ParameterType::Secret
    } else if matches!(last, "url" | "uri" | "endpoint") {
        ParameterType::Url
    } else if words
        .iter()
        .any(|word| matches!(*word, "file" | "path" | "dir" | "directory" | "folder"))
        || FILES.contains(&last)
    {
        ParameterType::Path
    } else if COUNTS.contains(&last) || last == "number" && NUMBERED.contains(&first) {
        ParameterType::Number
    } else {
        ParameterType::Text
    }
}

const SECRETS: [&str; 9] = [
    "apikey",
    "credential",
    "credentials",
    "key",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "token",
];

/// Last words of names of counts.
const COUNTS: [&str; 4] = ["amount", "count", "limit", "port"];

/// Last words of names of files.
const FILES: [&str; 12] =
    ["csv", "doc", "docx", "input", "json", "output", "pdf", "png", "txt", "xlsx", "xml", "yaml"];

/// What has a number that is one: that of a phone or an account begins with a zero or has letters.
const NUMBERED: [&str; 8] = ["build", "issue", "line", "number", "page", "pr", "pull", "row"];

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
