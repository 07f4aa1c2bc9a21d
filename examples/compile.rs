//! Compiles every skill below each path for a target and tells what came of it.
//!
//! ```text
//! cargo run --release -q -p skvm-examples --example compile -- --profile qwen3.5-9b examples/skills
//! ```

#![expect(clippy::print_stdout, reason = "an example is a program")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use futures::executor::block_on;
use skvm_core::artifact::{Dependencies, Workflow};
use skvm_core::capability::{CapabilityProfile, Gaps};
use skvm_core::diagnostic::render;
use skvm_core::pass::Unit;
use skvm_core::skill::{Skill, discover};
use skvm_core::target::Target;
use skvm_examples::profiles;
use skvm_examples::report::{Micros, compiled, unreadable};
use skvm_examples::usage::{Stop, finish};
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;

const USAGE: &str = "compile [--profile FILE|NAME] [--out DIR] [--json] PATH…";

struct Arguments {
    profile: Option<CapabilityProfile>,
    out: Option<PathBuf>,
    json: bool,
    paths: Vec<PathBuf>,
}

fn main() -> ExitCode {
    finish(arguments().and_then(run), USAGE)
}

fn arguments() -> Result<Arguments, Stop> {
    use lexopt::prelude::{Long, Value};

    let mut arguments = Arguments { profile: None, out: None, json: false, paths: Vec::new() };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("profile") => {
                arguments.profile = Some(profiles::find(&parser.value()?.to_string_lossy())?);
            }
            Long("out") => arguments.out = Some(parser.value()?.into()),
            Long("json") => arguments.json = true,
            Value(path) => arguments.paths.push(path.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    match arguments.paths.iter().find(|path| !path.exists()) {
        Some(missing) => Err(Stop::usage(format!("there is no {}", missing.display()))),
        None if arguments.paths.is_empty() => Err(Stop::usage("no path is given")),
        None => Ok(arguments),
    }
}

fn run(arguments: Arguments) -> Result<(), Stop> {
    let profile = arguments.profile.map(std::sync::Arc::new);
    let target = profile
        .as_ref()
        .map_or_else(|| Target::new("unmeasured", "bare-agent"), |profile| profile.target());
    let manager = PassManager::standard();
    for path in &arguments.paths {
        for folder in discover(path)? {
            let started = Instant::now();
            let skill = match Skill::load(&folder) {
                Ok(skill) => skill,
                Err(error) => {
                    println!("{}", unreadable(&folder, &error));
                    continue;
                }
            };
            let load = started.elapsed().as_micros();
            let mut unit = Unit::new(skill, target.clone());
            unit.profile.clone_from(&profile);
            let started = Instant::now();
            let variant = block_on(manager.compile(&unit))?.variant;
            let micros = Micros { load, compile: started.elapsed().as_micros() };
            if arguments.json {
                println!("{}", compiled(&folder, &unit.skill, &variant, micros)?);
            } else {
                tell(&folder, &unit.skill, &variant)?;
            }
            if let Some(out) = &arguments.out {
                write(&out.join(relative(path, &folder)), &variant)?;
            }
        }
    }
    Ok(())
}

/// The part of `folder` below `path`, or its own name when they are the same.
fn relative<'f>(path: &Path, folder: &'f Path) -> &'f Path {
    match folder.strip_prefix(path) {
        Ok(below) if !below.as_os_str().is_empty() => below,
        _ => folder.file_name().map_or(folder, Path::new),
    }
}

/// The compiled text, and the variant with its reasons and artifacts.
fn write(folder: &Path, variant: &Variant) -> Result<(), Stop> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("SKILL.md"), variant.text())?;
    fs::write(folder.join("variant.json"), serde_json::to_vec_pretty(variant)?)?;
    Ok(())
}

fn tell(path: &Path, skill: &Skill, variant: &Variant) -> Result<(), Stop> {
    let artifacts = variant.artifacts();
    println!("== {} ({})", skill.name(), path.display());
    for found in skill.diagnostics().iter().chain(variant.diagnostics()) {
        println!("{}", render(found, skill.entry(), skill.source()));
    }
    for gap in &artifacts.get::<Gaps>()?.unwrap_or_default().gaps {
        let has = gap.model_level.map_or("was not measured".to_owned(), |l| format!("has {l}"));
        println!(
            "gap: {} needs {} {}, the target {has}: {:?}",
            gap.purpose_id, gap.primitive, gap.required_level, gap.outcome
        );
    }
    for dependency in &artifacts.get::<Dependencies>()?.unwrap_or_default().entries {
        let requirement = dependency.requirement.as_deref().unwrap_or("");
        println!("needs: {:?} {}{requirement}", dependency.kind, dependency.name);
    }
    let workflow = artifacts.get::<Workflow>()?.unwrap_or_default();
    for step in &workflow.steps {
        println!("step {}: {}", step.label, step.title);
    }
    if let Some(remark) = &workflow.remark {
        println!("workflow: {remark}");
    }
    print!("{}", variant.edits().diff(skill.source()));
    println!("variant {}\n", variant.digest().short());
    Ok(())
}
