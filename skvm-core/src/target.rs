//! What a skill is compiled for: a model behind an agent harness.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as given; nothing is normalised.
            #[must_use]
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }
    };
}

id_type! {
    /// Names a model, such as `qwen/qwen3.5-9b`.
    ModelId
}
id_type! {
    /// Names an agent harness, such as `bare-agent`.
    HarnessId
}

/// A model behind an agent harness: the machine that a skill is compiled for.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Target {
    /// The model.
    pub model: ModelId,
    /// The harness.
    pub harness: HarnessId,
}

impl Target {
    /// A target from its two halves.
    #[must_use]
    pub fn new(model: impl Into<ModelId>, harness: impl Into<HarnessId>) -> Self {
        Self { model: model.into(), harness: harness.into() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.model, self.harness)
    }
}
