//! Compiling: from a loaded skill to a verified variant, with the standard passes.

#![expect(clippy::unwrap_used, reason = "a bench without its input must not run")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use skvm_benches::{Input, corpus, shipped};
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::manager::PassManager;

/// A target that does everything at one level.
fn unit_at(level: Level, skill: Skill) -> Unit {
    let target = Target::new("uniform", "bare-agent");
    let empty = CapabilityProfile::new(&target, "2026-01-01T00:00:00Z");
    let profile = Primitive::ALL.into_iter().fold(empty, |profile, p| profile.with_level(p, level));
    Unit::new(skill, target).with_profile(profile)
}

/// For a target that does the simple form of everything, so that the rules have work.
fn unit(skill: Skill) -> Unit {
    unit_at(Level::L1, skill)
}

/// Without a memo, so that every iteration does all of the work.
fn manager() -> PassManager {
    PassManager::builder().standard().memo_capacity(0).build().unwrap()
}

fn text_only(input: &Input) -> Unit {
    unit(Skill::from_text(&input.root, input.text.clone()))
}

/// The pipeline without a pass: what the manager itself costs.
fn no_pass(c: &mut Criterion) {
    let manager = PassManager::builder().build().unwrap();
    let unit = text_only(&shipped().unwrap()[0]);
    c.bench_function("compile/no-pass/baseline", |b| {
        b.iter(|| block_on(manager.compile(black_box(&unit))).unwrap());
    });
}

/// One `SKILL.md` without its bundle.
fn document(c: &mut Criterion) {
    let manager = manager();
    let mut group = c.benchmark_group("compile/document");
    for input in shipped().unwrap() {
        let unit = text_only(&input);
        group.bench_function(&input.name, |b| {
            b.iter(|| block_on(manager.compile(black_box(&unit))).unwrap());
        });
    }
}

/// One `SKILL.md` for a target that has every level: everything is found out, nothing is edited.
fn no_gap(c: &mut Criterion) {
    let manager = manager();
    let mut group = c.benchmark_group("compile/no-gap");
    for input in shipped().unwrap() {
        let unit = unit_at(Level::L3, Skill::from_text(&input.root, input.text.clone()));
        group.bench_function(&input.name, |b| {
            b.iter(|| block_on(manager.compile(black_box(&unit))).unwrap());
        });
    }
}

/// One skill with its bundle: its programs are parsed, own scripts found, edits made and verified.
fn folder(c: &mut Criterion) {
    let manager = manager();
    let mut group = c.benchmark_group("compile/folder");
    for input in shipped().unwrap() {
        let unit = unit(Skill::load(&input.root).unwrap());
        group.bench_function(&input.name, |b| {
            b.iter(|| block_on(manager.compile(black_box(&unit))).unwrap());
        });
    }
}

/// The same skill again, out of the memo.
fn memo(c: &mut Criterion) {
    let manager = PassManager::standard();
    let unit = text_only(&shipped().unwrap()[0]);
    block_on(manager.compile(&unit)).unwrap();
    c.bench_function("compile/memo/again", |b| {
        b.iter(|| block_on(manager.compile(black_box(&unit))).unwrap());
    });
}

/// Every document below `SKVM_CORPUS`, loaded before; left out without it.
fn whole_corpus(c: &mut Criterion) {
    let inputs = corpus().unwrap();
    if inputs.is_empty() {
        return;
    }
    let manager = manager();
    let mut group = c.benchmark_group("compile/corpus");
    group.sample_size(20);
    group.throughput(Throughput::Elements(inputs.len() as u64));
    for (name, level) in [("documents", Level::L1), ("documents-no-gap", Level::L3)] {
        let load = |input: &Input| Skill::from_text(&input.root, input.text.clone());
        let units: Vec<Unit> = inputs.iter().map(|input| unit_at(level, load(input))).collect();
        group.bench_function(name, |b| {
            b.iter(|| {
                for unit in &units {
                    black_box(block_on(manager.compile(unit)).unwrap());
                }
            });
        });
    }
}

criterion_group!(benches, no_pass, document, no_gap, folder, memo, whole_corpus);
criterion_main!(benches);
