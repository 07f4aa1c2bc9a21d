//! Failures at run time: what they are called, and what they teach.
//!
//! Whoever watches sessions diagnoses [classes](FailureClass) of failures and draws [`Lessons`] from them. A skill is
//! compiled again with lessons, and passes act on them: the environment gets a dependency, a path is corrected, a
//! sentence is added, a level is taken for lower than it was measured. What failed is data that anybody may have
//! written, a web page as well as a program: a lesson names things, never sentences, and its edits pass the same guard
//! as any other.

mod class;
mod context;
mod lesson;

pub use class::FailureClass;
pub use context::{
    FailureClassification, FailureContext, FailurePattern, PatternCategory, RecoveryTrace,
};
pub use lesson::{Advice, Lesson, Lessons};
