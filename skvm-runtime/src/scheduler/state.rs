//! Which steps are done, ready, waiting and out of reach.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use serde_json::Value;
use skvm_core::artifact::{StepId, Workflow};

use super::StepOutcome;

/// The state of one execution.
pub(super) struct State {
    /// By step, the steps that it waits for and those that wait for it; sorted, each once.
    before: Vec<Vec<usize>>,
    behind: Vec<Vec<usize>>,
    /// How many of those that it waits for are not done.
    open: Vec<usize>,
    /// Steps that can start, the first of the list first.
    ready: BinaryHeap<Reverse<usize>>,
    values: Vec<Option<Arc<Value>>>,
    pub(super) outcomes: Vec<Option<StepOutcome>>,
    /// How many have an outcome.
    pub(super) ended: usize,
}

impl State {
    /// The state before the first step. The workflow must have been verified.
    pub(super) fn new(workflow: &Workflow) -> Self {
        let steps = workflow.steps.len();
        let (mut before, mut behind) = (vec![Vec::new(); steps], vec![Vec::new(); steps]);
        for edge in &workflow.edges {
            before[edge.to.0].push(edge.from.0);
            behind[edge.from.0].push(edge.to.0);
        }
        for list in before.iter_mut().chain(&mut behind) {
            list.sort_unstable();
            list.dedup();
        }
        let open: Vec<usize> = before.iter().map(Vec::len).collect();
        let ready = (0..steps).filter(|step| open[*step] == 0).map(Reverse).collect();
        Self {
            before,
            behind,
            open,
            ready,
            values: vec![None; steps],
            outcomes: (0..steps).map(|_| None).collect(),
            ended: 0,
        }
    }

    /// The next step that can start.
    pub(super) fn take_ready(&mut self) -> Option<usize> {
        while let Some(Reverse(step)) = self.ready.pop() {
            if self.outcomes[step].is_none() {
                return Some(step);
            }
        }
        None
    }

    /// Puts a step back, to be started again.
    pub(super) fn put_back(&mut self, step: usize) {
        self.ready.push(Reverse(step));
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// What the steps gave that a step waits for.
    pub(super) fn inputs(&self, step: usize) -> Vec<(StepId, Arc<Value>)> {
        let value =
            |before: &usize| Some((StepId(*before), Arc::clone(self.values[*before].as_ref()?)));
        self.before[step].iter().filter_map(value).collect()
    }

    /// A step is done; those that waited for it alone become ready.
    pub(super) fn done(&mut self, step: usize, outcome: StepOutcome) {
        if let StepOutcome::Done { value, .. } = &outcome {
            self.values[step] = Some(Arc::clone(value));
        }
        self.end(step, outcome);
        for at in 0..self.behind[step].len() {
            let next = self.behind[step][at];
            self.open[next] -= 1;
            if self.open[next] == 0 && self.outcomes[next].is_none() {
                self.ready.push(Reverse(next));
            }
        }
    }

    /// A step failed; everything that waits for it is out of reach. Gives how many those are.
    pub(super) fn failed(&mut self, step: usize, outcome: StepOutcome) -> usize {
        self.end(step, outcome);
        let mut skipped = 0;
        let mut open = self.behind[step].clone();
        while let Some(next) = open.pop() {
            if self.outcomes[next].is_none() {
                self.end(next, StepOutcome::Skipped { because: StepId(step) });
                skipped += 1;
                open.extend_from_slice(&self.behind[next]);
            }
        }
        skipped
    }

    /// What has no outcome yet was not reached.
    pub(super) fn cancel_rest(&mut self) {
        for step in 0..self.outcomes.len() {
            if self.outcomes[step].is_none() {
                self.end(step, StepOutcome::Cancelled);
            }
        }
    }

    fn end(&mut self, step: usize, outcome: StepOutcome) {
        if self.outcomes[step].replace(outcome).is_none() {
            self.ended += 1;
        }
    }
}
