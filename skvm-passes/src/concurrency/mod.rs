//! The `concurrency` pass (PASS-3): the procedure that a skill describes, and what orders its steps.
//!
//! # What it does
//! Writes [`Workflow`]: the steps of the skill's procedure, each after the one before it, for that is
//! how the author wrote them and nothing here proves that the order does not matter. Of several
//! procedures the one with the most steps is taken. A skill without a procedure gets an empty workflow
//! that says why.
//!
//! A list is a procedure if a heading says so (workflow, process, steps …), or if at least half of its
//! items begin with an imperative verb; set-up, troubleshooting and reference lists are not. About half
//! of the numbered lists in published skills are no procedure.
//!
//! # Requires
//! Nothing.
//!
//! # Preserves
//! The text: this pass makes no edit.
//!
//! # Cost
//! Linear in the number of steps.

use async_trait::async_trait;
use skvm_core::artifact::{
    Artifact, ArtifactKey, EdgeCause, StepId, Workflow, WorkflowEdge, WorkflowStep,
};
use skvm_core::document::{StepKind, StepList};
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::Skill;

use crate::section::{SectionRole, role};

/// See the [module](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct ConcurrencyPass;

#[async_trait]
impl Pass for ConcurrencyPass {
    fn id(&self) -> PassId {
        PassId::new("concurrency")
    }

    fn version(&self) -> u32 {
        1
    }

    fn writes(&self) -> &'static [ArtifactKey] {
        &[Workflow::KEY]
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        cx.put(extract(cx.skill()))
    }
}

/// The workflow of a skill.
#[must_use]
pub fn extract(skill: &Skill) -> Workflow {
    let lists = skill.document().step_lists();
    let Some(list) = lists.iter().filter(|list| is_procedure(skill, list)).reduce(longer) else {
        let remark = match lists.len() {
            0 => "nothing in this skill is laid out as steps".to_owned(),
            count => format!("none of its {count} lists of steps reads as a procedure"),
        };
        return Workflow { remark: Some(remark), ..Workflow::default() };
    };
    let steps: Vec<WorkflowStep> = list
        .steps()
        .iter()
        .enumerate()
        .map(|(index, step)| WorkflowStep {
            label: step.number().map_or_else(|| (index + 1).to_string(), |n| n.to_string()),
            title: title(step.text().text(skill.source())),
            span: step.span(),
        })
        .collect();
    let edges = (1..steps.len())
        .map(|to| WorkflowEdge { from: StepId(to - 1), to: StepId(to), cause: EdgeCause::Order })
        .collect();
    Workflow { steps, edges, groups: Vec::new(), remark: None }
}

fn longer<'l>(best: &'l StepList, next: &'l StepList) -> &'l StepList {
    if next.steps().len() > best.steps().len() { next } else { best }
}

/// Whether a list of steps tells what to do, in order.
pub(crate) fn is_procedure(skill: &Skill, list: &StepList) -> bool {
    let headings = skill.document().section_path(list.section());
    match role(&headings) {
        SectionRole::Setup | SectionRole::Troubleshooting | SectionRole::Credits => return false,
        SectionRole::Procedure => return true,
        SectionRole::Other => {}
    }
    if list.kind() == StepKind::Bold {
        return true;
    }
    let texts = list.steps().iter().map(|step| step.text().text(skill.source()));
    let imperative = texts.filter(|text| is_imperative(text)).count();
    let enough = list.steps().len() >= 3 || list.kind() == StepKind::Heading;
    enough && imperative * 2 >= list.steps().len()
}

/// A line without Markdown marks and without a leading `Step 2:`, cut to 120 characters.
fn title(text: &str) -> String {
    let line = text.lines().next().unwrap_or("").trim_start_matches('#').trim();
    line.chars().filter(|c| *c != '*').take(120).collect::<String>().trim().to_owned()
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
