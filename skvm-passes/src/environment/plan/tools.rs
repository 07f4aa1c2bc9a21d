//! Crates, Go modules and gems that bring a program, below the environment.

use skvm_core::artifact::{
    Action, ActionKind, Check, Dependency, DependencyKind as Kind, ManualReason, Scope, Word,
};
use skvm_core::host::PackageManager;

use super::{Planner, action, texts};

impl Planner<'_> {
    pub(super) fn tools(&mut self) {
        for kind in [Kind::Cargo, Kind::Go, Kind::Gem] {
            for dependency in self.sure(kind) {
                self.tool(dependency);
            }
        }
    }

    fn tool(&mut self, dependency: &Dependency) {
        let Dependency { name, .. } = dependency;
        let manager = match dependency.kind {
            Kind::Cargo => PackageManager::Cargo,
            Kind::Go => PackageManager::Go,
            _ => PackageManager::Gem,
        };
        let programs: Vec<Check> = dependency
            .provides
            .iter()
            .map(|name| Check::Program { name: name.clone(), version: Vec::new() })
            .collect();
        if !self.host.managers.contains(&manager) {
            let advice = format!("install {manager}, then {name} with it");
            let check = programs.first().cloned();
            return self.manual(dependency, ManualReason::UnknownSource, advice, check);
        }
        if programs.is_empty() {
            // Without a program nothing shows whether it is there.
            let advice = format!("install {name} with {manager}");
            return self.manual(dependency, ManualReason::UnknownSource, advice, None);
        }
        let id = format!("{manager}-{name}");
        let version = dependency.requirement.as_deref();
        let mut made = match dependency.kind {
            Kind::Cargo => cargo(id, name, version),
            Kind::Go => go(id, name, version),
            _ => gem(id, name, version),
        };
        made.optional = dependency.optional;
        made.dependencies.push(dependency.id());
        made.check.clone_from(&programs);
        made.verify = programs;
        self.actions.push(made);
    }
}

pub(super) fn cargo(id: String, name: &str, version: Option<&str>) -> Action {
    let mut argv = texts(["cargo", "install", "--locked", "--root"]);
    argv.push(Word::in_environment(""));
    argv.extend(version.into_iter().flat_map(|version| texts(["--version", version])));
    argv.extend(texts(["--", name]));
    action(id, ActionKind::Tool, Scope::Skill, argv)
}

pub(super) fn go(id: String, module: &str, version: Option<&str>) -> Action {
    let module = format!("{module}@{}", version.unwrap_or("latest"));
    let argv = texts(["go", "install", &module]);
    let mut made = action(id, ActionKind::Tool, Scope::Skill, argv);
    made.variables.insert("GOBIN".to_owned(), Word::in_environment("bin"));
    made
}

fn gem(id: String, name: &str, version: Option<&str>) -> Action {
    let mut argv = texts(["gem", "install", "--no-document", "--install-dir"]);
    argv.push(Word::in_environment("gems"));
    argv.push(Word::text("--bindir"));
    argv.push(Word::in_environment("bin"));
    argv.extend(version.into_iter().flat_map(|version| texts(["--version", version])));
    argv.push(Word::text(name));
    let mut made = action(id, ActionKind::Tool, Scope::Skill, argv);
    made.variables.insert("GEM_HOME".to_owned(), Word::in_environment("gems"));
    made
}
