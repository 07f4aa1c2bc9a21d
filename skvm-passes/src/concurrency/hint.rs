//! One sentence for each group, for a harness that can do something with it.

use skvm_core::artifact::{GroupKind, Workflow, WorkflowGroup, WorkflowStep};
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::harness::HarnessFeatures;
use skvm_core::skill::Skill;

/// The edits that put the sentences in front of the first step of each group. A sentence that stands there
/// already is not put again.
pub(super) fn edits(skill: &Skill, workflow: &Workflow, features: HarnessFeatures) -> Vec<Edit> {
    let Some(first) = workflow.steps.first() else { return Vec::new() };
    let source = skill.source();
    let sentences: Vec<String> = workflow
        .groups
        .iter()
        .filter_map(|group| sentence(workflow, group, features))
        .filter(|sentence| !source.contains(sentence.as_str()))
        .collect();
    if sentences.is_empty() {
        return Vec::new();
    }
    // At the head of the line where the steps begin, as a paragraph of its own.
    let start = source.get(..first.span.start).and_then(|head| head.rfind('\n'));
    let start = start.map_or(0, |at| at + 1);
    let newline = if source.contains("\r\n") { "\r\n" } else { "\n" };
    let text = format!("{}{newline}{newline}", sentences.join(" "));
    let note = "says which steps do not wait for each other".to_owned();
    vec![Edit::insert(start, text, EditReason::new("parallel-hint", EditKind::Compensation, note))]
}

fn sentence(
    workflow: &Workflow,
    group: &WorkflowGroup,
    features: HarnessFeatures,
) -> Option<String> {
    let steps: Vec<&WorkflowStep> =
        group.steps.iter().filter_map(|step| workflow.steps.get(step.0)).collect();
    let labels: Vec<&str> = steps.iter().map(|step| step.label.as_str()).collect();
    let named = match labels.as_slice() {
        [] => return None,
        [one] => format!("step {one}"),
        [most @ .., last] => format!("steps {} and {last}", most.join(", ")),
    };
    let how = match group.kind {
        GroupKind::Dlp if features.sub_agents => "hand them to sub-agents",
        GroupKind::Dlp if features.batched_tool_calls => "handle several of them in one turn",
        GroupKind::Ilp if features.batched_tool_calls => "make their tool calls in one turn",
        GroupKind::Ilp | GroupKind::Tlp if features.sub_agents => "hand each to a sub-agent",
        GroupKind::Tlp if features.batched_tool_calls => "make their tool calls in one turn",
        GroupKind::Dlp | GroupKind::Ilp | GroupKind::Tlp => return None,
    };
    Some(match group.kind {
        GroupKind::Dlp => format!("The items of {named} do not depend on each other: {how}."),
        GroupKind::Ilp | GroupKind::Tlp => {
            let mut named = named;
            named.replace_range(..1, "S");
            format!("{named} do not depend on each other: {how}.")
        }
    })
}
