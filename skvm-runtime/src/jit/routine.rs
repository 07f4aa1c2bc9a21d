//! Routines: what the runs of one task have in common, as templates and where their values come from.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skvm_core::artifact::{
    Fingerprint, Parameter, ParameterType, Part, Template, TemplateLanguage,
};
use skvm_core::digest::Digest;
use skvm_passes::templates::{Shape, takes_parts};

use super::call;
use super::derivation::{
    Derivation, Expression, Known, OutputView, Pieces, Source, Term, Transform,
};
use super::output::Expected;
use super::wording::{Element, MAX_TOKENS, Tokens, Wording};

/// A run of a model's own, as far as something is learned from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) task: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) inputs: BTreeMap<String, String>,
    pub(super) calls: Vec<RunCall>,
    /// The final text.
    pub(super) answer: String,
}

/// A call of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunCall {
    pub(super) turn: usize,
    pub(super) tool: String,
    pub(super) arguments: Value,
    pub(super) output: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) exit_code: Option<i32>,
    /// Whether it left everything as it was.
    pub(super) looks: bool,
}

impl Run {
    /// What a run was about: two with the same are no evidence that the values are understood.
    pub(super) fn about(&self) -> Digest {
        Self::about_of(&self.task, &self.inputs)
    }

    /// The same of a task and its inputs.
    pub(super) fn about_of(task: &str, inputs: &BTreeMap<String, String>) -> Digest {
        let mut digest = Digest::builder("skvm/run/1").field(task.as_bytes());
        for (name, value) in inputs {
            digest.add(name.as_bytes());
            digest.add(value.as_bytes());
        }
        digest.finish()
    }

    /// The calls that do something; all of them when none does.
    fn doing(&self) -> Vec<&RunCall> {
        let doing: Vec<&RunCall> = self.calls.iter().filter(|call| !call.looks).collect();
        if doing.is_empty() { self.calls.iter().collect() } else { doing }
    }

    /// Names what the run did: its tools and the structure of its calls, those apart that only look. `None` when a
    /// call has no structure.
    pub(super) fn signature(&self) -> Option<Digest> {
        let mut digest = Digest::builder("skvm/routine/1");
        for RunCall { tool, arguments, .. } in self.doing() {
            digest.add(tool.as_bytes());
            digest.add(call::shape(tool, arguments)?.fingerprint().to_string().as_bytes());
        }
        Some(digest.finish())
    }
}

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

/// What a part of a task is to the calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Use {
    /// Values come from it.
    Value,
    /// Only the name of the file in it is used, so that the rest has to be one that was seen.
    Name(BTreeSet<String>),
    /// It told the same as another part that values come from: one of the two is put together from the other.
    Tied {
        /// The whole of one.
        whole: Source,
        /// Its pieces out of the other.
        pieces: Expression,
    },
    /// No value comes from it: what stood there made no difference, as far as was seen.
    Idle(BTreeSet<String>),
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
        && value.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '/' | '-' | ' ' | ','))
}

/// Whether a value is a lower-case word, which could be a command or an option of a program.
fn is_word(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_lowercase())
        && value.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_'))
}

/// Most calls and literals of a routine; runs with more are not learned from.
pub(super) const MAX_CALLS: usize = 32;
const MAX_LITERALS: usize = 256;

impl Routine {
    /// What all of these runs have in common. `None` when a value in one of the calls is not explained, or the
    /// tasks are worded too differently. `ask` allows values that only a model can find.
    pub(super) fn learn(runs: &[&Run], ask: bool) -> Option<Self> {
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

/// Whether the tasks of runs are worded enough alike to be one.
pub(super) fn worded_alike(runs: &[&Run]) -> bool {
    Wording::of_all(runs.iter().map(|run| run.task.as_str())).as_ref().is_some_and(is_telling)
}

/// Whether runs are foreseen by what is learned from the others. A run whose task is worded in a way that none of
/// the others shows tells nothing.
pub(super) fn is_stable(runs: &[&Run]) -> bool {
    let (mut held, mut failed) = (0, 0);
    for left_out in 0..runs.len() {
        let others: Vec<&Run> = runs
            .iter()
            .enumerate()
            .filter(|(number, _)| *number != left_out)
            .map(|(_, run)| *run)
            .collect();
        let (Some(run), Some(learned)) = (runs.get(left_out), Routine::learn(&others, false)) else {
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

/// What is left of a path without the name of its file: the folder and the ending.
fn around_name(path: &str) -> String {
    let name = Transform::Name.of(path);
    let stem = Transform::Stem.of(path);
    let folder = path.strip_suffix(name.as_str()).unwrap_or_default();
    format!("{folder}*{}", name.strip_prefix(stem.as_str()).unwrap_or_default())
}

/// What each gap and each input is to the calls.
fn uses(
    wording: &Wording,
    runs: &[Known],
    steps: &[Step],
    asks: bool,
) -> (Vec<Use>, BTreeMap<String, Use>) {
    let used: BTreeSet<&Source> =
        steps.iter().flat_map(|step| &step.parameters).map(|it| &it.source).collect();
    let pieces = Pieces::of(runs);
    let texts = |source: &Source| -> Option<Vec<String>> {
        let derivation = Derivation::whole(source.clone());
        runs.iter().map(|run| run.take(&derivation)).collect()
    };
    // `whole` as it is put together from `part` alone.
    let tie = |whole: &Source, part: &Source| {
        let texts = texts(whole)?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let pieces = pieces.only(part).explain(&texts)?;
        let takes = pieces.iter().any(|term| matches!(term, Term::Taken(_)));
        takes.then(|| Use::Tied { whole: whole.clone(), pieces })
    };
    let find = |source: Source| {
        if used.contains(&source) {
            let mut transforms = steps
                .iter()
                .flat_map(|step| &step.parameters)
                .filter(|it| it.source == source)
                .map(|it| it.transform);
            let only_name = transforms.all(|it| matches!(it, Transform::Name | Transform::Stem));
            let rests = || texts(&source).into_iter().flatten().map(|it| around_name(&it)).collect();
            return if only_name { Use::Name(rests()) } else { Use::Value };
        }
        let others = used.iter().filter(|it| matches!(it, Source::Gap(_) | Source::Input(_)));
        let tied = others.clone().find_map(|other| tie(&source, other));
        let tied = tied.or_else(|| others.clone().find_map(|other| tie(other, &source)));
        match tied {
            Some(tied) => tied,
            // A small model may have looked at anything.
            None if asks && matches!(source, Source::Gap(_)) => Use::Value,
            None => Use::Idle(texts(&source).into_iter().flatten().collect()),
        }
    };
    let gaps = (0..wording.gaps()).map(|gap| find(Source::Gap(gap))).collect();
    let names = runs.first().into_iter().flat_map(|run| run.inputs.keys());
    (gaps, names.map(|name| (name.clone(), find(Source::Input(name.clone())))).collect())
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
            if !is_data(number) && !is_fixed(&explained) || !takes(&explained, &of_runs, self.known) {
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
