//! Python distributions: requirements files, `pyproject.toml`, and the metadata of scripts (PEP 723).

use std::collections::BTreeSet;

use skvm_core::artifact::{
    CodeIndex, CodeLanguage, CodeOrigin, DependencyKind as Kind, DependencySource as Source,
};
use skvm_core::skill::{BundleFile, Skill};
use skvm_core::span::Span;
use toml::Value;

use super::super::collector::{Collector, Facts, Place};
use super::super::{marker, requirement};

/// Most requirements files that others lead to.
const MAX_FILES: usize = 64;

/// Most entries of a `pyproject.toml` whose place in the file is looked for.
const MAX_PLACES: usize = 200;

/// `requirements.txt`, `requirements-dev.in`, `dev-requirements.txt`, `requirements/base.txt`.
pub(super) fn is_requirements_file(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let is_named = name.starts_with("requirements")
        || ["-requirements", "_requirements", ".requirements"].iter().any(|e| stem.ends_with(e))
        || folder.rsplit('/').next().is_some_and(|folder| folder == "requirements");
    is_named && (name.ends_with(".txt") || name.ends_with(".in"))
}

/// A requirements file and those that it includes by `-r`.
/// `seen` has the files that were read before.
pub(super) fn requirements(
    file: &BundleFile,
    seen: &mut BTreeSet<String>,
    collector: &mut Collector<'_>,
) {
    let bundle = collector.skill().bundle();
    let mut open = vec![file.path().to_owned()];
    while let Some(path) = open.pop() {
        let Some(file) = bundle.file(&path) else { continue };
        if seen.len() >= MAX_FILES || !seen.insert(path.clone()) {
            continue;
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for included in requirements_of(file, collector) {
            open.extend(joined(folder, &included));
        }
    }
}

/// A path below the bundle; `None` when it leads out of it.
fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if path.starts_with('/') {
        return None;
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The requirements of one file; gives the files that it includes.
fn requirements_of(file: &BundleFile, collector: &mut Collector<'_>) -> Vec<String> {
    let Some(text) = file.text() else { return Vec::new() };
    let mut included = Vec::new();
    for (line, span) in logical_lines(text) {
        if let Some(option) = line.strip_prefix('-') {
            let option = option.trim_start_matches('-');
            for name in ["requirement", "r"] {
                let rest =
                    option.strip_prefix(name).map(|rest| rest.trim_start_matches([' ', '=']));
                if let Some(path) = rest.filter(|path| !path.is_empty()) {
                    included.push(path.to_owned());
                    break;
                }
            }
            let edited = ["editable", "e"].iter().find_map(|name| {
                option.strip_prefix(name).map(|rest| rest.trim_start_matches([' ', '=']))
            });
            if let Some(address) = edited.filter(|address| address.contains("://")) {
                add_requirement(
                    address,
                    Source::RequirementsFile,
                    Some(file.path()),
                    span,
                    collector,
                );
            }
            continue;
        }
        // Options of one requirement: hashes, flags for its build.
        let requirement = line.split(" --").next().unwrap_or(&line).trim();
        add_requirement(requirement, Source::RequirementsFile, Some(file.path()), span, collector);
    }
    included
}

/// Lines with their continuations joined and their comments taken off, each with the place of its
/// first line.
fn logical_lines(text: &str) -> Vec<(String, Option<Span>)> {
    let mut lines = Vec::new();
    let mut joined: Option<(String, Option<Span>)> = None;
    for line in text.lines() {
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        let continues = line.ends_with('\\');
        let part = line.trim_end_matches('\\');
        let part = if part.trim_start().starts_with('#') { "" } else { part };
        let part = part.split(" #").next().unwrap_or(part).split("\t#").next().unwrap_or("").trim();
        match &mut joined {
            Some((known, _)) => {
                known.push(' ');
                known.push_str(part);
            }
            None => joined = Some((part.to_owned(), Span::of_slice(text, part))),
        }
        if !continues {
            lines.extend(joined.take().filter(|(line, _)| !line.is_empty()));
        }
    }
    lines.extend(joined.filter(|(line, _)| !line.is_empty()));
    lines
}

/// One requirement: by name, or by an address that has one.
fn add_requirement(
    text: &str,
    source: Source,
    file: Option<&str>,
    span: Option<Span>,
    collector: &mut Collector<'_>,
) {
    let place = Place { source, file, span };
    if let Some((name, facts)) = requirement::python(text) {
        match name.as_str() {
            "python" => {
                let range = facts.requirement.unwrap_or_default();
                if let Some(facts) = requirement::python_runtime(&range) {
                    collector.add(Kind::Runtime, "python", facts, place);
                }
            }
            _ => collector.add(Kind::Python, &name, facts, place),
        }
    } else if text.contains("://")
        && let Some(name) = requirement::name_at(text)
        && let Some(requirement) = requirement::direct(text)
    {
        let facts = Facts { requirement: Some(requirement), ..Facts::default() };
        collector.add(Kind::Python, &name, facts, place);
    }
}

/// The dependencies of a project, its optional ones, and the Python that it asks for; also in Poetry's
/// form. Groups for developers are left out.
pub(super) fn pyproject(file: &BundleFile, collector: &mut Collector<'_>) {
    let Some(text) = file.text() else { return };
    let Ok(document) = text.parse::<toml::Table>() else { return };
    let project = document.get("project");
    let mut declared =
        Declared { text, file: file.path(), source: Source::Pyproject, looked: 0, collector };
    declared.listed(project.and_then(|project| project.get("dependencies")), false);
    let optional = project.and_then(|project| project.get("optional-dependencies"));
    for (group, entries) in optional.and_then(Value::as_table).into_iter().flatten() {
        if !is_for_developers(group) {
            declared.listed(Some(entries), true);
        }
    }
    declared.python(project.and_then(|project| project.get("requires-python")));
    let poetry = document.get("tool").and_then(|tool| tool.get("poetry"));
    let entries = poetry.and_then(|poetry| poetry.get("dependencies")).and_then(Value::as_table);
    for (name, constraint) in entries.into_iter().flatten() {
        declared.poetry(name, constraint);
    }
}

/// Takes back the distributions that the skill's bundle is itself, and `pip`, which every environment has.
pub(in super::super) fn remove_own(skill: &Skill, collector: &mut Collector<'_>) {
    own_projects(skill, &mut |name| collector.remove(Kind::Python, name));
    collector.remove(Kind::Python, "pip");
}

/// Whether a distribution is what [`remove_own`] takes back.
pub(in super::super) fn is_own_project(skill: &Skill, distribution: &str) -> bool {
    let name = requirement::normalised(distribution);
    let mut is_own = name == "pip";
    own_projects(skill, &mut |own| is_own |= requirement::normalised(own) == name);
    is_own
}

fn own_projects(skill: &Skill, tell: &mut dyn FnMut(&str)) {
    for file in skill.bundle().files().iter().filter(|file| file.name() == "pyproject.toml") {
        let Ok(document) = file.text().unwrap_or("").parse::<toml::Table>() else { continue };
        let poetry = document.get("tool").and_then(|tool| tool.get("poetry"));
        for project in [document.get("project"), poetry].into_iter().flatten() {
            if let Some(name) = project.get("name").and_then(Value::as_str) {
                tell(name);
            }
        }
    }
}

/// Whether a group of optional dependencies is for those who work on the project.
fn is_for_developers(group: &str) -> bool {
    matches!(
        group,
        "dev" | "develop" | "development" | "test" | "tests" | "testing" | "docs" | "lint"
    )
}

struct Declared<'a, 'c, 's> {
    text: &'a str,
    file: &'a str,
    source: Source,
    /// How many places were looked for.
    looked: usize,
    collector: &'c mut Collector<'s>,
}

impl Declared<'_, '_, '_> {
    fn listed(&mut self, entries: Option<&Value>, optional: bool) {
        let entries = entries.and_then(Value::as_array).into_iter().flatten();
        for requirement in entries.filter_map(Value::as_str) {
            if let Some((name, facts)) = requirement::python(requirement) {
                self.add(Kind::Python, &name, facts.optional(optional), requirement);
            }
        }
    }

    fn python(&mut self, requirement: Option<&Value>) {
        let Some(requirement) = requirement.and_then(Value::as_str) else { return };
        if let Some(facts) = requirement::python_runtime(requirement) {
            self.add(Kind::Runtime, "python", facts, requirement);
        }
    }

    fn poetry(&mut self, name: &str, constraint: &Value) {
        let (mut marker, mut address) = (None, None);
        let (version, optional, extras) = match constraint {
            Value::String(version) => (Some(version.as_str()), false, Vec::new()),
            Value::Table(table) => {
                let told = |key: &str| table.get(key).and_then(Value::as_str);
                // What lies beside the project comes from no registry.
                if told("path").is_some() {
                    return;
                }
                marker = told("markers").filter(|text| marker::is_wellformed(text));
                let revision = ["rev", "tag", "branch"].into_iter().find_map(told);
                let revision = revision.map(|revision| format!("@{revision}")).unwrap_or_default();
                let git = told("git").map(|address| format!("git+{address}{revision}"));
                address = git.or_else(|| told("url").map(str::to_owned));
                let extras = table.get("extras").and_then(Value::as_array).into_iter().flatten();
                (
                    table.get("version").and_then(Value::as_str),
                    table.get("optional").and_then(Value::as_bool) == Some(true),
                    extras.filter_map(Value::as_str).map(str::to_owned).collect(),
                )
            }
            // Several versions, each under a condition of its own.
            Value::Array(_) => (None, false, Vec::new()),
            _ => return,
        };
        let requirement = version.and_then(requirement::from_poetry);
        let spelled = requirement.as_deref().unwrap_or("");
        let spelled = match extras.as_slice() {
            [] => format!("{name}{spelled}"),
            extras => format!("{name}[{}]{spelled}", extras.join(",")),
        };
        let Some((name, mut facts)) = requirement::python(&spelled) else { return };
        facts.marker = marker.map(str::to_owned);
        if let Some(address) = address {
            let Some(address) = requirement::direct(&address) else { return };
            facts.requirement = Some(address);
        }
        if name == "python" {
            let range = facts.requirement.unwrap_or_default();
            if let Some(facts) = requirement::python_runtime(&range) {
                self.add(Kind::Runtime, "python", facts, &name);
            }
        } else {
            self.add(Kind::Python, &name, facts.optional(optional), &name);
        }
    }

    fn add(&mut self, kind: Kind, name: &str, facts: Facts, word: &str) {
        self.looked += 1;
        let at = (self.looked <= MAX_PLACES).then(|| self.text.find(word)).flatten();
        let span = at.map(|at| Span::new(at, at + word.len()));
        let place = Place { source: self.source, file: Some(self.file), span };
        self.collector.add(kind, name, facts, place);
    }
}

/// The metadata blocks of bundled scripts and of Python blocks in the text.
pub(super) fn scripts(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    for block in code.blocks.iter().filter(|block| block.facts.language == CodeLanguage::Python) {
        match &block.origin {
            CodeOrigin::File { path } => {
                let text = skill.bundle().file(path).and_then(|file| file.text()).unwrap_or("");
                script(text, Some(path), &|span| span, collector);
            }
            CodeOrigin::Fence { index, .. } => {
                let Some(fence) = skill.document().fences().get(*index) else { continue };
                let text = fence.code(skill.source());
                script(&text, None, &|span| fence.source_span(span), collector);
            }
            CodeOrigin::Inline { .. } => {}
        }
    }
}

/// The block between `# /// script` and `# ///`.
fn script(
    text: &str,
    file: Option<&str>,
    to_source: &dyn Fn(Span) -> Span,
    collector: &mut Collector<'_>,
) {
    if !text.contains("# /// script") {
        return;
    }
    let mut lines = text.lines().skip_while(|line| line.trim_end() != "# /// script").skip(1);
    let mut content = String::new();
    loop {
        match lines.next().map(str::trim_end) {
            Some("# ///") => break,
            Some("#") => content.push('\n'),
            Some(line) => match line.strip_prefix("# ") {
                Some(line) => {
                    content.push_str(line);
                    content.push('\n');
                }
                // A block that is not closed is none.
                None => return,
            },
            None => return,
        }
    }
    let Ok(metadata) = content.parse::<toml::Table>() else { return };
    let place = |word: &str| {
        let span = text.find(word).map(|at| to_source(Span::new(at, at + word.len())));
        Place { source: Source::ScriptMetadata, file, span }
    };
    let entries = metadata.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    for written in entries.filter_map(Value::as_str) {
        if let Some((name, facts)) = requirement::python(written) {
            collector.add(Kind::Python, &name, facts, place(written));
        }
    }
    if let Some(written) = metadata.get("requires-python").and_then(Value::as_str)
        && let Some(facts) = requirement::python_runtime(written)
    {
        collector.add(Kind::Runtime, "python", facts, place(written));
    }
}
