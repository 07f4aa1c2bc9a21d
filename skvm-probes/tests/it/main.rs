//! Tests of the probes through their public interface.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

mod cheats;
mod controls;
mod hostile;
mod instances;
mod profiler;
mod prompts;
mod registry;
mod site;
mod target;
