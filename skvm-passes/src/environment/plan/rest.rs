//! What no package manager gives: runtimes, values, services, files.

use skvm_core::artifact::{Check, Dependency, DependencyKind as Kind, ManualReason};
use skvm_core::host::{HostFacts, OsFamily, PackageManager};

use super::super::version;
use super::Planner;
use super::programs::on_path;

impl Planner<'_> {
    pub(super) fn rest(&mut self) {
        let all = self.dependencies.clone();
        self.systems(&all);
        for dependency in all {
            let name = &dependency.name;
            match dependency.kind {
                Kind::Runtime => self.runtime(dependency),
                Kind::EnvironmentVariable => {
                    let how = match dependency.secret {
                        true => "it is a secret, so keep it out of the skill's files",
                        false => "the skill tells what it is for",
                    };
                    let advice = format!("set the environment variable {name}; {how}");
                    let check = Check::Variable { name: name.clone() };
                    self.manual(dependency, ManualReason::Value, advice, Some(check));
                }
                Kind::Service => {
                    let advice = format!("have {name} running");
                    self.manual(dependency, ManualReason::Service, advice, None);
                }
                Kind::McpServer => {
                    let advice = format!("connect the MCP server {name} to the agent");
                    self.manual(dependency, ManualReason::Service, advice, None);
                }
                Kind::Download => {
                    let advice = format!("look at {name}, and install it if you trust it");
                    self.manual(dependency, ManualReason::Download, advice, None);
                }
                Kind::BundleFile => {
                    let advice = format!("the skill names the file {name} and does not bring it");
                    self.manual(dependency, ManualReason::BundleFile, advice, None);
                }
                Kind::Python
                | Kind::Npm
                | Kind::Cargo
                | Kind::Go
                | Kind::Gem
                | Kind::Program
                | Kind::SystemPackage
                | Kind::OperatingSystem
                | Kind::NetworkHost => {}
            }
        }
    }

    /// A runtime that the host has in a version that fits needs nothing.
    fn runtime(&mut self, dependency: &Dependency) {
        let (found, satisfies): (_, fn(&str, &str) -> Option<bool>) = match dependency.name.as_str()
        {
            "python" => (&self.host.python, |v, demanded| {
                version::python_satisfies(v, demanded)
                    .or_else(|| version::npm_satisfies(v, demanded))
            }),
            _ => (&self.host.node, version::npm_satisfies),
        };
        let demanded = dependency.requirement.as_deref();
        let (advice, check) = match (found, demanded) {
            (Some(_), None) => return self.spellings(dependency),
            (Some(found), Some(demanded)) => {
                if satisfies(&found.version, demanded) != Some(false) {
                    return self.spellings(dependency);
                }
                let name = &dependency.name;
                (format!("install {name} {demanded}; {} was found", found.version), None)
            }
            (None, demanded) => {
                let demanded = demanded.unwrap_or("");
                let program = if dependency.name == "python" { "python3" } else { "node" };
                let advice = format!("install {} {demanded}", dependency.name);
                (advice.trim().to_owned(), Some(on_path(program)))
            }
        };
        self.manual(dependency, ManualReason::Runtime, advice, check);
    }

    /// The programs by which the skill calls a runtime that is there, where the facts do not show them:
    /// `python` can be missing beside `python3`, and `npm` beside `node`. An environment of the skill's own
    /// has all of Python's.
    fn spellings(&mut self, dependency: &Dependency) {
        let has_own = self.actions.iter().any(|action| action.id == super::python::ENVIRONMENT);
        if dependency.name == "python" && has_own {
            return;
        }
        let has_npm = self.host.managers.contains(&PackageManager::Npm);
        for name in &dependency.provides {
            let is_shown = match name.as_str() {
                "npm" | "npx" => has_npm,
                "python" | "py" => false,
                _ => true,
            };
            if is_shown {
                continue;
            }
            let advice = format!("have {name} on the PATH; {} is there", dependency.name);
            self.manual(dependency, ManualReason::Runtime, advice, Some(on_path(name)));
        }
    }

    /// A skill that names operating systems works on those.
    fn systems(&mut self, all: &[&Dependency]) {
        let named: Vec<&&Dependency> =
            all.iter().filter(|dependency| dependency.kind == Kind::OperatingSystem).collect();
        if named.iter().any(|dependency| is_system(self.host, &dependency.name)) {
            return;
        }
        for dependency in named {
            let advice = format!("the skill is for {}, and this machine is not", dependency.name);
            self.manual(dependency, ManualReason::OperatingSystem, advice, None);
        }
    }
}

fn is_system(host: &HostFacts, word: &str) -> bool {
    OsFamily::from_word(word) == Some(host.os)
}
