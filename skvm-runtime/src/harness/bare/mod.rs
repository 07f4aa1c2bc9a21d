//! The bare agent: a plain loop of model and tools, with every hook.
//!
//! Tools: `read_file`, `write_file`, `list_directory`, `execute_command`, and with the feature `http`
//! `web_fetch`, and those that the host adds. A run may offer others instead, or none. Tool calls are executed whatever the finish reason says; the conversation is kept
//! whole; one deadline lies over everything. Calls of one turn that do not get in each other's way run at the
//! same time: reads, writes of different files, commands that are known to only read. Everything else runs in
//! its order, and results are told in the order of the calls.
//!
//! # What it guards
//!
//! File tools see the working directory (to read and write) and the skill's folder (to read), and
//! follow no link out of them. Commands start in the working directory under the
//! [command runner](crate::command)'s guarantees and the [policy](AgentPolicy); they are not confined
//! once they run. `web_fetch` reaches public addresses only, unless the policy says otherwise, and uses
//! no proxy.

mod agent;
mod batch;
mod files;
mod policy;
mod prompt;
mod tools;
#[cfg(feature = "http")]
mod web;

use std::sync::Arc;

use async_trait::async_trait;
use skvm_core::harness::{Harness, HarnessError, HarnessFeatures, HarnessRun, RunRecord, Tool};
use skvm_core::llm::LlmBackend;
use skvm_core::target::{HarnessId, ModelId};

pub use policy::{AddressPolicy, AgentPolicy, CommandPolicy};

use crate::command::Environment;
use crate::scheduler::Governor;

/// The id of the bare agent in targets and profiles.
pub const BARE_AGENT: &str = "bare-agent";

/// A plain loop of model and tools; see the [module](self).
///
/// ```
/// # async fn example() -> Result<(), skvm_core::harness::HarnessError> {
/// use std::sync::Arc;
///
/// use skvm_core::harness::{
///     Harness, HarnessRun, NoHooks, RunLimits, RunStatus, Task, ToolOffer,
/// };
/// use skvm_core::llm::LlmResponse;
/// use skvm_runtime::harness::bare::BareAgent;
/// use skvm_runtime::scripted::ScriptedModel;
///
/// let model = ScriptedModel::new("scripted", [Ok(LlmResponse::text("done"))]);
/// let agent = BareAgent::new(Arc::new(model));
/// let record = agent
///     .run(HarnessRun {
///         task: &Task::new("say done"),
///         model: None,
///         skill: None,
///         environment: None,
///         tools: ToolOffer::Own,
///         workdir: std::path::Path::new("."),
///         limits: RunLimits::default(),
///         hooks: &mut NoHooks,
///         on_event: &|_| (),
///     })
///     .await?;
/// assert_eq!((record.status, record.text.as_str()), (RunStatus::Ok, "done"));
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Clone)]
pub struct BareAgent {
    id: HarnessId,
    backend: Arc<dyn LlmBackend>,
    policy: AgentPolicy,
    environment: Environment,
    governor: Option<Governor>,
    tools: Vec<Arc<dyn Tool>>,
    temperature: Option<f32>,
}

impl std::fmt::Debug for BareAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BareAgent")
            .field("model", self.backend.model())
            .field("policy", &self.policy)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

impl BareAgent {
    /// An agent that asks this model, under the default policy and with the host's plain variables.
    #[must_use]
    pub fn new(backend: Arc<dyn LlmBackend>) -> Self {
        Self {
            id: HarnessId::from(BARE_AGENT),
            backend,
            policy: AgentPolicy::default(),
            environment: Environment::from_host(),
            governor: None,
            tools: Vec::new(),
            temperature: Some(0.0),
        }
    }

    /// The same agent, whose commands and requests to the network wait for the governor's leave. Calls of the
    /// model do not: a whole run may already hold that place.
    #[must_use]
    pub fn with_governor(mut self, governor: Governor) -> Self {
        self.governor = Some(governor);
        self
    }

    /// The same agent with one more tool, which takes the place of any of that name.
    #[must_use]
    pub fn with_tool(mut self, tool: Arc<dyn Tool>) -> Self {
        self.tools.retain(|other| other.spec().name != tool.spec().name);
        self.tools.push(tool);
        self
    }

    /// The same agent, which asks for answers at this sampling temperature, or leaves it to the provider.
    /// Default 0.
    #[must_use]
    pub fn with_temperature(mut self, temperature: Option<f32>) -> Self {
        self.temperature = temperature;
        self
    }

    /// The same agent under another id, so that an engine can have several.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<HarnessId>) -> Self {
        self.id = id.into();
        self
    }

    /// The same agent under another policy.
    #[must_use]
    pub fn with_policy(mut self, policy: AgentPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The same agent, whose commands see another environment.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }
}

#[async_trait]
impl Harness for BareAgent {
    fn id(&self) -> &HarnessId {
        &self.id
    }

    fn features(&self) -> HarnessFeatures {
        let mut features = HarnessFeatures::default();
        features.hooks = true;
        features.inject = true;
        features.discover = true;
        features.usage = true;
        features.batched_tool_calls = true;
        features.browser = self.tools.iter().any(|tool| tool.is_browser());
        features.withholds_tools = true;
        features.takes_tools = true;
        features.reaches_loopback =
            cfg!(feature = "http") && self.policy.addresses.allows("127.0.0.1:80");
        features
    }

    fn version(&self) -> Option<&str> {
        Some(env!("CARGO_PKG_VERSION"))
    }

    fn temperature(&self) -> Option<f32> {
        self.temperature
    }

    fn model(&self) -> Option<&ModelId> {
        Some(self.backend.model())
    }

    async fn run(&self, run: HarnessRun<'_>) -> Result<RunRecord, HarnessError> {
        agent::run(self, run).await
    }
}
