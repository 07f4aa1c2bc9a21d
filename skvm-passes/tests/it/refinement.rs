//! Refinement by a model: what a good answer gives, and what becomes of every other.

mod answers;
mod failures;
mod good;
mod learned;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::{Value, json};
use skvm_core::capability::Level;
use skvm_core::llm::{LlmBackend, LlmError, LlmRequest, LlmResponse, Usage};
use skvm_core::skill::Skill;
use skvm_core::target::ModelId;
use skvm_passes::capability::{CapabilityPass, Refinement, RefinementReport};
use skvm_passes::code::CodePass;
use skvm_passes::manager::PassManager;
use skvm_passes::requirements::RequirementsPass;
use skvm_passes::variant::Variant;

use crate::samples;

/// The skill that is refined; a weak target gets a deterministic edit for its pipe.
const BODY: &str = "\
# Demo

Answer every mail in a friendly voice. Keep the answer short.

Keep it calm. Keep it calm.

## Steps

1. Read the mail to its end.
2. Write the answer.

```sh
curl -s https://mail.example/list | head -n 3 > mails.txt
```

| place | what stands there |
|---|---|
| first line | name of the reader |

> Quoted words stand here.

See [the long guide](https://mail.example/guide) for more. Use `curl -s https://mail.example` at the end.

<p>
Raw words stand here.
</p>
";

/// A model that says what it was told to say, in order.
#[derive(Debug)]
struct Scripted {
    model: ModelId,
    answers: Mutex<VecDeque<Result<LlmResponse, LlmError>>>,
    asked: Mutex<Vec<LlmRequest>>,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Result<LlmResponse, LlmError>>) -> Arc<Self> {
        Arc::new(Self {
            model: ModelId::from("scripted"),
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
        })
    }

    /// One answer in the wanted form, of known cost.
    fn answering(proposal: Value) -> Arc<Self> {
        Self::new([Ok(tool_answer(proposal))])
    }

    fn asked(&self) -> Vec<LlmRequest> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl LlmBackend for Scripted {
    fn model(&self) -> &ModelId {
        &self.model
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        self.asked.lock().unwrap().push(request);
        self.answers.lock().unwrap().pop_front().unwrap_or_else(|| panic!("asked too often"))
    }
}

fn cost(input: u64, output: u64) -> Usage {
    Usage { input: Some(input), output: Some(output), ..Usage::default() }
}

fn tool_answer(proposal: Value) -> LlmResponse {
    LlmResponse { usage: cost(100, 10), ..LlmResponse::tool_call("1", "answer", proposal) }
}

fn addition(after: &str, text: &str) -> Value {
    json!({ "after": after, "text": text, "primitive": "follow.style", "reason": "it helps" })
}

fn requirement(primitive: &str, level: &str, quote: &str) -> Value {
    json!({ "purpose": "steps", "primitive": primitive, "level": level, "quote": quote })
}

fn manager() -> PassManager {
    let capability = CapabilityPass::standard().with_refinement(Refinement::default());
    PassManager::builder().pass(CodePass).pass(RequirementsPass).pass(capability).build().unwrap()
}

fn compile_with(skill: Skill, model: Option<Arc<dyn LlmBackend>>) -> Variant {
    let weak = samples::profile_of(Level::L1);
    let mut manager = manager();
    if let Some(model) = model {
        manager = manager.with_llm(model);
    }
    block_on(manager.compile(&samples::unit(skill).with_profile(weak))).unwrap().variant
}

fn compile(model: Arc<dyn LlmBackend>) -> Variant {
    compile_with(samples::skill(BODY), Some(model))
}

/// What comes out without a model.
fn deterministic() -> Variant {
    let variant = compile_with(samples::skill(BODY), None);
    assert!(!variant.edits().is_empty());
    variant
}

fn report(variant: &Variant) -> RefinementReport {
    (*variant.artifacts().get::<RefinementReport>().unwrap().unwrap()).clone()
}
