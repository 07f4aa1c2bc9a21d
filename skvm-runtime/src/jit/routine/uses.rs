//! What the parts of a task are to the calls.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Step;
use crate::jit::derivation::{Derivation, Expression, Known, Pieces, Source, Term, Transform};
use crate::jit::wording::Wording;

/// What a part of a task is to the calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Use {
    /// Values come from it.
    Value,
    /// Only the name of the file in it is used, so that the rest has to be one that was seen.
    Name(BTreeSet<String>),
    /// It told the same as another part that values come from: one of the two is put together from the other.
    Tied {
        /// The whole of one.
        whole: Source,
        /// Its pieces out of the other.
        pieces: Expression,
    },
    /// No value comes from it: what stood there made no difference, as far as was seen.
    Idle(BTreeSet<String>),
}

/// What is left of a path without the name of its file: the folder and the ending.
pub(super) fn around_name(path: &str) -> String {
    let name = Transform::Name.of(path);
    let stem = Transform::Stem.of(path);
    let folder = path.strip_suffix(name.as_str()).unwrap_or_default();
    format!("{folder}*{}", name.strip_prefix(stem.as_str()).unwrap_or_default())
}

/// What each gap and each input is to the calls.
pub(super) fn uses(
    wording: &Wording,
    runs: &[Known],
    steps: &[Step],
    asks: bool,
) -> (Vec<Use>, BTreeMap<String, Use>) {
    let used: BTreeSet<&Source> =
        steps.iter().flat_map(|step| &step.parameters).map(|it| &it.source).collect();
    let pieces = Pieces::of(runs);
    let texts = |source: &Source| -> Option<Vec<String>> {
        let derivation = Derivation::whole(source.clone());
        runs.iter().map(|run| run.take(&derivation)).collect()
    };
    // `whole` as it is put together from `part` alone.
    let tie = |whole: &Source, part: &Source| {
        let texts = texts(whole)?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let pieces = pieces.only(part).explain(&texts)?;
        let takes = pieces.iter().any(|term| matches!(term, Term::Taken(_)));
        takes.then(|| Use::Tied { whole: whole.clone(), pieces })
    };
    let find = |source: Source| {
        if used.contains(&source) {
            let mut transforms = steps
                .iter()
                .flat_map(|step| &step.parameters)
                .filter(|it| it.source == source)
                .map(|it| it.transform);
            let only_name = transforms.all(|it| matches!(it, Transform::Name | Transform::Stem));
            let rests =
                || texts(&source).into_iter().flatten().map(|it| around_name(&it)).collect();
            return if only_name { Use::Name(rests()) } else { Use::Value };
        }
        let others = used.iter().filter(|it| matches!(it, Source::Gap(_) | Source::Input(_)));
        let tied = others.clone().find_map(|other| tie(&source, other));
        let tied = tied.or_else(|| others.clone().find_map(|other| tie(other, &source)));
        match tied {
            Some(tied) => tied,
            // A small model may have looked at anything.
            None if asks && matches!(source, Source::Gap(_)) => Use::Value,
            None => Use::Idle(texts(&source).into_iter().flatten().collect()),
        }
    };
    let gaps = (0..wording.gaps()).map(|gap| find(Source::Gap(gap))).collect();
    let names = runs.first().into_iter().flat_map(|run| run.inputs.keys());
    (gaps, names.map(|name| (name.clone(), find(Source::Input(name.clone())))).collect())
}
