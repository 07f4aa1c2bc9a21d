//! What code takes from its surroundings: environment variables and web addresses.
//!
//! Read off the text, without a syntax tree: the few spellings are plain, and a string that looks like
//! one in a comment does little harm. Shell variables are read where the shell is parsed.

use skvm_core::artifact::{Address, CodeBlock, CodeLanguage, VariableAccess, VariableUse};
use skvm_core::span::Span;

/// Most addresses and most variables that are kept of one piece of code.
const MAX_USES: usize = 256;

/// What stands in front of a variable's name.
const PYTHON: [(&str, Form); 5] = [
    ("environ[", Form::Index),
    ("environ.get(", Form::Call),
    ("environ.setdefault(", Form::Call),
    ("environ.pop(", Form::Call),
    ("getenv(", Form::Call),
];
const JAVASCRIPT: [(&str, Form); 4] = [
    ("process.env.", Form::Member),
    ("process.env[", Form::Index),
    ("Bun.env.", Form::Member),
    ("Deno.env.get(", Form::Call),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `x["NAME"]`
    Index,
    /// `x("NAME", …)`
    Call,
    /// `x.NAME`
    Member,
}

/// Fills in the variables and addresses of a text.
pub(super) fn analyze(code: &str, to_source: &dyn Fn(Span) -> Span, block: &mut CodeBlock) {
    let spellings: &[(&str, Form)] = match block.facts.language {
        CodeLanguage::Python => &PYTHON,
        CodeLanguage::JavaScript => &JAVASCRIPT,
        _ => &[],
    };
    for (spelling, form) in spellings {
        for (at, _) in code.match_indices(spelling).take(MAX_USES) {
            let start = at + spelling.len();
            if let Some((name, access)) = variable(code.get(start..).unwrap_or(""), *form) {
                let end = Span::of_slice(code, name).map_or(start, |span| span.end);
                let span = to_source(Span::new(at, end));
                block.variables.push(VariableUse { name: name.to_owned(), access, span });
            }
        }
    }
    block.variables.sort_by_key(|variable| variable.span.start);
    addresses(code, to_source, block);
}

/// The name behind a spelling, and what is done with it.
fn variable(rest: &str, form: Form) -> Option<(&str, VariableAccess)> {
    let (name, behind) = match form {
        Form::Member => {
            let end = rest.find(|c: char| !is_name_char(c)).unwrap_or(rest.len());
            rest.split_at_checked(end)?
        }
        Form::Index | Form::Call => {
            let inner = rest.trim_start();
            let quote = inner.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            inner.get(1..)?.split_once(quote)?
        }
    };
    if !is_variable(name) {
        return None;
    }
    let behind = behind.trim_start();
    let after = match form {
        Form::Call => behind.strip_prefix(')').unwrap_or(behind).trim_start(),
        Form::Index => behind.strip_prefix(']').unwrap_or(behind).trim_start(),
        Form::Member => behind,
    };
    let has_default = (form == Form::Call && behind.starts_with(','))
        || ["or ", "||", "??"].iter().any(|word| after.starts_with(word));
    let access = if after.starts_with('=') && !after.starts_with("==") {
        VariableAccess::Sets
    } else if has_default {
        VariableAccess::ReadsOrDefault
    } else {
        VariableAccess::Reads
    };
    Some((name, access))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether a word can be the name of an environment variable: capitals, digits and `_`.
pub(crate) fn is_variable(name: &str) -> bool {
    (2..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.bytes().any(|b| b.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

fn addresses(code: &str, to_source: &dyn Fn(Span) -> Span, block: &mut CodeBlock) {
    let comment = match block.facts.language {
        CodeLanguage::JavaScript => ["//", "*"],
        _ => ["#", "#"],
    };
    for (at, _) in code.match_indices("://").take(MAX_USES) {
        let scheme_at = ["https", "http", "wss", "ws"].iter().find_map(|scheme| {
            let start = at.checked_sub(scheme.len())?;
            (code.get(start..at)? == *scheme).then_some(start)
        });
        let Some(start) = scheme_at else { continue };
        let line = code.get(..start).and_then(|head| head.rsplit('\n').next()).unwrap_or("");
        if comment.iter().any(|mark| line.trim_start().starts_with(mark)) {
            continue;
        }
        let rest = code.get(at + 3..).unwrap_or("");
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_')))
            .unwrap_or(rest.len());
        // A placeholder or an expansion goes on where the host stops.
        if rest.get(end..).is_some_and(|behind| behind.starts_with(['{', '$', '<', '%', '@'])) {
            continue;
        }
        let host = rest.get(..end).unwrap_or("").trim_end_matches([':', '.', '-']);
        if let Some(host) = well_formed(host) {
            let end = at + 3 + host.len();
            block.addresses.push(Address { host, span: to_source(Span::new(start, end)) });
        }
    }
}

/// A host in lower case; `None` when the text cannot be one.
fn well_formed(host: &str) -> Option<String> {
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let plausible = name.contains('.') || name == "localhost";
    let is_label = |label: &str| {
        !label.is_empty() && label.len() < 64 && !label.starts_with('-') && !label.contains('_')
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (plausible && port_fits && name.len() < 254 && name.split('.').all(is_label))
        .then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_with_or_without_a_default() {
        use VariableAccess::{Reads, ReadsOrDefault, Sets};

        let cases = [
            ("\"API_KEY\"]", Form::Index, Some(("API_KEY", Reads))),
            ("'API_KEY'] = x", Form::Index, Some(("API_KEY", Sets))),
            ("\"API_KEY\", \"x\")", Form::Call, Some(("API_KEY", ReadsOrDefault))),
            ("\"API_KEY\") or 'x'", Form::Call, Some(("API_KEY", ReadsOrDefault))),
            ("\"API_KEY\")", Form::Call, Some(("API_KEY", Reads))),
            ("API_KEY ?? 'x'", Form::Member, Some(("API_KEY", ReadsOrDefault))),
            ("API_KEY === 'x'", Form::Member, Some(("API_KEY", Reads))),
            ("name)", Form::Call, None),
            ("\"lower\")", Form::Call, None),
            ("\"A; rm\")", Form::Call, None),
        ];
        for (rest, form, expected) in cases {
            assert_eq!(variable(rest, form), expected, "{rest}");
        }
    }

    #[test]
    fn hosts_have_the_form_of_hosts() {
        for (host, expected) in [
            ("API.example.org", Some("api.example.org")),
            ("localhost:8080", Some("localhost:8080")),
            ("localhost", Some("localhost")),
            ("host", None),
            ("a..b", None),
            ("x.y:port", None),
            ("-a.b", None),
        ] {
            assert_eq!(well_formed(host).as_deref(), expected, "{host}");
        }
    }
}
