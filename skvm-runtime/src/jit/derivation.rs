//! Where the values in a call come from.
//!
//! A value is explained if it can be put together, in the same way in every run, from what was there before
//! the call: typed inputs, gaps in the task's wording, outputs of earlier calls, and fixed text.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wording::{Tokens, Wording};

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

/// An output, as far as values are taken from it.
#[derive(Debug, Clone, Default)]
pub(super) struct OutputView {
    whole: String,
    gaps: Vec<String>,
    json: Option<Value>,
}

/// Longest output that values are taken from, and most values of one.
const MAX_OUTPUT: usize = 16 * 1024;
const MAX_SCALARS: usize = 64;

impl OutputView {
    /// `wording` is that of all outputs of the call, where there is one.
    pub(super) fn new(output: &str, wording: Option<&Wording>) -> Self {
        if output.len() > MAX_OUTPUT {
            return Self::default();
        }
        let gaps = wording.and_then(|wording| wording.fillers(output)).unwrap_or_default();
        Self {
            whole: output.trim().to_owned(),
            gaps: gaps.into_iter().take(MAX_SCALARS).map(str::to_owned).collect(),
            json: json_in(output),
        }
    }

    /// Everything that can be taken of it.
    pub(super) fn takes(&self) -> Vec<Take> {
        let mut pointers = Vec::new();
        if let Some(json) = &self.json {
            scalars(json, &mut String::new(), &mut pointers);
        }
        let gaps = (0..self.gaps.len()).map(Take::Gap);
        gaps.chain(pointers.into_iter().map(Take::Pointer)).collect()
    }

    pub(super) fn take(&self, take: &Take) -> Option<String> {
        match take {
            Take::Whole => Some(self.whole.clone()),
            Take::Gap(number) => self.gaps.get(*number).cloned(),
            Take::Pointer(pointer) => scalar(self.json.as_ref()?.pointer(pointer)?),
        }
    }
}

/// The JSON that a text is or holds: the first object or array that begins a line.
pub(super) fn json_in(text: &str) -> Option<Value> {
    find_json(text).map(|(value, _)| value)
}

/// The text without the JSON in it.
pub(super) fn around_json(text: &str) -> String {
    let Some((_, place)) = find_json(text) else { return text.to_owned() };
    let (before, behind) = (text.get(..place.start), text.get(place.end..));
    [before, behind].into_iter().flatten().collect()
}

/// How many lines of a text are tried.
const MAX_BEGINNINGS: usize = 16;

fn find_json(text: &str) -> Option<(Value, Range<usize>)> {
    let (mut at, mut tried) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with(['{', '[']) && tried < MAX_BEGINNINGS {
            tried += 1;
            let rest = text.get(at..)?;
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
            if let Some(Ok(value)) = values.next() {
                return Some((value, at..at + values.byte_offset()));
            }
        }
        at += line.len();
    }
    None
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Known {
    /// The text of a piece; `None` when there is no such thing in this run, or it is empty.
    pub(super) fn take(&self, derivation: &Derivation) -> Option<String> {
        let text = match &derivation.source {
            Source::Input(name) => self.inputs.get(name)?.clone(),
            Source::Gap(number) => self.gaps.get(*number)?.clone(),
            Source::Asked(number) => self.answers.get(*number)?.clone(),
            Source::Output { call, take } => {
                self.outputs.get(*call)?.take(take)?
            }
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

/// The pointers of all texts and numbers in a value, at most [`MAX_SCALARS`].
fn scalars(value: &Value, at: &mut String, found: &mut Vec<String>) {
    // A pointer is as long as a value is deep.
    if found.len() >= MAX_SCALARS || at.len() > 256 {
        return;
    }
    let length = at.len();
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                at.push('/');
                at.push_str(&key.replace('~', "~0").replace('/', "~1"));
                scalars(value, at, found);
                at.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                at.push('/');
                at.push_str(&index.to_string());
                scalars(item, at, found);
                at.truncate(length);
            }
        }
        Value::String(_) | Value::Number(_) => found.push(at.clone()),
        Value::Null | Value::Bool(_) => {}
    }
}

/// What could explain values of several runs: each piece with its text in every run.
#[derive(Clone)]
pub(super) struct Pieces {
    all: Vec<(Derivation, Vec<String>)>,
    /// How many comparisons may still be made; shared by all values that are explained by these pieces.
    budget: Cell<usize>,
}

/// Most pieces that are looked at, and most comparisons.
const MAX_PIECES: usize = 512;
const MAX_COMPARISONS: usize = 2_000_000;

/// How many steps the search for one explanation may take.
const MAX_STEPS: usize = 50_000;

/// Most pieces that one value is put together from, fixed texts apart.
const MAX_TAKEN: usize = 32;

impl Pieces {
    /// What is there in every run. A piece that is the same in all of several runs explains nothing.
    pub(super) fn of(runs: &[Known]) -> Self {
        let budget = Cell::new(MAX_COMPARISONS);
        let Some(first) = runs.first() else { return Self { all: Vec::new(), budget } };
        let mut all = Vec::<(Derivation, Vec<String>)>::new();
        let mut known = HashSet::new();
        for transform in Transform::ALL {
            for source in first.sources() {
                let derivation = Derivation { source, transform };
                let texts: Option<Vec<String>> =
                    runs.iter().map(|run| run.take(&derivation)).collect();
                let Some(texts) = texts else { continue };
                let varies =
                    runs.len() == 1 || texts.iter().any(|text| Some(text) != texts.first());
                let is_new = all.len() < MAX_PIECES
                    && varies
                    && known.insert((derivation.source.clone(), texts.clone()));
                if is_new {
                    all.push((derivation, texts));
                }
            }
        }
        Self { all, budget }
    }

    /// Those of one source.
    pub(super) fn only(&self, source: &Source) -> Self {
        let mut only = self.clone();
        only.all.retain(|(derivation, _)| derivation.source == *source);
        only
    }

    /// How values come about, if it is in the same way in every run. There is one value a run.
    pub(super) fn explain(&self, values: &[&str]) -> Option<Expression> {
        let first = values.first()?;
        if values.len() > 1 && values.iter().all(|value| value == first) {
            return Some(vec![Term::Fixed((*first).to_owned())]);
        }
        let mut search = Search {
            pieces: &self.all,
            budget: &self.budget,
            values,
            failed: HashSet::new(),
            steps: MAX_STEPS,
            alone: values.len() == 1,
        };
        let mut terms = Vec::new();
        search.go(&mut vec![0; values.len()], &mut terms).then(|| joined(terms))
    }
}

struct Search<'a> {
    pieces: &'a [(Derivation, Vec<String>)],
    budget: &'a Cell<usize>,
    values: &'a [&'a str],
    /// Positions from which there is no way.
    failed: HashSet<Vec<usize>>,
    steps: usize,
    /// Whether there is only one run, so that every fixed text would do.
    alone: bool,
}

impl Search<'_> {
    fn rest(&self, run: usize, at: usize) -> &str {
        self.values.get(run).and_then(|value| value.get(at..)).unwrap_or_default()
    }

    fn go(&mut self, at: &mut [usize], terms: &mut Vec<Term>) -> bool {
        // A long way of single characters is no recursion.
        let (began, terms_before) = (at.to_vec(), terms.len());
        let mut passed = Vec::new();
        let found = loop {
            let ended =
                at.iter().enumerate().filter(|(run, at)| self.rest(*run, **at).is_empty()).count();
            if ended > 0 {
                break ended == at.len();
            }
            self.steps = self.steps.saturating_sub(1);
            if self.steps == 0 || self.failed.contains(at as &[usize]) {
                break false;
            }
            if self.take(at, terms) {
                return true;
            }
            passed.push(at.to_vec());
            let Some(fixed) = self.common_char(at) else { break false };
            terms.push(Term::Fixed(fixed.to_string()));
            at.iter_mut().for_each(|at| *at += fixed.len_utf8());
        };
        if !found {
            self.failed.extend(passed);
            terms.truncate(terms_before);
            at.copy_from_slice(&began);
        }
        found
    }

    /// Goes on behind a piece that stands here in every run, the longest first.
    fn take(&mut self, at: &mut [usize], terms: &mut Vec<Term>) -> bool {
        let taken = terms.iter().filter(|term| matches!(term, Term::Taken(_))).count();
        if taken >= MAX_TAKEN {
            return false;
        }
        let left = self.budget.get().saturating_sub(self.pieces.len());
        self.budget.set(left);
        if left == 0 {
            return false;
        }
        let mut here: Vec<usize> = Vec::new();
        for (number, (_, texts)) in self.pieces.iter().enumerate() {
            let stands = texts.iter().enumerate().all(|(run, text)| {
                self.rest(run, at.get(run).copied().unwrap_or(0)).starts_with(text.as_str())
            });
            if stands && (!self.alone || self.is_apart(at, texts)) {
                here.push(number);
            }
        }
        here.sort_by_key(|number| {
            let length = self
                .pieces
                .get(*number)
                .map_or(0, |(_, texts)| texts.iter().map(String::len).sum());
            (std::cmp::Reverse::<usize>(length), *number)
        });
        for number in here {
            let Some((derivation, texts)) = self.pieces.get(number) else { continue };
            let before = at.to_vec();
            at.iter_mut().zip(texts).for_each(|(at, text)| *at += text.len());
            terms.push(Term::Taken(derivation.clone()));
            if self.go(at, terms) {
                return true;
            }
            terms.pop();
            at.copy_from_slice(&before);
        }
        false
    }

    /// In a single run a piece counts only where it begins and ends with a token, so that the `a` of `a.csv` is
    /// not found in `data`.
    fn is_apart(&self, at: &[usize], texts: &[String]) -> bool {
        let (Some(value), Some(at), Some(text)) = (self.values.first(), at.first(), texts.first())
        else {
            return false;
        };
        let is_edge = |edge: usize| {
            edge == 0 || edge == value.len() || Tokens::of(value).any(|token| token.start == edge)
        };
        is_edge(*at) && is_edge(at + text.len())
    }

    /// The character that stands here in every run.
    fn common_char(&self, at: &[usize]) -> Option<char> {
        let mut all = at.iter().enumerate().map(|(run, at)| self.rest(run, *at).chars().next());
        let first = all.next()??;
        all.all(|c| c == Some(first)).then_some(first)
    }
}

/// The same terms with fixed texts joined.
fn joined(terms: Vec<Term>) -> Expression {
    let mut whole: Expression = Vec::new();
    for term in terms {
        match (whole.last_mut(), term) {
            (Some(Term::Fixed(before)), Term::Fixed(text)) => before.push_str(&text),
            (_, term) => whole.push(term),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(gaps: &[&str], output: &str) -> Known {
        Known {
            gaps: gaps.iter().map(|&gap| gap.to_owned()).collect(),
            outputs: vec![OutputView::new(output, None)],
            ..Known::default()
        }
    }

    fn explained(runs: &[Known], values: &[&str]) -> Option<String> {
        let expression = Pieces::of(runs).explain(values)?;
        for (run, value) in runs.iter().zip(values) {
            assert_eq!(run.value(&expression).as_deref(), Some(*value), "{expression:?}");
        }
        let show = |term: &Term| match term {
            Term::Fixed(text) => text.clone(),
            Term::Taken(Derivation { source, transform }) => format!("<{source:?} {transform:?}>"),
        };
        Some(expression.iter().map(show).collect())
    }

    #[test]
    fn values_are_put_together_from_what_was_there() {
        let two = |a: [&str; 2], b: [&str; 2]| [known(&a, "{\"id\": 7}"), known(&b, "{\"id\": 8}")];
        let runs = two(["data/q1", "Oslo"], ["in/sales", "Rome"]);
        for (values, expected) in [
            (["x", "x"], Some("x")),
            (["data/q1.csv", "in/sales.csv"], Some("<Gap(0) Same>.csv")),
            (["out/q1.json", "out/sales.json"], Some("out/<Gap(0) Name>.json")),
            (
                ["q=oslo&id=7", "q=rome&id=8"],
                Some("q=<Gap(1) Lower>&id=<Output { call: 0, take: Pointer(\"/id\") } Same>"),
            ),
            (["data/q1", "in/other"], None),
            (["q1", "sales now"], None),
            (["OsloOslo", "RomeRome"], Some("<Gap(1) Same><Gap(1) Same>")),
            (["", "x"], None),
        ] {
            assert_eq!(explained(&runs, &values).as_deref(), expected, "{values:?}");
        }
    }

    #[test]
    fn one_run_explains_by_whole_tokens() {
        let runs = [known(&["a"], "")];
        assert_eq!(explained(&runs, &["data/a.csv"]).as_deref(), Some("data/<Gap(0) Same>.csv"));
        assert_eq!(explained(&runs, &["data"]).as_deref(), Some("data"));
    }

    #[test]
    fn a_search_without_end_is_given_up() {
        let runs = [known(&["a", "aa"], ""), known(&["b", "bb"], "")];
        let (a, b) = ("a".repeat(3000) + "x", "b".repeat(3000) + "y");
        assert_eq!(Pieces::of(&runs).explain(&[&a, &b]), None);
    }

    #[test]
    fn json_is_found_in_an_output() {
        let value = json_in("stdout:\n{\"a\": [1, {\"b/c\": \"x\"}]}\nexit status: 0").unwrap();
        let mut found = Vec::new();
        scalars(&value, &mut String::new(), &mut found);
        assert_eq!(found, ["/a/0", "/a/1/b~1c"]);
        assert_eq!(value.pointer(&found[1]).and_then(scalar).as_deref(), Some("x"));
        assert_eq!(json_in("{ no json"), None);
    }
}
