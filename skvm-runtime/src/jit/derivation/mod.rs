//! Where the values in a call come from.
//!
//! A value is explained if it can be put together, in the same way in every run, from what was there before
//! the call: typed inputs, gaps in the task's wording, outputs of earlier calls, and fixed text.

mod explanation;
mod output_view;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(super) use explanation::Pieces;
pub(super) use output_view::{OutputView, around_json, json_in};

/// Where a piece of a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    /// A typed input of the host's, by name.
    Input(String),
    /// A gap in the task's wording.
    Gap(usize),
    /// The output of an earlier call, by its number.
    Output {
        /// The call.
        call: usize,
        /// What is taken of it.
        take: Take,
    },
    /// A small model was asked, by the number of the question.
    Asked(usize),
}

/// What is taken of an output.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Take {
    /// All of it, without white space around it.
    Whole,
    /// A gap in its wording.
    Gap(usize),
    /// A scalar of the JSON in it, by JSON pointer.
    Pointer(String),
}

/// What is done to a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Transform {
    /// Nothing.
    Same,
    /// `data/q1.csv` → `q1.csv`
    Name,
    /// `data/q1.csv` → `q1`
    Stem,
    /// `Berlin` → `berlin`
    Lower,
    /// `eur` → `EUR`
    Upper,
}

impl Transform {
    const ALL: [Self; 5] = [Self::Same, Self::Name, Self::Stem, Self::Lower, Self::Upper];

    pub(super) fn of(self, text: &str) -> String {
        let name = || text.rsplit('/').next().unwrap_or(text);
        match self {
            Self::Same => text.to_owned(),
            Self::Name => name().to_owned(),
            Self::Stem => name().rsplit_once('.').map_or_else(name, |(stem, _)| stem).to_owned(),
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
        }
    }
}

/// One piece of a value that is taken from somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Derivation {
    pub(super) source: Source,
    pub(super) transform: Transform,
}

impl Source {
    pub(super) fn is_input(&self) -> bool {
        matches!(self, Self::Input(_))
    }
}

impl Derivation {
    /// All of a source, as it is.
    pub(super) fn whole(source: Source) -> Self {
        Self { source, transform: Transform::Same }
    }
}

impl Term {
    pub(super) fn is_input(&self) -> bool {
        matches!(self, Self::Taken(derivation) if derivation.source.is_input())
    }
}

/// A piece of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Term {
    /// The same in every run.
    Fixed(String),
    /// Taken from somewhere.
    Taken(Derivation),
}

/// What a value is put together from.
pub(super) type Expression = Vec<Term>;

/// What is known in one run before a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) inputs: BTreeMap<String, String>,
    pub(super) gaps: Vec<String>,
    pub(super) outputs: Vec<OutputView>,
    pub(super) answers: Vec<String>,
}

impl Known {
    /// The text of a piece; `None` when there is no such thing in this run, or it is empty.
    pub(super) fn take(&self, derivation: &Derivation) -> Option<String> {
        let text = match &derivation.source {
            Source::Input(name) => self.inputs.get(name)?.clone(),
            Source::Gap(number) => self.gaps.get(*number)?.clone(),
            Source::Asked(number) => self.answers.get(*number)?.clone(),
            Source::Output { call, take } => self.outputs.get(*call)?.take(take)?,
        };
        let text = derivation.transform.of(&text);
        (!text.is_empty()).then_some(text)
    }

    /// The value of an expression.
    pub(super) fn value(&self, expression: &[Term]) -> Option<String> {
        let mut value = String::new();
        for term in expression {
            match term {
                Term::Fixed(text) => value.push_str(text),
                Term::Taken(derivation) => value.push_str(&self.take(derivation)?),
            }
        }
        Some(value)
    }

    /// Everything that a value could be taken from.
    fn sources(&self) -> Vec<Source> {
        let mut sources: Vec<Source> = self.inputs.keys().cloned().map(Source::Input).collect();
        sources.extend((0..self.gaps.len()).map(Source::Gap));
        for (call, output) in self.outputs.iter().enumerate() {
            let takes = output.takes().into_iter().chain([Take::Whole]);
            sources.extend(takes.map(|take| Source::Output { call, take }));
        }
        sources.extend((0..self.answers.len()).map(Source::Asked));
        sources
    }
}
