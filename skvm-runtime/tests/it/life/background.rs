//! The previous variant serves while the new one is compiled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::executor::block_on;
use futures::lock::Mutex;
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::Skill;
use skvm_runtime::engine::SkVm;
use skvm_runtime::life::{ActivationReason, LoadPolicy, Standing};
use skvm_runtime::store::Store;

use super::{
    activated, compiled, everywhere, history, load, pinned, pipeline, reasons, sign, skill, target,
    told, until,
};

/// Signs a skill when its gate is open.
#[derive(Debug, Clone, Default)]
struct Gated {
    gate: Arc<Mutex<()>>,
    runs: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
    panics: Arc<AtomicBool>,
}

#[async_trait]
impl Pass for Gated {
    fn id(&self) -> PassId {
        PassId::new("gated")
    }

    fn version(&self) -> u32 {
        1
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let _through = self.gate.lock().await;
        assert!(!self.panics.load(Ordering::SeqCst), "as the test wants it");
        match self.fails.load(Ordering::SeqCst) {
            true => Err(PassError::other("as the test wants it")),
            false => sign(cx, "gated"),
        }
    }
}

impl Gated {
    fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

fn engine(store: Arc<dyn Store>, pass: &Gated) -> SkVm {
    let builder = SkVm::builder().store(store).passes(pipeline(pass.clone()));
    builder.loading(LoadPolicy::Previous).build()
}

fn standing(vm: &SkVm, skill: &Arc<Skill>) -> Standing {
    load(vm, skill).standing
}

#[test]
fn without_a_previous_one_it_is_compiled_at_once() {
    everywhere(|home| {
        let vm = engine(home.store(), &Gated::default());
        assert_eq!(standing(&vm, &skill("one")), Standing::Active);
        assert_eq!(standing(&vm, &skill("one")), Standing::Active);
    });
}

#[test]
fn the_previous_one_serves_while_one_compilation_goes_on() {
    everywhere(|home| {
        let pass = Gated::default();
        let vm = engine(home.store(), &pass);
        let (one, two) = (skill("one"), skill("two"));
        let first = load(&vm, &one).variant;
        let mut events = vm.events();
        let closed = block_on(pass.gate.lock());
        for _ in 0..20 {
            let loaded = load(&vm, &two);
            assert!(Arc::ptr_eq(&loaded.variant, &first));
            assert_eq!(loaded.standing, Standing::Stale);
        }
        until("the compilation begins", || pass.runs() == 2);
        assert!(told(&mut events).is_empty());
        drop(closed);
        until("the new one is active", || standing(&vm, &two) == Standing::Active);
        let second = load(&vm, &two).variant;
        assert!(second.text().contains("two"));
        // It is told when it is so, and that may be seen before.
        let mut seen = Vec::new();
        until("it is told", || {
            seen.extend(told(&mut events));
            !activated(&seen).is_empty()
        });
        assert_eq!(compiled(&seen), 1);
        assert_eq!(activated(&seen), [(second.digest(), ActivationReason::SkillChanged)]);
        assert_eq!(pass.runs(), 2);
        assert_eq!(history(&vm, &two).len(), 2);
        // What was compiled before is not compiled again, and the skill can change once more.
        until("the first one again", || standing(&vm, &one) == Standing::Active);
        assert_eq!(load(&vm, &one).variant, first);
        assert_eq!(pass.runs(), 2);
    });
}

#[cfg(feature = "tokio")]
#[test]
fn it_works_on_a_runtime_of_one_thread_and_of_many() {
    use tokio::runtime::Builder;

    everywhere(|home| {
        let pass = Gated::default();
        let vm = engine(home.store(), &pass);
        load(&vm, &skill("zero"));
        let runtimes = [
            Builder::new_current_thread().enable_time().build().unwrap(),
            Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap(),
        ];
        for (runtime, body) in runtimes.iter().zip(["one", "two"]) {
            let skill = skill(body);
            let runs = pass.runs();
            runtime.block_on(async {
                let closed = pass.gate.lock().await;
                for _ in 0..5 {
                    let loaded = vm.load(&skill, &target()).await.unwrap();
                    assert_eq!(loaded.standing, Standing::Stale);
                    assert!(!loaded.variant.text().contains(body));
                    tokio::task::yield_now().await;
                }
                drop(closed);
                for _ in 0..2_000 {
                    let loaded = vm.load(&skill, &target()).await.unwrap();
                    if loaded.standing == Standing::Active {
                        assert!(loaded.variant.text().contains(body));
                        return;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
                panic!("the new one does not become active");
            });
            assert_eq!(pass.runs(), runs + 1);
        }
    });
}

/// The runtime took the work with it; the next load begins it again.
#[cfg(feature = "tokio")]
#[test]
fn a_runtime_that_ends_before_the_work_keeps_nobody_from_it() {
    everywhere(|home| {
        let pass = Gated::default();
        let vm = engine(home.store(), &pass);
        let (one, two) = (skill("one"), skill("two"));
        load(&vm, &one);
        let closed = block_on(pass.gate.lock());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let loaded = runtime.block_on(vm.load(&two, &target())).unwrap();
        assert_eq!(loaded.standing, Standing::Stale);
        until("the compilation begins", || pass.runs() == 2);
        drop(runtime);
        drop(closed);
        until("the new one is active", || standing(&vm, &two) == Standing::Active);
        assert!(load(&vm, &two).variant.text().contains("two"));
    });
}

/// A host that enters its runtime for each call leaves it alone between them.
#[cfg(feature = "tokio")]
#[test]
fn a_runtime_that_nobody_drives_keeps_nobody_from_it() {
    everywhere(|home| {
        let pass = Gated::default();
        let vm = engine(home.store(), &pass);
        let (one, two) = (skill("one"), skill("two"));
        load(&vm, &one);
        let closed = block_on(pass.gate.lock());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let loaded = runtime.block_on(vm.load(&two, &target())).unwrap();
        assert_eq!(loaded.standing, Standing::Stale);
        until("the compilation begins", || pass.runs() == 2);
        drop(closed);
        until("the new one is active", || standing(&vm, &two) == Standing::Active);
        assert_eq!(pass.runs(), 2);
        drop(runtime);
    });
}

#[test]
fn what_fails_leaves_the_previous_one_and_is_tried_again() {
    everywhere(|home| {
        for body in ["two", "three"] {
            let pass = Gated::default();
            let flag = if body == "two" { &pass.fails } else { &pass.panics };
            let vm = engine(home.store(), &pass);
            load(&vm, &skill("one"));
            let (before, two) = (history(&vm, &skill("one")), skill(body));
            flag.store(true, Ordering::SeqCst);
            let runs = pass.runs();
            until("it is tried twice more", || {
                let loaded = load(&vm, &two);
                assert!(loaded.variant.text().contains("one"));
                assert_eq!(loaded.standing, Standing::Stale);
                pass.runs() >= runs + 2
            });
            assert_eq!(history(&vm, &two), before);
            flag.store(false, Ordering::SeqCst);
            until("it is active", || standing(&vm, &two) == Standing::Active);
            assert!(load(&vm, &two).variant.text().contains(body));
            until("the first again", || standing(&vm, &skill("one")) == Standing::Active);
        }
    });
}

/// Whoever pins says what is served, also when something is being compiled.
#[test]
fn a_pin_holds_against_what_is_being_compiled() {
    everywhere(|home| {
        let pass = Gated::default();
        let vm = engine(home.store(), &pass);
        let (one, two) = (skill("one"), skill("two"));
        let first = load(&vm, &one).variant.digest();
        let closed = block_on(pass.gate.lock());
        assert_eq!(standing(&vm, &two), Standing::Stale);
        until("the compilation begins", || pass.runs() == 2);
        block_on(vm.pin(&two, &target(), "the old one is good")).unwrap();
        let mut events = vm.events();
        drop(closed);
        until("it is compiled", || compiled(&told(&mut events)) == 1);
        // What comes after compiling has its time.
        std::thread::sleep(std::time::Duration::from_millis(100));
        let loaded = load(&vm, &two);
        assert_eq!((loaded.variant.digest(), loaded.standing), (first, Standing::Pinned));
        let why = [ActivationReason::First, pinned("the old one is good")];
        assert_eq!(reasons(&history(&vm, &two)), why);
        block_on(vm.unpin(&two, &target())).unwrap();
        until("the new one is active", || standing(&vm, &two) == Standing::Active);
        assert_eq!(pass.runs(), 2);
    });
}
