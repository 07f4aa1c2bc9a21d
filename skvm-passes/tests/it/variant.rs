//! Variants: stored and read back, refused when damaged, and the same bytes in every process.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use futures::executor::block_on;
use skvm_core::capability::{Gaps, Level, Primitive};
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::pass::{PassContext, Unit, pass_fn};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::capability::{CapabilityPass, RewriteRule, RuleInput};
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;

use crate::samples;

/// A small variant with an edit, artifacts and a diagnostic.
fn small() -> Variant {
    let body = "# Demo\n\n```sh\n./run.sh <in>\n```\n";
    let skill = samples::bundled(body, &[("run.sh", "echo\n")]);
    let unit = samples::unit(skill).with_profile(samples::profile_of(Level::L1));
    let manager = PassManager::builder()
        .standard()
        .pass(pass_fn("late", |cx: &mut PassContext<'_>| {
            let at = cx.source().find("./run.sh").unwrap_or(0);
            let reason = EditReason::new("late", EditKind::Substitution, "overlaps");
            cx.edit(Edit::insert(at + 2, "x", reason))
        }))
        .build()
        .unwrap();
    let variant = block_on(manager.compile(&unit)).unwrap().variant;
    assert_eq!((variant.edits().len(), variant.diagnostics().len()), (1, 1));
    variant
}

#[test]
fn a_variant_read_back_is_the_one_that_was_written() {
    let variant = small();
    for json in
        [serde_json::to_string(&variant).unwrap(), serde_json::to_string_pretty(&variant).unwrap()]
    {
        let read: Variant = serde_json::from_str(&json).unwrap();
        assert_eq!(read, variant);
        assert_eq!(read.digest(), variant.digest());
        let gaps = |variant: &Variant| variant.artifacts().get::<Gaps>().unwrap();
        assert_eq!(gaps(&read), gaps(&variant));
        assert_eq!(serde_json::to_string(&read).unwrap(), serde_json::to_string(&variant).unwrap());
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let json = serde_json::to_string(&small()).unwrap();
    let mut refused = 0;
    for (at, byte) in json.bytes().enumerate() {
        let other = match byte {
            b'a'..=b'y' | b'A'..=b'Y' | b'0'..=b'8' => byte + 1,
            b'z' | b'Z' | b'9' => byte - 1,
            _ => continue,
        };
        let mut tampered = json.clone().into_bytes();
        tampered[at] = other;
        assert!(
            serde_json::from_slice::<Variant>(&tampered).is_err(),
            "byte {at} in {}",
            json.get(at.saturating_sub(20)..).unwrap_or("").chars().take(40).collect::<String>()
        );
        refused += 1;
    }
    assert!(refused > 1_000);
}

#[test]
fn a_damaged_variant_is_named() {
    let variant = small();
    let json = serde_json::to_string(&variant).unwrap();
    let tampered = json.replacen("opt/skills", "tmp/skills", 1);
    let error = serde_json::from_str::<Variant>(&tampered).unwrap_err().to_string();
    let expected = format!(
        "variant of skill \"demo\" is damaged: its content does not have the digest {}",
        variant.digest()
    );
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn parts_that_go_or_come_are_refused() {
    let variant = small();
    let json = serde_json::to_string(&variant).unwrap();
    let value = |json: &str| serde_json::from_str::<Variant>(json);
    assert!(value(&json).is_ok());
    let edits = serde_json::to_string(variant.edits()).unwrap();
    let diagnostics = serde_json::to_string(variant.diagnostics()).unwrap();
    let gaps = variant.artifacts().json("gaps").unwrap();
    for (part, other) in [
        (edits.as_str(), "[]"),
        (diagnostics.as_str(), "[]"),
        (gaps, "{\"gaps\":[]}"),
        ("\"artifacts\":{", "\"artifacts\":{\"extra\":1,"),
        ("\"profile\":\"", "\"profile\":null,\"was\":\""),
        ("\"pipeline\":[", "\"pipeline\":[{\"pass\":\"x\",\"version\":1},"),
    ] {
        assert!(json.contains(part), "{part}");
        assert!(value(&json.replacen(part, other, 1)).is_err(), "{part} to {other}");
    }
}

#[test]
fn the_view_of_a_variant_has_its_text() {
    let skill = samples::shipped("pdf-tools");
    let variant = samples::compile_at(skill.clone(), Level::L1);
    let view = variant.view(&skill);
    assert_eq!(view.text, variant.text());
    assert_ne!(view.text, skill.source());
}

/// Adds one line at the end of a skill.
#[derive(Debug)]
struct Farewell;

impl RewriteRule for Farewell {
    fn id(&self) -> &'static str {
        "farewell"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::ToolExec]
    }

    fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit> {
        let reason = EditReason::new(self.id(), EditKind::Compensation, "is polite");
        vec![Edit::insert(input.skill.source().len(), "\nSay goodbye.\n", reason)]
    }
}

#[test]
fn the_key_names_every_ingredient() {
    let standard = PassManager::standard();
    let with_rule = PassManager::builder()
        .pass(skvm_passes::code::CodePass)
        .pass(skvm_passes::requirements::RequirementsPass)
        .pass(CapabilityPass::standard().with_rule(Farewell))
        .build()
        .unwrap();
    let without_rule = PassManager::builder()
        .pass(skvm_passes::code::CodePass)
        .pass(skvm_passes::requirements::RequirementsPass)
        .pass(CapabilityPass::standard())
        .build()
        .unwrap();
    let text = samples::skill("# Demo\n\n```sh\nls | wc\n```\n").source().to_owned();
    let unit = samples::unit(Skill::from_text("/skills/demo", text.clone()));
    let profile = |level| samples::profile_of(Level::L3).with_level(Primitive::ToolExec, level);
    let with_target =
        |model: &str, harness: &str| Unit { target: Target::new(model, harness), ..unit.clone() };
    let nameless = |folder: &str| {
        let skill = Skill::from_text(folder, "# Demo\n");
        samples::unit(skill).with_install_dir("/opt/skills/demo")
    };
    let keys = [
        standard.key(&unit),
        standard.key(&samples::unit(Skill::from_text("/skills/demo", format!("{text}\n")))),
        standard.key(&samples::unit(samples::loaded(&text, &[("x.txt", "1")]))),
        standard.key(&samples::unit(samples::loaded(&text, &[("x.txt", "2")]))),
        standard.key(&with_target("other", "harness")),
        standard.key(&with_target("model", "other")),
        standard.key(&with_target("modelh", "arness")),
        standard.key(&unit.clone().with_profile(profile(Level::L1))),
        standard.key(&unit.clone().with_profile(profile(Level::L2))),
        standard.key(&unit.clone().with_install_dir("/elsewhere")),
        standard.key(&nameless("/a/one")),
        standard.key(&nameless("/a/two")),
        with_rule.key(&unit),
        without_rule.key(&unit),
    ];
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{keys:?}");
}

#[test]
fn the_key_is_known_before_compiling_and_does_not_hang_on_the_folder() {
    let text = samples::skill("# Demo\n").source().to_owned();
    let manager = PassManager::standard();
    let key = |folder: &str| {
        let unit = samples::unit(Skill::from_text(folder, text.clone()));
        let key = manager.key(&unit);
        assert_eq!(key, block_on(manager.compile(&unit)).unwrap().variant.manifest().key());
        key
    };
    assert_eq!(key("/a/demo"), key("/b/demo"));
}

/// Every shipped skill for two targets, as the bytes that would be stored.
fn stored_variants() -> String {
    let mut lines = String::new();
    let manager = PassManager::standard();
    for skill in samples::SHIPPED.iter() {
        for profile in [None, Some("synthetic-all-l1"), Some("qwen3.5-9b--bare-agent")] {
            let mut unit = samples::unit(samples::shipped(skill));
            if let Some(profile) = profile {
                unit = unit.with_profile(samples::shipped_profile(profile));
            }
            let variant = block_on(manager.compile(&unit)).unwrap().variant;
            lines.push_str(&serde_json::to_string(&variant).unwrap());
            lines.push('\n');
        }
    }
    lines
}

/// Where the child of [`the_same_bytes_come_out_in_every_process`] writes.
const OUT: &str = "SKVM_STORED_VARIANTS";

#[test]
#[ignore = "the child of the_same_bytes_come_out_in_every_process"]
fn write_stored_variants() {
    // Nothing to do when every ignored test is run; the parent looks for the file.
    if let Some(out) = std::env::var_os(OUT) {
        fs::write(PathBuf::from(out), stored_variants()).unwrap();
    }
}

#[test]
fn the_same_bytes_come_out_in_every_process() {
    let here = stored_variants();
    assert_eq!(here.lines().count(), 3 * samples::SHIPPED.len());
    assert_eq!(stored_variants(), here, "another manager");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("variants.jsonl");
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "variant::write_stored_variants", "--ignored", "--test-threads=1"])
        .env(OUT, &out)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!(fs::read_to_string(&out).unwrap(), here, "another process");
}
