//! Literals, by each language's own rules. One pass over the value; nothing in it is looked for.

use std::fmt::Write as _;

use super::TemplateLanguage;

/// Writes a value as a literal with its quotes.
pub(super) fn quoted(language: TemplateLanguage, value: &str, out: &mut String) {
    match language {
        TemplateLanguage::Shell => shell(value, out),
        TemplateLanguage::Python => python(value, out),
        TemplateLanguage::JavaScript | TemplateLanguage::Json => json(value, out),
    }
}

/// POSIX 2.2.2: within single quotes every character stands for itself, so a quote has to stand outside.
fn shell(value: &str, out: &mut String) {
    out.push('\'');
    for (index, piece) in value.split('\'').enumerate() {
        if index > 0 {
            out.push_str("'\\''");
        }
        out.push_str(piece);
    }
    out.push('\'');
}

fn python(value: &str, out: &mut String) {
    out.push('\'');
    for c in value.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            _ => escaped(c, out),
        }
    }
    out.push('\'');
}

/// A JSON string is a JavaScript string too. The two line separators, which older engines take for ends of
/// lines, are escaped, and so are all control characters.
fn json(value: &str, out: &mut String) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            c => escaped(c, out),
        }
    }
    out.push('"');
}

/// Writes a value as a piece of an interpolated string, whichever quotes are around it.
pub(super) fn interpolated(language: TemplateLanguage, value: &str, out: &mut String) {
    for c in value.chars() {
        match (language, c) {
            (TemplateLanguage::Python, '{') => out.push_str("{{"),
            (TemplateLanguage::Python, '}') => out.push_str("}}"),
            (TemplateLanguage::Python, '\'' | '"')
            | (TemplateLanguage::JavaScript, '`' | '$' | '{') => {
                out.push('\\');
                out.push(c);
            }
            _ => escaped(c, out),
        }
    }
}

/// A character with the escapes that Python, JavaScript and JSON share.
fn escaped(c: char, out: &mut String) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
        c => out.push(c),
    }
}

/// Writes a piece of a here document's body.
pub(super) fn here_document(expands: bool, value: &str, out: &mut String) {
    if !expands {
        return out.push_str(value);
    }
    for c in value.chars() {
        if matches!(c, '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
}
