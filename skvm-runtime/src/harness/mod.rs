//! Agent harnesses of our own.

pub mod bare;
