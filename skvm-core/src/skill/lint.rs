//! The rules of the agentskills specification, as lints.
//!
//! Two thirds of published skills break a strict reading of the specification and work all the same;
//! one in ten is really broken. So each rule says which of the two it is about.

use std::collections::BTreeMap;

use serde_json::Value;

use super::codes;
use super::front_matter::FrontMatterState;
use super::{Field, Skill};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::document::LinkKind;
use crate::span::Span;

/// How bad it is when a rule does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LintClass {
    /// A harness may not find or understand the skill; reported as [`Severity::Error`].
    Broken,
    /// A strict validator complains and harnesses do not; reported as [`Severity::Warning`].
    Unusual,
    /// Something was read in a way that the author may not expect; [`Severity::Warning`].
    Repair,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// The code that its diagnostics carry.
    pub code: Code,
    /// How bad it is.
    pub class: LintClass,
    /// What the rule wants.
    pub rule: &'static str,
}

macro_rules! lints {
    ($($code:ident $class:ident $rule:literal,)*) => {
        /// Every rule that loading checks.
        pub const LINTS: &[Lint] =
            &[$(Lint { code: codes::$code, class: LintClass::$class, rule: $rule },)*];
    };
}

lints! {
    NOT_UTF8 Broken "SKILL.md is UTF-8",
    FILE_NAME Broken "the file is called exactly SKILL.md",
    EMPTY_BODY Unusual "there is text below the front matter",
    LONG_BODY Unusual "the body has at most 500 lines",
    MISSING Broken "SKILL.md begins with front matter between two `---` lines",
    UNCLOSED Broken "the front matter ends with a `---` line",
    UNDELIMITED Broken "the front matter stands between two `---` lines",
    INVALID_YAML Broken "the front matter is valid YAML",
    REPAIRED Repair "each entry of the front matter is read as written",
    NAME_MISSING Broken "the front matter has a name",
    NAME_FORM Broken "the name is 1 to 64 of a-z, 0-9 and single hyphens, none at its ends",
    NAME_FOLDER Unusual "the name is that of the folder",
    DESCRIPTION_MISSING Broken "the front matter has a description",
    DESCRIPTION_LONG Unusual "the description has at most 1,024 characters",
    COMPATIBILITY_LONG Unusual "compatibility has at most 500 characters",
    KEY_UNKNOWN Unusual "the front matter has only the specification's keys",
    METADATA_NESTED Unusual "metadata maps keys to texts",
    TOOLS_LIST Unusual "allowed-tools is a text with spaces between tools",
    LEAVES_FOLDER Broken "no file is a link out of the skill's folder",
    LEFT_OUT Repair "every bundle file is within the limits and readable",
    LINK_LEAVES Broken "no link climbs out of the skill's folder",
    LINK_DEAD Unusual "a link to a file of the skill finds it",
    FENCE_UNCLOSED Unusual "every code fence is closed",
}

impl Lint {
    /// The severity of the diagnostics that report it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self.class {
            LintClass::Broken => Severity::Error,
            LintClass::Unusual | LintClass::Repair => Severity::Warning,
        }
    }
}

/// Checks what can be checked once everything is read, and adds to the skill's diagnostics.
pub(super) fn lint(skill: &mut Skill) {
    let mut found = Vec::new();
    check_entry(skill, &mut found);
    let keys = key_spans(skill);
    check_name(skill, &keys, &mut found);
    check_texts(skill, &keys, &mut found);
    check_keys(skill, &keys, &mut found);
    check_body(skill, &mut found);
    check_links(skill, &mut found);
    skill.diagnostics.extend(found.into_iter().map(|(code, message, span)| {
        let lint = LINTS.iter().find(|lint| lint.code == code);
        let severity = lint.map_or(Severity::Warning, Lint::severity);
        let mut diagnostic = Diagnostic::new(code, severity, message);
        diagnostic.span = span;
        diagnostic.help = lint.map(|lint| format!("the rule: {}", lint.rule));
        diagnostic
    }));
}

type Keys<'s> = BTreeMap<&'s str, Span>;
type Found = Vec<(Code, String, Option<Span>)>;

/// The lines of the front matter that open a key, by key.
fn key_spans(skill: &Skill) -> BTreeMap<&str, Span> {
    let Some(block) = skill.front_matter.span() else { return BTreeMap::new() };
    let text = block.text(&skill.source);
    let opening = |line| {
        let (key, _) = str::split_once(line, ':')?;
        Some((key.trim_end(), Span::of_slice(text, line)?.shifted(block.start)))
    };
    // Of a key that stands twice, the first line.
    text.lines().rev().filter_map(opening).collect()
}

fn check_entry(skill: &Skill, found: &mut Found) {
    if skill.entry != "SKILL.md" {
        found.push((codes::FILE_NAME, format!("the file is called {}", skill.entry), None));
    }
    if skill.front_matter.state() == FrontMatterState::Missing {
        let first = skill.source.lines().next().unwrap_or("");
        let span = Span::of_slice(&skill.source, first);
        found.push((codes::MISSING, "there is no front matter".to_owned(), span));
    }
}

fn check_name(skill: &Skill, keys: &Keys<'_>, found: &mut Found) {
    let span = keys.get("name").copied();
    let Some(name) = skill.metadata.name.as_deref().filter(|name| !name.trim().is_empty()) else {
        let folder = skill.folder_name();
        let message = format!("no name is declared; the folder's name {folder:?} is used");
        found.push((codes::NAME_MISSING, message, span.or(skill.front_matter.span().map(head))));
        return;
    };
    let legal = name.len() <= 64
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--");
    if !legal {
        found.push((codes::NAME_FORM, format!("the name {name:?} is not of the legal form"), span));
    }
    let folder = skill.folder_name();
    if !folder.is_empty() && folder != name {
        let message = format!("the name {name:?} is not that of the folder, {folder:?}");
        found.push((codes::NAME_FOLDER, message, span));
    }
}

fn head(span: Span) -> Span {
    Span::new(span.start, span.start + 3)
}

fn check_texts(skill: &Skill, keys: &Keys<'_>, found: &mut Found) {
    let key_span = |key| keys.get(key).copied();
    match skill.metadata.description.as_deref().map(str::trim) {
        None | Some("") => {
            let span = key_span("description").or(skill.front_matter.span().map(head));
            found.push((codes::DESCRIPTION_MISSING, "no description is declared".into(), span));
        }
        Some(text) if text.chars().count() > 1024 => {
            let message = format!("the description has {} characters", text.chars().count());
            found.push((codes::DESCRIPTION_LONG, message, key_span("description")));
        }
        Some(_) => {}
    }
    if let Some(text) = &skill.metadata.compatibility
        && text.chars().count() > 500
    {
        let message = format!("compatibility has {} characters", text.chars().count());
        found.push((codes::COMPATIBILITY_LONG, message, key_span("compatibility")));
    }
}

fn check_keys(skill: &Skill, keys: &Keys<'_>, found: &mut Found) {
    const KNOWN: [&str; 6] =
        ["name", "description", "license", "compatibility", "metadata", "allowed-tools"];
    for Field { key, value } in skill.front_matter.fields() {
        let span = || keys.get(key.as_str()).copied();
        if !KNOWN.contains(&key.as_str()) {
            let message = format!("{key:?} is not a key of the specification");
            found.push((codes::KEY_UNKNOWN, message, span()));
        }
        let is_nested = |value: &Value| value.is_object() || value.is_array();
        match (key.as_str(), value) {
            ("metadata", Value::Object(map)) if map.values().any(is_nested) => {
                found.push((codes::METADATA_NESTED, "metadata has nested values".into(), span()));
            }
            ("allowed-tools", Value::Array(_)) => {
                found.push((codes::TOOLS_LIST, "allowed-tools is a list".into(), span()));
            }
            _ => {}
        }
    }
}

fn check_body(skill: &Skill, found: &mut Found) {
    let body = skill.document.span();
    let text = body.text(&skill.source);
    if text.trim().is_empty() {
        found.push((codes::EMPTY_BODY, "the body is empty".to_owned(), None));
    }
    let lines = text.bytes().filter(|byte| *byte == b'\n').count();
    if lines > 500 {
        found.push((codes::LONG_BODY, format!("the body has {lines} lines"), None));
    }
    for fence in skill.document.fences().iter().filter(|fence| !fence.closed()) {
        let first = fence.span().text(&skill.source).lines().next().unwrap_or("");
        let span = Span::new(fence.span().start, fence.span().start + first.len());
        found.push((codes::FENCE_UNCLOSED, "this code fence is never closed".into(), Some(span)));
    }
}

fn check_links(skill: &Skill, found: &mut Found) {
    for link in skill.document.links() {
        let path = link.dest().split(['#', '?']).next().unwrap_or("");
        if path.is_empty() || path.contains(':') || link.kind() == LinkKind::Autolink {
            continue;
        }
        let (mut depth, mut leaves) = (0_i64, path.starts_with('/'));
        for part in path.split('/') {
            depth += match part {
                "" | "." => 0,
                ".." => -1,
                _ => 1,
            };
            leaves |= depth < 0;
        }
        if leaves {
            let message = format!("the link {path:?} leaves the skill's folder");
            found.push((codes::LINK_LEAVES, message, Some(link.span())));
        } else if path.to_ascii_lowercase().ends_with(".md")
            && !skill.bundle.is_empty()
            && skill.bundle.resolve(path).is_none()
            && !skill.nested.iter().any(|nested| path.starts_with(nested.as_str()))
        {
            let message = format!("the link {path:?} finds no file of the skill");
            found.push((codes::LINK_DEAD, message, Some(link.span())));
        }
    }
}
