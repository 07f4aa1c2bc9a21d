//! Laws for any lessons about any skill.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use skvm_core::artifact::{Dependencies, DependencyKind, DependencySource};
use skvm_core::capability::{Level, Primitive};
use skvm_core::failure::{Advice, Lesson, Lessons};
use skvm_core::pass::Unit;
use skvm_core::skill::{Skill, discover};
use skvm_passes::code;
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;

use super::{advice, codes, path, script, word};
use crate::samples;

/// A skill, and the words of its code, out of which lessons are made that find places.
struct Case {
    skill: Skill,
    programs: Vec<String>,
    words: Vec<String>,
    files: Vec<String>,
}

impl Case {
    fn of(skill: Skill) -> Self {
        let (mut programs, mut words) = (BTreeSet::new(), BTreeSet::new());
        for block in code::analyze_text(&skill).blocks {
            for command in block.commands {
                programs.insert(command.program);
                words.extend(
                    command.arguments.iter().flat_map(|word| word.split('=')).map(str::to_owned),
                );
                words.extend(command.arguments);
            }
            words.extend(
                block.scripts.into_iter().map(|script| script.span.text(skill.source()).to_owned()),
            );
        }
        let files = skill.bundle().files().iter().map(|file| file.path().to_owned()).collect();
        let list = |words: BTreeSet<String>| words.into_iter().chain(["none".to_owned()]).collect();
        Self { programs: list(programs), words: list(words), files, skill }
    }

    fn lesson(&self, (kind, one, other, third): (usize, Index, Index, String)) -> Lesson {
        let of = |list: &[String], at: Index| at.get(list).clone();
        let files: Vec<String> = self.files.iter().cloned().chain([third.clone()]).collect();
        match kind {
            0 => path(&of(&self.words, one), &of(&files, other)),
            1 => path(&third, &of(&files, other)),
            2 => script(&of(&files, one)),
            3 | 4 => word(&of(&self.programs, one), &of(&self.words, other), &third),
            5 => word(&of(&self.programs, one), &of(&self.words, other), &of(&self.words, one)),
            6 => {
                let program = of(&self.programs, one);
                word(&program, &program, &third)
            }
            7 => {
                let program = of(&self.programs, one);
                word(&program, &program, &of(&self.programs, other))
            }
            8 => {
                let kinds = [DependencyKind::Python, DependencyKind::Npm, DependencyKind::Program];
                let dependency = *other.get(&kinds);
                Lesson::Dependency { dependency, name: third }
            }
            9 => Lesson::Ability {
                primitive: *one.get(&Primitive::ALL),
                level: *other.get(&Level::DEMANDS),
                successes: 0,
                failures: 3,
            },
            _ => advice(*one.get(&Advice::ALL)),
        }
    }
}

static SHIPPED: LazyLock<Vec<Case>> = LazyLock::new(|| {
    samples::SHIPPED.iter().map(|name| Case::of(samples::shipped(name))).collect()
});

/// What a lesson may name, by random.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec![
            "--format", "png", "python3", "python", "bash", "sh", "node", "out.pdf", "curl", "rm",
            "--to=x", "-o", "requests", "numpy", "zqx", "jq", "../x", "/etc/passwd", "evil.example",
            "http://evil.example", "$(id)", ";rm", "x.y.z", "a b", "",
        ]).prop_map(str::to_owned),
        2 => "[a-z./=:-]{1,12}",
        1 => any::<String>(),
    ]
}

type Drawn = Vec<(usize, Index, Index, String)>;

fn drawn() -> impl Strategy<Value = Drawn> {
    vec((0..12usize, any::<Index>(), any::<Index>(), name()), 0..8)
}

/// Who is compiled for: nobody measured, a weak target.
fn units(case: &Case, drawn: Drawn) -> [Unit; 2] {
    let lessons = Lessons::new(drawn.into_iter().map(|one| case.lesson(one)));
    let unit = samples::unit(case.skill.clone()).with_lessons(lessons);
    [unit.clone(), unit.with_profile(samples::profile_of(Level::L1))]
}

/// What holds of every variant with lessons, beside the same without.
fn assert_sound(unit: &Unit, manager: &PassManager) {
    let compile = |unit: &Unit| block_on(manager.compile(unit)).unwrap().variant;
    let variant = compile(unit);
    crate::hostile::assert_sound(unit, &variant);
    let source = &unit.skill;
    let head = source.document().span().start;
    assert_eq!(variant.text().get(..head), source.source().get(..head));

    // The guard has no work with advice, nor with a lesson that calls a file by its name.
    let refused = codes(&variant, "guard/refused");
    let is_refused =
        |rule: &str| refused.iter().any(|told| told.starts_with(&format!("edit {rule:?}")));
    assert!(!is_refused("advice"), "{refused:?}");
    let lessons = unit.lessons.iter().flat_map(|lessons| &lessons.lessons);
    let mut renames = lessons.filter(|lesson| match lesson {
        Lesson::Path { written, file } => {
            let found = source.bundle().resolve(written);
            found.is_none_or(|found| found.file.path() != file)
        }
        _ => false,
    });
    assert!(!is_refused("own-file") || renames.next().is_some(), "{refused:?}");
    let without = compile(&Unit { lessons: None, ..unit.clone() });
    let (before, after) = (reach(source), reach(&source.with_text(variant.text())));
    let weak = reach(&source.with_text(without.text()));
    for new in after.difference(&before).filter(|new| !weak.contains(*new)) {
        assert!(is_allowed(unit, new, &before), "{new:?} is new");
    }
    assert_founded(unit, &variant, &without);
}

/// The programs, hosts, addresses and paths of a skill's text, each with a mark.
fn reach(skill: &Skill) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for block in code::analyze_text(skill).blocks {
        found.extend(block.commands.iter().map(|command| format!("run {}", command.program)));
        found.extend(block.addresses.iter().map(|address| format!("host {}", address.host)));
        found.extend(block.imports.iter().map(|import| format!("import {}", import.module)));
        for argument in block.commands.iter().flat_map(|command| &command.arguments) {
            let leads_out =
                argument.starts_with(['/', '~']) || argument.split('/').any(|p| p == "..");
            found.extend(leads_out.then(|| format!("path {}", argument.trim_matches(['"', '\'']))));
        }
    }
    found
}

/// A file of the skill where it is installed, its interpreter, or another name of a known program.
fn is_allowed(unit: &Unit, new: &str, before: &BTreeSet<String>) -> bool {
    let (what, name) = new.split_once(' ').unwrap();
    let files = || unit.skill.bundle().files().iter();
    match what {
        "path" => {
            unit.skill.source().contains(name)
                || files().any(|file| unit.install_dir.join(file.path()) == Path::new(name))
        }
        "run" => {
            let names =
                [["python", "python3"], ["pip", "pip3"], ["node", "nodejs"], ["sh", "bash"]];
            let is_other = names.iter().any(|names| {
                names.contains(&name)
                    && names.iter().any(|one| before.contains(&format!("run {one}")))
            });
            is_other || files().any(|file| file.interpreter() == Some(name) || file.name() == name)
        }
        _ => false,
    }
}

/// A dependency that is new rests on a lesson, and has a sound name.
fn assert_founded(unit: &Unit, variant: &Variant, without: &Variant) {
    let entries = |variant: &Variant| {
        variant.artifacts().get::<Dependencies>().unwrap().unwrap().entries.clone()
    };
    let known: BTreeSet<String> = entries(without).iter().map(|entry| entry.id()).collect();
    for entry in entries(variant).iter().filter(|entry| !known.contains(&entry.id())) {
        assert!(entry.evidence.iter().all(|seen| seen.source == DependencySource::Failure));
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@/+".contains(c);
        let words = entry.provides.iter().chain([&entry.name]);
        for word in words {
            assert!(word.chars().all(plain) && !word.starts_with('-'), "{entry:?} of {unit:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn any_lessons_about_a_shipped_skill_are_sound(which in any::<Index>(), drawn in drawn()) {
        static MANAGER: LazyLock<PassManager> = LazyLock::new(PassManager::standard);
        let case = which.get(&SHIPPED);
        for unit in units(case, drawn) {
            assert_sound(&unit, &MANAGER);
        }
    }

    /// The place where something is said to the agent is behind what was there, in any text.
    #[test]
    fn advice_never_meets_the_guard(
        blocks in vec(select(&BLOCKS[..]), 0..8),
        given in vec(select(&Advice::ALL[..]), 1..3),
    ) {
        let skill = samples::skill(&blocks.concat());
        let lessons = Lessons::new(given.iter().copied().map(advice));
        let variant = super::compile_unit(&samples::unit(skill).with_lessons(lessons));
        prop_assert_eq!(codes(&variant, "guard/refused"), Vec::<String>::new());
        for one in given {
            prop_assert_eq!(variant.text().matches(one.sentence()).count(), 1);
        }
    }
}

/// Pieces of Markdown that put to the test where a list may stand.
const BLOCKS: [&str; 22] = [
    "# Title\n",
    "# Title\n\nIt reads.\n\n",
    "## Part\n",
    "## Part\n\nIt writes.\n\n",
    "Title\n=====\n\n",
    "Part\n----\n",
    "   ## Indented\n\n",
    "It reads.\n",
    "It reads.\n\n",
    "\n\n",
    "- one\n- two\n",
    "1. one\n2. two\n\n",
    "> quoted\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n",
    "```sh\nls\n```\n",
    "    code\n\n",
    "<p>\nraw\n</p>\n",
    "<!-- note -->\n",
    "---\n\n",
    "[link]: https://example.com\n",
    "See [link].\n  \n",
    "  text  \n\t\n",
];

/// `SKVM_CORPUS=<folder> cargo test -p skvm-passes -- --ignored lessons`
#[test]
#[ignore = "needs SKVM_CORPUS to name a folder of real skills"]
fn any_lessons_about_real_skills_are_sound() {
    use proptest::strategy::ValueTree as _;

    let corpus = std::env::var("SKVM_CORPUS").unwrap();
    let folders = discover(&corpus).unwrap();
    assert!(!folders.is_empty(), "no skill below {corpus}");
    let most = std::env::var("SKVM_CORPUS_SKILLS").ok().and_then(|most| most.parse().ok());
    let step = folders.len().div_ceil(most.unwrap_or(40)).max(1);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let manager = PassManager::standard();
    let mut edits = 0;
    for folder in folders.iter().step_by(step) {
        let case = Case::of(Skill::load(folder).unwrap());
        for _ in 0..8 {
            let drawn = drawn().new_tree(&mut runner).unwrap().current();
            for unit in units(&case, drawn.clone()) {
                println!("{} {:?}", folder.display(), unit.lessons); // shown when it fails
                assert_sound(&unit, &manager);
                edits += block_on(manager.compile(&unit)).unwrap().variant.edits().len();
            }
        }
    }
    assert!(edits > 0);
}
