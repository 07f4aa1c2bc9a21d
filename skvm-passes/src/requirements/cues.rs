//! Words in name and description that tell what a skill is about.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use skvm_core::capability::{Level, Primitive as P};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::evidence::Collector;

/// A cue, what it tells, and how often it is right in name and description (measured by hand on 15
/// to 20 skills a primitive).
struct Cue {
    word: &'static str,
    primitive: P,
    level: Level,
    precision: f32,
}

const fn cue(word: &'static str, primitive: P, level: Level, precision: f32) -> Cue {
    Cue { word, primitive, level, precision }
}

const CUES: [Cue; 34] = [
    cue("browser automation", P::ToolBrowser, Level::L2, 0.87),
    cue("playwright", P::ToolBrowser, Level::L2, 0.87),
    cue("puppeteer", P::ToolBrowser, Level::L2, 0.87),
    cue("headless browser", P::ToolBrowser, Level::L2, 0.87),
    cue("blog post", P::GenTextProse, Level::L2, 0.87),
    cue("newsletter", P::GenTextProse, Level::L2, 0.87),
    cue("copywriting", P::GenTextProse, Level::L2, 0.87),
    cue("write email", P::GenTextProse, Level::L1, 0.87),
    cue("draft email", P::GenTextProse, Level::L1, 0.87),
    cue("article", P::GenTextProse, Level::L2, 0.87),
    cue("long-form", P::GenTextLong, Level::L2, 0.7),
    cue("report", P::GenTextLong, Level::L1, 0.6),
    cue("calculate", P::ReasonArithmetic, Level::L2, 0.73),
    cue("calculator", P::ReasonArithmetic, Level::L2, 0.73),
    cue("average", P::ReasonArithmetic, Level::L2, 0.73),
    cue("compound interest", P::ReasonArithmetic, Level::L3, 0.73),
    cue("valuation", P::ReasonArithmetic, Level::L3, 0.73),
    cue("latitude", P::ReasonSpatial, Level::L2, 0.53),
    cue("coordinates", P::ReasonSpatial, Level::L2, 0.53),
    cue("3d model", P::ReasonSpatial, Level::L3, 0.53),
    cue("code review", P::ReasonAnalysis, Level::L2, 0.5),
    cue("debug", P::ReasonAnalysis, Level::L2, 0.5),
    cue("refactor", P::ReasonAnalysis, Level::L2, 0.5),
    cue("root cause", P::ReasonAnalysis, Level::L3, 0.5),
    cue("codebase", P::ReasonAnalysis, Level::L3, 0.5),
    cue("optimize", P::ReasonLogic, Level::L3, 0.5),
    cue("trade-off", P::ReasonLogic, Level::L3, 0.5),
    cue("decision", P::ReasonLogic, Level::L1, 0.5),
    cue("regular expression", P::GenRegex, Level::L2, 0.7),
    cue("regex", P::GenRegex, Level::L2, 0.7),
    cue("tone of voice", P::FollowStyle, Level::L1, 0.7),
    cue("brand voice", P::FollowStyle, Level::L3, 0.7),
    cue("persona", P::FollowStyle, Level::L2, 0.6),
    cue("plan", P::ReasonPlanning, Level::L1, 0.5),
];

static AUTOMATON: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder().ascii_case_insensitive(true).build(CUES.iter().map(|cue| cue.word)).ok()
});

pub(super) fn collect(skill: &Skill, collector: &mut Collector<'_>) {
    let Some(automaton) = AUTOMATON.as_ref() else { return };
    let front_matter = skill.front_matter().span();
    let source = skill.source();
    let texts = [skill.name(), skill.description().unwrap_or("")];
    for text in texts {
        for found in automaton.find_iter(text) {
            if !stands_alone(text, found.start(), found.end()) {
                continue;
            }
            let cue = &CUES[found.pattern().as_usize()];
            let word = text.get(found.range()).unwrap_or(cue.word);
            // The description may be folded over lines, so its words are looked up in the source.
            let span = front_matter.and_then(|block| {
                let at = block.text(source).find(word)?;
                Some(Span::new(at, at + word.len()).shifted(block.start))
            });
            let evidence = format!("its description speaks of {:?}", cue.word);
            collector.add_whole(cue.primitive, cue.level, &evidence, span, cue.precision);
        }
    }
}

/// Whether a match is a word of its own, in singular or plural.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|head| head.chars().next_back());
    let mut after = text.get(end..).unwrap_or("").chars();
    let next = match after.next() {
        Some('s') => after.next(),
        next => next,
    };
    before.is_none_or(|c| !c.is_alphanumeric()) && next.is_none_or(|c| !c.is_alphanumeric())
}
