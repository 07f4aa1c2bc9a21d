//! Laws, over random workflows.

use std::time::Duration;

use proptest::prelude::*;
use skvm_core::artifact::{StepId, Workflow};
use skvm_runtime::scheduler::{
    Execution, ExecutionPolicy, OnFailure, StepOutcome, WorkflowExecutor,
};

use super::{Act, Scripted, in_sequence, quick, workflow};

/// A random workflow: edges lead forward, so that there is no cycle, and the steps are numbered in a random
/// order of their own.
fn any_workflow(most: usize) -> impl Strategy<Value = Workflow> {
    (1..=most, 0.0..3.0_f64, any::<u64>()).prop_map(|(steps, density, seed)| {
        let mut seed = seed | 1;
        let mut random = move |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % below as u64).unwrap()
        };
        let count = (steps as f64 * density) as usize;
        let mut edges = Vec::new();
        for _ in 0..count.min(20_000) {
            let to = random(steps);
            if to > 0 {
                // Near neighbours as well as far ones.
                let from = if random(2) == 0 { to - 1 - random(to.min(8)) } else { random(to) };
                edges.push((from, to));
            }
        }
        workflow(steps, &edges)
    })
}

fn run(workflow: &Workflow, runner: &Scripted, policy: ExecutionPolicy) -> Execution {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let executor = WorkflowExecutor::new().with_policy(policy);
    runtime.block_on(executor.run(workflow, runner)).unwrap()
}

/// No step began before all that it waits for had ended.
fn assert_order(workflow: &Workflow, runner: &Scripted) {
    let mut ended = vec![false; workflow.steps.len()];
    let mut before = vec![Vec::new(); workflow.steps.len()];
    workflow.edges.iter().for_each(|edge| before[edge.to.0].push(edge.from.0));
    for (step, began) in runner.log() {
        if began {
            assert!(before[step].iter().all(|from| ended[*from]), "step {step} began too early");
        } else {
            ended[step] = true;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn results_are_those_of_running_one_after_the_other(
        workflow in any_workflow(400),
        parallel in 1..64_usize,
        seed in any::<u64>(),
    ) {
        let pauses = move |step: usize| Duration::from_micros((seed.rotate_left(step as u32 % 64) % 3) * 300);
        let runner = Scripted::new(|_| Act::Done).pausing(pauses);
        let execution = run(&workflow, &runner, ExecutionPolicy { parallel, ..quick() });
        prop_assert!(execution.is_done());
        assert_order(&workflow, &runner);
        prop_assert!(runner.most_at_once() <= parallel);
        for (step, expected) in in_sequence(&workflow).into_iter().enumerate() {
            prop_assert_eq!(execution.value(StepId(step)).and_then(|v| v.as_u64()), Some(expected));
        }
    }

    #[test]
    fn failures_stop_exactly_what_waits_for_them(
        workflow in any_workflow(300),
        parallel in 1..32_usize,
        failing in 2..40_usize,
    ) {
        let fails = move |step: usize| step % failing == 1;
        let runner = Scripted::new(move |step| if fails(step) { Act::Fails } else { Act::Done });
        let execution = run(&workflow, &runner, ExecutionPolicy { parallel, ..quick() });
        assert_order(&workflow, &runner);
        // A step fails by itself unless it is out of reach behind another that failed.
        let mut out_of_reach = vec![false; workflow.steps.len()];
        for step in 0..workflow.steps.len() {
            let mut before = workflow.edges.iter().filter(|edge| edge.to.0 == step);
            out_of_reach[step] =
                before.any(|edge| out_of_reach[edge.from.0] || fails(edge.from.0));
        }
        for (step, outcome) in execution.steps.iter().enumerate() {
            let fits = match outcome {
                StepOutcome::Done { .. } => !out_of_reach[step] && !fails(step),
                StepOutcome::Failed { .. } => !out_of_reach[step] && fails(step),
                StepOutcome::Skipped { because } => {
                    out_of_reach[step] && fails(because.0) && workflow.has_path(*because, StepId(step))
                }
                _ => false,
            };
            prop_assert!(fits, "step {}: {:?}", step, outcome);
        }
    }

    #[test]
    fn what_was_done_before_a_stop_is_right_and_the_rest_did_not_begin_late(
        workflow in any_workflow(200),
        after in 0..4000_u64,
    ) {
        let runner = Scripted::new(|_| Act::Done).pausing(|step| Duration::from_micros(step as u64 % 5 * 200));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stop = Duration::from_micros(after);
        let execution = runtime.block_on(async {
            let stop = async { tokio::time::sleep(stop).await };
            WorkflowExecutor::new().with_policy(quick()).run_until(&workflow, &runner, stop).await
        }).unwrap();
        assert_order(&workflow, &runner);
        let expected = in_sequence(&workflow);
        for (step, outcome) in execution.steps.iter().enumerate() {
            match outcome {
                StepOutcome::Done { value, .. } => prop_assert_eq!(value.as_u64(), Some(expected[step])),
                outcome => prop_assert!(execution.stopped && *outcome == StepOutcome::Cancelled),
            }
        }
        // Nothing runs on behind the end.
        let noted = runner.log().len();
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(2)).await });
        prop_assert_eq!(runner.log().len(), noted);
    }

    #[test]
    fn transient_failures_and_a_sequential_fall_back_change_no_result(
        workflow in any_workflow(60),
        parallel in 1..16_usize,
    ) {
        let flaky = |step: usize| match step % 4 {
            0 => Act::FailsAtFirst(1),
            1 => Act::FailsAtFirst(2),
            _ => Act::Done,
        };
        for on_failure in [OnFailure::Continue, OnFailure::Sequential, OnFailure::FailFast] {
            let policy = ExecutionPolicy { parallel, on_failure, retries: 2, ..quick() };
            let execution = run(&workflow, &Scripted::new(flaky), policy);
            prop_assert!(execution.is_done(), "{:?}", on_failure);
            for (step, expected) in in_sequence(&workflow).into_iter().enumerate() {
                prop_assert_eq!(execution.value(StepId(step)).and_then(|v| v.as_u64()), Some(expected));
            }
        }
    }
}

/// Ten thousand steps: a chain, a fan, and a random workflow.
#[test]
fn large_workflows_do() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let steps = 10_000;
    let chain: Vec<(usize, usize)> = (1..steps).map(|to| (to - 1, to)).collect();
    let fan: Vec<(usize, usize)> = (1..steps).map(|to| (0, to)).collect();
    let random = any_workflow(steps).new_tree(&mut TestRunner::deterministic()).unwrap().current();
    for workflow in [workflow(steps, &chain), workflow(steps, &fan), random] {
        let runner = Scripted::new(|_| Act::Done);
        let execution = run(&workflow, &runner, quick());
        assert!(execution.is_done());
        let expected = in_sequence(&workflow);
        for (step, expected) in expected.into_iter().enumerate() {
            assert_eq!(execution.value(StepId(step)).and_then(|v| v.as_u64()), Some(expected));
        }
    }
}
