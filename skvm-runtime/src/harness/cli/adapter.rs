//! What differs from program to program.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::Value;
use skvm_core::harness::{HarnessFeatures, RunLimits, SkillMode, SkillView};
use skvm_core::llm::Usage;

use super::CliError;
use super::foreseen::ShellTool;
use super::lines::{Line, Lines};
use super::log::Log;
use super::sandbox::Sandbox;
use crate::command::{Attendant, Attention, CommandRunner, CommandSpec, Environment, Exit, Stream};
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
    /// Whether its agents hand work to others of their own.
    pub(super) has_sub_agents: bool,
}

impl Facts {
    /// What it can do: what they all can, and what differs.
    pub(super) fn features(&self) -> HarnessFeatures {
        let mut features = HarnessFeatures::default();
        features.inject = true;
        features.discover = true;
        features.usage = true;
        features.batched_tool_calls = true;
        features.sub_agents = self.has_sub_agents;
        features.reaches_loopback = true;
        features.asks_before_start = true;
        features
    }
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
    /// Its version: the one that it told, or else one that was tested.
    pub(super) version: &'a str,
    /// The provider that it is to ask; `None` leaves that to the user's own configuration.
    pub(super) provider: Option<&'a Endpoint>,
    /// The model, where the run names one.
    pub(super) model: Option<&'a str>,
    pub(super) prompt: &'a str,
    pub(super) skill: Option<&'a Staged<'a>>,
    pub(super) limits: &'a RunLimits,
    /// How often a request that failed is tried again.
    pub(super) retries: u32,
    /// What programs see, with the sandbox as their home.
    pub(super) environment: &'a Environment,
    /// Starts programs in that environment.
    pub(super) runner: &'a CommandRunner,
    /// When everything must be over.
    pub(super) deadline: Instant,
}

/// How long programs may take to end the commands that they have started, when they are asked to end.
pub(super) const GRACE: Duration = Duration::from_secs(6);

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

    /// Where programs are searched.
    pub(super) fn path(&self) -> OsString {
        self.environment.search_path().unwrap_or_default()
    }

    /// The key as a text; empty when there is none.
    pub(super) fn key(&self) -> &str {
        self.provider.and_then(|provider| provider.key.as_ref()).map_or("", |key| key.expose())
    }

    /// The key, or a word in its place for programs that want one.
    pub(super) fn key_or_none(&self) -> &str {
        if self.key().is_empty() { "none" } else { self.key() }
    }

    /// The program in the working directory, until the deadline.
    pub(super) fn command(&self) -> CommandSpec {
        self.command_in(self.workdir)
    }

    /// The program in a folder, until the deadline.
    pub(super) fn command_in(&self, folder: &Path) -> CommandSpec {
        CommandSpec::new(self.program, folder).with_deadline(self.left()).with_grace(GRACE)
    }
}

/// Tokens read, written, read from a cache and written to one, at these places of a value. Programs that were told none
/// say that there were none.
pub(super) fn usage_of(told: &Value, places: [&str; 4]) -> Usage {
    let all = places.map(|place| told.pointer(place).and_then(Value::as_u64));
    if all.iter().all(|number| number.is_none_or(|number| number == 0)) {
        return Usage::default();
    }
    let [input, output, cache_read, cache_write] = all;
    // The costs that they count are of tables of their own.
    Usage { input, output, cache_read, cache_write, cost_usd: None }
}

/// Arguments as JSON, or as the text that they are.
pub(super) fn arguments_of(told: &Value) -> Value {
    let Some(text) = told.as_str() else { return told.clone() };
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// A path as one word of a shell.
pub(super) fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"))
}

/// A value as JSON that readers of YAML and TOML take as well: without some characters that only JSON allows.
pub(super) fn json_text(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        match c {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => text.push(c),
        }
    }
    text
}

/// One program: its configuration, its start, and what its output means.
#[async_trait]
pub(super) trait Adapter: fmt::Debug + Send + Sync {
    fn facts(&self) -> &'static Facts;

    /// What tells its version, run in this folder.
    fn version_command(&self, program: &Path, folder: &Path) -> CommandSpec {
        CommandSpec::new(program, folder).with_args(self.facts().version_arguments)
    }

    /// Writes the configuration into the sandbox and says how the program is started.
    fn launch(&self, setup: &Setup<'_>) -> Result<CommandSpec, CliError>;

    /// Reads its output. `retries` is how often a request that failed may be tried again.
    fn reader(&self, retries: u32) -> Box<dyn Reader>;

    /// A file in the sandbox to which it adds an event a line, where it has one.
    fn events(&self, _setup: &Setup<'_>) -> Option<PathBuf> {
        None
    }

    /// Reads what it left behind when it has ended.
    async fn collect(&self, _setup: &Setup<'_>, _log: &mut Log<'_>) {}

    /// Runs it. `None` where it could not be waited for.
    async fn drive(&self, setup: &Setup<'_>, log: &mut Log<'_>) -> Result<Option<Exit>, CliError> {
        drive_one(self, setup, log).await
    }
}

/// Runs a program that is one process.
pub(super) async fn drive_one<A: Adapter + ?Sized>(
    adapter: &A,
    setup: &Setup<'_>,
    log: &mut Log<'_>,
) -> Result<Option<Exit>, CliError> {
    let spec = adapter.launch(setup)?;
    let mut reader = adapter.reader(setup.retries);
    let events = adapter.events(setup);
    let exit = attend(setup.runner, spec, events.as_deref(), &mut *reader, log).await?;
    adapter.collect(setup, log).await;
    Ok(Some(exit))
}

/// What a line of output means.
pub(super) trait Reader: Send {
    /// Whether there are events on the standard output. Else all of its lines are words.
    fn tells_on_output(&self) -> bool {
        true
    }

    /// Whether a line means nothing, as its beginning tells. It is not even parsed.
    fn passes_over(&self, _line: &str) -> bool {
        false
    }

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

impl Heard {
    pub(super) fn known(is_known: bool) -> Self {
        if is_known { Self::Known } else { Self::Unknown }
    }
}

/// Runs a command whose output a reader understands. `events` is a file to which it adds lines while it runs; they are
/// read as those of its standard output are.
pub(super) async fn attend(
    runner: &CommandRunner,
    spec: CommandSpec,
    events: Option<&Path>,
    reader: &mut dyn Reader,
    log: &mut Log<'_>,
) -> Result<Exit, CliError> {
    let interpreter = Mutex::new(Interpreter::new(reader, log));
    let mut attendant = Attending(&interpreter);
    let mut tail = events.map(Tail::new);
    let output = runner.attend(spec, &mut attendant, follow(tail.as_mut(), &interpreter)).await?;
    let mut interpreter = interpreter.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(tail) = &mut tail {
        // What is beyond what a record holds is not read.
        for _ in 0..MAX_PIECES {
            let Some(bytes) = tail.more() else { break };
            let _ = interpreter.take(Source::Events, &bytes);
        }
    }
    interpreter.close();
    interpreter.log.ended(&output);
    Ok(output.exit)
}

/// Reads a file as it grows. Ready when nothing more is wanted of the program.
async fn follow(tail: Option<&mut Tail>, interpreter: &Mutex<Interpreter<'_, '_>>) {
    let Some(tail) = tail else { return std::future::pending().await };
    loop {
        tokio::time::sleep(TAIL_EVERY).await;
        while let Some(bytes) = tail.more() {
            if lock(interpreter).take(Source::Events, &bytes) == Attention::End {
                return;
            }
            // One that never ends must not keep others from their turn.
            tokio::task::yield_now().await;
        }
    }
}

/// How often a file is looked at for more.
const TAIL_EVERY: Duration = Duration::from_millis(100);
/// How much of a file is read at once.
const TAIL_BYTES: u64 = 256 << 10;
/// How many times that is read when the program has ended.
const MAX_PIECES: usize = 256;

/// A file that grows.
struct Tail {
    path: PathBuf,
    at: u64,
}

impl Tail {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), at: 0 }
    }

    /// What was added since; `None` when there is nothing.
    fn more(&mut self) -> Option<Vec<u8>> {
        // The program may have put anything in its place.
        let mut file = open_plainly(&self.path).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        file.seek(SeekFrom::Start(self.at)).ok()?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes).ok()?;
        self.at += bytes.len() as u64;
        (!bytes.is_empty()).then_some(bytes)
    }
}

/// Opens a file to read it, not through a link, and without waiting for whoever writes to a pipe.
#[cfg(unix)]
fn open_plainly(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open_plainly(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Output,
    Error,
    Events,
}

/// Takes the output of a program in and hands it to its reader, line by line.
pub(super) struct Interpreter<'a, 'log> {
    reader: &'a mut dyn Reader,
    log: &'a mut Log<'log>,
    lines: [Lines; 3],
}

impl<'a, 'log> Interpreter<'a, 'log> {
    pub(super) fn new(reader: &'a mut dyn Reader, log: &'a mut Log<'log>) -> Self {
        Self { reader, log, lines: Default::default() }
    }

    pub(super) fn take(&mut self, source: Source, bytes: &[u8]) -> Attention {
        let mut wanted = Attention::Go;
        for line in self.lines_of(source).push(bytes) {
            let heard = self.read(source, line);
            match (heard, &mut wanted) {
                (Heard::Known | Heard::Unknown, _) | (_, Attention::End) => {}
                (Heard::End, _) => wanted = Attention::End,
                (Heard::Answer(text), Attention::Write(more)) => more.extend(text.into_bytes()),
                (Heard::Answer(text), Attention::Go) => {
                    wanted = Attention::Write(text.into_bytes());
                }
            }
        }
        if self.log.is_over() { Attention::End } else { wanted }
    }

    fn read(&mut self, source: Source, line: Line) -> Heard {
        let line = match line {
            Line::Text(line) => line,
            Line::TooLong(bytes) => {
                self.log.unread("a line that is too long", &format!("{bytes} bytes"));
                return Heard::Known;
            }
        };
        if source == Source::Error {
            return self.reader.complaint(&line, self.log);
        }
        if self.reader.passes_over(&line) {
            return Heard::Known;
        }
        // The nesting is bounded by serde_json.
        let is_event = source == Source::Events || self.reader.tells_on_output();
        let event = Some(&line).filter(|_| is_event);
        let event = event.and_then(|line| serde_json::from_str(line).ok()).filter(Value::is_object);
        let heard = match &event {
            Some(event) => self.reader.event(event, self.log),
            None if source == Source::Events => Heard::Unknown,
            None => self.reader.words(&line, self.log),
        };
        if heard == Heard::Unknown {
            let name = |event: &Value| {
                let name = event.get("type").or(event.get("hook_event_name"));
                name.and_then(Value::as_str).map(str::to_owned)
            };
            let kind = event.as_ref().and_then(name);
            let kind = kind.map_or("a line".to_owned(), |kind| format!("an event {kind:?}"));
            self.log.unread(&kind, &line);
        }
        heard
    }

    pub(super) fn close(&mut self) {
        for source in [Source::Output, Source::Error, Source::Events] {
            if let Some(line) = self.lines_of(source).finish() {
                let _ = self.read(source, line);
            }
        }
        self.reader.close(self.log);
    }

    fn lines_of(&mut self, source: Source) -> &mut Lines {
        let [output, error, events] = &mut self.lines;
        match source {
            Source::Output => output,
            Source::Error => error,
            Source::Events => events,
        }
    }
}

/// Hands what a program writes to whoever interprets it.
struct Attending<'m, 'a, 'log>(&'m Mutex<Interpreter<'a, 'log>>);

impl Attendant for Attending<'_, '_, '_> {
    fn heard(&mut self, stream: Stream, bytes: &[u8]) -> Attention {
        let source = match stream {
            Stream::Output => Source::Output,
            Stream::Error => Source::Error,
        };
        lock(self.0).take(source, bytes)
    }
}
