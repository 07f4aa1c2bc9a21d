//! Imports, as the packages that provide the modules.

use std::collections::BTreeSet;

use serde_json::Value;
use skvm_core::artifact::{
    CodeBlock, CodeIndex, CodeLanguage, CodeOrigin, DependencyKind as Kind,
    DependencySource as Source, Import, PlaceholderKind,
};
use skvm_core::skill::Skill;

use super::super::collector::{Collector, Facts, Place};
use super::super::names::{node, python};
use super::super::requirement;
use super::file_of;

pub(super) fn collect(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    let python = OwnModules::of(skill);
    let javascript = OwnPackages::of(skill);
    for block in &code.blocks {
        let file = file_of(block);
        for import in &block.imports {
            let place = Place { source: Source::Import, file, span: Some(import.span) };
            match block.facts.language {
                CodeLanguage::Python if is_to_fill_in(block, import) => {}
                CodeLanguage::Python => from_python(import, file, &python, place, collector),
                CodeLanguage::JavaScript => {
                    from_javascript(block, import, &javascript, place, collector)
                }
                _ => {}
            }
        }
    }
}

/// Whether a Python module is the skill's own, wherever it is imported.
pub(in super::super) fn is_own_module(skill: &Skill, top: &str, collector: &Collector<'_>) -> bool {
    OwnModules::of(skill).has(top, None, collector)
}

/// Whether an npm package is the skill's own.
pub(in super::super) fn is_own_package(skill: &Skill, name: &str) -> bool {
    OwnPackages::of(skill).0.contains(name)
}

/// Whether an import has `<module>` or `{module}` in it, which the reader is to fill in.
fn is_to_fill_in(block: &CodeBlock, import: &Import) -> bool {
    use PlaceholderKind::{Angle, Brace, DoubleBrace};

    block.placeholders.iter().any(|placeholder| {
        matches!(placeholder.kind, Angle | Brace | DoubleBrace)
            && import.span.start <= placeholder.span.start
            && placeholder.span.start < import.span.end
    })
}

fn from_python(
    import: &Import,
    file: Option<&str>,
    own: &OwnModules<'_>,
    place: Place<'_>,
    collector: &mut Collector<'_>,
) {
    let top = import.module.split('.').next().unwrap_or("");
    if python::is_stdlib(top) || own.has(top, file, collector) {
        return;
    }
    let providers = python::providers(import, &|name| collector.known_distribution(name));
    for provided in providers {
        let facts = Facts {
            optional: import.optional,
            marker: import.marker.clone(),
            confidence: (!provided.is_known).then_some(0.7),
            ..Facts::providing(provided.module)
        };
        collector.add(Kind::Python, &provided.distribution, facts, place);
    }
}

/// What of a skill's own files can be imported by Python.
struct OwnModules<'s> {
    /// Names of files, and of folders with an `__init__.py`.
    modules: BTreeSet<&'s str>,
    /// Folders with Python files below them, by their whole path.
    folders: BTreeSet<&'s str>,
    /// Files without `.py`, by their whole path.
    files: BTreeSet<&'s str>,
}

/// Names under which authors import from their skill's root or from beside it.
const USUAL: [&str; 7] = ["src", "scripts", "skills", "lib", "config", "Scripts", "utils"];

impl<'s> OwnModules<'s> {
    fn of(skill: &'s Skill) -> Self {
        let (mut modules, mut folders) = (BTreeSet::new(), BTreeSet::new());
        let mut files = BTreeSet::new();
        // A skill that is a package itself imports itself by its folder's name.
        if skill.bundle().file("__init__.py").is_some() {
            modules.insert(skill.folder_name());
        }
        for file in skill.bundle().files().iter().filter(|file| file.extension() == "py") {
            let path = file.path();
            let stem = path.strip_suffix(".py").unwrap_or(path);
            files.insert(stem);
            let name = stem.rsplit('/').next().unwrap_or(stem);
            let folder = stem.rsplit_once('/').map_or("", |(folder, _)| folder);
            if name == "__init__" {
                modules.insert(folder.rsplit('/').next().unwrap_or(folder));
            } else {
                modules.insert(name);
            }
            folders.extend(folder.match_indices('/').filter_map(|(at, _)| folder.get(..at)));
            folders.insert(folder);
        }
        Self { modules, folders, files }
    }

    /// Whether a module is the skill's own for code in `file`: it lies beside that file or above it,
    /// has a usual name, or has its name anywhere in the bundle without being somebody else's.
    fn has(&self, top: &str, file: Option<&str>, collector: &Collector<'_>) -> bool {
        if USUAL.contains(&top) && !self.folders.is_empty() {
            return true;
        }
        let mut around = file.and_then(|file| file.rsplit_once('/')).map(|(folder, _)| folder);
        loop {
            let folder = around.unwrap_or("");
            let path = if folder.is_empty() { top.to_owned() } else { format!("{folder}/{top}") };
            // A script does not import itself: what has its name is installed.
            let is_itself = file.and_then(|file| file.strip_suffix(".py")) == Some(path.as_str());
            if (self.files.contains(path.as_str()) && !is_itself)
                || self.folders.contains(path.as_str())
            {
                return true;
            }
            match around {
                Some(folder) => around = folder.rsplit_once('/').map(|(above, _)| above),
                None => break,
            }
        }
        self.modules.contains(top)
            && !python::is_well_known(top)
            && !collector.knows(Kind::Python, top)
    }
}

fn from_javascript(
    block: &CodeBlock,
    import: &Import,
    own: &OwnPackages,
    place: Place<'_>,
    collector: &mut Collector<'_>,
) {
    let Some((name, range)) = node::package(&import.module) else { return };
    if own.0.contains(name) {
        return;
    }
    // What a text shows is as often code for the reader's project as code to run.
    let is_shown = matches!(block.origin, CodeOrigin::Fence { .. } | CodeOrigin::Inline { .. });
    let facts = Facts {
        optional: import.optional || is_shown,
        requirement: range.filter(|range| requirement::is_npm_range(range)).map(str::to_owned),
        confidence: is_shown.then_some(0.5),
        ..Facts::default()
    };
    // What is imported is what must be there afterwards, and not the root of the package.
    let specifier = import.module.strip_prefix("npm:").is_none().then_some(import.module.as_str());
    let specifier = specifier.filter(|specifier| requirement::is_npm_specifier(specifier));
    let provides = vec![specifier.unwrap_or(name).to_owned()];
    collector.add(Kind::Npm, name, Facts { provides, ..facts }, place);
}

/// The names of the bundle's own packages, of packages that it takes from its own folders, and of
/// folders that a path from the root begins with.
struct OwnPackages(BTreeSet<String>);

impl OwnPackages {
    fn of(skill: &Skill) -> Self {
        let mut own = BTreeSet::new();
        for file in skill.bundle().files() {
            if let Some((folder, _)) = file.path().split_once('/') {
                own.insert(folder.to_owned());
            }
            if file.name() != "package.json" {
                continue;
            }
            let text = file.text().unwrap_or("");
            let Ok(package) = serde_json::from_str::<Value>(text) else { continue };
            own.extend(package.get("name").and_then(Value::as_str).map(str::to_owned));
            let entries = package.get("dependencies").and_then(Value::as_object);
            for (name, range) in entries.into_iter().flatten() {
                let range = range.as_str().unwrap_or("");
                if ["file:", "link:", "workspace:", "portal:"].iter().any(|s| range.starts_with(s))
                {
                    own.insert(name.clone());
                }
            }
        }
        Self(own)
    }
}
