//! What a skill declares.

mod front_matter;
pub(super) mod install;
mod package_json;
pub(super) mod python;

use std::collections::BTreeSet;

use skvm_core::artifact::{CodeIndex, CodeOrigin};
use skvm_core::host::is_secret_name;
use skvm_core::skill::Skill;

use super::collector::{Collector, Facts};
use crate::code::is_variable;

pub(super) fn collect(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    front_matter::collect(skill, collector);
    let mut seen = BTreeSet::new();
    for file in skill.bundle().files() {
        match file.name() {
            "package.json" => package_json::collect(file, collector),
            "pyproject.toml" => python::pyproject(file, collector),
            _ if python::is_requirements_file(file.path()) => {
                python::requirements(file, &mut seen, collector);
            }
            _ => {}
        }
    }
    python::scripts(skill, code, collector);
    for block in &code.blocks {
        let file = match &block.origin {
            CodeOrigin::File { path } => Some(path.as_str()),
            CodeOrigin::Fence { .. } | CodeOrigin::Inline { .. } => None,
        };
        for command in &block.commands {
            install::collect(command, file, collector);
        }
    }
}

/// What is known of an environment variable by its name; `None` when a name is none, or is one that
/// every process has.
pub(super) fn variable_facts(name: &str) -> Option<Facts> {
    let is_common = COMMON_VARIABLES.binary_search(&name).is_ok()
        || ["XDG_", "LC_", "BASH_", "GIT_AUTHOR_"].iter().any(|prefix| name.starts_with(prefix));
    (is_variable(name) && !is_common)
        .then(|| Facts { secret: is_secret_name(name), ..Facts::default() })
}

/// Variables that a shell, a session or a harness sets.
const COMMON_VARIABLES: [&str; 60] = [
    "APPDATA",
    "ARGUMENTS",
    "BASEDIR",
    "BASE_DIR",
    "CI",
    "CLAUDE_PLUGIN_ROOT",
    "COLUMNS",
    "COMSPEC",
    "DEBUG",
    "DISPLAY",
    "EDITOR",
    "EUID",
    "GOBIN",
    "GOPATH",
    "HOME",
    "HOSTNAME",
    "IFS",
    "JAVA_HOME",
    "LANG",
    "LANGUAGE",
    "LINENO",
    "LINES",
    "LOCALAPPDATA",
    "LOGNAME",
    "MAIL",
    "NODE_ENV",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NO_COLOR",
    "OLDPWD",
    "OPTARG",
    "OPTIND",
    "OSTYPE",
    "PAGER",
    "PATH",
    "PIPESTATUS",
    "PPID",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PS1",
    "PWD",
    "PYTHONIOENCODING",
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
    "RANDOM",
    "REPLY",
    "SECONDS",
    "SHELL",
    "SHLVL",
    "SKILL_DIR",
    "SYSTEMROOT",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "UID",
    "USER",
    "VIRTUAL_ENV",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_for_the_search() {
        assert!(COMMON_VARIABLES.is_sorted());
    }
}
