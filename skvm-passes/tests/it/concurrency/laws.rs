//! What holds of every workflow, whatever the text that it is read from.

use proptest::prelude::*;
use skvm_core::artifact::Workflow;
use skvm_core::skill::{Skill, discover};
use skvm_passes::concurrency;

use crate::samples;

/// The workflow holds together: no cycle, every edge points forward, no group has an ordered pair, and
/// every span lies in the text.
pub(super) fn assert_laws(name: &str, skill: &Skill, workflow: &Workflow) {
    let facts = workflow.verify();
    assert!(facts.is_ok(), "{name}: {facts:?}");
    for edge in &workflow.edges {
        assert!(edge.from < edge.to && edge.to.0 < workflow.steps.len(), "{name}: {edge:?}");
    }
    for group in &workflow.groups {
        for first in &group.steps {
            for second in &group.steps {
                assert!(!workflow.has_path(*first, *second), "{name}: {first:?} {second:?}");
            }
        }
    }
    for step in &workflow.steps {
        assert!(step.span.get(skill.source()).is_some(), "{name}: {step:?}");
        if let Some(collection) = &step.collection {
            let words = collection.span.get(skill.source());
            assert_eq!(words, Some(collection.name.as_str()), "{name}");
        }
    }
    let why = workflow.remark.is_some();
    assert!(why || !workflow.steps.is_empty(), "{name}: no steps and no reason");
}

fn assert_body(body: &str) {
    let skill = samples::skill(body);
    assert_laws(body, &skill, &concurrency::extract(&skill));
}

/// Pieces of which steps are made, in ways that no author would choose.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "Read `a.md`",
            "Read a.md and b.md",
            "Write `out/report.md`",
            "Fetch https://example.com/a",
            "For each PDF in the folder, ",
            "for every É in `x",
            "per file",
            "in parallel",
            "one at a time",
            "If steps 1-3 fail, skip to step 4",
            "steps 1–99999999999999999999",
            "Wait for all",
            "Ask the user",
            "the output of step 2",
            "Spawn a sub-agent",
            "then",
            "it",
            "K\u{212A}\u{130} for each ",
            "第1步",
            "`",
            "<task-id>",
            "**",
            "- ",
            "\t",
            "\r\n",
            "\n\n",
            "```bash\nX=1\ncat $X > out.md\n```\n",
            "```python\nopen('a.md')\n```",
            "curl -o a.md https://example.com",
            "🦀",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,8}",
    ]
}

fn body() -> impl Strategy<Value = String> {
    let opener = prop::sample::select(vec![
        "1. ",
        "2. ",
        "3. Read ",
        "- [ ] ",
        "## Step 1: ",
        "## 第2步 ",
        "**Step 2**: ",
        "## Workflow\n\n",
        "## Run in parallel\n\n",
        "\n",
        "   ",
    ]);
    let line = (opener, prop::collection::vec(piece(), 0..6), "(\n|\r\n|\n\n| )")
        .prop_map(|(opener, pieces, end)| format!("{opener}{}{end}", pieces.join(" ")));
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_gives_a_workflow_that_holds_together(text in "(?s).{0,300}") {
        assert_body(&text);
    }

    #[test]
    fn any_list_of_steps_gives_a_workflow_that_holds_together(body in body()) {
        assert_body(&format!("## Workflow\n\n{body}"));
    }
}

#[test]
fn a_very_long_list_keeps_its_order() {
    let steps: String =
        (1..=concurrency::MAX_STEPS + 1).map(|n| format!("{n}. Read a{n}.md.\n")).collect();
    let skill = samples::skill(&format!("## Run in parallel\n\n{steps}"));
    let workflow = concurrency::extract(&skill);
    assert_laws("long", &skill, &workflow);
    assert!(workflow.groups.is_empty() && workflow.remark.is_some());
    assert_eq!(workflow.edges.len(), concurrency::MAX_STEPS);
}

#[test]
#[ignore = "needs SKVM_CORPUS to name a folder of real skills"]
fn every_real_skill_gives_a_workflow_that_holds_together() {
    let corpus = std::env::var("SKVM_CORPUS").unwrap();
    let paths = discover(&corpus).unwrap();
    assert!(!paths.is_empty(), "no skill below {corpus}");
    for path in paths {
        let skill = Skill::load(&path).unwrap();
        assert_laws(&path.display().to_string(), &skill, &concurrency::extract(&skill));
    }
}
