//! The rule `loop-bound`.

use skvm_core::capability::{Level, Primitive};
use skvm_core::edit::{Edit, EditKind, EditReason};

use super::super::{RewriteRule, RuleInput, purpose_around};
use crate::concurrency::is_procedure;
use crate::requirements::is_unbounded_loop;

/// The rule `loop-bound`: a step that goes on until something is reached gets a bound and an end.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoopBound;

/// What is put behind the step's text.
const BOUND: &str = " (At most 5 rounds; then stop and say what is left.)";

impl RewriteRule for LoopBound {
    fn id(&self) -> &'static str {
        "loop-bound"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::FollowProcedure]
    }

    fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit> {
        let (document, source) = (input.skill.document(), input.skill.source());
        let lists = document.step_lists().iter().filter(|list| is_procedure(input.skill, list));
        let steps = lists.flat_map(|list| list.steps());
        // Where the loop stands in the step's own line; a heading gets no more text.
        let looping = steps.filter(|step| {
            is_unbounded_loop(step.text().text(source))
                && !step.text().text(source).starts_with('#')
        });
        looping
            .map(|step| {
                let text = step.text().text(source);
                let end = step.text().start + text.trim_end().len();
                let note = "the loop has a bound and a stated end";
                let mut reason = EditReason::new(self.id(), EditKind::Compensation, note);
                reason.purpose = purpose_around(input, step.text());
                reason.primitive = Some(Primitive::FollowProcedure);
                (reason.from, reason.to) = (Some(Level::L3), Some(Level::L2));
                Edit::insert(end, BOUND, reason)
            })
            .collect()
    }
}
