//! openJiuwen's JiuwenClaw: a server of its own for each run, and a channel on which it is spoken to as an agent
//! client does. A rail of ours in it writes down an event a line.
//!
//! Its server listens on this machine and asks nobody who they are, so while a run goes on every user of the machine may
//! give it work. Its commands see the provider's key as `API_KEY`. A path behind an `@` in a prompt is replaced by the
//! content of that file.

mod reader;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::CliError;
use super::adapter::{Adapter, Facts, Reader, Setup, attend};
use super::foreseen::ShellTool;
use super::log::Log;
use crate::command::{Attendant, Attention, CommandOutput, CommandSpec, Exit, Stream};
use crate::provider::WireFormat;
use reader::{BASH, JiuwenReader};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct JiuwenClaw;

static FACTS: Facts = Facts {
    id: "jiuwenclaw",
    name: "JiuwenClaw",
    program: "jiuwenclaw-app",
    install: "pipx install jiuwenclaw==0.1.11.post1",
    version_arguments: &[],
    versions: &["0.1.11.post1"],
    wires: &[WireFormat::ChatCompletions],
    shell: ShellTool { name: BASH, argument: "command" },
    native: &[
        (".jiuwenclaw/config/.env", "state/config/.env"),
        (".jiuwenclaw/config/config.yaml", "state/config/config.yaml"),
    ],
    has_sub_agents: false,
};

const PREPARE: &str = include_str!("prepare.py");
const RAIL: &str = include_str!("rail.py");

/// Longest prompt. Its channel takes no message that is longer, and says nothing then.
const MAX_PROMPT: usize = 300_000;
/// How often other ports are tried.
const MAX_STARTS: usize = 3;
/// Where it keeps what it works with, below its own folder.
const WORKSPACE: &str = "state/agent/jiuwenclaw_workspace";

#[async_trait]
impl Adapter for JiuwenClaw {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn version_command(&self, program: &Path, folder: &Path) -> CommandSpec {
        let script = "import importlib.metadata as m; print(m.version('jiuwenclaw'))";
        CommandSpec::new(interpreter(program), folder).with_args(["-c", script])
    }

    /// The channel; the server is started before.
    fn launch(&self, setup: &Setup<'_>) -> Result<CommandSpec, CliError> {
        let channel = CommandSpec::new(interpreter(setup.program), setup.sandbox.path());
        Ok(channel.with_args(["-m", "jiuwenclaw.channel.acp_channel"]).with_deadline(setup.left()))
    }

    fn reader(&self, _retries: u32) -> Box<dyn Reader> {
        Box::new(JiuwenReader::default())
    }

    fn events(&self, setup: &Setup<'_>) -> Option<PathBuf> {
        Some(setup.sandbox.path().join("events.jsonl"))
    }

    async fn drive(&self, setup: &Setup<'_>, log: &mut Log<'_>) -> Result<Option<Exit>, CliError> {
        if setup.prompt.len() > MAX_PROMPT {
            return Err(CliError::Unfit {
                name: FACTS.name,
                what: "a prompt of more than 300,000 bytes",
            });
        }
        let _clean = ToDo::of(setup);
        write_extension(setup)?;
        configure(setup).await?;
        for _ in 0..MAX_STARTS {
            let ports = Ports::free()?;
            let variables = variables(setup, ports.0);
            let program = CommandSpec::new(interpreter(setup.program), setup.sandbox.path());
            let server = with(program.with_args(["-m", "jiuwenclaw.app"]), &variables)
                .with_deadline(setup.left())
                .with_grace(Duration::from_secs(3));
            let (stop, stopped) = oneshot::channel::<()>();
            let stopped = async {
                // A sender that is gone wants the end, too.
                let _ = stopped.await;
            };
            let mut nobody = Nobody;
            let server = setup.runner.attend(server, &mut nobody, stopped);
            tokio::pin!(server);
            // One that ends at once has found a port taken.
            tokio::select! {
                output = &mut server => {
                    log.ended(&output?);
                    continue;
                }
                () = until_open(ports.0[1], setup.left()) => {}
            }
            let channel = self.talk(setup, &variables, log);
            let ended = tokio::select! {
                exit = channel => exit.map(Ok),
                output = &mut server => output.map(Err).map_err(CliError::from),
            };
            return match ended? {
                Ok(exit) => {
                    drop(stop);
                    let _: Result<CommandOutput, _> = server.await;
                    Ok(Some(exit))
                }
                Err(output) => {
                    log.ended(&output);
                    Ok(Some(output.exit))
                }
            };
        }
        Ok(None)
    }
}

impl JiuwenClaw {
    /// Gives it the task, and listens until it has answered.
    async fn talk(
        &self,
        setup: &Setup<'_>,
        variables: &[(&'static str, String)],
        log: &mut Log<'_>,
    ) -> Result<Exit, CliError> {
        let session = session(setup);
        let parameters = json!({"sessionId": session, "cwd": setup.workdir, "mcpServers": []});
        let hello =
            json!({"jsonrpc": "2.0", "id": 2, "method": "session/new", "params": parameters});
        let parameters =
            json!({"sessionId": session, "prompt": [{"type": "text", "text": setup.prompt}]});
        let task =
            json!({"jsonrpc": "2.0", "id": 3, "method": "session/prompt", "params": parameters});
        let mut reader = JiuwenReader::new(format!("{task}\n"));
        log.session(session);
        let channel = with(self.launch(setup)?, variables)
            .with_stdin(format!("{hello}\n"))
            .with_open_stdin()
            .with_grace(Duration::from_secs(1));
        let events = self.events(setup);
        attend(setup.runner, channel, events.as_deref(), &mut reader, log).await
    }
}

/// The lists of what is to do that it keeps where it works, removed when this is dropped.
struct ToDo {
    folder: PathBuf,
    session: String,
    /// Whether the folder was there before.
    was_there: bool,
}

impl ToDo {
    fn of(setup: &Setup<'_>) -> Self {
        let folder = setup.workdir.join("todo");
        Self { was_there: folder.exists(), folder, session: session(setup) }
    }
}

impl Drop for ToDo {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.folder.join(&self.session));
        if !self.was_there {
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// Lets a command be.
struct Nobody;

impl Attendant for Nobody {
    fn heard(&mut self, _: Stream, _: &[u8]) -> Attention {
        Attention::Go
    }
}

/// The name of the session; what begins otherwise is not taken.
fn session(setup: &Setup<'_>) -> String {
    let name = setup.sandbox.path().file_name().unwrap_or_default().to_string_lossy();
    format!("acp_{name}")
}

/// The Python that the program was installed for: the one in its first line, or the one beside it.
fn interpreter(program: &Path) -> PathBuf {
    let mut told = Vec::new();
    // Programs may be large; only the first line counts.
    let _ = fs::File::open(program).and_then(|file| file.take(4096).read_to_end(&mut told));
    let line = told.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let named = line.strip_prefix("#!").map(|path| PathBuf::from(path.trim()));
    named.filter(|path| path.is_file()).unwrap_or_else(|| {
        let real = program.canonicalize().unwrap_or_else(|_| program.to_owned());
        real.with_file_name("python")
    })
}

fn with(command: CommandSpec, variables: &[(&'static str, String)]) -> CommandSpec {
    variables.iter().fold(command, |command, (name, value)| command.with_variable(*name, value))
}

fn variables(setup: &Setup<'_>, ports: [u16; 2]) -> Vec<(&'static str, String)> {
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let [agent, gateway] = ports.map(|port| port.to_string());
    let mut variables = vec![
        ("JIUWENCLAW_DATA_DIR", text(setup.sandbox.state())),
        ("AGENT_SERVER_PORT", agent),
        ("GATEWAY_PORT", gateway),
        ("WEB_PORT", "0".to_owned()),
        ("BROWSER_RUNTIME_MCP_ENABLED", "0".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("SKVM_EVENTS", text(setup.sandbox.path().join("events.jsonl"))),
    ];
    if let Some(provider) = setup.provider {
        variables.extend([
            ("API_BASE", provider.api_url()),
            ("API_KEY", setup.key_or_none().to_owned()),
            ("MODEL_NAME", provider.model.as_str().to_owned()),
            ("MODEL_PROVIDER", "OpenAI".to_owned()),
        ]);
    } else if let Some(model) = setup.model {
        variables.push(("MODEL_NAME", model.to_owned()));
    }
    if setup.injected().is_some() {
        variables.push(("SKVM_INJECTION", text(setup.sandbox.path().join("injection.md"))));
    }
    variables
}

/// Puts the rail and the skill where it looks for them.
fn write_extension(setup: &Setup<'_>) -> Result<(), CliError> {
    let sandbox = setup.sandbox;
    let extensions = json!({"skvm_events": {
        "name": "skvm_events", "class_name": "SkvmRail", "enabled": true, "description": "", "priority": 1,
    }});
    let place = |name: &str| format!("{WORKSPACE}/extensions/{name}");
    sandbox.write(place("extensions_config.json"), extensions.to_string())?;
    sandbox.write(place("skvm_events/rail.py"), RAIL)?;
    if let Some(skill) = setup.injected() {
        // Its own prompt tells it to work elsewhere.
        let workdir = setup.workdir.display();
        let text = format!("{}Read and write files in {workdir}.\n", skill.injection());
        sandbox.write("injection.md", text)?;
    }
    if let Some(skill) = setup.discovered() {
        sandbox.place(&skill.folder, &format!("{WORKSPACE}/skills/{}", skill.name()))?;
    }
    Ok(())
}

/// Writes its configuration. It is YAML with much in it that has to be there, so its own Python changes it.
async fn configure(setup: &Setup<'_>) -> Result<(), CliError> {
    let folder = setup.sandbox.state().join("config");
    fs::create_dir_all(&folder)?;
    let seconds = setup.left().as_secs().max(1);
    let client = ["models", "default", "model_client_config"];
    let client =
        |name: &str| client.into_iter().chain([name]).map(str::to_owned).collect::<Vec<_>>();
    let set: Vec<(Value, Value)> = vec![
        (json!(["preferred_language"]), json!("en")),
        (json!(["logging", "level"]), json!("WARNING")),
        (json!(["memory", "engine"]), json!("none")),
        (json!(["updater", "enabled"]), json!(false)),
        (json!(["task_memory", "enabled"]), json!(false)),
        (json!(["react", "workspace_dir"]), json!(setup.workdir)),
        (json!(["react", "max_iterations"]), json!(setup.limits.turns)),
        (json!(["react", "evolution", "enabled"]), json!(false)),
        (json!(client("max_retries")), json!(setup.retries)),
        (json!(client("timeout")), json!(seconds)),
    ];
    let wanted = json!({"target": folder.join("config.yaml"), "set": set});
    let command = CommandSpec::new(interpreter(setup.program), setup.sandbox.path())
        .with_args(["-c", PREPARE])
        .with_stdin(wanted.to_string())
        .with_deadline(setup.left());
    let output = setup.runner.run(command).await?;
    if output.success() {
        return Ok(());
    }
    let told = output.stderr.text();
    let last = told.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let told = format!("its configuration could not be changed ({}): {last}", output.exit);
    Err(CliError::Configuration(io::Error::other(told)))
}

/// Two ports that nobody listens on, and no other run of this process takes. Another process may before the program
/// does; then others are tried.
struct Ports([u16; 2]);

/// The ports of the runs that go on.
static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

impl Ports {
    fn free() -> io::Result<Self> {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        // Held until all are chosen, so that they differ.
        let mut held = Vec::new();
        let mut ports = [0; 2];
        for port in &mut ports {
            *port = loop {
                let listener = TcpListener::bind(("127.0.0.1", 0))?;
                let free = listener.local_addr()?.port();
                held.push(listener);
                if taken.insert(free) {
                    break free;
                }
            };
        }
        Ok(Self(ports))
    }
}

impl Drop for Ports {
    fn drop(&mut self) {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        for port in self.0 {
            taken.remove(&port);
        }
    }
}

/// Waits until somebody listens on a port, for a time at most.
async fn until_open(port: u16, left: Duration) {
    let open = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            sleep(Duration::from_millis(100)).await;
        }
    };
    // At the deadline what comes next ends at once.
    let _ = timeout(left, open).await;
}
