//! Fingerprints of code: what leaves them as they are, what changes them, and that code is rendered to the same.
//!
//! Programs are put together from blocks with slots. The same program is printed in many styles, and with one
//! change of its meaning.

mod by_hand;
mod hostile;
mod program;
mod tool_calls;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use skvm_core::artifact::{Part, Template, TemplateLanguage};
use skvm_passes::templates::shape::MAX_BYTES;
use skvm_passes::templates::{Argument, Shape};

use TemplateLanguage::{JavaScript, Json, Python, Shell};
use program::{Program, Rng, VALUES};

/// Pairs of each kind and language.
const PAIRS: usize = 600;

fn shape(language: TemplateLanguage, code: &str) -> Shape {
    Shape::of(language, code).unwrap_or_else(|| panic!("{language:?} is not understood:\n{code}"))
}

fn values(shape: &Shape) -> Vec<&str> {
    shape.values().collect()
}

/// Every literal written anew with its own value: the same program.
fn assert_round_trip(shape: &Shape, code: &str) {
    let segments = shape.segments(&mut |_, value| Some(vec![Part::Text(value.into())]));
    let language = shape.language();
    let template = Template { language, segments, parameters: Vec::new() };
    let rendered = template.render::<&str>(&[]);
    let rendered = rendered.unwrap_or_else(|error| panic!("{error}:\n{code}\n{shape:#?}"));
    let again = Shape::of(language, &rendered)
        .unwrap_or_else(|| panic!("rendered to what is not understood:\n{code}\n=>\n{rendered}"));
    assert_eq!(values(shape), values(&again), "values of\n{code}\n=>\n{rendered}");
    assert_eq!(shape.fingerprint(), again.fingerprint(), "of\n{code}\n=>\n{rendered}");
    assert_eq!(shape.embedded().len(), again.embedded().len(), "code in\n{code}\n=>\n{rendered}");
}

fn assert_matching(language: TemplateLanguage) {
    let mut seen = BTreeSet::new();
    for seed in 1..=10_000 {
        let program = Program::new(language, &mut Rng::new(seed));
        let (one, other) = (program.print(0, seed, 0), program.print(seed, seed + 1, seed));
        let restyled = program.print(seed + 1, seed, seed + 1);
        let (first, second) = (shape(language, &one), shape(language, &other));
        let third = shape(language, &restyled);
        let same = first.fingerprint() == second.fingerprint();
        assert!(same, "should match:\n{one}\n-----\n{other}\n{program:?}");
        let same = first.fingerprint() == third.fingerprint();
        assert!(same, "should match:\n{one}\n-----\n{restyled}\n{program:?}");
        assert_eq!(values(&first), values(&third), "of\n{one}\n-----\n{restyled}");
        assert_round_trip(&first, &one);
        assert_round_trip(&second, &other);
        if one != other {
            seen.insert((one, other));
        }
        if seen.len() == PAIRS {
            return;
        }
    }
    panic!("only {} pairs", seen.len());
}

fn assert_differing(language: TemplateLanguage) {
    let mut seen = BTreeSet::new();
    for seed in 1..=10_000 {
        let mut rng = Rng::new(seed);
        let program = Program::new(language, &mut rng);
        let (changed, kind) = program.changed(&mut rng);
        let one = program.print(0, seed, 0);
        // Half of them in the same style, so that nothing but the change can make the difference.
        let other = match seed % 2 {
            0 => changed.print(0, seed, 0),
            _ => changed.print(seed, seed + 1, seed),
        };
        // A change may make what is no program.
        let Some(second) = Shape::of(language, &other) else { continue };
        let first = shape(language, &one);
        let same = first.fingerprint() == second.fingerprint();
        assert!(!same, "should differ ({kind}):\n{one}\n-----\n{other}\n{program:?}\n{changed:?}");
        seen.insert((one, other));
        if seen.len() == PAIRS {
            return;
        }
    }
    panic!("only {} pairs", seen.len());
}

#[test]
fn python_of_other_style_names_and_values_has_the_same_fingerprint() {
    assert_matching(Python);
}

#[test]
fn python_of_other_meaning_has_another_fingerprint() {
    assert_differing(Python);
}

#[test]
fn javascript_of_other_style_names_and_values_has_the_same_fingerprint() {
    assert_matching(JavaScript);
}

#[test]
fn javascript_of_other_meaning_has_another_fingerprint() {
    assert_differing(JavaScript);
}

#[test]
fn shell_of_other_style_names_and_values_has_the_same_fingerprint() {
    assert_matching(Shell);
}

#[test]
fn shell_of_other_meaning_has_another_fingerprint() {
    assert_differing(Shell);
}

/// The code of a template in which no literal has a hole.
fn left_alone(shape: &Shape) -> String {
    let segments = shape.segments(&mut |_, _| None);
    let template = Template { language: shape.language(), segments, parameters: Vec::new() };
    template.render::<&str>(&[]).unwrap()
}
