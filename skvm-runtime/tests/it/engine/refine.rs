//! A model that refines is asked once, and its answers are in the store ever after.

use std::sync::Arc;

use async_trait::async_trait;
use futures::executor::block_on;
use skvm_core::diagnostic::{Code, Diagnostic};
use skvm_core::llm::{LlmError, LlmErrorKind, LlmRequest, LlmResponse};
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;
use skvm_runtime::engine::{EngineError, SkVm};
use skvm_runtime::scripted::ScriptedModel;
use skvm_runtime::store::{MemoryStore, Store};

use super::{chain, pipeline, skill, target};
use crate::watched::Watched;

/// Asks the model about the skill, whatever the target, and tells what it says.
#[derive(Debug)]
struct AskingPass;

#[async_trait]
impl Pass for AskingPass {
    fn id(&self) -> PassId {
        PassId::new("asking")
    }

    fn version(&self) -> u32 {
        1
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        // Without this the result would serve every target, and nobody would be asked twice anyway.
        let _ = cx.target();
        let Some(llm) = cx.llm() else { return Ok(()) };
        let answer =
            llm.complete(LlmRequest::user(format!("About {}?", cx.skill().name()))).await?;
        cx.diagnose(Diagnostic::note(Code::new("asking/answer"), answer.text));
        Ok(())
    }
}

fn engine(store: &Arc<dyn Store>, model: &ScriptedModel) -> SkVm {
    SkVm::builder()
        .passes(pipeline(AskingPass))
        .store(Arc::clone(store))
        .refine_with(Arc::new(model.clone()))
        .build()
}

fn answers(variant: &Variant) -> Vec<&str> {
    variant.diagnostics().iter().map(|found| found.message.as_str()).collect()
}

#[test]
fn engines_that_share_a_store_ask_once() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let model = ScriptedModel::new("refiner", [Ok(LlmResponse::text("it is fine"))]);
    let failing = ScriptedModel::new("refiner", []);
    let (first, second) = (engine(&store, &model), engine(&store, &failing));
    let skill = skill("x");
    // Another target is another compilation, of which the model is asked the same.
    let one = block_on(first.compile(&skill, &target("a"))).unwrap();
    let two = block_on(second.compile(&skill, &target("b"))).unwrap();
    assert_eq!((answers(&one), answers(&two)), (vec!["it is fine"], vec!["it is fine"]));
    assert_eq!((model.requests().len(), failing.requests().len()), (1, 0));
    block_on(first.compile(&skill, &target("c"))).unwrap();
    assert_eq!(model.requests().len(), 1);
}

#[test]
fn another_question_and_another_model_are_asked() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let said = |text: &str| Ok(LlmResponse::text(text));
    let model = ScriptedModel::new("refiner", [said("one"), said("two")]);
    let other = ScriptedModel::new("other", [said("three")]);
    let first = engine(&store, &model);
    let x = block_on(first.compile(&skill("x"), &target("a"))).unwrap();
    let y = block_on(first.compile(&skill("y"), &target("a"))).unwrap();
    let z = block_on(engine(&store, &other).compile(&skill("x"), &target("b"))).unwrap();
    assert_eq!([answers(&x), answers(&y), answers(&z)], [["one"], ["two"], ["three"]]);
}

#[test]
fn a_model_that_fails_fails_the_compilation_and_is_asked_again() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let error = LlmError::new(LlmErrorKind::Network).with_detail("no route");
    let model = ScriptedModel::new("refiner", [Err(error), Ok(LlmResponse::text("late"))]);
    let vm = engine(&store, &model);
    let skill = skill("x");
    let error = block_on(vm.compile(&skill, &target("m"))).unwrap_err();
    let EngineError::Compile(compile) = &error else { panic!("{error:?}") };
    assert_eq!(compile.llm_error().map(LlmError::kind), Some(&LlmErrorKind::Network));
    assert!(chain(&error).join(": ").ends_with("could not be reached: no route"));
    let variant = block_on(vm.compile(&skill, &target("m"))).unwrap();
    assert_eq!(answers(&variant), ["late"]);
}

#[test]
fn without_a_model_nobody_is_asked() {
    let vm = SkVm::builder().passes(pipeline(AskingPass)).build();
    let variant = block_on(vm.compile(&skill("x"), &target("m"))).unwrap();
    assert!(answers(&variant).is_empty());
}

#[test]
fn answers_that_cannot_be_kept_are_not_used() {
    for operation in ["answer", "record_answer"] {
        let watched = Watched::failing(operation);
        let store: Arc<dyn Store> = watched.clone();
        let model = ScriptedModel::new("refiner", [Ok(LlmResponse::text("lost"))]);
        let error =
            block_on(engine(&store, &model).compile(&skill("x"), &target("m"))).unwrap_err();
        assert!(matches!(error, EngineError::Compile(_)), "{error:?}");
        let told = chain(&error).join(": ");
        assert!(told.ends_with(&format!("store: {operation}: the disk is gone")), "{told}");
        assert_eq!(watched.count("publish"), 0);
    }
}

/// The standard passes do their work without a model: one that fails changes nothing.
#[test]
fn the_standard_passes_need_no_model() {
    let failing = ScriptedModel::new("refiner", []);
    let vm = SkVm::builder().refine_with(Arc::new(failing.clone())).build();
    let plain = SkVm::builder().passes(PassManager::standard()).build();
    let skill = skill("x");
    let one = block_on(vm.compile(&skill, &target("m"))).unwrap();
    let two = block_on(plain.compile(&skill, &target("m"))).unwrap();
    assert_eq!(one.text(), two.text());
}
