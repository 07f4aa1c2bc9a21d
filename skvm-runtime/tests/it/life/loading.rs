//! `load`: once compiled, found again; compiled anew when something changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use futures::executor::block_on;
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_core::harness::{Harness, HarnessError, HarnessFeatures, HarnessRun, RunRecord};
use skvm_core::host::{HostFacts, OsFamily};
use skvm_core::pass::pass_fn;
use skvm_core::skill::Skill;
use skvm_core::target::{HarnessId, Target};
use skvm_runtime::engine::{Event, SkVm};
use skvm_runtime::life::{ActivationReason, Standing};

use super::unsteady::Unsteady;
use super::{
    Signing, activated, builder, compiled, engine, everywhere, history, load, pipeline, reasons,
    sign, skill, skill_at, target, text, told, write_skill,
};

fn unix_millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

#[test]
fn the_first_load_compiles_and_activates() {
    everywhere(|home| {
        let (vm, skill) = (engine(home.store()), skill("one"));
        let mut events = vm.events();
        assert!(history(&vm, &skill).is_empty());
        let before = unix_millis();
        let loaded = load(&vm, &skill);
        let after = unix_millis();
        assert_eq!(loaded.standing, Standing::Active);
        assert!(loaded.variant.text().ends_with("one\n\nCompiled for m by v0.\n"));
        let variant = loaded.variant.digest();
        let told = told(&mut events);
        assert!(matches!(told[0], Event::Compiled { .. }), "{told:?}");
        let expected = Event::Activated {
            skill: "x".to_owned(),
            target: target(),
            variant,
            reason: ActivationReason::First,
        };
        assert_eq!(told[1..], [expected]);
        let history = block_on(vm.history(&skill, &target())).unwrap();
        let [first] = history.activations.as_slice() else { panic!("{history:?}") };
        assert_eq!((first.variant, &first.reason), (variant, &ActivationReason::First));
        assert!((before..=after).contains(&first.at), "{before} {} {after}", first.at);
        assert!(history.fared.is_empty());
    });
}

#[test]
fn what_is_active_is_found_again() {
    everywhere(|home| {
        let (vm, skill) = (engine(home.store()), skill("one"));
        let first = load(&vm, &skill);
        let mut events = vm.events();
        for _ in 0..3 {
            let again = load(&vm, &skill);
            assert!(Arc::ptr_eq(&again.variant, &first.variant));
            assert_eq!(again.standing, Standing::Active);
        }
        assert!(told(&mut events).is_empty());
        // Another process finds it too.
        drop(vm);
        let vm = engine(home.store());
        let mut events = vm.events();
        let again = load(&vm, &skill);
        assert_eq!((again.variant, again.standing), (first.variant, Standing::Active));
        assert!(told(&mut events).is_empty());
        assert_eq!(reasons(&history(&vm, &skill)), [ActivationReason::First]);
    });
}

/// What was only compiled is not active, and not compiled again.
#[test]
fn what_was_compiled_before_is_activated_without_compiling() {
    everywhere(|home| {
        let (vm, skill) = (engine(home.store()), skill("one"));
        let variant = block_on(vm.compile(&skill, &target())).unwrap();
        assert!(history(&vm, &skill).is_empty());
        let mut events = vm.events();
        assert_eq!(load(&vm, &skill).variant, variant);
        let told = told(&mut events);
        assert_eq!(compiled(&told), 0);
        assert_eq!(activated(&told), [(variant.digest(), ActivationReason::First)]);
    });
}

#[test]
fn a_changed_skill_is_compiled_and_the_old_one_is_used_again() {
    everywhere(|home| {
        let vm = engine(home.store());
        let (one, two) = (skill("one"), skill("two"));
        let mut events = vm.events();
        let first = load(&vm, &one).variant.digest();
        let second = load(&vm, &two);
        assert_eq!(second.standing, Standing::Active);
        assert!(second.variant.text().contains("two"));
        assert_eq!(compiled(&told(&mut events)), 2);
        // Back, and forth in another process: nothing is compiled.
        assert_eq!(load(&vm, &one).variant.digest(), first);
        assert_eq!(compiled(&told(&mut events)), 0);
        let vm = engine(home.store());
        let mut events = vm.events();
        assert_eq!(load(&vm, &two).variant, second.variant);
        assert_eq!(compiled(&told(&mut events)), 0);
        let changed = ActivationReason::SkillChanged;
        let second = second.variant.digest();
        assert_eq!(
            history(&vm, &one),
            [
                (first, ActivationReason::First),
                (second, changed.clone()),
                (first, changed.clone()),
                (second, changed)
            ]
        );
    });
}

#[test]
fn a_file_of_the_bundle_is_part_of_the_skill() {
    everywhere(|home| {
        let folder = tempfile::tempdir().unwrap();
        write_skill(folder.path(), "Run scripts/a.sh.");
        std::fs::create_dir(folder.path().join("scripts")).unwrap();
        std::fs::write(folder.path().join("scripts/a.sh"), "echo a\n").unwrap();
        let vm = engine(home.store());
        let first = load(&vm, &skill_at(folder.path())).variant;
        assert!(Arc::ptr_eq(&load(&vm, &skill_at(folder.path())).variant, &first));
        std::fs::write(folder.path().join("scripts/a.sh"), "echo b\n").unwrap();
        let skill = skill_at(folder.path());
        assert_ne!(load(&vm, &skill).variant.digest(), first.digest());
        let why = reasons(&history(&vm, &skill));
        assert_eq!(why, [ActivationReason::First, ActivationReason::SkillChanged]);
    });
}

fn profile(level: Level) -> CapabilityProfile {
    CapabilityProfile::new(&target(), "2026-01-01T00:00:00Z").with_level(Primitive::ToolExec, level)
}

#[test]
fn a_profile_that_is_recorded_makes_what_is_active_stale() {
    everywhere(|home| {
        let (vm, skill) = (engine(home.store()), skill("one"));
        let other = engine(home.store());
        assert_eq!(load(&vm, &skill).variant.manifest().profile, None);
        load(&other, &skill);
        for level in [Level::L1, Level::L2, Level::L1] {
            let profile = profile(level);
            block_on(vm.record_profile(&profile)).unwrap();
            let loaded = load(&vm, &skill);
            assert_eq!(loaded.variant.manifest().profile, Some(profile.digest()));
            // Another process learns of it by itself.
            assert_eq!(load(&other, &skill).variant, loaded.variant);
            let known = block_on(other.profile(&target())).unwrap().unwrap();
            assert_eq!(known.digest(), profile.digest());
            // The same once more changes nothing, nor does one of another target.
            block_on(other.record_profile(&profile)).unwrap();
            let stranger = CapabilityProfile::new(&Target::new("other", "harness"), "2026");
            block_on(vm.record_profile(&stranger)).unwrap();
            assert!(Arc::ptr_eq(&load(&vm, &skill).variant, &loaded.variant));
        }
        let changed = ActivationReason::ProfileChanged;
        let expected = [ActivationReason::First, changed.clone(), changed.clone(), changed];
        assert_eq!(reasons(&history(&vm, &skill)), expected);
    });
}

#[test]
fn a_profile_of_the_builder_has_its_way() {
    everywhere(|home| {
        let given = profile(Level::L3);
        let vm = builder(home.store()).profile(given.clone()).build();
        let skill = skill("one");
        block_on(vm.record_profile(&profile(Level::L1))).unwrap();
        let loaded = load(&vm, &skill);
        assert_eq!(loaded.variant.manifest().profile, Some(given.digest()));
        assert_eq!(load(&vm, &skill).variant, loaded.variant);
        assert_eq!(history(&vm, &skill).len(), 1);
    });
}

#[test]
fn other_passes_compile_anew_and_the_old_ones_find_theirs() {
    everywhere(|home| {
        let vm = |version, configuration| {
            let pass = Signing { version, configuration, ..Signing::default() };
            SkVm::builder().store(home.store()).passes(pipeline(pass)).build()
        };
        let skill = skill("one");
        let kinds = [(1, ""), (2, ""), (2, "fast"), (1, "")];
        let texts: Vec<String> = kinds
            .iter()
            .map(|&(version, configuration)| {
                let vm = vm(version, configuration);
                let mut events = vm.events();
                let loaded = load(&vm, &skill);
                assert!(load(&vm, &skill).variant == loaded.variant);
                let is_new = (version, configuration) != (1, "") || history(&vm, &skill).len() < 2;
                assert_eq!(compiled(&told(&mut events)), usize::from(is_new));
                loaded.variant.text().lines().last().unwrap().to_owned()
            })
            .collect();
        assert_eq!(
            texts,
            ["v1", "v2", "v2fast", "v1"].map(|by| format!("Compiled for m by {by}."))
        );
        let changed = ActivationReason::PassesChanged;
        let expected = [ActivationReason::First, changed.clone(), changed.clone(), changed];
        assert_eq!(reasons(&history(&vm(1, ""), &skill)), expected);
    });
}

#[test]
fn another_machine_compiles_anew() {
    everywhere(|home| {
        let skill = skill("one");
        let on = |arch: &str| {
            let host = HostFacts::new(OsFamily::Linux, arch);
            builder(home.store()).host(host).build()
        };
        let first = load(&on("x86_64"), &skill).variant.digest();
        let second = load(&on("aarch64"), &skill).variant.digest();
        assert_ne!(first, second);
        let vm = on("x86_64");
        let mut events = vm.events();
        assert_eq!(load(&vm, &skill).variant.digest(), first);
        assert_eq!(compiled(&told(&mut events)), 0);
        let changed = ActivationReason::HostChanged;
        let expected = [ActivationReason::First, changed.clone(), changed];
        assert_eq!(reasons(&history(&vm, &skill)), expected);
    });
}

/// A harness that is never run.
struct Idle(HarnessId, HarnessFeatures);

#[async_trait]
impl Harness for Idle {
    fn id(&self) -> &HarnessId {
        &self.0
    }

    fn features(&self) -> HarnessFeatures {
        self.1
    }

    async fn run(&self, _: HarnessRun<'_>) -> Result<RunRecord, HarnessError> {
        Ok(RunRecord::default())
    }
}

#[test]
fn a_harness_that_can_do_more_compiles_anew() {
    everywhere(|home| {
        let skill = skill("one");
        let with = |batched| {
            let mut features = HarnessFeatures::default();
            features.batched_tool_calls = batched;
            builder(home.store()).harness(Arc::new(Idle("harness".into(), features))).build()
        };
        load(&engine(home.store()), &skill);
        load(&with(false), &skill);
        let vm = with(true);
        assert!(load(&vm, &skill).variant.manifest().features.unwrap().batched_tool_calls);
        let changed = ActivationReason::HostChanged;
        let expected = [ActivationReason::First, changed.clone(), changed];
        assert_eq!(reasons(&history(&vm, &skill)), expected);
    });
}

#[test]
fn skills_of_one_name_in_two_places_have_two_lives() {
    everywhere(|home| {
        let vm = engine(home.store());
        let at = |root: &str, body: &str| Arc::new(Skill::from_text(root, text("x", body)));
        let (here, there) = (at("/here/x", "one"), at("/there/x", "one"));
        let first = load(&vm, &here).variant.digest();
        let other = load(&vm, &there).variant.digest();
        load(&vm, &at("/here/x", "two"));
        assert_eq!(load(&vm, &there).variant.digest(), other);
        let why = [ActivationReason::First, ActivationReason::SkillChanged];
        assert_eq!(reasons(&history(&vm, &here)), why);
        assert_eq!(history(&vm, &there), [(other, ActivationReason::First)]);
        block_on(vm.pin(&there, &target(), "good")).unwrap();
        assert_eq!(load(&vm, &here).variant.digest(), first);
        assert_eq!(load(&vm, &here).standing, Standing::Active);
        // Nor do two skills in one place share one.
        let third = Arc::new(Skill::from_text("/here/x", text("y", "one")));
        load(&vm, &third);
        assert_eq!(reasons(&history(&vm, &third)), [ActivationReason::First]);
    });
}

#[test]
fn targets_have_lives_of_their_own() {
    everywhere(|home| {
        let (vm, skill) = (engine(home.store()), skill("one"));
        let targets = [("m", "harness"), ("n", "harness"), ("m", "other"), ("mh", "arness")];
        let targets = targets.map(|(model, harness)| Target::new(model, harness));
        for target in &targets {
            let loaded = block_on(vm.load(&skill, target)).unwrap();
            assert_eq!(loaded.variant.manifest().target, *target);
        }
        block_on(vm.pin(&skill, &targets[0], "good")).unwrap();
        let standing = |target| block_on(vm.load(&skill, target)).unwrap().standing;
        assert_eq!(standing(&targets[0]), Standing::Pinned);
        for target in &targets[1..] {
            assert_eq!(standing(target), Standing::Active);
            assert_eq!(block_on(vm.history(&skill, target)).unwrap().activations.len(), 1);
        }
    });
}

#[test]
fn installing_activates_for_every_target_and_leaves_pins_alone() {
    everywhere(|home| {
        let folder = tempfile::tempdir().unwrap();
        write_skill(folder.path(), "one");
        let vm = builder(home.store()).target(target()).target(Target::new("n", "harness")).build();
        block_on(vm.install(folder.path())).unwrap();
        let skill = skill_at(folder.path());
        let mut events = vm.events();
        let first = load(&vm, &skill).variant.digest();
        assert!(told(&mut events).is_empty());
        block_on(vm.pin(&skill, &target(), "good")).unwrap();
        write_skill(folder.path(), "two");
        let installed = block_on(vm.install(folder.path())).unwrap();
        assert!(installed.failures.is_empty(), "{:?}", installed.failures);
        let skill = skill_at(folder.path());
        let loaded = load(&vm, &skill);
        assert_eq!((loaded.variant.digest(), loaded.standing), (first, Standing::Pinned));
        let other = block_on(vm.load(&skill, &Target::new("n", "harness"))).unwrap();
        assert!(other.variant.text().contains("two"));
    });
}

/// The reason needs no look at what was active before.
#[test]
fn a_change_of_the_skill_is_told_as_such_when_the_variant_before_is_lost() {
    everywhere(|home| {
        let store = Unsteady::new(home.store());
        let vm = engine(store.clone());
        store.lose(load(&vm, &skill("one")).variant.digest());
        let vm = engine(store);
        load(&vm, &skill("two"));
        let why = [ActivationReason::First, ActivationReason::SkillChanged];
        assert_eq!(reasons(&history(&vm, &skill("two"))), why);
    });
}

#[test]
fn an_active_variant_that_was_lost_is_made_again() {
    everywhere(|home| {
        let store = Unsteady::new(home.store());
        let (vm, skill) = (engine(store.clone()), skill("one"));
        let first = load(&vm, &skill).variant;
        store.lose(first.digest());
        let vm = engine(store);
        let mut events = vm.events();
        assert_eq!(load(&vm, &skill).variant, first);
        assert_eq!(compiled(&told(&mut events)), 1);
        assert_eq!(history(&vm, &skill).len(), 1);
    });
}

/// What owes something to a passing fault serves, and does not stay.
#[test]
fn a_transient_variant_neither_becomes_active_nor_stands_in_for_what_is() {
    everywhere(|home| {
        let is_bad = Arc::new(AtomicBool::new(true));
        let store = Unsteady::new(home.store());
        let moody = || {
            let bad = Arc::clone(&is_bad);
            let pass = pass_fn("moody", move |cx| {
                if bad.load(Ordering::SeqCst) {
                    cx.mark_transient();
                    return Ok(());
                }
                sign(cx, "moody")
            });
            SkVm::builder().store(store.clone()).passes(pipeline(pass)).build()
        };
        let (vm, skill) = (moody(), skill("one"));
        assert_eq!(load(&vm, &skill).variant.text(), skill.source());
        assert!(history(&vm, &skill).is_empty());
        is_bad.store(false, Ordering::SeqCst);
        let good = load(&vm, &skill).variant;
        assert!(good.text().ends_with("by moody.\n"));
        assert_eq!(history(&vm, &skill), [(good.digest(), ActivationReason::First)]);
        assert!(Arc::ptr_eq(&load(&vm, &skill).variant, &good));
        // The same when what is active is lost.
        store.lose(good.digest());
        is_bad.store(true, Ordering::SeqCst);
        let vm = moody();
        assert_eq!(load(&vm, &skill).variant.text(), skill.source());
        is_bad.store(false, Ordering::SeqCst);
        assert_eq!(load(&vm, &skill).variant, good);
        assert_eq!(history(&vm, &skill).len(), 1);
    });
}
