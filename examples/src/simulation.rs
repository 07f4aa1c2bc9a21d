//! A simulated host: targets that fail the way agents do, and skills with one planted fault each.
//!
//! Nothing here is a model. A target is five probabilities; what its machine prints is what real programs print.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use serde_json::json;
use skvm_core::artifact::{Dependencies, DependencyKind};
use skvm_core::failure::{Advice, FailureClass};
use skvm_core::harness::{Hooks as _, RunStatus, ToolResult, TurnView};
use skvm_core::llm::{LlmResponse, Message};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::variant::Variant;
use skvm_runtime::session::Session;
use skvm_runtime::trace::Trace;

/// A target, as far as the simulation needs it.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedTarget {
    /// Its name.
    pub name: &'static str,
    /// How probably it finds a way out when a call fails.
    recovers: f64,
    /// How probably it fills in what is marked to be filled in.
    fills_in: f64,
    /// How probably it keeps the form of an answer.
    keeps_form: f64,
    /// How probably it ends a loop by itself, and an answer in time.
    keeps_bounds: f64,
    /// How probably it does what a sentence of the skill tells it.
    heeds: f64,
}

/// The three targets of the simulation.
pub const TARGETS: [SimulatedTarget; 3] = [
    SimulatedTarget {
        name: "weak",
        recovers: 0.2,
        fills_in: 0.5,
        keeps_form: 0.4,
        keeps_bounds: 0.4,
        heeds: 0.9,
    },
    SimulatedTarget {
        name: "middling",
        recovers: 0.6,
        fills_in: 0.8,
        keeps_form: 0.75,
        keeps_bounds: 0.75,
        heeds: 0.95,
    },
    SimulatedTarget {
        name: "strong",
        recovers: 0.95,
        fills_in: 0.99,
        keeps_form: 0.98,
        keeps_bounds: 0.98,
        heeds: 0.99,
    },
];

impl SimulatedTarget {
    /// The target.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::new(format!("simulated-{}", self.name).as_str(), "simulated-host")
    }
}

/// What is wrong with a skill or with what is around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A script calls a program that nothing declares.
    MissingDependency,
    /// The skill names a script by a path that does not exist.
    WrongPath,
    /// The machine has no `python`, only `python3`.
    WrongInterpreter,
    /// A command has a value to fill in.
    BadPlaceholder,
    /// The skill tells an option that the program does not have.
    WrongFact,
    /// The answer has to be JSON and nothing else.
    Format,
    /// A step is to be repeated until something holds, without a bound.
    Procedure,
    /// The answer is longer than an answer may be.
    TooLong,
    /// A key is not set.
    MissingKey,
    /// Half of all calls are answered with 503.
    Storm,
}

/// The option that is wrong in one of the skills, and the one that the program has.
const OPTION: (&str, &str) = ("--fmt", "--format");

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 10] = [
        Self::MissingDependency,
        Self::WrongPath,
        Self::WrongInterpreter,
        Self::BadPlaceholder,
        Self::WrongFact,
        Self::Format,
        Self::Procedure,
        Self::TooLong,
        Self::MissingKey,
        Self::Storm,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingDependency => "missing-dependency",
            Self::WrongPath => "wrong-path",
            Self::WrongInterpreter => "wrong-interpreter",
            Self::BadPlaceholder => "bad-placeholder",
            Self::WrongFact => "wrong-fact",
            Self::Format => "format",
            Self::Procedure => "procedure",
            Self::TooLong => "too-long",
            Self::MissingKey => "missing-key",
            Self::Storm => "storm",
        }
    }

    /// The command that the skill shows.
    fn command(self) -> &'static str {
        match self {
            Self::WrongPath => "python3 tools/report.py figures.csv --format json",
            Self::WrongInterpreter => "python scripts/report.py figures.csv --format json",
            Self::BadPlaceholder => "python3 scripts/report.py <figures-file> --format json",
            Self::WrongFact => "figures report figures.csv --fmt json",
            _ => "python3 scripts/report.py figures.csv --format json",
        }
    }

    /// What the skill says beside its command.
    fn sentence(self) -> &'static str {
        match self {
            Self::Format => "Answer with one JSON object with the keys `total` and `rows`.",
            Self::Procedure => {
                "1. Run the command.\n2. Run it again until the total no longer changes."
            }
            Self::TooLong => "Write out every row of the report with a comment of your own.",
            Self::MissingKey => "The service takes its key from the environment.",
            _ => "Tell the total.",
        }
    }

    /// Writes the skill into a folder and loads it.
    ///
    /// # Errors
    /// When the folder cannot be written or read.
    pub fn plant(self, folder: &Path) -> io::Result<Arc<Skill>> {
        let folder = folder.join(self.name());
        fs::create_dir_all(folder.join("scripts"))?;
        let text = format!(
            "---\nname: {name}\ndescription: Reports on figures. Use when asked for a report.\n---\n# Report\n\n\
             ```sh\n{command}\n```\n\n## How\n\n{sentence}\n",
            name = self.name(),
            command = self.command(),
            sentence = self.sentence(),
        );
        fs::write(folder.join("SKILL.md"), text)?;
        let helper =
            "import subprocess, sys\nsubprocess.run(['csvstat', sys.argv[1]], check=True)\n";
        fs::write(folder.join("scripts/report.py"), helper)?;
        Skill::load(&folder).map(Arc::new).map_err(io::Error::other)
    }
}

/// One session of a target with a variant. `number` makes it another one; equal numbers go alike.
#[derive(Debug)]
pub struct SimulatedSession<'a> {
    /// The target.
    pub target: SimulatedTarget,
    /// What is planted.
    pub fault: Fault,
    /// What the agent is given.
    pub variant: &'a Variant,
    /// The seed of the simulation.
    pub seed: u64,
    /// The number of the session.
    pub number: u64,
}

/// Most turns of a session.
const MAX_TURNS: usize = 8;

struct Agent<'a> {
    of: SimulatedSession<'a>,
    random: ChaCha8Rng,
    session: Session,
    turns: usize,
    programs: BTreeSet<String>,
}

impl SimulatedSession<'_> {
    /// Goes through it, by the hooks of `session`. Gives the trace.
    pub async fn run(self, session: Session) -> Trace {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(self.number << 8 | self.fault as u64);
        let programs = installed(self.variant);
        let mut agent = Agent { of: self, random, session, turns: 0, programs };
        let (status, succeeded) = agent.work().await;
        agent.session.judge(succeeded);
        agent.session.finish(status).await
    }
}

/// What the machine has: what every machine has here, and what the host has set up for the variant.
fn installed(variant: &Variant) -> BTreeSet<String> {
    let dependencies = variant.artifacts().get::<Dependencies>().ok().flatten();
    let entries = dependencies.map(|found| found.entries.clone()).unwrap_or_default();
    let programs = entries.into_iter().filter(|entry| entry.kind == DependencyKind::Program);
    let own = ["python3", "sh", "figures"].map(str::to_owned);
    programs.map(|entry| entry.name).chain(own).collect()
}

impl Agent<'_> {
    fn happens(&mut self, probability: f64) -> bool {
        f64::from(self.random.next_u32()) < probability * f64::from(u32::MAX)
    }

    /// Whether the agent does something by itself, or because a sentence of the skill tells it to.
    fn does(&mut self, by_itself: f64, advice: &[Advice]) -> bool {
        let is_told =
            advice.iter().any(|advice| self.of.variant.text().contains(advice.sentence()));
        let told = if is_told { self.of.target.heeds } else { 0.0 };
        self.happens(by_itself.max(told))
    }

    async fn work(&mut self) -> (RunStatus, bool) {
        if !self.run_command().await {
            return (RunStatus::Ok, false);
        }
        let SimulatedTarget { keeps_form, keeps_bounds, recovers, .. } = self.of.target;
        match self.of.fault {
            Fault::Format => {
                // The compiled skill may ask for the form in the words of a direction.
                let shown = self.of.variant.text().contains("in the form that is shown");
                let by_itself = if shown { self.of.target.heeds } else { keeps_form };
                if self.does(by_itself, &[Advice::AnswerOnly]) {
                    self.say("{\"total\": 3, \"rows\": 2}").await;
                    return (RunStatus::Ok, true);
                }
                self.say("Here you are: {\"total\": 3, \"rows\": 2}. Anything else?").await;
                let about = Some(FailureClass::FormatAboveAbility);
                self.session.correct(about, "this is not one JSON object");
                let again = self.happens(recovers);
                self.say("{\"total\": 3}").await;
                (RunStatus::Ok, again)
            }
            Fault::Procedure => {
                let one_step = self.of.variant.text().contains("at most 5 times");
                let by_itself = if one_step { self.of.target.heeds } else { keeps_bounds };
                if self.does(by_itself, &[Advice::Bounded, Advice::EveryStep]) {
                    self.say("The total is 3.").await;
                    return (RunStatus::Ok, true);
                }
                while self.turns < MAX_TURNS {
                    self.run_command().await;
                }
                (RunStatus::TurnLimit, false)
            }
            Fault::TooLong => {
                if self.does(keeps_bounds, &[Advice::InParts]) {
                    self.say("The report is in report.md.").await;
                    return (RunStatus::Ok, true);
                }
                self.say("Row 1: a fine row. Row 2: a").await;
                (RunStatus::Truncated, false)
            }
            _ => {
                self.say("The total is 3.").await;
                (RunStatus::Ok, true)
            }
        }
    }

    /// Runs the command of the skill, and finds a way out or does not. Whether it worked in the end.
    async fn run_command(&mut self) -> bool {
        let command = self.command();
        let mut tried = command.clone();
        for attempt in 0..3 {
            let result = self.machine(&tried);
            let worked = !result.is_error;
            let transient = result.content.contains("503");
            self.call(&tried, result).await;
            if worked {
                return true;
            }
            let wits = self.of.target.recovers;
            if transient || !self.happens(wits) {
                // Some try the same again, some give up.
                if attempt > 0 && !transient {
                    return false;
                }
                continue;
            }
            tried = self.way_out(&command);
        }
        false
    }

    /// The command as the agent takes it from the skill: the line with the script, with variables set where the compiled
    /// skill has them.
    fn command(&mut self) -> String {
        let text = self.of.variant.text().to_owned();
        let is_command =
            |line: &&str| line.contains("report.py ") || line.starts_with("figures report");
        let line = text.lines().find(is_command).unwrap_or_default();
        let has_variable = line.contains("${");
        let line = line.replace("\"${FIGURES_FILE:?}\"", "figures.csv");
        if has_variable || !line.contains("<figures-file>") {
            return line;
        }
        let fills_in = self.of.target.fills_in;
        if self.does(fills_in, &[Advice::FillIn]) {
            line.replace("<figures-file>", "figures.csv")
        } else {
            line
        }
    }

    /// What an agent that finds a way out does instead.
    fn way_out(&mut self, command: &str) -> String {
        let folder = self.of.variant.manifest().install_dir.join("scripts/report.py");
        match self.of.fault {
            Fault::WrongPath => command.replace("tools/report.py", "scripts/report.py"),
            Fault::WrongInterpreter => command.replacen("python ", "python3 ", 1),
            Fault::BadPlaceholder => command.replace("<figures-file>", "figures.csv"),
            Fault::WrongFact => command.replace(OPTION.0, OPTION.1),
            // It goes on without the program.
            Fault::MissingDependency => format!("python3 {} figures.csv --plain", folder.display()),
            _ => command.to_owned(),
        }
    }

    /// What a command prints.
    fn machine(&mut self, command: &str) -> ToolResult {
        let failed = |stderr: &str, code: i32| ToolResult {
            content: format!("stderr:\n{stderr}\nexit status: {code}"),
            is_error: true,
            exit_code: Some(code),
            duration_ms: 10,
        };
        let program = command.split_whitespace().next().unwrap_or("").to_owned();
        if self.of.fault == Fault::Storm && self.happens(0.5) {
            return failed("curl: (22) The requested URL returned error: 503", 22);
        }
        if !self.programs.contains(&program) {
            return failed(&format!("sh: 1: {program}: not found"), 127);
        }
        if command.contains('<') {
            return failed("sh: 1: cannot open figures-file: No such file", 2);
        }
        if command.contains("tools/report.py") {
            let path = "/srv/agent/tools/report.py";
            let told = "[Errno 2] No such file or directory";
            return failed(&format!("python3: can't open file '{path}': {told}"), 2);
        }
        if program == "figures" && command.contains(&format!("{} ", OPTION.0)) {
            return failed(&format!("error: unexpected argument '{}' found", OPTION.0), 2);
        }
        let needs = self.of.fault == Fault::MissingDependency && !command.contains("--plain");
        if needs && !self.programs.contains("csvstat") {
            let told = "FileNotFoundError: [Errno 2] No such file or directory: 'csvstat'";
            return failed(&format!("Traceback (most recent call last):\n{told}"), 1);
        }
        if self.of.fault == Fault::MissingKey {
            return failed("error: REPORTS_API_KEY is not set", 1);
        }
        let content = "stdout:\ntotal 3\nexit status: 0".to_owned();
        ToolResult { content, is_error: false, exit_code: Some(0), duration_ms: 10 }
    }

    /// A turn in which the agent makes one call.
    async fn call(&mut self, command: &str, result: ToolResult) {
        let id = format!("call_{}", self.turns);
        let response = LlmResponse::tool_call(id, "execute_command", json!({ "command": command }));
        self.turn(&response).await;
        if let Some(call) = response.tool_calls.first() {
            self.session.before_tool(call).await;
            self.session.after_tool(call, &result).await;
        }
    }

    /// A turn in which the agent only speaks.
    async fn say(&mut self, text: &str) {
        self.turn(&LlmResponse::text(text)).await;
    }

    async fn turn(&mut self, response: &LlmResponse) {
        let task = self.session.task().to_owned();
        let messages = [Message::user(task.clone())];
        let view = TurnView { index: self.turns, task: &task, messages: &messages };
        self.session.before_llm(&view).await;
        self.session.after_llm(&view, response).await;
        self.turns += 1;
    }
}
