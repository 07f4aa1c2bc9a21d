//! Codex: `codex exec --json`, an event a line. It asks providers that speak responses.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde_json::{Value, json};
use skvm_core::harness::{HarnessFeatures, ProviderFault, ToolResult};
use skvm_core::llm::{StopReason, ToolCall, Usage};

use super::CliError;
use super::adapter::{Adapter, Facts, Heard, KEY_VARIABLE, PROVIDER, Reader, Setup};
use super::fault;
use super::foreseen::ShellTool;
use super::log::{Answer, Log};
use crate::command::CommandSpec;
use crate::provider::WireFormat;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Codex;
