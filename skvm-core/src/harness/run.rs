//! What goes into a run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::hooks::Hooks;
use super::record::Step;
use super::tool::ToolOffer;
use crate::skill::Skill;
use crate::target::ModelId;

/// What a harness can do. The default is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each asked for by itself")]
pub struct HarnessFeatures {
    /// It calls [`Hooks`] while it runs.
    pub hooks: bool,
    /// It takes skills in [`SkillMode::Inject`].
    pub inject: bool,
    /// It takes skills in [`SkillMode::Discover`].
    pub discover: bool,
    /// It tells tokens, where the provider does.
    pub usage: bool,
    /// It executes several tool calls of one turn.
    pub batched_tool_calls: bool,
    /// It can hand work to sub-agents.
    pub sub_agents: bool,
    /// It has a browser tool.
    pub browser: bool,
    /// It can run without offering any tool: [`ToolOffer::None`].
    pub withholds_tools: bool,
    /// It takes tools of the host's: [`ToolOffer::Only`].
    pub takes_tools: bool,
    /// Its agents reach pages that are served on `127.0.0.1`.
    pub reaches_loopback: bool,
    /// It calls [`Hooks::before_llm`] before it starts anything, and executes what is responded then, so that a task
    /// can be done without it. What it does once it has started no hook sees; the record tells it afterwards.
    pub asks_before_start: bool,
}

/// How a skill reaches the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SkillMode {
    /// Its whole text is part of the prompt.
    #[default]
    Inject,
    /// The prompt has its name, description and place; the model reads it when it needs it.
    Discover,
}

/// A skill as a harness delivers it: compiled or as its author wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillView {
    /// The name.
    pub name: String,
    /// The description; empty when there is none.
    pub description: String,
    /// The text of `SKILL.md` as the model is to see it, front matter included.
    pub text: String,
    /// The folder with the bundle; `None` for a skill that is only a text.
    pub root: Option<PathBuf>,
    /// How it reaches the model.
    pub mode: SkillMode,
}

impl SkillView {
    /// The skill as its author wrote it.
    #[must_use]
    pub fn of(skill: &Skill) -> Self {
        Self {
            name: skill.name().to_owned(),
            description: skill.description().unwrap_or("").trim().to_owned(),
            text: skill.source().to_owned(),
            root: skill.root().is_dir().then(|| skill.root().to_owned()),
            mode: SkillMode::Inject,
        }
    }

    /// The same skill, to be delivered in another mode.
    #[must_use]
    pub fn with_mode(mut self, mode: SkillMode) -> Self {
        self.mode = mode;
        self
    }
}

/// An environment that was set up for a skill, as the agent's commands are to see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedEnvironment {
    /// Folders in front of `PATH`, in their order.
    pub path: Vec<PathBuf>,
    /// Variables.
    pub variables: BTreeMap<String, String>,
}

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The task in words.
    pub prompt: String,
    /// Values that the words are about, by name, where the host has them: the file that was dropped, the field of
    /// a form. The model sees the words only; what is learned from runs can tell by these where a value came from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
}

impl Task {
    /// A task in words.
    #[must_use]
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), inputs: BTreeMap::new() }
    }

    /// The same task with one more input.
    #[must_use]
    pub fn with_input(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.inputs.insert(name.into(), value.into());
        self
    }
}

/// Bounds of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLimits {
    /// Time for everything. Default 5 minutes.
    pub deadline: Duration,
    /// Most turns of the model. Default 30.
    pub turns: usize,
    /// Most tokens of one answer. Default 4,096.
    pub answer_tokens: u32,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(300), turns: 30, answer_tokens: 4096 }
    }
}

/// What is told while a run goes on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HarnessEvent {
    /// The run begins.
    #[serde(rename_all = "camelCase")]
    Started {
        /// The harness.
        harness: String,
        /// The skill that is delivered.
        skill: Option<String>,
    },
    /// The model is asked.
    #[serde(rename_all = "camelCase")]
    Asking {
        /// The turn, from 0.
        turn: usize,
    },
    /// A step was taken: an answer of the model or the result of a tool.
    #[serde(rename_all = "camelCase")]
    Stepped {
        /// The turn, from 0.
        turn: usize,
        /// The step.
        step: Step,
    },
}

/// One run.
pub struct HarnessRun<'a> {
    /// What is to be done.
    pub task: &'a Task,
    /// The model that is to do it, for harnesses that ask [any model](super::Harness::model); `None` leaves it to the
    /// harness.
    pub model: Option<&'a ModelId>,
    /// The skill, if any.
    pub skill: Option<&'a SkillView>,
    /// What was set up for the skill, if anything; its commands see it.
    pub environment: Option<&'a PreparedEnvironment>,
    /// The tools that the model is offered.
    pub tools: ToolOffer,
    /// Where the agent works; it must exist.
    pub workdir: &'a Path,
    /// The bounds.
    pub limits: RunLimits,
    /// What looks on and steps in.
    pub hooks: &'a mut dyn Hooks,
    /// Told of what happens, as it happens.
    pub on_event: &'a (dyn Fn(&HarnessEvent) + Send + Sync),
}

impl fmt::Debug for HarnessRun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HarnessRun")
            .field("task", &self.task)
            .field("model", &self.model)
            .field("skill", &self.skill.map(|skill| &skill.name))
            .field("environment", &self.environment)
            .field("tools", &self.tools)
            .field("workdir", &self.workdir)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
