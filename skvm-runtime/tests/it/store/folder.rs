//! Variants as folders: whatever happens to one, it is found, told and built anew.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::pass::{Unit, pass_fn};
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;
use skvm_runtime::store::{FolderError, Materialized, materialize};
use tempfile::TempDir;

use super::process::{Process, tell};
use super::{random, rounds};

/// Set for processes that build: the place, and whether they do it for ever.
const PLACE: &str = "SKVM_TEST_PLACE";
const FOR_EVER: &str = "SKVM_TEST_FOR_EVER";

/// A skill on disk, its variant, and where folders are built.
struct Place {
    skill: Skill,
    variant: Variant,
    parent: PathBuf,
}

const FILES: [(&str, &[u8], bool); 6] = [
    ("assets/data.bin", &[0, 0xff, 0x80, b'\n', b'\r', 0, 1, 2, 3], false),
    ("empty.txt", b"", false),
    ("nested/deep/er/note.md", "naïve 漢字\n".as_bytes(), false),
    ("references/api.md", b"# API\n\nGET /things\n", false),
    ("scripts/lib.py", b"def run():\n    return 1\n", false),
    ("scripts/run.sh", b"#!/bin/sh\necho run\n", true),
];

fn write(path: &Path, content: &[u8], executable: bool) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    let mode = if executable { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Writes a skill of these files and so many more.
fn make(folder: &Path, more: usize) {
    let text = "---\nname: do-things\ndescription: d\n---\n# Do\n\nSee `references/api.md`.\n";
    write(&folder.join("skill/SKILL.md"), text.as_bytes(), false);
    for (path, content, executable) in FILES {
        write(&folder.join("skill").join(path), content, executable);
    }
    for number in 0..more {
        let path = folder.join(format!("skill/more/{number}.txt"));
        write(&path, number.to_string().repeat(500).as_bytes(), false);
    }
}

impl Place {
    fn new() -> (TempDir, Self) {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), 0);
        let place = Self::at(folder.path());
        (folder, place)
    }

    /// The place that another process has made.
    fn at(folder: &Path) -> Self {
        let skill = Skill::load(folder.join("skill")).unwrap();
        let pass = pass_fn("sign", |cx| {
            let reason = EditReason::new("sign", EditKind::Compensation, "signs");
            cx.edit(Edit::insert(cx.source().len(), "\nSigned.\n", reason))
        });
        let passes = PassManager::builder().pass(pass).build().unwrap();
        let unit = Unit::new(skill.clone(), Target::new("m", "h"));
        let variant = block_on(passes.compile(&unit)).unwrap().variant;
        Self { skill, variant, parent: folder.join("variants") }
    }

    fn build(&self) -> Materialized {
        materialize(&self.variant, &self.skill, &self.parent).unwrap()
    }

    /// What has to be in the folder.
    fn expected(&self) -> BTreeMap<String, (Vec<u8>, bool)> {
        let mut expected = files(self.skill.root());
        let text = self.variant.text().as_bytes().to_vec();
        assert!(text.ends_with(b"Signed.\n"));
        expected.insert("SKILL.md".to_owned(), (text, false));
        expected
    }

    /// The folder is as it has to be, and nothing else is left beside it.
    fn is_built(&self, folder: &Path) {
        assert_eq!(files(folder), self.expected());
        let beside: Vec<_> = fs::read_dir(&self.parent).unwrap().map(Result::unwrap).collect();
        let beside: Vec<_> = beside.iter().map(fs::DirEntry::path).collect();
        assert_eq!(beside, [folder]);
        assert!(fs::symlink_metadata(folder).unwrap().is_dir());
    }

    /// Something happens to the folder; that is told in so many words, and it is built anew.
    fn finds(&self, told: &str, happens: impl FnOnce(&Path)) {
        let folder = self.build().folder;
        happens(&folder);
        let built = self.build();
        assert_eq!(built.folder, folder);
        assert!(built.damage.iter().any(|damage| damage.contains(told)), "{told}: {built:?}");
        self.is_built(&folder);
        assert_eq!(self.build().damage, Vec::<String>::new(), "{told}");
    }
}

/// The files below a folder, with their content and whether they may be executed; everything has to be a plain file.
fn files(folder: &Path) -> BTreeMap<String, (Vec<u8>, bool)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let data = fs::symlink_metadata(&path).unwrap();
            if data.is_dir() {
                folders.push(path);
                continue;
            }
            assert!(data.is_file(), "{}", path.display());
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            found.insert(name, (fs::read(&path).unwrap(), data.mode() & 0o111 != 0));
        }
    }
    found
}

#[test]
fn a_variant_is_built_as_a_folder_once() {
    let (_folder, place) = Place::new();
    let built = place.build();
    assert_eq!(built.damage, Vec::<String>::new());
    assert!(built.folder.starts_with(&place.parent));
    place.is_built(&built.folder);
    let inode = |path: &str| fs::metadata(built.folder.join(path)).unwrap().ino();
    let before = (inode(""), inode("SKILL.md"), inode("scripts/run.sh"));
    assert_eq!(place.build(), built);
    assert_eq!(before, (inode(""), inode("SKILL.md"), inode("scripts/run.sh")), "left alone");
}

#[test]
fn each_changed_byte_is_found() {
    let (_folder, place) = Place::new();
    for (path, (content, _)) in place.expected() {
        for at in (0..content.len()).step_by(rounds(5, 1)) {
            place.finds(&path, |folder| {
                let mut content = content.clone();
                content[at] ^= 1 << (at % 8);
                fs::write(folder.join(&path), content).unwrap();
            });
        }
    }
}

#[test]
fn a_file_too_many_is_found() {
    let (_folder, place) = Place::new();
    for path in ["extra.txt", "scripts/extra.py", ".hidden", "new/folder/x", "skill.md.bak"] {
        place.finds(path, |folder| write(&folder.join(path), b"x", false));
        place.finds(path, |folder| write(&folder.join(path), b"", true));
    }
    place.finds("link", |folder| symlink("/etc/hostname", folder.join("link")).unwrap());
    place.finds("scripts/link", |folder| symlink("..", folder.join("scripts/link")).unwrap());
}

#[test]
fn a_file_that_is_lost_or_something_else_is_found() {
    let (_folder, place) = Place::new();
    for (path, (content, executable)) in place.expected() {
        let at = |folder: &Path| folder.join(&path);
        place.finds(&path, |folder| fs::remove_file(at(folder)).unwrap());
        // Other lengths.
        let longer = [&content[..], b"x"].concat();
        place.finds(&path, |folder| fs::write(at(folder), &longer).unwrap());
        if let Some(shorter) = content.get(1..) {
            place.finds(&path, |folder| fs::write(at(folder), shorter).unwrap());
        }
        // A link to a file with the same content could lead to another one tomorrow.
        place.finds(&path, |folder| {
            let other = place.parent.with_file_name("other");
            write(&other, &content, executable);
            fs::remove_file(at(folder)).unwrap();
            symlink(&other, at(folder)).unwrap();
        });
        place.finds(&path, |folder| {
            fs::remove_file(at(folder)).unwrap();
            fs::create_dir(at(folder)).unwrap();
        });
        if path != "SKILL.md" {
            place.finds(&path, |folder| {
                let mode = if executable { 0o644 } else { 0o755 };
                fs::set_permissions(at(folder), fs::Permissions::from_mode(mode)).unwrap();
            });
        }
    }
}

#[test]
fn a_folder_that_is_something_else_is_found() {
    let (_folder, place) = Place::new();
    let move_away = |path: &Path| {
        let other = place.parent.with_file_name("moved");
        let _none = fs::remove_dir_all(&other);
        fs::rename(path, &other).unwrap();
        other
    };
    for inner in ["scripts", "nested/deep"] {
        // A link to a folder with the same content.
        place.finds(inner, |folder| {
            let path = folder.join(inner);
            symlink(move_away(&path), &path).unwrap();
        });
        place.finds(inner, |folder| {
            let path = folder.join(inner);
            move_away(&path);
            fs::write(&path, "x").unwrap();
        });
        place.finds(inner, |folder| {
            move_away(&folder.join(inner));
        });
    }
    // The folder itself.
    place.finds("", |folder| symlink(move_away(folder), folder).unwrap());
    place.finds("", |folder| symlink(move_away(folder).join("none"), folder).unwrap());
    place.finds("", |folder| {
        move_away(folder);
        fs::write(folder, "x").unwrap();
    });
    place.finds("", |folder| {
        move_away(folder);
        fs::create_dir(folder).unwrap();
    });
    // One that is gone is no damage.
    move_away(&place.build().folder);
    let built = place.build();
    assert_eq!(built.damage, Vec::<String>::new());
    place.is_built(&built.folder);
}

/// What a link led to stays as it is.
#[test]
fn what_lies_elsewhere_is_left_alone() {
    let (folder, place) = Place::new();
    let elsewhere = folder.path().join("elsewhere");
    write(&elsewhere.join("deep/kept.txt"), b"kept", false);
    place.finds("scripts", |folder| {
        fs::remove_dir_all(folder.join("scripts")).unwrap();
        symlink(&elsewhere, folder.join("scripts")).unwrap();
    });
    place.finds("", |folder| {
        fs::remove_dir_all(folder).unwrap();
        symlink(&elsewhere, folder).unwrap();
    });
    // A cache that is none.
    place.finds("__pycache__", |folder| symlink(&elsewhere, folder.join("__pycache__")).unwrap());
    assert_eq!(fs::read(elsewhere.join("deep/kept.txt")).unwrap(), b"kept");
}

/// Running the scripts leaves caches behind. They are no damage, and they do not stay.
#[test]
fn what_interpreters_leave_is_cleared() {
    let (_folder, place) = Place::new();
    let folder = place.build().folder;
    for cache in ["__pycache__", "scripts/__pycache__", "nested/.pytest_cache"] {
        write(&folder.join(cache).join("lib.pyc"), b"x", false);
    }
    assert_eq!(place.build().damage, Vec::<String>::new());
    place.is_built(&folder);
}

#[test]
fn another_skill_is_refused() {
    let (_folder, place) = Place::new();
    let (_other, other) = Place::new();
    write(&other.skill.root().join("more.txt"), b"x", false);
    let other = Skill::load(other.skill.root()).unwrap();
    let refused = materialize(&place.variant, &other, &place.parent).unwrap_err();
    assert!(matches!(&refused, FolderError::OtherSkill { skill } if skill == "do-things"));
    assert!(!place.parent.exists());
}

/// What is built comes from what was loaded, or not at all.
#[test]
fn a_skill_that_changed_since_is_refused() {
    let (_folder, place) = Place::new();
    let folder = place.build().folder;
    let before = files(&folder);
    let changed = place.skill.root().join("scripts/lib.py");
    for happens in [
        (|path: &Path| fs::write(path, "def run():\n    return 2\n").unwrap()) as fn(&Path),
        |path| fs::write(path, "").unwrap(),
    ] {
        happens(&changed);
        // As long as the folder is as it has to be, nothing is read.
        assert_eq!(place.build().damage, Vec::<String>::new());
        fs::write(folder.join("empty.txt"), "x").unwrap();
        let refused = materialize(&place.variant, &place.skill, &place.parent).unwrap_err();
        assert!(refused.to_string().contains("lib.py"), "{refused}");
        assert_eq!(files(&folder)["empty.txt"].0, b"x", "left as it was");
        fs::write(folder.join("empty.txt"), "").unwrap();
        assert_eq!(files(&folder), before);
        assert_eq!(fs::read_dir(&place.parent).unwrap().count(), 1, "nothing is left");
    }
    fs::remove_file(&changed).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let refused = materialize(&place.variant, &place.skill, &place.parent).unwrap_err();
    assert!(matches!(&refused, FolderError::Io { path, .. } if path.ends_with("scripts/lib.py")));
    assert_eq!(fs::read_dir(&place.parent).unwrap().count(), 0, "nothing is left");
}

/// From the moment that it was given to somebody, the folder is as it has to be.
fn build_and_look(place: &Place) {
    let folder = place.build().folder;
    assert_eq!(files(&folder), place.expected());
}

#[test]
fn many_threads_build_it_at_once() {
    const THREADS: usize = 8;
    let (_folder, place) = Place::new();
    let folder = place.build().folder;
    for round in 0..rounds(30, 300) {
        match round % 3 {
            0 => fs::remove_dir_all(&folder).unwrap(),
            1 => fs::write(folder.join("scripts/run.sh"), "#!/bin/sh\necho evil\n").unwrap(),
            _ => fs::remove_file(folder.join("SKILL.md")).unwrap(),
        }
        let barrier = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    barrier.wait();
                    build_and_look(&place);
                });
            }
        });
        place.is_built(&folder);
    }
}

fn builder(folder: &Path, for_ever: bool) -> Process {
    let for_ever = for_ever.then_some((FOR_EVER, "1".as_ref()));
    let variables = [(PLACE, folder.as_os_str())].into_iter().chain(for_ever);
    Process::start("store::folder::a_process_that_builds", variables)
}

#[test]
#[ignore = "is started by the tests below"]
fn a_process_that_builds() {
    let Some(folder) = std::env::var_os(PLACE) else { return };
    let place = Place::at(Path::new(&folder));
    if std::env::var_os(FOR_EVER).is_none() {
        build_and_look(&place);
        return;
    }
    loop {
        let folder = place.build().folder;
        tell("built");
        // In turns, it is changed, lost and there.
        fs::write(folder.join("scripts/run.sh"), "#!/bin/sh\necho evil\n").unwrap();
        let folder = place.build().folder;
        tell("built");
        // At once, so that half a folder is none of this one's doing.
        let away = place.parent.with_file_name("away");
        fs::rename(folder, &away).unwrap();
        fs::remove_dir_all(&away).unwrap();
    }
}

#[test]
fn many_processes_build_it_at_once() {
    const PROCESSES: usize = 8;
    let (folder, place) = Place::new();
    for round in 0..rounds(4, 30) {
        let built = place.build().folder;
        match round % 2 {
            0 => fs::remove_dir_all(&built).unwrap(),
            _ => fs::write(built.join("scripts/run.sh"), "#!/bin/sh\necho evil\n").unwrap(),
        }
        let processes: Vec<_> = (0..PROCESSES).map(|_| builder(folder.path(), false)).collect();
        for process in processes {
            process.passes();
        }
        place.is_built(&built);
    }
}

/// One that is killed while it builds leaves the folder as it was, or none, or a whole one.
#[test]
fn one_that_is_killed_leaves_no_half_folder() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), 100);
    let place = Place::at(folder.path());
    let expected = place.expected();
    let built = place.parent.join(name_of(&place));
    let began = Instant::now();
    place.build();
    // How long it takes depends on what else the machine does.
    let usual = began.elapsed().as_micros() as u64 + 1;
    for round in 0..rounds(40, 200) {
        let process = builder(folder.path(), true);
        let chance = random(round as u64);
        for _ in 0..chance % 3 {
            assert_eq!(process.next().as_deref(), Some("built"));
        }
        std::thread::sleep(Duration::from_micros((chance >> 8) % (2 * usual)));
        process.kill();
        let _none = fs::remove_dir_all(place.parent.with_file_name("away"));
        if !built.exists() {
            continue;
        }
        let mut found = files(&built);
        // It may have changed that itself.
        found.insert("scripts/run.sh".to_owned(), expected["scripts/run.sh"].clone());
        assert_eq!(found, expected);
    }
    assert_eq!(place.build().folder, built);
    assert_eq!(files(&built), expected);
}

/// The name of the folder of a variant.
fn name_of(place: &Place) -> String {
    format!("do-things-{}", place.variant.digest().short())
}
