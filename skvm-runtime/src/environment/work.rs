//! Carrying the actions of a plan out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use skvm_core::artifact::{Action, EnvironmentPlan, Word};

use super::binder::{Open, OpenReason, Performed};
use super::check::{Checker, DEADLINE, exit_text, not_started, shown, spec};
use super::record::Record;
use super::{Consent, ConsentRequest, Decision, FailedAction, PrepareError, advice};
use crate::command::CommandRunner;

/// Time for one action. A build from source may take this long.
const ACTION_DEADLINE: Duration = Duration::from_secs(15 * 60);
/// How much of an action's output is kept.
const OUTPUT_CAP: usize = 256 * 1024;

/// The state of one preparation.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// What is being done, for a report about the deadline.
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
        (checker, installer): (&Checker<'_>, &CommandRunner),
        mut record: Record,
    ) -> Result<(Outcome, Vec<Performed>), PrepareError> {
        let before = record.clone();
        let pending = self.pending(plan, checker, &mut record).await;
        if !before.is_empty() && record != before {
            // What is made again does not count until it is: a process that is killed meanwhile leaves
            // no record of it.
            let folder = checker.folder;
            let failed = |source| PrepareError::Folder { path: folder.to_owned(), source };
            record.write(folder).map_err(failed)?;
        }
        let decisions = review(consent, checker, &pending).await;
        let (mut performed, mut denied) = (Vec::new(), Vec::new());
        let ends = pending.iter().filter(|action| !plan.is_preparation(&action.id));
        for action in ends {
            let mut run = Run {
                plan,
                checker,
                installer,
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
                    let is_kept = !advice::is_passing(&failed.output) && failed.exit != DEADLINE;
                    if is_kept {
                        record.failed.insert(action.id.clone(), failed.output);
                    } else {
                        // A fault that passes is told and tried again the next time.
                        denied.push(Open {
                            dependencies: action.dependencies.clone(),
                            advice: failed.advice,
                            reason: OpenReason::Failed(failed.output),
                            optional: true,
                        });
                    }
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
            let is_there = checker.hold(&action.check).await;
            // What is there and not known to work is verified before it counts.
            let works = record.done.contains(&action.id)
                || (is_there && checker.first_unmet(&action.verify).await.is_none());
            if is_there && works {
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

    /// Says that the lock is awaited.
    pub(super) fn enter_waiting(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = "(the lock)".to_owned();
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
    installer: &'r CommandRunner,
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
        let output = match self.installer.run(spec).await {
            Ok(output) => output,
            Err(error) if action.optional => {
                let text = not_started(&error);
                let exit = "no start".to_owned();
                return Ok(Err(failed(action, shown(&action.argv), false, exit, &text)));
            }
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
