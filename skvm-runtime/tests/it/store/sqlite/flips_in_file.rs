//! Bytes of the database file that change while nobody has it open.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::executor::block_on;
use skvm_core::llm::LlmResponse;
use skvm_core::skill::Skill;
use skvm_passes::variant::Variant;
use skvm_runtime::engine::Event;
use skvm_runtime::store::{SqliteStore, Store};
use tempfile::TempDir;

use super::flips::{engine, target, told};
use super::{fill, is_filled, open};
use crate::store::{key, random, rounds, skill, variant};

const PAGE: usize = 4096;

/// One whose variant does not fit on a page.
fn long_skill() -> Arc<Skill> {
    let steps: String = (0..200).map(|step| format!("{step}. Do step {step}.\n")).collect();
    let text = format!("---\nname: x\ndescription: d\n---\n# X\n\n{steps}");
    Arc::new(Skill::from_text("/nowhere/x", text))
}

/// A closed database with one published variant and some other things, and the variant.
fn published(path: &Path) -> (Vec<u8>, Arc<Variant>) {
    fill(&open(path));
    let variant = block_on(engine(path).compile(&long_skill(), &target())).unwrap();
    (fs::read(path).unwrap(), variant)
}

/// The pages that hold the variant.
fn pages_of(bytes: &[u8], variant: &Variant) -> BTreeSet<usize> {
    let json = serde_json::to_vec(variant).unwrap();
    let pages = bytes.chunks(PAGE).enumerate().filter(|(_, page)| {
        json.chunks_exact(64).any(|part| page.windows(64).any(|window| window == part))
    });
    pages.map(|(number, _)| number).collect()
}

/// A place in memory where the system has one: each change is a database that is opened, closed and synced.
fn place() -> (TempDir, PathBuf) {
    let memory = Path::new("/dev/shm");
    if !memory.is_dir() {
        return super::place();
    }
    let folder = tempfile::tempdir_in(memory).unwrap();
    let path = folder.path().join("skvm.sqlite");
    (folder, path)
}

/// Puts other bytes in the place of a database, and takes away what was left beside it.
fn replace(path: &Path, bytes: &[u8]) {
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let mut noted = path.as_os_str().to_owned();
    noted.push("-leases/damaged");
    let _none = fs::remove_file(noted);
    fs::write(path, bytes).unwrap();
}

/// The bytes with one bit of one byte changed.
fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[at] ^= 1 << (at % 8);
    flipped
}

/// Uses a store whose file was changed; gives what happened.
fn use_it(path: &Path, variant: &Variant, what: &str) -> Vec<Event> {
    let vm = engine(path);
    let mut events = vm.events();
    let compiled = block_on(vm.compile(&long_skill(), &target()));
    let compiled = compiled.unwrap_or_else(|error| unreachable!("{what}: {error:?}"));
    assert_eq!(*compiled, *variant, "{what}");
    told(&mut events)
}

/// Whoever opens the store again finds it in order soon, and the variant in it.
fn heals(path: &Path, variant: &Variant, what: &str) {
    for _ in 0..4 {
        let is_served = use_it(path, variant, what).is_empty();
        // What nobody came upon is found by looking at everything.
        let store = SqliteStore::open(path).unwrap();
        if block_on(store.verify()).is_ok_and(|found| found.is_empty()) && is_served {
            return;
        }
    }
    unreachable!("{what}: something is wrong with it again and again");
}

/// What was written, or nothing.
fn is_nothing_else(store: &SqliteStore) {
    let variant = block_on(store.variant(key("v")));
    assert!(variant.is_err() || variant.unwrap().is_none_or(|it| it == self::variant(1)));
    let answer = block_on(store.answer(key("a")));
    assert!(answer.is_err() || answer.unwrap().is_none_or(|it| it == LlmResponse::text("one")));
    for trace in block_on(store.traces(skill(1).digest())).into_iter().flatten() {
        assert!(["first", "second"].contains(&trace.task.as_str()));
    }
    for record in block_on(store.records(key("s"), 0)).into_iter().flatten() {
        assert!(record.value.as_deref().is_none_or(|value| value == "two"));
        assert!([key("a"), key("b")].contains(&record.key));
    }
}

#[test]
fn a_published_variant_is_made_anew_or_served_as_it_was() {
    let (_folder, path) = place();
    let (bytes, variant) = published(&path);
    let pages = pages_of(&bytes, &variant);
    assert!(pages.len() > 1 && !pages.contains(&0));
    let (mut same, mut anew) = (0, 0);
    for page in pages {
        for at in (page * PAGE..(page + 1) * PAGE).step_by(rounds(61, 1)) {
            replace(&path, &flipped(&bytes, at));
            let what = format!("byte {at}");
            match &use_it(&path, &variant, &what)[..] {
                [] => same += 1,
                [Event::Damaged { .. }, .., Event::Compiled { .. }] => anew += 1,
                other => unreachable!("{what}: {other:?}"),
            }
        }
    }
    // Where nothing lies on the page, nothing is damaged.
    assert!(same > 0 && anew > 0, "{same}, {anew}");
}

/// A change may cost something that is kept. But nothing else than was written is served, and in the end the store is
/// whole.
fn survives(path: &Path, bytes: &[u8], variant: &Variant, what: &str) {
    replace(path, bytes);
    let store = SqliteStore::open(path).unwrap_or_else(|error| unreachable!("{what}: {error:?}"));
    is_nothing_else(&store);
    drop(store);
    use_it(path, variant, what);
    let store = SqliteStore::open(path).unwrap_or_else(|error| unreachable!("{what}: {error:?}"));
    is_nothing_else(&store);
    drop(store);
    heals(path, variant, what);
}

/// The first bytes of the file say what it is and whose. Where they change, it is refused at most.
const HEADER: usize = 100;

#[test]
fn no_bit_anywhere_lets_something_else_be_served() {
    let (_folder, path) = place();
    let (bytes, variant) = published(&path);
    for at in (HEADER..bytes.len()).step_by(rounds(397, 29)) {
        survives(&path, &flipped(&bytes, at), &variant, &format!("byte {at}"));
    }
    for at in (0..HEADER).step_by(rounds(13, 1)) {
        replace(&path, &flipped(&bytes, at));
        if let Ok(store) = SqliteStore::open(&path) {
            is_nothing_else(&store);
        }
    }
}

/// Disks lose sectors, and files their ends.
#[test]
fn no_lost_sector_lets_something_else_be_served() {
    const SECTOR: usize = 512;
    let (_folder, path) = place();
    let (bytes, variant) = published(&path);
    let noise: Vec<u8> = (0..SECTOR as u64).map(|at| random(at) as u8).collect();
    for fill in [&[0; SECTOR][..], &[0xff; SECTOR], &noise] {
        for sector in (0..bytes.len() / SECTOR).step_by(rounds(9, 1)) {
            let mut lost = bytes.clone();
            lost[sector * SECTOR..][..SECTOR].copy_from_slice(fill);
            survives(&path, &lost, &variant, &format!("sector {sector}"));
        }
    }
    for end in (0..bytes.len()).step_by(rounds(5000, 500)) {
        survives(&path, &bytes[..end], &variant, &format!("end {end}"));
    }
}

/// One page that cannot be read does not cost what lies on the others.
#[test]
fn what_can_be_read_is_rescued() {
    let (_folder, path) = place();
    let (bytes, variant) = published(&path);
    let unread = |at: usize| {
        let mut bytes = bytes.clone();
        // No page begins like that.
        bytes[at] = 0xff;
        bytes
    };
    let (pages, mut whole) = (bytes.len() / PAGE, 0);
    for page in 1..pages {
        replace(&path, &unread(page * PAGE));
        let what = format!("page {page}");
        // Somebody notices; whoever comes next puts it in order.
        let found = block_on(SqliteStore::open(&path).unwrap().verify());
        assert!(!found.is_ok_and(|found| found.is_empty()), "{what}");
        let store = SqliteStore::open(&path).unwrap();
        let damage = store.take_damage();
        let kept = damage[0].kept.as_deref().unwrap();
        assert_eq!(fs::read(kept).unwrap().len(), bytes.len());
        assert_eq!(block_on(store.verify()).unwrap(), [], "{what}");
        is_nothing_else(&store);
        let is_whole = block_on(store.variant(key("v"))).unwrap().is_some()
            && block_on(store.traces(skill(1).digest())).unwrap().len() == 2
            && block_on(store.records(key("s"), 0)).unwrap().len() == 2;
        if is_whole {
            is_filled(&store);
            whole += 1;
            // The revisions go on.
            let next = block_on(store.swap_record(key("s"), key("c"), 0, Some("x"))).unwrap();
            assert_eq!(next, Some(5));
        }
        drop(store);
        heals(&path, &variant, &what);
    }
    // All but the tables that hold these things.
    assert!((pages - 6..pages).contains(&whole), "{whole} of {pages}");
}
