//! The names and levels of primitive capabilities.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::catalogue::CATALOGUE;

/// How well a target carries out a primitive, or how much of it a skill demands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Level {
    /// Not even [`Level::L1`]: absent.
    L0,
    /// The simple form.
    L1,
    /// The ordinary form.
    L2,
    /// The demanding form.
    L3,
}

impl Level {
    /// The three levels that a skill can demand, lowest first.
    pub const DEMANDS: [Level; 3] = [Level::L1, Level::L2, Level::L3];

    /// The next lower level; `None` below [`Level::L0`].
    #[must_use]
    pub fn lower(self) -> Option<Level> {
        match self {
            Self::L0 => None,
            Self::L1 => Some(Self::L0),
            Self::L2 => Some(Self::L1),
            Self::L3 => Some(Self::L2),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What kind of work a primitive is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Writing code or text.
    Generation,
    /// Working something out without tools.
    Reasoning,
    /// Calling tools.
    ToolUse,
    /// Doing what was said, in the way it was said.
    InstructionFollowing,
}

/// One entry of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimitiveSpec {
    pub(super) primitive: Primitive,
    pub(super) id: &'static str,
    pub(super) category: Category,
    pub(super) description: &'static str,
    pub(super) levels: [&'static str; 3],
    pub(super) degradations: [Option<&'static str>; 2],
}

impl PrimitiveSpec {
    /// The primitive that this entry describes.
    #[must_use]
    pub fn primitive(&self) -> Primitive {
        self.primitive
    }

    /// The id, such as `gen.code.python`.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// The kind of work.
    #[must_use]
    pub fn category(&self) -> Category {
        self.category
    }

    /// What carrying it out means, in one sentence.
    #[must_use]
    pub fn description(&self) -> &'static str {
        self.description
    }

    /// What a level means; `None` for [`Level::L0`], which is the absence of the others.
    #[must_use]
    pub fn level(&self, level: Level) -> Option<&'static str> {
        match level {
            Level::L0 => None,
            Level::L1 => Some(self.levels[0]),
            Level::L2 => Some(self.levels[1]),
            Level::L3 => Some(self.levels[2]),
        }
    }

    /// How a skill's text is changed so that a target one level lower can carry it out; `None`
    /// where no such direction exists, and always from [`Level::L0`] and [`Level::L1`].
    #[must_use]
    pub fn degradation(&self, from: Level) -> Option<&'static str> {
        match from {
            Level::L0 | Level::L1 => None,
            Level::L2 => self.degradations[0],
            Level::L3 => self.degradations[1],
        }
    }
}

/// One of the 26 primitive capabilities: basic, orthogonal, composable, about how a task is carried
/// out and never about the field it belongs to.
///
/// ```
/// use skvm_core::capability::{Level, Primitive};
///
/// let primitive: Primitive = "tool.exec".parse()?;
/// assert_eq!(primitive, Primitive::ToolExec);
/// assert!(primitive.spec().level(Level::L1).is_some());
/// # Ok::<(), skvm_core::capability::ParsePrimitiveError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the catalogue describes each variant; see Primitive::spec")]
pub enum Primitive {
    GenCodePython,
    GenCodeJavascript,
    GenCodeShell,
    GenCodeSql,
    GenCodeHtml,
    GenTextStructured,
    GenTextLong,
    GenTextProse,
    GenRegex,
    ReasonArithmetic,
    ReasonLogic,
    ReasonSpatial,
    ReasonPlanning,
    ReasonAnalysis,
    ToolFileRead,
    ToolFileWrite,
    ToolExec,
    ToolCallFormat,
    ToolCallBatch,
    ToolWeb,
    ToolBrowser,
    FollowFormat,
    FollowConstraint,
    FollowProcedure,
    FollowDelegation,
    FollowStyle,
}

impl Primitive {
    /// How many there are.
    pub const COUNT: usize = 26;

    /// All primitives in catalogue order.
    pub const ALL: [Primitive; Self::COUNT] = {
        let mut all = [Primitive::GenCodePython; Self::COUNT];
        let mut index = 0;
        while index < Self::COUNT {
            all[index] = CATALOGUE[index].primitive;
            index += 1;
        }
        all
    };

    /// The catalogue's entry.
    #[must_use]
    pub fn spec(self) -> &'static PrimitiveSpec {
        &CATALOGUE[self as usize]
    }

    /// The id, such as `gen.code.python`.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.spec().id
    }
}

impl fmt::Display for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

/// The text names no primitive of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{id:?} is not one of the 26 primitive capabilities")]
pub struct ParsePrimitiveError {
    id: String,
}

impl FromStr for Primitive {
    type Err = ParsePrimitiveError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|primitive| primitive.id() == id)
            .ok_or_else(|| ParsePrimitiveError { id: id.chars().take(80).collect() })
    }
}

impl Serialize for Primitive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl<'de> Deserialize<'de> for Primitive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Primitive {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Primitive".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let ids: Vec<&str> = Self::ALL.iter().map(|p| p.id()).collect();
        json_schema!({ "type": "string", "enum": ids })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_indexed_by_the_enum() {
        assert_eq!(CATALOGUE.len(), Primitive::COUNT);
        for (index, spec) in CATALOGUE.iter().enumerate() {
            assert_eq!(spec.primitive as usize, index, "{}", spec.id);
            assert_eq!(spec.id.parse::<Primitive>(), Ok(spec.primitive));
            assert!(spec.levels.iter().all(|text| !text.is_empty()));
        }
    }

    #[test]
    fn an_unknown_id_is_refused_by_name() {
        let error = "gen.code.cobol".parse::<Primitive>().unwrap_err();
        assert!(error.to_string().contains("gen.code.cobol"));
    }
}
