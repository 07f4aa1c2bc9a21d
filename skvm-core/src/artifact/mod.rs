//! Typed values that passes write and read.
//!
//! An artifact is named by its [`ArtifactKey`], held as JSON whose digest names it, and described by
//! a JSON schema. The standard ones live here and in [`capability`](crate::capability), so that a
//! pass built on this crate alone can read them.

mod code;
mod dependencies;
mod environment;
mod set;
mod templates;
mod workflow;

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use code::{
    Address, CodeBlock, CodeFacts, CodeIndex, CodeLanguage, CodeOrigin, Command, Import,
    Placeholder, PlaceholderKind, ScriptUse, VariableAccess, VariableUse,
};
pub use dependencies::{
    Dependencies, Dependency, DependencyKind, DependencySource, Evidence, Package,
};
pub use environment::{
    Action, ActionKind, Check, EnvironmentPlan, ManualReason, ManualStep, Scope, Word,
};
pub use set::{ArtifactError, ArtifactSet};
pub use templates::{
    EmbeddedCode, Fingerprint, Literal, LiteralContent, LiteralForm, MAX_RENDERED_BYTES,
    MAX_VALUE_BYTES, Parameter, ParameterSource, ParameterType, Part, RenderError, Segment,
    SkillTemplate, Spelling, Template, TemplateLanguage, Templates, ValueError,
};
pub use workflow::{
    Collection, EdgeCause, GroupKind, Resource, ResourceKind, StepId, Workflow, WorkflowEdge,
    WorkflowError, WorkflowFacts, WorkflowGroup, WorkflowStep, WorkflowStepKind,
};

use crate::capability::{CapabilityProfile, Gaps, Requirements};

/// The name of an artifact, such as `requirements`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ArtifactKey(&'static str);

impl ArtifactKey {
    /// A key from a literal.
    #[must_use]
    pub const fn new(key: &'static str) -> Self {
        Self(key)
    }

    /// The key as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for ArtifactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A typed artifact.
///
/// Its JSON must not depend on anything but the value: no clock, no randomness, no `HashMap` order.
///
/// ```
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
/// use skvm_core::artifact::{Artifact, ArtifactKey, ArtifactSet};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
/// struct WordCount {
///     words: usize,
/// }
///
/// impl Artifact for WordCount {
///     const KEY: ArtifactKey = ArtifactKey::new("word-count");
/// }
///
/// let mut set = ArtifactSet::default();
/// set.put(WordCount { words: 3 })?;
/// assert_eq!(set.get::<WordCount>()?.as_deref(), Some(&WordCount { words: 3 }));
/// # Ok::<(), skvm_core::artifact::ArtifactError>(())
/// ```
pub trait Artifact: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The name under which it is kept; best with the pass's id in front for artifacts of your own.
    const KEY: ArtifactKey;
}

/// The JSON schemas of every standard artifact and of profiles, by name.
#[must_use]
pub fn schemas() -> BTreeMap<String, Schema> {
    fn entry<A: Artifact>() -> (String, Schema) {
        (A::KEY.as_str().to_owned(), schema_for!(A))
    }
    BTreeMap::from([
        entry::<CodeIndex>(),
        entry::<Requirements>(),
        entry::<Gaps>(),
        entry::<Dependencies>(),
        entry::<EnvironmentPlan>(),
        entry::<Workflow>(),
        entry::<Templates>(),
        ("profile".to_owned(), schema_for!(CapabilityProfile)),
    ])
}
