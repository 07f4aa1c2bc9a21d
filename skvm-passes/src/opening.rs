//! The place at the head of a skill where sentences to the agent go.

use skvm_core::skill::Skill;

/// A place, with the blank lines that it needs before and behind what is put there.
pub(crate) struct Opening {
    pub(crate) at: usize,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// Behind what stands below the first heading of level 1, else before the first heading, else at the head of the
/// body.
pub(crate) fn opening(skill: &Skill) -> Opening {
    let (document, line) = (skill.document(), newline(skill));
    let sections = document.sections();
    let at = match sections {
        [_, first, second, ..] if first.level() == 1 && second.level() > 1 => first.own_span().end,
        [root, first, ..] if first.level() > 1 => root.own_span().end,
        _ => document.span().start,
    };
    let before = skill.source().get(..at).unwrap_or("");
    let before = match before.trim_end_matches([' ', '\t']) {
        "" | "\u{feff}" => String::new(),
        text if text.ends_with("\n\n") || text.ends_with("\n\r\n") => String::new(),
        text if text.ends_with('\n') => line.to_owned(),
        _ => format!("{line}{line}"),
    };
    Opening { at, before, after: line.to_owned() }
}

/// The line end of a skill's text.
pub(crate) fn newline(skill: &Skill) -> &'static str {
    if skill.source().contains("\r\n") { "\r\n" } else { "\n" }
}
