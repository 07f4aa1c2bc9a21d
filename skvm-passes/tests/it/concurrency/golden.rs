//! Hand-made shapes of procedures: `testdata/workflows/<name>/SKILL.md`, and beside it what a careful
//! reader makes of it, `expected.json`. Names that begin with `group-` have a group, names that begin
//! with `order-` look as if they had one and must not, and `none-` are no procedures.
//!
//! `SKVM_BLESS=1 cargo test -p skvm-passes --test it concurrency` writes what is expected anew.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use skvm_core::artifact::{
    EdgeCause, Resource, Workflow, WorkflowEdge, WorkflowFacts, WorkflowGroup, WorkflowStep,
    WorkflowStepKind,
};
use skvm_core::skill::Skill;
use skvm_passes::concurrency;

#[derive(Serialize)]
struct ShownStep<'w> {
    label: &'w str,
    kind: WorkflowStepKind,
    reads: Vec<String>,
    writes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<&'w str>,
}

#[derive(Serialize)]
struct ShownEdge<'w> {
    from: &'w str,
    to: &'w str,
    cause: EdgeCause,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'w str>,
}

#[derive(Serialize)]
struct ShownGroup<'w> {
    kind: skvm_core::artifact::GroupKind,
    steps: Vec<&'w str>,
}

/// The workflow as JSON with one step, edge and group a line; steps go by their labels.
fn shown(workflow: &Workflow, facts: &WorkflowFacts) -> String {
    let label = |id: &skvm_core::artifact::StepId| workflow.steps[id.0].label.as_str();
    let step = |step: &WorkflowStep| {
        line(&ShownStep {
            label: &step.label,
            kind: step.kind,
            reads: names(&step.reads),
            writes: names(&step.writes),
            collection: step.collection.as_ref().map(|collection| collection.name.as_str()),
        })
    };
    let edge = |edge: &WorkflowEdge| {
        line(&ShownEdge {
            from: label(&edge.from),
            to: label(&edge.to),
            cause: edge.cause,
            detail: edge.detail.as_deref(),
        })
    };
    let group = |group: &WorkflowGroup| {
        line(&ShownGroup { kind: group.kind, steps: group.steps.iter().map(label).collect() })
    };
    let level = |level: &Vec<_>| line(&level.iter().map(label).collect::<Vec<_>>());
    let parts = [
        ("steps", list(workflow.steps.iter().map(step))),
        ("edges", list(workflow.edges.iter().map(edge))),
        ("groups", list(workflow.groups.iter().map(group))),
        ("remark", line(&workflow.remark)),
        ("levels", list(facts.levels.iter().map(level))),
    ];
    let parts: Vec<String> =
        parts.iter().map(|(key, json)| format!("  \"{key}\": {json}")).collect();
    format!("{{\n{}\n}}\n", parts.join(",\n"))
}

fn names(resources: &[Resource]) -> Vec<String> {
    let kind = |resource: &Resource| line(&resource.kind).replace('"', "");
    resources.iter().map(|resource| format!("{} {}", kind(resource), resource.name)).collect()
}

fn line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

fn list(lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.map(|line| format!("    {line}")).collect();
    if lines.is_empty() { "[]".to_owned() } else { format!("[\n{}\n  ]", lines.join(",\n")) }
}

/// The folder of each case with its skill, in the order of names.
fn cases() -> Vec<(String, PathBuf, Skill)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/workflows");
    let cases: Vec<(String, PathBuf, Skill)> = crate::samples::names_in(&root)
        .into_iter()
        .map(|name| {
            let folder = root.join(&name);
            for file in crate::samples::names_in(&folder) {
                let known = ["SKILL.md", "expected.json"].contains(&file.as_str());
                assert!(known, "{name}: unknown file {file}");
            }
            let text = fs::read_to_string(folder.join("SKILL.md")).unwrap();
            let skill = Skill::from_text(format!("/skills/{name}"), text);
            (name, folder, skill)
        })
        .collect();
    assert!(!cases.is_empty(), "no case is found");
    cases
}

#[test]
fn every_shape_gives_what_a_careful_reader_would_say() {
    let bless = std::env::var_os("SKVM_BLESS").is_some();
    let mut wrong = Vec::new();
    for (name, folder, skill) in cases() {
        let workflow = concurrency::extract(&skill);
        let facts = match workflow.verify() {
            Ok(facts) => facts,
            Err(error) => panic!("{name}: {error}"),
        };
        super::laws::assert_laws(&name, &skill, &workflow);
        let now = shown(&workflow, &facts);
        let path = folder.join("expected.json");
        if bless {
            fs::write(&path, &now).unwrap();
        }
        let expected = fs::read_to_string(&path)
            .unwrap_or_else(|_| panic!("{name}: expected.json is missing (SKVM_BLESS=1)"));
        if expected != now {
            wrong.push(format!("{name}\n--- expected\n{expected}--- got\n{now}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_name_of_a_shape_tells_whether_it_has_a_group() {
    for (name, _, skill) in cases() {
        let workflow = concurrency::extract(&skill);
        let (steps, groups) = (!workflow.steps.is_empty(), !workflow.groups.is_empty());
        match name.split('-').next() {
            Some("group") => assert!(groups, "{name} has no group"),
            Some("order") => assert!(steps && !groups, "{name}: {:?}", workflow.groups),
            Some("none") => assert!(!steps && workflow.remark.is_some(), "{name} has steps"),
            _ => panic!("{name} begins with none of group-, order-, none-"),
        }
    }
}

#[test]
fn there_are_shapes_enough_of_both_kinds() {
    let cases = cases();
    let count = |prefix| cases.iter().filter(|(name, _, _)| name.starts_with(prefix)).count();
    assert!(cases.len() >= 40 && count("group-") >= 15 && count("order-") >= 20);
}
