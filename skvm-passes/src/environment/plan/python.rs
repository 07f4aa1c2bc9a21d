//! A virtual environment, and distributions in it.

use skvm_core::artifact::{
    ActionKind, Check, Dependency, DependencyKind as Kind, DependencySource, ManualReason, Scope,
    Word,
};
use skvm_core::host::{Interpreter, OsFamily, PackageManager};

use super::super::{marker, version};
use super::{GUESS, PackageIndex, Planner, PythonPlace, action, is_direct, run, texts};

pub(super) const ENVIRONMENT: &str = "python-environment";
const PACKAGES: &str = "python-packages";

/// Ends well when every distribution that its arguments require is installed.
const INSTALLED: &str = "\
import importlib.metadata as m, re, sys
for r in sys.argv[1:]:
    v = m.version(re.split(r'[^A-Za-z0-9._-]', r, maxsplit=1)[0])
    try:
        from packaging.requirements import Requirement
    except ImportError:
        try:
            from pip._vendor.packaging.requirements import Requirement
        except ImportError:
            continue
    if not Requirement(r).specifier.contains(v, prereleases=True):
        sys.exit(r + ' is required and ' + v + ' is installed')
";

/// Ends well when every module that its arguments name can be imported.
const IMPORTED: &str = "\
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
";

impl Planner<'_> {
    pub(super) fn python(&mut self) {
        let (mut required, mut optional) = (Vec::new(), Vec::new());
        for dependency in self.sure(Kind::Python) {
            if self.decided(dependency) == Some(false) {
                continue;
            }
            if is_direct(dependency) {
                self.of_no_registry(dependency);
            } else if dependency.optional || dependency.confidence < GUESS {
                optional.push(dependency);
            } else {
                required.push(dependency);
            }
        }
        if required.is_empty() && optional.is_empty() {
            return;
        }
        let Some(interpreter) = self.python_environment() else {
            for dependency in required.into_iter().chain(optional) {
                let advice = format!("install a Python that fits, then {}", dependency.name);
                self.manual(dependency, ManualReason::Runtime, advice, None);
            }
            return;
        };
        if !required.is_empty() {
            self.python_packages(PACKAGES.to_owned(), &required, &interpreter, false);
        }
        for dependency in optional {
            let id = format!("{PACKAGES}-{}", dependency.name);
            self.python_packages(id, &[dependency], &interpreter, true);
        }
    }

    /// The interpreter that distributions are installed for; `None` when there is none that fits.
    pub(super) fn python_environment(&mut self) -> Option<Word> {
        let (demanded, fits) = (self.demanded("python"), self.fitting_python());
        if self.options.python == PythonPlace::Host {
            return fits.map(|python| Word::text(&python.program));
        }
        let interpreter = Word::in_environment(match self.host.os {
            OsFamily::Windows => "python/Scripts/python.exe",
            OsFamily::Linux | OsFamily::MacOs | OsFamily::Other => "python/bin/python",
        });
        if self.actions.iter().any(|action| action.id == ENVIRONMENT) {
            return Some(interpreter);
        }
        let folder = Word::in_environment("python");
        let argv = match (self.has_uv(), fits, demanded) {
            (true, Some(python), _) => {
                let mut argv = texts(["uv", "venv", "--python", &python.program, "--"]);
                argv.push(folder);
                argv
            }
            (false, Some(python), _) => {
                let mut argv = texts([&python.program, "-m", "venv"]);
                argv.push(folder);
                argv
            }
            // uv fetches an interpreter that fits.
            (true, None, demanded) => {
                let demanded = demanded.unwrap_or("3");
                let mut argv = texts(["uv", "venv", "--python", demanded, "--"]);
                argv.push(folder);
                argv
            }
            (false, None, _) => return None,
        };
        let mut made = action(ENVIRONMENT, ActionKind::PythonEnvironment, Scope::Skill, argv);
        if self.has_uv() {
            // An interpreter that uv fetches lies in the environment too, and a broken one is replaced.
            let interpreters = Word::in_environment("interpreters");
            made.variables.insert("UV_PYTHON_INSTALL_DIR".to_owned(), interpreters);
            made.variables.insert("UV_VENV_CLEAR".to_owned(), Word::text("1"));
        }
        made.dependencies.push("runtime:python".to_owned());
        let there = Check::File { path: interpreter.clone() };
        let works = run(vec![interpreter.clone(), Word::text("-V")]);
        made.check.extend([there, works.clone()]);
        made.verify.push(works);
        self.actions.push(made);
        Some(interpreter)
    }

    /// The host's Python when it is one that the skill can do with.
    fn fitting_python(&self) -> Option<&Interpreter> {
        let demanded = self.demanded("python");
        self.host.python.as_ref().filter(|python| {
            demanded.is_none_or(|demanded| {
                version::python_satisfies(&python.version, demanded).unwrap_or(true)
            })
        })
    }

    /// Whether distributions can be installed.
    pub(super) fn has_python(&self) -> bool {
        self.fitting_python().is_some()
            || (self.has_uv() && self.options.python == PythonPlace::Own)
    }

    /// Whether the condition of a distribution holds; `None` when only the installer can tell: the facts do
    /// not say, or another Python than the host's will be asked.
    fn decided(&self, dependency: &Dependency) -> Option<bool> {
        let Some(marker) = dependency.marker.as_deref() else { return Some(true) };
        self.fitting_python().and_then(|_| marker::holds(marker, self.host))
    }

    fn has_uv(&self) -> bool {
        self.host.managers.contains(&PackageManager::Uv)
    }

    fn python_packages(
        &mut self,
        id: String,
        dependencies: &[&Dependency],
        interpreter: &Word,
        optional: bool,
    ) {
        let requirements: Vec<String> =
            dependencies.iter().map(|dependency| self.python_requirement(dependency)).collect();
        let mut made = self.python_install(id, &requirements, interpreter);
        made.optional = optional;
        made.dependencies = dependencies.iter().map(|dependency| dependency.id()).collect();
        // What the installer may leave out, by its own decision, is not looked for afterwards.
        let decided = || dependencies.iter().filter(|d| self.decided(d).is_some());
        let looked_for: Vec<String> = decided().map(|d| self.python_requirement(d)).collect();
        if looked_for.is_empty() {
            // Only the installer knows whether there is anything to do.
            made.check.push(run(texts(["false"])));
        } else {
            let installed = called(interpreter, INSTALLED, &looked_for);
            made.check.push(installed.clone());
            made.verify.push(installed);
        }
        let modules: Vec<String> = decided()
            .filter(|dependency| {
                dependency.evidence.iter().any(|e| e.source == DependencySource::Import)
            })
            .flat_map(|dependency| dependency.provides.iter().cloned())
            .collect();
        if !modules.is_empty() {
            made.verify.push(called(interpreter, IMPORTED, &modules));
        }
        self.actions.push(made);
    }

    /// An action that installs requirements for an interpreter.
    pub(super) fn python_install(
        &self,
        id: String,
        requirements: &[String],
        interpreter: &Word,
    ) -> skvm_core::artifact::Action {
        let own = self.options.python == PythonPlace::Own;
        let mut argv = if self.has_uv() {
            let mut argv = texts(["uv", "pip", "install", "--python"]);
            argv.push(interpreter.clone());
            argv
        } else {
            let mut argv = vec![interpreter.clone()];
            argv.extend(texts([
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--no-input",
            ]));
            argv
        };
        if let PackageIndex::Folder(folder) = &self.options.index {
            argv.extend(texts(["--no-index", "--find-links"]));
            argv.push(Word::text(folder.to_string_lossy()));
        }
        argv.push(Word::text("--"));
        argv.extend(requirements.iter().map(Word::text));
        let scope = if own { Scope::Skill } else { Scope::Machine };
        let mut made = action(id, ActionKind::PythonPackages, scope, argv);
        if own {
            made.after.push(ENVIRONMENT.to_owned());
        }
        made
    }

    /// The requirement as pip reads it, with its marker where that is not decided.
    fn python_requirement(&self, dependency: &Dependency) -> String {
        let mut text = dependency.name.clone();
        if !dependency.extras.is_empty() {
            text = format!("{text}[{}]", dependency.extras.join(","));
        }
        text.push_str(dependency.requirement.as_deref().unwrap_or(""));
        if let (None, Some(marker)) = (self.decided(dependency), &dependency.marker) {
            text = format!("{text} ; {marker}");
        }
        text
    }
}

/// A constant program with values as its arguments.
fn called(interpreter: &Word, program: &str, arguments: &[String]) -> Check {
    // Isolated: neither the working directory nor the caller's variables put modules in the way.
    let mut argv = vec![interpreter.clone()];
    argv.extend(texts(["-I", "-c", program]));
    argv.extend(arguments.iter().map(Word::text));
    run(argv)
}
