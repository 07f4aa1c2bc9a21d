//! A session keeps the variant that it began with.

use futures::executor::block_on;
use skvm_core::harness::{Hooks as _, RunStatus, TurnView};
use skvm_core::llm::{LlmResponse, Message};
use skvm_runtime::adaptation::AdaptPolicy;
use skvm_runtime::life::Fared;

use super::{builder, everywhere, load, skill, target};

#[test]
fn a_session_counts_for_the_variant_that_it_began_with() {
    everywhere(|home| {
        let vm = builder(home.store()).adapt(AdaptPolicy::default()).build();
        let (one, two) = (skill("one"), skill("two"));
        let first = load(&vm, &one).variant;
        let mut early = vm.session(&target(), "do it", Some(&one), Some(&first));
        let second = load(&vm, &two).variant;
        let late = vm.session(&target(), "do it", Some(&two), Some(&second));
        let messages = [Message::user("do it")];
        let turn = TurnView { index: 0, task: "do it", messages: &messages };
        block_on(early.before_llm(&turn));
        block_on(early.after_llm(&turn, &LlmResponse::text("done")));
        let trace = block_on(early.finish(RunStatus::Ok));
        assert_eq!((trace.variant, trace.skill), (Some(first.digest()), Some(one.digest())));
        let fared = || block_on(vm.history(&one, &target())).unwrap().fared;
        let clean = Fared { clean: 1, ..Fared::default() };
        assert_eq!(fared().into_iter().collect::<Vec<_>>(), [(first.digest(), clean)]);
        let trace = block_on(late.finish(RunStatus::ProviderFault));
        assert_eq!(trace.variant, Some(second.digest()));
        let spoiled = Fared { spoiled: 1, ..Fared::default() };
        assert_eq!(fared().get(&second.digest()), Some(&spoiled));
        assert_eq!(fared().get(&first.digest()), Some(&clean));
        // Traces lie with the state of the skill that they are about.
        let traces = block_on(vm.store().traces(one.digest())).unwrap();
        assert_eq!(traces.iter().map(|it| it.variant).collect::<Vec<_>>(), [Some(first.digest())]);
    });
}

#[test]
fn sessions_are_counted_one_by_one_by_many_at_once() {
    everywhere(|home| {
        let vms = [(); 2].map(|()| builder(home.store()).adapt(AdaptPolicy::default()).build());
        let skill = skill("one");
        let variant = load(&vms[0], &skill).variant;
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (vm, skill, variant) = (&vms[thread % 2], &skill, &variant);
                scope.spawn(move || {
                    for round in 0..10 {
                        let session = vm.session(&target(), "go", Some(skill), Some(variant));
                        let status = [RunStatus::Ok, RunStatus::ProviderFault][round % 2];
                        block_on(session.finish(status));
                    }
                });
            }
        });
        let fared = block_on(vms[0].history(&skill, &target())).unwrap().fared;
        let counted = Fared { clean: 40, spoiled: 40, ..Fared::default() };
        assert_eq!(fared.into_iter().collect::<Vec<_>>(), [(variant.digest(), counted)]);
    });
}
