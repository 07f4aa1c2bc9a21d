//! The `concurrency` pass (PASS-3): the procedure that a skill describes, what orders its steps, and
//! which of them may run at the same time.
//!
//! # What it does
//! Writes [`Workflow`]: the steps of the skill's procedure, what they read and write, the edges between
//! them with their causes, and groups of steps that do not wait for each other. Of several procedures the
//! one with the most steps is taken. A skill without a procedure gets an empty workflow that says why.
//!
//! A list is a procedure if a heading says so (workflow, process, steps …), or if at least half of its
//! items begin with an imperative verb; set-up, troubleshooting and reference lists are not. About half
//! of the numbered lists in published skills are no procedure.
//!
//! **When unsure, sequential.** A step waits for each one before it unless their independence is proven:
//! the author says that they may run together, or both only read, from sources that are named; they share
//! no file, variable or identifier that one of them writes; and the later one has no word of order and
//! refers to nothing that came before.
//!
//! A model may name further groups ([`ConcurrencyPass::with_refinement`]); one that breaks a dependency is
//! refused.
//!
//! For a target whose harness can run tool calls or sub-agents at the same time, one sentence for each
//! group says so in the text.
//!
//! # Before/after
//! `1. Read a.md. 2. Read b.md. 3. Compare them.` gives the edges 1 → 3 and 2 → 3 and a group of 1 and 2.
//!
//! # Requires
//! The [`CodeIndex`].
//!
//! # Preserves
//! Everything but the added sentences.
//!
//! # Cost
//! Quadratic in the steps of one list, of which there are at most [`MAX_STEPS`]; linear in their text.

mod dependence;
mod group;
mod hint;
mod procedure;
mod reads;
mod refinement;
mod step;
mod wording;

use async_trait::async_trait;
use skvm_core::artifact::{Artifact, ArtifactKey, CodeIndex, Workflow};
use skvm_core::diagnostic::{Code, Diagnostic};
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::Skill;

use crate::code;
pub(crate) use procedure::is_procedure;
pub use reads::text_only_reads as only_reads;

/// Steps of one list that are looked at; a longer list keeps its order as it is.
pub const MAX_STEPS: usize = 200;

const GROUP_REFUSED: Code = Code::new("concurrency/group-refused");
const NOT_REFINED: Code = Code::new("concurrency/not-refined");

/// See the [module](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct ConcurrencyPass {
    refined: bool,
}

impl ConcurrencyPass {
    /// The same pass, which lets a model name further groups once the pipeline has one. It can take back an
    /// order that only the place in the list gave; whatever breaks a dependency is refused and told.
    #[must_use]
    pub fn with_refinement(mut self) -> Self {
        self.refined = true;
        self
    }
}

#[async_trait]
impl Pass for ConcurrencyPass {
    fn id(&self) -> PassId {
        PassId::new("concurrency")
    }

    fn version(&self) -> u32 {
        2
    }

    fn configuration(&self) -> String {
        if self.refined { "refined".to_owned() } else { String::new() }
    }

    fn reads(&self) -> &'static [ArtifactKey] {
        &[CodeIndex::KEY]
    }

    fn writes(&self) -> &'static [ArtifactKey] {
        &[Workflow::KEY]
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        let code = cx.artifact::<CodeIndex>()?.unwrap_or_default();
        let mut workflow = extract_with(cx.skill(), &code);
        if self.refined
            && let Some(model) = cx.llm()
        {
            let refined = refinement::refine(model, cx.skill(), &mut workflow).await;
            if refined.provider_failed {
                cx.mark_transient();
            }
            for why in refined.refused {
                let message = format!("a group that the model named was refused: {why}");
                cx.diagnose(Diagnostic::note(GROUP_REFUSED, message));
            }
            if let Some(why) = refined.failure {
                let message = format!("the model was of no use for the workflow: {why}");
                cx.diagnose(Diagnostic::warning(NOT_REFINED, message));
            }
            if !refined.added.is_empty() {
                let added = refined.added.join("; ");
                let remark = format!("a model named these steps as independent: {added}");
                workflow.remark = Some(match workflow.remark.take() {
                    Some(known) => format!("{known}; {remark}"),
                    None => remark,
                });
            }
        }
        if !workflow.groups.is_empty()
            && let Some(features) = cx.features()
        {
            for edit in hint::edits(cx.skill(), &workflow, features) {
                cx.edit(edit)?;
            }
        }
        cx.put(workflow)
    }
}

/// The workflow of a skill.
#[must_use]
pub fn extract(skill: &Skill) -> Workflow {
    extract_with(skill, &code::analyze_text(skill))
}

/// The workflow of a skill whose code is already read.
#[must_use]
pub fn extract_with(skill: &Skill, code: &CodeIndex) -> Workflow {
    let Some(list) = procedure::find(skill) else {
        let remark = match skill.document().step_lists().len() {
            0 => "nothing in this skill is laid out as steps".to_owned(),
            count => format!("none of its {count} lists of steps reads as a procedure"),
        };
        return Workflow { remark: Some(remark), ..Workflow::default() };
    };
    let steps: Vec<step::ReadStep> = list
        .steps()
        .iter()
        .enumerate()
        .map(|(at, written)| {
            let extent = procedure::extent(skill, code, list, at);
            step::read(skill, code, at, written, extent)
        })
        .collect();
    let context = wording::Context::of(skill, list);
    let edges = dependence::edges(&steps, &context);
    let remark = (steps.len() > MAX_STEPS)
        .then(|| format!("the list has more than {MAX_STEPS} steps, so their order is kept"));
    let steps_out = steps.iter().map(|step| step.step.clone()).collect();
    let mut workflow = Workflow { steps: steps_out, edges, groups: Vec::new(), remark };
    group::find(&steps, &mut workflow);
    workflow
}
