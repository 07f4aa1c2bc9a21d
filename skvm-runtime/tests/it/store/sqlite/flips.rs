//! Bytes of rows that change behind the store's back: found, told, never served.

use std::path::Path;
use std::sync::Arc;

use futures::executor::block_on;
use futures::{FutureExt as _, StreamExt as _};
use rusqlite::Connection;
use rusqlite::types::Value;
use skvm_core::digest::Digest;
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::llm::{LlmBackend as _, LlmRequest, LlmResponse};
use skvm_core::pass::pass_fn;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::manager::PassManager;
use skvm_passes::recorded::Recorded;
use skvm_runtime::engine::{Event, EventStream, SkVm};
use skvm_runtime::scripted::ScriptedModel;
use skvm_runtime::store::{Damage, SqliteStore, Store, StoreAnswers, StoredRecord};

use super::{open, place};
use crate::store::{key, rounds, skill, tasks, trace};

/// The database as nobody should use it.
pub(super) struct Raw(Connection);

impl Raw {
    pub(super) fn open(path: &Path) -> Self {
        let raw = Connection::open(path).unwrap();
        raw.execute_batch("PRAGMA synchronous = OFF").unwrap();
        Self(raw)
    }

    /// A value out of the only row that a condition holds for.
    fn value(&self, table: &str, column: &str, row: &str) -> Value {
        let sql = format!("SELECT {column} FROM {table} WHERE {row}");
        self.0.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    fn set(&self, table: &str, column: &str, row: &str, value: &Value) {
        let sql = format!("UPDATE {table} SET {column} = ?1 WHERE {row}");
        assert_eq!(self.0.execute(&sql, [value]).unwrap(), 1, "{sql}");
    }

    /// Flips one bit of a value; `None` behind its last byte.
    fn flip(&self, table: &str, column: &str, row: &str, byte: usize) -> Option<()> {
        let flip = |bytes: &mut Vec<u8>| {
            *bytes.get_mut(byte)? ^= 1 << (byte % 8);
            Some(())
        };
        let sql = match self.value(table, column, row) {
            Value::Text(text) => {
                let mut bytes = text.into_bytes();
                flip(&mut bytes)?;
                // As text, also when it is none any more.
                let sql = format!("UPDATE {table} SET {column} = CAST(?1 AS TEXT) WHERE {row}");
                return (self.0.execute(&sql, [bytes]).unwrap() == 1).then_some(());
            }
            Value::Blob(mut bytes) => {
                flip(&mut bytes)?;
                Value::Blob(bytes)
            }
            other => unreachable!("{other:?}"),
        };
        self.set(table, column, row, &sql);
        Some(())
    }
}

/// Flips each byte of a column in turn, or some of them, and lets `look` find it and put it right.
fn flip_each(raw: &Raw, (table, row): (&str, &str), column: &str, mut look: impl FnMut(usize)) {
    let stride = rounds(37, 1);
    let mut byte = 0;
    while raw.flip(table, column, row, byte).is_some() {
        look(byte);
        byte += stride;
    }
    assert!(byte > 0);
}

pub(super) fn skill_x() -> Arc<Skill> {
    let text = "---\nname: x\ndescription: d\n---\n# X\n\nDo it — naïvely.\n";
    Arc::new(Skill::from_text("/nowhere/x", text))
}

pub(super) fn target() -> Target {
    Target::new("m", "h")
}

/// An engine on a store in a file, with a pass that makes an edit.
pub(super) fn engine(path: &Path) -> SkVm {
    let pass = pass_fn("sign", |cx| {
        let reason = EditReason::new("sign", EditKind::Compensation, "signs");
        cx.edit(Edit::insert(cx.source().len(), "\nSigned.\n", reason))
    });
    let passes = PassManager::builder().pass(pass).build().unwrap();
    SkVm::builder().passes(passes).store_at(path).unwrap().build()
}

/// What happened since this was asked last.
pub(super) fn told(events: &mut EventStream) -> Vec<Event> {
    std::iter::from_fn(|| events.next().now_or_never().flatten()).collect()
}

fn only(damage: &[Damage], what: &str) {
    assert_eq!(damage.len(), 1, "{damage:?}");
    assert!(damage[0].what.starts_with(what), "{damage:?}");
    assert!(!damage[0].reason.is_empty(), "{damage:?}");
    assert!(damage[0].kept.is_some(), "{damage:?}");
}

#[test]
fn a_variant_is_made_anew() {
    let (_folder, path) = place();
    let (vm, raw) = (engine(&path), Raw::open(&path));
    let mut events = vm.events();
    let compile = || block_on(vm.compile(&skill_x(), &target())).unwrap();
    let variant = compile();
    assert!(matches!(told(&mut events)[..], [Event::Compiled { .. }]));
    for column in ["body", "digest"] {
        flip_each(&raw, ("entry", "kind = 1"), column, |byte| {
            assert_eq!(compile(), variant, "{column} {byte}");
            match &told(&mut events)[..] {
                [Event::Damaged { damage }, Event::Compiled { .. }] => {
                    only(std::slice::from_ref(damage), "variant ");
                }
                other => unreachable!("{column} {byte}: {other:?}"),
            }
            // It is there again.
            assert_eq!(compile(), variant);
            assert_eq!((told(&mut events), vm.store().take_damage()), (vec![], vec![]));
        });
    }
    let store = open(&path);
    assert!(!store.quarantined().unwrap().is_empty());
    assert_eq!(block_on(store.verify()).unwrap(), []);
}

/// A row with another key is not found by its own; whoever looks at all rows finds it.
#[test]
fn a_variant_under_a_changed_key_is_not_served() {
    let (_folder, path) = place();
    let (vm, raw, store) = (engine(&path), Raw::open(&path), open(&path));
    let mut events = vm.events();
    let compile = || block_on(vm.compile(&skill_x(), &target())).unwrap();
    let variant = compile();
    told(&mut events);
    flip_each(&raw, ("entry", "kind = 1"), "key", |byte| {
        let Value::Blob(changed) = raw.value("entry", "key", "kind = 1") else { unreachable!() };
        if byte % 2 == 0 {
            let changed = Digest::from_bytes(changed.try_into().unwrap());
            let error = block_on(store.variant(changed)).unwrap_err();
            assert!(error.is_damaged());
        } else {
            only(&block_on(store.verify()).unwrap(), "variant ");
        }
        only(&store.take_damage(), "variant ");
        assert_eq!(compile(), variant, "{byte}");
        assert!(matches!(told(&mut events)[..], [Event::Compiled { .. }]));
    });
    assert_eq!(block_on(store.verify()).unwrap(), []);
}

/// Of another type than was written, be it one that the same text could be made of.
#[test]
fn a_value_of_another_type_is_found() {
    let (_folder, path) = place();
    let (store, raw) = (open(&path), Raw::open(&path));
    let answer = LlmResponse::text("one");
    let write = || block_on(store.record_answer(key("a"), &answer)).unwrap();
    let values = [
        Value::Integer(0),
        Value::Integer(i64::MIN),
        Value::Real(1.0),
        Value::Real(0.1),
        Value::Real(1e300),
        Value::Real(f64::INFINITY),
        Value::Text(String::new()),
        Value::Text("null".to_owned()),
        Value::Blob(vec![]),
        Value::Blob(vec![0xff; 100]),
    ];
    for column in ["body", "digest"] {
        for value in &values {
            write();
            raw.set("entry", column, "kind = 2", value);
            let error = block_on(store.answer(key("a"))).unwrap_err();
            assert!(error.is_damaged(), "{column} {value:?}");
            only(&store.take_damage(), "answer ");
            assert!(block_on(store.answer(key("a"))).unwrap().is_none(), "{column} {value:?}");

            write();
            raw.set("entry", column, "kind = 2", value);
            only(&block_on(store.verify()).unwrap(), "answer ");
            only(&store.take_damage(), "answer ");
        }
    }
}

#[test]
fn an_answer_is_not_served() {
    let (_folder, path) = place();
    let (store, raw) = (open(&path), Raw::open(&path));
    let answer = LlmResponse::text("one");
    for column in ["body", "digest"] {
        block_on(store.record_answer(key("a"), &answer)).unwrap();
        block_on(store.record_answer(key("b"), &LlmResponse::text("other"))).unwrap();
        let row = format!("kind = 2 AND key = x'{}'", key("a"));
        flip_each(&raw, ("entry", &row), column, |byte| {
            let error = block_on(store.answer(key("a"))).unwrap_err();
            assert!(error.is_damaged(), "{column} {byte}");
            only(&store.take_damage(), "answer ");
            assert!(block_on(store.answer(key("a"))).unwrap().is_none());
            // It is recorded anew.
            block_on(store.record_answer(key("a"), &answer)).unwrap();
            assert_eq!(block_on(store.answer(key("a"))).unwrap().as_ref(), Some(&answer));
            let other = block_on(store.answer(key("b"))).unwrap();
            assert_eq!(other, Some(LlmResponse::text("other")));
        });
    }
}

/// What a model said while a skill was compiled: it is asked once more, and the same is compiled.
#[test]
fn a_damaged_answer_is_asked_for_anew() {
    let (_folder, path) = place();
    let model = ScriptedModel::new("refiner", ["a", "b"].map(|text| Ok(LlmResponse::text(text))));
    let store: Arc<dyn Store> = Arc::new(open(&path));
    let recorded =
        Recorded::new(Arc::new(model.clone()), Arc::new(StoreAnswers::new(Arc::clone(&store))));
    let ask = || block_on(recorded.complete(LlmRequest::user("?"))).unwrap().text;
    assert_eq!((ask(), ask()), ("a".to_owned(), "a".to_owned()));
    Raw::open(&path).flip("entry", "body", "kind = 2", 3).unwrap();
    assert_eq!((ask(), ask()), ("b".to_owned(), "b".to_owned()));
    only(&store.take_damage(), "answer ");
}

#[test]
fn a_trace_is_left_out() {
    let (_folder, path) = place();
    let (store, raw) = (open(&path), Raw::open(&path));
    let one = skill(1);
    let append = |task| block_on(store.append_trace(&trace(&one, task))).unwrap();
    append("first");
    append("last");
    for column in ["body", "digest", "skill"] {
        append("changed");
        flip_each(&raw, ("trace", "id = (SELECT max(id) FROM trace)"), column, |byte| {
            assert_eq!(tasks(&store, &one), ["first", "last"], "{column} {byte}");
            if column == "skill" {
                assert_eq!(store.take_damage(), []);
                block_on(store.verify()).unwrap();
            }
            only(&store.take_damage(), "trace ");
            append("changed");
            assert_eq!(tasks(&store, &one), ["first", "last", "changed"]);
        });
        raw.0.execute("DELETE FROM trace WHERE id = (SELECT max(id) FROM trace)", []).unwrap();
    }
    assert_eq!(block_on(store.verify()).unwrap(), []);
}

/// What is known of a record: its revision and its value.
type Known = (u64, Option<String>);

/// Follows a scope as those do who keep a copy of it: by what is new.
struct Follower<'a> {
    store: &'a SqliteStore,
    last: u64,
    known: std::collections::HashMap<Digest, Known>,
}

impl Follower<'_> {
    fn look(&mut self) {
        for record in block_on(self.store.records(key("s"), self.last)).unwrap() {
            let StoredRecord { key, revision, value } = record;
            assert!(revision > self.last);
            self.last = revision;
            self.known.insert(key, (revision, value.map(|value| value.to_string())));
        }
    }

    fn of(&self, name: &str) -> Known {
        self.known.get(&key(name)).cloned().unwrap_or_default()
    }

    /// Writes a record, as often as it takes.
    fn write(&mut self, name: &str, value: &str) {
        for _ in 0..3 {
            let (revision, _) = self.of(name);
            let swap = self.store.swap_record(key("s"), key(name), revision, Some(value));
            if block_on(swap).unwrap().is_some() {
                self.look();
                assert_eq!(self.of(name).1.as_deref(), Some(value));
                return;
            }
            self.look();
        }
        unreachable!("{name} cannot be written any more: {:?}", self.of(name));
    }
}

#[test]
fn a_record_counts_as_removed() {
    let (_folder, path) = place();
    let (store, raw) = (open(&path), Raw::open(&path));
    let mut follower = Follower { store: &store, last: 0, known: Default::default() };
    follower.write("a", "one");
    follower.write("b", "other");
    let row = format!("scope = x'{}' AND key = x'{}'", key("s"), key("a"));
    for column in ["body", "digest"] {
        flip_each(&raw, ("record", &row), column, |byte| {
            let all = block_on(store.records(key("s"), 0)).unwrap();
            let found: Vec<_> =
                all.iter().map(|record| (record.key, record.value.as_deref())).collect();
            assert_eq!(found, [(key("b"), Some("other")), (key("a"), None)], "{column} {byte}");
            only(&store.take_damage(), "record ");
            // Who knows the scope already learns of it, as of any removal.
            follower.look();
            assert_eq!(follower.of("a").1, None);
            follower.write("a", "one");
        });
    }
    assert_eq!(block_on(store.verify()).unwrap(), []);
    assert_eq!(follower.of("b"), (2, Some("other".to_owned())));
}

/// It is not found where it was. It can be written again, and what is where it should not be is found.
#[test]
fn a_record_in_another_place_is_not_served() {
    let (_folder, path) = place();
    let (store, raw) = (open(&path), Raw::open(&path));
    for column in ["scope", "key"] {
        for byte in 0..32 {
            let (scope, name) = (key(&format!("{column} {byte}")), key("a"));
            block_on(store.swap_record(scope, name, 0, Some("one"))).unwrap().unwrap();
            let row = format!("scope = x'{scope}' AND key = x'{name}'");
            raw.flip("record", column, &row, byte).unwrap();
            if byte % 2 == 0 {
                only(&block_on(store.verify()).unwrap(), "record ");
            }
            let found = block_on(store.records(scope, 0)).unwrap();
            assert!(found.iter().all(|record| record.value.is_none()), "{column} {byte}");
            block_on(store.swap_record(scope, name, 0, Some("two"))).unwrap().unwrap();
            block_on(store.verify()).unwrap();
            only(&store.take_damage(), "record ");
        }
    }
    assert_eq!(block_on(store.verify()).unwrap(), []);
}

/// Also one that lies below what everybody has seen.
#[test]
fn a_record_with_another_revision_can_be_written_again() {
    let (_folder, path) = place();
    let (store, raw) = (open(&path), Raw::open(&path));
    let mut follower = Follower { store: &store, last: 0, known: Default::default() };
    for name in ["z", "y", "a", "b"] {
        follower.write(name, name);
    }
    let row = format!("scope = x'{}' AND key = x'{}'", key("s"), key("a"));
    for bit in 0..64 {
        let Value::Integer(revision) = raw.value("record", "revision", &row) else {
            unreachable!()
        };
        let changed = Value::Integer(revision ^ (1 << bit));
        let sql = format!("UPDATE record SET revision = ?1 WHERE {row}");
        if raw.0.execute(&sql, [changed]).is_err() {
            // Two records of one revision: the database itself refuses that.
            continue;
        }
        follower.write("a", &bit.to_string());
        only(&store.take_damage(), "record ");
        assert_eq!(follower.of("b").1.as_deref(), Some("b"));
    }
    assert_eq!(block_on(store.verify()).unwrap(), []);
}
