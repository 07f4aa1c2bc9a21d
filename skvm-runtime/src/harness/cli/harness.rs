//! The harness that a host sees.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use skvm_core::harness::{Harness, HarnessError, HarnessFeatures, HarnessRun, RunRecord};
use skvm_core::target::{HarnessId, ModelId};

use super::adapter::{Adapter, Facts};
use super::detect::{Detection, detect};
use super::{CliError, claude_code, codex, hermes, jiuwenclaw, openclaw, opencode, pi, run};
use crate::command::Environment;
use crate::provider::{Endpoint, ProviderRoutes};

/// Programs that run agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Cli {
    /// PI, the coding agent: `pi`.
    Pi,
    /// OpenClaw: `openclaw`.
    OpenClaw,
    /// Hermes Agent: `hermes`.
    Hermes,
    /// JiuwenClaw, openJiuwen's agent: `jiuwenclaw`.
    JiuwenClaw,
    /// OpenCode: `opencode`.
    OpenCode,
    /// Codex: `codex`.
    Codex,
    /// Claude Code: `claude-code`.
    ClaudeCode,
}

impl Cli {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Pi,
        Self::OpenClaw,
        Self::Hermes,
        Self::JiuwenClaw,
        Self::OpenCode,
        Self::Codex,
        Self::ClaudeCode,
    ];

    /// The id in targets and profiles.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.facts().id
    }

    /// The program that is looked for on `PATH`.
    #[must_use]
    pub fn program(self) -> &'static str {
        self.facts().program
    }

    /// The command that installs it in a version that was tested.
    #[must_use]
    pub fn install(self) -> &'static str {
        self.facts().install
    }

    /// The versions that were tested.
    #[must_use]
    pub fn versions(self) -> &'static [&'static str] {
        self.facts().versions
    }

    /// The wire formats that it speaks, the one that it is best tested with first.
    #[must_use]
    pub fn wires(self) -> &'static [crate::provider::WireFormat] {
        self.facts().wires
    }

    fn facts(self) -> &'static Facts {
        self.adapter().facts()
    }

    pub(super) fn adapter(self) -> &'static dyn Adapter {
        match self {
            Self::Hermes => &hermes::Hermes,
            Self::OpenCode => &opencode::OpenCode,
            Self::Codex => &codex::Codex,
            Self::ClaudeCode => &claude_code::ClaudeCode,
            Self::OpenClaw => &openclaw::OpenClaw,
            Self::JiuwenClaw => &jiuwenclaw::JiuwenClaw,
            Self::Pi => &pi::Pi,
        }
    }
}

impl fmt::Display for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A text is the id of no program that is known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no agent program is called {id:?}")]
pub struct UnknownCli {
    id: String,
}

impl FromStr for Cli {
    type Err = UnknownCli;

    fn from_str(id: &str) -> Result<Self, UnknownCli> {
        let known = Self::ALL.into_iter().find(|cli| cli.id() == id);
        known.ok_or_else(|| UnknownCli { id: id.to_owned() })
    }
}

/// Where the model's provider comes from.
#[derive(Debug, Clone)]
enum Access {
    /// Our configuration, by the routes for the model of the run.
    Routes(ProviderRoutes),
    /// Our configuration, always this one.
    Fixed(Endpoint),
    /// The user's own configuration below this home.
    Native(Option<PathBuf>),
}

/// An agent that is a program of its own; see the [module](super).
#[derive(Clone)]
pub struct CliHarness {
    pub(super) id: HarnessId,
    pub(super) adapter: &'static dyn Adapter,
    access: Access,
    pub(super) environment: Environment,
    program: Option<PathBuf>,
    pub(super) sandboxes: Option<PathBuf>,
    pub(super) keep: bool,
    pub(super) retries: u32,
    pub(super) version: Arc<OnceLock<String>>,
}

impl fmt::Debug for CliHarness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CliHarness")
            .field("id", &self.id)
            .field("access", &self.access)
            .field("environment", &self.environment)
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

impl CliHarness {
    /// A program under our configuration: nothing of the user's is read. Each run asks its
    /// [model](HarnessRun::model) by these routes.
    #[must_use]
    pub fn managed(cli: Cli, routes: ProviderRoutes) -> Self {
        Self::new(cli, Access::Routes(routes))
    }

    /// A program under our configuration that always asks one model.
    #[must_use]
    pub fn for_endpoint(cli: Cli, endpoint: Endpoint) -> Self {
        Self::new(cli, Access::Fixed(endpoint))
    }

    /// A program under the user's own configuration, of which each run gets a copy: nothing of the user's is written.
    /// The run's model, if it names one, is the one that the program knows by that name. Keys that the user has in
    /// environment variables are passed on only where the [environment](CliHarness::with_environment) allows them.
    #[must_use]
    pub fn native(cli: Cli) -> Self {
        Self::new(cli, Access::Native(std::env::home_dir()))
    }

    fn new(cli: Cli, access: Access) -> Self {
        Self {
            id: HarnessId::from(cli.id()),
            adapter: cli.adapter(),
            access,
            environment: Environment::from_host(),
            program: None,
            sandboxes: None,
            keep: false,
            retries: 2,
            version: Arc::default(),
        }
    }

    /// The same under another id, so that an engine can have several.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<HarnessId>) -> Self {
        self.id = id.into();
        self
    }

    /// The same, whose program and its commands see another environment. The variables that tell where home is are
    /// always those of the run's own folder.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// The same with the program at this place, instead of the one on `PATH`.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// In native mode, the same with the user's configuration below another home. Default: that of this process.
    #[must_use]
    pub fn with_native_home(mut self, home: impl Into<PathBuf>) -> Self {
        if let Access::Native(known) = &mut self.access {
            *known = Some(home.into());
        }
        self
    }

    /// The same, which makes the folders of its runs below this one. Default: the system's for temporary files.
    #[must_use]
    pub fn with_sandboxes_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.sandboxes = Some(folder.into());
        self
    }

    /// The same, which keeps the folder of each run; the record tells where. It holds the provider's key.
    #[must_use]
    pub fn with_kept_homes(mut self) -> Self {
        self.keep = true;
        self
    }

    /// How often the program tries a failed request again, where that can be told to it. Default 2.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Whether the program is there, and in which version. Takes the time that the program takes to tell it.
    pub async fn detect(&self) -> Detection {
        let detection =
            detect(self.adapter, self.program(), &self.environment, self.sandboxes.as_deref())
                .await;
        if let Detection::Found { version: Some(version), .. } = &detection {
            // Whoever was first has found the same.
            let _ = self.version.set(version.clone());
        }
        detection
    }

    /// The version that the program told, or else one that was tested.
    pub(super) fn known_version(&self) -> &str {
        let tested = self.adapter.facts().versions.first().copied().unwrap_or_default();
        self.version.get().map_or(tested, String::as_str)
    }

    /// Where the program is.
    pub(super) fn program(&self) -> Result<PathBuf, CliError> {
        let Facts { name, program, install, .. } = *self.adapter.facts();
        let wanted = match &self.program {
            Some(path) => path.to_string_lossy().into_owned(),
            None => program.to_owned(),
        };
        let found = self.environment.find_program(&wanted);
        // A folder of that name in the working directory must not stand for it.
        let found = found.and_then(|path| std::path::absolute(path).ok());
        found.ok_or(CliError::NotInstalled { name, program: wanted, install })
    }

    /// The provider for a run; `None` when the user's own configuration decides.
    pub(super) fn provider(&self, model: Option<&ModelId>) -> Result<Option<Endpoint>, CliError> {
        let Facts { name, wires, .. } = *self.adapter.facts();
        let endpoint = match &self.access {
            Access::Native(_) => return Ok(None),
            Access::Fixed(endpoint) => endpoint.clone(),
            Access::Routes(routes) => routes.endpoint(model.ok_or(CliError::NoModel { name })?)?,
        };
        if !wires.contains(&endpoint.wire) {
            return Err(CliError::Wire { name, wire: endpoint.wire });
        }
        Ok(Some(endpoint))
    }

    /// The home with the user's own configuration, in native mode.
    pub(super) fn native_home(&self) -> Option<&PathBuf> {
        match &self.access {
            Access::Native(home) => home.as_ref(),
            Access::Routes(_) | Access::Fixed(_) => None,
        }
    }

    pub(super) fn not_ready(&self, error: CliError) -> HarnessError {
        HarnessError::NotReady { harness: self.id.clone(), source: error.into() }
    }
}

#[async_trait]
impl Harness for CliHarness {
    fn id(&self) -> &HarnessId {
        &self.id
    }

    fn features(&self) -> HarnessFeatures {
        self.adapter.facts().features()
    }

    fn version(&self) -> Option<&str> {
        self.version.get().map(String::as_str)
    }

    fn model(&self) -> Option<&ModelId> {
        match &self.access {
            Access::Fixed(endpoint) => Some(&endpoint.model),
            Access::Routes(_) | Access::Native(_) => None,
        }
    }

    async fn run(&self, run: HarnessRun<'_>) -> Result<RunRecord, HarnessError> {
        // Boxed: the future of a whole run is large.
        Box::pin(run::run(self, run)).await
    }
}
