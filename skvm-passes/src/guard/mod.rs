//! The guard: verifies that edits keep what a skill says.
//!
//! A variant is published only with the [`Verified`] value that [`Guard::verify`] returns. The rules:
//!
//! | rule | what must hold |
//! |---|---|
//! | `front-matter` | its bytes are unchanged |
//! | `code-blocks` | every block is there, with its code, unless a substitution covers the change; inline code too, but for paths of files of the skill |
//! | `headings` | the same headings at the same levels in the same order |
//! | `enumerations` | every list item is still an item and says something; tables keep their rows |
//! | `length` | added lines stay within the budget |
//! | `links` | every link leads where it led; a new one leads to a file of the skill |
//! | `wording` | what is to add help only adds; prose keeps its words, in order; none is negated |
//! | `external` | no program, package, web address or path outside the skill appears that the source lacks |
//!
//! Parts are compared by *place*: a part of the source is looked up where the edits moved it to, so
//! that equal text elsewhere cannot stand in for it.
//!
//! Not checked: whether a substitution means the same as what it replaces. That is the duty of the
//! rule that makes it.

mod external;
mod structure;
mod wording;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::Path;

use skvm_core::diagnostic::{Code, Diagnostic};
use skvm_core::edit::Edits;
use skvm_core::skill::Skill;
use skvm_core::span::Span;

pub(crate) use external::is_same_program;

/// Verifies edits; see the [module](self).
#[derive(Debug, Clone, Default)]
pub struct Guard {
    budget: LengthBudget,
}

/// How many lines edits may add, by the length of the skill. The default is that of the original
/// SkVM: twice the length below 100 lines, once below 200, half from there on.
#[derive(Debug, Clone, PartialEq)]
pub struct LengthBudget {
    /// Most added lines as a share of the source's, below 100 lines.
    pub short: f64,
    /// Below 200 lines.
    pub medium: f64,
    /// From 200 lines on.
    pub long: f64,
}

impl Default for LengthBudget {
    fn default() -> Self {
        Self { short: 2.0, medium: 1.0, long: 0.5 }
    }
}

impl LengthBudget {
    fn lines(&self, source_lines: usize) -> usize {
        let share = match source_lines {
            0..100 => self.short,
            100..200 => self.medium,
            _ => self.long,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of lines times a small positive share"
        )]
        #[expect(clippy::cast_precision_loss, reason = "a count of lines is far below 2^52")]
        let lines = (source_lines as f64 * share.max(0.0)) as usize;
        lines
    }
}

/// Edits that the guard has verified, and the text they give. Only the guard makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub(crate) text: String,
    pub(crate) edits: Edits,
}

impl Verified {
    /// The text after the edits.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The edits.
    #[must_use]
    pub fn edits(&self) -> &Edits {
        &self.edits
    }
}

/// A rule of the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the module's table describes each rule")]
pub enum GuardRule {
    FrontMatter,
    CodeBlocks,
    Headings,
    Enumerations,
    Length,
    Links,
    Wording,
    External,
}

impl fmt::Display for GuardRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FrontMatter => "front-matter",
            Self::CodeBlocks => "code-blocks",
            Self::Headings => "headings",
            Self::Enumerations => "enumerations",
            Self::Length => "length",
            Self::Links => "links",
            Self::Wording => "wording",
            Self::External => "external",
        })
    }
}

/// A rule does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: GuardRule,
    /// What is wrong.
    pub message: String,
    /// The part of the source that suffers, where it is one.
    pub span: Option<Span>,
    /// The edit that is to blame, as its position; `None` when that cannot be told.
    pub edit: Option<usize>,
}

/// The edits do not keep what the skill says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the guard refuses: {}", .violations.iter().map(|v| format!("{}: {}", v.rule, v.message)).collect::<Vec<_>>().join("; "))]
pub struct GuardError {
    violations: Vec<Violation>,
}

impl GuardError {
    /// Everything that was found.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The positions of the edits to blame, ascending; all of `total` when that can be told of no
    /// violation.
    #[must_use]
    pub fn blamed(&self, total: usize) -> Vec<usize> {
        if self.violations.iter().all(|violation| violation.edit.is_none()) {
            return (0..total).collect();
        }
        let blamed: BTreeSet<usize> = self.violations.iter().filter_map(|v| v.edit).collect();
        blamed.into_iter().collect()
    }
}

impl Guard {
    /// A guard with another length budget.
    #[must_use]
    pub fn with_budget(budget: LengthBudget) -> Self {
        Self { budget }
    }

    /// Verifies that `edits` keep what `skill` says. `install_dir` is where the bundle will lie.
    ///
    /// # Errors
    /// What is violated, together with the edits.
    pub fn verify(
        &self,
        skill: &Skill,
        install_dir: &Path,
        edits: Edits,
    ) -> Result<Verified, (GuardError, Edits)> {
        if edits.is_empty() {
            return Ok(Verified { text: skill.source().to_owned(), edits });
        }
        let text = edits.apply(skill.source());
        let variant = skill.with_text(text);
        let shifts = shifts(&edits);
        let comparison =
            Comparison { source: skill, variant: &variant, edits: &edits, shifts, install_dir };
        let mut violations = Vec::new();
        structure::front_matter(&comparison, &mut violations);
        structure::code_blocks(&comparison, &mut violations);
        structure::inline_code(&comparison, &mut violations);
        structure::headings(&comparison, &mut violations);
        structure::enumerations(&comparison, &mut violations);
        structure::tables(&comparison, &mut violations);
        structure::links(&comparison, &mut violations);
        self.length(&comparison, &mut violations);
        wording::check(&comparison, &mut violations);
        external::check(&comparison, &mut violations);
        if violations.is_empty() {
            Ok(Verified { text: variant.source().to_owned(), edits })
        } else {
            Err((GuardError { violations }, edits))
        }
    }

    fn length(&self, comparison: &Comparison<'_>, violations: &mut Vec<Violation>) {
        let before = lines(comparison.source.source());
        let after = lines(comparison.variant.source());
        let (added, budget) = (after.saturating_sub(before), self.budget.lines(before));
        if added <= budget {
            return;
        }
        // The edits that add most, until the others fit.
        let text = comparison.source.source();
        let mut sizes: Vec<(usize, usize)> = comparison
            .edits
            .iter()
            .enumerate()
            .map(|(index, edit)| {
                (breaks(&edit.replacement).saturating_sub(breaks(edit.span.text(text))), index)
            })
            .collect();
        sizes.sort_by_key(|(size, index)| (std::cmp::Reverse(*size), *index));
        let mut left = added;
        for (size, index) in sizes {
            violations.push(Violation {
                rule: GuardRule::Length,
                message: format!("{added} lines are added to {before}; the budget is {budget}"),
                span: None,
                edit: Some(index),
            });
            left = left.saturating_sub(size);
            if left <= budget || size == 0 {
                break;
            }
        }
    }
}

/// How long a line may be to count as one.
const LINE_BYTES: usize = 1_000;

/// About how many lines a text adds to the one that it is put into.
fn breaks(text: &str) -> usize {
    text.matches('\n').count() + text.len() / LINE_BYTES
}

/// The lines of a text. An overlong one counts as several, so that nothing of any length fits in one.
fn lines(text: &str) -> usize {
    text.lines().map(|line| 1 + line.len() / LINE_BYTES).sum()
}

/// The edits without those that the guard blames. Each of them is told, with the first reason only:
/// there can be as many reasons as edits.
pub(crate) fn without_blamed(
    skill: &Skill,
    edits: &Edits,
    error: &GuardError,
    told: &mut Vec<Diagnostic>,
) -> Edits {
    let mut reasons: BTreeMap<Option<usize>, &Violation> = BTreeMap::new();
    for violation in error.violations() {
        reasons.entry(violation.edit).or_insert(violation);
    }
    // Without a culprit for anything, every edit is suspect.
    let any = reasons.get(&None).filter(|_| reasons.len() == 1).copied();
    let mut kept = Edits::default();
    for (index, edit) in edits.iter().enumerate() {
        match reasons.get(&Some(index)).copied().or(any) {
            Some(Violation { rule, message, .. }) => {
                let message =
                    format!("edit {:?} was taken back: {rule}: {message}", edit.reason.rule);
                let code = Code::new("guard/refused");
                told.push(Diagnostic::warning(code, message).at(edit.span));
            }
            None => {
                // It fitted beside more edits than these.
                let _fits = kept.insert(skill.source(), edit.clone());
            }
        }
    }
    kept
}

/// A skill before and after its edits.
struct Comparison<'a> {
    source: &'a Skill,
    variant: &'a Skill,
    edits: &'a Edits,
    /// See [`shifts`].
    shifts: Vec<(usize, usize)>,
    install_dir: &'a Path,
}

/// By number of edits: how many bytes as many edits take away and add.
fn shifts(edits: &Edits) -> Vec<(usize, usize)> {
    let mut shifts = vec![(0, 0)];
    shifts.extend(edits.iter().scan((0, 0), |(gone, come), edit| {
        *gone += edit.span.len();
        *come += edit.replacement.len();
        Some((*gone, *come))
    }));
    shifts
}

impl Comparison<'_> {
    /// The positions of the edits that change something under `span`.
    fn touching(&self, span: Span) -> Vec<usize> {
        let edits = self.edits.iter().as_slice();
        let first = edits.partition_point(|edit| edit.span.end <= span.start);
        let end = edits.partition_point(|edit| edit.span.start < span.end);
        (first..end).collect()
    }

    /// The position of the edit that replaces the byte at `offset`.
    fn replacing(&self, offset: usize) -> Option<usize> {
        let edits = self.edits.iter().as_slice();
        let index = edits.partition_point(|edit| edit.span.end <= offset);
        edits.get(index).filter(|edit| edit.span.start <= offset).map(|_| index)
    }

    /// The position of the last edit that starts at `offset` or before: what is damaged there without
    /// being edited was most likely damaged by it.
    fn last_before(&self, offset: usize) -> Option<usize> {
        let edits = self.edits.iter().as_slice();
        edits.partition_point(|edit| edit.span.start <= offset).checked_sub(1)
    }

    /// What [`Edits::map_offset`] gives, without looking at every edit.
    fn mapped(&self, offset: usize) -> usize {
        let edits = self.edits.iter().as_slice();
        let index = edits.partition_point(|edit| edit.span.end <= offset);
        let (gone, come) = self.shifts.get(index).copied().unwrap_or_default();
        let inside = self.replacing(offset).and_then(|index| edits.get(index));
        inside.map_or(offset, |edit| edit.span.start) - gone + come
    }

    /// Where the replacement of an edit stands in the variant.
    fn replacement(&self, index: usize) -> Range<usize> {
        let edit = self.edits.iter().as_slice().get(index);
        // By the edits before it: `mapped` gives the place behind an insertion.
        let (gone, come) = self.shifts.get(index).copied().unwrap_or_default();
        edit.map_or(0..0, |edit| {
            let start = edit.span.start - gone + come;
            start..start + edit.replacement.len()
        })
    }

    /// The edit whose replacement brings `name` in: as a word of its own, else as part of one.
    fn bringing(&self, name: &str) -> Option<usize> {
        let name = name.to_ascii_lowercase();
        let of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let is_word = |text: &str, at: usize| {
            !text[..at].ends_with(of_word) && !text[at + name.len()..].starts_with(of_word)
        };
        let mut part = None;
        for (index, edit) in self.edits.iter().enumerate() {
            let text = edit.replacement.to_ascii_lowercase();
            for (at, _) in text.match_indices(&name) {
                if is_word(&text, at) {
                    return Some(index);
                }
                part = part.or(Some(index));
            }
        }
        part
    }

    /// The edit of a part of the variant: one that brings `name` in before any other.
    fn changing(&self, part: Span, name: &str) -> Option<usize> {
        let overlaps = |index: &usize| {
            let edit = self.replacement(*index);
            edit.start < part.end && part.start < edit.end
        };
        let brings = |index: &usize| {
            let edit = self.edits.iter().as_slice().get(*index);
            edit.is_some_and(|edit| edit.replacement.contains(name))
        };
        let all = || (0..self.edits.len()).filter(overlaps);
        all().find(brings).or_else(|| all().next())
    }
}
