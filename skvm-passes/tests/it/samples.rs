//! The skills, profiles and units that the tests compile.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use futures::executor::block_on;
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::capability::{CapabilityPass, RewriteRule};
use skvm_passes::code::CodePass;
use skvm_passes::manager::PassManager;
use skvm_passes::requirements::RequirementsPass;
use skvm_passes::variant::Variant;

/// The names of the skills that are shipped as examples.
pub(crate) static SHIPPED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let names = names_in(&examples().join("skills"));
    let names: Vec<String> = names.into_iter().filter(|name| !name.contains('.')).collect();
    assert!(!names.is_empty(), "no skill is shipped");
    names
});

/// The names of what lies in a folder, in order; nothing when there is no such folder.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

pub(crate) fn shipped(name: &str) -> Skill {
    Skill::load(examples().join("skills").join(name)).unwrap()
}

/// A profile that is shipped with the examples, by the name of its file.
pub(crate) fn shipped_profile(name: &str) -> CapabilityProfile {
    let path = examples().join("profiles").join(format!("{name}.json"));
    CapabilityProfile::from_json(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Every shipped profile with its name, in the order of names.
pub(crate) fn shipped_profiles() -> Vec<(String, CapabilityProfile)> {
    let names: Vec<String> = names_in(&examples().join("profiles"))
        .into_iter()
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    assert!(!names.is_empty(), "no profile is shipped");
    names.into_iter().map(|name| (name.clone(), shipped_profile(&name))).collect()
}

/// A skill of the given body, without a bundle.
pub(crate) fn skill(body: &str) -> Skill {
    Skill::from_text("/skills/demo", format!("{HEAD}{body}"))
}

/// The front matter of [`skill`] and [`bundled`].
pub(crate) const HEAD: &str = "---\nname: demo\ndescription: d\n---\n";

/// A skill of the given body with bundle files.
pub(crate) fn bundled(body: &str, files: &[(&str, &str)]) -> Skill {
    loaded(&format!("{HEAD}{body}"), files)
}

/// A skill of the given text with bundle files.
pub(crate) fn loaded(text: &str, files: &[(&str, &str)]) -> Skill {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files.iter().chain(&[("SKILL.md", text)]) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    Skill::load(folder.path()).unwrap()
}

pub(crate) fn target() -> Target {
    Target::new("model", "harness")
}

/// A profile in which every primitive has the same level.
pub(crate) fn profile_of(level: Level) -> CapabilityProfile {
    let empty = CapabilityProfile::new(&target(), "2026-01-01T00:00:00Z");
    Primitive::ALL
        .into_iter()
        .fold(empty, |profile, primitive| profile.with_level(primitive, level))
}

/// The skill for an unmeasured target, installed in a fixed folder.
pub(crate) fn unit(skill: Skill) -> Unit {
    let folder = Path::new("/opt/skills").join(skill.name());
    Unit::new(skill, target()).with_install_dir(folder)
}

/// What a fresh standard pipeline makes of a unit.
pub(crate) fn compile(unit: &Unit) -> Variant {
    block_on(PassManager::standard().compile(unit)).unwrap().variant
}

/// What a fresh standard pipeline makes of a skill for a target with every primitive at one level.
pub(crate) fn compile_at(skill: Skill, level: Level) -> Variant {
    compile(&unit(skill).with_profile(profile_of(level)))
}

/// What the one rule makes of a unit, without the others and without directions.
pub(crate) fn compile_by(rule: impl RewriteRule + 'static, unit: &Unit) -> Variant {
    let manager = PassManager::builder()
        .pass(CodePass)
        .pass(RequirementsPass)
        .pass(CapabilityPass::without_rules().with_rule(rule))
        .build()
        .unwrap();
    block_on(manager.compile(unit)).unwrap().variant
}
