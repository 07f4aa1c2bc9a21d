//! From runs to what they have in common.

use std::collections::BTreeSet;
use std::ops::Range;

use skvm_core::artifact::{Parameter, ParameterType, Part, Template, TemplateLanguage};
use skvm_passes::templates::{Shape, takes_parts};

use super::uses::uses;
use super::{MAX_CALLS, Question, Routine, Run, RunCall, Step, is_word};
use crate::jit::call;
use crate::jit::derivation::{
    Derivation, Expression, Known, OutputView, Pieces, Source, Term, Transform,
};
use crate::jit::output::Expected;
use crate::jit::wording::{Element, MAX_TOKENS, Tokens, Wording};

/// Most literals of a call; runs with more are not learned from.
const MAX_LITERALS: usize = 256;

impl Routine {
    /// What all of these runs have in common. `None` when a value in one of the calls is not explained, or the
    /// tasks are worded too differently. `ask` allows values that only a model can find.
    pub(in crate::jit) fn learn(runs: &[&Run], ask: bool) -> Option<Self> {
        let inputs = &runs.first()?.inputs;
        if runs.iter().any(|run| !run.inputs.keys().eq(inputs.keys())) {
            return None;
        }
        let alignments = alignments(runs);
        let learn = |ask| alignments.iter().find_map(|calls| Self::learn_from(runs, calls, ask));
        learn(false).or_else(|| if ask { learn(true) } else { None })
    }

    fn learn_from(runs: &[&Run], calls: &[Vec<&RunCall>], ask: bool) -> Option<Self> {
        let shapes = shapes(calls)?;
        let tasks = runs.iter().map(|run| run.task.as_str());
        let wordings = match runs {
            [run] => vec![guessed(run, &shapes)?],
            _ => Wording::all_of(tasks),
        };
        wordings.into_iter().filter(is_telling).find_map(|wording| {
            let learn = |kept| Self::learn_worded(wording.clone(), runs, calls, &shapes, kept, ask);
            let learned = learn(BTreeSet::new())?;
            let numbers = learned.fixed_numbers();
            if numbers.is_empty() { Some(learned) } else { learn(numbers) }
        })
    }

    /// The numbers that calls and the final text have in every run. Where an output has one of them too, it is no
    /// longer true when the output has another.
    fn fixed_numbers(&self) -> BTreeSet<String> {
        let literals = self.steps.iter().flat_map(|step| &step.literals);
        let terms = literals.chain(&self.answer).flatten();
        let mut found = BTreeSet::new();
        for term in terms {
            let Term::Fixed(text) = term else { continue };
            let tokens = Tokens::of(text).take(MAX_TOKENS).filter_map(|range| text.get(range));
            let is_number = |token: &&str| token.bytes().all(|b| b.is_ascii_digit());
            found.extend(tokens.filter(is_number).map(str::to_owned));
        }
        found
    }

    fn learn_worded(
        wording: Wording,
        runs: &[&Run],
        calls: &[Vec<&RunCall>],
        shapes: &[Vec<Shape>],
        kept: BTreeSet<String>,
        ask: bool,
    ) -> Option<Self> {
        let mut known: Vec<Known> =
            runs.iter().map(|run| known_before(&wording, run)).collect::<Option<_>>()?;
        let starts = known.clone();
        let mut learner = Learner { runs, ask, kept, questions: Vec::new(), known: &mut known };
        let mut steps = Vec::with_capacity(shapes.len());
        for (number, shapes) in shapes.iter().enumerate() {
            let of_step: Vec<&RunCall> =
                calls.iter().map(|calls| calls.get(number).copied()).collect::<Option<_>>()?;
            // Calls of one turn are made before any of their results is there.
            let together = number > 0
                && calls.iter().all(|calls| {
                    calls.get(number - 1).map(|call| call.turn)
                        == calls.get(number).map(|call| call.turn)
                });
            if !together {
                learner.see_outputs(&steps, calls);
            }
            steps.push(learner.step(&of_step, shapes, together)?);
        }
        learner.see_outputs(&steps, calls);
        let answers: Vec<&str> = runs.iter().map(|run| run.answer.trim()).collect();
        let answer = Pieces::of(learner.known).explain(&answers);
        let questions = learner.questions;
        let (gaps, inputs) = uses(&wording, &starts, &steps, !questions.is_empty());
        Some(Self { wording, steps, answer, questions, gaps, inputs })
    }
}

/// Whether the tasks of runs are worded enough alike to be one.
pub(in crate::jit) fn worded_alike(runs: &[&Run]) -> bool {
    Wording::of_all(runs.iter().map(|run| run.task.as_str())).as_ref().is_some_and(is_telling)
}

/// Whether runs are foreseen by what is learned from the others. A run whose task is worded in a way that none of
/// the others shows tells nothing.
pub(in crate::jit) fn is_stable(runs: &[&Run]) -> bool {
    let (mut held, mut failed) = (0, 0);
    for left_out in 0..runs.len() {
        let others: Vec<&Run> = runs
            .iter()
            .enumerate()
            .filter(|(number, _)| *number != left_out)
            .map(|(_, run)| *run)
            .collect();
        let (Some(run), Some(learned)) = (runs.get(left_out), Routine::learn(&others, false))
        else {
            continue;
        };
        if learned.agrees(run) {
            held += 1;
        } else if learned.start(&run.task, &run.inputs).is_some() {
            failed += 1;
        }
    }
    held >= 2 && failed == 0
}

/// The calls of each run that correspond to each other: all, if the runs look around in the same way, since what is
/// done may hang on what was seen; else those that do something.
fn alignments<'r>(runs: &[&'r Run]) -> Vec<Vec<Vec<&'r RunCall>>> {
    let doing: Vec<Vec<&RunCall>> = runs.iter().map(|run| run.doing()).collect();
    let all: Vec<Vec<&RunCall>> = runs.iter().map(|run| run.calls.iter().collect()).collect();
    let is_aligned = |calls: &Vec<Vec<&RunCall>>| {
        let mut each = calls.iter().map(|calls| {
            calls
                .iter()
                .map(|made| {
                    let shape = call::shape(&made.tool, &made.arguments)?;
                    Some((made.tool.as_str(), shape.fingerprint()))
                })
                .collect::<Option<Vec<_>>>()
        });
        let first = each.next().flatten();
        first.as_ref().is_some_and(|calls| (1..=MAX_CALLS).contains(&calls.len()))
            && each.all(|calls| calls == first)
    };
    let mut both = vec![all, doing];
    both.dedup();
    both.retain(is_aligned);
    both
}

/// The shapes of each call in each run.
fn shapes(calls: &[Vec<&RunCall>]) -> Option<Vec<Vec<Shape>>> {
    let steps = calls.first()?.len();
    (0..steps)
        .map(|number| {
            calls
                .iter()
                .map(|calls| {
                    let made = calls.get(number)?;
                    call::shape(&made.tool, &made.arguments)
                })
                .collect()
        })
        .collect()
}

/// The wording that one run suggests: what occurs in its calls or inputs, and looks like a value, is a gap.
fn guessed(run: &Run, shapes: &[Vec<Shape>]) -> Option<Wording> {
    Tokens::all(&run.task)?;
    let literals: Vec<&str> = shapes.iter().flatten().flat_map(Shape::values).collect();
    let is_used = |chunk: &str| {
        let stem = Transform::Stem.of(chunk);
        run.inputs.values().any(|input| input == chunk)
            || literals
                .iter()
                .any(|it| it.contains(chunk) || (stem.len() > 1 && it.contains(&stem)))
    };
    let places: Vec<Range<usize>> = chunks(&run.task)
        .filter(|place| {
            let chunk = run.task.get(place.clone()).unwrap_or_default();
            looks_like_value(chunk, place.start) && is_used(chunk)
        })
        .collect();
    Wording::with_gaps(&run.task, &places)
}

/// The pieces of a text between white space, without punctuation at their ends.
fn chunks(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_around = |c: char| ",.;:!?\"'`()[]{}<>".contains(c);
    text.split_whitespace().filter_map(move |chunk| {
        let trimmed = chunk.trim_matches(is_around);
        let start = (trimmed.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
        (!trimmed.is_empty()).then_some(start..start + trimmed.len())
    })
}

/// Whether a piece of a text is likely to be another one the next time.
fn looks_like_value(chunk: &str, start: usize) -> bool {
    chunk.contains(|c: char| c.is_ascii_digit() || "/._-@:#=".contains(c))
        || (start > 0 && chunk.starts_with(char::is_uppercase))
}

/// Whether enough of a wording is fixed to tell the task from others.
fn is_telling(wording: &Wording) -> bool {
    let fixed = wording.fixed_words();
    let gaps = wording.elements().iter().filter(|it| matches!(it, Element::Gap(_))).count();
    fixed >= 2 && fixed >= gaps
}

fn known_before(wording: &Wording, run: &Run) -> Option<Known> {
    let gaps = wording.fillers(&run.task)?.into_iter().map(str::to_owned).collect();
    Some(Known { inputs: run.inputs.clone(), gaps, ..Known::default() })
}

struct Learner<'a> {
    runs: &'a [&'a Run],
    ask: bool,
    /// Numbers in calls and in the final text: where an output has one of them too, it has to stay the same.
    kept: BTreeSet<String>,
    questions: Vec<Question>,
    known: &'a mut Vec<Known>,
}

impl Learner<'_> {
    /// Makes the outputs of the steps so far known.
    fn see_outputs(&mut self, steps: &[Step], calls: &[Vec<&RunCall>]) {
        for (known, calls) in self.known.iter_mut().zip(calls) {
            for (step, call) in steps.iter().zip(calls).skip(known.outputs.len()) {
                known.outputs.push(OutputView::new(&call.output, step.expected.wording()));
            }
        }
    }

    fn step(&mut self, calls: &[&RunCall], shapes: &[Shape], together: bool) -> Option<Step> {
        let (first, shape) = (calls.first()?, shapes.first()?);
        let values: Vec<Vec<&str>> = shapes.iter().map(|shape| shape.values().collect()).collect();
        let count = values.first()?.len();
        if count > MAX_LITERALS {
            return None;
        }
        let pieces = Pieces::of(self.known);
        let data: Vec<Vec<bool>> = shapes.iter().map(|shape| shape.is_data().collect()).collect();
        let is_data = |number: usize| data.iter().all(|it| it.get(number) == Some(&true));
        let mut literals = Vec::with_capacity(count);
        for number in 0..count {
            let of_runs: Vec<&str> =
                values.iter().map(|values| values.get(number).copied()).collect::<Option<_>>()?;
            let explained = pieces.explain(&of_runs).filter(|it| !self.is_passing(it));
            let explained = explained.or_else(|| self.question(&of_runs))?;
            if !is_data(number) && !is_fixed(&explained) || !takes(&explained, &of_runs, self.known)
            {
                return None;
            }
            literals.push(explained);
        }
        let numbers: Vec<bool> = shape.are_numbers().collect();
        let mut parameters = Parameters::default();
        let segments = shape.segments(&mut |number, _| {
            let literal = literals.get(number)?;
            let is_number = numbers.get(number).copied().unwrap_or(false);
            literal.iter().any(|term| matches!(term, Term::Taken(_))).then(|| {
                let part = |term: &Term| match term {
                    Term::Fixed(text) => Part::Text(text.clone()),
                    Term::Taken(it) => Part::Hole(parameters.add(it, self.known, is_number)),
                };
                literal.iter().map(part).collect()
            })
        });
        let language = TemplateLanguage::Json;
        let outputs: Vec<&str> = calls.iter().map(|call| call.output.as_str()).collect();
        let expected = Expected::of(&outputs, &pieces, &self.kept);
        let words = (0..parameters.derivations.len()).filter(|at| {
            let of = |run: &Known| parameters.derivations.get(*at).and_then(|it| run.take(it));
            self.known.iter().filter_map(of).any(|value| is_word(&value))
        });
        let words = words.collect();
        Some(Step {
            tool: first.tool.clone(),
            fingerprint: shape.fingerprint(),
            template: Template { language, segments, parameters: parameters.declared },
            parameters: parameters.derivations,
            literals,
            together,
            expected,
            exit_codes: calls.iter().map(|call| call.exit_code).collect(),
            languages: shapes.iter().flat_map(call::languages).collect(),
            looks: calls.iter().all(|call| call.looks),
            words,
        })
    }

    /// Whether a value is a date that is in none of the tasks: it will be another one tomorrow.
    fn is_passing(&self, explained: &[Term]) -> bool {
        explained.iter().any(|term| match term {
            Term::Fixed(text) => date_in(text)
                .is_some_and(|date| !self.runs.iter().all(|run| run.task.contains(date))),
            Term::Taken(_) => false,
        })
    }

    /// Leaves a value to a small model, if that is allowed and there are examples of it.
    fn question(&mut self, values: &[&str]) -> Option<Expression> {
        if !self.ask || values.len() < 2 {
            return None;
        }
        let tasks = self.runs.iter().map(|run| run.task.clone());
        let examples = tasks.zip(values.iter().map(|&value| value.to_owned())).collect();
        self.questions.push(Question { kind: kind_of(values), examples });
        for (known, value) in self.known.iter_mut().zip(values) {
            known.answers.push((*value).to_owned());
        }
        let source = Source::Asked(self.questions.len() - 1);
        Some(vec![Term::Taken(Derivation { source, transform: Transform::Same })])
    }
}

fn is_fixed(expression: &[Term]) -> bool {
    expression.iter().all(|term| matches!(term, Term::Fixed(_)))
}

/// Whether the places in values that pieces are put into are no code of another language.
fn takes(expression: &[Term], values: &[&str], runs: &[Known]) -> bool {
    values.iter().zip(runs).all(|(value, run)| {
        let mut at = 0;
        expression.iter().all(|term| {
            let (length, is_hole) = match term {
                Term::Fixed(text) => (text.len(), false),
                Term::Taken(derivation) => (run.take(derivation).map_or(0, |it| it.len()), true),
            };
            let place = at..at + length;
            at += length;
            !is_hole || takes_parts(value, &place)
        })
    })
}

/// The first `YYYY-MM-DD` in a text.
fn date_in(text: &str) -> Option<&str> {
    let is_date = |text: &str| {
        text.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => matches!(b, b'-' | b'/'),
            _ => b.is_ascii_digit(),
        })
    };
    (0..text.len()).filter_map(|at| text.get(at..at + 10)).find(|piece| is_date(piece))
}

/// The parameters of a step so far.
#[derive(Default)]
struct Parameters {
    declared: Vec<Parameter>,
    derivations: Vec<Derivation>,
}

impl Parameters {
    fn add(&mut self, derivation: &Derivation, runs: &[Known], is_number: bool) -> usize {
        if let Some(known) = self.derivations.iter().position(|known| known == derivation) {
            return known;
        }
        let values: Vec<String> = runs.iter().filter_map(|run| run.take(derivation)).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let kind = if is_number { ParameterType::Number } else { kind_of(&values) };
        let name = match &derivation.source {
            Source::Input(name) => name.clone(),
            Source::Gap(number) => format!("gap_{number}"),
            Source::Output { call, .. } => format!("output_{call}_{}", self.declared.len()),
            Source::Asked(number) => format!("asked_{number}"),
        };
        let taken = self.declared.iter().any(|it| it.name == name);
        let name = if taken { format!("{name}_{}", self.declared.len()) } else { name };
        self.declared.push(Parameter::new(name, kind));
        self.derivations.push(derivation.clone());
        self.declared.len() - 1
    }
}

/// The narrowest type that all values have.
fn kind_of(values: &[&str]) -> ParameterType {
    let all = |kind: ParameterType| values.iter().all(|value| kind.check(value).is_ok());
    let is_path = |value: &&str| value.contains('/') && !value.contains(char::is_whitespace);
    if all(ParameterType::Number) {
        ParameterType::Number
    } else if all(ParameterType::Url) {
        ParameterType::Url
    } else if all(ParameterType::Path) && values.iter().all(is_path) {
        ParameterType::Path
    } else {
        ParameterType::Text
    }
}
