//! Groups that a model names: those that hold, and what becomes of every other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::{Value, json};
use skvm_core::artifact::{EdgeCause, GroupKind, StepId, Workflow};
use skvm_core::llm::{LlmBackend, LlmError, LlmErrorKind, LlmRequest, LlmResponse};
use skvm_core::target::ModelId;
use skvm_passes::code::CodePass;
use skvm_passes::concurrency::ConcurrencyPass;
use skvm_passes::manager::{Compilation, PassManager};

use crate::samples;

/// A model that gives these answers in their order.
struct Answers(ModelId, Mutex<VecDeque<Result<LlmResponse, LlmError>>>);

#[async_trait]
impl LlmBackend for Answers {
    fn model(&self) -> &ModelId {
        &self.0
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        assert!(request.messages[0].text().contains("<step number=\"1\">"));
        self.1.lock().unwrap().pop_front().unwrap()
    }
}

const BODY: &str = "# Demo\n\n## Workflow\n\n1. Polish the logo\n2. Translate slogans\n3. Order flowers\n\
                    4. Write `plan.md`\n5. Read `plan.md` aloud\n6. Ask the user for approval\n7. Book rooms\n";

fn compiled(answer: Result<LlmResponse, LlmError>) -> Compilation {
    let model = Answers(ModelId::from("answers"), Mutex::new(VecDeque::from([answer])));
    let manager = PassManager::builder()
        .pass(CodePass)
        .pass(ConcurrencyPass::default().with_refinement())
        .build()
        .unwrap()
        .with_llm(Arc::new(model));
    block_on(manager.compile(&samples::unit(samples::skill(BODY)))).unwrap()
}

/// What a model makes of the steps by naming these groups, and what it was told.
fn refined(groups: Value) -> (Workflow, Vec<String>) {
    let proposal = json!({"groups": groups});
    let compilation = compiled(Ok(LlmResponse::tool_call("1", "answer", proposal)));
    let variant = compilation.variant;
    let workflow = Workflow::clone(&variant.artifacts().get::<Workflow>().unwrap().unwrap());
    workflow.verify().unwrap();
    (workflow, variant.diagnostics().iter().map(|d| d.message.clone()).collect())
}

fn group(steps: &[usize]) -> Value {
    json!({"steps": steps, "reason": "they have nothing to do with each other"})
}

#[test]
fn a_group_that_only_the_order_of_the_list_held_together_is_freed() {
    let (workflow, told) = refined(json!([group(&[1, 2, 3])]));
    assert_eq!(told, [""; 0]);
    assert_eq!(workflow.groups.len(), 1);
    assert_eq!(workflow.groups[0].kind, GroupKind::Tlp);
    assert_eq!(workflow.groups[0].steps, [0, 1, 2].map(StepId));
    assert!(workflow.remark.as_deref().unwrap().contains("1, 2, 3"));
    // What came behind the last of them waits for all of them now.
    for step in 0..3 {
        assert!(workflow.has_path(StepId(step), StepId(3)));
        assert!((0..3).all(|other| !workflow.has_path(StepId(step), StepId(other))));
    }
    let behind = workflow.edges.iter().filter(|edge| edge.from == StepId(0));
    assert!(behind.clone().count() > 0 && behind.clone().all(|e| e.cause == EdgeCause::Order));
}

#[test]
fn groups_that_break_a_dependency_are_refused_and_told() {
    let cases: [(&[usize], &str); 8] = [
        (&[4, 5], "5 waits for 4: file plan.md"),
        (&[1, 3], "step 2 stands between 1 and 3"),
        (&[5, 6], "a question to a person"),
        (&[5, 7], "step 6 stands between 5 and 7"),
        (&[1], "two or more"),
        (&[2, 2], "two or more"),
        (&[1, 99], "two or more"),
        (&[0, 1], "two or more"),
    ];
    let (before, _) = refined(json!([]));
    for (steps, why) in cases {
        let (workflow, told) = refined(json!([group(steps)]));
        assert_eq!(workflow, before, "{steps:?}");
        assert!(told.len() == 1 && told[0].contains(why), "{steps:?}: {told:?}");
    }
    // Of several the good ones count, and a step belongs to one group.
    let (workflow, told) = refined(json!([group(&[4, 5]), group(&[1, 2]), group(&[2, 3])]));
    assert_eq!((workflow.groups.len(), told.len()), (1, 2));
    assert!(told[1].contains("step 2 is in another group"));
}

#[test]
fn without_a_usable_answer_the_workflow_stays_and_it_is_told() {
    let (before, _) = refined(json!([]));
    let compilation = compiled(Err(LlmError::new(LlmErrorKind::Network)));
    assert!(compilation.is_transient);
    let workflow = compilation.variant.artifacts().get::<Workflow>().unwrap().unwrap();
    assert_eq!(*workflow, before);
    let told = compilation.variant.diagnostics();
    assert!(told.len() == 1 && told[0].code.as_str() == "concurrency/not-refined", "{told:?}");
}
