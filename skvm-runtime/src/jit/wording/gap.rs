//! Gaps, and what may fill them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::token::{Kind, Tokens};

/// Most fillers of a gap that are kept.
const MAX_SEEN: usize = 32;

/// What was seen in a gap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Gap {
    place: Place,
    /// Fillers, up to [`MAX_SEEN`].
    seen: BTreeSet<String>,
    /// Their words, up to [`MAX_SEEN`].
    words: BTreeSet<String>,
    /// The kinds of their tokens.
    pub(super) kinds: BTreeSet<Kind>,
    /// Their characters that are neither letters nor digits nor white space.
    marks: BTreeSet<char>,
    /// Most tokens, and most words, of one.
    pub(super) tokens: usize,
    most_words: usize,
    /// What they begin with.
    starts: BTreeSet<Kind>,
}

/// Where a gap stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
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

/// Words that stand for no value of their own: they change what is asked for. They fill a gap only if they did
/// before.
const FUNCTION_WORDS: &str = "\
    a about above across after again against all along also always an and another any anybody anyone \
    anything are aren as at be because before behind below best between both but by can could couldn \
    didn do does doesn don down during each either else ever every everybody everyone everything \
    except few first for from general half he her here his how i if in instead into isn it its just \
    last later like many may me might mine more most must my near neither never next no nobody non \
    none nor not nothing now of off on once only or other our out over own per please rather s same \
    shall she should shouldn since so some somebody someone such than that the their them then there \
    these they this those through to today tomorrow too twice under unless until up us versus very \
    via vs was we were what when where which while who whole whom whose why will with within without \
    won would wouldn yesterday yet you your yours";

/// Months and days of the week, which fill a gap only where others did.
const CALENDAR: &str = "\
    january february march april may june july august september october november december monday \
    tuesday wednesday thursday friday saturday sunday";

impl Gap {
    pub(super) fn at(place: Place) -> Self {
        Self { place, ..Self::default() }
    }

    pub(super) fn add(&mut self, filler: &str) {
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
    pub(super) fn fits(&self, filler: &str) -> bool {
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
        let is_function = |word: &str| FUNCTION_WORDS.split(' ').any(|it| it == word);
        let is_date = |word: &str| CALENDAR.split(' ').any(|it| it == word);
        let dates = self.words.iter().any(|word| is_date(&word.to_lowercase()));
        let lower = word.to_lowercase();
        let mut parts = Tokens::of(&lower).filter_map(|range| lower.get(range));
        let is_seen = |part: &str| {
            let mut known = self.words.iter().map(|word| word.to_lowercase());
            known.any(|word| Tokens::of(&word).any(|range| word.get(range) == Some(part)))
        };
        let says_more =
            parts.any(|part| (is_function(part) || is_date(part) && !dates) && !is_seen(part));
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
            (_, Some(Kind::Capital | Kind::Upper)) => self.place != Place::Start || at > 0,
            _ => true,
        }
    }
}
