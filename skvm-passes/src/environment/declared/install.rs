//! Commands that install something.

use skvm_core::artifact::{Command, DependencyKind as Kind, DependencySource as Source, Package};
use skvm_core::host::PackageManager;

use super::super::collector::{Collector, Facts, Place};
use super::super::names::program;
use super::super::requirement;
use crate::code::launched;

/// Options whose value is the next word, by what they belong to.
const PIP_VALUES: [&str; 44] = [
    "-r",
    "--requirement",
    "-c",
    "--constraint",
    "-e",
    "--editable",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "-t",
    "--target",
    "--prefix",
    "--root",
    "--src",
    "--platform",
    "--python-version",
    "--implementation",
    "--abi",
    "--timeout",
    "--retries",
    "--proxy",
    "--cert",
    "--client-cert",
    "--cache-dir",
    "--log",
    "--config-settings",
    "-C",
    "--global-option",
    "--no-binary",
    "--only-binary",
    "--progress-bar",
    "--upgrade-strategy",
    "--exists-action",
    "--trusted-host",
    "--report",
    "--python",
    "-p",
    "--index",
    "--extra",
    "--group",
    "--pip-args",
    "--suffix",
];
const NPM_VALUES: [&str; 14] = [
    "--prefix",
    "--registry",
    "--tag",
    "-w",
    "--workspace",
    "--cache",
    "--loglevel",
    "--omit",
    "--cwd",
    "--filter",
    "-F",
    "--dir",
    "-C",
    "--userconfig",
];
const SYSTEM_VALUES: [&str; 6] = ["-t", "--target-release", "-o", "--option", "--appdir", "--repo"];
const CARGO_VALUES: [&str; 17] = [
    "--version",
    "--vers",
    "--git",
    "--branch",
    "--tag",
    "--rev",
    "--path",
    "--root",
    "--features",
    "-F",
    "--target",
    "--profile",
    "-j",
    "--bin",
    "--registry",
    "--index",
    "--example",
];
const GO_VALUES: [&str; 5] = ["-tags", "-ldflags", "-mod", "-o", "-gcflags"];
const GEM_VALUES: [&str; 8] =
    ["-v", "--version", "-i", "--install-dir", "-n", "--bindir", "-s", "--source"];
/// Of `npx` and its relatives; what stands behind `-p` is a package itself.
const RUNNER_VALUES: [&str; 15] = [
    "--registry",
    "--cache",
    "--python",
    "-p",
    "--package",
    "--index",
    "--index-url",
    "--with",
    "--with-editable",
    "--with-requirements",
    "--from",
    "--spec",
    "--env-file",
    "-c",
    "--call",
];

/// Names that stand for the reader's choice.
const PLACEHOLDERS: [&str; 9] = [
    "package",
    "package-name",
    "package_name",
    "packages",
    "some-package",
    "module",
    "module-name",
    "name",
    "xxx",
];

/// What a command installs.
enum Install<'c> {
    Python(&'c [String]),
    Npm(&'c [String]),
    System(PackageManager, &'c [String]),
    Cargo(&'c [String]),
    Go(&'c [String]),
    Gem(&'c [String]),
    /// Fetches one npm package and runs it.
    NpmRun(&'c [String]),
    /// Fetches one Python distribution and runs it.
    PythonRun(&'c [String]),
    /// Runs something beside distributions that it fetches.
    PythonWith(&'c [String]),
}

/// Whether a command is only there to install something, so that its program is one way among others.
pub(in super::super) fn is_install(command: &Command) -> bool {
    let (program, arguments) = launched(&command.program, &command.arguments);
    match recognised(program, arguments) {
        Some(Install::NpmRun(_) | Install::PythonRun(_) | Install::PythonWith(_)) | None => false,
        Some(_) => true,
    }
}

fn recognised<'c>(program: &str, arguments: &'c [String]) -> Option<Install<'c>> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let behind = |count: usize| arguments.get(count..).unwrap_or_default();
    Some(match (program, words.as_slice()) {
        ("pipx", ["install", ..]) => Install::Python(behind(1)),
        (pip, ["install", ..]) if program::is_pip(pip) => Install::Python(behind(1)),
        ("pipx", ["run", ..]) => Install::PythonRun(behind(1)),
        (python, ["-m", "pip" | "pip3" | "pipx", "install", ..]) if program::is_python(python) => {
            Install::Python(behind(3))
        }
        ("uv", ["pip", "install", ..] | ["tool", "install", ..]) => Install::Python(behind(2)),
        ("uv", ["add", ..]) | ("poetry" | "pdm", ["add", ..]) => Install::Python(behind(1)),
        ("uv", ["tool", "run", ..]) => Install::PythonRun(behind(2)),
        ("uv", ["run", ..]) => Install::PythonWith(behind(1)),
        ("uvx", _) => Install::PythonRun(arguments),
        ("npm", ["install" | "i" | "add" | "ci", ..])
        | ("pnpm" | "bun" | "yarn", ["add" | "install" | "i", ..]) => Install::Npm(behind(1)),
        ("yarn", ["global", "add", ..]) => Install::Npm(behind(2)),
        ("npx" | "bunx", _) => Install::NpmRun(arguments),
        ("npm", ["exec" | "x", ..]) | ("pnpm" | "yarn", ["dlx", ..]) => Install::NpmRun(behind(1)),
        ("bun", ["x", ..]) => Install::NpmRun(behind(1)),
        ("brew", ["install", ..]) => Install::System(PackageManager::Brew, behind(1)),
        ("apt" | "apt-get" | "aptitude", _) if words.contains(&"install") => {
            let at = words.iter().position(|word| *word == "install")?;
            Install::System(PackageManager::Apt, behind(at + 1))
        }
        ("dnf" | "yum", _) if words.contains(&"install") => {
            let at = words.iter().position(|word| *word == "install")?;
            Install::System(PackageManager::Dnf, behind(at + 1))
        }
        ("apk", ["add", ..]) => Install::System(PackageManager::Apk, behind(1)),
        ("cargo", ["install" | "binstall", ..]) => Install::Cargo(behind(1)),
        ("go", ["install" | "get", ..]) => Install::Go(behind(1)),
        ("gem", ["install", ..]) => Install::Gem(behind(1)),
        _ => return None,
    })
}

/// Adds what a command installs.
pub(in super::super) fn collect(
    command: &Command,
    file: Option<&str>,
    collector: &mut Collector<'_>,
) {
    let (program, arguments) = launched(&command.program, &command.arguments);
    let place = Place { source: Source::InstallCommand, file, span: Some(command.span) };
    match recognised(program, arguments) {
        Some(Install::Python(words)) => {
            for word in named(words, &PIP_VALUES) {
                python(word, place, collector);
            }
        }
        Some(Install::PythonRun(words)) => {
            for word in values(words, &["--from", "--spec"]) {
                python(word, place, collector);
            }
            python_beside(words, place, collector);
            if values(words, &["--from", "--spec"]).next().is_none()
                && let Some(word) = named(words, &RUNNER_VALUES).next()
            {
                // `uvx ruff@0.5`
                let word = match word.contains("://") {
                    true => word.to_owned(),
                    false => word.replacen('@', "==", 1).replace("==latest", ""),
                };
                python(&word, place, collector);
            }
        }
        Some(Install::PythonWith(words)) => python_beside(words, place, collector),
        Some(Install::Npm(words)) => {
            for word in named(words, &NPM_VALUES) {
                npm(word, place, collector);
            }
        }
        Some(Install::NpmRun(words)) => {
            let packages: Vec<&str> = values(words, &["-p", "--package"]).collect();
            let first = named(words, &RUNNER_VALUES).next();
            let run = first.filter(|_| packages.is_empty()).map(program::npm_package);
            for word in packages.into_iter().chain(run) {
                npm(word, place, collector);
            }
        }
        Some(Install::System(manager, words)) => {
            for word in named(words, &SYSTEM_VALUES) {
                // `jq=1.6`
                let word = word.split('=').next().unwrap_or(word);
                // In capitals stands what the reader is to fill in.
                let in_capitals = !word.bytes().any(|b| b.is_ascii_lowercase());
                if requirement::is_system_name(word) && !in_capitals {
                    system_package(manager, word, place, collector);
                }
            }
        }
        Some(Install::Cargo(words)) => {
            let version = values(words, &["--version", "--vers"]).next();
            // A crate of a repository is no crate of the registry.
            let elsewhere = words.iter().any(|word| matches!(word.as_str(), "--git" | "--path"));
            for word in named(words, &CARGO_VALUES).filter(|_| !elsewhere) {
                let (name, at) = word.split_once('@').unwrap_or((word, ""));
                let version = version.or((!at.is_empty()).then_some(at));
                tool(Kind::Cargo, name, version, Vec::new(), place, collector);
            }
        }
        Some(Install::Go(words)) => {
            for word in named(words, &GO_VALUES).filter(|word| requirement::is_go_module(word)) {
                go_module(word, Facts::default(), place, collector);
            }
        }
        Some(Install::Gem(words)) => {
            let version = values(words, &["-v", "--version"]).next();
            for word in named(words, &GEM_VALUES) {
                // `rails:7.1`
                let (name, at) = word.split_once(':').map_or((word, None), |(n, v)| (n, Some(v)));
                tool(Kind::Gem, name, at.or(version), Vec::new(), place, collector);
            }
        }
        None => {}
    }
}

/// The words that are neither options, nor their values, nor paths, variables and placeholders.
fn named<'w>(words: &'w [String], with_value: &'w [&str]) -> impl Iterator<Item = &'w str> {
    let mut is_value = false;
    words.iter().map(String::as_str).filter(move |word| {
        if std::mem::take(&mut is_value) {
            return false;
        }
        is_value = with_value.contains(word) || ends_in_option_with_value(word, with_value);
        !is_value
            && !word.starts_with(['-', '.', '/', '~', '$', '<', '{', '`', '%'])
            && !is_placeholder(&word.to_ascii_lowercase())
    })
}

/// `-qr`: two options in one word, the second with a value.
fn ends_in_option_with_value(word: &str, with_value: &[&str]) -> bool {
    let is_option = |letter: &str| with_value.iter().any(|o| o.strip_prefix('-') == Some(letter));
    let letters = word.strip_prefix('-').filter(|letters| letters.len() == 2);
    letters
        .and_then(|letters| letters.split_at_checked(1))
        .is_some_and(|(first, second)| first != "-" && !is_option(first) && is_option(second))
}

fn is_placeholder(word: &str) -> bool {
    PLACEHOLDERS.contains(&word) || word.starts_with("your-") || word.starts_with("your_")
}

/// The values of some options: `-p x`, `--package=x`.
fn values<'w>(words: &'w [String], options: &'w [&str]) -> impl Iterator<Item = &'w str> {
    words.iter().enumerate().filter_map(move |(at, word)| match word.split_once('=') {
        Some((option, value)) if options.contains(&option) => Some(value),
        _ if options.contains(&word.as_str()) => words.get(at + 1).map(String::as_str),
        _ => None,
    })
}

fn python(word: &str, place: Place<'_>, collector: &mut Collector<'_>) {
    if let Some((name, facts)) = requirement::python(word) {
        collector.add(Kind::Python, &name, facts, place);
    } else if word.contains("://")
        && let (Some(name), Some(address)) = (requirement::name_at(word), requirement::direct(word))
    {
        let facts = Facts { requirement: Some(address), ..Facts::default() };
        collector.add(Kind::Python, &name, facts, place);
    }
}

/// The distributions that `--with a,b>=1,<2` asks for: a comma in front of a name ends one.
fn python_beside(words: &[String], place: Place<'_>, collector: &mut Collector<'_>) {
    for value in values(words, &["--with"]) {
        let mut requirement = String::new();
        for part in value.split(',') {
            if part.trim_start().starts_with(|c: char| c.is_ascii_alphanumeric())
                && requirement.matches('[').count() == requirement.matches(']').count()
            {
                python(&requirement, place, collector);
                requirement.clear();
            } else if !requirement.is_empty() {
                requirement.push(',');
            }
            requirement.push_str(part);
        }
        python(&requirement, place, collector);
    }
}

fn npm(word: &str, place: Place<'_>, collector: &mut Collector<'_>) {
    if let Some((name, range)) = requirement::npm(word) {
        // `latest` asks for nothing in particular.
        let requirement = range.filter(|range| range != "latest");
        collector.add(Kind::Npm, name, Facts { requirement, ..Facts::default() }, place);
    }
}

/// A crate or a gem, with the programs that it brings; one that tells of none brings one of its name.
pub(super) fn tool(
    kind: Kind,
    name: &str,
    version: Option<&str>,
    mut provides: Vec<String>,
    place: Place<'_>,
    collector: &mut Collector<'_>,
) {
    if !requirement::is_program(name) || name.contains('@') {
        return;
    }
    if provides.is_empty() {
        provides.push(name.to_owned());
    }
    let version = version.filter(|version| requirement::is_npm_range(version));
    let requirement = version.map(str::to_owned);
    let facts = Facts { requirement, provides, ..Facts::default() };
    collector.add(kind, name, facts, place);
}

/// A Go module; the program that it brings is named by the last part of its path.
pub(super) fn go_module(word: &str, facts: Facts, place: Place<'_>, collector: &mut Collector<'_>) {
    let (path, version) = word.split_once('@').map_or((word, None), |(p, v)| (p, Some(v)));
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or(path);
    let is_version =
        last.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    let program = if is_version { parts.next().unwrap_or(last) } else { last };
    let mut facts = facts;
    if facts.provides.is_empty() && requirement::is_program(program) {
        facts.provides.push(program.to_owned());
    }
    facts.requirement = version.filter(|version| *version != "latest").map(str::to_owned);
    collector.add(Kind::Go, path, facts, place);
}

/// A package of the system's manager: the program that it is known to bring, a runtime, or a package
/// that is no program. One that is not known is taken for a program of its name.
pub(super) fn system_package(
    manager: PackageManager,
    word: &str,
    place: Place<'_>,
    collector: &mut Collector<'_>,
) {
    let name = word.rsplit('/').next().unwrap_or(word);
    let bare = name.split('@').next().unwrap_or(name);
    if let Some(runtime) = program::runtime(bare) {
        return collector.add(Kind::Runtime, runtime, Facts::default(), place);
    }
    let package = Package { manager, name: word.to_owned() };
    let programs = program::of_package(manager, word);
    match programs.as_slice() {
        [] if program::is_library(name) => {
            let facts = Facts::default().with_package(package);
            collector.add(Kind::SystemPackage, word, facts, place);
        }
        [] => {
            let facts = Facts::default().with_package(package).with_confidence(0.7);
            collector.add(Kind::Program, bare, facts, place);
        }
        [one] => collector.add(Kind::Program, one, Facts::default().with_package(package), place),
        many if many.contains(&bare) => {
            collector.add(Kind::Program, bare, Facts::default().with_package(package), place);
        }
        many => {
            let provides = many.iter().map(|name| (*name).to_owned()).collect();
            let facts = Facts { provides, ..Facts::default() }.with_package(package);
            collector.add(Kind::SystemPackage, word, facts, place);
        }
    }
}
