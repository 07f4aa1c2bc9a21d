//! Node.js packages.

use serde_json::Value;
use skvm_core::artifact::{DependencyKind as Kind, DependencySource as Source};
use skvm_core::skill::BundleFile;
use skvm_core::span::Span;

use super::super::collector::{Collector, Facts, Place};
use super::super::requirement;

/// Most entries whose place in the file is looked for.
const MAX_PLACES: usize = 200;

/// `dependencies`, `optionalDependencies`, `peerDependencies` and `engines` of a `package.json`. What
/// only developers of the package need is left out, as is what comes from the bundle itself.
pub(super) fn collect(file: &BundleFile, collector: &mut Collector<'_>) {
    let Some(text) = file.text() else { return };
    let Ok(package) = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) else {
        return;
    };
    let mut looked = 0;
    let mut place = |word: &str| {
        looked += 1;
        let at = (looked <= MAX_PLACES).then(|| text.find(&format!("\"{word}\""))).flatten();
        let span = at.map(|at| Span::new(at + 1, at + 1 + word.len()));
        Place { source: Source::PackageJson, file: Some(file.path()), span }
    };
    let is_optional_peer = |name: &str| {
        let meta = package.get("peerDependenciesMeta").and_then(|meta| meta.get(name));
        meta.and_then(|meta| meta.get("optional")).and_then(Value::as_bool) == Some(true)
    };
    let sections =
        [("dependencies", false), ("peerDependencies", false), ("optionalDependencies", true)];
    for (section, optional) in sections {
        let entries = package.get(section).and_then(Value::as_object);
        for (name, range) in entries.into_iter().flatten() {
            if !requirement::is_npm_name(name) {
                continue;
            }
            let Some(range) = declared_range(range) else { continue };
            let optional = optional || (section == "peerDependencies" && is_optional_peer(name));
            let facts = Facts { requirement: range, optional, ..Facts::default() };
            collector.add(Kind::Npm, name, facts, place(name));
        }
    }
    for (engine, kind, name) in [
        ("node", Kind::Runtime, "node"),
        ("bun", Kind::Program, "bun"),
        ("deno", Kind::Program, "deno"),
    ] {
        let pointer = format!("/engines/{engine}");
        let range = package.pointer(&pointer).and_then(Value::as_str);
        if let Some(range) = range.filter(|range| requirement::is_npm_range(range)) {
            let facts = Facts { requirement: Some(range.to_owned()), ..Facts::default() };
            collector.add(kind, name, facts, place(engine));
        }
    }
}

/// The range of a registry's package, `@ address` for one from elsewhere; `None` for one of the
/// bundle's own folders and for what is neither.
fn declared_range(range: &Value) -> Option<Option<String>> {
    let range = range.as_str()?.trim();
    if range.is_empty() || requirement::is_npm_range(range) {
        return Some(Some(range.to_owned()).filter(|range| !range.is_empty()));
    }
    let from_elsewhere = ["git+", "git:", "github:", "http:", "https:", "git@"];
    if from_elsewhere.iter().any(|start| range.starts_with(start)) {
        let is_plain = range.bytes().all(|b| b.is_ascii_graphic()) && range.len() < 2048;
        return is_plain.then(|| Some(format!("@ {range}")));
    }
    None
}
