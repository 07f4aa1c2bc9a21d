use super::output_view::{scalar, scalars};
use super::{Derivation, Known, OutputView, Pieces, Term, json_in};

fn known(gaps: &[&str], output: &str) -> Known {
    Known {
        gaps: gaps.iter().map(|&gap| gap.to_owned()).collect(),
        outputs: vec![OutputView::new(output, None)],
        ..Known::default()
    }
}

fn explained(runs: &[Known], values: &[&str]) -> Option<String> {
    let expression = Pieces::of(runs).explain(values)?;
    for (run, value) in runs.iter().zip(values) {
        assert_eq!(run.value(&expression).as_deref(), Some(*value), "{expression:?}");
    }
    let show = |term: &Term| match term {
        Term::Fixed(text) => text.clone(),
        Term::Taken(Derivation { source, transform }) => format!("<{source:?} {transform:?}>"),
    };
    Some(expression.iter().map(show).collect())
}

#[test]
fn values_are_put_together_from_what_was_there() {
    let two = |a: [&str; 2], b: [&str; 2]| [known(&a, "{\"id\": 7}"), known(&b, "{\"id\": 8}")];
    let runs = two(["data/q1", "Oslo"], ["in/sales", "Rome"]);
    for (values, expected) in [
        (["x", "x"], Some("x")),
        (["data/q1.csv", "in/sales.csv"], Some("<Gap(0) Same>.csv")),
        (["out/q1.json", "out/sales.json"], Some("out/<Gap(0) Name>.json")),
        (
            ["q=oslo&id=7", "q=rome&id=8"],
            Some("q=<Gap(1) Lower>&id=<Output { call: 0, take: Pointer(\"/id\") } Same>"),
        ),
        (["data/q1", "in/other"], None),
        (["q1", "sales now"], None),
        (["OsloOslo", "RomeRome"], Some("<Gap(1) Same><Gap(1) Same>")),
        (["", "x"], None),
    ] {
        assert_eq!(explained(&runs, &values).as_deref(), expected, "{values:?}");
    }
}

#[test]
fn one_run_explains_by_whole_tokens() {
    let runs = [known(&["a"], "")];
    assert_eq!(explained(&runs, &["data/a.csv"]).as_deref(), Some("data/<Gap(0) Same>.csv"));
    assert_eq!(explained(&runs, &["data"]).as_deref(), Some("data"));
}

#[test]
fn a_search_without_end_is_given_up() {
    let runs = [known(&["a", "aa"], ""), known(&["b", "bb"], "")];
    let (a, b) = ("a".repeat(3000) + "x", "b".repeat(3000) + "y");
    assert_eq!(Pieces::of(&runs).explain(&[&a, &b]), None);
}

#[test]
fn json_is_found_in_an_output() {
    let value = json_in("stdout:\n{\"a\": [1, {\"b/c\": \"x\"}]}\nexit status: 0").unwrap();
    let mut found = Vec::new();
    scalars(&value, &mut String::new(), &mut found);
    assert_eq!(found, ["/a/0", "/a/1/b~1c"]);
    assert_eq!(value.pointer(&found[1]).and_then(scalar).as_deref(), Some("x"));
    assert_eq!(json_in("{ no json"), None);
}
