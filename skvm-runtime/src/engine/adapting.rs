//! Failures become better compilations.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use skvm_core::digest::Digest;
use skvm_core::failure::{FailureClass, FailureContext, Lesson, Lessons};
use skvm_core::harness::RunStatus;
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::capability::RefinementReport;
use skvm_passes::variant::Variant;
use tracing::warn;

use super::{Compiled, EngineError, Event, SkVm};
use crate::adaptation::{
    AdaptPolicy, Decision, Diagnosis, Evidence, SessionOutcome, Systematic, Tally, Verdict,
    diagnose, outcome_of, symptoms,
};
use crate::life::{ActivationReason, Active, Fared, Fix, Ledger, Line, LineHandle, Read, Trial};
use crate::session::Review;
use crate::store::StoreError;
use crate::trace::Trace;

/// How often a change is tried again when another process was first.
const MAX_TRIES: usize = 64;

/// How many times as many sessions it takes until a person is told of a failure that is not understood.
const PATIENCE: u32 = 3;

/// Reviews the trace of a session at its end.
pub(super) struct Reviewer {
    pub(super) vm: SkVm,
    pub(super) skill: Arc<Skill>,
}

#[async_trait]
impl Review for Reviewer {
    async fn review(&self, trace: &Trace) {
        if let Err(error) = self.vm.review(&self.skill, trace).await {
            warn!(%error, "a session was not reviewed");
        }
    }
}

/// What a session showed.
struct Reviewed {
    diagnoses: Vec<Diagnosis>,
    /// `None` when the infrastructure spoiled it.
    outcome: Option<SessionOutcome>,
    variant: Digest,
}

impl SkVm {
    /// Looks at what a session of a skill showed, and decides what follows; a fix is compiled before this returns. Sessions
    /// of the engine's own do this when they end; this is for traces from elsewhere. A trace of another state of the
    /// skill, or without a variant, leads to nothing.
    ///
    /// # Errors
    /// [`EngineError::NotAdapting`] when the engine was built without [`adapt`](super::SkVmBuilder::adapt), and as
    /// compiling or the store fail.
    pub async fn review(
        &self,
        skill: &Arc<Skill>,
        trace: &Trace,
    ) -> Result<Vec<Decision>, EngineError> {
        let policy = self.0.adapt.as_ref().ok_or(EngineError::NotAdapting)?;
        let (Some(variant), true) = (trace.variant, trace.skill == Some(skill.digest())) else {
            return Ok(Vec::new());
        };
        let handle = &*self.0.lines.of(Line::id(skill, &trace.target));
        let review = ReviewOf { vm: self, policy, handle, skill, target: &trace.target };
        let reviewed = review.look_at(variant, trace).await?;
        let count = |fared: &mut Fared| match reviewed.outcome {
            Some(SessionOutcome::Clean) => fared.clean += 1,
            Some(SessionOutcome::Mended) => fared.mended += 1,
            Some(SessionOutcome::Failed) => fared.failed += 1,
            None => fared.spoiled += 1,
        };
        handle.count(self.store_ref(), variant, count).await?;
        let decisions = review.take(&reviewed).await?;
        self.tell_decisions(skill, &trace.target, &decisions);
        Ok(decisions)
    }

    pub(super) fn tell_decisions(&self, skill: &Skill, target: &Target, decisions: &[Decision]) {
        for decision in decisions {
            tracing::info!(skill = skill.name(), %target, ?decision, "adaptation");
            self.tell(|| Event::Adapted {
                skill: skill.name().to_owned(),
                target: target.clone(),
                decision: decision.clone(),
            });
        }
    }

    /// Tries a fix of the host's own: a variant compiled with more lessons runs on trial beside the active one. Gives that
    /// variant's digest, or `None` when the lessons change nothing.
    ///
    /// # Errors
    /// [`EngineError::NotAdapting`] without a policy, [`EngineError::NoVariant`] while nothing is active,
    /// [`EngineError::Busy`] while something is on trial, waits for approval or is pinned, and as compiling or the store
    /// fail.
    pub async fn propose(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
        lessons: Lessons,
    ) -> Result<Option<Digest>, EngineError> {
        let policy = self.0.adapt.as_ref().ok_or(EngineError::NotAdapting)?;
        let handle = &*self.0.lines.of(Line::id(skill, target));
        let review = ReviewOf { vm: self, policy, handle, skill, target };
        for _ in 0..MAX_TRIES {
            let Read { revision, value } = handle.line(self.store_ref()).await?;
            let mut line = value.as_deref().cloned().ok_or_else(|| no_variant(skill))?;
            if let Some(why) = busy(&line) {
                return Err(EngineError::Busy { skill: skill.name().to_owned(), why });
            }
            let fix = match review.compile(&line, &lessons).await? {
                Attempt::Fix(fix, _) => fix,
                Attempt::Same(_) | Attempt::Later(_) => return Ok(None),
            };
            let variant = fix.variant.variant;
            let decision = start(&mut line, fix);
            if handle.write_line(self.store_ref(), revision, &line).await? {
                self.tell_decisions(skill, target, &[decision]);
                return Ok(Some(variant));
            }
        }
        Err(StoreError::new("proposing a fix: others are always first").into())
    }

    /// The variant that waits for approval, to look at it and to [prepare](SkVm::prepare) it; `None` when none does.
    ///
    /// # Errors
    /// [`EngineError`] when it is lost and cannot be compiled again, or the store fails.
    pub async fn proposed(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
    ) -> Result<Option<Arc<Variant>>, EngineError> {
        let handle = self.0.lines.of(Line::id(skill, target));
        let line = handle.line(self.store_ref()).await?.value;
        match line.as_ref().and_then(|line| line.proposed.as_ref()) {
            Some(fix) => self.variant_of(&handle, &fix.variant, skill, target).await,
            None => Ok(None),
        }
    }

    /// Approves of the fix that waits for it; its trial begins.
    ///
    /// # Errors
    /// [`EngineError::NoVariant`] when none waits, and as the store fails.
    pub async fn approve(&self, skill: &Arc<Skill>, target: &Target) -> Result<(), EngineError> {
        let started = |line: &mut Line, fix| Some(start(line, fix));
        self.answer(skill, target, started).await
    }

    /// Refuses the fix that waits for approval. It is not proposed again for the same failure in the same state of the
    /// skill.
    ///
    /// # Errors
    /// [`EngineError::NoVariant`] when none waits, and as the store fails.
    pub async fn refuse(&self, skill: &Arc<Skill>, target: &Target) -> Result<(), EngineError> {
        let refused = |line: &mut Line, fix: Fix| {
            if let Some((failure, learned)) = fix.variant.heals {
                line.ledger.refuse(failure, &learned);
            }
            None
        };
        self.answer(skill, target, refused).await
    }

    async fn answer(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
        answer: impl Fn(&mut Line, Fix) -> Option<Decision>,
    ) -> Result<(), EngineError> {
        let handle = self.0.lines.of(Line::id(skill, target));
        for _ in 0..MAX_TRIES {
            let Read { revision, value } = handle.line(self.store_ref()).await?;
            let mut line = value.as_deref().cloned().ok_or_else(|| no_variant(skill))?;
            let fix = line.proposed.take().ok_or_else(|| no_variant(skill))?;
            let decision = answer(&mut line, fix);
            if handle.write_line(self.store_ref(), revision, &line).await? {
                self.tell_decisions(skill, target, decision.as_slice());
                return Ok(());
            }
        }
        Err(StoreError::new("answering a proposal: others are always first").into())
    }

    /// What is known of failures of the active variant, in the words of the original SkVM.
    ///
    /// # Errors
    /// [`EngineError`] when the store fails.
    pub async fn failure_context(
        &self,
        skill: &Skill,
        target: &Target,
    ) -> Result<FailureContext, EngineError> {
        let handle = self.0.lines.of(Line::id(skill, target));
        let evidence = handle.evidence(self.store_ref()).await?.value.unwrap_or_default();
        let default = AdaptPolicy::default();
        let policy = self.0.adapt.as_ref().unwrap_or(&default);
        Ok(evidence.context(!evidence.systematic(policy).is_empty()))
    }
}

pub(super) fn no_variant(skill: &Skill) -> EngineError {
    EngineError::NoVariant { skill: skill.name().to_owned() }
}

/// Why nothing new can be tried, if so.
fn busy(line: &Line) -> Option<&'static str> {
    match line {
        Line { active: None, .. } => Some("nothing is active"),
        Line { pinned: true, .. } => Some("its variant is pinned"),
        Line { trial: Some(_), .. } => Some("a variant is on trial"),
        Line { proposed: Some(_), .. } => Some("a variant waits for approval"),
        _ => None,
    }
}

/// Begins the trial of a fix.
fn start(line: &mut Line, fix: Fix) -> Decision {
    let (lessons, variant) = ((*fix.learned).clone(), fix.variant.variant);
    line.trial = Some(Trial { fix, tally: Tally::default() });
    Decision::TrialStarted { lessons, variant }
}

/// What came of compiling with more lessons, with the tokens that a model took.
enum Attempt {
    /// A variant that a session would tell from the active one.
    Fix(Fix, u64),
    /// One that it would not.
    Same(u64),
    /// Nothing that lasts: the model did not answer, or there is not enough evidence yet.
    Later(u64),
}

/// One review of one line.
struct ReviewOf<'a> {
    vm: &'a SkVm,
    policy: &'a AdaptPolicy,
    handle: &'a LineHandle,
    skill: &'a Arc<Skill>,
    target: &'a Target,
}

impl ReviewOf<'_> {
    async fn look_at(&self, variant: Digest, trace: &Trace) -> Result<Reviewed, EngineError> {
        let line = self.handle.line(self.vm.store_ref()).await?.value;
        let with = match line.as_ref().and_then(|line| line.named(variant)) {
            Some(named) => self.vm.variant_of(self.handle, named, self.skill, self.target).await?,
            None => None,
        };
        let diagnoses = diagnose(&symptoms(trace), self.skill, with.as_deref());
        let ended_well = trace.status == RunStatus::Ok;
        let outcome = match trace.status.is_infrastructure() {
            true => None,
            false => outcome_of(ended_well, trace.succeeded, &diagnoses),
        };
        Ok(Reviewed { diagnoses, outcome, variant })
    }

    /// Takes a session in: first as evidence, then by what is decided upon it. All that is decided is one record.
    async fn take(&self, reviewed: &Reviewed) -> Result<Vec<Decision>, EngineError> {
        let store = self.vm.store_ref();
        let Some(line) = self.handle.line(store).await?.value else { return Ok(Vec::new()) };
        let Some(active) = &line.active else { return Ok(Vec::new()) };
        let (is_active, now) = (active.variant == reviewed.variant, active.variant);
        let evidence = self
            .handle
            .learn(store, |evidence| {
                evidence.turn_to(now);
                match reviewed.outcome {
                    Some(_) if is_active => evidence.take(&reviewed.diagnoses, self.policy),
                    Some(_) => {}
                    None => evidence.spoil(),
                }
            })
            .await?;
        // One at a time looks for a fix, here and elsewhere; a session that does not get its turn leaves that to the next.
        let here = self.handle.deciding.try_lock();
        let name = Digest::builder("skvm/review/1").field(self.handle.id.as_bytes()).finish();
        let lease = match &here {
            Some(_) => self.vm.0.store.lease(name, Duration::ZERO).await?,
            None => None,
        };
        for _ in 0..MAX_TRIES {
            let Read { revision, value } = self.handle.line(store).await?;
            let Some(before) = value else { return Ok(Vec::new()) };
            let mut line = (*before).clone();
            let Some(active) = line.active.clone() else { return Ok(Vec::new()) };
            line.ledger.turn_to(active.source);
            let mut decisions = Vec::new();
            self.judge(&mut line, reviewed, &mut decisions);
            // Evidence is about what was active then.
            if lease.is_some() && active.variant == now && line.active.as_ref() == Some(&active) {
                self.decide(&mut line, &evidence, &mut decisions).await?;
            }
            if line == *before || self.handle.write_line(store, revision, &line).await? {
                if let (true, Some(active)) = (line.active != before.active, &line.active) {
                    let reason = line.activations.last().map(|it| it.reason.clone());
                    self.vm.tell_activation(&line, active, reason);
                }
                return Ok(decisions);
            }
        }
        Err(StoreError::new("deciding upon a session: others are always first").into())
    }

    /// Counts a session of a trial, and ends that when it is decided.
    fn judge(&self, line: &mut Line, reviewed: &Reviewed, decisions: &mut Vec<Decision>) {
        let is_active =
            line.active.as_ref().is_some_and(|active| active.variant == reviewed.variant);
        let Some(mut trial) = line.trial.take() else { return };
        let is_new = trial.fix.variant.variant == reviewed.variant;
        // One that began with a variant that is neither says nothing.
        if is_new || is_active {
            trial.tally.take(reviewed.outcome, is_new);
        }
        let Some(verdict) = trial.tally.verdict(&self.policy.test) else {
            line.trial = Some(trial);
            return;
        };
        let Tally { won, lost, pairs, .. } = trial.tally;
        let variant = trial.fix.variant.variant;
        decisions.push(Decision::TrialEnded { variant, verdict, won, lost, pairs });
        if verdict == Verdict::Better {
            line.activate(trial.fix.variant, ActivationReason::TrialKept { won, lost });
        } else if let Some((failure, learned)) = trial.fix.variant.heals {
            line.ledger.refuse(failure, &learned);
        }
    }

    /// Tells a person what only a person can do, and looks for a fix of what is systematic.
    async fn decide(
        &self,
        line: &mut Line,
        evidence: &Evidence,
        decisions: &mut Vec<Decision>,
    ) -> Result<(), EngineError> {
        if evidence.is_spoiled(self.policy) && line.ledger.tell(Digest::of(b"infrastructure")) {
            decisions.push(Decision::NeedsPerson {
                class: FailureClass::FlakyNetwork,
                subject: "network".to_owned(),
                cause: format!(
                    "the infrastructure spoiled {} sessions in a row",
                    self.policy.window
                ),
                help: "check the network, the servers and the provider".to_owned(),
            });
        }
        let mut is_free = busy(line).is_none();
        for failure in evidence.systematic(self.policy) {
            let ways = self.ways(line, evidence, &failure);
            if ways.is_empty() {
                decisions.extend(self.person(line, &failure));
                continue;
            }
            for lessons in ways {
                if !is_free {
                    break;
                }
                if !line.ledger.has_budget(self.policy) {
                    is_free = false;
                    if line.ledger.tell_budget() {
                        let Ledger { recompiles, tokens, .. } = line.ledger;
                        decisions.push(Decision::BudgetSpent { recompiles, tokens });
                    }
                    break;
                }
                let counted = failure.counted(&lessons);
                match self.compile(line, &counted).await? {
                    Attempt::Fix(fix, tokens) => {
                        line.ledger.spend(tokens);
                        is_free = false;
                        let Systematic { diagnosis, sessions, of, signature } = &failure;
                        let Diagnosis { class, subject, cause, .. } = diagnosis.clone();
                        let (sessions, of) = (*sessions, *of);
                        decisions.push(Decision::Diagnosed { class, subject, cause, sessions, of });
                        decisions.push(self.begin(line, fix, *signature).await?);
                    }
                    // It changes nothing; the next way may.
                    Attempt::Same(tokens) => {
                        line.ledger.spend_tokens(tokens);
                        line.ledger.refuse(failure.signature, &lessons);
                    }
                    Attempt::Later(tokens) => line.ledger.spend_tokens(tokens),
                }
            }
        }
        Ok(())
    }

    /// The ways out of a failure that were not tried yet.
    fn ways(&self, line: &Line, evidence: &Evidence, failure: &Systematic) -> Vec<Lessons> {
        let mut ways = failure.diagnosis.remedies.clone();
        if self.vm.0.refines && line.ledger.has_tokens(self.policy) {
            ways.push(Lessons { context: Some(evidence.context(true)), ..Lessons::default() });
        }
        ways.retain(|lessons| !line.ledger.was_refused(failure.signature, lessons));
        ways
    }

    /// Tells a person of a failure without a way out, once. What nobody can name, and what another session may still show
    /// the way out of, is worth a person's time when it goes on.
    fn person(&self, line: &mut Line, failure: &Systematic) -> Option<Decision> {
        let Diagnosis { class, subject, cause, help, .. } = failure.diagnosis.clone();
        let is_open = matches!(class, FailureClass::Unknown | FailureClass::WrongFact);
        let goes_on =
            failure.sessions >= self.policy.sessions.saturating_mul(PATIENCE).min(failure.of);
        let is_told = (!is_open || goes_on) && line.ledger.tell(failure.signature);
        let help = help.unwrap_or_else(|| "no fix that is known has helped".to_owned());
        is_told.then_some(Decision::NeedsPerson { class, subject, cause, help })
    }

    /// Compiles with more lessons.
    async fn compile(&self, line: &Line, lessons: &Lessons) -> Result<Attempt, EngineError> {
        let all = Arc::new(line.lessons().and(lessons));
        let unit = self.vm.unit(self.skill, self.target, &all).await?;
        if is_about_abilities(lessons) {
            // Without another level nothing changes yet; with more sessions it may.
            let before = self.vm.unit(self.skill, self.target, &line.lessons()).await?;
            let levels = |unit: &Unit| unit.effective_profile().map(|profile| profile.digest());
            if levels(&before) == levels(&unit) {
                return Ok(Attempt::Later(0));
            }
        }
        let key = self.vm.0.passes.key(&unit);
        let Compiled { variant, is_kept } = self.vm.compiled(&unit, key).await?;
        let tokens = tokens_of(&variant);
        if !is_kept {
            return Ok(Attempt::Later(tokens));
        }
        let active = match &line.active {
            Some(active) => {
                self.vm.variant_of(self.handle, active, self.skill, self.target).await?
            }
            None => None,
        };
        if !active.is_none_or(|active| differs(&active, &variant)) {
            return Ok(Attempt::Same(tokens));
        }
        self.handle.keep(key, &variant);
        let variant = Active::of(key, &variant, all);
        Ok(Attempt::Fix(Fix { variant, learned: Arc::new(lessons.clone()) }, tokens))
    }

    /// Puts a fix on trial, or before the host: where that asks for it, and where more has to be on the machine first.
    async fn begin(
        &self,
        line: &mut Line,
        mut fix: Fix,
        failure: Digest,
    ) -> Result<Decision, EngineError> {
        fix.variant.heals = Some((failure, Arc::clone(&fix.learned)));
        if !self.policy.approval && !self.has_to_be_prepared(line, &fix).await? {
            return Ok(start(line, fix));
        }
        let (lessons, variant) = ((*fix.learned).clone(), fix.variant.variant);
        line.proposed = Some(fix);
        Ok(Decision::Proposed { lessons, variant })
    }

    /// Whether an engine that sets up environments has to do so before this can be tried.
    async fn has_to_be_prepared(&self, line: &Line, fix: &Fix) -> Result<bool, EngineError> {
        if !self.vm.prepares() {
            return Ok(false);
        }
        let Some(active) = &line.active else { return Ok(false) };
        let of = |active| self.vm.variant_of(self.handle, active, self.skill, self.target);
        let (before, after) = (of(active).await?, of(&fix.variant).await?);
        Ok(before.as_deref().map(needs) != after.as_deref().map(needs))
    }
}

fn is_about_abilities(lessons: &Lessons) -> bool {
    let is_ability = |lesson: &Lesson| matches!(lesson, Lesson::Ability { .. });
    lessons.context.is_none() && lessons.lessons.iter().all(is_ability)
}

/// What a variant needs on the machine.
fn needs(variant: &Variant) -> String {
    variant.artifacts().json("dependencies").unwrap_or_default().to_owned()
}

/// Whether a session would notice the difference: another text, or another environment.
fn differs(active: &Variant, new: &Variant) -> bool {
    active.text() != new.text() || needs(active) != needs(new)
}

/// What refining took.
fn tokens_of(variant: &Variant) -> u64 {
    let report = variant.artifacts().get::<RefinementReport>().ok().flatten();
    report.map_or(0, |report| {
        let usage = report.usage;
        usage.input.unwrap_or(0).saturating_add(usage.output.unwrap_or(0))
    })
}
