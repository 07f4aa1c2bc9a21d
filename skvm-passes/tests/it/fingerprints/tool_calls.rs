//! JSON, and the code in the arguments of tool calls.

use super::*;

/// A JSON document without its values.
#[derive(Debug, Clone, PartialEq)]
enum Tree {
    Constant(&'static str),
    Number,
    Text,
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

const CONSTANTS: [&str; 3] = ["true", "false", "null"];
const KEYS: [&str; 6] = ["path", "file_text", "limit", "größe", "a \"b\"", ""];

impl Tree {
    fn new(rng: &mut Rng, depth: usize) -> Self {
        match rng.below(if depth == 0 { 2 } else { 6 }) + if depth == 3 { 4 } else { 0 } {
            0 | 2 => Self::Text,
            1 => Self::Number,
            3 => Self::Constant(rng.pick(&CONSTANTS)),
            4 | 6 | 8 => {
                let fields = 1 + rng.below(4);
                let key = |at: usize, rng: &mut Rng| format!("{}{at}", rng.pick(&KEYS));
                Self::Object(
                    (0..fields).map(|at| (key(at, rng), Self::new(rng, depth - 1))).collect(),
                )
            }
            _ => Self::List((0..rng.below(4)).map(|_| Self::new(rng, depth - 1)).collect()),
        }
    }

    /// The same with one change.
    fn change(&mut self, rng: &mut Rng) {
        let deeper = rng.below(3) > 0;
        match self {
            Self::Object(fields) if deeper && !fields.is_empty() => {
                let at = rng.below(fields.len());
                fields[at].1.change(rng);
            }
            Self::List(items) if deeper && !items.is_empty() => {
                let at = rng.below(items.len());
                items[at].change(rng);
            }
            Self::Object(fields) => match rng.below(3) {
                0 => fields[0].0.push('x'),
                1 => fields.push(("new".to_owned(), Self::Text)),
                _ => drop(fields.pop()),
            },
            Self::List(items) if items.is_empty() || rng.flip() => items.push(Self::Number),
            Self::List(items) => drop(items.pop()),
            Self::Text | Self::Number if rng.flip() => *self = Self::List(vec![self.clone()]),
            Self::Text => *self = Self::Number,
            Self::Number => *self = Self::Constant("null"),
            Self::Constant(now) => {
                let at = CONSTANTS.iter().position(|constant| constant == now).unwrap();
                *now = CONSTANTS[(at + 1) % 3];
            }
        }
    }

    /// As text; the fields in any order, each with values of its own.
    fn print(&self, values: u64, rng: &mut Rng, out: &mut String) {
        let mut own = Rng::new(values);
        let gap = |rng: &mut Rng| *[" ", "", "\n", "\t"].get(rng.below(4)).unwrap();
        match self {
            Self::Constant(constant) => out.push_str(constant),
            Self::Number => {
                let numbers = ["0", "-12", "3.25", "1e-9", "18446744073709551615"];
                out.push_str(own.pick(&numbers));
            }
            Self::Text => json_text(own.pick(&VALUES), rng, out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(gap(rng));
                    item.print(values * 31 + index as u64, rng, out);
                }
                out.push_str(gap(rng));
                out.push(']');
            }
            Self::Object(fields) => {
                let mut order: Vec<usize> = (0..fields.len()).collect();
                let first = rng.below(fields.len().max(1));
                order.rotate_left(first);
                out.push('{');
                for (index, at) in order.into_iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(gap(rng));
                    json_text(&fields[at].0, rng, out);
                    out.push_str(gap(rng));
                    out.push(':');
                    fields[at].1.print(values * 37 + at as u64, rng, out);
                }
                out.push('}');
            }
        }
    }
}

fn json_text(value: &str, rng: &mut Rng, out: &mut String) {
    let mut text = serde_json::to_string(value).unwrap();
    if rng.flip() {
        text = text.replace('Ü', "\\u00dc").replace('ß', "\\u00DF").replace('/', "\\/");
    }
    out.push_str(&text);
}

#[test]
fn json_of_other_style_and_values_has_the_same_fingerprint() {
    let mut seen = BTreeSet::new();
    for seed in 1..=10_000 {
        let tree = Tree::new(&mut Rng::new(seed), 3);
        let print = |values, style| {
            let mut text = String::new();
            tree.print(values, &mut Rng::new(style), &mut text);
            text
        };
        let (one, other, restyled) = (print(1, 1), print(seed + 5, seed), print(1, seed + 9));
        let (first, second) = (shape(Json, &one), shape(Json, &other));
        let third = shape(Json, &restyled);
        assert_eq!(first.fingerprint(), second.fingerprint(), "{one}\n-----\n{other}");
        assert_eq!(first.fingerprint(), third.fingerprint(), "{one}\n-----\n{restyled}");
        assert_eq!(values(&first), values(&third), "{one}\n-----\n{restyled}");
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

#[test]
fn json_of_other_structure_has_another_fingerprint() {
    let mut seen = BTreeSet::new();
    for seed in 1..=10_000 {
        let mut rng = Rng::new(seed);
        let tree = Tree::new(&mut rng, 3);
        let mut changed = tree.clone();
        changed.change(&mut rng);
        let (mut one, mut other) = (String::new(), String::new());
        tree.print(1, &mut Rng::new(1), &mut one);
        changed.print(1 + seed % 2, &mut Rng::new(seed), &mut other);
        let (first, second) = (shape(Json, &one), shape(Json, &other));
        assert_ne!(first.fingerprint(), second.fingerprint(), "{one}\n-----\n{other}");
        seen.insert((one, other));
        if seen.len() == PAIRS {
            return;
        }
    }
    panic!("only {} pairs", seen.len());
}

/// The arguments of a tool call whose `command` is code.
fn call(language: TemplateLanguage, command: &str) -> Shape {
    let arguments = serde_json::json!({ "command": command, "timeout": 5 });
    let code = |key: &str| if key == "command" { Argument::Code(language) } else { Argument::Data };
    Shape::of_json(&arguments, &|key, _| code(key)).unwrap()
}

#[test]
fn the_fingerprint_of_a_tool_call_is_that_of_the_code_in_it() {
    for language in [Shell, Python, JavaScript] {
        for seed in 1..=100 {
            let mut rng = Rng::new(seed);
            let program = Program::new(language, &mut rng);
            let (changed, _) = program.changed(&mut rng);
            let (one, other) = (program.print(0, 1, 0), program.print(seed, seed, seed));
            let first = call(language, &one);
            let again = call(language, &other);
            assert_eq!(first.fingerprint(), again.fingerprint(), "{one}\n-----\n{other}");
            assert_eq!(first.embedded().len(), 1 + shape(language, &one).embedded().len());
            assert_round_trip_of_call(&first, language, &one);
            let changed = changed.print(0, 1, 0);
            let another = call(language, &changed).fingerprint();
            assert_ne!(first.fingerprint(), another, "{one}\n-----\n{changed}");
        }
    }
    let (one, other) = (call(Shell, "if then ("), call(Shell, "if then )"));
    assert_ne!(one.fingerprint(), other.fingerprint(), "what is not understood is taken as it is");
}

fn assert_round_trip_of_call(shape: &Shape, language: TemplateLanguage, code: &str) {
    let segments = shape.segments(&mut |_, value| Some(vec![Part::Text(value.into())]));
    let template = Template { language: Json, segments, parameters: Vec::new() };
    let rendered = template.render::<&str>(&[]).unwrap();
    let arguments: serde_json::Value = serde_json::from_str(&rendered).unwrap();
    let again = call(language, arguments["command"].as_str().unwrap());
    assert_eq!(values(shape), values(&again), "values of\n{code}\n=>\n{rendered}");
    assert_eq!(shape.fingerprint(), again.fingerprint(), "of\n{code}\n=>\n{rendered}");
}
