//! Why a program cannot run an agent.

use std::io;

use crate::command::CommandError;
use crate::provider::{ProviderError, WireFormat};

/// A program is not ready to run an agent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// It is not installed, or not on `PATH`.
    #[error("{name} is not installed: there is no program {program}; install it with: {install}")]
    NotInstalled {
        /// What it is called.
        name: &'static str,
        /// The program that was looked for.
        program: String,
        /// What installs it.
        install: &'static str,
    },
    /// It is there, and does not tell its version.
    #[error(
        "{name} does not work: asked for its version it gave {how}; install it with: {install}"
    )]
    Broken {
        /// What it is called.
        name: &'static str,
        /// How it ended.
        how: String,
        /// What installs it.
        install: &'static str,
    },
    /// There is no way to the model.
    #[error("choosing the provider")]
    Provider(#[from] ProviderError),
    /// The provider is spoken to in a way that the program does not know.
    #[error("{name} does not speak {wire}, which the provider wants")]
    Wire {
        /// What it is called.
        name: &'static str,
        /// The provider's wire format.
        wire: WireFormat,
    },
    /// The run names no model, and the harness has none of its own.
    #[error("no model is named for {name}")]
    NoModel {
        /// What it is called.
        name: &'static str,
    },
    /// The folder of the run could not be made.
    #[error("making a folder for the run")]
    Sandbox {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its configuration could not be written.
    #[error("writing the configuration")]
    Configuration(#[from] io::Error),
    /// It could not be started.
    #[error("starting the program")]
    Command(#[from] CommandError),
    /// It cannot be given what the run has.
    #[error("{name} cannot take {what}")]
    Unfit {
        /// What it is called.
        name: &'static str,
        /// What it cannot take.
        what: &'static str,
    },
}
