//! Compilation passes: the trait to implement and the context that a pass works through.

mod cancellation;
mod context;
mod error;
mod function;

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use cancellation::Cancellation;
pub use context::{PassContext, PassOutput, Unit};
pub use error::PassError;
pub use function::{FnPass, pass_fn};

use crate::artifact::ArtifactKey;

/// The name of a pass, such as `requirements`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct PassId(Cow<'static, str>);

impl PassId {
    /// An id from a literal.
    #[must_use]
    pub const fn new(id: &'static str) -> Self {
        Self(Cow::Borrowed(id))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PassId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A compilation pass.
///
/// A pass finds something out about a skill and puts it as an [artifact](crate::artifact), or changes
/// the skill's text by [edits](crate::edit), or both. It never returns a rewritten document.
///
/// The manager calls [`run`](Pass::run) after the passes that write what this one reads, at most once
/// a compilation, and not at all when the same work was done before. So the outcome may depend only on
/// what the context gives: there is no clock and no randomness in it. What a pass did before it
/// returned an error is thrown away.
///
/// ```
/// use async_trait::async_trait;
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
/// use skvm_core::artifact::{Artifact, ArtifactKey, ArtifactSet};
/// use skvm_core::pass::{Pass, PassContext, PassError, PassId, Unit};
/// use skvm_core::skill::Skill;
/// use skvm_core::target::Target;
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
/// struct Headings(Vec<String>);
///
/// impl Artifact for Headings {
///     const KEY: ArtifactKey = ArtifactKey::new("headings");
/// }
///
/// #[derive(Debug)]
/// struct HeadingsPass;
///
/// #[async_trait]
/// impl Pass for HeadingsPass {
///     fn id(&self) -> PassId {
///         PassId::new("headings")
///     }
///
///     fn version(&self) -> u32 {
///         1
///     }
///
///     fn writes(&self) -> &'static [ArtifactKey] {
///         &[Headings::KEY]
///     }
///
///     async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
///         let sections = cx.document().sections().iter();
///         let titles = sections.filter(|s| s.heading().is_some()).map(|s| s.title().to_owned());
///         cx.put(Headings(titles.collect()))
///     }
/// }
///
/// // A pass is tried without the manager like this:
/// let skill = Skill::from_text("x", "# One\n## Two\n");
/// let unit = Unit::new(skill, Target::new("model", "harness"));
/// let inputs = ArtifactSet::default();
/// let mut cx = PassContext::new(&HeadingsPass, &unit, &inputs);
/// futures::executor::block_on(HeadingsPass.run(&mut cx))?;
/// let headings = cx.finish().artifacts.get::<Headings>()?;
/// assert_eq!(headings.as_deref(), Some(&Headings(vec!["One".into(), "Two".into()])));
/// # Ok::<(), PassError>(())
/// ```
#[async_trait]
pub trait Pass: fmt::Debug + Send + Sync {
    /// Names the pass; unique within a pipeline.
    fn id(&self) -> PassId;

    /// Raised whenever the outcome for some input changes; part of the memo key.
    fn version(&self) -> u32;

    /// What the pass was configured with, as far as it can change the outcome; part of the memo key.
    fn configuration(&self) -> String {
        String::new()
    }

    /// The artifacts that it may read.
    fn reads(&self) -> &'static [ArtifactKey] {
        &[]
    }

    /// The artifacts that it may put.
    fn writes(&self) -> &'static [ArtifactKey] {
        &[]
    }

    /// Whether it works with the target's profile. Without a profile such a pass is passed over.
    fn needs_profile(&self) -> bool {
        false
    }

    /// Whether it heeds what failures taught; see [`PassContext::lessons`].
    fn heeds_lessons(&self) -> bool {
        false
    }

    /// Does the work.
    ///
    /// # Errors
    /// [`PassError`] when the pass cannot do its work; a finding about the skill is a diagnostic, not
    /// an error.
    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError>;
}

const _: fn(&dyn Pass) = |_| {};
