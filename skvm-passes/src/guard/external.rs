//! The rule about what a skill reaches outside itself.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use skvm_core::artifact::{CodeBlock, CodeIndex, CodeLanguage, CodeOrigin, Command};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

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
            // A word that is changed can make others of its command something else.
            edit: after
                .places
                .get(name)
                .and_then(|place| comparison.changing(*place, name))
                .or_else(|| comparison.bringing(name)),
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
        let is_known = program == "set"
            || own_interpreters.contains(program.as_str())
            || is_other_name(program, &before.programs);
        if !is_known {
            violation("program", program);
        }
    }
    let known = comparison.source.source();
    let is_own = |word: &str| {
        let word = word.replace(r"'\''", "'");
        let files = comparison.source.bundle().files().iter();
        files
            .map(|file| comparison.install_dir.join(file.path()))
            .any(|path| path == Path::new(&word))
    };
    let is_filled = |word: &str| is_filled(word, known, comparison.variant.source());
    for package in after.packages.difference(&before.packages) {
        if !is_filled(package) && !is_own(package) {
            violation("package", package);
        }
    }
    for host in after.hosts.difference(&before.hosts) {
        violation("web address", host);
    }
    for path in after.paths.difference(&before.paths) {
        if !known.contains(path.as_str()) && !is_filled(path) && !is_own(path) {
            violation("path", path);
        }
    }
    for url in after.urls.difference(&before.urls) {
        let has_known_host = hosts(url).iter().all(|host| before.hosts.contains(host));
        if has_known_host
            && !is_joined(url, &before.urls, known)
            && !is_url_filled(url, &before.urls, comparison.variant.source())
        {
            violation("web address", url);
        }
    }
}

/// Programs that do the same under several names.
const SAME: [&[&str]; 4] =
    [&["python", "python3"], &["pip", "pip3"], &["node", "nodejs"], &["sh", "bash"]];

/// Whether a program is another name of one that the source runs.
fn is_other_name(program: &str, known: &BTreeSet<String>) -> bool {
    known.iter().any(|name| is_same_program(program, name))
}

/// Whether two names mean the same program.
pub(crate) fn is_same_program(one: &str, other: &str) -> bool {
    SAME.iter().any(|names| names.contains(&one) && names.contains(&other))
}

/// Whether an address is one of the source with a path behind it that stands in the source.
fn is_joined(url: &str, known: &BTreeSet<String>, source: &str) -> bool {
    known.iter().any(|base| {
        url.strip_prefix(base.trim_end_matches('/')).is_some_and(|path| {
            path.starts_with('/')
                && source.match_indices(path).any(|(at, _)| {
                    let behind = source.get(at + path.len()..).unwrap_or("");
                    let ends = |c: char| !c.is_alphanumeric() && !matches!(c, '/' | '-' | '_');
                    path.ends_with('/') || behind.is_empty() || behind.starts_with(ends)
                })
        })
    })
}

/// Whether an address is one of the source up to a variable that is left to the reader to set.
fn is_url_filled(url: &str, known: &BTreeSet<String>, variant: &str) -> bool {
    let Some(at) = url.find('$') else {
        // It ends where a quoted variable begins.
        return variant.contains(FILL_IN)
            && url.matches('/').count() > 2
            && known.iter().any(|known| known.starts_with(url));
    };
    let (front, behind) = url.split_at(at);
    fill_in(behind, variant).is_some()
        && front.matches('/').count() > 2
        && known
            .iter()
            .any(|known| known.starts_with(front) || front.trim_end_matches('/') == known)
}

/// What follows a variable at the head of a text that the text of the skill leaves to the reader to
/// set.
fn fill_in<'t>(text: &'t str, variant: &str) -> Option<&'t str> {
    let name = text.strip_prefix('$')?;
    let name = name.strip_prefix('{').unwrap_or(name);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    let (name, rest) = name.split_at(end);
    let rest = rest.strip_prefix(":?").unwrap_or(rest);
    let is_set = !name.is_empty() && variant.contains(&format!("{name}={FILL_IN}"));
    is_set.then(|| rest.strip_prefix('}').unwrap_or(rest))
}

/// Whether a word has such variables, and all else of it stands in the source.
fn is_filled(word: &str, source: &str, variant: &str) -> bool {
    let (mut rest, mut found) = (word, false);
    while let Some(at) = rest.find('$') {
        let Some(behind) = fill_in(&rest[at..], variant) else { return false };
        if !source.contains(rest[..at].trim_matches(['"', '\''])) {
            return false;
        }
        (rest, found) = (behind, true);
    }
    found && source.contains(rest.trim_matches(['"', '\'']))
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
#[derive(Default)]
struct Reach {
    programs: BTreeSet<String>,
    packages: BTreeSet<String>,
    hosts: BTreeSet<String>,
    urls: BTreeSet<String>,
    /// Arguments that lead out of the folder one works in.
    paths: BTreeSet<String>,
    /// Where the first command or import stands that each of these comes from, as far as it is one.
    places: BTreeMap<String, Span>,
}

impl Reach {
    fn of(skill: &Skill) -> Self {
        let CodeIndex { blocks } = code::analyze_text(skill);
        let mut reach =
            Self { hosts: hosts(skill.source()), urls: urls(skill.source()), ..Self::default() };
        for import in blocks.iter().flat_map(|block| &block.imports) {
            reach.places.entry(import.module.clone()).or_insert(import.span);
            reach.packages.insert(import.module.clone());
        }
        for block in &blocks {
            for command in &block.commands {
                reach.command(skill, command, command.span);
            }
        }
        // Once as a reader takes it, with placeholders, and once as a shell would run it.
        for block in blocks.iter().filter(|block| block.facts.language == CodeLanguage::Shell) {
            let Some(place) = block.origin.span() else { continue };
            let verbatim = code::shell_commands(&without_prompts(&code_of(skill, block)));
            for command in &verbatim.commands {
                reach.command(skill, command, place);
            }
        }
        reach.programs.extend(called(skill, &blocks));
        reach
    }

    fn command(&mut self, skill: &Skill, command: &Command, place: Span) {
        let mut names: Vec<String> = Vec::new();
        let Command { program, arguments, .. } = command;
        if is_install(command) {
            self.packages.extend(arguments.iter().cloned());
            names.extend(arguments.iter().cloned());
        }
        if matches!(program.as_str(), "curl" | "wget" | "http" | "https" | "xh") {
            let hosts = arguments.iter().filter_map(|word| bare_host(skill, word));
            self.hosts.extend(hosts.inspect(|host| names.push(host.clone())));
        }
        let paths: Vec<String> = arguments.iter().filter_map(|word| outside_path(word)).collect();
        // Behind `sudo` and its like stands the program that is meant.
        let programs = [program, code::launched(program, arguments).0].map(str::to_owned);
        names.extend(paths.iter().chain(&programs).cloned());
        self.paths.extend(paths);
        self.programs.extend(programs);
        for name in names {
            self.places.entry(name).or_insert(place);
        }
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
            | "docker"
            | "podman"
            | "poetry"
            | "pdm"
            | "yum"
            | "pacman"
            | "snap"
            | "composer"
            | "bunx"
            | "pnpx"
    );
    let runs_package = matches!(command.program.as_str(), "npx" | "uvx" | "bunx" | "pnpx");
    let runs_image = matches!(command.program.as_str(), "docker" | "podman" | "go");
    let installs = command.arguments.iter().any(|word| match word.as_str() {
        "install" | "add" | "i" | "dlx" | "get" | "tool" | "exec" | "x" | "require" | "pull" => {
            true
        }
        "run" | "create" => runs_image,
        word => command.program == "pacman" && word.starts_with("-S"),
    });
    installer && (runs_package || installs)
}

/// The host that a word without a scheme names to a program that fetches.
fn bare_host(skill: &Skill, word: &str) -> Option<String> {
    let word = word.trim_matches(['"', '\'']);
    let host = word.split(['/', '?']).next().unwrap_or("");
    let host = host.rsplit('@').next().unwrap_or("");
    let like_a_host = host.contains('.')
        && host.starts_with(|c: char| c.is_alphanumeric())
        && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':'));
    (like_a_host && skill.bundle().resolve(word).is_none()).then(|| host.to_ascii_lowercase())
}

/// The path in an argument, when it is absolute or in the home folder.
fn outside_path(word: &str) -> Option<String> {
    let value = word.split_once('=').filter(|_| word.starts_with('-')).map_or(word, |(_, v)| v);
    let path = value.trim_start_matches(['@', '"', '\'']).trim_end_matches(['"', '\'']);
    ["/", "~/", "$HOME/", "${HOME}/", "../"]
        .iter()
        .any(|head| path.starts_with(head))
        .then(|| path.to_owned())
}

/// Where the web addresses of a text begin: with their scheme, or with `www.`.
fn addresses(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let schemes = text.match_indices("://").map(|(at, mark)| {
        let front = text.get(..at).unwrap_or("");
        let scheme = front.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '+');
        (scheme.len(), at + mark.len())
    });
    let bare = text.match_indices("www.").map(|(at, _)| (at, at));
    schemes.chain(
        bare.filter(|(at, _)| !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '/')),
    )
}

fn ends_address(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ')' | '>' | ']' | '<' | '|' | '\\')
}

/// Every web address in a text, whole.
fn urls(text: &str) -> BTreeSet<String> {
    addresses(text)
        .filter_map(|(start, host)| {
            let rest = text.get(host..)?;
            let rest = &rest[..rest.find(ends_address).unwrap_or(rest.len())];
            let rest = rest.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_', '/']);
            let (host_name, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            let front = text.get(start..host)?.to_ascii_lowercase();
            (!rest.is_empty()).then(|| format!("{front}{}{path}", host_name.to_ascii_lowercase()))
        })
        .collect()
}

/// The hosts of every web address in a text, with port.
fn hosts(text: &str) -> BTreeSet<String> {
    addresses(text)
        .filter_map(|(_, at)| {
            let rest = text.get(at..)?;
            let end = rest.find(|c: char| ends_address(c) || matches!(c, '/' | '?' | '#'));
            let host = rest.get(..end.unwrap_or(rest.len()))?;
            (!host.is_empty()).then(|| host.to_ascii_lowercase())
        })
        .collect()
}
