//! The engine with passes, stores, models and harnesses that do what a test needs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compile;
mod concurrency;
mod events;
mod refine;
mod run;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::harness::HarnessFeatures;
use skvm_core::pass::{Pass, PassContext, PassError, pass_fn};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::manager::PassManager;

fn skill(name: &str) -> Arc<Skill> {
    let text = format!("---\nname: {name}\ndescription: Does {name}.\n---\n# Use\n\nDo it.\n");
    Arc::new(Skill::from_text(format!("/nowhere/{name}"), text))
}

fn target(model: &str) -> Target {
    Target::new(model, "harness")
}

/// What the harnesses here can do with a skill.
fn features() -> HarnessFeatures {
    let mut features = HarnessFeatures::default();
    features.inject = true;
    features.discover = true;
    features
}

fn pipeline(pass: impl Pass + 'static) -> PassManager {
    PassManager::builder().pass(pass).build().unwrap()
}

/// Writes the target's model behind the skill's text.
fn sign(cx: &mut PassContext<'_>) -> Result<(), PassError> {
    let line = format!("\nCompiled for {}.\n", cx.target().model);
    let reason = EditReason::new("sign", EditKind::Compensation, "names the model");
    cx.edit(Edit::insert(cx.source().len(), line, reason))
}

/// A pipeline of [`sign`], and how often it was run.
fn counted() -> (PassManager, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let pass = pass_fn("sign", move |cx| {
        count.fetch_add(1, Ordering::SeqCst);
        sign(cx)
    });
    (pipeline(pass), runs)
}

/// The error and its causes, one a line.
fn chain(error: &dyn Error) -> Vec<String> {
    let mut told = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push(error.to_string());
        cause = error.source();
    }
    told
}
