//! Probes: making instances, grading answers, and putting instances to an agent.

#![expect(clippy::unwrap_used, reason = "a bench without its input must not run")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_core::target::Target;
use skvm_probes::draw::instance_seed;
use skvm_probes::examination::Examiner;
use skvm_probes::probe::{Evidence, Instance, Outcome, ToolNeed};
use skvm_probes::registry::Probes;
use skvm_probes::simulated::SimulatedModel;
use skvm_runtime::harness::bare::BareAgent;
use tokio::runtime::Builder;

/// One instance of each level of each of these primitives.
fn instances(probes: &Probes, wanted: impl Fn(&Instance) -> bool, seed: u64) -> Vec<Instance> {
    let of = |level| {
        probes.iter().filter_map(move |probe| {
            probe.generate(level, instance_seed(seed, probe.primitive(), level, 0))
        })
    };
    Level::DEMANDS.into_iter().flat_map(of).filter(wanted).collect()
}

/// Whether an answer is graded in this process, from its text alone.
fn is_text(instance: &Instance) -> bool {
    matches!(instance.tools(), ToolNeed::None) && instance.requirements().is_empty()
}

/// All 78 instances of one seed.
fn generate(criterion: &mut Criterion) {
    let probes = Probes::standard();
    let mut group = criterion.benchmark_group("probes/generate");
    let count = instances(&probes, |_| true, 0).len();
    assert_eq!(count, 3 * Primitive::COUNT);
    group.throughput(Throughput::Elements(count as u64));
    let mut seed = 0;
    group.bench_function("all", |bencher| {
        bencher.iter(|| {
            seed += 1;
            black_box(instances(&probes, |_| true, seed))
        });
    });
    group.finish();
}

/// The reference answers, and one near miss each, of all instances that are graded in process.
fn grade(criterion: &mut Criterion) {
    let probes = Probes::standard();
    let instances = instances(&probes, is_text, 1);
    assert!(instances.len() >= 40);
    let mut group = criterion.benchmark_group("probes/grade");
    group.throughput(Throughput::Elements(instances.len() as u64));
    let grade = |instance: &Instance, text: &str| block_on(instance.grade(&Evidence::of(text)));
    group.bench_function("reference", |bencher| {
        bencher.iter(|| {
            for instance in &instances {
                assert_eq!(grade(instance, instance.reference().text()), Outcome::Passed);
            }
        });
    });
    group.bench_function("near-miss", |bencher| {
        bencher.iter(|| {
            for instance in &instances {
                let miss = &instance.near_misses()[0];
                assert_ne!(grade(instance, miss.answer().text()), Outcome::Passed);
            }
        });
    });
    group.finish();
}

/// One instance through the bare agent, working directory, tools and all.
fn examine(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let probes = Probes::standard();
    let seed = 3;
    let blank =
        CapabilityProfile::new(&Target::new("simulated", "bare-agent"), "2026-01-01T00:00:00Z");
    let planted = Primitive::ALL
        .into_iter()
        .fold(blank, |profile, primitive| profile.with_level(primitive, Level::L3));
    let model = SimulatedModel::new("simulated", planted, seed);
    let examiner = Examiner::new(Arc::new(BareAgent::new(Arc::new(model))));
    let mut group = criterion.benchmark_group("probes/examine");
    group.throughput(Throughput::Elements(1));
    for primitive in [Primitive::ReasonLogic, Primitive::ToolFileRead, Primitive::ToolExec] {
        let seed = instance_seed(seed, primitive, Level::L2, 0);
        let instance = probes.get(primitive).unwrap().generate(Level::L2, seed).unwrap();
        group.bench_function(primitive.id(), |bencher| {
            bencher.iter(|| {
                let examination = runtime.block_on(examiner.examine(&instance));
                assert_eq!(examination.outcome, Outcome::Passed);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, generate, grade, examine);
criterion_main!(benches);
