//! Targets for tests: the bare agent with models that do as they are told.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use skvm_core::harness::Harness;
use skvm_core::llm::{
    LlmBackend, LlmError, LlmRequest, LlmResponse, Message, StopReason, ToolCall,
};
use skvm_core::program::{Program, ProgramError, ProgramOutput, ProgramRunner};
use skvm_core::target::ModelId;
use skvm_probes::examination::Examiner;
use skvm_probes::probe::{Answer, Instance, Outcome};
use skvm_probes::profiler::Profiler;
use skvm_probes::simulated::SimulatedBrowser;
use skvm_probes::site::Site;
use skvm_runtime::command::{Environment, ScratchRunner};
use skvm_runtime::harness::bare::{AddressPolicy, AgentPolicy, BareAgent};

/// A model that gives one answer, whatever it is asked.
pub(crate) struct Gives(ModelId, Answer);

pub(crate) fn gives(answer: Answer) -> Gives {
    Gives(ModelId::from("gives"), answer)
}

#[async_trait]
impl LlmBackend for Gives {
    fn model(&self) -> &ModelId {
        &self.0
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        let said = |message: &&Message| matches!(message, Message::Assistant { .. });
        let turn = request.messages.iter().filter(said).count();
        let Some(calls) = self.1.turns().get(turn) else {
            return Ok(LlmResponse::text(self.1.text()));
        };
        let asked = request.messages[0].text();
        let base = asked.find("http://127.0.0.1:").map(|at| {
            let end = asked[at + 17..].find(|c: char| !c.is_ascii_digit());
            &asked[at..end.map_or(asked.len(), |end| at + 17 + end)]
        });
        let calls = calls.iter().enumerate().map(|(at, call)| {
            let text = call.arguments.to_string().replace(Site::BASE, base.unwrap_or(Site::BASE));
            let arguments = serde_json::from_str(&text).unwrap();
            ToolCall { id: format!("{turn}-{at}"), name: call.tool.clone(), arguments }
        });
        let stop = StopReason::ToolCalls;
        Ok(LlmResponse { tool_calls: calls.collect(), stop, ..LlmResponse::default() })
    }
}

/// An agent that reaches loopback and has a browser.
pub(crate) fn agent(model: impl LlmBackend + 'static) -> BareAgent {
    let addresses = AddressPolicy::default().allowing_loopback();
    BareAgent::new(Arc::new(model))
        .with_policy(AgentPolicy { addresses, ..AgentPolicy::default() })
        .with_tool(Arc::new(SimulatedBrowser::new()))
}

/// Runs programs, and those without files, which only ask what the machine has, once.
struct AsksOnce(ScratchRunner);

#[async_trait]
impl ProgramRunner for AsksOnce {
    async fn run(&self, program: Program) -> Result<ProgramOutput, ProgramError> {
        static ASKED: Mutex<Vec<(Program, ProgramOutput)>> = Mutex::new(Vec::new());
        let asks = program.files.is_empty();
        let known = asks.then(|| {
            let asked = ASKED.lock().unwrap();
            asked.iter().find(|(other, _)| *other == program).map(|(_, output)| output.clone())
        });
        if let Some(output) = known.flatten() {
            return Ok(output);
        }
        let output = self.0.run(program.clone()).await?;
        if asks {
            ASKED.lock().unwrap().push((program, output.clone()));
        }
        Ok(output)
    }
}

pub(crate) fn examiner(harness: impl Harness + 'static) -> Examiner {
    let programs = AsksOnce(ScratchRunner::new(Environment::from_host()));
    Examiner::new(Arc::new(harness)).with_programs(Arc::new(programs))
}

pub(crate) fn profiler(harness: impl Harness + 'static) -> Profiler {
    let programs = ScratchRunner::new(Environment::from_host());
    Profiler::new(Arc::new(harness), "simulated").with_programs(Arc::new(programs))
}

/// What becomes of an instance whose target gives this answer.
pub(crate) async fn outcome(instance: &Instance, answer: &Answer) -> Outcome {
    examiner(agent(gives(answer.clone()))).examine(instance).await.outcome
}
