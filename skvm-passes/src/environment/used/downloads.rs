//! What is fetched from an address and not from a registry: installers that are piped into a shell,
//! repositories, archives behind a password.

use skvm_core::artifact::{
    CodeBlock, CodeIndex, Command, DependencyKind as Kind, DependencySource as Source,
};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::super::collector::{Collector, Facts, Place};
use super::file_of;
use crate::code::launched;

/// Longest address that is taken for one.
const MAX_ADDRESS: usize = 500;

pub(super) fn collect(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    for block in &code.blocks {
        let file = file_of(block);
        let text = match file {
            Some(path) => skill.bundle().file(path).and_then(|file| file.text()).unwrap_or(""),
            None => skill.source(),
        };
        for (at, command) in block.commands.iter().enumerate() {
            let place = Place { source: Source::InstallCommand, file, span: Some(command.span) };
            if let Some(address) = fetched(block, at, command, text) {
                collector.add(Kind::Download, address, Facts::default(), place);
            }
        }
    }
}

/// The address of what a command fetches for good.
fn fetched<'b>(
    block: &'b CodeBlock,
    at: usize,
    command: &'b Command,
    text: &str,
) -> Option<&'b str> {
    let (program, arguments) = launched(&command.program, &command.arguments);
    match (program, arguments.first().map(String::as_str)) {
        ("curl" | "wget", _) => {
            let address = arguments.iter().find_map(|word| address(word))?;
            is_run(block, at, command, text).then_some(address)
        }
        ("git", Some("clone")) => arguments.iter().find_map(|word| address(word)),
        _ => None,
    }
}

/// Whether what a command prints is piped into an interpreter, or substituted into one's arguments.
fn is_run(block: &CodeBlock, at: usize, command: &Command, text: &str) -> bool {
    let is_shell = |command: &Command| {
        let (program, _) = launched(&command.program, &command.arguments);
        matches!(
            program,
            "sh" | "bash"
                | "zsh"
                | "dash"
                | "python"
                | "python3"
                | "node"
                | "iex"
                | "eval"
                | "source"
                | "."
        )
    };
    let piped = block.commands.get(at + 1).is_some_and(|next| {
        let between = Span::new(command.span.end, next.span.start.max(command.span.end));
        is_shell(next) && between.get(text).is_some_and(|text| text.trim() == "|")
    });
    let substituted = block.commands.iter().any(|around| {
        around.span.contains(command.span) && around.span != command.span && is_shell(around)
    });
    piped || substituted
}

fn address(word: &str) -> Option<&str> {
    let is_address = ["https://", "http://", "git@", "ssh://"].iter().any(|s| word.starts_with(s));
    let is_plain = word.len() <= MAX_ADDRESS
        && word.bytes().all(|b| b.is_ascii_graphic() && !b"<>{}$`\"'\\".contains(&b));
    (is_address && is_plain).then_some(word)
}
