//! Steps that may run at the same time.

use skvm_core::artifact::{GroupKind, StepId, Workflow, WorkflowGroup, WorkflowStepKind as Kind};

use super::step::ReadStep;

/// Adds the groups of a workflow: its loops over free items, and the steps of a level, between which there
/// is no path. A workflow that does not hold together gets none.
pub(super) fn find(steps: &[ReadStep], workflow: &mut Workflow) {
    let Ok(facts) = workflow.verify() else { return };
    let mut groups: Vec<WorkflowGroup> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if step.step.kind == Kind::Loop && step.items_are_free {
            groups.push(WorkflowGroup { kind: GroupKind::Dlp, steps: vec![StepId(at)] });
        }
    }
    for level in facts.levels.iter().filter(|level| level.len() > 1) {
        let members = || level.iter().filter_map(|step| steps.get(step.0));
        let delegated = members().any(|step| step.delegates);
        let kind = match members().all(|step| step.calls_tools) && !delegated {
            true => GroupKind::Ilp,
            false => GroupKind::Tlp,
        };
        groups.push(WorkflowGroup { kind, steps: level.clone() });
    }
    workflow.groups = groups;
    // The invariant is checked and not hoped for.
    if workflow.verify().is_err() {
        workflow.groups.clear();
    }
}
