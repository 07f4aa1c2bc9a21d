//! The rule about what a skill reaches outside itself.

use std::borrow::Cow;
use std::collections::BTreeSet;

use skvm_core::artifact::{CodeBlock, CodeIndex, CodeLanguage, CodeOrigin, Command};
use skvm_core::skill::Skill;

use super::{Comparison, GuardRule, Violation};
use crate::code;
use crate::requirements::FILL_IN;

pub(super) fn check(comparison: &Comparison<'_>, violations: &mut Vec<Violation>) {
    let before = Reach::of(comparison.source);
    let after = Reach::of(comparison.variant);
    let mut violation = |what: &str, name: &str| {
        violations.push(Violation {
            rule: GuardRule::External,
            message: format!("{what} {name:?} is not in the source"),
            span: None,
            edit: comparison.bringing(name),
        });
    };
    let own_interpreters: BTreeSet<&str> = comparison
        .source
        .bundle()
        .files()
        .iter()
        .filter_map(|file| file.interpreter())
        .filter(|interpreter| runs_own_script(comparison, interpreter))
        .collect();
    for program in after.programs.difference(&before.programs) {
        // `set` starts nothing; it stands where a rule makes a block stop at the first failure.
        if program != "set" && !own_interpreters.contains(program.as_str()) {
            violation("program", program);
        }
    }
    for package in after.packages.difference(&before.packages) {
        violation("package", package);
    }
    for host in after.hosts.difference(&before.hosts) {
        violation("web address", host);
    }
}

/// Whether some edit runs a file of the bundle, where it is installed, through that interpreter.
fn runs_own_script(comparison: &Comparison<'_>, interpreter: &str) -> bool {
    comparison.source.bundle().files().iter().any(|file| {
        let path = comparison.install_dir.join(file.path());
        let path = path.to_string_lossy();
        let quoted = path.replace('\'', r"'\''");
        file.interpreter() == Some(interpreter)
            && comparison.edits.iter().map(|edit| &edit.replacement).any(|text| {
                text.contains(interpreter) && (text.contains(&*path) || text.contains(&quoted))
            })
    })
}

/// What a skill's text reaches.
struct Reach {
    programs: BTreeSet<String>,
    packages: BTreeSet<String>,
    hosts: BTreeSet<String>,
}

impl Reach {
    fn of(skill: &Skill) -> Self {
        let CodeIndex { blocks } = code::analyze_text(skill);
        let mut packages: BTreeSet<String> =
            blocks.iter().flat_map(|block| &block.imports).map(|i| i.module.clone()).collect();
        let mut programs = BTreeSet::new();
        // Once as a reader takes it, with placeholders, and once as a shell would run it.
        let verbatim =
            blocks.iter().filter(|block| block.facts.language == CodeLanguage::Shell).flat_map(
                |block| code::shell_commands(&without_prompts(&code_of(skill, block))).commands,
            );
        for command in blocks.iter().flat_map(|block| &block.commands).cloned().chain(verbatim) {
            if is_install(&command) {
                let names = command.arguments.into_iter();
                packages.extend(names.filter(|name| !is_variable_to_set(name, skill.source())));
            }
            programs.insert(command.program);
        }
        programs.extend(called(skill, &blocks));
        Self { programs, packages, hosts: hosts(skill.source()) }
    }
}

/// What stands in the place of a program in code that is not read as shell: inline code with
/// arguments, and the lines of blocks of no known language.
fn called(skill: &Skill, blocks: &[CodeBlock]) -> BTreeSet<String> {
    let document = skill.document();
    let inline =
        document.code_spans().iter().map(|code| code.content().text(skill.source()).into());
    let unread = blocks.iter().filter(|block| {
        block.facts.language == CodeLanguage::Other
            && matches!(block.origin, CodeOrigin::Fence { .. })
    });
    let unread = unread.map(|block| code_of(skill, block));
    let mut called = BTreeSet::new();
    for (code, alone) in inline.map(|code| (code, false)).chain(unread.map(|code| (code, true))) {
        let code: Cow<'_, str> = code;
        for line in without_prompts(&code).lines() {
            let mut words = line.split_whitespace();
            let first = words.next().unwrap_or("");
            let like_a_program = first.starts_with(|c: char| c.is_ascii_lowercase())
                && first.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+/".contains(&b));
            if like_a_program && (alone || words.next().is_some()) {
                called.insert(first.to_owned());
            }
        }
    }
    called
}

fn code_of<'s>(skill: &'s Skill, block: &CodeBlock) -> Cow<'s, str> {
    match block.origin {
        CodeOrigin::Fence { index, .. } => {
            skill.document().fences().get(index).map_or("".into(), |f| f.code(skill.source()))
        }
        CodeOrigin::Inline { span, .. } => span.text(skill.source()).into(),
        CodeOrigin::File { .. } => "".into(),
    }
}

fn without_prompts(code: &str) -> String {
    code.split_inclusive('\n').map(|line| line.strip_prefix("$ ").unwrap_or(line)).collect()
}

/// Whether a word is nothing but a variable that the text leaves to the reader to set, as the rule
/// `placeholders` writes it: that names no package.
fn is_variable_to_set(word: &str, source: &str) -> bool {
    let bare = word.trim_matches(['"', '\'']);
    bare.strip_prefix('$').is_some_and(|name| {
        let name = name.trim_matches(['{', '}']);
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && source.contains(&format!("{name}={FILL_IN}"))
    })
}

/// Whether a command installs something.
fn is_install(command: &Command) -> bool {
    let installer = matches!(
        command.program.as_str(),
        "pip"
            | "pip3"
            | "pipx"
            | "uv"
            | "uvx"
            | "npm"
            | "npx"
            | "pnpm"
            | "yarn"
            | "bun"
            | "brew"
            | "apt"
            | "apt-get"
            | "dnf"
            | "apk"
            | "go"
            | "cargo"
            | "gem"
            | "conda"
            | "python"
            | "python3"
            | "sudo"
    );
    let runs_package = matches!(command.program.as_str(), "npx" | "uvx");
    let installs = command
        .arguments
        .iter()
        .any(|word| matches!(word.as_str(), "install" | "add" | "i" | "dlx" | "get" | "tool"));
    installer && (runs_package || installs)
}

/// The hosts of every web address in a text, with port.
fn hosts(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices("://").map(|(at, mark)| at + mark.len());
    let bare = text.match_indices("www.").map(|(at, _)| at);
    let bare = bare.filter(|at| !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '/'));
    starts
        .chain(bare)
        .filter_map(|at| {
            let rest = text.get(at..)?;
            let end = rest.find(|c: char| {
                c.is_whitespace()
                    || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | ')' | '>' | ']')
            });
            let host = rest.get(..end.unwrap_or(rest.len()))?;
            (!host.is_empty()).then(|| host.to_ascii_lowercase())
        })
        .collect()
}
