//! Compiles every skill below each path for a target and tells what came of it.
//!
//! ```text
//! cargo run --release -q -p skvm-examples --example compile -- --profile qwen3.5-9b examples/skills
//! ```

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use futures::executor::block_on;
use skvm_core::artifact::{Dependencies, Workflow};
use skvm_core::capability::{CapabilityProfile, Gaps};
use skvm_core::diagnostic::render;
use skvm_core::pass::Unit;
use skvm_core::skill::{Skill, discover};
use skvm_core::target::Target;
use skvm_examples::profiles;
use skvm_examples::report::{self, Micros};
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
            Long("help") => return Err(Stop::Help),
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
    let profile = arguments.profile.map(Arc::new);
    let target = profile
        .as_ref()
        .map_or_else(|| Target::new("unmeasured", "bare-agent"), |profile| profile.target());
    let manager = PassManager::standard();
    let mut out = std::io::stdout().lock();
    let mut written = BTreeSet::new();
    let mut skills = 0_usize;
    for path in &arguments.paths {
        for folder in discover(path)? {
            skills += 1;
            let compiled = compile(&manager, &target, profile.clone(), &folder);
            match (&compiled, arguments.json) {
                (Ok(one), true) => {
                    let report =
                        report::compiled(&folder, &one.unit.skill, &one.variant, one.micros)?;
                    writeln!(out, "{report}")?;
                }
                (Ok(one), false) => tell(&mut out, &folder, &one.unit.skill, &one.variant)?,
                (Err(error), true) => writeln!(out, "{}", report::failed(&folder, &**error))?,
                (Err(error), false) => {
                    let causes = report::causes(&**error);
                    writeln!(out, "== {}\nerror: {causes}\n", folder.display())?;
                }
            }
            if let (Some(place), Ok(one)) = (&arguments.out, &compiled) {
                let place = place.join(relative(path, &folder));
                if !written.insert(place.clone()) {
                    let message = format!("two skills would be written to {}", place.display());
                    return Err(Stop::usage(message));
                }
                write(&place, &one.variant)?;
            }
        }
    }
    if skills == 0 { Err(Stop::failed("there is no skill below the given paths")) } else { Ok(()) }
}

/// A compiled skill and what it took.
struct Compiled {
    unit: Unit,
    variant: Variant,
    micros: Micros,
}

fn compile(
    manager: &PassManager,
    target: &Target,
    profile: Option<Arc<CapabilityProfile>>,
    folder: &Path,
) -> Result<Compiled, Box<dyn Error>> {
    let started = Instant::now();
    let skill = Skill::load(folder)?;
    let load = started.elapsed().as_micros();
    let mut unit = Unit::new(skill, target.clone());
    unit.profile = profile;
    let started = Instant::now();
    let variant = block_on(manager.compile(&unit))?.variant;
    let micros = Micros { load, compile: started.elapsed().as_micros() };
    Ok(Compiled { unit, variant, micros })
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

fn tell(out: &mut impl Write, path: &Path, skill: &Skill, variant: &Variant) -> Result<(), Stop> {
    let artifacts = variant.artifacts();
    writeln!(out, "== {} ({})", skill.name(), path.display())?;
    for found in skill.diagnostics().iter().chain(variant.diagnostics()) {
        writeln!(out, "{}", render(found, skill.entry(), skill.source()))?;
    }
    for gap in &artifacts.get::<Gaps>()?.unwrap_or_default().gaps {
        let has = gap.model_level.map_or("was not measured".to_owned(), |l| format!("has {l}"));
        writeln!(
            out,
            "gap: {} needs {} {}, the target {has}: {:?}",
            gap.purpose_id, gap.primitive, gap.required_level, gap.outcome
        )?;
    }
    for dependency in &artifacts.get::<Dependencies>()?.unwrap_or_default().entries {
        let requirement = dependency.requirement.as_deref().unwrap_or("");
        writeln!(out, "needs: {:?} {}{requirement}", dependency.kind, dependency.name)?;
    }
    let workflow = artifacts.get::<Workflow>()?.unwrap_or_default();
    for step in &workflow.steps {
        writeln!(out, "step {}: {}", step.label, step.title)?;
    }
    if let Some(remark) = &workflow.remark {
        writeln!(out, "workflow: {remark}")?;
    }
    write!(out, "{}", variant.edits().diff(skill.source()))?;
    writeln!(out, "variant {}\n", variant.digest().short())?;
    Ok(())
}
