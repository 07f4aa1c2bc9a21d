//! The `requirements` pass: what demands what, for which purpose, and what demands nothing.

use skvm_core::capability::{Level, Primitive as P, Purpose, Requirement, Requirements};
use skvm_core::skill::Skill;
use skvm_passes::{code, requirements};

use crate::samples;
use Level::{L1, L2, L3};

/// The requirements of a skill; every span must lie in its source.
fn extract(skill: &Skill) -> Vec<Purpose> {
    let Requirements { purposes, .. } = requirements::extract(skill, &code::analyze(skill));
    for purpose in &purposes {
        assert!(purpose.span.unwrap().get(skill.source()).is_some(), "{purpose:?}");
        assert!(!purpose.current_path.primitives.is_empty(), "{purpose:?}");
        for requirement in &purpose.current_path.primitives {
            assert!(requirement.min_level >= L1, "{requirement:?}");
            assert!(requirement.spans.is_sorted(), "{requirement:?}");
            for span in &requirement.spans {
                assert!(span.get(skill.source()).is_some(), "{requirement:?}");
            }
        }
    }
    purposes
}

/// Every demand of a body with its highest level.
fn levels(body: &str) -> Vec<(P, Level)> {
    let purposes = extract(&samples::skill(body));
    let requirements = Requirements { skill_name: String::new(), purposes };
    requirements.by_primitive().into_iter().collect()
}

fn level(body: &str, primitive: P) -> Option<Level> {
    levels(body).into_iter().find(|(other, _)| *other == primitive).map(|(_, level)| level)
}

fn fence(label: &str, code: &str) -> String {
    format!("# Demo\n\n```{label}\n{code}\n```\n")
}

fn described(description: &str) -> Skill {
    Skill::from_text("demo", format!("---\nname: demo\ndescription: {description}\n---\n# Demo\n"))
}

/// The requirement of the only purpose.
fn only(skill: &Skill, primitive: P) -> Requirement {
    let purposes = extract(skill);
    let [purpose] = purposes.as_slice() else { panic!("{purposes:?}") };
    let found = purpose.current_path.primitives.iter().find(|r| r.primitive == primitive);
    found.unwrap_or_else(|| panic!("{purposes:?}")).clone()
}

#[test]
fn shell_demands_execution_by_its_shape() {
    let cases = [
        ("ls -l", L1),
        ("ls > x", L2),
        ("ls 2>/dev/null", L1),
        ("for f in *; do ls; done", L2),
        ("ls | wc", L2),
        ("ls | sort | uniq | wc", L3),
        ("ls\nls\nls\nls", L1),
    ];
    for (code, expected) in cases {
        assert_eq!(level(&fence("sh", code), P::ToolExec), Some(expected), "{code}");
        assert_eq!(level(&fence("sh", code), P::ToolCallFormat), Some(L1), "{code}");
        assert_eq!(level(&fence("sh", code), P::GenCodeShell), None, "nothing to write: {code}");
    }
}

#[test]
fn shell_with_holes_has_to_be_written() {
    let cases = [
        ("ls <x>", L1),
        ("ls <x> > y", L2),
        ("ls <x> | wc", L2),
        ("ls <x> | sed s/a/b/", L3),
        ("a <x> | b | c | d", L3),
    ];
    for (code, expected) in cases {
        assert_eq!(level(&fence("sh", code), P::GenCodeShell), Some(expected), "{code}");
    }
}

#[test]
fn commands_demand_what_they_do() {
    let cases = [
        ("curl -s https://e.org", P::ToolWeb, Some(L1)),
        ("curl -H 'A: b' https://e.org", P::ToolWeb, Some(L2)),
        ("curl 'https://e.org?page=2'", P::ToolWeb, Some(L3)),
        ("curl -d '{\"a\": 1}' https://e.org", P::GenTextStructured, Some(L1)),
        ("curl -d 'a=1' https://e.org", P::GenTextStructured, None),
        ("cat x", P::ToolFileRead, Some(L1)),
        ("ls > x", P::ToolFileWrite, Some(L1)),
        ("curl -o x https://e.org", P::ToolFileWrite, Some(L1)),
        ("grep -E 'a+' x", P::GenRegex, Some(L2)),
        ("grep -P 'a(?=b)' x", P::GenRegex, Some(L3)),
        ("grep a x", P::GenRegex, None),
        ("playwright open x", P::ToolBrowser, Some(L1)),
        ("agent-browser click @e1", P::ToolBrowser, Some(L2)),
        ("ls", P::ToolWeb, None),
    ];
    for (code, primitive, expected) in cases {
        assert_eq!(level(&fence("sh", code), primitive), expected, "{code}");
    }
}

#[test]
fn code_demands_its_language() {
    let cases = [
        ("python", "x = 1", P::GenCodePython, L1),
        ("python", "import csv", P::GenCodePython, L2),
        ("python", "import pandas", P::GenCodePython, L3),
        ("js", "let x = 1;", P::GenCodeJavascript, L1),
        ("js", "const fs = require('fs');", P::GenCodeJavascript, L2),
        ("ts", "await f();", P::GenCodeJavascript, L3),
        ("sql", "select 1", P::GenCodeSql, L1),
        ("sql", "select a from t join u", P::GenCodeSql, L2),
        ("sql", "with x as (select 1) select * from x", P::GenCodeSql, L3),
        ("html", "<p>x</p>", P::GenCodeHtml, L1),
        ("html", "<table></table>", P::GenCodeHtml, L2),
        ("html", "<svg viewBox=\"0 0 1 1\"/>", P::GenCodeHtml, L3),
        ("json", "{\"a\": 1}", P::GenTextStructured, L1),
        ("json", "{\"a\": {\"b\": 1}}", P::GenTextStructured, L2),
        ("json", "[[[[[1]]]]]", P::GenTextStructured, L3),
        ("yaml", "a: 1\nb: 2", P::GenTextStructured, L1),
        ("yaml", "a:\n  b: 1", P::GenTextStructured, L2),
    ];
    for (label, code, primitive, expected) in cases {
        assert_eq!(level(&fence(label, code), primitive), Some(expected), "{label}: {code}");
    }
    assert_eq!(levels(&fence("text", "select 1 from x; import pandas")), []);
}

#[test]
fn own_scripts_are_delegation_and_relative_paths_ask_for_more() {
    let level = |command: &str, primitive| {
        let skill = samples::bundled(&fence("sh", command), &[("run.py", "import pandas\n")]);
        let purposes = extract(&skill);
        let found = purposes.iter().flat_map(|p| &p.current_path.primitives);
        found.filter(|r| r.primitive == primitive).map(|r| r.min_level).max()
    };
    assert_eq!(level("./run.py", P::ToolExec), Some(L2));
    assert_eq!(level("python run.py", P::ToolExec), Some(L2));
    assert_eq!(level("python /opt/x/run.py", P::ToolExec), Some(L1));
    assert_eq!(level("python run.py", P::FollowDelegation), Some(L1));
    assert_eq!(level("python run.py", P::GenCodePython), None, "a script is not written");
    assert_eq!(level("cat run.py", P::FollowDelegation), None);
}

#[test]
fn binding_words_are_constraints() {
    let cases = [
        ("Read it.", None),
        ("You MUST read it.", Some(L1)),
        ("Never do it. Always read. Don't write.", Some(L2)),
        ("NEVER a. NEVER b. NEVER c. NEVER d. NEVER e.", Some(L3)),
        ("ALWAYS a. ALWAYS b. ALWAYS c. ALWAYS d. ALWAYS e.", Some(L2)),
        ("The mustard is yellow.", None),
    ];
    for (text, expected) in cases {
        assert_eq!(level(&format!("# Demo\n\n{text}\n"), P::FollowConstraint), expected, "{text}");
    }
    let skill = samples::skill("# Demo\n\n- You must not stop.\n");
    let requirement = only(&skill, P::FollowConstraint);
    assert_eq!(requirement.spans[0].text(skill.source()), "must not");
}

#[test]
fn conditions_are_logic_when_there_are_several() {
    let body = |count: usize| format!("# Demo\n\n{}", "If it rains, stay.\n\n".repeat(count));
    assert_eq!(level(&body(2), P::ReasonLogic), None);
    assert_eq!(level(&body(3), P::ReasonLogic), Some(L1));
    assert_eq!(level(&body(5), P::ReasonLogic), Some(L2));
}

#[test]
fn procedures_demand_by_branches_loops_and_checks() {
    let steps = |steps: &[&str]| {
        let lines: String =
            steps.iter().enumerate().map(|(i, s)| format!("{}. {s}\n", i + 1)).collect();
        format!("# Demo\n\n## Workflow\n\n{lines}")
    };
    let plain = steps(&["Read.", "Write.", "Stop."]);
    assert_eq!(level(&plain, P::FollowProcedure), Some(L1));
    assert_eq!(level(&plain, P::ReasonPlanning), Some(L1));
    let branches = steps(&["Read.", "If empty, stop.", "Write.", "Send.", "Stop."]);
    assert_eq!(level(&branches, P::FollowProcedure), Some(L2));
    let loops = steps(&["Repeat until done.", "Verify it.", "If wrong, stop.", "Retry once."]);
    assert_eq!(level(&loops, P::FollowProcedure), Some(L3));
    assert_eq!(level(&loops, P::ReasonPlanning), Some(L2));
    let parallel = steps(&["Fetch all in parallel.", "Write."]);
    assert_eq!(level(&parallel, P::ToolCallBatch), Some(L1));
    assert_eq!(level("# Demo\n\n1. The sky.\n2. The sea.\n", P::FollowProcedure), None);
}

#[test]
fn output_formats_are_named_by_headings() {
    for (heading, expected) in
        [("Output format", true), ("Report format", true), ("Output", true), ("Formatting", false)]
    {
        let found = level(&format!("# Demo\n\n## {heading}\n\nText.\n"), P::FollowFormat);
        assert_eq!(found, expected.then_some(L1), "{heading}");
    }
    let schema = "# Demo\n\n## Output\n\n```json\n{}\n```\n";
    assert_eq!(level(schema, P::FollowFormat), Some(L2));
    let long = format!("# Demo\n\n## Output\n\n```md\n{}\n```\n", "word ".repeat(250));
    assert_eq!(level(&long, P::GenTextLong), Some(L2));
}

#[test]
fn links_to_own_files_have_to_be_read() {
    let level = |body: &str| {
        let skill = samples::bundled(body, &[("a.md", "x"), ("b.md", "x"), ("c.md", "x")]);
        let purposes = extract(&skill);
        let found = purposes.iter().flat_map(|p| &p.current_path.primitives);
        found.filter(|r| r.primitive == P::ToolFileRead).map(|r| r.min_level).max()
    };
    assert_eq!(level("# Demo\n\n[a](a.md#x)\n"), Some(L1));
    assert_eq!(level("# Demo\n\n[a](a.md) [b](b.md) [c](c.md)\n"), Some(L2));
    assert_eq!(level("# Demo\n\n[a](gone.md) [b](https://e.org/a.md) [c](#x)\n"), None);
}

#[test]
fn words_count_in_name_and_description_only() {
    let cases = [
        ("Calculates the compound interest of loans.", P::ReasonArithmetic, Some(L3)),
        ("Writes newsletters.", P::GenTextProse, Some(L2)),
        ("Helps with REGEX.", P::GenRegex, Some(L2)),
        ("Explains the planet.", P::ReasonPlanning, None),
        ("Reporting tool.", P::GenTextLong, None),
    ];
    for (description, primitive, expected) in cases {
        let purposes = extract(&described(description));
        let mut found = purposes.iter().flat_map(|p| &p.current_path.primitives);
        let found = found.find(|r| r.primitive == primitive).map(|r| r.min_level);
        assert_eq!(found, expected, "{description}");
        assert_eq!(level(&format!("# Demo\n\n{description}\n"), primitive), None, "{description}");
    }
    let skill = described("Writes newsletters.");
    let requirement = only(&skill, P::GenTextProse);
    assert_eq!(requirement.spans[0].text(skill.source()), "newsletter");
    assert_eq!(requirement.evidence, "its description speaks of \"newsletter\"");
    assert!(requirement.confidence.unwrap() < 0.9);
}

#[test]
fn setup_troubleshooting_credits_and_quotations_demand_nothing() {
    for heading in ["Setup", "Installation", "Troubleshooting", "License"] {
        let body = format!(
            "# Demo\n\n## {heading}\n\nYou MUST read.\n\n```sh\nls | wc > x\n```\n\n### Below\n\n`git log -1`\n"
        );
        assert_eq!(levels(&body), [], "{heading}");
    }
    assert_eq!(levels("# Demo\n\n> You MUST read.\n>\n> ```sh\n> ls | wc\n> ```\n"), []);
}

#[test]
fn a_purpose_is_a_section_of_the_second_level() {
    let body = "# Demo\n\nYou MUST a.\n\n## Use it\n\nYou MUST b.\n\n### Deeper\n\n`git log -1`\n\n## Use it\n\nYou MUST c.\n";
    let skill = samples::skill(body);
    let purposes = extract(&skill);
    let found: Vec<(&str, &str)> =
        purposes.iter().map(|p| (p.id.as_str(), p.description.as_str())).collect();
    assert_eq!(found, [("demo", "d"), ("use-it", "Use it"), ("use-it-2", "Use it")]);
    assert!(purposes[1].span.unwrap().text(skill.source()).starts_with("## Use it\n\nYou MUST b."));
    let demanded: Vec<P> =
        purposes[1].current_path.primitives.iter().map(|r| r.primitive).collect();
    assert_eq!(demanded, [P::ToolExec, P::ToolCallFormat, P::FollowConstraint]);
}

#[test]
fn the_skill_as_a_whole_is_one_purpose_with_and_without_a_line_above_its_title() {
    for gap in ["", "\n"] {
        let head = "---\nname: demo\ndescription: Writes newsletters.\n---\n";
        let skill = Skill::from_text("demo", format!("{head}{gap}# Demo\n\nYou MUST read.\n"));
        let purposes = extract(&skill);
        let found: Vec<(&str, &str)> =
            purposes.iter().map(|p| (p.id.as_str(), p.description.as_str())).collect();
        assert_eq!(found, [("demo", "Writes newsletters.")]);
    }
}

#[test]
fn the_highest_level_keeps_its_own_evidence() {
    let skill =
        samples::skill("# Demo\n\n```sh\nls\n```\n\n```sh\nls | wc\n```\n\n```sh\npwd\n```\n");
    let requirement = only(&skill, P::ToolExec);
    assert_eq!((requirement.min_level, requirement.evidence.as_str()), (L2, "pipes commands"));
    let shown: Vec<&str> = requirement.spans.iter().map(|s| s.text(skill.source())).collect();
    assert_eq!(shown, ["```sh\nls | wc\n```"]);
    let many = samples::skill(&"```sh\nls\n```\n\n".repeat(50));
    assert_eq!(only(&many, P::ToolExec).spans.len(), 8);
}

#[test]
fn the_json_is_that_of_the_original() {
    let skill = samples::skill("# Demo\n\n## Use\n\nYou MUST read.\n");
    let requirements = requirements::extract(&skill, &code::analyze(&skill));
    let json = serde_json::to_value(&requirements).unwrap();
    assert_eq!(json["skillName"], "demo");
    assert_eq!(json["purposes"][0]["id"], "use");
    let primitive = &json["purposes"][0]["currentPath"]["primitives"][0];
    assert_eq!(primitive["id"], "follow.constraint");
    assert_eq!(primitive["minLevel"], "L1");
    assert_eq!(json["purposes"][0]["alternativePaths"], serde_json::json!([]));
}
