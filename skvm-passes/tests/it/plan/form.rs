//! The form of a plan's commands, told again and apart from the code that makes them: every command is
//! one of these shapes, and every word out of a skill has the grammar of its kind.

use std::collections::BTreeSet;

use skvm_core::artifact::{Action, ActionKind, Check, EnvironmentPlan, Word};
use skvm_core::host::HostFacts;

use super::shown;

/// The commands of actions. `<x>` is a word of that grammar, `<x>+` one or more, `(…)` may be absent.
const ACTIONS: [(ActionKind, &str); 14] = [
    (ActionKind::PythonEnvironment, "uv venv --python <interpreter-or-version> -- ENV/python"),
    (ActionKind::PythonEnvironment, "<interpreter> -m venv ENV/python"),
    (ActionKind::PythonPackages, "uv pip install --python <python> -- <requirement>+"),
    (
        ActionKind::PythonPackages,
        "uv pip install --python <python> --no-index --find-links <folder> -- <requirement>+",
    ),
    (
        ActionKind::PythonPackages,
        "<python> -m pip install --disable-pip-version-check --no-input -- <requirement>+",
    ),
    (
        ActionKind::PythonPackages,
        "<python> -m pip install --disable-pip-version-check --no-input --no-index --find-links <folder> \
         -- <requirement>+",
    ),
    (
        ActionKind::NpmPackages,
        "npm install --prefix ENV/npm --no-audit --no-fund --loglevel=error (--ignore-scripts) -- <npm>+",
    ),
    (ActionKind::Tool, "cargo install --locked --root ENV/ -- <crate>"),
    (ActionKind::Tool, "cargo install --locked --root ENV/ --version <range> -- <crate>"),
    (ActionKind::Tool, "go install <module>"),
    (ActionKind::Tool, "gem install --no-document --install-dir ENV/gems --bindir ENV/bin <gem>"),
    (
        ActionKind::Tool,
        "gem install --no-document --install-dir ENV/gems --bindir ENV/bin --version <range> <gem>",
    ),
    (ActionKind::PackageLists, "apt-get update"),
    (ActionKind::SystemPackages, "apt-get install -y --no-install-recommends -- <system>"),
];

const OTHER_SYSTEMS: [&str; 3] =
    ["dnf install -y -- <system>", "apk add --no-cache -- <system>", "brew install -- <system>"];

const CHECKS: [&str; 10] = [
    "<python> -V",
    "<python> -I -c <program> <requirement>+",
    "<python> -I -c <program> <python-module>+",
    "<interpreter> --input-type=module -e <program> -- <npm-import>+",
    "false",
    "apt-get install --simulate --no-install-recommends -- <system>+",
    "dpkg -s -- <system>",
    "rpm -q -- <system>",
    "apk info -e -- <system>",
    "brew list --versions -- <system>",
];

/// Checks that every command of a plan has one of the known shapes, that ids are told apart, and that
/// what an action waits for is done before it.
pub(crate) fn assert_form(plan: &EnvironmentPlan) {
    let mut before = BTreeSet::new();
    for action in &plan.actions {
        for earlier in &action.after {
            assert!(before.contains(earlier.as_str()), "{} does not wait for {earlier}", action.id);
        }
        assert!(before.insert(action.id.as_str()), "{} is there twice", action.id);
        assert!(!action.check.is_empty(), "{} is done again and again", action.id);
        assert!(!action.dependencies.is_empty() || action.kind == ActionKind::PackageLists);
        assert_action(action, &plan.host);
        let checks = action.check.iter().chain(&action.verify);
        checks.for_each(|check| assert_check(check, &plan.host));
    }
    for step in &plan.manual {
        step.check.iter().for_each(|check| assert_check(check, &plan.host));
    }
}

fn assert_action(action: &Action, host: &HostFacts) {
    let argv: Vec<String> = action.argv.iter().map(shown).collect();
    let of_kind = ACTIONS.iter().filter(|(kind, _)| *kind == action.kind).map(|(_, shape)| *shape);
    let others = OTHER_SYSTEMS.iter().filter(|_| action.kind == ActionKind::SystemPackages);
    let fits = of_kind.chain(others.copied()).any(|shape| fits(&argv, shape, host));
    assert!(fits, "{:?} of {} has no known shape", argv, action.id);
    for (name, value) in &action.variables {
        let known = [
            ("DEBIAN_FRONTEND", Word::text("noninteractive")),
            ("GEM_HOME", Word::in_environment("gems")),
            ("GOBIN", Word::in_environment("bin")),
            ("UV_PYTHON_INSTALL_DIR", Word::in_environment("interpreters")),
            ("UV_VENV_CLEAR", Word::text("1")),
        ];
        assert!(known.iter().any(|(n, v)| n == name && v == value), "{name}={value:?}");
    }
}

fn assert_check(check: &Check, host: &HostFacts) {
    match check {
        Check::Run { argv, folder } => {
            let argv: Vec<String> = argv.iter().map(shown).collect();
            let fits = CHECKS.iter().any(|shape| fits(&argv, shape, host));
            assert!(fits, "the check {argv:?} has no known shape");
            assert!(folder.iter().all(|folder| shown(folder) == "ENV/npm"), "{folder:?}");
        }
        Check::Program { name, version } => {
            assert!(is_program(name), "program {name:?}");
            let known = ["--version", "-version", "version", "-V", "-v", "--client"];
            assert!(version.iter().all(|word| known.contains(&word.as_str())), "{version:?}");
        }
        Check::Variable { name } => assert!(is_variable(name), "variable {name:?}"),
        Check::File { path } => {
            let path = shown(path);
            let name = path
                .strip_prefix("ENV/npm/node_modules/")
                .and_then(|rest| rest.strip_suffix("/package.json"));
            let is_own = path == "ENV/python/bin/python" || name.is_some_and(is_npm_name);
            assert!(is_own, "file {path:?}");
        }
    }
}

/// Whether a command has a shape.
fn fits(argv: &[String], shape: &str, host: &HostFacts) -> bool {
    let mut words = argv.iter().map(String::as_str).peekable();
    for part in shape.split(' ') {
        if let Some(optional) = part.strip_prefix('(').and_then(|part| part.strip_suffix(')')) {
            words.next_if_eq(&optional);
        } else if let Some(grammar) = part.strip_suffix('+').filter(|part| part.starts_with('<')) {
            if !words.next().is_some_and(|word| is_of(word, grammar, host)) {
                return false;
            }
            while words.next_if(|word| is_of(word, grammar, host)).is_some() {}
        } else if !words.next().is_some_and(|word| is_of(word, part, host)) {
            return false;
        }
    }
    words.next().is_none()
}

/// Whether a word is of a grammar, or is the word itself.
fn is_of(word: &str, grammar: &str, host: &HostFacts) -> bool {
    if !grammar.starts_with('<') {
        return word == grammar;
    }
    let interpreters = [&host.python, &host.node];
    let is_interpreter =
        || interpreters.iter().any(|found| found.as_ref().is_some_and(|i| i.program == word));
    match grammar {
        "<interpreter>" => is_interpreter(),
        "<interpreter-or-version>" => is_interpreter() || word == "3" || is_versions(word),
        "<python>" => is_interpreter() || word == "ENV/python/bin/python",
        // These two are the host's and ours.
        "<folder>" | "<program>" => true,
        "<requirement>" => is_requirement(word),
        "<python-module>" => is_module(word),
        "<npm>" => is_npm(word),
        "<npm-import>" => {
            let parts = if word.starts_with('@') { 2 } else { 1 };
            let (name, below) = match word.match_indices('/').nth(parts - 1) {
                Some((at, _)) => word.split_at(at),
                None => (word, ""),
            };
            let is_part = |part: &str| {
                !part.is_empty()
                    && part != ".."
                    && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            };
            is_npm_name(name) && below.split('/').skip(1).all(is_part)
        }
        "<crate>" | "<gem>" => is_of_alphabet(word, "-_.+") && !is_archive(word),
        "<range>" => is_range(word),
        "<module>" => is_go(word),
        "<system>" => {
            // apt reads a name with a dot as an expression; this one means just the name.
            let exact = word.strip_prefix('^').and_then(|rest| rest.strip_suffix('$'));
            let exact = exact.map(|name| name.replace("\\.", ".").replace("\\+", "+"));
            let word = exact.as_deref().unwrap_or(word);
            word.split(['/', '@']).all(|part| is_of_alphabet(part, "-_.+"))
                // A dash at the end takes a package away.
                && !word.ends_with('-')
                && !is_archive(word)
        }
        other => panic!("no grammar {other}"),
    }
}

/// Letters and digits and these others, the first a letter or digit.
fn is_of_alphabet(word: &str, others: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphanumeric())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// Names of files that package managers take from the working directory.
fn is_archive(word: &str) -> bool {
    let ends = [
        ".whl", ".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".gem", ".rpm", ".deb",
        ".apk", ".rb",
    ];
    let word = word.to_ascii_lowercase();
    ends.iter().any(|end| word.ends_with(end))
}

fn is_requirement(word: &str) -> bool {
    // A condition stands where only the installer can decide it.
    let (word, marker) = word.split_once(" ; ").unwrap_or((word, ""));
    let is_marker = |c: char| c.is_ascii_alphanumeric() || " \"'_.<>=!~()-+,*".contains(c);
    if !marker.chars().all(is_marker) {
        return false;
    }
    let end = word.find(['[', '<', '>', '=', '!', '~']).unwrap_or(word.len());
    let (name, rest) = word.split_at(end);
    let (extras, versions) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((extras, versions)) => (extras.split(',').collect(), versions),
        None => (Vec::new(), rest),
    };
    is_of_alphabet(name, "-_.")
        && !name.ends_with(['-', '_', '.'])
        && !is_archive(name)
        && extras.iter().all(|extra| is_of_alphabet(extra, "-_."))
        && (versions.is_empty() || is_versions(versions))
}

fn is_versions(word: &str) -> bool {
    word.split(',').all(|clause| {
        let version = clause.trim_start_matches(['<', '>', '=', '!', '~']);
        version.len() < clause.len() && is_of_alphabet(version, ".*+!-_")
    })
}

fn is_module(word: &str) -> bool {
    word.split('.').all(|part| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

fn is_npm(word: &str) -> bool {
    let at = word.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
    match at {
        Some(at) => is_npm_name(&word[..at]) && is_range(&word[at + 1..]),
        None => is_npm_name(word),
    }
}

fn is_npm_name(word: &str) -> bool {
    let is_part = |part: &str| is_of_alphabet(part, "-_.");
    !is_archive(word)
        && match word.strip_prefix('@').and_then(|rest| rest.split_once('/')) {
            Some((scope, name)) => is_part(scope) && is_part(name),
            None => is_part(word),
        }
}

/// A range of versions, and neither an option nor a folder.
fn is_range(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphanumeric() || "^~<>=*".contains(c))
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "^~<>=.*+-| ".contains(c))
        && !is_archive(word)
}

fn is_go(word: &str) -> bool {
    let Some((path, version)) = word.split_once('@') else { return false };
    path.split('/').count() > 1
        && path.split('/').all(|part| is_of_alphabet(part, "-_.~"))
        && !version.is_empty()
        && version.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c))
}

fn is_program(word: &str) -> bool {
    is_of_alphabet(word, "-_.+@")
}

fn is_variable(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
