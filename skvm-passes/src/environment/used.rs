//! What a skill uses.

use std::collections::BTreeSet;

use skvm_core::artifact::{
    CodeBlock, CodeIndex, CodeOrigin, DependencyKind as Kind, DependencySource as Source,
};
use skvm_core::skill::Skill;

use super::collector::{Collector, Facts, Place};
use super::{program, python};

pub(super) fn collect(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    let own = own_modules(skill);
    for block in &code.blocks {
        let file = match &block.origin {
            CodeOrigin::File { path } => Some(path.as_str()),
            CodeOrigin::Fence { .. } | CodeOrigin::Inline { .. } => None,
        };
        imports(block, file, &own, collector);
        commands(block, file, collector);
    }
    interpreters(skill, collector);
    missing_files(skill, code, collector);
}

/// Names under which the skill's own Python files and folders can be imported.
fn own_modules(skill: &Skill) -> BTreeSet<&str> {
    let mut own = BTreeSet::from(["src", "scripts", "skills"]);
    for file in skill.bundle().files().iter().filter(|file| file.extension() == "py") {
        own.extend(file.path().split('/').map(|part| part.strip_suffix(".py").unwrap_or(part)));
    }
    own
}

fn imports(
    block: &CodeBlock,
    file: Option<&str>,
    own: &BTreeSet<&str>,
    collector: &mut Collector<'_>,
) {
    for import in &block.imports {
        let top = import.module.split('.').next().unwrap_or("");
        if python::is_python_stdlib(top) || own.contains(top) {
            continue;
        }
        let Some(name) = python::distribution(&import.module) else { continue };
        // A declared distribution that goes by the module's own name provides it.
        let declared = top.replace('_', "-");
        let name = if collector.knows(Kind::Python, &declared) { declared } else { name };
        let facts =
            Facts { optional: import.optional, provides: Some(top.to_owned()), ..Facts::default() };
        let place = Place { source: Source::Import, file, span: Some(import.span) };
        collector.add(Kind::Python, &name, facts, place);
    }
}

fn commands(block: &CodeBlock, file: Option<&str>, collector: &mut Collector<'_>) {
    for command in &block.commands {
        // A file of the skill's own is no program of the machine.
        if block
            .scripts
            .iter()
            .any(|script| script.as_program && command.word.contains(script.span))
        {
            continue;
        }
        let place = Place { source: Source::Command, file, span: Some(command.span) };
        let is_path = command.word.len() > command.program.len() + 2;
        if let Some(runtime) = program::runtime(&command.program) {
            let facts = Facts { provides: Some(command.program.clone()), ..Facts::default() };
            collector.add(Kind::Runtime, runtime, facts, place);
        } else if program::is_dependency(&command.program) && !is_path {
            collector.add(Kind::Program, &command.program, Facts::default(), place);
        }
    }
}

/// The interpreters of bundled scripts.
fn interpreters(skill: &Skill, collector: &mut Collector<'_>) {
    for file in skill.bundle().files() {
        let Some(interpreter) = file.interpreter().filter(|name| !matches!(*name, "bash" | "sh"))
        else {
            continue;
        };
        let place = Place { source: Source::Shebang, file: Some(file.path()), span: None };
        match program::runtime(interpreter) {
            Some(runtime) => {
                let facts = Facts { provides: Some(interpreter.to_owned()), ..Facts::default() };
                collector.add(Kind::Runtime, runtime, facts, place);
            }
            None => collector.add(Kind::Program, interpreter, Facts::default(), place),
        }
    }
}

/// References to `scripts/…` and the like that find no file.
fn missing_files(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    const FOLDERS: [&str; 4] = ["scripts/", "references/", "assets/", "templates/"];
    let mut check = |reference: &str, span| {
        let path = FOLDERS
            .iter()
            .filter_map(|folder| reference.find(folder))
            .min()
            .and_then(|at| reference.get(at..));
        let Some(path) = path.filter(|path| crate::code::looks_like_path(path)) else { return };
        let is_own = reference.starts_with(path)
            || reference.starts_with("./")
            || reference.starts_with("{baseDir}/");
        let concrete = !path.contains(['*', '<', '{', '$']) && !path.ends_with('/');
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
    for inline in skill.document().code_spans() {
        check(inline.content().text(skill.source()), inline.content());
    }
}
