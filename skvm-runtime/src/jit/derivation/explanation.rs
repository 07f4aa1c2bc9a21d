//! How values come about in the same way in every run.

use std::cell::Cell;
use std::collections::HashSet;

use super::{Derivation, Expression, Known, Source, Term, Transform};
use crate::jit::wording::Tokens;

/// What could explain values of several runs: each piece with its text in every run.
#[derive(Clone)]
pub(in crate::jit) struct Pieces {
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
    pub(in crate::jit) fn of(runs: &[Known]) -> Self {
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
    pub(in crate::jit) fn only(&self, source: &Source) -> Self {
        let mut only = self.clone();
        only.all.retain(|(derivation, _)| derivation.source == *source);
        only
    }

    /// How values come about, if it is in the same way in every run. There is one value a run.
    pub(in crate::jit) fn explain(&self, values: &[&str]) -> Option<Expression> {
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
