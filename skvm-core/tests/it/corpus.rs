//! Real skills, where a folder of them is at hand: `SKVM_CORPUS=<folder> cargo test -- --ignored`.

use skvm_core::skill::{Skill, discover};

#[test]
#[ignore = "needs SKVM_CORPUS to name a folder of real skills"]
fn every_real_skill_loads_and_prints_its_source() {
    let corpus = std::env::var("SKVM_CORPUS").unwrap();
    let paths = discover(&corpus).unwrap();
    assert!(!paths.is_empty(), "no skill below {corpus}");
    for path in paths {
        let skill = Skill::load(&path).unwrap();
        crate::document::assert_sound(&skill);
    }
}
