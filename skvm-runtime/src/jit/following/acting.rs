//! A routine that does the work.

use std::sync::Arc;

use skvm_core::artifact::Fingerprint;
use skvm_core::harness::ToolResult;
use skvm_core::llm::{LlmResponse, StopReason, ToolCall};

use super::{accepted, beginning};
use crate::jit::derivation::Known;
use crate::jit::index::RoutineId;
use crate::jit::routine::Routine;
use crate::trace::Trace;

/// A routine in the model's place.
pub(super) struct Acting {
    pub(super) id: RoutineId,
    pub(super) routine: Arc<Routine>,
    pub(super) known: Known,
    pub(super) next: usize,
    /// The calls that were answered last, by step and id, with their results.
    pub(super) open: Vec<(usize, String, Option<ToolResult>)>,
    /// How many answers were given.
    pub(super) answers: u64,
    /// Whether the final text is answered too.
    pub(super) finishes: bool,
    /// Whether all steps are done and their guards held.
    pub(super) done: bool,
    /// Whether the model had more to do after them.
    pub(super) short: bool,
}

impl Acting {
    /// The next answer; `None` when the model is to write the final text; an error when a guard does not hold.
    pub(super) fn answer(&mut self) -> Result<Option<LlmResponse>, String> {
        if self.done {
            return Ok(None);
        }
        for (step, _, result) in std::mem::take(&mut self.open) {
            if !accepted(&self.routine, step, result.as_ref(), &self.known) {
                return Err(format!("the result of step {step} is not what earlier runs showed"));
            }
            let output = result.map(|result| beginning(&result.content)).unwrap_or_default();
            self.routine.see(step, &output, &mut self.known);
        }
        if self.next == self.routine.steps.len() {
            self.done = true;
            let text = self.routine.answer.as_ref().filter(|_| self.finishes);
            let text = text.and_then(|answer| self.known.value(answer));
            self.answers += u64::from(text.is_some());
            return Ok(text.map(LlmResponse::text));
        }
        let mut calls = Vec::new();
        while let Some(step) = self.routine.steps.get(self.next) {
            if !calls.is_empty() && !step.together {
                break;
            }
            let arguments = step.arguments(&self.known).map_err(|error| error.to_string())?;
            let id = format!("solidified-{}-{}", self.answers, calls.len());
            self.open.push((self.next, id.clone(), None));
            calls.push(ToolCall { id, name: step.tool.clone(), arguments });
            self.next += 1;
        }
        self.answers += 1;
        let stop = StopReason::ToolCalls;
        Ok(Some(LlmResponse { tool_calls: calls, stop, ..LlmResponse::default() }))
    }

    /// Whether the final text that the model wrote is the one that the routine would have; `None` when the routine
    /// wrote it.
    pub(super) fn foresaw(&self, trace: &Trace) -> Option<bool> {
        let last = trace.turns.last().filter(|turn| !turn.solidified && turn.calls.is_empty())?;
        let answer = self.routine.answer.as_ref().and_then(|answer| self.known.value(answer));
        Some(answer.as_deref() == Some(last.text.trim()))
    }

    pub(super) fn fingerprint(&self, id: &str) -> Option<Fingerprint> {
        let (step, ..) = self.open.iter().find(|(_, known, _)| known == id)?;
        Some(self.routine.steps.get(*step)?.fingerprint())
    }
}
