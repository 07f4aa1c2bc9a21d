//! The `environment` pass (PASS-2): what a skill needs on the machine.
//!
//! # What it does
//! Writes [`Dependencies`], merged from what is declared (front matter, requirements files,
//! `pyproject.toml`, script metadata, `package.json`, install commands), what is used (imports,
//! commands, interpreters, variables, hosts, files that the bundle lacks) and what the text names as a
//! prerequisite; and what runs failed for want of, where the skill or what is generally known speaks for it.
//! Every entry keeps its evidence. A declaration wins over a name inferred from an import;
//! the standard library, the skill's own modules, shell builtins and core utilities are no
//! dependencies. Demands on a version are joined; those that do not agree are told.
//!
//! When the unit's host is known it also writes the [`EnvironmentPlan`] for it, out of which
//! [`scripts`] makes shell scripts and `skvm-runtime` an environment.
//!
//! # Requires
//! The [`CodeIndex`].
//!
//! # Preserves
//! The text: this pass makes no edit.
//!
//! # Cost
//! Linear in what the `code` pass found.

mod collector;
mod declared;
mod learned;
mod marker;
mod names;
mod plan;
mod prose;
mod requirement;
mod script;
mod used;
mod version;

use async_trait::async_trait;
use skvm_core::artifact::{
    Artifact, ArtifactKey, CodeIndex, Dependencies, DependencyKind, EnvironmentPlan,
};
use skvm_core::diagnostic::Diagnostic;
use skvm_core::failure::Lesson;
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::Skill;

use collector::Collector;
pub(crate) use names::python::is_stdlib as is_python_stdlib;
pub use plan::{PackageIndex, PlanOptions, PythonPlace, plan};
pub use script::{EnvironmentScripts, scripts};

/// See the [module](self).
#[derive(Debug, Clone, Default)]
pub struct EnvironmentPass {
    options: PlanOptions,
}

impl EnvironmentPass {
    /// The pass, whose plans are made with these options.
    #[must_use]
    pub fn new(options: PlanOptions) -> Self {
        Self { options }
    }
}

#[async_trait]
impl Pass for EnvironmentPass {
    fn id(&self) -> PassId {
        PassId::new("environment")
    }

    fn version(&self) -> u32 {
        2
    }

    fn configuration(&self) -> String {
        if self.options == PlanOptions::default() {
            return String::new();
        }
        // The type holds nothing that serde_json refuses.
        serde_json::to_string(&self.options).unwrap_or_default()
    }

    fn reads(&self) -> &'static [ArtifactKey] {
        &[CodeIndex::KEY]
    }

    fn heeds_lessons(&self) -> bool {
        true
    }

    fn writes(&self) -> &'static [ArtifactKey] {
        &[Dependencies::KEY, EnvironmentPlan::KEY]
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        let code = cx.artifact::<CodeIndex>()?.unwrap_or_default();
        let lessons = cx.lessons().map(|lessons| lessons.lessons.as_slice()).unwrap_or_default();
        let (dependencies, diagnostics) = find(cx.skill(), &code, lessons);
        diagnostics.into_iter().for_each(|diagnostic| cx.diagnose(diagnostic));
        if let Some(host) = cx.host() {
            cx.put(plan(&dependencies, host, &self.options))?;
        }
        cx.put(dependencies)
    }
}

/// The dependencies of a skill whose code is already read.
#[must_use]
pub fn dependencies(skill: &Skill, code: &CodeIndex) -> Dependencies {
    find(skill, code, &[]).0
}

/// The dependencies of a skill, and what is to be told of them.
fn find(skill: &Skill, code: &CodeIndex, lessons: &[Lesson]) -> (Dependencies, Vec<Diagnostic>) {
    let mut collector = Collector::new(skill);
    // Who uses something is matched with what is declared, so that comes first.
    declared::collect(skill, code, &mut collector);
    used::collect(skill, code, &mut collector);
    prose::collect(skill, &mut collector);
    declared::python::remove_own(skill, &mut collector);
    let refused = learned::collect(skill, lessons, &mut collector);
    let (mut dependencies, mut diagnostics) = collector.finish();
    diagnostics.extend(refused);
    name_packages(&mut dependencies);
    (dependencies, diagnostics)
}

/// Tells of each program which of the skill's own packages brings it, going by their names.
fn name_packages(dependencies: &mut Dependencies) {
    use DependencyKind as Kind;
    use skvm_core::artifact::Package;
    use skvm_core::host::PackageManager as Manager;

    let mut brought: Vec<(String, Package)> = Vec::new();
    for dependency in &dependencies.entries {
        // What the registry has under the name of what comes from an address is something else.
        if dependency.requirement.as_deref().is_some_and(|known| known.starts_with('@')) {
            continue;
        }
        let manager = match dependency.kind {
            Kind::Npm => Manager::Npm,
            Kind::Python => Manager::Pip,
            Kind::Cargo => Manager::Cargo,
            Kind::Go => Manager::Go,
            Kind::Gem => Manager::Gem,
            _ => continue,
        };
        let last = dependency.name.rsplit('/').next().unwrap_or(&dependency.name);
        let package = Package { manager, name: dependency.name.clone() };
        let provides = dependency
            .provides
            .iter()
            .filter(|_| matches!(dependency.kind, Kind::Cargo | Kind::Go | Kind::Gem));
        let programs = provides.cloned().chain([last.to_owned(), requirement::normalised(last)]);
        brought.extend(programs.map(|program| (program, package.clone())));
    }
    for program in dependencies.entries.iter_mut().filter(|entry| entry.kind == Kind::Program) {
        for (_, package) in brought.iter().filter(|(name, _)| *name == program.name) {
            if !program.packages.contains(package) {
                program.packages.push(package.clone());
            }
        }
    }
}
