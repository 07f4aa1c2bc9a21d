//! What follows from the edges of a workflow, and its pictures.

use proptest::prelude::*;
use skvm_core::artifact::{
    EdgeCause, GroupKind, StepId, Workflow, WorkflowEdge, WorkflowError, WorkflowGroup,
    WorkflowStep, WorkflowStepKind,
};

fn workflow(steps: usize, edges: &[(usize, usize)]) -> Workflow {
    let edge =
        |&(from, to): &(usize, usize)| WorkflowEdge::new(StepId(from), StepId(to), EdgeCause::File);
    Workflow {
        steps: (0..steps).map(|at| WorkflowStep::named(format!("s{at}"))).collect(),
        edges: edges.iter().map(edge).collect(),
        ..Workflow::default()
    }
}

fn with_group(mut workflow: Workflow, steps: &[usize]) -> Workflow {
    let steps = steps.iter().copied().map(StepId).collect();
    workflow.groups.push(WorkflowGroup { kind: GroupKind::Tlp, steps });
    workflow
}

fn ids(steps: &[StepId]) -> Vec<usize> {
    steps.iter().map(|step| step.0).collect()
}

#[test]
fn a_workflow_without_steps_holds_together() {
    let facts = Workflow::default().verify().unwrap();
    assert!(facts.levels.is_empty() && facts.critical_path.is_empty());
    assert_eq!(facts.width, 0);
    assert_eq!(facts.speed_up_bound(4), 1.0);
}

#[test]
fn steps_without_edges_stand_on_one_level() {
    let facts = workflow(3, &[]).verify().unwrap();
    assert_eq!(facts.levels.len(), 1);
    assert_eq!(ids(&facts.levels[0]), [0, 1, 2]);
    assert_eq!((facts.critical_path.len(), facts.width), (1, 3));
}

#[test]
fn a_step_stands_behind_the_last_of_those_that_it_waits_for() {
    // 0 → 1 → 2 → 4, 0 → 3 → 4, and the short cut 0 → 4.
    let facts = workflow(5, &[(0, 4), (0, 1), (1, 2), (2, 4), (0, 3), (3, 4)]).verify().unwrap();
    let levels: Vec<Vec<usize>> = facts.levels.iter().map(|level| ids(level)).collect();
    assert_eq!(levels, [vec![0], vec![1, 3], vec![2], vec![4]]);
    assert_eq!(ids(&facts.critical_path), [0, 1, 2, 4]);
    assert_eq!(facts.width, 2);
}

#[test]
fn cycles_are_refused() {
    for (steps, edges) in
        [(1, &[(0, 0)][..]), (2, &[(0, 1), (1, 0)]), (5, &[(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)])]
    {
        let error = workflow(steps, edges).verify().unwrap_err();
        assert!(matches!(error, WorkflowError::Cycle { .. }), "{edges:?}: {error}");
    }
    let message = workflow(1, &[(0, 0)]).verify().unwrap_err().to_string();
    assert_eq!(message, "step 0 waits for itself, if only through others");
}

#[test]
fn steps_that_do_not_exist_are_refused() {
    let missing = |step| WorkflowError::NoStep { step: StepId(step), steps: 2 };
    assert_eq!(workflow(2, &[(0, 2)]).verify(), Err(missing(2)));
    assert_eq!(workflow(2, &[(7, 0)]).verify(), Err(missing(7)));
    assert_eq!(with_group(workflow(2, &[]), &[0, 9]).verify(), Err(missing(9)));
    assert_eq!(
        workflow(2, &[(0, usize::MAX)]).verify().unwrap_err().to_string(),
        format!("step {} does not exist: the workflow has 2 steps", usize::MAX)
    );
}

#[test]
fn a_group_with_an_ordered_pair_is_refused() {
    let chain = || workflow(4, &[(0, 1), (1, 2)]);
    let refused = |group: &[usize]| with_group(chain(), group).verify();
    let ordered = |first, second| {
        Err(WorkflowError::OrderedGroup { group: 0, first: StepId(first), second: StepId(second) })
    };
    assert_eq!(refused(&[0, 1]), ordered(0, 1));
    assert_eq!(refused(&[2, 0]), ordered(0, 2), "also through others, in whatever order");
    assert!(refused(&[3, 1]).is_ok());
    assert!(refused(&[1]).is_ok() && refused(&[]).is_ok());
    let second = with_group(with_group(chain(), &[0, 3]), &[1, 2]).verify().unwrap_err();
    assert_eq!(
        second.to_string(),
        "group 1 has the steps 1 and 2, and the second waits for the first"
    );
}

#[test]
fn a_path_leads_along_the_edges_only() {
    let workflow = workflow(4, &[(0, 1), (1, 2)]);
    let path = |from, to| workflow.has_path(StepId(from), StepId(to));
    assert!(path(0, 1) && path(0, 2));
    assert!(!path(2, 0) && !path(0, 3) && !path(1, 1));
    assert!(!path(0, 9) && !path(9, 0) && !path(9, 9), "what does not exist has no path");
}

#[test]
fn a_path_is_found_in_a_workflow_that_does_not_hold_together() {
    let workflow = workflow(2, &[(0, 1), (1, 0), (0, 5), (5, 1)]);
    assert!(workflow.has_path(StepId(0), StepId(0)));
    assert!(!workflow.has_path(StepId(0), StepId(5)));
}

#[test]
fn the_bound_is_the_longer_of_the_chain_and_the_share_of_a_worker() {
    let bound = |workflow: Workflow, workers| workflow.verify().unwrap().speed_up_bound(workers);
    assert_eq!(bound(workflow(4, &[(0, 1), (1, 2), (2, 3)]), 8), 1.0, "a chain");
    assert_eq!(bound(workflow(8, &[]), 4), 4.0);
    assert_eq!(bound(workflow(8, &[]), 3), 8.0 / 3.0);
    assert_eq!(bound(workflow(8, &[]), 100), 8.0);
    assert_eq!(bound(workflow(8, &[]), 0), 1.0, "no worker counts as one");
    assert_eq!(bound(workflow(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]), 2), 4.0 / 3.0);
}

/// Titles that want to end the picture, or to become a part of its language.
const HOSTILE: [&str; 10] = [
    "say \"hi\"",
    "a] --> s9[b",
    "one\ntwo\r\nthree",
    "s0 --> s1",
    "<script>alert(1)</script>",
    "click s0 \"javascript:alert(1)\"; end",
    "back\\slash\\",
    "\"]; evil [label=\"",
    "#quot;&quot;&#34;",
    "\u{7}\t\u{1b}[31m é 第1步 🦀",
];

fn hostile() -> Workflow {
    let mut workflow = workflow(HOSTILE.len(), &[]);
    let kinds = [
        WorkflowStepKind::Action,
        WorkflowStepKind::Branch,
        WorkflowStepKind::Loop,
        WorkflowStepKind::Gate,
        WorkflowStepKind::Barrier,
    ];
    for (at, (step, title)) in workflow.steps.iter_mut().zip(HOSTILE).enumerate() {
        *step = WorkflowStep { kind: kinds[at % kinds.len()], ..WorkflowStep::named(title) };
    }
    workflow.edges = EdgeCause::ALL
        .into_iter()
        .enumerate()
        .map(|(at, cause)| WorkflowEdge {
            detail: Some(HOSTILE[at].to_owned()),
            ..WorkflowEdge::new(StepId(at), StepId(at + 1), cause)
        })
        .collect();
    workflow
}

#[test]
fn no_title_leaves_its_line_or_its_quotes_in_mermaid() {
    let text = hostile().to_mermaid();
    let lines: Vec<&str> = text.lines().collect();
    let nodes = HOSTILE.len();
    assert_eq!(lines.len(), 1 + nodes + EdgeCause::ALL.len(), "{text}");
    assert_eq!(lines[0], "flowchart TD");
    for (at, line) in lines[1..=nodes].iter().enumerate() {
        assert!(line.starts_with(&format!("    s{at}")), "{line}");
        let (_, inner) = line.split_once('"').unwrap();
        let (inner, end) = inner.rsplit_once('"').unwrap();
        assert!(!inner.contains(['"', '<', '>', '#', '&', ';']), "{line}");
        assert!(!end.contains(char::is_whitespace), "{line}");
    }
    for (at, line) in lines[1 + nodes..].iter().enumerate() {
        assert!(line.ends_with(&format!(" s{}", at + 1)), "{line}");
    }
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn no_title_leaves_its_line_or_its_quotes_in_graphviz() {
    let text = hostile().to_graphviz();
    let lines: Vec<&str> = text.lines().collect();
    let nodes = HOSTILE.len();
    assert_eq!(lines.len(), 2 + nodes + EdgeCause::ALL.len(), "{text}");
    assert_eq!((lines[0], lines[lines.len() - 1]), ("digraph workflow {", "}"));
    for line in &lines[1..lines.len() - 1] {
        assert_eq!(line.matches('"').count(), 2, "{line}");
        assert!(line.ends_with("\"];") && !line.contains('\\'), "{line}");
    }
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn steps_of_one_title_stay_two_steps() {
    let workflow = Workflow {
        steps: vec![WorkflowStep::named("test"), WorkflowStep::named("test")],
        edges: vec![WorkflowEdge::new(StepId(0), StepId(1), EdgeCause::Order)],
        ..Workflow::default()
    };
    assert_eq!(
        workflow.to_mermaid(),
        "flowchart TD\n    s0[\"test: test\"]\n    s1[\"test: test\"]\n    s0 -.-> s1\n"
    );
    assert_eq!(
        workflow.to_graphviz(),
        "digraph workflow {\n    s0 [shape=box, label=\"test: test\"];\n    \
         s1 [shape=box, label=\"test: test\"];\n    s0 -> s1 [style=dashed, label=\"order\"];\n}\n"
    );
}

#[test]
fn a_cause_is_written_in_pictures_as_in_json() {
    for cause in EdgeCause::ALL {
        assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
    }
}

/// A workflow without cycles whose edges point any way through the list.
fn dag() -> impl Strategy<Value = Workflow> {
    (1_usize..24)
        .prop_flat_map(|steps| {
            let order = Just((0..steps).collect::<Vec<_>>()).prop_shuffle();
            let pairs = prop::collection::vec((0..steps, 0..steps), 0..60);
            (order, pairs)
        })
        .prop_map(|(order, pairs)| {
            let edges: Vec<(usize, usize)> = pairs
                .into_iter()
                .filter(|(a, b)| a != b)
                .map(|(a, b)| (order[a.min(b)], order[a.max(b)]))
                .collect();
            workflow(order.len(), &edges)
        })
}

/// Warshall's closure.
fn closure(workflow: &Workflow) -> Vec<Vec<bool>> {
    let steps = workflow.steps.len();
    let mut path = vec![vec![false; steps]; steps];
    workflow.edges.iter().for_each(|edge| path[edge.from.0][edge.to.0] = true);
    for through in 0..steps {
        for from in 0..steps {
            for to in 0..steps {
                path[from][to] |= path[from][through] && path[through][to];
            }
        }
    }
    path
}

proptest! {
    #[test]
    fn levels_respect_the_edges_and_hold_every_step_once(workflow in dag()) {
        let facts = workflow.verify().unwrap();
        let mut level = vec![None; workflow.steps.len()];
        for (at, steps) in facts.levels.iter().enumerate() {
            for step in steps {
                prop_assert_eq!(level[step.0].replace(at), None);
            }
        }
        prop_assert!(level.iter().all(Option::is_some));
        prop_assert!(workflow.edges.iter().all(|edge| level[edge.from.0] < level[edge.to.0]));
        prop_assert_eq!(facts.width, facts.levels.iter().map(Vec::len).max().unwrap());
    }

    #[test]
    fn the_critical_path_is_a_chain_with_a_step_of_each_level(workflow in dag()) {
        let facts = workflow.verify().unwrap();
        prop_assert_eq!(facts.critical_path.len(), facts.levels.len());
        for pair in facts.critical_path.windows(2) {
            prop_assert!(workflow.edges.iter().any(|e| (e.from, e.to) == (pair[0], pair[1])));
        }
        for (step, level) in facts.critical_path.iter().zip(&facts.levels) {
            prop_assert!(level.contains(step));
        }
    }

    #[test]
    fn paths_are_those_of_the_closure(workflow in dag()) {
        for (from, row) in closure(&workflow).into_iter().enumerate() {
            for (to, path) in row.into_iter().enumerate() {
                prop_assert_eq!(workflow.has_path(StepId(from), StepId(to)), path);
            }
        }
    }

    #[test]
    fn steps_of_one_level_have_no_path_and_make_a_group(workflow in dag()) {
        let facts = workflow.verify().unwrap();
        let mut workflow = workflow;
        for level in &facts.levels {
            for first in level {
                for second in level {
                    prop_assert!(!workflow.has_path(*first, *second));
                }
            }
            workflow.groups.push(WorkflowGroup { kind: GroupKind::Tlp, steps: level.clone() });
        }
        prop_assert_eq!(workflow.verify(), Ok(facts));
    }

    #[test]
    fn a_group_is_refused_exactly_when_it_has_a_path(workflow in dag(), a: usize, b: usize) {
        let steps = workflow.steps.len();
        let (a, b) = (a % steps, b % steps);
        let path = closure(&workflow);
        let ordered = path[a][b] || path[b][a];
        prop_assert_eq!(with_group(workflow, &[a, b]).verify().is_err(), ordered);
    }

    #[test]
    fn the_bound_lies_between_one_and_the_number_of_workers(workflow in dag(), workers in 1_usize..40) {
        let facts = workflow.verify().unwrap();
        let bound = facts.speed_up_bound(workers);
        prop_assert!(bound >= 1.0 && bound <= workers as f64);
        prop_assert!(bound <= facts.speed_up_bound(workers + 1));
    }

    #[test]
    fn a_back_edge_makes_a_cycle(workflow in dag(), pick: usize) {
        prop_assume!(!workflow.edges.is_empty());
        let edge = workflow.edges[pick % workflow.edges.len()].clone();
        let mut workflow = workflow;
        workflow.edges.push(WorkflowEdge::new(edge.to, edge.from, EdgeCause::Order));
        let is_cycle = matches!(workflow.verify(), Err(WorkflowError::Cycle { .. }));
        prop_assert!(is_cycle);
    }

    #[test]
    fn a_workflow_reads_back_from_json(workflow in dag()) {
        let json = serde_json::to_string(&workflow).unwrap();
        prop_assert_eq!(serde_json::from_str::<Workflow>(&json).unwrap(), workflow);
    }

    #[test]
    fn pictures_have_a_line_for_each_step_and_edge(titles in prop::collection::vec("(?s).{0,40}", 0..6)) {
        let steps: Vec<WorkflowStep> = titles.iter().map(WorkflowStep::named).collect();
        let count = steps.len();
        let workflow = Workflow { steps, ..Workflow::default() };
        // Split at everything that a reader could take for the end of a line.
        let lines = |text: &str| text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}']).count();
        prop_assert_eq!(lines(&workflow.to_mermaid()), count + 2);
        prop_assert_eq!(lines(&workflow.to_graphviz()), count + 3);
    }
}
