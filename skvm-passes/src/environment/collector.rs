//! Merging what several places say about the same thing.

use std::collections::BTreeMap;

use skvm_core::artifact::{Dependencies, Dependency, DependencyKind, DependencySource, Evidence};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::python::normalised;

/// Most places that are kept for one dependency.
const MAX_EVIDENCE: usize = 8;

pub(super) struct Collector<'s> {
    skill: &'s Skill,
    found: BTreeMap<(DependencyKind, String), Dependency>,
}

/// Where a dependency shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) source: DependencySource,
    /// The bundle file; `None` for `SKILL.md`.
    pub(super) file: Option<&'a str>,
    pub(super) span: Option<Span>,
}

/// What is known of a dependency beyond its name.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) requirement: Option<String>,
    pub(super) extras: Vec<String>,
    pub(super) marker: Option<String>,
    pub(super) optional: bool,
    pub(super) provides: Option<String>,
}

impl<'s> Collector<'s> {
    pub(super) fn new(skill: &'s Skill) -> Self {
        Self { skill, found: BTreeMap::new() }
    }

    /// Whether a dependency is already known.
    pub(super) fn knows(&self, kind: DependencyKind, name: &str) -> bool {
        self.found.contains_key(&(kind, key(kind, name)))
    }

    /// Adds what one place says. It is needed as soon as one place needs it; the first requirement
    /// that is told stays.
    pub(super) fn add(&mut self, kind: DependencyKind, name: &str, facts: Facts, place: Place<'_>) {
        if name.is_empty() {
            return;
        }
        let evidence = self.evidence(name, place);
        let Facts { requirement, extras, marker, optional, provides } = facts;
        let confidence = confidence(place.source);
        let entry = self.found.entry((kind, key(kind, name))).or_insert_with(|| Dependency {
            kind,
            name: name.to_owned(),
            requirement: None,
            extras: Vec::new(),
            marker: None,
            optional,
            provides: Vec::new(),
            evidence: Vec::new(),
            confidence,
        });
        entry.requirement = entry.requirement.take().or(requirement);
        entry.marker = entry.marker.take().or(marker);
        entry.optional &= optional;
        entry.confidence = entry.confidence.max(confidence);
        for extra in extras {
            if !entry.extras.contains(&extra) {
                entry.extras.push(extra);
            }
        }
        if let Some(provides) = provides.filter(|provides| !entry.provides.contains(provides)) {
            entry.provides.push(provides);
        }
        if entry.evidence.len() < MAX_EVIDENCE && !entry.evidence.contains(&evidence) {
            entry.evidence.push(evidence);
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

    pub(super) fn finish(self) -> Dependencies {
        Dependencies { entries: self.found.into_values().collect() }
    }
}

fn key(kind: DependencyKind, name: &str) -> String {
    match kind {
        DependencyKind::Python => normalised(name),
        _ => name.to_owned(),
    }
}

/// How sure a kind of place is.
fn confidence(source: DependencySource) -> f32 {
    match source {
        DependencySource::RequirementsFile
        | DependencySource::PackageJson
        | DependencySource::FrontMatter => 1.0,
        DependencySource::InstallCommand | DependencySource::Shebang => 0.95,
        DependencySource::Import => 0.9,
        DependencySource::Command => 0.8,
        DependencySource::Reference => 0.6,
    }
}
