//! The procedure that a skill describes, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Artifact, ArtifactKey};
use crate::span::Span;

/// Steps and what orders them. A skill without a procedure has no steps, and `remark` says why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Workflow {
    /// The steps; a [`StepId`] is a position in this list.
    pub steps: Vec<WorkflowStep>,
    /// Which step waits for which; never a cycle.
    pub edges: Vec<WorkflowEdge>,
    /// Steps that may run at the same time.
    pub groups: Vec<WorkflowGroup>,
    /// Why there are no steps, or what else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

impl Artifact for Workflow {
    const KEY: ArtifactKey = ArtifactKey::new("workflow");
}

/// The position of a step in its workflow.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct StepId(pub usize);

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkflowStep {
    /// What the author calls it: its number, or its place in the list.
    pub label: String,
    /// Its first line.
    pub title: String,
    /// Everything that belongs to it.
    pub span: Span,
}

/// One dependency between steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkflowEdge {
    /// The step that comes first.
    pub from: StepId,
    /// The step that waits for it.
    pub to: StepId,
    /// Why.
    pub cause: EdgeCause,
}

/// Why one step waits for another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeCause {
    /// The author wrote them in this order, and nothing proves that the order does not matter.
    Order,
}

/// Steps that may run at the same time: pairwise without a path between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkflowGroup {
    /// What kind of parallelism.
    pub kind: GroupKind,
    /// The steps.
    pub steps: Vec<StepId>,
}

/// The three kinds of parallelism of the paper.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum GroupKind {
    /// One step over many items.
    Dlp,
    /// Independent tool calls that fit in one turn.
    Ilp,
    /// Independent sub-tasks.
    Tlp,
}
