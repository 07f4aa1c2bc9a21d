//! The structure of JSON: keys, nesting and constants.

use serde_json::Value;
use skvm_core::artifact::{Fingerprint, LiteralForm, TemplateLanguage};
use skvm_core::span::Span;

use super::sketch::{MAX_DEPTH, decimal};
use super::{MAX_BYTES, Shape, ShapeContent, ShapeLiteral};

/// See [`Shape::of_json`].
pub(super) fn shape(
    value: &Value,
    code: &dyn Fn(&str, &str) -> Option<TemplateLanguage>,
) -> Option<Shape> {
    let mut writer = Writer { text: String::new(), structure: Vec::new(), literals: Vec::new() };
    match value {
        Value::Object(fields) => {
            writer.fixed("{");
            for (index, (key, value)) in fields.iter().enumerate() {
                writer.key(index, key)?;
                let embedded = value.as_str().and_then(|text| Some((text, code(key, text)?)));
                match embedded {
                    Some((text, language)) => writer.embedded(language, text)?,
                    None => writer.value(value, 1)?,
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
    })
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
        self.literals.push(ShapeLiteral { span, form, around: ("", ""), role: None, content });
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
