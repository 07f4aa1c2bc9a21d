//! What follows from a workflow's edges.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{StepId, Workflow};

/// A workflow does not hold together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkflowError {
    /// An edge or a group names a step that does not exist.
    #[error("step {step} does not exist: the workflow has {steps} steps", step = step.0)]
    NoStep {
        /// The step that is named.
        step: StepId,
        /// How many there are.
        steps: usize,
    },
    /// Steps wait for each other.
    #[error("step {step} waits for itself, if only through others", step = step.0)]
    Cycle {
        /// One of them.
        step: StepId,
    },
    /// A group has two steps of which one waits for the other.
    #[error("group {group} has the steps {first} and {second}, and the second waits for the first", first = first.0, second = second.0)]
    OrderedGroup {
        /// The position of the group.
        group: usize,
        /// The step that comes first.
        first: StepId,
        /// The step that waits for it.
        second: StepId,
    },
}

/// What follows from a workflow's edges when every step takes the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowFacts {
    /// The steps by level: a step stands one level behind the last of those that it waits for.
    pub levels: Vec<Vec<StepId>>,
    /// A longest chain of steps that wait for each other.
    pub critical_path: Vec<StepId>,
    /// The most steps on one level: so many can run at once when each starts as soon as it can.
    pub width: usize,
}

impl WorkflowFacts {
    /// How many times faster than one after the other the steps can be done by `workers` workers, at
    /// most. 1 for a workflow without steps.
    #[must_use]
    pub fn speed_up_bound(&self, workers: usize) -> f64 {
        let steps: usize = self.levels.iter().map(Vec::len).sum();
        let shortest = self.critical_path.len().max(steps.div_ceil(workers.max(1)));
        if steps == 0 { 1.0 } else { steps as f64 / shortest as f64 }
    }
}

impl Workflow {
    /// Checks that the edges make no cycle and that no group has an ordered pair, and tells what follows
    /// from the edges.
    ///
    /// # Errors
    /// [`WorkflowError`], the first that is found.
    pub fn verify(&self) -> Result<WorkflowFacts, WorkflowError> {
        let order = self.topological_order()?;
        self.verify_groups()?;
        let mut level = vec![0_usize; self.steps.len()];
        let mut before: Vec<Option<usize>> = vec![None; self.steps.len()];
        let next = self.successors();
        for step in order {
            for &to in &next[step] {
                if level[to] < level[step] + 1 {
                    level[to] = level[step] + 1;
                    before[to] = Some(step);
                }
            }
        }
        let mut levels: Vec<Vec<StepId>> = Vec::new();
        for (step, level) in level.iter().enumerate() {
            if levels.len() <= *level {
                levels.resize(level + 1, Vec::new());
            }
            levels[*level].push(StepId(step));
        }
        let last = levels.last().and_then(|last| last.first()).map(|step| step.0);
        let mut critical_path: Vec<StepId> =
            std::iter::successors(last, |step| before[*step]).map(StepId).collect();
        critical_path.reverse();
        let width = levels.iter().map(Vec::len).max().unwrap_or(0);
        Ok(WorkflowFacts { levels, critical_path, width })
    }

    /// Whether there is a path from one step to another. Steps that do not exist have none.
    #[must_use]
    pub fn has_path(&self, from: StepId, to: StepId) -> bool {
        self.reachable(from.0, &self.successors()).get(to.0) == Some(&true)
    }

    /// The steps that each step is waited for by.
    fn successors(&self) -> Vec<Vec<usize>> {
        let mut next = vec![Vec::new(); self.steps.len()];
        for edge in &self.edges {
            if edge.to.0 < next.len()
                && let Some(next) = next.get_mut(edge.from.0)
            {
                next.push(edge.to.0);
            }
        }
        next
    }

    /// By step, whether there is a path to it from `from`.
    fn reachable(&self, from: usize, next: &[Vec<usize>]) -> Vec<bool> {
        let mut seen = vec![false; next.len()];
        let mut open = vec![from];
        while let Some(step) = open.pop() {
            for &to in next.get(step).into_iter().flatten() {
                if !std::mem::replace(&mut seen[to], true) {
                    open.push(to);
                }
            }
        }
        seen
    }

    fn topological_order(&self) -> Result<Vec<usize>, WorkflowError> {
        let steps = self.steps.len();
        let named = self.edges.iter().flat_map(|edge| [edge.from, edge.to]);
        let grouped = self.groups.iter().flat_map(|group| group.steps.iter().copied());
        if let Some(step) = named.chain(grouped).find(|step| step.0 >= steps) {
            return Err(WorkflowError::NoStep { step, steps });
        }
        let next = self.successors();
        let mut waits = vec![0_usize; steps];
        next.iter().flatten().for_each(|to| waits[*to] += 1);
        let mut order: Vec<usize> = (0..steps).filter(|step| waits[*step] == 0).collect();
        let mut at = 0;
        while let Some(&step) = order.get(at) {
            at += 1;
            for &to in &next[step] {
                waits[to] -= 1;
                if waits[to] == 0 {
                    order.push(to);
                }
            }
        }
        match (0..steps).find(|step| waits[*step] > 0) {
            Some(step) => Err(WorkflowError::Cycle { step: StepId(step) }),
            None => Ok(order),
        }
    }

    fn verify_groups(&self) -> Result<(), WorkflowError> {
        let next = self.successors();
        for (group, members) in self.groups.iter().enumerate() {
            for first in &members.steps {
                let reachable = self.reachable(first.0, &next);
                if let Some(second) = members.steps.iter().find(|step| reachable[step.0]) {
                    let (first, second) = (*first, *second);
                    return Err(WorkflowError::OrderedGroup { group, first, second });
                }
            }
        }
        Ok(())
    }
}
