//! The structure of JSON: keys, nesting and constants.

use serde_json::Value;
use skvm_core::artifact::{Fingerprint, LiteralForm, TemplateLanguage};
use skvm_core::span::Span;

use super::sketch::{MAX_DEPTH, decimal};
use super::{Argument, MAX_BYTES, Shape, ShapeContent, ShapeLiteral};

/// See [`Shape::of_json`].
pub(super) fn shape(value: &Value, argument: &dyn Fn(&str, &Value) -> Argument) -> Option<Shape> {
    let mut writer = Writer { text: String::new(), structure: Vec::new(), literals: Vec::new() };
    match value {
        Value::Object(fields) => {
            writer.fixed("{");
            for (index, (key, value)) in fields.iter().enumerate() {
                writer.key(index, key)?;
                let first = writer.literals.len();
                match (argument(key, value), value) {
                    (Argument::Code(language), Value::String(text)) => {
                        writer.embedded(language, text)?;
                    }
                    (Argument::Data, _) => writer.value(value, 1)?,
                    (Argument::Code(_) | Argument::Unknown, _) => {
                        writer.value(value, 1)?;
                        let literals = writer.literals.iter_mut().skip(first);
                        literals.for_each(|literal| literal.read_again = true);
                    }
                }
            }
            writer.fixed("}");
        }
        other => writer.value(other, 0)?,
    }
    writer.structure.push(TemplateLanguage::Json as u8);
    Some(Shape {
        language: TemplateLanguage::Json,
        code: writer.text,
        literals: writer.literals,
        fingerprint: Fingerprint::of(&writer.structure),
        rereads: false,
    })
}

/// The shape of a JSON object or array as it is written: white space, order and numbers stay as they are. `None`
/// for other texts, and for JSON without values.
pub(super) fn written_shape(text: &str) -> Option<Shape> {
    let is_structure = text.trim_start().starts_with(['{', '[']) && text.len() <= MAX_BYTES;
    if !is_structure || text.contains('\0') || serde_json::from_str::<Value>(text).is_err() {
        return None;
    }
    let (mut structure, mut literals, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(token) = token(text, &mut at) {
        let (written, span) = (token.text(text), token);
        if written.starts_with('"') {
            let is_key = text.get(at..)?.trim_start().starts_with(':');
            let value: String = serde_json::from_str(written).ok()?;
            if is_key {
                structure.extend_from_slice(serde_json::to_string(&value).ok()?.as_bytes());
            } else {
                structure.push(TEXT);
                literals.push(literal_at(span, LiteralForm::Quoted, ShapeContent::Value(value)));
            }
        } else if let Some(number) = decimal(written) {
            structure.push(NUMBER);
            literals.push(literal_at(span, LiteralForm::Number, ShapeContent::Value(number)));
        } else {
            structure.extend_from_slice(written.as_bytes());
        }
    }
    structure.push(TemplateLanguage::Json as u8);
    (!literals.is_empty()).then(|| Shape {
        language: TemplateLanguage::Json,
        code: text.to_owned(),
        literals,
        fingerprint: Fingerprint::of(&structure),
        rereads: false,
    })
}

/// The next token of a JSON text.
fn token(text: &str, at: &mut usize) -> Option<Span> {
    let rest = text.get(*at..)?;
    let start = *at + rest.len() - rest.trim_start().len();
    let rest = text.get(start..)?;
    let length = match rest.chars().next()? {
        '"' => string_length(rest),
        '{' | '}' | '[' | ']' | ',' | ':' => 1,
        _ => rest.find(|c: char| c.is_whitespace() || ",:]}".contains(c)).unwrap_or(rest.len()),
    };
    *at = start + length;
    Some(Span::new(start, *at))
}

/// The length of the string that a JSON text begins with.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|b| {
        let ends = b == b'"' && !is_escaped;
        is_escaped = b == b'\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

fn literal_at(span: Span, form: LiteralForm, content: ShapeContent) -> ShapeLiteral {
    ShapeLiteral { span, form, around: ("", ""), role: None, read_again: false, content }
}

struct Writer {
    text: String,
    structure: Vec<u8>,
    literals: Vec<ShapeLiteral>,
}

/// What stands for a literal in the structure; no JSON text has these bytes.
const TEXT: u8 = 1;
const NUMBER: u8 = 2;
const CODE: u8 = 3;

impl Writer {
    fn fixed(&mut self, text: &str) {
        self.text.push_str(text);
        self.structure.extend_from_slice(text.as_bytes());
    }

    fn key(&mut self, index: usize, key: &str) -> Option<()> {
        if index > 0 {
            self.fixed(",");
        }
        self.fixed(&serde_json::to_string(key).ok()?);
        self.fixed(":");
        Some(())
    }

    fn literal(&mut self, mark: u8, form: LiteralForm, written: &str, content: ShapeContent) {
        let start = self.text.len();
        self.text.push_str(written);
        self.structure.push(mark);
        let span = Span::new(start, self.text.len());
        self.literals.push(literal_at(span, form, content));
    }

    fn embedded(&mut self, language: TemplateLanguage, text: &str) -> Option<()> {
        let written = serde_json::to_string(text).ok()?;
        match Shape::within(language, text, 1) {
            Some(shape) => {
                let digest = shape.fingerprint.digest().to_string();
                let content = ShapeContent::Code(Box::new(shape));
                self.literal(CODE, LiteralForm::Quoted, &written, content);
                self.structure.extend_from_slice(digest.as_bytes());
            }
            None => self.fixed(&written),
        }
        Some(())
    }

    fn value(&mut self, value: &Value, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH || self.text.len() > 4 * MAX_BYTES {
            return None;
        }
        match value {
            Value::Null | Value::Bool(_) => self.fixed(&value.to_string()),
            Value::Number(number) => {
                let written = number.to_string();
                match decimal(&written) {
                    Some(value) => {
                        let content = ShapeContent::Value(value);
                        self.literal(NUMBER, LiteralForm::Number, &written, content);
                    }
                    None => self.fixed(&written),
                }
            }
            Value::String(text) => {
                let written = serde_json::to_string(text).ok()?;
                let content = ShapeContent::Value(text.clone());
                self.literal(TEXT, LiteralForm::Quoted, &written, content);
            }
            Value::Array(items) => {
                self.fixed("[");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.fixed(",");
                    }
                    self.value(item, depth + 1)?;
                }
                self.fixed("]");
            }
            Value::Object(fields) => {
                self.fixed("{");
                for (index, (key, value)) in fields.iter().enumerate() {
                    self.key(index, key)?;
                    self.value(value, depth + 1)?;
                }
                self.fixed("}");
            }
        }
        Some(())
    }
}
