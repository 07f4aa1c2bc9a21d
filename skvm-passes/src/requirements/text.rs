//! What the prose of a skill demands by its form: constraints, conditions, procedures, formats.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use skvm_core::capability::{Level, Primitive as P};
use skvm_core::document::{BlockKind, Document, SectionId, StepList};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::evidence::Collector;
use crate::concurrency::is_procedure;

pub(super) fn collect(skill: &Skill, collector: &mut Collector<'_>) {
    constraints_and_conditions(skill, collector);
    for list in skill.document().step_lists() {
        if collector.demands(list.section()) && is_procedure(skill, list) {
            procedure(skill, list, collector);
        }
    }
    formats(skill, collector);
    references(skill, collector);
}

/// Words that bind, in capitals as authors write them, and their plain negations.
static BINDING: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(BINDING_WORDS).ok()
});
const BINDING_WORDS: [&str; 14] = [
    "MUST NOT", "MUST", "NEVER", "ALWAYS", "DO NOT", "Do not", "do not", "Don't", "don't", "Never",
    "never ", "Always", "must not", "must ",
];
/// Those of [`BINDING_WORDS`] that forbid.
const NEGATIVE: [bool; 14] =
    [true, false, true, false, true, true, true, true, true, true, true, false, true, false];

#[derive(Default)]
struct Counts {
    binding: Vec<Span>,
    negative: usize,
    conditions: Vec<Span>,
}

fn constraints_and_conditions(skill: &Skill, collector: &mut Collector<'_>) {
    let (document, source) = (skill.document(), skill.source());
    let mut by_section: Vec<Counts> = Vec::new();
    by_section.resize_with(document.sections().len(), Counts::default);
    for (section, span) in prose(document) {
        let Some(counts) = by_section.get_mut(section.index()) else { continue };
        let text = span.text(source);
        if let Some(binding) = BINDING.as_ref() {
            for found in binding.find_iter(text) {
                counts.binding.push(Span::new(found.start(), found.end()).shifted(span.start));
                counts.negative += usize::from(NEGATIVE[found.pattern().as_usize()]);
            }
        }
        let plain = text.trim_start_matches(|c: char| !c.is_alphabetic());
        if ["If ", "When ", "Unless ", "Otherwise"].iter().any(|word| plain.starts_with(word)) {
            counts.conditions.push(first_line(span, source));
        }
    }
    for (section, counts) in document.sections().iter().zip(by_section) {
        let id = document.section_at(section.span().start);
        let level = match (counts.binding.len(), counts.negative) {
            (0, _) => None,
            (5.., 5..) => Some(Level::L3),
            (3.., _) => Some(Level::L2),
            _ => Some(Level::L1),
        };
        for span in level.iter().flat_map(|_| counts.binding.iter().take(4)) {
            let level = level.unwrap_or(Level::L1);
            collector.add(id, P::FollowConstraint, level, "binding words", *span);
        }
        let level = match counts.conditions.len() {
            0..3 => None,
            3..5 => Some(Level::L1),
            _ => Some(Level::L2),
        };
        for (level, span) in
            level.into_iter().flat_map(|l| counts.conditions.iter().take(4).map(move |s| (l, *s)))
        {
            collector.add(id, P::ReasonLogic, level, "several conditions", span);
        }
    }
}

/// Paragraphs and the texts of list items, outside quotations.
fn prose(document: &Document) -> impl Iterator<Item = (SectionId, Span)> + '_ {
    let mut quoted_until = 0;
    document.blocks().iter().enumerate().filter_map(move |(index, block)| {
        if block.kind() == BlockKind::Quote {
            quoted_until = quoted_until.max(block.subtree_end().index());
        }
        if index < quoted_until {
            return None;
        }
        match block.kind() {
            BlockKind::Paragraph => Some((block.section(), block.span())),
            BlockKind::Item(item) => {
                let item = document.items().get(item)?;
                // The text of a loose item is a paragraph, which comes by itself.
                let loose = document.blocks().get(index + 1).is_some_and(|next| {
                    next.kind() == BlockKind::Paragraph && item.span().contains(next.span())
                });
                (!loose).then(|| (item.section(), item.text()))
            }
            _ => None,
        }
    })
}

fn first_line(span: Span, source: &str) -> Span {
    let length = span.text(source).lines().next().map_or(0, str::len);
    Span::new(span.start, span.start + length)
}

fn procedure(skill: &Skill, list: &StepList, collector: &mut Collector<'_>) {
    let source = skill.source();
    let texts = || list.steps().iter().map(|step| step.span().text(source));
    let has = |cues: &[&str]| texts().any(|text| cues.iter().any(|cue| text.contains(cue)));
    let branches = has(&["If ", "if ", "Otherwise", "otherwise"]);
    let loops = has(&["Repeat", "repeat", "until ", "For each", "for each", "every "]);
    let verifies = has(&["Verify", "verify", "Check", "check that", "Confirm"]);
    let (level, evidence) = match list.steps().len() {
        _ if loops && verifies && branches => (Level::L3, "a procedure with loops and checks"),
        5.. if branches => (Level::L2, "a procedure with branches"),
        _ => (Level::L1, "a procedure"),
    };
    let section = list.section();
    for step in list.steps() {
        let span = first_line(step.text(), source);
        collector.add(section, P::FollowProcedure, level, evidence, span);
    }
    let plans =
        if has(&["fallback", "fall back", "retry", "Retry"]) { Level::L2 } else { Level::L1 };
    let first = list.steps().first().map_or(list.span(), |step| first_line(step.text(), source));
    collector.add(section, P::ReasonPlanning, plans, "several steps to keep in order", first);
    if let Some(at) = texts().zip(list.steps()).find_map(|(text, step)| {
        ["in parallel", "concurrently", "simultaneously"].iter().find_map(|cue| {
            text.find(cue).map(|at| Span::new(at, at + cue.len()).shifted(step.span().start))
        })
    }) {
        collector.add(section, P::ToolCallBatch, Level::L1, "several calls at the same time", at);
    }
}

/// Sections that ask for an output in some form, and templates to fill in.
fn formats(skill: &Skill, collector: &mut Collector<'_>) {
    use skvm_core::document::Language;

    let document = skill.document();
    for (index, section) in document.sections().iter().enumerate() {
        let Some(heading) = section.heading() else { continue };
        let title = heading.text().to_lowercase();
        if !["output format", "output", "report format", "response format", "format", "template"]
            .iter()
            .any(|known| title == *known || title.ends_with(&format!(" {known}")))
        {
            continue;
        }
        let id = document.section_at(section.span().start);
        if id.index() != index {
            continue;
        }
        collector.add(id, P::FollowFormat, Level::L1, "names an output format", heading.span());
        for fence in document.fences().iter().filter(|fence| section.span().contains(fence.span()))
        {
            match fence.language() {
                Language::Json | Language::Yaml => {
                    collector.add(id, P::FollowFormat, Level::L2, "gives a schema", fence.span());
                }
                Language::Markdown | Language::Unlabelled => {
                    let size = fence.code(skill.source()).len();
                    let long = match size {
                        5000.. => Some(Level::L3),
                        1000.. => Some(Level::L2),
                        _ => None,
                    };
                    if let Some(level) = long {
                        collector.add(id, P::GenTextLong, level, "a long template", fence.span());
                    }
                }
                _ => {}
            }
        }
    }
}

/// Links to files of the skill have to be read.
fn references(skill: &Skill, collector: &mut Collector<'_>) {
    let mut linked = 0;
    for link in skill.document().links() {
        let path = link.dest().split('#').next().unwrap_or("");
        if !path.is_empty() && !path.contains("://") && skill.bundle().resolve(path).is_some() {
            linked += 1;
            let level = if linked >= 3 { Level::L2 } else { Level::L1 };
            collector.add(
                link.section(),
                P::ToolFileRead,
                level,
                "links to its own files",
                link.span(),
            );
        }
    }
}
