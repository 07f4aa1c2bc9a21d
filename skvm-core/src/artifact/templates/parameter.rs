//! What fills holes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::PlaceholderKind;

/// Longest value of a parameter. A shell text is handed over as one argument, of which Linux takes 128 KiB.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// What fills a hole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parameter {
    /// Unique within the template.
    pub name: String,
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: ParameterType,
    /// Where the type and the name come from.
    pub source: ParameterSource,
    /// How the source spells what is to be filled in; `None` where it was learned from values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spelling: Option<Spelling>,
}

impl Parameter {
    /// A parameter that was learned from values.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: ParameterType) -> Self {
        Self { name: name.into(), kind, source: ParameterSource::Values, spelling: None }
    }
}

/// Where a parameter comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterSource {
    /// A placeholder in the code, which tells a name and by it a type.
    Placeholder,
    /// The argument parser of a bundled script.
    ArgumentParser {
        /// The script's path in the bundle.
        script: String,
        /// The option, or the name of the positional argument.
        argument: String,
    },
    /// The values that were seen.
    Values,
}

/// The types of parameters.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ParameterType {
    /// Any text.
    #[default]
    Text,
    /// A decimal number.
    Number,
    /// A path.
    Path,
    /// A URL.
    Url,
    /// A key, token or password: never logged, never learned.
    Secret,
}

/// A value does not fit its parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// It holds the character NUL, which no program's arguments can.
    #[error("the value has a NUL character")]
    Nul,
    /// It is longer than [`MAX_VALUE_BYTES`].
    #[error("the value has {bytes} bytes; {MAX_VALUE_BYTES} are the most")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is not of the type.
    #[error("the value is no {kind:?}")]
    NotOfType {
        /// The type.
        kind: ParameterType,
    },
}

impl ParameterType {
    /// Whether a value is of this type.
    ///
    /// ```
    /// use skvm_core::artifact::ParameterType;
    ///
    /// assert!(ParameterType::Number.check("-1.5").is_ok());
    /// assert!(ParameterType::Number.check("1; rm -rf ~").is_err());
    /// assert!(ParameterType::Text.check("1; rm -rf ~").is_ok()); // it stays a text
    /// ```
    ///
    /// # Errors
    /// [`ValueError`] when the value has a NUL, is too long, or is not of the type. Paths and URLs have no
    /// control characters and are not empty; URLs have a scheme and no spaces.
    pub fn check(self, value: &str) -> Result<(), ValueError> {
        if value.contains('\0') {
            return Err(ValueError::Nul);
        }
        if value.len() > MAX_VALUE_BYTES {
            return Err(ValueError::TooLong { bytes: value.len() });
        }
        let fits = match self {
            Self::Text | Self::Secret => true,
            Self::Number => is_number(value),
            Self::Path => !value.is_empty() && !value.contains(char::is_control),
            Self::Url => {
                let no_scheme = value.split_once("://").is_none_or(|(scheme, rest)| {
                    rest.is_empty()
                        || !scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                        || !scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
                });
                !no_scheme && !value.contains(|c: char| c.is_control() || c.is_whitespace())
            }
        };
        if fits { Ok(()) } else { Err(ValueError::NotOfType { kind: self }) }
    }
}

/// A decimal number as all languages here write it: `0`, `-12`, `3.25`, `1e9`; no leading zeros.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

/// The spellings of what is left to fill in that occur in published skills.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Spelling {
    /// `<city>`, `<INPUT FILE>`, `<camelCase>`
    Angle,
    /// `{city}`, `{CITY}`
    Brace,
    /// `{{city}}`
    DoubleBrace,
    /// `YOUR_API_KEY`, `MY_TOKEN`
    YourUpper,
    /// `your-city`, `my-project`
    YourLower,
    /// `path/to/file`
    PathTo,
    /// `$CITY` that the code does not set
    Variable,
    /// `${CITY}` that the code does not set
    BracedVariable,
    /// `$1`, `$ARGUMENTS`
    Argument,
    /// `TASK_ID` as a word of its own
    BareUpper,
    /// `[city]`
    Bracket,
    /// `input.pdf`, `file.txt`
    SampleFile,
    /// `example.com`, `you@example.com`
    ExampleDomain,
    /// `123`, `abc123`, `12345`
    DummyId,
    /// `xxx`, `XXXX`
    CrossedOut,
    /// `0x…`
    HexStub,
    /// `sk-…`
    KeyStub,
    /// `:id` in a URL
    ColonSegment,
    /// `YYYY-MM-DD`
    DatePattern,
    /// `"..."`
    Ellipsis,
    /// `%s`
    Percent,
    /// `${city}` in the original SkVM's templates
    Candidate,
}

impl From<PlaceholderKind> for Spelling {
    fn from(kind: PlaceholderKind) -> Self {
        match kind {
            PlaceholderKind::Angle => Self::Angle,
            PlaceholderKind::Brace => Self::Brace,
            PlaceholderKind::DoubleBrace => Self::DoubleBrace,
            PlaceholderKind::YourUpper => Self::YourUpper,
            PlaceholderKind::YourLower => Self::YourLower,
            PlaceholderKind::PathTo => Self::PathTo,
        }
    }
}
