//! What the front matter declares.

use serde_json::Value;
use skvm_core::artifact::{Command, DependencyKind as Kind, DependencySource as Source, Package};
use skvm_core::host::{OsFamily, PackageManager};
use skvm_core::skill::{InstallSpec, Skill};
use skvm_core::span::Span;

use super::super::collector::{Collector, Facts, Place};
use super::super::{names::program, requirement};
use super::{install, variable_facts};
use crate::code;

/// `requires`, `install`, `os` and `primaryEnv` of vendor blocks and at the top, `dependencies`, and
/// the programs and servers that `allowed-tools` grants.
pub(super) fn collect(skill: &Skill, collector: &mut Collector<'_>) {
    let mut declared = Declared { skill, collector };
    for vendor in &skill.metadata().vendors {
        vendor.requires.bins.iter().for_each(|name| declared.program(name, false));
        // One of them is enough, so none is needed by itself.
        vendor.requires.any_bins.iter().for_each(|name| declared.program(name, true));
        vendor.requires.env.iter().for_each(|name| declared.variable(name, false));
        vendor.primary_env.iter().for_each(|name| declared.variable(name, false));
        vendor.os.iter().for_each(|name| declared.system(name));
        vendor.install.iter().for_each(|spec| declared.install(spec));
        declared.requires(&vendor.requires.extra);
    }
    let front_matter = skill.front_matter();
    if let Some(Value::Object(requires)) = front_matter.get("requires") {
        let words = |key: &str| requires.get(key).map(words_of).unwrap_or_default();
        words("bins").iter().for_each(|name| declared.program(name, false));
        words("anyBins").iter().for_each(|name| declared.program(name, true));
        words("env").iter().for_each(|name| declared.variable(name, false));
        declared.requires(requires);
    }
    match front_matter.get("install") {
        Some(Value::Array(specs)) => {
            specs.iter().filter_map(InstallSpec::read).for_each(|spec| declared.install(&spec));
            specs.iter().filter_map(Value::as_str).for_each(|command| declared.command(command));
        }
        Some(Value::String(commands)) => {
            commands.lines().for_each(|command| declared.command(command));
        }
        _ => {}
    }
    if let Some(Value::Object(dependencies)) = front_matter.get("dependencies") {
        declared.requires(dependencies);
    }
    for written in front_matter.get("dependencies").map(words_of).unwrap_or_default() {
        declared.written(&written);
    }
    skill.metadata().allowed_tools.iter().for_each(|tool| declared.granted(tool));
}

struct Declared<'a, 'c, 's> {
    skill: &'a Skill,
    collector: &'c mut Collector<'s>,
}

impl Declared<'_, '_, '_> {
    fn place(&self, word: &str) -> Place<'static> {
        let block = self.skill.front_matter().span();
        let span = block.and_then(|block| {
            let at = block.text(self.skill.source()).find(word)?;
            Some(Span::new(at, at + word.len()).shifted(block.start))
        });
        Place { source: Source::FrontMatter, file: None, span }
    }

    fn add(&mut self, kind: Kind, name: &str, facts: Facts) {
        let place = self.place(name);
        self.collector.add(kind, name, facts, place);
    }

    fn program(&mut self, name: &str, optional: bool) {
        match program::runtime(name) {
            Some(runtime) => {
                let facts = Facts::providing(name).optional(optional);
                let place = self.place(name);
                self.collector.add(Kind::Runtime, runtime, facts, place);
            }
            None if requirement::is_program(name) => {
                self.add(Kind::Program, name, Facts::default().optional(optional));
            }
            None => {}
        }
    }

    fn variable(&mut self, name: &str, optional: bool) {
        if let Some(facts) = variable_facts(name) {
            self.add(Kind::EnvironmentVariable, name, facts.optional(optional));
        }
    }

    fn system(&mut self, name: &str) {
        let family = match OsFamily::from_word(name) {
            Some(OsFamily::Linux) => "linux",
            Some(OsFamily::MacOs) => "darwin",
            Some(OsFamily::Windows) => "win32",
            Some(OsFamily::Other) | None => return,
        };
        let place = self.place(name);
        self.collector.add(Kind::OperatingSystem, family, Facts::default(), place);
    }

    /// The keys of `requires` that no vendor documents and skills use all the same.
    fn requires(&mut self, requires: &serde_json::Map<String, Value>) {
        for (key, program) in [("python", "python3"), ("node", "node")] {
            let version = requires.get(key).and_then(Value::as_str).and_then(least);
            if let Some(version) = version {
                let facts = Facts { requirement: Some(version), ..Facts::providing(program) };
                self.add(Kind::Runtime, key, facts);
            }
        }
        // A version is no list of packages.
        let listed = |value: &&Value| value.as_str().and_then(least).is_none();
        let words = |key: &str| requires.get(key).filter(listed).map(words_of).unwrap_or_default();
        for key in ["python", "pip", "pypi", "packages"] {
            for written in words(key) {
                if let Some((name, facts)) = requirement::python(&written) {
                    self.add(Kind::Python, &name, facts);
                }
            }
        }
        for key in ["npm", "node"] {
            for written in words(key) {
                if let Some((name, range)) = requirement::npm(&written) {
                    self.add(Kind::Npm, name, Facts { requirement: range, ..Facts::default() });
                }
            }
        }
        for key in ["commands", "programs", "binaries", "cli"] {
            words(key).iter().for_each(|name| self.program(name, false));
        }
        words("optionalBins").iter().for_each(|name| self.program(name, true));
        words("optionalEnv").iter().for_each(|name| self.variable(name, true));
        words("os").iter().for_each(|name| self.system(name));
        for key in ["mcp", "mcpServers"] {
            for name in words(key).iter().filter(|name| requirement::is_npm_name(name)) {
                self.add(Kind::McpServer, name, Facts::default());
            }
        }
    }

    /// One way to install something, with the programs that are there afterwards.
    fn install(&mut self, spec: &InstallSpec) {
        let other = ["formula", "package", "module", "pkg", "name"];
        let name = spec
            .name
            .as_deref()
            .or_else(|| other.iter().find_map(|key| spec.extra.get(*key).and_then(Value::as_str)));
        let manager = match spec.kind.as_str() {
            "brew" | "cask" => Some(PackageManager::Brew),
            "apt" | "apt-get" => Some(PackageManager::Apt),
            "dnf" | "yum" => Some(PackageManager::Dnf),
            "apk" => Some(PackageManager::Apk),
            "node" | "npm" | "pnpm" | "yarn" | "bun" => Some(PackageManager::Npm),
            "uv" | "pip" | "pipx" | "python" => Some(PackageManager::Pip),
            "cargo" => Some(PackageManager::Cargo),
            "go" => Some(PackageManager::Go),
            "gem" => Some(PackageManager::Gem),
            _ => None,
        };
        if let (Some(manager), Some(name)) = (manager, name) {
            self.package(manager, name, &spec.bins);
        }
        if let Some(command) = spec.extra.get("command").and_then(Value::as_str) {
            self.command(command);
        }
        if manager.is_none() {
            spec.bins.iter().for_each(|name| self.program(name, false));
        }
    }

    /// A shell text that installs something.
    fn command(&mut self, command: &str) {
        let commands = code::shell_commands(command).commands;
        let place = self.place(command);
        for found in commands {
            // Places inside the text are places in no file.
            let span = place.span.unwrap_or(Span::new(0, 0));
            install::collect(&Command { span, word: span, ..found }, None, self.collector);
        }
    }

    fn package(&mut self, manager: PackageManager, name: &str, bins: &[String]) {
        let place = self.place(name);
        let bins: Vec<&String> = bins.iter().filter(|bin| requirement::is_program(bin)).collect();
        let provides = bins.iter().map(|bin| (*bin).clone()).collect();
        let mut is_direct = false;
        match manager {
            PackageManager::Npm => {
                let Some((name, range)) = requirement::npm(name) else { return };
                let facts = Facts { requirement: range, ..Facts::default() };
                self.collector.add(Kind::Npm, name, facts, place);
            }
            PackageManager::Pip | PackageManager::Uv => {
                let Some((name, facts)) = requirement::python(name) else { return };
                is_direct = facts.requirement.iter().any(|known| known.starts_with('@'));
                self.collector.add(Kind::Python, &name, facts, place);
            }
            PackageManager::Go => {
                if !requirement::is_go_module(name) {
                    return;
                }
                let facts = Facts { provides, ..Facts::default() };
                install::go_module(name, facts, place, self.collector);
            }
            PackageManager::Cargo | PackageManager::Gem => {
                let (name, version) =
                    name.split_once('@').map_or((name, None), |(name, at)| (name, Some(at)));
                if !requirement::is_program(name) {
                    return;
                }
                let kind = if manager == PackageManager::Cargo { Kind::Cargo } else { Kind::Gem };
                install::tool(kind, name, version, provides, place, self.collector);
            }
            PackageManager::Apt
            | PackageManager::Dnf
            | PackageManager::Apk
            | PackageManager::Brew => {
                if !requirement::is_system_name(name) {
                    return;
                }
                if bins.is_empty() {
                    return install::system_package(manager, name, place, self.collector);
                }
            }
        }
        for bin in bins {
            // What the registry has under the name of what comes from an address is something else.
            let facts = match is_direct {
                true => Facts::default(),
                false => Facts::default().with_package(Package { manager, name: name.to_owned() }),
            };
            self.collector.add(Kind::Program, bin, facts, place);
        }
    }

    /// An entry of `dependencies`: `python>=3.8`, `pandas>=1.5`, `node>=18`.
    fn written(&mut self, written: &str) {
        let Some((name, facts)) = requirement::python(written) else { return };
        match program::runtime(&name.to_ascii_lowercase()) {
            Some(runtime) => {
                let requirement = facts.requirement.filter(|known| !known.starts_with('@'));
                self.add(
                    Kind::Runtime,
                    runtime,
                    Facts { requirement, provides: Vec::new(), ..facts },
                );
            }
            None if program::is_known(&name) => self.program(&name, false),
            None => self.add(Kind::Python, &name, facts),
        }
    }

    /// `Bash(git:*)` grants a program, `mcp__server__tool` a tool of a server.
    fn granted(&mut self, tool: &str) {
        if let Some(server) = tool.strip_prefix("mcp__").and_then(|rest| rest.split("__").next()) {
            if requirement::is_npm_name(server) {
                self.add(Kind::McpServer, server, Facts::default());
            }
            return;
        }
        let Some(inner) = tool.strip_prefix("Bash(").and_then(|rest| rest.strip_suffix(')')) else {
            return;
        };
        let word = inner.split([' ', ':']).next().unwrap_or("");
        match program::runtime(word) {
            Some(_) => self.program(word, false),
            None if program::is_dependency(word) => {
                let facts = Facts::default().with_confidence(0.8);
                self.add(Kind::Program, word, facts);
            }
            None => {}
        }
    }
}

/// `3.8`, `3.8+` and `>=3.8` as `>=3.8`; `None` for what is no version.
fn least(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('+');
    let range = match text.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!(">={text}"),
        false => text.to_owned(),
    };
    let is_range = range.starts_with(['<', '>', '=', '~', '!'])
        && range.contains(|c: char| c.is_ascii_digit());
    requirement::python(&format!("x {range}")).filter(|_| is_range)?.1.requirement
}

/// The words of a list, or of a text with commas or line ends between them.
fn words_of(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => {
            items.iter().filter_map(Value::as_str).map(|item| item.trim().to_owned()).collect()
        }
        Value::String(text) => text
            .split([',', '\n'])
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
            .collect(),
        _ => Vec::new(),
    }
}
