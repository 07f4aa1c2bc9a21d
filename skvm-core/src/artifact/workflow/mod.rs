//! The procedure that a skill describes, as data.

mod draw;
mod facts;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use facts::{WorkflowError, WorkflowFacts};

use super::{Artifact, ArtifactKey};
use crate::digest::Digest;
use crate::span::Span;

/// Steps and what orders them. A skill without a procedure has no steps, and `remark` says why.
///
/// ```
/// use skvm_core::artifact::{EdgeCause, StepId, Workflow, WorkflowEdge, WorkflowStep};
///
/// let edge = |from, to| WorkflowEdge::new(StepId(from), StepId(to), EdgeCause::File);
/// let workflow = Workflow {
///     steps: ["fetch", "count", "plot", "report"].map(WorkflowStep::named).into(),
///     edges: vec![edge(0, 1), edge(0, 2), edge(1, 3), edge(2, 3)],
///     ..Workflow::default()
/// };
/// let facts = workflow.verify()?;
/// assert_eq!((facts.critical_path.len(), facts.width), (3, 2));
/// assert_eq!(facts.speed_up_bound(2), 4.0 / 3.0);
/// # Ok::<(), skvm_core::artifact::WorkflowError>(())
/// ```
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

impl Workflow {
    /// Names the workflow: the key of the journal of its execution.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // The type holds nothing that serde_json refuses.
        let json = serde_json::to_vec(self).unwrap_or_default();
        Digest::builder("workflow").field(&json).finish()
    }
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
    /// What kind of step.
    #[serde(default, skip_serializing_if = "WorkflowStepKind::is_action")]
    pub kind: WorkflowStepKind,
    /// What it takes as input, as far as the text names it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<Resource>,
    /// What it gives as output, as far as the text names it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<Resource>,
    /// What it goes over, item by item; for loops only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<Collection>,
}

impl WorkflowStep {
    /// An action of which only the title is known.
    #[must_use]
    pub fn named(title: impl Into<String>) -> Self {
        let title = title.into();
        Self {
            label: title.clone(),
            title,
            span: Span::new(0, 0),
            kind: WorkflowStepKind::Action,
            reads: Vec::new(),
            writes: Vec::new(),
            collection: None,
        }
    }
}

/// The kinds of steps.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum WorkflowStepKind {
    /// Something to do.
    #[default]
    Action,
    /// Something to do if a condition holds; it may lead elsewhere.
    Branch,
    /// Something to do with each item of a collection.
    Loop,
    /// A person is asked; nothing behind it begins before the answer.
    Gate,
    /// It waits for everything before it, and everything behind it for it.
    Barrier,
}

impl WorkflowStepKind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
    fn is_action(&self) -> bool {
        *self == Self::Action
    }
}

/// Something that steps share.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Resource {
    /// What kind of thing.
    pub kind: ResourceKind,
    /// Its name as the text has it.
    pub name: String,
}

/// The kinds of things that steps share.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ResourceKind {
    /// A file or folder.
    File,
    /// A variable of a shell.
    Variable,
    /// What one step obtains and others fill in: `<task-id>`.
    Identifier,
    /// A web address.
    Address,
}

/// What a loop goes over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Collection {
    /// As the text calls it: `file in the folder`.
    pub name: String,
    /// The words.
    pub span: Span,
}

/// One dependency between steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkflowEdge {
    /// The step that comes first.
    pub from: StepId,
    /// The step that waits for it.
    pub to: StepId,
    /// Why.
    pub cause: EdgeCause,
    /// What shows it: the file, the words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl WorkflowEdge {
    /// A dependency without detail.
    #[must_use]
    pub fn new(from: StepId, to: StepId, cause: EdgeCause) -> Self {
        Self { from, to, cause, detail: None }
    }
}

/// Why one step waits for another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeCause {
    /// The text says that it uses what the other gave: "the output of step 2".
    Output,
    /// One writes a file that the other reads or writes.
    File,
    /// One sets a variable that the other uses.
    Variable,
    /// One obtains what the other fills in: `<task-id>`.
    Identifier,
    /// Words of order: "then", "after", "once".
    Wording,
    /// The other decides what comes next.
    Branch,
    /// A person is asked in between.
    Gate,
    /// One waits for everything.
    Barrier,
    /// The author wrote them in this order, and nothing proves that the order does not matter.
    Order,
}

impl EdgeCause {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Output,
        Self::File,
        Self::Variable,
        Self::Identifier,
        Self::Wording,
        Self::Branch,
        Self::Gate,
        Self::Barrier,
        Self::Order,
    ];

    /// The cause as it is written in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::File => "file",
            Self::Variable => "variable",
            Self::Identifier => "identifier",
            Self::Wording => "wording",
            Self::Branch => "branch",
            Self::Gate => "gate",
            Self::Barrier => "barrier",
            Self::Order => "order",
        }
    }
}

/// Steps that may run at the same time: pairwise without a path between them, which
/// [`Workflow::verify`] checks.
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
