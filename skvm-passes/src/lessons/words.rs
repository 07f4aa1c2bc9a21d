//! Words of shell code, where they stand.

use skvm_core::span::Span;

/// The words under a span as a shell splits them, quotes included.
pub(super) fn words(source: &str, span: Span) -> Vec<Span> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quotes = Quotes::default();
    for (at, c) in span.text(source).char_indices() {
        let splits = c.is_ascii_whitespace() && !quotes.are_open() && !quotes.escaped;
        quotes.read(c);
        match start {
            Some(from) if splits => {
                words.push(Span::new(from, span.start + at));
                start = None;
            }
            None if !splits => start = Some(span.start + at),
            _ => {}
        }
    }
    words.extend(start.map(|from| Span::new(from, span.end)));
    words
}

/// What a word may be meant as: the whole word without its quotes, the name in front of its `=`, the value behind it.
pub(super) fn parts(source: &str, word: Span) -> impl Iterator<Item = Span> {
    let whole = unquoted(source, word);
    let split = whole.text(source).find('=').map(|at| whole.start + at);
    let name = split.map(|at| Span::new(whole.start, at));
    let value = split.map(|at| unquoted(source, Span::new(at + 1, whole.end)));
    std::iter::once(whole).chain(name).chain(value)
}

/// The span without the quotes around it.
fn unquoted(source: &str, word: Span) -> Span {
    let text = word.text(source);
    let is_quoted = text.len() > 1
        && ['"', '\''].into_iter().any(|quote| text.starts_with(quote) && text.ends_with(quote));
    if is_quoted { Span::new(word.start + 1, word.end - 1) } else { word }
}

/// Where a path stands under a span, and not as a part of another one.
pub(super) fn whole<'t>(
    source: &'t str,
    span: Span,
    path: &'t str,
) -> impl Iterator<Item = Span> + 't {
    let of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
    let goes_on = move |behind: &str| {
        let mut next = behind.chars();
        match next.next() {
            Some('.') => next.next().is_some_and(char::is_alphanumeric),
            Some(c) => of_word(c),
            None => false,
        }
    };
    let text = span.text(source);
    let places = text.match_indices(path).filter(move |(at, _)| {
        let (before, behind) = (&text[..*at], &text[at + path.len()..]);
        !before.ends_with(|c: char| of_word(c) || c == '.') && !goes_on(behind)
    });
    places.map(move |(at, _)| Span::new(span.start + at, span.start + at + path.len()))
}

/// Whether quotes are open behind a text.
pub(super) fn is_open(text: &str) -> bool {
    let mut quotes = Quotes::default();
    text.chars().for_each(|c| quotes.read(c));
    quotes.are_open()
}

/// The quotes of a shell, read character by character.
#[derive(Default)]
struct Quotes {
    open: Option<char>,
    escaped: bool,
}

impl Quotes {
    fn are_open(&self) -> bool {
        self.open.is_some()
    }

    fn read(&mut self, c: char) {
        if std::mem::take(&mut self.escaped) {
            return;
        }
        match (self.open, c) {
            (None | Some('"'), '\\') => self.escaped = true,
            (None, '"' | '\'') => self.open = Some(c),
            (Some(open), c) if open == c => self.open = None,
            _ => {}
        }
    }
}
