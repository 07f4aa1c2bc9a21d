//! The rule `placeholders`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use skvm_core::artifact::{CodeBlock, CodeLanguage, CodeOrigin, Placeholder, PlaceholderKind};
use skvm_core::capability::{Level, Primitive};
use skvm_core::document::Fence;
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::super::{RewriteRule, RuleInput, newline, purpose_around};
use super::quoting::{Place, places};
use crate::code;
use crate::requirements::FILL_IN;

/// The rule `placeholders`: `<x>`, `{x}` and `YOUR_X` in shell blocks become quoted variables, with a
/// line for each at the head of the block.
///
/// Of the published blocks with `<x>`, 782 do not parse and 324 more silently redirect. A target that
/// copies such a block makes something else of it than it says; one that sets a variable does not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Placeholders;

/// Variables that mean something already to a shell or to what it runs: in bash `SECONDS` counts and
/// `GROUPS` cannot be set, in zsh setting `USERNAME` changes the user.
const RESERVED: [&str; 49] = [
    "BASH",
    "CDPATH",
    "COLUMNS",
    "DISPLAY",
    "EDITOR",
    "EGID",
    "ENV",
    "EUID",
    "GID",
    "GROUPS",
    "HISTFILE",
    "HOME",
    "HOSTNAME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "IFS",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LINENO",
    "LINES",
    "LOGNAME",
    "MAIL",
    "NO_PROXY",
    "OLDPWD",
    "OPTARG",
    "OPTIND",
    "PAGER",
    "PATH",
    "PPID",
    "PROMPT",
    "PS1",
    "PWD",
    "PYTHONPATH",
    "RANDOM",
    "REPLY",
    "SECONDS",
    "SHELL",
    "SHLVL",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "UID",
    "USER",
    "USERNAME",
    "VISUAL",
];

impl RewriteRule for Placeholders {
    fn id(&self) -> &'static str {
        "placeholders"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::GenCodeShell]
    }

    fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit> {
        let mut edits = Vec::new();
        for block in &input.code.blocks {
            if let CodeOrigin::Fence { index, .. } = block.origin
                && block.facts.language == CodeLanguage::Shell
                && let Some(fence) = input.skill.document().fences().get(index)
            {
                edits.extend(self.fence(input, block, fence));
            }
        }
        edits
    }
}

impl Placeholders {
    /// The edit of one block; `None` when one of its placeholders cannot be made a variable: a block is
    /// changed as a whole or not at all.
    fn fence(&self, input: &RuleInput<'_>, block: &CodeBlock, fence: &Fence) -> Option<Edit> {
        let code = fence.code(input.skill.source());
        let holes = code::placeholders(&code, &|span| span);
        if holes.is_empty() {
            return None;
        }
        let places = places(&code)?;
        let mut legend: Vec<(String, &str)> = Vec::new();
        let mut changes: Vec<(Span, String)> = Vec::new();
        for hole in &holes {
            let variable = variable(hole, &code)?;
            let named = |name: &str| {
                let end = hole.span.end;
                let next = code.as_bytes().get(end);
                if next.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
                    format!("${{{name}}}")
                } else {
                    format!("${name}")
                }
            };
            let text = match places.get(hole.span.start)? {
                Place::Open => format!("\"${variable}\""),
                Place::Double => named(&variable),
                Place::Single => format!("'\"${variable}\"'"),
                Place::Comment => return None,
            };
            if !legend.iter().any(|(known, _)| *known == variable) {
                legend.push((variable, &hole.name));
            }
            changes.push((hole.span, text));
        }
        verified(&code, &changes).then_some(())?;
        self.as_edit(input, block, fence, &legend, &changes)
    }

    fn as_edit(
        &self,
        input: &RuleInput<'_>,
        block: &CodeBlock,
        fence: &Fence,
        legend: &[(String, &str)],
        changes: &[(Span, String)],
    ) -> Option<Edit> {
        let source = input.skill.source();
        let first = *fence.segments().first()?;
        let line_break = format!("{}{}", newline(input.skill), indent(input.skill, first));
        let mut text = String::new();
        for (variable, name) in legend {
            // Writing to a string cannot fail.
            let _ = write!(text, "{variable}={FILL_IN}{}{line_break}", name.replace('_', " "));
        }
        let mut at = first.start;
        for (span, change) in changes {
            let span = fence.source_span(*span);
            text.push_str(source.get(at..span.start)?);
            text.push_str(change);
            at = span.end;
        }
        let note = "the values to fill in are variables at the head of the block";
        let mut reason = EditReason::new(self.id(), EditKind::Substitution, note);
        reason.purpose = purpose_around(input, block.origin.span().unwrap_or(fence.span()));
        reason.primitive = Some(Primitive::GenCodeShell);
        (reason.from, reason.to) = (Some(Level::L1), Some(Level::L0));
        Some(Edit::replace(Span::new(first.start, at), text, reason))
    }
}

/// What stands before the first line of a block, when the block is indented or quoted.
fn indent(skill: &Skill, first: Span) -> &str {
    let before = skill.source().get(..first.start).unwrap_or("");
    before.rsplit('\n').next().unwrap_or("")
}

/// The name of the variable for a placeholder; `None` for spellings that may be meant as they stand,
/// for choices such as `<on|off>`, and where the code uses the name already.
fn variable(hole: &Placeholder, code: &str) -> Option<String> {
    match hole.kind {
        PlaceholderKind::Angle | PlaceholderKind::Brace | PlaceholderKind::YourUpper => {}
        PlaceholderKind::DoubleBrace | PlaceholderKind::YourLower | PlaceholderKind::PathTo => {
            return None;
        }
    }
    let name = hole.name.to_uppercase();
    let legal = name.bytes().next().is_some_and(|b| b.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    if !legal || hole.span.text(code).contains('|') {
        return None;
    }
    let free = |name: &String| !RESERVED.contains(&name.as_str()) && !uses(code, name);
    let other = format!("{name}_VALUE");
    [name, other].into_iter().find(free)
}

/// Whether code sets or reads a variable.
fn uses(code: &str, name: &str) -> bool {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let reads = before.ends_with('$') || (before.ends_with('{') && before.contains("${"));
        let sets = !before.ends_with(of_name) && after.starts_with(['=', '+']);
        let binds = ["for ", "read ", "export "].iter().any(|word| before.ends_with(word));
        !after.starts_with(of_name) && (reads || sets || binds)
    })
}

/// Whether the changed code is understood and runs the programs that it ran before; a placeholder in
/// the place of a program is no program.
fn verified(code: &str, changes: &[(Span, String)]) -> bool {
    let mut changed = String::with_capacity(code.len());
    let mut at = 0;
    for (span, text) in changes {
        changed.push_str(code.get(at..span.start).unwrap_or(""));
        changed.push_str(text);
        at = span.end;
    }
    changed.push_str(code.get(at..).unwrap_or(""));
    let after = code::shell_commands(&changed);
    let is_mask = |program: &str| program.bytes().all(|b| b == b'X');
    let programs = |commands: &[skvm_core::artifact::Command]| -> BTreeSet<String> {
        commands.iter().map(|c| c.program.clone()).filter(|p| !is_mask(p)).collect()
    };
    let before = code::masked_shell_commands(code);
    after.understood && before.understood && programs(&before.commands) == programs(&after.commands)
}
