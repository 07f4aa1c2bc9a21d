//! Which step waits for which.

use std::collections::BTreeSet;

use skvm_core::artifact::{
    EdgeCause, Resource, ResourceKind, StepId, WorkflowEdge, WorkflowStepKind as Kind,
};

use super::MAX_STEPS;
use super::step::{ReadStep, verb_of};
use super::wording::{Context, gathers, is_with_step, order_word, words};

/// The edges of a list: for each step the nearest ones that it waits for. What follows from others is left
/// out.
pub(super) fn edges(steps: &[ReadStep], context: &Context) -> Vec<WorkflowEdge> {
    let mut edges: Vec<WorkflowEdge> = Vec::new();
    // By step, the steps that it waits for, also through others.
    let mut before: Vec<BTreeSet<usize>> = Vec::with_capacity(steps.len());
    let together = if context.together { done_together(steps) } else { 0 };
    for (to, later) in steps.iter().enumerate() {
        let mut waits = BTreeSet::new();
        for from in (0..to).rev() {
            if waits.contains(&from) {
                continue;
            }
            let found = match steps.len() > MAX_STEPS {
                true => Some((EdgeCause::Order, None)),
                false => {
                    let labels = (&steps[from].step.label, &later.step.label);
                    let is_together = to < together || context.names_both(labels.0, labels.1);
                    dependence(&steps[from], later, is_together)
                }
            };
            let Some((cause, detail)) = found else { continue };
            edges.push(WorkflowEdge { from: StepId(from), to: StepId(to), cause, detail });
            waits.insert(from);
            waits.extend(before[from].iter().copied());
        }
        before.push(waits);
    }
    edges.sort_by_key(|edge| (edge.to, edge.from));
    edges
}

/// How many steps at the head of a list may be done together if the author says so of the list: those
/// before the first that gathers what they gave.
fn done_together(steps: &[ReadStep]) -> usize {
    let first = steps.first().and_then(|step| verb_of(&step.step.title));
    let ends = |step: &ReadStep| {
        let verb = verb_of(&step.step.title);
        !matches!(step.step.kind, Kind::Action | Kind::Loop)
            || gathers(&step.text, verb.as_deref(), first.as_deref())
    };
    steps.iter().skip(1).position(ends).map_or(steps.len(), |at| at + 1)
}

type Found = Option<(EdgeCause, Option<String>)>;

/// Why a step waits for an earlier one; `None` when they are proven independent.
/// `is_together` is what the author says of both.
fn dependence(earlier: &ReadStep, later: &ReadStep, is_together: bool) -> Found {
    let is_with = is_with_step(&later.lower, &earlier.step.label);
    let named = || if is_with { None } else { named(earlier, later) };
    declared(earlier, later).or_else(named).or_else(|| shared(earlier, later)).or_else(|| {
        // The author's word that steps may be done together stands above the wording of the steps.
        if is_with || is_together {
            return None;
        }
        worded(earlier, later).or_else(|| {
            let is_proven = earlier.only_reads && later.only_reads;
            (!is_proven).then_some((EdgeCause::Order, None))
        })
    })
}

/// What the kinds of the steps say.
fn declared(earlier: &ReadStep, later: &ReadStep) -> Found {
    match (earlier.step.kind, later.step.kind) {
        (Kind::Gate, _) | (_, Kind::Gate) => Some((EdgeCause::Gate, None)),
        (Kind::Barrier, _) | (_, Kind::Barrier) => Some((EdgeCause::Barrier, None)),
        (Kind::Branch, _) | (_, Kind::Branch) => Some((EdgeCause::Branch, None)),
        (Kind::Action | Kind::Loop, Kind::Action | Kind::Loop) => None,
    }
}

/// Whether the later step names the earlier one: "step 2".
fn named(earlier: &ReadStep, later: &ReadStep) -> Found {
    let label = earlier.step.label.as_str();
    later
        .named
        .iter()
        .any(|named| named == label)
        .then(|| (EdgeCause::Output, Some(format!("step {label}"))))
}

/// What one writes and the other reads or writes, and what both fill in.
fn shared(earlier: &ReadStep, later: &ReadStep) -> Found {
    let (earlier, later) = (&earlier.step, &later.step);
    let clash = |resource: &&Resource| {
        let touches = |list: &[Resource]| list.iter().any(|other| is_same(resource, other));
        touches(&later.reads) || touches(&later.writes)
    };
    let written = earlier.writes.iter().find(clash);
    let overwritten = || {
        later
            .writes
            .iter()
            .find(|resource| earlier.reads.iter().any(|other| is_same(resource, other)))
    };
    if let Some(resource) = written.or_else(overwritten) {
        let cause = match resource.kind {
            ResourceKind::Variable => EdgeCause::Variable,
            ResourceKind::Identifier => EdgeCause::Identifier,
            ResourceKind::File | ResourceKind::Address => EdgeCause::File,
        };
        return Some((cause, Some(resource.name.clone())));
    }
    let filled = earlier.reads.iter().find(|resource| {
        resource.kind == ResourceKind::Identifier
            && !resource.name.starts_with("the command ")
            && later.reads.contains(resource)
    });
    filled.map(|resource| (EdgeCause::Identifier, Some(resource.name.clone())))
}

/// Whether two names mean the same, or one lies in the folder that the other names.
fn is_same(a: &Resource, b: &Resource) -> bool {
    if a.kind != b.kind {
        return false;
    }
    let below = |folder: &str, path: &str| {
        path.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
    };
    // The same file can go by its name in one place and by its path in another.
    let last = |path: &str| path.rsplit('/').next().unwrap_or("").to_owned();
    a.name == b.name
        || (a.kind == ResourceKind::File
            && (below(&a.name, &b.name)
                || below(&b.name, &a.name)
                || (!last(&a.name).is_empty() && last(&a.name) == last(&b.name))
                || a.name.contains(['*', '?', '<', '{', '$'])
                || b.name.contains(['*', '?', '<', '{', '$'])))
}

/// Words of order, and "the …" of something that the earlier step speaks of.
fn worded(earlier: &ReadStep, later: &ReadStep) -> Found {
    if let Some(noun) = resumed(earlier, later) {
        return Some((EdgeCause::Output, Some(noun)));
    }
    let title = later.step.title.as_str();
    let word = order_word(super::step::without_label(title)).or_else(|| order_word(&later.text))?;
    Some((EdgeCause::Wording, Some(word.to_lowercase())))
}

/// The noun by which a step takes up what an earlier one speaks of: "draft an outline" … "the outline".
fn resumed(earlier: &ReadStep, later: &ReadStep) -> Option<String> {
    let known: BTreeSet<&str> = words(&earlier.lower).filter(|word| word.len() > 3).collect();
    let words: Vec<&str> = words(&later.lower).collect();
    for (at, word) in words.iter().enumerate() {
        if !matches!(*word, "the" | "each" | "every" | "your") {
            continue;
        }
        // "the draft report" takes up a report as well as a draft.
        for noun in words.iter().skip(at + 1).take(3) {
            let one = noun.strip_suffix('s').unwrap_or(noun);
            if known.contains(*noun)
                || known.contains(one)
                || known.contains(format!("{noun}s").as_str())
            {
                return Some(format!("{word} {noun}"));
            }
        }
    }
    None
}
