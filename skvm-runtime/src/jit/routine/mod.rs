//! Routines: what the runs of one task have in common, as templates and where their values come from.

mod learning;
mod run;
mod uses;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skvm_core::artifact::{Fingerprint, ParameterType, Template, TemplateLanguage};
use skvm_passes::templates::Shape;

use super::call;
use super::derivation::{Derivation, Expression, Known, OutputView, Term};
use super::output::Expected;
use super::wording::Wording;
pub(super) use learning::{is_stable, worded_alike};
pub(super) use run::{Run, RunCall};
use uses::{Use, around_name};

/// What runs have in common; see the [module](self).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Routine {
    pub(super) wording: Wording,
    pub(super) steps: Vec<Step>,
    /// The final text, where it is explained.
    pub(super) answer: Option<Expression>,
    /// What a small model has to be asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) questions: Vec<Question>,
    /// What each gap of the wording, and each input, is to the calls.
    gaps: Vec<Use>,
    inputs: BTreeMap<String, Use>,
}

/// One call of a routine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) tool: String,
    fingerprint: Fingerprint,
    /// The arguments.
    pub(super) template: Template,
    /// Where the values of the template's parameters come from.
    parameters: Vec<Derivation>,
    /// The value of every literal, also of those that are the same in every run.
    literals: Vec<Expression>,
    /// Whether it is made in the same turn as the one before.
    pub(super) together: bool,
    pub(super) expected: Expected,
    exit_codes: BTreeSet<Option<i32>>,
    /// The languages of the code in the call.
    pub(super) languages: BTreeSet<TemplateLanguage>,
    /// Whether it leaves everything as it is.
    pub(super) looks: bool,
    /// Parameters whose value was a lower-case word: such a word may mean something to a program.
    words: BTreeSet<usize>,
}

/// Something that a small model finds in a task's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Question {
    #[serde(rename = "type")]
    pub(super) kind: ParameterType,
    /// Tasks, and what was found in each.
    pub(super) examples: Vec<(String, String)>,
}

/// A routine cannot be followed in a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StepError {
    #[error("a value that the next call needs is not there")]
    Missing,
    #[error("the next call cannot be written: {0}")]
    Render(String),
    #[error("with these values the next call would be another one")]
    AnotherCall,
}

impl Step {
    /// The arguments of the call. Unless all values are plain they are read back: a value that would make another
    /// call of it, as an operand that begins with a dash does, is refused.
    pub(super) fn arguments(&self, known: &Known) -> Result<Value, StepError> {
        let values: Option<Vec<String>> = self.parameters.iter().map(|it| known.take(it)).collect();
        let values = values.ok_or(StepError::Missing)?;
        let may_be = |(at, value): (usize, &String)| !is_word(value) || self.words.contains(&at);
        if !values.iter().enumerate().all(may_be) {
            return Err(StepError::AnotherCall);
        }
        let failed = |error: &dyn std::error::Error| StepError::Render(error.to_string());
        let text = self.template.render(&values).map_err(|error| failed(&error))?;
        let arguments: Value = serde_json::from_str(&text).map_err(|error| failed(&error))?;
        if values.iter().all(|value| is_plain(value)) && !call::depends_on_path(&arguments) {
            return Ok(arguments);
        }
        match call::shape(&self.tool, &arguments) {
            Some(shape) if self.foresees(&self.tool, &shape, known) => Ok(arguments),
            _ => Err(StepError::AnotherCall),
        }
    }

    /// Whether a call is the one that the routine foresees.
    pub(super) fn foresees(&self, tool: &str, shape: &Shape, known: &Known) -> bool {
        if tool != self.tool || shape.fingerprint() != self.fingerprint {
            return false;
        }
        let mut values = shape.values();
        self.literals.iter().all(|literal| {
            values.next().is_some_and(|value| known.value(literal).as_deref() == Some(value))
        })
    }

    /// Whether the result of the call is as it was in earlier runs. `known` is what was known before the call.
    pub(super) fn accepts(&self, output: &str, exit_code: Option<i32>, known: &Known) -> bool {
        self.exit_codes.contains(&exit_code) && self.expected.fits(output, known)
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// Whether a value means nothing to any language: letters, digits, and marks that are no quotes, operators or
/// patterns, with no dash in front. A lower-case word could be a sub-command.
fn is_plain(value: &str) -> bool {
    let is_data = |c: char| c.is_ascii_digit() || c.is_uppercase() || matches!(c, '.' | '/');
    value.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '/'))
        && value.contains(is_data)
        && value
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '/' | '-' | ' ' | ','))
}

/// Whether a value is a lower-case word, which could be a command or an option of a program.
fn is_word(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_lowercase())
        && value.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_'))
}

/// Most calls of a routine; runs with more are not learned from.
pub(super) const MAX_CALLS: usize = 32;

impl Routine {
    /// What is known at the start of a run; `None` when the task is worded in another way, or comes with other inputs.
    pub(super) fn start(&self, task: &str, inputs: &BTreeMap<String, String>) -> Option<Known> {
        if !inputs.keys().eq(self.inputs.keys()) {
            return None;
        }
        let gaps = self.wording.fillers(task)?;
        let gaps = gaps.into_iter().map(str::to_owned).collect();
        Some(Known { inputs: inputs.clone(), gaps, ..Known::default() })
    }

    /// Whether the values of a task are of the make of those that were seen, so that it is surely the same task.
    pub(super) fn is_sure(&self, known: &Known) -> bool {
        let agrees = |text: &str, is_used: &Use| match is_used {
            Use::Value => true,
            Use::Name(rests) => rests.contains(&around_name(text)),
            Use::Tied { whole, pieces } => {
                let whole = known.take(&Derivation::whole(whole.clone()));
                whole.is_some() && whole == known.value(pieces)
            }
            Use::Idle(seen) => seen.contains(text),
        };
        known.gaps.len() == self.gaps.len()
            && known.gaps.iter().zip(&self.gaps).enumerate().all(|(gap, (filler, is_used))| {
                // What an input vouches for needs no look of its own.
                let vouched = matches!(is_used, Use::Tied { whole, pieces }
                    if whole.is_input() || pieces.iter().any(Term::is_input));
                agrees(filler, is_used) && (vouched || self.wording.is_usual(gap, filler))
            })
            && known.inputs.iter().all(|(name, value)| {
                self.inputs.get(name).is_some_and(|is_used| agrees(value, is_used))
            })
    }

    /// Whether another routine makes the same calls with values from the same places.
    pub(super) fn does_the_same(&self, other: &Self) -> bool {
        self.steps.len() == other.steps.len()
            && self.steps.iter().zip(&other.steps).all(|(one, other)| {
                one.tool == other.tool
                    && one.fingerprint == other.fingerprint
                    && one.literals == other.literals
                    && one.together == other.together
            })
    }

    /// Adds the output of a step to what is known.
    pub(super) fn see(&self, step: usize, output: &str, known: &mut Known) {
        let wording = self.steps.get(step).and_then(|step| step.expected.wording());
        known.outputs.push(OutputView::new(output, wording));
    }

    /// Whether the routine would have foreseen all of a run.
    pub(super) fn agrees(&self, run: &Run) -> bool {
        let Some(mut known) = self.start(&run.task, &run.inputs) else { return false };
        let mut calls = run.calls.iter();
        let mut waiting = Vec::new();
        for (number, step) in self.steps.iter().enumerate() {
            if !step.together {
                for (number, output) in waiting.drain(..) {
                    self.see(number, output, &mut known);
                }
            }
            let is_it = |made: &&RunCall| {
                let shape = call::shape(&made.tool, &made.arguments);
                shape.is_some_and(|shape| step.foresees(&made.tool, &shape, &known))
            };
            let mut ahead = calls.clone();
            match ahead.find(|made| is_it(made) || !made.looks) {
                Some(made) if is_it(&made) => {
                    calls = ahead;
                    if !step.accepts(&made.output, made.exit_code, &known) {
                        return false;
                    }
                    waiting.push((number, made.output.as_str()));
                }
                // A run may look less.
                _ if step.looks => waiting.push((number, "")),
                _ => return false,
            }
        }
        calls.all(|call| call.looks)
    }
}
