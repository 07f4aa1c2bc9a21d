//! Many who ask at the same time, and those who go away before they are answered.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::executor::block_on;
use futures::future::join_all;
use futures::poll;
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_runtime::engine::{Event, SkVm};
use tokio::runtime::Builder;
use tokio::task::yield_now;

use super::{pipeline, sign, skill, target};
use crate::watched::Watched;

/// Signs the skill after a while in which others get their turn.
#[derive(Debug, Default)]
struct SlowPass {
    runs: Arc<AtomicUsize>,
    at_once: Arc<AtomicUsize>,
    most_at_once: Arc<AtomicUsize>,
}

#[async_trait]
impl Pass for SlowPass {
    fn id(&self) -> PassId {
        PassId::new("slow")
    }

    fn version(&self) -> u32 {
        1
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        for _ in 0..50 {
            yield_now().await;
            std::thread::sleep(Duration::from_micros(200));
        }
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        sign(cx)
    }
}

/// Awaits for ever as long as it is told to.
#[derive(Debug)]
struct StuckPass(Arc<AtomicBool>);

#[async_trait]
impl Pass for StuckPass {
    fn id(&self) -> PassId {
        PassId::new("stuck")
    }

    fn version(&self) -> u32 {
        1
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        if self.0.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        sign(cx)
    }
}

fn stuck() -> (SkVm, Arc<AtomicBool>) {
    let is_stuck = Arc::new(AtomicBool::new(true));
    let vm = SkVm::builder().passes(pipeline(StuckPass(Arc::clone(&is_stuck)))).build();
    (vm, is_stuck)
}

/// The outcome of work that must not hang.
fn in_time<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(block_on(work)));
    receiver.recv_timeout(Duration::from_secs(10)).unwrap()
}

/// In the original, who asked while another compiled was served something half-done.
#[test]
fn fifty_who_ask_at_the_same_time_cause_one_compilation() {
    let pass = SlowPass::default();
    let runs = Arc::clone(&pass.runs);
    let store = Arc::new(Watched::default());
    let vm = SkVm::builder().passes(pipeline(pass)).store(store.clone()).build();
    let mut events = vm.events();
    let runtime = Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let skill = skill("x");
    let variants = runtime.block_on(async {
        let ask = |_| {
            let (vm, skill) = (vm.clone(), Arc::clone(&skill));
            tokio::spawn(async move { vm.compile(&skill, &target("m")).await.unwrap() })
        };
        join_all((0..50).map(ask)).await
    });
    let variants: Vec<_> = variants.into_iter().map(Result::unwrap).collect();
    assert!(variants.iter().all(|variant| Arc::ptr_eq(variant, &variants[0])));
    assert!(variants[0].text().ends_with("Compiled for m.\n"));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(store.count("publish"), 1);
    let first = futures::StreamExt::next(&mut events).now_or_never().flatten();
    assert!(matches!(first, Some(Event::Compiled { .. })), "{first:?}");
    assert!(futures::StreamExt::next(&mut events).now_or_never().is_none());
}

/// Only who wants the same waits.
#[test]
fn different_targets_are_compiled_side_by_side() {
    let pass = SlowPass::default();
    let (runs, most) = (Arc::clone(&pass.runs), Arc::clone(&pass.most_at_once));
    let vm = SkVm::builder().passes(pipeline(pass)).build();
    let runtime = Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let skill = skill("x");
    let variants = runtime.block_on(async {
        let ask = |number: usize| {
            let (vm, skill) = (vm.clone(), Arc::clone(&skill));
            let target = target(&format!("m{}", number % 5));
            tokio::spawn(async move { vm.compile(&skill, &target).await.unwrap() })
        };
        join_all((0..20).map(ask)).await
    });
    for (number, variant) in variants.into_iter().enumerate() {
        let signed = format!("Compiled for m{}.\n", number % 5);
        assert!(variant.unwrap().text().ends_with(&signed));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 5);
    assert!(most.load(Ordering::SeqCst) > 1);
}

#[test]
fn who_goes_away_half_way_blocks_nobody() {
    let (vm, is_stuck) = stuck();
    let skill = skill("x");
    assert!(vm.compile(&skill, &target("m")).now_or_never().is_none());
    is_stuck.store(false, Ordering::SeqCst);
    let variant = in_time(async move { vm.compile(&skill, &target("m")).await.unwrap() });
    assert!(variant.text().ends_with("Compiled for m.\n"));
}

#[test]
fn who_waits_goes_on_when_the_one_before_goes_away() {
    let (vm, is_stuck) = stuck();
    let variant = in_time(async move {
        let (skill, target) = (skill("x"), target("m"));
        let mut first = Box::pin(vm.compile(&skill, &target));
        let mut second = Box::pin(vm.compile(&skill, &target));
        let mut third = Box::pin(vm.compile(&skill, &target));
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut second).is_pending());
        assert!(poll!(&mut third).is_pending());
        is_stuck.store(false, Ordering::SeqCst);
        drop(first);
        // Who waited first goes away, too.
        drop(second);
        third.await.unwrap()
    });
    assert!(variant.text().ends_with("Compiled for m.\n"));
}

#[test]
fn a_task_that_is_aborted_blocks_nobody() {
    let (vm, is_stuck) = stuck();
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let skill = skill("x");
    let aborted = {
        let (vm, skill) = (vm.clone(), Arc::clone(&skill));
        runtime.spawn(async move { vm.compile(&skill, &target("m")).await.is_ok() })
    };
    std::thread::sleep(Duration::from_millis(20));
    aborted.abort();
    assert!(runtime.block_on(aborted).unwrap_err().is_cancelled());
    is_stuck.store(false, Ordering::SeqCst);
    in_time(async move { vm.compile(&skill, &target("m")).await.unwrap() });
}

/// A pass that panics takes its caller with it and nobody else.
#[test]
fn a_pass_that_panics_blocks_nobody() {
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let pass = skvm_core::pass::pass_fn("panics", move |cx| {
        assert!(!is_broken.load(Ordering::SeqCst), "as the test wants it");
        sign(cx)
    });
    let vm = SkVm::builder().passes(pipeline(pass)).build();
    let skill = skill("x");
    let panics = {
        let (vm, skill) = (vm.clone(), Arc::clone(&skill));
        std::thread::spawn(move || block_on(vm.compile(&skill, &target("m"))).is_ok())
    };
    assert!(panics.join().is_err());
    broken.store(false, Ordering::SeqCst);
    in_time(async move { vm.compile(&skill, &target("m")).await.unwrap() });
}
