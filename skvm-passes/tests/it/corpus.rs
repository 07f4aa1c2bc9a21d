//! Real skills, where a folder of them is at hand: `SKVM_CORPUS=<folder> cargo test -- --ignored`.

use futures::executor::block_on;
use skvm_core::pass::Unit;
use skvm_core::skill::{Skill, discover};
use skvm_passes::manager::PassManager;

use crate::{hostile, samples};

#[test]
#[ignore = "needs SKVM_CORPUS to name a folder of real skills"]
fn every_real_skill_compiles_for_every_target_and_stays_compiled() {
    let corpus = std::env::var("SKVM_CORPUS").unwrap();
    let paths = discover(&corpus).unwrap();
    assert!(!paths.is_empty(), "no skill below {corpus}");
    let profiles = samples::shipped_profiles();
    let manager = PassManager::standard();
    for path in paths {
        let unit = samples::unit(Skill::load(&path).unwrap());
        for (name, profile) in &profiles {
            let unit = unit.clone().with_profile(profile.clone());
            let compiled = block_on(manager.compile(&unit)).unwrap().variant;
            hostile::assert_sound(&unit, &compiled);
            let skill = unit.skill.with_text(compiled.text());
            let again = block_on(manager.compile(&Unit { skill: skill.into(), ..unit })).unwrap();
            assert_eq!(again.variant.text(), compiled.text(), "{} for {name}", path.display());
        }
    }
}
