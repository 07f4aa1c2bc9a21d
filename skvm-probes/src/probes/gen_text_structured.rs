//! `gen.text.structured`: writing JSON of a given shape.

use std::fmt;

use serde_json::{Map, Value, json};

use super::{Levels, phrase, unique_keys};
use crate::draw::Draw;
use crate::probe::{Instance, Mismatch, by_answer};

pub(super) const LEVELS: Levels = [
    |draw| Document::new(flat(draw), None, Size::Below(500)).into_instance(draw),
    |draw| Document::new(order(draw), Some("/items"), Size::Below(5_000)).into_instance(draw),
    |draw| {
        let list = Some("/regions/1/stations");
        Document::new(network(draw), list, Size::Above(5_000)).into_instance(draw)
    },
];

const RULES: &str = "Write exactly this data as one JSON document, each key once and no other \
    keys. What is indented below `a:` are the members of the object `a`; what is indented below `a[0]:` are \
    those of the first element of the list `a`. Text in double quotes is a JSON string; numbers and true or false \
    are written as such, numbers in plain digits. The order of keys and the white space are up to you. Answer \
    with the JSON document alone, with nothing before or after it; a code block around it is fine.";

/// What is to be written.
#[derive(Debug)]
struct Document {
    data: Value,
    /// JSON pointer to a list whose elements differ.
    list: Option<&'static str>,
    size: Size,
}

/// How many bytes the answer has.
#[derive(Debug, Clone, Copy)]
enum Size {
    Below(usize),
    Above(usize),
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below(bytes) => write!(f, "It must have fewer than {bytes} bytes in all."),
            Self::Above(bytes) => {
                write!(f, "It will have more than {bytes} bytes; leave nothing out.")
            }
        }
    }
}

fn flat(draw: &mut Draw) -> Value {
    let texts = ["city", "colour", "group", "kind", "label", "owner", "place", "zone"];
    let numbers = ["capacity", "count", "height", "limit", "priority", "weight"];
    let flags = ["active", "checked", "locked", "shared"];
    let mut object = Map::new();
    for key in draw.sample(&texts, 3) {
        object.insert(key.to_owned(), name(draw).into());
    }
    for key in draw.sample(&numbers, 2) {
        object.insert(key.to_owned(), draw.between(10..=9_999).into());
    }
    object.insert(draw.pick(&flags).to_owned(), draw.flip().into());
    Value::Object(object)
}

fn order(draw: &mut Draw) -> Value {
    let items: Vec<Value> = (0..draw.between(4..=6))
        .map(|at| {
            json!({
                // The last digit keeps the articles of one order apart.
                "article": format!("A-{}{at}", draw.between(100..=999)),
                "gift": draw.flip(),
                "quantity": draw.between(1..=40),
                "size": { "height": draw.between(10..=90), "width": draw.between(10..=90) },
            })
        })
        .collect();
    json!({
        "customer": { "address": { "city": name(draw), "street": name(draw) }, "name": name(draw) },
        "items": items,
        "number": draw.between(10_000..=99_999),
        "paid": draw.flip(),
    })
}

fn network(draw: &mut Draw) -> Value {
    let stations = |draw: &mut Draw| -> Vec<Value> {
        (0..3)
            .map(|at| {
                let sensors: Vec<Value> = (0..5).map(|_| sensor(draw)).collect();
                json!({ "name": name(draw), "sensors": sensors, "station": at + 1 })
            })
            .collect()
    };
    let regions: Vec<Value> =
        (0..3).map(|_| json!({ "name": name(draw), "stations": stations(draw) })).collect();
    json!({ "name": name(draw), "regions": regions })
}

fn sensor(draw: &mut Draw) -> Value {
    json!({
        "active": draw.flip(),
        "code": format!("S-{}", draw.between(10_000..=99_999)),
        "kind": draw.pick(&["flow", "level", "noise", "pressure", "wind"]),
        "limits": { "lower": draw.between(10..=49), "upper": draw.between(50..=99) },
        "service": { "day": draw.between(10..=28), "technician": name(draw) },
    })
}

/// A made-up name such as `Alder 4812`.
fn name(draw: &mut Draw) -> String {
    let words = ["Alder", "Birch", "Cedar", "Elder", "Hazel", "Larch", "Maple", "Rowan", "Willow"];
    format!("{} {}", draw.pick(&words), draw.between(1_000..=9_999))
}

/// Lists the scalars of an object on one line, and what is inside it, indented.
fn describe(indent: usize, value: &Value, lines: &mut Vec<String>) {
    let Value::Object(members) = value else { return };
    let space = " ".repeat(indent);
    let scalars: Vec<String> = members
        .iter()
        .filter(|(_, value)| !value.is_object() && !value.is_array())
        .map(|(key, value)| format!("`{key}` = {value}"))
        .collect();
    if !scalars.is_empty() {
        lines.push(format!("{space}{}", scalars.join(", ")));
    }
    for (key, value) in members {
        if value.is_object() {
            lines.push(format!("{space}`{key}`:"));
            describe(indent + 1, value, lines);
        }
        for (at, item) in value.as_array().into_iter().flatten().enumerate() {
            lines.push(format!("{space}`{key}[{at}]`:"));
            describe(indent + 1, item, lines);
        }
    }
}

/// JSON pointers to every scalar.
fn find_leaves(path: &str, value: &Value, leaves: &mut Vec<String>) {
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(key, member)| find_leaves(&format!("{path}/{key}"), member, leaves)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, item)| find_leaves(&format!("{path}/{at}"), item, leaves)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            leaves.push(path.to_owned());
        }
    }
}

impl Document {
    fn new(mut data: Value, list: Option<&'static str>, size: Size) -> Self {
        // Whether serde_json keeps the order of insertion is up to the other crates of a build.
        data.sort_all_objects();
        Self { data, list, size }
    }

    fn into_instance(self, draw: &mut Draw) -> Instance {
        let mut lines = Vec::new();
        describe(0, &self.data, &mut lines);
        let prompt = format!("{RULES} {}\n\n{}", self.size, lines.join("\n"));
        let near_misses = [self.wrong_data(draw), self.wrong_text()].concat();
        let reference = self.data.to_string();
        Instance::new(prompt, reference, by_answer(move |answer| self.check(answer)))
            .with_near_misses(near_misses)
    }

    /// Wants one JSON value that equals the data, in the stated size.
    fn check(&self, answer: &str) -> Result<(), Mismatch> {
        let Self { data: expected, list: _, size } = self;
        let invalid =
            |error: serde_json::Error| Mismatch::new(format!("not the JSON asked for: {error}"));
        let answer = phrase::code(answer)?;
        let answer = answer.trim();
        let found: Value = serde_json::from_str(answer).map_err(invalid)?;
        unique_keys::check(answer).map_err(invalid)?;
        if found != *expected {
            return Err(difference(expected, &found));
        }
        match *size {
            Size::Below(limit) if answer.len() >= limit => {
                Err(format!("{} bytes are not fewer than {limit}", answer.len()).into())
            }
            Size::Above(limit) if answer.len() <= limit => {
                Err(format!("{} bytes are not more than {limit}", answer.len()).into())
            }
            Size::Below(_) | Size::Above(_) => Ok(()),
        }
    }

    /// JSON of other data.
    fn wrong_data(&self, draw: &mut Draw) -> Vec<(&'static str, String)> {
        let mut leaves = Vec::new();
        find_leaves("", &self.data, &mut leaves);
        let changed = draw.below(leaves.len() as u64) as usize;
        let changed = leaves.get(changed).map_or("", String::as_str);
        let (parent, key) = changed.rsplit_once('/').unwrap_or_default();
        let number = |path: &&String| self.data.pointer(path).is_some_and(Value::is_number);
        let number = leaves.iter().find(number).map_or("", String::as_str);
        let mut wrong = vec![
            ("a value is changed", self.edited(changed, |value| *value = other(value))),
            ("a number is text", self.edited(number, |value| *value = value.to_string().into())),
            (
                "a key is missing",
                self.edited(parent, |value| {
                    value.as_object_mut().map(|object| object.remove(key));
                }),
            ),
            ("a key is too many", self.edited("", |value| value["note"] = "".into())),
        ];
        if let Some(list) = self.list {
            let items = |edit: fn(&mut Vec<Value>)| {
                self.edited(list, |value| value.as_array_mut().into_iter().for_each(edit))
            };
            wrong.push(("a list is out of order", items(|items| items.reverse())));
            wrong.push(("a list is cut short", items(|items| drop(items.pop()))));
        }
        wrong
    }

    fn edited(&self, path: &str, edit: impl Fn(&mut Value)) -> String {
        let mut data = self.data.clone();
        data.pointer_mut(path).into_iter().for_each(edit);
        data.sort_all_objects();
        data.to_string()
    }

    /// The right data, not written as was asked.
    fn wrong_text(&self) -> Vec<(&'static str, String)> {
        let json = self.data.to_string();
        let body = json.strip_prefix('{').and_then(|json| json.strip_suffix('}')).unwrap_or("");
        let key = body.split(':').next().unwrap_or("");
        let mut wrong = vec![
            ("a key occurs twice", format!("{{{key}:0,{body}}}")),
            ("a comma trails", format!("{{{body},}}")),
            ("the last bracket is missing", format!("{{{body}")),
            ("a sentence precedes it", format!("Here it is:\n{json}")),
            ("it is given twice", format!("```json\n{json}\n```\n```json\n{json}\n```")),
        ];
        if let Size::Below(limit) = self.size {
            wrong.push(("it is too long", format!("{{{body}{:limit$}}}", "")));
        }
        wrong
    }
}

/// Another value of the same type.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => (!flag).into(),
        Value::Number(number) => (number.as_u64().unwrap_or(0) + 1).into(),
        Value::String(text) => format!("{text}0").into(),
        Value::Null | Value::Array(_) | Value::Object(_) => Value::Null,
    }
}

/// Says where two unequal values differ.
fn difference(expected: &Value, found: &Value) -> Mismatch {
    let mut leaves = Vec::new();
    find_leaves("", expected, &mut leaves);
    let differs = |path: &&String| expected.pointer(path) != found.pointer(path);
    Mismatch::new(match leaves.iter().find(differs) {
        None => "there is more than was asked for".to_owned(),
        Some(path) => match found.pointer(path) {
            None => format!("{path} is missing"),
            Some(_) => format!("the value of {path} is wrong"),
        },
    })
}
