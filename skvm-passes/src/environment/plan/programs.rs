//! Programs and packages of the operating system.

use skvm_core::artifact::{
    ActionKind, Check, Dependency, DependencyKind as Kind, ManualReason, Package, Scope, Word,
};
use skvm_core::host::PackageManager;

use super::super::names::program;
use super::super::requirement;
use super::{Planner, action, run, texts, tools};

const LISTS: &str = "package-lists";

/// In which order ways to install a program are tried: first those that change nothing but the skill's
/// own environment, last those that build it.
const ORDER: [PackageManager; 8] = [
    PackageManager::Npm,
    PackageManager::Pip,
    PackageManager::Apt,
    PackageManager::Apk,
    PackageManager::Dnf,
    PackageManager::Brew,
    PackageManager::Go,
    PackageManager::Cargo,
];

impl Planner<'_> {
    /// Libraries, fonts and the like.
    pub(super) fn system_packages(&mut self) {
        for dependency in self.sure(Kind::SystemPackage) {
            let packages = dependency.packages.iter();
            let usable = packages.clone().find(|package| {
                self.host.managers.contains(&package.manager) && !is_foreign(package)
            });
            let Some(package) = usable else {
                let names: Vec<String> =
                    packages.map(|p| format!("{} ({})", p.name, p.manager)).collect();
                let advice = format!("install what {} is here", names.join(" or "));
                self.manual(dependency, ManualReason::UnknownSource, advice, None);
                continue;
            };
            let checks = match dependency.provides.as_slice() {
                [] => vec![installed(package)],
                programs => programs.iter().map(|name| on_path(name)).collect(),
            };
            self.system_package(dependency, package, checks);
        }
    }

    fn system_package(&mut self, dependency: &Dependency, package: &Package, checks: Vec<Check>) {
        let Some(argv) = system_install(package) else { return };
        let needs_root = package.manager != PackageManager::Brew;
        if needs_root && !self.host.is_root {
            let words: Vec<&str> = argv.iter().map(String::as_str).collect();
            let advice = format!("install it as the superuser: sudo {}", words.join(" "));
            let check = checks.first().cloned();
            return self.manual(dependency, ManualReason::Privileges, advice, check);
        }
        let id = format!("{}-{}", package.manager, package.name);
        if let Some(known) = self.actions.iter_mut().find(|action| action.id == id) {
            known.dependencies.push(dependency.id());
            known.optional &= dependency.optional;
            known.check.extend(checks.iter().cloned());
            known.verify.extend(checks);
            return;
        }
        let argv = argv.into_iter().map(Word::Text).collect();
        let mut made = action(id, ActionKind::SystemPackages, Scope::Machine, argv);
        made.dependencies.push(dependency.id());
        made.optional = dependency.optional;
        made.check.clone_from(&checks);
        made.verify = checks;
        if package.manager == PackageManager::Apt {
            made.variables.insert("DEBIAN_FRONTEND".to_owned(), Word::text("noninteractive"));
            made.after.push(LISTS.to_owned());
            self.package_lists(&package.name);
        }
        self.actions.push(made);
    }

    /// The lists of packages are fetched when they lack one that is to be installed, and not otherwise.
    fn package_lists(&mut self, package: &str) {
        let package = &apt_name(package);
        if let Some(lists) = self.actions.iter_mut().find(|action| action.id == LISTS) {
            if let Some(Check::Run { argv, .. }) = lists.check.first_mut() {
                argv.push(Word::text(package));
            }
            return;
        }
        let argv = texts(["apt-get", "update"]);
        let mut lists = action(LISTS, ActionKind::PackageLists, Scope::Machine, argv);
        let simulated =
            ["apt-get", "install", "--simulate", "--no-install-recommends", "--", package];
        lists.check.push(run(texts(simulated)));
        self.actions.push(lists);
    }

    pub(super) fn programs(&mut self) {
        let all: Vec<&Dependency> =
            self.dependencies.iter().copied().filter(|d| d.kind == Kind::Program).collect();
        for dependency in all {
            let check = on_path(&dependency.name);
            if self.comes_with_a_package(dependency, &check) {
                continue;
            }
            // What the skill tells comes before what is well known.
            let mut known = dependency.packages.clone();
            known.extend(program::packages(&dependency.name));
            let sure = dependency.confidence >= super::LEAST_CONFIDENCE;
            let way = ORDER.iter().filter(|_| sure).find_map(|manager| {
                let mut packages = known.iter().filter(|p| p.manager == *manager);
                packages.find(|package| self.can_use(package.manager) && !is_foreign(package))
            });
            match way {
                Some(package) => self.program(dependency, package, check),
                None => {
                    let mut ways: Vec<String> =
                        known.iter().map(|p| format!("{} ({})", p.name, p.manager)).collect();
                    ways.dedup();
                    let advice = match ways.as_slice() {
                        [] => format!("install {}; no package of it is known", dependency.name),
                        ways => format!("install {}: {}", dependency.name, ways.join(" or ")),
                    };
                    self.manual(dependency, ManualReason::UnknownSource, advice, Some(check));
                }
            }
        }
    }

    /// Whether a program comes with a package that the plan installs anyway; its check then belongs to
    /// that action.
    fn comes_with_a_package(&mut self, dependency: &Dependency, check: &Check) -> bool {
        let known = program::packages(&dependency.name);
        let owners: Vec<String> =
            dependency.packages.iter().chain(&known).filter_map(owner).collect();
        let with = self.actions.iter_mut().find(|action| {
            action.dependencies.iter().any(|id| owners.contains(id))
                && action.kind != ActionKind::SystemPackages
        });
        let Some(with) = with else { return false };
        with.dependencies.push(dependency.id());
        if !with.verify.contains(check) && (!dependency.optional || with.optional) {
            with.verify.push(check.clone());
        }
        true
    }

    fn can_use(&self, manager: PackageManager) -> bool {
        match manager {
            PackageManager::Npm => self.has_npm(),
            PackageManager::Pip => self.has_python(),
            _ => self.host.managers.contains(&manager),
        }
    }

    fn program(&mut self, dependency: &Dependency, package: &Package, check: Check) {
        let id = format!("program-{}", dependency.name);
        let mut made = match package.manager {
            PackageManager::Npm => self.npm_install(id, std::slice::from_ref(&package.name)),
            PackageManager::Pip | PackageManager::Uv => {
                let Some(interpreter) = self.python_environment() else {
                    let advice = format!("install a Python that fits, then {}", package.name);
                    return self.manual(dependency, ManualReason::Runtime, advice, Some(check));
                };
                self.python_install(id, std::slice::from_ref(&package.name), &interpreter)
            }
            PackageManager::Cargo => tools::cargo(id, &package.name, None),
            PackageManager::Go => match package.name.split_once('@') {
                Some((module, version)) => tools::go(id, module, Some(version)),
                None => tools::go(id, &package.name, None),
            },
            PackageManager::Apt
            | PackageManager::Dnf
            | PackageManager::Apk
            | PackageManager::Brew
            | PackageManager::Gem => {
                return self.system_package(dependency, package, vec![check]);
            }
        };
        made.dependencies.push(dependency.id());
        made.optional = dependency.optional;
        made.check = vec![check.clone()];
        made.verify = vec![check];
        self.actions.push(made);
    }
}

/// Whether a package is of a tap that anybody can make, and not of Homebrew's own.
fn is_foreign(package: &Package) -> bool {
    package.manager == PackageManager::Brew && package.name.contains('/')
}

/// The id of the dependency that a package of a language's registry is.
fn owner(package: &Package) -> Option<String> {
    let kind = match package.manager {
        PackageManager::Npm => Kind::Npm,
        PackageManager::Pip | PackageManager::Uv => Kind::Python,
        PackageManager::Cargo => Kind::Cargo,
        PackageManager::Go => Kind::Go,
        PackageManager::Gem => Kind::Gem,
        PackageManager::Apt | PackageManager::Dnf | PackageManager::Apk | PackageManager::Brew => {
            return None;
        }
    };
    Some(format!("{}:{}", kind.as_str(), package.name))
}

pub(super) fn on_path(name: &str) -> Check {
    Check::Program { name: name.to_owned(), version: program::version_arguments(name) }
}

/// The command that installs a package of the operating system.
fn system_install(package: &Package) -> Option<Vec<String>> {
    if !requirement::is_system_name(&package.name) {
        return None;
    }
    let words: &[&str] = match package.manager {
        PackageManager::Apt => &["apt-get", "install", "-y", "--no-install-recommends", "--"],
        PackageManager::Dnf => &["dnf", "install", "-y", "--"],
        PackageManager::Apk => &["apk", "add", "--no-cache", "--"],
        PackageManager::Brew => &["brew", "install", "--"],
        PackageManager::Uv
        | PackageManager::Pip
        | PackageManager::Npm
        | PackageManager::Cargo
        | PackageManager::Go
        | PackageManager::Gem => return None,
    };
    let words = words.iter().map(|word| (*word).to_owned());
    let name = match package.manager {
        PackageManager::Apt => apt_name(&package.name),
        _ => package.name.clone(),
    };
    Some(words.chain([name]).collect())
}

/// A name as apt takes it: one with a dot that it does not know it would read as a regular expression, so
/// it is given as one that means just this name.
fn apt_name(name: &str) -> String {
    if name.contains('.') {
        format!("^{}$", name.replace('.', "\\.").replace('+', "\\+"))
    } else {
        name.to_owned()
    }
}

/// Asks the package manager whether a package is installed.
fn installed(package: &Package) -> Check {
    let words: &[&str] = match package.manager {
        PackageManager::Dnf => &["rpm", "-q", "--"],
        PackageManager::Apk => &["apk", "info", "-e", "--"],
        PackageManager::Brew => &["brew", "list", "--versions", "--"],
        _ => &["dpkg", "-s", "--"],
    };
    run(texts(words.iter().copied().chain([package.name.as_str()])))
}
