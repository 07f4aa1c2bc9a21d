//! The rule `checklist`.

use std::fmt::Write as _;

use skvm_core::capability::{Level, Primitive};
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::span::Span;

use super::super::{RewriteRule, RuleInput, purpose_around};
use crate::opening::newline;
use crate::requirements::{CHECK_PREFIXES, MAX_CHECKS, bindings};

/// The rule `checklist`: the constraints of a section are restated behind it as a list to tick, each in
/// positive words.
///
/// The section keeps its sentences; the list is the moment at which they are looked at one by one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Checklist;

/// Longest text of an item, in characters.
const MAX_ITEM: usize = 160;

impl RewriteRule for Checklist {
    fn id(&self) -> &'static str {
        "checklist"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::FollowConstraint]
    }

    fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit> {
        let (document, source) = (input.skill.document(), input.skill.source());
        // Behind a fence that is never closed everything is code.
        let closed = document.fences().last().is_none_or(|fence| fence.closed());
        let code_from = document.fences().last().map_or(source.len(), |fence| fence.span().start);
        let mut edits = Vec::new();
        for (section, bindings) in document.sections().iter().zip(bindings(input.skill)) {
            let in_code = !closed && section.own_span().end > code_from;
            if bindings.len() < 3 || in_code || purpose_around(input, section.own_span()).is_none()
            {
                continue;
            }
            let items: Vec<String> = bindings
                .iter()
                .take(MAX_CHECKS)
                .filter_map(|binding| {
                    let prefix = CHECK_PREFIXES[usize::from(binding.negative)];
                    Some(format!(
                        "- [ ] {prefix}{}",
                        clause(source, section.own_span(), binding.span)?
                    ))
                })
                .collect();
            if items.len() < bindings.len().min(MAX_CHECKS) {
                continue;
            }
            let note = format!("{} constraints are looked at one by one", items.len());
            let mut reason = EditReason::new(self.id(), EditKind::Compensation, note);
            reason.purpose = purpose_around(input, section.own_span());
            reason.primitive = Some(Primitive::FollowConstraint);
            (reason.from, reason.to) = (Some(Level::L3), Some(Level::L1));
            let end = section.own_span().end;
            edits.push(Edit::insert(end, list(input, end, &items), reason));
        }
        edits
    }
}

fn list(input: &RuleInput<'_>, at: usize, items: &[String]) -> String {
    let line = newline(input.skill);
    let before = input.skill.source().get(..at).unwrap_or("");
    let mut text = String::new();
    if !before.ends_with('\n') {
        text.push_str(line);
    }
    if !before.trim_end_matches(['\r', '\n', ' ']).is_empty() && !ends_with_blank_line(before) {
        text.push_str(line);
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "Check before you go on:{line}{line}");
    for item in items {
        let _ = write!(text, "{item}{line}");
    }
    text.push_str(line);
    text
}

fn ends_with_blank_line(text: &str) -> bool {
    let mut lines = text.rsplit('\n');
    lines.next().is_some_and(|last| last.trim().is_empty())
        && lines.next().is_some_and(|line| line.trim().is_empty())
}

/// What a binding word binds: the rest of its sentence, without marks; `None` when that is too long to
/// be restated whole, for half a constraint is another one.
fn clause(source: &str, section: Span, word: Span) -> Option<String> {
    let rest = source.get(word.end..section.end)?;
    let mut sentence = String::new();
    for (index, line) in rest.lines().enumerate() {
        let line = line.trim();
        let opens_another = line.is_empty()
            || line.starts_with(['-', '*', '+', '#', '|', '>', '`'])
            || line.starts_with(|c: char| c.is_ascii_digit());
        if index > 0 && opens_another {
            break;
        }
        sentence.push_str(if index > 0 { " " } else { "" });
        sentence.push_str(line);
        if sentence.len() > 4 * MAX_ITEM {
            return None;
        }
    }
    let end = sentence
        .match_indices(['.', ';', '!'])
        .find(|(at, _)| {
            let before = sentence.get(..*at).unwrap_or("");
            let ends = sentence
                .get(at + 1..)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '*', '_']));
            ends && !before.ends_with("e.g") && !before.ends_with("i.e") && !before.ends_with("etc")
        })
        .map_or(sentence.len(), |(at, _)| at);
    let clause: String = without_links(sentence.get(..end)?)
        .trim_matches(|c: char| c.is_whitespace() || "*_:.,|`".contains(c))
        .chars()
        .filter(|c| !"*[]<>|".contains(*c) && !c.is_control())
        .collect();
    // An odd backtick would open code up to the next one.
    let clause =
        if clause.matches('`').count() % 2 == 1 { clause.replace('`', "") } else { clause };
    let whole = clause.chars().count() <= MAX_ITEM;
    (whole && clause.chars().filter(|c| c.is_alphanumeric()).count() >= 3).then_some(clause)
}

/// The text with `[name](address)` as the name alone.
fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((name, after)) = rest.split_once("](") {
        let Some((_, behind)) = after.split_once(')') else { break };
        plain.push_str(name);
        rest = behind;
    }
    plain.push_str(rest);
    plain
}
