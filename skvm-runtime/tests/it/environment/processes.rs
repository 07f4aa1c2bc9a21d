//! However many ask, one does the work.

use std::process::Command;

use skvm_runtime::environment::ConsentPolicy;

use super::{Place, plan};

/// Set for processes that prepare: the folder of the place.
const FOLDER: &str = "SKVM_TEST_FOLDER";

/// Takes long enough for the others to arrive.
const SLOW: &str = "sleep 0.3; echo \"$1\" >>\"$2\" && : >\"$3\"";

#[tokio::test]
async fn tasks_that_ask_for_the_same_plan_do_it_once() {
    let place = Place::new();
    let plan = plan([place.runs("slow", SLOW)]);
    let (binder, consent) = (place.binder(), ConsentPolicy::everything());
    let (a, b, c) = futures::join!(
        binder.prepare(&plan, &consent),
        binder.prepare(&plan, &consent),
        binder.prepare(&plan, &consent)
    );
    let done = [a, b, c].map(|prepared| prepared.unwrap().performed.len());
    assert_eq!(done.iter().sum::<usize>(), 1, "{done:?}");
    assert_eq!(place.log(), ["slow"]);
}

#[test]
fn processes_that_ask_for_the_same_plan_do_it_once() {
    let place = Place::new();
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "environment::processes::a_process_that_prepares", "--ignored"])
            .env(FOLDER, place.folder.path())
            .output()
    };
    let outputs = std::thread::scope(|scope| {
        let children: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
        children.into_iter().map(|child| child.join().unwrap().unwrap()).collect::<Vec<_>>()
    });
    for output in outputs {
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
    }
    assert_eq!(place.log(), ["slow"]);
}

/// Not a test by itself: the one above starts it three times.
#[tokio::test]
#[ignore = "is started by another test"]
async fn a_process_that_prepares() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = std::path::PathBuf::from(folder);
    // The same place; the one who made it removes it.
    let place = Place {
        folder: tempfile::Builder::new().disable_cleanup(true).tempdir_in(&folder).unwrap(),
    };
    let mut action = place.runs("slow", SLOW);
    action.argv[5] = skvm_core::artifact::Word::text(folder.join("log").to_string_lossy());
    let binder = skvm_runtime::environment::Binder::new(folder.join("environments"))
        .with_host(super::host());
    let prepared = binder.prepare(&plan([action]), &ConsentPolicy::everything()).await.unwrap();
    assert!(prepared.is_complete());
}
