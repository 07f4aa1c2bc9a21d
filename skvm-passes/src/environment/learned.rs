//! What runs failed for want of.

use skvm_core::artifact::{DependencyKind as Kind, DependencySource as Source};
use skvm_core::diagnostic::{Code, Diagnostic};
use skvm_core::failure::Lesson;
use skvm_core::skill::Skill;

use super::collector::{Collector, Facts, Place};
use super::declared::python::is_own_project;
use super::names::{node, program, python};
use super::requirement::is_npm_specifier;
use super::used::{is_own_module, is_own_package};

const REFUSED: Code = Code::new("environment/unfounded-lesson");
const TOO_MANY: Code = Code::new("environment/too-many-lessons");

/// Most lessons that are looked at: each is looked for in all of the skill's text.
const MAX_LESSONS: usize = 64;

/// Most characters of a name that are told of it.
const MAX_SHOWN: usize = 100;

/// Adds what lessons say is missing. Anything that an agent reads can print that some package is missing, so only what
/// the skill's code names, or what is well known, is believed, and nothing that has the name of the skill's own files;
/// the rest is told.
pub(super) fn collect(
    skill: &Skill,
    lessons: &[Lesson],
    collector: &mut Collector<'_>,
) -> Vec<Diagnostic> {
    let missing = lessons.iter().filter_map(|lesson| match lesson {
        Lesson::Dependency { dependency, name } => Some((*dependency, name.as_str())),
        Lesson::Path { .. }
        | Lesson::Script { .. }
        | Lesson::Word { .. }
        | Lesson::Advice { .. }
        | Lesson::Ability { .. } => None,
    });
    let missing: Vec<(Kind, &str)> = missing.collect();
    let mut told = Vec::new();
    for (dependency, name) in missing.iter().copied().take(MAX_LESSONS) {
        let place = Place { source: Source::Failure, file: None, span: None };
        let is_added = match dependency {
            Kind::Python => python_module(skill, name, place, collector),
            Kind::Npm => npm_package(skill, name, place, collector),
            Kind::Program => a_program(skill, name, place, collector),
            _ => false,
        };
        if !is_added {
            let (what, shown) = (dependency.as_str(), name.chars().take(MAX_SHOWN));
            let shown: String = shown.collect();
            let message = format!("a run missed {what} {shown:?}, which the skill does not name");
            let found = Diagnostic::warning(REFUSED, message);
            told.push(found.with_help("if the skill needs it, declare it in the skill"));
        }
    }
    if let Some(left) = missing.len().checked_sub(MAX_LESSONS).filter(|left| *left > 0) {
        let message = format!("{left} lessons are left out; at most {MAX_LESSONS} are looked at");
        told.push(Diagnostic::warning(TOO_MANY, message));
    }
    told
}

fn python_module(
    skill: &Skill,
    module: &str,
    place: Place<'_>,
    collector: &mut Collector<'_>,
) -> bool {
    let top = module.split('.').next().unwrap_or(module);
    let known = |name: &str| collector.known_distribution(name);
    let Some(distribution) = python::distribution(module, &known) else { return false };
    // Anybody can publish below the name of a namespace, so that alone says nothing.
    let module = python::telling_part(module);
    let is_name = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if !module.split('.').all(is_name)
        || python::is_stdlib(top)
        || is_own_module(skill, top, collector)
        || is_own_project(skill, &distribution)
    {
        return false;
    }
    let is_founded = collector.knows(Kind::Python, &distribution)
        || python::is_well_known(top)
        || names(skill, &module);
    if is_founded {
        collector.add(Kind::Python, &distribution, Facts::providing(module), place);
    }
    is_founded
}

fn npm_package(skill: &Skill, name: &str, place: Place<'_>, collector: &mut Collector<'_>) -> bool {
    let Some((package, _)) = node::package(name) else { return false };
    if is_own_package(skill, package) {
        return false;
    }
    let is_founded = collector.knows(Kind::Npm, package) || names(skill, package);
    if is_founded {
        let specifier = if is_npm_specifier(name) { name } else { package };
        collector.add(Kind::Npm, package, Facts::providing(specifier), place);
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

/// Whether a word stands in the skill's code: in a block, in inline code, or in one of its scripts. Prose has all kinds
/// of words, and somebody may have published a package under any of them.
fn names(skill: &Skill, word: &str) -> bool {
    let (document, source) = (skill.document(), skill.source());
    let blocks = document.fences().iter().map(|fence| fence.span().text(source));
    let inline = document.code_spans().iter().map(|code| code.content().text(source));
    let files = skill.bundle().files().iter();
    let scripts = files.filter(|file| file.interpreter().is_some()).filter_map(|file| file.text());
    blocks.chain(inline).chain(scripts).any(|text| stands_in(text, word))
}

fn stands_in(text: &str, word: &str) -> bool {
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    text.match_indices(word).any(|(at, _)| {
        let (before, behind) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(of_name) && !behind.starts_with(of_name)
    })
}
