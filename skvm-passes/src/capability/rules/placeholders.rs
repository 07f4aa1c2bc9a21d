//! The rule `placeholders`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use skvm_core::artifact::{CodeBlock, CodeLanguage, CodeOrigin, Placeholder, PlaceholderKind};
use skvm_core::capability::Primitive;
use skvm_core::document::Fence;
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::super::{RewriteRule, RuleInput, purpose_around};
use super::quoting::{Place, command_before, places};
use crate::code;
use crate::opening::newline;
use crate::requirements::FILL_IN;

/// The rule `placeholders`: `<x>`, `{x}` and `YOUR_X` in shell blocks become quoted variables, with a
/// line for each at the head of the block.
///
/// Of the published blocks with `<x>`, 782 do not parse and 324 more silently redirect. A target that
/// copies such a block makes something else of it than it says; one that sets a variable does not.
/// Each use is `${X:?}`, which stops the shell while the variable is empty: `rm -rf <dir>/` must not
/// become `rm -rf /`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Placeholders;

/// Programs whose quoted arguments are code or patterns, where `{x}` and `<x>` mean themselves.
const READERS: [&str; 24] = [
    "ack",
    "ag",
    "awk",
    "bun",
    "deno",
    "egrep",
    "fgrep",
    "gawk",
    "grep",
    "gsed",
    "jq",
    "lua",
    "mawk",
    "nawk",
    "node",
    "osascript",
    "perl",
    "php",
    "rg",
    "ruby",
    "sed",
    "xmllint",
    "yq",
    "zgrep",
];

/// Options whose quoted argument, if it has braces, is code or a template.
const CODE_FOLLOWS: [&str; 7] =
    ["--command", "--eval", "--format", "--jq", "--query", "--template", "-q"];

/// Words behind which names of variables stand.
const DECLARES: [&str; 9] =
    ["declare", "export", "for", "local", "read", "readonly", "select", "typeset", "unset"];

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
                edits.extend(self.fence(input, block, fence).unwrap_or_default());
            }
        }
        edits
    }
}

impl Placeholders {
    /// The edits of one block; `None` when one of its placeholders cannot be made a variable: a block is
    /// changed as a whole or not at all.
    fn fence(&self, input: &RuleInput<'_>, block: &CodeBlock, fence: &Fence) -> Option<Vec<Edit>> {
        let code = fence.code(input.skill.source());
        let holes = code::placeholders(&code, &|span| span);
        if holes.is_empty() {
            return None;
        }
        let places = places(&code)?;
        let mut legend: Vec<(String, &str)> = Vec::new();
        let mut changes: Vec<(Span, String)> = Vec::new();
        let declared: BTreeSet<&str> = holes
            .iter()
            .filter(|hole| is_declared(hole, &code, &places))
            .map(|hole| hole.span.text(&code))
            .collect();
        for hole in &holes {
            let place = *places.get(hole.span.start)?;
            let written = hole.span.text(&code);
            if declared.contains(written) || means_itself(hole, &code, &places) {
                // Beside variables, what a shell takes for a redirect would be one.
                if hole.kind == PlaceholderKind::Angle && place == Place::Open {
                    return None;
                }
                continue;
            }
            let before = code.get(..hole.span.start)?;
            let starts_word = before.is_empty() || before.ends_with(char::is_whitespace);
            let is_set = code.get(hole.span.end..)?.starts_with(['=', '+']);
            if place == Place::Open && starts_word && is_set {
                return None;
            }
            let variable = variable(hole, &code)?;
            let text = match place {
                Place::Open => format!("\"${{{variable}:?}}\""),
                Place::Double => format!("${{{variable}:?}}"),
                Place::Single => format!("'\"${{{variable}:?}}\"'"),
                Place::Comment => return None,
            };
            if !legend.iter().any(|(known, _)| *known == variable) {
                legend.push((variable, &hole.name));
            }
            changes.push((hole.span, text));
        }
        (!changes.is_empty() && verified(&code, &changes)).then_some(())?;
        Some(self.as_edits(input, block, fence, &legend, changes))
    }

    /// The legend, then one edit a hole: other rules may change the same block beside them.
    fn as_edits(
        &self,
        input: &RuleInput<'_>,
        block: &CodeBlock,
        fence: &Fence,
        legend: &[(String, &str)],
        changes: Vec<(Span, String)>,
    ) -> Vec<Edit> {
        let Some(first) = fence.segments().first() else { return Vec::new() };
        let line_break = format!("{}{}", newline(input.skill), indent(input.skill, *first));
        let mut head = String::new();
        for (variable, name) in legend {
            // Writing to a string cannot fail.
            let _ = write!(head, "{variable}={FILL_IN}{}{line_break}", name.replace('_', " "));
        }
        // The demand is gone as a whole, whatever its level was: what is left are values to set.
        let note = "the values to fill in are variables at the head of the block";
        let mut reason = EditReason::new(self.id(), EditKind::Substitution, note);
        reason.purpose = purpose_around(input, block.origin.span().unwrap_or(fence.span()));
        reason.primitive = Some(Primitive::GenCodeShell);
        let legend = Edit::insert(first.start, head, reason.clone());
        let replaced = changes
            .into_iter()
            .map(|(span, text)| Edit::replace(fence.source_span(span), text, reason.clone()));
        std::iter::once(legend).chain(replaced).collect()
    }
}

/// Whether a hole such as `MY_KEY` is the name of a variable that the block sets or reads.
fn is_declared(hole: &Placeholder, code: &str, places: &[Place]) -> bool {
    if hole.kind != PlaceholderKind::YourUpper {
        return false;
    }
    let before = code.get(..hole.span.start).unwrap_or("");
    let after = code.get(hole.span.end..).unwrap_or("");
    let mut words = command_before(code, places, hole.span.start).split_whitespace();
    after.starts_with('=')
        || after.starts_with("+=")
        || before.ends_with("${")
        || before.ends_with("${#")
        || before.ends_with("${!")
        || words.any(|word| DECLARES.contains(&word))
}

/// Whether what looks like a hole is part of working code: of a program or a pattern in quotes, of
/// markup, of `@{upstream}`, of what `gh api` and `xargs -I` fill in themselves.
fn means_itself(hole: &Placeholder, code: &str, places: &[Place]) -> bool {
    let start = hole.span.start;
    let written = hole.span.text(code);
    if code.get(..start).is_some_and(|before| before.ends_with('@')) {
        return true;
    }
    let closing = written.strip_prefix('<').map(|rest| format!("</{rest}"));
    if closing.is_some_and(|closing| code.contains(&closing)) {
        return true;
    }
    let words: Vec<&str> = command_before(code, places, start).split_whitespace().collect();
    let bare = |word: &str| {
        let word = word.trim_matches(['"', '\'']);
        word.rsplit('/').next().unwrap_or(word).to_owned()
    };
    let names: Vec<String> = words.iter().map(|word| bare(word)).collect();
    if names.iter().any(|name| name == "gh") && names.iter().any(|name| name == "api") {
        return true;
    }
    if hole.kind == PlaceholderKind::Brace && (code.contains("xargs") || code.contains("parallel"))
    {
        return true;
    }
    let in_quotes = matches!(places.get(start), Some(Place::Single | Place::Double));
    let reads = |name: &String| READERS.contains(&name.as_str()) || name.starts_with("python");
    let is_brace = hole.kind == PlaceholderKind::Brace;
    let is_code = |word: &&str| code_follows(word) || (is_brace && template_follows(word));
    in_quotes && (names.iter().any(reads) || words.iter().any(is_code))
}

/// Whether a word is an option such as `--jq`, alone or with what follows it.
fn template_follows(word: &str) -> bool {
    CODE_FOLLOWS.contains(&word.split_once('=').map_or(word, |(option, _)| option))
}

/// Whether a word is `-c`, `-e` or short options that end in one of them, such as `-lc`.
fn code_follows(word: &str) -> bool {
    let letters = word.strip_prefix('-').unwrap_or("");
    (1..=3).contains(&letters.len())
        && letters.bytes().all(|b| b.is_ascii_alphabetic())
        && letters.ends_with(['c', 'e'])
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
