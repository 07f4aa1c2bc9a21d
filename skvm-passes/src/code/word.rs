//! Paths as words of code in Markdown.

use skvm_core::artifact::ScriptUse;
use skvm_core::skill::{Bundle, ResolutionRule};
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
    if path_is_plain(path) {
        return Some(path.to_owned());
    }
    Some(format!("'{}'", path.replace('\'', r"'\''")))
}

/// Whether a path is a word of the shell without quotes.
pub(crate) fn path_is_plain(path: &str) -> bool {
    path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@:,=".contains(c))
}

/// Whether a reference means the skill's own file rather than one of the user's with the same name.
pub(crate) fn means_own(bundle: &Bundle, script: &ScriptUse, written: &str, path: &str) -> bool {
    let written = written.replace(['"', '\''], "");
    if written == path {
        return true;
    }
    let Some(found) = bundle.resolve(&written) else { return false };
    // Folders that are not the skill's, whatever lies in them.
    let of_user = ["$HOME/", "${HOME}/", "$PWD/", "${PWD}/", "$TMPDIR/", "${TMPDIR}/"];
    let is_of_user = of_user.iter().any(|folder| written.starts_with(folder));
    let in_skills = written.contains("/skills/") && written.ends_with(&format!("/{}", script.path));
    let has_variable = written.starts_with(['$', '{', '<']) && !is_of_user;
    match found.rule {
        _ if script.absolute || is_of_user => in_skills,
        ResolutionRule::Direct | ResolutionRule::Prefix => {
            // A bare name in prose is a name and no path.
            script.run || script.as_program || written.contains('/')
        }
        ResolutionRule::Basename if written.contains('/') => in_skills,
        ResolutionRule::Basename => script.run || script.as_program,
        ResolutionRule::Suffix => (script.run || script.as_program) && (in_skills || has_variable),
    }
}
