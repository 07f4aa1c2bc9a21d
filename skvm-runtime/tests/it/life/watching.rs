//! Watching the files of a skill.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use skvm_core::digest::Digest;
use skvm_core::skill::{LoadLimits, Skill};
use skvm_runtime::engine::{Event, EventStream, SkVm};
use skvm_runtime::life::SkillWatch;

use super::{load, skill_at, told, write_skill};

const INTERVAL: Duration = Duration::from_millis(20);

struct Watched {
    folder: tempfile::TempDir,
    vm: SkVm,
    events: EventStream,
    watch: Option<SkillWatch>,
}

impl Watched {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_skill(folder.path(), "one");
        let limits = LoadLimits { skill_bytes: 1_000, ..LoadLimits::default() };
        let vm = SkVm::builder().load_limits(limits).build();
        let events = vm.events();
        let watch = Some(vm.watch(&skill_at(folder.path()), INTERVAL).unwrap());
        Self { folder, vm, events, watch }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The next change that is told.
    fn change(&mut self) -> Option<Digest> {
        let started = Instant::now();
        loop {
            match told(&mut self.events).as_slice() {
                [] if started.elapsed() > Duration::from_secs(5) => panic!("nothing is told"),
                [] => std::thread::sleep(Duration::from_millis(5)),
                [Event::Changed { skill, digest }] => {
                    assert_eq!(skill, "x");
                    return *digest;
                }
                events => panic!("{events:?}"),
            }
        }
    }

    /// A change that is told, with what is there.
    fn is_told(&mut self) {
        let digest = self.change();
        assert_eq!(digest, Some(skill_at(self.path()).digest()));
    }

    fn nothing_is_told(&mut self) {
        std::thread::sleep(INTERVAL * 8);
        assert_eq!(told(&mut self.events), []);
    }
}

/// Puts a file in place at once, so that no half of it is seen.
fn put(folder: &Path, name: &str, content: &str) {
    let aside = tempfile::NamedTempFile::new().unwrap();
    fs::write(aside.path(), content).unwrap();
    let place = folder.join(name);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    // A rename, where that is possible, so that nothing else is ever there.
    if aside.persist(&place).is_err() {
        fs::write(place, content).unwrap();
    }
}

#[test]
fn what_changes_is_told_with_the_new_digest() {
    let mut watched = Watched::new();
    watched.nothing_is_told();
    put(watched.path(), "SKILL.md", &super::text("x", "two"));
    watched.is_told();
    put(watched.path(), "scripts/run.sh", "echo\n");
    watched.is_told();
    put(watched.path(), "scripts/run.sh", "echo more\n");
    watched.is_told();
    fs::remove_file(watched.path().join("scripts/run.sh")).unwrap();
    watched.is_told();
    put(watched.path(), "SKILL.md", &super::text("x", "one"));
    watched.is_told();
    watched.nothing_is_told();
    // It is told and no more: what is loaded is up to the host.
    let skill = skill_at(watched.path());
    assert!(load(&watched.vm, &skill).variant.text().contains("one"));
}

#[test]
fn the_same_size_at_another_time_is_a_change_too() {
    let mut watched = Watched::new();
    put(watched.path(), "SKILL.md", &super::text("x", "eno"));
    watched.is_told();
}

#[test]
fn what_is_touched_and_stays_the_same_is_not_told() {
    let mut watched = Watched::new();
    let file = File::options().append(true).open(watched.path().join("SKILL.md")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)).unwrap();
    watched.nothing_is_told();
    put(watched.path(), "SKILL.md", &super::text("x", "one"));
    fs::create_dir(watched.path().join("empty")).unwrap();
    watched.nothing_is_told();
    put(watched.path(), "SKILL.md", &super::text("x", "two"));
    watched.is_told();
}

#[test]
fn a_skill_that_cannot_be_loaded_any_more_is_told_and_so_is_its_return() {
    let mut watched = Watched::new();
    let good = super::text("x", "one");
    put(watched.path(), "SKILL.md", &"long\n".repeat(1_000));
    assert_eq!(watched.change(), None);
    put(watched.path(), "SKILL.md", &good);
    watched.is_told();
    fs::remove_file(watched.path().join("SKILL.md")).unwrap();
    assert_eq!(watched.change(), None);
    // Still broken, whatever else is done.
    put(watched.path(), "notes.txt", "lost\n");
    watched.nothing_is_told();
    put(watched.path(), "SKILL.md", &good);
    watched.is_told();
    fs::remove_dir_all(watched.path()).unwrap();
    assert_eq!(watched.change(), None);
}

/// Between loading and watching, nobody looked.
#[test]
fn what_changed_before_the_watch_began_is_told() {
    let mut watched = Watched::new();
    let before = skill_at(watched.path());
    watched.watch = None;
    put(watched.path(), "SKILL.md", &super::text("x", "two"));
    watched.watch = Some(watched.vm.watch(&before, INTERVAL).unwrap());
    watched.is_told();
    watched.nothing_is_told();
}

#[test]
fn it_ends_when_it_is_dropped() {
    let mut watched = Watched::new();
    watched.watch = None;
    put(watched.path(), "SKILL.md", &super::text("x", "two"));
    watched.nothing_is_told();
    // A long interval keeps nobody waiting.
    let long = watched.vm.watch(&skill_at(watched.path()), Duration::from_secs(3_600)).unwrap();
    let started = Instant::now();
    drop(long);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn an_engine_that_is_gone_ends_it_too() {
    let watched = Watched::new();
    let Watched { folder, vm, mut events, watch } = watched;
    drop(vm);
    put(folder.path(), "SKILL.md", &super::text("x", "two"));
    std::thread::sleep(INTERVAL * 8);
    assert_eq!(told(&mut events), []);
    drop(watch);
}

#[test]
fn one_that_is_not_called_skill_md_is_watched_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.md");
    put(folder.path(), "notes.md", &super::text("notes", "one"));
    let skill = Skill::load(&path).unwrap();
    assert_eq!(skill.entry(), "notes.md");
    let vm = SkVm::builder().build();
    let mut events = vm.events();
    let _watch = vm.watch(&skill, INTERVAL).unwrap();
    put(folder.path(), "notes.md", &super::text("notes", "two"));
    let digest = Skill::load(&path).unwrap().digest();
    let mut seen = Vec::new();
    super::until("it is told", || {
        seen.extend(told(&mut events));
        !seen.is_empty()
    });
    assert_eq!(seen, [Event::Changed { skill: "notes".to_owned(), digest: Some(digest) }]);
}

/// The clocks of file systems are coarse: what is written twice within a tick has one time.
#[test]
fn a_change_that_has_the_size_and_the_time_of_the_one_before_is_told() {
    let mut watched = Watched::new();
    put(watched.path(), "SKILL.md", &super::text("x", "two"));
    watched.is_told();
    let place = watched.path().join("SKILL.md");
    let time = fs::metadata(&place).unwrap().modified().unwrap();
    put(watched.path(), "SKILL.md", &super::text("x", "owt"));
    File::options().append(true).open(&place).unwrap().set_modified(time).unwrap();
    watched.is_told();
    watched.nothing_is_told();
}
