//! Loading: from the text of a `SKILL.md` to front matter, tree and diagnostics.

#![expect(clippy::unwrap_used, reason = "a bench without its input must not run")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use skvm_benches::{corpus, shipped};
use skvm_core::skill::Skill;

/// One `SKILL.md` from memory: front matter, Markdown tree, lints, digest.
fn document(c: &mut Criterion) {
    let mut group = c.benchmark_group("load/document");
    for input in shipped().unwrap() {
        assert!(!Skill::from_text(&input.root, input.text.clone()).document().blocks().is_empty());
        group.throughput(Throughput::Bytes(input.text.len() as u64));
        group.bench_function(&input.name, |b| {
            b.iter(|| Skill::from_text(black_box(&input.root), input.text.clone()));
        });
    }
}

/// The same with the bundle read from disk and digested.
fn folder(c: &mut Criterion) {
    let mut group = c.benchmark_group("load/folder");
    for input in shipped().unwrap() {
        group.bench_function(&input.name, |b| {
            b.iter(|| Skill::load(black_box(&input.root)).unwrap());
        });
    }
}

/// Every document below `SKVM_CORPUS`; left out without it.
fn whole_corpus(c: &mut Criterion) {
    let inputs = corpus().unwrap();
    if inputs.is_empty() {
        return;
    }
    let mut group = c.benchmark_group("load/corpus");
    group.throughput(Throughput::Elements(inputs.len() as u64));
    group.bench_function("documents", |b| {
        b.iter(|| {
            for input in &inputs {
                black_box(Skill::from_text(&input.root, input.text.clone()));
            }
        });
    });
}

criterion_group!(benches, document, folder, whole_corpus);
criterion_main!(benches);
