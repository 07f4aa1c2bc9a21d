//! Programs that are run each in a folder of its own.

use std::time::{Duration, Instant};

use skvm_core::program::{Program, ProgramError, ProgramExit, ProgramRunner as _};
use skvm_runtime::command::{Environment, ScratchRunner};

fn runner() -> ScratchRunner {
    let environment = Environment::from_host().with_variable("SEEN", "yes");
    ScratchRunner::new(environment)
}

#[tokio::test]
async fn a_program_finds_its_files_and_leaves_others() {
    let script =
        "cat in/a.txt; echo $SEEN $MORE; ls | wc -l; mkdir out; echo left > out/b.txt; exit 3";
    let program = Program::new("sh", ["run.sh", "x"])
        .with_file("run.sh", script)
        .with_file("in/a.txt", "found\n")
        .with_variable("MORE", "$(id)");
    let output = runner().run(program).await.unwrap();
    assert_eq!(output.exit, ProgramExit::Code(3));
    let lines: Vec<&str> = output.stdout.split_whitespace().collect();
    assert_eq!(lines, ["found", "yes", "$(id)", "2"]);
    assert_eq!(output.files.text("out/b.txt"), Some("left\n"));
    assert_eq!(output.files.len(), 3);
}

#[tokio::test]
async fn no_run_sees_another_and_nothing_is_left() {
    let program = || Program::new("sh", ["-c", "pwd; ls; echo x > mark"]);
    let (one, other) =
        (runner().run(program()).await.unwrap(), runner().run(program()).await.unwrap());
    assert_ne!(one.stdout, other.stdout);
    assert_eq!(one.stdout.lines().count(), 1, "the folder is empty");
    assert!(!std::path::Path::new(one.stdout.trim()).exists());
}

#[tokio::test]
async fn a_program_that_does_not_end_is_ended() {
    let mut program = Program::new("sh", ["-c", "sleep 60"]);
    program.deadline = Duration::from_millis(200);
    let began = Instant::now();
    let output = runner().run(program).await.unwrap();
    assert_eq!(output.exit, ProgramExit::Deadline);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_apart_from_one_that_cannot_be_started() {
    let missing = runner().run(Program::new("skvm-no-such-program", ["x"])).await.unwrap_err();
    assert!(matches!(missing, ProgramError::Missing { .. }), "{missing:?}");
    let outside = Program::new("sh", ["x"]).with_file("../x", "x");
    let error = runner().run(outside).await.unwrap_err();
    assert!(matches!(error, ProgramError::Run { .. }), "{error:?}");
    assert!(std::error::Error::source(&error).is_some());
}
