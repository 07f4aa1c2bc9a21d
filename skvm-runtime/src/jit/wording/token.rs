//! Tokens: the pieces by which texts are compared.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Most tokens of a text that is looked at.
pub(in crate::jit) const MAX_TOKENS: usize = 1024;

/// The tokens of a text: runs of letters and digits, runs of white space, and each other character by itself.
#[derive(Clone)]
pub(in crate::jit) struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    pub(in crate::jit) fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// All of them; `None` when there are more than [`MAX_TOKENS`].
    pub(in crate::jit) fn all(text: &'t str) -> Option<Vec<Range<usize>>> {
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
pub(in crate::jit) fn key(token: &str) -> &str {
    match token {
        _ if !token.starts_with(char::is_whitespace) => token,
        _ if token.contains('\n') => "\n",
        _ => " ",
    }
}

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
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
    pub(super) fn of(token: &str) -> Self {
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
