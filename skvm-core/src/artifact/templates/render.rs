//! Filling holes.

use super::{
    Literal, LiteralContent, LiteralForm, Parameter, ParameterType, Part, Segment, Template,
    TemplateLanguage, ValueError, quote,
};

/// Longest text that is rendered.
pub const MAX_RENDERED_BYTES: usize = 1024 * 1024;

/// How deep code may lie in code.
const MAX_DEPTH: usize = 8;

/// A template could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// There are fewer or more values than parameters.
    #[error("rendering a template of {parameters} parameters with {values} values")]
    Count {
        /// The parameters.
        parameters: usize,
        /// The values.
        values: usize,
    },
    /// A value does not fit.
    #[error("filling in {parameter:?}")]
    Value {
        /// The parameter.
        parameter: String,
        /// Why.
        #[source]
        source: ValueError,
    },
    /// A number is put together to something else.
    #[error("what is filled in where a number stands is none")]
    NotANumber,
    /// A line of a here document would end it.
    #[error("a value has the line {delimiter:?}, which would end the here document that it is in")]
    EndsDocument {
        /// The line.
        delimiter: String,
    },
    /// The text gets longer than [`MAX_RENDERED_BYTES`].
    #[error("the text gets longer than {MAX_RENDERED_BYTES} bytes")]
    TooLong,
    /// The template is none: a hole without a parameter, a literal that its language lacks, code that lies in
    /// code too deeply.
    #[error("the template is damaged")]
    Damaged,
}

impl Template {
    /// Fills the holes with values, in the order of the parameters. Values are never looked into: each becomes
    /// part of a literal that the language reads as exactly that value.
    ///
    /// # Errors
    /// [`RenderError`] when a value is not of its parameter's type, or cannot be written where it stands.
    pub fn render<S: AsRef<str>>(&self, values: &[S]) -> Result<String, RenderError> {
        if values.len() != self.parameters.len() {
            let (parameters, values) = (self.parameters.len(), values.len());
            return Err(RenderError::Count { parameters, values });
        }
        for (Parameter { name, kind, .. }, value) in self.parameters.iter().zip(values) {
            let fits = kind.check(value.as_ref());
            fits.map_err(|source| RenderError::Value { parameter: name.clone(), source })?;
        }
        let mut text = String::new();
        render(self.language, &self.segments, values, 0, &mut text)?;
        Ok(text)
    }
}

fn render<S: AsRef<str>>(
    language: TemplateLanguage,
    segments: &[Segment],
    values: &[S],
    depth: usize,
    out: &mut String,
) -> Result<(), RenderError> {
    for segment in segments {
        match segment {
            Segment::Text(text) => out.push_str(text),
            Segment::Literal(Literal { form, content }) => {
                let value = match content {
                    LiteralContent::Parts(parts) => put_together(parts, values)?,
                    LiteralContent::Code(_) if depth >= MAX_DEPTH => {
                        return Err(RenderError::Damaged);
                    }
                    LiteralContent::Code(code) => {
                        let mut inner = String::new();
                        render(code.language, &code.segments, values, depth + 1, &mut inner)?;
                        inner
                    }
                };
                write_literal(language, form, &value, out)?;
            }
        }
        if out.len() > MAX_RENDERED_BYTES {
            return Err(RenderError::TooLong);
        }
    }
    Ok(())
}

fn put_together<S: AsRef<str>>(parts: &[Part], values: &[S]) -> Result<String, RenderError> {
    let mut whole = String::new();
    for part in parts {
        let piece = match part {
            Part::Text(text) => text,
            Part::Hole(index) => values.get(*index).ok_or(RenderError::Damaged)?.as_ref(),
        };
        if whole.len() + piece.len() > MAX_RENDERED_BYTES {
            return Err(RenderError::TooLong);
        }
        whole.push_str(piece);
    }
    Ok(whole)
}

fn write_literal(
    language: TemplateLanguage,
    form: &LiteralForm,
    value: &str,
    out: &mut String,
) -> Result<(), RenderError> {
    match (form, language) {
        (LiteralForm::Quoted, _) => quote::quoted(language, value, out),
        (LiteralForm::Number, TemplateLanguage::Shell) => return Err(RenderError::Damaged),
        (LiteralForm::Number, _) => {
            ParameterType::Number.check(value).map_err(|_| RenderError::NotANumber)?;
            // In JavaScript `x -` and `-1` would run together.
            if value.starts_with('-') && language != TemplateLanguage::Json {
                out.extend(["(", value, ")"]);
            } else {
                out.push_str(value);
            }
        }
        (LiteralForm::Interpolated, TemplateLanguage::Python | TemplateLanguage::JavaScript) => {
            quote::interpolated(language, value, out);
        }
        (LiteralForm::HereDocument { delimiter, expands }, TemplateLanguage::Shell) => {
            let mut body = String::new();
            quote::here_document(*expands, value, &mut body);
            if has_line(value, delimiter) || has_line(&body, delimiter) {
                return Err(RenderError::EndsDocument { delimiter: delimiter.clone() });
            }
            out.push_str(&body);
        }
        (LiteralForm::Interpolated | LiteralForm::HereDocument { .. }, _) => {
            return Err(RenderError::Damaged);
        }
    }
    Ok(())
}

/// Whether a text has such a line, whatever ends its lines, or one that begins like it and goes on with a
/// character that is not ASCII: dash 0.5.12 loses a byte of that.
fn has_line(text: &str, delimiter: &str) -> bool {
    text.split(['\n', '\r']).any(|line| {
        let same = line.bytes().zip(delimiter.bytes()).take_while(|(a, b)| a == b).count();
        line == delimiter || same > 0 && line.as_bytes().get(same).is_some_and(|b| !b.is_ascii())
    })
}
