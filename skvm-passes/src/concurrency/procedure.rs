//! Which list of steps is the procedure.

use skvm_core::artifact::{CodeIndex, CodeOrigin};
use skvm_core::document::{StepKind, StepList};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use crate::section::{SectionRole, role};

/// The procedure of a skill: of several, the one with the most steps.
pub(super) fn find(skill: &Skill) -> Option<&StepList> {
    let lists = skill.document().step_lists();
    lists.iter().filter(|list| is_procedure(skill, list)).reduce(longer)
}

/// Whether a heading stands over advice, which has no order: "Best practices", "Tips".
fn is_advice(heading: &str) -> bool {
    const ADVICE: [&str; 14] = [
        "best practices",
        "tips",
        "tip",
        "notes",
        "guidelines",
        "rules",
        "pitfalls",
        "gotchas",
        "limitations",
        "principles",
        "features",
        "common mistakes",
        "anti-patterns",
        "use cases",
    ];
    let heading = heading.to_lowercase();
    let heading = heading.trim_matches(|c: char| !c.is_alphanumeric());
    ADVICE.iter().any(|words| heading == *words || heading.ends_with(&format!(" {words}")))
}

fn longer<'l>(best: &'l StepList, next: &'l StepList) -> &'l StepList {
    if next.steps().len() > best.steps().len() { next } else { best }
}

/// All that belongs to a step: what stands between it and the next one too, which need not be indented;
/// behind the last one, the code that follows at once.
pub(super) fn extent(skill: &Skill, code: &CodeIndex, list: &StepList, at: usize) -> Span {
    let Some(step) = list.steps().get(at) else { return Span::at(0) };
    let Span { start, mut end } = step.span();
    if list.kind() == StepKind::Heading {
        return step.span();
    }
    if let Some(next) = list.steps().get(at + 1) {
        return Span::new(start, end.max(next.span().start));
    }
    for block in &code.blocks {
        if let CodeOrigin::Fence { span, .. } = block.origin
            && skill.source().get(end..span.start).is_some_and(|text| text.trim().is_empty())
        {
            end = span.end;
        }
    }
    Span::new(start, end)
}

/// Whether a list of steps tells what to do, in order.
pub(crate) fn is_procedure(skill: &Skill, list: &StepList) -> bool {
    let headings = skill.document().section_path(list.section());
    if headings.last().is_some_and(|heading| is_advice(heading)) {
        return false;
    }
    match role(&headings) {
        SectionRole::Setup | SectionRole::Troubleshooting | SectionRole::Credits => return false,
        SectionRole::Procedure => return true,
        SectionRole::Other => {}
    }
    if list.kind() == StepKind::Bold {
        return true;
    }
    let texts = list.steps().iter().map(|step| step.text().text(skill.source()));
    // What is numbered as a step is one; the verbs below are English.
    if list.kind() == StepKind::Heading && texts.clone().all(|text| text.contains('步')) {
        return true;
    }
    let imperative = texts.filter(|text| is_imperative(text)).count();
    let enough = list.steps().len() >= 3 || list.kind() == StepKind::Heading;
    enough && imperative * 2 >= list.steps().len()
}

/// Whether a line begins with a verb that tells someone to do something.
fn is_imperative(text: &str) -> bool {
    let plain = text.trim_start_matches(|c: char| !c.is_alphabetic());
    let mut words =
        plain.split(|c: char| !c.is_alphabetic() && c != '\'').filter(|w| !w.is_empty());
    let first = words.next().unwrap_or("");
    let first = match first.to_ascii_lowercase().as_str() {
        // "Step 2: Collect …", "Then collect …", "If …, collect …"
        "step" | "phase" | "then" | "first" | "next" | "finally" | "always" => {
            words.next().unwrap_or("").to_ascii_lowercase()
        }
        other => other.to_owned(),
    };
    IMPERATIVES.binary_search(&first.as_str()).is_ok()
}

/// Verbs that open steps in published skills.
const IMPERATIVES: [&str; 112] = [
    "add",
    "adjust",
    "aggregate",
    "analyze",
    "append",
    "apply",
    "ask",
    "assess",
    "assign",
    "avoid",
    "build",
    "calculate",
    "call",
    "categorize",
    "check",
    "choose",
    "clean",
    "clone",
    "close",
    "collect",
    "combine",
    "commit",
    "compare",
    "compile",
    "compute",
    "confirm",
    "consider",
    "convert",
    "copy",
    "create",
    "define",
    "deliver",
    "deploy",
    "describe",
    "design",
    "detect",
    "determine",
    "download",
    "draft",
    "edit",
    "ensure",
    "evaluate",
    "execute",
    "explain",
    "export",
    "extract",
    "fetch",
    "fill",
    "filter",
    "find",
    "fix",
    "follow",
    "format",
    "gather",
    "generate",
    "get",
    "give",
    "group",
    "identify",
    "if",
    "implement",
    "include",
    "inspect",
    "invoke",
    "launch",
    "list",
    "load",
    "locate",
    "log",
    "look",
    "make",
    "map",
    "match",
    "merge",
    "monitor",
    "navigate",
    "note",
    "open",
    "organize",
    "output",
    "parse",
    "perform",
    "pick",
    "prepare",
    "present",
    "print",
    "produce",
    "provide",
    "read",
    "record",
    "render",
    "repeat",
    "report",
    "request",
    "research",
    "return",
    "review",
    "run",
    "save",
    "scan",
    "search",
    "select",
    "send",
    "show",
    "start",
    "submit",
    "summarize",
    "test",
    "update",
    "use",
    "verify",
    "write",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verbs_are_sorted_for_the_search() {
        assert!(IMPERATIVES.is_sorted());
    }

    #[test]
    fn imperatives_are_seen_through_marks_and_lead_ins() {
        for text in ["**Collect** data", "Step 2: Write it", "Then run `x`", "If empty, stop"] {
            assert!(is_imperative(text), "{text}");
        }
        for text in ["Fast and simple", "The agent reads", "`--flag` is optional"] {
            assert!(!is_imperative(text), "{text}");
        }
    }
}
