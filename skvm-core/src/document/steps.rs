//! What is laid out as steps: numbered lists, "Step N" headings, check lists, bold "Step N" lines.

use std::collections::BTreeMap;

use super::Document;
use super::block::{BlockId, BlockKind, ListItem, SectionId};
use crate::span::Span;

/// Consecutive steps, in source order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepList {
    pub(super) kind: StepKind,
    pub(super) section: SectionId,
    pub(super) steps: Vec<Step>,
}

/// How steps are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// Items of an outermost numbered list; lists that go on counting after a code block are one.
    Numbered,
    /// Headings that begin with `Step 2`, `Phase 2`, `2.` or `第2步`.
    Heading,
    /// Items with a box to tick.
    Checklist,
    /// Paragraphs that begin with a bold `Step 2`.
    Bold,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub(super) number: Option<u64>,
    pub(super) text: Span,
    pub(super) span: Span,
    pub(super) section: SectionId,
}

impl StepList {
    /// How the steps are laid out.
    #[must_use]
    pub fn kind(&self) -> StepKind {
        self.kind
    }

    /// The section around the list; for headings, the section around the first of them.
    #[must_use]
    pub fn section(&self) -> SectionId {
        self.section
    }

    /// The steps, at least two.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// From the first step's start to the last one's end.
    #[must_use]
    pub fn span(&self) -> Span {
        match (self.steps.first(), self.steps.last()) {
            (Some(first), Some(last)) => Span::new(first.span.start, last.span.end),
            _ => Span::at(0),
        }
    }
}

impl Step {
    /// The number that the author gave it.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// The line that names it: an item's first text, a heading's line, a bold opening.
    #[must_use]
    pub fn text(&self) -> Span {
        self.text
    }

    /// Everything that belongs to it.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// The section it stands in; for a heading, the section that it opens.
    #[must_use]
    pub fn section(&self) -> SectionId {
        self.section
    }
}

pub(super) fn find(source: &str, document: &Document, bold: &[Span]) -> Vec<StepList> {
    let mut lists = from_lists(document);
    lists.extend(from_headings(document));
    lists.extend(from_bold(source, document, bold));
    lists.retain(|list| list.steps.len() >= 2);
    lists.sort_by_key(|list| list.span().start);
    lists
}

fn from_lists(document: &Document) -> Vec<StepList> {
    let mut lists: Vec<StepList> = Vec::new();
    let mut current: Option<BlockId> = None;
    for item in document.items.iter().filter(|item| item.depth == 0) {
        let list = document.blocks.get(item.list.0).filter(|list| list.parent.is_none());
        let Some(list) = list else { continue };
        let kind = match (list.kind, item.task) {
            (_, Some(_)) => StepKind::Checklist,
            (BlockKind::OrderedList(_), None) => StepKind::Numbered,
            _ => continue,
        };
        let step = step_of(item);
        let goes_on = current == Some(item.list) || continues(lists.last(), kind, item);
        current = Some(item.list);
        match lists.last_mut() {
            Some(last) if goes_on && last.kind == kind => last.steps.push(step),
            _ => lists.push(StepList { kind, section: item.section, steps: vec![step] }),
        }
    }
    lists
}

/// Whether an item in a new list goes on counting where the last list of its section stopped.
fn continues(last: Option<&StepList>, kind: StepKind, item: &ListItem) -> bool {
    last.is_some_and(|last| {
        last.kind == StepKind::Numbered
            && kind == StepKind::Numbered
            && last.section == item.section
            && last.steps.last().and_then(|step| step.number).map(|n| n.saturating_add(1))
                == item.number
    })
}

fn step_of(item: &ListItem) -> Step {
    Step { number: item.number, text: item.text, span: item.span, section: item.section }
}

fn from_headings(document: &Document) -> Vec<StepList> {
    let mut lists: Vec<StepList> = Vec::new();
    // The list that a heading goes on with, by the section around it and its level.
    let mut last: BTreeMap<(SectionId, u8), usize> = BTreeMap::new();
    for (index, section) in document.sections.iter().enumerate() {
        let Some(heading) = section.heading() else { continue };
        let Some(number) = step_number(heading.text()) else { continue };
        let parent = section.parent.unwrap_or(SectionId(0));
        let step = Step {
            number: Some(number),
            text: heading.span(),
            span: section.span,
            section: SectionId(index),
        };
        let key = (parent, section.level());
        match last.get(&key).and_then(|at| lists.get_mut(*at)) {
            Some(list) if list.steps.last().and_then(|s| s.number) < Some(number) => {
                list.steps.push(step);
            }
            _ => {
                last.insert(key, lists.len());
                lists.push(StepList {
                    kind: StepKind::Heading,
                    section: parent,
                    steps: vec![step],
                });
            }
        }
    }
    lists
}

fn from_bold(source: &str, document: &Document, bold: &[Span]) -> Vec<StepList> {
    let mut lists: Vec<StepList> = Vec::new();
    for opening in bold {
        let text = opening.text(source).trim_matches('*').trim_matches('_');
        let Some(number) = worded_step_number(text) else { continue };
        let section = document.section_at(opening.start);
        let end = document.section(section).own_span().end;
        let step = Step {
            number: Some(number),
            text: *opening,
            span: Span::new(opening.start, end),
            section,
        };
        match lists.last_mut().filter(|list| list.section == section) {
            Some(list) => {
                if let Some(previous) = list.steps.last_mut() {
                    previous.span = Span::new(previous.span.start, opening.start);
                }
                list.steps.push(step);
            }
            None => lists.push(StepList { kind: StepKind::Bold, section, steps: vec![step] }),
        }
    }
    lists
}

/// The number of a heading that names a step: `Step 2: …`, `Phase 2`, `2. …`, `2) …`, `第2步`.
fn step_number(title: &str) -> Option<u64> {
    let plain = title.trim_start_matches(|c: char| !c.is_alphanumeric());
    worded_step_number(plain).or_else(|| {
        let (number, rest) = leading_number(plain)?;
        let mut rest = rest.chars();
        let marked = matches!(rest.next(), Some('.' | ')' | '、' | ':'));
        (marked && rest.next().is_none_or(char::is_whitespace)).then_some(number)
    })
}

/// The number behind a word that means step, in English or Chinese.
fn worded_step_number(text: &str) -> Option<u64> {
    if let Some(rest) = text.strip_prefix('第') {
        let (number, rest) = leading_number(rest)?;
        return (rest.starts_with(['步', '章']) || rest.starts_with("阶段")).then_some(number);
    }
    let (word, rest) = text.split_once(' ')?;
    ["step", "phase", "stage"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
        .then(|| leading_number(rest.trim_start()).map(|(number, _)| number))
        .flatten()
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    const CHINESE: [char; 10] = ['一', '二', '三', '四', '五', '六', '七', '八', '九', '十'];
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        return Some((text.get(..digits)?.parse().ok()?, text.get(digits..)?));
    }
    let first = text.chars().next()?;
    let at = CHINESE.iter().position(|digit| *digit == first)?;
    Some((at as u64 + 1, text.get(first.len_utf8()..)?))
}
