//! The controls of every probe, put through the bare agent: the reference is accepted, every near miss refused.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use skvm_core::capability::{Level, Primitive};
use skvm_core::llm::{
    LlmBackend, LlmError, LlmRequest, LlmResponse, Message, StopReason, ToolCall,
};
use skvm_core::target::ModelId;
use skvm_probes::examination::Examiner;
use skvm_probes::probe::{Answer, Instance, Outcome};
use skvm_probes::registry::Probes;
use skvm_probes::simulated::SimulatedBrowser;
use skvm_probes::site::Site;
use skvm_runtime::command::{Environment, ScratchRunner};
use skvm_runtime::harness::bare::{AddressPolicy, AgentPolicy, BareAgent};

/// A model that gives one answer, whatever it is asked.
pub(crate) struct Gives(pub(crate) ModelId, pub(crate) Answer);

#[async_trait]
impl LlmBackend for Gives {
    fn model(&self) -> &ModelId {
        &self.0
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        let turn =
            request.messages.iter().filter(|m| matches!(m, Message::Assistant { .. })).count();
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

pub(crate) fn examiner(agent: BareAgent) -> Examiner {
    let programs = ScratchRunner::new(Environment::from_host());
    Examiner::new(Arc::new(agent)).with_programs(Arc::new(programs))
}

pub(crate) async fn outcome(instance: &Instance, answer: &Answer) -> Outcome {
    let model = Gives(ModelId::from("gives"), answer.clone());
    examiner(agent(model)).examine(instance).await.outcome
}

/// Seeds of a probe: all of them where every test is to run, fewer where each instance starts processes.
fn seeds(primitive: Primitive) -> u64 {
    let starts_processes = matches!(
        primitive,
        Primitive::GenCodePython | Primitive::GenCodeJavascript | Primitive::GenCodeShell
    );
    match std::env::var_os("SKVM_TEST_ALL") {
        None if starts_processes => 4,
        None => 20,
        Some(_) => 200,
    }
}

async fn check(primitive: Primitive) {
    let probes = Probes::standard();
    let probe = probes.get(primitive).unwrap();
    let mut prompts = HashSet::new();
    for level in Level::DEMANDS {
        for seed in 0..seeds(primitive) {
            let instance = probe.generate(level, seed).unwrap();
            let name = format!("{primitive} {level} seed {seed}\n{}", instance.prompt());
            assert!(prompts.insert(instance.prompt().to_owned()), "asked before: {name}");
            let passed = outcome(&instance, instance.reference()).await;
            if matches!(passed, Outcome::Skipped(_)) && std::env::var_os("SKVM_TEST_ALL").is_none()
            {
                continue;
            }
            assert_eq!(passed, Outcome::Passed, "{:#?}\n{name}", instance.reference());
            assert!(instance.near_misses().len() >= 4, "{name}");
            let faults: HashSet<&str> = instance.near_misses().iter().map(|m| m.fault()).collect();
            assert_eq!(faults.len(), instance.near_misses().len(), "{name}");
            for miss in instance.near_misses() {
                let refused = outcome(&instance, miss.answer()).await;
                assert!(
                    matches!(&refused, Outcome::Failed(reason) if !reason.is_empty()),
                    "{}: {refused:?}\n{:#?}\n{name}",
                    miss.fault(),
                    miss.answer()
                );
            }
        }
    }
}

macro_rules! controls {
    ($($test:ident: $primitive:ident,)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                check(Primitive::$primitive).await;
            }
        )*

        #[test]
        fn every_primitive_is_checked() {
            let checked = [$(Primitive::$primitive),*];
            assert_eq!(checked, Primitive::ALL);
        }
    };
}

controls! {
    gen_code_python: GenCodePython,
    gen_code_javascript: GenCodeJavascript,
    gen_code_shell: GenCodeShell,
    gen_code_sql: GenCodeSql,
    gen_code_html: GenCodeHtml,
    gen_text_structured: GenTextStructured,
    gen_text_long: GenTextLong,
    gen_text_prose: GenTextProse,
    gen_regex: GenRegex,
    reason_arithmetic: ReasonArithmetic,
    reason_logic: ReasonLogic,
    reason_spatial: ReasonSpatial,
    reason_planning: ReasonPlanning,
    reason_analysis: ReasonAnalysis,
    tool_file_read: ToolFileRead,
    tool_file_write: ToolFileWrite,
    tool_exec: ToolExec,
    tool_call_format: ToolCallFormat,
    tool_call_batch: ToolCallBatch,
    tool_web: ToolWeb,
    tool_browser: ToolBrowser,
    follow_format: FollowFormat,
    follow_constraint: FollowConstraint,
    follow_procedure: FollowProcedure,
    follow_delegation: FollowDelegation,
    follow_style: FollowStyle,
}
