//! The structure of a piece of code, and the literals in it.
//!
//! A [`Shape`] is what stays of code when its values are taken out: a [`Fingerprint`] over the syntax tree,
//! and the literals in order. Two pieces of code with the same fingerprint have the same literals in the same
//! places, so the values of one can be put in the place of the other's.
//!
//! What counts as structure: calls, attributes, operators, keyword arguments, statements, environment variables;
//! in a shell also the program, its options, its sub-commands (leading lower-case words of programs that are not
//! known to take operands), the script that an interpreter runs, globs and expansions. What does not: literals,
//! names that the code itself binds, formatting, comments, quotes, redundant parentheses. Two things that look like
//! values are structure, since they make another call: whether an argument is an option or JSON, and whether there
//! is a text between two interpolations at all: `f"{a}{b}"` has no literal where `f"{a}-{b}"` has one.
//!
//! Besides, a shape knows which of its literals are [data](Shape::is_data), and which are read again by something.

mod again;
mod javascript;
mod json;
mod python;
mod shell;
mod sketch;

pub use again::takes_parts;

use serde_json::Value;
use skvm_core::artifact::{
    EmbeddedCode, Fingerprint, Literal, LiteralContent, LiteralForm, Part, Segment,
    TemplateLanguage,
};
use skvm_core::span::Span;

/// Longer code has no shape.
pub const MAX_BYTES: usize = 64 * 1024;

/// Code that lies deeper in code than this is a text.
const MAX_NESTING: usize = 4;

/// The structure of a piece of code; see the [module](self).
///
/// ```
/// use skvm_core::artifact::TemplateLanguage::Shell;
/// use skvm_passes::templates::Shape;
///
/// let one = Shape::of(Shell, "python3 convert.py data/a.csv --out 'a.json'").unwrap();
/// let other = Shape::of(Shell, "python3 convert.py \"b c.csv\"   --out b.json # b").unwrap();
/// assert_eq!(one.fingerprint(), other.fingerprint());
/// assert_eq!(other.values().collect::<Vec<_>>(), ["b c.csv", "b.json"]);
/// let another = Shape::of(Shell, "python3 convert.py data/a.csv --in a.json").unwrap();
/// assert_ne!(one.fingerprint(), another.fingerprint());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    language: TemplateLanguage,
    code: String,
    literals: Vec<ShapeLiteral>,
    fingerprint: Fingerprint,
    /// Whether what the code is given may be read again.
    rereads: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ShapeLiteral {
    /// The literal with its quotes.
    span: Span,
    form: LiteralForm,
    /// What has to stand before and behind it when it is written anew.
    around: (&'static str, &'static str),
    /// What it is to the script that it is handed to.
    role: Option<Role>,
    /// Whether something reads it again whose quoting is not known. It is no part of the fingerprint.
    read_again: bool,
    content: ShapeContent,
}

/// What an argument is to the tool that gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// Values.
    Data,
    /// Code, where it is a string. What is not understood counts as structure, so that only the same text has the
    /// same fingerprint.
    Code(TemplateLanguage),
    /// Something that is read again by rules that are not known: a query, an expression, code of another language.
    Unknown,
}

/// What an argument of a script is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Role {
    /// The script, as it is written.
    pub(super) script: String,
    /// Where the argument stands.
    pub(super) place: Place,
}

/// Where an argument stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind this option.
    Option(String),
    /// As the operand of this number, from 0.
    Operand(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ShapeContent {
    Value(String),
    Code(Box<Shape>),
}

/// A literal that holds no code.
struct ValueOf<'s> {
    value: &'s str,
    form: &'s LiteralForm,
    read_again: bool,
}

impl Shape {
    /// The shape of a piece of code; `None` when the code is not understood as a whole, or is longer than
    /// [`MAX_BYTES`]. It takes time linear in the code.
    #[must_use]
    pub fn of(language: TemplateLanguage, code: &str) -> Option<Self> {
        Self::within(language, code, 0)
    }

    /// The shape of JSON, such as the arguments of a tool call. `argument` tells of each value on the first level, by
    /// its key, what it is to the tool.
    #[must_use]
    pub fn of_json(value: &Value, argument: &dyn Fn(&str, &Value) -> Argument) -> Option<Self> {
        json::shape(value, argument)
    }

    fn within(language: TemplateLanguage, code: &str, nesting: usize) -> Option<Self> {
        if code.len() > MAX_BYTES || nesting > MAX_NESTING || code.contains('\0') {
            return None;
        }
        let sketch = match language {
            TemplateLanguage::Shell => shell::sketch(code, nesting),
            TemplateLanguage::Python => python::sketch(code),
            TemplateLanguage::JavaScript => javascript::sketch(code),
            TemplateLanguage::Json => {
                return json::shape(&serde_json::from_str(code).ok()?, &|_, _| Argument::Data);
            }
        };
        sketch.map(|sketch| sketch.finish(language))
    }

    /// The fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The language.
    #[must_use]
    pub fn language(&self) -> TemplateLanguage {
        self.language
    }

    /// The values of the literals in order, those of embedded code in its place.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.each_value().into_iter().map(|it| it.value)
    }

    /// Whether each literal is a number, in the order of [`values`](Shape::values).
    pub fn are_numbers(&self) -> impl Iterator<Item = bool> {
        self.each_value().into_iter().map(|it| *it.form == LiteralForm::Number)
    }

    /// Whether each literal is data, in the order of [`values`](Shape::values): whether a value can be put in its
    /// place, as a whole or in parts (see [`takes_parts`]), without being read again by something whose quoting
    /// is not known. A literal that is not data must keep the text that it has.
    ///
    /// ```
    /// use skvm_core::artifact::TemplateLanguage::Shell;
    /// use skvm_passes::templates::Shape;
    ///
    /// let shape = Shape::of(Shell, "awk '/a/ {print}' b.csv").unwrap();
    /// assert_eq!(shape.is_data().collect::<Vec<_>>(), [false, true]);
    /// ```
    pub fn is_data(&self) -> impl Iterator<Item = bool> {
        self.each_value().into_iter().map(|it| !it.read_again)
    }

    fn each_value(&self) -> Vec<ValueOf<'_>> {
        let mut values = Vec::new();
        self.collect(false, &mut values);
        values
    }

    /// What each literal is to a script, in the order of [`values`](Shape::values).
    pub(super) fn roles(&self) -> Vec<Option<&Role>> {
        let mut roles = Vec::new();
        for literal in &self.literals {
            match &literal.content {
                ShapeContent::Value(_) => roles.push(literal.role.as_ref()),
                ShapeContent::Code(shape) => roles.extend(shape.roles()),
            }
        }
        roles
    }

    fn collect<'s>(&'s self, read_again: bool, values: &mut Vec<ValueOf<'s>>) {
        for literal in &self.literals {
            let read_again = read_again || literal.read_again;
            match &literal.content {
                ShapeContent::Value(value) => {
                    values.push(ValueOf { value, form: &literal.form, read_again });
                }
                ShapeContent::Code(shape) => shape.collect(read_again, values),
            }
        }
    }

    /// The fingerprints of all code within this code, itself first, with the number of literals before it.
    pub fn embedded(&self) -> Vec<(TemplateLanguage, Fingerprint, usize)> {
        let (mut found, mut literals) = (Vec::new(), 0);
        self.collect_embedded(&mut found, &mut literals);
        found
    }

    fn collect_embedded(
        &self,
        found: &mut Vec<(TemplateLanguage, Fingerprint, usize)>,
        literals: &mut usize,
    ) {
        found.push((self.language, self.fingerprint, *literals));
        for literal in &self.literals {
            match &literal.content {
                ShapeContent::Value(_) => *literals += 1,
                ShapeContent::Code(shape) => shape.collect_embedded(found, literals),
            }
        }
    }

    /// The code as the segments of a template. `parts` is asked for each literal, by its position in
    /// [`values`](Shape::values) and its value: `None` leaves the literal as it is written. It is for the caller to
    /// put holes only where [`is_data`](Shape::is_data) and [`takes_parts`] allow it.
    pub fn segments(
        &self,
        parts: &mut dyn FnMut(usize, &str) -> Option<Vec<Part>>,
    ) -> Vec<Segment> {
        self.split(parts, &mut 0)
    }

    fn split(
        &self,
        parts: &mut dyn FnMut(usize, &str) -> Option<Vec<Part>>,
        position: &mut usize,
    ) -> Vec<Segment> {
        let (mut segments, mut text, mut at) = (Vec::new(), String::new(), 0);
        for literal in &self.literals {
            let content = match &literal.content {
                ShapeContent::Value(value) => {
                    let found = parts(*position, value);
                    *position += 1;
                    found.map(LiteralContent::Parts)
                }
                ShapeContent::Code(shape) => {
                    let segments = shape.split(parts, position);
                    let is_fixed = segments.iter().all(|s| matches!(s, Segment::Text(_)));
                    let language = shape.language;
                    (!is_fixed).then_some(LiteralContent::Code(EmbeddedCode { language, segments }))
                }
            };
            let Some(content) = content else { continue };
            text.push_str(self.code.get(at..literal.span.start).unwrap_or_default());
            text.push_str(literal.around.0);
            if !text.is_empty() {
                segments.push(Segment::Text(std::mem::take(&mut text)));
            }
            segments.push(Segment::Literal(Literal { form: literal.form.clone(), content }));
            text.push_str(literal.around.1);
            at = literal.span.end;
        }
        text.push_str(self.code.get(at..).unwrap_or_default());
        if !text.is_empty() {
            segments.push(Segment::Text(text));
        }
        segments
    }
}
