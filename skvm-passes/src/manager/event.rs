//! What is told about a compilation.

use std::time::Duration;

use serde::Serialize;
use skvm_core::pass::{PassId, PassOutput};

/// Something happened in a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PassEvent {
    /// A pass begins. Not told of a pass that is passed over.
    Started {
        /// The pass.
        pass: PassId,
    },
    /// A pass is done, or was passed over.
    Finished(PassRecord),
}

/// How one pass went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PassRecord {
    /// The pass.
    pub pass: PassId,
    /// How it went.
    pub status: PassStatus,
    /// How many edits it made.
    pub edits: usize,
    /// How many findings it told.
    pub diagnostics: usize,
    /// Microseconds.
    pub micros: u64,
}

/// How a pass went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PassStatus {
    /// It did its work.
    Ran,
    /// The same work had been done before.
    Memoised,
    /// It needs a profile, and there is none.
    Skipped,
}

impl PassRecord {
    pub(super) fn skipped(pass: PassId) -> Self {
        Self { pass, status: PassStatus::Skipped, edits: 0, diagnostics: 0, micros: 0 }
    }

    pub(super) fn finished(
        pass: PassId,
        status: PassStatus,
        output: &PassOutput,
        took: Duration,
    ) -> Self {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let (edits, diagnostics) = (output.edits.len(), output.diagnostics.len());
        Self { pass, status, edits, diagnostics, micros }
    }
}

/// Looks on while skills are compiled. Called from the thread that compiles; it should return soon.
///
/// Any `Fn(&PassEvent)` is one:
///
/// ```
/// use skvm_passes::manager::{PassEvent, PassManager};
///
/// let manager = PassManager::builder()
///     .standard()
///     .observer(|event: &PassEvent| {
///         if let PassEvent::Finished(record) = event {
///             let _line = format!("{}: {} µs", record.pass, record.micros);
///         }
///     })
///     .build()?;
/// assert_eq!(manager.passes().count(), 7);
/// # Ok::<(), skvm_passes::manager::BuildError>(())
/// ```
pub trait PipelineObserver: Send + Sync {
    /// Something happened.
    fn on_event(&self, event: &PassEvent);
}

const _: fn(&dyn PipelineObserver) = |_| {};

impl<F: Fn(&PassEvent) + Send + Sync> PipelineObserver for F {
    fn on_event(&self, event: &PassEvent) {
        self(event);
    }
}
