//! What code takes from its surroundings: variables, hosts, services, MCP servers.

use std::collections::BTreeSet;

use serde_json::Value;
use skvm_core::artifact::{
    CodeBlock, CodeIndex, CodeLanguage, CodeOrigin, DependencyKind as Kind,
    DependencySource as Source, VariableAccess,
};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::super::collector::{Collector, Facts, Place};
use super::super::declared::variable_facts;
use super::super::names::python;
use super::super::requirement;
use super::file_of;

/// Hosts that are named and not talked to: examples, and names of formats.
const NO_HOSTS: [&str; 12] = [
    "www.w3.org",
    "schemas.openxmlformats.org",
    "schemas.microsoft.com",
    "json-schema.org",
    "schema.org",
    "ns.adobe.com",
    "purl.org",
    "purl.oclc.org",
    "xmlns.com",
    "example.com",
    "example.org",
    "example.net",
];

pub(super) fn collect(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    for block in &code.blocks {
        variables(block, collector);
        addresses(block, collector);
        for import in &block.imports {
            let top = import.module.split(['.', '/']).next().unwrap_or("");
            if let Some(service) = python::service(top) {
                let place =
                    Place { source: Source::Import, file: file_of(block), span: Some(import.span) };
                let facts = Facts::providing(top).optional(true).with_confidence(0.5);
                collector.add(Kind::Service, service, facts, place);
            }
        }
        for command in &block.commands {
            let words: Vec<&str> = command.arguments.iter().map(String::as_str).collect();
            let server = match (command.program.as_str(), words.as_slice()) {
                ("mcporter", ["call", call, ..]) => call.split(['.', '(']).next(),
                ("claude" | "codex" | "gemini", ["mcp", "add", rest @ ..]) => {
                    rest.iter().find(|word| !word.starts_with('-')).copied()
                }
                _ => None,
            };
            let place =
                Place { source: Source::Command, file: file_of(block), span: Some(command.span) };
            mcp_server(server.unwrap_or(""), place, collector);
        }
    }
    variable_files(skill, collector);
    shown_variables(skill, code, collector);
    mcp_configurations(skill, code, collector);
}

fn variables(block: &CodeBlock, collector: &mut Collector<'_>) {
    let set: BTreeSet<&str> = block
        .variables
        .iter()
        .filter(|variable| variable.access == VariableAccess::Sets)
        .map(|variable| variable.name.as_str())
        .collect();
    let place = |span| Place { source: Source::Code, file: file_of(block), span: Some(span) };
    for variable in &block.variables {
        let Some(facts) = variable_facts(&variable.name) else { continue };
        // `<your key>` and `$X` are other things than a variable that somebody must set.
        let is_set = set.contains(variable.name.as_str());
        let facts = match variable.access {
            VariableAccess::Reads => facts,
            VariableAccess::ReadsOrDefault => facts.optional(true),
            VariableAccess::Exports => facts,
            VariableAccess::Expands if facts.secret && !is_set => facts.with_confidence(0.7),
            VariableAccess::Expands => {
                // Nothing tells it from a name of the script's own, unless somebody else does.
                let known = !is_set && collector.knows(Kind::EnvironmentVariable, &variable.name);
                if known {
                    collector.add(
                        Kind::EnvironmentVariable,
                        &variable.name,
                        facts.optional(true),
                        place(variable.span),
                    );
                }
                continue;
            }
            VariableAccess::Sets => continue,
        };
        collector.add(Kind::EnvironmentVariable, &variable.name, facts, place(variable.span));
    }
}

fn addresses(block: &CodeBlock, collector: &mut Collector<'_>) {
    for address in &block.addresses {
        let host = address.host.as_str();
        let (name, port) = host.split_once(':').map_or((host, None), |(n, p)| (n, Some(p)));
        let place = Place { source: Source::Code, file: file_of(block), span: Some(address.span) };
        if matches!(name, "localhost" | "127.0.0.1" | "0.0.0.0" | "host.docker.internal") {
            if let Some(port) = port {
                let facts = Facts::default().with_confidence(0.6);
                collector.add(Kind::Service, &format!("localhost:{port}"), facts, place);
            }
            continue;
        }
        let is_example = NO_HOSTS.contains(&name)
            || name.ends_with(".example")
            || name.contains("example.")
            || name
                .split(['.', '-'])
                .any(|part| matches!(part, "your" | "my" | "xxx" | "yourdomain"));
        let is_number = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if !is_example && (!is_number || name.split('.').count() == 4) {
            let confidence = match block.facts.language {
                CodeLanguage::Shell => 0.8,
                _ => 0.6,
            };
            collector.add(
                Kind::NetworkHost,
                host,
                Facts::default().with_confidence(confidence),
                place,
            );
        }
    }
}

/// `.env.example` and the like.
fn variable_files(skill: &Skill, collector: &mut Collector<'_>) {
    for file in skill.bundle().files() {
        if !file.name().starts_with(".env") && !file.name().ends_with(".env.example") {
            continue;
        }
        let text = file.text().unwrap_or("");
        for (name, span) in assignments(text) {
            if let Some(facts) = variable_facts(name) {
                let place = Place {
                    source: Source::Configuration,
                    file: Some(file.path()),
                    span: Some(span),
                };
                collector.add(Kind::EnvironmentVariable, name, facts, place);
            }
        }
    }
}

/// Blocks of assignments in the text, and names of secrets between backticks.
fn shown_variables(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    let document = skill.document();
    let others = code.blocks.iter().filter(|block| block.facts.language == CodeLanguage::Other);
    for block in others {
        let CodeOrigin::Fence { index, .. } = block.origin else { continue };
        let Some(fence) = document.fences().get(index) else { continue };
        let text = fence.code(skill.source());
        let is_comment = |line: &&str| line.trim().is_empty() || line.trim().starts_with('#');
        let lines = text.lines().filter(|line| !is_comment(line)).count();
        let found = assignments(&text);
        if found.len() != lines {
            continue;
        }
        for (name, span) in found {
            if let Some(facts) = variable_facts(name) {
                let span = Some(fence.source_span(span));
                let place = Place { source: Source::Configuration, file: None, span };
                collector.add(Kind::EnvironmentVariable, name, facts, place);
            }
        }
    }
    for inline in document.code_spans() {
        let name = inline.content().text(skill.source());
        let name = name.strip_prefix('$').unwrap_or(name);
        let name = name.split('=').next().unwrap_or(name);
        if let Some(facts) = variable_facts(name).filter(|facts| facts.secret)
            && name.contains('_')
        {
            // Up to the name's end: behind it a value may stand.
            let end = Span::of_slice(skill.source(), name).map(|span| span.end);
            let span = end.map(|end| Span::new(inline.content().start, end));
            let place = Place { source: Source::Reference, file: None, span };
            collector.add(Kind::EnvironmentVariable, name, facts, place);
        }
    }
}

/// The names that lines `NAME=value` and `export NAME=value` set.
fn assignments(text: &str) -> Vec<(&str, Span)> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, _) = line.split_once('=')?;
            let name = name.trim();
            crate::code::is_variable(name).then_some((name, Span::of_slice(text, name)?))
        })
        .collect()
}

/// `mcpServers` in JSON blocks of the text and in JSON files of the bundle.
fn mcp_configurations(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    let document = skill.document();
    for block in &code.blocks {
        let CodeOrigin::Fence { index, span } = block.origin else { continue };
        let Some(fence) = document.fences().get(index) else { continue };
        if block.facts.language == CodeLanguage::Data {
            let place = Place { source: Source::Configuration, file: None, span: Some(span) };
            mcp_servers(&fence.code(skill.source()), place, collector);
        }
    }
    for file in skill.bundle().files().iter().filter(|file| file.extension() == "json") {
        let place = Place { source: Source::Configuration, file: Some(file.path()), span: None };
        mcp_servers(file.text().unwrap_or(""), place, collector);
    }
}

fn mcp_servers(text: &str, place: Place<'_>, collector: &mut Collector<'_>) {
    if !text.contains("mcpServers") {
        return;
    }
    let Ok(configuration) = serde_json::from_str::<Value>(text) else { return };
    let servers = configuration.get("mcpServers").and_then(Value::as_object);
    for name in servers.into_iter().flat_map(|servers| servers.keys()) {
        mcp_server(name, place, collector);
    }
}

fn mcp_server(name: &str, place: Place<'_>, collector: &mut Collector<'_>) {
    if requirement::is_npm_name(name) {
        collector.add(Kind::McpServer, name, Facts::default(), place);
    }
}
