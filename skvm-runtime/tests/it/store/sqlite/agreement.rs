//! Whatever is done, the store in a file and the one in memory give the same.

use std::collections::HashMap;

use futures::executor::block_on;
use proptest::prelude::*;
use skvm_core::digest::Digest;
use skvm_core::llm::LlmResponse;
use skvm_runtime::store::{MemoryStore, SqliteStore, Store};

use super::{open, place};
use crate::store::{key, skill, tasks, trace, variant};

#[derive(Debug, Clone)]
enum Step {
    Publish(u8, u8),
    Answer(u8, String),
    Trace(u8, String),
    /// From the record's revision, or that much beside it.
    Swap(u8, u8, i8, Option<String>),
    Open,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (0..3u8, 0..3u8).prop_map(|(key, variant)| Step::Publish(key, variant)),
        1 => (0..3u8, any::<String>()).prop_map(|(key, text)| Step::Answer(key, text)),
        1 => (0..3u8, any::<String>()).prop_map(|(skill, task)| Step::Trace(skill, task)),
        8 => (0..2u8, 0..4u8, prop_oneof![6 => Just(0i8), 1 => -2..2i8], any::<Option<String>>())
            .prop_map(|(scope, key, beside, value)| Step::Swap(scope, key, beside, value)),
        1 => Just(Step::Open),
    ]
}

fn name(number: u8) -> Digest {
    key(&number.to_string())
}

/// Does a step; gives what came of it.
fn take(step: &Step, store: &dyn Store, known: &HashMap<(u8, u8), u64>) -> Option<u64> {
    match step {
        Step::Publish(at, number) => {
            block_on(store.publish(name(*at), variant(usize::from(*number)))).unwrap();
        }
        Step::Answer(at, text) => {
            block_on(store.record_answer(name(*at), &LlmResponse::text(text.clone()))).unwrap();
        }
        Step::Trace(of, task) => {
            let trace = trace(&skill(usize::from(*of)), task);
            block_on(store.append_trace(&trace)).unwrap();
        }
        Step::Swap(scope, at, beside, value) => {
            let expected = known.get(&(*scope, *at)).copied().unwrap_or(0);
            let expected = expected.saturating_add_signed(i64::from(*beside));
            let swap = store.swap_record(name(*scope), name(*at), expected, value.as_deref());
            return block_on(swap).unwrap();
        }
        Step::Open => {}
    }
    None
}

fn agree(one: &dyn Store, other: &dyn Store) {
    for number in 0..4 {
        let at = name(number);
        assert_eq!(block_on(one.variant(at)).unwrap(), block_on(other.variant(at)).unwrap());
        assert_eq!(block_on(one.answer(at)).unwrap(), block_on(other.answer(at)).unwrap());
        let skill = skill(usize::from(number));
        assert_eq!(tasks(one, &skill), tasks(other, &skill));
        for since in 0..12 {
            let (here, there) = (one.records(at, since), other.records(at, since));
            assert_eq!(block_on(here).unwrap(), block_on(there).unwrap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_stores_agree(steps in prop::collection::vec(step(), 0..60)) {
        let (_folder, path) = place();
        let memory = MemoryStore::default();
        let mut file: Option<SqliteStore> = None;
        let mut known = HashMap::new();
        for step in &steps {
            if matches!(step, Step::Open) {
                file = None;
            }
            let store = file.get_or_insert_with(|| open(&path));
            let outcome = take(step, &memory, &known);
            prop_assert_eq!(outcome, take(step, store, &known));
            if let (Step::Swap(scope, at, ..), Some(revision)) = (step, outcome) {
                known.insert((*scope, *at), revision);
            }
        }
        let store = file.unwrap_or_else(|| open(&path));
        agree(&memory, &store);
        prop_assert_eq!(block_on(store.verify()).unwrap(), []);
    }
}
