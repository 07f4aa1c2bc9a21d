//! Whether a program is there.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::CliError;
use super::adapter::{Adapter, Facts};
use super::sandbox::Sandbox;
use crate::command::{CommandRunner, Environment};

/// Longest time to tell a version.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was found of a program. Displayed, it tells what to do where something is missing.
#[derive(Debug)]
#[non_exhaustive]
pub enum Detection {
    /// It is there.
    Found {
        /// What it is called.
        name: &'static str,
        /// Where it is.
        program: PathBuf,
        /// The version that it tells.
        version: Option<String>,
        /// The versions that were tested; one of another may behave otherwise.
        tested: &'static [&'static str],
    },
    /// It is not there, or does not start.
    Missing(CliError),
}

impl Detection {
    /// Whether it is there in a version that was tested.
    #[must_use]
    pub fn is_tested(&self) -> bool {
        match self {
            Self::Found { version, tested, .. } => {
                version.as_deref().is_some_and(|version| tested.contains(&version))
            }
            Self::Missing(_) => false,
        }
    }
}

impl fmt::Display for Detection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found { name, program, version, tested } => {
                let version = version.as_deref().unwrap_or("of an unknown version");
                write!(f, "{name} {version} at {}", program.display())?;
                if self.is_tested() {
                    return Ok(());
                }
                write!(f, ", which is not tested; {} is", tested.join(" and "))
            }
            Self::Missing(error) => write!(f, "{error}"),
        }
    }
}

pub(super) async fn detect(
    adapter: &dyn Adapter,
    program: Result<PathBuf, CliError>,
    environment: &Environment,
    sandboxes: Option<&Path>,
) -> Detection {
    let program = match program {
        Ok(program) => program,
        Err(error) => return Detection::Missing(error),
    };
    match ask(adapter, &program, environment, sandboxes).await {
        Ok(told) => {
            let Facts { name, versions: tested, .. } = *adapter.facts();
            Detection::Found { name, program, version: version_in(&told), tested }
        }
        Err(error) => Detection::Missing(error),
    }
}

/// What the program says of its version. It gets a home of its own, as it might write there.
async fn ask(
    adapter: &dyn Adapter,
    program: &Path,
    environment: &Environment,
    sandboxes: Option<&Path>,
) -> Result<String, CliError> {
    let sandbox = Sandbox::new(sandboxes).map_err(|source| CliError::Sandbox { source })?;
    let environment = super::run::at_home(environment.clone(), &sandbox);
    let runner = CommandRunner::new(environment, [sandbox.path()])?;
    let spec = adapter.version_command(program, sandbox.path()).with_deadline(PATIENCE);
    let output = runner.run(spec).await?;
    if !output.success() {
        let Facts { name, install, .. } = *adapter.facts();
        let how = output.exit.to_string();
        return Err(CliError::Broken { name, how, install });
    }
    Ok(format!("{}\n{}", output.stdout.text(), output.stderr.text()))
}

/// The first word that is a version: numbers with points between them, and what hangs on them.
fn version_in(told: &str) -> Option<String> {
    let words = told.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '/'));
    let mut words = words.map(|word| word.strip_prefix('v').unwrap_or(word));
    let is_version = |word: &&str| {
        let mut parts = word.split('.');
        let is_number = |part: Option<&str>| {
            part.is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()))
        };
        is_number(parts.next()) && is_number(parts.next()) && parts.next().is_some()
    };
    words.find(is_version).map(|word| word.trim_end_matches(['.', ';', ':']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (told, expected) in [
            ("0.73.1\n", Some("0.73.1")),
            ("OpenClaw 2026.9.6 (eb377ac)", Some("2026.9.6")),
            ("Hermes Agent v0.19.0 (2026.9.1)", Some("0.19.0")),
            ("codex-cli 0.169.0", Some("0.169.0")),
            ("2.1.328 (Claude Code)", Some("2.1.328")),
            ("0.1.11.post1", Some("0.1.11.post1")),
            ("no version 3.4 here", None),
            ("", None),
        ] {
            assert_eq!(version_in(told).as_deref(), expected, "{told}");
        }
    }
}
