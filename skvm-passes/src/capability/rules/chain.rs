//! The rule `split-chain`.

use skvm_core::artifact::{CodeLanguage, CodeOrigin};
use skvm_core::capability::{Level, Primitive};
use skvm_core::document::Fence;
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::span::Span;

use super::super::{RewriteRule, RuleInput, newline, purpose_around};
use super::quoting::{Place, places};

/// The rule `split-chain`: `a && b` becomes two lines, so that each command is a step of its own.
///
/// Left alone are chains with `cd`, `export` and their kind, which change the state of the shell that
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
    fn fence(&self, input: &RuleInput<'_>, fence: &Fence) -> Vec<Edit> {
        let source = input.skill.source();
        let code = fence.code(source);
        let Some(places) = places(&code) else { return Vec::new() };
        if code.contains("\\\n") || code.contains("\\\r\n") || code.contains(['(', '{']) {
            return Vec::new();
        }
        let indent = fence.segments().first().map_or("", |first| {
            source.get(..first.start).unwrap_or("").rsplit('\n').next().unwrap_or("")
        });
        let line_break = format!("{}{indent}", newline(input.skill));
        let mut edits = Vec::new();
        let mut start = 0;
        for line in code.split_inclusive('\n') {
            for link in links(line, &places[start..start + line.len()]) {
                let mut reason = EditReason::new(
                    self.id(),
                    EditKind::Substitution,
                    "each command of the chain is a line of its own",
                );
                reason.purpose = purpose_around(input, fence.span());
                reason.primitive = Some(Primitive::ToolExec);
                (reason.from, reason.to) = (Some(Level::L3), Some(Level::L2));
                let span = fence.source_span(link.shifted(start));
                edits.push(Edit::replace(span, line_break.clone(), reason));
            }
            start += line.len();
        }
        edits
    }
}

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
