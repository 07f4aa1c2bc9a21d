//! One session as the JIT follows it: watching what the model does, or acting in its place.

mod acting;
mod prediction;
mod question;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use skvm_core::artifact::{Fingerprint, ParameterType};
use skvm_core::digest::Digest;
use skvm_core::harness::{Directive, RunStatus, ToolResult, TurnView};
use skvm_core::llm::{LlmBackendExt, LlmRequest, LlmResponse, Message, ToolCall, Usage};
use skvm_passes::templates::Shape;
use tracing::{debug, warn};

use super::Jit;
use super::call;
use super::derivation::Known;
use super::index::RoutineId;
use super::policy::Mode;
use super::record::{Cost, Evidence};
use super::routine::{MAX_CALLS, Routine, Run, RunCall};
use super::scope::{Ready, Scope};
use super::wording::{MAX_TOKENS, Tokens};
use crate::secret::holds_secret;
use crate::trace::Trace;
use acting::Acting;
use prediction::Prediction;
use question::{Found, question};

/// Longest output of a call that is learned from as a whole.
const MAX_OUTPUT: usize = 16 * 1024;

/// Most bytes of a task and of a call's arguments that are learned from, and of a run as a whole.
const MAX_TEXT: usize = 64 * 1024;
const MAX_RUN: usize = 96 * 1024;

/// See the [module](self).
pub(crate) struct Following {
    jit: Jit,
    scope: Arc<Scope>,
    phase: Phase,
    /// Whether the session began with nothing but the task.
    fresh: bool,
    inputs: BTreeMap<String, String>,
    /// What a small model was asked for values took.
    usage: Usage,
    made: Vec<Made>,
    /// Where the agent works, if that is known.
    workdir: Option<String>,
    /// Why the model was given the run back.
    side_exit: Option<String>,
}

/// A call that the model made.
struct Made {
    turn: usize,
    call: ToolCall,
    shape: Option<Shape>,
    /// Whether it holds a value that must not be kept.
    secret: bool,
    result: Option<ToolResult>,
}

enum Phase {
    /// Nothing happened yet.
    Waiting,
    /// The model does the work, and is compared with what was predicted.
    Watching(Vec<Prediction>),
    /// A routine does the work.
    Acting(Box<Acting>),
    /// A routine did, up to a guard that did not hold.
    Left { id: RoutineId, answers: u64 },
}

impl Following {
    pub(super) fn new(jit: Jit, scope: Arc<Scope>) -> Self {
        Self {
            jit,
            scope,
            phase: Phase::Waiting,
            fresh: true,
            inputs: BTreeMap::new(),
            usage: Usage::default(),
            made: Vec::new(),
            workdir: None,
            side_exit: None,
        }
    }

    /// Tells where the agent works. A run whose calls name that folder is not learned from: in another one they
    /// would do their work in the wrong place.
    pub(crate) fn works_in(&mut self, workdir: &Path) {
        self.workdir = workdir.to_str().filter(|path| path.len() > 1).map(str::to_owned);
    }

    /// Why the model was given the run back, if it was.
    pub(crate) fn side_exit(&self) -> Option<&str> {
        self.side_exit.as_deref()
    }

    /// Whether to answer in the model's place. `inputs` are the typed inputs of the task.
    pub(crate) async fn before_llm(
        &mut self,
        turn: &TurnView<'_>,
        inputs: &BTreeMap<String, String>,
    ) -> Directive {
        if matches!(self.phase, Phase::Waiting) {
            self.inputs.clone_from(inputs);
            self.begin(turn, self.jit.policy().mode).await;
        }
        if matches!(self.phase, Phase::Watching(_)) {
            self.look_at_results();
        }
        let Phase::Acting(acting) = &mut self.phase else { return Directive::Proceed };
        match acting.answer() {
            Ok(Some(response)) => Directive::Respond(response),
            Ok(None) => Directive::Proceed,
            Err(reason) => {
                debug!(reason, "the model goes on from here");
                self.phase = match acting.answers {
                    // A value that cannot be written is the task's fault, and nothing has happened yet.
                    0 => Phase::Watching(Vec::new()),
                    answers => {
                        let id = acting.id;
                        self.side_exit = Some(reason);
                        Phase::Left { id, answers }
                    }
                };
                Directive::Proceed
            }
        }
    }

    /// Decides who does the work.
    async fn begin(&mut self, turn: &TurnView<'_>, mode: Mode) {
        self.phase = Phase::Watching(Vec::new());
        // What else was said, by whomever, is part of what is asked for.
        self.fresh = match turn.messages {
            [] => true,
            [Message::User { content }] => content == turn.task,
            _ => false,
        };
        if !self.fresh {
            return;
        }
        let jit = self.jit.clone();
        let policy = jit.policy();
        if let Err(error) = self.scope.refresh(jit.store(), policy).await {
            warn!(%error, "what was learned cannot be read; the model does the work");
            return;
        }
        let (mut possible, mut asked) = (Vec::new(), false);
        for (id, ready) in self.scope.find(turn.task) {
            let Some(mut known) = ready.routine.start(turn.task, &self.inputs) else { continue };
            let sure = ready.routine.is_sure(&known);
            // A small model is asked once at most, and not about what is only alike.
            let asks = !ready.routine.questions.is_empty();
            let may_ask = asks && sure && !asked;
            asked |= may_ask;
            if !asks || may_ask && self.ask(&ready.routine, turn.task, &mut known).await {
                possible.push((id, ready, known, sure));
            }
        }
        let about = Run::about_of(turn.task, &self.inputs);
        let acting = match mode {
            Mode::Act => chosen(&possible, &about),
            Mode::DryRun => None,
        };
        if let Some((id, ready, known, _)) = acting.and_then(|at| possible.get(at)) {
            let acting = Acting {
                id: *id,
                routine: Arc::clone(&ready.routine),
                known: known.clone(),
                next: 0,
                open: Vec::new(),
                answers: 0,
                finishes: ready.answers,
                done: false,
                short: false,
            };
            self.phase = Phase::Acting(Box::new(acting));
            return;
        }
        let predictions = possible.into_iter().map(|(id, ready, known, sure)| Prediction {
            id,
            routine: ready.routine,
            known,
            next: 0,
            open: Vec::new(),
            failed: false,
            sure,
            would_answer: sure && ready.acts,
        });
        self.phase = Phase::Watching(predictions.collect());
    }

    /// Asks a small model for the values that only a model can find. Whether all are there.
    async fn ask(&mut self, routine: &Routine, task: &str, known: &mut Known) -> bool {
        let Some(model) = &self.jit.policy().extractor else { return false };
        let request = LlmRequest::user(question(routine, task));
        match model.complete_as::<Found>(request).await {
            Ok(found) => {
                self.usage.add(&found.usage);
                let kinds: Vec<ParameterType> =
                    routine.questions.iter().map(|it| it.kind).collect();
                known.answers = found.value.values;
                known.answers.len() == kinds.len()
                    && known
                        .answers
                        .iter()
                        .zip(kinds)
                        .all(|(value, kind)| kind.check(value).is_ok())
            }
            Err(error) => {
                self.usage.add(&error.usage());
                debug!(%error, "a small model found no values");
                false
            }
        }
    }

    /// Takes back an answer that the harness could not make use of. The model does the work.
    pub(crate) fn declined(&mut self) {
        if let Phase::Acting(acting) = &self.phase {
            // What was done before is missing in what the model makes, so that this is no whole run.
            self.fresh &= acting.answers <= 1;
            self.phase = Phase::Watching(Vec::new());
        }
    }

    /// Takes in a turn that is told after it was over: too late for an answer in the model's place.
    pub(crate) async fn saw(
        &mut self,
        index: usize,
        task: &str,
        inputs: &BTreeMap<String, String>,
        response: &LlmResponse,
    ) {
        if matches!(self.phase, Phase::Waiting) {
            self.inputs.clone_from(inputs);
            self.begin(&TurnView { index, task, messages: &[] }, Mode::DryRun).await;
        }
        self.look_at_results();
        self.after_llm(index, response);
    }

    /// Takes in the model's own answer.
    pub(crate) fn after_llm(&mut self, turn: usize, response: &LlmResponse) {
        let Self { phase, made, scope, .. } = self;
        for call in &response.tool_calls {
            let shape = call::shape(&call.name, &call.arguments);
            let secret = shape.as_ref().is_some_and(|shape| {
                let values = scope.templates.of_shape(shape).values;
                values.iter().any(|value| value.kind == ParameterType::Secret)
            });
            if let Phase::Acting(acting) = phase {
                acting.short |= !call::only_looks(&call.name, &call.arguments);
            }
            if let Phase::Watching(predictions) = phase {
                for prediction in predictions.iter_mut() {
                    prediction.compare(call, shape.as_ref(), made.len());
                }
            }
            made.push(Made { turn, call: call.clone(), shape, secret, result: None });
        }
    }

    /// The structure of a call.
    pub(crate) fn fingerprint(&self, call: &ToolCall) -> Option<Fingerprint> {
        match &self.phase {
            Phase::Acting(acting) => acting.fingerprint(&call.id),
            _ => {
                let made = self.made.iter().rev().find(|made| made.call.id == call.id)?;
                Some(made.shape.as_ref()?.fingerprint())
            }
        }
    }

    /// Takes in the result of a call.
    pub(crate) fn after_tool(&mut self, call: &ToolCall, result: &ToolResult) {
        if let Phase::Acting(acting) = &mut self.phase
            && let Some(open) = acting.open.iter_mut().find(|(_, id, _)| *id == call.id)
        {
            open.2 = Some(result.clone());
        }
        if let Some(made) = self.made.iter_mut().rev().find(|made| made.call.id == call.id) {
            made.result = Some(result.clone());
        }
    }

    /// Holds the results of the last turn against what was predicted.
    fn look_at_results(&mut self) {
        let Self { phase: Phase::Watching(predictions), made, .. } = self else { return };
        for prediction in predictions {
            for (step, at) in std::mem::take(&mut prediction.open) {
                let result = made.get(at).and_then(|made| made.result.as_ref());
                let known = &prediction.known;
                // A search that finds nothing is no failure of the work.
                let looks = prediction.routine.steps.get(step).is_some_and(|step| step.looks);
                let found_nothing = looks && result.is_some_and(|result| result.is_error);
                prediction.failed |=
                    !found_nothing && !accepted(&prediction.routine, step, result, known);
                let output = result.map_or("", |result| result.content.as_str());
                prediction.routine.see(step, output, &mut prediction.known);
            }
        }
    }

    /// Ends the session: writes down what it showed.
    pub(crate) async fn finish(mut self, trace: &Trace) {
        // What nobody is to blame for says nothing, but a guard that did not hold before that does.
        if trace.status.is_infrastructure() && !matches!(self.phase, Phase::Left { .. }) {
            return;
        }
        self.look_at_results();
        let mut evidence: BTreeMap<Digest, Vec<Evidence>> = BTreeMap::new();
        let cost = self.cost(trace);
        match &self.phase {
            Phase::Waiting => {}
            Phase::Watching(predictions) => {
                let run = self.run(trace);
                for prediction in predictions {
                    let predicted = prediction.outcome(trace, run.as_ref());
                    evidence.entry(prediction.id.0).or_default().push(predicted);
                }
                let signature = run.as_ref().and_then(Run::signature);
                if let (Some(run), Some(signature)) = (run, signature) {
                    let observed = Evidence::Observed { run: Box::new(run), cost };
                    evidence.entry(signature).or_default().push(observed);
                }
            }
            // Where the model itself came to no good end after all guards held, nothing is said about the routine.
            Phase::Acting(acting)
                if acting.done && !acting.finishes && trace.status != RunStatus::Ok => {}
            Phase::Acting(acting) => {
                let answered = Evidence::Answered {
                    id: acting.id.1,
                    held: acting.done && !acting.short && trace.status == RunStatus::Ok,
                    answers: acting.answers,
                    text: acting.foresaw(trace),
                    cost,
                };
                evidence.entry(acting.id.0).or_default().push(answered);
            }
            Phase::Left { id, answers } => {
                let answers = *answers;
                let answered =
                    Evidence::Answered { id: id.1, held: false, answers, text: None, cost };
                evidence.entry(id.0).or_default().push(answered);
            }
        }
        for (key, evidence) in evidence {
            let (store, policy) = (self.jit.store(), self.jit.policy());
            if let Err(error) = self.scope.take(key, &evidence, store, policy).await {
                warn!(%error, "what a session showed was not written down");
            }
        }
    }

    /// What the model cost in this session.
    fn cost(&self, trace: &Trace) -> Cost {
        let own = trace.turns.iter().filter(|turn| !turn.solidified);
        let calls = u64::try_from(own.clone().count()).unwrap_or(u64::MAX);
        let mut usage = self.usage;
        usage.add(&trace.usage);
        Cost::of_run(calls, &usage, own.filter_map(|turn| turn.llm_ms).sum())
    }

    /// The run as it is learned from; `None` when it is not fit for that.
    fn run(&self, trace: &Trace) -> Option<Run> {
        let last = trace.turns.last()?;
        let inputs: Vec<String> =
            self.inputs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut texts = [&trace.task, &last.text].into_iter().chain(&inputs);
        let fits = self.fresh
            && !texts.any(|text| holds_secret(text))
            && Tokens::of(&trace.task).take(MAX_TOKENS + 1).count() <= MAX_TOKENS
            && trace.status == RunStatus::Ok
            && last.calls.is_empty()
            && trace.task.len() <= MAX_TEXT
            && (1..=MAX_CALLS).contains(&self.made.len());
        if !fits {
            return None;
        }
        let mut total = 0;
        let mut calls = Vec::with_capacity(self.made.len());
        for made in &self.made {
            let looks = call::only_looks(&made.call.name, &made.call.arguments);
            let result = made.result.as_ref()?;
            // A search that finds nothing is no failure of the work.
            if result.is_error && looks {
                continue;
            }
            let arguments = made.shape.as_ref().map(|_| made.call.arguments.to_string())?;
            total += arguments.len() + result.content.len().min(MAX_OUTPUT);
            let output = beginning(&result.content);
            let keeps = !result.is_error
                && !made.secret
                && total <= MAX_RUN
                && !holds_secret(&arguments)
                && !holds_secret(&output)
                && !call::is_deep(&made.call.arguments)
                && !self.workdir.as_ref().is_some_and(|workdir| arguments.contains(workdir));
            if !keeps {
                return None;
            }
            calls.push(RunCall {
                turn: made.turn,
                tool: made.call.name.clone(),
                arguments: made.call.arguments.clone(),
                output,
                exit_code: result.exit_code,
                looks,
            });
        }
        if calls.is_empty() {
            return None;
        }
        Some(Run {
            task: trace.task.clone(),
            inputs: self.inputs.clone(),
            calls,
            answer: last.text.clone(),
        })
    }
}

/// The routine that is to do the work: the only one that may and whose task it surely is, or the one among them
/// that says most of it. None, where the very same task was seen to be done in another way.
fn chosen(possible: &[(RoutineId, Ready, Known, bool)], about: &Digest) -> Option<usize> {
    let is_other = |(_, ready, ..): &(RoutineId, Ready, Known, bool)| {
        !ready.acts && ready.about.contains(about)
    };
    if possible.iter().any(is_other) {
        return None;
    }
    let words = |at: usize| {
        possible.get(at).map_or(0, |(_, ready, ..)| ready.routine.wording.fixed_words())
    };
    let mut able: Vec<usize> = (0..possible.len())
        .filter(|at| possible.get(*at).is_some_and(|(_, ready, _, sure)| ready.acts && *sure))
        .collect();
    able.sort_by_key(|at| std::cmp::Reverse(words(*at)));
    match able.as_slice() {
        [only] => Some(*only),
        [first, second, ..] if words(*first) > words(*second) => Some(*first),
        _ => None,
    }
}

/// As much of an output as is learned from.
fn beginning(output: &str) -> String {
    let mut end = output.len().min(MAX_OUTPUT + 1);
    while !output.is_char_boundary(end) {
        end -= 1;
    }
    output.get(..end).unwrap_or_default().to_owned()
}

/// Whether the result of a step is as it was in earlier runs.
fn accepted(routine: &Routine, step: usize, result: Option<&ToolResult>, known: &Known) -> bool {
    let step = routine.steps.get(step);
    step.zip(result).is_some_and(|(step, result)| {
        !result.is_error && step.accepts(&beginning(&result.content), result.exit_code, known)
    })
}
