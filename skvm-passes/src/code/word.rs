//! Paths as words of code in Markdown.

use skvm_core::span::Span;

/// A path in the place of a word, and what it takes the place of: the quotes around the word too, where there are any.
/// `None` when it cannot stand there.
pub(crate) fn path_at(source: &str, word: Span, path: &str) -> Option<(Span, String)> {
    let bytes = source.as_bytes();
    let before = word.start.checked_sub(1).and_then(|at| bytes.get(at)).copied();
    match before.filter(|mark| bytes.get(word.end) == Some(mark)) {
        Some(quote @ (b'"' | b'\'')) => {
            let whole = Span::new(word.start - 1, word.end + 1);
            Some((whole, quoted(path, char::from(quote))?))
        }
        _ => Some((word, shell_word(path)?)),
    }
}

/// The path between quotes, if nothing in it has a meaning there.
fn quoted(path: &str, quote: char) -> Option<String> {
    let special = if quote == '"' { "\"$`\\" } else { "'`" };
    (!path.contains(|c: char| special.contains(c) || c.is_control()))
        .then(|| format!("{quote}{path}{quote}"))
}

/// The path as one word of the shell; `None` when it cannot stand in a line of Markdown code.
fn shell_word(path: &str) -> Option<String> {
    if path.contains(|c: char| c.is_control() || c == '`') {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,=".contains(c);
    if path.chars().all(plain) {
        return Some(path.to_owned());
    }
    Some(format!("'{}'", path.replace('\'', r"'\''")))
}
