//! What failures teach.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::FailureContext;
use crate::artifact::DependencyKind;
use crate::capability::{AbilityEvidence, Level, Primitive};
use crate::digest::Digest;

/// One thing that a failure teaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Lesson {
    /// Something must be on the machine. The `environment` pass adds it where the skill, or what is generally known,
    /// speaks for it.
    Dependency {
        /// What kind of thing.
        dependency: DependencyKind,
        /// By what it is used: a module, a program.
        name: String,
    },
    /// A file of the skill's own is to be named by its full path.
    Path {
        /// As the skill writes it; may be a name that no file has.
        written: String,
        /// The file's path in the bundle.
        file: String,
    },
    /// A script of the skill's own is to be run through its interpreter.
    Script {
        /// The file's path in the bundle.
        file: String,
    },
    /// A word of a command is another one.
    Word {
        /// The program of the command.
        program: String,
        /// The word as the skill writes it.
        written: String,
        /// The word that works.
        instead: String,
    },
    /// A sentence out of a fixed list is to be added.
    Advice {
        /// Which.
        advice: Advice,
    },
    /// Work at a level of a primitive went well so often, and badly so often.
    Ability {
        /// The primitive.
        primitive: Primitive,
        /// The level that was demanded.
        level: Level,
        /// Sessions in which it went well.
        successes: u32,
        /// Sessions in which it did not.
        failures: u32,
    },
}

/// Sentences that lessons add. What they say is fixed, so that nothing that a failing tool printed speaks to a model.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// Fill in what is marked to be filled in.
    FillIn,
    /// Give the answer in its form and nothing else.
    AnswerOnly,
    /// Pass arguments as the tool describes them.
    Arguments,
    /// Bound what is tried again.
    Bounded,
    /// Do every step, once, in order.
    EveryStep,
    /// Read and write long things in parts.
    InParts,
    /// Give what takes long more time.
    MoreTime,
}

impl Advice {
    /// Every piece of advice.
    pub const ALL: [Self; 7] = [
        Self::FillIn,
        Self::AnswerOnly,
        Self::Arguments,
        Self::Bounded,
        Self::EveryStep,
        Self::InParts,
        Self::MoreTime,
    ];

    /// The sentence to the agent.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::FillIn => {
                "Before a command is run, put a real value in the place of everything in it that is \
                 marked to be filled in."
            }
            Self::AnswerOnly => {
                "Give the answer in exactly the form that is asked for: start with its first \
                 character and end with its last."
            }
            Self::Arguments => {
                "Call a tool with one JSON object that has every argument under the name in the \
                 tool's description."
            }
            Self::Bounded => {
                "When a call fails, change something before it is made again; after the third \
                 failure, go on with the next step and say what is left."
            }
            Self::EveryStep => "Do every step once, in order, and name each step when it is done.",
            Self::InParts => {
                "Read long files a part at a time, and write long answers to a file part by part."
            }
            Self::MoreTime => {
                "Give a command that takes long a higher time limit where the tool has one, or run \
                 it on one part at a time."
            }
        }
    }
}

/// What failures taught about a skill on a target.
///
/// ```
/// use skvm_core::failure::{Advice, Lesson, Lessons};
///
/// let lessons = Lessons::from([Lesson::Advice { advice: Advice::InParts }]);
/// let more = lessons.and(&Lessons::from([Lesson::Script { file: "scripts/run.py".into() }]));
/// assert_eq!(more.lessons.len(), 2);
/// assert_ne!(more.digest(), lessons.digest());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lessons {
    /// The lessons, sorted, each once.
    #[serde(deserialize_with = "sorted")]
    pub lessons: Vec<Lesson>,
    /// The failures themselves, for passes that ask a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<FailureContext>,
}

/// Reads lessons in any order: the same lessons have the same digest, whoever wrote them down.
fn sorted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Lesson>, D::Error> {
    Ok(Lessons::new(Vec::deserialize(deserializer)?).lessons)
}

impl<const N: usize> From<[Lesson; N]> for Lessons {
    fn from(lessons: [Lesson; N]) -> Self {
        Self::new(lessons)
    }
}

impl Lessons {
    /// Lessons without the failures behind them.
    pub fn new(lessons: impl IntoIterator<Item = Lesson>) -> Self {
        let mut lessons: Vec<Lesson> = lessons.into_iter().collect();
        lessons.sort();
        lessons.dedup();
        Self { lessons, context: None }
    }

    /// Whether nothing was learned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lessons.is_empty() && self.context.is_none()
    }

    /// Names them.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // The types hold nothing that serde_json refuses.
        Digest::builder("lessons").field(&serde_json::to_vec(self).unwrap_or_default()).finish()
    }

    /// Both. Of an ability at a level the later count takes the place of the earlier one.
    #[must_use]
    pub fn and(&self, later: &Self) -> Self {
        let ability = |lesson: &Lesson| match lesson {
            Lesson::Ability { primitive, level, .. } => Some((*primitive, *level)),
            _ => None,
        };
        let counted: Vec<_> = later.lessons.iter().filter_map(ability).collect();
        let earlier = self
            .lessons
            .iter()
            .filter(|lesson| ability(lesson).is_none_or(|ability| !counted.contains(&ability)));
        let both = earlier.chain(&later.lessons).cloned();
        let context = later.context.clone().or_else(|| self.context.clone());
        Self { context, ..Self::new(both) }
    }

    /// The lessons without the counts of abilities, and without the failures behind them: what they come down to.
    #[must_use]
    pub fn uncounted(&self) -> Self {
        Self::new(self.lessons.iter().map(|lesson| match lesson {
            Lesson::Ability { primitive, level, .. } => {
                Lesson::Ability { primitive: *primitive, level: *level, successes: 0, failures: 0 }
            }
            other => other.clone(),
        }))
    }

    /// What they say about the target's abilities.
    #[must_use]
    pub fn abilities(&self) -> Vec<AbilityEvidence> {
        let mut found: BTreeMap<(Primitive, Level), (u32, u32)> = BTreeMap::new();
        for lesson in &self.lessons {
            if let Lesson::Ability { primitive, level, successes, failures } = lesson {
                let counts = found.entry((*primitive, *level)).or_default();
                counts.0 = counts.0.saturating_add(*successes);
                counts.1 = counts.1.saturating_add(*failures);
            }
        }
        let evidence = |((primitive, level), (successes, failures))| AbilityEvidence {
            primitive,
            level,
            successes,
            failures,
        };
        found.into_iter().map(evidence).collect()
    }
}
