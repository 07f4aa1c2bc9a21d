//! The cases: loading, comparing, blessing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use skvm_core::capability::{CapabilityProfile, GapOutcome, Gaps, Level, Primitive};
use skvm_core::skill::Skill;
use skvm_passes::requirements::DIRECTIONS;
use skvm_passes::variant::Variant;

use crate::samples;

const RULES: [&str; 7] = [
    "checklist",
    "file-list",
    "full-address",
    "loop-bound",
    "placeholders",
    "script-path",
    "split-chain",
];

/// No demand that extraction knows is above what this direction leads to.
const NEVER_CALLED_FOR: &str = "one-write";

const EXPECTED: [&str; 3] = ["expected.md", "expected.diff", "expected.gaps"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    weak: BTreeMap<Primitive, Level>,
    fires: bool,
}

/// One case, loaded.
pub(super) struct Case {
    /// `<rule>/<case>`.
    pub(super) name: String,
    pub(super) rule: String,
    folder: PathBuf,
    pub(super) skill: Skill,
    pub(super) profile: CapabilityProfile,
    pub(super) weak: BTreeMap<Primitive, Level>,
    pub(super) fires: bool,
}

impl Case {
    fn load(rule: &str, folder: PathBuf) -> Self {
        let name = format!("{rule}/{}", folder.file_name().unwrap().to_str().unwrap());
        let settings = fs::read_to_string(folder.join("case.json")).unwrap();
        let Settings { weak, fires } = serde_json::from_str(&settings).unwrap();
        let text = fs::read_to_string(folder.join("SKILL.md")).unwrap();
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let file = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                for inner in fs::read_dir(entry.path()).unwrap() {
                    let path = inner.unwrap().path();
                    let inner = path.file_name().unwrap().to_str().unwrap();
                    files.push((format!("{file}/{inner}"), fs::read_to_string(&path).unwrap()));
                }
            } else {
                let known = ["SKILL.md", "case.json"].contains(&file.as_str())
                    || EXPECTED.contains(&file.as_str());
                assert!(known, "{name}: unknown file {file}");
            }
        }
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let profile = weak.iter().fold(samples::profile_of(Level::L3), |profile, (p, level)| {
            profile.with_level(*p, *level)
        });
        let rule = rule.rsplit('/').next().unwrap().to_owned();
        let skill = samples::loaded(&text, &files);
        Self { name, rule, folder, skill, profile, weak, fires }
    }

    pub(super) fn compile(&self, skill: Skill) -> Variant {
        samples::compile(&samples::unit(skill).with_profile(self.profile.clone()))
    }

    pub(super) fn variant(&self) -> Variant {
        self.compile(self.skill.clone())
    }
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.iter().all(|folder| folder.is_dir()), "{path:?} holds more than folders");
    folders
}

fn name_of(folder: &Path) -> &str {
    folder.file_name().unwrap().to_str().unwrap()
}

/// Every case, in the order of names.
pub(super) fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/rules");
    let mut cases = Vec::new();
    for rule in folders(&root) {
        if name_of(&rule) == "directions" {
            for direction in folders(&rule) {
                let name = format!("directions/{}", name_of(&direction));
                cases.extend(folders(&direction).into_iter().map(|path| Case::load(&name, path)));
            }
        } else {
            let name = name_of(&rule).to_owned();
            cases.extend(folders(&rule).into_iter().map(|path| Case::load(&name, path)));
        }
    }
    assert!(!cases.is_empty(), "no case is found");
    cases
}

pub(super) fn gaps(variant: &Variant) -> Gaps {
    variant.artifacts().get::<Gaps>().unwrap().map(|gaps| (*gaps).clone()).unwrap_or_default()
}

fn table(gaps: &Gaps) -> String {
    let mut table = String::new();
    for gap in &gaps.gaps {
        let has = gap.model_level.map_or("?".to_owned(), |level| level.to_string());
        let outcome = format!("{:?}", gap.outcome).to_lowercase();
        let remark = gap.remark.as_deref().map(|r| format!(": {r}")).unwrap_or_default();
        writeln!(
            table,
            "{} · {} · {} of {} · {outcome}{remark}",
            gap.purpose_id, gap.primitive, has, gap.required_level
        )
        .unwrap();
    }
    table
}

#[test]
fn every_rule_and_every_direction_gives_what_is_expected() {
    let bless = std::env::var_os("SKVM_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let variant = case.variant();
        let diff = variant.edits().diff(case.skill.source());
        let gaps = table(&gaps(&variant));
        for (file, now) in EXPECTED.into_iter().zip([variant.text(), &diff, &gaps]) {
            let path = case.folder.join(file);
            if bless {
                fs::write(&path, now).unwrap();
            }
            let expected = fs::read_to_string(&path)
                .unwrap_or_else(|_| panic!("{}: {file} is missing (SKVM_BLESS=1)", case.name));
            if expected != now {
                wrong.push(format!(
                    "{}: {file}\n--- expected\n{expected}\n--- got\n{now}",
                    case.name
                ));
            }
        }
        if !case.fires && variant.text() != case.skill.source() {
            wrong.push(format!("{}: the text is to stay as it is\n{diff}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_case_fires_by_the_rule_that_it_stands_under() {
    for case in cases() {
        let variant = case.variant();
        let fired = variant.edits().iter().any(|edit| edit.reason.rule == case.rule);
        assert_eq!(fired, case.fires, "{}: {:?}", case.name, variant.edits());
        assert!(
            !variant.diagnostics().iter().any(|d| d.code.as_str().starts_with("guard/")),
            "{}: {:?}",
            case.name,
            variant.diagnostics()
        );
    }
}

#[test]
fn every_rule_and_every_direction_has_a_case_on_either_side() {
    let cases = cases();
    let known: BTreeSet<&str> =
        RULES.into_iter().chain(DIRECTIONS.iter().map(|direction| direction.id)).collect();
    for rule in &known {
        let of_rule = |fires| cases.iter().any(|case| case.rule == *rule && case.fires == fires);
        assert!(of_rule(false), "{rule} has no case in which it stays away");
        assert_eq!(of_rule(true), *rule != NEVER_CALLED_FOR, "{rule}");
    }
    for case in &cases {
        assert!(known.contains(case.rule.as_str()), "{} is under no rule", case.name);
    }
}

#[test]
fn outcomes_agree_with_the_requirements_of_the_edited_text() {
    for case in cases() {
        let variant = case.variant();
        let after = gaps(&case.compile(case.skill.with_text(variant.text())));
        let before = gaps(&variant);
        assert!(!before.gaps.is_empty(), "{}: a case without a gap shows nothing", case.name);
        for gap in &before.gaps {
            let now = after
                .gaps
                .iter()
                .find(|now| (&now.purpose_id, now.primitive) == (&gap.purpose_id, gap.primitive));
            match gap.outcome {
                GapOutcome::Closed => assert!(now.is_none(), "{}: {gap:?}", case.name),
                GapOutcome::Substituted => {
                    assert_eq!(now.unwrap().outcome, GapOutcome::Substituted, "{}", case.name);
                }
                GapOutcome::Unclosable => {
                    assert!(gap.remark.is_some(), "{}: {gap:?}", case.name);
                    assert_eq!(now.unwrap().outcome, GapOutcome::Unclosable, "{}", case.name);
                }
                GapOutcome::Open => panic!("{}: {gap:?} is measured and open", case.name),
            }
        }
    }
}
