//! The guard catches every mutation: edits that each break one promise, at every kind of place of the
//! shipped skills and of documents that are hard to read.

mod corpus;
mod documents;
mod places;

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree as _;
use skvm_core::edit::{Edit, EditKind, EditReason, Edits};
use skvm_core::skill::Skill;
use skvm_passes::guard::{Guard, GuardRule};

use places::{Class, Mutation, mutate};

const KINDS: [EditKind; 3] =
    [EditKind::Compensation, EditKind::Elimination, EditKind::Substitution];

static DOCUMENTS: LazyLock<Vec<(String, Skill)>> = LazyLock::new(documents::all);

/// The edit of a mutation.
fn edit(mutation: &Mutation, kind: EditKind) -> Edit {
    let reason = EditReason::new("mutation", kind, "breaks a promise");
    Edit::replace(mutation.span, mutation.text.as_str(), reason)
}

/// What the guard says to one edit: the rules that it finds broken.
fn verdict(skill: &Skill, edit: Edit) -> Vec<GuardRule> {
    let mut edits = Edits::default();
    edits.insert(skill.source(), edit).unwrap();
    match Guard::default().verify(skill, Path::new("/opt/skills/x"), edits) {
        Ok(_) => Vec::new(),
        Err((error, _)) => error.violations().iter().map(|violation| violation.rule).collect(),
    }
}

fn check(class: Class, name: &str, skill: &Skill, place: Index, inner: Index) {
    let Some(mutation) = mutate(class, skill, place, inner) else { return };
    for kind in KINDS {
        if kind == EditKind::Substitution && mutation.is_code {
            continue;
        }
        let found = verdict(skill, edit(&mutation, kind));
        assert!(
            found.contains(&class.rule()) || (class.any_rule() && !found.is_empty()),
            "{name}: {class:?} as {kind:?} breaks {:?} and the guard finds {found:?}\n{:?} becomes {:?}",
            class.rule(),
            mutation.span.text(skill.source()),
            mutation.text,
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 6_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_guard_catches_every_mutation(
        class in select(&Class::ALL[..]),
        document in any::<Index>(),
        place in any::<Index>(),
        inner in any::<Index>(),
    ) {
        let (name, skill) = document.get(&DOCUMENTS);
        check(class, name, skill, place, inner);
    }
}

/// A class that finds no place would be checked by nothing.
#[test]
fn every_class_finds_places() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for class in Class::ALL {
        let mut found = 0;
        for (_, skill) in DOCUMENTS.iter() {
            for _ in 0..4 {
                let mut index = || any::<Index>().new_tree(&mut runner).unwrap().current();
                let (place, inner) = (index(), index());
                found += usize::from(mutate(class, skill, place, inner).is_some());
            }
        }
        assert!(found >= 20, "{class:?} finds {found} places");
    }
}
