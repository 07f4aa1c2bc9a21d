//! The rule `split-chain`.

use skvm_core::artifact::{CodeLanguage, CodeOrigin};
use skvm_core::capability::{Level, Primitive};
use skvm_core::document::Fence;
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::span::Span;

use super::super::{RewriteRule, RuleInput, purpose_around};
use super::quoting::{Place, places};
use crate::opening::newline;

/// The rule `split-chain`: a block that is one chain `a && b` becomes a line for each command, so that
/// each is a step of its own, with `set -e` before them, so that a failure still stops the rest.
///
/// Left alone are blocks with other commands besides, chains with `cd`, `export` and their kind, which
/// change the state of the shell that the next command needs, chains with a shell inside of the shell
/// such as `ssh`, and lines with `||`, `;`, a pipe or a command in the background.
#[derive(Debug, Clone, Copy, Default)]
pub struct SplitChain;

/// Commands that change the state of their shell, and commands that are run for their answer: what
/// follows `grep -q` is meant only if it finds something.
const STATEFUL: [&str; 44] = [
    "!",
    ".",
    "[",
    "[[",
    "activate",
    "alias",
    "cd",
    "cmp",
    "command",
    "conda",
    "deactivate",
    "diff",
    "egrep",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "grep",
    "hash",
    "if",
    "mamba",
    "micromamba",
    "nvm",
    "pgrep",
    "popd",
    "pushd",
    "read",
    "return",
    "rg",
    "screen",
    "set",
    "source",
    "ssh",
    "su",
    "test",
    "tmux",
    "trap",
    "true",
    "type",
    "unset",
    "which",
    "while",
    "workon",
];

/// Whether a command changes the state of its shell, asks for an answer or opens a shell of its own.
fn is_stateful(command: &str) -> bool {
    let mut words = command.split_whitespace().peekable();
    if words.next_if_eq(&"sudo").is_some() {
        while let Some(option) = words.next_if(|word| word.starts_with('-')) {
            let opens = |letter| !option.starts_with("--") && option.contains(letter);
            if opens('s') || opens('i') || ["--shell", "--login"].contains(&option) {
                return true;
            }
        }
    }
    let Some(first) = words.next() else { return true };
    let program = first.rsplit('/').next().unwrap_or(first);
    let mut options = words.filter(|word| word.starts_with('-'));
    let is_dialogue = ["docker", "podman", "kubectl"].contains(&program)
        && options.any(|o| ["-it", "-ti", "-i", "-t", "--interactive", "--tty"].contains(&o));
    is_dialogue || first.contains('=') || STATEFUL.contains(&program) || STATEFUL.contains(&first)
}

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
    if has('|') || has(';') || has_background(line, open) {
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
    let is_free =
        starts.zip(ends).all(|(start, end)| !is_stateful(line.get(start..end).unwrap_or("")));
    if is_free { links } else { Vec::new() }
}

/// Whether a line has a single `&`; those of `2>&1` and `&>` are redirects.
fn has_background(line: &str, open: impl Fn(usize) -> bool) -> bool {
    let bytes = line.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(b' ');
    let mut at = 0;
    while at < bytes.len() {
        if byte(at) != b'&' || !open(at) {
            at += 1;
        } else if byte(at + 1) == b'&' {
            at += 2;
        } else {
            let before = at.checked_sub(1).map_or(b' ', byte);
            if !matches!(before, b'>' | b'<') && byte(at + 1) != b'>' {
                return true;
            }
            at += 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_chains_without_state_are_split() {
        let count = |line: &str| places(line).map(|places| links(line, &places).len());
        assert_eq!(count("npm install && npm test"), Some(1));
        assert_eq!(count("a && b && c\n"), Some(2));
        assert_eq!(count("a 2>&1 && b &> c"), Some(1));
        assert_eq!(count("sudo -u x a && docker exec box b && 'c & d'"), Some(2));
        for whole in [
            "cd x && ls",
            "grep -q x f && rm f",
            "[[ -f x ]] && rm x",
            "A=1 && ls",
            "a | b && c",
            "a && b || c",
            "echo 'a && b'",
            "a &&",
            "a && b &",
            "a & b && c",
            "a && b& ",
            "conda activate x && a",
            "nvm use 20 && a",
            "a && workon x",
            "deactivate && a",
            "venv/bin/activate && a",
            "ssh host && a",
            "sudo -s && a",
            "sudo -i && a",
            "sudo su && a",
            "su - x && a",
            "docker exec -it box sh && a",
            "tmux new -s x && a",
        ] {
            assert_eq!(count(whole), Some(0), "{whole}");
        }
    }
}
