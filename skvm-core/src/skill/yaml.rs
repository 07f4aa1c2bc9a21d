//! Reading YAML mappings in the order of the text.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::span::Span;

/// One key of the front matter.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The key; a key that is no text is written as JSON.
    pub key: String,
    /// The value that a YAML parser reads. Infinite numbers are texts (`.inf`).
    pub value: Value,
}

/// Why a text is no YAML mapping.
pub(super) struct YamlError {
    pub(super) message: String,
    line: Option<(usize, usize)>,
}

impl YamlError {
    /// The line that is to blame, or all of the YAML at `yaml`.
    pub(super) fn span(&self, yaml: Span) -> Span {
        match self.line {
            Some((start, end)) => Span::new(yaml.start + start, yaml.start + end),
            None => yaml,
        }
    }
}

/// Reads a YAML mapping with the values of a YAML 1.1 reader; of a key that stands twice the last
/// value counts.
pub(super) fn read_yaml(yaml: &str) -> Result<Vec<Field>, YamlError> {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Fields>(yaml, options) {
        Ok(fields) => Ok(fields.0),
        Err(error) => {
            let line = error.location().and_then(|location| {
                let index = usize::try_from(location.line()).ok()?.checked_sub(1)?;
                let line = yaml.split_inclusive('\n').nth(index)?;
                let span = Span::of_slice(yaml, line.trim_end())?;
                Some((span.start, span.end))
            });
            let message = error.without_snippet().to_string();
            Err(YamlError { message: message.lines().next().unwrap_or("").to_owned(), line })
        }
    }
}

struct Fields(Vec<Field>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of keys to values")
            }

            fn visit_unit<E>(self) -> Result<Fields, E> {
                Ok(Fields(Vec::new()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(key) = map.next_key::<Value>()? {
                    let key = match key {
                        Value::String(key) => key,
                        other => other.to_string(),
                    };
                    fields.push(Field { key, value: map.next_value()? });
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_any(FieldsVisitor)
    }
}
