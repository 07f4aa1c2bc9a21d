//! Texts that differ in places: the wording of a task, the output of a tool.
//!
//! A wording is the least general text with gaps that all texts seen so far fit. It is anchored: a text fits
//! as a whole or not at all, so what is said beside the gaps is said in the same words.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Most tokens of a text that is looked at.
pub(super) const MAX_TOKENS: usize = 1024;

/// Most fillers of a gap that are kept.
const MAX_SEEN: usize = 32;

/// How often the search for a fit may look at an element.
const MAX_STEPS: usize = 20_000;

/// The tokens of a text: runs of letters and digits, runs of white space, and each other character by itself.
#[derive(Clone)]
pub(super) struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// All of them; `None` when there are more than [`MAX_TOKENS`].
    pub(super) fn all(text: &'t str) -> Option<Vec<Range<usize>>> {
        let tokens: Vec<Range<usize>> = Self::of(text).take(MAX_TOKENS + 1).collect();
        (tokens.len() <= MAX_TOKENS).then_some(tokens)
    }
}

impl Iterator for Tokens<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..)?;
        let first = rest.chars().next()?;
        let run = |same: fn(char) -> bool| rest.find(|c| !same(c)).unwrap_or(rest.len());
        let length = if first.is_alphanumeric() {
            run(char::is_alphanumeric)
        } else if first.is_whitespace() {
            run(char::is_whitespace)
        } else {
            first.len_utf8()
        };
        let start = self.at;
        self.at += length;
        Some(start..self.at)
    }
}

/// A token as it is compared: white space of any length is the same, if it is within one line.
pub(super) fn key(token: &str) -> &str {
    match token {
        _ if !token.starts_with(char::is_whitespace) => token,
        _ if token.contains('\n') => "\n",
        _ => " ",
    }
}

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

/// What was seen in a gap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Gap {
    place: Place,
    /// Fillers, up to [`MAX_SEEN`].
    seen: BTreeSet<String>,
    /// Their words, up to [`MAX_SEEN`].
    words: BTreeSet<String>,
    /// The kinds of their tokens.
    kinds: BTreeSet<Kind>,
    /// Their characters that are neither letters nor digits nor white space.
    marks: BTreeSet<char>,
    /// Most tokens, and most words, of one.
    tokens: usize,
    most_words: usize,
    /// What they begin with.
    starts: BTreeSet<Kind>,
}

/// Where a gap stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    /// Where a sentence begins: any word may stand there, and each begins with a capital.
    Start,
    /// Between words.
    #[default]
    Free,
    /// Within a path, a name of a file or the like, as in `data/….csv`.
    Joined,
    /// Right beside another mark, as in `the …-tests`.
    Bound,
    /// Between quotes.
    Quoted,
}

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Number,
    Lower,
    Capital,
    Upper,
    /// Letters and digits, or letters in no usual order.
    Mixed,
    /// Letters without case.
    Letters,
    Space,
    /// White space with the end of a line.
    Line,
    Mark,
}

impl Kind {
    fn of(token: &str) -> Self {
        let Some(first) = token.chars().next() else { return Self::Mark };
        if first.is_whitespace() {
            return if token.contains('\n') { Self::Line } else { Self::Space };
        }
        if !first.is_alphanumeric() {
            return Self::Mark;
        }
        let all = |test: fn(char) -> bool| token.chars().all(test);
        if all(|c| c.is_ascii_digit()) {
            Self::Number
        } else if all(char::is_lowercase) {
            Self::Lower
        } else if all(char::is_uppercase) {
            Self::Upper
        } else if first.is_uppercase() && token.chars().skip(1).all(char::is_lowercase) {
            Self::Capital
        } else if all(|c| c.is_alphabetic() && !c.is_lowercase() && !c.is_uppercase()) {
            Self::Letters
        } else {
            Self::Mixed
        }
    }
}

/// Words that stand for no value of their own: they change what is asked for. They fill a gap only if they did
/// before.
const FUNCTION_WORDS: [&str; 173] = [
    "a", "about", "above", "across", "after", "again", "against", "all", "along", "also",
    "always", "an", "and", "another", "any", "anybody", "anyone", "anything", "are", "aren", "as",
    "at", "be", "because", "before", "behind", "below", "best", "between", "both", "but", "by",
    "can", "can't", "could", "couldn", "didn", "do", "does", "doesn", "don", "down", "during",
    "each", "either", "else", "ever", "every", "everybody", "everyone", "everything", "except",
    "few", "first", "for", "from", "general", "half", "he", "her", "here", "his", "how", "i",
    "if", "in", "instead", "into", "isn", "it", "its", "just", "last", "later", "like", "many",
    "may", "me", "might", "mine", "more", "most", "must", "my", "near", "neither", "never",
    "next", "no", "nobody", "non", "none", "nor", "not", "nothing", "now", "of", "off", "on",
    "once", "only", "or", "other", "our", "out", "over", "own", "per", "please", "rather", "s",
    "same", "shall", "she", "should", "shouldn", "since", "so", "some", "somebody", "someone",
    "such", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "through", "to", "today", "tomorrow", "too", "twice", "under", "unless", "until",
    "up", "us", "versus", "very", "via", "vs", "was", "we", "were", "what", "when", "where",
    "which", "while", "who", "whole", "whom", "whose", "why", "will", "with", "within", "without",
    "won", "would", "wouldn", "yesterday", "yet", "you", "your", "yours",
];

/// Months and days of the week, which fill a gap only where others did.
const CALENDAR: [&str; 19] = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
    "sunday",
];

impl Gap {
    fn at(place: Place) -> Self {
        Self { place, ..Self::default() }
    }

    fn add(&mut self, filler: &str) {
        let mut count = 0;
        for range in Tokens::of(filler) {
            let token = filler.get(range).unwrap_or_default();
            let kind = Kind::of(token);
            if count == 0 {
                self.starts.insert(kind);
            }
            count += 1;
            self.kinds.insert(kind);
            if kind == Kind::Mark {
                self.marks.extend(token.chars());
            }
        }
        self.tokens = self.tokens.max(count);
        self.most_words = self.most_words.max(filler.split_whitespace().count());
        for word in filler.split_whitespace() {
            if self.words.len() < MAX_SEEN {
                self.words.insert(word.to_owned());
            }
        }
        if self.seen.len() < MAX_SEEN {
            self.seen.insert(filler.to_owned());
        }
    }

    /// Whether a filler is surely another value of the kind that was seen, and no other task: its words are known,
    /// or are names or data by their form.
    fn fits(&self, filler: &str) -> bool {
        if self.seen.contains(filler) {
            return true;
        }
        let words: Vec<&str> = filler.split_whitespace().collect();
        let most = match self.place {
            Place::Quoted => self.most_words.saturating_mul(2).saturating_add(2),
            _ => self.most_words,
        };
        let climbs = filler.contains("..") && !self.seen.iter().any(|seen| seen.contains(".."));
        if words.is_empty() || words.len() > most || climbs {
            return false;
        }
        // White space at the ends, and line ends, only as they were seen.
        let mut tokens = Tokens::of(filler).filter_map(|range| filler.get(range));
        let is_known = |token: &str| match Kind::of(token) {
            Kind::Mark => token.chars().all(|c| self.marks.contains(&c)),
            Kind::Space | Kind::Line => self.kinds.contains(&Kind::of(token)),
            _ => true,
        };
        let starts = tokens.clone().next().map(Kind::of);
        let starts_known = starts.is_some_and(|kind| {
            !matches!(kind, Kind::Mark | Kind::Space | Kind::Line) || self.starts.contains(&kind)
        });
        starts_known
            && tokens.all(is_known)
            && Tokens::of(filler).count() <= self.tokens.saturating_mul(2)
            && words.iter().enumerate().all(|(at, word)| self.takes(word, at, words.len()))
    }

    /// Whether a word of a filler may be new.
    fn takes(&self, word: &str, at: usize, of: usize) -> bool {
        if self.words.contains(word) {
            return true;
        }
        let kinds = || Tokens::of(word).filter_map(|range| word.get(range)).map(Kind::of);
        let is_usual = kinds().all(|kind| kind == Kind::Mark || self.kinds.contains(&kind));
        if !is_usual || at > 0 && word.starts_with('-') {
            return false;
        }
        let is_function = |word: &str| FUNCTION_WORDS.binary_search(&word).is_ok();
        let is_date = |word: &str| CALENDAR.contains(&word);
        let dates = self.words.iter().any(|word| is_date(&word.to_lowercase()));
        let lower = word.to_lowercase();
        let mut parts = Tokens::of(&lower).filter_map(|range| lower.get(range));
        let is_seen = |part: &str| {
            let mut known = self.words.iter().map(|word| word.to_lowercase());
            known.any(|word| Tokens::of(&word).any(|range| word.get(range) == Some(part)))
        };
        let says_more = parts.any(|part| {
            (is_function(part) || is_date(part) && !dates) && !is_seen(part)
        });
        let is_name = self.place == Place::Quoted || self.place == Place::Joined && of == 1;
        if says_more && !is_name {
            return false;
        }
        let mut letters = kinds();
        let only = letters.next().filter(|_| letters.next().is_none());
        match (self.place, only) {
            (Place::Quoted, _) => true,
            // A single word within a path, a name of a file or the like.
            (Place::Joined | Place::Bound, _) if of == 1 => true,
            // One word by itself says what it says: only names, by their capital, and data are values.
            (_, Some(Kind::Lower | Kind::Letters)) => false,
            (_, Some(Kind::Capital | Kind::Upper)) => {
                self.place != Place::Start || at > 0
            }
            _ => true,
        }
    }
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
            let breaks = |kind: Kind| filler.is_empty() || {
                let mut tokens = Tokens::of(filler).filter_map(|range| filler.get(range));
                tokens.any(|token| Kind::of(token) == kind) && !gap.kinds.contains(&kind)
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
            let goes_on = matches!(elements.as_slice(), [.., Element::Gap(_), space] if is_space(space));
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
        let is_of_path = |token: Option<&str>| matches!(token, Some("/" | "." | "_" | "#" | "@" | "=" | ":"));
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

/// Fits tokens to elements, the gaps as short as can be.
fn fit(
    elements: &[Element],
    text: &str,
    tokens: &[Range<usize>],
    places: &mut Vec<Range<usize>>,
    steps: &mut usize,
) -> bool {
    let (mut elements, mut tokens) = (elements, tokens);
    // Only gaps need a way back.
    while let Some((Element::Fixed(fixed), rest)) = elements.split_first() {
        let Some((token, behind)) = tokens.split_first() else { return false };
        if text.get(token.clone()).map(key) != Some(fixed) {
            return false;
        }
        (elements, tokens) = (rest, behind);
    }
    let Some((_, rest)) = elements.split_first() else { return tokens.is_empty() };
    let Some(first) = tokens.first() else { return false };
    for taken in 1..=tokens.len() {
        *steps = steps.saturating_sub(1);
        if *steps == 0 {
            return false;
        }
        let Some(last) = tokens.get(taken - 1) else { return false };
        places.push(first.start..last.end);
        if fit(rest, text, tokens.get(taken..).unwrap_or_default(), places, steps) {
            return true;
        }
        places.pop();
    }
    false
}

/// The positions of a longest common subsequence of fixed elements and words. Where several are equally long, one
/// that keeps what stands at the ends.
fn common(elements: &[Element], words: &[&str]) -> Vec<(usize, usize)> {
    let same =
        |element: &Element, word: &str| matches!(element, Element::Fixed(fixed) if fixed == word);
    let head = elements.iter().zip(words).take_while(|(e, w)| same(e, w)).count();
    let most = elements.len().min(words.len()) - head;
    let tail = elements
        .iter()
        .rev()
        .zip(words.iter().rev())
        .take(most)
        .take_while(|(e, w)| same(e, w))
        .count();
    let inner = elements.get(head..elements.len() - tail).unwrap_or_default();
    let inner_words = words.get(head..words.len() - tail).unwrap_or_default();
    let width = inner_words.len() + 1;
    // lengths[i * width + j]: of the longest in inner[i..] and inner_words[j..]; words count more than marks, so
    // that a text is not taken apart at its spaces.
    let mut lengths = vec![0_u32; (inner.len() + 1) * width];
    let weight = |word: &str| if word.starts_with(char::is_alphanumeric) { 4 } else { 1 };
    let at = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, element) in inner.iter().enumerate().rev() {
        for (j, word) in inner_words.iter().enumerate().rev() {
            let mut best = at(&lengths, i + 1, j).max(at(&lengths, i, j + 1));
            if same(element, word) {
                best = best.max(at(&lengths, i + 1, j + 1) + weight(word));
            }
            if let Some(slot) = lengths.get_mut(i * width + j) {
                *slot = best;
            }
        }
    }
    let mut found: Vec<(usize, usize)> = (0..head).map(|at| (at, at)).collect();
    let (mut i, mut j) = (0, 0);
    while let (Some(element), Some(word)) = (inner.get(i), inner_words.get(j)) {
        let here = at(&lengths, i, j);
        if same(element, word) && here == at(&lengths, i + 1, j + 1) + weight(word) {
            found.push((head + i, head + j));
            (i, j) = (i + 1, j + 1);
        } else if here == at(&lengths, i + 1, j) {
            i += 1;
        } else {
            j += 1;
        }
    }
    let ends = (elements.len() - tail, words.len() - tail);
    found.extend((0..tail).map(|at| (ends.0 + at, ends.1 + at)));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outline(texts: &[&str]) -> Option<String> {
        Wording::of_all(texts.iter().copied()).map(|wording| wording.outline())
    }

    #[test]
    fn what_differs_is_a_gap() {
        for (texts, expected) in [
            (&["a b", "a b"][..], Some("a b")),
            (
                &["convert q1.csv to JSON", "convert q2.csv to JSON"],
                Some("convert {0}.csv to JSON"),
            ),
            (&["in  Paris?", "in\tRio de Janeiro?"], Some("in {0}?")),
            (&["in New York?", "in Rio de Janeiro?", "in Oslo?"], Some("in {0}?")),
            (&["from a to b", "from c to d"], Some("from {0} to {1}")),
            (&["do it", "do it now"], None),
            (&["", ""], Some("")),
            (&["a", "b"], Some("{0}")),
        ] {
            assert_eq!(outline(texts).as_deref(), expected, "{texts:?}");
        }
    }

    #[test]
    fn a_text_fits_as_a_whole_or_not_at_all() {
        let wording =
            Wording::of_all(["convert q1.csv to JSON", "convert q2.csv to JSON"]).unwrap();
        assert_eq!(wording.fillers("convert sales.csv to JSON"), Some(vec!["sales"]));
        assert_eq!(wording.fillers("convert a/b c.csv to JSON"), Some(vec!["a/b c"]));
        for text in [
            "convert q1.csv to JSON now",
            "please convert q1.csv to JSON",
            "convert .csv to JSON",
            "convert q1.csv to XML",
            "",
        ] {
            assert_eq!(wording.fillers(text), None, "{text}");
        }
        for (filler, usual) in [
            ("q7", true),
            ("Q7x", true),
            ("sales", false),
            ("-q1", false),
            ("a/q1", false),
            ("q1 q2", false),
            ("q1", true),
        ] {
            assert_eq!(wording.is_usual(0, filler), usual, "{filler}");
        }
    }

    #[test]
    fn new_words_are_values_only_by_their_form() {
        for (seen, filler, usual) in [
            (["in Oslo?", "in Rome?"], "Madrid", true),
            (["in Oslo?", "in Rome?"], "Nowhere Land", false),
            (["in Oslo?", "in Rome?"], "general", false),
            (["in Oslo?", "in Rome?"], "Which", false),
            (["in Oslo?", "in Rome?"], "July", false),
            (["in May?", "in June?"], "July", true),
            (["in New York?", "in Rio de Janeiro?"], "Rio de Oro", true),
            (["in New York?", "in Rio de Janeiro?"], "Oslo tomorrow", false),
            (["in New York?", "in Rio de Janeiro?"], "Oslo And Rome", false),
            (["in x.csv?", "in sales.csv?"], "orders", true),
            (["in x.csv?", "in sales.csv?"], "both", true),
            (["in \"Login fails\"?", "in \"Search hangs now\"?"], "Cart is empty", true),
            (["Oslo it is", "Rome it is"], "Madrid", false),
            (["go. Oslo it is", "go. Rome it is"], "Madrid", false),
            (["for Ada's mails", "for Bob's mails"], "Grace", true),
            (["for Ada's mails", "for Bob's mails"], "Nobody", false),
            (["run the unit-tests", "run the smoke-tests"], "load", true),
            (["run the unit-tests", "run the smoke-tests"], "no", false),
        ] {
            let wording = Wording::all_of(seen).remove(0);
            assert_eq!(wording.is_usual(0, filler), usual, "{seen:?}: {filler}");
        }
    }

    #[test]
    fn many_gaps_in_a_long_text_end() {
        let text = "a ".repeat(500);
        let all: Vec<Range<usize>> = Tokens::all(&text).unwrap().into_iter().step_by(4).collect();
        let wording = Wording::with_gaps(&text, &all).unwrap();
        let _ = wording.fillers(&format!("{}b", "a ".repeat(400)));
    }

    proptest! {
        #[test]
        fn a_wording_fits_what_it_was_made_of(texts in prop::collection::vec("[ab1./ -]{0,12}", 1..5)) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            if let Some(wording) = Wording::of_all(texts.iter().copied()) {
                for text in texts {
                    let fillers = wording.fillers(text);
                    prop_assert!(fillers.is_some());
                    let mut fillers = fillers.into_iter().flatten().enumerate();
                    prop_assert!(fillers.all(|(gap, filler)| wording.is_usual(gap, filler)));
                }
            }
        }

        #[test]
        fn tokens_are_the_whole_text(text in any::<String>()) {
            let glued: String = Tokens::of(&text).map(|token| &text[token]).collect();
            prop_assert_eq!(glued, text);
        }
    }
}
