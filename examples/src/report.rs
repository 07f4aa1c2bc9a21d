//! What `compile --json` tells about one skill.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use skvm_core::artifact::{Dependencies, Evidence, Templates, Workflow};
use skvm_core::capability::{Gap, GapOutcome, Gaps, Primitive, Requirements};
use skvm_core::diagnostic::{Diagnostic, LineIndex};
use skvm_core::skill::{LoadError, Skill};
use skvm_core::tokens;
use skvm_passes::variant::Variant;

use crate::usage::Stop;

/// Microseconds that loading and compiling took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Micros {
    /// Loading.
    pub load: u128,
    /// Compiling.
    pub compile: u128,
}

/// One compiled skill.
///
/// # Errors
/// [`Stop::Failed`] when an artifact is not what its key says.
pub fn compiled(
    path: &Path,
    skill: &Skill,
    variant: &Variant,
    micros: Micros,
) -> Result<Value, Stop> {
    let artifacts = variant.artifacts();
    let lines = LineIndex::new(skill.source());
    let requirements = artifacts.get::<Requirements>()?.unwrap_or_default();
    let gaps = artifacts.get::<Gaps>()?.unwrap_or_default();
    let dependencies = artifacts.get::<Dependencies>()?.unwrap_or_default();
    let workflow = artifacts.get::<Workflow>()?.unwrap_or_default();
    let templates = artifacts.get::<Templates>()?.unwrap_or_default();
    let demanded: Vec<Value> = requirements
        .by_primitive()
        .into_iter()
        .map(|(primitive, level)| json!({"primitive": primitive, "level": level}))
        .collect();
    let (gaps, gaps_closed) = by_primitive(&gaps);
    let edits: Vec<Value> = variant
        .edits()
        .iter()
        .map(|edit| {
            json!({
                "rule": edit.reason.rule,
                "primitive": edit.reason.primitive,
                "line": lines.line(edit.span.start),
            })
        })
        .collect();
    let dependencies: Vec<Value> = dependencies
        .entries
        .iter()
        .map(|dependency| {
            json!({
                "kind": dependency.kind,
                "name": dependency.name,
                "requirement": dependency.requirement,
                "extras": dependency.extras,
                "marker": dependency.marker,
                "optional": dependency.optional,
                "provides": dependency.provides,
                "confidence": (f64::from(dependency.confidence) * 100.0).round() / 100.0,
                "evidence": dependency.evidence.iter().map(|e| place(skill, &lines, e)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let told = skill.diagnostics().iter().chain(variant.diagnostics());
    Ok(json!({
        "skill": path,
        "name": skill.name(),
        "description": skill.description(),
        "status": "ok",
        "diagnostics": told.map(|found| diagnostic(found, &lines)).collect::<Vec<_>>(),
        "requirements": demanded,
        "gaps": gaps,
        "gaps_closed": gaps_closed,
        "edits": edits,
        "dependencies": dependencies,
        "workflow": {
            "steps": workflow.steps.len(),
            "edges": workflow.edges.len(),
            "groups": workflow.groups,
        },
        "templates": templates.templates.len(),
        "tokens": {
            "before": tokens::estimate(skill.source()),
            "after": tokens::estimate(variant.text()),
        },
        "variant": variant.digest(),
        "micros": {"load": micros.load, "compile": micros.compile},
    }))
}

/// An error and its causes in one line.
#[must_use]
pub fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    std::iter::once(error.to_string())
        .chain(causes.map(ToString::to_string))
        .collect::<Vec<_>>()
        .join(": ")
}

/// A skill that could not be loaded or compiled.
#[must_use]
pub fn failed(path: &Path, error: &(dyn std::error::Error + 'static)) -> Value {
    let code = if error.is::<LoadError>() { "skill/unreadable" } else { "skill/not-compiled" };
    let message = causes(error);
    json!({
        "skill": path,
        "name": null,
        "description": null,
        "status": "error",
        "diagnostics": [
            {"code": code, "severity": "error", "message": message, "line": null}
        ],
        "requirements": [],
        "gaps": [],
        "gaps_closed": 0,
        "edits": [],
        "dependencies": [],
        "workflow": {"steps": 0, "edges": 0, "groups": []},
        "templates": 0,
        "tokens": {"before": 0, "after": 0},
        "variant": null,
        "micros": {"load": 0, "compile": 0},
    })
}

/// Gaps by primitive, the widest of each with the worst outcome, and how many of those primitives have
/// none left open.
fn by_primitive(gaps: &Gaps) -> (Vec<Value>, usize) {
    let mut widest: BTreeMap<Primitive, Gap> = BTreeMap::new();
    for gap in &gaps.gaps {
        let entry = widest.entry(gap.primitive).or_insert_with(|| gap.clone());
        entry.required_level = entry.required_level.max(gap.required_level);
        if badness(gap.outcome) > badness(entry.outcome) {
            entry.outcome = gap.outcome;
            entry.remark.clone_from(&gap.remark);
        }
        entry.remark = entry.remark.take().or_else(|| gap.remark.clone());
    }
    let closed = widest.values().filter(|gap| badness(gap.outcome) < 2).count();
    let rows = widest.into_values().map(|gap| {
        json!({
            "primitive": gap.primitive,
            "required": gap.required_level,
            "actual": gap.model_level,
            "outcome": gap.outcome,
            "remark": gap.remark,
        })
    });
    (rows.collect(), closed)
}

fn badness(outcome: GapOutcome) -> u8 {
    match outcome {
        GapOutcome::Closed => 0,
        GapOutcome::Substituted => 1,
        GapOutcome::Open => 2,
        GapOutcome::Unclosable => 3,
    }
}

fn diagnostic(found: &Diagnostic, lines: &LineIndex) -> Value {
    json!({
        "code": found.code,
        "severity": found.severity,
        "message": found.message,
        "line": found.span.filter(|_| found.file.is_none()).map(|span| lines.line(span.start)),
    })
}

/// `file:line: quote`
fn place(skill: &Skill, lines: &LineIndex, evidence: &Evidence) -> String {
    let (file, line) = match &evidence.file {
        Some(file) => {
            let text = skill.bundle().file(file).and_then(|file| file.text());
            let line = evidence.span.zip(text).map(|(s, text)| LineIndex::new(text).line(s.start));
            (file.as_str(), line)
        }
        None => (skill.entry(), evidence.span.map(|span| lines.line(span.start))),
    };
    match line {
        Some(line) => format!("{file}:{line}: {}", evidence.quote),
        None => format!("{file}: {}", evidence.quote),
    }
}
