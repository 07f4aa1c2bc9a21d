//! The file tools do not leave the working directory.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::collection::vec;
use proptest::sample::select;
use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use proptest::{prop_assert, prop_assert_eq};
use serde_json::json;
use skvm_core::harness::{RunStatus, SkillView};
use skvm_core::skill::Skill;

use super::{Place, calls, millis, said};

const SECRET: &str = "not to be seen";

/// A working directory with links of every kind that lead out of it.
struct Jail {
    place: Place,
    outside: PathBuf,
}

impl Jail {
    fn new() -> Self {
        let place = Place::new();
        let outside = place.folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret.txt"), SECRET).unwrap();
        fs::create_dir(place.path("sub")).unwrap();
        symlink(outside.join("secret.txt"), place.path("absolute.txt")).unwrap();
        symlink("../outside/secret.txt", place.path("relative.txt")).unwrap();
        symlink("relative.txt", place.path("twice.txt")).unwrap();
        symlink(&outside, place.path("folder")).unwrap();
        symlink("../../outside", place.path("sub/up")).unwrap();
        symlink("/", place.path("root")).unwrap();
        symlink("../outside/new.txt", place.path("dangling.txt")).unwrap();
        symlink("loop", place.path("loop")).unwrap();
        Self { place, outside }
    }

    /// Paths that lead to the secret file.
    fn ways_out(&self) -> Vec<String> {
        let outside = self.outside.display();
        let workdir = self.place.workdir.display();
        let relative = [
            "../outside/secret.txt",
            "sub/../../outside/secret.txt",
            "absolute.txt",
            "relative.txt",
            "twice.txt",
            "folder/secret.txt",
            "sub/up/secret.txt",
            "sub/../folder/secret.txt",
            "nowhere/../../outside/secret.txt",
        ];
        let mut ways: Vec<String> = relative.iter().map(|path| (*path).to_owned()).collect();
        ways.push(format!("{outside}/secret.txt"));
        ways.push(format!("{workdir}/../outside/secret.txt"));
        ways.push(format!("{workdir}/folder/secret.txt"));
        ways.push(format!("root{outside}/secret.txt"));
        ways
    }

    /// Everything in the outside folder.
    fn outside(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = fs::read_dir(&self.outside).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }
}

#[tokio::test]
async fn nothing_outside_is_read() {
    let jail = Jail::new();
    for path in jail.ways_out() {
        let told = jail.place.fails("read_file", json!({ "path": path })).await;
        assert!(!told.contains(SECRET), "{path}: {told}");
    }
    for path in ["/etc/hostname", "/proc/self/environ", "/dev/zero", "root/etc/passwd", "loop"] {
        jail.place.fails("read_file", json!({ "path": path })).await;
    }
}

#[tokio::test]
async fn nothing_outside_is_written() {
    let jail = Jail::new();
    let before = jail.outside();
    let mut ways = jail.ways_out();
    ways.extend(
        ["dangling.txt", "folder/new.txt", "folder/deep/new.txt", "sub/up/deep/new.txt"]
            .map(String::from),
    );
    ways.extend(["../new.txt", "../deep/new.txt", "loop", "loop/new.txt"].map(String::from));
    ways.push(jail.outside.join("new.txt").display().to_string());
    for path in ways {
        jail.place.fails("write_file", json!({"path": path, "content": "gone out"})).await;
        assert_eq!(jail.outside(), before, "{path}");
    }
    let siblings = fs::read_dir(jail.place.folder.path()).unwrap().count();
    assert_eq!(siblings, 2);
    // The links are still links.
    assert!(fs::symlink_metadata(jail.place.path("relative.txt")).unwrap().is_symlink());
}

#[tokio::test]
async fn nothing_outside_is_listed() {
    let jail = Jail::new();
    let outside = jail.outside.display().to_string();
    for path in ["..", "../outside", "folder", "sub/up", "root", "/", "loop", &outside] {
        let told = jail.place.fails("list_directory", json!({ "path": path })).await;
        assert!(!told.contains("secret.txt"), "{path}: {told}");
    }
}

/// Paths put together at random of all that could lead out.
#[test]
fn no_path_leads_out() {
    const PARTS: [&str; 14] = [
        "..",
        "..",
        ".",
        "",
        "sub",
        "up",
        "folder",
        "root",
        "outside",
        "work",
        "nowhere",
        "secret.txt",
        "relative.txt",
        "new.txt",
    ];
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let path = (0..4_usize, vec(select(&PARTS[..]), 1..6));
    let outcome = TestRunner::new(config).run(&path, |(start, parts)| {
        let jail = Jail::new();
        let before = jail.outside();
        let starts = [Path::new("."), Path::new("/"), &jail.place.workdir, &jail.outside];
        let path = format!("{}/{}", starts[start].display(), parts.join("/"));
        let input = json!({ "path": path });
        let answers = [
            calls("read_file", input.clone()),
            calls("list_directory", input),
            calls("write_file", json!({"path": path, "content": "gone out"})),
            said("done"),
        ];
        let seen = runtime.block_on(jail.place.run(answers));
        let told = seen.results().into_iter().map(|result| result.output.unwrap());
        for told in told.take(2) {
            prop_assert!(!told.contains(SECRET), "{path}");
            prop_assert!(!told.lines().any(|line| line == "secret.txt"), "{path}");
        }
        prop_assert_eq!(jail.outside(), before, "{}", path);
        prop_assert_eq!(fs::read_dir(jail.place.folder.path()).unwrap().count(), 2, "{}", path);
        Ok(())
    });
    outcome.unwrap();
}

/// A pipe without a writer makes an open wait; a run must neither wait nor leave a thread behind.
#[tokio::test]
async fn a_pipe_is_no_file() {
    let mut place = Place::new();
    place.limits.deadline = millis(900);
    let pipe = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let read = calls("read_file", json!({"path": "pipe"}));
    let write = calls("write_file", json!({"path": "pipe", "content": "x"}));
    let seen = place.run([read, write, said("done")]).await;
    // Whoever waits for the other end of the pipe goes on now, and the test can fail.
    drop(fs::File::options().read(true).write(true).open(&pipe).unwrap());
    assert_eq!(seen.record.status, RunStatus::Ok);
    let results = seen.results();
    assert_eq!(results[0].output.as_deref(), Some("cannot read pipe: it is not a file"));
    assert!(results[1].is_error, "{:?}", results[1]);
}

/// Somebody reads from the pipe: nothing may come out of it.
#[tokio::test]
async fn a_pipe_with_a_reader_is_not_written() {
    let place = Place::new();
    let pipe = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = fs::File::options().read(true).write(true).open(&pipe).unwrap();
    place.fails("write_file", json!({"path": "pipe", "content": "x"})).await;
    drop(reader);
}

#[tokio::test]
async fn a_socket_is_no_file() {
    let place = Place::new();
    let _listener = UnixListener::bind(place.path("socket")).unwrap();
    place.fails("read_file", json!({"path": "socket"})).await;
    place.fails("write_file", json!({"path": "socket", "content": "x"})).await;
    assert_eq!(place.succeeds("list_directory", json!({})).await, "socket");
}

/// A skill's folder is read, and nothing else: not written, and not left either.
#[tokio::test]
async fn the_folder_of_a_skill_is_a_jail_too() {
    let mut jail = Jail::new();
    let root = jail.place.folder.path().join("skill");
    fs::create_dir(&root).unwrap();
    let text = "---\nname: s\ndescription: d\n---\n# S\n";
    fs::write(root.join("SKILL.md"), text).unwrap();
    fs::write(root.join("data.txt"), "data").unwrap();
    let mut view = SkillView::of(&Skill::load(&root).unwrap());
    view.root = Some(root.canonicalize().unwrap());
    // Links that came after loading.
    symlink("../outside/secret.txt", root.join("link.txt")).unwrap();
    symlink(&jail.outside, root.join("out")).unwrap();
    let root_name = root.display();
    jail.place.skill = Some(view);

    for path in ["link.txt", "out/secret.txt"] {
        for path in [path.to_owned(), format!("{root_name}/{path}")] {
            let told = jail.place.fails("read_file", json!({ "path": path })).await;
            assert!(!told.contains(SECRET), "{path}");
        }
    }
    jail.place
        .fails("read_file", json!({"path": format!("{root_name}/../outside/secret.txt")}))
        .await;
    jail.place.fails("list_directory", json!({"path": format!("{root_name}/..")})).await;
    for path in ["data.txt", "SKILL.md", "new.txt", "deep/new.txt"] {
        let path = format!("{root_name}/{path}");
        jail.place.fails("write_file", json!({"path": path, "content": "x"})).await;
    }
    assert_eq!(fs::read_to_string(root.join("data.txt")).unwrap(), "data");
    assert_eq!(fs::read_dir(&root).unwrap().count(), 4);
    // A relative path is written in the working directory, also where the skill has such a file.
    jail.place.succeeds("write_file", json!({"path": "data.txt", "content": "mine"})).await;
    assert_eq!(jail.place.content("data.txt"), "mine");
    assert_eq!(fs::read_to_string(root.join("data.txt")).unwrap(), "data");
}

/// What the system refuses is told with its reason; as root it refuses nothing.
#[tokio::test]
async fn what_the_system_refuses_is_told() {
    let place = Place::new();
    let file = place.file("a.txt", "x");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&file).is_ok() {
        return;
    }
    let told = place.fails("read_file", json!({"path": "a.txt"})).await;
    assert!(told.starts_with("cannot read a.txt: "), "{told}");
    place.fails("write_file", json!({"path": "a.txt", "content": "y"})).await;
}
