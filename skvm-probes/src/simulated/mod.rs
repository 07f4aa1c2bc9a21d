//! Stand-ins for a model and a browser, to see the machinery at work.
//!
//! They prove that planting, asking, grading and concluding fit together. They prove nothing about any real
//! model: a [`SimulatedModel`] knows the reference answers.

mod browser;
mod model;

pub use browser::SimulatedBrowser;
pub use model::SimulatedModel;
