use proptest::prelude::*;

use std::ops::Range;

use super::{Tokens, Wording};

fn outline(texts: &[&str]) -> Option<String> {
    Wording::of_all(texts.iter().copied()).map(|wording| wording.outline())
}

#[test]
fn what_differs_is_a_gap() {
    for (texts, expected) in [
        (&["a b", "a b"][..], Some("a b")),
        (&["convert q1.csv to JSON", "convert q2.csv to JSON"], Some("convert {0}.csv to JSON")),
        (&["in  Paris?", "in\tRio de Janeiro?"], Some("in {0}?")),
        (&["in New York?", "in Rio de Janeiro?", "in Oslo?"], Some("in {0}?")),
        (&["from a to b", "from c to d"], Some("from {0} to {1}")),
        (&["do it", "do it now"], None),
        (&["", ""], Some("")),
        (&["a", "b"], Some("{0}")),
    ] {
        assert_eq!(outline(texts).as_deref(), expected, "{texts:?}");
    }
}

#[test]
fn a_text_fits_as_a_whole_or_not_at_all() {
    let wording = Wording::of_all(["convert q1.csv to JSON", "convert q2.csv to JSON"]).unwrap();
    assert_eq!(wording.fillers("convert sales.csv to JSON"), Some(vec!["sales"]));
    assert_eq!(wording.fillers("convert a/b c.csv to JSON"), Some(vec!["a/b c"]));
    for text in [
        "convert q1.csv to JSON now",
        "please convert q1.csv to JSON",
        "convert .csv to JSON",
        "convert q1.csv to XML",
        "",
    ] {
        assert_eq!(wording.fillers(text), None, "{text}");
    }
    for (filler, usual) in [
        ("q7", true),
        ("Q7x", true),
        ("sales", false),
        ("-q1", false),
        ("a/q1", false),
        ("q1 q2", false),
        ("q1", true),
    ] {
        assert_eq!(wording.is_usual(0, filler), usual, "{filler}");
    }
}

#[test]
fn new_words_are_values_only_by_their_form() {
    for (seen, filler, usual) in [
        (["in Oslo?", "in Rome?"], "Madrid", true),
        (["in Oslo?", "in Rome?"], "Nowhere Land", false),
        (["in Oslo?", "in Rome?"], "general", false),
        (["in Oslo?", "in Rome?"], "Which", false),
        (["in Oslo?", "in Rome?"], "July", false),
        (["in May?", "in June?"], "July", true),
        (["in New York?", "in Rio de Janeiro?"], "Rio de Oro", true),
        (["in New York?", "in Rio de Janeiro?"], "Oslo tomorrow", false),
        (["in New York?", "in Rio de Janeiro?"], "Oslo And Rome", false),
        (["in x.csv?", "in sales.csv?"], "orders", true),
        (["in x.csv?", "in sales.csv?"], "both", true),
        (["in \"Login fails\"?", "in \"Search hangs now\"?"], "Cart is empty", true),
        (["Oslo it is", "Rome it is"], "Madrid", false),
        (["go. Oslo it is", "go. Rome it is"], "Madrid", false),
        (["for Ada's mails", "for Bob's mails"], "Grace", true),
        (["for Ada's mails", "for Bob's mails"], "Nobody", false),
        (["run the unit-tests", "run the smoke-tests"], "load", true),
        (["run the unit-tests", "run the smoke-tests"], "no", false),
    ] {
        let wording = Wording::all_of(seen).remove(0);
        assert_eq!(wording.is_usual(0, filler), usual, "{seen:?}: {filler}");
    }
}

#[test]
fn many_gaps_in_a_long_text_end() {
    let text = "a ".repeat(500);
    let all: Vec<Range<usize>> = Tokens::all(&text).unwrap().into_iter().step_by(4).collect();
    let wording = Wording::with_gaps(&text, &all).unwrap();
    let _ = wording.fillers(&format!("{}b", "a ".repeat(400)));
}

proptest! {
    #[test]
    fn a_wording_fits_what_it_was_made_of(texts in prop::collection::vec("[ab1./ -]{0,12}", 1..5)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        if let Some(wording) = Wording::of_all(texts.iter().copied()) {
            for text in texts {
                let fillers = wording.fillers(text);
                prop_assert!(fillers.is_some());
                let mut fillers = fillers.into_iter().flatten().enumerate();
                prop_assert!(fillers.all(|(gap, filler)| wording.is_usual(gap, filler)));
            }
        }
    }

    #[test]
    fn tokens_are_the_whole_text(text in any::<String>()) {
        let glued: String = Tokens::of(&text).map(|token| &text[token]).collect();
        prop_assert_eq!(glued, text);
    }
}
