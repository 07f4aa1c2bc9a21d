//! A prediction: what a routine foresees, beside what the model does.

use std::sync::Arc;

use skvm_core::digest::Digest;
use skvm_core::llm::ToolCall;
use skvm_passes::templates::Shape;

use crate::jit::call;
use crate::jit::derivation::Known;
use crate::jit::index::RoutineId;
use crate::jit::record::Evidence;
use crate::jit::routine::{Routine, Run};
use crate::trace::Trace;

/// A routine that may be what the model is about to do.
pub(super) struct Prediction {
    pub(super) id: RoutineId,
    pub(super) routine: Arc<Routine>,
    pub(super) known: Known,
    /// The step that comes next.
    pub(super) next: usize,
    /// Calls of the last turn whose results are not looked at yet, by step and position in `made`.
    pub(super) open: Vec<(usize, usize)>,
    pub(super) failed: bool,
    pub(super) sure: bool,
    pub(super) would_answer: bool,
}

impl Prediction {
    /// Holds a call against the one that comes next.
    pub(super) fn compare(&mut self, call: &ToolCall, shape: Option<&Shape>, at: usize) {
        if self.failed {
            return;
        }
        // A run may look less than the routine does.
        let mut next = self.next;
        let foreseen = loop {
            let Some((step, shape)) = self.routine.steps.get(next).zip(shape) else { break false };
            if step.foresees(&call.name, shape, &self.known) {
                break true;
            }
            if !step.looks || !self.open.is_empty() {
                break false;
            }
            next += 1;
        };
        if foreseen {
            for step in self.next..next {
                self.routine.see(step, "", &mut self.known);
            }
            self.next = next;
            self.open.push((self.next, at));
            self.next += 1;
        } else if !call::only_looks(&call.name, &call.arguments) {
            self.failed = true;
        }
    }

    pub(super) fn outcome(&self, trace: &Trace, run: Option<&Run>) -> Evidence {
        let rest = self.routine.steps.get(self.next..).unwrap_or_default();
        let correct = !self.failed && rest.iter().all(|step| step.looks) && run.is_some();
        let text = trace.turns.last().map_or("", |turn| turn.text.trim());
        let answer = self.routine.answer.as_ref().and_then(|answer| self.known.value(answer));
        Evidence::Predicted {
            id: self.id.1,
            correct,
            answer: answer.as_deref() == Some(text),
            sure: self.sure,
            about: run.map_or_else(|| Digest::of(trace.task.as_bytes()), Run::about),
            would_answer: self.would_answer,
        }
    }
}
