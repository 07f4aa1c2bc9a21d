//! When the pass makes a plan, and what tells plans apart.

use futures::executor::block_on;
use skvm_core::artifact::{Artifact, Dependencies, EnvironmentPlan};
use skvm_core::host::HostFacts;
use skvm_core::pass::Unit;
use skvm_passes::manager::{PassManager, PassStatus};
use skvm_passes::variant::Variant;

use super::{linux, mac, shell};
use crate::samples;

fn unit() -> Unit {
    samples::unit(shell("pip install rich\njq . x"))
}

fn plan_of(variant: &Variant) -> Option<EnvironmentPlan> {
    let json = variant.artifacts().json(EnvironmentPlan::KEY.as_str())?;
    Some(serde_json::from_str(json).unwrap())
}

#[test]
fn a_plan_is_written_only_when_the_host_is_known() {
    let without = samples::compile(&unit());
    assert_eq!(plan_of(&without), None);
    assert!(without.artifacts().json(Dependencies::KEY.as_str()).is_some());
    for host in [linux(), mac()] {
        let plan = plan_of(&samples::compile(&unit().with_host(host.clone()))).unwrap();
        assert_eq!(plan.host, host);
        assert!(plan.action("python-packages").is_some());
    }
}

#[test]
fn a_plan_is_the_same_bytes_again_and_reads_back() {
    let unit = unit().with_host(linux());
    let (first, second) = (samples::compile(&unit), samples::compile(&unit));
    let key = EnvironmentPlan::KEY;
    assert_eq!(first.artifacts().json(key.as_str()), second.artifacts().json(key.as_str()));
    assert_eq!(first.digest(), second.digest());
    let plan = plan_of(&first).unwrap();
    let again: EnvironmentPlan =
        serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(plan, again);
    assert_eq!(plan.digest(), again.digest());
}

#[test]
fn the_memo_tells_hosts_apart_for_this_pass_alone() {
    let manager = PassManager::standard();
    let ran = |unit: &Unit| -> Vec<String> {
        let passes = block_on(manager.compile(unit)).unwrap().passes;
        let ran = passes.iter().filter(|record| record.status == PassStatus::Ran);
        ran.map(|record| record.pass.to_string()).collect()
    };
    let unit = unit();
    assert!(ran(&unit).len() > 1);
    assert_eq!(ran(&unit), [""; 0]);
    for host in [linux(), mac()] {
        assert_eq!(ran(&unit.clone().with_host(host.clone())), ["environment"]);
        assert_eq!(ran(&unit.clone().with_host(host)), [""; 0]);
    }
    assert_eq!(ran(&unit), [""; 0]);
}

#[test]
fn the_key_of_a_variant_names_the_host() {
    let manager = PassManager::standard();
    let key = |host: Option<HostFacts>| {
        let unit = host.into_iter().fold(unit(), Unit::with_host);
        assert_eq!(manager.key(&unit), samples::compile(&unit).manifest().key());
        manager.key(&unit)
    };
    let keys = [key(None), key(Some(linux())), key(Some(mac())), key(Some(linux().as_root()))];
    for (at, one) in keys.iter().enumerate() {
        assert!(keys.iter().skip(at + 1).all(|other| other != one), "{at}");
    }
    assert_eq!(key(Some(linux())), keys[1]);
}
