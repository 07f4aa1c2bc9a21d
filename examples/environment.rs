//! What a skill needs on this machine, as a plan; with `--install`, sets it up and verifies it.
//!
//! ```text
//! cargo run --release -q -p skvm-examples --example environment -- --skill examples/skills/pdf-tools
//! ```
//!
//! `--install` is the consent to everything that stays in the skill's own environment, `--machine` to
//! what changes the machine as well. The exit status is 0 when what was allowed was done; what is left to
//! a person is told.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use skvm_core::artifact::{Check, EnvironmentPlan, Scope, Word};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_examples::usage::{Stop, finish};
use skvm_passes::environment::scripts;
use skvm_runtime::engine::SkVm;
use skvm_runtime::environment::{Binder, ConsentPolicy, OpenReason, Prepared};

const USAGE: &str =
    "environment --skill DIR [--install] [--machine] [--root DIR] [--scripts DIR] [--json]";

#[derive(Default)]
struct Arguments {
    skill: PathBuf,
    install: bool,
    machine: bool,
    root: Option<PathBuf>,
    scripts: Option<PathBuf>,
    json: bool,
}

fn main() -> ExitCode {
    finish(arguments().and_then(run), USAGE)
}

fn arguments() -> Result<Arguments, Stop> {
    use lexopt::prelude::Long;

    let mut arguments = Arguments::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("skill") => arguments.skill = parser.value()?.into(),
            Long("install") => arguments.install = true,
            Long("machine") => arguments.machine = true,
            Long("root") => arguments.root = Some(parser.value()?.into()),
            Long("scripts") => arguments.scripts = Some(parser.value()?.into()),
            Long("json") => arguments.json = true,
            Long("help") => return Err(Stop::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    if arguments.skill.as_os_str().is_empty() {
        return Err(Stop::usage("--skill is missing"));
    }
    if !arguments.skill.is_dir() {
        return Err(Stop::usage(format!("there is no folder {}", arguments.skill.display())));
    }
    if arguments.machine && !arguments.install {
        return Err(Stop::usage("--machine goes with --install"));
    }
    Ok(arguments)
}

#[tokio::main(flavor = "current_thread")]
async fn run(arguments: Arguments) -> Result<(), Stop> {
    let folder = std::path::absolute(match &arguments.root {
        Some(root) => root.clone(),
        None => default_root(),
    })?;
    let binder = Binder::new(folder);
    let vm = SkVm::builder().host(binder.host().await.clone()).binder(binder.clone()).build();
    let skill = Arc::new(Skill::load(&arguments.skill)?);
    let variant = vm.compile(&skill, &Target::new("unmeasured", "bare-agent")).await?;
    let plan = binder.plan(&variant).await?;
    if let Some(folder) = &arguments.scripts {
        std::fs::create_dir_all(folder)?;
        for (name, text) in scripts(&plan).files() {
            std::fs::write(folder.join(name), text)?;
        }
    }
    let prepared = match arguments.install {
        false => None,
        true => {
            let consent = match arguments.machine {
                true => ConsentPolicy::everything(),
                false => ConsentPolicy::own_environment(),
            };
            let started = Instant::now();
            Some((vm.prepare(&variant, &consent).await?, started.elapsed().as_micros()))
        }
    };
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let prepared = prepared.as_ref().map(|(prepared, micros)| outcome(prepared, *micros));
        let told = json!({
            "skill": skill.name(),
            "folder": binder.folder(&plan),
            "plan": plan,
            "prepared": prepared,
        });
        writeln!(out, "{told}")?;
    } else {
        tell(&mut out, &plan)?;
        if let Some((prepared, micros)) = &prepared {
            tell_outcome(&mut out, prepared, *micros)?;
        }
    }
    Ok(())
}

/// Where the scripts of a plan put environments as well.
fn default_root() -> PathBuf {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).or_else(|| {
        let home = std::env::home_dir()?;
        Some(home.join(".local/share"))
    });
    data.unwrap_or_else(std::env::temp_dir).join("skvm/environments")
}

fn tell(out: &mut impl Write, plan: &EnvironmentPlan) -> Result<(), Stop> {
    let host = &plan.host;
    let managers: Vec<&str> = host.managers.iter().map(|manager| manager.program()).collect();
    writeln!(out, "machine: {:?} {}, {}", host.os, host.arch, managers.join(" "))?;
    for (name, found) in [("python", &host.python), ("node", &host.node)] {
        if let Some(found) = found {
            writeln!(out, "{name}: {} {}", found.version, found.program)?;
        }
    }
    for action in &plan.actions {
        let scope = match action.scope {
            Scope::Skill => "",
            Scope::Machine => " (changes the machine)",
        };
        let optional = if action.optional { " (optional)" } else { "" };
        writeln!(out, "action {}{scope}{optional}\n  runs:    {}", action.id, shown(&action.argv))?;
        for check in &action.verify {
            writeln!(out, "  verifies: {}", verification(check))?;
        }
    }
    for step in &plan.manual {
        let optional = if step.optional { " (optional)" } else { "" };
        writeln!(out, "by hand{optional}: {}", step.advice)?;
    }
    Ok(())
}

fn shown(argv: &[Word]) -> String {
    let word = |word: &Word| match word {
        Word::Text(text) if text.contains('\n') => "'…'".to_owned(),
        Word::Text(text) => text.clone(),
        Word::InEnvironment(path) => format!("ENVIRONMENT/{path}"),
    };
    argv.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn verification(check: &Check) -> String {
    match check {
        Check::Run { argv, .. } => shown(argv),
        Check::Program { name, .. } => format!("{name} is on the PATH and starts"),
        Check::Variable { name } => format!("{name} is set"),
        Check::File { path } => format!("{} is there", shown(std::slice::from_ref(path))),
    }
}

fn tell_outcome(out: &mut impl Write, prepared: &Prepared, micros: u128) -> Result<(), Stop> {
    for performed in &prepared.performed {
        writeln!(out, "done: {} in {} ms", performed.action, performed.duration.as_millis())?;
    }
    for open in &prepared.open {
        let optional = if open.optional { " (optional)" } else { "" };
        writeln!(out, "open{optional}: {}: {}", open.dependencies.join(", "), open.advice)?;
    }
    let what = if prepared.performed.is_empty() { "nothing to do" } else { "set up and verified" };
    writeln!(out, "{what} in {} ms", micros / 1000)?;
    Ok(())
}

fn outcome(prepared: &Prepared, micros: u128) -> Value {
    let performed = prepared.performed.iter().map(
        |performed| json!({"action": performed.action, "millis": performed.duration.as_millis()}),
    );
    let open = prepared.open.iter().map(|open| {
        let (reason, detail) = match &open.reason {
            OpenReason::Manual(reason) => (json!(reason), Value::Null),
            OpenReason::Denied(why) => (json!("denied"), json!(why)),
            OpenReason::Failed(output) => (json!("failed"), json!(output)),
            _ => (Value::Null, Value::Null),
        };
        json!({
            "dependencies": open.dependencies,
            "reason": reason,
            "detail": detail,
            "advice": open.advice,
            "optional": open.optional,
        })
    });
    json!({
        "complete": prepared.is_complete(),
        "performed": performed.collect::<Vec<_>>(),
        "open": open.collect::<Vec<_>>(),
        "environment": prepared.environment,
        "micros": micros,
    })
}
