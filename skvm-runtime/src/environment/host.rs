//! Finding out what is to be known of this machine.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use skvm_core::host::{HostFacts, Interpreter, OsFamily, PackageManager};

use crate::command::{CommandRunner, CommandSpec, Environment};

/// How long an interpreter may take to tell its version.
const DEADLINE: Duration = Duration::from_secs(20);

/// What Python tells of itself.
const PYTHON: &str = "\
import json, platform, sys
try:
    import ensurepip, venv
    able = True
except ImportError:
    able = False
print(json.dumps({'version': platform.python_version(), 'executable': sys.executable,
                  'virtual': sys.prefix != sys.base_prefix, 'able': able}))
";

#[derive(Deserialize)]
struct Python {
    version: String,
    executable: String,
    r#virtual: bool,
    /// Whether it can make virtual environments by itself.
    able: bool,
}

/// The facts of this machine, as programs with these variables find it. What cannot be found out is
/// missing in it; an interpreter that does not answer counts as none.
pub async fn probe_host(environment: &Environment) -> HostFacts {
    let os = match std::env::consts::OS {
        "linux" => OsFamily::Linux,
        "macos" => OsFamily::MacOs,
        "windows" => OsFamily::Windows,
        _ => OsFamily::Other,
    };
    let mut facts = HostFacts::new(os, std::env::consts::ARCH);
    facts.distribution = distribution();
    facts.is_root = is_root();
    let found = |manager: &PackageManager| environment.find_program(manager.program()).is_some();
    // Python's own is found below, as a module.
    let programs = PackageManager::ALL.into_iter().filter(|m| *m != PackageManager::Pip);
    facts.managers = programs.filter(found).collect();
    let (python, node) = futures::join!(python(environment), node(environment));
    if let Some(python) = python {
        facts.in_virtual_environment = python.r#virtual;
        if python.able || facts.managers.contains(&PackageManager::Uv) {
            facts.managers.insert(PackageManager::Pip);
            facts.python = Some(Interpreter::new(python.executable, python.version));
        }
    }
    facts.node = node;
    facts
}

async fn python(environment: &Environment) -> Option<Python> {
    for name in ["python3", "python"] {
        let told = ask(environment, name, &["-I", "-c", PYTHON]).await;
        let python = told.and_then(|text| serde_json::from_str::<Python>(&text).ok());
        // Python 2 is none that a skill of today means.
        if let Some(python) =
            python.filter(|p| p.version.starts_with('3') && !p.executable.is_empty())
        {
            return Some(python);
        }
    }
    None
}

async fn node(environment: &Environment) -> Option<Interpreter> {
    let program = environment.find_program("node")?;
    let told = ask(environment, "node", &["--version"]).await?;
    let version = told.trim().strip_prefix('v')?.to_owned();
    Some(Interpreter::new(program.to_str()?, version))
}

/// What a program prints; `None` when it cannot be started or fails.
async fn ask(environment: &Environment, program: &str, arguments: &[&str]) -> Option<String> {
    let folder = std::env::temp_dir();
    let runner = CommandRunner::new(environment.clone(), [&folder]).ok()?;
    let spec = CommandSpec::new(program, &folder)
        .with_args(arguments.iter().copied())
        .with_deadline(DEADLINE);
    let output = runner.run(spec).await.ok()?;
    output.success().then(|| output.stdout.text())
}

/// `ID` of `/etc/os-release`.
fn distribution() -> Option<String> {
    let text = std::fs::read_to_string(Path::new("/etc/os-release")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("ID="))?;
    Some(line.trim_matches('"').to_owned())
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}
