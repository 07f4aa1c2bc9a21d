//! The rules about what the prose says.

use skvm_core::document::Document;
use skvm_core::edit::{Edit, EditKind};
use skvm_core::span::Span;

use super::{Comparison, GuardRule, Violation};

/// Words that bind; with them the sense of a sentence turns.
const BINDING: [&str; 14] = [
    "must", "never", "always", "not", "don't", "no", "only", "cannot", "shall", "required",
    "least", "most", "before", "after",
];

/// A compensation keeps what it stands in the place of; any other edit of prose keeps the numbers and
/// the binding words.
pub(super) fn check(comparison: &Comparison<'_>, violations: &mut Vec<Violation>) {
    let (source, document) = (comparison.source.source(), comparison.source.document());
    for (index, edit) in comparison.edits.iter().enumerate() {
        let before = edit.span.text(source);
        let mut violation = |message: String| {
            violations.push(Violation {
                rule: GuardRule::Wording,
                message,
                span: Some(edit.span),
                edit: Some(index),
            });
        };
        if edit.replacement.contains("<!--") && !before.contains("<!--") {
            violation("an edit opens a comment, which hides what follows".to_owned());
        } else if edit.reason.kind == EditKind::Compensation && !edit.replacement.contains(before) {
            violation("an edit that is to add help takes something away".to_owned());
        } else if splits_a_word(source, edit) {
            violation("an edit cuts into a number or a word".to_owned());
        } else if !(edit.reason.kind == EditKind::Substitution && in_code(document, edit.span))
            && let Some(lost) = lost(before, &edit.replacement)
        {
            violation(format!("{lost:?} is gone from the text"));
        }
    }
}

/// Whether an edit lies inside one piece of code.
fn in_code(document: &Document, span: Span) -> bool {
    document.fences().iter().any(|fence| fence.span().contains(span))
        || document.code_spans().iter().any(|code| code.span().contains(span))
}

/// Whether letters or digits stand against each other where the edit begins or ends, that did not
/// before: `10` with a `0` put behind it is another number.
fn splits_a_word(source: &str, edit: &Edit) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let before = source.get(..edit.span.start).and_then(|text| text.chars().next_back());
    let after = source.get(edit.span.end..).and_then(|text| text.chars().next());
    let inner = edit.span.text(source);
    let (first, last) = (edit.replacement.chars().next(), edit.replacement.chars().next_back());
    let was_first = inner.chars().next().or(after);
    let was_last = inner.chars().next_back().or(before);
    let joins_front = word(before) && word(first) && !word(was_first);
    let joins_back = word(after) && word(last) && !word(was_last);
    let inserted_inside = inner.is_empty() && word(before) && word(after);
    let extends =
        inner.is_empty() && ((word(before) && word(first)) || (word(after) && word(last)));
    joins_front || joins_back || inserted_inside || extends
}

/// The first number or binding word of `before` that `after` has less often.
fn lost(before: &str, after: &str) -> Option<String> {
    let count = |text: &str, token: &str| tokens(text).filter(|t| t == token).count();
    let binds = |token: &String| {
        token.bytes().any(|b| b.is_ascii_digit()) || BINDING.contains(&token.as_str())
    };
    tokens(before).filter(binds).find(|token| count(before, token) > count(after, token))
}

/// Numbers and words in lower case.
fn tokens(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '.')
        .map(|token| token.trim_matches(['.', '\'']).to_lowercase())
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_binding_words_are_looked_for() {
        assert_eq!(lost("at most 20 lines", "at most 20 of them"), None);
        assert_eq!(lost("at most 20 lines", "at most 30 lines").as_deref(), Some("20"));
        assert_eq!(lost("You MUST NOT do it", "You must do it").as_deref(), Some("not"));
        assert_eq!(lost("take 3 of 3", "take 3").as_deref(), Some("3"));
    }
}
