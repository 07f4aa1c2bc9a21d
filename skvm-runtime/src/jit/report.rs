//! What was learned, to be looked at.

use serde::Serialize;
use skvm_core::digest::Digest;

use super::policy::SolidifyPolicy;
use super::record::{Counters, Known};
use super::scope::allows;

/// One routine: the calls that a task of one wording leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SolidifiedReport {
    /// Names the calls, by their structure; routines of different wordings can make the same calls.
    pub template: Digest,
    /// The wording of the task, with `{0}` where a value stands; `None` while no value is understood.
    pub wording: Option<String>,
    /// The calls in order: the tool, and its arguments with the name of a parameter in each hole.
    pub calls: Vec<String>,
    /// How far it is.
    pub state: SolidifiedState,
    /// Whether the final text is answered too.
    pub answers: bool,
    /// Whether the policy lets it act.
    pub allowed: bool,
    /// Correct predictions in consecutive runs that it takes to solidify; more after each demotion.
    pub needed: u32,
    /// How often it was demoted.
    pub demotions: u32,
    /// What was counted.
    pub counters: Counters,
}

/// How far a routine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SolidifiedState {
    /// It was seen, and nothing is proven.
    Observed,
    /// So many predictions in a row were correct.
    Predicted(u32),
    /// It answers in the model's place.
    Solidified,
    /// It failed too often and has to be proven again.
    Demoted,
}

impl SolidifiedReport {
    pub(super) fn of(template: Digest, known: &Known, policy: &SolidifyPolicy) -> Self {
        let routine = known.routine.as_ref();
        let state = match (known.solidified, known.streak, known.demotions) {
            (true, ..) => SolidifiedState::Solidified,
            (false, 0, 1..) => SolidifiedState::Demoted,
            (false, 0, _) => SolidifiedState::Observed,
            (false, streak, _) => SolidifiedState::Predicted(streak),
        };
        let calls = routine.map(|routine| {
            let outline =
                |step: &super::routine::Step| format!("{} {}", step.tool, step.template.outline());
            routine.steps.iter().map(outline).collect()
        });
        Self {
            template,
            wording: routine.map(|routine| routine.wording.outline()),
            calls: calls.unwrap_or_default(),
            state,
            answers: known.answers(policy.thresholds),
            allowed: routine.is_some_and(|routine| allows(policy, &template, routine)),
            needed: known.needed,
            demotions: known.demotions,
            counters: known.counters,
        }
    }
}

impl std::fmt::Display for SolidifiedState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Observed => f.write_str("observed"),
            Self::Predicted(times) => write!(f, "predicted {times}"),
            Self::Solidified => f.write_str("solidified"),
            Self::Demoted => f.write_str("demoted"),
        }
    }
}
