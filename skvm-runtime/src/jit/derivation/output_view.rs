//! Outputs of calls, as values are taken from them.

use std::ops::Range;

use serde_json::Value;

use super::Take;
use crate::jit::wording::Wording;

/// An output, as far as values are taken from it.
#[derive(Debug, Clone, Default)]
pub(in crate::jit) struct OutputView {
    whole: String,
    gaps: Vec<String>,
    json: Option<Value>,
}

/// Longest output that values are taken from, and most values of one.
const MAX_OUTPUT: usize = 16 * 1024;
const MAX_SCALARS: usize = 64;

impl OutputView {
    /// `wording` is that of all outputs of the call, where there is one.
    pub(in crate::jit) fn new(output: &str, wording: Option<&Wording>) -> Self {
        if output.len() > MAX_OUTPUT {
            return Self::default();
        }
        let gaps = wording.and_then(|wording| wording.fillers(output)).unwrap_or_default();
        Self {
            whole: output.trim().to_owned(),
            gaps: gaps.into_iter().take(MAX_SCALARS).map(str::to_owned).collect(),
            json: json_in(output),
        }
    }

    /// Everything that can be taken of it.
    pub(in crate::jit) fn takes(&self) -> Vec<Take> {
        let mut pointers = Vec::new();
        if let Some(json) = &self.json {
            scalars(json, &mut String::new(), &mut pointers);
        }
        let gaps = (0..self.gaps.len()).map(Take::Gap);
        gaps.chain(pointers.into_iter().map(Take::Pointer)).collect()
    }

    pub(in crate::jit) fn take(&self, take: &Take) -> Option<String> {
        match take {
            Take::Whole => Some(self.whole.clone()),
            Take::Gap(number) => self.gaps.get(*number).cloned(),
            Take::Pointer(pointer) => scalar(self.json.as_ref()?.pointer(pointer)?),
        }
    }
}

/// The JSON that a text is or holds: the first object or array that begins a line.
pub(in crate::jit) fn json_in(text: &str) -> Option<Value> {
    find_json(text).map(|(value, _)| value)
}

/// The text without the JSON in it.
pub(in crate::jit) fn around_json(text: &str) -> String {
    let Some((_, place)) = find_json(text) else { return text.to_owned() };
    let (before, behind) = (text.get(..place.start), text.get(place.end..));
    [before, behind].into_iter().flatten().collect()
}

/// How many lines of a text are tried.
const MAX_BEGINNINGS: usize = 16;

fn find_json(text: &str) -> Option<(Value, Range<usize>)> {
    let (mut at, mut tried) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with(['{', '[']) && tried < MAX_BEGINNINGS {
            tried += 1;
            let rest = text.get(at..)?;
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
            if let Some(Ok(value)) = values.next() {
                return Some((value, at..at + values.byte_offset()));
            }
        }
        at += line.len();
    }
    None
}

pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The pointers of all texts and numbers in a value, at most [`MAX_SCALARS`].
pub(super) fn scalars(value: &Value, at: &mut String, found: &mut Vec<String>) {
    // A pointer is as long as a value is deep.
    if found.len() >= MAX_SCALARS || at.len() > 256 {
        return;
    }
    let length = at.len();
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                at.push('/');
                at.push_str(&key.replace('~', "~0").replace('/', "~1"));
                scalars(value, at, found);
                at.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                at.push('/');
                at.push_str(&index.to_string());
                scalars(item, at, found);
                at.truncate(length);
            }
        }
        Value::String(_) | Value::Number(_) => found.push(at.clone()),
        Value::Null | Value::Bool(_) => {}
    }
}
