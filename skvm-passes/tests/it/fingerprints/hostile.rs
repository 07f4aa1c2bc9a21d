//! Code that is none, and code that is far too much.

use super::*;

/// Code in pieces; put together at random, some of it can be read.
const PIECES: &[&str] = &[
    "a",
    "x = ",
    "'",
    "\"",
    "\"\"\"",
    "`",
    "f'",
    "rf\"",
    "{",
    "}",
    "{{",
    "(",
    ")",
    "[",
    "]",
    "$",
    "${",
    "$(",
    "$((",
    "))",
    "<<EOF",
    "<<'E'",
    "\nEOF\n",
    "\nE\n",
    "<<<",
    "\n",
    "\n    ",
    "\t",
    "\r",
    "\r\n",
    " ",
    ";",
    ";;",
    ",",
    ":",
    "::",
    "=",
    "==",
    "=>",
    "->",
    "|",
    "||",
    "&",
    "&&",
    ">",
    ">>",
    "2>&1",
    "<",
    "\\",
    "\\\n",
    "#",
    "//",
    "/*",
    "*/",
    "/",
    "*",
    "**",
    "?",
    "?.",
    "!",
    "~",
    "@",
    "-",
    "-1",
    "--x=",
    "-c",
    "1.5e3",
    ".5",
    "0x1f",
    "1_0",
    "é",
    "日本",
    "😀",
    "\u{feff}",
    "\0",
    "\u{2028}",
    "python3",
    "bash",
    "cat",
    "find . -exec ",
    "xargs ",
    "echo ",
    "for x in ",
    "do ",
    "done",
    "if ",
    "then ",
    "fi",
    "case ",
    "in ",
    "esac",
    "def f(x): ",
    "lambda x: ",
    "class A:",
    "return ",
    "await ",
    "async ",
    "function f(x) ",
    "const {a} = ",
    "import ",
    "from ",
    "match x:\n case ",
    "require(",
    "export ",
    "let ",
    "a.b",
    "a.b()",
    "a[1:]",
    "a\"$x\"'b'",
    "--y=\"$x\"",
    "$x",
    "$'a'",
    "{a,b}",
    "True",
];

/// Neither panics nor makes spans that are none; what is read is written again.
fn assert_harmless(code: &str) {
    for language in [Shell, Python, JavaScript, Json] {
        if let Some(shape) = Shape::of(language, code) {
            assert_eq!(left_alone(&shape), code_of(language, code));
            assert_eq!(shape.values().count(), shape.are_numbers().count());
            let marked = shape.segments(&mut |at, _| Some(vec![Part::Text(at.to_string())]));
            let template = Template { language, segments: marked, parameters: Vec::new() };
            template.render::<&str>(&[]).unwrap();
        }
    }
    let arguments = serde_json::json!({ "a": code, "b": [code] });
    for language in [Shell, Python, JavaScript, Json] {
        let shape = Shape::of_json(&arguments, &|_, _| Argument::Code(language));
        assert_eq!(left_alone(&shape.unwrap()), arguments.to_string());
    }
}

/// JSON is written anew.
fn code_of(language: TemplateLanguage, code: &str) -> String {
    match language {
        Json => serde_json::from_str::<serde_json::Value>(code).unwrap().to_string(),
        _ => code.to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_harmless(code in any::<String>()) {
        assert_harmless(&code);
    }

    #[test]
    fn glued_pieces_are_harmless(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)
    ) {
        assert_harmless(&pieces.concat());
    }

    #[test]
    fn damaged_programs_are_harmless(
        seed in 1u64..1_000_000, at in 0usize..400, length in 0usize..3,
        piece in prop::sample::select(PIECES),
    ) {
        for language in [Shell, Python, JavaScript] {
            let program = Program::new(language, &mut Rng::new(seed)).print(0, seed, seed);
            let start = program.floor_char_boundary(at % program.len());
            let end = program.floor_char_boundary((start + length).min(program.len())).max(start);
            let mut code = program.clone();
            code.replace_range(start..end, piece);
            assert_harmless(&code);
            if let Some(shape) = Shape::of(language, &code) {
                assert_round_trip(&shape, &code);
            }
        }
    }
}

/// Pieces that long code is made of.
const LONG: [(TemplateLanguage, &[&str]); 4] = [
    (
        Shell,
        &[
            "a;",
            "a 'b'\n",
            "é ",
            "\"$a\"",
            "{a,b}",
            "\\\n",
            "<<E\nE\n",
            "a | ",
            "a | sh | ",
            "x=$x y=$y\n",
            "eval $x$\n",
            "x=$y;eval $x;",
            "sed -i '' a\n",
            "a '{\"b\": 1}'\n",
            "echo a > b.py\n",
            "((x+$x));",
        ],
    ),
    (
        Python,
        &["a;", "x = 'y'\n", "'a',", "f'{a}'\n", "-1+", "'a' ", "run(a(", "a.evaluate(", "a.run."],
    ),
    (
        JavaScript,
        &["a;", "x = 'y'\n", "'a',", "`${a}`;", "1+", "a.b.", "spawn(a(", "exec.", "`a${1}'`;"],
    ),
    (Json, &["[", "1", " ", "é"]),
];

#[test]
fn deep_and_long_code_is_harmless() {
    let deep: [(TemplateLanguage, &[(&str, &str)]); 3] = [
        (
            Shell,
            &[
                ("(", ")"),
                ("[", "]"),
                ("$(", ")"),
                ("\"$(", ")\""),
                ("{ ", "; }"),
                ("! ", ""),
                ("a | (", ")"),
            ],
        ),
        (
            Python,
            &[
                ("(", ")"),
                ("[", "]"),
                ("{", "}"),
                ("f(", ")"),
                ("f'{", "}'"),
                ("not ", "a"),
                ("-", "1"),
            ],
        ),
        (
            JavaScript,
            &[
                ("(", ")"),
                ("[", "]"),
                ("{", "}"),
                ("a(", ")"),
                ("x=>", "x"),
                ("- ", "1"),
                ("<a>", "</a>"),
            ],
        ),
    ];
    for (language, pairs) in deep {
        for (open, close) in pairs {
            // The parser takes its time where it has to guess what was meant.
            let most = if matches!(*open, "(" | "[" | "$(") { 10_000 } else { 1_000 };
            assert_left_alone(language, &open.repeat(most));
            let closed = |depth: usize| open.repeat(depth) + "a" + &close.repeat(depth);
            assert_left_alone(language, &closed(1_000));
            assert_left_alone(language, &closed(60));
        }
    }
    for (language, pieces) in LONG {
        for piece in pieces {
            let text = piece.repeat(MAX_BYTES / piece.len());
            assert_left_alone(language, &text);
            assert!(Shape::of(language, &(text + piece)).is_none(), "longer than all code");
        }
    }
    for code in ["\u{feff}a = 'b'", "a 'b'\rc", "\r", "\u{feff}", "a = 'é'\r\n"] {
        assert_harmless(code);
    }
    for language in [Shell, Python, JavaScript] {
        assert!(Shape::of(language, "a\0b").is_none());
    }
    let nested =
        (0..6).fold("ls X".to_owned(), |code, _| format!("bash -c {}", single_quoted(&code)));
    assert!(Shape::of(Shell, &nested).is_some(), "code in code in code is a text at last");
}

fn assert_left_alone(language: TemplateLanguage, code: &str) {
    if let Some(shape) = Shape::of(language, code) {
        assert_eq!(left_alone(&shape), code_of(language, code));
    }
}

fn single_quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}
