//! Variants as folders, made by the engine.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::executor::block_on;
use skvm_core::harness::{
    Harness, HarnessError, HarnessFeatures, HarnessRun, RunRecord, SkillMode, Task,
};
use skvm_core::target::HarnessId;
use skvm_runtime::engine::{EngineError, Event, RunRequest};
use skvm_runtime::store::FolderError;

use super::{builder, engine, everywhere, load, skill, skill_at, target, told, write_skill};

#[test]
fn damage_is_told_and_mended() {
    everywhere(|home| {
        let place = tempfile::tempdir().unwrap();
        let (source, parent) = (place.path().join("x"), place.path().join("compiled"));
        fs::create_dir(&source).unwrap();
        write_skill(&source, "Run run.sh.");
        fs::write(source.join("run.sh"), "echo\n").unwrap();
        let (vm, skill) = (engine(home.store()), skill_at(&source));
        let variant = load(&vm, &skill).variant;
        let mut events = vm.events();
        let made = vm.materialize(&variant, &skill, &parent).unwrap();
        assert_eq!(fs::read_to_string(made.folder.join("SKILL.md")).unwrap(), variant.text());
        assert_eq!(vm.materialize(&variant, &skill, &parent).unwrap(), made);
        assert!(made.damage.is_empty() && told(&mut events).is_empty());
        fs::write(made.folder.join("SKILL.md"), "Do something else.").unwrap();
        fs::write(made.folder.join("run.sh"), "false\n").unwrap();
        let mended = vm.materialize(&variant, &skill, &parent).unwrap();
        assert_eq!((&mended.folder, mended.damage.len()), (&made.folder, 2));
        let told: Vec<String> = told(&mut events)
            .into_iter()
            .map(|event| match event {
                Event::Damaged { damage } => {
                    assert_eq!(damage.what, made.folder.display().to_string());
                    damage.reason
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, mended.damage);
        assert_eq!(fs::read_to_string(made.folder.join("SKILL.md")).unwrap(), variant.text());
        assert_eq!(fs::read_to_string(made.folder.join("run.sh")).unwrap(), "echo\n");
        assert!(vm.materialize(&variant, &skill, &parent).unwrap().damage.is_empty());
    });
}

#[test]
fn another_state_of_the_skill_is_refused() {
    everywhere(|home| {
        let vm = engine(home.store());
        let variant = load(&vm, &skill("one")).variant;
        let parent = tempfile::tempdir().unwrap();
        let error = vm.materialize(&variant, &skill("two"), parent.path()).unwrap_err();
        let is_other = matches!(&error, EngineError::Folder(FolderError::OtherSkill { .. }));
        assert!(is_other, "{error:?}");
    });
}

/// Reads the skill from a folder of its own, like a real agent.
struct FromDisk {
    id: HarnessId,
    folder: Arc<Mutex<std::path::PathBuf>>,
}

#[async_trait]
impl Harness for FromDisk {
    fn id(&self) -> &HarnessId {
        &self.id
    }

    fn features(&self) -> HarnessFeatures {
        let mut features = HarnessFeatures::default();
        features.discover = true;
        features
    }

    async fn run(&self, run: HarnessRun<'_>) -> Result<RunRecord, HarnessError> {
        assert_eq!(run.skill.unwrap().mode, SkillMode::Discover);
        let path = self.folder.lock().unwrap().join("SKILL.md");
        let text = fs::read_to_string(path).unwrap();
        Ok(RunRecord { text, ..RunRecord::default() })
    }
}

#[test]
fn a_harness_that_reads_from_disk_sees_the_compiled_text() {
    everywhere(|home| {
        let place = tempfile::tempdir().unwrap();
        let source = place.path().join("x");
        fs::create_dir(&source).unwrap();
        let folder = Arc::new(Mutex::default());
        let harness = FromDisk { id: "harness".into(), folder: Arc::clone(&folder) };
        let vm = builder(home.store()).harness(Arc::new(harness)).build();
        let run = |body: &str, parent: &Path| {
            write_skill(&source, body);
            let skill = skill_at(&source);
            let variant = load(&vm, &skill).variant;
            *folder.lock().unwrap() = vm.materialize(&variant, &skill, parent).unwrap().folder;
            let mut request = RunRequest::new(Task::new("go"), target(), ".").with_skill(skill);
            request.mode = SkillMode::Discover;
            let outcome = block_on(vm.run(request)).unwrap();
            assert_eq!(outcome.record.text, variant.text());
            outcome.record.text
        };
        let parent = place.path().join("compiled");
        assert!(run("one", &parent).contains("one\n\nCompiled for m"));
        assert!(run("two", &parent).contains("two\n\nCompiled for m"));
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 2);
    });
}
