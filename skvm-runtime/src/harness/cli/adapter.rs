//! What differs from program to program.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::Value;
use skvm_core::harness::{HarnessFeatures, RunLimits, SkillMode, SkillView};

use super::CliError;
use super::foreseen::ShellTool;
use super::lines::{Line, Lines};
use super::log::Log;
use super::sandbox::Sandbox;
use crate::command::{
    Attendant, Attention, CommandRunner, CommandSpec, Exit, Stream,
};
use crate::provider::{Endpoint, WireFormat};

/// What is known of a program before it runs.
#[derive(Debug)]
pub(super) struct Facts {
    /// The id in targets and profiles.
    pub(super) id: &'static str,
    /// What it is called by those who make it.
    pub(super) name: &'static str,
    /// The program that is looked for on `PATH`.
    pub(super) program: &'static str,
    /// The command that installs it.
    pub(super) install: &'static str,
    /// Arguments that make it tell its version.
    pub(super) version_arguments: &'static [&'static str],
    /// The versions that it was driven in.
    pub(super) versions: &'static [&'static str],
    /// The wire formats that it speaks.
    pub(super) wires: &'static [WireFormat],
    /// Its tool for commands.
    pub(super) shell: ShellTool,
    /// The user's own configuration: files below the user's home, and where they go in the sandbox.
    pub(super) native: &'static [(&'static str, &'static str)],
    pub(super) features: fn() -> HarnessFeatures,
}

/// A skill in its sandbox.
#[derive(Debug)]
pub(super) struct Staged<'a> {
    pub(super) view: &'a SkillView,
    /// Its folder, whose name is the skill's where that may be one.
    pub(super) folder: PathBuf,
}

impl Staged<'_> {
    /// The name of its folder.
    pub(super) fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(super) fn is_injected(&self) -> bool {
        self.view.mode == SkillMode::Inject
    }

    /// The text that puts it into a prompt.
    pub(super) fn injection(&self) -> String {
        let SkillView { name, text, .. } = self.view;
        let folder = self.folder.display();
        format!(
            "Follow this skill where it fits the task. Files that it speaks of lie in {folder}.\n\
             <skill name=\"{name}\">\n{text}\n</skill>\n"
        )
    }
}

/// What a program is started with.
pub(super) struct Setup<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) workdir: &'a Path,
    pub(super) program: &'a Path,
    /// The provider that it is to ask; `None` leaves that to the user's own configuration.
    pub(super) provider: Option<&'a Endpoint>,
    /// The model, where the run names one.
    pub(super) model: Option<&'a str>,
    pub(super) prompt: &'a str,
    pub(super) skill: Option<&'a Staged<'a>>,
    pub(super) limits: &'a RunLimits,
    /// How often a request that failed is tried again.
    pub(super) retries: u32,
    /// Starts programs that see the sandbox as their home.
    pub(super) runner: &'a CommandRunner,
    /// When everything must be over.
    pub(super) deadline: Instant,
}

/// The name under which a provider is put into a configuration.
pub(super) const PROVIDER: &str = "skvm";

/// The variable that carries the key.
pub(super) const KEY_VARIABLE: &str = "SKVM_PROVIDER_KEY";

impl Setup<'_> {
    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The skill that goes into the prompt.
    pub(super) fn injected(&self) -> Option<&Staged<'_>> {
        self.skill.filter(|skill| skill.is_injected())
    }

    /// The skill that the model is to discover.
    pub(super) fn discovered(&self) -> Option<&Staged<'_>> {
        self.skill.filter(|skill| !skill.is_injected())
    }

    /// The key as a text; empty when there is none.
    pub(super) fn key(&self) -> &str {
        self.provider.and_then(|provider| provider.key.as_ref()).map_or("", |key| key.expose())
    }

    /// The program in the working directory, until the deadline.
    pub(super) fn command(&self) -> CommandSpec {
        CommandSpec::new(self.program, self.workdir)
            .with_deadline(self.left())
            .with_grace(Duration::from_secs(2))
    }
}

/// One program: its configuration, its start, and what its output means.
#[async_trait]
pub(super) trait Adapter: fmt::Debug + Send + Sync {
    fn facts(&self) -> &'static Facts;

    /// Writes the configuration into the sandbox and says how the program is started.
    fn launch(&self, setup: &Setup<'_>) -> Result<CommandSpec, CliError>;

    /// Reads its output.
    fn reader(&self) -> Box<dyn Reader>;

    /// Reads what it left behind when it has ended.
    async fn collect(&self, _setup: &Setup<'_>, _log: &mut Log<'_>) {}

    /// Runs it. `None` where it could not be waited for.
    async fn drive(&self, setup: &Setup<'_>, log: &mut Log<'_>) -> Result<Option<Exit>, CliError> {
        let spec = self.launch(setup)?;
        let mut reader = self.reader();
        let exit = attend(setup.runner, spec, &mut *reader, log).await?;
        self.collect(setup, log).await;
        Ok(Some(exit))
    }
}

/// What a line of output means.
pub(super) trait Reader: Send {
    /// A JSON value on a line of the standard output. Tells whether it is known, and whether the end has come.
    fn event(&mut self, event: &Value, log: &mut Log<'_>) -> Heard;

    /// A line of the standard output that is no JSON object.
    fn words(&mut self, _line: &str, _log: &mut Log<'_>) -> Heard {
        Heard::Unknown
    }

    /// A line of the standard error.
    fn complaint(&mut self, _line: &str, _log: &mut Log<'_>) -> Heard {
        Heard::Known
    }

    /// The output is over.
    fn close(&mut self, _log: &mut Log<'_>) {}
}

/// What came of reading a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is understood, or known to mean nothing.
    Known,
    /// It is not.
    Unknown,
    /// It is answered on the standard input.
    Answer(String),
    /// Nothing more is wanted of the program.
    End,
}

/// Runs a command whose output a reader understands.
pub(super) async fn attend(
    runner: &CommandRunner,
    spec: CommandSpec,
    reader: &mut dyn Reader,
    log: &mut Log<'_>,
) -> Result<Exit, CliError> {
    let mut attendant = Interpreter { reader, log, output: Lines::default(), error: Lines::default() };
    let output = runner.attend(spec, &mut attendant, std::future::pending()).await?;
    attendant.close();
    log.ended(&output);
    Ok(output.exit)
}

/// Takes the output of a program in and hands it to its reader, line by line.
pub(super) struct Interpreter<'a, 'log> {
    pub(super) reader: &'a mut dyn Reader,
    pub(super) log: &'a mut Log<'log>,
    pub(super) output: Lines,
    pub(super) error: Lines,
}

impl Interpreter<'_, '_> {
    fn read(&mut self, stream: Stream, line: Line) -> Heard {
        let line = match line {
            Line::Text(line) => line,
            Line::TooLong(bytes) => {
                self.log.unread("a line that is too long", &format!("{bytes} bytes"));
                return Heard::Known;
            }
        };
        if stream == Stream::Error {
            return self.reader.complaint(&line, self.log);
        }
        // The nesting is bounded by serde_json.
        let event = serde_json::from_str::<Value>(&line).ok().filter(Value::is_object);
        let heard = match &event {
            Some(event) => self.reader.event(event, self.log),
            None => self.reader.words(&line, self.log),
        };
        if heard == Heard::Unknown {
            let kind = event.as_ref().and_then(|event| event.get("type")).and_then(Value::as_str);
            let kind = kind.map_or("a line".to_owned(), |kind| format!("an event {kind:?}"));
            self.log.unread(&kind, &line);
        }
        heard
    }

    pub(super) fn close(&mut self) {
        for stream in [Stream::Output, Stream::Error] {
            if let Some(line) = self.lines(stream).finish() {
                let _ = self.read(stream, line);
            }
        }
        self.reader.close(self.log);
    }

    fn lines(&mut self, stream: Stream) -> &mut Lines {
        match stream {
            Stream::Output => &mut self.output,
            Stream::Error => &mut self.error,
        }
    }
}

impl Attendant for Interpreter<'_, '_> {
    fn heard(&mut self, stream: Stream, bytes: &[u8]) -> Attention {
        let mut wanted = Attention::Go;
        for line in self.lines(stream).push(bytes) {
            let heard = self.read(stream, line);
            if self.log.is_over() {
                wanted = Attention::End;
            }
            match heard {
                Heard::Known | Heard::Unknown => {}
                Heard::End => wanted = Attention::End,
                Heard::Answer(text) => match &mut wanted {
                    Attention::End => {}
                    Attention::Write(more) => more.extend(text.into_bytes()),
                    Attention::Go => wanted = Attention::Write(text.into_bytes()),
                },
            }
        }
        wanted
    }
}
