//! Environment binding: from a loaded bundle to dependencies, to a plan, to scripts.

#![expect(clippy::unwrap_used, reason = "a bench without its input must not run")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use skvm_benches::{Input, corpus, shipped};
use skvm_core::artifact::CodeIndex;
use skvm_core::host::{HostFacts, Interpreter, OsFamily, PackageManager};
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::code::{self, CodePass};
use skvm_passes::environment::{EnvironmentPass, PlanOptions, dependencies, plan, scripts};
use skvm_passes::manager::PassManager;

/// Bytes of code that extraction reads: the text and the bundle's files that are parsed or read.
fn bytes(skill: &Skill) -> u64 {
    let files = skill.bundle().files().iter().filter_map(|file| file.text());
    (skill.source().len() + files.map(str::len).sum::<usize>()) as u64
}

fn loaded(inputs: &[Input]) -> Vec<Skill> {
    let skills: Vec<Skill> = inputs.iter().map(|input| Skill::load(&input.root).unwrap()).collect();
    assert!(skills.iter().any(|skill| !of(skill).is_empty()), "nothing is found");
    skills
}

fn of(skill: &Skill) -> Vec<skvm_core::artifact::Dependency> {
    dependencies(skill, &code::analyze(skill)).entries
}

/// Parses the code and extracts the dependencies, without a memo, so that every iteration does all of the
/// work.
fn extraction() -> PassManager {
    let builder = PassManager::builder().pass(CodePass).pass(EnvironmentPass::default());
    builder.memo_capacity(0).build().unwrap()
}

fn unit(skill: Skill) -> Unit {
    Unit::new(skill, Target::new("any", "bare-agent"))
}

/// One skill with its bundle: code is parsed, dependencies are extracted.
fn extract(c: &mut Criterion) {
    let manager = extraction();
    let mut group = c.benchmark_group("environment/extract");
    for input in shipped().unwrap() {
        let unit = unit(Skill::load(&input.root).unwrap());
        group.throughput(Throughput::Bytes(bytes(&unit.skill)));
        group.bench_function(&input.name, |b| {
            b.iter(|| block_on(manager.compile(black_box(&unit))).unwrap());
        });
    }
}

/// The same without parsing, which other passes need as well.
fn find(c: &mut Criterion) {
    let skills: Vec<(Skill, CodeIndex)> = loaded(&shipped().unwrap())
        .into_iter()
        .map(|skill| {
            let code = code::analyze(&skill);
            (skill, code)
        })
        .collect();
    let mut group = c.benchmark_group("environment/find");
    group.throughput(Throughput::Bytes(skills.iter().map(|(skill, _)| bytes(skill)).sum()));
    group.bench_function("shipped", |b| {
        b.iter(|| {
            for (skill, code) in &skills {
                black_box(dependencies(skill, code));
            }
        });
    });
}

/// From dependencies to a plan and its scripts.
fn plans(c: &mut Criterion) {
    let host = HostFacts::new(OsFamily::Linux, "x86_64")
        .with_python(Interpreter::new("/usr/bin/python3", "3.11.2"))
        .with_node(Interpreter::new("/usr/bin/node", "20.20.2"))
        .with_manager(PackageManager::Apt)
        .with_manager(PackageManager::Pip)
        .with_manager(PackageManager::Npm)
        .as_root();
    let skill = Skill::load(&shipped().unwrap()[2].root).unwrap();
    let found = dependencies(&skill, &code::analyze(&skill));
    let options = PlanOptions::default();
    assert!(!plan(&found, &host, &options).actions.is_empty(), "nothing is planned");
    let mut group = c.benchmark_group("environment/plan");
    group.bench_function("pdf-tools", |b| b.iter(|| plan(black_box(&found), &host, &options)));
    let plan = plan(&found, &host, &options);
    group.bench_function("pdf-tools-scripts", |b| b.iter(|| scripts(black_box(&plan))));
}

/// Every bundle below `SKVM_CORPUS`, loaded before; left out without it.
fn whole_corpus(c: &mut Criterion) {
    let inputs = corpus().unwrap();
    if inputs.is_empty() {
        return;
    }
    let manager = extraction();
    let units: Vec<Unit> = loaded(&inputs).into_iter().map(unit).collect();
    let mut group = c.benchmark_group("environment/corpus");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(units.iter().map(|unit| bytes(&unit.skill)).sum()));
    group.bench_function("extract", |b| {
        b.iter(|| {
            for unit in &units {
                black_box(block_on(manager.compile(unit)).unwrap());
            }
        });
    });
}

criterion_group!(benches, extract, find, plans, whole_corpus);
criterion_main!(benches);
