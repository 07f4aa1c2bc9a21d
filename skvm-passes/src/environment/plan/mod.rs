//! From what a skill needs to what is to be done on one machine.

mod node;
mod programs;
mod python;
mod rest;
mod tools;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use skvm_core::artifact::{
    Action, ActionKind, Check, Dependencies, Dependency, DependencyKind as Kind, EnvironmentPlan,
    ManualReason, ManualStep, Scope, Word,
};
use skvm_core::host::HostFacts;

use super::requirement;

/// Less sure dependencies are not installed. A prerequisite that only the prose names, and an npm package
/// that only an example in the text imports, lie below it.
const LEAST_CONFIDENCE: f32 = 0.6;

/// What is less sure is a guess: a module's name taken for that of a distribution. It is installed by
/// itself, so that a wrong guess fails nothing else.
const GUESS: f32 = 0.8;

/// How plans are made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanOptions {
    /// Where Python distributions go. Default: an environment of the skill's own.
    pub python: PythonPlace,
    /// Where Python distributions come from. Default: the registry that the tools are set up for.
    pub index: PackageIndex,
    /// Whether npm packages may run scripts of their own while they are installed. Default: no.
    pub npm_scripts: bool,
}

/// Where Python distributions go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PythonPlace {
    /// A virtual environment of the skill's own.
    #[default]
    Own,
    /// The host's Python, for everybody who uses it.
    Host,
}

/// Where Python distributions come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageIndex {
    /// The registry that the tools are set up for.
    #[default]
    Registry,
    /// A folder of wheels and nothing else.
    Folder(PathBuf),
}

/// What is to be done on a machine for a skill that needs these dependencies. The same input gives the
/// same plan; nothing is run to make it.
///
/// Names reach an action only in the form that their kind has (PEP 508, npm, Go modules, words without a
/// leading dash), each as one argument, and behind `--` where the program knows that.
#[must_use]
pub fn plan(
    dependencies: &Dependencies,
    host: &HostFacts,
    options: &PlanOptions,
) -> EnvironmentPlan {
    let (wellformed, malformed): (Vec<&Dependency>, Vec<&Dependency>) =
        dependencies.entries.iter().partition(|dependency| requirement::is_wellformed(dependency));
    let mut planner = Planner {
        dependencies: wellformed,
        host,
        options,
        actions: Vec::new(),
        manual: Vec::new(),
    };
    for dependency in malformed {
        let noun = requirement::noun(dependency.kind);
        let advice = format!("look at {noun} {:?}: no such thing has that name", dependency.name);
        planner.manual(dependency, ManualReason::UnknownSource, advice, None);
    }
    // What others are built with comes first: libraries and programs of the system.
    planner.system_packages();
    planner.python();
    planner.node();
    planner.tools();
    planner.programs();
    planner.rest();
    let Planner { mut actions, manual, .. } = planner;
    // A failure of what is optional then finds everything else in place.
    actions.sort_by_key(|action| action.optional);
    EnvironmentPlan { host: host.clone(), actions, manual }
}

struct Planner<'p> {
    dependencies: Vec<&'p Dependency>,
    host: &'p HostFacts,
    options: &'p PlanOptions,
    actions: Vec<Action>,
    manual: Vec<ManualStep>,
}

impl<'p> Planner<'p> {
    /// The dependencies of a kind that are sure enough to act on.
    fn sure(&self, kind: Kind) -> Vec<&'p Dependency> {
        let is_sure = |dependency: &&&Dependency| {
            dependency.kind == kind && dependency.confidence >= LEAST_CONFIDENCE
        };
        self.dependencies.iter().filter(is_sure).copied().collect()
    }

    /// The demanded versions of a runtime.
    fn demanded(&self, runtime: &str) -> Option<&'p str> {
        let mut runtimes = self.dependencies.iter().filter(|d| d.kind == Kind::Runtime);
        runtimes.find(|dependency| dependency.name == runtime)?.requirement.as_deref()
    }

    /// A requirement that is an address is for a person to look at.
    fn of_no_registry(&mut self, dependency: &Dependency) {
        let address = dependency.requirement.as_deref().unwrap_or("");
        let advice = format!(
            "install {} from {} after a look at it; it comes from no registry",
            dependency.name,
            address.trim_start_matches('@').trim()
        );
        self.manual(dependency, ManualReason::Source, advice, None);
    }

    fn manual(
        &mut self,
        dependency: &Dependency,
        reason: ManualReason,
        advice: impl Into<String>,
        check: Option<Check>,
    ) {
        let is_unsure = dependency.confidence < LEAST_CONFIDENCE;
        self.manual.push(ManualStep {
            dependency: dependency.id(),
            reason,
            advice: advice.into(),
            optional: dependency.optional || is_unsure,
            check,
            evidence: dependency.evidence.clone(),
        });
    }
}

/// An action without what is particular to it.
fn action(id: impl Into<String>, kind: ActionKind, scope: Scope, argv: Vec<Word>) -> Action {
    Action {
        id: id.into(),
        kind,
        dependencies: Vec::new(),
        argv,
        variables: BTreeMap::new(),
        scope,
        optional: false,
        after: Vec::new(),
        check: Vec::new(),
        verify: Vec::new(),
    }
}

fn texts<'w>(words: impl IntoIterator<Item = &'w str>) -> Vec<Word> {
    words.into_iter().map(Word::text).collect()
}

fn run(argv: Vec<Word>) -> Check {
    Check::Run { argv, folder: None }
}

/// A requirement that is an address: it comes from no registry.
fn is_direct(dependency: &Dependency) -> bool {
    dependency.requirement.as_deref().is_some_and(|requirement| requirement.starts_with('@'))
}
