//! What is not rendered, and how numbers are.

use super::*;

#[test]
fn a_value_that_would_be_an_option_changes_the_fingerprint() {
    let shape = Shape::of(Shell, "git show HOLE").unwrap();
    let fingerprint = |value: &str| {
        Shape::of(Shell, &of_shape(&shape).render(&[value]).unwrap()).unwrap().fingerprint()
    };
    assert_eq!(fingerprint("a1b2"), shape.fingerprint());
    assert_ne!(fingerprint("--output=/etc/passwd"), shape.fingerprint());
}

#[test]
fn nul_is_refused_in_every_place() {
    for (language, code) in places() {
        for value in ["\0", "a\0b", "$(id)\0"] {
            let source = ValueError::Nul;
            let error = RenderError::Value { parameter: "value".into(), source };
            assert_eq!(template(language, code).render(&[value]), Err(error));
        }
    }
    assert!(of_shape(&call()).render(&["\0"]).is_err());
}

#[test]
fn a_value_that_ends_its_here_document_is_refused() {
    let ends = [
        "E\u{a1}",
        "EO\u{a1}F",
        "EOF",
        "a\nEOF",
        "EOF\nid\n",
        "a\nEOF\nb",
        "EOF\r",
        "a\r\nEOF\r\nb",
        "\nEOF\n",
    ];
    let stays = ["EOFX", " EOF", "EOF ", "\tEOF", "a EOF", "eof", "\"EOF\"", "EOF\\"];
    for code in ["cat <<'EOF'\nHOLE\nEOF\n", "cat <<EOF\nHOLE\nEOF\n"] {
        let template = template(Shell, code);
        for value in ends {
            let error = RenderError::EndsDocument { delimiter: "EOF".into() };
            assert_eq!(template.render(&[value]), Err(error), "{value:?}");
        }
        for value in stays {
            assert!(template.render(&[value]).is_ok(), "{value:?}");
        }
    }
    // The line is put together of the value and what stands around it.
    let split = template(Shell, "cat <<'EOF'\nEHOLEF\nEOF\n");
    assert!(split.render(&["O"]).is_err() && split.render(&["0"]).is_ok());
    // What is written has no such line.
    let python = template(Shell, "python3 - <<'EOF'\nprint('''HOLE''')\nEOF\n");
    let rendered = python.render(&["\nEOF\n"]).unwrap();
    assert_eq!(rendered, "python3 - <<'EOF'\nprint('\\nEOF\\n')\nEOF\n");
}

#[test]
fn a_document_ends_by_what_is_written_and_not_by_what_is_meant() {
    let document = |delimiter: &str| Template {
        language: Shell,
        segments: vec![Segment::Literal(Literal {
            form: LiteralForm::HereDocument { delimiter: delimiter.into(), expands: true },
            content: LiteralContent::Parts(vec![Part::Hole(0)]),
        })],
        parameters: vec![Parameter::new("value", ParameterType::Text)],
    };
    assert!(document("\\$END").render(&["$END"]).is_err());
    assert!(document("$END").render(&["a"]).is_ok());
}

/// What a number in a place comes to.
type Result = fn(f64) -> f64;

/// Places where a number stands instead of the 7.
const NUMBERS: [(TemplateLanguage, &str, Result); 14] = [
    (Python, "r(7)", |n| n),
    (Python, "r(x - 7)", |n| 1.0 - n),
    (Python, "r(x-7)", |n| 1.0 - n),
    (Python, "r(x -7)", |n| 1.0 - n),
    (Python, "r(-7)", |n| n),
    (Python, "r(- -7)", |n| -n),
    (Python, "r(2 if x>7 else 3)", |n| if 1.0 > n { 2.0 } else { 3.0 }),
    (Python, "r([7,1][0])", |n| n),
    (JavaScript, "r(7)", |n| n),
    (JavaScript, "r(x - 7)", |n| 1.0 - n),
    (JavaScript, "r(x-7)", |n| 1.0 - n),
    (JavaScript, "r(- -7)", |n| -n),
    (JavaScript, "r(x*7)", |n| n),
    (JavaScript, "r({a: 7}.a)", |n| n),
];

/// A template with a hole where the 7 stands.
fn number_template(language: TemplateLanguage, code: &str) -> Template {
    let shape = Shape::of(language, code).unwrap();
    let segments =
        shape.segments(&mut |_, value| matches!(value, "7" | "-7").then(|| vec![Part::Hole(0)]));
    let parameters = vec![Parameter::new("n", ParameterType::Number)];
    Template { language, segments, parameters }
}

#[test]
fn numbers_stand_where_numbers_do_with_their_sign() {
    for (language, interpreter) in [(Python, "python3"), (JavaScript, "node")] {
        if !has(interpreter) {
            continue;
        }
        let (mut code, mut expected) = (String::new(), Vec::new());
        for (_, place, result) in NUMBERS.iter().filter(|(it, ..)| *it == language) {
            let template = number_template(language, place);
            for number in ["0", "-0", "7", "-7", "12", "-1.5", "0.25", "1e3", "-2E-2", "3e+2"] {
                code.extend([&template.render(&[number]).unwrap(), "\n"]);
                expected.push(result(number.parse().unwrap()));
            }
        }
        code.push_str(match language {
            Python => "out = [repr(float(v)) for v in out]",
            _ => "out.forEach((v, i) => { out[i] = String(v) })",
        });
        let received = received(language, &code);
        let received: Vec<f64> = received.iter().map(|number| number.parse().unwrap()).collect();
        assert_eq!(received, expected);
    }
}

#[test]
fn what_is_no_number_stands_in_no_place_of_one() {
    let refused = [
        "",
        " ",
        "1 ",
        " 1",
        "+1",
        "01",
        "-",
        "--1",
        "1.",
        ".5",
        "1e",
        "e1",
        "1e1.5",
        "0x10",
        "0b1",
        "1_000",
        "1,5",
        "Infinity",
        "NaN",
        "1;2",
        "1)",
        "1+1",
        "1\n",
        "1\n2",
        "${x}",
        "$(id)",
        "\u{661}",
        "\u{ff11}",
        "\u{bd}",
        "1n",
        "1j",
        "\u{2212}1",
    ];
    for (language, code, _) in NUMBERS {
        let typed = number_template(language, code);
        let text = vec![Parameter::new("n", ParameterType::Text)];
        let untyped = Template { parameters: text, ..typed.clone() };
        for value in refused.into_iter().chain(some(1).filter(|v| v.parse::<f64>().is_err())) {
            assert!(matches!(typed.render(&[value]), Err(RenderError::Value { .. })), "{value:?}");
            assert_eq!(untyped.render(&[value]), Err(RenderError::NotANumber), "{value:?}");
        }
    }
}

#[test]
fn types_refuse_what_is_none_of_theirs() {
    use ParameterType::{Path, Secret, Text, Url};
    let cases = [
        (Text, "", true),
        (Text, "\n\t\u{1b}", true),
        (Secret, "s3cr3t'\"", true),
        (Path, "a b/\u{fc}.csv", true),
        (Path, "", false),
        (Path, "a\nb", false),
        (Url, "https://example.org/a?b=c&d", true),
        (Url, "git+ssh://x", true),
        (Url, "example.org", false),
        (Url, "https://", false),
        (Url, "://x", false),
        (Url, "1a://x", false),
        (Url, "https://a b", false),
        (Url, "https://a\u{2028}b", false),
        (Url, "-o x://y", false),
    ];
    for (kind, value, fits) in cases {
        assert_eq!(kind.check(value).is_ok(), fits, "{kind:?} {value:?}");
    }
}

#[test]
fn what_is_too_long_is_refused_before_it_is_written() {
    let template = template(Shell, "printf '%s' HOLE");
    assert!(template.render(&["x".repeat(MAX_VALUE_BYTES)]).is_ok());
    let bytes = MAX_VALUE_BYTES + 1;
    let source = ValueError::TooLong { bytes };
    let error = RenderError::Value { parameter: "value".into(), source };
    assert_eq!(template.render(&["x".repeat(bytes)]), Err(error));
    let holes = vec![Part::Hole(0); 2 * MAX_RENDERED_BYTES / MAX_VALUE_BYTES];
    let literal = Literal { form: LiteralForm::Quoted, content: LiteralContent::Parts(holes) };
    let many = Template { segments: vec![Segment::Literal(literal)], ..template };
    assert_eq!(many.render(&["x".repeat(MAX_VALUE_BYTES)]), Err(RenderError::TooLong));
}

#[test]
fn the_number_of_values_is_that_of_the_parameters() {
    let template = template(Shell, "ls HOLE");
    assert_eq!(template.render::<&str>(&[]), Err(RenderError::Count { parameters: 1, values: 0 }));
    assert_eq!(template.render(&["a", "b"]), Err(RenderError::Count { parameters: 1, values: 2 }));
}

#[test]
fn damaged_templates_are_refused() {
    let of = |language, form, content| Template {
        language,
        segments: vec![Segment::Literal(Literal { form, content })],
        parameters: vec![Parameter::new("value", ParameterType::Text)],
    };
    let hole = |index| LiteralContent::Parts(vec![Part::Hole(index)]);
    let document = LiteralForm::HereDocument { delimiter: "EOF".into(), expands: true };
    let nested = (0..20).fold(hole(0), |content, _| {
        let segments = vec![Segment::Literal(Literal { form: LiteralForm::Quoted, content })];
        LiteralContent::Code(EmbeddedCode { language: Shell, segments })
    });
    for damaged in [
        of(Shell, LiteralForm::Quoted, hole(1)),
        of(Shell, LiteralForm::Number, hole(0)),
        of(Shell, LiteralForm::Interpolated, hole(0)),
        of(Json, LiteralForm::Interpolated, hole(0)),
        of(Python, document.clone(), hole(0)),
        of(JavaScript, document, hole(0)),
        of(Shell, LiteralForm::Quoted, nested),
    ] {
        assert_eq!(damaged.render(&["1"]), Err(RenderError::Damaged), "{damaged:?}");
    }
}
