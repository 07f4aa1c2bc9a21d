//! Stores: in memory and in a file, used by threads and processes, killed and damaged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broken;
#[cfg(all(feature = "sqlite", unix))]
mod compiling;
mod conformance;
#[cfg(all(feature = "sqlite", unix))]
mod folder;
#[cfg(all(feature = "sqlite", unix))]
mod kill;
mod memory;
#[cfg(all(feature = "sqlite", unix))]
mod process;
#[cfg(all(feature = "sqlite", unix))]
mod sqlite;

use std::sync::Arc;

use futures::executor::block_on;
use skvm_core::digest::Digest;
use skvm_core::harness::RunStatus;
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;
use skvm_runtime::session::Session;
use skvm_runtime::store::{Store, StoredRecord};
use skvm_runtime::trace::Trace;

/// How many rounds of something are done: few, or all where `SKVM_TEST_ALL` is set.
#[cfg(all(feature = "sqlite", unix))]
fn rounds(few: usize, all: usize) -> usize {
    if std::env::var_os("SKVM_TEST_ALL").is_some() { all } else { few }
}

/// A number as good as random, the same for the same seed.
#[cfg(all(feature = "sqlite", unix))]
fn random(seed: u64) -> u64 {
    let digest = Digest::of(&seed.to_le_bytes());
    u64::from_le_bytes(digest.as_bytes()[..8].try_into().unwrap())
}

fn skill(number: usize) -> Skill {
    Skill::from_text(format!("/nowhere/{number}"), format!("# Skill {number}\n"))
}

fn variant(number: usize) -> Arc<Variant> {
    let unit = Unit::new(skill(number), Target::new("m", "h"));
    let passes = PassManager::builder().build().unwrap();
    Arc::new(block_on(passes.compile(&unit)).unwrap().variant)
}

fn trace(skill: &Skill, task: &str) -> Trace {
    let session = Session::new(Target::new("m", "h"), task).with_skill(skill, None);
    block_on(session.finish(RunStatus::Ok))
}

fn key(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

fn tasks(store: &dyn Store, skill: &Skill) -> Vec<String> {
    let traces = block_on(store.traces(skill.digest())).unwrap();
    traces.into_iter().map(|trace| trace.task).collect()
}

/// What a scope holds since a revision.
fn records(store: &dyn Store, scope: &str, since: u64) -> Vec<(Digest, u64, Option<String>)> {
    let records = block_on(store.records(key(scope), since)).unwrap();
    let told = |record: StoredRecord| {
        (record.key, record.revision, record.value.map(|value| value.to_string()))
    };
    records.into_iter().map(told).collect()
}

fn swap(
    store: &dyn Store,
    (scope, name): (&str, &str),
    expected: u64,
    value: Option<&str>,
) -> Option<u64> {
    block_on(store.swap_record(key(scope), key(name), expected, value)).unwrap()
}
