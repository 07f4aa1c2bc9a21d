//! What the output of a call looked like so far: the guard behind a solidified call.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::derivation::{Expression, Known, OutputView, Pieces, Take, around_json, json_in};
use super::wording::Wording;

/// What the outputs of one call had in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Expected {
    shape: OutputShape,
    /// Pieces of the output that came from what was known before the call, such as the name of the file that it
    /// was to write: they have to be the same again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    echoes: Vec<(Take, Expression)>,
    /// Texts at places in lists that were the same in every run: which item is the right one can hang on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    constants: Vec<(Take, String)>,
    /// What stands around the JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    around: Option<Wording>,
}

/// The shape of outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OutputShape {
    /// They had nothing in common but, if this is set, that there was something.
    Anything { something: bool, failures: bool },
    /// They were JSON, or held some.
    Json(JsonShape),
    /// They were the same but for gaps.
    Text(Wording),
}

/// The shape of JSON values. What is constant in all of several values is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum JsonShape {
    Null,
    Bool(Option<bool>),
    Number(Option<String>),
    Text(Option<String>),
    /// A list whose items have this shape; `None` for lists that were all empty.
    List(Option<Box<JsonShape>>, Lengths),
    /// An object with these fields, and whether each is always there.
    Object(BTreeMap<String, (JsonShape, bool)>),
    Any,
}

/// How long lists were, as far as it may matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Lengths {
    One,
    Some,
    Any,
}

/// How deep the shape of a value is looked into.
const MAX_DEPTH: usize = 8;

/// Longest text that counts as a constant.
const MAX_CONSTANT: usize = 64;

impl Expected {
    /// `pieces` are what was known before the call; `kept` are numbers that are part of what is done or said after
    /// it, so that they have to stay the same.
    pub(super) fn of(outputs: &[&str], pieces: &Pieces, kept: &BTreeSet<String>) -> Self {
        let shape = OutputShape::of(outputs, kept);
        let views: Vec<OutputView> =
            outputs.iter().map(|output| OutputView::new(output, shape.wording())).collect();
        let takes = views.first().map(OutputView::takes).unwrap_or_default();
        let echo = |take: Take| {
            let texts: Vec<String> =
                views.iter().map(|it| it.take(&take)).collect::<Option<_>>()?;
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let varies = texts.iter().any(|text| Some(text) != texts.first());
            let source = pieces.explain(&texts).filter(|_| varies)?;
            Some((take, source))
        };
        let constant = |take: Take| {
            let in_list = matches!(&take, Take::Pointer(pointer)
                if pointer.split('/').any(|part| part.parse::<usize>().is_ok()));
            let first = views.first()?.take(&take).filter(|text| in_list && !is_number(text))?;
            let same = views.iter().all(|view| view.take(&take).as_ref() == Some(&first));
            (same && first.len() <= MAX_CONSTANT).then_some((take, first))
        };
        // One output does not tell what in it is an echo, and what is always the same.
        if outputs.len() == 1 {
            return Self { shape, echoes: Vec::new(), constants: Vec::new(), around: None };
        }
        let around = match &shape {
            OutputShape::Json(_) => {
                let rests: Vec<String> = outputs.iter().map(|output| around_json(output)).collect();
                let rests: Vec<&str> = rests.iter().map(String::as_str).collect();
                Wording::of_outputs(&rests, kept)
            }
            OutputShape::Anything { .. } | OutputShape::Text(_) => None,
        };
        let constants = takes.iter().cloned().filter_map(constant).collect();
        Self { echoes: takes.into_iter().filter_map(echo).collect(), constants, around, shape }
    }

    /// The wording that values are taken from.
    pub(super) fn wording(&self) -> Option<&Wording> {
        self.shape.wording()
    }

    /// Whether an output looks like those that were seen, and is about the same thing as the call.
    pub(super) fn fits(&self, output: &str, known: &Known) -> bool {
        if !self.shape.fits(output) {
            return false;
        }
        if let Some(around) = &self.around {
            let rest = around_json(output);
            if !around.fillers(&rest).is_some_and(|fillers| around.is_similar(&fillers)) {
                return false;
            }
        }
        let view = OutputView::new(output, self.wording());
        self.constants.iter().all(|(take, text)| view.take(take).as_ref() == Some(text))
            && self.echoes.iter().all(|(take, source)| {
                view.take(take).is_some_and(|text| Some(text) == known.value(source))
            })
    }
}

/// Words that tell of a failure.
const FAILURES: [&str; 14] = [
    "cannot",
    "denied",
    "error",
    "exception",
    "failed",
    "failure",
    "fatal",
    "forbidden",
    "invalid",
    "not found",
    "refused",
    "timed out",
    "traceback",
    "unauthorized",
];

fn tells_failure(output: &str) -> bool {
    let output = output.to_lowercase();
    FAILURES.iter().any(|word| output.contains(word))
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

impl OutputShape {
    fn of(outputs: &[&str], kept: &BTreeSet<String>) -> Self {
        let parsed: Option<Vec<Value>> = outputs.iter().map(|output| json_in(output)).collect();
        if let Some(values) = parsed.filter(|values| !values.is_empty()) {
            let keeps = |number: &str| number == "0" || kept.contains(number);
            return Self::Json(JsonShape::of_all(&values, 0).keeping(&keeps));
        }
        let something = outputs.iter().all(|it| !it.trim().is_empty());
        // One output does not tell what in it is always the same.
        let failures = outputs.iter().any(|output| tells_failure(output));
        if outputs.len() == 1 {
            return Self::Anything { something, failures };
        }
        let wording = Wording::of_outputs(outputs, kept)
            .filter(|wording| wording.gaps() == 0 || wording.fixed_words() > 0);
        match wording {
            Some(wording) => Self::Text(wording),
            None => Self::Anything { something, failures },
        }
    }

    fn wording(&self) -> Option<&Wording> {
        match self {
            Self::Text(wording) => Some(wording),
            Self::Anything { .. } | Self::Json(_) => None,
        }
    }

    fn fits(&self, output: &str) -> bool {
        match self {
            Self::Anything { something, failures } => {
                (!something || !output.trim().is_empty()) && (*failures || !tells_failure(output))
            }
            Self::Json(shape) => json_in(output).is_some_and(|value| shape.fits(&value)),
            Self::Text(wording) => {
                wording.fillers(output).is_some_and(|fillers| wording.is_similar(&fillers))
            }
        }
    }
}

impl JsonShape {
    fn of(value: &Value, depth: usize) -> Self {
        match value {
            _ if depth >= MAX_DEPTH => Self::Any,
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(Some(*value)),
            Value::Number(number) => Self::Number(Some(number.to_string())),
            Value::String(text) => Self::Text((text.len() <= MAX_CONSTANT).then(|| text.clone())),
            Value::Array(items) => {
                let lengths = match items.len() {
                    0 => Lengths::Any,
                    1 => Lengths::One,
                    _ => Lengths::Some,
                };
                let of_items = (!items.is_empty()).then(|| Self::of_all(items, depth + 1));
                Self::List(of_items.map(Box::new), lengths)
            }
            Value::Object(fields) => {
                let field = |(key, value): (&String, &Value)| {
                    (key.clone(), (Self::of(value, depth + 1), true))
                };
                Self::Object(fields.iter().map(field).collect())
            }
        }
    }

    /// The shape of several values; that of a single one has no constants.
    fn of_all(values: &[Value], depth: usize) -> Self {
        let mut shapes = values.iter().map(|value| Self::of(value, depth));
        let first = shapes.next().unwrap_or(Self::Any);
        let joined = shapes.fold(first, Self::joined);
        if values.len() == 1 { joined.without_constants() } else { joined }
    }

    fn without_constants(self) -> Self {
        match self {
            Self::Bool(_) => Self::Bool(None),
            Self::Number(_) => Self::Number(None),
            Self::Text(_) => Self::Text(None),
            Self::List(items, _) => {
                let items = items.map(|items| Box::new(items.without_constants()));
                Self::List(items, Lengths::Any)
            }
            Self::Object(fields) => Self::Object(
                fields
                    .into_iter()
                    .map(|(key, (shape, always))| (key, (shape.without_constants(), always)))
                    .collect(),
            ),
            same @ (Self::Null | Self::Any) => same,
        }
    }

    /// The same shape with those constant numbers only that matter.
    fn keeping(self, keeps: &dyn Fn(&str) -> bool) -> Self {
        match self {
            Self::Number(constant) => Self::Number(constant.filter(|number| keeps(number))),
            Self::List(items, lengths) => {
                Self::List(items.map(|items| Box::new(items.keeping(keeps))), lengths)
            }
            Self::Object(fields) => Self::Object(
                fields
                    .into_iter()
                    .map(|(key, (shape, always))| (key, (shape.keeping(keeps), always)))
                    .collect(),
            ),
            same @ (Self::Null | Self::Bool(_) | Self::Text(_) | Self::Any) => same,
        }
    }

    /// The narrowest shape that both have.
    fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::Null, Self::Null) => Self::Null,
            (Self::Bool(one), Self::Bool(other)) => Self::Bool(one.filter(|_| one == other)),
            (Self::Number(one), Self::Number(other)) => {
                let same = one == other;
                Self::Number(one.filter(|_| same))
            }
            (Self::Text(one), Self::Text(other)) => {
                let same = one == other;
                Self::Text(one.filter(|_| same))
            }
            (Self::List(one, length), Self::List(other, others)) => {
                let items = match (one, other) {
                    (Some(one), Some(other)) => Some(Box::new(one.joined(*other))),
                    (one, other) => one.or(other),
                };
                let lengths = match (length, others) {
                    (Lengths::One, Lengths::One) => Lengths::One,
                    (Lengths::Any, _) | (_, Lengths::Any) => Lengths::Any,
                    _ => Lengths::Some,
                };
                Self::List(items, lengths)
            }
            (Self::Object(mut one), Self::Object(other)) => {
                let mut fields = BTreeMap::new();
                for (key, (shape, always)) in other {
                    let joined = match one.remove(&key) {
                        Some((known, was)) => (known.joined(shape), always && was),
                        None => (shape, false),
                    };
                    fields.insert(key, joined);
                }
                fields.extend(one.into_iter().map(|(key, (shape, _))| (key, (shape, false))));
                Self::Object(fields)
            }
            _ => Self::Any,
        }
    }

    fn fits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, _) | (Self::Null, Value::Null) => true,
            (Self::Number(constant), Value::Number(number)) => {
                constant.as_ref().is_none_or(|it| *it == number.to_string())
            }
            (Self::Bool(constant), Value::Bool(value)) => constant.is_none_or(|it| it == *value),
            (Self::Text(constant), Value::String(text)) => {
                constant.as_ref().is_none_or(|it| it == text)
            }
            (Self::List(shape, lengths), Value::Array(items)) => {
                let long = match lengths {
                    Lengths::One => items.len() == 1,
                    Lengths::Some => !items.is_empty(),
                    Lengths::Any => true,
                };
                long && shape.as_ref().is_none_or(|it| items.iter().all(|item| it.fits(item)))
            }
            (Self::Object(fields), Value::Object(values)) => {
                let there = |(key, (_, always)): (&String, &(Self, bool))| {
                    !always || values.contains_key(key)
                };
                fields.iter().all(there)
                    && values.iter().all(|(key, value)| {
                        fields.get(key).is_some_and(|(shape, _)| shape.fits(value))
                    })
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_compared_by_shape() {
        let json =
            ["{\"rows\": 3, \"files\": [\"a\"]}", "x:\n{\"rows\": 4, \"files\": [], \"y\": 1}"];
        let text = ["wrote 3 rows to a.json\n", "wrote 14 rows to b.json\n"];
        for (seen, output, fits) in [
            (json, "{\"rows\": 9, \"files\": [\"b\", \"c\"]}", true),
            (json, "{\"rows\": 9, \"files\": [], \"y\": 2}", true),
            (json, "{\"rows\": 9, \"files\": [], \"error\": \"disk full\"}", false),
            (
                ["{\"ok\": true, \"s\": \"up\"}", "{\"ok\": true, \"s\": \"up\"}"],
                "{\"ok\": false, \"s\": \"up\"}",
                false,
            ),
            (
                ["{\"ok\": true, \"s\": \"up\"}", "{\"ok\": true, \"s\": \"up\"}"],
                "{\"ok\": true, \"s\": \"down\"}",
                false,
            ),
            (["[1]", "[2]"], "[3]", true),
            (["[1]", "[2]"], "[3, 4]", false),
            (json, "{\"rows\": \"9\", \"files\": []}", false),
            (json, "{\"rows\": 9}", false),
            (json, "Traceback", false),
            (text, "wrote 5 rows to c.json\n", true),
            (text, "wrote 5 rows to c.json\nwarning: 2 rows were left out\n", false),
            (text, "wrote no rows to c.json\n", false),
            (text, "wrote no rows: the file is empty\n", false),
            (["7 rows", "7 rows"], "9 rows", true),
            (text, "", false),
            (["a b", "c"], "anything", true),
            (["a b", "c"], " ", false),
            (["a b", "c"], "error: d", false),
            (["0 errors", "0 errors"], "7 errors", false),
            (["{\"errors\": 0}", "{\"errors\": 0}"], "{\"errors\": 3}", false),
            (["", ""], "", true),
            (["", ""], "x", false),
        ] {
            assert_eq!(
                OutputShape::of(&seen, &BTreeSet::new()).fits(output),
                fits,
                "{seen:?}: {output}"
            );
        }
    }
}
