//! The sentences that tell a model which steps do not wait for each other.

use futures::executor::block_on;
use skvm_core::harness::HarnessFeatures;
use skvm_core::skill::Skill;
use skvm_passes::code::CodePass;
use skvm_passes::concurrency::ConcurrencyPass;
use skvm_passes::guard::Guard;
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;

use crate::samples;

const READS: &str = "# Demo\n\n## Workflow\n\n1. Read `a.md`.\n2. Read `b.md`.\n3. Compare them.\n";
const LOOP: &str = "# Demo\n\n## Workflow\n\n1. List the folder.\n2. For each PDF in the folder, extract the text.\n3. Stop.\n";

fn features(batched_tool_calls: bool, sub_agents: bool) -> HarnessFeatures {
    let mut features = HarnessFeatures::default();
    features.batched_tool_calls = batched_tool_calls;
    features.sub_agents = sub_agents;
    features
}

fn compile(skill: &Skill, features: Option<HarnessFeatures>) -> Variant {
    let manager =
        PassManager::builder().pass(CodePass).pass(ConcurrencyPass::default()).build().unwrap();
    let unit = samples::unit(skill.clone());
    let unit = match features {
        Some(features) => unit.with_features(features),
        None => unit,
    };
    let variant = block_on(manager.compile(&unit)).unwrap().variant;
    let guarded = Guard::default().verify(skill, &unit.install_dir, variant.edits().clone());
    assert!(guarded.is_ok(), "{}", guarded.unwrap_err().0);
    assert!(
        !variant.diagnostics().iter().any(|d| d.code.as_str().starts_with("guard/")),
        "{:?}",
        variant.diagnostics()
    );
    variant
}

/// What is added to a body, which is one paragraph in front of the steps.
fn added(body: &str, batched_tool_calls: bool, sub_agents: bool) -> String {
    let variant = compile(&samples::skill(body), Some(features(batched_tool_calls, sub_agents)));
    variant.edits().iter().map(|edit| edit.replacement.as_str()).collect()
}

#[test]
fn independent_reads_are_made_in_one_turn() {
    let said = "Steps 1 and 2 do not depend on each other: make their tool calls in one turn.\n\n";
    assert_eq!(added(READS, true, false), said);
    assert_eq!(added(READS, true, true), said, "one turn is cheaper than sub-agents");
}

#[test]
fn independent_reads_go_to_sub_agents_where_a_turn_has_one_call() {
    assert_eq!(
        added(READS, false, true),
        "Steps 1 and 2 do not depend on each other: hand each to a sub-agent.\n\n"
    );
}

#[test]
fn the_items_of_a_loop_go_to_sub_agents_or_into_one_turn() {
    let items = "The items of step 2 do not depend on each other: ";
    assert_eq!(added(LOOP, false, true), format!("{items}hand them to sub-agents.\n\n"));
    assert_eq!(added(LOOP, true, true), format!("{items}hand them to sub-agents.\n\n"));
    assert_eq!(added(LOOP, true, false), format!("{items}handle several of them in one turn.\n\n"));
}

#[test]
fn sub_tasks_go_to_sub_agents_and_else_into_one_turn() {
    let body = "# Demo\n\n## Workflow\n\nThese run in parallel:\n\n\
                1. Spawn a sub-agent that studies the competitors.\n\
                2. Spawn a sub-agent that studies the prices.\n";
    let steps = "Steps 1 and 2 do not depend on each other: ";
    assert_eq!(added(body, true, true), format!("{steps}hand each to a sub-agent.\n\n"));
    assert_eq!(added(body, true, false), format!("{steps}make their tool calls in one turn.\n\n"));
}

#[test]
fn several_groups_are_told_in_one_paragraph() {
    let body = "# Demo\n\n## Workflow\n\n1. Read `a.md`.\n2. Read `b.md`.\n3. Compare them.\n\
                4. For each PDF in the folder, extract the text.\n";
    let said = added(body, true, false);
    assert_eq!(said.matches("do not depend on each other").count(), 2, "{said}");
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn a_harness_that_can_do_neither_or_is_not_known_gets_the_text_as_it_is() {
    for body in [READS, LOOP] {
        assert_eq!(added(body, false, false), "");
        assert!(compile(&samples::skill(body), None).edits().iter().next().is_none());
    }
}

#[test]
fn a_procedure_without_a_group_stays_as_it_is() {
    let body = "# Demo\n\n## Workflow\n\n1. Draft a text.\n2. Correct it.\n3. Save it.\n";
    assert_eq!(added(body, true, true), "");
}

#[test]
fn the_sentence_stands_in_front_of_the_steps_and_nothing_else_changes() {
    let skill = samples::skill(READS);
    let text = compile(&skill, Some(features(true, false))).text().to_owned();
    let said = added(READS, true, false);
    assert_eq!(text, skill.source().replace("1. Read", &format!("{said}1. Read")));
}

#[test]
fn to_compile_again_adds_nothing() {
    for body in [READS, LOOP] {
        for body in [body.to_owned(), body.replace('\n', "\r\n")] {
            for (batched, sub_agents) in [(true, false), (false, true), (true, true)] {
                let features = Some(features(batched, sub_agents));
                let skill = samples::skill(&body);
                let once = compile(&skill, features);
                assert_ne!(once.text(), skill.source());
                let again = compile(&skill.with_text(once.text()), features);
                assert_eq!(again.text(), once.text());
                assert_eq!(
                    again.artifacts().json("workflow").unwrap().matches("\"kind\"").count(),
                    once.artifacts().json("workflow").unwrap().matches("\"kind\"").count(),
                    "the groups are found again"
                );
            }
        }
    }
}

#[test]
fn a_sentence_ends_its_lines_as_the_skill_does() {
    let text = format!("{}{READS}", samples::HEAD).replace('\n', "\r\n");
    let skill = Skill::from_text("/skills/demo", text);
    let variant = compile(&skill, Some(features(true, false)));
    let said: String = variant.edits().iter().map(|edit| edit.replacement.as_str()).collect();
    assert!(said.ends_with(".\r\n\r\n"), "{said:?}");
    assert_eq!(variant.text().matches('\n').count(), variant.text().matches("\r\n").count());
}

#[test]
fn steps_under_headings_and_in_checklists_get_the_sentence_too() {
    let headings = "# Demo\n\n## Step 1: Read `a.md`\n\nx\n\n## Step 2: Read `b.md`\n\ny\n";
    let text = compile(&samples::skill(headings), Some(features(true, false))).text().to_owned();
    assert!(text.contains("one turn.\n\n## Step 1"), "{text}");
    let checklist =
        "# Demo\n\n## Workflow\n\n- [ ] Read `a.md`\n- [ ] Read `b.md`\n- [ ] Compare them\n";
    let text = compile(&samples::skill(checklist), Some(features(true, false))).text().to_owned();
    assert!(text.contains("one turn.\n\n- [ ] Read `a.md`"), "{text}");
}
