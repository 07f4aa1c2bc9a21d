//! Ending an example: 0 when it did its work, 1 when it could not, 2 when it was called wrongly.

use std::error::Error;
use std::io::ErrorKind::BrokenPipe;
use std::process::ExitCode;

/// Why an example ends early.
#[derive(Debug)]
pub enum Stop {
    /// It was called wrongly: one line that says how.
    Usage(String),
    /// It could not do its work.
    Failed(Box<dyn Error>),
    /// It was asked how it is called.
    Help,
}

impl Stop {
    /// A wrong call.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// Work that could not be done.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into().into())
    }
}

impl From<lexopt::Error> for Stop {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

/// An endpoint that cannot be one is a wrong argument.
impl From<skvm_runtime::backend::BackendError> for Stop {
    fn from(error: skvm_runtime::backend::BackendError) -> Self {
        Self::Usage(error.to_string())
    }
}

/// So is a key that is not there.
impl From<skvm_runtime::provider::ProviderError> for Stop {
    fn from(error: skvm_runtime::provider::ProviderError) -> Self {
        Self::Usage(error.to_string())
    }
}

macro_rules! failed_from {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Stop {
            fn from(error: $error) -> Self {
                Self::Failed(Box::new(error))
            }
        })*
    };
}

failed_from!(
    std::io::Error,
    serde_json::Error,
    skvm_core::artifact::ArtifactError,
    skvm_core::harness::HarnessError,
    skvm_core::capability::ProfileError,
    skvm_core::journal::JournalError,
    skvm_core::skill::LoadError,
    skvm_passes::manager::BuildError,
    skvm_passes::manager::CompileError,
    skvm_probes::profiler::ProfileRunError,
    skvm_runtime::engine::EngineError,
    skvm_runtime::store::StoreError,
);

/// Turns the outcome of an example into its exit status, and tells an error with its causes on
/// standard error. `usage` is the one-line summary of the arguments.
#[expect(clippy::print_stderr, clippy::print_stdout, reason = "the examples are programs")]
#[must_use]
pub fn finish(outcome: Result<(), Stop>, usage: &str) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Usage(message)) => {
            eprintln!("error: {message}; usage: {usage}");
            ExitCode::from(2)
        }
        Err(Stop::Help) => {
            println!("usage: {usage}");
            ExitCode::SUCCESS
        }
        // Whoever read the output has read enough.
        Err(Stop::Failed(error))
            if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == BrokenPipe) =>
        {
            ExitCode::SUCCESS
        }
        Err(Stop::Failed(error)) => {
            eprint!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}
