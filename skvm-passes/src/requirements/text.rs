//! What the prose of a skill demands by its form: constraints, conditions, procedures, formats.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use skvm_core::capability::{Level, Primitive as P};
use skvm_core::document::{BlockKind, CodeSpan, Document, SectionId, StepList};
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

/// What the items of a check list of constraints begin with.
pub(crate) const CHECK_PREFIXES: [&str; 2] = ["Done: ", "Done without this: "];

/// One place that binds: the word, and whether it forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) span: Span,
    pub(crate) negative: bool,
}

/// What the prose of one section binds and asks to decide.
#[derive(Debug, Clone, Default)]
struct Counts {
    bindings: Vec<Binding>,
    conditions: Vec<Span>,
    checks: usize,
}

/// The binding words in a skill's prose, by section. Check lists of constraints do not count.
pub(crate) fn bindings(skill: &Skill) -> Vec<Vec<Binding>> {
    counts(skill).into_iter().map(|counts| counts.bindings).collect()
}

fn counts(skill: &Skill) -> Vec<Counts> {
    let (document, source) = (skill.document(), skill.source());
    let mut by_section = vec![Counts::default(); document.sections().len()];
    for (section, span) in prose(document) {
        let Some(counts) = by_section.get_mut(section.index()) else { continue };
        let text = span.text(source);
        let item = text.trim_start_matches(['[', 'x', ' ', ']']);
        if CHECK_PREFIXES.iter().any(|prefix| item.starts_with(prefix)) {
            counts.checks += 1;
            continue;
        }
        if let Some(binding) = BINDING.as_ref() {
            let binds = |end: usize| !follows_relief(text.get(end..).unwrap_or(""));
            let found = binding.find_iter(text).filter(|found| binds(found.end()));
            counts.bindings.extend(found.map(|found| Binding {
                span: Span::new(found.start(), found.end()).shifted(span.start),
                negative: NEGATIVE[found.pattern().as_usize()],
            }));
        }
        let plain = text.trim_start_matches(|c: char| !c.is_alphabetic());
        if ["If ", "When ", "Unless ", "Otherwise"].iter().any(|word| plain.starts_with(word)) {
            counts.conditions.push(first_line(span, source));
        }
    }
    by_section
}

/// Whether words turn "do not" into "you need not".
fn follows_relief(rest: &str) -> bool {
    let rest = rest.trim_start();
    ["need", "have to", "worry", "hesitate"].iter().any(|word| rest.starts_with(word))
}

fn constraints_and_conditions(skill: &Skill, collector: &mut Collector<'_>) {
    let document = skill.document();
    for (section, counts) in document.sections().iter().zip(counts(skill)) {
        let id = document.section_at(section.span().start);
        let negative = counts.bindings.iter().filter(|binding| binding.negative).count();
        let checked = counts.checks > 0 && counts.checks >= counts.bindings.len().min(MAX_CHECKS);
        let (level, evidence) = match (counts.bindings.len(), negative) {
            (0, _) => (None, ""),
            _ if checked => (Some(Level::L1), "binding words, each with its check"),
            (5.., 5..) => (Some(Level::L3), "many words that forbid"),
            (3.., _) => (Some(Level::L2), "several binding words"),
            _ => (Some(Level::L1), "binding words"),
        };
        if let Some(level) = level {
            for binding in counts.bindings.iter().take(4) {
                collector.add(id, P::FollowConstraint, level, evidence, binding.span);
            }
        }
        let level = match counts.conditions.len() {
            0..3 => continue,
            3..5 => Level::L1,
            _ => Level::L2,
        };
        for span in counts.conditions.iter().take(4) {
            collector.add(id, P::ReasonLogic, level, "several conditions", *span);
        }
    }
}

/// Most constraints that one check list restates.
pub(crate) const MAX_CHECKS: usize = 8;

/// Paragraphs and the texts of list items, outside quotations.
pub(super) fn prose(document: &Document) -> impl Iterator<Item = (SectionId, Span)> + '_ {
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

/// Whether a step asks to try again until something is reached, without saying when to stop. Work on
/// each of several things ends by itself, and waiting for a person is not to be cut short.
pub(crate) fn is_unbounded_loop(text: &str) -> bool {
    let lower = text.to_lowercase();
    let has = |cues: &[&str]| cues.iter().any(|cue| lower.contains(cue));
    let tries = has(&["repeat", "keep trying", "try again", "retry", "iterate", "loop"]);
    let towards = has(&[" until ", "until all", "keep trying", "try again", "retry", "as needed"]);
    let ends = has(&[
        "each",
        "every",
        " all ",
        "at most",
        "up to",
        "maximum",
        "max ",
        "no more than",
        " times",
        "rounds",
        "once",
    ]);
    let awaits = has(&["user", "approv", "confirm", "wait", "human", "permission"]);
    let negated = has(&["don't", "do not", "never", "not repeat", "avoid"]);
    tries && towards && !ends && !awaits && !negated
}

fn procedure(skill: &Skill, list: &StepList, collector: &mut Collector<'_>) {
    let source = skill.source();
    let texts = || list.steps().iter().map(|step| step.span().text(source));
    let has = |cues: &[&str]| texts().any(|text| cues.iter().any(|cue| text.contains(cue)));
    let branches = has(&["If ", "if ", "Otherwise", "otherwise"]);
    let loops = texts().any(is_unbounded_loop);
    let verifies = has(&["Verify", "verify", "Check ", "check that", "Confirm"]);
    let (level, evidence) = match list.steps().len() {
        _ if loops && verifies => (Level::L3, "a procedure with loops and checks"),
        5.. if branches => (Level::L2, "a procedure with branches"),
        _ if loops => (Level::L2, "a procedure with a loop"),
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
        let first = document.fences().partition_point(|f| f.span().start < section.span().start);
        let below = document.fences().iter().skip(first);
        for fence in below.take_while(|fence| section.span().contains(fence.span())) {
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

/// Inline code that names a folder of the skill's files (`references/`, `references/*.md`) and leaves
/// it to the reader to find out which files those are, with the folder. A folder whose files are listed
/// at one place is known at the others.
pub(crate) fn unlisted_folders(skill: &Skill) -> Vec<(&CodeSpan, &str)> {
    let spans = skill.document().code_spans();
    let named: Vec<(&CodeSpan, &str)> =
        spans.iter().filter_map(|code| Some((code, names_folder_of_files(skill, code)?))).collect();
    let listed: BTreeSet<&str> = named
        .iter()
        .filter(|(code, _)| {
            skill.source().get(code.span().end..).unwrap_or("").starts_with(FILES_FOLLOW)
        })
        .map(|(_, folder)| *folder)
        .collect();
    named.into_iter().filter(|(_, folder)| !listed.contains(folder)).collect()
}

fn names_folder_of_files<'s>(skill: &'s Skill, code: &CodeSpan) -> Option<&'s str> {
    let text = code.content().text(skill.source());
    let folder = text.strip_prefix("./").unwrap_or(text);
    let folder = folder.strip_suffix("*.md").or(folder.strip_suffix('*')).unwrap_or(folder);
    let names_one = folder.len() > 1
        && folder.ends_with('/')
        && skill.bundle().files().iter().any(|file| file.path().starts_with(folder));
    names_one.then_some(folder)
}

/// What stands behind the name of a folder whose files are listed.
pub(crate) const FILES_FOLLOW: &str = " (these files: ";

/// Links to files of the skill have to be read.
fn references(skill: &Skill, collector: &mut Collector<'_>) {
    let mut linked = 0;
    for link in skill.document().links() {
        let path = link.dest().split('#').next().unwrap_or("");
        let is_own =
            !path.is_empty() && !path.contains("://") && skill.bundle().resolve(path).is_some();
        if is_own {
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
    for (code, _) in unlisted_folders(skill) {
        let evidence = "names a folder of files to read";
        collector.add(code.section(), P::ToolFileRead, Level::L2, evidence, code.span());
    }
}
