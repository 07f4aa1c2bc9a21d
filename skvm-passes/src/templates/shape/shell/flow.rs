//! Which variables of shell code are read again, and so the literals that are put into them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::super::sketch::Sketch;
use super::programs::is_name;

/// The arguments of a function or of the code, whatever their numbers are.
pub(super) const ARGUMENTS: &str = "@";

/// What was seen of variables so far.
#[derive(Default)]
pub(super) struct Flow<'c> {
    /// By name: the literals that are put into a variable, with the text that they stand in.
    put: HashMap<&'c str, Vec<(Range<usize>, &'c str)>>,
    /// Variables that get what commands read.
    reads: HashSet<&'c str>,
    /// Variables that something reads again.
    again: Vec<&'c str>,
}

impl<'c> Flow<'c> {
    /// Literals are put into a variable.
    pub(super) fn put(&mut self, name: &'c str, literals: Range<usize>, text: &'c str) {
        self.put.entry(name).or_default().push((literals, text));
    }

    /// A variable gets what a command reads.
    pub(super) fn read(&mut self, name: &'c str) {
        self.reads.insert(name);
    }

    /// A variable is read again.
    pub(super) fn again(&mut self, name: &'c str) {
        self.again.push(variable(name));
    }

    /// Every variable that a text expands is read again.
    pub(super) fn expanded_again(&mut self, text: &'c str) {
        for (at, _) in text.match_indices('$') {
            let rest = text.get(at + 1..).unwrap_or_default();
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            let rest = rest.strip_prefix(['!', '#']).unwrap_or(rest);
            let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
            match rest.find(|c| !is_inner(c)).unwrap_or(rest.len()) {
                0 if rest.starts_with(['@', '*']) => self.again(ARGUMENTS),
                0 => {}
                end => self.again(rest.get(..end).unwrap_or_default()),
            }
        }
    }

    /// Every variable that a text names is read again.
    pub(super) fn named_again(&mut self, text: &'c str) {
        self.expanded_again(text);
        self.again.extend(words(text).map(variable));
    }

    /// Tells of each literal that gets into such a variable, also by way of others.
    pub(super) fn close(mut self, sketch: &mut Sketch<'_>) {
        let mut seen = HashSet::new();
        while let Some(name) = self.again.pop() {
            if !seen.insert(name) {
                continue;
            }
            if self.reads.contains(name) {
                sketch.runs_texts();
            }
            let puts = self.put.remove(name).unwrap_or_default();
            if puts.is_empty() || name == ARGUMENTS {
                // It comes from outside.
                sketch.runs_what_it_is_given();
            }
            for (literals, text) in puts {
                sketch.are_read_again(literals);
                self.named_again(text);
            }
        }
    }
}

/// A variable's name, the arguments under one.
fn variable(name: &str) -> &str {
    let is_argument = name.starts_with(|c: char| c.is_ascii_digit() || c == '*' || c == '@');
    if is_argument { ARGUMENTS } else { name }
}

/// The words in a text that may be names of variables.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| is_name(word) || word.len() == 1 && *word != "0")
}
