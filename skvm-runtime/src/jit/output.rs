//! What the output of a call looked like so far: the guard behind a solidified call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::derivation::json_in;
use super::wording::Wording;

/// The shape of the outputs of one call in several runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Expected {
    /// They had nothing in common but, if this is set, that there was something.
    Anything { something: bool },
    /// They were JSON, or held some.
    Json(JsonShape),
    /// They were the same but for gaps.
    Text(Wording),
}

/// The shape of JSON values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum JsonShape {
    Null,
    Bool,
    Number,
    Text,
    /// A list whose items have this shape; `None` for lists that were all empty.
    List(Option<Box<JsonShape>>),
    /// An object with at least these fields.
    Object(BTreeMap<String, JsonShape>),
    Any,
}

impl Expected {
    pub(super) fn of(outputs: &[&str]) -> Self {
        let parsed: Option<Vec<Value>> = outputs.iter().map(|output| json_in(output)).collect();
        if let Some(values) = parsed.filter(|values| !values.is_empty()) {
            return Self::Json(JsonShape::of_all(&values));
        }
        let something = outputs.iter().all(|it| !it.trim().is_empty());
        // One output does not tell what in it is always the same.
        if outputs.len() == 1 {
            return Self::Anything { something };
        }
        let wording = Wording::of_outputs(outputs)
            .filter(|wording| wording.gaps() == 0 || wording.fixed_words() > 0);
        match wording {
            Some(wording) => Self::Text(wording),
            None => Self::Anything { something },
        }
    }

    /// The wording that values are taken from.
    pub(super) fn wording(&self) -> Option<&Wording> {
        match self {
            Self::Text(wording) => Some(wording),
            Self::Anything { .. } | Self::Json(_) => None,
        }
    }

    /// Whether an output looks like those that were seen.
    pub(super) fn fits(&self, output: &str) -> bool {
        match self {
            Self::Anything { something } => !something || !output.trim().is_empty(),
            Self::Json(shape) => json_in(output).is_some_and(|value| shape.fits(&value)),
            Self::Text(wording) => {
                wording.fillers(output).is_some_and(|fillers| wording.is_similar(&fillers))
            }
        }
    }
}

impl JsonShape {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(items) => {
                Self::List((!items.is_empty()).then(|| Box::new(Self::of_all(items))))
            }
            Value::Object(fields) => Self::Object(
                fields.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect(),
            ),
        }
    }

    fn of_all(values: &[Value]) -> Self {
        let mut shapes = values.iter().map(Self::of);
        let first = shapes.next().unwrap_or(Self::Any);
        shapes.fold(first, Self::joined)
    }

    /// The narrowest shape that both have.
    fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::Null, Self::Null) => Self::Null,
            (Self::Bool, Self::Bool) => Self::Bool,
            (Self::Number, Self::Number) => Self::Number,
            (Self::Text, Self::Text) => Self::Text,
            (Self::List(one), Self::List(other)) => Self::List(match (one, other) {
                (Some(one), Some(other)) => Some(Box::new(one.joined(*other))),
                (one, other) => one.or(other),
            }),
            (Self::Object(mut one), Self::Object(other)) => {
                let fields = other.into_iter().filter_map(|(key, shape)| {
                    let joined = one.remove(&key)?.joined(shape);
                    Some((key, joined))
                });
                Self::Object(fields.collect())
            }
            _ => Self::Any,
        }
    }

    fn fits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, _)
            | (Self::Null, Value::Null)
            | (Self::Bool, Value::Bool(_))
            | (Self::Number, Value::Number(_))
            | (Self::Text, Value::String(_))
            | (Self::List(None), Value::Array(_)) => true,
            (Self::List(Some(shape)), Value::Array(items)) => {
                items.iter().all(|item| shape.fits(item))
            }
            (Self::Object(fields), Value::Object(values)) => fields
                .iter()
                .all(|(key, shape)| values.get(key).is_some_and(|value| shape.fits(value))),
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
            (json, "{\"rows\": 9, \"files\": [\"b\", \"c\"], \"more\": null}", true),
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
            (["", ""], "", true),
            (["", ""], "x", false),
        ] {
            assert_eq!(Expected::of(&seen).fits(output), fits, "{seen:?}: {output}");
        }
    }
}
