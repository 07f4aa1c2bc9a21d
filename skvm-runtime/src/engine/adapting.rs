//! Failures become better compilations.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use skvm_core::digest::Digest;
use skvm_core::failure::{FailureClass, Lessons};
use skvm_core::harness::RunStatus;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::capability::RefinementReport;
use skvm_passes::variant::Variant;
use tracing::warn;

use super::{Compiled, EngineError, Event, SkVm};
use crate::adaptation::{
    AdaptPolicy, Decision, Diagnosis, Evidence, SessionOutcome, Systematic, Verdict, diagnose,
    outcome_of, symptoms,
};
use crate::life::{ActivationReason, Active, Fared, Fix, Line, LineHandle};
use crate::session::Review;
use crate::store::StoreError;
use crate::trace::Trace;

/// How often a change is tried again when another process was first.
const MAX_TRIES: usize = 64;

/// How long a session waits for the review of another one before it goes on with its own.
const REVIEW_PATIENCE: Duration = Duration::from_secs(10);

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
    /// Looks at what a session of a skill showed, and decides what follows. Sessions of the engine's own do this when they
    /// end; this is for traces from elsewhere. A trace of another state of the skill, or without a variant, is counted
    /// and leads to nothing.
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
        let handle = self.0.lines.of(Line::id(skill, &trace.target));
        let reviewed = self.look_at(&handle, skill, variant, trace).await;
        let count = |fared: &mut Fared| match reviewed.outcome {
            Some(SessionOutcome::Clean) => fared.clean += 1,
            Some(SessionOutcome::Mended) => fared.mended += 1,
            Some(SessionOutcome::Failed) => fared.failed += 1,
            None => fared.spoiled += 1,
        };
        handle.count(self.store_ref(), variant, count).await?;
        // One review of a line at a time, so that one fix is compiled once.
        let name = Digest::builder("skvm/review/1").field(handle.id.as_bytes()).finish();
        let lease = self.0.store.lease(name, REVIEW_PATIENCE).await?;
        let mut review =
            ReviewOf { vm: self, policy, handle: &handle, skill, target: &trace.target };
        let decisions = review.take(&reviewed, lease.is_some()).await?;
        for decision in &decisions {
            self.tell_decision(skill, &trace.target, decision);
        }
        Ok(decisions)
    }

    fn tell_decision(&self, skill: &Skill, target: &Target, decision: &Decision) {
        tracing::info!(skill = skill.name(), %target, ?decision, "adaptation");
        self.tell(|| Event::Adapted {
            skill: skill.name().to_owned(),
            target: target.clone(),
            decision: decision.clone(),
        });
    }

    async fn look_at(
        &self,
        handle: &LineHandle,
        skill: &Skill,
        variant: Digest,
        trace: &Trace,
    ) -> Reviewed {
        let symptoms = symptoms(trace);
        let with = handle.variant_named(variant);
        let diagnoses = diagnose(&symptoms, skill, with.as_deref());
        let ended_well = trace.status == RunStatus::Ok;
        let outcome = match trace.status.is_infrastructure() {
            true => None,
            false => outcome_of(ended_well, trace.succeeded, &diagnoses),
        };
        Reviewed { diagnoses, outcome, variant }
    }

    /// Tries a fix of the host's own: a variant compiled with more lessons runs on trial beside the active one. Gives that
    /// variant, or `None` when the lessons change nothing.
    ///
    /// # Errors
    /// [`EngineError::NotAdapting`] without a policy; [`EngineError::NoVariant`] while nothing is active, or something is
    /// on trial, waits for approval or is pinned; and as compiling or the store fail.
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
            let line = handle.line(self.store_ref()).await?;
            let is_free = |line: &Line| {
                line.active.is_some()
                    && !line.pinned
                    && line.trial.is_none()
                    && line.proposed.is_none()
            };
            let line = line.filter(|line| is_free(line));
            let none = || EngineError::NoVariant { skill: skill.name().to_owned() };
            let mut line = line.as_deref().cloned().ok_or_else(none)?;
            let mut evidence = handle.evidence(self.store_ref()).await?;
            let Some((fix, _)) = review.compile(&line, &lessons, None).await? else {
                return Ok(None);
            };
            let variant = fix.variant.variant;
            let decision = review.begin(&mut line, &mut evidence, fix);
            if handle.write_line(self.store_ref(), &line).await? {
                handle.write_evidence(self.store_ref(), &evidence).await?;
                self.tell_decision(skill, target, &decision);
                return Ok(Some(variant));
            }
        }
        Err(StoreError::new("proposing a fix: others are always first").into())
    }

    /// Approves of the fix that waits for it; its trial begins.
    ///
    /// # Errors
    /// [`EngineError::NoVariant`] when none waits, and as the store fails.
    pub async fn approve(&self, skill: &Arc<Skill>, target: &Target) -> Result<(), EngineError> {
        self.answer(skill, target, true).await
    }

    /// Refuses the fix that waits for approval. It is not proposed again for the same failure in the same state of the
    /// skill.
    ///
    /// # Errors
    /// [`EngineError::NoVariant`] when none waits, and as the store fails.
    pub async fn refuse(&self, skill: &Arc<Skill>, target: &Target) -> Result<(), EngineError> {
        self.answer(skill, target, false).await
    }

    async fn answer(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
        approved: bool,
    ) -> Result<(), EngineError> {
        let handle = self.0.lines.of(Line::id(skill, target));
        for _ in 0..MAX_TRIES {
            let line = handle.line(self.store_ref()).await?;
            let mut evidence = handle.evidence(self.store_ref()).await?;
            let none = || EngineError::NoVariant { skill: skill.name().to_owned() };
            let mut line = line.as_deref().cloned().ok_or_else(none)?;
            let fix = line.proposed.take().ok_or_else(none)?;
            let started = Decision::TrialStarted {
                lessons: (*fix.learned).clone(),
                variant: fix.variant.variant,
            };
            if approved {
                evidence.begin_trial();
                line.trial = Some(fix);
            } else if let Some(failure) = fix.failure {
                evidence.refuse(failure, &fix.learned);
            }
            if handle.write_line(self.store_ref(), &line).await? {
                // Somebody else's evidence of a session more or less is no matter.
                handle.write_evidence(self.store_ref(), &evidence).await?;
                if approved {
                    self.tell_decision(skill, target, &started);
                }
                return Ok(());
            }
        }
        Err(StoreError::new("answering a proposal: others are always first").into())
    }

    /// What is known of failures of a skill on a target, in the words of the original SkVM.
    ///
    /// # Errors
    /// [`EngineError`] when the store fails.
    pub async fn failure_context(
        &self,
        skill: &Skill,
        target: &Target,
    ) -> Result<skvm_core::failure::FailureContext, EngineError> {
        let handle = self.0.lines.of(Line::id(skill, target));
        let evidence = handle.evidence(self.store_ref()).await?;
        let default = AdaptPolicy::default();
        let policy = self.0.adapt.as_ref().unwrap_or(&default);
        Ok(evidence.context(!evidence.systematic(policy).is_empty()))
    }
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
    /// Takes a session in. Fixes are looked for only where `decides`; a session that did not get its turn leaves that to
    /// the next.
    async fn take(
        &mut self,
        reviewed: &Reviewed,
        decides: bool,
    ) -> Result<Vec<Decision>, EngineError> {
        let store = self.vm.store_ref();
        for _ in 0..MAX_TRIES {
            let Some(line) = self.handle.line(store).await? else { return Ok(Vec::new()) };
            let Some(active) = line.active.clone() else { return Ok(Vec::new()) };
            let mut line = (*line).clone();
            let before = line.clone();
            let mut evidence = self.handle.evidence(store).await?;
            evidence.turn_to(active.source, active.variant);
            let mut decisions = Vec::new();
            let is_trial =
                line.trial.as_ref().is_some_and(|it| it.variant.variant == reviewed.variant);
            let is_active = active.variant == reviewed.variant;
            // One that began with a variant that is neither says nothing about what is active now.
            let Some(outcome) = reviewed.outcome.filter(|_| is_trial || is_active) else {
                return Ok(decisions);
            };
            if is_active {
                evidence.take(&reviewed.diagnoses, self.policy);
            }
            let mut kept = None;
            if line.trial.is_some() {
                kept = self.judge(&mut line, &mut evidence, outcome, is_trial, &mut decisions);
            }
            if decides && kept.is_none() && !line.pinned {
                self.decide(&mut line, &mut evidence, &mut decisions).await?;
            }
            if let Some((active, reason)) = kept {
                if self.vm.activate(self.handle, line, active, reason).await? {
                    self.handle.write_evidence(store, &evidence).await?;
                    return Ok(decisions);
                }
            } else if (line == before || self.handle.write_line(store, &line).await?)
                && self.handle.write_evidence(store, &evidence).await?
            {
                return Ok(decisions);
            }
        }
        Err(StoreError::new("noting a session: others are always first").into())
    }

    /// Counts a session of a trial; gives what becomes active when the trial is won.
    fn judge(
        &self,
        line: &mut Line,
        evidence: &mut Evidence,
        outcome: SessionOutcome,
        is_new: bool,
        decisions: &mut Vec<Decision>,
    ) -> Option<(Active, ActivationReason)> {
        let tally = evidence.tally(outcome, is_new);
        let (won, lost, pairs) = (tally.won, tally.lost, tally.pairs);
        let verdict = self.policy.test.decide(won, lost, pairs)?;
        let fix = line.trial.take()?;
        let variant = fix.variant.variant;
        decisions.push(Decision::TrialEnded { variant, verdict, won, lost, pairs });
        if verdict == Verdict::Better {
            return Some((fix.variant, ActivationReason::TrialKept { won, lost }));
        }
        if let Some(failure) = fix.failure {
            evidence.refuse(failure, &fix.learned);
        }
        None
    }

    /// Looks for a failure that is systematic, and for a fix of it.
    async fn decide(
        &self,
        line: &mut Line,
        evidence: &mut Evidence,
        decisions: &mut Vec<Decision>,
    ) -> Result<(), EngineError> {
        if line.trial.is_some() || line.proposed.is_some() {
            return Ok(());
        }
        for failure in evidence.systematic(self.policy) {
            let Systematic { signature, known, sessions, of } = failure;
            let diagnosis = known.diagnosis;
            let mut ways = diagnosis.remedies.clone();
            if self.vm.0.refines && evidence.has_tokens(self.policy) {
                ways.push(Lessons { context: Some(evidence.context(true)), ..Lessons::default() });
            }
            ways.retain(|lessons| !evidence.was_refused(signature, lessons));
            for lessons in ways {
                if !evidence.has_budget(self.policy) {
                    let spent = evidence.tell_budget();
                    decisions.extend(
                        spent.map(|(recompiles, tokens)| Decision::BudgetSpent {
                            recompiles,
                            tokens,
                        }),
                    );
                    return Ok(());
                }
                let counted = evidence.counted(&lessons, sessions, of);
                match self.compile(line, &counted, Some(signature)).await? {
                    Some((fix, tokens)) => {
                        evidence.spend(tokens);
                        let Diagnosis { class, subject, cause, .. } = diagnosis;
                        decisions.push(Decision::Diagnosed { class, subject, cause, sessions, of });
                        decisions.push(self.begin(line, evidence, fix));
                        return Ok(());
                    }
                    // It changes nothing; the next way may.
                    None => evidence.refuse(signature, &lessons),
                }
            }
            // What nobody can name, and what a way out may still show, is worth a person's time when it goes on.
            let is_open =
                matches!(diagnosis.class, FailureClass::Unknown | FailureClass::WrongFact);
            let goes_on = sessions >= self.policy.sessions.saturating_mul(PATIENCE);
            if (!is_open || goes_on) && evidence.tell(signature) {
                let Diagnosis { class, subject, cause, help, .. } = diagnosis;
                let help = help.unwrap_or_else(|| "no fix that is known has helped".to_owned());
                decisions.push(Decision::NeedsPerson { class, subject, cause, help });
            }
        }
        Ok(())
    }

    /// Compiles with more lessons; `None` when that changes nothing that a session would notice. With the tokens that a
    /// model took.
    async fn compile(
        &self,
        line: &Line,
        lessons: &Lessons,
        failure: Option<Digest>,
    ) -> Result<Option<(Fix, u64)>, EngineError> {
        let all = Arc::new(line.lessons().and(lessons));
        let unit = self.vm.unit(self.skill, self.target, &all).await?;
        let key = self.vm.0.passes.key(&unit);
        let Compiled { variant, is_kept } = self.vm.compiled(&unit, key).await?;
        let active = match &line.active {
            Some(active) => {
                self.vm.variant_of(self.handle, active, self.skill, self.target).await?
            }
            None => None,
        };
        let differs = active.is_none_or(|active| differs(&active, &variant));
        if !is_kept || !differs {
            return Ok(None);
        }
        self.handle.keep(key, &variant);
        let fix = Fix {
            variant: Active::of(key, &variant, all),
            failure,
            learned: Arc::new(lessons.clone()),
        };
        Ok(Some((fix, tokens_of(&variant))))
    }

    /// Puts a fix on trial, or before the host.
    fn begin(&self, line: &mut Line, evidence: &mut Evidence, fix: Fix) -> Decision {
        let (lessons, variant) = ((*fix.learned).clone(), fix.variant.variant);
        if self.policy.approval && fix.failure.is_some() {
            line.proposed = Some(fix);
            return Decision::Proposed { lessons, variant };
        }
        evidence.begin_trial();
        line.trial = Some(fix);
        Decision::TrialStarted { lessons, variant }
    }
}

/// Whether a session would notice the difference: another text, or another environment.
fn differs(active: &Variant, new: &Variant) -> bool {
    let needs = |variant: &Variant| variant.artifacts().json("dependencies").map(str::to_owned);
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
