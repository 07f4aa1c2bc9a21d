//! What things are called: modules, distributions, packages, programs.

pub(super) mod node;
pub(super) mod program;
pub(super) mod python;
