//! Justified changes to a skill's text.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capability::{Level, Primitive};
use crate::diagnostic::LineIndex;
use crate::span::Span;

/// A replacement of one byte span of the source, with its reason. An empty span is an insertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// What comes in its place.
    pub replacement: String,
    /// Why.
    pub reason: EditReason,
}

/// Why an edit is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EditReason {
    /// The rule that made it, such as `script-path`.
    pub rule: String,
    /// What it does to the skill's demands.
    pub kind: EditKind,
    /// The purpose whose demand it lowers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The primitive whose demand it lowers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primitive: Option<Primitive>,
    /// The level demanded before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Level>,
    /// The level demanded after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Level>,
    /// One sentence for people.
    pub note: String,
}

/// What an edit does to the skill's demands; the three kinds of the paper.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum EditKind {
    /// Adds help, so that a weaker target manages the same.
    Compensation,
    /// Says the same in a form that demands less. Only this kind may change a code block.
    Substitution,
    /// Takes a demand away that the goal does not need.
    Elimination,
}

impl Edit {
    /// A replacement of `span`.
    #[must_use]
    pub fn replace(span: Span, replacement: impl Into<String>, reason: EditReason) -> Self {
        Self { span, replacement: replacement.into(), reason }
    }

    /// An insertion at `offset`.
    #[must_use]
    pub fn insert(offset: usize, text: impl Into<String>, reason: EditReason) -> Self {
        Self::replace(Span::at(offset), text, reason)
    }
}

impl EditReason {
    /// A reason without purpose, primitive and levels; set those fields where they are known.
    #[must_use]
    pub fn new(rule: impl Into<String>, kind: EditKind, note: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            kind,
            purpose: None,
            primitive: None,
            from: None,
            to: None,
            note: note.into(),
        }
    }

    /// The reason in one line: rule, primitive and levels, note.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut line = self.rule.clone();
        if let Some(primitive) = self.primitive {
            let _ = write!(line, " · {primitive}");
            if let (Some(from), Some(to)) = (self.from, self.to) {
                let _ = write!(line, " {from}→{to}");
            }
        }
        let _ = write!(line, " · {}", self.note);
        line
    }
}

/// An edit does not fit the source or the edits that are already there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The span leaves the source or splits a character.
    #[error("edit {rule:?} at bytes {start}..{end} does not lie in the source")]
    OutOfSource {
        /// The rule.
        rule: String,
        /// First byte.
        start: usize,
        /// One past the last byte.
        end: usize,
    },
    /// The span overlaps that of another edit.
    #[error("edit {rule:?} at bytes {start}..{end} overlaps edit {other:?}")]
    Overlap {
        /// The rule.
        rule: String,
        /// First byte.
        start: usize,
        /// One past the last byte.
        end: usize,
        /// The rule of the edit that was there first.
        other: String,
    },
}

/// Edits that fit together: sorted by place, none overlapping another.
///
/// ```
/// use skvm_core::edit::{Edit, EditKind, EditReason, Edits};
/// use skvm_core::span::Span;
///
/// let source = "run x\n";
/// let reason = EditReason::new("demo", EditKind::Substitution, "names the program");
/// let mut edits = Edits::default();
/// edits.insert(source, Edit::replace(Span::new(4, 5), "./x.sh", reason))?;
/// assert_eq!(edits.apply(source), "run ./x.sh\n");
/// assert!(edits.diff(source).contains("+run ./x.sh"));
/// # Ok::<(), skvm_core::edit::EditError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Edit>", into = "Vec<Edit>")]
pub struct Edits(Vec<Edit>);

impl From<Edits> for Vec<Edit> {
    fn from(edits: Edits) -> Self {
        edits.0
    }
}

/// Edits as they are read: in order, none overlapping another.
impl TryFrom<Vec<Edit>> for Edits {
    type Error = EditError;

    fn try_from(edits: Vec<Edit>) -> Result<Self, EditError> {
        let mut end = 0;
        for (index, edit) in edits.iter().enumerate() {
            let Span { start, end: after } = edit.span;
            let rule = || edit.reason.rule.clone();
            if after < start {
                return Err(EditError::OutOfSource { rule: rule(), start, end: after });
            }
            if start < end {
                let before = index.checked_sub(1).and_then(|before| edits.get(before));
                let other = before.map(|edit| edit.reason.rule.clone()).unwrap_or_default();
                return Err(EditError::Overlap { rule: rule(), start, end: after, other });
            }
            end = after;
        }
        Ok(Self(edits))
    }
}

impl Edits {
    /// Adds an edit. Insertions at the same place keep the order in which they came.
    ///
    /// # Errors
    /// [`EditError`] when the edit does not lie in `source` or overlaps another; nothing is added.
    pub fn insert(&mut self, source: &str, edit: Edit) -> Result<(), EditError> {
        let Span { start, end } = edit.span;
        let rule = || edit.reason.rule.clone();
        if edit.span.get(source).is_none() || end < start {
            return Err(EditError::OutOfSource { rule: rule(), start, end });
        }
        let at = self.0.partition_point(|other| (other.span.start, other.span.end) <= (start, end));
        let neighbours = [at.checked_sub(1).and_then(|at| self.0.get(at)), self.0.get(at)];
        if let Some(other) =
            neighbours.into_iter().flatten().find(|other| other.span.overlaps(edit.span))
        {
            let other = other.reason.rule.clone();
            return Err(EditError::Overlap { rule: rule(), start, end, other });
        }
        self.0.insert(at, edit);
        Ok(())
    }

    /// The edits by place.
    pub fn iter(&self) -> std::slice::Iter<'_, Edit> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same edits without the one at `index`: that edit reverted.
    #[must_use]
    pub fn without(&self, index: usize) -> Self {
        let kept = self.0.iter().enumerate().filter(|(at, _)| *at != index);
        Self(kept.map(|(_, edit)| edit.clone()).collect())
    }

    /// The source with every edit made. Bytes outside the edits are the source's own.
    #[must_use]
    pub fn apply(&self, source: &str) -> String {
        let grown: usize = self.0.iter().map(|edit| edit.replacement.len()).sum();
        let mut text = String::with_capacity(source.len() + grown);
        let mut at = 0;
        for edit in &self.0 {
            text.push_str(Span::new(at, edit.span.start).text(source));
            text.push_str(&edit.replacement);
            at = edit.span.end;
        }
        text.push_str(Span::new(at, source.len()).text(source));
        text
    }

    /// Where a byte of the source stands after [`Edits::apply`]; a byte that was replaced maps to
    /// the start of its replacement.
    #[must_use]
    pub fn map_offset(&self, offset: usize) -> usize {
        let mut mapped = offset;
        for edit in &self.0 {
            if edit.span.end <= offset {
                mapped = mapped - edit.span.len() + edit.replacement.len();
            } else if edit.span.start < offset {
                return mapped - (offset - edit.span.start);
            }
        }
        mapped
    }

    /// A diff by lines, each change headed by its reasons.
    #[must_use]
    pub fn diff(&self, source: &str) -> String {
        let lines = LineIndex::new(source);
        let mut diff = String::new();
        let mut edits = self.0.iter().peekable();
        while let Some(first) = edits.next() {
            let mut group = vec![first];
            let (first_line, mut last_line) =
                (lines.line(first.span.start), last_line(&lines, first));
            while let Some(next) = edits.next_if(|next| lines.line(next.span.start) <= last_line) {
                last_line = last_line.max(self::last_line(&lines, next));
                group.push(next);
            }
            let start = lines.start(first_line).unwrap_or(0);
            let end = lines.start(last_line + 1).unwrap_or(source.len());
            write_change(&mut diff, source, Span::new(start, end), first_line, &group);
        }
        diff
    }
}

impl<'e> IntoIterator for &'e Edits {
    type Item = &'e Edit;
    type IntoIter = std::slice::Iter<'e, Edit>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

fn last_line(lines: &LineIndex, edit: &Edit) -> usize {
    let last = if edit.span.is_empty() { edit.span.end } else { edit.span.end - 1 };
    lines.line(last)
}

/// Writes one change: the lines under `whole` before and after the edits of `group`. Lines that
/// insertions leave as they are carry no sign.
fn write_change(diff: &mut String, source: &str, whole: Span, line: usize, group: &[&Edit]) {
    let _ = writeln!(diff, "@@ line {line} @@");
    let mut told: Vec<String> = Vec::new();
    for summary in group.iter().map(|edit| edit.reason.summary()) {
        if !told.contains(&summary) {
            let _ = writeln!(diff, "# {summary}");
            told.push(summary);
        }
    }
    let mut after = String::new();
    let mut at = whole.start;
    for edit in group {
        after.push_str(Span::new(at, edit.span.start).text(source));
        after.push_str(&edit.replacement);
        at = edit.span.end;
    }
    after.push_str(Span::new(at, whole.end).text(source));
    let (before, after): (Vec<&str>, Vec<&str>) =
        (whole.text(source).lines().collect(), after.lines().collect());
    let head = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let tail = before[head..]
        .iter()
        .rev()
        .zip(after[head..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let signed = [
        (' ', &before[..head]),
        ('-', &before[head..before.len() - tail]),
        ('+', &after[head..after.len() - tail]),
        (' ', &before[before.len() - tail..]),
    ];
    for (sign, lines) in signed {
        for line in lines {
            let _ = writeln!(diff, "{sign}{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: usize, end: usize, text: &str) -> Edit {
        let reason = EditReason::new("t", EditKind::Compensation, "n");
        Edit::replace(Span::new(start, end), text, reason)
    }

    #[test]
    fn overlaps_are_refused_and_neighbours_are_not() {
        let source = "abcdef";
        let mut edits = Edits::default();
        edits.insert(source, edit(2, 4, "X")).unwrap();
        assert!(matches!(edits.insert(source, edit(3, 5, "Y")), Err(EditError::Overlap { .. })));
        assert!(matches!(edits.insert(source, edit(3, 3, "Y")), Err(EditError::Overlap { .. })));
        assert!(matches!(edits.insert(source, edit(1, 5, "Y")), Err(EditError::Overlap { .. })));
        edits.insert(source, edit(4, 5, "Z")).unwrap();
        edits.insert(source, edit(2, 2, "1")).unwrap();
        edits.insert(source, edit(2, 2, "2")).unwrap();
        assert_eq!(edits.apply(source), "ab12XZf");
        assert_eq!(edits.map_offset(5), 6);
        assert_eq!(edits.without(2).apply(source), "ab12cdZf");
    }

    #[test]
    fn edits_outside_the_source_are_refused() {
        let mut edits = Edits::default();
        for (start, end) in [(0, 9), (1, 2), (9, 9)] {
            assert!(edits.insert("é", edit(start, end, "")).is_err(), "{start}..{end}");
        }
    }
}
