//! The command runner against real processes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use skvm_runtime::command::{
    CommandError, CommandOutput, CommandRunner, CommandSpec, Environment, Exit,
};
use tempfile::TempDir;

/// Far more than any of these commands needs, far less than those that must be killed would take.
const SOON: Duration = Duration::from_secs(10);

struct Place {
    folder: TempDir,
    runner: CommandRunner,
}

impl Place {
    fn new() -> Self {
        Self::with(Environment::from_host())
    }

    fn with(environment: Environment) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runner = CommandRunner::new(environment, [folder.path()]).unwrap();
        Self { folder, runner }
    }

    fn spec(&self, program: &str) -> CommandSpec {
        CommandSpec::new(program, self.folder.path())
    }

    fn shell(&self, script: &str) -> CommandSpec {
        self.spec("sh").with_args(["-c", script])
    }

    async fn run(&self, spec: CommandSpec) -> CommandOutput {
        self.runner.run(spec).await.unwrap()
    }

    /// The number that a process wrote to a file, which may still be coming.
    async fn pid(&self, file: &str) -> Pid {
        let read = || {
            let text = std::fs::read_to_string(self.folder.path().join(file)).ok()?;
            Pid::from_raw(text.strip_suffix('\n')?.parse().ok()?)
        };
        until(|| read().is_some()).await;
        read().unwrap()
    }
}

async fn until(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < SOON, "waited in vain");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether the process runs. One that ended and that nobody has asked about yet does not.
fn runs(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let is_zombie = stat.is_ok_and(|stat| {
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    });
    !is_zombie && test_kill_process(pid).is_ok()
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test]
async fn arguments_arrive_as_they_are() {
    let place = Place::new();
    let values = [
        "; touch injected",
        "$(touch injected)",
        "`touch injected`",
        "it's \"quoted\" \\ and 'more'",
        "two\nlines\n",
        "EOF\ntouch injected",
        "-n",
        "--help",
        "$HOME ${HOME} $& %s * ~",
        "köln 東京 🦀",
        " spaces  and\ttabs ",
        "",
    ];
    for value in values {
        let output = place.run(place.spec("printf").with_args(["[%s]", value])).await;
        assert_eq!(output.exit, Exit::Code(0), "{value:?}");
        assert_eq!(output.stdout.text(), format!("[{value}]"));
    }
    let all = place.spec("printf").with_arg("[%s]").with_args(values);
    let expected: String = values.iter().map(|value| format!("[{value}]")).collect();
    assert_eq!(place.run(all).await.stdout.text(), expected);
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn arguments_that_are_no_text_arrive_and_a_zero_byte_is_refused() {
    let place = Place::new();
    let bytes = b"a\xff\xfeb";
    let spec = place.spec("printf").with_arg("%s").with_arg(OsStr::from_bytes(bytes));
    assert_eq!(place.run(spec).await.stdout.head, bytes);
    let error = place.runner.run(place.spec("printf").with_arg("a\0b")).await.unwrap_err();
    assert!(matches!(error, CommandError::Spawn { .. }), "{error:?}");
}

#[tokio::test]
async fn codes_and_signals_are_told_apart() {
    let place = Place::new();
    for (script, exit, text) in [
        ("exit 0", Exit::Code(0), "exit code 0"),
        ("exit 3", Exit::Code(3), "exit code 3"),
        ("exit 143", Exit::Code(143), "exit code 143"),
        ("kill -TERM $$", Exit::Signal(15), "signal 15"),
        ("kill -KILL $$", Exit::Signal(9), "signal 9"),
    ] {
        let output = place.run(place.shell(script)).await;
        assert_eq!(output.exit, exit, "{script}");
        assert_eq!(output.exit.to_string(), text);
        assert_eq!(output.success(), script == "exit 0");
    }
}

#[tokio::test]
async fn floods_on_both_streams_are_capped_without_deadlock() {
    let place = Place::new();
    let script = "printf start; printf START >&2
        head -c 10000000 /dev/zero | tr '\\0' a; head -c 10000000 /dev/zero | tr '\\0' b >&2
        printf end; printf END >&2";
    let output = place.run(place.shell(script).with_output_cap(1000)).await;
    assert_eq!(output.exit, Exit::Code(0));
    for (stream, start, end) in [(&output.stdout, "start", "end"), (&output.stderr, "START", "END")]
    {
        assert_eq!((stream.head.len(), stream.tail.len()), (500, 500));
        assert_eq!(stream.omitted, 10_000_000 + (start.len() + end.len()) as u64 - 1000);
        let text = stream.text();
        assert!(text.starts_with(start) && text.ends_with(end), "{text}");
        assert!(text.contains(&format!("\n... {} bytes left out ...\n", stream.omitted)), "{text}");
    }
}

#[tokio::test]
async fn output_within_the_cap_is_whole() {
    let place = Place::new();
    let output = place.run(place.shell("seq 1 5000; echo done >&2")).await;
    let expected: String = (1..=5000).map(|line| format!("{line}\n")).collect();
    assert!(output.stdout.is_complete() && output.stdout.text() == expected);
    assert_eq!(output.stderr.text(), "done\n");
}

#[tokio::test]
async fn the_deadline_asks_first() {
    let place = Place::new();
    let script = "trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.02; done";
    let spec = place.shell(script).with_deadline(millis(300)).with_grace(SOON);
    let output = place.run(spec).await;
    assert_eq!(output.exit, Exit::Deadline);
    assert_eq!(output.stdout.text(), "ready\nasked\n");
    assert!(!output.success());
    assert!(output.duration >= millis(300) && output.duration < SOON / 2, "{:?}", output.duration);
}

#[tokio::test]
async fn the_deadline_then_kills_the_whole_group() {
    let place = Place::new();
    let script = "trap '' TERM; echo $$ >child; sleep 60 & echo $! >grandchild; echo ready; wait
        sleep 60";
    let spec = place.shell(script).with_deadline(millis(300)).with_grace(millis(300));
    let started = Instant::now();
    let output = place.run(spec).await;
    let took = started.elapsed();
    assert_eq!(output.exit, Exit::Deadline);
    assert_eq!(output.stdout.text(), "ready\n");
    assert!(took >= millis(600) && took < millis(1500), "{took:?}");
    let (child, grandchild) = (place.pid("child").await, place.pid("grandchild").await);
    until(|| !runs(child) && !runs(grandchild)).await;
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipes_delays_by_the_grace_and_is_killed() {
    let place = Place::new();
    let script = "sleep 60 & echo $! >grandchild; echo hi";
    let output = place.run(place.shell(script).with_grace(millis(300))).await;
    assert_eq!((output.exit, output.stdout.text().as_str()), (Exit::Code(0), "hi\n"));
    assert!(output.duration >= millis(300) && output.duration < SOON / 2, "{:?}", output.duration);
    let grandchild = place.pid("grandchild").await;
    until(|| !runs(grandchild)).await;
}

#[tokio::test]
async fn a_grandchild_that_holds_nothing_is_killed_without_delay() {
    let place = Place::new();
    let script = "sleep 60 >/dev/null 2>&1 & echo $! >grandchild; exit 4";
    let output = place.run(place.shell(script).with_grace(SOON)).await;
    assert_eq!(output.exit, Exit::Code(4));
    assert!(output.duration < SOON / 2, "{:?}", output.duration);
    let grandchild = place.pid("grandchild").await;
    until(|| !runs(grandchild)).await;
}

#[tokio::test]
async fn what_a_grandchild_writes_within_the_grace_is_kept() {
    let place = Place::new();
    let output = place.run(place.shell("(sleep 0.2; echo late) & echo hi").with_grace(SOON)).await;
    assert_eq!((output.exit, output.stdout.text().as_str()), (Exit::Code(0), "hi\nlate\n"));
    assert!(output.duration < SOON / 2, "{:?}", output.duration);
}

#[tokio::test]
async fn a_flooding_grandchild_hides_neither_the_end_nor_the_grace() {
    let place = Place::new();
    let script = "yes & echo $! >grandchild; sleep 0.1; exit 5";
    let output = place.run(place.shell(script).with_grace(millis(200))).await;
    assert_eq!(output.exit, Exit::Code(5));
    assert!(output.duration < SOON / 2, "{:?}", output.duration);
    let grandchild = place.pid("grandchild").await;
    until(|| !runs(grandchild)).await;
}

/// The documented limit: who leaves the group is not killed. It must not delay us either.
#[tokio::test]
async fn a_process_that_left_the_group_delays_by_the_grace_only() {
    let place = Place::new();
    // The other program may be missing on systems other than Linux.
    if place.runner.run(place.spec("setsid").with_arg("true")).await.is_err() {
        return;
    }
    let script =
        "setsid sh -c 'echo $$ >daemon; exec sleep 60' & while [ ! -s daemon ]; do :; done";
    let output = place.run(place.shell(script).with_grace(millis(200))).await;
    let daemon = place.pid("daemon").await;
    let survived = runs(daemon);
    kill_process(daemon, Signal::KILL).unwrap();
    assert_eq!(output.exit, Exit::Code(0));
    assert!(output.duration < SOON / 2, "{:?}", output.duration);
    assert!(survived, "the docs say that it lives on");
}

#[tokio::test]
async fn a_deadline_with_a_process_that_left_the_group_is_kept() {
    let place = Place::new();
    if place.runner.run(place.spec("setsid").with_arg("true")).await.is_err() {
        return;
    }
    let script = "trap '' TERM; setsid sh -c 'echo $$ >daemon; exec sleep 60' & sleep 60; sleep 60";
    let spec = place.shell(script).with_deadline(millis(300)).with_grace(millis(200));
    let output = place.run(spec).await;
    kill_process(place.pid("daemon").await, Signal::KILL).unwrap();
    assert_eq!(output.exit, Exit::Deadline);
    assert!(output.duration < millis(1500), "{:?}", output.duration);
}

#[tokio::test]
async fn dropping_the_future_kills_the_group() {
    let place = Place::new();
    let script = "trap '' TERM; sleep 60 & echo $! >grandchild; echo $$ >child; sleep 60; sleep 60";
    let run = place.runner.run(place.shell(script));
    let (child, grandchild) = tokio::select! {
        output = run => panic!("ended by itself: {output:?}"),
        pids = async { (place.pid("child").await, place.pid("grandchild").await) } => pids,
    };
    until(|| !runs(child) && !runs(grandchild)).await;
}

#[tokio::test]
async fn only_allowed_variables_are_seen() {
    let path = std::env::var("PATH").unwrap();
    let host = [("PATH", path.as_str()), ("MODEL_API_KEY", "hunter2"), ("LANG", "C"), ("X", "y")];
    let place = Place::with(Environment::from_variables(host).with_variable("SET", "1"));
    let spec = place.spec("env").with_variable("ADDED", "a b\nc").with_variable("SET", "2");
    let text = place.run(spec).await.stdout.text();
    let has = |line: &str| text.lines().any(|found| found == line);
    assert!(has(&format!("PATH={path}")) && has("LANG=C") && has("SET=2"), "{text}");
    assert!(text.contains("ADDED=a b\nc\n"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("MODEL_API_KEY") && !has("X=y"), "{text}");
    // Nothing of this process comes along either: cargo sets some variables for it.
    let kept = ["PATH", "LANG", "SET", "ADDED"];
    for (name, _) in std::env::vars().filter(|(name, _)| !kept.contains(&name.as_str())) {
        assert!(!text.lines().any(|line| line.starts_with(&format!("{name}="))), "{name}: {text}");
    }

    let named = Environment::from_variables(host).allow("MODEL_API_KEY");
    let place = Place::with(named);
    assert!(place.run(place.spec("env")).await.stdout.text().contains("MODEL_API_KEY=hunter2\n"));
}

#[tokio::test]
async fn a_name_with_an_equals_sign_sets_no_other_variable() {
    let place = Place::new();
    let spec = place.spec("env").with_variable("LD_PRELOAD=/tmp/x.so:", "");
    let error = place.runner.run(spec).await.unwrap_err();
    assert!(matches!(error, CommandError::VariableName { .. }), "{error:?}");
}

/// Writes an executable script and gives the file, still open.
fn script(path: &Path, text: &str) -> File {
    let mut file = File::create(path).unwrap();
    write!(file, "#!/bin/sh\n{text}\n").unwrap();
    file.set_permissions(Permissions::from_mode(0o755)).unwrap();
    file
}

#[tokio::test]
async fn programs_are_searched_in_the_path_of_the_child() {
    let bin = tempfile::tempdir().unwrap();
    script(&bin.path().join("skvm-test-program"), "echo found \"$1\"");
    let place = Place::with(Environment::from_host().with_path_entry(bin.path()));
    let output = place.run(place.spec("skvm-test-program").with_arg("a b")).await;
    assert_eq!(output.stdout.text(), "found a b\n");
    let output = place.run(place.shell("skvm-test-program again; command -v seq >/dev/null")).await;
    assert_eq!((output.exit, output.stdout.text().as_str()), (Exit::Code(0), "found again\n"));
}

#[tokio::test]
async fn a_script_that_is_still_open_for_writing_is_tried_again() {
    let place = Place::new();
    let path = place.folder.path().join("script");
    let file = script(&path, "echo ran");
    let later = async {
        tokio::time::sleep(millis(10)).await;
        drop(file);
    };
    let (output, ()) = tokio::join!(place.run(place.spec(path.to_str().unwrap())), later);
    assert_eq!(output.stdout.text(), "ran\n");
}

async fn refused(runner: &CommandRunner, cwd: &Path) -> CommandError {
    let marker = "touch started";
    runner.run(CommandSpec::new("sh", cwd).with_args(["-c", marker])).await.unwrap_err()
}

#[tokio::test]
async fn the_jail_holds() {
    let root = tempfile::tempdir().unwrap();
    let folder = |name: &str| -> PathBuf {
        let path = root.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    };
    let (jail, inner, outside) = (folder("jail"), folder("jail/inner"), folder("outside"));
    let neighbour = folder("jail-neighbour");
    symlink(&outside, jail.join("out")).unwrap();
    symlink(&inner, outside.join("in")).unwrap();
    let runner = CommandRunner::new(Environment::from_host(), [&jail]).unwrap();

    let escapes = [
        outside.clone(),
        neighbour.clone(),
        jail.join("out"),
        jail.join("inner/../.."),
        "/".into(),
    ];
    for cwd in &escapes {
        let error = refused(&runner, cwd).await;
        assert!(matches!(error, CommandError::OutsideJail { .. }), "{cwd:?}: {error:?}");
        assert!(error.to_string().contains("outside"), "{error}");
    }
    assert!(!outside.join("started").exists() && !neighbour.join("started").exists());

    for cwd in [jail.clone(), inner.clone(), inner.join(".."), outside.join("in")] {
        let output = runner.run(CommandSpec::new("pwd", &cwd).with_arg("-P")).await.unwrap();
        let expected = cwd.canonicalize().unwrap();
        assert_eq!(output.stdout.text().trim_end(), expected.to_str().unwrap());
    }
}

#[tokio::test]
async fn a_working_directory_that_is_none_is_told() {
    let place = Place::new();
    std::fs::write(place.folder.path().join("file"), "").unwrap();
    for name in ["missing", "file"] {
        let error = refused(&place.runner, &place.folder.path().join(name)).await;
        assert!(matches!(error, CommandError::Cwd { .. }), "{error:?}");
        assert!(std::error::Error::source(&error).is_some());
    }
    let nowhere = CommandRunner::new(Environment::from_host(), Vec::<PathBuf>::new()).unwrap();
    let error = refused(&nowhere, place.folder.path()).await;
    assert!(matches!(error, CommandError::OutsideJail { .. }), "{error:?}");
    let missing = place.folder.path().join("missing");
    let error = CommandRunner::new(Environment::from_host(), [missing]).unwrap_err();
    assert!(matches!(error, CommandError::Jail { .. }), "{error:?}");
}

#[tokio::test]
async fn the_input_is_delivered_and_closed() {
    let place = Place::new();
    let input: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let spec = place.spec("cat").with_stdin(input.clone()).with_output_cap(input.len());
    let output = place.run(spec).await;
    assert!(output.stdout.is_complete());
    assert!([output.stdout.head, output.stdout.tail].concat() == input);
    let output = place.run(place.spec("cat")).await;
    assert_eq!((output.exit, output.stdout.text().as_str()), (Exit::Code(0), ""));
}

#[tokio::test]
async fn input_that_nobody_reads_blocks_nothing() {
    let place = Place::new();
    let input = vec![b'x'; 5_000_000];
    for script in ["exit 6", "sleep 0.1; echo done; exit 6", "exec <&-; exit 6"] {
        let output = place.run(place.shell(script).with_stdin(input.clone())).await;
        assert_eq!(output.exit, Exit::Code(6), "{script}");
        assert!(output.duration < SOON, "{:?}", output.duration);
    }
    // A grandchild holds the input alone.
    let script = "sleep 60 <&0 >/dev/null 2>&1 & exit 6";
    let output = place.run(place.shell(script).with_stdin(input).with_grace(SOON)).await;
    assert_eq!(output.exit, Exit::Code(6));
    assert!(output.duration < SOON / 2, "{:?}", output.duration);
}

#[tokio::test]
async fn closed_streams_are_not_taken_for_the_end() {
    let place = Place::new();
    let script = "exec >&- 2>&-; cat >input; exit 7";
    let output = place.run(place.shell(script).with_stdin(vec![b'x'; 1_000_000])).await;
    assert_eq!(output.exit, Exit::Code(7));
    let size = std::fs::metadata(place.folder.path().join("input")).unwrap().len();
    assert_eq!(size, 1_000_000);
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_a_typed_error() {
    let place = Place::new();
    for program in ["skvm-no-such-program", "/skvm/no/such/program"] {
        let error = place.runner.run(place.spec(program)).await.unwrap_err();
        assert!(matches!(error, CommandError::ProgramNotFound { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("finding the program {program:?}"));
        assert!(std::error::Error::source(&error).is_some());
    }
    let file = place.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = place.runner.run(place.spec(file.to_str().unwrap())).await.unwrap_err();
    assert!(matches!(error, CommandError::Spawn { .. }), "{error:?}");
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let place = Place::new();
    let error = futures::executor::block_on(place.runner.run(place.spec("true"))).unwrap_err();
    assert!(matches!(error, CommandError::NoRuntime { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_commands_run_at_once() {
    let place = Place::new();
    let runs = (0..40).map(|number| {
        let runner = place.runner.clone();
        let spec =
            place.shell("sleep 0.2; exit \"$1\"").with_arg("sh").with_arg(number.to_string());
        tokio::spawn(async move { runner.run(spec).await })
    });
    for (number, run) in (0..).zip(runs.collect::<Vec<_>>()) {
        assert_eq!(run.await.unwrap().unwrap().exit, Exit::Code(number));
    }
}

#[tokio::test]
async fn a_full_pool_of_threads_delays_no_end() {
    // The runtime's blocking threads may all be taken by the host.
    let place = Place::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    runtime.spawn_blocking(move || blocked.recv());
    let output = std::thread::scope(|scope| {
        scope.spawn(|| runtime.block_on(place.run(place.spec("true")))).join().unwrap()
    });
    drop(release);
    assert!(output.success() && output.duration < SOON / 2, "{output:?}");
    runtime.shutdown_background();
}
