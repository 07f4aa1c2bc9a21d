//! Texts that differ in places: the wording of a task, the output of a tool.
//!
//! A wording is the least general text with gaps that all texts seen so far fit. It is anchored: a text fits
//! as a whole or not at all, so what is said beside the gaps is said in the same words.

mod alignment;
mod gap;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use alignment::{common, fit};
use gap::{Gap, Place};
use token::Kind;
pub(super) use token::{MAX_TOKENS, Tokens, key};

/// How often the search for a fit may look at an element.
const MAX_STEPS: usize = 20_000;

/// A text with gaps; see the [module](self).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wording {
    elements: Vec<Element>,
    gaps: Vec<Gap>,
}

/// A piece of a wording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Element {
    /// A token.
    Fixed(String),
    /// The gap of this number. Gaps never stand side by side.
    Gap(usize),
}

impl Wording {
    /// A text without gaps; `None` when it is too long.
    pub(super) fn exact(text: &str) -> Option<Self> {
        Self::with_gaps(text, &[])
    }

    /// A text with gaps at these places, in order.
    pub(super) fn with_gaps(text: &str, places: &[Range<usize>]) -> Option<Self> {
        let (mut elements, mut gaps) = (Vec::new(), Vec::<Gap>::new());
        for token in Tokens::all(text)? {
            match places
                .iter()
                .position(|place| place.start <= token.start && token.end <= place.end)
            {
                Some(gap) if gap + 1 == gaps.len() => {}
                Some(_) => {
                    elements.push(Element::Gap(gaps.len()));
                    gaps.push(Gap::default());
                }
                None => elements.push(Element::Fixed(key(text.get(token)?).to_owned())),
            }
        }
        let count = gaps.len();
        Self { elements, gaps }.fill([text].into_iter(), count)
    }

    pub(super) fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// How many gaps there are.
    pub(super) fn gaps(&self) -> usize {
        self.gaps.len()
    }

    /// How many words stand outside gaps.
    pub(super) fn fixed_words(&self) -> usize {
        let is_word = |element: &&Element| match element {
            Element::Fixed(token) => token.starts_with(char::is_alphanumeric),
            Element::Gap(_) => false,
        };
        self.elements.iter().filter(is_word).count()
    }

    /// What fills the gaps of a text that fits, each as short as can be; `None` when it does not fit.
    pub(super) fn fillers<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let tokens = Tokens::all(text)?;
        let mut places = Vec::with_capacity(self.gaps.len());
        let mut steps = MAX_STEPS;
        fit(&self.elements, text, &tokens, &mut places, &mut steps)
            .then(|| places.into_iter().filter_map(|place| text.get(place)).collect())
    }

    /// Whether what fills a gap is surely a value of the kind that was seen there.
    pub(super) fn is_usual(&self, gap: usize, filler: &str) -> bool {
        self.gaps.get(gap).is_some_and(|gap| gap.fits(filler))
    }

    /// Whether no filler is much longer than those that were seen, and numbers are where only numbers were.
    pub(super) fn is_similar(&self, fillers: &[&str]) -> bool {
        let is_usual = |(gap, filler): (&Gap, &&str)| {
            let numbers = gap.kinds.iter().all(|kind| *kind == Kind::Number);
            let breaks = |kind: Kind| {
                filler.is_empty() || {
                    let mut tokens = Tokens::of(filler).filter_map(|range| filler.get(range));
                    tokens.any(|token| Kind::of(token) == kind) && !gap.kinds.contains(&kind)
                }
            };
            let most = gap.tokens.min(MAX_TOKENS) * 3 + 8;
            Tokens::of(filler).take(most + 1).count() <= most
                && (!numbers || Kind::of(filler) == Kind::Number)
                && !breaks(Kind::Space)
                && !breaks(Kind::Line)
        };
        self.gaps.len() == fillers.len() && self.gaps.iter().zip(fillers).all(is_usual)
    }

    /// The least general wording that fits all of these texts; `None` when it would have an empty gap, or a text
    /// is too long.
    pub(super) fn of_all<'t>(texts: impl IntoIterator<Item = &'t str> + Clone) -> Option<Self> {
        let mut each = texts.clone().into_iter();
        let mut wording = Self::exact(each.next()?)?;
        for text in each {
            if wording.fillers(text).is_none() {
                wording = wording.widened(text)?;
            }
        }
        let gaps = wording.gaps.len();
        wording.fill(texts.into_iter(), gaps)
    }

    /// The wordings that texts may have, the likeliest first: gaps with nothing but white space between them are
    /// one, or they are not.
    pub(super) fn all_of<'t>(texts: impl IntoIterator<Item = &'t str> + Clone) -> Vec<Self> {
        let Some(wording) = Self::of_all(texts.clone()) else { return Vec::new() };
        let mut elements: Vec<Element> = Vec::new();
        let mut gaps = 0;
        for element in &wording.elements {
            if let Element::Fixed(_) = element {
                elements.push(element.clone());
                continue;
            }
            let is_space = |it: &Element| matches!(it, Element::Fixed(token) if token == " ");
            let goes_on =
                matches!(elements.as_slice(), [.., Element::Gap(_), space] if is_space(space));
            if goes_on {
                elements.pop();
            } else {
                elements.push(Element::Gap(gaps));
                gaps += 1;
            }
        }
        let joined = (gaps < wording.gaps()).then(|| Self { elements, gaps: Vec::new() });
        let joined = joined.and_then(|joined| joined.fill(texts.into_iter(), gaps));
        joined.into_iter().chain([wording]).collect()
    }

    /// [`of_all`](Wording::of_all), with every number in a gap of its own, those apart that `kept` names: how many
    /// rows were written says nothing about whether it went as before. That there were none does.
    pub(super) fn of_outputs(texts: &[&str], kept: &BTreeSet<String>) -> Option<Self> {
        let mut wording = Self::of_all(texts.iter().copied())?;
        let (mut elements, mut gaps) = (Vec::new(), 0);
        for element in wording.elements {
            let is_gap = match &element {
                Element::Fixed(token) => {
                    Kind::of(token) == Kind::Number && token != "0" && !kept.contains(token)
                }
                Element::Gap(_) => true,
            };
            if !is_gap {
                elements.push(element);
            } else if !matches!(elements.last(), Some(Element::Gap(_))) {
                elements.push(Element::Gap(gaps));
                gaps += 1;
            }
        }
        wording.elements = elements;
        wording.fill(texts.iter().copied(), gaps)
    }

    /// The same wording with what these texts have in its gaps.
    fn fill<'t>(mut self, texts: impl Iterator<Item = &'t str>, gaps: usize) -> Option<Self> {
        self.gaps = (0..gaps).map(|gap| Gap::at(self.place_of(gap))).collect();
        for text in texts {
            let fillers = self.fillers(text)?;
            for (gap, filler) in self.gaps.iter_mut().zip(fillers) {
                gap.add(filler);
            }
        }
        Some(self)
    }

    /// Where a gap stands among the fixed tokens.
    fn place_of(&self, gap: usize) -> Place {
        let Some(at) = self.elements.iter().position(|it| *it == Element::Gap(gap)) else {
            return Place::Free;
        };
        let fixed = |at: Option<usize>| match at.and_then(|at| self.elements.get(at)) {
            Some(Element::Fixed(token)) => Some(token.as_str()),
            Some(Element::Gap(_)) | None => None,
        };
        let before = |back: usize| fixed(at.checked_sub(back));
        let is_space = |token: Option<&str>| matches!(token, None | Some(" " | "\n"));
        let (previous, next) = (before(1), fixed(Some(at + 1)));
        if let (Some("\"" | "'" | "`"), true) = (previous, previous == next) {
            return Place::Quoted;
        }
        // A mark before white space or the end closes a sentence and belongs to no value.
        let closes = matches!(next, Some("." | "," | "?" | "!" | ";" | ":" | ")" | "\"" | "'"))
            && is_space(fixed(Some(at + 2)))
            && !matches!(self.elements.get(at + 2), Some(Element::Gap(_)));
        let opens = matches!(previous, Some("(" | "\"" | "'" | ":"));
        // `Ada's` is Ada.
        let owns = next == Some("'") || next == Some("’");
        let is_free = (is_space(previous) || opens) && (is_space(next) || closes || owns);
        let is_of_path =
            |token: Option<&str>| matches!(token, Some("/" | "." | "_" | "#" | "@" | "=" | ":"));
        let is_joined = is_of_path(previous) || is_of_path(next) && !closes;
        match (is_free, previous, before(2)) {
            (false, ..) if is_joined => Place::Joined,
            (false, ..) => Place::Bound,
            (true, None | Some("\n"), _) => Place::Start,
            (true, Some(" "), Some("." | "!" | "?" | ":")) => Place::Start,
            (true, ..) => Place::Free,
        }
    }

    /// The same wording with gaps where a text differs. Gaps are empty as yet.
    fn widened(&self, text: &str) -> Option<Self> {
        let tokens = Tokens::all(text)?;
        let words: Vec<&str> =
            tokens.iter().map(|token| text.get(token.clone()).map(key)).collect::<Option<_>>()?;
        let common = common(&self.elements, &words);
        let (mut elements, mut gaps) = (Vec::new(), 0);
        let (mut left, mut right) = (0, 0);
        let ends = std::iter::once((self.elements.len(), words.len()));
        for (element, word) in common.into_iter().chain(ends) {
            match (element - left, word - right) {
                (0, 0) => {}
                (0, _) | (_, 0) => return None,
                _ => {
                    elements.push(Element::Gap(gaps));
                    gaps += 1;
                }
            }
            if let Some(fixed) = self.elements.get(element) {
                elements.push(fixed.clone());
            }
            (left, right) = (element + 1, word + 1);
        }
        Some(Self { elements, gaps: vec![Gap::default(); gaps] })
    }

    /// The wording with `{0}`, `{1}` in its gaps, for people.
    pub(super) fn outline(&self) -> String {
        let mut text = String::new();
        for element in &self.elements {
            match element {
                Element::Fixed(token) => text.push_str(token),
                Element::Gap(number) => {
                    text.push('{');
                    text.push_str(&number.to_string());
                    text.push('}');
                }
            }
        }
        text
    }
}
