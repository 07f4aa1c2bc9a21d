//! The `concurrency` pass: which list of steps is the procedure, and what is kept of it.

mod golden;
mod hints;
mod laws;
mod refinement;

use skvm_core::artifact::{EdgeCause, StepId, Workflow};
use skvm_core::skill::Skill;
use skvm_passes::concurrency;

use crate::samples;

fn workflow(body: &str) -> (Skill, Workflow) {
    let skill = samples::skill(body);
    let workflow = concurrency::extract(&skill);
    (skill, workflow)
}

fn titles(body: &str) -> Vec<String> {
    workflow(body).1.steps.into_iter().map(|step| step.title).collect()
}

#[test]
fn each_step_waits_for_the_one_before() {
    let (skill, workflow) =
        workflow("# Demo\n\n## Workflow\n\n3. **Read** it.\n   More.\n4. Sum up.\n5. Stop.\n");
    let steps: Vec<(&str, &str, &str)> = workflow
        .steps
        .iter()
        .map(|s| (s.label.as_str(), s.title.as_str(), s.span.text(skill.source()).trim_end()))
        .collect();
    assert_eq!(
        steps,
        [
            ("3", "Read it.", "3. **Read** it.\n   More."),
            ("4", "Sum up.", "4. Sum up."),
            ("5", "Stop.", "5. Stop."),
        ]
    );
    let edges: Vec<(StepId, StepId, EdgeCause)> =
        workflow.edges.iter().map(|edge| (edge.from, edge.to, edge.cause)).collect();
    assert_eq!(
        edges,
        [(StepId(0), StepId(1), EdgeCause::Order), (StepId(1), StepId(2), EdgeCause::Order)]
    );
    assert!(workflow.groups.is_empty());
    assert_eq!(workflow.remark, None);
}

#[test]
fn a_heading_makes_a_list_a_procedure_or_takes_it_away() {
    let list = "1. The sky.\n2. The sea.\n3. The land.\n";
    for heading in ["Workflow", "Process", "How to use it", "The steps", "Instructions"] {
        assert_eq!(
            titles(&format!("# Demo\n\n## {heading}\n\n{list}")),
            ["The sky.", "The sea.", "The land."],
            "{heading}"
        );
    }
    let imperative = "1. Read it.\n2. Write it.\n3. Check it.\n";
    for heading in ["Setup", "Installation", "Troubleshooting", "License", "Getting started"] {
        assert_eq!(
            titles(&format!("# Demo\n\n## {heading}\n\n{imperative}")),
            [""; 0],
            "{heading}"
        );
    }
}

#[test]
fn a_list_under_any_heading_is_a_procedure_if_half_of_it_tells_what_to_do() {
    let steps = |list: &str| titles(&format!("# Demo\n\n## Facts\n\n{list}")).len();
    assert_eq!(steps("1. Read it.\n2. Write it.\n3. Check it.\n"), 3);
    assert_eq!(steps("1. Read it.\n2. Then write it.\n3. The end.\n4. The rest.\n"), 4);
    assert_eq!(steps("1. Read it.\n2. The middle.\n3. The end.\n"), 0);
    assert_eq!(steps("1. Read it.\n2. Write it.\n"), 0, "two are too few to tell");
    assert_eq!(steps("- Read it.\n- Write it.\n- Check it.\n"), 0, "bullets have no order");
}

#[test]
fn checklists_headings_and_bold_lines_are_steps_too() {
    assert_eq!(titles("# Demo\n\n- [ ] Read it\n- [x] Write it\n- [ ] Check it\n").len(), 3);
    assert_eq!(
        titles("# Demo\n\n## Step 1: Read\n\nx\n\n## Step 2: Write\n\ny\n"),
        ["Step 1: Read", "Step 2: Write"]
    );
    assert_eq!(titles("# Demo\n\n**Step 1**: the sky\n\n**Step 2**: the sea\n").len(), 2);
}

#[test]
fn of_several_procedures_the_longest_is_taken_and_of_equals_the_first() {
    let body = "# Demo\n\n## Workflow\n\n1. Read a.\n2. Write a.\n\n## Process\n\n1. Read b.\n2. Write b.\n3. Check b.\n\n\
                ## Steps\n\n1. Read c.\n2. Write c.\n3. Check c.\n";
    assert_eq!(titles(body), ["Read b.", "Write b.", "Check b."]);
}

#[test]
fn steps_go_on_behind_a_code_block() {
    let body = "# Demo\n\n## Workflow\n\n1. Read it:\n\n```sh\nls\n```\n\n2. Write it.\n\n   1. Nested.\n   2. More.\n";
    assert_eq!(titles(body), ["Read it:", "Write it."]);
}

#[test]
fn a_skill_without_a_procedure_says_why() {
    let remark = |body| {
        let (_, workflow) = workflow(body);
        assert!(workflow.steps.is_empty() && workflow.edges.is_empty());
        workflow.remark.unwrap()
    };
    assert_eq!(remark("# Demo\n\nText.\n"), "nothing in this skill is laid out as steps");
    assert_eq!(
        remark("# Demo\n\n## Setup\n\n1. Get it.\n2. Run it.\n\n## Facts\n\n1. Sky.\n2. Sea.\n"),
        "none of its 2 lists of steps reads as a procedure"
    );
}

#[test]
fn titles_are_one_line_without_marks_and_bounded() {
    let long = "é".repeat(500);
    let (_, workflow) =
        workflow(&format!("# Demo\n\n## Workflow\n\n1. **Read** {long}\n2. Write\n   more\n"));
    assert_eq!(workflow.steps[0].title.chars().count(), 120);
    assert!(workflow.steps[0].title.starts_with("Read é"));
    assert_eq!(workflow.steps[1].title, "Write");
}
