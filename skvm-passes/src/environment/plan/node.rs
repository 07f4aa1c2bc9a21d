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
                self.of_no_registry(dependency);
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
}
