//! What a skill declares.

use serde_json::Value;
use skvm_core::artifact::{
    CodeIndex, CodeOrigin, Command, DependencyKind as Kind, DependencySource as Source,
};
use skvm_core::skill::{BundleFile, Skill};
use skvm_core::span::Span;

use super::collector::{Collector, Facts, Place};
use super::program;

pub(super) fn collect(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    front_matter(skill, collector);
    for file in skill.bundle().files() {
        match file.name() {
            "package.json" => package_json(file, collector),
            name if name.starts_with("requirements") && name.ends_with(".txt") => {
                requirements_file(file, collector);
            }
            _ => {}
        }
    }
    for block in &code.blocks {
        let file = match &block.origin {
            CodeOrigin::File { path } => Some(path.as_str()),
            CodeOrigin::Fence { .. } | CodeOrigin::Inline { .. } => None,
        };
        for command in &block.commands {
            install_command(command, file, collector);
        }
    }
}

fn front_matter(skill: &Skill, collector: &mut Collector<'_>) {
    let place = |word: &str| {
        let block = skill.front_matter().span()?;
        let at = block.text(skill.source()).find(word)?;
        Some(Span::new(at, at + word.len()).shifted(block.start))
    };
    let mut add = |kind, name: &str, optional| {
        let facts = Facts { optional, ..Facts::default() };
        let place = Place { source: Source::FrontMatter, file: None, span: place(name) };
        collector.add(kind, name, facts, place);
    };
    for vendor in &skill.metadata().vendors {
        vendor.requires.bins.iter().for_each(|name| add(Kind::Program, name, false));
        // One of them is enough, so none is needed by itself.
        vendor.requires.any_bins.iter().for_each(|name| add(Kind::Program, name, true));
        vendor.requires.env.iter().for_each(|name| add(Kind::EnvironmentVariable, name, false));
        vendor.primary_env.iter().for_each(|name| add(Kind::EnvironmentVariable, name, false));
        vendor.os.iter().for_each(|name| add(Kind::OperatingSystem, name, false));
    }
}

/// One line each: name, extras, versions, marker. Options, URLs and paths are passed over.
fn requirements_file(file: &BundleFile, collector: &mut Collector<'_>) {
    let Some(text) = file.text() else { return };
    for line in text.lines() {
        let requirement = line.split(" #").next().unwrap_or("").trim();
        if requirement.is_empty() || requirement.starts_with(['#', '-', '.', '/']) {
            continue;
        }
        let span = Span::of_slice(text, requirement);
        if let Some((name, facts)) = python_requirement(requirement) {
            let place = Place { source: Source::RequirementsFile, file: Some(file.path()), span };
            collector.add(Kind::Python, &name, facts, place);
        }
    }
}

/// `name[extra] >=1,<2 ; marker`; `None` for anything that is not of that form.
pub(super) fn python_requirement(text: &str) -> Option<(String, Facts)> {
    let (requirement, marker) = match text.split_once(';') {
        Some((requirement, marker)) => (requirement, Some(marker.trim().to_owned())),
        None => (text, None),
    };
    let end = requirement
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))
        .unwrap_or(requirement.len());
    let (name, rest) = requirement.split_at_checked(end)?;
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric())
        || !name.ends_with(|c: char| c.is_ascii_alphanumeric())
    {
        return None;
    }
    let (extras, versions) = match rest.trim_start().strip_prefix('[') {
        Some(rest) => {
            let (extras, versions) = rest.split_once(']')?;
            (extras.split(',').map(|extra| extra.trim().to_owned()).collect(), versions)
        }
        None => (Vec::new(), rest),
    };
    let versions = versions.trim();
    let is_version = |part: &str| {
        let part = part.trim();
        part.starts_with(['<', '>', '=', '!', '~'])
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"<>=!~.*+- _".contains(&b))
    };
    if !versions.is_empty() && !versions.split(',').all(is_version) {
        return None;
    }
    let requirement =
        (!versions.is_empty()).then(|| versions.chars().filter(|c| *c != ' ').collect());
    Some((name.to_owned(), Facts { requirement, extras, marker, ..Facts::default() }))
}

fn package_json(file: &BundleFile, collector: &mut Collector<'_>) {
    let Some(package) = file.text().and_then(|text| serde_json::from_str::<Value>(text).ok())
    else {
        return;
    };
    let place = Place { source: Source::PackageJson, file: Some(file.path()), span: None };
    for (section, optional) in [("dependencies", false), ("optionalDependencies", true)] {
        for (name, version) in package.get(section).and_then(Value::as_object).into_iter().flatten()
        {
            let requirement = version.as_str().map(str::to_owned);
            let facts = Facts { requirement, optional, ..Facts::default() };
            collector.add(Kind::Npm, name, facts, place);
        }
    }
    if let Some(node) = package.pointer("/engines/node").and_then(Value::as_str) {
        let facts = Facts { requirement: Some(node.to_owned()), ..Facts::default() };
        collector.add(Kind::Runtime, "node", facts, place);
    }
}

/// `pip install x`, `python -m pip install x`, `uv pip install x`, `npm install x`, `brew install x`
/// and their relatives.
fn install_command(command: &Command, file: Option<&str>, collector: &mut Collector<'_>) {
    let words: Vec<&str> = std::iter::once(command.program.as_str())
        .chain(command.arguments.iter().map(String::as_str))
        .skip_while(|word| *word == "sudo")
        .collect();
    let (kind, names): (Kind, &[&str]) = match words.as_slice() {
        ["pip" | "pip3" | "pipx", "install", rest @ ..]
        | ["python" | "python3", "-m", "pip", "install", rest @ ..]
        | ["uv", "pip" | "tool", "install", rest @ ..]
        | ["uv", "add", rest @ ..] => (Kind::Python, rest),
        ["npm" | "pnpm" | "bun", "install" | "i" | "add", rest @ ..]
        | ["yarn", "add", rest @ ..] => (Kind::Npm, rest),
        ["brew" | "apt" | "apt-get" | "dnf" | "apk", "install" | "add", rest @ ..] => {
            (Kind::Program, rest)
        }
        _ => return,
    };
    let place = Place { source: Source::InstallCommand, file, span: Some(command.span) };
    let mut takes_value = false;
    for word in names {
        let is_value = std::mem::take(&mut takes_value);
        takes_value = matches!(
            *word,
            "-r" | "-c"
                | "-i"
                | "--index-url"
                | "--extra-index-url"
                | "-t"
                | "--target"
                | "--prefix"
        );
        if is_value || word.starts_with(['-', '.', '/', '$', '<', '{']) || word.contains("://") {
            continue;
        }
        match kind {
            Kind::Python => {
                if let Some((name, facts)) = python_requirement(word) {
                    collector.add(kind, &name, facts, place);
                }
            }
            Kind::Npm => {
                let (name, requirement) = npm_requirement(word);
                let facts = Facts { requirement, ..Facts::default() };
                collector.add(kind, name, facts, place);
            }
            _ if word.split(['/', '@']).all(program::is_name) => {
                collector.add(kind, word, Facts::default(), place);
            }
            _ => {}
        }
    }
}

/// `@scope/name@^1` and `name@1`.
fn npm_requirement(word: &str) -> (&str, Option<String>) {
    match word.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => (word.get(..at).unwrap_or(word), word.get(at + 1..).map(str::to_owned)),
        None => (word, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_keep_versions_extras_and_markers() {
        let parse = |text| {
            python_requirement(text)
                .map(|(name, facts)| (name, facts.requirement, facts.extras, facts.marker))
        };
        assert_eq!(
            parse("uvicorn[standard] >= 0.20, <1 ; python_version < \"3.12\""),
            Some((
                "uvicorn".to_owned(),
                Some(">=0.20,<1".to_owned()),
                vec!["standard".to_owned()],
                Some("python_version < \"3.12\"".to_owned())
            ))
        );
        for hostile in
            ["x; rm -rf ~ #", "the data", "a$(id)", "-e .", "git+https://e.org/x", "x @ file:///e"]
        {
            let parsed = parse(hostile);
            assert!(parsed.is_none() || parsed.unwrap().0 == "x", "{hostile}");
        }
    }

    #[test]
    fn npm_names_keep_their_scope() {
        assert_eq!(npm_requirement("@a/b@^1"), ("@a/b", Some("^1".to_owned())));
        assert_eq!(npm_requirement("@a/b"), ("@a/b", None));
    }
}
