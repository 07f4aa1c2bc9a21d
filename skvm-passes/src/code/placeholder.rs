//! What a skill's code leaves for the reader to fill in.

use skvm_core::artifact::{Placeholder, PlaceholderKind};
use skvm_core::span::Span;

/// The placeholders of a piece of code, in order. `to_source` maps a span of the code to the source.
pub(crate) fn placeholders(code: &str, to_source: &dyn Fn(Span) -> Span) -> Vec<Placeholder> {
    let mut found = Vec::new();
    let bytes = code.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hit = match byte {
            b'<' => angle(code, at),
            b'{' => brace(code, at),
            b'Y' | b'M' if starts_word(bytes, at) => your_upper(code, at),
            b'y' | b'm' if starts_word(bytes, at) => your_lower(code, at),
            b'p' if starts_word(bytes, at) || bytes.get(at.wrapping_sub(1)) == Some(&b'/') => {
                path_to(code, at)
            }
            _ => None,
        };
        match hit {
            Some((length, kind, name)) => {
                let span = to_source(Span::new(at, at + length));
                found.push(Placeholder { name: normalise(name), kind, span });
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

type Hit<'c> = Option<(usize, PlaceholderKind, &'c str)>;

/// The code with each `<placeholder>` and `{placeholder}` overwritten by letters, so that a shell
/// parser does not take them for redirects and groups. Offsets stay the same.
pub(super) fn mask(code: &str) -> String {
    let mut masked = code.as_bytes().to_vec();
    let mut at = 0;
    while at < masked.len() {
        let hit = match masked[at] {
            b'<' => angle(code, at),
            b'{' => braced(code, at),
            _ => None,
        };
        match hit {
            Some((length, ..)) => {
                masked[at..at + length].fill(b'X');
                at += length;
            }
            None => at += 1,
        }
    }
    String::from_utf8(masked).unwrap_or_else(|_| code.to_owned())
}

fn starts_word(bytes: &[u8], at: usize) -> bool {
    at == 0
        || !matches!(bytes.get(at - 1), Some(b) if b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'-' | b'.'))
}

/// `<city>`, `<INPUT FILE>`, `<camelCase>`: words on one line, and no HTML tag with attributes.
fn angle(code: &str, at: usize) -> Hit<'_> {
    let rest = code.get(at + 1..)?;
    let end = rest.bytes().take(48).position(|b| b == b'>')?;
    let name = rest.get(..end)?;
    let first = name.chars().next()?;
    let legal = first.is_alphabetic()
        && !name.ends_with(' ')
        && name.chars().all(|c| {
            c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/' | '|' | ':' | ',')
        });
    let is_tag =
        ["a", "b", "p", "div", "span", "br", "h1", "h2", "ul", "li", "html", "body", "head"]
            .contains(&name);
    (legal && !is_tag).then_some((end + 2, PlaceholderKind::Angle, name))
}

/// [`braced`] names without those that stand for the skill's own folder.
fn brace(code: &str, at: usize) -> Hit<'_> {
    braced(code, at)
        .filter(|(_, _, name)| !["baseDir", "skillDir", "skill_dir", "SKILL_DIR"].contains(name))
}

/// Whether a text starts with a name in braces.
pub(super) fn is_placeholder(code: &str) -> bool {
    braced(code, 0).is_some()
}

/// `{city}`, `{CITY}`, `{{city}}`; not `${VAR}`, not `{a,b}`, not JSON.
fn braced(code: &str, at: usize) -> Hit<'_> {
    if at > 0 && matches!(code.as_bytes().get(at - 1), Some(b'$' | b'%' | b'\\' | b'{')) {
        return None;
    }
    let double = code.as_bytes().get(at + 1) == Some(&b'{');
    let marks = if double { 2 } else { 1 };
    let rest = code.get(at + marks..)?;
    let end = rest.bytes().take(48).position(|b| b == b'}')?;
    let inner = rest.get(..end)?;
    let name = if double { inner.trim() } else { inner };
    let legal = name.bytes().next()?.is_ascii_alphabetic()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !legal || (double && rest.as_bytes().get(end + 1) != Some(&b'}')) {
        return None;
    }
    let kind = if double { PlaceholderKind::DoubleBrace } else { PlaceholderKind::Brace };
    Some((end + 2 * marks, kind, name))
}

fn word_length(code: &str, at: usize, legal: impl Fn(u8) -> bool) -> usize {
    code.as_bytes()[at..].iter().take_while(|b| legal(**b)).count()
}

/// `YOUR_API_KEY`, `MY_TOKEN`
fn your_upper(code: &str, at: usize) -> Hit<'_> {
    let length =
        word_length(code, at, |b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let word = code.get(at..at + length)?;
    let name = word.strip_prefix("YOUR_").or(word.strip_prefix("MY_"))?;
    (!name.is_empty()).then_some((length, PlaceholderKind::YourUpper, name))
}

/// `your-city`, `your_city`, `my-project`
fn your_lower(code: &str, at: usize) -> Hit<'_> {
    let length = word_length(code, at, |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let word = code.get(at..at + length)?;
    let name = ["your-", "your_", "my-"].iter().find_map(|prefix| word.strip_prefix(prefix))?;
    (!name.is_empty()).then_some((length, PlaceholderKind::YourLower, name))
}

/// `path/to/file.txt`
fn path_to(code: &str, at: usize) -> Hit<'_> {
    let rest = code.get(at..)?;
    let tail = rest.strip_prefix("path/to/")?;
    let length = word_length(tail, 0, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/')
    });
    let name = tail.get(..length)?;
    let name = if name.is_empty() { "path" } else { name };
    Some(("path/to/".len() + length, PlaceholderKind::PathTo, name))
}

/// Lower case, with `_` between words.
fn normalise(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    let mut previous_lower = false;
    for c in name.chars() {
        if c.is_alphanumeric() {
            if c.is_uppercase() && previous_lower {
                normal.push('_');
            }
            previous_lower = c.is_lowercase();
            normal.extend(c.to_lowercase());
        } else {
            previous_lower = false;
            if !normal.ends_with('_') && !normal.is_empty() {
                normal.push('_');
            }
        }
    }
    normal.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(code: &str) -> Vec<(String, PlaceholderKind)> {
        placeholders(code, &|span| span).into_iter().map(|p| (p.name, p.kind)).collect()
    }

    #[test]
    fn spellings_are_found() {
        use PlaceholderKind::{Angle, Brace, DoubleBrace, PathTo, YourLower, YourUpper};
        let cases = [
            ("get <city name>", Some(("city_name", Angle))),
            ("get <inputFile>", Some(("input_file", Angle))),
            ("get {id}", Some(("id", Brace))),
            ("get {{ id }}", Some(("id", DoubleBrace))),
            ("-H 'X: YOUR_API_KEY'", Some(("api_key", YourUpper))),
            ("cd your-project", Some(("project", YourLower))),
            ("cat /path/to/file.txt", Some(("file_txt", PathTo))),
            ("echo ${HOME} $HOME", None),
            ("ls {a,b} {1..3}", None),
            ("python {baseDir}/x.py", None),
            ("echo '{\"a\": 1}'", None),
            ("cat <<EOF", None),
            ("sort < in > out", None),
            ("<div>", None),
            ("MYSQL mystring", None),
        ];
        for (code, expected) in cases {
            let expected: Vec<_> =
                expected.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect();
            assert_eq!(names(code), expected, "{code}");
        }
    }

    #[test]
    fn masking_keeps_offsets() {
        let code = "curl <url> > é <b>\n";
        assert_eq!(mask(code).len(), code.len());
        assert_eq!(mask("a <x y> b"), "a XXXXX b");
        assert_eq!(mask("{baseDir}/x ${Y} {a,b}"), "XXXXXXXXX/x ${Y} {a,b}");
    }
}
