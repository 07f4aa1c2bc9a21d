//! The rule `directions`.

use skvm_core::capability::{Gap, Level, Primitive};
use skvm_core::edit::{Edit, EditKind, EditReason};

use super::super::{RewriteRule, RuleInput};
use crate::opening::{Opening, newline, opening};
use crate::requirements::{DIRECTIONS, Direction, directions_in, shows};

/// The rule `directions`: puts the [directions](crate::requirements::Direction) that close a gap at the
/// head of the skill, one line each, each once.
///
/// A way around a primitive that the target can walk is preferred to taking its demand down.
///
/// It is asked last, about what the other rules leave open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Directions;

impl RewriteRule for Directions {
    fn id(&self) -> &'static str {
        "directions"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &Primitive::ALL
    }

    fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit> {
        let present = directions_in(input.skill);
        let usable: Vec<&'static Direction> =
            DIRECTIONS.iter().filter(|direction| shows(input.skill, direction.needs)).collect();
        // By direction, the gaps that it closes best; in the order of the table.
        let mut closes: Vec<Vec<&Gap>> = vec![Vec::new(); usable.len()];
        for gap in input.gaps {
            if let Some(best) = best(&usable, input, gap) {
                closes[best].push(gap);
            }
        }
        let chosen: Vec<(&Direction, Vec<&Gap>)> = usable
            .into_iter()
            .zip(closes)
            .filter(|(direction, gaps)| !gaps.is_empty() && !present.contains(direction))
            .collect();
        let Opening { at, before, after } = opening(input.skill);
        let line = newline(input.skill);
        let last = chosen.len().saturating_sub(1);
        chosen
            .iter()
            .enumerate()
            .map(|(index, (direction, gaps))| {
                let head = if index == 0 {
                    format!("{before}Work like this:{line}{line}")
                } else {
                    String::new()
                };
                let tail = if index == last { after.as_str() } else { "" };
                let text = format!("{head}- {}{line}{tail}", direction.sentence);
                Edit::insert(at, text, reason(direction, gaps))
            })
            .collect()
    }
}

/// The direction that closes a gap best, as its position: the first that leads around it, else the
/// first that takes it down to what the target has. One that does both takes it down where it can.
fn best(usable: &[&Direction], input: &RuleInput<'_>, gap: &Gap) -> Option<usize> {
    let walkable = |direction: &&Direction| {
        direction.replaces.contains(&gap.primitive)
            && direction.instead.iter().all(|(p, level)| input.profile.level(*p) >= Some(*level))
    };
    let closing = |direction: &&Direction| {
        direction.lowers.iter().any(|(primitive, to)| {
            *primitive == gap.primitive && *to < gap.required_level && Some(*to) <= gap.model_level
        })
    };
    let around = usable.iter().position(|direction| walkable(direction) && !closing(direction));
    around.or_else(|| usable.iter().position(closing))
}

fn reason(direction: &Direction, gaps: &[&Gap]) -> EditReason {
    let primitive = gaps.first().map(|gap| gap.primitive);
    let to = direction.lowers.iter().find(|(p, _)| Some(*p) == primitive).map(|(_, to)| *to);
    let kind = if to.is_some() { EditKind::Compensation } else { EditKind::Substitution };
    let note = match to {
        Some(to) => format!("takes the demand down to {to}"),
        None => {
            let instead: Vec<&str> = direction.instead.iter().map(|(p, _)| p.id()).collect();
            format!("leads around it by {}", instead.join(" and "))
        }
    };
    let mut reason = EditReason::new(direction.id, kind, note);
    reason.purpose = gaps.first().map(|gap| gap.purpose_id.clone());
    reason.primitive = primitive;
    reason.from = gaps.iter().map(|gap| gap.required_level).max();
    reason.to = to.or(Some(Level::L0));
    reason
}
