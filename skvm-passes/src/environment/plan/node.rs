//! npm packages under a prefix of the skill's own.

use skvm_core::artifact::{
    Action, ActionKind, Check, Dependency, DependencyKind as Kind, DependencySource, ManualReason,
    Scope, Word,
};
use skvm_core::host::PackageManager;

use super::super::version;
use super::{Planner, action, is_direct, texts};

const PACKAGES: &str = "npm-packages";

/// The folder of npm's prefix below the environment.
const PREFIX: &str = "npm";

/// Ends well when every module that its arguments name can be imported from where it runs.
const IMPORTED: &str = "for (const name of process.argv.slice(1)) await import(name);";

impl Planner<'_> {
    pub(super) fn node(&mut self) {
        let (mut required, mut optional) = (Vec::new(), Vec::new());
        for dependency in self.sure(Kind::Npm) {
            if is_direct(dependency) {
                let address = dependency.requirement.as_deref().unwrap_or("");
                let advice = format!(
                    "install {} from {} after a look at it; it comes from no registry",
                    dependency.name,
                    address.trim_start_matches('@').trim()
                );
                self.manual(dependency, ManualReason::Source, advice, None);
            } else if dependency.optional {
                optional.push(dependency);
            } else {
                required.push(dependency);
            }
        }
        if required.is_empty() && optional.is_empty() {
            return;
        }
        if !self.has_npm() {
            for dependency in required.into_iter().chain(optional) {
                let advice =
                    format!("install a Node.js that fits, with npm, then {}", dependency.name);
                self.manual(dependency, ManualReason::Runtime, advice, None);
            }
            return;
        }
        if !required.is_empty() {
            self.npm_packages(PACKAGES.to_owned(), &required, false);
        }
        for dependency in optional {
            let id = format!("{PACKAGES}-{}", dependency.name);
            self.npm_packages(id, &[dependency], true);
        }
    }

    /// Whether npm packages can be installed: there is npm, and a Node.js that fits.
    pub(super) fn has_npm(&self) -> bool {
        let demanded = self.demanded("node");
        self.host.managers.contains(&PackageManager::Npm)
            && self.host.node.as_ref().is_some_and(|node| {
                demanded.is_none_or(|demanded| {
                    version::npm_satisfies(&node.version, demanded).unwrap_or(true)
                })
            })
    }

    fn npm_packages(&mut self, id: String, dependencies: &[&Dependency], optional: bool) {
        let specifiers: Vec<String> = dependencies
            .iter()
            .map(|dependency| match &dependency.requirement {
                Some(range) => format!("{}@{range}", dependency.name),
                None => dependency.name.clone(),
            })
            .collect();
        let mut made = self.npm_install(id, &specifiers);
        made.optional = optional;
        made.dependencies = dependencies.iter().map(|dependency| dependency.id()).collect();
        for dependency in dependencies {
            let path = format!("{PREFIX}/node_modules/{}/package.json", dependency.name);
            let installed = Check::File { path: Word::in_environment(path) };
            made.check.push(installed.clone());
            made.verify.push(installed);
        }
        let imported = dependencies.iter().filter(|dependency| {
            dependency.evidence.iter().any(|e| e.source == DependencySource::Import)
        });
        let names: Vec<&str> = imported
            .flat_map(|dependency| dependency.provides.iter().map(String::as_str))
            .collect();
        if let Some(node) = self.host.node.as_ref().filter(|_| !names.is_empty()) {
            let mut argv = texts([&node.program, "--input-type=module", "-e", IMPORTED, "--"]);
            argv.extend(texts(names));
            made.verify.push(Check::Run { argv, folder: Some(Word::in_environment(PREFIX)) });
        }
        self.actions.push(made);
    }

    /// An action that installs packages.
    pub(super) fn npm_install(&self, id: String, specifiers: &[String]) -> Action {
        let mut argv = texts(["npm", "install", "--prefix"]);
        argv.push(Word::in_environment(PREFIX));
        argv.extend(texts(["--no-audit", "--no-fund", "--loglevel=error"]));
        if !self.options.npm_scripts {
            argv.push(Word::text("--ignore-scripts"));
        }
        argv.push(Word::text("--"));
        argv.extend(specifiers.iter().map(Word::text));
        action(id, ActionKind::NpmPackages, Scope::Skill, argv)
    }

    /// Crates, Go modules and gems that bring a program.
    pub(super) fn tools(&mut self) {
        for kind in [Kind::Cargo, Kind::Go, Kind::Gem] {
            for dependency in self.sure(kind) {
                self.tool(dependency);
            }
        }
    }

    fn tool(&mut self, dependency: &Dependency) {
        let version = dependency.requirement.as_deref();
        let (manager, argv) = match dependency.kind {
            Kind::Cargo => {
                let mut argv = texts(["cargo", "install", "--locked", "--root"]);
                argv.push(Word::in_environment(""));
                argv.extend(version.into_iter().flat_map(|v| texts(["--version", v])));
                argv.extend(texts(["--", &dependency.name]));
                (PackageManager::Cargo, argv)
            }
            Kind::Go => {
                let module = format!("{}@{}", dependency.name, version.unwrap_or("latest"));
                (PackageManager::Go, texts(["go", "install", &module]))
            }
            _ => {
                let mut argv = texts(["gem", "install", "--no-document", "--install-dir"]);
                argv.push(Word::in_environment("gems"));
                argv.push(Word::text("--bindir"));
                argv.push(Word::in_environment("bin"));
                argv.extend(version.into_iter().flat_map(|v| texts(["--version", v])));
                argv.push(Word::text(&dependency.name));
                (PackageManager::Gem, argv)
            }
        };
        let programs: Vec<Check> = dependency
            .provides
            .iter()
            .map(|name| Check::Program { name: name.clone(), version: Vec::new() })
            .collect();
        if !self.host.managers.contains(&manager) {
            let advice = format!("install {manager}, then {} with it", dependency.name);
            let check = programs.first().cloned();
            return self.manual(dependency, ManualReason::UnknownSource, advice, check);
        }
        if programs.is_empty() {
            // Without a program nothing shows whether it is there.
            let advice = format!("install {} with {manager}", dependency.name);
            return self.manual(dependency, ManualReason::UnknownSource, advice, None);
        }
        let id = format!("{manager}-{}", dependency.name);
        let mut made = action(id, ActionKind::Tool, Scope::Skill, argv);
        if manager == PackageManager::Go {
            made.variables.insert("GOBIN".to_owned(), Word::in_environment("bin"));
        }
        if manager == PackageManager::Gem {
            made.variables.insert("GEM_HOME".to_owned(), Word::in_environment("gems"));
        }
        made.optional = dependency.optional;
        made.dependencies.push(dependency.id());
        made.check.clone_from(&programs);
        made.verify = programs;
        self.actions.push(made);
    }
}
