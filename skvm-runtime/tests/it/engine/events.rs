//! What an engine tells about its work, and to whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::executor::block_on;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::json;
use skvm_core::harness::{
    Harness, HarnessError, HarnessEvent, HarnessFeatures, HarnessRun, RunRecord, RunStatus, Task,
};
use skvm_core::skill::Skill;
use skvm_core::target::HarnessId;
use skvm_runtime::engine::{Event, EventStream, RunRequest, SkVm};

use super::{counted, features, target};

/// Tells as many events as the task's text says; they are numbered.
struct Chatty {
    id: HarnessId,
    told: AtomicUsize,
}

#[async_trait]
impl Harness for Chatty {
    fn id(&self) -> &HarnessId {
        &self.id
    }

    fn features(&self) -> HarnessFeatures {
        features()
    }

    async fn run(&self, run: HarnessRun<'_>) -> Result<RunRecord, HarnessError> {
        for _ in 0..run.task.prompt.parse().unwrap() {
            let turn = self.told.fetch_add(1, Ordering::SeqCst);
            (run.on_event)(&HarnessEvent::Asking { turn });
        }
        Ok(RunRecord::default())
    }
}

fn chatty() -> SkVm {
    let harness = Chatty { id: "harness".into(), told: AtomicUsize::new(0) };
    SkVm::builder().harness(Arc::new(harness)).build()
}

/// A run of the chatty harness: so many events, and one for the end.
fn talk(vm: &SkVm, events: usize) {
    let task = Task::new(events.to_string());
    block_on(vm.run(RunRequest::new(task, target("m"), "."))).unwrap();
}

/// What waits in the stream.
fn waiting(stream: &mut EventStream) -> Vec<Event> {
    std::iter::from_fn(|| stream.next().now_or_never().flatten()).collect()
}

fn lost(events: &[Event]) -> u64 {
    let lost = events.iter().map(|event| match event {
        Event::Lost { count } => *count,
        _ => 0,
    });
    lost.sum()
}

#[test]
fn loading_and_compiling_are_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = "---\nname: x\ndescription: d\n---\n# X\n";
    std::fs::write(folder.path().join("SKILL.md"), text).unwrap();
    let (passes, _) = counted();
    let vm = SkVm::builder().passes(passes).target(target("m")).build();
    let mut events = vm.events();
    let installed = block_on(vm.install(folder.path())).unwrap().skills;
    let (skill, variant) = (&installed[0].skill, &installed[0].variants[0]);
    let told = waiting(&mut events);
    let [loaded, compiled, Event::Activated { .. }] = told.as_slice() else { panic!("{told:?}") };
    let expected = Event::Loaded { skill: skill.name().to_owned(), digest: skill.digest() };
    assert_eq!(*loaded, expected);
    let Event::Compiled { micros, .. } = compiled else { panic!("{compiled:?}") };
    assert_eq!(
        serde_json::to_value(compiled).unwrap(),
        json!({
            "kind": "compiled",
            "skill": skill.name(),
            "target": {"model": "m", "harness": "harness"},
            "variant": variant.digest(),
            "edits": 1,
            "micros": micros
        })
    );
    // Again, it is there already.
    block_on(vm.compile(skill, &target("m"))).unwrap();
    assert!(waiting(&mut events).is_empty());
}

#[test]
fn a_run_is_told_in_order() {
    let vm = chatty();
    let mut events = vm.events();
    talk(&vm, 2);
    let told = waiting(&mut events);
    assert_eq!(
        told,
        [
            Event::Harness { run: 0, event: HarnessEvent::Asking { turn: 0 } },
            Event::Harness { run: 0, event: HarnessEvent::Asking { turn: 1 } },
            Event::Finished { run: 0, status: RunStatus::Ok },
        ]
    );
    let json: Vec<_> = told.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    assert_eq!(json[0], json!({"kind": "harness", "run": 0, "event": "asking", "turn": 0}));
    assert_eq!(json[2], json!({"kind": "finished", "run": 0, "status": "ok"}));
}

#[test]
fn a_reader_sees_what_happens_from_its_subscription_on() {
    let vm = chatty();
    talk(&vm, 1);
    let (mut early, clone) = (vm.events(), vm.clone());
    talk(&vm, 1);
    let mut late = clone.events();
    talk(&clone, 1);
    assert_eq!(waiting(&mut early).len(), 4);
    assert_eq!(waiting(&mut late).len(), 2);
    // A reader that went away is no burden.
    drop(early);
    talk(&vm, 1);
    assert_eq!(waiting(&mut late).len(), 2);
}

#[test]
fn a_reader_that_falls_behind_is_told_how_much_it_lost() {
    let vm = chatty();
    let (mut slow, mut quick) = (vm.events(), vm.events());
    let mut seen_by_quick = 0;
    for _ in 0..20 {
        talk(&vm, 99);
        let events = waiting(&mut quick);
        assert_eq!(lost(&events), 0);
        seen_by_quick += events.len();
    }
    assert_eq!(seen_by_quick, 2000);

    let kept = waiting(&mut slow);
    assert!((1024..1100).contains(&kept.len()) && lost(&kept) == 0, "{}", kept.len());
    talk(&vm, 1);
    let after = waiting(&mut slow);
    let gone = 2000 - kept.len() as u64;
    assert_eq!(
        after,
        [
            Event::Lost { count: gone },
            Event::Harness { run: 20, event: HarnessEvent::Asking { turn: 1980 } },
            Event::Finished { run: 20, status: RunStatus::Ok },
        ]
    );
    assert_eq!(serde_json::to_value(&after[0]).unwrap(), json!({"kind": "lost", "count": gone}));
    // It is told once.
    talk(&vm, 1);
    assert_eq!(lost(&waiting(&mut slow)), 0);
}

/// Whatever the pattern of reading, what was read and what was lost make the whole, in order.
#[test]
fn nothing_is_lost_untold() {
    let vm = chatty();
    let mut reader = vm.events();
    let (mut total, mut read, mut gone, mut last) = (0, 0, 0, None);
    for round in 0..40 {
        let events = 37 * (round % 11) * (round % 7);
        talk(&vm, events);
        total += events as u64 + 1;
        for _ in 0..(round * 31) % 900 {
            match reader.next().now_or_never().flatten() {
                Some(Event::Lost { count }) => gone += count,
                Some(Event::Harness { event: HarnessEvent::Asking { turn }, .. }) => {
                    assert!(last.is_none_or(|last| last < turn));
                    last = Some(turn);
                    read += 1;
                }
                Some(_) => read += 1,
                None => break,
            }
        }
    }
    let mut rest = waiting(&mut reader);
    // The next event brings the news of what was lost at the end.
    talk(&vm, 0);
    total += 1;
    rest.extend(waiting(&mut reader));
    gone += lost(&rest);
    read += rest.iter().filter(|event| !matches!(event, Event::Lost { .. })).count() as u64;
    assert!(gone > 0);
    assert_eq!(read + gone, total);
}

#[test]
fn the_stream_ends_with_the_engine() {
    let vm = chatty();
    let clone = vm.clone();
    let mut events = vm.events();
    talk(&vm, 1);
    drop(vm);
    // A clone is the same engine.
    assert_eq!(waiting(&mut events).len(), 2);
    assert!(events.next().now_or_never().is_none());
    talk(&clone, 1);
    drop(clone);
    // What was told before the end is read before the end.
    assert_eq!(block_on(events.by_ref().collect::<Vec<_>>()).len(), 2);
    assert_eq!(block_on(events.next()), None);
}

/// A session of the host's own outlives the engine and does not keep it.
#[test]
fn a_session_does_not_keep_the_engine() {
    let vm = chatty();
    let mut events = vm.events();
    let skill = Arc::new(Skill::from_text("x", "# X\n"));
    let session = vm.session(&target("m"), "task", Some(&skill), None);
    drop(vm);
    assert_eq!(block_on(events.next()), None);
    assert_eq!(session.task(), "task");
}
