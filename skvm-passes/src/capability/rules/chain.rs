//! The rule `split-chain`.

use skvm_core::artifact::{CodeLanguage, CodeOrigin};
use skvm_core::capability::{Level, Primitive};
use skvm_core::document::Fence;
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::span::Span;

use super::super::{RewriteRule, RuleInput, newline, purpose_around};
use super::quoting::{Place, places};

/// The rule `split-chain`: a block that is one chain `a && b` becomes a line for each command, so that
/// each is a step of its own, with `set -e` before them, so that a failure still stops the rest.
///
/// Left alone are blocks with other commands besides, chains with `cd`, `export` and their kind, which change the state of the shell that
/// the next command needs, and lines with `||`, `;` or a pipe.
#[derive(Debug, Clone, Copy, Default)]
pub struct SplitChain;

/// Commands that change the state of their shell, and commands that are run for their answer: what
/// follows `grep -q` is meant only if it finds something.
const STATEFUL: [&str; 33] = [
    "!", ".", "[", "[[", "alias", "cd", "cmp", "command", "diff", "egrep", "eval", "exec", "exit",
    "export", "false", "grep", "hash", "if", "pgrep", "popd", "pushd", "read", "return", "rg",
    "set", "source", "test", "trap", "true", "type", "unset", "which", "while",
];

impl RewriteRule for SplitChain {
    fn id(&self) -> &'static str {
        "split-chain"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::ToolExec]
    }

    fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit> {
        let mut edits = Vec::new();
        for block in &input.code.blocks {
            if let CodeOrigin::Fence { index, .. } = block.origin
                && block.facts.language == CodeLanguage::Shell
                && block.facts.loops == 0
                && let Some(fence) = input.skill.document().fences().get(index)
            {
                edits.extend(self.fence(input, fence));
            }
        }
        edits
    }
}

impl SplitChain {
    fn fence(&self, input: &RuleInput<'_>, fence: &Fence) -> Option<Edit> {
        let source = input.skill.source();
        let code = fence.code(source);
        let places = places(&code)?;
        if code.contains("\\\n") || code.contains("\\\r\n") || code.contains(['(', '{']) {
            return None;
        }
        let is_command = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with('#');
        let mut lines = code.split_inclusive('\n').filter(is_command);
        let (Some(line), None) = (lines.next(), lines.next()) else { return None };
        let line_span = Span::of_slice(&code, line)?;
        let links = links(line, places.get(line_span.start..line_span.end)?);
        let (first, last) = (links.first()?, links.last()?);
        let indent = fence.segments().first().map_or("", |segment| {
            source.get(..segment.start).unwrap_or("").rsplit('\n').next().unwrap_or("")
        });
        let line_break = format!("{}{indent}", newline(input.skill));
        let head = line.len() - line.trim_start().len();
        let mut text = format!("{STOP}{line_break}");
        let mut at = head;
        for link in &links {
            text.push_str(line.get(at..link.start)?);
            text.push_str(&line_break);
            at = link.end;
        }
        let note = "each command of the chain is a line of its own, and a failure stops them";
        let mut reason = EditReason::new(self.id(), EditKind::Substitution, note);
        reason.purpose = purpose_around(input, fence.span());
        reason.primitive = Some(Primitive::ToolExec);
        (reason.from, reason.to) = (Some(Level::L2), Some(Level::L1));
        let span = Span::new(head.min(first.start), last.end).shifted(line_span.start);
        Some(Edit::replace(fence.source_span(span), text, reason))
    }
}

/// What keeps the condition of `&&` when the commands stand on lines of their own.
const STOP: &str = "set -e  # stop at the first failure";

/// The `&&` of a line, blanks around them included; none when the line must stay whole.
fn links(line: &str, places: &[Place]) -> Vec<Span> {
    let open = |at: usize| places.get(at) == Some(&Place::Open);
    let has = |mark: char| line.char_indices().any(|(at, c)| c == mark && open(at));
    if has('|') || has(';') {
        return Vec::new();
    }
    let mut links = Vec::new();
    let mut at = 0;
    while let Some(found) = line.get(at..).and_then(|rest| rest.find("&&")) {
        let (start, end) = (at + found, at + found + 2);
        if open(start) {
            let before = line.get(..start).unwrap_or("").trim_end().len();
            let after = line.get(end..).unwrap_or("");
            let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
            links.push(Span::new(before, end + blanks));
        }
        at = end;
    }
    let ends = links.iter().map(|link| link.start).chain([line.len()]);
    let starts = [0].into_iter().chain(links.iter().map(|link| link.end));
    let is_free = starts.zip(ends).all(|(start, end)| {
        let word = line.get(start..end).unwrap_or("").split_whitespace().next().unwrap_or("");
        !word.is_empty() && !word.contains('=') && !STATEFUL.contains(&word)
    });
    if is_free { links } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_chains_without_state_are_split() {
        let count = |line: &str| places(line).map(|places| links(line, &places).len());
        assert_eq!(count("npm install && npm test"), Some(1));
        assert_eq!(count("a && b && c\n"), Some(2));
        for whole in [
            "cd x && ls",
            "grep -q x f && rm f",
            "[[ -f x ]] && rm x",
            "A=1 && ls",
            "a | b && c",
            "a && b || c",
            "echo 'a && b'",
            "a &&",
        ] {
            assert_eq!(count(whole), Some(0), "{whole}");
        }
    }
}
