//! Code as fixed text with typed holes.
//!
//! A template is what solidification renders in the place of a model that would write the same code with
//! other values. Holes are never places in a text: each is part of a literal of its language (a shell word, a
//! Python string, a JSON value, the body of a here document), and the literal as a whole is written by that
//! language's own rules. So a value is data, whatever it holds.

mod parameter;
mod quote;
mod render;

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use parameter::{
    MAX_VALUE_BYTES, Parameter, ParameterSource, ParameterType, Spelling, ValueError,
};
pub use render::{MAX_RENDERED_BYTES, RenderError};

use super::{Artifact, ArtifactKey, CodeOrigin};
use crate::digest::{Digest, ParseDigestError};
use crate::span::Span;

/// Every template of a skill: those of its text in source order, then those of bundled scripts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Templates {
    /// The templates.
    pub templates: Vec<SkillTemplate>,
}

impl Artifact for Templates {
    const KEY: ArtifactKey = ArtifactKey::new("templates");
}

/// A template that was found in a skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkillTemplate {
    /// The template.
    #[serde(flatten)]
    pub template: Template,
    /// The structure of its code: what a model writes for the same purpose has the same.
    pub fingerprint: Fingerprint,
    /// The piece of code that it was found in.
    pub origin: CodeOrigin,
    /// The place: in `SKILL.md`, or in the bundle file.
    pub span: Span,
}

/// Fixed text with holes.
///
/// ```
/// use skvm_core::artifact::{
///     Literal, LiteralContent, LiteralForm, Parameter, ParameterType, Part, Segment, Template,
///     TemplateLanguage,
/// };
///
/// let literal = Literal {
///     form: LiteralForm::Quoted,
///     content: LiteralContent::Parts(vec![Part::Text("data/".into()), Part::Hole(0)]),
/// };
/// let template = Template {
///     language: TemplateLanguage::Shell,
///     segments: vec![Segment::Text("wc -l ".into()), Segment::Literal(literal)],
///     parameters: vec![Parameter::new("file", ParameterType::Path)],
/// };
/// assert_eq!(template.render(&["a b.csv"])?, "wc -l 'data/a b.csv'");
/// assert_eq!(template.render(&["$(id)"])?, "wc -l 'data/$(id)'");
/// assert!(template.render(&["a\0b"]).is_err());
/// # Ok::<(), skvm_core::artifact::RenderError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Template {
    /// What the text is.
    pub language: TemplateLanguage,
    /// Text and literals with holes, in order.
    pub segments: Vec<Segment>,
    /// What fills the holes; each is used at least once.
    pub parameters: Vec<Parameter>,
}

impl Template {
    /// Names the template: same text, same holes, same digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Writing to a vector cannot fail, and no field of a template is refused by serde_json.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// The text with the name of its parameter, in braces, in each hole: for people, not for interpreters.
    #[must_use]
    pub fn outline(&self) -> String {
        let mut text = String::new();
        self.outline_of(&self.segments, &mut text);
        text
    }

    fn outline_of(&self, segments: &[Segment], text: &mut String) {
        for segment in segments {
            match segment {
                Segment::Text(fixed) => text.push_str(fixed),
                Segment::Literal(Literal { content: LiteralContent::Code(code), .. }) => {
                    self.outline_of(&code.segments, text);
                }
                Segment::Literal(Literal { content: LiteralContent::Parts(parts), .. }) => {
                    for part in parts {
                        match part {
                            Part::Text(fixed) => text.push_str(fixed),
                            Part::Hole(index) => {
                                let name = self.parameters.get(*index).map_or("?", |p| &p.name);
                                text.push('{');
                                text.push_str(name);
                                text.push('}');
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The languages of templates.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum TemplateLanguage {
    /// POSIX shell.
    Shell,
    /// Python 3.
    Python,
    /// JavaScript or TypeScript.
    JavaScript,
    /// JSON, such as the arguments of a tool call.
    Json,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Segment {
    /// Text as it stands.
    Text(String),
    /// A literal that is written anew.
    Literal(Literal),
}

/// A literal of a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Literal {
    /// How it is written.
    pub form: LiteralForm,
    /// What it holds.
    pub content: LiteralContent,
}

/// How a literal is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LiteralForm {
    /// In quotes: a word of a shell command, a string elsewhere.
    Quoted,
    /// As a decimal number.
    Number,
    /// As a piece of an interpolated string: a Python f-string, a JavaScript template literal.
    Interpolated,
    /// As the body of a here document.
    HereDocument {
        /// The line that ends it.
        delimiter: String,
        /// Whether the shell expands variables and commands in it.
        expands: bool,
    },
}

/// What a literal holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LiteralContent {
    /// A value that is put together.
    Parts(Vec<Part>),
    /// Code of another language, such as the program of `python3 -c`.
    Code(EmbeddedCode),
}

/// Code within a literal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmbeddedCode {
    /// Its language.
    pub language: TemplateLanguage,
    /// Text and literals with holes, in order.
    pub segments: Vec<Segment>,
}

/// A part of a literal's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The same in every rendering.
    Text(String),
    /// A hole: the position of its parameter in [`Template::parameters`].
    Hole(usize),
}

/// The structure of a piece of code: a digest of its syntax tree with literals and local names abstracted.
///
/// It is the same under other formatting, comments, names of variables, quoting and values, and another one
/// under a changed call, option, operator or statement.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Fingerprint(Digest);

impl Fingerprint {
    /// The fingerprint of a canonical form of the structure.
    #[must_use]
    pub fn of(structure: &[u8]) -> Self {
        Self(Digest::of(structure))
    }

    /// As a digest.
    #[must_use]
    pub fn digest(self) -> Digest {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Fingerprint {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
