//! Merging what several places say about the same thing.

use std::collections::{BTreeMap, BTreeSet};

use skvm_core::artifact::{
    Dependencies, Dependency, DependencyKind as Kind, DependencySource as Source, Evidence, Package,
};
use skvm_core::diagnostic::{Code, Diagnostic};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::requirement;
use super::version::Ranges;

/// Most places, demands and conditions that are kept for one dependency.
const MAX_EVIDENCE: usize = 32;

/// Most dependencies of one kind; a skill that names more is not told of by listing them.
const MAX_OF_KIND: usize = 2000;

const VERSION_CONFLICT: Code = Code::new("environment/version-conflict");
const TOO_MANY: Code = Code::new("environment/too-many");

pub(super) struct Collector<'s> {
    skill: &'s Skill,
    found: BTreeMap<(Kind, String), Entry>,
    /// How many there are of each kind.
    counts: BTreeMap<Kind, usize>,
    left_out: BTreeSet<Kind>,
}

/// A dependency while its places are still being found.
struct Entry {
    dependency: Dependency,
    /// What places demand of its version, each with the first place that says so.
    demands: Vec<(String, Evidence)>,
    /// The conditions that places put on it, by whether they declare or use it; `None` is one without.
    declared_markers: BTreeSet<Option<String>>,
    used_markers: BTreeSet<Option<String>>,
}

/// Where a dependency shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) source: Source,
    /// The bundle file; `None` for `SKILL.md`.
    pub(super) file: Option<&'a str>,
    pub(super) span: Option<Span>,
}

/// What is known of a dependency beyond its name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Facts {
    pub(super) requirement: Option<String>,
    pub(super) extras: Vec<String>,
    pub(super) marker: Option<String>,
    pub(super) optional: bool,
    pub(super) provides: Vec<String>,
    pub(super) packages: Vec<Package>,
    pub(super) secret: bool,
    /// How sure this is, where the kind of place does not tell.
    pub(super) confidence: Option<f32>,
}

impl Facts {
    pub(super) fn providing(what: impl Into<String>) -> Self {
        Self { provides: vec![what.into()], ..Self::default() }
    }

    pub(super) fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    pub(super) fn with_confidence(mut self, confidence: f32) -> Self {
        self.confidence = Some(confidence);
        self
    }

    pub(super) fn with_package(mut self, package: Package) -> Self {
        self.packages.push(package);
        self
    }
}

impl<'s> Collector<'s> {
    pub(super) fn new(skill: &'s Skill) -> Self {
        Self { skill, found: BTreeMap::new(), counts: BTreeMap::new(), left_out: BTreeSet::new() }
    }

    pub(super) fn skill(&self) -> &'s Skill {
        self.skill
    }

    /// Whether a dependency is already known.
    pub(super) fn knows(&self, kind: Kind, name: &str) -> bool {
        self.found.contains_key(&(kind, key(kind, name)))
    }

    /// The name under which a Python distribution is already known, by its normalised name.
    pub(super) fn known_distribution(&self, normalised: &str) -> Option<String> {
        let entry = self.found.get(&(Kind::Python, normalised.to_owned()))?;
        Some(entry.dependency.name.clone())
    }

    /// Adds what one place says. A dependency is needed as soon as one place needs it.
    pub(super) fn add(&mut self, kind: Kind, name: &str, facts: Facts, place: Place<'_>) {
        if name.is_empty() {
            return;
        }
        let key = (kind, key(kind, name));
        if !self.found.contains_key(&key) {
            let count = self.counts.entry(kind).or_default();
            if *count >= MAX_OF_KIND {
                self.left_out.insert(kind);
                return;
            }
            *count += 1;
        }
        let evidence = self.evidence(name, place);
        let entry = self.found.entry(key).or_insert_with(|| Entry::new(kind, name));
        entry.add(facts, evidence);
    }

    /// Takes back what is the skill's own after all.
    pub(super) fn remove(&mut self, kind: Kind, name: &str) {
        self.found.remove(&(kind, key(kind, name)));
    }

    /// Adds a place to a dependency that is already known.
    pub(super) fn support(&mut self, kind: Kind, name: &str, facts: Facts, place: Place<'_>) {
        if self.knows(kind, name) {
            self.add(kind, name, facts, place);
        }
    }

    fn evidence(&self, name: &str, place: Place<'_>) -> Evidence {
        let text = match place.file {
            Some(file) => self.skill.bundle().file(file).and_then(|file| file.text()).unwrap_or(""),
            None => self.skill.source(),
        };
        let quote = place.span.map_or(name, |span| span.text(text));
        let quote = quote.lines().next().unwrap_or("").chars().take(120).collect();
        Evidence {
            source: place.source,
            file: place.file.map(str::to_owned),
            span: place.span,
            quote,
        }
    }

    /// Everything that was found, and what the places disagree on.
    pub(super) fn finish(self) -> (Dependencies, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        for kind in self.left_out {
            let message = format!(
                "the skill names more than {MAX_OF_KIND} dependencies of kind {}",
                kind.as_str()
            );
            diagnostics.push(Diagnostic::warning(TOO_MANY, message));
        }
        let entries = self.found.into_values().map(|entry| entry.finish(&mut diagnostics));
        (Dependencies { entries: entries.collect() }, diagnostics)
    }
}

impl Entry {
    fn new(kind: Kind, name: &str) -> Self {
        Self {
            dependency: Dependency {
                kind,
                name: name.to_owned(),
                requirement: None,
                extras: Vec::new(),
                marker: None,
                optional: true,
                provides: Vec::new(),
                packages: Vec::new(),
                secret: false,
                evidence: Vec::new(),
                confidence: 0.0,
            },
            demands: Vec::new(),
            declared_markers: BTreeSet::new(),
            used_markers: BTreeSet::new(),
        }
    }

    fn add(&mut self, facts: Facts, evidence: Evidence) {
        let Facts { requirement, extras, marker, optional, provides, packages, secret, confidence } =
            facts;
        if let Some(demand) = requirement
            && self.demands.len() < MAX_EVIDENCE
            && !self.demands.iter().any(|(known, _)| *known == demand)
        {
            self.demands.push((demand, evidence.clone()));
        }
        let markers = match declares(evidence.source) {
            true => &mut self.declared_markers,
            false => &mut self.used_markers,
        };
        // Past the bound it is taken to be needed without a condition.
        markers.insert(marker.filter(|_| markers.len() < MAX_EVIDENCE));
        let entry = &mut self.dependency;
        entry.optional &= optional;
        entry.secret |= secret;
        let confidence = confidence.unwrap_or_else(|| default_confidence(evidence.source));
        entry.confidence = entry.confidence.max(confidence);
        extend(&mut entry.extras, extras);
        extend(&mut entry.provides, provides);
        extend(&mut entry.packages, packages);
        if entry.evidence.len() < MAX_EVIDENCE && !entry.evidence.contains(&evidence) {
            entry.evidence.push(evidence);
        }
    }

    fn finish(self, diagnostics: &mut Vec<Diagnostic>) -> Dependency {
        let Self { mut dependency, demands, declared_markers, used_markers } = self;
        // Who declares it knows the condition better than who uses it.
        let markers = if declared_markers.is_empty() { used_markers } else { declared_markers };
        dependency.marker = either(markers);
        dependency.requirement = joined(&dependency, &demands, diagnostics);
        dependency
    }
}

fn extend<T: PartialEq>(known: &mut Vec<T>, more: Vec<T>) {
    for item in more {
        if !known.contains(&item) {
            known.push(item);
        }
    }
}

/// One condition for several places: none as soon as one place has none.
fn either(markers: BTreeSet<Option<String>>) -> Option<String> {
    let markers: Option<Vec<String>> = markers.into_iter().collect();
    match markers?.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => {
            Some(many.iter().map(|marker| format!("({marker})")).collect::<Vec<_>>().join(" or "))
        }
    }
}

/// One requirement out of all that is demanded. Demands that no version meets, and different ones
/// whose meaning is not known, are told, and the first one stays.
fn joined(
    dependency: &Dependency,
    demands: &[(String, Evidence)],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<String> {
    let (first, place) = demands.first()?;
    let Some((_, other)) = demands.get(1) else { return Some(first.clone()) };
    let texts: Vec<&str> = demands.iter().map(|(demand, _)| demand.as_str()).collect();
    let ranges = match dependency.kind {
        Kind::Python => Ranges::python(&texts),
        Kind::Npm | Kind::Runtime => Ranges::npm(&texts),
        _ => None,
    };
    match ranges {
        Some(ranges) if ranges.is_satisfiable() && dependency.kind == Kind::Python => {
            let mut clauses: Vec<&str> =
                texts.iter().flat_map(|text| text.split(',')).map(str::trim).collect();
            clauses.sort_unstable();
            clauses.dedup();
            Some(clauses.join(","))
        }
        Some(ranges) if ranges.is_satisfiable() => ranges.narrowest().or(Some(first.clone())),
        _ => {
            let shown: Vec<String> =
                demands.iter().map(|(demand, at)| format!("{demand} ({})", shown(at))).collect();
            let message = format!(
                "{} {} is demanded in versions that do not agree: {}",
                requirement::noun(dependency.kind),
                dependency.name,
                shown.join(", ")
            );
            let mut diagnostic = Diagnostic::warning(VERSION_CONFLICT, message)
                .with_help(format!("{first} is taken, as it is told first; let them agree"));
            let in_text = [place, other].into_iter().find(|at| at.file.is_none());
            if let Some(span) = in_text.and_then(|at| at.span) {
                diagnostic = diagnostic.at(span);
            }
            diagnostics.push(diagnostic);
            Some(first.clone())
        }
    }
}

fn shown(place: &Evidence) -> &str {
    place.file.as_deref().unwrap_or("SKILL.md")
}

/// The name under which a dependency is kept.
fn key(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Python => requirement::normalised(name),
        _ => name.to_owned(),
    }
}

/// Whether a place says what is needed, rather than using it.
fn declares(source: Source) -> bool {
    match source {
        Source::FrontMatter
        | Source::RequirementsFile
        | Source::Pyproject
        | Source::ScriptMetadata
        | Source::PackageJson
        | Source::InstallCommand
        | Source::Configuration => true,
        Source::Import
        | Source::Command
        | Source::Shebang
        | Source::Code
        | Source::Reference
        | Source::Prose
        | Source::Failure => false,
    }
}

/// How sure a kind of place is.
fn default_confidence(source: Source) -> f32 {
    match source {
        Source::RequirementsFile
        | Source::Pyproject
        | Source::ScriptMetadata
        | Source::PackageJson
        | Source::FrontMatter => 1.0,
        Source::InstallCommand | Source::Shebang => 0.95,
        Source::Import | Source::Configuration | Source::Failure => 0.9,
        Source::Command | Source::Code => 0.8,
        Source::Reference => 0.6,
        Source::Prose => 0.4,
    }
}
