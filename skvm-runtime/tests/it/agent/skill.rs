//! How a skill reaches the model.

use std::path::{Component, Path, PathBuf};

use serde_json::json;
use skvm_core::harness::{RunStatus, SkillMode, SkillView};
use skvm_core::llm::{LlmError, LlmErrorKind};
use skvm_core::skill::Skill;

use super::{Place, Seen, calls, notes, said};

const ON_DISK: &str =
    "---\nname: reports\ndescription: Writes reports.\n---\n# Reports\n\nas written\n";
const COMPILED: &str =
    "---\nname: reports\ndescription: Writes reports.\n---\n# Reports\n\nas compiled\n";

/// A skill without a folder.
fn text_only(name: &str, mode: SkillMode) -> SkillView {
    SkillView {
        name: name.to_owned(),
        description: "Writes reports.".to_owned(),
        text: COMPILED.to_owned(),
        root: None,
        mode,
    }
}

/// A place with a compiled skill in a folder beside the working directory.
fn with_folder(mode: SkillMode) -> (Place, PathBuf) {
    let mut place = Place::new();
    let root = place.folder.path().join("reports");
    let view = installed(&root, mode);
    let root = root.canonicalize().unwrap();
    place.skill = Some(view);
    (place, root)
}

/// Writes a skill to a folder; the view of it has another text, as if it was compiled.
fn installed(root: &Path, mode: SkillMode) -> SkillView {
    std::fs::create_dir_all(root.join("scripts")).unwrap();
    std::fs::write(root.join("SKILL.md"), ON_DISK).unwrap();
    std::fs::write(root.join("scripts/run.sh"), "echo run\n").unwrap();
    let view = SkillView::of(&Skill::load(root).unwrap()).with_mode(mode);
    SkillView { text: COMPILED.to_owned(), ..view }
}

/// The file that the prompt offers.
fn announced(seen: &Seen) -> String {
    let line = seen.system(0).lines().find_map(|line| line.trim().strip_prefix("file: "));
    line.unwrap().to_owned()
}

#[tokio::test]
async fn inject_puts_the_text_into_the_prompt() {
    let (place, root) = with_folder(SkillMode::Inject);
    let seen = place.run([said("done")]).await;
    assert!(seen.system(0).contains(COMPILED) && !seen.system(0).contains("as written"));
    assert!(seen.system(0).contains(root.to_str().unwrap()));
    assert_eq!(seen.record.skill_loaded, Some(true));
    assert_eq!(notes(&seen.record), ["no-tool-call"]);
}

#[tokio::test]
async fn without_a_skill_nothing_is_said_about_one() {
    let seen = Place::new().run([said("done")]).await;
    assert_eq!(seen.record.skill_loaded, None);
    assert!(!seen.system(0).contains("skill"), "{}", seen.system(0));
}

/// In the original, the skill was offered, and its content never delivered.
#[tokio::test]
async fn discover_offers_the_skill_and_delivers_the_compiled_text() {
    let (place, root) = with_folder(SkillMode::Discover);
    let seen = place.run([said("done")]).await;
    let system = seen.system(0);
    assert!(system.contains("reports: Writes reports.") && !system.contains("# Reports"));
    let path = announced(&seen);
    assert_eq!(Path::new(&path), root.join("SKILL.md"));
    assert_eq!(seen.record.skill_loaded, Some(false));
    assert_eq!(notes(&seen.record), ["no-tool-call", "skill-not-read"]);

    let seen = place.run([calls("read_file", json!({ "path": path })), said("done")]).await;
    assert_eq!(seen.told(1), [COMPILED]);
    assert_eq!(seen.record.skill_loaded, Some(true));
    assert!(seen.record.notes.is_empty(), "{:?}", seen.record.notes);
}

#[tokio::test]
async fn a_skill_without_a_folder_is_offered_and_delivered_too() {
    let place = Place::with_skill(text_only("reports", SkillMode::Discover));
    let path = announced(&place.run([said("done")]).await);
    assert_eq!(path, "/skills/reports/SKILL.md");
    let seen = place.run([calls("read_file", json!({ "path": path })), said("done")]).await;
    assert_eq!(seen.told(1), [COMPILED]);
    assert_eq!(seen.record.skill_loaded, Some(true));
}

#[tokio::test]
async fn the_compiled_text_stands_in_for_the_file_however_it_is_named() {
    for mode in [SkillMode::Discover, SkillMode::Inject] {
        let (place, root) = with_folder(mode);
        let root = root.display();
        for path in [
            "SKILL.md".to_owned(),
            "./SKILL.md".to_owned(),
            "scripts/../SKILL.md".to_owned(),
            format!("{root}/./SKILL.md"),
            format!("{root}//SKILL.md"),
            format!("{root}/scripts/../SKILL.md"),
        ] {
            let seen = place.run([calls("read_file", json!({"path": &path})), said("ok")]).await;
            assert_eq!(seen.told(1), [COMPILED], "{path}");
            assert_eq!(seen.record.skill_loaded, Some(true), "{path}");
        }
    }
}

#[tokio::test]
async fn the_compiled_text_stands_in_for_a_file_of_another_case() {
    let mut place = Place::new();
    let root = place.folder.path().join("reports");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("skill.md"), ON_DISK).unwrap();
    let view = SkillView::of(&Skill::load(&root).unwrap()).with_mode(SkillMode::Discover);
    place.skill = Some(SkillView { text: COMPILED.to_owned(), ..view });
    for path in ["skill.md".to_owned(), root.join("skill.md").display().to_string()] {
        assert_eq!(place.succeeds("read_file", json!({ "path": path })).await, COMPILED, "{path}");
    }
}

/// Projects keep their skills below themselves, so that a relative path leads to one.
#[tokio::test]
async fn the_compiled_text_stands_in_for_a_file_of_the_working_directory() {
    let mut place = Place::new();
    place.skill = Some(installed(&place.path("skills/reports"), SkillMode::Discover));
    let seen = place
        .run([calls("read_file", json!({"path": "skills/reports/SKILL.md"})), said("done")])
        .await;
    assert_eq!(seen.told(1), [COMPILED]);
    assert_eq!(seen.record.skill_loaded, Some(true));
}

#[tokio::test]
async fn relative_paths_fall_back_to_the_folder_of_the_skill() {
    let (place, root) = with_folder(SkillMode::Inject);
    let read = async |path: &str| place.succeeds("read_file", json!({ "path": path })).await;
    assert_eq!(read("scripts/run.sh").await, "echo run\n");
    assert_eq!(read(root.join("scripts/run.sh").to_str().unwrap()).await, "echo run\n");
    let list = async |path: &str| place.succeeds("list_directory", json!({ "path": path })).await;
    assert_eq!(list("scripts").await, "run.sh");
    assert_eq!(list(root.to_str().unwrap()).await, "SKILL.md\nscripts/");
    assert_eq!(list(".").await, "(empty)");
    // The working directory goes first.
    std::fs::create_dir(place.path("scripts")).unwrap();
    place.file("scripts/run.sh", "mine");
    place.file("SKILL.md", "mine, too");
    assert_eq!(read("scripts/run.sh").await, "mine");
    assert_eq!(read("SKILL.md").await, "mine, too");
}

#[tokio::test]
async fn other_files_of_the_skill_do_not_count_as_reading_it() {
    let (place, _) = with_folder(SkillMode::Discover);
    let seen = place.run([calls("read_file", json!({"path": "scripts/run.sh"})), said("ok")]).await;
    assert_eq!(seen.record.skill_loaded, Some(false));
    assert_eq!(notes(&seen.record), ["skill-not-read"]);
}

/// In the original, a skill's name was part of a path.
#[tokio::test]
async fn a_hostile_name_does_not_escape() {
    for name in [
        "../../etc",
        "/etc",
        "..",
        ".",
        "",
        "a/../../b",
        "a\\..\\b",
        "~root",
        "x\0y",
        "名前",
        "a b",
    ] {
        let place = Place::with_skill(text_only(name, SkillMode::Discover));
        let path = announced(&place.run([said("done")]).await);
        let below = Path::new(&path).strip_prefix("/skills").unwrap();
        let plain = below.components().all(|part| matches!(part, Component::Normal(_)));
        assert!(plain && path.is_ascii(), "{name:?}: {path}");
        assert_eq!(place.succeeds("read_file", json!({ "path": path })).await, COMPILED);
        for path in ["/skills/passwd", "/skills/../etc/passwd", "/etc/SKILL.md", "/etc/passwd"] {
            if !path.ends_with("SKILL.md") || name != "/etc" {
                place.fails("read_file", json!({ "path": path })).await;
            }
        }
        place.fails("write_file", json!({"path": path, "content": "x"})).await;
        place.fails("list_directory", json!({"path": "/skills"})).await;
    }
}

/// A provider that fails before the model had its chance is no fault of the model.
#[tokio::test]
async fn a_skill_is_not_missed_where_the_model_was_never_heard() {
    let (place, _) = with_folder(SkillMode::Discover);
    let seen = place.run([Err(LlmError::new(LlmErrorKind::Network))]).await;
    assert_eq!(seen.record.status, RunStatus::ProviderFault);
    assert_eq!(seen.record.skill_loaded, Some(false));
    assert!(seen.record.notes.is_empty(), "{:?}", seen.record.notes);
}

#[tokio::test]
async fn events_name_the_skill() {
    let (place, _) = with_folder(SkillMode::Inject);
    let seen = place.run([said("done")]).await;
    let json = serde_json::to_value(&seen.events[0]).unwrap();
    assert_eq!(json, json!({"event": "started", "harness": "bare-agent", "skill": "reports"}));
}
