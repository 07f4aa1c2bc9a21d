//! How a skill reaches a program.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use skvm_core::harness::{HarnessError, RunStatus, SkillMode, SkillView};
use skvm_runtime::harness::cli::{Cli, CliError};

use super::{Asked, Stage, answer, called, reasons, skill, writes};

/// A skill with a bundle, and things around it that do not belong to it.
fn bundle(stage: &Stage) -> PathBuf {
    let root = stage.path("bundle");
    fs::create_dir_all(root.join("scripts/deep")).unwrap();
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::create_dir_all(root.join("node_modules/x")).unwrap();
    fs::write(root.join("SKILL.md"), "as its author wrote it").unwrap();
    fs::write(root.join("scripts/run.sh"), "#!/bin/sh\necho ran\n").unwrap();
    fs::set_permissions(root.join("scripts/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(root.join("scripts/deep/data.txt"), "data\n").unwrap();
    fs::write(root.join(".git/config"), "x").unwrap();
    fs::write(root.join("node_modules/x/big.js"), "x").unwrap();
    fs::write(stage.path("outside.txt"), "private").unwrap();
    symlink("scripts/deep/data.txt", root.join("inside.txt")).unwrap();
    symlink(stage.path("outside.txt"), root.join("outside.txt")).unwrap();
    symlink("../outside.txt", root.join("also-outside.txt")).unwrap();
    symlink("/etc", root.join("folder")).unwrap();
    symlink("scripts", root.join("again")).unwrap();
    symlink("nowhere", root.join("broken")).unwrap();
    symlink(".", root.join("loop")).unwrap();
    root
}

fn with_bundle(stage: &Stage, mode: SkillMode) -> SkillView {
    SkillView { root: Some(bundle(stage)), ..skill(mode) }
}

/// Copies the sandbox out, as it is while the program runs.
const COPIES: &str = "printf '%s\\n' \"$@\" > arguments; cp -rP \"$SKVM_RUN\" seen\n";

fn copying() -> String {
    format!("{COPIES}{}", writes(&[&answer("seen")]))
}

#[tokio::test]
async fn the_compiled_text_and_the_bundle_lie_in_a_folder_of_the_skills_name() {
    let stage = Stage::new();
    let asked = Asked::new(&stage).with_skill(with_bundle(&stage, SkillMode::Discover));
    let record = asked.of(&stage.harness(Cli::Pi, &copying())).await;
    assert_eq!((record.status, record.skill_loaded), (RunStatus::Ok, Some(false)));
    let folder = stage.work().join("seen/skills/log-summary");
    let mut names: Vec<String> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["SKILL.md", "inside.txt", "scripts"], "links out of it are not followed");
    assert_eq!(stage.text("seen/skills/log-summary/SKILL.md"), skill(SkillMode::Discover).text);
    assert_eq!(stage.text("seen/skills/log-summary/inside.txt"), "data\n");
    assert!(folder.join("inside.txt").symlink_metadata().unwrap().is_file(), "a copy, no link");
    let script = fs::metadata(folder.join("scripts/run.sh")).unwrap();
    assert_eq!(script.permissions().mode() & 0o111, 0o111, "it can still be started");
    assert_eq!(stage.text("seen/skills/log-summary/scripts/deep/data.txt"), "data\n");
    let given = stage.text("arguments");
    let mut given = given.lines().skip_while(|line| *line != "--skill").skip(1);
    assert!(given.next().unwrap().ends_with("/skills/log-summary"));
    assert_eq!(
        fs::read_to_string(stage.path("bundle/SKILL.md")).unwrap(),
        "as its author wrote it"
    );
    stage.is_clean();
}

#[tokio::test]
async fn a_skill_that_is_injected_stands_in_what_the_program_is_told() {
    for (cli, file) in [
        (Cli::Pi, "state/append.md"),
        (Cli::Hermes, "state/config.yaml"),
        (Cli::Codex, "state/config.toml"),
        (Cli::ClaudeCode, "state/append.md"),
        (Cli::OpenCode, "state/skill.md"),
    ] {
        let stage = Stage::new();
        let asked = Asked::new(&stage).with_skill(with_bundle(&stage, SkillMode::Inject));
        asked.of(&stage.harness(cli, &copying())).await;
        let told = stage.text(&format!("seen/{file}"));
        assert!(told.contains("Count them."), "{cli}: {told}");
        assert!(told.contains("/skills/log-summary"), "{cli} is told where its files lie: {told}");
        assert!(stage.has("seen/skills/log-summary/scripts/run.sh"), "{cli}");
    }
}

#[tokio::test]
async fn a_skill_that_is_to_be_discovered_lies_where_the_program_looks() {
    for (cli, folder) in [
        (Cli::Pi, "skills"),
        (Cli::Hermes, "skills"),
        (Cli::Codex, "state/skills"),
        (Cli::ClaudeCode, "state/skills"),
        (Cli::OpenCode, "skills"),
    ] {
        let stage = Stage::new();
        let asked = Asked::new(&stage).with_skill(skill(SkillMode::Discover));
        asked.of(&stage.harness(cli, &copying())).await;
        assert!(stage.has(&format!("seen/{folder}/log-summary/SKILL.md")), "{cli}");
    }
}

#[tokio::test]
async fn whether_a_skill_was_loaded_is_told_by_what_happened() {
    let stage = Stage::new();
    let reads = called("c", "cat /x/skills/log-summary/SKILL.md", "text");
    let looks = called("c", "ls /x/skills/log-summary", "SKILL.md");
    let done = answer("done");
    for (mode, lines, loaded) in [
        (SkillMode::Inject, vec![done.as_str()], true),
        (SkillMode::Inject, vec![], false),
        (SkillMode::Discover, vec![done.as_str()], false),
        (SkillMode::Discover, vec![looks.as_str(), done.as_str()], false),
        (SkillMode::Discover, vec![reads.as_str(), done.as_str()], true),
    ] {
        let asked = Asked::new(&stage).with_skill(skill(mode));
        let record = asked.of(&stage.harness(Cli::Pi, &writes(&lines))).await;
        assert_eq!(record.skill_loaded, Some(loaded), "{mode:?} {lines:?}");
    }
    let record = Asked::new(&stage).of(&stage.harness(Cli::Pi, &writes(&[&done]))).await;
    assert_eq!(record.skill_loaded, None);
}

#[tokio::test]
async fn names_that_are_hostile_stay_inside() {
    let long = "n".repeat(5_000);
    for name in [
        "../../x",
        "",
        "/",
        "..",
        ".",
        ".hidden",
        "a/b\\c",
        "a\0b",
        "-rf",
        "--skill",
        "\u{202e}x",
        "x\ny",
        "$(touch owned)",
        "'; touch owned; '",
        long.as_str(),
    ] {
        let stage = Stage::new();
        let view = SkillView { name: name.to_owned(), ..with_bundle(&stage, SkillMode::Discover) };
        let record =
            Asked::new(&stage).with_skill(view).of(&stage.harness(Cli::Pi, &copying())).await;
        assert_eq!(record.status, RunStatus::Ok, "{name:?}: {record:?}");
        let folders: Vec<_> = stage.work().join("seen/skills").read_dir().unwrap().collect();
        let [Ok(folder)] = folders.as_slice() else { panic!("{name:?}: {folders:?}") };
        let place = folder.file_name().into_string().unwrap();
        assert!(folder.path().join("SKILL.md").is_file(), "{name:?}");
        assert!(place.len() <= 64 && !place.starts_with(['.', '-']), "{name:?}: {place:?}");
        assert!(!stage.has("owned") && !stage.path("x").exists(), "{name:?}");
        stage.is_clean();
    }
}

#[tokio::test]
async fn a_skill_that_is_too_large_is_an_error() {
    let stage = Stage::new();
    let root = bundle(&stage);
    let skill = SkillView { root: Some(root.clone()), ..skill(SkillMode::Inject) };
    // It takes no room on the disk, and is not copied.
    let large = root.join("large.bin");
    File::create(&large).unwrap().set_len(300 << 20).unwrap();
    let harness = stage.harness(Cli::Pi, "touch started");
    let asked = Asked::new(&stage).with_skill(skill);
    let error = asked.run(&harness).await.unwrap_err();
    let told = reasons(&error);
    assert!(told.contains("large.bin is more than is put into a sandbox"), "{told}");
    let HarnessError::NotReady { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(source.downcast_ref(), Some(CliError::Sandbox { .. })), "{error:?}");
    fs::remove_file(large).unwrap();
    let mut deep = root.clone();
    for _ in 0..80 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    let told = reasons(&asked.run(&harness).await.unwrap_err());
    assert!(told.contains("more than is put into a sandbox"), "{told}");
    assert!(!stage.has("started"), "nothing was started");
    stage.is_clean();
}

#[tokio::test]
async fn a_bundle_that_is_gone_is_an_error_and_a_missing_one_is_not() {
    let stage = Stage::new();
    let harness = stage.harness(Cli::Pi, &copying());
    let gone = SkillView { root: Some(stage.path("gone")), ..skill(SkillMode::Inject) };
    let error = Asked::new(&stage).with_skill(gone).run(&harness).await.unwrap_err();
    assert!(matches!(error, HarnessError::NotReady { .. }), "{error:?}");
    let record = Asked::new(&stage).with_skill(skill(SkillMode::Inject)).of(&harness).await;
    assert_eq!(record.status, RunStatus::Ok);
}

#[tokio::test]
async fn another_spelling_of_the_entry_does_not_make_two_skills() {
    let stage = Stage::new();
    let root = stage.path("bundle");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("skill.md"), "old").unwrap();
    let view = SkillView { root: Some(root), ..skill(SkillMode::Discover) };
    Asked::new(&stage).with_skill(view).of(&stage.harness(Cli::Pi, &copying())).await;
    let folder = stage.work().join("seen/skills/log-summary");
    assert_eq!(folder.read_dir().unwrap().count(), 1);
    assert!(stage.text("seen/skills/log-summary/SKILL.md").contains("Count them."));
}
