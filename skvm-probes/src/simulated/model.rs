//! A model with planted levels.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_core::digest::Digest;
use skvm_core::llm::{
    LlmBackend, LlmError, LlmRequest, LlmResponse, Message, StopReason, ToolCall,
};
use skvm_core::target::ModelId;

use crate::draw::instance_seed;
use crate::probe::{Answer, Instance};
use crate::registry::Probes;
use crate::site::Site;

/// Where sites are served while they are asked for.
const SERVED: &str = "http://127.0.0.1:";

/// Instances of a level that are tried before a prompt counts as unknown.
const MOST: u32 = 64;

/// A model with planted levels and chances of success: it answers an instance of a measurement with the
/// reference answer or with a near miss, and calls the tools that the answer calls.
///
/// It recognises an instance by its prompt, so it has to know the probes and the seed of the measurement. Asked
/// anything else it says that it does not know. The same seed gives the same outcomes, in any order of asking.
/// It is for tests, demonstrations and CI and says nothing about any real model.
///
/// ```
/// use skvm_core::capability::{CapabilityProfile, Level, Primitive};
/// use skvm_core::llm::{LlmBackend, LlmRequest};
/// use skvm_core::target::Target;
/// use skvm_probes::draw::instance_seed;
/// use skvm_probes::registry::Probes;
/// use skvm_probes::simulated::SimulatedModel;
///
/// let (primitive, level) = (Primitive::ReasonArithmetic, Level::L1);
/// let planted = CapabilityProfile::new(&Target::new("m", "h"), "2026-01-01T00:00:00Z")
///     .with_level(primitive, level);
/// let model = SimulatedModel::new("m", planted, 7);
/// let probes = Probes::standard();
/// let probe = probes.get(primitive).ok_or("no probe")?;
/// let instance = probe.generate(level, instance_seed(7, primitive, level, 0)).ok_or("no level")?;
/// let request = LlmRequest::user(instance.prompt());
/// let answer = futures::executor::block_on(model.complete(request))?;
/// assert_eq!(answer.text, instance.reference().text());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SimulatedModel {
    model: ModelId,
    planted: CapabilityProfile,
    seed: u64,
    probes: Probes,
    success: f64,
    failure: f64,
    known: Mutex<Known>,
}

/// Instances by the digest of their prompt.
#[derive(Debug, Default)]
struct Known {
    /// Instances of each level that are known.
    depth: u32,
    by_prompt: HashMap<Digest, (Primitive, Level, u32, Arc<Instance>)>,
}

impl SimulatedModel {
    /// A model of these levels for measurements with this seed and the standard probes. A primitive without a
    /// planted level is at L0. It never errs: see [`SimulatedModel::with_chances`].
    #[must_use]
    pub fn new(model: impl Into<ModelId>, planted: CapabilityProfile, seed: u64) -> Self {
        Self {
            model: model.into(),
            planted,
            seed,
            probes: Probes::standard(),
            success: 1.0,
            failure: 0.0,
            known: Mutex::default(),
        }
    }

    /// The same model with a chance of success up to the planted level, and one above it.
    #[must_use]
    pub fn with_chances(mut self, up_to: f64, above: f64) -> Self {
        (self.success, self.failure) = (up_to, above);
        self
    }

    /// The same model for measurements with other probes.
    #[must_use]
    pub fn with_probes(mut self, probes: Probes) -> Self {
        self.probes = probes;
        self
    }

    /// Whether it passes an instance.
    #[must_use]
    pub fn passes(&self, primitive: Primitive, level: Level, number: u32) -> bool {
        let planted = self.planted.level(primitive).unwrap_or(Level::L0);
        let chance = if level <= planted { self.success } else { self.failure };
        self.roll("passes", primitive, level, number) < chance
    }

    /// A number from 0 to 1 that depends on the seed and these words alone.
    fn roll(&self, what: &str, primitive: Primitive, level: Level, number: u32) -> f64 {
        let seed = self.seed;
        let text = format!("{seed} {what} {primitive} {level} {number}");
        let digest = blake3::derive_key("skvm-probes simulated", text.as_bytes());
        let [a, b, c, d, ..] = digest;
        f64::from(u32::from_le_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
    }

    /// The instance that a prompt puts.
    fn find(&self, prompt: &str) -> Option<(Primitive, Level, u32, Arc<Instance>)> {
        let digest = Digest::of(prompt.as_bytes());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = known.by_prompt.get(&digest) {
                return Some(found.clone());
            }
            if known.depth >= MOST {
                return None;
            }
            let number = known.depth;
            known.depth += 1;
            for probe in self.probes.iter() {
                let primitive = probe.primitive();
                for level in Level::DEMANDS {
                    let seed = instance_seed(self.seed, primitive, level, number);
                    if let Some(instance) = probe.generate(level, seed) {
                        let digest = Digest::of(instance.prompt().as_bytes());
                        let entry = (primitive, level, number, Arc::new(instance));
                        known.by_prompt.insert(digest, entry);
                    }
                }
            }
        }
    }

    fn answer(&self, prompt: &str) -> Option<Answer> {
        let (primitive, level, number, instance) = self.find(prompt)?;
        if self.passes(primitive, level, number) {
            return Some(instance.reference().clone());
        }
        let misses = instance.near_misses();
        let place = self.roll("misses", primitive, level, number) * misses.len() as f64;
        let miss = misses.get(place as usize);
        Some(miss.map_or_else(Answer::default, |miss| miss.answer().clone()))
    }
}

#[async_trait]
impl LlmBackend for SimulatedModel {
    fn model(&self) -> &ModelId {
        &self.model
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        let asked = request.messages.iter().find_map(|message| match message {
            Message::User { content } => Some(content.as_str()),
            Message::Assistant { .. } | Message::Tool { .. } => None,
        });
        let asked = asked.unwrap_or_default();
        let base = served_at(asked);
        let prompt = base.map_or_else(|| asked.to_owned(), |base| asked.replace(base, Site::BASE));
        let Some(answer) = self.answer(&prompt) else {
            return Ok(LlmResponse::text("I do not know."));
        };
        let said = |message: &&Message| matches!(message, Message::Assistant { .. });
        let turn = request.messages.iter().filter(said).count();
        let Some(calls) = answer.turns().get(turn) else {
            return Ok(LlmResponse::text(answer.text()));
        };
        let calls = calls.iter().enumerate().map(|(at, call)| ToolCall {
            id: format!("call-{turn}-{at}"),
            name: call.tool.clone(),
            arguments: placed(&call.arguments, base.unwrap_or(Site::BASE)),
        });
        Ok(LlmResponse {
            tool_calls: calls.collect(),
            stop: StopReason::ToolCalls,
            ..LlmResponse::default()
        })
    }
}

/// Where the site of a prompt is served.
fn served_at(prompt: &str) -> Option<&str> {
    let start = prompt.find(SERVED)?;
    let rest = prompt.get(start..)?;
    let digits = rest.get(SERVED.len()..)?.bytes().take_while(u8::is_ascii_digit).count();
    rest.get(..SERVED.len() + digits)
}

/// The arguments with the place where the site is served.
fn placed(arguments: &Value, base: &str) -> Value {
    match arguments {
        Value::String(text) => text.replace(Site::BASE, base).into(),
        Value::Array(items) => items.iter().map(|item| placed(item, base)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), placed(value, base))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => arguments.clone(),
    }
}
