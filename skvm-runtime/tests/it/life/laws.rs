//! Whatever is done, in whatever order: what is loaded is what is pinned, or what would be compiled now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use proptest::prelude::*;
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_core::digest::Digest;
use skvm_core::skill::Skill;
use skvm_runtime::engine::{EngineError, SkVm};
use skvm_runtime::life::Standing;
use skvm_runtime::store::{MemoryStore, StoreLimits};

use super::{Home, Signing, is_no_variant, load, pipeline, skill, target};

#[derive(Debug, Clone, Copy)]
enum Step {
    Edit(usize),
    Load,
    Pin,
    Unpin,
    Rollback,
    Record(Level),
    /// Another process, with passes of that version.
    Reopen(u32),
    Collect,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let level = prop_oneof![Just(Level::L1), Just(Level::L2)];
    let step = prop_oneof![
        3 => (0..4_usize).prop_map(Step::Edit),
        6 => Just(Step::Load),
        1 => Just(Step::Pin),
        2 => Just(Step::Unpin),
        2 => Just(Step::Rollback),
        1 => level.prop_map(Step::Record),
        1 => (1..3_u32).prop_map(Step::Reopen),
        1 => Just(Step::Collect),
    ];
    (0..2_usize, step)
}

/// What a variant is compiled from: the state of the skill, the profile, the passes.
type Inputs = (usize, Option<Level>, u32);

/// How it should be.
#[derive(Default)]
struct Model {
    active: Option<Inputs>,
    previous: Vec<Inputs>,
    pinned: bool,
    activations: usize,
    body: usize,
    level: Option<Level>,
}

impl Model {
    fn activate(&mut self, inputs: Inputs) {
        self.activations += 1;
        if let Some(before) = self.active.replace(inputs) {
            self.previous.push(before);
            if self.previous.len() > 8 {
                self.previous.remove(0);
            }
        }
    }

    fn load(&mut self, version: u32) -> (Inputs, Standing) {
        let current = (self.body, self.level, version);
        match self.active {
            Some(active) if self.pinned => return (active, Standing::Pinned),
            Some(active) if active == current => {}
            _ => self.activate(current),
        }
        (current, Standing::Active)
    }

    /// Whether it can be done.
    fn change(&mut self, step: Step) -> bool {
        if self.active.is_none() {
            return false;
        }
        match step {
            Step::Rollback => {
                let Some(before) = self.previous.pop() else { return false };
                (self.active, self.pinned) = (Some(before), true);
            }
            _ => self.pinned = matches!(step, Step::Pin),
        }
        self.activations += 1;
        true
    }
}

fn profile(level: Level) -> CapabilityProfile {
    CapabilityProfile::new(&target(), "2026-01-01T00:00:00Z").with_level(Primitive::ToolExec, level)
}

fn body(number: usize) -> Arc<Skill> {
    skill(&format!("body {number}"))
}

fn passes(version: u32) -> skvm_passes::manager::PassManager {
    pipeline(Signing { version, ..Signing::default() })
}

/// What a fresh engine makes of the inputs.
#[derive(Default)]
struct Fresh(BTreeMap<Inputs, Digest>);

impl Fresh {
    fn of(&mut self, inputs: Inputs) -> Digest {
        *self.0.entry(inputs).or_insert_with(|| {
            let (number, level, version) = inputs;
            let builder = SkVm::builder().passes(passes(version));
            let builder = builder.store(Arc::new(MemoryStore::default()));
            let vm = match level {
                Some(level) => builder.profile(profile(level)).build(),
                None => builder.build(),
            };
            block_on(vm.compile(&body(number), &target())).unwrap().digest()
        })
    }
}

fn change(vm: &SkVm, skill: &Arc<Skill>, step: Step) -> Result<(), EngineError> {
    let target = target();
    match step {
        Step::Pin => block_on(vm.pin(skill, &target, "pin")),
        Step::Unpin => block_on(vm.unpin(skill, &target)),
        _ => block_on(vm.rollback(skill, &target, "back")),
    }
}

fn follow(home: &Home, steps: &[(usize, Step)]) {
    let open = |version| SkVm::builder().store(home.store()).passes(passes(version)).build();
    let (mut vms, mut versions) = ([open(1), open(1)], [1, 1]);
    let (mut model, mut fresh) = (Model::default(), Fresh::default());
    for &(who, step) in steps {
        let (vm, skill) = (&vms[who], body(model.body));
        match step {
            Step::Edit(number) => model.body = number,
            Step::Load => {
                let loaded = load(vm, &skill);
                let (inputs, standing) = model.load(versions[who]);
                assert_eq!(
                    (loaded.variant.digest(), loaded.standing),
                    (fresh.of(inputs), standing)
                );
            }
            Step::Pin | Step::Unpin | Step::Rollback => {
                let outcome = change(vm, &skill, step);
                match model.change(step) {
                    true => outcome.unwrap(),
                    false => assert!(is_no_variant(&outcome), "{outcome:?}"),
                }
            }
            Step::Record(level) => {
                block_on(vm.record_profile(&profile(level))).unwrap();
                model.level = Some(level);
            }
            Step::Reopen(version) => (vms[who], versions[who]) = (open(version), version),
            Step::Collect => {
                let limits = StoreLimits { bytes: Some(0), age: Some(Duration::ZERO) };
                block_on(vm.collect_garbage(&limits)).unwrap();
            }
        }
        let history = block_on(vms[who].history(&skill, &target())).unwrap().activations;
        assert_eq!(history.len(), model.activations, "after {step:?}");
        let last = history.last().map(|activation| activation.variant);
        assert_eq!(last, model.active.map(|active| fresh.of(active)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_loaded_is_pinned_or_current(steps in proptest::collection::vec(step(), 1..60)) {
        for home in Home::all() {
            follow(&home, &steps);
        }
    }
}
