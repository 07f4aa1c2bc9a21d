//! Many sessions at the same time, several processes, and sessions that end in the middle.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::join_all;
use skvm_runtime::jit::{SolidifiedReport, SolidifiedState, SolidifyPolicy};
use skvm_runtime::store::Store;

use super::host::Host;
use super::learning::{converts, tasks, world};
use super::stores::{Slow, random};

/// What every state has to be like, whatever happened.
fn check(reports: &[SolidifiedReport]) {
    for report in reports {
        let counters = report.counters;
        assert!(counters.correct <= counters.predictions, "{report:?}");
        assert!(counters.side_exits <= counters.answered, "{report:?}");
        if let SolidifiedState::Predicted(times) = report.state {
            assert!(u64::from(times) <= counters.correct && times >= 1, "{report:?}");
        }
        if report.state == SolidifiedState::Solidified {
            assert!(counters.correct >= u64::from(report.needed), "{report:?}");
        }
    }
}

/// Runs sessions on several threads, on handles in turn; how many asked the model, and how many did not.
fn at_once(hosts: Vec<Host>, sessions: usize) -> (Vec<Host>, u64, u64) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let runtime = runtime.unwrap();
    let hosts: Vec<Arc<Host>> = hosts.into_iter().map(Arc::new).collect();
    let all = tasks(0, sessions);
    let handles: Vec<_> = all
        .into_iter()
        .enumerate()
        .map(|(number, task)| {
            let host = Arc::clone(&hosts[number % hosts.len()]);
            runtime.spawn(async move { host.run(&task, &converts, &world).await.model_calls })
        })
        .collect();
    let asked = runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), join_all(handles)).await.unwrap()
    });
    drop(runtime);
    let asked: Vec<usize> = asked.into_iter().map(Result::unwrap).collect();
    assert!(asked.iter().all(|calls| [0, 2].contains(calls)), "{asked:?}");
    let model = asked.iter().filter(|calls| **calls == 2).count();
    let hosts = hosts.into_iter().map(|host| Arc::into_inner(host).unwrap()).collect();
    (hosts, model as u64, (sessions - model) as u64)
}

#[test]
fn a_hundred_sessions_lose_no_update() {
    let store: Arc<dyn Store> = Slow::failing(0);
    let host = Host::on(store, SolidifyPolicy::default());
    let (hosts, model, answered) = at_once(vec![host], 100);
    let report = block_on(hosts[0].report());
    assert_eq!((report.counters.runs, report.counters.answered), (model, answered));
    check(&[report]);
    // All of them might have begun before anything was known; the next ones know it.
    for task in tasks(1000, 6) {
        let _ = block_on(hosts[0].run(&task, &converts, &world));
    }
    assert!(hosts[0].is_solidified());
}

#[test]
fn a_hundred_sessions_are_answered_and_counted() {
    let store: Arc<dyn Store> = Slow::failing(0);
    let host = Host::on(store, SolidifyPolicy::default());
    for task in tasks(1000, 4) {
        let _ = block_on(host.run(&task, &converts, &world));
    }
    let (hosts, model, answered) = at_once(vec![host], 100);
    assert_eq!((model, answered), (0, 100));
    let counters = block_on(hosts[0].report()).counters;
    assert_eq!((counters.runs, counters.answered, counters.saved_calls), (4, 100, 200));
}

#[test]
fn several_processes_lose_no_update() {
    for processes in [2, 8] {
        let store: Arc<dyn Store> = Slow::failing(0);
        let hosts = (0..processes)
            .map(|_| Host::on(Arc::clone(&store), SolidifyPolicy::default()))
            .collect();
        let (hosts, model, answered) = at_once(hosts, 100);
        for host in &hosts {
            let report = block_on(host.report());
            let counters = report.counters;
            assert_eq!((counters.runs, counters.answered), (model, answered), "{processes}");
            check(&[report]);
        }
    }
}

/// As many processes as one machine may have, all at the same record.
#[test]
fn many_processes_lose_no_update() {
    let store: Arc<dyn Store> = Slow::failing(0);
    let hosts = (0..50).map(|_| Host::on(Arc::clone(&store), SolidifyPolicy::default())).collect();
    let (hosts, model, answered) = at_once(hosts, 100);
    let counters = block_on(hosts[0].report()).counters;
    assert_eq!((counters.runs, counters.answered), (model, answered));
}

#[test]
fn two_processes_in_turn_learn_together() {
    let store: Arc<dyn Store> = Slow::failing(0);
    let hosts = [(); 2].map(|()| Host::on(Arc::clone(&store), SolidifyPolicy::default()));
    let all = tasks(0, 8);
    let asked: Vec<usize> = all
        .iter()
        .enumerate()
        .map(|(number, task)| block_on(hosts[number % 2].run(task, &converts, &world)).model_calls)
        .collect();
    assert_eq!(asked, [2, 2, 2, 2, 0, 0, 0, 0]);
    // What one forgets the other does not know any more.
    block_on(hosts[0].jit.forget(skvm_runtime::jit::LearnedFor::target(&hosts[0].target))).unwrap();
    assert!(hosts[1].probe("Convert data/f77.csv to JSON.").is_none());
    assert!(block_on(hosts[1].reports()).is_empty());
}

/// Polls a future so often, and drops it then. Whether it ended before.
fn poll_at_most(future: impl Future, times: u64) -> bool {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(futures::task::noop_waker_ref());
    (0..times).any(|_| matches!(future.as_mut().poll(&mut cx), Poll::Ready(_)))
}

fn killed(store: &Arc<Slow>, seed: u64) {
    let shared: Arc<dyn Store> = Arc::clone(store) as Arc<dyn Store>;
    let mut hosts = vec![Host::on(Arc::clone(&shared), SolidifyPolicy::default())];
    let mut ended = 0;
    for number in 0..40 {
        let chance = random(seed * 1000 + number);
        if chance.is_multiple_of(7) {
            // Another process, which knows only what is in the store.
            hosts.push(Host::on(Arc::clone(&shared), SolidifyPolicy::default()));
        }
        let host = &hosts[usize::try_from(chance / 7).unwrap() % hosts.len()];
        let task = &tasks(usize::try_from(number).unwrap(), 1)[0];
        let bad = |call: &skvm_core::llm::ToolCall| {
            if chance.is_multiple_of(5) { super::learning::failing(call) } else { world(call) }
        };
        let run = host.run(task, &converts, &bad);
        ended += usize::from(poll_at_most(run, chance / 300 % 16));
    }
    assert!((1..40).contains(&ended), "{ended}");
    for text in store.texts() {
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }
    store.failing.store(0, Ordering::SeqCst);
    let fresh = Host::on(Arc::clone(&shared), SolidifyPolicy::default());
    let reports = block_on(fresh.reports());
    check(&reports);
    for host in &hosts {
        assert_eq!(block_on(host.reports()), reports);
    }
    let before: u64 = reports.iter().map(|it| it.counters.runs + it.counters.answered).sum();
    assert!(before <= 40);
    let mut last = 2;
    for task in tasks(1000, 100) {
        last = block_on(hosts[0].run(&task, &converts, &world)).model_calls;
    }
    assert_eq!(last, 0, "{:#?}", block_on(fresh.reports()));
    let reports = block_on(fresh.reports());
    let after: u64 = reports.iter().map(|it| it.counters.runs + it.counters.answered).sum();
    assert_eq!(after, before + 100);
}

#[test]
fn sessions_that_end_in_the_middle_leave_a_sound_state() {
    for seed in 0..12 {
        killed(&Slow::failing(0), seed);
    }
}

#[test]
fn sessions_that_end_in_the_middle_on_a_failing_store_leave_a_sound_state() {
    for seed in 100..112 {
        killed(&Slow::failing(300), seed);
    }
}

/// As many processes as sessions, in step: each changes the same record from the same revision.
#[test]
fn a_hundred_processes_in_step_lose_no_update() {
    let store: Arc<dyn Store> = Slow::failing(0);
    let hosts: Vec<Host> =
        (0..100).map(|_| Host::on(Arc::clone(&store), SolidifyPolicy::default())).collect();
    let all = tasks(0, 100);
    let runs = hosts.iter().zip(&all).map(|(host, task)| host.run(task, &converts, &world));
    let outcomes = block_on(join_all(runs));
    assert!(outcomes.iter().all(|outcome| outcome.model_calls == 2));
    let counters = block_on(hosts[0].report()).counters;
    assert_eq!(counters.runs, 100);
}
