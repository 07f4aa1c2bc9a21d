//! References to files that the bundle lacks.

use skvm_core::artifact::{CodeIndex, DependencyKind as Kind, DependencySource as Source};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::super::collector::{Collector, Facts, Place};
use crate::code::looks_like_path;

const FOLDERS: [&str; 4] = ["scripts/", "references/", "assets/", "templates/"];

/// References to `scripts/…` and the like that find no file.
pub(super) fn collect(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    let mut check = |reference: &str, span: Span| {
        if !reference.contains('/') {
            return;
        }
        let path = FOLDERS
            .iter()
            .filter_map(|folder| reference.find(folder))
            .min()
            .and_then(|at| reference.get(at..));
        let Some(path) = path.filter(|path| looks_like_path(path)) else { return };
        let is_own = reference.starts_with(path)
            || reference.starts_with("./")
            || reference.starts_with("{baseDir}/");
        let concrete = !path.contains(['*', '<', '{', '$'])
            && !path.contains(char::is_control)
            && !path.ends_with('/');
        if is_own && concrete && skill.bundle().resolve(reference).is_none() {
            let place = Place { source: Source::Reference, file: None, span: Some(span) };
            collector.add(Kind::BundleFile, path, Facts::default(), place);
        }
    };
    for block in code.blocks.iter().filter(|block| block.origin.span().is_some()) {
        for command in &block.commands {
            check(command.word.text(skill.source()), command.word);
            for argument in &command.arguments {
                check(argument, command.span);
            }
        }
    }
    for link in skill.document().links() {
        check(link.dest().split('#').next().unwrap_or(""), link.span());
    }
    for inline in skill.document().code_spans() {
        check(inline.content().text(skill.source()), inline.content());
    }
}
