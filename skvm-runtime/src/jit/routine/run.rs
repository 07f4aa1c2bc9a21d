//! Runs that are learned from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skvm_core::digest::Digest;

use crate::jit::call;

/// A run of a model's own, as far as something is learned from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::jit) struct Run {
    pub(in crate::jit) task: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::jit) inputs: BTreeMap<String, String>,
    pub(in crate::jit) calls: Vec<RunCall>,
    /// The final text.
    pub(in crate::jit) answer: String,
}

/// A call of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::jit) struct RunCall {
    pub(in crate::jit) turn: usize,
    pub(in crate::jit) tool: String,
    pub(in crate::jit) arguments: Value,
    pub(in crate::jit) output: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::jit) exit_code: Option<i32>,
    /// Whether it left everything as it was.
    pub(in crate::jit) looks: bool,
}

impl Run {
    /// What a run was about: two with the same are no evidence that the values are understood.
    pub(in crate::jit) fn about(&self) -> Digest {
        Self::about_of(&self.task, &self.inputs)
    }

    /// The same of a task and its inputs.
    pub(in crate::jit) fn about_of(task: &str, inputs: &BTreeMap<String, String>) -> Digest {
        let mut digest = Digest::builder("skvm/run/1").field(task.as_bytes());
        for (name, value) in inputs {
            digest.add(name.as_bytes());
            digest.add(value.as_bytes());
        }
        digest.finish()
    }

    /// The calls that do something; all of them when none does.
    pub(super) fn doing(&self) -> Vec<&RunCall> {
        let doing: Vec<&RunCall> = self.calls.iter().filter(|call| !call.looks).collect();
        if doing.is_empty() { self.calls.iter().collect() } else { doing }
    }

    /// Names what the run did: its tools and the structure of its calls, those apart that only look. `None` when a
    /// call has no structure.
    pub(in crate::jit) fn signature(&self) -> Option<Digest> {
        let mut digest = Digest::builder("skvm/routine/1");
        for RunCall { tool, arguments, .. } in self.doing() {
            digest.add(tool.as_bytes());
            digest.add(call::shape(tool, arguments)?.fingerprint().to_string().as_bytes());
        }
        Some(digest.finish())
    }
}
