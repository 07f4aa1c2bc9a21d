//! Words: their pieces and quotes.

use skvm_core::artifact::LiteralForm;
use skvm_core::span::Span;
use tree_sitter::Node;

use super::super::again::are_in_code;
use super::super::json;
use super::{Mode, Walk};

/// A piece of a word.
pub(super) enum Piece<'t> {
    /// Text that the shell takes as it is.
    Plain { span: Span, value: String, starts_quoted: bool, ends_quoted: bool },
    /// Something that it works out: a variable, a command.
    Computed { node: Node<'t>, in_quotes: bool },
}

/// What a word is.
pub(super) enum Word<'t> {
    /// Text as a whole.
    Plain(String),
    /// Text and what the shell works out; no two texts behind one another.
    Pieces(Vec<Piece<'t>>),
    /// What it does more with than put it together: patterns, several words.
    Other,
}

impl<'c> Walk<'_, 'c> {
    /// A word where no command's arguments stand.
    pub(super) fn word(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        match self.read(node) {
            Word::Plain(value) if self.mode != Mode::Values => self.sketch.fixed(&value),
            Word::Plain(value) if value.starts_with('-') => self.sketch.token(&value),
            Word::Plain(value) => {
                self.sketch.literal(node.byte_range().into(), LiteralForm::Quoted, value);
            }
            word => return self.written_word(node, word, depth),
        }
        Some(())
    }

    /// A word that is not plain as a whole.
    pub(super) fn written_word(
        &mut self,
        node: Node<'_>,
        word: Word<'_>,
        depth: usize,
    ) -> Option<()> {
        let Word::Pieces(pieces) = word else {
            self.token(self.sketch.text(node));
            return Some(());
        };
        self.sketch.open("word");
        let in_code = are_in_code(&texts(&pieces));
        for (index, (piece, in_code)) in pieces.into_iter().zip(in_code).enumerate() {
            match piece {
                Piece::Plain { value, .. } if self.mode != Mode::Values || value.is_empty() => {
                    self.sketch.fixed(&value);
                }
                Piece::Plain { .. } => {
                    let outer = self.sketch.reading_again(in_code);
                    self.plain_piece(piece, index == 0);
                    self.sketch.read_again = outer;
                }
                Piece::Computed { node, in_quotes } => {
                    self.sketch.open(if in_quotes { "quoted" } else { "unquoted" });
                    self.node(node, depth + 1)?;
                    self.sketch.close();
                }
            }
        }
        self.sketch.close();
        Some(())
    }

    /// A text in a word with other things; the first one may begin with an option.
    fn plain_piece(&mut self, piece: Piece<'_>, is_first: bool) {
        let Piece::Plain { span, value, starts_quoted, ends_quoted } = piece else { return };
        let may_begin = is_first && value.starts_with('-');
        let length = if may_begin { self.option(span, &value) } else { 0 };
        let inner = value.get(length..).unwrap_or_default();
        if inner.is_empty() {
            return;
        }
        let quote = |is_quoted| if is_quoted { "\"" } else { "" };
        let around = (quote(starts_quoted), quote(ends_quoted));
        let span = Span::new(span.start + length, span.end);
        self.sketch.literal_within(span, LiteralForm::Quoted, around, inner.to_owned());
    }

    /// A literal that may be JSON, which is written by its own rules within those of the shell.
    pub(super) fn value(&mut self, span: Span, form: LiteralForm, value: String) {
        match json::written_shape(&value).filter(|_| !self.sketch.read_again) {
            Some(shape) => self.sketch.embedded(span, form, shape),
            None => self.sketch.literal(span, form, value),
        }
    }

    /// The option that a word begins with, as in `--name="$X"`; gives its length.
    pub(super) fn option(&mut self, span: Span, value: &str) -> usize {
        let written = self.sketch.code.get(span.start..span.end).unwrap_or_default();
        let end = value
            .find('=')
            .map(|sign| sign + 1)
            .filter(|end| written.get(..*end) == value.get(..*end))
            .unwrap_or(value.len());
        self.sketch.token(value.get(..end).unwrap_or_default());
        end
    }

    pub(super) fn read<'t>(&self, word: Node<'t>) -> Word<'t> {
        let text = self.sketch.text(word);
        // The grammar goes on after the end of some lines.
        if text.starts_with(char::is_whitespace) {
            return Word::Other;
        }
        if matches!(word.kind(), "word" | "number") && word.child_count() == 0 {
            // A pattern or a home directory is only one where it stands without quotes.
            let value = unescaped_word(text).filter(|_| !text.starts_with('~'));
            return value.map_or(Word::Other, Word::Plain);
        }
        let mut pieces = Vec::new();
        if text.starts_with('~') || self.collect(word, &mut pieces).is_none() {
            return Word::Other;
        }
        let is_plain = pieces.iter().all(|piece| matches!(piece, Piece::Plain { .. }));
        if is_plain {
            let values = pieces.into_iter().map(|piece| match piece {
                Piece::Plain { value, .. } => value,
                Piece::Computed { .. } => String::new(),
            });
            return Word::Plain(values.collect());
        }
        Word::Pieces(joined(pieces))
    }

    pub(super) fn collect<'t>(&self, node: Node<'t>, pieces: &mut Vec<Piece<'t>>) -> Option<()> {
        let text = self.sketch.text(node);
        let span = Span::from(node.byte_range());
        let plain = |value| Piece::Plain { span, value, starts_quoted: false, ends_quoted: false };
        match node.kind() {
            "word" | "number" if node.child_count() == 0 => {
                pieces.push(plain(unescaped_word(text)?))
            }
            "raw_string" => {
                pieces.push(plain(text.get(1..text.len().checked_sub(1)?)?.to_owned()));
            }
            // `$"text"` is translated.
            "string" if self.sketch.code.get(..span.start)?.ends_with('$') => return None,
            "string" => self.collect_string(node, pieces)?,
            "concatenation" => {
                let mut cursor = node.walk();
                let mut braces = String::new();
                for child in node.children(&mut cursor) {
                    let is_bare = child.kind() == "word";
                    braces.push_str(if is_bare { self.sketch.text(child) } else { "_" });
                    self.collect(child, pieces)?;
                }
                if has_brace_expansion(&braces) {
                    return None;
                }
            }
            "simple_expansion"
            | "expansion"
            | "command_substitution"
            | "arithmetic_expansion"
            | "process_substitution" => pieces.push(Piece::Computed { node, in_quotes: false }),
            _ => return None,
        }
        Some(())
    }

    /// The pieces of a text in double quotes.
    fn collect_string<'t>(&self, node: Node<'t>, pieces: &mut Vec<Piece<'t>>) -> Option<()> {
        let span = Span::from(node.byte_range());
        let (mut at, end) = (span.start + 1, span.end.checked_sub(1)?);
        let inner = self.sketch.code.get(at..end)?;
        let plain = |value| Piece::Plain { span, value, starts_quoted: false, ends_quoted: false };
        if !inner.contains(['$', '`']) {
            pieces.push(plain(unescaped_string(inner, Some('"'))));
            return Some(());
        }
        // Empty quotes keep a word with nothing else in it.
        pieces.push(plain(String::new()));
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            if child.kind() == "string_content" {
                continue;
            }
            let start = child.start_byte() + self.blanks(child);
            self.between(at, start, Some('"'), pieces)?;
            pieces.push(Piece::Computed { node: child, in_quotes: true });
            at = child.end_byte();
        }
        self.between(at, end, Some('"'), pieces)
    }

    /// How many bytes of white space a node begins with: the grammar counts what stands before some expansions
    /// within quotes to them.
    pub(super) fn blanks(&self, node: Node<'_>) -> usize {
        let text = self.sketch.text(node);
        text.len() - text.trim_start().len()
    }

    /// Text between expansions within double quotes or a here document.
    pub(super) fn between(
        &self,
        start: usize,
        end: usize,
        quote: Option<char>,
        pieces: &mut Vec<Piece<'_>>,
    ) -> Option<()> {
        let text = self.sketch.code.get(start..end)?;
        if !text.is_empty() {
            let (span, value) = (Span::new(start, end), unescaped_string(text, quote));
            pieces.push(Piece::Plain { span, value, starts_quoted: true, ends_quoted: true });
        }
        Some(())
    }
}

/// The texts among pieces.
pub(super) fn texts<'p>(pieces: &'p [Piece<'_>]) -> Vec<Option<&'p str>> {
    let text = |piece: &'p Piece<'_>| match piece {
        Piece::Plain { value, .. } => Some(value.as_str()),
        Piece::Computed { .. } => None,
    };
    pieces.iter().map(text).collect()
}

/// Texts behind one another as one, and without those that are empty beside something that stays a word.
pub(super) fn joined(pieces: Vec<Piece<'_>>) -> Vec<Piece<'_>> {
    let mut whole: Vec<Piece<'_>> = Vec::with_capacity(pieces.len());
    let stays = pieces.iter().any(|piece| match piece {
        Piece::Plain { value, .. } => !value.is_empty(),
        Piece::Computed { in_quotes, .. } => *in_quotes,
    });
    for piece in pieces {
        match (whole.last_mut(), piece) {
            (_, Piece::Plain { value, .. }) if value.is_empty() && stays => {}
            (
                Some(Piece::Plain { span, value, ends_quoted, .. }),
                Piece::Plain { span: next, value: more, ends_quoted: ends, .. },
            ) => {
                span.end = next.end;
                value.push_str(&more);
                *ends_quoted = ends;
            }
            (_, piece) => whole.push(piece),
        }
    }
    whole
}

/// `${X}` with nothing but the name.
pub(super) fn is_plain_expansion(text: &str) -> bool {
    text.strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

/// Whether the shell reads the value of a variable in an expansion again: `${!X}` and `${X@P}`.
pub(super) fn is_read_by_expansion(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("${!") || text.ends_with("@P}")
}

/// Whether the braces in a word without quotes make several words of it, as `a{b,c}` does.
pub(super) fn has_brace_expansion(text: &str) -> bool {
    let has_several = |inner: &str| inner.contains(',') || inner.contains("..");
    text.contains('{')
        && text
            .replace("\\{", "")
            .split('{')
            .skip(1)
            .any(|rest| rest.split('}').next().is_some_and(has_several))
}

/// A word without quotes; `None` when the shell would make a pattern or several words of it.
pub(super) fn unescaped_word(text: &str) -> Option<String> {
    if has_brace_expansion(text) {
        return None;
    }
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                '\n' => {}
                escaped => value.push(escaped),
            },
            '*' | '?' | '[' => return None,
            c => value.push(c),
        }
    }
    Some(value)
}

/// The inside of double quotes, or of a here document, without expansions; `quote` is what else than `\\`, `$` and
/// a back quote can stand behind a backslash.
pub(super) fn unescaped_string(text: &str, quote: Option<char>) -> String {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('\n')) => {
                chars.next();
            }
            ('\\', Some(&escaped)) if "\\$`".contains(escaped) || Some(escaped) == quote => {
                value.push(escaped);
                chars.next();
            }
            _ => value.push(c),
        }
    }
    value
}
