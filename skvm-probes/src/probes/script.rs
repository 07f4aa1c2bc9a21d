//! Grading scripts by running them on inputs that the target never saw.

use std::fmt;

use async_trait::async_trait;
use serde_json::Value;
use skvm_core::files::FileTree;
use skvm_core::program::{Program, ProgramExit, ProgramOutput};

use super::phrase;
use crate::probe::{Evidence, Grader, Outcome};

/// Asks for the form of the answer.
pub(super) const ALONE: &str = "Answer with the script alone, in one code block.";

/// A script in the answer's text, and what it has to do.
#[derive(Debug)]
pub(super) struct Script {
    /// The interpreter.
    pub(super) program: &'static str,
    /// The name of the script's file.
    pub(super) file: &'static str,
    /// Arguments of the interpreter before the script, and files that they name.
    pub(super) before: Vec<String>,
    pub(super) trials: Vec<Trial>,
}

/// One run.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub(super) files: FileTree,
    pub(super) variables: Vec<(String, String)>,
    pub(super) expected: Vec<Expected>,
}

/// What a run has to leave.
#[derive(Debug, Clone)]
pub(super) enum Expected {
    /// These lines on the standard output.
    Stdout(String),
    /// A file with these lines.
    File(&'static str, String),
    /// A file with this JSON.
    Json(&'static str, Value),
}

impl Script {
    pub(super) fn new(program: &'static str, file: &'static str, trials: Vec<Trial>) -> Self {
        Self { program, file, before: Vec::new(), trials }
    }
}

impl Trial {
    /// A run with this input file.
    pub(super) fn with_file(path: &str, content: impl Into<Vec<u8>>, expected: Expected) -> Self {
        let files = FileTree::default().with(path, content);
        Self { files, variables: Vec::new(), expected: vec![expected] }
    }
}

#[async_trait]
impl Grader for Script {
    async fn grade(&self, evidence: &Evidence<'_>) -> Outcome {
        let Some(programs) = evidence.programs else {
            return Outcome::Skipped("there is no runner for the script that is asked for".into());
        };
        let code = match phrase::code(evidence.answer) {
            Ok(code) => code,
            Err(mismatch) => return Err(mismatch).into(),
        };
        for (at, trial) in self.trials.iter().enumerate() {
            let arguments = self.before.iter().cloned().chain([self.file.to_owned()]);
            let mut program = Program::new(self.program, arguments);
            program.files = trial.files.clone().with(self.file, code.as_str());
            program.variables.clone_from(&trial.variables);
            let output = match programs.run(program).await {
                Ok(output) => output,
                Err(error) => return error.into(),
            };
            if let Err(why) = trial.check(&output) {
                return Outcome::failed(format!("run {} with a new input: {why}", at + 1));
            }
        }
        Outcome::Passed
    }
}

impl Trial {
    fn check(&self, output: &ProgramOutput) -> Result<(), String> {
        match output.exit {
            ProgramExit::Code(0) => {}
            ProgramExit::Code(code) => {
                let told = output.stderr.lines().last().unwrap_or_default();
                return Err(format!("it ended with code {code}: {told}"));
            }
            ProgramExit::Signal(signal) => return Err(format!("signal {signal} ended it")),
            ProgramExit::Deadline => return Err("it did not end in time".to_owned()),
        }
        self.expected.iter().try_for_each(|expected| expected.check(output))
    }
}

impl Expected {
    fn check(&self, output: &ProgramOutput) -> Result<(), String> {
        let file = |path: &str| {
            output.files.text(path).ok_or_else(|| format!("it left no text file {path}"))
        };
        match self {
            Self::Stdout(right) => same_lines("its output", &output.stdout, right),
            Self::File(path, right) => same_lines(path, file(path)?, right),
            Self::Json(path, right) => {
                let found: Value = serde_json::from_str(file(path)?)
                    .map_err(|error| format!("{path} is no JSON: {error}"))?;
                if same(&found, right) {
                    Ok(())
                } else {
                    Err(format!("{path} should be {right} and is {found}"))
                }
            }
        }
    }
}

/// Whether two values are the same; `2` and `2.0` are the same number.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0),
            _ => a == b,
        },
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// White space at the ends of lines, and empty lines at the end, make no difference.
fn same_lines(what: impl fmt::Display, found: &str, right: &str) -> Result<(), String> {
    let lines = |text: &str| -> Vec<String> {
        text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect()
    };
    let (found, right) = (lines(found), lines(right));
    for (at, line) in right.iter().enumerate() {
        match found.get(at) {
            Some(other) if other == line => {}
            Some(other) => {
                return Err(format!(
                    "line {} of {what} should be {line:?} and is {other:?}",
                    at + 1
                ));
            }
            None => return Err(format!("line {} of {what} is missing: {line:?}", at + 1)),
        }
    }
    match found.get(right.len()) {
        Some(line) => Err(format!("{what} has a line too many: {line:?}")),
        None => Ok(()),
    }
}
