//! How single requirements are written: PEP 508 for Python, names and ranges for npm and others.

use skvm_core::artifact::{Dependency, DependencyKind as Kind, Package};
use skvm_core::host::PackageManager;

use super::collector::Facts;
use super::version::Ranges;
use crate::code::is_variable;

/// Ends of the names of archives.
const ARCHIVES: [&str; 4] = [".whl", ".tar.gz", ".tar.bz2", ".zip"];

/// `name[extra] >=1,<2 ; marker` and `name @ address ; marker`; `None` for anything else. What it
/// gives holds no character beyond those of names, versions and markers, except for an address.
pub(super) fn python(text: &str) -> Option<(String, Facts)> {
    let (requirement, marker) = match text.split_once(';') {
        Some((requirement, marker)) => (requirement, Some(marker.trim())),
        None => (text, None),
    };
    // An empty condition is no condition.
    let marker = marker.filter(|marker| !marker.is_empty());
    if !marker.is_none_or(super::marker::is_wellformed) {
        return None;
    }
    let requirement = requirement.trim();
    let end = requirement
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))
        .unwrap_or(requirement.len());
    let (name, rest) = requirement.split_at_checked(end)?;
    if !is_distribution(name) {
        return None;
    }
    let (extras, versions) = match rest.trim_start().strip_prefix('[') {
        Some(rest) => {
            let (extras, versions) = rest.split_once(']')?;
            let extras: Vec<String> =
                extras.split(',').map(|extra| extra.trim().to_owned()).collect();
            if !extras.iter().all(|extra| is_python_name(extra)) {
                return None;
            }
            (extras, versions)
        }
        None => (Vec::new(), rest),
    };
    let versions = versions.trim();
    // Older forms put brackets around the versions.
    let versions =
        versions.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(versions);
    let requirement = match versions.strip_prefix('@') {
        Some(address) => Some(direct(address)?),
        None if versions.is_empty() => None,
        None if versions.split(',').all(is_python_version) => {
            Some(versions.chars().filter(|c| !c.is_whitespace()).collect())
        }
        None => return None,
    };
    let marker = marker.map(str::to_owned);
    Some((name.to_owned(), Facts { requirement, extras, marker, ..Facts::default() }))
}

/// The requirement that an address is: `@ https://…`.
pub(super) fn direct(address: &str) -> Option<String> {
    let address = address.trim();
    let is_plain = !address.is_empty()
        && address.len() < 2048
        && address.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'`'));
    (is_plain && (address.contains("://") || address.starts_with("file:")))
        .then(|| format!("@ {address}"))
}

/// The name of what lies at an address: what `#egg=` says, the head of a wheel's name, or the last part
/// of a repository's path.
pub(super) fn name_at(address: &str) -> Option<String> {
    let (path, fragment) = address.split_once('#').unwrap_or((address, ""));
    let egg = fragment.split('&').find_map(|part| part.strip_prefix("egg="));
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    let file = last.split('?').next().unwrap_or(last);
    let name = match egg {
        Some(egg) => egg.split('[').next().unwrap_or(egg),
        None if file.ends_with(".whl") => file.split('-').next().unwrap_or(file),
        None if ARCHIVES.iter().any(|end| file.ends_with(end)) => {
            let version = file.match_indices('-').find(|(at, _)| {
                file.get(at + 1..)
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            });
            file.get(..version?.0)?
        }
        None => {
            let repository = file.split('@').next().unwrap_or(file);
            repository.strip_suffix(".git").unwrap_or(repository)
        }
    };
    is_distribution(name).then(|| name.to_owned())
}

/// The Python that a text such as `>=3.8` asks for; an address asks for none.
pub(super) fn python_runtime(text: &str) -> Option<Facts> {
    let (_, facts) = python(&format!("python {text}"))?;
    let requirement = facts.requirement.filter(|requirement| !requirement.starts_with('@'));
    Some(Facts { requirement, ..Facts::providing("python3") })
}

/// Whether a word is the name of a distribution in the Python registry.
pub(super) fn is_distribution(name: &str) -> bool {
    is_python_name(name) && !is_file(name)
}

/// Whether a package manager would take a word for a file in the working directory.
fn is_file(word: &str) -> bool {
    const ENDS: [&str; 14] = [
        ".apk", ".deb", ".gem", ".rb", ".rpm", ".tar", ".tar.bz2", ".tar.gz", ".tar.xz", ".tbz",
        ".tgz", ".txz", ".whl", ".zip",
    ];
    let word = word.to_ascii_lowercase();
    ENDS.iter().any(|end| word.ends_with(end))
}

/// Whether a word is the name of a distribution by the grammar of PEP 508.
pub(super) fn is_python_name(name: &str) -> bool {
    let is_end = |c: char| c.is_ascii_alphanumeric();
    (1..=100).contains(&name.len())
        && name.starts_with(is_end)
        && name.ends_with(is_end)
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// One clause such as `>= 1.2`.
fn is_python_version(clause: &str) -> bool {
    let clause = clause.trim();
    let end = clause.find(|c: char| !matches!(c, '<' | '>' | '=' | '!' | '~'));
    let Some((operator, version)) = end.and_then(|end| clause.split_at_checked(end)) else {
        return false;
    };
    let version = version.trim();
    matches!(operator, "<" | ">" | "<=" | ">=" | "==" | "===" | "!=" | "~=")
        && (1..=64).contains(&version.len())
        && version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && version.bytes().all(|b| b.is_ascii_alphanumeric() || b".*+!-_".contains(&b))
}

/// Poetry's `^1.2` and the like as a requirement of Python's form.
pub(super) fn from_poetry(constraint: &str) -> Option<String> {
    let constraint = constraint.trim();
    if constraint.is_empty() || constraint == "*" {
        return None;
    }
    let clauses: Option<Vec<String>> = constraint.split(',').map(poetry_clause).collect();
    Some(clauses?.join(","))
}

fn poetry_clause(clause: &str) -> Option<String> {
    let clause = clause.trim();
    if is_python_version(clause) {
        return Some(clause.chars().filter(|c| *c != ' ').collect());
    }
    let caret = clause.strip_prefix('^');
    let version = caret.or_else(|| clause.strip_prefix('~')).unwrap_or(clause).trim();
    if !is_python_version(&format!("=={version}")) {
        return None;
    }
    let numbers: Option<Vec<u64>> = version.split('.').map(|part| part.parse().ok()).collect();
    let Some(numbers) = numbers.filter(|_| clause != version) else {
        return Some(format!("=={version}"));
    };
    let at = match caret {
        Some(_) => numbers.iter().position(|n| *n > 0).unwrap_or(numbers.len() - 1),
        None => 1.min(numbers.len() - 1),
    };
    let mut ceiling: Vec<u64> = numbers.into_iter().take(at + 1).collect();
    *ceiling.last_mut()? += 1;
    let ceiling: Vec<String> = ceiling.iter().map(u64::to_string).collect();
    Some(format!(">={version},<{}", ceiling.join(".")))
}

/// `@scope/name@^1` and `name@1`; `None` when the name or the range is not one.
pub(super) fn npm(word: &str) -> Option<(&str, Option<String>)> {
    let at = word.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
    let (name, range) = match at {
        Some(at) => (word.get(..at)?, word.get(at + 1..)),
        None => (word, None),
    };
    let range = range.filter(|range| !range.is_empty());
    (is_npm_name(name) && range.is_none_or(is_npm_range)).then(|| (name, range.map(str::to_owned)))
}

/// Whether a word is the name of a package in the npm registry.
pub(super) fn is_npm_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    name.len() <= 214
        && !is_file(name)
        && match name.strip_prefix('@') {
            Some(scoped) => {
                scoped.split_once('/').is_some_and(|(scope, name)| is_part(scope) && is_part(name))
            }
            None => is_part(name),
        }
}

/// Whether a text is what a script imports from a package: its name, or a path below it.
pub(super) fn is_npm_specifier(specifier: &str) -> bool {
    let parts = specifier.split('/');
    let scoped = usize::from(specifier.starts_with('@'));
    let name: Vec<&str> = parts.clone().take(1 + scoped).collect();
    let is_plain = |part: &str| {
        !part.is_empty()
            && part != ".."
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    is_npm_name(&name.join("/")) && parts.skip(1 + scoped).all(is_plain)
}

/// Whether a text is a range or a tag of the npm registry, and not an address, a path or an alias.
pub(super) fn is_npm_range(range: &str) -> bool {
    (1..=100).contains(&range.len())
        && range.starts_with(|c: char| c.is_ascii_alphanumeric() || "^~<>=*".contains(c))
        && !is_file(range)
        && range.bytes().all(|b| b.is_ascii_alphanumeric() || b"^~<>=.*+-| ".contains(&b))
}

/// Whether a word can be the name of a package of an operating system or of Homebrew, with the tap in
/// front and the version behind. A dash at the end would tell apt to take the package away.
pub(super) fn is_system_name(word: &str) -> bool {
    word.len() <= 128
        && !word.ends_with('-')
        && !is_file(word)
        && word.split(['/', '@']).all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b))
        })
}

/// Whether a word can be the name of a program on the `PATH`.
pub(super) fn is_program(word: &str) -> bool {
    is_system_name(word) && !word.contains('/')
}

/// Whether a word can be the path of a Go module, with a version behind `@`.
pub(super) fn is_go_module(word: &str) -> bool {
    let (path, version) = word.split_once('@').unwrap_or((word, "latest"));
    let host = path.split('/').next().unwrap_or("");
    word.len() <= 256
        && path.contains('/')
        && host.contains('.')
        && path.split('/').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
        })
        && !version.is_empty()
        && version.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b))
}

/// Whether every name of a dependency that can become a word of a command has the form that its kind
/// has. What this crate's own pass finds does; a dependency from elsewhere may not.
pub(super) fn is_wellformed(dependency: &Dependency) -> bool {
    let name = dependency.name.as_str();
    let range = dependency.requirement.as_deref();
    let is_direct = range.is_some_and(|range| range.starts_with('@'));
    let has_range = range.is_none_or(is_npm_range);
    let is_tool = is_program(name) && !name.contains('@') && has_range;
    let (is_named, is_provided): (bool, fn(&str) -> bool) = match dependency.kind {
        Kind::Python => {
            let extras = dependency.extras.iter().all(|extra| is_python_name(extra));
            let range = range.filter(|_| !is_direct);
            let read = python(&format!("{name} {}", range.unwrap_or("")));
            // Read again it must be the same, so that nothing hides in what reading leaves out.
            let is_same = read.is_some_and(|(_, facts)| facts.requirement.as_deref() == range);
            (is_distribution(name) && extras && is_same, is_module)
        }
        Kind::Npm => (is_npm_name(name) && (is_direct || has_range), is_npm_specifier),
        Kind::Cargo | Kind::Gem => (is_tool, is_program),
        Kind::Go => {
            let version = range.unwrap_or("latest");
            (is_go_module(&format!("{name}@{version}")), is_program)
        }
        Kind::Program => (is_program(name), is_program),
        Kind::SystemPackage => (is_system_name(name), is_program),
        Kind::EnvironmentVariable => (is_variable(name), is_program),
        Kind::Runtime => {
            let is_range =
                |range: &str| Ranges::python(&[range]).is_some() || Ranges::npm(&[range]).is_some();
            (range.is_none_or(|range| is_npm_range(range) && is_range(range)), is_program)
        }
        Kind::Service
        | Kind::McpServer
        | Kind::OperatingSystem
        | Kind::NetworkHost
        | Kind::Download
        | Kind::BundleFile => return true,
    };
    is_named
        && dependency.provides.iter().all(|provided| is_provided(provided))
        && dependency.packages.iter().all(is_package)
}

fn is_package(package: &Package) -> bool {
    match package.manager {
        PackageManager::Npm => npm(&package.name).is_some(),
        PackageManager::Pip | PackageManager::Uv => python(&package.name).is_some(),
        PackageManager::Go => is_go_module(&package.name),
        PackageManager::Apt
        | PackageManager::Dnf
        | PackageManager::Apk
        | PackageManager::Brew
        | PackageManager::Cargo
        | PackageManager::Gem => is_system_name(&package.name),
    }
}

/// Whether a text is the dotted name of a Python module.
fn is_module(text: &str) -> bool {
    text.split('.').all(|part| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

/// The name under which distributions are compared (PEP 503): lower case, runs of `-`, `_` and `.` as
/// one `-`.
pub(super) fn normalised(distribution: &str) -> String {
    let mut name = String::with_capacity(distribution.len());
    for c in distribution.chars() {
        if matches!(c, '-' | '_' | '.') {
            if !name.ends_with('-') {
                name.push('-');
            }
        } else {
            name.extend(c.to_lowercase());
        }
    }
    name
}

/// What people call a kind of dependency.
pub(super) fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Python => "the Python distribution",
        Kind::Npm => "the npm package",
        Kind::Cargo => "the crate",
        Kind::Go => "the Go module",
        Kind::Gem => "the gem",
        Kind::Program => "the program",
        Kind::SystemPackage => "the system package",
        Kind::Runtime => "the runtime",
        Kind::EnvironmentVariable => "the environment variable",
        Kind::Service => "the service",
        Kind::McpServer => "the MCP server",
        Kind::OperatingSystem => "the operating system",
        Kind::NetworkHost => "the network host",
        Kind::Download => "the download",
        Kind::BundleFile => "the file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, requirement, extras and marker.
    type Parsed = (String, Option<String>, Vec<String>, Option<String>);

    fn parsed(text: &str) -> Option<Parsed> {
        python(text).map(|(name, facts)| (name, facts.requirement, facts.extras, facts.marker))
    }

    #[test]
    fn requirements_keep_versions_extras_and_markers() {
        assert_eq!(
            parsed("uvicorn[standard] >= 0.20, <1 ; python_version < \"3.12\""),
            Some((
                "uvicorn".to_owned(),
                Some(">=0.20,<1".to_owned()),
                vec!["standard".to_owned()],
                Some("python_version < \"3.12\"".to_owned())
            ))
        );
        let plain = |name: &str, requirement: Option<&str>| {
            Some((name.to_owned(), requirement.map(str::to_owned), Vec::new(), None))
        };
        assert_eq!(parsed("a (>=1)"), plain("a", Some(">=1")));
        assert_eq!(parsed("a>=1;"), plain("a", Some(">=1")));
        assert_eq!(
            parsed("a @ https://e.org/a-1-py3-none-any.whl"),
            plain("a", Some("@ https://e.org/a-1-py3-none-any.whl"))
        );
        for hostile in [
            "x; rm -rf ~ #",
            "the data",
            "a$(id)",
            "-e .",
            "git+https://e.org/x",
            "a>=1; $(id)",
            "a[b;c]",
            "a==$(id)",
            "--index-url=x",
            "a --global-option=x",
            "a @ x y",
            "a>=-1",
            "é",
            "a==1\n-r x",
            "a[",
            "a-1-py3-none-any.whl",
            "",
        ] {
            assert_eq!(parsed(hostile), None, "{hostile}");
        }
    }

    #[test]
    fn addresses_have_names() {
        let cases = [
            ("git+https://e.org/o/repo.git@v1#egg=name[x]&subdirectory=y", Some("name")),
            ("git+https://e.org/o/repo.git@v1", Some("repo")),
            ("https://e.org/pkg-1.0-py3-none-any.whl", Some("pkg")),
            ("https://e.org/a-model-0.5.4.tar.gz", Some("a-model")),
            ("https://e.org/archive/main.zip", None),
            ("https://e.org/;rm", None),
        ];
        for (address, expected) in cases {
            assert_eq!(name_at(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn poetry_constraints_become_requirements() {
        let cases = [
            ("^1.2", Some(">=1.2,<2")),
            ("^0.3.1", Some(">=0.3.1,<0.4")),
            ("~1.4", Some(">=1.4,<1.5")),
            (">=1,<3", Some(">=1,<3")),
            ("1.5", Some("==1.5")),
            ("*", None),
            ("$(id)", None),
        ];
        for (constraint, expected) in cases {
            assert_eq!(from_poetry(constraint).as_deref(), expected, "{constraint}");
        }
    }

    #[test]
    fn npm_names_keep_their_scope() {
        assert_eq!(npm("@a/b@^1"), Some(("@a/b", Some("^1".to_owned()))));
        assert_eq!(npm("@a/b"), Some(("@a/b", None)));
        for hostile in
            ["", "@", "@a", "a b", "a;b", "--x", "a@git+https://e.org", "a@$(id)", "../a", "a/b"]
        {
            assert_eq!(npm(hostile), None, "{hostile}");
        }
    }
}
