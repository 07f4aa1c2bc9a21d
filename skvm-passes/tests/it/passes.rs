//! What the standard passes make of the shipped skills, and laws that hold for all of them.
//!
//! The expected files lie in `testdata/golden/<skill>`; `SKVM_BLESS=1 cargo test -p skvm-passes golden`
//! rewrites them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use skvm_core::artifact::{Artifact, CodeIndex, Dependencies, Templates, Workflow};
use skvm_core::capability::{Gaps, Level, Requirements};
use skvm_core::pass::Unit;
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;

use crate::samples;

/// The profiles that golden files are kept for.
const PROFILES: [&str; 2] = ["synthetic-all-l1", "qwen3.5-9b--bare-agent"];

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/golden")
}

fn compile(skill: &str, profile: &str) -> (Unit, Variant) {
    let unit =
        samples::unit(samples::shipped(skill)).with_profile(samples::shipped_profile(profile));
    let variant = samples::compile(&unit);
    (unit, variant)
}

/// An artifact as JSON for people, fields in the order of the type.
fn pretty<A: Artifact>(variant: &Variant) -> String {
    let artifact = variant.artifacts().get::<A>().unwrap().unwrap();
    serde_json::to_string_pretty(&*artifact).unwrap() + "\n"
}

/// The golden files of one skill by name. What hangs on the profile has its name in front.
fn golden(skill: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut put = |name: String, content: String| {
        let before = files.insert(name.clone(), content.clone());
        assert!(
            before.is_none_or(|before| before == content),
            "{skill}: {name} hangs on the profile"
        );
    };
    for profile in PROFILES {
        let (unit, variant) = compile(skill, profile);
        put("requirements.json".into(), pretty::<Requirements>(&variant));
        put("dependencies.json".into(), pretty::<Dependencies>(&variant));
        put("workflow.json".into(), pretty::<Workflow>(&variant));
        put("templates.json".into(), pretty::<Templates>(&variant));
        put(format!("{profile}.gaps.json"), pretty::<Gaps>(&variant));
        let diff = match variant.edits().diff(unit.skill.source()) {
            diff if diff.is_empty() => "no edits\n".to_owned(),
            diff => diff,
        };
        put(format!("{profile}.diff"), diff);
        assert_eq!(variant.diagnostics(), [], "{skill} for {profile}");
    }
    files
}

/// The first line in which two texts differ.
fn difference(expected: &str, found: &str) -> String {
    let (mut expected, mut found) = (expected.lines(), found.lines());
    for line in 1.. {
        match (expected.next(), found.next()) {
            (None, None) => return "they differ in their line ends".to_owned(),
            (old, new) if old == new => {}
            (old, new) => {
                return format!("line {line}\n- {}\n+ {}", old.unwrap_or(""), new.unwrap_or(""));
            }
        }
    }
    String::new()
}

fn bless(skill: &str, folder: &Path, files: &BTreeMap<String, String>) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    fs::create_dir_all(folder).unwrap();
    for (name, content) in files {
        fs::write(folder.join(name), content).unwrap();
    }
    assert_eq!(samples::names_in(folder).len(), files.len(), "{skill}");
}

#[test]
fn golden_files_are_what_the_passes_give() {
    let blessing = std::env::var_os("SKVM_BLESS").is_some();
    let mut problems = Vec::new();
    for skill in samples::SHIPPED.iter() {
        let folder = golden_folder().join(skill);
        let files = golden(skill);
        if blessing {
            bless(skill, &folder, &files);
        }
        for name in samples::names_in(&folder) {
            if !files.contains_key(&name) {
                problems.push(format!("{skill}/{name} is no file of this test"));
            }
        }
        for (name, content) in &files {
            match fs::read_to_string(folder.join(name)) {
                Ok(expected) if expected == *content => {}
                Ok(expected) => {
                    problems.push(format!("{skill}/{name}: {}", difference(&expected, content)));
                }
                Err(error) => problems.push(format!("{skill}/{name}: {error}")),
            }
        }
    }
    let folders = samples::names_in(&golden_folder());
    assert_eq!(folders, *samples::SHIPPED, "one folder a shipped skill");
    assert!(
        problems.is_empty(),
        "{}\nif this is meant, run it again with SKVM_BLESS=1 and look at the diff",
        problems.join("\n")
    );
}

#[test]
fn nothing_that_is_made_hangs_on_the_place_of_the_checkout() {
    let checkout = fs::canonicalize(samples::examples()).unwrap();
    let checkout = checkout.parent().unwrap().to_str().unwrap();
    for skill in samples::SHIPPED.iter() {
        for profile in PROFILES {
            let (unit, variant) = compile(skill, profile);
            assert!(unit.skill.root().starts_with(checkout));
            let json = serde_json::to_string(&variant).unwrap();
            assert!(!json.contains(checkout), "{skill} for {profile}");
            assert!(json.contains(&format!("\"/opt/skills/{skill}\"")));
        }
    }
}

#[test]
fn a_capable_target_gets_the_skill_as_it_is() {
    for skill in samples::SHIPPED.iter() {
        let skill = samples::shipped(skill);
        let variant = samples::compile_at(skill.clone(), Level::L3);
        assert_eq!(variant.text(), skill.source(), "{}", skill.name());
        assert!(variant.edits().is_empty());
        assert_eq!(*variant.artifacts().get::<Gaps>().unwrap().unwrap(), Gaps::default());
    }
}

#[test]
fn an_unmeasured_target_gets_the_skill_as_it_is_and_no_gaps() {
    for skill in samples::SHIPPED.iter() {
        let skill = samples::shipped(skill);
        let variant = samples::compile(&samples::unit(skill.clone()));
        assert_eq!(variant.text(), skill.source(), "{}", skill.name());
        assert!(variant.artifacts().get::<Gaps>().unwrap().is_none());
        assert!(variant.artifacts().get::<CodeIndex>().unwrap().is_some());
    }
}

#[test]
fn compiling_what_was_compiled_adds_nothing() {
    let mut edited = 0;
    for skill in samples::SHIPPED.iter() {
        for (profile, _) in samples::shipped_profiles() {
            let (unit, variant) = compile(skill, &profile);
            edited += variant.edits().len();
            let again = unit.skill.with_text(variant.text());
            let again = samples::compile(&Unit { skill: again.into(), ..unit });
            assert_eq!(again.text(), variant.text(), "{skill} for {profile}");
            assert!(again.edits().is_empty(), "{skill} for {profile}");
        }
    }
    assert!(edited > 0, "nothing was edited at all");
}

#[test]
fn the_passes_are_called_like_their_folders() {
    let passes: Vec<String> =
        PassManager::standard().passes().map(|pass| pass.id().to_string()).collect();
    for pass in &passes {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(pass);
        assert!(folder.join("mod.rs").is_file(), "{pass}");
    }
}
