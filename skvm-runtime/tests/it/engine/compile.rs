//! Installing and compiling.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::executor::block_on;
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_core::pass::{PassError, pass_fn};
use skvm_core::skill::{LoadLimits, Skill};
use skvm_core::target::Target;
use skvm_passes::manager::PassManager;
use skvm_runtime::engine::{EngineError, SkVm};
use skvm_runtime::store::{MemoryStore, Store};

use super::{chain, counted, pipeline, skill, target};
use crate::watched::Watched;

fn write_skill(folder: &Path, name: &str, body: &str) {
    fs::create_dir_all(folder.join(name)).unwrap();
    let text = format!("---\nname: {name}\ndescription: Does {name}.\n---\n{body}");
    fs::write(folder.join(name).join("SKILL.md"), text).unwrap();
}

#[test]
fn install_compiles_every_skill_for_every_known_target() {
    let folder = tempfile::tempdir().unwrap();
    write_skill(folder.path(), "b", "# B\n");
    write_skill(folder.path(), "a", "# A\n");
    let (passes, runs) = counted();
    let vm = SkVm::builder().passes(passes).target(target("m2")).target(target("m1")).build();
    let installed = block_on(vm.install(folder.path())).unwrap().skills;
    let names: Vec<&str> = installed.iter().map(|installed| installed.skill.name()).collect();
    assert_eq!(names, ["a", "b"]);
    for one in &installed {
        let models: Vec<&str> =
            one.variants.iter().map(|v| v.manifest().target.model.as_str()).collect();
        assert_eq!(models, ["m1", "m2"]);
        for variant in &one.variants {
            let model = &variant.manifest().target.model;
            let text = format!("{}\nCompiled for {model}.\n", one.skill.source());
            assert_eq!(variant.text(), text);
            assert_eq!(variant.manifest().source, one.skill.digest());
        }
    }
    assert_eq!(runs.load(Ordering::SeqCst), 4);
    // What is installed is found again, here and by a second installation.
    let again = block_on(vm.compile(&installed[0].skill, &target("m1"))).unwrap();
    assert!(Arc::ptr_eq(&again, &installed[0].variants[0]));
    block_on(vm.install(folder.path().join("a"))).unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 4);
}

#[test]
fn install_without_targets_only_loads() {
    let folder = tempfile::tempdir().unwrap();
    write_skill(folder.path(), "a", "# A\n");
    let installed = block_on(SkVm::builder().build().install(folder.path())).unwrap().skills;
    assert_eq!((installed.len(), installed[0].variants.len()), (1, 0));
    let empty = tempfile::tempdir().unwrap();
    assert!(block_on(SkVm::builder().build().install(empty.path())).unwrap().skills.is_empty());
}

#[test]
fn install_tells_which_skill_cannot_be_loaded_and_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    write_skill(folder.path(), "a", "# A\n");
    write_skill(folder.path(), "b", &"long\n".repeat(100));
    let store = Arc::new(Watched::default());
    let limits = LoadLimits { skill_bytes: 200, ..LoadLimits::default() };
    let vm = SkVm::builder().store(store.clone()).target(target("m")).load_limits(limits).build();
    let installation = block_on(vm.install(folder.path())).unwrap();
    assert_eq!(installation.skills.len(), 1);
    let [(place, error)] = installation.failures.as_slice() else { panic!("{installation:?}") };
    assert_eq!(*place, folder.path().join("b"));
    assert!(matches!(error, EngineError::Load(_)), "{error:?}");
    let told = chain(error).join(": ");
    assert!(told.contains("b/SKILL.md") && told.contains("limit of 200"), "{told}");
    assert_eq!(store.count("publish"), 1);

    let error = block_on(vm.install(folder.path().join("missing"))).unwrap_err();
    assert!(chain(&error).join(": ").contains("missing"), "{error:?}");
}

#[test]
fn each_target_has_a_variant_of_its_own() {
    let (passes, runs) = counted();
    let vm = SkVm::builder().passes(passes).build();
    let skill = skill("x");
    let compile = |model: &str| block_on(vm.compile(&skill, &target(model))).unwrap();
    let (a, b) = (compile("a"), compile("b"));
    assert_ne!(a.digest(), b.digest());
    assert!(a.text().ends_with("Compiled for a.\n") && b.text().ends_with("Compiled for b.\n"));
    assert!(Arc::ptr_eq(&a, &compile("a")) && Arc::ptr_eq(&b, &compile("b")));
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

/// The harness is half of a target.
#[test]
fn the_same_model_behind_another_harness_is_another_target() {
    let (passes, _) = counted();
    let vm = SkVm::builder().passes(passes).build();
    let skill = skill("x");
    let one = block_on(vm.compile(&skill, &Target::new("m", "one"))).unwrap();
    let two = block_on(vm.compile(&skill, &Target::new("m", "two"))).unwrap();
    assert_ne!(one.digest(), two.digest());
}

#[test]
fn the_profile_of_a_target_is_used_and_named() {
    let profile = CapabilityProfile::new(&target("small"), "2026-01-01T00:00:00Z")
        .with_level(Primitive::ToolExec, Level::L1);
    let digest = profile.digest();
    let vm = SkVm::builder().profile(profile).build();
    let skill = skill("x");
    let compile = |model: &str| block_on(vm.compile(&skill, &target(model))).unwrap();
    assert_eq!(compile("small").manifest().profile, Some(digest));
    assert_eq!(compile("unknown").manifest().profile, None);
}

/// In the original, an edited skill was served from the old variant.
#[test]
fn a_skill_that_changed_is_compiled_again() {
    let (passes, runs) = counted();
    let vm = SkVm::builder().passes(passes).build();
    let before = skill("x");
    let after = Arc::new(Skill::from_text("/nowhere/x", before.source().replace("it", "that")));
    let old = block_on(vm.compile(&before, &target("m"))).unwrap();
    let new = block_on(vm.compile(&after, &target("m"))).unwrap();
    assert!(old.text().contains("Do it.") && new.text().contains("Do that."));
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[test]
fn engines_that_share_a_store_compile_once() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (first, _) = counted();
    let (second, runs) = counted();
    let first = SkVm::builder().passes(first).store(store.clone()).build();
    let second = SkVm::builder().passes(second).store(store).build();
    let skill = skill("x");
    let one = block_on(first.compile(&skill, &target("m"))).unwrap();
    let two = block_on(second.compile(&skill, &target("m"))).unwrap();
    assert!(Arc::ptr_eq(&one, &two));
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

/// Other passes make other variants: the pipeline is part of the key.
#[test]
fn engines_of_other_passes_do_not_share_variants() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (signing, _) = counted();
    let signing = SkVm::builder().passes(signing).store(store.clone()).build();
    let nothing = PassManager::builder().build().unwrap();
    let plain = SkVm::builder().passes(nothing).store(store).build();
    let skill = skill("x");
    let one = block_on(signing.compile(&skill, &target("m"))).unwrap();
    let two = block_on(plain.compile(&skill, &target("m"))).unwrap();
    assert_ne!(one.text(), two.text());
    assert_eq!(two.text(), skill.source());
}

/// In the original, a compilation that failed left something that was served as compiled.
#[test]
fn a_pass_that_fails_leaves_nothing_and_is_tried_again() {
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let pass = pass_fn("moody", move |_| match is_broken.load(Ordering::SeqCst) {
        true => Err(PassError::other("reading the stars")),
        false => Ok(()),
    });
    let store = Arc::new(Watched::default());
    let vm = SkVm::builder().passes(pipeline(pass)).store(store.clone()).build();
    let skill = skill("x");
    for _ in 0..2 {
        let error = block_on(vm.compile(&skill, &target("m"))).unwrap_err();
        assert!(matches!(error, EngineError::Compile(_)), "{error:?}");
        assert_eq!(
            chain(&error),
            ["compiling a skill", "pass moody on skill \"x\"", "reading the stars"]
        );
    }
    assert_eq!(store.count("publish"), 0);
    broken.store(false, Ordering::SeqCst);
    block_on(vm.compile(&skill, &target("m"))).unwrap();
    assert_eq!(store.count("publish"), 1);
}

#[test]
fn a_store_that_fails_is_told_with_its_cause() {
    for operation in ["variant", "publish"] {
        let store = Watched::failing(operation);
        let (passes, _) = counted();
        let vm = SkVm::builder().passes(passes).store(store.clone()).build();
        let skill = skill("x");
        let error = block_on(vm.compile(&skill, &target("m"))).unwrap_err();
        assert!(matches!(error, EngineError::Store(_)), "{error:?}");
        let failed = format!("store: {operation}");
        assert_eq!(chain(&error), ["using the store", &failed, "the disk is gone"]);
        // Nothing is served that was not published, and nothing is stuck.
        store.heal();
        let variant = block_on(vm.compile(&skill, &target("m"))).unwrap();
        let again = block_on(vm.compile(&skill, &target("m"))).unwrap();
        assert!(Arc::ptr_eq(&variant, &again));
        assert_eq!(store.count("publish"), 1 + usize::from(operation == "publish"));
    }
}

#[test]
fn debug_names_targets_and_no_more() {
    let vm = SkVm::builder().target(target("m"));
    assert!(format!("{vm:?}").contains("\"m\""));
    assert!(format!("{:?}", vm.build()).contains("\"m\""));
}
