//! Going on from what was recorded.

use std::fs;
use std::sync::Arc;

use skvm_core::artifact::StepId;
use skvm_core::journal::FileJournal;
use skvm_runtime::scheduler::{StepOutcome, WorkflowExecutor};

use super::{Act, Scripted, in_sequence, quick, workflow};

#[tokio::test]
async fn an_execution_goes_on_from_the_steps_that_were_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let workflow = workflow(5, &[(0, 1), (1, 2), (2, 3), (0, 4)]);
    let executor = || {
        let journal = FileJournal::open(&path, workflow.digest()).unwrap();
        WorkflowExecutor::new().with_policy(quick()).with_journal(Arc::new(journal))
    };
    let breaks = Scripted::new(|step| if step == 2 { Act::Fails } else { Act::Done });
    let first = executor().run(&workflow, &breaks).await.unwrap();
    assert!(!first.is_done());
    let whole = Scripted::new(|_| Act::Done);
    let second = executor().run(&workflow, &whole).await.unwrap();
    assert!(second.is_done());
    let ran: Vec<usize> = whole.log().into_iter().filter(|(_, b)| *b).map(|(s, _)| s).collect();
    assert_eq!(ran, [2, 3], "the others were recorded");
    assert!(matches!(second.steps[0], StepOutcome::Done { attempts: 0, .. }));
    for (step, expected) in in_sequence(&workflow).into_iter().enumerate() {
        assert_eq!(second.value(StepId(step)).and_then(|v| v.as_u64()), Some(expected));
    }
    let third = Scripted::new(|_| Act::Fails);
    assert!(executor().run(&workflow, &third).await.unwrap().is_done());
    assert!(third.log().is_empty());
}

#[tokio::test]
async fn torn_lines_other_workflows_and_results_without_a_ground_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let chain = workflow(3, &[(0, 1), (1, 2)]);
    let run = |runner: Scripted| {
        let (path, chain) = (path.clone(), chain.clone());
        async move {
            let journal = FileJournal::open(&path, chain.digest()).unwrap();
            let executor =
                WorkflowExecutor::new().with_policy(quick()).with_journal(Arc::new(journal));
            assert!(executor.run(&chain, &runner).await.unwrap().is_done());
            runner.log().len() / 2
        }
    };
    assert_eq!(run(Scripted::new(|_| Act::Done)).await, 3);
    // A crash in the middle of the last line.
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 10]).unwrap();
    assert_eq!(run(Scripted::new(|_| Act::Done)).await, 1);
    assert_eq!(run(Scripted::new(|_| Act::Done)).await, 0);
    // The first step's line is gone: what was built on it does not count.
    let lines: Vec<String> =
        fs::read_to_string(&path).unwrap().lines().skip(1).map(str::to_owned).collect();
    fs::write(&path, lines.join("\n")).unwrap();
    assert_eq!(run(Scripted::new(|_| Act::Done)).await, 3);
    // Another workflow in the same file.
    let other = workflow(3, &[(0, 1)]);
    let journal = FileJournal::open(&path, other.digest()).unwrap();
    let runner = Scripted::new(|_| Act::Done);
    let executor = WorkflowExecutor::new().with_policy(quick()).with_journal(Arc::new(journal));
    assert!(executor.run(&other, &runner).await.unwrap().is_done());
    assert_eq!(runner.log().len() / 2, 3);
    assert!(FileJournal::open(folder.path(), other.digest()).is_err(), "a folder is no journal");
}
