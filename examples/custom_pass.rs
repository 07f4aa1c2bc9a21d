//! A pass of one's own in a pipeline. The pass itself is the package `word-budget`, which depends on
//! `skvm-core` alone.
//!
//! ```text
//! cargo run --release -q -p skvm-examples --example custom_pass
//! ```

#![expect(clippy::print_stdout, reason = "an example is a program")]

use std::process::ExitCode;

use futures::executor::block_on;
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_examples::shipped_skill;
use skvm_examples::usage::{Stop, finish};
use skvm_passes::manager::PassManager;
use word_budget::{WordBudgetPass, WordCounts};

fn main() -> ExitCode {
    finish(run(), "custom_pass")
}

fn run() -> Result<(), Stop> {
    if let Some(argument) = lexopt::Parser::from_env().next()? {
        return Err(argument.unexpected().into());
    }
    let manager = PassManager::builder().standard().pass(WordBudgetPass::new(60)).build()?;
    let unit = Unit::new(
        Skill::load(shipped_skill("topic-research"))?,
        Target::new("any-model", "any-harness"),
    );
    let variant = block_on(manager.compile(&unit))?.variant;

    println!("The artifact of the pass, as the variant carries it:");
    if let Some(counts) = variant.artifacts().get::<WordCounts>()? {
        for section in &counts.sections {
            println!("  {:>4} words  {}", section.words, section.title);
        }
    }
    println!("\nWhat it told:");
    for found in variant.diagnostics() {
        println!("  {}", found.summary());
    }
    println!("\nIts edits:\n{}", variant.edits().diff(unit.skill.source()));
    println!("Variant {}", variant.digest().short());
    Ok(())
}
