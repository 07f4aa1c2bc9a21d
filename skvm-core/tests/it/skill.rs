//! Loading skills: front matter, bundle, limits, lints.

use std::fs;
use std::path::Path;

use serde_json::json;
use skvm_core::diagnostic::Severity;
use skvm_core::skill::{FrontMatterState, LINTS, LoadError, LoadLimits, Skill, discover};

/// The skills that are shipped as examples.
pub(crate) const SHIPPED: [&str; 5] =
    ["csv-analysis", "pdf-tools", "release-notes", "topic-research", "weather-api"];

fn shipped_path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/skills").join(name)
}

pub(crate) fn shipped(which: usize) -> String {
    fs::read_to_string(shipped_path(SHIPPED[which]).join("SKILL.md")).unwrap()
}

fn codes(skill: &Skill) -> Vec<&str> {
    skill.diagnostics().iter().map(|found| found.code.as_str()).collect()
}

fn named(front_matter: &str) -> Skill {
    Skill::from_text("x", format!("{front_matter}# Body\n"))
}

#[test]
fn shipped_skills_are_clean() {
    for name in SHIPPED {
        let skill = Skill::load(shipped_path(name)).unwrap();
        assert_eq!(skill.name(), name);
        let errors: Vec<_> =
            skill.diagnostics().iter().filter(|d| d.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn front_matter_is_read_in_every_real_form() {
    let cases = [
        ("---\nname: x\ndescription: plain\n---\n", "plain"),
        ("---\nname: x\ndescription: \"quo\\\"ted\"\n---\n", "quo\"ted"),
        ("---\nname: x\ndescription: 'it''s'\n---\n", "it's"),
        ("---\nname: x\ndescription: |\n  two\n  lines\n---\n", "two\nlines\n"),
        ("---\nname: x\ndescription: >-\n  folded\n  text\n---\n", "folded text"),
        ("---\r\nname: x\r\ndescription: crlf\r\n---\r\n", "crlf"),
        ("\u{feff}---\nname: x\ndescription: bom\n---\n", "bom"),
        ("\n\n---\nname: x\ndescription: blank lines\n---\n", "blank lines"),
        ("<!-- c -->\n---\nname: x\ndescription: comment\n---\n", "comment"),
        ("---   \nname: x\ndescription: spaces\n---  \n", "spaces"),
    ];
    for (front_matter, description) in cases {
        let skill = named(front_matter);
        assert_eq!(skill.description(), Some(description), "{front_matter:?}");
        assert_eq!(skill.front_matter().state(), FrontMatterState::Valid, "{front_matter:?}");
        assert_eq!(skill.document().sections()[1].title(), "Body", "{front_matter:?}");
    }
}

#[test]
fn broken_front_matter_is_read_as_far_as_it_goes_and_named() {
    let cases = [
        ("---\nname: x\ndescription: a: b\n---\n", "a: b", "front-matter/invalid-yaml"),
        ("---\nname: x\ndescription: open\n", "open", "front-matter/unclosed"),
        ("name: x\ndescription: naked\n\n", "naked", "front-matter/undelimited"),
    ];
    for (front_matter, description, code) in cases {
        let skill = named(front_matter);
        assert_eq!(skill.name(), "x");
        assert_eq!(skill.description(), Some(description), "{front_matter:?}");
        assert_eq!(skill.front_matter().state(), FrontMatterState::Repaired);
        assert!(codes(&skill).contains(&code), "{front_matter:?} gives {:?}", codes(&skill));
        assert_eq!(skill.document().sections()[1].title(), "Body", "{front_matter:?}");
    }
}

#[test]
fn a_repair_is_reported_at_its_line() {
    let skill = named("---\nname: x\ndescription: a: b\n---\n");
    let found = skill.diagnostics().iter().find(|d| d.code.as_str() == "front-matter/repaired");
    assert_eq!(found.unwrap().span.unwrap().text(skill.source()), "description: a: b");
}

#[test]
fn missing_front_matter_falls_back_to_the_folder() {
    let skill = Skill::from_text("/skills/notes", "# Notes\n\n---\nname: not front matter\n");
    assert_eq!(skill.name(), "notes");
    assert_eq!(skill.description(), None);
    assert!(codes(&skill).contains(&"front-matter/missing"));
}

#[test]
fn every_key_is_kept_and_the_known_ones_are_typed() {
    let skill = named(
        "---\nname: x\ndescription: d\nversion: 1.0\nempty:\nallowed-tools: Bash(git log), Read Write\n\
         metadata: {\"openclaw\":{\"emoji\":\"🌤\",\"os\":[\"linux\"],\"primaryEnv\":\"KEY\",\
         \"requires\":{\"bins\":[\"curl\"],\"anyBins\":[\"a\",\"b\"],\"env\":[\"KEY\"],\"pip\":[\"y\"]},\
         \"install\":[{\"id\":\"b\",\"kind\":\"brew\",\"formula\":\"jq\",\"bins\":[\"jq\"]}]}}\n---\n",
    );
    let keys: Vec<&str> = skill.front_matter().fields().iter().map(|f| f.key.as_str()).collect();
    assert_eq!(keys, ["name", "description", "version", "empty", "allowed-tools", "metadata"]);
    assert_eq!(skill.front_matter().get("version"), Some(&json!(1.0)));
    let metadata = skill.metadata();
    assert_eq!(metadata.allowed_tools, ["Bash(git log)", "Read", "Write"]);
    let vendor = &metadata.vendors[0];
    assert_eq!(vendor.vendor, "openclaw");
    assert_eq!(vendor.requires.bins, ["curl"]);
    assert_eq!(vendor.requires.any_bins, ["a", "b"]);
    assert_eq!(vendor.requires.env, ["KEY"]);
    assert_eq!(vendor.requires.extra["pip"], json!(["y"]));
    assert_eq!(vendor.primary_env.as_deref(), Some("KEY"));
    assert_eq!(vendor.os, ["linux"]);
    assert_eq!(vendor.install[0].name.as_deref(), Some("jq"));
    assert_eq!(vendor.extra["emoji"], json!("🌤"));
}

#[test]
fn an_alias_bomb_is_stopped() {
    let mut yaml = String::from("---\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..12 {
        let refs = vec![format!("*a{}", level - 1); 10].join(",");
        yaml.push_str(&format!("a{level}: &a{level} [{refs}]\n"));
    }
    let skill = named(&(yaml + "name: x\n---\n"));
    assert_eq!(skill.name(), "x");
    assert!(codes(&skill).contains(&"front-matter/invalid-yaml"));
}

#[test]
fn the_specification_is_told_apart_into_broken_and_unusual() {
    let skill = Skill::from_text(
        "/s/folder",
        "---\nname: Bad_Name\ndescription: d\nhomepage: h\nmetadata:\n  a: [1]\nallowed-tools: [Read]\n---\n",
    );
    let severity = |code: &str| {
        skill.diagnostics().iter().find(|d| d.code.as_str() == code).map(|d| d.severity)
    };
    assert_eq!(severity("front-matter/name-form"), Some(Severity::Error));
    for code in [
        "front-matter/name-folder",
        "front-matter/key-unknown",
        "front-matter/metadata-nested",
        "front-matter/tools-list",
        "skill/empty-body",
    ] {
        assert_eq!(severity(code), Some(Severity::Warning), "{code}");
    }
}

#[test]
fn lint_codes_are_unique_and_documented() {
    let codes: std::collections::BTreeSet<_> = LINTS.iter().map(|lint| lint.code.clone()).collect();
    assert_eq!(codes.len(), LINTS.len());
    assert!(LINTS.iter().all(|lint| !lint.rule.is_empty()));
}

fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const HEAD: &str = "---\nname: demo\ndescription: d\n---\n# Demo\n";

#[test]
fn a_folder_is_loaded_with_its_bundle_and_without_nested_skills() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    write(&root.join("skill.MD"), HEAD);
    write(&root.join("scripts/run.py"), "print(1)\n");
    write(&root.join("assets/logo.bin"), [0_u8, 255, 1]);
    write(&root.join(".git/config"), "no");
    write(&root.join("node_modules/x/SKILL.md"), HEAD);
    write(&root.join("more/inner/SKILL.md"), HEAD);
    write(&root.join("more/inner/file.txt"), "no");
    let skill = Skill::load(&root).unwrap();
    let files: Vec<&str> = skill.bundle().files().iter().map(|file| file.path()).collect();
    assert_eq!(files, ["assets/logo.bin", "scripts/run.py"]);
    assert_eq!(skill.bundle().file("scripts/run.py").unwrap().text(), Some("print(1)\n"));
    assert_eq!(skill.bundle().file("assets/logo.bin").unwrap().text(), None);
    assert_eq!(skill.nested(), ["more/inner"]);
    assert!(codes(&skill).contains(&"skill/file-name"));
    assert_eq!(discover(folder.path()).unwrap(), [root.clone(), root.join("more/inner")]);
}

#[test]
fn identity_is_content_and_not_name_or_place() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    for root in [&a, &b] {
        write(&root.join("SKILL.md"), HEAD);
        write(&root.join("x.txt"), "1");
    }
    let digest = |root: &Path| Skill::load(root).unwrap().digest();
    assert_eq!(digest(&a), digest(&b));
    let before = digest(&b);
    write(&b.join("x.txt"), "2");
    assert_ne!(digest(&b), before);
    fs::rename(b.join("x.txt"), b.join("y.txt")).unwrap();
    assert_ne!(digest(&b), before);
}

#[test]
fn limits_name_what_they_leave_out() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(&root.join("SKILL.md"), HEAD);
    write(&root.join("big.bin"), vec![b'x'; 2000]);
    write(&root.join("long.txt"), vec![b'x'; 600]);
    write(&root.join("a/b/c/deep.txt"), "x");
    let limits =
        LoadLimits { file_bytes: 1000, text_bytes: 500, depth: 2, ..LoadLimits::default() };
    let skill = Skill::load_with(root, &limits).unwrap();
    let files: Vec<&str> = skill.bundle().files().iter().map(|file| file.path()).collect();
    assert_eq!(files, ["long.txt"]);
    assert_eq!(skill.bundle().files()[0].text(), None);
    let left_out: Vec<&str> = skill
        .diagnostics()
        .iter()
        .filter(|d| d.code.as_str() == "bundle/left-out")
        .filter_map(|d| d.file.as_deref())
        .collect();
    assert_eq!(left_out, ["a/b/c/", "big.bin"]);
    let limits = LoadLimits { skill_bytes: 10, ..LoadLimits::default() };
    assert!(matches!(Skill::load_with(root, &limits), Err(LoadError::TooLarge { .. })));
}

#[test]
fn what_cannot_be_loaded_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Skill::load(folder.path()).unwrap_err();
    assert!(matches!(error, LoadError::NoSkillFile { .. }));
    assert!(error.to_string().contains(folder.path().to_str().unwrap()));
    let error = Skill::load(folder.path().join("none")).unwrap_err();
    assert!(matches!(error, LoadError::Io { .. }));
}

#[test]
fn text_that_is_not_utf8_is_read_and_named() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("SKILL.md"), b"---\nname: demo\ndescription: caf\xe9\n---\n");
    let skill = Skill::load(folder.path()).unwrap();
    assert_eq!(skill.description(), Some("caf\u{fffd}"));
    assert!(codes(&skill).contains(&"skill/not-utf8"));
    let utf16: Vec<u8> =
        std::iter::once(0xFEFF_u16).chain(HEAD.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    write(&folder.path().join("SKILL.md"), utf16);
    assert_eq!(Skill::load(folder.path()).unwrap().name(), "demo");
}

#[test]
fn a_lone_markdown_file_is_a_skill_without_a_bundle() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("notes.md"), HEAD);
    write(&folder.path().join("other.txt"), "x");
    let skill = Skill::load(folder.path().join("notes.md")).unwrap();
    assert_eq!(skill.name(), "demo");
    assert!(skill.bundle().is_empty());
}

#[test]
fn links_that_leave_the_folder_are_named() {
    let skill = named(
        "---\nname: x\ndescription: d\n---\n[a](../../etc/passwd) [b](ok/../../x) [c](a/../b)\n",
    );
    let leaving = codes(&skill).iter().filter(|code| **code == "link/leaves-folder").count();
    assert_eq!(leaving, 2);
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_refused() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let (root, outside) = (folder.path().join("skill"), folder.path().join("secret.txt"));
    write(&root.join("SKILL.md"), HEAD);
    write(&root.join("real.txt"), "x");
    write(&outside, "secret");
    symlink(&outside, root.join("secret.txt")).unwrap();
    symlink("real.txt", root.join("alias.txt")).unwrap();
    symlink("/", root.join("all")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    let skill = Skill::load(&root).unwrap();
    let files: Vec<&str> = skill.bundle().files().iter().map(|file| file.path()).collect();
    assert_eq!(files, ["alias.txt", "real.txt"]);
    let refused: Vec<&str> = skill
        .diagnostics()
        .iter()
        .filter(|d| d.code.as_str() == "bundle/leaves-folder")
        .filter_map(|d| d.file.as_deref())
        .collect();
    assert_eq!(refused, ["all", "secret.txt"]);

    fs::remove_file(root.join("SKILL.md")).unwrap();
    symlink(&outside, root.join("SKILL.md")).unwrap();
    assert!(matches!(Skill::load(&root), Err(LoadError::LeavesFolder { .. })));
}
