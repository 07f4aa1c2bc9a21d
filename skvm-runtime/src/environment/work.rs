//! Carrying the actions of a plan out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use skvm_core::artifact::{Action, EnvironmentPlan, Word};

use super::binder::{Open, OpenReason, Performed};
use super::check::{Checker, exit_text, shown, spec};
use super::record::Record;
use super::{Consent, ConsentRequest, Decision, FailedAction, PrepareError, advice};

/// Time for one action. A build from source may take this long.
const ACTION_DEADLINE: Duration = Duration::from_secs(15 * 60);
/// How much of an action's output is kept.
const OUTPUT_CAP: usize = 256 * 1024;

/// The state of one preparation.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// The action that is being done, for a report about the deadline.
    current: Mutex<String>,
}

/// What came of it: the record, and what was denied.
type Outcome = (Record, Vec<Open>);

/// Why an action was not done.
enum Stop {
    Denied(String),
    Failed(FailedAction),
}

impl Work {
    /// The action that is being done.
    pub(super) fn current(&self) -> String {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does what the record lacks and the consent allows. The first failure that matters ends it.
    pub(super) async fn carry_out(
        &self,
        plan: &EnvironmentPlan,
        consent: &dyn Consent,
        checker: &Checker<'_>,
        mut record: Record,
    ) -> Result<(Outcome, Vec<Performed>), PrepareError> {
        let pending = self.pending(plan, checker, &mut record).await;
        let decisions = review(consent, checker, &pending).await;
        let (mut performed, mut denied) = (Vec::new(), Vec::new());
        let ends = pending.iter().filter(|action| !plan.is_preparation(&action.id));
        for action in ends {
            let mut run = Run {
                plan,
                checker,
                decisions: &decisions,
                record: &mut record,
                performed: &mut performed,
            };
            match run.with_preparations(self, action, &pending).await? {
                Ok(()) => {}
                Err(Stop::Denied(reason)) => denied.push(Open {
                    dependencies: action.dependencies.clone(),
                    advice: format!("allow the action {}: {}", action.id, shown(&action.argv)),
                    reason: OpenReason::Denied(reason),
                    optional: action.optional,
                }),
                Err(Stop::Failed(failed)) if action.optional => {
                    record.failed.insert(action.id.clone(), failed.output);
                }
                Err(Stop::Failed(failed)) => return Err(PrepareError::Failed(Box::new(failed))),
            }
        }
        Ok(((record, denied), performed))
    }

    /// The actions that are to be done, with those that they wait for, in the plan's order. What is there
    /// already is recorded as done.
    async fn pending<'p>(
        &self,
        plan: &'p EnvironmentPlan,
        checker: &Checker<'_>,
        record: &mut Record,
    ) -> Vec<&'p Action> {
        let mut ids: BTreeSet<&str> = BTreeSet::new();
        for action in plan.actions.iter().filter(|action| !plan.is_preparation(&action.id)) {
            if record.failed.contains_key(&action.id) {
                continue;
            }
            self.enter(action);
            if checker.hold(&action.check).await {
                record.done.insert(action.id.clone());
                continue;
            }
            record.done.remove(&action.id);
            ids.insert(&action.id);
            for before in action.after.iter().filter_map(|id| plan.action(id)) {
                if !ids.contains(before.id.as_str()) && !checker.hold(&before.check).await {
                    record.done.remove(&before.id);
                    ids.insert(&before.id);
                }
            }
        }
        plan.actions.iter().filter(|action| ids.contains(action.id.as_str())).collect()
    }

    fn enter(&self, action: &Action) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&action.id);
    }
}

/// What the consent says of each pending action.
async fn review<'p>(
    consent: &dyn Consent,
    checker: &Checker<'_>,
    pending: &[&'p Action],
) -> BTreeMap<&'p str, Decision> {
    if pending.is_empty() {
        return BTreeMap::new();
    }
    let request = ConsentRequest { folder: checker.folder, actions: pending };
    let decisions = consent.review(&request).await;
    pending.iter().map(|action| action.id.as_str()).zip(decisions).collect()
}

/// One pass over the pending actions.
struct Run<'r, 'c> {
    plan: &'r EnvironmentPlan,
    checker: &'r Checker<'c>,
    decisions: &'r BTreeMap<&'r str, Decision>,
    record: &'r mut Record,
    performed: &'r mut Vec<Performed>,
}

impl Run<'_, '_> {
    async fn with_preparations(
        &mut self,
        work: &Work,
        action: &Action,
        pending: &[&Action],
    ) -> Result<Result<(), Stop>, PrepareError> {
        // One that is denied needs no preparation.
        if let Some(reason) = self.denial(action) {
            return Ok(Err(Stop::Denied(reason)));
        }
        for before in action.after.iter().filter_map(|id| self.plan.action(id)) {
            let is_pending = pending.iter().any(|action| action.id == before.id);
            if !is_pending || self.record.done.contains(&before.id) {
                continue;
            }
            if let Some(reason) = self.denial(before) {
                return Ok(Err(Stop::Denied(reason)));
            }
            if let Err(failed) = self.one(work, before).await? {
                return Ok(Err(Stop::Failed(failed)));
            }
        }
        Ok(self.one(work, action).await?.map_err(Stop::Failed))
    }

    fn denial(&self, action: &Action) -> Option<String> {
        match self.decisions.get(action.id.as_str()) {
            Some(Decision::Allow) => None,
            Some(Decision::Deny(reason)) => Some(reason.clone()),
            None => Some("nothing was decided about it".to_owned()),
        }
    }

    /// Runs one action and verifies it.
    async fn one(
        &mut self,
        work: &Work,
        action: &Action,
    ) -> Result<Result<(), FailedAction>, PrepareError> {
        work.enter(action);
        let started = Instant::now();
        let folder = self.checker.folder;
        let mut spec = spec(&action.argv, folder, folder)
            .with_deadline(ACTION_DEADLINE)
            .with_output_cap(OUTPUT_CAP);
        for (name, value) in &action.variables {
            let value = match value {
                Word::Text(text) => text.into(),
                Word::InEnvironment(path) => folder.join(path).into_os_string(),
            };
            spec = spec.with_variable(name, value);
        }
        let output = match self.checker.runner.run(spec).await {
            Ok(output) => output,
            Err(source) => {
                return Err(PrepareError::Start { action: action.id.clone(), source });
            }
        };
        if !output.success() {
            let text = format!("{}\n{}", output.stdout.text(), output.stderr.text());
            return Ok(Err(failed(
                action,
                shown(&action.argv),
                false,
                exit_text(output.exit),
                &text,
            )));
        }
        if let Some(unmet) = self.checker.first_unmet(&action.verify).await {
            return Ok(Err(failed(action, unmet.command, true, unmet.exit, &unmet.output)));
        }
        self.record.done.insert(action.id.clone());
        self.performed.push(Performed { action: action.id.clone(), duration: started.elapsed() });
        Ok(Ok(()))
    }
}

fn failed(
    action: &Action,
    command: String,
    in_verification: bool,
    exit: String,
    output: &str,
) -> FailedAction {
    FailedAction {
        action: action.id.clone(),
        command,
        in_verification,
        exit,
        output: advice::tail(output),
        advice: advice::advice(output, in_verification),
    }
}
