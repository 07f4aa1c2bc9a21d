//! What holds for every case, and how rules and directions are chosen.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use futures::executor::block_on;
use skvm_core::artifact::{CodeLanguage, CodeOrigin};
use skvm_core::capability::{CapabilityProfile, GapOutcome, Level, Primitive, Requirements};
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::skill::Skill;
use skvm_passes::capability::{CapabilityPass, RewriteRule, RuleInput};
use skvm_passes::code;
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;

use super::golden::{cases, gaps};
use crate::samples;

#[test]
fn compiling_the_result_again_adds_nothing() {
    for case in cases() {
        let variant = case.variant();
        let again = case.compile(case.skill.with_text(variant.text()));
        assert_eq!(again.text(), variant.text(), "{}: {:?}", case.name, again.edits());
        assert!(again.edits().is_empty(), "{}: {:?}", case.name, again.edits());
    }
}

#[test]
fn a_target_with_everything_gets_no_edit() {
    for case in cases() {
        let variant = samples::compile_at(case.skill.clone(), Level::L3);
        assert!(variant.edits().is_empty(), "{}", case.name);
        assert!(gaps(&variant).gaps.is_empty(), "{}", case.name);
    }
}

fn with_pass(skill: &Skill, pass: CapabilityPass, profile: CapabilityProfile) -> Variant {
    let manager = PassManager::builder()
        .pass(code::CodePass)
        .pass(skvm_passes::requirements::RequirementsPass)
        .pass(pass)
        .build()
        .unwrap();
    let unit = samples::unit(skill.clone()).with_profile(profile);
    block_on(manager.compile(&unit)).unwrap().variant
}

/// A profile with every level except those of some primitives, which were not measured.
fn unmeasured(weak: &BTreeMap<Primitive, Level>) -> CapabilityProfile {
    let empty = CapabilityProfile::new(&samples::target(), "2026-01-01T00:00:00Z");
    let measured = Primitive::ALL.into_iter().filter(|primitive| !weak.contains_key(primitive));
    measured.fold(empty, |profile, primitive| profile.with_level(primitive, Level::L3))
}

#[test]
fn what_was_not_measured_gets_edits_only_on_demand() {
    let mut edited = 0;
    for case in cases() {
        let profile = unmeasured(&case.weak);
        let plain = with_pass(&case.skill, CapabilityPass::standard(), profile.clone());
        assert!(plain.edits().is_empty(), "{}: {:?}", case.name, plain.edits());
        assert!(
            gaps(&plain)
                .gaps
                .iter()
                .all(|gap| gap.outcome.is_open() || gap.outcome == GapOutcome::Substituted)
        );

        let pass = CapabilityPass::standard().with_unmeasured();
        let asked = with_pass(&case.skill, pass, profile.clone());
        let demanded = asked.artifacts().get::<Requirements>().unwrap().unwrap().by_primitive();
        let as_l1 = case
            .weak
            .keys()
            .filter(|primitive| demanded.contains_key(primitive))
            .fold(profile, |profile, primitive| profile.with_level(*primitive, Level::L1));
        let measured = with_pass(&case.skill, CapabilityPass::standard(), as_l1);
        assert_eq!(asked.text(), measured.text(), "{}", case.name);
        edited += usize::from(!asked.edits().is_empty());
    }
    assert!(edited > 20, "{edited}");
}

#[test]
fn line_ends_stay_what_they_are() {
    let mut seen = 0;
    for case in cases().into_iter().filter(|case| case.skill.source().contains("\r\n")) {
        seen += 1;
        let variant = case.variant();
        assert_eq!(
            variant.text().matches('\n').count(),
            variant.text().matches("\r\n").count(),
            "{}",
            case.name
        );
    }
    assert!(seen >= 7, "{seen}");
}

#[test]
fn an_edit_leaves_the_front_matter_and_nothing_is_said_twice() {
    for case in cases() {
        let variant = case.variant();
        let head = case.skill.document().span().start;
        assert_eq!(variant.text().get(..head), case.skill.source().get(..head), "{}", case.name);
        let (before, after) = (sentences(case.skill.source()), sentences(variant.text()));
        for (sentence, count) in after {
            let known = before.get(&sentence).copied().unwrap_or(0);
            assert!(count <= known.max(1), "{}: {sentence:?} stands {count} times", case.name);
        }
    }
}

/// How often each sentence stands in a text; marks of lists do not count.
fn sentences(text: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for sentence in text.lines().flat_map(|line| line.split(". ")) {
        let plain = sentence.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        // Every block sets its own variables and its own stop, and every loop has its own bound.
        let each = plain.contains("# fill in: ")
            || plain.starts_with("set -e ")
            || plain.starts_with("at most 5 rounds");
        if plain.split(' ').count() >= 4 && !each {
            *counts.entry(plain).or_insert(0) += 1;
        }
    }
    counts
}

#[test]
fn a_shell_reads_every_shell_block_that_was_changed() {
    let shell = Path::new("/bin/sh");
    if !shell.exists() {
        return;
    }
    let mut checked = 0;
    for case in cases() {
        let variant = case.variant();
        let after = case.skill.with_text(variant.text());
        for block in code::analyze_text(&after).blocks {
            let CodeOrigin::Fence { index, .. } = block.origin else { continue };
            let before = case.skill.document().fences()[index].code(case.skill.source());
            let now = after.document().fences()[index].code(after.source());
            if block.facts.language != CodeLanguage::Shell || before == now {
                continue;
            }
            checked += 1;
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("block.sh");
            std::fs::write(&file, now.replace("\r\n", "\n")).unwrap();
            let read =
                Command::new(shell).arg("-n").arg(&file).stderr(Stdio::piped()).output().unwrap();
            assert!(read.status.success(), "{}: {now}\n{read:?}", case.name);
        }
    }
    assert!(checked >= 8, "{checked}");
}

fn chosen(description: &str, weak: &[(Primitive, Level)]) -> Vec<String> {
    let text = format!("---\nname: loans\ndescription: {description}\n---\n# Loans\n\nSay it.\n");
    let profile = weak
        .iter()
        .fold(samples::profile_of(Level::L3), |profile, (p, level)| profile.with_level(*p, *level));
    let skill = Skill::from_text("/skills/loans", text);
    let variant = samples::compile(&samples::unit(skill).with_profile(profile));
    variant.edits().iter().map(|edit| edit.reason.rule.clone()).collect()
}

#[test]
fn a_way_around_is_preferred_where_the_target_can_walk_it() {
    use Primitive::{GenCodePython, ReasonArithmetic, ReasonSpatial, ToolExec};
    for primitive in [ReasonArithmetic, ReasonSpatial] {
        let text =
            if primitive == ReasonArithmetic { "Calculate rates." } else { "By coordinates." };
        let weak = (primitive, Level::L1);
        assert_eq!(chosen(text, &[weak]), ["compute-by-program"]);
        for missing in [ToolExec, GenCodePython] {
            assert_eq!(chosen(text, &[weak, (missing, Level::L0)]), ["one-operation"]);
            assert_eq!(chosen(text, &[weak, (missing, Level::L1)]), ["compute-by-program"]);
        }
        let none = (primitive, Level::L0);
        assert_eq!(chosen(text, &[none]), ["compute-by-program"]);
        assert_eq!(chosen(text, &[none, (ToolExec, Level::L0)]), Vec::<String>::new());
    }
}

/// Says to count on paper, as a host's rule might.
#[derive(Debug)]
struct OnPaper;

impl RewriteRule for OnPaper {
    fn id(&self) -> &'static str {
        "on-paper"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::ReasonArithmetic]
    }

    fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit> {
        assert!(input.gaps.iter().all(|gap| gap.primitive == Primitive::ReasonArithmetic));
        let reason = EditReason::new(self.id(), EditKind::Compensation, "a sheet of paper");
        vec![Edit::insert(input.skill.source().len(), "\nCount on paper.\n", reason)]
    }
}

#[test]
fn a_rule_of_the_host_is_asked_before_the_directions_and_only_about_its_gaps() {
    let skill = |description: &str| {
        let head = format!("---\nname: loans\ndescription: {description}\n---\n");
        Skill::from_text("/skills/loans", head + "# Loans\n\nSay it.\n")
    };
    let weak = samples::profile_of(Level::L1);
    let pass = || CapabilityPass::standard().with_rule(OnPaper);
    let variant = with_pass(&skill("Calculate rates."), pass(), weak.clone());
    assert!(variant.text().ends_with("Say it.\n\nCount on paper.\n"), "{}", variant.text());
    let rules: Vec<&str> = variant.edits().iter().map(|edit| edit.reason.rule.as_str()).collect();
    assert!(rules.contains(&"on-paper"), "{rules:?}");

    let variant = with_pass(&skill("Says hello."), pass(), weak);
    assert!(variant.edits().is_empty(), "{:?}", variant.edits());
}

/// Adds a line behind each "Say it."
#[derive(Debug)]
struct Waiting;

impl RewriteRule for Waiting {
    fn id(&self) -> &'static str {
        "waiting"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::ReasonArithmetic]
    }

    fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit> {
        let body = input.skill.source().match_indices("Say it.\n");
        body.map(|(at, line)| {
            let reason = EditReason::new(self.id(), EditKind::Compensation, "slows down");
            Edit::insert(at + line.len(), "Wait.\n", reason)
        })
        .collect()
    }
}

#[test]
fn edits_above_the_bound_are_told() {
    let head = "---\nname: loans\ndescription: Calculate rates.\n---\n# Loans\n\n";
    let told = |places: usize| {
        let skill = Skill::from_text(
            "/skills/loans",
            head.to_owned() + &"Say it.\nMean it.\nGo on.\n".repeat(places),
        );
        let pass = CapabilityPass::without_rules().with_rule(Waiting);
        let variant = with_pass(&skill, pass, samples::profile_of(Level::L1));
        let told = variant.diagnostics().iter();
        let told = told.filter(|found| found.code.as_str() == "capability/too-many-edits");
        (variant.edits().len(), told.map(|found| found.message.clone()).collect::<Vec<_>>())
    };
    assert_eq!(told(1000), (1000, Vec::new()));
    assert_eq!(told(1007), (1000, vec!["7 edits are left out".to_owned()]));
}
