//! A pass from a closure, for tests and experiments.

use std::any::type_name;
use std::fmt;

use async_trait::async_trait;

use super::{Pass, PassContext, PassError, PassId};
use crate::artifact::ArtifactKey;

/// See [`pass_fn`].
#[derive(Clone)]
#[must_use]
pub struct FnPass<F> {
    id: PassId,
    reads: &'static [ArtifactKey],
    writes: &'static [ArtifactKey],
    work: F,
}

/// A pass of version 1 whose work is a closure.
///
/// ```
/// use skvm_core::diagnostic::{Code, Diagnostic};
/// use skvm_core::pass::{Pass, pass_fn};
///
/// let pass = pass_fn("shout", |cx| {
///     let text = format!("{} bytes", cx.source().len());
///     cx.diagnose(Diagnostic::note(Code::new("shout/size"), text));
///     Ok(())
/// });
/// assert_eq!(pass.id().as_str(), "shout");
/// ```
pub fn pass_fn<F>(id: &'static str, work: F) -> FnPass<F>
where
    F: Fn(&mut PassContext<'_>) -> Result<(), PassError> + Send + Sync,
{
    FnPass { id: PassId::new(id), reads: &[], writes: &[], work }
}

impl<F> FnPass<F> {
    /// The same pass, which reads these artifacts.
    pub fn reading(mut self, reads: &'static [ArtifactKey]) -> Self {
        self.reads = reads;
        self
    }

    /// The same pass, which writes these artifacts.
    pub fn writing(mut self, writes: &'static [ArtifactKey]) -> Self {
        self.writes = writes;
        self
    }
}

impl<F> fmt::Debug for FnPass<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnPass").field("id", &self.id).field("work", &type_name::<F>()).finish()
    }
}

#[async_trait]
impl<F> Pass for FnPass<F>
where
    F: Fn(&mut PassContext<'_>) -> Result<(), PassError> + Send + Sync,
{
    fn id(&self) -> PassId {
        self.id.clone()
    }

    fn version(&self) -> u32 {
        1
    }

    fn reads(&self) -> &'static [ArtifactKey] {
        self.reads
    }

    fn writes(&self) -> &'static [ArtifactKey] {
        self.writes
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        (self.work)(cx)
    }
}
