//! Sets up what a skill needs on this machine, and proves that it is there.
//!
//! The `environment` pass says what a skill needs as data; a plan says what to do about it on one
//! machine. A [`Binder`] carries a plan out: it looks what is missing, asks for [`Consent`] with the
//! exact actions, installs into an environment of the skill's own, verifies by importing every module
//! in a fresh interpreter, and records the fact, so that the next call does no work.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use skvm_core::artifact::Dependencies;
//! use skvm_passes::environment::{PlanOptions, plan};
//! use skvm_runtime::environment::{Binder, ConsentPolicy};
//!
//! let folder = tempfile::tempdir()?;
//! let binder = Binder::new(folder.path());
//! // A skill that needs nothing is ready at once.
//! let plan = plan(&Dependencies::default(), binder.host().await, &PlanOptions::default());
//! let prepared = binder.prepare(&plan, &ConsentPolicy::nothing()).await?;
//! assert!(prepared.is_complete() && prepared.performed.is_empty());
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
//! #     .block_on(example()).unwrap();
//! ```
//!
//! # What it guarantees
//!
//! - **Consent first.** No action runs that the consent did not allow; it sees each as it will run.
//! - **No shell.** Actions are programs with arguments, run by the [command runner](crate::command) with
//!   its guarantees: deadlines, capped output, process groups that end.
//! - **The host stays as it is**, unless an action of scope *machine* was allowed: virtual environment,
//!   npm prefix and tools lie in one folder, which can be thrown away. Only the caches of the installers are
//!   shared.
//! - **All or nothing.** A failure that matters, a deadline and a dropped future remove an environment that
//!   was begun. One that was there before keeps what was recorded of it. A killed process leaves a folder
//!   without a record, which the next call removes, or a record without what was being done.
//! - **Once.** However many tasks and processes ask for the same plan at the same time, one does the work.
//!
//! # What it does not
//!
//! Installing a package runs the package's own code where its format has such (source distributions, and
//! npm scripts if the plan allows them), with the rights of this process. Consent is the place to decide
//! about that. An installer that a killed host leaves behind runs to its own end, and a preparation that
//! begins meanwhile does not know of it.

mod advice;
mod binder;
mod check;
mod consent;
mod error;
mod host;
mod lock;
mod record;
mod work;

pub use binder::{Binder, Open, OpenReason, Performed, Prepared};
pub use consent::{Consent, ConsentPolicy, ConsentRequest, Decision};
pub use error::{FailedAction, PrepareError};
pub use host::probe_host;
