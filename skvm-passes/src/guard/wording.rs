//! The rules about what the prose says.

use skvm_core::document::Document;
use skvm_core::edit::{Edit, EditKind};
use skvm_core::span::Span;

use super::{Comparison, GuardRule, Violation};

/// Words that turn the sense of what they stand beside.
const NEGATIONS: [&str; 12] = [
    "not", "never", "no", "without", "skip", "cannot", "dont", "neither", "nor", "none", "avoid",
    "ignore",
];

/// A compensation keeps what it stands in the place of; any other edit of prose keeps every word, in
/// order. No edit turns a sentence of the source into its contrary.
pub(super) fn check(comparison: &Comparison<'_>, violations: &mut Vec<Violation>) {
    let (source, document) = (comparison.source.source(), comparison.source.document());
    let body = document.span().start;
    for (index, edit) in comparison.edits.iter().enumerate() {
        // The rule `front-matter` looks at these.
        if edit.span.start < body && edit.span.end <= body {
            continue;
        }
        let before = edit.span.text(source);
        let mut violation = |message: String| {
            violations.push(Violation {
                rule: GuardRule::Wording,
                message,
                span: Some(edit.span),
                edit: Some(index),
            });
        };
        let in_code = || edit.reason.kind == EditKind::Substitution && in_code(document, edit.span);
        if edit.replacement.contains("<!--") && !before.contains("<!--") {
            violation("an edit opens a comment, which hides what follows".to_owned());
        } else if edit.reason.kind == EditKind::Compensation && !edit.replacement.contains(before) {
            violation("an edit that is to add help takes something away".to_owned());
        } else if splits_a_word(source, edit) {
            violation("an edit cuts into a number or a word".to_owned());
        } else if !in_code() {
            if let Some(lost) = lost(before, &edit.replacement) {
                violation(format!("{lost:?} is gone from the text"));
            } else if negates(source, edit) {
                violation("an edit turns a sentence into its contrary".to_owned());
            }
        }
    }
}

/// Whether an edit lies inside one piece of code.
fn in_code(document: &Document, span: Span) -> bool {
    let (fences, codes) = (document.fences(), document.code_spans());
    let fence = fences.partition_point(|fence| fence.span().start <= span.start).checked_sub(1);
    let code = codes.partition_point(|code| code.span().start <= span.start).checked_sub(1);
    fence.and_then(|at| fences.get(at)).is_some_and(|fence| fence.span().contains(span))
        || code.and_then(|at| codes.get(at)).is_some_and(|code| code.span().contains(span))
}

/// Whether an edit of prose brings a negation to words of the source. In sentences of its own it may
/// have one.
fn negates(source: &str, edit: &Edit) -> bool {
    let before = edit.span.text(source);
    let Some(at) = edit.replacement.find(before) else {
        return negations(&edit.replacement) > negations(before);
    };
    let (front, back) = (&edit.replacement[..at], &edit.replacement[at + before.len()..]);
    [(edit.span.start, front), (edit.span.end, back)].into_iter().any(|(at, added)| {
        let (before, behind) = (&source[..at], &source[at..]);
        // What is put in brackets names things by their names.
        let of_prose: String = if added.starts_with(" (") {
            added.split('`').step_by(2).collect()
        } else {
            added.to_owned()
        };
        negations(&of_prose) > 0 && !(starts_apart(before, added) && ends_apart(added, behind))
    })
}

fn negations(text: &str) -> usize {
    tokens(text)
        .filter(|token| NEGATIONS.contains(&token.as_str()) || token.ends_with("n't"))
        .count()
}

/// Whether what is added behind `before` begins a sentence or a block.
fn starts_apart(before: &str, added: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or("");
    let marker = is_block_start(line) && line.split_whitespace().count() <= 1;
    if before.trim().is_empty() || (ends_sentence(before, true) && !marker) {
        return true;
    }
    let is_new_line = line.trim().is_empty() || added.starts_with(['\n', '\r']);
    let blank_before = line.trim().is_empty()
        && before.trim_end_matches(['\r', ' ', '\t']).strip_suffix('\n').is_some_and(|above| {
            above.rsplit('\n').next().is_some_and(|line| line.trim().is_empty())
        });
    let lead = &added[..added.len() - added.trim_start().len()];
    let breaks = lead.matches('\n').count() + usize::from(line.trim().is_empty());
    is_new_line && (blank_before || breaks >= 2 || is_block_start(added.trim_start()))
}

/// Whether what is added in front of `behind` ends its sentence or its block.
fn ends_apart(added: &str, behind: &str) -> bool {
    if behind.trim().is_empty() || ends_sentence(added, false) {
        return true;
    }
    let trail = &added[added.trim_end().len()..];
    let lead = &behind[..behind.len() - behind.trim_start().len()];
    let breaks = trail.matches('\n').count() + lead.matches('\n').count();
    breaks >= 2 || (breaks == 1 && is_block_start(behind.trim_start()))
}

fn ends_sentence(text: &str, with_colon: bool) -> bool {
    let text = text.trim_end().trim_end_matches([')', ']', '*', '_', '`', '"', '\'', '\u{201d}']);
    text.ends_with(['.', '!', '?', '\u{3002}', '\u{2026}']) || (with_colon && text.ends_with(':'))
}

/// Whether a line begins a block of its own: an item, a heading, a block of code, a quote.
fn is_block_start(line: &str) -> bool {
    let line = line.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "+ ", "#", "```", "~~~", ">", "|", "<"].iter().any(|mark| line.starts_with(mark))
        || (number.len() < line.len() && number.starts_with(['.', ')']))
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

/// The first word or number of `before` that `after` does not have in its order.
fn lost(before: &str, after: &str) -> Option<String> {
    let mut after = tokens(after);
    tokens(before).find(|token| !after.any(|other| other == *token))
}

/// Numbers and words in lower case.
fn tokens(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '\u{2019}' | '.'))
        .map(|token| token.replace('\u{2019}', "'").trim_matches(['.', '\'']).to_lowercase())
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_looked_for() {
        assert_eq!(lost("at most 20 lines", "At most 20 short lines"), None);
        assert_eq!(lost("at most 20 lines", "at most 30 lines").as_deref(), Some("20"));
        assert_eq!(lost("You MUST NOT do it", "You must do it").as_deref(), Some("not"));
        assert_eq!(lost("take 3 of 3", "take 3").as_deref(), Some("of"));
        assert_eq!(lost("first a then b", "then b first a").as_deref(), Some("then"));
    }
}
