//! What runs failed for want of.

use skvm_core::artifact::{DependencyKind as Kind, DependencySource as Source};
use skvm_core::diagnostic::{Code, Diagnostic};
use skvm_core::failure::Lesson;
use skvm_core::skill::Skill;

use super::collector::{Collector, Facts, Place};
use super::names::{node, program, python};

const REFUSED: Code = Code::new("environment/unfounded-lesson");

/// Adds what lessons say is missing. Anything that an agent reads can print that some package is missing, so only what
/// the skill itself names, or what is well known, is believed; the rest is told.
pub(super) fn collect(
    skill: &Skill,
    lessons: &[Lesson],
    collector: &mut Collector<'_>,
) -> Vec<Diagnostic> {
    let mut refused = Vec::new();
    for lesson in lessons {
        let Lesson::Dependency { dependency, name } = lesson else { continue };
        let place = Place { source: Source::Failure, file: None, span: None };
        let is_added = match dependency {
            Kind::Python => python_module(skill, name, place, collector),
            Kind::Npm => npm_package(skill, name, place, collector),
            Kind::Program => a_program(skill, name, place, collector),
            _ => false,
        };
        if !is_added {
            let what = dependency.as_str();
            let message = format!("a run missed {what} {name:?}, which the skill does not name");
            let found = Diagnostic::warning(REFUSED, message);
            refused.push(found.with_help("if the skill needs it, declare it in the skill"));
        }
    }
    refused
}

fn python_module(
    skill: &Skill,
    module: &str,
    place: Place<'_>,
    collector: &mut Collector<'_>,
) -> bool {
    let top = module.split('.').next().unwrap_or(module);
    let is_name = !top.is_empty() && top.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !is_name || python::is_stdlib(top) {
        return false;
    }
    let known = |name: &str| collector.known_distribution(name);
    let Some(distribution) = python::distribution(module, &known) else { return false };
    let is_founded = collector.knows(Kind::Python, &distribution)
        || python::is_well_known(top)
        || names(skill, top);
    if is_founded {
        collector.add(Kind::Python, &distribution, Facts::providing(top), place);
    }
    is_founded
}

fn npm_package(skill: &Skill, name: &str, place: Place<'_>, collector: &mut Collector<'_>) -> bool {
    let Some((package, _)) = node::package(name) else { return false };
    let is_founded = collector.knows(Kind::Npm, package) || names(skill, package);
    if is_founded {
        collector.add(Kind::Npm, package, Facts::providing(name), place);
    }
    is_founded
}

fn a_program(skill: &Skill, name: &str, place: Place<'_>, collector: &mut Collector<'_>) -> bool {
    if !program::is_dependency(name) {
        return false;
    }
    if let Some(runtime) = program::runtime(name) {
        collector.add(Kind::Runtime, runtime, Facts::providing(name), place);
        return true;
    }
    let is_founded = program::is_known(name) || names(skill, name);
    if is_founded {
        collector.add(Kind::Program, name, Facts::default(), place);
    }
    is_founded
}

/// Whether a word stands in the skill's text or in one of its scripts.
fn names(skill: &Skill, word: &str) -> bool {
    let files = skill.bundle().files().iter();
    let scripts = files.filter(|file| file.interpreter().is_some()).filter_map(|file| file.text());
    std::iter::once(skill.source()).chain(scripts).any(|text| stands_in(text, word))
}

fn stands_in(text: &str, word: &str) -> bool {
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    text.match_indices(word).any(|(at, _)| {
        let (before, behind) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(of_name) && !behind.starts_with(of_name)
    })
}
