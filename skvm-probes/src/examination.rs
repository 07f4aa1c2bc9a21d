//! One instance put to one target.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use skvm_core::files::{FileTree, FileTreeLimits};
use skvm_core::harness::{
    Harness, HarnessError, HarnessRun, NoHooks, RunLimits, RunRecord, RunStatus, Task,
};
use skvm_core::program::{Program, ProgramError, ProgramExit, ProgramRunner};
use skvm_core::target::ModelId;

use crate::probe::{Evidence, Instance, Outcome, ToolNeed};
use crate::site::{Site, SiteServer};

/// Said to targets that cannot go without their tools.
const NO_TOOLS: &str = "Answer directly; use no tools for this.\n\n";

/// Puts instances to a harness and grades what it leaves.
///
/// Every instance gets a fresh working directory and, where it needs one, a site of its own. What the target
/// left is taken into memory before it is graded, so nothing of the grading lies where a target could reach it.
#[derive(Clone)]
pub struct Examiner {
    harness: Arc<dyn Harness>,
    model: Option<ModelId>,
    programs: Option<Arc<dyn ProgramRunner>>,
    limits: RunLimits,
    /// Whether a requirement is met, or why not, by its command line.
    met: Arc<Mutex<HashMap<String, Result<(), String>>>>,
}

impl std::fmt::Debug for Examiner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Examiner")
            .field("harness", self.harness.id())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What came of an instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Examination {
    /// The outcome.
    pub outcome: Outcome,
    /// What the target did; `None` when it was not asked.
    pub record: Option<RunRecord>,
}

impl From<Outcome> for Examination {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, record: None }
    }
}

impl Examiner {
    /// Tokens granted to every answer, beside those that the reference answer takes, unless other limits are set.
    pub const ANSWER_TOKENS: u32 = 2048;

    /// Puts instances to this harness. Without a [program runner](Examiner::with_programs), instances whose
    /// answers are programs are skipped.
    #[must_use]
    pub fn new(harness: Arc<dyn Harness>) -> Self {
        let limits = RunLimits {
            deadline: Duration::from_secs(300),
            turns: 25,
            answer_tokens: Self::ANSWER_TOKENS,
        };
        Self { harness, model: None, programs: None, limits, met: Arc::default() }
    }

    /// The same examiner, which puts them to this model, for a harness that asks any.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<ModelId>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// The same examiner, which runs programs that targets wrote.
    #[must_use]
    pub fn with_programs(mut self, programs: Arc<dyn ProgramRunner>) -> Self {
        self.programs = Some(programs);
        self
    }

    /// The same examiner with other bounds for an instance. The tokens of an answer come on top of those that
    /// the reference answer takes. Default: 5 minutes, 25 turns, [`Examiner::ANSWER_TOKENS`].
    #[must_use]
    pub fn with_limits(mut self, limits: RunLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The harness.
    #[must_use]
    pub fn harness(&self) -> &dyn Harness {
        self.harness.as_ref()
    }

    /// The bounds for an instance.
    #[must_use]
    pub fn limits(&self) -> &RunLimits {
        &self.limits
    }

    /// Puts an instance and grades what comes of it. Never fails: what goes wrong is an outcome.
    pub async fn examine(&self, instance: &Instance) -> Examination {
        if let Err(outcome) = self.needs(instance).await {
            return outcome.into();
        }
        match self.put(instance).await {
            Ok(examination) => examination,
            Err(error) => Outcome::Fault(format!("preparing the instance: {error}")).into(),
        }
    }

    /// What becomes of an instance that cannot be put here at all.
    async fn needs(&self, instance: &Instance) -> Result<(), Outcome> {
        let features = self.harness.features();
        let lacks =
            |what: &str| Err(Outcome::Skipped(format!("the harness {} {what}", self.harness.id())));
        match instance.tools() {
            ToolNeed::Browser if !features.browser => return lacks("has no browser tool"),
            ToolNeed::Given(_) if !features.takes_tools => return lacks("takes no tools"),
            ToolNeed::Browser | ToolNeed::Given(_) | ToolNeed::None | ToolNeed::Harness => {}
        }
        if instance.site().is_some() && !features.reaches_loopback {
            return lacks("does not reach pages on loopback");
        }
        for program in instance.requirements() {
            self.meets(program).await?;
        }
        Ok(())
    }

    async fn meets(&self, program: &Program) -> Result<(), Outcome> {
        let Some(programs) = &self.programs else {
            let lacks = "there is no runner for the programs that are asked for";
            return Err(Outcome::Skipped(lacks.to_owned()));
        };
        let told = format!("{} {}", program.program, program.arguments.join(" "));
        let known = || self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(met) = known().get(&told) {
            return met.clone().map_err(Outcome::Skipped);
        }
        let met = match programs.run(program.clone()).await {
            Ok(output) => match output.exit {
                ProgramExit::Code(0) => Ok(()),
                ProgramExit::Code(_) => Err(format!("`{told}` fails on this machine")),
                ProgramExit::Signal(_) | ProgramExit::Deadline => {
                    return Err(Outcome::Fault(format!("`{told}` did not come to its end")));
                }
            },
            Err(error @ ProgramError::Missing { .. }) => Err(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        known().insert(told, met.clone());
        met.map_err(Outcome::Skipped)
    }

    async fn put(&self, instance: &Instance) -> io::Result<Examination> {
        let folder = tempfile::Builder::new().prefix("probe-").tempdir()?;
        instance.files().write(folder.path())?;
        let server = instance.site().cloned().map(SiteServer::start).transpose()?;
        let mut prompt = instance.prompt().to_owned();
        if let Some(server) = &server {
            prompt = prompt.replace(Site::BASE, &server.base());
        }
        let mut tools = instance.tools().offer();
        // A harness that cannot withhold its tools is told not to use them.
        let forbidden =
            matches!(instance.tools(), ToolNeed::None) && !self.harness.features().withholds_tools;
        if forbidden {
            prompt.insert_str(0, NO_TOOLS);
            tools = ToolNeed::Harness.offer();
        }
        let reference = u32::try_from(instance.reference().len()).unwrap_or(u32::MAX);
        let answer_tokens = self.limits.answer_tokens.saturating_add(reference / 2);
        let task = Task::new(prompt);
        let mut hooks = NoHooks;
        let run = self.harness.run(HarnessRun {
            task: &task,
            model: self.model.as_ref(),
            skill: None,
            environment: None,
            tools,
            workdir: folder.path(),
            limits: RunLimits { answer_tokens, ..self.limits.clone() },
            hooks: &mut hooks,
            on_event: &|_| (),
        });
        let record = match run.await {
            Ok(record) => record,
            Err(error @ HarnessError::Unsupported { .. }) => {
                return Ok(Outcome::Skipped(error.to_string()).into());
            }
            Err(error) => return Ok(Outcome::Fault(error.to_string()).into()),
        };
        let outcome = match spoiled(&record) {
            Some(outcome) => outcome,
            None if forbidden && record.steps.iter().any(|step| !step.tool_calls.is_empty()) => {
                Outcome::failed("it called a tool, and the answer was to come without")
            }
            None => {
                // A folder that the target has removed holds nothing.
                let files = FileTree::read(folder.path(), FileTreeLimits::default());
                let files = files.unwrap_or_default();
                let requests = server.as_ref().map(SiteServer::requests).unwrap_or_default();
                let evidence = Evidence {
                    answer: &record.text,
                    steps: &record.steps,
                    files: &files,
                    requests: &requests,
                    programs: self.programs.as_deref(),
                };
                instance.grade(&evidence).await
            }
        };
        Ok(Examination { outcome, record: Some(record) })
    }
}

/// The outcome of a run whose end already tells it.
fn spoiled(record: &RunRecord) -> Option<Outcome> {
    let told = |what: &str| {
        let detail = record.status_detail.as_deref().unwrap_or("no detail");
        format!("{what}: {detail}")
    };
    match record.status {
        // Whoever is cut off by a limit is graded by what is there.
        RunStatus::Ok | RunStatus::TurnLimit | RunStatus::Truncated => None,
        RunStatus::Filtered => Some(Outcome::Fault(told("the provider filtered the answer"))),
        // Time that went by waiting, for the model or for a place, is no inability; time of its tools is.
        RunStatus::Timeout if tool_millis(record) < record.duration_ms / 2 => {
            Some(Outcome::Fault(told("the time went by waiting")))
        }
        RunStatus::Timeout => Some(Outcome::failed(told("it ran out of time"))),
        RunStatus::ProviderFault | RunStatus::HarnessCrashed | RunStatus::ParseFailed => {
            Some(Outcome::Fault(told("the run failed")))
        }
        _ => Some(Outcome::Fault(told("the run ended in an unknown way"))),
    }
}

/// Milliseconds that tools took, one after the other.
fn tool_millis(record: &RunRecord) -> u64 {
    let calls = record.steps.iter().flat_map(|step| &step.tool_calls);
    calls.filter_map(|call| call.duration_ms).fold(0, u64::saturating_add)
}
