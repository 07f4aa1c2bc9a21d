//! Refinement by a model: further groups, each checked before it counts.
//!
//! The model sees the steps and names some that do not wait for each other. It can take back an order that
//! only the place in the list gave, and nothing else: a group is refused when one of its steps uses what
//! another gives, shares something with it, or has a step between them that stays.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Deserialize;
use skvm_core::artifact::{
    EdgeCause, GroupKind, StepId, Workflow, WorkflowEdge, WorkflowGroup, WorkflowStepKind as Kind,
};
use skvm_core::llm::{LlmBackend, LlmBackendExt, LlmRequest};
use skvm_core::skill::Skill;

/// Tokens of an answer, and most groups that are looked at.
const ANSWER_TOKENS: u32 = 2048;
const MAX_GROUPS: usize = 20;

/// Procedures with more steps are left as they are.
const MOST_STEPS: usize = 64;

/// What a model made of a workflow.
#[derive(Debug, Default)]
pub(super) struct Refined {
    /// Groups that were added, by the labels of their steps.
    pub(super) added: Vec<String>,
    /// What was refused, and why.
    pub(super) refused: Vec<String>,
    /// Why the model was of no use, if it was not.
    pub(super) failure: Option<String>,
    /// Whether the provider failed, rather than the model's answers.
    pub(super) provider_failed: bool,
}

/// The wanted form of the model's answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Proposal {
    /// Groups of steps that can be done at the same time.
    #[serde(default)]
    groups: Vec<ProposedGroup>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct ProposedGroup {
    /// Numbers of at least two steps, as they stand in the list.
    steps: Vec<usize>,
    /// Why none of them needs what another gives.
    #[expect(dead_code, reason = "asked for, so that the model gives it a thought")]
    reason: String,
}

/// Asks the model and adds the groups that hold.
pub(super) async fn refine(
    model: &dyn LlmBackend,
    skill: &Skill,
    workflow: &mut Workflow,
) -> Refined {
    let mut refined = Refined::default();
    if workflow.steps.len() < 2 || workflow.steps.len() > MOST_STEPS {
        return refined;
    }
    let proposal = match model.complete_as::<Proposal>(request(skill, workflow)).await {
        Ok(answer) => answer.value,
        Err(error) => {
            refined.provider_failed = error.provider_error().is_some();
            refined.failure = Some(error.to_string());
            return refined;
        }
    };
    for group in proposal.groups.into_iter().take(MAX_GROUPS) {
        let members: BTreeSet<usize> =
            group.steps.iter().filter_map(|step| step.checked_sub(1)).collect();
        let named = group.steps.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        match with_group(workflow, &members) {
            Ok(changed) => {
                *workflow = changed;
                refined.added.push(named);
            }
            Err(why) => refined.refused.push(format!("steps {named}: {why}")),
        }
    }
    refined
}

fn request(skill: &Skill, workflow: &Workflow) -> LlmRequest {
    let mut prompt = format!(
        "These are the steps of the procedure {:?}. Name groups of steps of which none needs what another \
         gives, so that they can be done at the same time. Name none when unsure.\n",
        skill.name()
    );
    for (at, step) in workflow.steps.iter().enumerate() {
        let text: String = step.span.text(skill.source()).chars().take(600).collect();
        let _ = write!(prompt, "\n<step number=\"{}\">\n{}\n</step>", at + 1, text.trim());
    }
    LlmRequest { max_tokens: Some(ANSWER_TOKENS), ..LlmRequest::user(prompt) }
}

/// The workflow with these steps free of each other.
fn with_group(workflow: &Workflow, members: &BTreeSet<usize>) -> Result<Workflow, String> {
    let steps = workflow.steps.len();
    if members.len() < 2 || members.iter().any(|step| *step >= steps) {
        return Err("a group is two or more of the steps".to_owned());
    }
    let is_plain = |step: &usize| matches!(workflow.steps[*step].kind, Kind::Action | Kind::Loop);
    if !members.iter().all(is_plain) {
        return Err("a branch, a question to a person or a barrier is among them".to_owned());
    }
    let grouped = || workflow.groups.iter().flat_map(|group| &group.steps);
    if let Some(step) = members.iter().find(|step| grouped().any(|known| known.0 == **step)) {
        return Err(format!("step {} is in another group", step + 1));
    }
    let is_inside =
        |edge: &&WorkflowEdge| members.contains(&edge.from.0) && members.contains(&edge.to.0);
    let shown = |edge: &WorkflowEdge| {
        let detail = edge.detail.as_deref().unwrap_or("");
        format!("{} waits for {}: {} {detail}", edge.to.0 + 1, edge.from.0 + 1, edge.cause.as_str())
    };
    let mut inside = workflow.edges.iter().filter(is_inside);
    if let Some(edge) = inside.find(|edge| edge.cause != EdgeCause::Order) {
        return Err(shown(edge).trim().to_owned());
    }
    // Every pair that waits, by itself or through others, goes on waiting, but for those inside the group.
    let goes_on = |from: usize, to: usize| {
        let is_group = members.contains(&from) && members.contains(&to);
        !is_group && workflow.has_path(StepId(from), StepId(to))
    };
    let waits: Vec<Vec<bool>> =
        (0..steps).map(|from| (0..steps).map(|to| goes_on(from, to)).collect()).collect();
    for &from in members {
        for &to in members {
            if let Some(between) = (0..steps).find(|step| waits[from][*step] && waits[*step][to]) {
                return Err(format!(
                    "step {} stands between {} and {}",
                    between + 1,
                    from + 1,
                    to + 1
                ));
            }
        }
    }
    let mut changed = workflow.clone();
    changed.edges.clear();
    for to in 0..steps {
        for from in (0..steps).filter(|from| waits[*from][to]) {
            let mut known =
                workflow.edges.iter().filter(|e| e.from.0 == from && e.to.0 == to).peekable();
            let follows = || (0..steps).any(|step| waits[from][step] && waits[step][to]);
            if known.peek().is_some() {
                changed.edges.extend(known.cloned());
            } else if !follows() {
                changed.edges.push(WorkflowEdge::new(StepId(from), StepId(to), EdgeCause::Order));
            }
        }
    }
    let steps = members.iter().map(|step| StepId(*step)).collect();
    changed.groups.push(WorkflowGroup { kind: GroupKind::Tlp, steps });
    changed.verify().map_err(|error| error.to_string())?;
    Ok(changed)
}
