//! Damage in the database: told, set aside, made anew.

use std::path::Path;

use futures::executor::block_on;
use rusqlite::{Connection, params};
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_runtime::engine::{Event, SkVm};
use skvm_runtime::life::{ActivationReason, Standing};

use super::{
    activated, compiled, engine, history, load, open, pinned, reasons, skill, target, told,
};

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("skvm.sqlite")).unwrap()
}

fn here(folder: &Path) -> SkVm {
    engine(open(folder))
}

fn damaged(events: &[Event]) -> Vec<String> {
    let damaged = events.iter().filter_map(|event| match event {
        Event::Damaged { damage } => Some(damage.to_string()),
        _ => None,
    });
    damaged.collect()
}

/// Flips one bit of the bodies that a condition picks, at a place of its own in each.
fn flip(folder: &Path, table: &str, condition: &str, at: usize) -> usize {
    let database = database(folder);
    let sql = format!(
        "SELECT id, CAST(body AS BLOB) FROM {table} WHERE body IS NOT NULL AND {condition}"
    );
    let mut query = database.prepare(&sql).unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let rows: Vec<(i64, Vec<u8>)> = rows.map(Result::unwrap).collect();
    for (id, mut body) in rows.iter().cloned() {
        let place = at % body.len();
        body[place] ^= 1;
        let sql = format!("UPDATE {table} SET body = CAST(?2 AS TEXT) WHERE id = ?1");
        database.execute(&sql, params![id, body]).unwrap();
    }
    rows.len()
}

#[test]
fn a_damaged_variant_is_told_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let skill = skill("one");
    let variant = load(&here(folder.path()), &skill).variant;
    for at in [0, 17, 100, 500, 1_000] {
        assert_eq!(flip(folder.path(), "entry", "kind = 1", at), 1);
        let vm = here(folder.path());
        let mut events = vm.events();
        let loaded = load(&vm, &skill);
        assert_eq!((&loaded.variant, loaded.standing), (&variant, Standing::Active));
        let told = told(&mut events);
        let damage = damaged(&told);
        assert!(damage.len() == 1 && damage[0].contains("variant"), "{damage:?}");
        assert!(damage[0].contains("set aside as row"), "{damage:?}");
        assert_eq!((compiled(&told), activated(&told).len()), (1, 0));
        // Mended for whoever comes next.
        let vm = here(folder.path());
        let mut events = vm.events();
        assert_eq!(load(&vm, &skill).variant, variant);
        assert!(super::told(&mut events).is_empty());
        assert_eq!(history(&vm, &skill).len(), 1);
    }
}

#[test]
fn a_pinned_variant_whose_row_is_gone_is_made_again_from_its_source_only() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (skill("one"), skill("two"));
    let vm = here(folder.path());
    let first = load(&vm, &one).variant;
    block_on(vm.pin(&one, &target(), "good")).unwrap();
    let delete =
        || database(folder.path()).execute("DELETE FROM entry WHERE kind = 1", []).unwrap();
    assert_eq!(delete(), 1);
    // Who has it in memory goes on; who has not makes it again.
    assert_eq!(load(&vm, &two).variant, first);
    let vm = here(folder.path());
    let mut events = vm.events();
    let loaded = load(&vm, &one);
    assert_eq!((&loaded.variant, loaded.standing), (&first, Standing::Pinned));
    assert_eq!(compiled(&told(&mut events)), 1);
    assert_eq!(delete(), 1);
    let vm = here(folder.path());
    let mut events = vm.events();
    let loaded = load(&vm, &two);
    assert_eq!(loaded.standing, Standing::Active);
    let expected = (loaded.variant.digest(), ActivationReason::SkillChanged);
    assert_eq!(activated(&told(&mut events)), [expected]);
    // Damaged instead of gone, with another source: both are told.
    block_on(vm.pin(&two, &target(), "also")).unwrap();
    assert_eq!(flip(folder.path(), "entry", "kind = 1", 200), 1);
    let vm = here(folder.path());
    let mut events = vm.events();
    let loaded = load(&vm, &one);
    assert_eq!((&loaded.variant, loaded.standing), (&first, Standing::Active));
    let told = told(&mut events);
    assert_eq!((damaged(&told).len(), activated(&told).len()), (1, 1));
    let changed = ActivationReason::SkillChanged;
    let expected =
        [ActivationReason::First, pinned("good"), changed.clone(), pinned("also"), changed];
    assert_eq!(reasons(&history(&vm, &one)), expected);
}

/// What was active is not known any more, nor what was before; it begins anew, with the variants that are there.
#[test]
fn a_damaged_line_is_told_and_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let vm = here(folder.path());
    load(&vm, &skill("zero"));
    let one = skill("one");
    let first = load(&vm, &one).variant;
    let line = "instr(body, '\"previous\"') > 0";
    assert_eq!(flip(folder.path(), "record", line, 30), 1);
    let vm = here(folder.path());
    let mut events = vm.events();
    let loaded = load(&vm, &one);
    assert_eq!((&loaded.variant, loaded.standing), (&first, Standing::Active));
    let told = told(&mut events);
    let damage = damaged(&told);
    assert!(damage.len() == 1 && damage[0].contains("record"), "{damage:?}");
    assert_eq!(compiled(&told), 0);
    let second = load(&vm, &skill("two")).variant.digest();
    let history = history(&here(folder.path()), &one);
    let expected =
        [(first.digest(), ActivationReason::First), (second, ActivationReason::SkillChanged)];
    assert_eq!(history, expected);
}

#[test]
fn every_record_damaged_at_once_leads_to_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let one = skill("one");
    let profile = CapabilityProfile::new(&target(), "2026-01-01T00:00:00Z")
        .with_level(Primitive::ToolExec, Level::L1);
    let vm = here(folder.path());
    for round in 0..5 {
        block_on(vm.record_profile(&profile)).unwrap();
        load(&vm, &skill("zero"));
        load(&vm, &one);
        block_on(vm.pin(&one, &target(), "good")).unwrap();
        let flipped = flip(folder.path(), "record", "1", 7 + round);
        assert!(flipped >= 3, "{round} {flipped}");
        flip(folder.path(), "entry", "1", 7 + round);
        let other = here(folder.path());
        let mut events = other.events();
        let loaded = load(&other, &one);
        assert_eq!(loaded.standing, Standing::Active);
        assert!(loaded.variant.text().contains("one"));
        // The profile is lost, and that is seen.
        assert_eq!(loaded.variant.manifest().profile, None);
        assert!(!damaged(&told(&mut events)).is_empty());
        assert_eq!(reasons(&history(&other, &one)), [ActivationReason::First]);
        // Who had read it before learns of it.
        assert_eq!(load(&vm, &one).variant, loaded.variant);
    }
}

#[test]
fn a_database_that_is_destroyed_is_told_and_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let one = skill("one");
    let variant = load(&here(folder.path()), &one).variant;
    std::fs::write(folder.path().join("skvm.sqlite"), "nothing of the kind\n".repeat(500)).unwrap();
    let vm = here(folder.path());
    let mut events = vm.events();
    assert_eq!(load(&vm, &one).variant, variant);
    let damage = damaged(&told(&mut events));
    assert!(damage.len() == 1 && damage[0].contains("skvm.sqlite"), "{damage:?}");
}
