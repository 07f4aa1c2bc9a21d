//! Commands, as the programs that they need.

use std::collections::BTreeSet;

use serde_json::Value;
use skvm_core::artifact::{
    CodeBlock, CodeIndex, Command, DependencyKind as Kind, DependencySource as Source,
};
use skvm_core::skill::Skill;

use super::super::collector::{Collector, Facts, Place};
use super::super::declared::install;
use super::super::names::{program, python};
use super::file_of;
use crate::code::launched;

pub(super) fn collect(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    let own = own_names(skill, code);
    for block in &code.blocks {
        for command in &block.commands {
            one(block, command, &own, collector);
        }
    }
    interpreters(skill, collector);
}

/// Functions of the skill's shell code, and programs that its own packages bring.
fn own_names<'s>(skill: &'s Skill, code: &'s CodeIndex) -> BTreeSet<String> {
    let mut own: BTreeSet<String> =
        code.blocks.iter().flat_map(|block| block.functions.iter().cloned()).collect();
    for file in skill.bundle().files() {
        let text = file.text().unwrap_or("");
        match file.name() {
            "package.json" => {
                let Ok(package) = serde_json::from_str::<Value>(text) else { continue };
                match package.get("bin") {
                    Some(Value::Object(bins)) => own.extend(bins.keys().cloned()),
                    Some(_) => own.extend(
                        package
                            .get("name")
                            .and_then(Value::as_str)
                            .map(|name| name.rsplit('/').next().unwrap_or(name).to_owned()),
                    ),
                    None => {}
                }
            }
            "pyproject.toml" => {
                let Ok(project) = text.parse::<toml::Table>() else { continue };
                let poetry = project.get("tool").and_then(|tool| tool.get("poetry"));
                for project in [project.get("project"), poetry].into_iter().flatten() {
                    let scripts = project.get("scripts").and_then(toml::Value::as_table);
                    own.extend(scripts.into_iter().flat_map(|scripts| scripts.keys().cloned()));
                }
            }
            _ => {}
        }
    }
    own
}

fn one(
    block: &CodeBlock,
    command: &Command,
    own: &BTreeSet<String>,
    collector: &mut Collector<'_>,
) {
    let file = file_of(block);
    let place = Place { source: Source::Command, file, span: Some(command.span) };
    // A file of the skill's own is no program of the machine.
    let is_own_file =
        block.scripts.iter().any(|script| script.as_program && command.word.contains(script.span));
    if is_own_file || own.contains(&command.program) {
        return;
    }
    let (name, arguments) = launched(&command.program, &command.arguments);
    let is_path = command.word.len() > command.program.len() + 2;
    for asked in asked(command).filter(|asked| !own.contains(*asked)) {
        needs(asked, place, collector);
    }
    let launched_path = name != command.program
        && arguments.len() < command.arguments.len()
        && command.arguments.iter().any(|a| a.contains('/') && a.ends_with(name));
    if own.contains(name) || is_path || launched_path {
        return;
    }
    let runs_module = program::is_python(name)
        .then(|| arguments.iter().position(|word| word == "-m"))
        .flatten()
        .and_then(|at| arguments.get(at + 1));
    if let Some(module) = runs_module {
        python_module(module, place, collector);
    }
    if program::runtime(name).is_some() || !install::is_install(command) {
        needs(name, place, collector);
    }
}

/// The programs that `command -v jq` and `which jq rg` ask for, and the one that `command jq` runs.
fn asked(command: &Command) -> impl Iterator<Item = &String> {
    let has = |option: &str| command.arguments.iter().any(|argument| argument == option);
    let most = match command.program.as_str() {
        "which" | "type" | "hash" => usize::MAX,
        "command" if has("-v") || has("-V") => usize::MAX,
        "command" => 1,
        _ => 0,
    };
    command.arguments.iter().filter(|argument| !argument.starts_with('-')).take(most)
}

/// `python -m module`
fn python_module(module: &str, place: Place<'_>, collector: &mut Collector<'_>) {
    let top = module.split('.').next().unwrap_or(module);
    let is_name = top.starts_with(|c: char| c.is_ascii_lowercase())
        && module.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'));
    let is_own = collector.skill().bundle().files().iter().any(|file| {
        file.path().split('/').any(|part| part.strip_suffix(".py").unwrap_or(part) == top)
    });
    if !is_name || is_own || python::is_stdlib(top) || matches!(top, "pip" | "pipx" | "virtualenv")
    {
        return;
    }
    let known = |name: &str| collector.known_distribution(name);
    let Some(name) = python::distribution(module, &known) else { return };
    collector.add(Kind::Python, &name, Facts::default(), place);
}

fn needs(name: &str, place: Place<'_>, collector: &mut Collector<'_>) {
    if let Some(runtime) = program::runtime(name) {
        collector.add(Kind::Runtime, runtime, Facts::providing(name), place);
    } else if program::is_dependency(name) {
        // A name like `read_config` that no block defines is more often a function than a program.
        let confidence = (name.contains('_') && !program::is_known(name)).then_some(0.5);
        let facts = Facts { confidence, ..Facts::default() };
        collector.add(Kind::Program, name, facts, place);
        if program::is_of_mac(name) {
            let facts = Facts::default().with_confidence(0.6).optional(true);
            collector.add(Kind::OperatingSystem, "darwin", facts, place);
        }
        if let Some(service) = program::service(name) {
            let facts = Facts::providing(name).with_confidence(0.6);
            collector.add(Kind::Service, service, facts, place);
        }
    }
}

/// The interpreters of bundled scripts.
fn interpreters(skill: &Skill, collector: &mut Collector<'_>) {
    for file in skill.bundle().files() {
        let place = Place { source: Source::Shebang, file: Some(file.path()), span: None };
        let interpreter = file.interpreter();
        // `#!/usr/bin/env -S uv run --script` and the like.
        let first = file.text().and_then(|text| text.strip_prefix("#!")?.lines().next());
        for word in first.into_iter().flat_map(str::split_whitespace) {
            let name = word.rsplit('/').next().unwrap_or(word);
            if matches!(
                name,
                "uv" | "bun" | "deno" | "tsx" | "ts-node" | "osascript" | "php" | "Rscript"
            ) {
                needs(name, place, collector);
            }
        }
        match interpreter {
            None | Some("bash" | "sh") => {}
            Some(interpreter) => needs(interpreter, place, collector),
        }
    }
}
