//! Other ways to the same goal, and demands that directions take down.

use skvm_core::capability::{CapabilityPath, Level, Primitive as P, Purpose, Requirement};
use skvm_core::skill::Skill;

use super::direction::{Direction, directions_in, shows};

/// Applies the directions that stand in the skill, and adds what it offers besides.
pub(super) fn apply(skill: &Skill, purposes: &mut [Purpose]) {
    let mut directions = directions_in(skill);
    directions.retain(|direction| shows(skill, direction.needs));
    for purpose in purposes {
        for direction in &directions {
            lower(purpose, direction);
        }
        // What the skill offers comes first: no direction has to be followed for it.
        let mut paths = offered(purpose);
        for direction in &directions {
            let note = format!("by the direction `{}`", direction.id);
            paths.extend(path(purpose, direction.replaces, direction.instead, &note));
        }
        purpose.alternative_paths = paths;
    }
}

fn lower(purpose: &mut Purpose, direction: &Direction) {
    for requirement in &mut purpose.current_path.primitives {
        let to = direction.lowers.iter().find(|(primitive, _)| *primitive == requirement.primitive);
        if let Some((_, to)) = to.filter(|(_, to)| *to < requirement.min_level) {
            requirement.min_level = *to;
            requirement.evidence.push_str(", taken down by the direction `");
            requirement.evidence.push_str(direction.id);
            requirement.evidence.push('`');
        }
    }
}

/// Ways that the skill offers by itself.
fn offered(purpose: &Purpose) -> Vec<CapabilityPath> {
    let level = |primitive| {
        let requirements = purpose.current_path.primitives.iter();
        requirements.clone().find(|r| r.primitive == primitive).map(|r| r.min_level)
    };
    let mut paths = Vec::new();
    if let (Some(delegation), Some(exec)) = (level(P::FollowDelegation), level(P::ToolExec)) {
        let written = [P::GenCodePython, P::GenCodeJavascript];
        let instead = [(P::FollowDelegation, delegation), (P::ToolExec, exec)];
        paths.extend(path(purpose, &written, &instead, "a bundled script instead of written code"));
    }
    // Every request that is seen in code is made by a command.
    if level(P::ToolExec).is_some() {
        let instead = [(P::ToolExec, Level::L1)];
        paths.extend(path(purpose, &[P::ToolWeb], &instead, "a command instead of a web tool"));
    }
    paths
}

/// The current path without `replaced` and with `instead`; `None` when nothing is replaced.
fn path(
    purpose: &Purpose,
    replaced: &[P],
    instead: &[(P, Level)],
    note: &str,
) -> Option<CapabilityPath> {
    let current = &purpose.current_path.primitives;
    let replaces: Vec<P> = current
        .iter()
        .map(|requirement| requirement.primitive)
        .filter(|primitive| replaced.contains(primitive))
        .collect();
    if replaces.is_empty() {
        return None;
    }
    let mut primitives: Vec<Requirement> = current
        .iter()
        .filter(|requirement| !replaces.contains(&requirement.primitive))
        .cloned()
        .collect();
    for (primitive, level) in instead {
        match primitives.iter_mut().find(|requirement| requirement.primitive == *primitive) {
            Some(requirement) => requirement.min_level = requirement.min_level.max(*level),
            None => primitives.push(Requirement {
                primitive: *primitive,
                min_level: *level,
                evidence: note.to_owned(),
                spans: Vec::new(),
                confidence: None,
            }),
        }
    }
    primitives.sort_by_key(|requirement| requirement.primitive);
    Some(CapabilityPath { primitives, replaces, note: Some(note.to_owned()) })
}
